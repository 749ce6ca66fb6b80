"""A definition that uses each part of the language once, for the tests that compare the engine with plain Python."""

import enum
import math
from dataclasses import field
from datetime import date, datetime
from typing import Annotated, Literal

from assay import Clear, Field, Secret, decision, event, feature, model, rule, window

history = "empty"
outcomes = ("approve", "watch", "review", "decline")


class Channel(enum.Enum):
    WEB = "web"
    SHOP = "shop"
    PHONE = "phone"


class Merchant:
    name: str
    code: int | None = None


@event(id="id", time="at", on_error="watch")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    amount: float
    cents: int
    merchant: Merchant
    currency: Literal["EUR", "USD", "JPY"] = "EUR"
    country: str | None = None
    channel: Channel = Channel.SHOP
    device: str | None = None
    email: str | None = None
    memo: str = ""
    note: Annotated[str, Clear] = ""
    tags: list[str] = field(default_factory=list)
    hint: float | None = None
    vip: bool = False
    born: date | None = None
    sent: Annotated[datetime | None, Field(unit="ms")] = None
    city: Annotated[str | None, Field(alias="place.city")] = None


@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: Annotated[datetime, Field(unit="s")]
    card: Annotated[str, Secret]
    ok: bool
    device: str | None = None
    country: str | None = None
    took: float = 0.0


def failed(login: Login) -> bool:
    return not login.ok or 1 / login.took > 100


# --- features that need no window ---


@feature
def big(amount: float) -> bool:
    return amount >= 500


@feature
def zone(country: str | None, currency: str) -> str:
    return f"{country or '??'}/{currency}"


@feature
def rounded(amount: float) -> int:
    return round(amount)


# --- windows ---

n_10m = window.count(by="card", over="10m")
n_place = window.count(by=("card", "country"), over="6h")
n_all = window.count(over="30s")
n_big = window.count(by="card", over="1d", where="big")
n_vip = window.count(by="merchant.name", over="12h", where="vip", include_current=True)
spend = window.sum("amount", by="card", over="24h")
spend_with = window.sum("amount", by="card", over="1h", include_current=True)
cents_7d = window.sum("cents", by="country", over="7d")
vips = window.sum("vip", by="zone", over="2h")
rounds = window.sum(rounded, by="device", over="3h")
usual = window.mean("amount", by="card", over="2d", delay="15m")
hint_mean = window.mean("hint", by="merchant.name", over="1d")
known_device = window.seen("device", by="card", over="5d")
known_zone = window.seen("zone", by="merchant.name", over="1d")
failures = window.count(by="card", over="1h", on=Login, where=failed)
logins = window.count(by={"country": "country"}, over="90m", on=Login, delay="1m")
login_device = window.seen("device", by="card", over="1d", on=Login)
slowness = window.mean("took", by="card", over="1d", on=Login)

# --- features ---

RISKY = {"NG": 0.9, "RU": 0.8, "VN": 0.4}
ROUND = frozenset({10, 100, 1000})
PARTS = ("a", "b", "c")


def share(part: float, whole: float) -> float:
    return part / whole


def clean(text: str) -> str:
    return text.strip().lower()


@feature
def ratio(amount: float, usual: float | None) -> float:
    return amount / usual if usual else 1.0


@feature
def fails(amount: float, spend: float) -> float:
    return share(amount, spend)


@feature
def needs(fails: float) -> float:
    return fails * 2


@feature
def takes(fails: float | None, country: str = "none") -> str:
    if fails is None:
        return country
    return f"{country}:{fails > 1}"


@feature
def wrong_type(cents: int) -> str:
    if cents % 7 == 3:
        return cents
    return "fine"


@feature
def too_big(cents: int) -> int:
    return cents**6


@feature
def widened(rounded: int) -> float:
    return rounded


@feature
def risky(country: str) -> float:
    return RISKY[country]


@feature
def domain(email: str | None) -> str | None:
    if email is None:
        return None
    _, at, host = email.rpartition("@")
    return host if at else None


@feature
def letters(memo: str) -> int:
    text = clean(memo)
    return len(text) + text.count("e") - text.find("a")


@feature
def pieces(memo: str, note: str) -> str:
    return memo[1:4] + note[-3:] + memo[::-2]


@feature
def when(at: datetime, born: date | None) -> int:
    year = born.year if born is not None else 0
    return at.hour * 100 + at.weekday() + year


@feature
def logarithm(amount: float) -> float:
    return math.log1p(amount) + math.sqrt(amount)


@feature
def first_tag(tags: list[str]) -> str:
    return tags[0].upper()


@feature
def online(channel: Channel) -> bool:
    return channel is Channel.WEB or channel == Channel.PHONE


@feature
def whole(payment: Payment) -> str:
    return f"{payment.id}|{payment.merchant.name}|{payment.vip}"


@feature
def hidden(card: str) -> str:
    return card[-4:]


@feature
def travelled(at: datetime, arrival: datetime) -> bool:
    return arrival > at


@feature
def constant(cents: int) -> bool:
    return cents in ROUND or str(cents)[0] in PARTS or cents // 3 == -2


risk = model("risk.txt", inputs=["amount", "n_10m", "ratio", "fails", "big", "hint", "online", spend])


@rule("review")
def burst(n_10m: int) -> bool:
    """More than four payments on one card
    in ten minutes."""
    return n_10m > 4


@rule("decline", on_missing="fire")
def strict(needs: float, letters: int) -> bool:
    """Something needed is missing."""
    return needs > 1e9 or letters > 10_000


@rule("watch")
def plain(vip: bool, country: str) -> bool:
    return vip and country


@rule("review")
def raises(tags: list[str], failures: int) -> bool:
    return tags[1] == "x" or failures > 2


@decision
def decide(risk: float, fired: list[str], cents: int, hint: float | None) -> str:
    if cents == 13:
        return "perhaps"
    if "burst" in fired and risk > 0.5:
        return "decline"
    if hint is not None and hint < 0:
        return outcomes[100 // cents]
    return "review" if risk > 0.6 or len(fired) > 2 else "approve"
