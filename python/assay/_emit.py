"""Emission: lowered functions to the bytes of `code.bin` and `position.bin` (formats: engine/code/code.h).

The frame is numbered here, once all constants are known: constants, then slots, then temporaries, then what functions
share.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ._flow import Handler
from ._share import Cell, Instruction, Label

NO_CELL = 0xFFFF
FRAME_MAX = 32_768
FILES_MAX = 4096


@dataclass(frozen=True)
class Frame:
    constants: int
    slots: int
    temporaries: int
    shared: int = 0  # behind the temporaries of all functions and routines

    def number(self, cell: Cell, base: int = 0) -> int:
        """A cell's number in the frame; `base` is where a routine's temporaries begin."""
        temporaries = self.constants + self.slots
        first = {
            "constant": 0,
            "slot": self.constants,
            "temporary": temporaries + base,
            "shared": temporaries + self.temporaries,
        }
        return first[cell.kind] + cell.number

    @property
    def cells(self) -> int:
        return self.constants + self.slots + self.temporaries + self.shared


class Piece(NamedTuple):
    """A function's or a routine's code, and where its temporaries begin."""

    code: list[Instruction]
    handlers: list[Handler]
    base: int


@dataclass
class Emitted:
    code: bytearray = field(default_factory=bytearray)
    positions: bytearray = field(default_factory=bytearray)
    spans: list[tuple[int, int]] = field(default_factory=list)  # first instruction and count of each piece
    handlers: list[list[list[int]]] = field(default_factory=list)  # of each piece: first, end, target, cell


def files_of(pieces: list[Piece]) -> list[Path]:
    """The files that instructions stand in, helpers' too, in the order of the code."""
    return list(dict.fromkeys(instruction.place.file for piece in pieces for instruction in piece.code))


def emit(pieces: list[Piece], frame: Frame, opcodes: Mapping[str, int], files: list[Path]) -> Emitted:
    emitted = Emitted()
    numbers = {file: number for number, file in enumerate(files)}
    first = 0
    for piece in pieces:
        for instruction in piece.code:
            emitted.code += _instruction(instruction, frame, opcodes, piece.base)
            emitted.positions += _position(instruction, numbers)
        emitted.spans.append((first, len(piece.code)))
        emitted.handlers.append(
            [
                [h.first.position, h.end.position, h.target.position, frame.number(h.cell, piece.base)]
                for h in piece.handlers
                if h.first.position < h.end.position
            ]
        )
        first += len(piece.code)
    return emitted


def _instruction(instruction: Instruction, frame: Frame, opcodes: Mapping[str, int], base: int) -> bytes:
    a = 0 if instruction.a is None else frame.number(instruction.a, base)
    absent = NO_CELL if instruction.op == "RAISE" else 0
    b = absent if instruction.b is None else frame.number(instruction.b, base)
    if isinstance(instruction.c, Label):
        c = instruction.c.position
    elif isinstance(instruction.c, Cell):
        c = frame.number(instruction.c, base)
    else:
        c = instruction.c or 0
    return struct.pack("<BBHHH", opcodes[instruction.op], instruction.x, a, b, c)


def _position(instruction: Instruction, files: Mapping[Path, int]) -> bytes:
    place = instruction.place
    column, end = (min(c, 0xFFFF) for c in (place.column, place.end_column))
    further_lines = min(max(place.end_line - place.line, 0), 0xFFFF)
    return struct.pack("<IHHHH", place.line, column, end, further_lines, files[place.file])
