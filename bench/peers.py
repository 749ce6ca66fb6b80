"""Measures Assay beside its peers: the same payments, model and rules, one after the other on this machine.

    make bench-peers                                  # everything: five rounds, an hour or so
    .venv/bin/python bench/peers.py --quick           # a short try, into build/bench-peers/quick
    .venv/bin/python bench/peers.py --systems assay,null --rounds 3 --seconds 2
    .venv/bin/python bench/peers.py --report-only     # the report again, from what was measured

First all systems decide the same payments; if one score differs in one bit, nothing is measured. What was measured lies
in build/bench-peers/ as JSON, a file a round: the same command goes on where it was stopped. The report is
bench/RESULTS.md; bench/README.md says how to read it.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agree
import machine
import measure
import prepare
import report
import results
import systems
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from systems import BenchError, System, Variant

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench-peers"
console = Console(stderr=True, highlight=False)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    arguments: argparse.Namespace
    out: Path
    data: Path
    load: Path
    systems: list[System]
    say: Say

    def log(self, name: str) -> Path:
        folder = self.out / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    @property
    def settings(self) -> measure.Settings:
        return measure.Settings(self.load, self.data, self.arguments.seconds, self.arguments.foreign, self.say)


# --- the steps -------------------------------------------------------------------------------------------------------


def build_all(run: Run) -> None:
    run.say("building the generator")
    prepare.run("cmake", "-G", "Ninja", "-S", ROOT, "-B", run.load.parent)
    prepare.run("cmake", "--build", run.load.parent, "--target", "assay-load")
    run.say("payments and model (once; a minute)")
    prepare.prepare(run.data, run.arguments.check)
    for system in run.systems:
        run.say(f"building {system.name}")
        system.build()


def compare(run: Run) -> None:
    """Equal scores, or nothing is measured."""
    payments = (run.data / "check.jsonl").read_text(encoding="utf-8").splitlines()
    deciding = [system for system in run.systems if not system.is_null]
    found, over_http = {}, {}
    for system in deciding:
        run.say(f"scores: {system.name}, {len(payments):,} payments in process")
        found[system.name] = agree.decisions_of(system, run.data / "check.jsonl")
    agree.require_equal(found, payments)
    some = payments[: run.arguments.check_http]
    for system in deciding:
        variant = systems.default_variants(system, machine.CORES)[0]
        run.say(f"scores: {system.name}, {len(some):,} payments over HTTP")
        answers = agree.posted(variant, some, run.log(f"{variant.name}-check"))
        agree.require_equal({system.name: found[system.name][: len(some)], f"{system.name} (HTTP)": answers}, some)
        over_http[system.name] = answers
    measure.save(run.out / "agree.json", agree.summary(found, over_http))


def worker_counts(run: Run, default: Variant) -> list[int]:
    """Those tried; the default first."""
    others = [] if run.arguments.quick else sorted({1, machine.CORES, 2 * machine.CORES} - {default.workers})
    return [default.workers, *others]


def choose(run: Run, default: Variant, peaks: dict[str, float]) -> list[tuple[Variant, bool, bool]]:
    """A system at its default number of workers, and at the best where that is another: (what, is default, is best)."""
    tried = [default.with_workers(count) for count in worker_counts(run, default)]
    for variant in tried:
        run.say(f"{variant.label}: which rates, how many workers")
        peaks[variant.name] = measure.calibrate(run.settings, variant, run.log(f"{variant.name}-calibration"))
    best = max(tried, key=lambda variant: peaks[variant.name])
    if peaks[best.name] < 1.05 * peaks[default.name]:  # no better than the noise
        return [(default, True, True)]
    return [(default, True, False), (best, False, True)]


def make_plan(run: Run) -> list[dict[str, Any]]:
    """What is measured, and at which rates: Assay and the null server also at those that Python's peak and the goals
    name."""
    peaks: dict[str, float] = {}
    defaults = [variant for system in run.systems for variant in systems.default_variants(system, machine.CORES)]
    chosen = [one for default in defaults for one in choose(run, default, peaks)]
    python = [measure.round_rate(peaks[v.name]) for v, _, _ in chosen if v.system.name == "python-first"]
    plan = []
    for variant, is_default, is_best in chosen:
        also = [*python, *measure.COMMON_RATES] if variant.system.name in ("assay", "null") else []
        plan.append(
            {
                "variant": variant.name,
                "system": variant.system.name,
                "label": variant.label,
                "workers": variant.workers,
                "setting": variant.setting,
                "environment": dict(variant.environment),
                "calibrated_peak": peaks[variant.name],
                "is_default": is_default,
                "is_best": is_best,
                "rates": measure.rates_for(peaks[variant.name], also, few=run.arguments.quick),
            }
        )
    return plan


def key_of(run: Run) -> dict[str, Any]:
    """What two runs must share for their rounds to be put together."""
    return {
        "systems": [system.name for system in run.systems],
        "seconds": run.arguments.seconds,
        "check": run.arguments.check,
        "foreign": run.arguments.foreign,
        "quick": run.arguments.quick,
        "data": (run.data / "made-from").read_text(encoding="ascii"),
        "version": machine.first_line("git", "-C", str(ROOT), "rev-parse", "HEAD"),
    }


def resume(run: Run) -> Any:
    """What an earlier run of the same kind left; what another kind left is removed."""
    if (run.out / "run.json").is_file():
        before = results.read(run.out).run
        if before["key"] == key_of(run):
            return before
        console.print("what was measured before is of another version or other settings: beginning anew")
    for name in ("rounds", "stages"):
        shutil.rmtree(run.out / name, ignore_errors=True)
    return None


def split_stages(run: Run) -> None:
    """Where the time goes inside each process; a system may lack the program, which the report says."""
    for system in run.systems:
        file = run.out / "stages" / f"{system.name}.json"
        if system.is_null or not system.has("stages") or file.is_file():
            continue
        run.say(f"stages of {system.name}, in ns and in instructions")
        split = {"ns": system.stages(run.data / "stages.jsonl", "ns"), "instructions": None}
        if shutil.which("valgrind"):
            counted = system.stages(run.data / "stages.jsonl", "instructions")
            split["instructions"] = counted.get("instructions")
        measure.save(file, split)


def variant_of(run: Run, plan: dict[str, Any]) -> Variant:
    system = next(system for system in run.systems if system.name == plan["system"])
    return Variant(system, plan["workers"], plan["setting"], plan["environment"])


def measure_rounds(run: Run, plan: Sequence[dict[str, Any]], progress: Callable[[], None]) -> None:
    for number in range(1, run.arguments.rounds + 1):
        turn = number % len(plan)
        for one in (*plan[turn:], *plan[:turn]):  # nobody is always first
            variant = variant_of(run, one)
            file = run.out / "rounds" / f"{variant.name}-{number}.json"
            if not file.is_file():
                measure.save(file, measure.measure(run.settings, variant, one["rates"], run.log(variant.name)))
            progress()


def execute(run: Run, bar: Progress) -> None:
    build_all(run)
    before = resume(run)
    if before is None:
        compare(run)
        plan = make_plan(run)
        described = machine.describe(run.out, ROOT)
        today = datetime.date.today().isoformat()
        before = {"key": key_of(run), "date": today, "machine": described, "plan": plan, "settings": {
            "rounds": run.arguments.rounds, "seconds": run.arguments.seconds, "foreign": run.arguments.foreign,
            "quick": run.arguments.quick, "connections": measure.CONNECTIONS,
            "open_connections": measure.OPEN_CONNECTIONS, "trees": prepare.TREES,
            "leaves": prepare.LEAVES, "history": prepare.HISTORY,
            "model": (run.data / "model.txt").read_text(encoding="utf-8").strip()}}  # fmt: skip
        measure.save(run.out / "run.json", before)
    split_stages(run)
    task = bar.add_task("rounds", total=run.arguments.rounds * len(before["plan"]))
    measure_rounds(run, before["plan"], lambda: bar.advance(task))


# --- the command line ------------------------------------------------------------------------------------------------


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", help="names of folders in bench/peers, with commas (default: all there are)")
    parser.add_argument("--rounds", type=int, default=5, help="of every system, taking turns (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load, after a second of warming up (4)")
    parser.add_argument("--check", type=int, default=2000, help="payments whose scores must be equal (2000)")
    parser.add_argument("--check-http", type=int, default=200, help="of them also over HTTP (200)")
    parser.add_argument("--foreign", type=float, default=0.05, metavar="SHARE",
                        help="a run is thrown away if others used more of the machine's CPU time (0.05)")  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="one round of a second each, few rates, 300 payments compared"
    )
    parser.add_argument("--report-only", action="store_true", help="write the report from what was measured before")
    parser.add_argument("--report", type=Path, metavar="FILE", help="where the report goes (bench/RESULTS.md)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.check, arguments.check_http = 1, 1.0, 300, 50
    if arguments.rounds < 1 or arguments.seconds < 0.5 or not 1 <= arguments.check_http <= arguments.check:
        parser.error("at least one round of half a second, and no more payments over HTTP than in process")
    return arguments


def main() -> int:
    arguments = read_arguments()
    wanted = arguments.systems.split(",") if arguments.systems else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped then too
    out = BUILD / "quick" if arguments.quick else BUILD
    file = arguments.report or (out / "RESULTS.md" if arguments.quick else ROOT / "bench" / "RESULTS.md")
    try:
        if not arguments.report_only:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=console) as bar:
                found = systems.find(BUILD / "peers", BUILD / "data", wanted)
                generator = BUILD / "load" / "assay-load"
                run = Run(
                    arguments, out, BUILD / "data", generator, found, lambda text: bar.console.print(escape(text))
                )
                execute(run, bar)
        if not (out / "run.json").is_file():
            raise BenchError(
                f"nothing was measured yet: {out.relative_to(ROOT)} holds no run.json; leave out --report-only"
            )
        report.write(results.read(out), file)
    except BenchError as error:
        console.print(f"[bold red]bench-peers:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from here")
        return 130
    console.print(f"the report is in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
