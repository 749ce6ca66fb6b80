"""Rules and transformations in tables: lists of checks, dicts of handlers, functions that are chosen and passed on."""

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import NamedTuple

from assay import event, feature, rule

history = "empty"


class Channel(Enum):
    WEB = "web"
    APP = "app"
    POS = "pos"


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    amount: float
    count: int = 0
    memo: str = ""
    country: str = "DE"
    status: str = "new"
    channel: Channel = Channel.WEB
    limit_amount: float | None = None
    cents_list: list[int]


def is_large(p) -> bool:
    return p.amount > 100


def is_foreign(p) -> bool:
    return p.country != "DE"


def is_frequent(p) -> bool:
    return p.count % 2 == 1 and p.count > 3


CHECKS = [is_large, is_foreign, is_frequent]
WEIGHTED = [("large", 0.5, is_large), ("foreign", 0.25, is_foreign), ("frequent", 1.0, is_frequent)]


@dataclass(frozen=True)
class Check:
    name: str
    weight: float
    test: Callable[[Payment], bool]
    tags: tuple[str, ...] = ()


SCORECARD = [
    Check("over 50", 2.0, lambda p: p.amount > 50),
    Check("abroad", 1.5, lambda p: p.country not in ("DE", "AT"), ("geo",)),
    Check("frequent", 0.5, is_frequent, ("velocity", "card")),
    Check("shouting", 0.75, lambda p: p.memo.isupper()),
]


class Transform(NamedTuple):
    name: str
    apply: Callable[[float], float]


TRANSFORMS = [
    Transform("log", lambda x: math.log1p(abs(x))),
    Transform("sqrt", lambda x: math.sqrt(abs(x))),
    Transform("same", float),
]
FEES = {
    "new": lambda amount: 0.0,
    "active": lambda amount: amount * 0.01,
    "blocked": math.floor,
    "closed": abs,
}
OPERATORS = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "==": operator.eq}
CONDITIONS = [("amount", ">", 100), ("count", "<", 10), ("count", ">=", 2)]
AGGREGATES = {"lowest": min, "highest": max, "total": sum, "n": len}
capped = partial(min, 1000.0)
at_least = partial(max, 5)
to_cents = partial(round, ndigits=2)


def plus_one(x):
    return x + 1


def minus_one(x):
    return x - 1


STEPS = {"+": plus_one, "-": minus_one, " ": None}
BY_CHANNEL = {Channel.WEB: plus_one, Channel.APP: minus_one}


def apply_to(x, f=None):
    return x if f is None else f(x)


def rounding_for(count: int):
    if count % 2:
        return math.ceil
    return math.floor


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def on_error(value):
    def decorate(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except (ValueError, ArithmeticError):
                return value

        return inner

    return decorate


@traced
def scaled(x, by=2, *, plus=0):
    return x * by + plus


@on_error(-1.0)
def ratio(a, b):
    return a / b


def coalesce(*values):
    for value in values:
        if value is not None:
            return value
    return None


def safely(function, *args, default=None, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception:
        return default


def pipe(value, *functions):
    for function in functions:
        value = function(value)
    return value


def weighted_mean(*values, weights=None):
    if not values:
        return 0.0
    weights = weights or [1] * len(values)
    return sum(v * w for v, w in zip(values, weights)) / sum(weights)


def key_text(separator="-", **parts):
    return separator.join(f"{name}={value}" for name, value in sorted(parts.items()))


def within(x, *, low, high):
    return max(low, min(high, x))


BOUNDS = {"low": 0.0, "high": 100.0}


@feature
def decorated(count: int) -> int:
    return scaled(count % 100) + scaled(count % 10, 3, plus=1)


@feature
def decorated_with_default(amount: float, count: int) -> float:
    return ratio(amount, count)


@feature
def first_known(limit_amount: float | None, amount: float) -> float:
    return coalesce(limit_amount, None, amount)


@feature
def first_of_list(cents_list: list[int]) -> int | None:
    return coalesce(*cents_list)


@feature
def safely_parsed(memo: str) -> int:
    return safely(int, memo, default=-1)


@feature
def safely_parsed_hex(memo: str) -> int | None:
    return safely(int, memo, base=16)


@feature
def piped(memo: str) -> str:
    return pipe(memo, str.strip, str.lower, lambda s: s.replace(" ", "_"))


@feature
def means(amount: float, count: int) -> float:
    return weighted_mean(amount, count, 3.5) + weighted_mean(1.0, 2.0, weights=(count % 5 + 1, 2)) + weighted_mean()


@feature
def mean_of_cents(cents_list: list[int]) -> float:
    return weighted_mean(*cents_list)


@feature
def key_of_parts(count: int, country: str) -> str:
    return key_text(count=count, country=country) + key_text("&", memo=1)


@feature
def within_bounds(amount: float) -> float:
    return within(amount, **BOUNDS)


@feature
def checks_true(payment: Payment) -> int:
    return sum(check(payment) for check in CHECKS)


@feature
def weight_of_checks(payment: Payment) -> float:
    return sum(weight for _, weight, check in WEIGHTED if check(payment))


@feature
def names_of_checks(payment: Payment) -> list[str]:
    return [name for name, _, check in WEIGHTED if check(payment)]


@feature
def some_but_not_all(payment: Payment) -> bool:
    return any(check(payment) for check in CHECKS) and not all(check(payment) for check in CHECKS)


@feature
def bitmask_of_checks(payment: Payment) -> int:
    return sum(1 << i for i, check in enumerate(CHECKS) if check(payment))


@feature
def first_check(payment: Payment) -> str:
    return next((name for name, _, check in WEIGHTED if check(payment)), "none")


@feature
def results_of_checks(payment: Payment) -> bool:
    results = {name: check(payment) for name, _, check in WEIGHTED}
    return results["large"] and not results.get("foreign", False)


@feature
def scorecard(payment: Payment) -> float:
    score = 0.0
    for check in SCORECARD:
        if check.test(payment):
            score += check.weight
    return score


@feature
def scorecard_reasons(payment: Payment) -> str:
    return ", ".join(check.name for check in SCORECARD if check.test(payment))


@feature
def scorecard_geo(payment: Payment) -> float:
    return sum(check.weight for check in SCORECARD if "geo" in check.tags and check.test(payment))


@feature
def scorecard_share(payment: Payment) -> float:
    return sum(c.weight for c in SCORECARD if c.test(payment)) / sum(c.weight for c in SCORECARD)


@feature
def transformed(amount: float) -> list[float]:
    return [t.apply(amount) for t in TRANSFORMS]


@feature
def transformed_by_name(amount: float) -> str:
    return "/".join(f"{t.name}={t.apply(amount):.3g}" for t in TRANSFORMS)


@feature
def fee_if_known(amount: float, status: str) -> float:
    if status in FEES:
        return FEES[status](amount)
    return -1.0


@feature
def fee_with_default(amount: float, status: str) -> float:
    return FEES.get(status, lambda a: -a)(amount)


@feature
def fee_handler(amount: float, status: str) -> float:
    handler = FEES.get(status.lower())
    if handler is None:
        return 0.0
    return handler(amount)


@feature
def fee_walrus(amount: float, status: str) -> float:
    if handler := FEES.get(status):
        return handler(amount)
    return 0.0


@feature
def fee_or_key_error(amount: float, status: str) -> float:
    try:
        return FEES[status](amount)
    except KeyError:
        return -2.0


@feature
def conditions_met(amount: float, count: int) -> int:
    env = {"amount": amount, "count": count}
    return sum(OPERATORS[op](env[name], value) for name, op, value in CONDITIONS)


@feature
def all_conditions(amount: float, count: int) -> bool:
    values = dict(amount=amount, count=count)
    return all(OPERATORS[op](values[field], bound) for field, op, bound in CONDITIONS)


@feature
def aggregate(cents_list: list[int], count: int) -> int:
    if not cents_list:
        return 0
    return AGGREGATES["lowest" if count % 2 else "highest"](cents_list)


@feature
def all_aggregates(cents_list: list[int]) -> list[int]:
    return [f(cents_list) for name, f in AGGREGATES.items() if cents_list or name in ("total", "n")]


@feature
def capped_amount(amount: float) -> float:
    return capped(amount)


@feature
def at_least_five(count: int) -> int:
    return at_least(count, 3)


@feature
def in_cents(amount: float) -> float:
    return to_cents(amount)


@feature
def casted(memo: str) -> float:
    for cast in (int, float, len):
        try:
            return cast(memo)
        except ValueError:
            continue
    return -1.0


@feature
def kinds_of_text(memo: str) -> list[bool]:
    return [test(memo) for test in (str.isdigit, str.isalpha, str.isupper, str.isascii)]


@feature
def changed_case(memo: str, status: str) -> str:
    change = {"new": str.upper, "active": str.lower}.get(status, str.title)
    return change(memo)


@feature
def cleaned(memo: str) -> str:
    for step in (str.strip, str.lower, lambda s: s.replace("#", "")):
        memo = step(memo)
    return memo


@feature
def nearest_bound(amount: float, limit_amount: float | None) -> float:
    pick = max if limit_amount is None else min
    return pick(amount, limit_amount or 0.0)


@feature
def nearest_bound_inline(amount: float, count: int) -> float:
    return (max if count > 5 else min)(amount, 100.0)


@feature
def rounded_one_way(amount: float, count: int) -> int:
    return rounding_for(count)(amount)


@feature
def walked(memo: str) -> int:
    position = 0
    for c in memo:
        step = STEPS.get(c)
        if step is not None:
            position = step(position)
    return position


@feature
def walked_twice(memo: str, count: int) -> int:
    total = 0
    for c in memo:
        f = (lambda x: x * 2) if c.isdigit() else plus_one
        total = f(total) % 10007
    return total


@feature
def by_channel(channel: Channel, count: int) -> int:
    return BY_CHANNEL[channel](count % 100)


@feature
def optional_callback(count: int) -> int:
    return apply_to(count % 100) + apply_to(count % 100, plus_one)


@feature
def sorted_by_direction(cents_list: list[int], count: int) -> list[int]:
    key = (lambda v: -v) if count > 5 else (lambda v: v)
    return sorted(cents_list, key=key)


@feature
def chosen_by_branch(count: int) -> int:
    if count > 3:
        change = plus_one
    else:
        change = minus_one
    return change(count % 9)


@feature
def composed(count: int) -> int:
    compose = lambda f, g: lambda x: f(g(x))  # noqa: E731
    return compose(plus_one, lambda x: x * 3)(count % 10)


@feature
def steps_in_a_row(count: int) -> int:
    steps = (plus_one, plus_one, minus_one)
    value = count % 10
    for step in steps:
        value = step(value)
    return value


@feature
def known_steps(memo: str) -> int:
    return len(STEPS) + sum(c in STEPS for c in memo)


@rule("review")
def two_checks(payment: Payment) -> bool:
    """At least two of the checks hold."""
    return sum(1 for check in CHECKS if check(payment)) >= 2
