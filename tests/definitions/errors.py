"""Functions that fail, in every way and place."""

# ruff: noqa: B905, RUF007, RUF059 - what people write is what is tested
import math
from datetime import datetime, timedelta

from assay import Field, event, feature

history = "empty"


@event(id="id", time="at")
class Tx:
    id: str
    at: datetime
    n: int
    x: float
    s: str
    many: list[int] = Field(default_factory=list)


D = {"a": 1}


@feature
def zero(n: int) -> float:
    return 1 / (n % 3)


@feature
def key(s: str) -> int:
    return D[s]


@feature
def index(many: list[int], n: int) -> int:
    return many[n]


@feature
def value(s: str) -> int:
    return int(s)


@feature
def types_(s: str, n: int) -> str:
    return s + n if n % 2 else s


@feature
def types2(s: str, n: int) -> bool:
    return n < s


@feature
def types3(s: str) -> float:
    return -s


@feature
def types4(s: str) -> float:
    return math.sqrt(s)


@feature
def types5(n: int) -> int:
    return len(n)


@feature
def over(x: float) -> float:
    return math.exp(x)


@feature
def domain(x: float) -> float:
    return math.log(x) + math.acos(x)


@feature
def assertion(n: int) -> int:
    assert n % 2, f"even {n}"
    return n


@feature
def unbound(n: int) -> int:
    y = None
    if n > 3:
        y = 1
    return y


@feature
def unpack(many: list[int]) -> int:
    a, b, c = many
    return a


@feature
def unhash(many: list[int]) -> int:
    return D[many]


@feature
def unhash_in(many: list[int]) -> bool:
    return many in D


@feature
def zstep(s: str, n: int) -> str:
    return s[:: n % 2]


@feature
def big(n: int) -> int:
    return n * 10**18


@feature
def nan_int(x: float) -> int:
    return int(x * math.inf)


@feature
def cplx(x: float) -> float:
    return x**0.5


@feature
def neg_shift(n: int) -> int:
    return 1 << (n % 9 - 4)


@feature
def nested_call(n: int, s: str) -> int:
    return outer(n) + D.get(s, 0)


def outer(n: int) -> int:
    return inner(n) + 1


def inner(n: int) -> int:
    return 10 // (n % 2)


@feature
def multi(
    n: int,
    x: float,
) -> float:
    return x + 1 / (n % 2)


@feature
def chr_bad(n: int) -> str:
    return chr(n * 1000)


@feature
def rng(n: int) -> list[int]:
    return list(range(0, 10, n % 3))


@feature
def follows(zero: float, key: int | None) -> float:
    return zero + (key or 0)


@feature
def strmul(s: str, x: float) -> str:
    return s * x


@feature
def rep(at: datetime, n: int) -> datetime:
    return at.replace(month=n)


@feature
def overdate(at: datetime, n: int) -> datetime:
    return at + timedelta(days=1) * n


@feature
def strict(many: list[int]) -> int:
    return sum(a * b for a, b in zip(many, many[1:]))
