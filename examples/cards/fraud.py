"""Card payments: what we do about a payment. What we know of it is in features.py.

To try it: `assay check fraud.py --sample data/payments.jsonl`, then `assay serve fraud.py --data data/server --reload`.
"""

from assay import model, rule, thresholds
from features import *  # noqa: F403  (the payment, its windows and features are part of this definition)

# Trained by train.py. Its inputs are matched by name to what features.py declares; its output is a feature, `risk`.
risk = model("risk.txt")


# --- rules: a docstring is the reason that people will read ----------------------------------------------------------


@rule("decline")
def card_testing(card_tiny_1h: int, tiny: bool) -> bool:
    """The card is being tried out: more than two tiny payments in an hour."""
    return tiny and card_tiny_1h >= 3


@rule("decline")
def card_burst(card_payments_10m: int) -> bool:
    """More than five payments on one card in ten minutes."""
    return card_payments_10m > 5


@rule("decline")
def resale_to_stranger(resale: bool, keyed_in: bool, ships_elsewhere: bool, amount: float) -> bool:
    """Goods that sell again, typed in by hand, over 300, sent to an address that is not the card's."""
    return resale and keyed_in and ships_elsewhere and amount > 300


@rule("review")
def stranger_far_away(new_device: bool, new_country: bool, abroad: bool, amount_vs_usual: float) -> bool:
    """A new device in a new country, for more than twice the usual amount."""
    return new_device and new_country and abroad and amount_vs_usual > 2


@rule("review")
def stripe_at_night(stripe: bool, night: bool, amount_round: bool) -> bool:
    """A round amount from a magnetic stripe between midnight and five."""
    return stripe and night and amount_round


# --- the decision: an outcome applies at or above its number; the more severe of it and of the fired rules counts ----

decide = thresholds("risk", review=0.5, decline=0.9)
