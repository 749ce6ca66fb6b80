"""Thresholds over a feature that can fail."""

from datetime import datetime

from assay import event, feature, rule, thresholds

history = "empty"


@event(id="id", time="at", on_error="decline")
class Tx:
    id: str
    at: datetime
    x: float
    y: float
    n: int | None


@feature
def score(x: float, y: float) -> float:
    return x / y


@rule("review")
def neg(n: int) -> bool:
    return n < 0


@rule("approve")
def ok(n: int) -> bool:
    return n == 1


decide = thresholds("score", review=0.5, decline=1.0)
