"""Format specs, str % args and the texts of numbers against CPython: over tables of edge values, and over what
Hypothesis makes of specs, templates and values. The driver and the cases' form are those of test_code_room.py."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_code_room import FLOATS, INTS, SEQUENCES, STRINGS, Case, Huge, binary, build, call, compare

DECIMALS = [0.5, 1.5, 2.5, 0.125, 2.675, 1.005, 0.05, 0.95, 9.95, 9.995, 99.995, 0.0001, 0.00001, 123456.789, 999999.5]
DECIMALS += [1e15, 1e16, 123456789012345680.0, 1e17, 1e21, 1e-5, 1.2345e-7, -0.001, 1234567.891, 0.1 + 0.2, 2**-1074]
DECIMALS += [4503599627370497.5, 4503599627370496.5, 9007199254740993.0, 8.5e9, 9.2233720368e9, 9.3e9, 5e-10, 4.5e-10]
NUMBERS: list[Any] = [True, False, *INTS, *FLOATS, *DECIMALS]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def specs() -> Iterator[str]:
    aligns = ["", "<", ">", "^", "=", "*<", "é^", "日=", "0>", "x=", "<<", "\U0001f600>"]
    middles = ["", "+", "-", " ", "z", "#", "0", "+z#0", " #", "-0", "z0", "#0"]
    sizes = [
        "",
        "1",
        "7",
        "08",
        "20",
        ",",
        "_",
        "12,",
        "012_",
        ".0",
        ".1",
        ".3",
        "10.2",
        "012,.4",
        "_.2",
        ".17",
        "0,.30",
        "٣",
    ]
    types = ["", *"bcdeEfFgGnosxX%", "q", "é", "\0", "dd"]
    source = random.Random(3)
    everything = list(itertools.product(aligns, middles, sizes, types))
    for align, middle, size, kind in source.sample(everything, 4000):
        yield align + middle + size + kind
    yield from [
        "z,_d",
        "_,d",
        ",,",
        ".",
        ".d",
        "..",
        "1.",
        "%",
        "=",
        "==",
        "é",
        "1" * 19,
        "9" * 30,
        ".99999999999f",
        "é<é<",
    ]
    yield from ["04,", "05,", "06,", "07,", "08,", "09,", "010,", "013,", "04_x", "05_x", "06_b", "#010_x", "+012,.1f"]
    yield from [f".{n}{kind}" for n in (0, 5, 20, 50, 400, 1100, 1500, 3000) for kind in "efg%"]


def test_every_spec_of_every_kind_of_value(driver: Path) -> None:
    source = random.Random(5)
    others: list[Any] = [None, *STRINGS, *SEQUENCES, {1: 2}]

    def cases() -> Iterator[Case]:
        for spec in specs():
            chosen = [*source.sample(NUMBERS, 12), *source.sample(others, 5)]
            yield from (call("format", (value, spec), format) for value in chosen)
        for value in [*NUMBERS, *others]:
            yield call("format", (value,), format)
            yield call("format", (value, ""), format)
            yield call("format", (value, 5), format)
        for value in [0, 1, -1, 31, 127, 128, 0x10FFFF, 0x110000, 2**40, 2**70, -(2**70)]:
            yield call("format", (value, "c"), format)
            yield call("format", (value, "*^5c"), format)

    compare(driver, cases(), 60_000)


def test_precisions_of_many_floats(driver: Path) -> None:
    source = random.Random(8)

    def cases() -> Iterator[Case]:
        for _ in range(4000):
            value = source.choice((1, -1)) * 10 ** source.uniform(-12, 20)
            if source.random() < 0.5:  # close to a tie
                value = round(value, source.randrange(6)) + source.choice(
                    (0.5, 0.25, 0.125)
                ) * 10.0 ** -source.randrange(9)
            if source.random() < 0.3:
                value = source.randrange(1 << 40) / (1 << source.randrange(30))
            for spec in (
                "",
                f".{source.randrange(12)}f",
                f".{source.randrange(20)}g",
                f".{source.randrange(20)}e",
                ",.2f",
            ):
                yield call("format", (value, spec), format)
        for value in [*FLOATS, *DECIMALS]:
            for kind, precision in itertools.product("fge%", range(0, 30)):
                yield call("format", (value, f".{precision}{kind}"), format)
                yield call("format", (value, f"#.{precision}{kind}"), format)

    compare(driver, cases(), 30_000)


def percent(template: str, args: Any) -> str:
    if (
        any(isinstance(a, int) and 10**6 < abs(a) < 2**63 for a in (args if isinstance(args, tuple) else ()))
        and "*" in template
    ):
        raise Huge
    return template % args


TEMPLATES = [
    "",
    "a",
    "%",
    "%%",
    "a%%b",
    "%s",
    "%r",
    "%a",
    "%c",
    "%5c|",
    "%-5c|",
    "%d",
    "%i",
    "%u",
    "%o",
    "%x",
    "%X",
    "%e",
    "%E",
]
TEMPLATES += [
    "%f",
    "%F",
    "%g",
    "%G",
    "%5d|",
    "%-5d|",
    "%05d",
    "%+d",
    "% d",
    "%+ d",
    "%#x",
    "%#X",
    "%#o",
    "%#10x|",
    "%#010x|",
]
TEMPLATES += [
    "%-#10x|",
    "%.3d",
    "%.3x",
    "%#.5x",
    "%010.5d",
    "%-010d|",
    "%+010d",
    "% 010d",
    "%.0f",
    "%.2f",
    "%10.2f|",
    "%-10.2f|",
]
TEMPLATES += [
    "%+.1e",
    "%#.0f",
    "%#g",
    "%010g",
    "%.30f",
    "%.400f",
    "%10s|",
    "%-10s|",
    "%.1s|",
    "%.0s|",
    "%05s",
    "%10.2s|",
    "%.2r",
]
TEMPLATES += [
    "%*d",
    "%-*d|",
    "%.*f",
    "%*.*f",
    "%*s",
    "%(a)s",
    "%(b)d",
    "%(a)s %(b)5.1f",
    "%(a)s %s",
    "%(a",
    "%(",
    "%()s",
    "%((a))s",
]
TEMPLATES += [
    "%q",
    "%é",
    "%5%",
    "%hd",
    "%ld",
    "%Ld",
    "%hhd",
    "%s %s",
    "%s %s %s",
    "é%sé",
    "日%5s|",
    "%(a)%",
    "%-",
    "%5",
    "%.",
    "%.q",
]
TEMPLATES += ["%" + "9" * 20 + "d", "%." + "9" * 12 + "d", "%.2147483646d"]
ARGUMENTS: list[Any] = [
    (),
    (1,),
    (1, 2),
    (1, 2.5, "x"),
    ("a",),
    ("é",),
    ((1, 2),),
    ([1],),
    (None,),
    ({"a": 1},),
    (5, -3),
    (-5, 3),
]
ARGUMENTS += [
    ("a", 3),
    (2**70, 1),
    (2, 1.005),
    (8, 3, 2.34567),
    (-8, -3, 2.34567),
    ("x", "y"),
    (True,),
    (1.5,),
    (-0.0,),
]
ARGUMENTS += [
    [1],
    [],
    {},
    {"a": 1, "b": -2},
    {"a": "é", "b": 2.5},
    {"": 1, "(a)": 2},
    "é",
    "ab",
    65,
    0x10FFFF,
    0x110000,
    -1,
]
ARGUMENTS += [2**70, -(2**70), 3.7, -3.7, math.nan, math.inf, 1e300, None, 2**4000, -5, 255, 0, "\U0001f600"]


def test_percent_of_every_template_and_argument(driver: Path) -> None:
    pairs = itertools.product(TEMPLATES, ARGUMENTS)
    compare(driver, (binary("MOD", t, a, percent) for t, a in pairs), 4000)


# --- what Hypothesis makes ---

spec_texts = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "<", ">", "^", "=", "*<", "é=", "0^", "=="]),
        st.sampled_from(["", "+", "-", " "]),
        st.sampled_from(["", "z"]),
        st.sampled_from(["", "#"]),
        st.sampled_from(["", "0"]),
        st.one_of(st.just(""), st.integers(0, 400).map(str)),
        st.sampled_from(["", ",", "_"]),
        st.one_of(st.just(""), st.integers(0, 400).map(lambda n: f".{n}")),
        st.sampled_from(["", *"bcdeEfFgGnosxX%"]),
    ),
)
scalars = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.integers(-(2**4000), 2**4000),
    st.text(st.characters(exclude_categories=["Cs"])),
)
fields = st.builds(
    lambda flags, width, precision, kind: "%" + flags + width + precision + kind,
    st.text("-+ #0", max_size=3),
    st.one_of(st.just(""), st.integers(0, 300).map(str)),
    st.one_of(st.just(""), st.integers(0, 300).map(lambda n: f".{n}")),
    st.sampled_from("srcdiuoxXeEfFgG%"),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(scalars, spec_texts), min_size=20, max_size=60))
def test_format_computes_what_cpython_computes(driver: Path, pairs: list[tuple[Any, str]]) -> None:
    compare(driver, (call("format", pair, format) for pair in pairs), 1)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.lists(fields, max_size=3), st.lists(scalars, max_size=3)), min_size=10, max_size=30))
def test_percent_computes_what_cpython_computes(driver: Path, pairs: list[tuple[list[str], list[Any]]]) -> None:
    compare(driver, (binary("MOD", " ".join(t), tuple(a), percent) for t, a in pairs), 1)
