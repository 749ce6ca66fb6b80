"""Datetimes of every kind, times of day, zones and timedeltas against CPython: constructors, methods, operators and
texts over tables of edge values. The driver and the cases' form are those of test_code_room.py."""

from __future__ import annotations

import datetime
import itertools
import operator
import random
import re
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from assay import _unicode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_code_room import (
    COMPARISONS,
    DATES,
    DATETIMES,
    DELTAS,
    SCALARS,
    Case,
    assemble,
    binary,
    build,
    call,
    compare,
    dump,
    unary,
)

UTC = datetime.UTC
at = datetime.datetime
ZONES: list[Any] = [
    UTC,
    timezone(timedelta(hours=1)),
    timezone(timedelta(hours=-5, minutes=-30), "X é%d"),
    timezone(timedelta(0), "zero"),
    timezone(timedelta(hours=23, minutes=59, seconds=59, microseconds=999999)),
    timezone(-timedelta(hours=23, minutes=59, seconds=30)),
    *map(
        ZoneInfo,
        ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"],
    ),
    *map(ZoneInfo, ["Europe/Dublin", "Pacific/Apia", "Antarctica/Troll", "America/Sao_Paulo", "EST", "Asia/Tehran"]),
]
NAIVE = [
    at(2024, 2, 29, 23, 59, 59, 999999),
    at(1, 1, 1),
    at(1, 1, 2, 3, 4, 5),
    at(9999, 12, 31, 23, 59, 59, 999999),
    at(1970, 1, 1),
    at(2026, 3, 29, 2, 30),  # in Berlin's gap
    at(2026, 10, 25, 2, 30),  # in its fold
    at(2026, 11, 1, 1, 30, 0, 5),  # in New York's fold
    at(2037, 12, 31, 12),
    at(2050, 7, 1, 12, 30, 5),
    at(1900, 1, 1),
    at(1969, 12, 31, 23, 59, 59, 1),
    at(2011, 12, 30, 12),  # a day that Apia skipped
]
AWARE = [d.replace(tzinfo=z, fold=f) for d in NAIVE for z in ZONES[::2] for f in (0, 1)]
MOMENTS = [*DATETIMES, *NAIVE, *(d.replace(fold=1) for d in NAIVE[4:8]), *AWARE]
TIMES = [datetime.time(), datetime.time(1, 2), datetime.time(23, 59, 59, 999999), datetime.time(12, 0, 0, 5, fold=1)]
TIMES += [datetime.time(12, 30, 5, tzinfo=z) for z in ZONES] + [datetime.time(1, tzinfo=UTC, fold=1)]
OTHERS: list[Any] = [None, 1, 2.5, "a", (1, 2), [], DATES[1], DELTAS[3], UTC, ZONES[6]]
NUMBERS: list[Any] = [
    0,
    1,
    -1,
    5,
    12,
    13,
    28,
    29,
    30,
    31,
    32,
    59,
    60,
    366,
    999999,
    10**6,
    2024,
    9999,
    10000,
    True,
    2**31,
    -(2**40),
]
NUMBERS += [2**63, 2**70, 1.0, 2.5, "a", None]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def some(values: Iterable[Any], count: int, seed: int) -> list[Any]:
    held = list(values)
    return random.Random(seed).sample(held, min(count, len(held)))


class FromMachine(Exception):
    """What depends on the machine's zone: a ValueError here."""


def of(name: str, *rest: Any) -> Any:
    def method(value: Any, *args: Any) -> Any:
        naive = isinstance(value, at) and value.tzinfo is None
        if (
            naive
            and name in ("timestamp", "astimezone")
            and (name == "timestamp" or isinstance(args[0], datetime.tzinfo))
        ):
            raise ValueError("depends on the machine")
        if name == "astimezone" and isinstance(value, at) and args[0] is None:
            raise ValueError("depends on the machine")
        found = getattr(value, name)
        return found(*args) if callable(found) else found

    return method


ATTRIBUTES = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
    "tzinfo",
    "fold",
    "key",
    "days",
    "seconds",
]
ATTRIBUTES += ["microseconds"]
METHODS = [
    "weekday",
    "isoweekday",
    "toordinal",
    "isocalendar",
    "timetuple",
    "utctimetuple",
    "date",
    "time",
    "timetz",
    "ctime",
]
METHODS += ["utcoffset", "dst", "tzname", "timestamp", "total_seconds", "isoformat"]


def test_attributes_and_methods_of_every_value(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for value in [*MOMENTS, *TIMES, *DATES, *DELTAS, *ZONES, None, 5, "a", (1, 2)]:
            for name in [*ATTRIBUTES, *METHODS]:
                is_zone = isinstance(value, datetime.tzinfo) and name in ("utcoffset", "dst", "tzname")
                known = getattr(type(value), name, None)
                if not is_zone and (name not in METHODS or known is None or callable(known)):
                    if isinstance(value, int | str | tuple) and known is not None:
                        continue
                    yield call("." + name, (value,), of(name))
        for zone, value in itertools.product(ZONES, [*some(MOMENTS, 40, 1), None, 5, DATES[0]]):
            for name in ("utcoffset", "dst", "tzname"):
                yield call("." + name, (zone, value), of(name))

    compare(driver, cases(), 9000)


# Asked of what isocalendar() and timetuple() give, so in times.txt, as are .week, .tm_year and so on.
NAMED = {".weekday.attribute": "at.isocalendar().weekday"}


def test_days_around_the_turn_of_a_year(driver: Path) -> None:
    years = (1, 4, 1999, 2000, 2015, 2020, 2021, 2024, 2026, 9999)
    days = [date(y, m, d) for y in years for m, d in ((1, 1), (12, 31), (1, 3), (12, 29))]
    cases = [call("." + n, (d,), of(n)) for d in [*days, *MOMENTS] for n in ("isocalendar", "timetuple")]
    compare(driver, cases, 300)


def test_texts(driver: Path) -> None:
    values = [*MOMENTS, *TIMES, *ZONES, *DATES, *DELTAS]

    def cases() -> Iterator[Case]:
        for value in values:
            yield from (unary("FORMAT", value, f, x) for x, f in enumerate((format, str, repr, ascii)))
            for function in (str, repr, ascii):
                yield call(function.__name__, ([value],), function)
        for value in [*some(MOMENTS, 120, 2), *TIMES, *DATES, None]:
            for spec in ["auto", "hours", "minutes", "seconds", "milliseconds", "microseconds", "x", "", 5, None]:
                if isinstance(value, datetime.time):
                    yield call(".isoformat", (value, spec), of("isoformat"))
                else:
                    for separator in ("T", " ", "é", "", "ab", 5, None):
                        yield call(".isoformat", (value, separator, spec), of("isoformat"))
                        yield call(".isoformat", (value, separator), of("isoformat"))

    compare(driver, cases(), 9000)


def test_operators_of_every_pair(driver: Path) -> None:
    values = [*some(MOMENTS, 90, 3), *TIMES[::2], *DATES, *DELTAS, *OTHERS, *ZONES[:7]]
    operators = {"ADD": operator.add, "SUB": operator.sub, "MUL": operator.mul, "MOD": operator.mod}
    operators |= {"DIV": operator.truediv, "FLOORDIV": operator.floordiv, **COMPARISONS}

    def cases() -> Iterator[Case]:
        for b, c in itertools.product(values, values):
            for name, function in operators.items():
                if not (name == "MOD" and isinstance(b, str)):
                    yield binary(name, b, c, function)
        for delta, factor in itertools.product(DELTAS, SCALARS):
            yield from (binary(n, delta, factor, f) for n, f in operators.items() if n not in COMPARISONS)
            yield binary("MUL", factor, delta, operator.mul)
        for delta, other in itertools.product(DELTAS, DELTAS):
            yield call("divmod", (delta, other), divmod)
        for delta in DELTAS:
            yield call("abs", (delta,), abs)
            yield unary("NEG", delta, operator.neg)
            yield unary("POS", delta, operator.pos)

    compare(driver, cases(), 150_000)


def test_as_keys_and_items(driver: Path) -> None:
    values = [*some(MOMENTS, 90, 4), *TIMES, *ZONES]

    def cases() -> Iterator[Case]:
        for value in values:
            tables = [{v: n for n, v in enumerate(some(values, 12, seed))} for seed in range(2)]
            for held in [*tables, {value: 1}, set(some(values, 9, 7))]:
                yield binary("IN", value, held, lambda item, container: item in container)

    compare(driver, cases(), 400)


def test_constructors(driver: Path) -> None:
    source = random.Random(9)

    def pick(*likely: int) -> Any:
        return source.choice(likely) if source.random() < 0.9 else source.choice(NUMBERS)

    def clock() -> list[Any]:
        return [pick(0, 1, 23), pick(0, 59), pick(0, 59), pick(0, 999999)]

    def cases() -> Iterator[Case]:
        for _ in range(6000):
            days = [pick(1, 2024, 9999, 2026), pick(1, 2, 12), pick(1, 28, 29, 31)]
            zone = source.choice([None, None, *ZONES, 5])
            fold = source.choice([0, 0, 1, 1, 2, -1, None])
            args = (*days, *clock(), zone, fold)
            count = source.choice([3, 4, 5, 6, 7, 8, 9])
            yield call(
                "datetime.datetime", args[:count], lambda *a: at(*a[:8], **({"fold": a[8]} if len(a) > 8 else {}))
            )
            yield call("datetime.date", tuple(days), date)
            args = (*clock(), zone, fold)
            count = source.randrange(7)
            yield call(
                "datetime.time",
                args[:count],
                lambda *a: datetime.time(*a[:5], **({"fold": a[5]} if len(a) > 5 else {})),
            )
        numbers = [*NUMBERS, 0.5, 1e-7, -0.3, 1.5e-6, 2.5e-6, 1e17, 1e300, float("nan"), float("inf"), 0.1, 3600.000001]
        numbers += [source.uniform(-1e6, 1e6) for _ in range(30)]
        for _ in range(4000):
            args = tuple(source.choice(numbers) for _ in range(source.randrange(1, 8)))
            yield call("datetime.timedelta", args, timedelta)
        for number in numbers:
            yield from (call("datetime.timedelta", (*(0,) * n, number), timedelta) for n in range(7))
        yield call("datetime.timedelta", (), timedelta)
        for delta in [*DELTAS, *(timedelta(hours=h) for h in (-24, -23, 0, 5, 24)), 5, None]:
            yield call("datetime.timezone", (delta,), timezone)
            yield from (call("datetime.timezone", (delta, name), timezone) for name in ("a", "", "é'\"", None, 5))

    compare(driver, cases(), 20_000)


STAMPS: list[Any] = [
    *SCALARS,
    0.5,
    1.5e-6,
    2.5e-6,
    1e9,
    1700000000.123456,
    1700000000.1234565,
    253402300799,
    253402300800,
]
STAMPS += [
    -62135596800,
    -62135596801,
    -62135596800.5,
    1e12,
    1e16,
    1e17,
    -1e17,
    253402300799.9999999,
    "a",
    None,
    1582975799.9999996,
]


def test_made_of_numbers_and_of_each_other(driver: Path) -> None:
    source = random.Random(10)
    stamps = [
        *STAMPS,
        *(source.uniform(-1e10, 1e10) for _ in range(500)),
        *(source.uniform(-10, 10) for _ in range(300)),
    ]

    def stamp(number: Any, zone: Any) -> Any:
        if zone is None:
            raise ValueError("depends on the machine")
        return at.fromtimestamp(number, zone)

    def cases() -> Iterator[Case]:
        for number in stamps:
            yield call("datetime.datetime.utcfromtimestamp", (number,), at.utcfromtimestamp)
            yield from (
                call("datetime.datetime.fromtimestamp", (number, z), stamp) for z in [*some(ZONES, 5, 11), None, 5]
            )
        for number in [*NUMBERS, 719163, 3652059, 3652060]:
            yield call("datetime.datetime.fromordinal", (number,), at.fromordinal)
            yield call("datetime.date.fromordinal", (number,), date.fromordinal)
        weeks = [*NUMBERS[:5], 52, 53, 54, 2**31, 2.0, "a"]
        for year, week, day in itertools.product(
            [0, 1, 2015, 2020, 2024, 2026, 9998, 9999, 10000, 2**40, 2.0], weeks, [0, 1, 4, 7, 8, "a"]
        ):
            yield call("datetime.date.fromisocalendar", (year, week, day), date.fromisocalendar)
            yield call("datetime.datetime.fromisocalendar", (year, week, day), at.fromisocalendar)
        for day, clock in itertools.product([*some(MOMENTS, 30, 12), *DATES, 5], [*TIMES, 5]):
            yield call("datetime.datetime.combine", (day, clock), at.combine)
            yield from (call("datetime.datetime.combine", (day, clock, z), at.combine) for z in (None, ZONES[6], 5))

    compare(driver, cases(), 7000)


def test_replace(driver: Path) -> None:
    source = random.Random(12)
    names = dict(
        zip(
            "ymdHMSfzF",
            ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
            strict=True,
        )
    )
    likely: dict[str, list[Any]] = {
        **{letter: [0, 1, 2, 12, 23, 28, 31, 59, 2024, 999999] for letter in "ymdHMSf"},
        "z": [None, *ZONES],
        "F": [0, 1, 2],
    }

    def by_name(value: Any, letters: str, *args: Any) -> Any:
        return value.replace(**dict(zip((names[c] for c in letters), args, strict=True)))

    def cases() -> Iterator[Case]:
        for value in [*some(MOMENTS, 150, 13), *TIMES, *DATES]:
            for _ in range(15):
                letters = "".join(source.sample("ymdHMSfzF", source.randrange(1, 4)))
                known = all(
                    hasattr(value, names[c]) for c in letters
                )  # else which of two errors depends on the version
                args = [source.choice(likely[c] if not known or source.random() < 0.9 else NUMBERS) for c in letters]
                yield call(".replace.named", (value, letters, *args), by_name)
            for count in range(9):
                args = [
                    source.choice([1, 2, 12, 28]) if n < 7 else source.choice([None, *ZONES, 5]) for n in range(count)
                ]
                yield call(".replace", (value, *args), lambda v, *a: v.replace(*a))

    compare(driver, cases(), 4000)


def test_astimezone(driver: Path) -> None:
    pairs = itertools.product(MOMENTS, [*ZONES, None, 5])
    compare(driver, (call(".astimezone", pair, of("astimezone")) for pair in pairs), 5000)


def moments_around_changes(zone: ZoneInfo, source: random.Random) -> list[datetime.datetime]:
    """Instants around the zone's changes: found by looking for them, not by reading its file."""
    found = []
    begin = at(
        source.choice([1880, 1915, 1945, 1970, 1990, 2005, 2020, 2030, 2036, 2045, 2200, 9990]), 1, 1, tzinfo=UTC
    )
    before = begin.astimezone(zone).utcoffset()
    for day in range(0, 800, 7):
        now = begin + timedelta(days=day)
        if now.astimezone(zone).utcoffset() == before:
            continue
        low, high = now - timedelta(days=7), now
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // 2
            low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
        high = high.replace(microsecond=0)
        steps = [-7200, -3601, -3600, -1801, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 7200, 10800]
        found += [high + timedelta(seconds=s) for s in steps] + [
            high + timedelta(microseconds=u) for u in (-1, 1, 999999)
        ]
        before = now.astimezone(zone).utcoffset()
    return found


def test_every_zone_of_the_database(driver: Path) -> None:
    """Local times, folds, gaps, names and savings around each change that a search finds, and at random moments."""
    source = random.Random(14)

    def cases() -> Iterator[Case]:
        for key in sorted(available_timezones()):
            zone = ZoneInfo(key)
            instants = [
                at(1, 1, 3, tzinfo=UTC) + timedelta(seconds=source.randrange(315_500_000_000)) for _ in range(6)
            ]
            instants += [
                at(1850, 1, 1, tzinfo=UTC) + timedelta(seconds=source.randrange(7_000_000_000)) for _ in range(20)
            ]
            for instant in instants + moments_around_changes(zone, source):
                yield call(".astimezone", (instant, zone), of("astimezone"))
                local = instant.astimezone(zone).replace(fold=source.randrange(2)) + timedelta(
                    seconds=source.choice([0, 3600, -1800])
                )
                local = local.replace(fold=source.randrange(2))
                for name in ("utcoffset", "dst", "tzname"):
                    yield call("." + name, (local,), of(name))
                yield call(".astimezone", (local, UTC), of("astimezone"))

    compare(driver, cases(), 100_000)


ISO = [
    "2024-02-29T23:59:59.999999+01:00",
    "20240229T235959",
    "2024-W09-4T10:11",
    "2024W094",
    "2024-02-29",
    "20240229",
    "2024W09",
]
ISO += [
    "2024-02-29 10:11:12,5Z",
    "12:30:05.123456-05:30:15.5",
    "T1230",
    "1230",
    "12",
    "12:30:05",
    "123005.5+0130",
    "2024-W09",
]
ISO += [
    "2024-02-30",
    "2024-13-01",
    "0000-01-01",
    "2023-02-29T01",
    "24:00",
    "2024-01-01T24:00",
    "9999-W52-7",
    "2020-W53-7",
]


def mutated(text: str, source: random.Random) -> str:
    letters = list(text)
    for _ in range(source.choice([0, 1, 1, 1, 2, 3])):
        where = source.randrange(len(letters) + 1)
        what = source.choice("0123456789-:.,+ZTWé٣ \0")
        action = source.random()
        if action < 0.4:
            letters.insert(where, what)
        elif action < 0.7:
            letters[where : where + 1] = [what]
        else:
            del letters[where : where + source.choice([1, 1, 2, 5])]
    return "".join(letters)


def test_fromisoformat(driver: Path) -> None:
    source = random.Random(15)
    functions = {
        "datetime.datetime.fromisoformat": at.fromisoformat,
        "datetime.date.fromisoformat": date.fromisoformat,
        "datetime.time.fromisoformat": datetime.time.fromisoformat,
    }

    def cases() -> Iterator[Case]:
        texts = [*ISO, *(mutated(text, source) for text in ISO * 1200)]
        texts += [v.isoformat(s) for v in MOMENTS for s in "T "] + [str(v) for v in [*TIMES, *DATES]]
        for text in [*texts, *OTHERS]:
            yield from (call(name, (text,), function) for name, function in functions.items())

    compare(driver, cases(), 80_000)


FORMATS = [
    "",
    "%",
    "%%",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%a %A %b %B %c",
    "%d %e %H %I %j %k %l %m %M %p %P",
    "%S %u %U %V %w %W %x %X",
]
FORMATS += [
    "%y %Y %Z %C %D %F %g %G %h %n %r %R %t %T",
    "é%Y日%m",
    "%é",
    "%Q %v %i %J %",
    "%-d.%-m %_d %05d %^a %#p %10Y|%-H",
    "%Ey %Od %EQ",
]
FORMATS += [
    "a\0%Y",
    "%5000Y",
    "%300d",
    "%1023d",
    "%1024d",
    "%2000d" + "x" * 20,
    "%z %:z %f %%z %-z %5Z|",
    "%Z%z%Z",
    "%-%f",
    "%E",
    "%10",
    "x" * 3000,
]
FORMATS += ["%G-W%V-%u %U %W %j"]


def test_strftime(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for value in [*some(MOMENTS, 200, 16), *TIMES, *DATES, None, 5]:
            for text in [*FORMATS, 5, None]:
                yield call(".strftime", (value, text), of("strftime"))
                if isinstance(value, date | datetime.time) and text:
                    yield call("format", (value, text), format)

    compare(driver, cases(), 9000)


def test_what_depends_on_the_machine_is_refused(driver: Path) -> None:
    def refused(*_: Any) -> None:
        raise ValueError

    cases = [call(".strftime", (value, "%s"), refused) for value in (NAIVE[0], AWARE[0], DATES[1], TIMES[1])]
    cases += [call(".timestamp", (NAIVE[0],), refused), call(".astimezone", (NAIVE[0], UTC), refused)]
    compare(driver, [*cases, call("datetime.datetime.fromtimestamp", (0, None), refused)], 7)


def test_a_damaged_zone_is_refused_or_computes_something(driver: Path) -> None:
    """Whatever stands in a bundle for a zone: an answer, an exception or a refusal that names the constant."""
    source = random.Random(18)
    local = ZoneInfo("Europe/Berlin")
    whole = bytes([*dump(at(2040, 7, 1, tzinfo=local))])
    cases = [call(".astimezone", (DATETIMES[5], ZONES[6]), of("astimezone")), call(".dst", (NAIVE[5],), of("dst"))]
    work = assemble(cases)
    assert work.count(dump(NAIVE[5])) == 1
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(source.choice([1, 1, 2, 8])):
            damaged[source.randrange(len(damaged))] = source.choice([0, 1, 2, 0x7F, 0x80, 0xFF, source.randrange(256)])
        if source.random() < 0.2:
            del damaged[source.randrange(len(damaged)) :]
        head, constant, tail = work.partition(dump(NAIVE[5]))
        at_pool = 8 + struct.unpack_from("<I", head, 4)[0]  # behind the count and the code
        (pool,) = struct.unpack_from("<I", head, at_pool)
        grown = head[:at_pool] + struct.pack("<I", pool + len(damaged) - len(constant)) + head[at_pool + 4 :]
        tables = _unicode.tables()
        done = subprocess.run(
            [driver], input=struct.pack("<I", len(tables)) + tables + grown + bytes(damaged) + tail, capture_output=True
        )
        assert done.returncode == 0 or (done.returncode == 1 and done.stderr.startswith(b"constant")), (
            done.stderr.decode()
        )


DIRECTIVES = "aAbBcdfHIjmMpSuUVwWxXyYzZG"
PARSED = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%d.%m.%y %I:%M %p",
    "%a %b %d %H:%M:%S %Y",
    "%c",
    "%x %X",
    "%j %Y",
    "%Y%m%d%H%M%S",
]
PARSED += [
    "%d%m%Y",
    "%A, %d. %B %Y",
    "%Y %U %w",
    "%Y %W %a",
    "%G-W%V-%u",
    "%G %V %A",
    "%H%M",
    "%b %d",
    "%m/%d",
    "%Z %H",
    "%z%Z",
    "%Y %Z%z",
    "%%%Y%%",
]
PARSED += [
    "%d %d",
    "%",
    "%Q",
    "%-d",
    "% d",
    "%é",
    "a%Yb",
    "  %Y \t %m",
    "[%Y].(%m)",
    "%y%j",
    "%I",
    "%p %I",
    "%S",
    "%f",
    "%Y %G",
    "%V %a",
    "%Y %V %a",
]
PARSED += [
    "%G %j",
    "%Y-%m-%d %V",
    "%s",
    "%U %Y",
    "%d %b",
    "ſ%Y",
    "%j",
    "%Y %j %U %w",
    "%w %u",
    "%B %m %Y",
    "%c %Y",
    "%x %m",
    "%y %Y",
    "%M%H",
    "",
]


def strptime(text: Any, form: Any) -> datetime.datetime:
    try:
        return at.strptime(text, form)
    except re.error:  # a directive that stands twice: a build error for a constant, a ValueError while running
        raise ValueError from None


def unreadable(text: str) -> bool:
    """Names of the machine's own zone, which CPython takes for %Z."""
    return any(name.lower() in text.lower() for name in time.tzname if name.lower() not in ("utc", "gmt"))


def test_strptime(driver: Path) -> None:
    source = random.Random(17)

    def instant() -> datetime.datetime:
        value = at(1, 1, 1) + timedelta(microseconds=source.randrange(315_537_897_599_999_999))
        return value.replace(
            tzinfo=source.choice(ZONES),
            year=source.choice([value.year, 1969, 2024, 2026]) if value.day < 29 else value.year,
        )

    def cases() -> Iterator[Case]:
        for form in PARSED:
            for _ in range(60):
                text = instant().strftime(form.replace("%Z", source.choice(["UTC", "gmt", "%Z"])))
                for changed in (text, mutated(text, source), text.upper(), text.replace(" ", "  ", 1), text + " "):
                    if not unreadable(changed):
                        yield call("datetime.datetime.strptime", (changed, form), strptime)
        for _ in range(6000):
            form = source.choice(["", " ", "-", ":", "T"]).join(
                "%" + c for c in source.sample(DIRECTIVES, source.randrange(1, 7))
            )
            text = instant().strftime(form).replace("%", "")
            changed = text if source.random() < 0.6 else mutated(text, source)
            if not unreadable(changed):
                yield call("datetime.datetime.strptime", (changed, form), strptime)
        for text in [
            "+01:30:15.123456",
            "+0130:15",
            "+01:3015",
            "+013015",
            "+013015.5",
            "-23:59:59.999999",
            "+24:00",
            "Z",
            "z",
            "+01",
            "+0160",
            "+٠١٣٠",
        ]:
            for form in ("%z", "%z%f", "%zx", "%Z%z"):
                yield call("datetime.datetime.strptime", (text, form), strptime)
        yield from (
            call("datetime.datetime.strptime", pair, strptime) for pair in itertools.product(OTHERS, ["%Y", None, 5])
        )
        for year, week, day in itertools.product((1, 1999, 2015, 2020, 2021, 2024, 9999), range(54), range(7)):
            yield call("datetime.datetime.strptime", (f"{year:04} {week} {day}", "%Y %U %w"), strptime)
            yield call("datetime.datetime.strptime", (f"{year:04} {week} {day}", "%Y %W %w"), strptime)
            yield call("datetime.datetime.strptime", (f"{year:04} {week} {day}", "%G %V %u"), strptime)

    compare(driver, cases(), 25_000)


# --- what Hypothesis makes: any moment of the years 1 to 9999 in any zone, in folds and gaps too ---

zone_values = st.one_of(
    st.none(),
    st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(timezone),
    st.just(UTC),
)
moment_values = st.builds(
    lambda value, zone, fold: value.replace(tzinfo=zone, fold=fold),
    st.one_of(st.datetimes(), st.datetimes(at(1900, 1, 1), at(2100, 1, 1))),
    zone_values,
    st.integers(0, 1),
)
delta_values = st.timedeltas(timedelta(days=-4_000_000), timedelta(days=4_000_000))
pieces = st.sampled_from(
    ["%Y", "%m", "%d", "%H", "%I", "%p", "%M", "%S", "%f", "%j", "%y", "%b", "%B", "%a", "%z", "-", " ", "T", ":", "é"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(moment_values, moment_values, zone_values, delta_values, st.lists(pieces)), min_size=5, max_size=20
    )
)
def test_generated_moments_compute_what_cpython_computes(driver: Path, drawn: list[tuple[Any, ...]]) -> None:
    def cases() -> Iterator[Case]:
        for value, other, target, delta, parts in drawn:
            same = repr(target) == repr(
                value.tzinfo
            )  # two timezones of one offset and name are one object in the engine
            zone = value.tzinfo if same else target
            yield call(".astimezone", (value, zone), of("astimezone"))
            for name in (
                "utcoffset",
                "dst",
                "tzname",
                "timestamp",
                "isoformat",
                "isocalendar",
                "utctimetuple",
                "timetz",
                "ctime",
            ):
                yield call("." + name, (value,), of(name))
            yield from (call(f.__name__, (value,), f) for f in (str, repr))
            yield from (binary(name, value, other, f) for name, f in {"SUB": operator.sub, **COMPARISONS}.items())
            yield from (binary(name, value, delta, f) for name, f in {"ADD": operator.add, "SUB": operator.sub}.items())
            yield binary("IN", other, {value: 1}, lambda item, container: item in container)
            form = "".join(parts)
            yield call(".strftime", (value, form), of("strftime"))
            yield call("datetime.datetime.fromisoformat", (value.isoformat(),), at.fromisoformat)
            yield call("datetime.datetime.strptime", (value.strftime(form), form), strptime)

    compare(driver, cases(), 100)


def test_strptime_of_long_texts(driver: Path) -> None:
    """What makes the search long stays within the steps of a call."""
    spaces = " " * 20000
    pairs = [(spaces + "x", " %d %m %H"), ("1" + spaces + "1" + spaces + "x", "%d %m %Hx"), ("é" * 9000, "é" * 1000)]
    pairs += [
        ("1" * 60 + "x", "%d%m%H%M%S%j%U%w%y%Y%I%G%V%ux"),
        ("1 " * 20 + spaces, "%d %m %H %M %S %j %U %w %y %Y x"),
    ]
    compare(driver, [call("datetime.datetime.strptime", pair, strptime) for pair in pairs], 5)
