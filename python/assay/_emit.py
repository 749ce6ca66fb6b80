"""Emission: lowered functions to the bytes of `code.bin` and `position.bin` (formats: engine/code/code.h).

The frame is numbered here, once all constants are known: constants, then slots, then temporaries.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ._lower import Lowered
from ._share import Cell, Instruction, Label

NO_CELL = 0xFFFF
FRAME_MAX = 32_768
FILES_MAX = 4096


@dataclass(frozen=True)
class Frame:
    constants: int
    slots: int
    temporaries: int

    def number(self, cell: Cell) -> int:
        """A cell's number in the frame."""
        base = {"constant": 0, "slot": self.constants, "temporary": self.constants + self.slots}[cell.kind]
        return base + cell.number

    @property
    def cells(self) -> int:
        return self.constants + self.slots + self.temporaries


@dataclass
class Emitted:
    code: bytearray = field(default_factory=bytearray)
    positions: bytearray = field(default_factory=bytearray)
    spans: list[tuple[int, int]] = field(default_factory=list)  # first instruction and count of each function


def files_of(functions: list[Lowered]) -> list[Path]:
    """The files that instructions stand in, helpers' too, in the order of the code."""
    return list(dict.fromkeys(instruction.place.file for function in functions for instruction in function.code))


def emit(functions: list[Lowered], frame: Frame, opcodes: Mapping[str, int], files: list[Path]) -> Emitted:
    emitted = Emitted()
    numbers = {file: number for number, file in enumerate(files)}
    first = 0
    for function in functions:
        for instruction in function.code:
            emitted.code += _instruction(instruction, frame, opcodes)
            emitted.positions += _position(instruction, numbers)
        emitted.spans.append((first, len(function.code)))
        first += len(function.code)
    return emitted


def _instruction(instruction: Instruction, frame: Frame, opcodes: Mapping[str, int]) -> bytes:
    a = 0 if instruction.a is None else frame.number(instruction.a)
    absent = NO_CELL if instruction.op == "RAISE" else 0
    b = absent if instruction.b is None else frame.number(instruction.b)
    if isinstance(instruction.c, Label):
        c = instruction.c.position
    elif isinstance(instruction.c, Cell):
        c = frame.number(instruction.c)
    else:
        c = instruction.c or 0
    return struct.pack("<BBHHH", opcodes[instruction.op], instruction.x, a, b, c)


def _position(instruction: Instruction, files: Mapping[Path, int]) -> bytes:
    place = instruction.place
    column, end = (min(c, 0xFFFF) for c in (place.column, place.end_column))
    further_lines = min(max(place.end_line - place.line, 0), 0xFFFF)
    return struct.pack("<IHHHH", place.line, column, end, further_lines, files[place.file])
