"""Puts a meter around the steps of the service: python measure.py MODEL PAYMENTS.jsonl BUILD_DIR

What FastAPI itself does around them (routing, its thread pool) is not among the stages.
"""

import json
from pathlib import Path

import detector as module
import stages
from detector import Detector
from schemas import Payment


def parse(body: bytes) -> Payment:
    """As FastAPI does it: JSON first, then the model."""
    return Payment.model_validate(json.loads(body))


def setup(meter: stages.Meter, model: Path) -> tuple[stages.Function, stages.Function]:
    detector = Detector(model)
    read_and_add = detector.windows.read_and_add
    metered = {
        "frame_of": "table",
        "model_inputs": "table",
        "row_of": "table",
        "predict": "model",
    }
    for name, stage in metered.items():
        setattr(detector, name, meter.around(stage, getattr(detector, name)))
    detector.windows.read_and_add = meter.around("windows", read_and_add)  # type: ignore[method-assign]
    module.add_features = meter.around("features", module.add_features)  # type: ignore[attr-defined]
    metered_parse = meter.around("parse", parse)

    def handle(body: bytes) -> str:
        return detector.score(metered_parse(body)).model_dump_json()

    return lambda body: read_and_add(parse(body)), meter.around("rules and reply", handle)


if __name__ == "__main__":
    stages.main(setup, measured=400, counted=10)
