"""DATA_DIR: what all systems share, made once. Payments to measure with, those before them, those to compare scores on,
and the model, trained on other payments of the same generator with the features that Assay computes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from systems import BenchError

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "examples" / "cards"
TREES, LEAVES = 500, 63
TRAINING, TRAINING_SEED = 40_000, 11
HISTORY, MEASURED, MEASURED_SEED = 2_000, 100_000, 12
STAGED = 5_000  # for the split by stage; systems measure the last of them
# The generator of load moves the payments' times on each time around the file. They begin long ago, so that they never
# overtake the clock; whole weeks, so that weekdays and hours stay.
WEEKS_BACK = 1252


def moved_back(payment: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(payment["at"].replace("Z", "+00:00")) - timedelta(weeks=WEEKS_BACK)
    return payment | {"at": at.isoformat(timespec="microseconds").replace("+00:00", "Z")}


def run(*command: str | Path) -> str:
    got = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise BenchError(f"{Path(str(command[1])).name} failed:\n{(got.stderr or got.stdout)[-2000:]}")
    return got.stdout


def generate(count: int, seed: int, payments: Path, labels: Path) -> None:
    run(sys.executable, CARDS / "payments.py", "--count", str(count), "--seed", str(seed), "-o", payments,
        "--labels", labels)  # fmt: skip


def write_lines(file: Path, payments: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(payment, ensure_ascii=False) + "\n" for payment in payments)
    file.write_text(text, encoding="utf-8")


def stamp() -> str:
    """Of all that the data depends on: a change makes it anew."""
    digest = hashlib.sha256()
    for file in (*sorted(CARDS.glob("*.py")), Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def prepare(data: Path, check: int) -> None:
    """Fills DATA_DIR where it is not there or was made from other sources."""
    data.mkdir(parents=True, exist_ok=True)
    made = data / "made-from"
    if not made.is_file() or made.read_text(encoding="ascii") != stamp():
        made.unlink(missing_ok=True)
        training, labels, both = data / "training.jsonl", data / "training.csv", data / "both.jsonl"
        generate(TRAINING, TRAINING_SEED, training, labels)
        said = run(sys.executable, CARDS / "train.py", "--payments", training, "--labels", labels,
                   "--trees", str(TREES), "--leaves", str(LEAVES), "-o", data / "risk.txt")  # fmt: skip
        (data / "model.txt").write_text(said, encoding="utf-8")
        generate(HISTORY + MEASURED, MEASURED_SEED, both, data / "both.csv")
        payments = [moved_back(json.loads(line)) for line in both.read_text(encoding="utf-8").splitlines()]
        write_lines(data / "history.jsonl", payments[:HISTORY])
        write_lines(data / "payments.jsonl", payments[HISTORY:])
        both.unlink()
        made.write_text(stamp(), encoding="ascii")
    lines = [line for name in ("history", "payments") for line in read_lines(data / f"{name}.jsonl", STAGED + check)]
    (data / "check.jsonl").write_text("".join(lines[:check]), encoding="utf-8")
    (data / "stages.jsonl").write_text("".join(lines[:STAGED]), encoding="utf-8")


def read_lines(file: Path, count: int) -> list[str]:
    with file.open(encoding="utf-8") as lines:
        return [line for line, _ in zip(lines, range(count), strict=False)]
