"""Puts a meter around the steps of the service: python measure.py MODEL PAYMENTS.jsonl BUILD_DIR

What the server does around them (HTTP, the event loop) is not among the stages.
"""

from pathlib import Path

import features
import stages
from detector import Detector, collect_less
from payment import parse


def setup(meter: stages.Meter, model: Path) -> tuple[stages.Function, stages.Function]:
    detector = Detector(model)
    collect_less()  # as the server does
    step = detector.step
    metered = {"parse": "parse", "keys": "features", "step": "windows", "compute": "features", "predict": "model"}
    for name, stage in metered.items():
        setattr(detector, name, meter.around(stage, getattr(detector, name)))

    def enter(body: bytes) -> None:
        payment = parse(body)
        step(payment, features.network_of(payment.ip))

    return enter, meter.around("rules and reply", detector.handle)


if __name__ == "__main__":
    stages.main(setup, measured=5_000, counted=40)
