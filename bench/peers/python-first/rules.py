"""What we do about a payment: rules over its row of values, and the decision from them and the score."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from schemas import Reason

Row = Mapping[str, Any]  # a missing value is None

Outcome = Literal["approve", "review", "decline"]
SEVERITY: list[Outcome] = ["approve", "review", "decline"]
THRESHOLDS: dict[Outcome, float] = {"review": 0.5, "decline": 0.9}


def card_testing(row: Row) -> bool:
    """The card is being tried out: more than two tiny payments in an hour."""
    return bool(row["tiny"] and row["card_tiny_1h"] is not None and row["card_tiny_1h"] >= 3)


def card_burst(row: Row) -> bool:
    """More than five payments on one card in ten minutes."""
    return bool(row["card_payments_10m"] is not None and row["card_payments_10m"] > 5)


def resale_to_stranger(row: Row) -> bool:
    """Goods that sell again, typed in by hand, over 300, sent to an address that is not the card's."""
    return bool(row["resale"] and row["keyed_in"] and row["ships_elsewhere"] and row["amount"] > 300)


def stranger_far_away(row: Row) -> bool:
    """A new device in a new country, for more than twice the usual amount."""
    return bool(row["new_device"] and row["new_country"] and row["abroad"] and row["amount_vs_usual"] > 2)


def stripe_at_night(row: Row) -> bool:
    """A round amount from a magnetic stripe between midnight and five."""
    return bool(row["stripe"] and row["night"] and row["amount_round"])


RULES: list[tuple[Callable[[Row], bool], Outcome]] = [
    (card_testing, "decline"),
    (card_burst, "decline"),
    (resale_to_stranger, "decline"),
    (stranger_far_away, "review"),
    (stripe_at_night, "review"),
]


def decide(row: Row, score: float) -> tuple[Outcome, list[Reason]]:
    """The more severe of what the score and the fired rules say."""
    outcomes: list[Outcome] = ["approve"]
    outcomes += [outcome for outcome, least in THRESHOLDS.items() if score >= least]
    reasons = []
    for rule, outcome in RULES:
        if rule(row):
            outcomes.append(outcome)
            reasons.append(Reason(rule=rule.__name__, text=rule.__doc__ or ""))
    return max(outcomes, key=SEVERITY.index), reasons
