"""Scores a file of payments in process, from an empty history: a JSON line each on stdout.

python score.py MODEL PAYMENTS.jsonl [--values]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import features
import windows
from detector import NAMES, Detector

SHOWN = ["tiny", *windows.NAMES, *features.NAMES]


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a file of payments in process, from an empty history.")
    parser.add_argument("model", type=Path)
    parser.add_argument("payments", type=Path)
    parser.add_argument("--values", action="store_true", help="every window value and feature too")
    arguments = parser.parse_args()
    detector = Detector(arguments.model)
    with arguments.payments.open("rb") as lines:
        for line in lines:
            decision = detector.decide(detector.parse(line))
            said: dict[str, Any] = {"id": decision.id, "decision": decision.decision, "score": decision.score}
            if arguments.values:
                values = dict(zip(NAMES, detector.values, strict=True))
                said["values"] = {name: values[name] for name in SHOWN}
                said["values"].update(zip(("network", "home"), detector.keys_of_last, strict=True))
            print(json.dumps(said))


if __name__ == "__main__":
    main()
