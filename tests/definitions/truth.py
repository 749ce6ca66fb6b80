"""What counts as true, and what and, or, not and comparison chains give."""

# ruff: noqa: E711, RET503, RUF021 - what people write is what is tested
from datetime import date, datetime

from assay import Field, event, feature, rule

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    s: str = ""
    n: int = 0
    x: float = 0.0
    b: bool = False
    many: list[str] = Field(default_factory=list)
    d: date | None = None


@feature
def ors(s: str, n: int, x: float) -> str:
    return str(s or n or x or "zero")


@feature
def ands(s: str, n: int, x: float) -> str:
    return f"{s and n and x}"


@feature
def nots(s: str, n: int, x: float, b: bool, many: list[str], d: date | None, at: datetime) -> list[bool]:
    return [not s, not n, not x, not b, not many, not d, not at, not (), not (0,), not "", not 0.0, not None]


@feature
def bools(s: str, n: int, x: float, many: list[str]) -> list[bool]:
    return [bool(s), bool(n), bool(x), bool(many), bool(None), bool(" "), bool(-0.0)]


@feature
def mix(b: bool, n: int, x: float) -> float:
    return b + n * x - (not b)


@feature
def bool_str(b: bool) -> str:
    return str(b) + f"{b}{b!r}" + str(b + 1) + str(-b) + str(~b)


@feature
def bool_ops(b: bool, n: int) -> int:
    return (b & (n > 2)) | (b ^ True) + (b and n)


@feature
def bool_ret(b: bool) -> bool:
    return b & True


@feature
def bool_int(b: bool) -> int:
    return b


@feature
def bool_float(b: bool, n: int) -> float:
    return b if n > 5 else n


@feature
def bool_idx(b: bool) -> str:
    return ("no", "yes")[b]


@feature
def truth_str(s: str) -> bool:
    return s


@feature
def truth_list(many: list[str]) -> bool:
    return many


@feature
def truth_float(x: float) -> bool:
    return x


@feature
def ternary(n: int) -> str:
    return "neg" if n < 0 else "zero" if not n else "small" if n < 10 else "large"


@feature
def if_chain(s: str, n: int) -> str:
    if not s:
        if n:
            out = "n"
        else:
            return "none"
    elif len(s) > 3 and (n or s.isdigit()):
        out = "long"
    else:
        out = s
    return out * 2


@feature
def walrus(s: str) -> int:
    if (k := len(s.strip())) > 3:
        return k
    return -k


@feature
def walrus2(many: list[str]) -> list[int]:
    return [m for w in many if (m := len(w)) > 1]


@feature
def chain3(n: int, x: float) -> bool:
    return -5 < n < x < 1000 != 7


@feature
def chain_err(n: int, s: str) -> bool:
    return n > 5 > s


@feature
def eqs(n: int, x: float, b: bool, s: str) -> list[bool]:
    return [n == x, n == b, s == n, b == x, s != None, (n == x) == (x == n), n in (x, b), b is True]


@feature
def short(n: int, many: list[str]) -> bool:
    return n > 0 and many[0] == "a" or n < -10 and many[5] == "b"


@feature
def asserted(n: int) -> int:
    assert n >= 0, "negative"
    assert n != 7
    return n


@feature
def aug(n: int, x: float, s: str) -> str:
    n += 1
    n *= 3
    n //= 2
    n -= 5
    x /= 3
    x **= 2
    n %= 7
    n <<= 2
    n |= 1
    n ^= 3
    n &= 0xFF
    n >>= 1
    s += str(n)
    s *= 2
    return s + str(x)


@rule("review")
def r_float(x: float) -> bool:
    return x


@rule("review")
def r_list(many: list[str]) -> bool:
    return many


@rule("decline")
def r_none(n: int) -> bool:
    if n > 10:
        return True
