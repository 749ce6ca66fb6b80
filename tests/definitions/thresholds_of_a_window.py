"""Thresholds over a mean that can be missing."""

from datetime import datetime

from assay import event, thresholds, window

history = "empty"


@event(id="id", time="at")
class Tx:
    id: str
    at: datetime
    k: str
    amount: float


usual = window.mean("amount", by="k", over="1d")
decide = thresholds("usual", review=50, decline=100.5)
