"""Integers: floor division, shifts, beyond 64 bits, text."""

# ruff: noqa: RUF057 - what people write is what is tested
import math
from datetime import datetime

from assay import event, feature

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    a: int
    b: int


@feature
def floordiv(a: int, b: int) -> int:
    return a // b


@feature
def modulo(a: int, b: int) -> int:
    return a % b


@feature
def truediv(a: int, b: int) -> float:
    return a / b


@feature
def power(a: int, b: int) -> float:
    return float(a ** (b % 7))


@feature
def powneg(a: int, b: int) -> float:
    return a ** -(b % 5)


@feature
def powany(a: int, b: int) -> float:
    return a ** (b % 400 - 200)


@feature
def shifts(a: int, b: int) -> int:
    return (a << (b % 70)) >> 13


@feature
def shift_bad(a: int, b: int) -> int:
    return (a << (b % 200 - 20)) % 1009


@feature
def bits(a: int, b: int) -> int:
    return (a & b) ^ (a | ~b)


@feature
def big(a: int, b: int) -> int:
    return (a * b * a * b + a) % 1000003


@feature
def big_back(a: int, b: int) -> int:
    return (a * b) // (b or 1)


@feature
def big_text(a: int, b: int) -> str:
    return str(a * a * b) + f"{a * b!r}"


@feature
def big_float(a: int, b: int) -> float:
    return float(a * b) + a * b * 1.0


@feature
def big_div(a: int, b: int) -> float:
    return (a**9) / (b**9)


@feature
def big_cmp(a: int, b: int) -> bool:
    return a * b > 9223372036854775807.0 or a * b == float(a) * b


@feature
def iban(a: int) -> int:
    return int(str(abs(a)) * 3 + "131400") % 97


@feature
def dm(a: int, b: int) -> list[int]:
    q, r = divmod(a, b)
    return [q, r]


@feature
def rounds(a: int, b: int) -> int:
    return round(a, -(b % 4)) + round(a)


@feature
def mathint(a: int, b: int) -> int:
    return math.gcd(a, b) + math.isqrt(abs(a)) + math.lcm(a % 100, b % 100)


@feature
def combs(a: int, b: int) -> int:
    return math.comb(a % 80, b % 40) + math.factorial(b % 25)


@feature
def fact_bad(b: int) -> int:
    return math.factorial(b % 60 - 5)


@feature
def hexes(a: int) -> str:
    return hex(a) + oct(a) + bin(a)


@feature
def bitlen(a: int, b: int) -> int:
    return (a * b).bit_length() + a.bit_length()


@feature
def minmax(a: int, b: int) -> int:
    return max(a, b, 0) - min(a, b) if a > b else min([a, b])


@feature
def pow3(a: int, b: int) -> int:
    return pow(a, abs(b), 97)


@feature
def fl(a: int, b: int) -> float:
    return a // 0.7 + b % 0.3 + a * 1e-3


@feature
def boolmath(a: int, b: int) -> int:
    return (a > b) + (a == b) * 2 - True


@feature
def to_int(a: int, b: int) -> int:
    return int(a / 3) + int(-b / 7) + math.floor(a / 2) + math.ceil(b / 2) + math.trunc(a / 5)


@feature
def negation(a: int) -> int:
    return -a
