"""Scores a file of payments in process, from an empty history: a JSON line each on stdout.

python score.py MODEL PAYMENTS.jsonl [--values]
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from detector import Detector
from features import FEATURES
from schemas import Payment
from windows import NAMES

SHOWN = ["tiny", "network", "home", *NAMES, *FEATURES]


def as_json(value: Any) -> Any:
    """A numpy scalar as what JSON has; what is not a number is null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a file of payments in process, from an empty history.")
    parser.add_argument("model", type=Path)
    parser.add_argument("payments", type=Path)
    parser.add_argument("--values", action="store_true", help="every window value and feature too")
    arguments = parser.parse_args()
    detector = Detector(arguments.model)
    with arguments.payments.open(encoding="utf-8") as lines:
        for line in lines:
            decision, row = detector.score_with_values(Payment.model_validate(json.loads(line)))
            said: dict[str, Any] = {"id": decision.id, "decision": decision.decision, "score": decision.score}
            if arguments.values:
                said["values"] = {name: as_json(row[name]) for name in SHOWN}
            print(json.dumps(said))


if __name__ == "__main__":
    main()
