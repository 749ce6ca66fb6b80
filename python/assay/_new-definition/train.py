"""Trains risk.txt from payments.jsonl. The features are computed by the detector itself, as of each payment's moment.

Replace payments.jsonl by your own payments, with a member "fraud": true or false in each.
"""

import json
from pathlib import Path

import assay
import lightgbm
import numpy

HERE = Path(__file__).resolve().parent
INPUTS = [
    "amount",
    "card_payments_10m",
    "card_spend_24h",
    "amount_vs_usual",
    "spend_share",
    "at_night",
    "abroad",
    "new_device",
    "email_numbered",
    "round_amount",
    "rare_currency",
    "memo_urgent",
]


def main() -> None:
    payments = [json.loads(line) for line in (HERE / "payments.jsonl").read_text().splitlines()]
    rows = []
    with assay.load(HERE / "fraud.py") as detector:
        for payment in payments:
            detector.score(payment)
            rows.append([detector.values[name] for name in INPUTS])
    inputs = numpy.array(rows, dtype=float)  # None becomes NaN, which LightGBM takes as missing
    labels = numpy.array([payment["fraud"] for payment in payments], dtype=int)
    options = {
        "objective": "binary",
        "num_leaves": 7,
        "min_data_in_leaf": 3,
        "learning_rate": 0.2,
        "verbose": -1,
        "seed": 7,
    }
    booster = lightgbm.train(options, lightgbm.Dataset(inputs, labels, feature_name=INPUTS), num_boost_round=20)
    booster.save_model(HERE / "risk.txt")
    print(f"risk.txt: {booster.num_trees()} trees from {len(payments)} payments, {labels.sum()} of them fraud")


if __name__ == "__main__":
    main()
