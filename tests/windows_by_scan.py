"""What every kind of window is, as a scan over the list of all earlier events, written from docs/semantics.md.

`SPECS` is a table of windows; `source()` is a definition that declares them, and `Scan` computes them from nothing but
the table, the events so far and Python's own math.fsum, statistics.fmean, statistics.stdev, min and max. Neither the
twin nor the engine has a part in it.
"""

from __future__ import annotations

import itertools
import math
import statistics
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

START_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000
MAX_FUTURE_US = 2_000_000
UNITS = {"us": 1, "s": 1_000_000, "m": 60_000_000, "d": DAY_US}

HEAD = """
from datetime import date, datetime
from math import inf, nan
from typing import Annotated
from assay import Field, decision, event, feature, rule, window

history = "empty"


@event(id="id", time="at")
class Payment:
    id: int
    at: Annotated[datetime, Field(unit="us")]
    card: str | None
    shop: int | None = None
    amount: float | None = None
    cents: int | None = None
    device: str | None = None
    born: date | None = None
    sent: Annotated[datetime | None, Field(unit="us")] = None
    flag: bool | None = None


@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: Annotated[datetime, Field(unit="us")]
    user: str | None
    shop: int | None = None
    amount: float | None = None
    cents: int | None = None
    device: str | None = None
    born: date | None = None
    sent: Annotated[datetime | None, Field(unit="us")] = None
    flag: bool | None = None


"""
FUNCTIONS = """
@feature
def odd(amount: float | None, cents: int | None) -> float | None:
    if cents == 3:
        return nan
    if cents == 4:
        return inf
    return amount


@feature
def pair(device: str | None, odd: float | None) -> tuple[str | None, float | None]:
    return device, odd


@feature
def hour(arrival: datetime) -> int:
    return arrival.hour


@feature
def mood(n_card: int | None, cents: int | None) -> float | None:
    return None if n_card is None or cents is None else n_card - cents / 7


@feature
def label(mood: float | None, device: str | None) -> str | None:
    return None if mood is None or mood < 0 else f"{device}"


@feature
def calm(mood: float | None) -> bool | None:
    return None if mood is None else mood > 0


@rule("review")
def many(n_card: int | None) -> bool:
    return n_card is not None and n_card > 2


@decision
def decide(fired: list[str], amount: float | None, fed: int | None) -> str:
    if fed is not None and fed > 3:
        return "approve"
    return "decline" if amount is not None and amount > 2 else "review" if fired else "approve"


@feature
def declined(decide: str) -> bool:
    return decide == "decline"


@feature
def word(decide: str, declined: bool | None, n_card: int | None) -> str | None:
    return decide if declined else None if n_card == 1 else f"{n_card}"


"""
BEFORE = ("odd", "pair")
AFTER = ("hour", "mood", "label", "calm", "many")
AFTER_DECISION = ("declined", "word")


@dataclass(frozen=True)
class Spec:
    """One window as it is declared. `by`: names of the payment, and `on_by` the same of what it is over."""

    name: str
    kind: str
    value: str = ""
    by: tuple[str, ...] = ("card",)
    over: str = "10us"
    delay: str = ""
    where: str = ""
    on: str = ""
    current: bool = False
    clock: str = "event"
    half_life: str = ""

    @property
    def on_by(self) -> tuple[str, ...]:
        return tuple("user" if self.on and name == "card" else name for name in self.by)

    def declared(self) -> str:
        said = [f'"{self.value}"'] if self.value else []
        if self.on:
            pairs = (f'"{ours}": "{theirs}"' for ours, theirs in zip(self.by, self.on_by, strict=True))
            said += ["by={" + ", ".join(pairs) + "}"]
            said += [f"on={self.on}"]
        elif self.by:
            said += [f"by={self.by!r}"]
        said += [
            f'{name}="{text}"' for name in ("over", "delay", "where", "half_life") if (text := getattr(self, name))
        ]
        said += ["include_current=True"] if self.current else []
        said += [f'clock="{self.clock}"'] if self.clock != "event" else []
        return f"{self.name} = window.{self.kind}({', '.join(said)})"


VALUES = {
    **dict.fromkeys(("sum", "mean", "std", "decayed_sum"), ("amount", "cents", "flag", "odd")),
    **dict.fromkeys(("min", "max"), ("amount", "cents", "device", "born", "sent", "flag", "odd")),
    **dict.fromkeys(("last", "first"), ("amount", "cents", "device", "born", "sent", "flag", "odd")),
    **dict.fromkeys(("distinct", "seen"), ("amount", "cents", "device", "born", "sent", "odd", "pair")),
    **dict.fromkeys(("count", "since_last", "rate"), ("",)),
}
LATE_VALUES = {
    **dict.fromkeys(("sum", "mean", "std", "decayed_sum"), ("mood", "n_card", "w_last", "hour", "calm", "many")),
    **dict.fromkeys(("min", "max", "last", "first", "distinct"), ("mood", "label", "w_last", "word", "many")),
}
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"where": "flag"},
    {"delay": "3us"},
    {"current": True},
    {"current": True, "where": "flag", "over": "1us"},
    {"by": ("card", "shop"), "over": "25us"},
    {"by": (), "over": "10m"},
    {"by": ("pair",), "over": "1s"},
    {"on": "Login", "over": "25us"},
    {"on": "Login", "by": ("card", "shop"), "over": "7us", "delay": "5us", "where": "flag"},
    {"clock": "arrival"},
    {"clock": "arrival", "current": True, "by": ("shop",), "over": "1d"},
    {"clock": "arrival", "on": "Login", "over": "1s", "delay": "1us"},
    {"over": "3d"},
    {"by": ("flag", "born"), "over": "7us"},
)
LATE_VARIANTS: tuple[dict[str, Any], ...] = (
    {"over": "25us"},
    {"where": "calm"},
    {"where": "declined", "over": "3d"},
    {"delay": "3us", "where": "flag"},
    {"clock": "arrival", "by": ("shop",), "over": "1s"},
    {"by": ("card", "shop"), "where": "many"},
    {"by": (), "over": "10m", "where": "w_seen"},
)


def specs() -> Iterator[Spec]:
    """Every kind over every value, each in a few of the variants, so that each variant meets each kind."""
    yield Spec("n_card", "count")
    yield Spec("w_last", "last", "amount", by=("shop",), over="25us")
    yield Spec("w_seen", "seen", "device", over="25us")
    yield Spec("fed", "count", where="declined", over="25us")  # the decision reads what it feeds
    turn = itertools.count()
    for kind, values in VALUES.items():
        for value in values:
            for step in range(3 if value else len(VARIANTS)):
                variant = VARIANTS[(next(turn) + step * 5) % len(VARIANTS)]
                if variant.get("on") and value in ("odd", "pair"):
                    variant = VARIANTS[step]
                yield made(kind, value, variant)
    for variant in VARIANTS[:8]:
        yield made("distinct", "pair", variant)
    for kind, values in LATE_VALUES.items():
        for value in values:
            yield made(kind, value, LATE_VARIANTS[next(turn) % len(LATE_VARIANTS)])
    for kind in ("count", "since_last", "rate"):
        for variant in LATE_VARIANTS[1:]:
            yield made(kind, "", variant)
    yield made("seen", "device", {"where": "declined"})
    yield made("seen", "amount", {"where": "calm", "over": "1d"})


_numbers = itertools.count()


def made(kind: str, value: str, variant: dict[str, Any]) -> Spec:
    half_life = {"half_life": ("4us", "300ms", "7d")[next(_numbers) % 3]} if kind == "decayed_sum" else {}
    return Spec(f"w{next(_numbers)}_{kind}", kind, value, **variant, **half_life)


SPECS = tuple(specs())


def source() -> str:
    return HEAD + "\n".join(spec.declared() for spec in SPECS) + "\n\n" + FUNCTIONS


def functions() -> dict[str, Callable[..., Any]]:
    """The definition's own functions, as plain Python."""
    scope: dict[str, Any] = {"feature": lambda f: f, "decision": lambda f: f, "rule": lambda _: lambda f: f}
    exec("from datetime import datetime\nfrom math import inf, nan\n" + FUNCTIONS, scope)
    return scope


# --- the events -----------------------------------------------------------------------------------------------------


@dataclass
class Event:
    """One event to send: `at` in microseconds after START_US."""

    name: str  # "" is a payment
    at: int
    arrival: int | None  # when it comes, in the same measure; None: nothing arrives
    values: dict[str, Any]
    id: int = 0

    def json(self) -> dict[str, Any]:
        values = dict(self.values)
        if self.name:
            values["user"] = values.pop("card")
        for name, value in values.items():
            if isinstance(value, datetime):
                values[name] = us_of(value)
            elif isinstance(value, date):
                values[name] = value.isoformat()
        return {"id": self.id, "at": START_US + self.at, **values}


def moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def us_of(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


# --- the oracle -----------------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """An event that was taken: where it stands by each clock, and all that is known of it in the end."""

    name: str
    at: int
    arrival: int
    seq: int
    values: dict[str, Any]

    def time(self, clock: str) -> int:
        return self.arrival if clock == "arrival" else self.at


@dataclass
class Scan:
    """All events so far, and what each payment finds in them."""

    earlier: list[Seen] = field(default_factory=list)
    latest: int | None = None
    arrived: int | None = None
    errors: list[str] = field(default_factory=list)  # windows of the last payment that have no value
    calls: dict[str, Callable[..., Any]] = field(default_factory=functions)

    def take(self, event: Event) -> dict[str, Any]:
        """The payment's values: fields, windows, features, rules, and the decision."""
        at = event.at
        if event.arrival is None:
            arrival = at if self.latest is None else max(self.latest, at)
        else:
            arrival = event.arrival if self.arrived is None else max(self.arrived, event.arrival)
            at = min(at, arrival + MAX_FUTURE_US)
        self.arrived = arrival
        self.latest = at if self.latest is None else max(self.latest, at)
        too_late = self.latest - at > DAY_US
        values = dict(event.values)
        current = Seen(event.name, at, arrival, len(self.earlier) + 1, values)
        if event.name:
            values["user"] = values.pop("card")
        else:
            values["arrival"] = moment(START_US + arrival)
            self.call(BEFORE, values)
            self.errors = []
            values |= {spec.name: self.window(spec, current, too_late) for spec in SPECS}
            self.call(AFTER, values)
            values["fired"] = ["many"] if values["many"] else []
            self.call(("decide",), values)
            self.call(AFTER_DECISION, values)
        self.earlier.append(current)
        return values

    def call(self, names: tuple[str, ...], values: dict[str, Any]) -> None:
        for name in names:
            function = self.calls[name]
            code = function.__code__
            values[name] = function(**{each: values[each] for each in code.co_varnames[: code.co_argcount]})

    def window(self, spec: Spec, reader: Seen, too_late: bool) -> Any:
        key = [reader.values[name] for name in spec.by]
        if any(map(holds_none, key)) or (too_late and spec.clock == "event"):
            return None
        now = reader.time(spec.clock)
        end = now - us(spec.delay)
        begin = end - us(spec.over)
        inside = [
            event
            for event in [*self.earlier, *([reader] if spec.current else [])]
            if event.name == spec.on
            and begin < event.time(spec.clock) <= end
            and all(one_key(event.values[name], part) for name, part in zip(spec.on_by, key, strict=True))
            and (not spec.where or event.values[spec.where] is True)
        ]
        inside.sort(key=lambda event: (event.time(spec.clock), event.seq))
        try:
            return value_of(spec, inside, reader, now)
        except OverflowError:
            self.errors.append(spec.name)
            return None


def value_of(spec: Spec, inside: list[Seen], reader: Seen, now: int) -> Any:
    if spec.kind == "count":
        return len(inside)
    if spec.kind == "rate":
        return len(inside) / (us(spec.over) / 1_000_000)
    if spec.kind == "since_last":
        return (now - inside[-1].time(spec.clock)) / 1_000_000 if inside else None
    dated = [(event.time(spec.clock), event.values[spec.value]) for event in inside]
    dated = [(time, value) for time, value in dated if value is not None]
    values = [value for _, value in dated]
    if spec.kind == "decayed_sum":
        total = 0.0
        for time, value in dated:
            total += value * 0.5 ** ((now - time) / us(spec.half_life))
        return total
    if spec.kind == "seen":
        sought = reader.values[spec.value]
        return None if sought is None else any(equal(value, sought) for value in values)
    if spec.kind == "distinct":
        return sum(not any(equal(value, other) for other in values[:i]) for i, value in enumerate(values))
    if spec.kind == "sum" and not is_float(spec.value):
        total_int = sum(map(int, values))
        if not -(2**63) <= total_int < 2**63:
            raise OverflowError
        return total_int
    if spec.kind in ("sum", "mean", "std"):
        numbers = [taken(float(value)) for value in values]
        if spec.kind == "sum":
            return math.fsum(numbers)
        if spec.kind == "mean":
            return statistics.fmean(numbers) if numbers else None
        return statistics.stdev(numbers) if len(numbers) > 1 else None
    if not values:
        return None
    return {"min": min, "max": max, "last": lambda v: v[-1], "first": lambda v: v[0]}[spec.kind](values)


def is_float(value: str) -> bool:
    return value in ("amount", "odd", "mood", "w_last")


def us(text: str) -> int:
    if not text:
        return 0
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(number) * {**UNITS, "ms": 1000}[text[len(number) :]]


def taken(value: float) -> float:
    """Half to even to a multiple of 2**-96; beyond the range an OverflowError."""
    if not abs(value) < 2.0**63:
        raise OverflowError
    return float(Fraction(round(Fraction(value) * 2**96), 2**96))


def holds_none(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and any(map(holds_none, value)))


def equal(a: Any, b: Any) -> bool:
    """Python's `==`, asked of the parts of a tuple too, so that a NaN is not equal to itself there either."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


def one_key(a: Any, b: Any) -> bool:
    """As parts of a key: there every NaN is one."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(one_key, a, b))
    return bool(a == b) or (a != a and b != b)


def identical(a: Any, b: Any) -> bool:
    """The same type and the same bits (of a NaN: that it is one)."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return type(a) is type(b) and bool(a == b)
