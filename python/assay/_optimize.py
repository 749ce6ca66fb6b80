"""Rewrites a function's instructions into fewer that do the same, once everything else is known of them.

What windows are known by and what the bounds are proved of is the code before this. The rewrites, each only where the
temporary between is not read again:

    CALL t len b                    ->  LEN t b
    CALL t set b; LEN u t           ->  CALL u len.set b
    CALL t ...; MOVE v t            ->  CALL v ...
    LT t b c; JMP_FALSE t target    ->  JMP_LT b c target, x = 0 (jumps if the comparison is false)
    IN t b c; JMP_TRUE t target     ->  JMP_IN b c target, x = 1
    IS t b None; JMP_TRUE t target  ->  JMP_NONE b target
    MOVE t b; JMP_FALSE t target    ->  JMP_FALSE b target
    JMP to RET t; MOVE t b; RET t   ->  RET t; RET b
    JMP to NEXT t i end             ->  AGAIN t i behind it; JMP end
    MOVE t None; MOVE t+1 2; MOVE t+2 None; SLICE u b t  ->  SLICE u b of constants that lie together

A test whose value is what the target returns (`a < b and ...`) jumps to a RET of that value, put behind the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ._flow import Handler
from ._freeze import freeze
from ._known import words
from ._share import Cell, Constants, Instruction, Label, remove, tidy

ONE_RESULT = words("ABC AB ABX RUN CALL SLICE NEXT EXC OBJ ROUT ISEXC ISOBJ ISANY")
COMPARED = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE"})
ENDS = frozenset({"JMP", "RET", "RAISE", "THROW"})


class Optimizer:
    """Rewrites for one definition. `forms`: of the instructions; slices may add constants."""

    def __init__(self, forms: Mapping[str, str], builtins: Mapping[str, tuple[int, int, int]], constants: Constants):
        self.forms = forms
        self.data_of, self.run = constants.data_of, constants.run
        self.len, self.set, self.len_set = (builtins[name][0] for name in ("len", "set", "len.set"))
        self.none, self.false, self.true = (constants.cell(freeze(value).data) for value in (None, False, True))

    def optimized(
        self, code: Sequence[Instruction], handlers: Sequence[Handler]
    ) -> tuple[list[Instruction], list[Handler]]:
        """The code and its handlers; what is given stays as it is."""
        work = _Work(self, code, handlers)
        work.name_lengths()
        for rewrite in (work.forward, work.fuse_lengths, work.fuse_tests, work.end_early, work.slice_by_constants):
            rewrite()
        work.turn_loops()
        return tidy(work.code, work.labels, work.handlers), work.handlers


def _copied(
    code: Sequence[Instruction], handlers: Sequence[Handler]
) -> tuple[list[Instruction], list[Handler], list[Label]]:
    labels: dict[int, Label] = {}

    def copy(label: Label) -> Label:
        return labels.setdefault(id(label), Label(label.position))

    made = [replace(each, c=copy(each.c) if isinstance(each.c, Label) else each.c) for each in code]
    kept = [Handler(copy(h.first), copy(h.end), copy(h.target), h.cell) for h in handlers]
    return made, kept, list(labels.values())


# --- what is read later ---


def _run(cell: Cell | None, count: int) -> list[int]:
    return [] if cell is None or cell.kind != "temporary" else list(range(cell.number, cell.number + count))


def _touched(each: Instruction, forms: Mapping[str, str]) -> tuple[int, int]:
    """The temporaries that an instruction reads and writes, as bits."""
    form, reads, writes = forms[each.op], [], []
    if form in ("RUN", "CALL", "EXC", "OBJ", "ROUT"):
        reads = _run(each.b, each.x)
    elif form != "T":
        reads = _run(each.b, 1)
    if form in ("ABC", "READ", "SLICE") and isinstance(each.c, Cell):
        reads += _run(each.c, 3 if form == "SLICE" else 1)
    if form in ("READ", "BCT"):
        reads += _run(each.a, 1)
    elif form in ("OUT", "STAR"):
        writes = _run(each.a, each.x)
    else:
        writes = _run(each.a, 1)
    return sum(1 << n for n in set(reads)), sum(1 << n for n in set(writes))


def _live_before(code: list[Instruction], handlers: Sequence[Handler], forms: Mapping[str, str]) -> list[int]:
    """Per instruction, and behind the last, the temporaries that may be read from it on, as bits."""
    touched = [_touched(each, forms) for each in code]
    covered: list[list[Handler]] = [[] for _ in code]
    for handler in handlers:
        for at in range(handler.first.position, min(handler.end.position, len(code))):
            covered[at].append(handler)
    before = [0] * (len(code) + 1)
    changed = True
    while changed:
        changed = False
        for at in range(len(code) - 1, -1, -1):
            each = code[at]
            live = 0 if each.op in ENDS else before[at + 1]
            if isinstance(each.c, Label):
                live |= before[each.c.position]
            reads, writes = touched[at]
            live = reads | (live & ~writes)
            for handler in covered[at]:  # it may raise before it has written
                live |= before[handler.target.position] & ~sum(1 << n for n in _run(handler.cell, 1))
            if live != before[at]:
                before[at], changed = live, True
    return before


# --- the rewrites ---


class _Work:
    """One function's or routine's code, which the rewrites change in place."""

    def __init__(self, optimizer: Optimizer, code: Sequence[Instruction], handlers: Sequence[Handler]):
        self.of = optimizer
        self.code, self.handlers, self.labels = _copied(code, handlers)
        self.before: list[int] = []  # per instruction the temporaries that may be read from it on, as bits
        self.targets: set[int] = set()

    def look(self) -> None:
        self.before = _live_before(self.code, self.handlers, self.of.forms)
        self.targets = {label.position for label in self.labels}

    def remove(self, drop: set[int]) -> None:
        self.code = remove(self.code, self.labels, drop) if drop else self.code

    def pairs(self) -> Iterator[tuple[int, Instruction, Instruction]]:
        """Each instruction with the one that follows it, wherever the second can only be reached from the first."""
        self.look()
        for at in range(len(self.code) - 1):
            if at + 1 not in self.targets and self.code[at].op not in ENDS:
                yield at, self.code[at], self.code[at + 1]

    def is_read(self, cell: Cell | None, at: int) -> bool:
        """Whether a cell may be read from `at` on; of what is no temporary nobody knows."""
        return cell is None or cell.kind != "temporary" or bool(self.before[at] >> cell.number & 1)

    def name_lengths(self) -> None:
        for at, each in enumerate(self.code):
            if each.op == "CALL" and each.c == self.of.len and each.x == 1:
                self.code[at] = replace(each, op="LEN", x=0, c=None)

    def forward(self) -> None:
        drop: set[int] = set()
        for at, each, move in self.pairs():
            if move.op != "MOVE" or at in drop or self.of.forms[each.op] not in ONE_RESULT:
                continue
            if move.b == each.a and not self.is_read(each.a, at + 2):
                each.a = move.a
                drop.add(at + 1)
        self.remove(drop)

    def fuse_lengths(self) -> None:
        drop: set[int] = set()
        for at, each, length in self.pairs():
            if each.op != "CALL" or each.c != self.of.set or each.x != 1 or length.op != "LEN" or length.b != each.a:
                continue
            if length.a == each.a or not self.is_read(each.a, at + 2):
                self.code[at] = replace(each, a=length.a, c=self.of.len_set)
                drop.add(at + 1)
        self.remove(drop)

    def fuse_tests(self) -> None:
        drop: set[int] = set()
        behind: list[Instruction] = []
        for at, each, jump in self.pairs():
            if jump.op not in ("JMP_TRUE", "JMP_FALSE") or jump.b != each.a or self.is_read(each.a, at + 2):
                continue
            sense = jump.op == "JMP_TRUE"
            made = self.test(each, sense)
            if made is None or not isinstance(jump.c, Label):
                continue
            target = self.code[jump.c.position]
            if not self.is_read(each.a, jump.c.position):
                made.c = jump.c
            elif target.op == "RET" and target.b == each.a:
                value = each.b if each.op == "MOVE" else self.of.true if sense else self.of.false
                made.c = Label(len(self.code) + len(behind))
                self.labels.append(made.c)
                behind.append(replace(target, b=value))
            else:
                continue
            self.code[at] = made
            drop.add(at + 1)
        self.code += behind
        self.remove(drop)

    def test(self, each: Instruction, sense: bool) -> Instruction | None:
        """A jump that takes it if what an instruction computes is `sense`; its target is not set."""
        if each.op in COMPARED:
            assert isinstance(each.c, Cell)
            return replace(each, op=f"JMP_{each.op}", x=int(sense), a=each.b, b=each.c, c=None)
        if each.op in ("IS", "IS_NOT") and each.c == self.of.none:
            none = (each.op == "IS") == sense
            return replace(each, op="JMP_NONE" if none else "JMP_NOT_NONE", a=None, c=None)
        if each.op in ("IN", "NOT_IN"):
            assert isinstance(each.c, Cell)
            return replace(each, op="JMP_IN", x=int((each.op == "IN") == sense), a=each.b, b=each.c, c=None)
        if each.op == "MOVE":
            return replace(each, op="JMP_TRUE" if sense else "JMP_FALSE", a=None, c=None)
        return None

    def slice_by_constants(self) -> None:
        self.look()
        drop: set[int] = set()
        for at, each in enumerate(self.code):
            if each.op != "SLICE" or at < 3 or not isinstance(each.c, Cell) or each.c.kind != "temporary":
                continue
            moves, first = self.code[at - 3 : at], each.c
            wanted = [first._replace(number=first.number + part) for part in range(3)]
            if any(move.op != "MOVE" or move.a != cell for move, cell in zip(moves, wanted, strict=True)):
                continue
            if {at - 2, at - 1, at} & self.targets or any(m.b is None or m.b.kind != "constant" for m in moves):
                continue
            if any(self.is_read(cell, at + 1) and cell != each.a for cell in wanted):
                continue
            parts = tuple(self.of.data_of(move.b) for move in moves if move.b is not None)
            self.code[at] = replace(each, c=self.of.run(parts))
            drop |= {at - 3, at - 2, at - 1}
        self.remove(drop)

    def turn_loops(self) -> None:
        """A loop asks for its next item at its end."""
        at = 0
        while at < len(self.code):
            jump = self.code[at]
            start = self.code[jump.c.position] if jump.op == "JMP" and isinstance(jump.c, Label) else None
            if start is None or start.op != "NEXT" or not isinstance(jump.c, Label) or jump.c.position >= at:
                at += 1
            elif self.handlers_of(at) != self.handlers_of(jump.c.position):
                at += 1  # what the iterator raises is not caught there
            else:
                body = Label(jump.c.position + 1)
                self.labels.append(body)
                self.code[at] = replace(start, op="AGAIN", c=body)
                self.insert(at + 1, replace(jump, c=start.c))
                at += 2

    def handlers_of(self, at: int) -> list[int]:
        return [n for n, h in enumerate(self.handlers) if h.first.position <= at < h.end.position]

    def insert(self, at: int, instruction: Instruction) -> None:
        for label in set(self.labels):
            label.position += label.position >= at
        self.code.insert(at, instruction)

    def end_early(self) -> None:
        for at, each in enumerate(self.code):
            if each.op == "JMP" and isinstance(each.c, Label) and self.code[each.c.position].op == "RET":
                self.code[at] = replace(self.code[each.c.position])
        for at, each in enumerate(self.code[:-1]):
            end = self.code[at + 1]
            given = each.a if each.op == "MOVE" and end.op == "RET" and end.b == each.a else None
            if given is not None and given.kind == "temporary":
                self.code[at] = replace(end, b=each.b)
