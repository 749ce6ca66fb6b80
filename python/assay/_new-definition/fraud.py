"""Card payments: what we know of a payment, and what we do about it.

This file is the whole detector, and it is ordinary Python. `assay check fraud.py --sample payments.jsonl` tells
whether it builds and what it costs, `assay serve fraud.py --reload` serves it and follows every save.
"""

from datetime import datetime

from assay import event, feature, model, rule, thresholds, window

# There truly was nothing before the first payment, so windows count from the start. Without this line a window of 30
# days is "missing" (and named in the answer's `warming`) until 30 days have been seen.
history = "empty"


# --- the payment: its annotated fields are the fields of the JSON that comes in --------------------------------------


@event(id="id", time="at")
class Payment:
    id: str  # the same id again gets the same answer, and counts once
    at: datetime  # "2026-03-01T12:00:00Z": an offset is needed
    card: str
    amount: float
    currency: str
    country: str  # where the merchant is
    home: str  # where the card was issued
    merchant: str
    device: str | None = None  # `| None`: may be null; `= None`: may be left out
    email: str | None = None
    memo: str = ""


# --- what happened before: the variable's name is the feature's name -------------------------------------------------

card_payments_10m = window.count(by="card", over="10m")
card_spend_24h = window.sum("amount", by="card", over="24h")
card_usual = window.mean("amount", by="card", over="30d")  # None for a card without a payment in 30 days
known_device = window.seen("device", by="card", over="90d")

# --- features: functions whose parameters are named after fields, windows and other features -------------------------

EVERYDAY = {"EUR", "GBP"}  # constants are computed once, at build time


def name_of(email: str) -> str:  # a helper: plain Python too
    name, _, _ = email.partition("@")
    return name


@feature
def amount_vs_usual(amount: float, card_usual: float | None) -> float:
    """A function that takes None says so; `amount / card_usual` without the test would be shown by `assay check`."""
    return amount / card_usual if card_usual else 1.0


@feature
def spend_share(amount: float, card_spend_24h: float) -> float:
    return amount / (amount + card_spend_24h) if amount > 0 else 0.0


@feature
def at_night(at: datetime) -> bool:
    return at.hour < 6


@feature
def abroad(country: str, home: str) -> bool:
    return country != home


@feature
def new_device(known_device: bool) -> bool:
    """`known_device` is None when the payment names no device; without `| None` this feature is then missing too."""
    return not known_device


@feature
def email_numbered(email: str | None) -> bool:
    return name_of(email)[-2:].isdigit() if email else False


@feature
def round_amount(amount: float) -> bool:
    return amount >= 50 and amount % 10 == 0


@feature
def rare_currency(currency: str) -> bool:
    return currency not in EVERYDAY


@feature
def memo_urgent(memo: str) -> bool:
    text = memo.lower()
    return "urgent" in text or "immediately" in text


# --- the model: its inputs are matched to the names above; `python train.py` trains it anew --------------------------

risk = model("risk.txt")

# --- rules: the docstring is the reason that people read -------------------------------------------------------------


@rule("decline")
def card_burst(card_payments_10m: int) -> bool:
    """More than five payments on one card in ten minutes."""
    return card_payments_10m > 5


@rule("review")
def urgent_abroad(abroad: bool, memo_urgent: bool, amount: float) -> bool:
    """An urgent payment of 200 or more in a foreign country."""
    return abroad and memo_urgent and amount >= 200


# --- the decision: an outcome applies at or above its number; the more severe of it and of the fired rules counts ----

decide = thresholds("risk", review=0.5, decline=0.9)
