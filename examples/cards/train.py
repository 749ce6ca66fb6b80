"""Trains risk.txt on generated payments, with the features that the server computes.

    python train.py                 # generates 20,000 payments and trains on them
    python train.py --payments data/payments.jsonl --labels data/labels.csv

Every payment goes through features.py in the order in which it came, so each row holds what was known at that moment:
no feature can see the future. The model learns from the earlier three quarters and is judged on the last.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import assay
import lightgbm
import numpy
from features import Payment
from payments import generate
from rich.progress import track

HERE = Path(__file__).resolve().parent
NOT_INPUTS = {field.name for field in dataclasses.fields(Payment)} - {"amount"}  # raw fields would be learnt by heart
LEARNING = {
    "objective": "binary",
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "seed": 7,
    "deterministic": True,  # with these three the same payments give the same model
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
TREES, LEAVES = 80, 31

Rows = list[dict[str, Any]]


def features_of(payments: Rows) -> Rows:
    """Every field, window and feature of every payment, as of its own moment."""
    with assay.load(HERE / "features.py") as detector:
        rows = []
        for payment in track(payments, "features", transient=True):
            detector.score(payment)
            values = detector.values
            rows.append({name: values[name] for name in detector.features})
        return rows


def inputs_of(rows: Rows) -> tuple[list[str], Any]:
    """The names of all values that are numbers, and their matrix; None is NaN, which LightGBM takes as missing."""
    is_number = {name: all(isinstance(row[name], int | float | None) for row in rows) for name in rows[0]}
    names = [name for name in rows[0] if name not in NOT_INPUTS and is_number[name]]
    return names, numpy.array([[row[name] for name in names] for row in rows], dtype=float)


def judge(labels: Any, scores: Any) -> str:
    """How well the scores order and separate payments that the model has not seen."""
    ranks = numpy.empty(len(scores))
    ranks[numpy.argsort(scores, kind="stable")] = numpy.arange(1, len(scores) + 1)
    frauds, honest = int(labels.sum()), int((1 - labels).sum())
    if frauds == 0 or honest == 0:
        return "too few payments to judge by"
    area = (ranks[labels == 1].sum() - frauds * (frauds + 1) / 2) / (frauds * honest)
    caught = {limit: (scores[labels == 1] >= limit).mean() for limit in (0.5, 0.9)}
    bothered = {limit: (scores[labels == 0] >= limit).mean() for limit in (0.5, 0.9)}
    lines = [f"AUC {area:.4f} on {len(scores)} later payments, {frauds} of them fraud"]
    lines += [f"at {limit}: {caught[limit]:.1%} of fraud, {bothered[limit]:.2%} of honest payments" for limit in caught]
    return "\n".join(lines)


def train(payments: Rows, labels: list[int], model: Path, *, trees: int = TREES, leaves: int = LEAVES) -> str:
    """Writes the model and says how good it is."""
    names, inputs = inputs_of(features_of(payments))
    target = numpy.array(labels)
    cut = len(payments) * 3 // 4
    learn = lightgbm.Dataset(inputs[:cut], target[:cut], feature_name=names)
    booster = lightgbm.train(LEARNING | {"num_leaves": leaves}, learn, num_boost_round=trees)
    booster.save_model(model)
    said = f"{model.name}: {booster.num_trees()} trees over {len(names)} inputs"
    return f"{said}\n{judge(target[cut:], booster.predict(inputs[cut:]))}"


def read_labels(file: Path) -> dict[str, int]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: int(row["fraud"]) for row in csv.DictReader(lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains risk.txt with the features that the server computes.")
    parser.add_argument("--payments", type=Path, help="JSON lines (default: 20,000 generated ones)")
    parser.add_argument("--labels", type=Path, help="a CSV file with id and fraud, for --payments")
    parser.add_argument(
        "-o", "--output", type=Path, default=HERE / "risk.txt", help="default: risk.txt beside fraud.py"
    )
    parser.add_argument("--trees", type=int, default=TREES, help=f"how many trees (default {TREES})")
    parser.add_argument("--leaves", type=int, default=LEAVES, help=f"leaves of a tree, at most (default {LEAVES})")
    arguments = parser.parse_args()
    if (arguments.payments is None) != (arguments.labels is None):
        parser.error("--payments and --labels go together")
    if arguments.payments is None:
        generated = generate(20_000)
        payments, labels = [payment for payment, _ in generated], [int(pattern != "") for _, pattern in generated]
    else:
        known = read_labels(arguments.labels)
        payments = [json.loads(line) for line in arguments.payments.read_text(encoding="utf-8").splitlines()]
        labels = [known[payment["id"]] for payment in payments]
    print(train(payments, labels, arguments.output, trees=arguments.trees, leaves=arguments.leaves))


if __name__ == "__main__":
    main()
