"""Rewrites a function's instructions into fewer that do the same, once everything else is known of them.

What windows are known by and what the bounds are proved of is the code before this. Two rewrites, both only where the
temporary between is not read again:

    CALL t ...; MOVE v t           ->  CALL v ...
    LT t b c; JMP_FALSE t target   ->  JMP_LT b c target, x = 0 (jumps if the comparison is false)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ._flow import Handler
from ._known import words
from ._share import Cell, Instruction, Label, remove

ONE_RESULT = words("ABC AB ABX RUN CALL SLICE NEXT EXC OBJ ROUT ISEXC ISOBJ ISANY")
COMPARED = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE"})
ENDS = frozenset({"JMP", "RET", "RAISE", "THROW"})


def optimized(
    code: Sequence[Instruction], handlers: Sequence[Handler], forms: Mapping[str, str]
) -> tuple[list[Instruction], list[Handler]]:
    """The code and its handlers; what is given stays as it is."""
    made, kept, labels = _copied(code, handlers)
    for rewrite in (_forwarded, _fused):
        live = _live_after(made, kept, forms)
        targets = {label.position for label in labels}
        drop = rewrite(made, live, targets, forms)
        made = remove(made, labels, drop) if drop else made
    return made, kept


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


def _live_after(code: list[Instruction], handlers: Sequence[Handler], forms: Mapping[str, str]) -> list[int]:
    """Per instruction the temporaries that may be read after it, as bits."""
    touched = [_touched(each, forms) for each in code]
    covered: list[list[Handler]] = [[] for _ in code]
    for handler in handlers:
        for at in range(handler.first.position, min(handler.end.position, len(code))):
            covered[at].append(handler)
    before, after = [0] * (len(code) + 1), [0] * len(code)
    changed = True
    while changed:
        changed = False
        for at in range(len(code) - 1, -1, -1):
            each = code[at]
            out = 0 if each.op in ENDS else before[at + 1]
            if isinstance(each.c, Label):
                out |= before[each.c.position]
            reads, writes = touched[at]
            into = reads | (out & ~writes)
            for handler in covered[at]:  # it may raise before it has written
                caught = before[handler.target.position] & ~sum(1 << n for n in _run(handler.cell, 1))
                into |= caught
                out |= caught
            if into != before[at] or out != after[at]:
                before[at], after[at], changed = into, out, True
    return after


# --- the rewrites: each changes the code in place and says which instructions go ---


def _forwarded(code: list[Instruction], live: list[int], targets: set[int], forms: Mapping[str, str]) -> set[int]:
    drop: set[int] = set()
    for at in range(len(code) - 1):
        each, move = code[at], code[at + 1]
        if move.op != "MOVE" or at + 1 in targets or at in drop or forms[each.op] not in ONE_RESULT:
            continue
        made = each.a
        if made is None or made.kind != "temporary" or move.b != made or live[at + 1] >> made.number & 1:
            continue
        each.a = move.a
        drop.add(at + 1)
    return drop


def _fused(code: list[Instruction], live: list[int], targets: set[int], forms: Mapping[str, str]) -> set[int]:
    drop: set[int] = set()
    for at in range(len(code) - 1):
        each, jump = code[at], code[at + 1]
        if each.op not in COMPARED or jump.op not in ("JMP_TRUE", "JMP_FALSE") or at + 1 in targets:
            continue
        tested = each.a
        if tested is None or tested.kind != "temporary" or jump.b != tested or live[at + 1] >> tested.number & 1:
            continue
        first, second = each.b, each.c
        assert isinstance(second, Cell)
        code[at] = replace(each, op=f"JMP_{each.op}", x=int(jump.op == "JMP_TRUE"), a=first, b=second, c=jump.c)
        drop.add(at + 1)
    return drop
