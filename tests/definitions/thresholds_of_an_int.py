"""Thresholds over an int, with other outcomes."""

from datetime import datetime

from assay import event, feature, thresholds

history = "empty"
outcomes = ["a", "b", "c"]


@event(id="id", time="at", on_error="b")
class Tx:
    id: str
    at: datetime
    x: float


@feature
def points(x: float) -> int:
    return round(x)


decide = thresholds(points, c=100, b=1)
