"""Module constants of every kind that can be frozen, and what is looked up in them."""

# ruff: noqa: B033, SIM300, UP017 - what people write is what is tested
from datetime import date, datetime, timedelta, timezone

from assay import event, feature

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    s: str
    n: int
    x: float
    day: date | None = None


ONE = 1
BIGGEST = 2**63 - 1
HUGE = 10**40
RATE = 0.1
NEG = -0.0
WORDS = ("crypto", "gift", "card")
NESTED = ((1, "a"), (2, "b"), (3, ("c", None)))
TABLE = {"DE": 1, "US": 2.5, "": None, "FR": {"min": 1, "max": 10}}
SETS = {"DE", "FR", "é"}
FROZEN = frozenset({1, 2.0, 3, "x", None, True, (1, 2)})
LIST = [5, 3, 10, 1]
KEYS = {1: "int", 2.5: "float", "1": "str", None: "none", (1, "a"): "tuple"}
LIM = timedelta(hours=3)
T0 = datetime(2024, 3, 1, tzinfo=timezone.utc)
D0 = date(2024, 2, 29)
LOOK = {w: i for i, w in enumerate(sorted(SETS))}


class Limits:
    low = 10
    high = 500.5
    names = ("a", "b")


@feature
def one(n: int) -> int:
    return n + ONE if n < BIGGEST else BIGGEST - n


@feature
def huge(n: int) -> int:
    return (HUGE + n) % 1009


@feature
def words(s: str) -> int:
    return sum(1 for w in WORDS if w in s.lower())


@feature
def nested(n: int) -> str:
    for k, v in NESTED:
        if k == n:
            return str(v)
    return "no"


@feature
def tab(s: str) -> float | None:
    return TABLE[s] if s != "FR" else TABLE["FR"]["max"]


@feature
def tabget(s: str) -> float:
    return TABLE.get(s) or TABLE.get("DE", 9)


@feature
def inset(s: str) -> bool:
    return s in SETS and s not in {"DE", "AT"}


@feature
def infrozen(n: int, x: float, s: str) -> list[bool]:
    return [n in FROZEN, x in FROZEN, s in FROZEN, None in FROZEN, (n, 2) in FROZEN, (n > 3) in FROZEN]


@feature
def keys(n: int, x: float, s: str) -> str:
    return KEYS.get(n, "-") + KEYS.get(x, "-") + KEYS.get(s, "-") + KEYS.get((n, s), "-") + KEYS[None]


@feature
def listidx(n: int) -> int:
    return LIST[n]


@feature
def listslice(n: int) -> list[int]:
    return LIST[n:] + LIST[:n] + LIST[::-1] + sorted(LIST, reverse=True)


@feature
def lims(n: int, x: float) -> bool:
    return Limits.low <= n < Limits.high and x not in Limits.names


@feature
def t(at: datetime) -> bool:
    return at - T0 > LIM


@feature
def dd(day: date | None) -> bool:
    return day == D0 or (day is not None and day > D0)


@feature
def looked(s: str) -> int:
    return LOOK.get(s, -1) + len(LOOK) + len(SETS)


@feature
def items(x: float) -> float:
    total = 0.0
    for k, v in LOOK.items():
        total += v * x + len(k)
    return total


@feature
def dict_iter(s: str) -> str:
    return "".join(str(k) for k in TABLE) + ",".join(str(v) for v in KEYS.values())


@feature
def neg(x: float) -> float:
    return NEG + x * NEG


@feature
def has(s: str) -> bool:
    return s in TABLE or s in KEYS


@feature
def maxkey(n: int) -> int:
    return max(LIST) + min(LIST) * n + sum(LIST)


@feature
def unhash(n: int) -> bool:
    return [n] in LIST or LIST == [5, 3, 10, n]


@feature
def tcmp(n: int, x: float) -> bool:
    return (n, x) < (5, 2.5) or (n,) == (x,)


@feature
def local_dict(s: str) -> int:
    return {"a": 1, "b": 2, "DE": 3}.get(s, 0) + {"x": 1}[s[:1] or "x"]
