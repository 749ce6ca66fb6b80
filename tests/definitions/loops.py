"""Loops, comprehensions, list fields of each type."""

# ruff: noqa: B007, B905 - what people write is what is tested
import math
from datetime import date, datetime

from assay import Field, event, feature

history = "empty"


@event(id="id", time="at")
class Tx:
    id: str
    at: datetime
    many: list[int]
    f: list[float] = Field(default_factory=lambda: [1.0, 2.5])
    s: list[str] = Field(default_factory=list)
    b: list[bool] = Field(default_factory=list)
    d: list[date] = Field(default_factory=list)
    t: list[datetime] = Field(default_factory=list)
    n: int = 3


@feature
def a1(many: list[int]) -> int:
    t = 0
    for x in many:
        if x < 0:
            continue
        if x > 100000:
            break
        t += x
    else:
        t = -t
    return t


@feature
def a2(many: list[int], f: list[float]) -> list[float]:
    return [x * y for x, y in zip(many, f)]


@feature
def a3(many: list[int], n: int) -> list[int]:
    return [i * j for i in range(n % 5) for j in range(i, 4) if (i + j) % 2]


@feature
def a4(f: list[float]) -> float:
    return sum(f) / len(f)


@feature
def a5(f: list[float]) -> float:
    return max(f) - min(f) + math.fsum(f)


@feature
def a6(s: list[str]) -> str:
    return ";".join(x.strip().lower() for x in sorted(s))


@feature
def a7(many: list[int]) -> list[int]:
    return sorted(many, reverse=True)[:2] + list(reversed(many)) + many[-1:]


@feature
def a8(n: int) -> list[int]:
    return list(range(n % 7, -3, -2)) + list(range(n % 4))


@feature
def a9(many: list[int]) -> int:
    return many[len(many) // 2] + many[-1]


@feature
def b1(d: list[date]) -> int:
    return sum(x.year for x in d) + (max(d).day if d else 0)


@feature
def b2(t: list[datetime], at: datetime) -> float:
    return sum((at - x).total_seconds() for x in t)


@feature
def b3(b: list[bool]) -> int:
    return sum(b) * 10 + any(b) + all(b) * 2 + b.count(True)


@feature
def b4(s: list[str]) -> int:
    for i, x in enumerate(s):
        for j, y in enumerate(s):
            if i < j and x == y:
                return i * 10 + j
    return -1


@feature
def b5(s: list[str]) -> tuple:
    return tuple(len(x) for x in s), len(s)


@feature
def b6(many: list[int], n: int) -> bool:
    return n in many or many == [n] or many < [n, 1] or many != sorted(many)


@feature
def b7(many: list[int]) -> int:
    a, b = many
    return a - b


@feature
def b8(many: list[int]) -> int:
    a = b = c = 1
    for x in many:
        a, b = b, a + x
        (c, d), e = (a, b), x
        c += d - e
    return (a + b + c) % 100007


@feature
def b9(many: list[int]) -> int:
    out = [x for x in many if x]
    return (out[0] if out else 5) * len(out)


@feature
def c1(n: int) -> int:
    i = 0
    for i in range(n % 10):
        pass
    return i


@feature
def c2(many: list[int]) -> int:
    y = 0
    for x in many:
        y = x * 2
    return y


@feature
def c3(f: list[float], n: int) -> float:
    return sum((x for x in f if x > 0), n)


@feature
def c4(many: list[int]) -> list[list]:
    return [many[i : i + 2] for i in range(0, len(many), 2)]


@feature
def c5(s: list[str]) -> str:
    return max(s) if s else min("zyx")


@feature
def c6(f: list[float]) -> int:
    return f.index(1.0) + f.count(2.5)


@feature
def c7(many: list[int], f: list[float]) -> list[float]:
    return many + f


@feature
def c8(s: list[str]) -> str:
    return str(s) + repr(tuple(s)) + str((len(s),)) + f"{[1.0, None, True]}"


@feature
def c9(many: list[int]) -> list[float]:
    return [float(x) for x in many] * 2


@feature
def wrong(many: list[int]) -> list[str]:
    return many
