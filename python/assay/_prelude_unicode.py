"""`unicodedata`, compiled from Python as `_prelude.py` is, over tables of the Python that builds.

Normalization is Unicode Standard Annex 15: full decomposition, canonical order, canonical composition. What has a value
for whole runs of characters (categories, widths, directions) is looked up by the run's start.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import bisect
import sys
import unicodedata
from collections.abc import Callable
from itertools import groupby
from typing import Any

from ._prelude import NOTHING

_ALL = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]  # no str of an event has a surrogate
_UNDEFINED = object()
HANGUL, LEADS, VOWELS, TAILS = 0xAC00, 0x1100, 0x1161, 0x11A7
HANGUL_COUNT, LEAD_COUNT, VOWEL_COUNT, TAIL_COUNT = 11172, 19, 21, 28


def _runs(of: Callable[[str], str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The first of each run of characters that have the same, and what it is."""
    found = [(ord(next(run)), kind) for kind, run in groupby(_ALL, of)]
    return tuple(start for start, _ in found), tuple(kind for _, kind in found)


def _decompositions(form: Any) -> dict[str, str]:
    found = {c: unicodedata.normalize(form, c) for c in _ALL if unicodedata.decomposition(c)}
    return {c: made for c, made in found.items() if made != c}


def _pairs() -> dict[str, str]:
    """Two characters that become one."""
    halves = {c: unicodedata.decomposition(c).split() for c in CANONICAL}
    two = {chr(int(a, 16)) + chr(int(b, 16)): c for c, (a, b) in ((c, p) for c, p in halves.items() if len(p) == 2)}
    return {pair: c for pair, c in two.items() if unicodedata.normalize("NFC", pair) == c}


def _numbers(of: Callable[[str, Any], Any]) -> dict[str, Any]:
    found = {c: of(c, _UNDEFINED) for c in _ALL if c.isnumeric()}
    return {c: number for c, number in found.items() if number is not _UNDEFINED}


CLASSES = {c: unicodedata.combining(c) for c in _ALL if unicodedata.combining(c)}
CANONICAL, COMPATIBLE = _decompositions("NFD"), _decompositions("NFKD")
PAIRS = _pairs()
CATEGORY_STARTS, CATEGORIES = _runs(unicodedata.category)
WIDTH_STARTS, WIDTHS = _runs(unicodedata.east_asian_width)
DIRECTION_STARTS, DIRECTIONS = _runs(unicodedata.bidirectional)
DECIMALS, DIGITS = _numbers(unicodedata.decimal), _numbers(unicodedata.digit)
NUMBERS = _numbers(unicodedata.numeric)
MIRRORED = frozenset(c for c in _ALL if unicodedata.mirrored(c))


def decomposed(text, table):
    parts = []
    for c in text:
        n = ord(c) - HANGUL
        if 0 <= n < HANGUL_COUNT:
            parts.append(chr(LEADS + n // (VOWEL_COUNT * TAIL_COUNT)))
            parts.append(chr(VOWELS + n % (VOWEL_COUNT * TAIL_COUNT) // TAIL_COUNT))
            if n % TAIL_COUNT:
                parts.append(chr(TAILS + n % TAIL_COUNT))
        else:
            parts.append(table.get(c, c))
    chars = list("".join(parts))
    for i, c in enumerate(list(chars)):
        rank = CLASSES.get(c, 0)
        at = i
        while rank and at > 0 and CLASSES.get(chars[at - 1], 0) > rank:
            chars[at] = chars[at - 1]
            at -= 1
        chars[at] = c
    return chars


def pair_of(a, b):
    """The one character that two become, or None."""
    lead, vowel = ord(a) - LEADS, ord(b) - VOWELS
    if 0 <= lead < LEAD_COUNT and 0 <= vowel < VOWEL_COUNT:
        return chr(HANGUL + (lead * VOWEL_COUNT + vowel) * TAIL_COUNT)
    syllable, tail = ord(a) - HANGUL, ord(b) - TAILS
    if 0 <= syllable < HANGUL_COUNT and syllable % TAIL_COUNT == 0 and 0 < tail < TAIL_COUNT:
        return chr(ord(a) + tail)
    return PAIRS.get(a + b)


def composed(chars):
    made: Any = []
    starter = -1
    last = -1  # the class of what stands between; -1: nothing
    for c in chars:
        rank = CLASSES.get(c, 0)
        if starter >= 0 and last < rank:
            one = pair_of(made[starter], c)
            if one is not None:
                made[starter] = one
                continue
        if rank == 0:
            starter = len(made)
            last = -1
        else:
            last = rank
        made.append(c)
    return made


def normalize(form, text):
    if not isinstance(form, str) or not isinstance(text, str):
        raise TypeError("normalize() takes two str")
    if not text:
        return text
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ValueError("invalid normalization form")
    if text.isascii():
        return text
    chars = decomposed(text, COMPATIBLE if "K" in form else CANONICAL)
    return "".join(composed(chars) if form.endswith("C") else chars)


def is_normalized(form, text):
    return normalize(form, text) == text


def character(c, name):
    """A character's number; TypeError for anything else."""
    if not isinstance(c, str) or len(c) != 1:
        raise TypeError(name + "() argument must be a unicode character")
    return ord(c)


def category(c):
    return CATEGORIES[bisect.bisect_right(CATEGORY_STARTS, character(c, "category")) - 1]


def east_asian_width(c):
    return WIDTHS[bisect.bisect_right(WIDTH_STARTS, character(c, "east_asian_width")) - 1]


def bidirectional(c):
    return DIRECTIONS[bisect.bisect_right(DIRECTION_STARTS, character(c, "bidirectional")) - 1]


def combining(c):
    character(c, "combining")
    return CLASSES.get(c, 0)


def mirrored(c):
    character(c, "mirrored")
    return int(c in MIRRORED)


def decimal(c, default=NOTHING):
    character(c, "decimal")
    if c in DECIMALS:
        return DECIMALS[c]
    if default is NOTHING:
        raise ValueError("not a decimal")
    return default


def digit(c, default=NOTHING):
    character(c, "digit")
    if c in DIGITS:
        return DIGITS[c]
    if default is NOTHING:
        raise ValueError("not a digit")
    return default


def numeric(c, default=NOTHING):
    character(c, "numeric")
    if c in NUMBERS:
        return NUMBERS[c]
    if default is NOTHING:
        raise ValueError("not a numeric character")
    return default


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    unicodedata.normalize: normalize,
    unicodedata.is_normalized: is_normalized,
    unicodedata.category: category,
    unicodedata.east_asian_width: east_asian_width,
    unicodedata.bidirectional: bidirectional,
    unicodedata.combining: combining,
    unicodedata.mirrored: mirrored,
    unicodedata.decimal: decimal,
    unicodedata.digit: digit,
    unicodedata.numeric: numeric,
}
