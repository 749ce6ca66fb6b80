"""Datetimes, dates, timedeltas; a time in seconds."""

# ruff: noqa: UP017 - what people write is what is tested
from datetime import date, datetime, timedelta, timezone
from typing import Annotated

from assay import Field, event, feature, window

history = "empty"


@event(id="id", time="at")
class P:
    id: int
    at: datetime
    born: date | None = None
    sent: Annotated[datetime | None, Field(unit="ms")] = None
    opened: Annotated[datetime, Field(unit="s")] = datetime(2020, 1, 1, tzinfo=timezone.utc)
    expires: datetime | None = None
    n: int = 0


EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)
BLACK = {date(2024, 2, 29), date(2024, 3, 1)}


@feature
def attrs(at: datetime) -> list[int]:
    return [
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.microsecond,
        at.weekday(),
        at.isoweekday(),
        at.toordinal(),
    ]


@feature
def stamp(at: datetime) -> float:
    return at.timestamp()


@feature
def iso(at: datetime) -> str:
    return at.isoformat() + str(at) + f"{at}" + at.date().isoformat()


@feature
def isospec(at: datetime) -> str:
    return at.isoformat()


@feature
def age_days(at: datetime, born: date) -> int:
    return (at.date() - born).days


@feature
def age_s(at: datetime, opened: datetime) -> float:
    return (at - opened).total_seconds()


@feature
def delta_parts(at: datetime, opened: datetime) -> list[int]:
    d = opened - at
    return [d.days, d.seconds, d.microseconds]


@feature
def delta_math(at: datetime, opened: datetime) -> float:
    d = at - opened
    return d / timedelta(hours=1) + (d // DAY) + (d % DAY).total_seconds() + (d * 2 - d / 3).total_seconds()


@feature
def shifted(at: datetime, n: int) -> datetime:
    return at + DAY * n


@feature
def later(at: datetime) -> datetime:
    return at + DAY * 1.5 - timedelta(minutes=3, microseconds=1)


@feature
def night(at: datetime) -> bool:
    return at.hour < 6 or at.hour >= 23


@feature
def weekend(at: datetime) -> bool:
    return at.weekday() >= 5 or at.date() in BLACK


@feature
def since_epoch(at: datetime) -> float:
    return abs(EPOCH - at).total_seconds() / 86400


@feature
def cmp(at: datetime, sent: datetime | None) -> bool:
    return sent is not None and sent < at <= sent + timedelta(hours=2)


@feature
def gap(at: datetime, sent: datetime) -> timedelta:
    return at - sent


@feature
def gap_read(gap: timedelta) -> float:
    return gap.total_seconds() if gap > timedelta(0) else -1.0


@feature
def floor_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


@feature
def rep(at: datetime, n: int) -> datetime:
    return at.replace(day=n)


@feature
def born_year(born: date | None) -> int:
    return born.year if born else 0


@feature
def born_rep(born: date) -> date:
    return born.replace(year=2023)


@feature
def born_shift(born: date, n: int) -> date:
    return born + DAY * n


@feature
def left(at: datetime, expires: datetime | None) -> float | None:
    return None if expires is None else (expires - at) / DAY


@feature
def born_text(born: date) -> str:
    return f"{born}" + born.isoformat() + str(born - date(2000, 1, 1))


@feature
def dtext(at: datetime, opened: datetime) -> str:
    return str(at - opened) + repr(at - opened)


@feature
def mixed(at: datetime, born: date) -> bool:
    return at == born


@feature
def mixed_lt(at: datetime, born: date) -> bool:
    return at < born


@feature
def same_day(at: datetime, opened: datetime) -> bool:
    return at.date() == opened.date()


@feature
def truth(at: datetime, opened: datetime) -> str:
    return "moved" if at - opened else "still"


@feature
def ordered(at: datetime, opened: datetime, sent: datetime | None) -> datetime:
    return max(at, opened, sent or at)


@feature
def arrived(at: datetime, arrival: datetime) -> float:
    return (arrival - at).total_seconds()


late_count = window.count(over="2h")
