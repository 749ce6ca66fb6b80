"""Writes the report from results.Results: ratios first, then each goal with where it stands, then the tables behind
them. What was not measured is named, with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import models_side
import plots
import text_section
import vectorize
from goals import goals, ratios
from results import Load, Results, Spread
from systems import KNOWN
from tables import table

FOREIGN_NORMAL = 0.1  # kernel threads that write for a server count as others
STAGES = ("parse", "features", "windows", "tokenization", "table", "model", "rules and reply", "journal")


def milliseconds(us: float) -> str:
    return f"{us / 1e3:,.0f} ms" if us >= 100_000 else f"{us / 1e3:.3g} ms"


def spread(value: Spread | None, unit: float = 1.0, digits: int = 0) -> str:
    """median (least-greatest)"""
    if value is None:
        return "-"
    median, low, high = (f"{number / unit:,.{digits}f}" for number in (value.median, value.low, value.high))
    return median if value.count == 1 else f"{median} ({low}-{high})"


def in_ms(value: Spread | None) -> str:
    if value is None:
        return "-"
    digits = 0 if value.median >= 100_000 else 1 if value.median >= 10_000 else 2 if value.median >= 1_000 else 3
    return spread(value, 1e3, digits)


# --- the sections ----------------------------------------------------------------------------------------------------


def warnings(found: Results) -> list[str]:
    lines = []
    settings = found.run["settings"]
    if settings["quick"]:
        lines.append("**A short try** (`--quick`): one round of a second; its numbers show that the command works.")
    runs = sum(len(variant.runs) for variant in found.variants)
    if found.disturbed:
        lines.append(
            f"**{found.disturbed} of {runs} loads were disturbed**: in every attempt others used more than "
            f"{settings['foreign']:.0%} of the machine. They are left out where a quiet round of the same load exists."
        )
    if found.foreign_share > FOREIGN_NORMAL:
        lines.append(
            f"**Others used up to {found.foreign_share:.0%} of the machine** during what is shown: do not rely on its "
            "seconds, nor on ratios between different moments."
        )
    short = [v.label for v in found.variants if len(v.rounds) < settings["rounds"]]
    if short:
        lines.append(f"**Not all of the {settings['rounds']} rounds are there** for {', '.join(short)}.")
    return [line for text in lines for line in (text, "")]


def ratio_section(found: Results) -> list[str]:
    lines = ["## Ratios", "", "Over 1: Assay is better.", ""]
    rows = [[one.what, one.ours, one.theirs, one.ratio] for one in ratios(found)]
    if not rows:
        return [*lines, "None: a ratio needs Assay and a peer in one run.", ""]
    return lines + table(["what", "Assay", "the other", "ratio"], rows)


def goal_section(found: Results) -> list[str]:
    rows = [[goal.number, goal.text, goal.state, goal.measured] for goal in goals(found)]
    return ["## Goals", "", "As `bench/README.md` lists them.", "", *table(["", "goal", "", "measured here"], rows)]


def agreement_section(found: Results) -> list[str]:
    lines = ["## The same scores", ""]
    agreed = found.agree
    if agreed is None:
        return [*lines, "Not compared.", ""]
    names = ", ".join(agreed["systems"])
    decided = ", ".join(f"{count:,} {name}" for name, count in agreed["decisions"].items())
    alone = (
        " (one system alone: nothing to compare with but its own answers over HTTP)"
        if len(agreed["systems"]) < 2
        else ""
    )
    http = ", ".join(f"{name} {count:,}" for name, count in agreed["over_http"].items())
    return [
        *lines,
        f"{names}{alone}: {agreed['payments']:,} payments from empty history, every decision equal and every score "
        f"equal bit for bit ({decided}; {agreed['different_scores']:,} different scores). Also over HTTP: {http}.",
        "",
        "No system has text tokens among its inputs yet, so none is measured with them.",
        "",
    ]


def peak_section(found: Results) -> list[str]:
    rows = []
    for variant in found.variants:
        peak = variant.peak
        memory = Spread.of(one["fresh_memory_mb"] for one in variant.rounds)
        rows.append([variant.label, spread(peak.done), in_ms(peak.latency_us("p50")), in_ms(peak.latency_us("p99")),
                     spread(peak.cpu_us, 1, 1), spread(memory, 1, 1), spread(peak.memory_mb, 1, 1),
                     marks(peak)])  # fmt: skip
    head = ["", "payments/s", "p50 ms", "p99 ms", "CPU us a request", "MB fresh", "MB then", ""]
    text = f"Closed loop, {found.run['settings']['connections']} connections, the generator on the same cores. "
    text += "CPU is the server's whole process tree, kernel included; memory counts shared pages once."
    return ["## Peak", "", text, "", *table(head, rows)]


def marks(load: Load) -> str:
    parts = []
    if load.behind:
        parts.append("behind")
    if load.failed_share:
        parts.append(f"{load.failed_share:.1%} failed or unanswered")
    if load.disturbed:
        parts.append("disturbed")
    return ", ".join(parts)


def open_section(found: Results) -> list[str]:
    lines = [
        "## Latency by rate",
        "",
        f"Open loop, {found.run['settings']['open_connections']} connections: counted from the time at which a payment "
        'was due. In ms. "Behind": fewer answers than asked for. '
        '"Own lag": by how much the generator sent too late at p99, part of the latency.',
        "",
    ]
    rows = [[variant.label, f"{load.rate:,.0f}", spread(load.done), in_ms(load.latency_us("p50")),
             in_ms(load.latency_us("p99")), in_ms(load.latency_us("p99.9")), in_ms(load.latency_us("p99.99")),
             spread(load.cpu_us, 1, 1), in_ms(load.own_lag), marks(load)]
            for variant in found.variants for load in variant.open]  # fmt: skip
    head = ["", "asked/s", "done/s", "p50", "p99", "p99.9", "p99.99", "CPU us", "own lag", ""]
    return [*lines, *table(head, rows), "![p99 by rate](results/latency-by-rate.svg)", ""]


def distribution(found: Results, file: Path) -> list[str]:
    """At the greatest rate that the most variants share."""
    counts: dict[float, list[tuple[str, Load]]] = {}
    for variant in found.variants:
        for load in variant.open:
            counts.setdefault(load.rate or 0.0, []).append((variant.label, load))
    if not counts:
        return []
    rate = max(counts, key=lambda rate: (len(counts[rate]), rate))
    plots.latency_distribution(counts[rate], f"Latency at {rate:,.0f} payments a second, all rounds", file)
    return [f"![latency at {rate:,.0f}/s](results/{file.name})", ""]


def stage_section(found: Results, file: Path) -> list[str]:
    lines = ["## Inside the process", ""]
    missing = sorted({v.system for v in found.variants if v.system != "null"} - set(found.stages))
    if missing:
        lines += [f"No split of {', '.join(missing)}: bench/peers/{missing[0]}/stages is not there.", ""]
    if not found.stages:
        return lines
    labels = {variant.system: variant.label.partition(" (")[0] for variant in found.variants}
    names = list(found.stages)
    for kind, unit in (("ns", "ns"), ("instructions", "instructions")):
        columns = {name: stages_of(found.stages[name], kind) for name in names}
        if not any(columns.values()):
            lines += (
                ["Instructions were not counted: valgrind or a system's part is lacking.", ""] if kind != "ns" else []
            )
            continue
        rows = [[stage, *(number((columns[name] or {}).get(stage)) for name in names)] for stage in STAGES]
        rows.append(["sum", *(number(sum(v for v in (columns[name] or {}).values() if v)) for name in names)])
        lines += [f"{unit} a payment, one thread, one payment at a time, no HTTP:", ""]
        lines += table(["stage", *(labels.get(name, name) for name in names)], rows)
    if plots.stage_split(found, STAGES, file):
        lines += [f"![stages](results/{file.name})", ""]
    return lines


def stages_of(raw: Any, kind: str) -> dict[str, float | None] | None:
    split: dict[str, float | None] | None = raw["ns"]["ns"] if kind == "ns" else raw["instructions"]
    return split


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def cost_section(found: Results) -> list[str]:
    lines = ["## Our three largest costs", ""]
    if "assay" not in found.stages:
        return [*lines, "Not known yet: bench/peers/assay/stages is not there.", ""]
    raw = found.stages["assay"]
    counts, ns = raw["instructions"], raw["ns"]["ns"]
    order = sorted((name for name in ns if ns[name]), key=lambda name: -((counts or ns).get(name) or 0))[:3]
    total = sum(value for value in (counts or ns).values() if value)
    rows = [[name, number(counts.get(name) if counts else None), number(ns[name]),
             f"{((counts or ns).get(name) or 0) / total:.0%}"] for name in order]  # fmt: skip
    of = "of the instructions" if counts else "of the time"
    return lines + table(["stage", "instructions", "ns", of], rows)


def gap_section(found: Results) -> list[str]:
    """Where the distance to the Rust layer lies, stage by stage, and what lies outside of the stages."""
    if "assay" not in found.stages or "rust" not in found.stages:
        return []
    ours, theirs = found.stages["assay"], found.stages["rust"]
    counts = (ours["instructions"] or {}, theirs["instructions"] or {})
    stages = [stage for stage in STAGES if ours["ns"]["ns"].get(stage) or theirs["ns"]["ns"].get(stage)]
    gap = {stage: (ours["ns"]["ns"].get(stage) or 0.0) - (theirs["ns"]["ns"].get(stage) or 0.0) for stage in stages}
    rows = []
    for stage in sorted(stages, key=lambda stage: -gap[stage]):
        times = [number(side["ns"]["ns"].get(stage)) for side in (ours, theirs)]
        rows.append([stage, *times, f"{gap[stage]:+,.0f}", *(number(side.get(stage)) for side in counts)])
    lines = ["## Where the distance to Rust lies", ""]
    lines += table(["stage", "Assay ns", "Rust ns", "difference", "Assay instructions", "Rust instructions"], rows)
    lines += [GAP_NOTE, ""]
    inside = sum(value for value in ours["ns"]["ns"].values() if value) / 1000
    peaks = [variant for variant in found.variants if variant.system == "assay"]
    for variant in peaks:
        spread = variant.peak.cpu_us
        if spread is not None and spread.median > inside:
            lines.append(
                f"- {variant.label}: {spread.median:.1f} us of CPU a request at the peak, of which {inside:.1f} us are "
                f"the stages; {spread.median - inside:.1f} us are HTTP, the kernel, the log's threads and cold caches."
            )
    return [*lines, ""]


def handbook_section(handbook: Any) -> list[str]:
    """What handbook.py measured, and why it is what it is."""
    lines = ["## Backfill of the Handbook's windows", ""]
    if handbook is None:
        return [*lines, "Not measured: `bench/handbook.py` does it.", ""]
    ours = handbook["seconds"]["Assay"]
    rows = [[name, f"{taken:.2f}", f"{taken / ours:.1f}"] for name, taken in handbook["seconds"].items()]
    lines += [f"{handbook['rows']:,} transactions in memory, twelve windows, one core each, equal numbers:", ""]
    return [*lines, *table(["", "seconds", "times Assay's"], rows), HANDBOOK_NOTE, ""]


HANDBOOK_NOTE = (
    "Assay takes the labels as events of their own, so it handles twice as many events. Of its time (sampled) 39% go "
    "into walking and adding a key's events, once for each window although those of a key differ in length only; 6% "
    "into dropping old ones, 6% into finding and locking keys, 4% into the kernel's clearing of fresh pages. The "
    "others sort whole columns and know a label before its week is over."
)
GAP_NOTE = (
    "Instructions are counted by valgrind, which knows no AVX-512: of the model they are those of the plain walk, "
    "while the time is that of the byte lanes where the processor has them. Assay's journal is in its sum; the peers "
    "have none. Every pass begins with an empty engine, so first touches of memory count in windows and journal."
)
CHANGE_NOTE = (
    "Five feature requests (`bench/changes/`), each written as whoever keeps that system would write it, and "
    "kept as a patch; code only, no tests and no pages. After it all systems decide the same payments: every "
    "value that they show, every score and decision equal, or nothing is shown here (with chargebacks over "
    "HTTP: score, decision and rules). Seconds run from the saved files to the first answer that shows the new "
    'rule, "no answer" is the part of them in which payments were refused, "answers until it fires" counts from '
    "the restart. **What a restart forgets is part of the price**: the peers' windows are in memory and empty "
    "afterwards, so that the velocity of request 2 counts from nothing, as do all their other windows for up to "
    "ninety days. Assay fills them from its journal, the new ones too; only the chargebacks of request 5, which "
    "it refused before, begin anew everywhere. With `--reload` it builds and restarts by itself, and a start "
    "folds the whole journal: here a few payments, in life more, which takes longer. Not in the seconds: "
    "review, tests, a deployment."
)


def change_section(changes: Any) -> list[str]:
    """What changes.py measured; it prints the same."""
    lines = ["## The cost of change", ""]
    if changes is None:
        return [*lines, "Not measured: `make bench-changes` does it.", ""]
    rows = []
    for request in changes["requests"]:
        for n, one in enumerate(request["systems"]):
            size = f"+{one['added']} -{one['removed']}"
            built = f" (build {one['build_seconds']:.1f})" if one["build_seconds"] else ""
            label = KNOWN.get(one["system"], (one["system"], 1))[0]
            request_cell = "" if n else f"{request['name']}: {request['title']}"
            live, away = f"{one['seconds']:.2f}{built}", f"{one['away_seconds']:.2f}"
            rows.append([request_cell, label, str(one["files"]), size, one["rebuilt"], one["restarted"],
                         live, away, str(one["answers"])])  # fmt: skip
    head = ["request", "", "files", "lines", "rebuilt", "restarted", "seconds to live", "no answer, s",
            "answers until it fires"]  # fmt: skip
    return [*lines, CHANGE_NOTE, "", *table(head, rows)]


def machine_section(found: Results) -> list[str]:
    machine, settings = found.run["machine"], found.run["settings"]
    sync = machine["sync_us"]
    model = next((line for line in settings["model"].splitlines() if "trees over" in line), "")
    rows = [
        ["CPU", f"{machine['cpu']}, {machine['cores']} cores" + (", virtual" if machine["virtual"] else "")],
        ["AVX-512 VBMI", "yes" if machine["avx512_vbmi"] else "no"],
        ["memory", f"{machine['memory_gib']} GiB"],
        ["kernel", f"Linux {machine['kernel']}"],
        ["disk", f"{machine['file_system']}; 64 KiB and fdatasync p50 {milliseconds(sync['p50'])}, "
                 f"p99 {milliseconds(sync['p99'])}"],
        *([name, version] for name, version in machine["versions"].items() if version),
        ["model", f"LightGBM, {settings['trees']} trees of up to {settings['leaves']} leaves asked for; {model}"],
    ]  # fmt: skip
    how = (
        f"{found.run['date']}; {settings['rounds']} rounds, systems taking turns, {settings['seconds']:g} s a load "
        f"after a second of warming up and {settings['history']:,} earlier payments; numbers are medians of the rounds "
        f"(least-greatest). A load during which others used more than {settings['foreign']:.0%} of the machine's CPU "
        f"time is thrown away and repeated: {found.discarded} were. Others' share in what is shown: at most "
        f"{found.foreign_share:.1%}."
    )
    return ["## Machine and method", "", *table(["", ""], rows), how, ""]


def models_section() -> list[str]:
    """What models_side.py measured."""
    file = models_side.KEPT
    return models_side.section(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else []


def write(found: Results, file: Path) -> None:
    """The report, and its pictures in results/ beside it."""
    pictures = file.parent / "results"
    pictures.mkdir(parents=True, exist_ok=True)
    plots.latency_by_rate(found.variants, pictures / "latency-by-rate.svg")
    opening = "Written by `make bench-peers`; bench/README.md says how to read it. Compare numbers within one run only."
    lines = ["# Assay and its peers, side by side", "", opening, "",
             *warnings(found), *ratio_section(found), *goal_section(found), *agreement_section(found),
             *peak_section(found), *open_section(found), *distribution(found, pictures / "latency-distribution.svg"),
             *stage_section(found, pictures / "stages.svg"), *cost_section(found), *gap_section(found),
             *handbook_section(found.handbook), *text_section.section(found.text), *change_section(found.changes),
             *machine_section(found), *models_section(), *vectorize.kept_section()]  # fmt: skip
    file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
