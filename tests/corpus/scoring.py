"""Scorecards, decision tables, state machines, configuration objects, as rules analysts and engineers write them."""

from __future__ import annotations

import enum
import itertools
import re
from collections import namedtuple
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import datetime, time
from types import MappingProxyType, SimpleNamespace
from typing import ClassVar, Final, Literal, NamedTuple, Optional

from assay import decision, event, feature, rule, window

history = "empty"

UNSET: Final = object()


class Risk(enum.IntEnum):
    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @classmethod
    def of(cls, score: float) -> Risk:
        if score >= 0.8:
            return cls.HIGH
        if score >= 0.5:
            return cls.MEDIUM
        return cls.LOW

    @property
    def label(self) -> str:
        return self.name.capitalize()

    def worse(self, other: Risk) -> bool:
        return self > other


class State(enum.Enum):
    START = "start"
    SIGN = "sign"
    INT = "int"
    POINT = "point"
    FRAC = "frac"
    BAD = "bad"


class Flags(enum.IntFlag):
    NONE = 0
    NEW = 1
    ABROAD = 2
    LARGE = 4
    NIGHT = 8


TRANSITIONS = {
    State.START: {"sign": State.SIGN, "digit": State.INT},
    State.SIGN: {"digit": State.INT},
    State.INT: {"digit": State.INT, "point": State.POINT},
    State.POINT: {"digit": State.FRAC},
    State.FRAC: {"digit": State.FRAC},
}
ORDER_FLOW = {
    ("new", "pay"): "paid",
    ("paid", "ship"): "shipped",
    ("paid", "refund"): "refunded",
    ("shipped", "deliver"): "delivered",
    ("delivered", "refund"): "refunded",
}
Band = namedtuple("Band", "low high points")
AMOUNT_BANDS = [Band(0, 50, 0), Band(50, 250, 5), Band(250, 1000, 15), Band(1000, float("inf"), 40)]
COUNTRY_POINTS = MappingProxyType({"NG": 30, "RU": 25, "VN": 15, "BR": 10})
MATRIX = {
    ("low", "low"): "approve",
    ("low", "high"): "review",
    ("high", "low"): "review",
    ("high", "high"): "decline",
}
TREE = ("amount", 500.0, ("count", 3, "approve", "review"), ("count", 1, "review", "decline"))
HOURS = [[0, 7, 2.0], [7, 9, 1.0], [9, 18, 0.5], [18, 22, 1.0], [22, 24, 1.8]]
QUIET = (time(23, 0), time(5, 30))
THRESHOLDS = SimpleNamespace(review=0.5, decline=0.8)


@dataclass(frozen=True)
class Limits:
    per_payment: float = 500.0
    per_day: float = 2000.0
    countries: frozenset[str] = frozenset({"DE", "AT", "CH"})
    blocked_mcc: tuple[str, ...] = ("7995", "6051")

    def allows(self, amount: float, country: str) -> bool:
        return amount <= self.per_payment and country in self.countries

    @classmethod
    def for_tier(cls, tier: str) -> Limits:
        if tier == "gold":
            return cls(per_payment=5000.0, per_day=20000.0)
        return cls()

    @staticmethod
    def headroom(limit: float, spent: float) -> float:
        return max(limit - spent, 0.0)


@dataclass
class Score:
    points: float = 0.0
    reasons: list[str] = field(default_factory=list)
    maximum: ClassVar[float] = 100.0

    def add(self, points: float, reason: str) -> Score:
        if points:
            self.points += points
            self.reasons.append(reason)
        return self

    @property
    def share(self) -> float:
        return min(self.points / self.maximum, 1.0)

    def __str__(self) -> str:
        return f"{self.points:g}:{'+'.join(self.reasons)}"


class Node(NamedTuple):
    name: str
    threshold: float
    left: Optional[Node] = None
    right: Optional[Node] = None


FOREST = [
    Node("amount", 100.0, Node("leaf", 0.1), Node("count", 2.0, Node("leaf", 0.3), Node("leaf", 0.9))),
    Node("count", 4.0, Node("leaf", 0.2), Node("leaf", 0.7)),
]
LIMITS = {"standard": Limits(), "gold": Limits.for_tier("gold"), "strict": replace(Limits(), per_payment=50.0)}


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    user: str
    amount: float
    count: int = 0
    country: str = "DE"
    mcc: str = "5411"
    status: str = "new"
    tier: Literal["standard", "gold", "strict"] = "standard"
    risk_score: float = 0.0
    amount_text: str = ""
    steps: list[str]
    new_user: bool | None = None
    limit_amount: float | None = None


spent_1d = window.sum("amount", by="user", over="1d")
n_1d = window.count(by="user", over="1d")


def kind_of(c: str) -> str:
    if c in "+-":
        return "sign"
    if c in "0123456789":
        return "digit"
    return "point" if c == "." else "other"


def band_points(amount: float) -> int:
    for low, high, points in AMOUNT_BANDS:
        if low <= amount < high:
            return points
    return 0


def walk(node: Node, values: dict[str, float]) -> float:
    if node.left is None or node.right is None:
        return node.threshold
    if values[node.name] <= node.threshold:
        return walk(node.left, values)
    return walk(node.right, values)


def decide_by(tree, values):
    """Nested tuples: (name, threshold, at or below, above), or an outcome."""
    while isinstance(tree, tuple):
        name, threshold, low, high = tree
        tree = low if values[name] <= threshold else high
    return tree


def pick(value, default=UNSET):
    if value is None:
        if default is UNSET:
            raise ValueError("no value and no default")
        return default
    return value


def score_of(payment) -> Score:
    score = Score()
    score.add(band_points(payment.amount), "amount")
    score.add(COUNTRY_POINTS.get(payment.country, 0), "country")
    if payment.new_user:
        score.add(10, "new")
    return score.add(2.5 * min(payment.count, 8), "count")


@feature
def points_amount(amount: float) -> int:
    return band_points(amount)


@feature
def points_band_index(amount: float) -> int:
    return next((i for i, band in enumerate(AMOUNT_BANDS) if band.low <= amount < band.high), -1)


@feature
def points_total(payment: Payment) -> float:
    return score_of(payment).points


@feature
def points_reasons(payment: Payment) -> list[str]:
    return score_of(payment).reasons


@feature
def points_share(payment: Payment) -> float:
    return round(score_of(payment).share, 3)


@feature
def points_text(payment: Payment) -> str:
    return str(score_of(payment))


@feature
def points_plain(amount: float, country: str, count: int, new_user: bool | None) -> int:
    score = 0
    score += 10 if amount > 1000 else 5 if amount > 250 else 0
    score += {"NG": 30, "RU": 25}.get(country, 0)
    score += min(count, 5) * 2
    score += bool(new_user) * 7
    return score


@feature
def risk(risk_score: float) -> str:
    return Risk.of(risk_score).label


@feature
def risk_number(risk_score: float) -> int:
    return int(Risk.of(risk_score)) + 10 * (Risk.of(risk_score) is Risk.HIGH)


@feature
def risk_worse(risk_score: float, count: int) -> bool:
    return Risk.of(risk_score).worse(Risk.MEDIUM if count > 3 else Risk.LOW)


@feature
def risk_by_name(status: str) -> int:
    try:
        return Risk[status.upper()].value
    except KeyError:
        return -1


@feature
def risk_by_number(count: int) -> str:
    try:
        return Risk(count).name
    except ValueError:
        return "none"


@feature
def flags(payment: Payment) -> int:
    f = Flags.NONE
    if payment.new_user:
        f |= Flags.NEW
    if payment.country != "DE":
        f |= Flags.ABROAD
    if payment.amount > 1000:
        f |= Flags.LARGE
    if payment.at.hour < 6:
        f |= Flags.NIGHT
    return int(f)


@feature
def flags_plain(payment: Payment) -> int:
    new, abroad, large = 1, 2, 4
    bits = 0
    bits |= new if payment.new_user else 0
    bits |= abroad * (payment.country != "DE")
    bits |= large * (payment.amount > 1000)
    return bits


@feature
def flags_two_of(flags_plain: int) -> bool:
    return bin(flags_plain).count("1") >= 2 and bool(flags_plain & 0b110)


@feature
def amount_text_state(amount_text: str) -> str:
    state = State.START
    for c in amount_text:
        state = TRANSITIONS.get(state, {}).get(kind_of(c), State.BAD)
        if state is State.BAD:
            break
    return state.value


@feature
def amount_text_accepts(amount_text: str) -> bool:
    state = "start"
    for c in amount_text.strip():
        match (state, c):
            case ("start", "+" | "-"):
                state = "sign"
            case ("start" | "sign" | "int", d) if d.isdigit():
                state = "int"
            case ("int", "." | ","):
                state = "point"
            case ("point" | "frac", d) if d.isdigit():
                state = "frac"
            case _:
                return False
    return state in ("int", "frac")


@feature
def flow(status: str, steps: list[str]) -> str:
    state = status
    for step in steps:
        state = ORDER_FLOW.get((state, step.lower()), state)
    return state


@feature
def flow_invalid(status: str, steps: list[str]) -> int:
    state, bad = status, 0
    for step in steps:
        try:
            state = ORDER_FLOW[state, step]
        except KeyError:
            bad += 1
    return bad


@feature
def matrix(amount: float, risk_score: float) -> str:
    return MATRIX["high" if amount > 300 else "low", "high" if risk_score > 0.5 else "low"]


@feature
def matrix_match(amount: float, count: int, country: str) -> str:
    match (amount > 300, count, country):
        case (True, n, "NG" | "RU") if n > 2:
            return "decline"
        case (True, _, _):
            return "review"
        case (False, 0 | 1, _):
            return "approve"
        case (False, n, c):
            return f"approve-{n % 10}-{c[:2]}"


@feature
def tree(amount: float, count: int) -> str:
    return decide_by(TREE, {"amount": amount, "count": count})


@feature
def forest(amount: float, count: int) -> float:
    values = {"amount": amount, "count": float(count)}
    return sum(walk(tree, values) for tree in FOREST) / len(FOREST)


@feature
def hour_weight(at: datetime) -> float:
    for start, stop, weight in HOURS:
        if start <= at.hour < stop:
            return weight
    return 1.0


@feature
def quiet(at: datetime) -> bool:
    begin, end = QUIET
    now = at.time()
    return now >= begin or now < end


@feature
def allowed(tier: str, amount: float, country: str) -> bool:
    return LIMITS[tier].allows(amount, country)


@feature
def headroom(tier: str, spent_1d: float) -> float:
    limits = LIMITS.get(tier, LIMITS["standard"])
    return Limits.headroom(limits.per_day, spent_1d)


@feature
def headroom_after(tier: str, amount: float, spent_1d: float, n_1d: int) -> float | None:
    per_day = LIMITS[tier].per_day
    if n_1d == 0:
        return None
    return (per_day - spent_1d - amount) / n_1d


@feature
def blocked_mcc(tier: str, mcc: str) -> bool:
    return mcc in LIMITS[tier].blocked_mcc


@feature
def limits_changed(tier: str) -> float:
    tightened = replace(LIMITS[tier], per_payment=LIMITS[tier].per_payment / 2)
    return tightened.per_payment


@feature
def limits_as_tuple(tier: str) -> float:
    per_payment, per_day, *_ = astuple(LIMITS[tier])
    return per_day / per_payment


@feature
def limits_as_dict(tier: str) -> list[str]:
    return sorted(asdict(LIMITS[tier]))


@feature
def zone(risk_score: float) -> str:
    if risk_score >= THRESHOLDS.decline:
        return "red"
    return "amber" if risk_score >= THRESHOLDS.review else "green"


@feature
def limit_or_default(limit_amount: float | None, amount: float) -> float:
    return amount / pick(limit_amount, 100.0)


@feature
def limit_or_error(limit_amount: float | None) -> float:
    return pick(limit_amount) * 2


@feature
def limit_or_message(limit_amount: float | None) -> str:
    try:
        return f"{pick(limit_amount):.0f}"
    except ValueError as error:
        return str(error)


@feature
def weighted_vote(risk_score: float, count: int, amount: float) -> float:
    votes = [(risk_score, 0.5), (min(count / 10, 1.0), 0.2), (amount > 500, 0.3)]
    return sum(v * w for v, w in votes) / sum(w for _, w in votes)


@feature
def rank_of_amount(amount: float) -> int:
    cuts = [10, 50, 100, 500, 1000]
    return sum(amount >= cut for cut in cuts)


@feature
def majority(amount: float, count: int, risk_score: float) -> bool:
    votes = (amount > 100, count > 3, risk_score > 0.5)
    return votes.count(True) > len(votes) // 2


@feature
def any_two(amount: float, count: int, risk_score: float) -> bool:
    conditions = [amount > 100, count > 3, risk_score > 0.5]
    return any(a and b for a, b in itertools.combinations(conditions, 2))


@feature
def explanation(payment: Payment) -> str:
    parts = []
    if payment.amount > (limit := LIMITS[payment.tier].per_payment):
        parts.append(f"amount {payment.amount:.2f} over {limit:g}")
    if payment.country not in LIMITS[payment.tier].countries:
        parts.append(f"country {payment.country!r}")
    if re.fullmatch(r"[67]\d{3}", payment.mcc):
        parts.append("mcc %s" % payment.mcc)
    return "; ".join(parts) or "fine"


@rule("decline")
def over_limit(payment: Payment, spent_1d: float) -> bool:
    """Over the limit of a payment or of a day."""
    limits = LIMITS[payment.tier]
    return payment.amount > limits.per_payment or spent_1d + payment.amount > limits.per_day


@rule("review")
def gambling_abroad(payment: Payment) -> bool:
    """Gambling, and not at home."""
    return payment.mcc in ("7995", "7800") and payment.country not in {"DE", "AT"}


@decision
def decide(points_share: float, fired: list[str], allowed: bool) -> str:
    severity = Risk.of(points_share)
    if "over_limit" in fired or severity is Risk.HIGH:
        return "decline"
    if fired or severity == Risk.MEDIUM or not allowed:
        return "review"
    return "approve"
