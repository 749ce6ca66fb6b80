"""Instructions that Assay takes for a payment of examples/cards, by stage, and for a memo by kind of tokenizer, counted
by callgrind: the same for the same code, whatever else the machine does, so a rise is a change of the code.

    python bench/counts.py                                     counts, and compares with bench/counts.json
    python bench/counts.py --record --note "why it rose"       counts, and writes what it found into that file
    python bench/counts.py stages BENCH BUNDLE PAYMENTS FOLDER instructions per payment and stage, as JSON

A stage or the whole that rose by more than 3% fails the comparison until it is recorded with a note. Counts of another
compiler than the recorded one are shown and not compared.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from counts_text import count_text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RECORDED = HERE / "counts.json"
PAYMENTS, SEED = 2000, 1
RISE = 1.03
SMALL = 200.0  # instructions: a stage may rise by so many without a word

# The functions that are a stage's; none is called by another of them. What is left of an event (the answer's assembly,
# the ids' bookkeeping) is "rules and reply".
STAGES = {
    "parse": ["event_parse"],
    "features": ["run_before", "run_after"],
    "windows": ["window_prepare", "window_lock", "window_read", "window_enter", "window_unlock"],
    "model": ["model_predict"],
    "journal": [
        "begin_record", "record_write_before_results", "record_write_output", "log_append", "ids_claim",
        "ids_set_input", "ids_set_output", "journal_reserve", "journal_unreserve", "journal_lock", "journal_unlock",
    ],
}  # fmt: skip
ROW = re.compile(r"\s*([\d,]+)\s+\([ \d.]+%\)\s+(?:\S*:)?(\w+)(?:'\d+)?(?: \[.*)?$")


def instructions(program: Path, bundle: Path, payments: Path, folder: Path) -> dict[str, float]:
    """Instructions per payment of each function, with all that it calls."""
    if shutil.which("valgrind") is None:
        sys.exit("bench/counts.py: needs valgrind: apt-get install valgrind")
    out = folder / "callgrind"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=engine_event",
               str(program), "count", str(bundle), str(payments), str(folder)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench/counts.py: {program.name} failed under valgrind:\n{done.stderr}")
    annotate = ["callgrind_annotate", "--auto=no", "--inclusive=yes", "--threshold=100", str(out)]
    table = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout
    inclusive: dict[str, float] = {}
    for line in table.splitlines():
        if match := ROW.match(line):
            inclusive[match[2]] = max(inclusive.get(match[2], 0), int(match[1].replace(",", "")))
    number = sum(1 for line in payments.read_text(encoding="utf-8").splitlines() if line)
    return {name: total / number for name, total in inclusive.items()}


def count(program: Path, bundle: Path, payments: Path, folder: Path) -> dict[str, float]:
    """Instructions per payment and stage, and in all."""
    inclusive = instructions(program, bundle, payments, folder)
    total = inclusive["engine_event"]
    counts = {stage: sum(inclusive.get(each, 0) for each in names) for stage, names in STAGES.items()}
    missing = [stage for stage, found in counts.items() if found == 0]
    if missing:
        sys.exit(f"bench/counts.py: nothing was counted for {', '.join(missing)}: are its functions still called so?")
    counts["features"] -= counts["model"]  # run_after calls the model
    return counts | {"rules and reply": total - sum(counts.values()), "total": total}


def compiler(build: Path) -> str:
    """The C compiler of a build folder, with its version."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    match = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    assert match is not None
    return subprocess.run([match[1], "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


def count_cards(build: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        payments, bundle = folder / "payments.jsonl", folder / "cards.assay"
        cards = ROOT / "examples" / "cards"
        generate = [sys.executable, str(cards / "payments.py"), "--count", str(PAYMENTS), "--seed", str(SEED)]
        subprocess.run([*generate, "-o", str(payments)], check=True, capture_output=True)
        bundle_of(cards / "fraud.py", bundle)
        counts = count(build / "score_bench", bundle, payments, folder)
        return counts | count_stateless(build, payments) | count_text(build / "text_bench", payments, folder)


def bundle_of(definition: Path, bundle: Path) -> None:
    assay = Path(sys.executable).parent / "assay"
    subprocess.run([str(assay), "build", str(definition), "-o", str(bundle)], check=True, capture_output=True)


def count_stateless(build: Path, payments: Path) -> dict[str, float]:
    """What the hundred features of bench/stateless take of the same payments."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle_of(HERE / "stateless" / "fraud.py", folder / "stateless.assay")
        counts = instructions(build / "score_bench", folder / "stateless.assay", payments, folder)
        return {"100 stateless": counts["run_before"] + counts["run_after"]}


def compare(found: dict[str, float], recorded: dict[str, Any], own: str) -> bool:
    """Says how the counts differ from the recorded ones; False if one rose too far."""
    good, comparable = True, recorded.get("compiler") == own
    print(f"{'instructions a payment':>24} {'recorded':>10} {'now':>10}")
    for stage, now in found.items():
        before = float(recorded.get("counts", {}).get(stage, 0.0))
        rose = comparable and now > before * RISE and now > before + SMALL
        good = good and not rose
        change = f"{now / before - 1:+.1%}" if before else "new"
        print(f"{stage:>24} {before:>10,.0f} {now:>10,.0f}  {change}{'  ROSE' if rose else ''}")
    if not comparable:
        print(f"recorded with another compiler ({recorded.get('compiler')}, this is {own}): not compared")
    if not good:
        print('More than 3% above what is recorded. If it must be: python bench/counts.py --record --note "why"')
    return good


def main() -> int:
    if sys.argv[1:2] == ["stages"]:
        program, bundle, payments, folder = map(Path, sys.argv[2:6])
        counts = count(program, bundle, payments, folder)
        total, number = counts.pop("total"), sum(1 for line in payments.open(encoding="utf-8") if line.strip())
        counts_or_none: dict[str, float | None] = {"tokenization": None, "table": None, **counts}
        print(json.dumps({"payments": number, "instructions": counts_or_none, "total_instructions": total}))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench", help="where score_bench was built")
    parser.add_argument("--record", action="store_true", help="write what was counted into bench/counts.json")
    parser.add_argument("--note", help="with --record: why it changed")
    arguments = parser.parse_args()
    if arguments.record and not arguments.note:
        parser.error("--record needs --note: why the counts changed")
    found, own = count_cards(arguments.build), compiler(arguments.build)
    recorded: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    good = compare(found, recorded, own)
    if arguments.record:
        notes = [*recorded.get("notes", []), f"{found['total']:,.0f}: {arguments.note}"]
        rounded = {stage: round(value) for stage, value in found.items()}
        text = json.dumps({"compiler": own, "counts": rounded, "notes": notes}, indent=2, ensure_ascii=False)
        RECORDED.write_text(text + "\n", encoding="utf-8")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
