"""Writes a tokenizer's part: numbered sections (engine/text/read.c has the format), and the tables that several kinds
of step use."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping

from .._engine import build_trie
from ._errors import TokenizerError
from ._tables import LAST, Ranges, union

NONE = 0xFFFFFFFF
HEAD, KINDS, PROPERTY, MAP, PAIRS, BYTES, PROGRAM, CHARSMAP, TRIE, STEPS, STAGES, ADDED, MODEL, NUMBERS, POST = range(
    1, 16
)
IDS_MAX = 1 << 24
CLASSES_MAX = 64
SAME, SLOW, SPACED = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
REMOVE, TABLE = 0xFF, 0xFE


class Part:
    def __init__(self) -> None:
        self.sections: list[tuple[int, bytes]] = [(HEAD, b"")]
        self.known: dict[tuple[int, bytes], int] = {}
        self.classes: dict[Ranges, int] = {}

    def add(self, kind: int, payload: bytes) -> int:
        """The number of a section; the same bytes are one section."""
        key = (kind, payload)
        if key not in self.known:
            self.known[key] = len(self.sections)
            self.sections.append(key)
        return self.known[key]

    def numbers(self, *values: int) -> bytes:
        return struct.pack(f"<{len(values)}I", *values)

    def character_class(self, ranges: Ranges) -> int:
        """The number of a class of characters."""
        ranges = union(ranges)
        if ranges not in self.classes:
            if len(self.classes) == CLASSES_MAX:
                raise TokenizerError(f"$: more than {CLASSES_MAX} classes of characters in all patterns together")
            self.classes[ranges] = len(self.classes)
        return self.classes[ranges]

    def trie(self, keys: Mapping[bytes, int]) -> int:
        ordered = sorted(key for key in keys if key)
        ends = array("I")
        at = 0
        for key in ordered:
            at += len(key)
            ends.append(at)
        values = array("I", (keys[key] for key in ordered))
        return self.add(TRIE, build_trie(b"".join(ordered), ends.tobytes(), values.tobytes()))

    def kinds(self) -> int:
        """The table of all classes: what is in the same classes is of one kind."""
        cuts: dict[int, int] = {0: 0}
        for ranges, number in self.classes.items():
            for low, high in ranges:
                cuts[low] = cuts.get(low, 0) ^ 1 << number
                cuts[high + 1] = cuts.get(high + 1, 0) ^ 1 << number
        kinds: dict[int, int] = {}
        table = array("H", bytes(2 * (LAST + 1)))
        mask, places = 0, sorted(cuts)
        for at, place in enumerate(places):
            mask ^= cuts[place]
            end = places[at + 1] if at + 1 < len(places) else LAST + 1
            kind = kinds.setdefault(mask, len(kinds))
            if place < end and kind:
                table[place:end] = array("H", [kind]) * (end - place)
        pages, blocks = paged(table)
        head = struct.pack("<II", len(blocks), len(kinds)) + pages + b"".join(blocks)
        head += bytes(-len(head) % 8)
        return self.add(KINDS, head + struct.pack(f"<{len(kinds)}Q", *kinds))

    def property(self, values: Iterable[tuple[int, int, int]]) -> int:
        """A small number for each code point, from ranges."""
        table = array("B", bytes(LAST + 1))
        for low, high, value in values:
            table[low : high + 1] = array("B", [value]) * (high - low + 1)
        pages, blocks = paged(table)
        return self.add(PROPERTY, struct.pack("<II", len(blocks), 0) + pages + b"".join(blocks))

    def map(self, changes: Mapping[int, str | None]) -> int:
        """What characters become; None: it depends on what is around it."""
        entries = array("I", [SAME]) * (LAST + 1)
        texts = bytearray()
        places: dict[bytes, int] = {}
        for code, to in changes.items():
            if to is None:
                entries[code] = SLOW
                continue
            if len(to) == 3 and to[0] == to[2] == " " and ord(to[1]) == code:
                entries[code] = SPACED
                continue
            text = to.encode()
            if len(text) > 255:
                raise TokenizerError(f"$.normalizer: U+{code:04X} becomes {len(text)} bytes, at most 255 are possible")
            if text not in places:
                places[text] = len(texts)
                texts += text
            if places[text] >= 1 << 23:
                raise TokenizerError("$.normalizer: more than 8 MiB of replacements")
            entries[code] = places[text] << 8 | len(text)
        ascii = bytearray(range(128))
        for code in range(128):
            if code in changes:
                to = changes[code]
                if to == "":
                    ascii[code] = REMOVE
                else:
                    ascii[code] = ord(to) if to is not None and len(to) == 1 and to < "\x80" else TABLE
        pages, blocks = paged(entries)
        head = struct.pack("<II", len(blocks), len(texts)) + bytes(ascii) + pages
        return self.add(MAP, head + b"".join(blocks) + bytes(texts))

    def finish(self, head: Mapping[str, int]) -> bytes:
        names = [
            "id_bound",
            "word_class",
            "space_class",
            "kinds",
            "steps",
            "stages",
            "added",
            "added_normalized",
            "model",
            "post",
        ]
        self.sections[0] = (HEAD, struct.pack("<10I", *(head[name] for name in names)))
        offset = 16 + 24 * len(self.sections)
        table, bodies = b"", []
        for kind, payload in self.sections:
            table += struct.pack("<IIQQ", kind, 0, offset, len(payload))
            bodies.append(payload + bytes(-len(payload) % 8))
            offset += len(bodies[-1])
        return b"ASSAYTOK" + struct.pack("<II", 1, len(self.sections)) + table + b"".join(bodies)


def paged(table: array[int]) -> tuple[bytes, list[bytes]]:
    """A table over all code points as blocks of 256, each once, and which block each page is."""
    whole = table.tobytes()
    size = 256 * table.itemsize
    known: dict[bytes, int] = {}
    pages = array("H")
    for at in range(0, len(whole), size):
        pages.append(known.setdefault(whole[at : at + size], len(known)))
    return pages.tobytes(), list(known)
