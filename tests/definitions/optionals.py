"""What may be None: fields, results, list items, rules."""

# ruff: noqa: E711, RET503 - what people write is what is tested
from datetime import datetime

from assay import Field, event, feature, rule

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    a: int | None
    x: float | None = None
    s: str | None = None
    b: bool | None = None
    many: list[int | None] = Field(default_factory=list)
    m: list[str] | None = None


@feature
def total(a: int, x: float) -> float:
    return a + x


@feature
def total_none(a: int | None, x: float | None) -> float:
    return (a or 0) + (x if x is not None else -1.0)


@feature
def noneop(a: int | None, x: float | None) -> float:
    return a + x


@feature
def nonecmp(a: int | None) -> bool:
    return a > 3


@feature
def none_eq(a: int | None, b: bool | None) -> bool:
    return a == None or b is True or b == 1


@feature
def noneattr(s: str | None) -> str:
    return s.upper()


@feature
def noneidx(s: str | None) -> str:
    return s[0]


@feature
def nonelen(m: list[str] | None) -> int:
    return len(m)


@feature
def nonefor(m: list[str] | None) -> int:
    n = 0
    for each in m:
        n += len(each)
    return n


@feature
def nonein(m: list[str] | None, s: str | None) -> bool:
    return s in m


@feature
def maybe(a: int | None) -> int | None:
    return a if a and a > 5 else None


@feature
def after(maybe: int) -> int:
    return maybe * 2


@feature
def after_default(maybe: int = 17) -> int:
    return maybe * 2


@feature
def unannotated(maybe, x) -> bool:
    return maybe is None and x is not None


@feature
def bad_return(a: int | None) -> int:
    return a


@feature
def bad_str(a: int | None) -> str:
    return a


@feature
def nothing(a: int | None) -> int | None:
    if a == 7:
        return 1


@feature
def to_bool(s: str | None) -> bool:
    return s


@feature
def listsum(many: list[int | None]) -> int:
    return sum(v for v in many if v is not None)


@feature
def listsum_bad(many: list[int | None]) -> int:
    return sum(many)


@feature
def listmax(many: list[int | None]) -> int:
    return max(many)


@feature
def srt(many: list[int | None]) -> list[int]:
    return sorted(many)


@feature
def filt(many: list[int | None]) -> list[int]:
    return [v * 2 if v % 2 else v // 2 for v in many if v]


@feature
def ltruth(many: list[int | None], m: list[str] | None) -> str:
    return "l" if many else "m" if m else "none"


@feature
def fnone(s: str | None, a: int | None) -> str:
    return f"{s}-{a}"


@feature
def back(many: list[int | None]) -> list[int | None]:
    return many


@feature
def joined(m: list[str] | None) -> str:
    return "+".join(m or [])


@feature
def first(many: list[int | None]) -> int | None:
    return many[0] if many else None


@feature
def nulls(many: list[int | None]) -> int:
    return many.count(None) * 10 + many.index(None)


@rule("review")
def skip(a: int, x: float) -> bool:
    return a > x


@rule("decline", on_missing="fire")
def fires(a: int, s: str) -> bool:
    return a == 3


@rule("review")
def truthy(s: str | None) -> bool:
    return s
