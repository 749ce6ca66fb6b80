"""assay.fn: in C what its twins in Python give, to the last bit; and the twins do what the field means by the names."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay import _prelude, fn
from test_code_room import EVERYTHING, Case, build, call, compare

NAMES = [
    "Martha",
    "Marhta",
    "DIXON",
    "DICKSONX",
    "Dwayne",
    "Duane",
    "Müller",
    "Mueller",
    "",
    "a",
    "aa",
    "ab",
    "O'Brien",
]
ODD = ["\0", "é", "e\u0301", "本", "\U0001f600", "ß", "ı", "ſ", "İ", "\u0660", " ", "-", "x" * 63, "x" * 64, "x" * 65]
CARDS = ["4539 1488 0343 6467", "4539-1488-0343-6467", "8273 1232 7352 0569", "0", "", " ", "1a", "18", "٤٥", "0" * 30]
WHERE = [0.0, -0.0, 51.5074, -33.8688, 89.999, 90.0, -90.0, 180.0, -180.0, 1e-9, 91.0, 181.0, 1e300]
NOT_PLACES = [math.nan, math.inf, -math.inf, 5, True, -(2**70), 10**400, None, "1", [1]]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def texts(source: random.Random, count: int) -> Iterator[str]:
    """Made of few characters of many kinds, so that they have something in common."""
    alphabets = ["ab", "abcdefgh", "0123456789 -", "aàáâ", "本日é\U0001f600a", "ABCwhÿ\u0130", "".join(ODD)]
    for _ in range(count):
        alphabet = source.choice(alphabets)
        yield "".join(source.choice(alphabet) for _ in range(source.choice([0, 1, 3, 5, 9, 20, 64, 80])))


def test_texts_give_what_the_twins_give(driver: Path) -> None:
    source = random.Random(7)
    made = [*NAMES, *ODD, *CARDS, *texts(source, 500)]
    pairs = [*itertools.product([*NAMES, *ODD], repeat=2)]
    pairs += [(source.choice(made), source.choice(made)) for _ in range(4000)]

    def cases() -> Iterator[Case]:
        for one in [*made, *EVERYTHING]:
            for name in ("soundex", "luhn_valid", "entropy"):
                yield call(f"assay.fn.{name}", (one,), getattr(fn, name))
        for pair in [*pairs, ("a", None), (None, "a"), (1, "a"), ("a", b"a")]:
            for name in ("jaro_winkler", "levenshtein"):
                yield call(f"assay.fn.{name}", pair, getattr(fn, name))

    compare(driver, cases(), 10_000)


def test_places_give_what_the_twins_give(driver: Path) -> None:
    source = random.Random(8)
    degrees = [*WHERE, *NOT_PLACES]
    near = [[source.uniform(-90, 90), source.uniform(-180, 180), source.uniform(-90, 90), source.uniform(-180, 180)]
            for _ in range(20_000)]  # fmt: skip

    def cases() -> Iterator[Case]:
        for four in itertools.chain(near, (source.choices(degrees, k=4) for _ in range(6000))):
            yield call("assay.fn.haversine_km", tuple(four), fn.haversine_km)
            yield call("assay.fn.geohash", tuple(four[:2]), fn.geohash)
        for two in itertools.product(degrees, repeat=2):
            for precision in (1, 7, 12, 22, 0, 23, -1, True, None, 2.0, "7", 2**70):
                yield call("assay.fn.geohash", (*two, precision), fn.geohash)

    compare(driver, cases(), 50_000)


def test_exact_sums_are_those_of_the_python_beside_them(driver: Path) -> None:
    source = random.Random(9)

    def number(wide: bool) -> Any:
        if source.random() < 0.4:
            return source.choice([0, 1, -1, True, False, 2**63, -(2**70), source.randrange(-(10**9), 10**9)])
        scale = source.uniform(-300, 300) if wide else source.uniform(-20, 20)
        return source.choice([0.0, -0.0, 0.1, 1e22, source.uniform(-1, 1) * 10**scale, 5e-324 if wide else 0.5])

    def cases() -> Iterator[Case]:
        for squared in (True, False):
            for _ in range(3000):
                items = [number(not squared) for _ in range(source.randrange(7))]
                if source.random() < 0.05:
                    items.insert(0, source.choice([math.inf, -math.inf, math.nan]))
                yield call("assay._prelude.exact_sums", (items, squared), _prelude.exact_sums)

    compare(driver, cases(), 6000)


KNOWN: list[tuple[Any, Any]] = [  # from the papers and the sites that fn.py names
    (fn.soundex("Robert"), "R163"),
    (fn.soundex("Rupert"), "R163"),
    (fn.soundex("Tymczak"), "T522"),
    (fn.soundex("Pfister"), "P236"),
    (fn.soundex("Honeyman"), "H555"),
    (fn.soundex("Ashcraft"), "A261"),
    (fn.soundex("Lee"), "L000"),
    (fn.soundex("12"), ""),
    (round(fn.jaro_winkler("MARTHA", "MARHTA"), 4), 0.9611),
    (round(fn.jaro_winkler("DIXON", "DICKSONX"), 4), 0.8133),
    (round(fn.jaro_winkler("DWAYNE", "DUANE"), 4), 0.84),
    (fn.jaro_winkler("", ""), 1.0),
    (fn.jaro_winkler("", "a"), 0.0),
    (fn.levenshtein("kitten", "sitting"), 3),
    (fn.levenshtein("", "abc"), 3),
    (fn.geohash(57.64911, 10.40744, 11), "u4pruydqqvj"),
    (fn.geohash(42.605, -5.603, 5), "ezs42"),
    (fn.luhn_valid("4539 1488 0343 6467"), True),
    (fn.luhn_valid("8273 1232 7352 0569"), False),
    (fn.entropy("abcd"), 2.0),
    (fn.entropy(""), 0.0),
    (round(fn.haversine_km(51.5074, -0.1278, 48.8566, 2.3522)), 344),
    (fn.haversine_km(0, 0, 0, 180), math.pi * 6371.0088),
]


@pytest.mark.parametrize(("given", "expected"), KNOWN)
def test_published_examples(given: Any, expected: Any) -> None:
    assert given == expected
