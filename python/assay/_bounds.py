"""Bounds that are proved before anything runs: how many steps a call of a function can take at most, how large a value
can grow, and which instructions may raise what.

    analyse(code, cells, names)  ->  Bounds

It is an abstract interpretation of the lowered instructions. Of each cell it keeps what is `Known` on all ways to an
instruction: how many items or bytes at most, the range of a number. Blocks are visited until nothing changes; what
keeps changing is widened to "unknown". A loop that takes items from an iterator runs at most as often as that has
items, and loops multiply; an instruction costs one step, and as many more as the engine charges for the size of what
it touches, rounded up. Whatever is not understood - an instruction or a built-in that is not in the tables below, a
loop without an iterator - makes the steps unknown (None), never smaller. Unknown sizes are the engine's own limits.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import _types
from ._definition import Definition, FieldDef, FunctionDef, ModelDef, Place, Source, WindowDef
from ._known import (
    ANY,
    ARITHMETIC,
    BOOL,
    CHANGES_LISTS,
    COMPARE,
    CONDITIONAL,
    ENDS,
    HASHES,
    ITEMS_MAX,
    ITERATES,
    LINEAR,
    NEVER,
    NONE,
    PAIRWISE,
    PLAIN,
    RUNS,
    SEARCH,
    TIMES,
    VALUE_BYTES_MAX,
    Known,
    arithmetic,
    builtin,
    call_hazards,
    constant,
    index_hazards,
    item_of,
    join,
    loosened,
    size_of,
    text,
    text_of,
    there,
    widened,
)
from ._share import Cell, Instruction, Label

if TYPE_CHECKING:
    from ._flow import Unit
    from ._lower import Lowered

STEPS_MAX = 1_000_000  # LIMIT_STEPS
VISITS_MAX = 4  # of a block, before what still changes is widened


# --- results --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hazard:
    """An instruction that may raise."""

    place: Place
    exception: str
    text: str


@dataclass
class Bounds:
    steps: int | None  # at most, None: nothing is proved but the engine's own limit
    bytes: int  # the largest value made, at most
    why_not: str = ""  # what kept the steps from being proved
    hazards: list[Hazard] = field(default_factory=list)
    result: Known = ANY

    @property
    def proved(self) -> bool:
        return self.steps is not None and self.steps < STEPS_MAX


# --- the analysis ---------------------------------------------------------------------------------------------------

State = dict[Cell, Known]


def reads(each: Instruction, cell: Cell | None) -> bool:
    """Whether an instruction reads a cell, or hands it on."""
    if cell is None or each.b is None:
        return False
    count = each.x if each.op in RUNS else 1
    inside = each.b.kind == cell.kind and each.b.number <= cell.number < each.b.number + max(count, 1)
    return inside or each.c == cell or (each.op == "STORE" and each.a == cell)


@dataclass
class Block:
    first: int
    end: int
    after: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    loops: list[int] = field(default_factory=list)  # headers of the loops it is in
    raises: list[Covered] = field(default_factory=list)  # where an exception in it goes on


def analyse(
    code: Sequence[Instruction],
    cells: Callable[[Cell], Known],
    names: Mapping[int, str],
    handlers: Sequence[Any] = (),
) -> Bounds:
    """The bounds of one function. `cells`: what is known of constants and slots; `names`: built-ins by number."""
    if not code:
        return Bounds(None, 0, "it has no code")
    bounds = Analysis(code, cells, names, [Covered.of(handler) for handler in handlers]).bounds()
    strange = next((each.op for each in code if each.op not in PLAIN), "")
    if strange:
        return replace(bounds, steps=None, bytes=VALUE_BYTES_MAX, why_not=f"{strange} is not followed", result=ANY)
    return bounds


@dataclass(frozen=True)
class Covered:
    """What a `try` covers: an exception in first .. end - 1 goes on at target, with the exception in cell."""

    first: int
    end: int
    target: int
    cell: Cell

    @staticmethod
    def of(handler: Any) -> Covered:
        return Covered(handler.first.position, handler.end.position, handler.target.position, handler.cell)


class Analysis:
    def __init__(
        self,
        code: Sequence[Instruction],
        cells: Callable[[Cell], Known],
        names: Mapping[int, str],
        handlers: Sequence[Covered] = (),
    ):
        self.code = code
        self.handlers = [handler for handler in handlers if handler.first < handler.end]
        self.names = names
        self.cells = cells
        self.outer: dict[Cell, Known] = {}
        self.appended: dict[int, int] = {}  # LIST instruction -> items appended at most
        self.blocks = self.cut()
        self.firsts = [block.first for block in self.blocks]
        self.number = {block.first: at for at, block in enumerate(self.blocks)}
        self.link()
        self.order = self.in_order()
        self.dominators = self.find_dominators()
        self.reducible = self.find_loops()
        self.states: dict[int, State] = {}
        self.changes = self.changes_containers()  # a list may change under another name: its size is unknown then

    # --- blocks and loops ---

    def cut(self) -> list[Block]:
        leaders = {0}
        for at, each in enumerate(self.code):
            if isinstance(each.c, Label):
                leaders |= {each.c.position, at + 1}
            elif each.op in ENDS:
                leaders.add(at + 1)
        for handler in self.handlers:
            leaders |= {handler.first, handler.end, handler.target}
        starts = sorted(leader for leader in leaders if 0 <= leader < len(self.code))
        return [Block(first, end) for first, end in zip(starts, [*starts[1:], len(self.code)], strict=True)]

    def link(self) -> None:
        for at, block in enumerate(self.blocks):
            last = self.code[block.end - 1]
            if last.op not in ENDS and last.op != "JMP" and at + 1 < len(self.blocks):
                block.after.append(at + 1)
            if isinstance(last.c, Label):
                target = self.number[last.c.position]
                if target not in block.after:
                    block.after.append(target)
            block.raises = [handler for handler in self.handlers if handler.first <= block.first < handler.end]
            for handler in block.raises:
                if self.number[handler.target] not in block.after:
                    block.after.append(self.number[handler.target])
            for after in block.after:
                self.blocks[after].before.append(at)

    def in_order(self) -> list[int]:
        """Reverse postorder from the start."""
        order: list[int] = []
        seen = {0}
        stack: list[tuple[int, int]] = [(0, 0)]
        while stack:
            at, next_ = stack.pop()
            after = self.blocks[at].after
            if next_ < len(after):
                stack.append((at, next_ + 1))
                if after[next_] not in seen:
                    seen.add(after[next_])
                    stack.append((after[next_], 0))
            else:
                order.append(at)
        return order[::-1]

    def find_dominators(self) -> dict[int, int]:
        rank = {at: n for n, at in enumerate(self.order)}
        over: dict[int, int] = {0: 0}
        changed = True
        while changed:
            changed = False
            for at in self.order[1:]:
                best = -1
                for before in self.blocks[at].before:
                    if before not in over:
                        continue
                    a, b = before, best
                    if b < 0:
                        best = a
                        continue
                    while a != b:
                        while rank[a] > rank[b]:
                            a = over[a]
                        while rank[b] > rank[a]:
                            b = over[b]
                    best = a
                if over.get(at) != best:
                    over[at] = best
                    changed = True
        return over

    def dominates(self, a: int, b: int) -> bool:
        while b not in (a, 0):
            b = self.dominators[b]
        return a == b

    def find_loops(self) -> bool:
        """Fills the blocks' loops; False if the code jumps into the middle of one."""
        rank = {at: n for n, at in enumerate(self.order)}
        bodies: dict[int, set[int]] = {}
        for at in self.order:
            for after in self.blocks[at].after:
                if rank[after] > rank[at]:
                    continue
                if not self.dominates(after, at):
                    return False
                body = bodies.setdefault(after, {after})
                open_ = [at]
                while open_:
                    inner = open_.pop()
                    if inner not in body:
                        body.add(inner)
                        open_ += self.blocks[inner].before
        for header, body in bodies.items():
            for inner in body:
                self.blocks[inner].loops.append(header)
        self.bodies = bodies
        return True

    # --- states ---

    def known(self, state: State, cell: Cell | None) -> Known:
        if cell is None:
            return NONE
        if cell.kind == "temporary":
            found = state.get(cell, ANY)
            return loosened(found) if self.changes else found
        kept = self.outer.get(cell)
        if kept is None:
            kept = self.outer[cell] = self.cells(cell)
        return state.get(cell, kept)

    def run(self) -> None:
        """Until nothing changes."""
        self.states = {0: {}}
        self.known_turns: dict[int, int | None] = {}
        visits = [0] * len(self.blocks)
        rank = {at: n for n, at in enumerate(self.order)}
        waiting = {0}
        while waiting:
            at = min(waiting, key=rank.__getitem__)
            waiting.discard(at)
            for after, state in self.through(at):
                old = self.states.get(after)
                if old is None:
                    self.states[after] = state
                    waiting.add(after)
                    continue
                joined = self.joined(old, state)
                if joined == old:
                    continue
                visits[after] += 1
                if visits[after] > 2 * VISITS_MAX:  # joining knows no order among some: nothing goes on changing
                    joined = {cell: known if known == old[cell] else ANY for cell, known in joined.items()}
                elif visits[after] > VISITS_MAX:
                    joined = {cell: widened(old[cell], known) for cell, known in joined.items()}
                self.states[after] = joined
                waiting.add(after)

    def joined(self, a: State, b: State) -> State:
        """A temporary that one way has not written is unknown; a slot is as it came."""
        both: State = {}
        for cell, known in a.items():
            other = b.get(cell)
            if other is None:
                if cell.kind == "temporary":
                    continue
                other = self.known({}, cell)
            both[cell] = join(known, other)
        return both

    def through(self, at: int) -> list[tuple[int, State]]:
        """The states with which a block leaves to each that may follow."""
        block = self.blocks[at]
        state = dict(self.states[at])
        ways: list[tuple[int, State]] = []
        anywhere = dict(state) if block.raises else {}
        for position in range(block.first, block.end):
            self.step(position, state)
            if block.raises:
                anywhere = self.joined(anywhere, state)
        for handler in block.raises:
            ways.append((self.number[handler.target], {**anywhere, handler.cell: ANY}))
        last = self.code[block.end - 1]
        for after in self.goes_on(at):
            jumped = isinstance(last.c, Label) and self.blocks[after].first == last.c.position
            both = jumped and last.op in CONDITIONAL and after == at + 1
            ways.append((after, state if both else self.refined(dict(state), block, jumped)))
        return ways

    def goes_on(self, at: int) -> list[int]:
        """The blocks that may follow without an exception."""
        last = self.code[self.blocks[at].end - 1]
        falls = [at + 1] if last.op not in ENDS and last.op != "JMP" and at + 1 < len(self.blocks) else []
        return list(dict.fromkeys([*falls, *([self.number[last.c.position]] if isinstance(last.c, Label) else [])]))

    def refined(self, state: State, block: Block, jumped: bool) -> State:
        """What a conditional jump tells of its cell, and of the comparison just before it."""
        last = self.code[block.end - 1]
        if last.op not in CONDITIONAL or last.op == "NEXT" or last.b is None:
            return state
        known = self.known(state, last.b)
        if last.op in ("JMP_NONE", "JMP_NOT_NONE"):
            if jumped != (last.op == "JMP_NONE") and known.tags is not None:
                state[last.b] = replace(known, tags=known.tags - {"none"})
            return state
        true = jumped == (last.op == "JMP_TRUE")
        if true:
            tags = None if known.tags is None else known.tags - {"none"}
            state[last.b] = replace(known, tags=tags, nonzero=True, least=max(known.least, 1))
        test = self.code[block.end - 2] if block.end - 2 >= block.first else None
        if test is not None and test.a in (test.b, test.c):
            return state
        if test is not None and test.a == last.b and isinstance(test.c, Cell) and test.b is not None:
            self.compared(state, test.op, test.b, test.c, true)
        return state

    def compared(self, state: State, op: str, left: Cell, right: Cell, true: bool) -> None:
        if not true:
            op = {"LT": "GE", "LE": "GT", "GT": "LE", "GE": "LT", "EQ": "NE", "NE": "EQ"}.get(op, "")
        a, b = self.known(state, left), self.known(state, right)
        if op in ("LT", "LE"):
            left, right, a, b = right, left, b, a
            op = {"LT": "GT", "LE": "GE"}[op]
        if op in ("GT", "GE") and a.only("bool", "int", "float") and b.only("bool", "int", "float"):
            above = b.low is not None and (b.low >= 0 if op == "GT" else b.low > 0)
            below = a.high is not None and (a.high <= 0 if op == "GT" else a.high < 0)
            low = b.low if a.low is None or (b.low is not None and b.low > a.low) else a.low
            high = a.high if b.high is None or (a.high is not None and a.high < b.high) else b.high
            state[left] = replace(a, low=low, nonzero=a.nonzero or above)
            state[right] = replace(b, high=high, nonzero=b.nonzero or below)
        elif op == "NE":
            if b.low == b.high == 0:
                state[left] = replace(a, nonzero=True)
        elif op == "EQ" and a.only("bool", "int", "float") and b.only("bool", "int", "float"):
            state[left] = replace(a, low=b.low, high=b.high, nonzero=a.nonzero or b.nonzero)

    # --- containers that change ---

    def changes_containers(self) -> bool:
        """Whether a list, set or dict may change after another cell has it. A comprehension appends to a list that
        nobody reads until its loops are over."""
        for each in self.code:
            if each.op in ("STORE", "DELETE") or each.op not in PLAIN:
                return True
            if each.op == "CALL" and isinstance(each.c, int) and self.names.get(each.c, "") in CHANGES_LISTS:
                return True
        return any(each.op == "APPEND" and not self.is_private(at) for at, each in enumerate(self.code))

    def is_private(self, position: int) -> bool:
        """Whether a list that is appended to is one that a LIST before made, read by nothing until its last append."""
        cell = self.code[position].a
        made = max((at for at in range(position) if self.code[at].op == "LIST" and self.code[at].a == cell), default=-1)
        if made < 0 or not self.reducible:
            return False
        home = self.blocks[self.block_of(made)].loops
        end = position
        for header in self.blocks[self.block_of(position)].loops:
            if header not in home:
                end = max(end, *(self.blocks[block].end - 1 for block in self.bodies[header]))
        return not any(reads(each, cell) for each in self.code[made + 1 : end + 1])

    # --- one instruction ---

    def step(self, position: int, state: State) -> None:
        each = self.code[position]
        if each.op == "UNPACK":
            source = self.known(state, each.b)
            assert each.a is not None
            for at in range(each.x):
                state[Cell(each.a.kind, each.a.number + at)] = item_of(source)
            return
        if each.op in ("STORE", "DELETE"):
            return  # `changes` says that sizes are unknown
        if each.op == "APPEND":
            assert each.a is not None
            old, new = replace(self.known(state, each.a), content=None), self.known(state, each.b)
            most = old.most if self.appended else None
            state[each.a] = replace(old, most=most, item=join(old.item or ANY, new))
            return
        if each.a is not None:
            state[each.a] = self.value(position, each, state)

    def arguments(self, each: Instruction, state: State) -> list[Known]:
        if each.b is None:
            return []
        count = each.x if each.op in RUNS else 1
        found = [self.known(state, Cell(each.b.kind, each.b.number + at)) for at in range(count)]
        if isinstance(each.c, Cell):
            found.append(self.known(state, each.c))
        return found

    def value(self, position: int, each: Instruction, state: State) -> Known:
        """What an instruction gives."""
        op = each.op
        if op == "MOVE":
            return self.known(state, each.b)
        if op in COMPARE:
            return BOOL
        values = self.arguments(each, state)
        if NEVER in values and op not in ("TUPLE", "LIST"):
            return NEVER
        if op in ARITHMETIC:
            return arithmetic(op, [there(value) for value in values])  # of None it raises
        if op == "CALL":
            return builtin(self.names.get(each.c if isinstance(each.c, int) else -1, ""), values)
        if op == "NEXT":
            return item_of(values[0])
        if op == "ITER":
            source = values[0]
            most = 1 << 62 if source.most is None and source.may("range", "iterator") else source.items
            fixed = source.only("str", "tuple", "range") or source.fixed
            return Known(frozenset({"iterator"}), most, item=item_of(source), fixed=fixed)
        if op == "INDEX":
            return item_of(values[0])
        if op == "SLICE":
            return replace(values[0], least=0)
        if op in ("TUPLE", "LIST"):
            item = NEVER
            for value in values:
                item = join(item, value)
            most = each.x + self.appended.get(position, 0)
            return Known(frozenset({op.lower()}), most, each.x, item=item)
        if op in ("SET", "DICT"):
            return Known(frozenset({op.lower()}), each.x)
        if op == "FORMAT":
            return text(text_of(values[0], each.x))
        if op == "CONCAT":
            return text(sum(value.items for value in values), sum(value.least for value in values))
        return ANY

    # --- the sum ---

    def bounds(self) -> Bounds:
        self.run()
        grows = any(each.op == "APPEND" for each in self.code)
        for _ in range(2 if grows and self.reducible else 0):
            self.count_appended()
            self.run()
        largest, work, hazards, result = 0, 0, [], None
        for at in self.order:
            block, state = self.blocks[at], dict(self.states.get(at, {}))
            for position in range(block.first, block.end):
                each = self.code[position]
                values = self.arguments(each, state)
                hazards += [] if block.raises else self.hazards(each, values)
                if each.op == "RET":
                    result = values[0] if result is None else join(result, values[0])
                self.step(position, state)
                made = self.known(state, each.a) if each.a is not None else NONE
                if each.op not in ("MOVE", "NEXT", "INDEX", "UNPACK"):
                    largest = max(largest, made.bytes)
                work += (1 + self.work(each, values, made)) * self.often(at)
        steps, why = self.total(work)
        return Bounds(steps, largest, why, hazards, result or NONE)

    def often(self, at: int) -> int:
        times = 1
        for header in self.blocks[at].loops:
            times *= 1 + (self.turns(header) or 0)
        return times

    def total(self, work: int) -> tuple[int | None, str]:
        if not self.reducible:
            return None, "it jumps into a loop"
        jumps = 0
        for header in self.bodies:
            turns = self.turns(header)
            if turns is None:
                return None, "a loop has no bound"
            first = self.blocks[header].first
            longest = max(self.blocks[b].end - first for b in self.blocks[header].before if b in self.bodies[header])
            outside = 1
            for other in self.blocks[header].loops:
                if other != header:
                    outside *= 1 + (self.turns(other) or 0)
            jumps += turns * longest * outside
        for each in self.code:
            name = self.names.get(each.c, "") if each.op == "CALL" and isinstance(each.c, int) else "len"
            if name not in LINEAR and not name.startswith("math."):
                return None, f"the work of {name.removeprefix('.')}() is not known"
        return max(work, jumps), ""

    def turns(self, header: int) -> int | None:
        """How often a loop can go round each time it is entered."""
        if header not in self.known_turns:
            self.known_turns[header] = self.find_turns(header)
        return self.known_turns[header]

    def find_turns(self, header: int) -> int | None:
        block = self.blocks[header]
        last = self.code[block.end - 1]
        if last.op != "NEXT" or last.b is None or not isinstance(last.c, Label):
            return None
        inside = [self.code[p] for b in self.bodies[header] for p in range(self.blocks[b].first, self.blocks[b].end)]
        if any(each.a == last.b for each in inside):
            return None
        iterator = self.known(self.states.get(header, {}), last.b)
        if not iterator.only("iterator"):
            return None
        calls = {self.names.get(each.c, "") for each in inside if each.op == "CALL" and isinstance(each.c, int)}
        if not iterator.fixed and calls & CHANGES_LISTS:
            return ITEMS_MAX
        return iterator.items

    def count_appended(self) -> None:
        """How many items each list that is being built gets, from how often loops turn."""
        lists = [(p, each) for p, each in enumerate(self.code) if each.op == "LIST"]
        found: dict[int, int] = {}
        for position, made in lists:
            home, total = self.block_of(position), 0
            for p, each in enumerate(self.code):
                if each.op != "APPEND" or each.a != made.a:
                    continue
                where = self.block_of(p)
                if not self.dominates(home, where):
                    return
                times = 1
                for header in self.blocks[where].loops:
                    if header not in self.blocks[home].loops:
                        turns = self.turns(header)
                        if turns is None:
                            return
                        times *= turns
                total += times
            found[position] = min(total, ITEMS_MAX)
        self.appended = found

    def block_of(self, position: int) -> int:
        return bisect.bisect_right(self.firsts, position) - 1

    def work(self, each: Instruction, values: list[Known], made: Known) -> int:
        """Steps beyond the first that an instruction can be charged."""
        op = each.op
        if op in ("MOVE", "JMP", "NEXT", "ITER", "IS", "IS_NOT", "APPEND") or op in CONDITIONAL:
            return 0
        name = self.names.get(each.c if isinstance(each.c, int) else -1, "") if op == "CALL" else op
        if name in ("len", "enumerate", "zip", "reversed", "range", ".keys", ".values", ".items"):
            return 1
        if name == "POW":
            return 200
        if name in ("IS_EXCEPTION", "IS_KIND", "EXCEPTION"):
            return 1
        if name in ("STORE", ".append", ".add", ".discard", ".setdefault", "next", "iter"):
            return 4 + values[-1].bytes // 64
        if name in ("EQ", "NE", "LT", "LE", "GT", "GE"):
            return min(size_of(values[0]), size_of(values[1])) + 1
        if name in ("IN", "NOT_IN"):
            inside = values[1]
            if inside.only("dict", "set"):
                return 2 + values[0].bytes // 64
            if inside.only("str"):
                return inside.items // 64 + values[0].items // 64 + 1
            if values[0].only("str"):
                other = inside.item.bytes if inside.item is not None else VALUE_BYTES_MAX
                return inside.items * (2 + min(values[0].items, other) // 64)
            return inside.items * (2 + min(size_of(values[0]), VALUE_BYTES_MAX // 8))
        if name == "INDEX":
            return values[0].bytes // 64 if values[0].may("str") else 2 + values[-1].bytes // 64
        if name in PAIRWISE and all(value.only("str") for value in values):
            return values[0].items * values[1].items // 4 + values[0].items + values[1].items + 64
        if name in TIMES:
            return 4
        sizes = 1 + sum(size_of(value) for value in [*values, made])
        if name in HASHES or name.startswith("hashlib."):
            sizes += 16
        if name in ITERATES:
            sizes += sum(value.items for value in values if value.may("str", "range", "iterator"))
        if name == "sorted" and values:
            return sizes * max(1, values[0].items.bit_length())
        if name in SEARCH and len(values) > 1 and values[0].may("str"):
            return sizes * (1 + values[1].bytes // 64)
        return sizes

    # --- what may raise ---

    def hazards(self, each: Instruction, values: list[Known]) -> list[Hazard]:
        found: list[tuple[str, str]] = []
        op = each.op
        if op in ("DIV", "FLOORDIV", "MOD") and len(values) == 2:
            if (
                not values[1].nonzero
                and not (op == "MOD" and values[0].only("str"))
                and values[1].may("int", "float", "bool")
            ):
                found.append(("ZeroDivisionError", "the divisor may be 0"))
        elif op == "INDEX":
            found += index_hazards(values)
        elif op == "UNPACK":
            if not (values[0].most == values[0].least == each.x):
                found.append(("ValueError", f"there may be another number of items than {each.x}"))
        elif op == "RAISE":
            found.append(("", "it is raised here"))
        elif op == "CALL":
            found += call_hazards(self.names.get(each.c if isinstance(each.c, int) else -1, ""), values)
        return [Hazard(each.place, exception, words) for exception, words in found]


# --- a whole definition ---------------------------------------------------------------------------------------------

STRING_MAX, LIST_MAX, ID_MAX = 32 * 1024, 4096, 256  # of an event's fields: engine/base/limits.h


def of_definition(definition: Definition, unit: Unit, lowered: Sequence[Lowered]) -> dict[FunctionDef, Bounds]:
    """The bounds of every function, each knowing what those that it reads can give. `lowered`: in call order."""
    constants = unit.constants
    names = {number: name for name, (number, _, _) in unit.builtins.items()}
    slots: dict[Cell, Known] = {
        unit.arrival: Known(frozenset({"datetime"})),
        unit.fired: Known(frozenset({"list"}), len(definition.rules), item=_longest(r.name for r in definition.rules)),
        unit.decided: _longest(definition.outcomes),
    }
    for source, cell in unit.slots.items():
        slots[cell] = _of_slot(source)

    def known(cell: Cell) -> Known:
        if cell.kind == "constant":
            return constant(constants.data_of(cell))
        return slots.get(cell, ANY)

    found: dict[FunctionDef, Bounds] = {}
    for each in lowered:
        bounds = analyse(each.code, known, names, getattr(each, "handlers", ()))
        found[each.function] = bounds
        cell = unit.slots[each.function]
        declared = slots[cell]
        result = join(bounds.result, NONE)
        if result.tags is not None and result.only("none", *(declared.tags or ())):  # it leaves as it is
            slots[cell] = result
    return found


def _longest(texts: Iterable[str]) -> Known:
    return text(max((len(each.encode()) for each in texts), default=0))


def _of_slot(source: Source) -> Known:
    """What an event, a window or an annotation says of a slot, which may be None as well."""
    if isinstance(source, FieldDef):
        return join(_of_field(source), NONE) if source.nullable else _of_field(source)
    if isinstance(source, WindowDef):
        known = _of_type(_types.of_window(source))
        if source.kind in ("count", "distinct"):
            return replace(known, low=0, high=2.0**53)
        return replace(known, low=0) if source.kind in ("std", "rate", "since_last") else known
    if isinstance(source, FunctionDef | ModelDef):
        return join(_of_type(_types.of_source(source)), NONE)
    return ANY


def _of_field(field: FieldDef) -> Known:
    if field.choices is not None and all(isinstance(each, str) for each in field.choices):
        one = _longest(field.choices)
    elif field.type == "str":
        one = text(STRING_MAX)
    else:
        one = Known(frozenset({field.type}))
    if not field.is_list:
        return one
    return Known(frozenset({"list"}), LIST_MAX, item=join(one, NONE) if field.item_nullable else one)


def _of_type(known: _types.Type) -> Known:
    if known == _types.ANY or not known.tags:
        return ANY
    item = _of_type(known.item) if known.item is not None else None
    return Known(known.tags, item=item)
