"""What the functions of a definition share: their constants, each kept once; and small clean-ups of their code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ._definition import Place


class Cell(NamedTuple):
    """A cell of the frame before the frame's size is known: `kind` is "constant", "slot" or "temporary"."""

    kind: str
    number: int


@dataclass(eq=False)
class Label:
    position: int = -1  # in the function's instructions, once placed


@dataclass(eq=False)
class Instruction:
    """One instruction; a, b, c as engine/code/opcodes.h says. c is a Label of a jump, a number of a call."""

    op: str
    x: int
    a: Cell | None
    b: Cell | None
    c: Cell | Label | int | None
    place: Place


@dataclass
class Constants:
    """The pool: a constant's cell, the same for the same bytes; and runs of constants that lie together."""

    data: list[bytes] = field(default_factory=list)
    runs: dict[tuple[bytes, ...], Cell] = field(default_factory=dict)

    def cell(self, data: bytes) -> Cell:
        return self.run((data,))

    def run(self, parts: tuple[bytes, ...]) -> Cell:
        """The first of cells with these constants, one behind the other."""
        known = self.runs.get(parts)
        if known is None:
            known = self.runs[parts] = Cell("constant", len(self.data))
            self.data += parts
        return known

    def data_of(self, cell: Cell) -> bytes:
        return self.data[cell.number]

    def serialized(self) -> bytes:
        return len(self.data).to_bytes(4, "little") + b"".join(self.data)


def tidy(
    code: list[Instruction], labels: list[Label], handlers: Sequence[tuple[Label, Label, Label, Cell]]
) -> list[Instruction]:
    """Without moves of a cell to itself and jumps to the next instruction; jumps to jumps go to the chain's end."""
    for instruction in code:
        seen: set[int] = set()
        while isinstance(instruction.c, Label) and instruction.c.position not in seen:
            seen.add(instruction.c.position)
            at = instruction.c.position
            if at < len(code) and code[at].op == "JMP" and isinstance(code[at].c, Label):
                instruction.c = code[at].c
    labels = [*labels, *(label for h in handlers for label in h[:3])]
    while True:
        drop = {i for i, instruction in enumerate(code) if _is_useless(instruction, i)} or _unreached(code, handlers)
        if not drop:
            return code
        code = remove(code, labels, drop)


def _is_useless(instruction: Instruction, at: int) -> bool:
    if instruction.op == "MOVE":
        return instruction.a == instruction.b
    return instruction.op == "JMP" and isinstance(instruction.c, Label) and instruction.c.position == at + 1


def remove(code: list[Instruction], labels: list[Label], drop: set[int]) -> list[Instruction]:
    moved = []  # the new position of each old one
    kept = 0
    for i in range(len(code) + 1):
        moved.append(kept)
        kept += i not in drop
    for label in set(labels):
        if label.position >= 0:
            label.position = moved[label.position]
    return [instruction for i, instruction in enumerate(code) if i not in drop]


def _unreached(code: list[Instruction], handlers: Sequence[tuple[Label, Label, Label, Cell]]) -> set[int]:
    """What no path reaches. A handler is reached from all that it covers."""
    reached: set[int] = set()
    open_ = [0]
    while open_:
        at = open_.pop()
        if at in reached or at >= len(code):
            continue
        reached.add(at)
        instruction = code[at]
        if isinstance(instruction.c, Label):
            open_.append(instruction.c.position)
        if instruction.op not in ("JMP", "RET", "RAISE", "THROW"):
            open_.append(at + 1)
        open_ += [h[2].position for h in handlers if h[0].position <= at < h[1].position]
    return set(range(len(code))) - reached
