"""Regular expressions against CPython: the expressions of regular.txt, patterns made by a grammar, CPython's own table
of patterns. Values and exception classes are compared."""

from __future__ import annotations

import os
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay import DefinitionError, _regex
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from test_functions import HEAD, Running, compare, events, features_of, text

pytestmark = pytest.mark.engine

IMPORTS = r"""
import re
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]{2,}")
WORDS = re.compile(r"(?P<word>[^\W\d]+)|(?P<number>\d+)")
DIGITS = re.compile(r"\d")
PATTERNS = [re.compile("a"), re.compile(r"\d"), re.compile("é|ß", re.I)]
NAMED = {"digit": re.compile(r"\d"), "upper": re.compile("[A-Z]"), "space": re.compile(r"\s")}
"""
ALPHABET = "aAbBcCxX019 _-.\n\t\x1c\x85éßẞſKkİıiΣσς٣²字\N{GRINNING FACE}\u0345\u03b9\u1fbe"
texts = st.text(st.sampled_from(ALPHABET), max_size=12) | text


def running(folder: str, expressions: list[str]) -> Running:
    return Running(Path(folder), HEAD + IMPORTS + features_of(expressions))


@pytest.fixture(scope="module")
def listed() -> Iterator[Running]:
    lines = (Path(__file__).parent / "regular.txt").read_text(encoding="utf-8").split("\n")
    with tempfile.TemporaryDirectory() as folder:
        yield running(folder, [line for line in lines if line and not line.startswith("# ")])


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=events, s=texts, t=texts)
def test_re_computes_what_cpython_computes(listed: Running, event: dict[str, Any], s: str, t: str) -> None:
    compare(listed, {**event, "s": s, "t": t})


def features_of_pattern(pattern: str) -> list[str]:
    made = f"re.finditer({pattern!r}, s)"
    return [
        f"repr([(m.span(), m.groups(), m.lastindex) for m in {made}])",
        f"repr([m.span(), m.groups(), m.lastindex]) if (m := re.fullmatch({pattern!r}, s)) else None",
    ]


def compare_patterns(made: list[str], inputs: list[str]) -> None:
    for at in range(0, len(made), 40):
        with tempfile.TemporaryDirectory() as folder:
            expressions = [e for pattern in made[at : at + 40] for e in features_of_pattern(pattern)]
            engine = running(folder, expressions)
            for s in inputs:
                compare(engine, {**EVENT, "s": s})


EVENT: dict[str, Any] = find(events, lambda event: True)


# --- what cannot be the same is refused ---


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("bool(re.search(s, t))", "must be known when the bundle is built"),
        ("bool(re.search(b'a', s))", "a pattern for bytes"),
        ("bool(re.search('(', s))", "not a pattern"),
        ("bool(re.search('(?i)(a)\\\\1', s))", "ignores case"),
        ("re.sub('a', t, s)", "a replacement must be known"),
        ("re.sub('(a)', r'\\2', s)", "not a replacement"),
        ("f'{DIGITS.search(s)}'", "the text of a match"),
    ],
)
def test_what_differs_from_python_is_refused(tmp_path: Path, expression: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        running(str(tmp_path), [expression])


def test_a_pattern_that_goes_back_without_end_stops_at_the_limit(tmp_path: Path) -> None:
    engine = running(str(tmp_path), ["bool(re.search(r'(a+)+$', s))", r"bool(re.search(r'(\w|\w\w)*[!?]', s))"])
    _, errors = engine.run({**EVENT, "s": "a" * 60 + "b"})
    assert [name for name, _ in errors.values()] == ["LimitError", "LimitError"]


# --- CPython's own table ---


def test_cpythons_own_patterns_match_as_there() -> None:
    table = pytest.importorskip("test.re_tests", reason="this Python has no package `test`")
    by_text: dict[str, list[str]] = {}
    for pattern, text_, *_ in table.tests:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _regex.freeze_pattern(re.compile(pattern))
        except (re.error, _regex.CannotTranslate):
            continue
        if "\0" not in text_:
            by_text.setdefault(text_, []).append(pattern)
    every = sorted({pattern for some in by_text.values() for pattern in some})
    assert len(every) > 250
    compare_patterns(every, sorted(by_text)[::7])


# --- patterns made by a grammar ---


class Grammar:
    def __init__(self, chance: random.Random):
        self.chance = chance
        self.groups = 0
        self.closed: list[int] = []

    def atom(self, depth: int) -> str:
        pick = self.chance.random()
        if pick < 0.45 or depth == 0:
            return self.chance.choice(
                ["a", "b", "A", "é", "ß", r"\d", r"\w", r"\s", r"\W", ".", "[ab]", "[^a]", "[a-c\\d]", "k"]
            )
        if pick < 0.52:
            return self.chance.choice(["^", "$", r"\b", r"\B", r"\A", r"\Z"])
        if pick < 0.58 and self.closed:
            return f"\\{self.chance.choice(self.closed)}"
        if pick < 0.66:
            return f"(?{self.chance.choice(['=', '!'])}{self.many(depth - 1)})"
        if pick < 0.70:
            return f"(?<{self.chance.choice(['=', '!'])}{self.chance.choice(['a', 'ab', '[ab]', 'a|b'])})"
        if pick < 0.74 and self.closed:
            return f"(?({self.chance.choice(self.closed)}){self.series(depth - 1)}|{self.series(depth - 1)})"
        if pick < 0.80:
            return f"(?:{self.many(depth - 1)})"
        self.groups += 1
        mine = self.groups
        inner = self.many(depth - 1)
        self.closed.append(mine)
        return f"({inner})"

    def series(self, depth: int) -> str:
        parts = []
        for _ in range(self.chance.randint(1, 3)):
            atom = self.atom(depth)
            if atom[0] not in "^$" and atom not in (r"\b", r"\B", r"\A", r"\Z") and self.chance.random() < 0.4:
                atom += self.chance.choice(["*", "+", "?", "{1,2}", "*?", "+?", "??", "{2}"])
            parts.append(atom)
        return "".join(parts)

    def many(self, depth: int) -> str:
        return "|".join(self.series(depth) for _ in range(self.chance.choice([1, 1, 2, 3])))


def patterns(chance: random.Random, count: int) -> list[str]:
    made: list[str] = []
    while len(made) < count:
        pattern = chance.choice(["", "", "(?i)", "(?m)", "(?a)", "(?s)"]) + Grammar(chance).many(3)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _regex.freeze_pattern(re.compile(pattern))
        except (re.error, _regex.CannotTranslate):
            continue
        made.append(pattern)
    return made


@pytest.mark.parametrize(
    "seed", [1, *([random.SystemRandom().randrange(10**6)] if os.environ.get("ASSAY_FRESH") else [])]
)
def test_patterns_of_a_grammar_match_what_cpython_matches(seed: int) -> None:
    chance = random.Random(seed)
    inputs = ["".join(chance.choices(ALPHABET[:14] * 3 + ALPHABET, k=chance.randint(0, 10))) for _ in range(40)]
    compare_patterns(patterns(chance, 120), inputs)
