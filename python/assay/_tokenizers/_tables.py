"""What the crates behind the `tokenizers` package say of every code point (characters.bin; tools/tokenizer_tables makes
it of the crates themselves, so their Unicode versions are the package's)."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

LAST = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]


@cache
def _lines() -> dict[str, str]:
    text = zlib.decompress((Path(__file__).parent / "characters.bin").read_bytes()).decode()
    return {line.split(" ", 2)[1]: line.split(" ", 2)[2] if line.count(" ") > 1 else "" for line in text.split("\n")}


def has(name: str) -> bool:
    return name in _lines()


@cache
def members(name: str) -> Ranges:
    """The ranges of a class."""
    pairs = (part.split("-") for part in _lines()[name].split())
    return tuple((int(low, 16), int(high, 16)) for low, high in pairs)


@cache
def mapping(name: str) -> dict[int, str]:
    """The characters that become others."""
    found = {}
    for part in _lines()[name].split():
        code, _, to = part.partition("=")
        found[int(code, 16)] = "".join(chr(int(each, 16)) for each in to.split("+")) if to else ""
    return found


@cache
def numbers(name: str) -> dict[int, int]:
    """A number for each of some characters."""
    return {int(code, 16): int(to, 16) for code, _, to in (part.partition("=") for part in _lines()[name].split())}


@cache
def valued(name: str) -> tuple[tuple[int, int, str], ...]:
    """Ranges with a value each."""
    found = []
    for part in _lines()[name].split():
        span, _, value = part.partition("=")
        low, _, high = span.partition("-")
        found.append((int(low, 16), int(high, 16), value))
    return tuple(found)


@cache
def pairs() -> dict[tuple[int, int], int]:
    """Canonical compositions."""
    found = {}
    for part in _lines()["normal_compose"].split():
        two, _, composed = part.partition("=")
        first, _, second = two.partition("+")
        found[int(first, 16), int(second, 16)] = int(composed, 16)
    return found


def union(*sets: Ranges) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(each for ranges in sets for each in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    found, at = [], 0
    for low, high in union(ranges):
        if at < low:
            found.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        found.append((at, LAST))
    return tuple(found)


def intersection(a: Ranges, b: Ranges) -> Ranges:
    return complement(union(complement(a), complement(b)))


def only(*characters: str) -> Ranges:
    return union(tuple((ord(c), ord(c)) for c in characters))
