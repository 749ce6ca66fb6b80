"""Byte pair encoding: symbols, merges, and the proof that tokens can be found without merging (engine/text/bpe.c)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from ._part import NONE, NUMBERS, Part

BYTES, IGNORE_MERGES, FUSE_UNKNOWN, BYTE_FALLBACK, FAST, MARK_START, MARK_END, UNKNOWN_FAILS = (
    1 << bit for bit in range(8)
)
START, END = b"\xfe", b"\xff"
PROBES_MAX = 60  # engine/text/bpe.c gives up at 64
GOLDEN = 0x9E3779B97F4A7C15

Pairs = dict[tuple[int, int], tuple[int, int]]


def letters() -> dict[str, int]:
    """The letters of the byte-level alphabet, and their bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return {**{chr(b): b for b in plain}, **{chr(256 + n): b for n, b in enumerate(others)}}


@dataclass
class Merging:
    """What merging gives: for each token that it can give, of what it is merged."""

    symbols: dict[bytes, int]
    pairs: Pairs  # (left, right) -> (rank from 1, token)
    keys: dict[int, bytes] = field(default_factory=dict)
    rank: dict[int, int] = field(default_factory=dict)
    time: dict[int, int] = field(default_factory=dict)  # the highest rank on the way to a token
    left: dict[int, int] = field(default_factory=dict)
    right: dict[int, int] = field(default_factory=dict)

    def fit(self, left: int, right: int) -> bool:
        """Whether nothing merges across the boundary of two tokens but they themselves (`fit` in engine/text/bpe.c)."""
        pairs, rank, time = self.pairs, self.rank, self.time
        while True:
            a, b = time[left], time[right]
            if a > b:
                own, left = rank[left], self.right[left]
                limit = a if a > max(time[left], b) else own
            elif b > 0:
                own, behind, right = rank[right], time[self.right[right]], self.left[right]
                limit = (b if b > max(a, time[right]) or b == behind else own) + 1
            else:
                return True
            found = pairs.get((left, right))
            if found is not None and found[0] < limit:
                return False

    def find(self, content: Callable[[int], int]) -> bool:
        """Finds the tokens that merging gives; False where there is not one text and one way for each. `content`: how
        long a token's text is, so that a token comes after those that it is made of."""
        for key, token in self.symbols.items():
            if token in self.keys:
                return False
            self.keys[token], self.rank[token], self.time[token] = key, 0, 0
        for (left, right), (rank, token) in sorted(self.pairs.items(), key=lambda item: content(item[1][1])):
            if left not in self.keys or right not in self.keys:
                continue
            one, two = self.keys[left], self.keys[right]
            if one.endswith(END) or two.startswith(START) or not self.fit(left, right):
                continue  # never neighbours
            if token in self.keys:
                return False
            self.keys[token] = one + two
            self.rank[token], self.left[token], self.right[token] = rank, left, right
            self.time[token] = max(rank, self.time[left], self.time[right])
        # Each pair was looked at once, after the shorter tokens: all are known then.
        return len(set(self.keys.values())) == len(self.keys) and all(
            content(token) > max(content(self.left[token]), content(self.right[token])) for token in self.left
        )

    def tokens(self, part: Part) -> tuple[int, int]:
        """The sections of tokens and of their trie."""
        by_key = {key: token for token, key in self.keys.items()}
        rows = array("I", (0, 0, 0, 0, 0, NONE)) * (max(self.keys) + 1)
        for token, key in self.keys.items():
            prefix = next((by_key[key[:n]] for n in range(len(key) - 1, 0, -1) if key[:n] in by_key), NONE)
            at = token * 6
            made = (self.left.get(token, token), self.right.get(token, token), self.rank[token], self.time[token])
            row = (*made, len(key), prefix)
            rows[at : at + 6] = array("I", row)
        return part.add(NUMBERS, rows.tobytes()), part.trie(by_key)


def merge_table(pairs: Pairs, part: Part) -> int:
    """A hash table of the merges, with few probes."""
    places = 16
    while places < 2 * len(pairs):
        places *= 2
    while True:
        table = filled(pairs, places)
        if table is not None:
            break
        places *= 2
    return part.add(NUMBERS, b"".join(table))


def filled(pairs: Pairs, places: int) -> list[bytes] | None:
    empty = struct.pack("<QII", 2**64 - 1, 0, 0)
    table = [empty] * places
    mask, pack = places - 1, struct.Struct("<QII").pack
    for (left, right), (rank, token) in pairs.items():
        pair = left << 32 | right
        at = (pair * GOLDEN & 0xFFFFFFFFFFFFFFFF) >> 32 & mask
        for _ in range(PROBES_MAX):
            if table[at] is empty:
                break
            at = at + 1 & mask
        else:
            return None
        table[at] = pack(pair, rank, token)
    return table
