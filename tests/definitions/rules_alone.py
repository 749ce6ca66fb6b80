"""No decision, history unknown: windows are warming."""

from datetime import datetime

from assay import event, feature, rule, window


@event(id="id", time="at")
class Tx:
    id: str
    at: datetime
    amount: float
    k: str


n = window.count(by="k", over="1h")
n2 = window.mean("amount", by="k", over="30d", delay="2d")


@feature
def f(n: int) -> int:
    return n + 1


@rule("review")
def many(n: int) -> bool:
    return n > 2


@rule("decline", on_missing="fire")
def lacks(n2: float) -> bool:
    return n2 > 1e6


@rule("approve")
def fine(amount: float) -> bool:
    return amount < 5
