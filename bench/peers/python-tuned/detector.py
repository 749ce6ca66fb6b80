"""From a request's body to its reply."""

import gc
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import features
import msgspec
import windows
from model import Model
from payment import Payment, parse

NAMES = ["amount", "latitude", "longitude", "mcc", "tiny", *windows.NAMES, *features.NAMES]
AT = {name: place for place, name in enumerate(NAMES)}

APPROVE, REVIEW, DECLINE = range(3)
OUTCOMES = ("approve", "review", "decline")

Values = tuple[Any, ...]  # in the order of NAMES; None: missing


class Reason(msgspec.Struct, frozen=True):
    rule: str
    text: str


class Decision(msgspec.Struct, gc=False):
    id: str
    decision: str
    score: float
    reasons: list[Reason]
    errors: list[dict[str, str]]
    took_us: int


CARD_TESTING = Reason("card_testing", "The card is being tried out: more than two tiny payments in an hour.")
CARD_BURST = Reason("card_burst", "More than five payments on one card in ten minutes.")
RESALE_TO_STRANGER = Reason(
    "resale_to_stranger",
    "Goods that sell again, typed in by hand, over 300, sent to an address that is not the card's.",
)
STRANGER_FAR_AWAY = Reason("stranger_far_away", "A new device in a new country, for more than twice the usual amount.")
STRIPE_AT_NIGHT = Reason("stripe_at_night", "A round amount from a magnetic stripe between midnight and five.")

# Where the rules find what they read.
TINY, CARD_TINY_1H, CARD_PAYMENTS_10M = AT["tiny"], AT["card_tiny_1h"], AT["card_payments_10m"]
RESALE, KEYED_IN, SHIPS_ELSEWHERE = AT["resale"], AT["keyed_in"], AT["ships_elsewhere"]
NEW_DEVICE, NEW_COUNTRY, ABROAD = AT["new_device"], AT["new_country"], AT["abroad"]
AMOUNT_VS_USUAL = AT["amount_vs_usual"]
STRIPE, NIGHT, AMOUNT_ROUND = AT["stripe"], AT["night"], AT["amount_round"]


def fired(amount: float, v: Values) -> tuple[int, list[Reason]]:
    """The rules that fire, and the most severe of their outcomes. A rule that lacks a value does not fire."""
    outcome, reasons = APPROVE, []
    if v[TINY] and (v[CARD_TINY_1H] or 0) >= 3:
        outcome = DECLINE
        reasons.append(CARD_TESTING)
    if (v[CARD_PAYMENTS_10M] or 0) > 5:
        outcome = DECLINE
        reasons.append(CARD_BURST)
    if v[RESALE] and v[KEYED_IN] and v[SHIPS_ELSEWHERE] and amount > 300:
        outcome = DECLINE
        reasons.append(RESALE_TO_STRANGER)
    if v[NEW_DEVICE] and v[NEW_COUNTRY] and v[ABROAD] and v[AMOUNT_VS_USUAL] > 2:
        outcome = max(outcome, REVIEW)
        reasons.append(STRANGER_FAR_AWAY)
    if v[STRIPE] and v[NIGHT] and v[AMOUNT_ROUND]:
        outcome = max(outcome, REVIEW)
        reasons.append(STRIPE_AT_NIGHT)
    return outcome, reasons


class Detector:
    """Its parts are attributes, so that a clock can be put around them."""

    def __init__(self, model: Path) -> None:
        self.parse = parse
        self.keys = features.keys_of
        self.step = windows.Windows().step
        self.compute = features.compute
        self.predict = Model(model, NAMES).predict
        self.encode = msgspec.json.Encoder().encode
        self.values: Values = ()  # of the last payment
        self.keys_of_last: tuple[str | None, str | None] = None, None

    def handle(self, body: bytes) -> bytes:
        """The reply to a payment. msgspec.MsgspecError for what is none."""
        started = perf_counter_ns()
        payment = self.parse(body)
        decision = self.decide(payment)
        decision.took_us = (perf_counter_ns() - started) // 1000
        return self.encode(decision)

    def decide(self, payment: Payment) -> Decision:
        errors: list[dict[str, str]] = []
        amount = payment.amount
        network, home = self.keys_of_last = self.keys(payment)
        of_windows = self.step(payment, network)
        of_features = self.compute(payment, home, of_windows, errors)
        self.values = values = (
            amount,
            payment.latitude,
            payment.longitude,
            payment.mcc,
            amount < 2.0,
            *of_windows,
            *of_features,
        )
        score = self.predict(values)
        outcome, reasons = fired(amount, values)
        if score >= 0.5:
            outcome = max(outcome, DECLINE if score >= 0.9 else REVIEW)
        return Decision(payment.id, OUTCOMES[outcome], score, reasons, errors, 0)


def collect_less() -> None:
    """For a process that serves: what is there when it begins stays, and what payments leave behind has no cycles, so
    that the collector need not look at the windows all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)
