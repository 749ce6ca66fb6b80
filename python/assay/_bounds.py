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

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import _types
from ._definition import Definition, FieldDef, FunctionDef, ModelDef, Place, Source, WindowDef
from ._share import Cell, Instruction, Label

if TYPE_CHECKING:
    from ._flow import Unit
    from ._lower import Lowered

STEPS_MAX = 1_000_000  # LIMIT_STEPS
VALUE_BYTES_MAX = 1 << 20  # LIMIT_VALUE_BYTES
CELL_BYTES = 16
ITEMS_MAX = VALUE_BYTES_MAX // CELL_BYTES
VISITS_MAX = 4  # of a block, before what still changes is widened
DEPTH_MAX = 3  # of items in items
SIZED = frozenset({"str", "list", "tuple", "set", "dict", "range", "iterator", "bytes"})


@dataclass(frozen=True)
class Known:
    """What is known of a value. `tags` None: it may be of any kind. `most` None: as large as the engine allows."""

    tags: frozenset[str] | None = None
    most: int | None = None  # items; of a str, bytes
    least: int = 0
    low: float | None = None
    high: float | None = None
    nonzero: bool = False
    item: Known | None = None
    fixed: bool = False  # of an iterator: what it goes over cannot change

    @property
    def items(self) -> int:
        if self.tags is not None and not self.tags & SIZED:
            return 0
        if self.most is not None:
            return self.most
        if self.only("range") or self.only("iterator"):
            return 1 << 62
        return VALUE_BYTES_MAX if self.tags is None or "str" in self.tags else ITEMS_MAX

    @property
    def bytes(self) -> int:
        """Of the whole value, at most; no value is above the engine's limit."""
        if self.tags is not None and not self.tags & (SIZED - {"range", "iterator"}):
            return 0
        if self.only("str"):
            return min(self.items, VALUE_BYTES_MAX)
        inner = self.item.bytes if self.item is not None else VALUE_BYTES_MAX
        return min(self.items * (CELL_BYTES + inner), VALUE_BYTES_MAX)

    def only(self, *tags: str) -> bool:
        return self.tags is not None and self.tags <= frozenset(tags)

    def may(self, *tags: str) -> bool:
        return self.tags is None or bool(self.tags & frozenset(tags))


ANY = Known()
NUMBER = Known(frozenset({"bool", "int", "float"}))
INT = Known(frozenset({"int"}))
FLOAT = Known(frozenset({"float"}))
BOOL = Known(frozenset({"bool"}), low=0, high=1)
NONE = Known(frozenset({"none"}))
TEXT = Known(frozenset({"str"}))


def text(most: int | None, least: int = 0) -> Known:
    return Known(frozenset({"str"}), most, least)


def number(value: float) -> Known:
    kind = type(value).__name__
    return Known(frozenset({kind}), low=value, high=value, nonzero=bool(value))


def join(a: Known, b: Known, depth: int = 0) -> Known:
    """A value that is one or the other."""
    if a is b or a == b:
        return a
    if a.tags is None and b.tags is None and a.most is None and a.item is None and not a.least and not a.nonzero:
        return a
    if depth > DEPTH_MAX:
        return ANY
    a_none, b_none = a.only("none"), b.only("none")
    tags = None if a.tags is None or b.tags is None else a.tags | b.tags
    if a_none:
        return replace(b, tags=tags, least=0, nonzero=False)
    if b_none:
        return replace(a, tags=tags, least=0, nonzero=False)
    a_sized, b_sized = a.tags is None or a.tags & SIZED, b.tags is None or b.tags & SIZED
    most = max(a.most or 0, b.most or 0) if _has(a, a_sized) and _has(b, b_sized) else None
    if a.item is None or b.item is None:
        item = (
            None
            if (a_sized and a.item is None and not a.only("str")) or (b_sized and b.item is None and not b.only("str"))
            else a.item or b.item
        )
    else:
        item = join(a.item, b.item, depth + 1)
    return Known(
        tags,
        most,
        min(a.least, b.least),
        None if a.low is None or b.low is None else min(a.low, b.low),
        None if a.high is None or b.high is None else max(a.high, b.high),
        a.nonzero and b.nonzero,
        item,
        a.fixed and b.fixed,
    )


def _has(a: Known, sized: object) -> bool:
    return not sized or a.most is not None


def widened(old: Known, new: Known) -> Known:
    """What still changes becomes unknown."""
    if old == new:
        return old
    return replace(
        new,
        tags=new.tags if new.tags == old.tags else None,
        most=new.most if new.most == old.most else None,
        least=new.least if new.least == old.least else 0,
        low=new.low if new.low == old.low else None,
        high=new.high if new.high == old.high else None,
        item=new.item if new.item == old.item else None,
    )


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


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- what instructions and built-ins do -----------------------------------------------------------------------------

CONDITIONAL = frozenset({"JMP_TRUE", "JMP_FALSE", "JMP_NONE", "JMP_NOT_NONE", "NEXT"})
ENDS = frozenset({"RET", "RAISE"})
COMPARE = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE", "IS", "IS_NOT", "IN", "NOT_IN", "NOT", "TRUTH"})
ARITHMETIC = frozenset(
    {
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "FLOORDIV",
        "MOD",
        "POW",
        "BIT_AND",
        "BIT_OR",
        "BIT_XOR",
        "SHL",
        "SHR",
        "NEG",
        "POS",
        "INVERT",
    }
)
PLAIN = (
    COMPARE
    | ARITHMETIC
    | CONDITIONAL
    | ENDS
    | frozenset(
        {"MOVE", "JMP", "INDEX", "SLICE", "UNPACK", "TUPLE", "LIST", "FORMAT", "CONCAT", "CALL", "ITER", "APPEND"}
    )
)
CHANGES_LISTS = frozenset({".append", ".extend", ".insert", ".add", ".update", ".pop", ".remove", ".clear", ".sort"})
# Built-ins whose work is no more than the size of what they take and give.
LINEAR = words("""len abs min max sum sum.compensated sum.class sum.among any all round int float str bool repr ascii
    divmod ord chr hex oct bin enumerate zip reversed range tuple list sorted .lower .upper .casefold .title .capitalize
    .swapcase
    .isalnum .isalpha .isascii .isdecimal .isdigit .isidentifier .islower .isnumeric .isprintable .isspace .istitle
    .isupper .strip .lstrip .rstrip .startswith .endswith .find .rfind .index .rindex .count .replace .split .rsplit
    .splitlines .partition .rpartition .join .removeprefix .removesuffix .zfill .ljust .rjust .center .expandtabs .get
    .keys .values .items .bit_length .bit_count .is_integer .conjugate .real .imag .numerator .denominator .year .month
    .day .hour .minute .second .microsecond .weekday .isoweekday .isoformat .timestamp .date .toordinal .days .seconds
    .microseconds .total_seconds""")
SEARCH = words(".find .rfind .index .rindex .count .replace .split .rsplit .partition .rpartition")
NUMBERS = words("""len ord int sum.class sum.among round abs float .find .rfind .index .rindex .count .year .month .day
    .hour .minute .second .microsecond .weekday .isoweekday .toordinal .days .seconds .microseconds .total_seconds
    .timestamp .bit_length .bit_count""")
TRUTHS = words("""any all bool .startswith .endswith .is_integer .isalnum .isalpha .isascii .isdecimal .isdigit
    .isidentifier .islower .isnumeric .isprintable .isspace .istitle .isupper""")
ITERATES = words("list tuple sorted min max sum sum.compensated any all .join math.fsum math.prod math.dist")
SAME_TEXT = words(".strip .lstrip .rstrip .removeprefix .removesuffix")
CASES = words(".lower .upper .casefold .title .capitalize .swapcase")
DOMAIN = {
    "math.sqrt": "a value below 0",
    "math.log": "a value of 0 or below",
    "math.log10": "a value of 0 or below",
    "math.log2": "a value of 0 or below",
    "math.log1p": "a value of -1 or below",
    "math.acos": "a value outside -1 to 1",
    "math.asin": "a value outside -1 to 1",
    "math.acosh": "a value below 1",
    "math.atanh": "a value outside -1 to 1",
    "math.gamma": "0 or a negative integer",
    "math.factorial": "a negative value",
    "math.fmod": "a divisor of 0",
}
PARSES = ("strptime", "fromisoformat", "ip_address", "ip_network", "b64decode", "unhexlify", "fromhex")


def constant(data: bytes) -> Known:
    """What is known of a constant, from its bytes (engine/base/value.h)."""
    try:
        return _decode(data, 0)[0]
    except (IndexError, ValueError, KeyError):
        return ANY


def _decode(data: bytes, at: int) -> tuple[Known, int]:
    tag = data[at]
    names = ("none", "bool", "int", "float", "str", "datetime", "date", "timedelta", "list", "tuple", "set", "dict")
    if tag == 0:
        return NONE, at + 2
    if tag == 1:
        return number(bool(data[at + 1])), at + 2
    if tag in (2, 3):
        return number(struct.unpack_from("<q" if tag == 2 else "<d", data, at + 1)[0]), at + 9
    if tag in (5, 6, 7):
        return Known(frozenset({names[tag]})), at + 9
    if tag == 4:
        length = int.from_bytes(data[at + 1 : at + 5], "little")
        return text(length, length), at + 5 + length
    if 8 <= tag <= 11:
        count = int.from_bytes(data[at + 1 : at + 5], "little")
        if count > 256:  # a table: its items are not looked at, and none is longer than all
            return Known(frozenset({names[tag]}), count, count, item=Known(most=len(data))), len(data)
        at += 5
        item: Known | None = None
        for position in range(count * (2 if tag == 11 else 1)):
            known, at = _decode(data, at)
            if tag != 11 or position % 2:
                item = known if item is None else join(item, known)
        return Known(frozenset({names[tag]}), count, count, item=item or ANY), at
    raise ValueError(tag)


# --- the analysis ---------------------------------------------------------------------------------------------------

State = dict[Cell, Known]


@dataclass
class Block:
    first: int
    end: int
    after: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    loops: list[int] = field(default_factory=list)  # headers of the loops it is in


def analyse(
    code: Sequence[Instruction],
    cells: Callable[[Cell], Known],
    names: Mapping[int, str],
    handlers: Sequence[Any] = (),
) -> Bounds:
    """The bounds of one function. `cells`: what is known of constants and slots; `names`: built-ins by number."""
    if not code:
        return Bounds(None, 0, "it has no code")
    strange = next((each.op for each in code if each.op not in PLAIN), "")
    analysis = Analysis(code, cells, names)
    if handlers:
        return Bounds(None, VALUE_BYTES_MAX, "it has a try")
    if strange:
        return Bounds(None, VALUE_BYTES_MAX, f"the instruction {strange} is not followed")
    return analysis.bounds()


class Analysis:
    def __init__(self, code: Sequence[Instruction], cells: Callable[[Cell], Known], names: Mapping[int, str]):
        self.code = code
        self.names = names
        self.cells = cells
        self.outer: dict[Cell, Known] = {}
        self.appended: dict[int, int] = {}  # LIST instruction -> items appended at most
        self.blocks = self.cut()
        self.number = {block.first: at for at, block in enumerate(self.blocks)}
        self.link()
        self.order = self.in_order()
        self.dominators = self.find_dominators()
        self.reducible = self.find_loops()
        self.states: dict[int, State] = {}

    # --- blocks and loops ---

    def cut(self) -> list[Block]:
        leaders = {0}
        for at, each in enumerate(self.code):
            if isinstance(each.c, Label):
                leaders |= {each.c.position, at + 1}
            elif each.op in ENDS:
                leaders.add(at + 1)
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
            return state.get(cell, ANY)
        found = self.outer.get(cell)
        if found is None:
            found = self.outer[cell] = self.cells(cell)
        return state.get(cell, found)

    def run(self) -> None:
        """Until nothing changes."""
        self.states = {0: {}}
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
                if visits[after] > VISITS_MAX:
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
        for position in range(block.first, block.end):
            self.step(position, state)
        last = self.code[block.end - 1]
        ways: list[tuple[int, State]] = []
        for after in block.after:
            jumped = isinstance(last.c, Label) and self.blocks[after].first == last.c.position
            both = jumped and last.op in CONDITIONAL and after == at + 1
            ways.append((after, state if both else self.refined(dict(state), block, jumped)))
        return ways

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
        elif op == "EQ" and b.only("bool", "int", "float"):
            state[left] = replace(a, low=b.low, high=b.high, nonzero=a.nonzero or b.nonzero)

    # --- one instruction ---

    def step(self, position: int, state: State) -> None:
        each = self.code[position]
        if each.op == "UNPACK":
            source = self.known(state, each.b)
            assert each.a is not None
            for at in range(each.x):
                state[Cell(each.a.kind, each.a.number + at)] = self.item(source)
            return
        if each.op == "APPEND":
            assert each.a is not None
            old, new = self.known(state, each.a), self.known(state, each.b)
            most = old.most if self.appended else None
            empty = old.most == 0 or old.item is None
            state[each.a] = replace(old, most=most, item=new if empty else join(old.item or ANY, new))
            return
        if each.a is not None:
            state[each.a] = self.value(position, each, state)

    def arguments(self, each: Instruction, state: State) -> list[Known]:
        if each.b is None:
            return []
        count = each.x if each.op in ("CALL", "TUPLE", "LIST", "CONCAT") else 1
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
        if op in ARITHMETIC:
            return arithmetic(op, values)
        if op == "CALL":
            return builtin(self.names.get(each.c if isinstance(each.c, int) else -1, ""), values)
        if op == "NEXT":
            return self.item(values[0])
        if op == "ITER":
            source = values[0]
            most = 1 << 62 if source.most is None and source.may("range", "iterator") else source.items
            fixed = source.only("str", "tuple", "range") or source.fixed
            return Known(frozenset({"iterator"}), most, item=self.item(source), fixed=fixed)
        if op == "INDEX":
            return self.item(values[0])
        if op == "SLICE":
            return replace(values[0], least=0)
        if op in ("TUPLE", "LIST"):
            item: Known | None = None
            for value in values:
                item = value if item is None else join(item, value)
            most = each.x + self.appended.get(position, 0)
            return Known(frozenset({op.lower()}), most, each.x, item=item)
        if op == "FORMAT":
            return text(_text_of(values[0], each.x))
        if op == "CONCAT":
            return text(sum(value.items for value in values), sum(value.least for value in values))
        return ANY

    @staticmethod
    def item(source: Known) -> Known:
        if source.only("str"):
            return text(4, 1)
        if source.only("range"):
            return Known(frozenset({"int"}), low=source.low, high=source.high)
        return source.item or ANY

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
                hazards += self.hazards(each, values)
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
        return max(at for at, block in enumerate(self.blocks) if block.first <= position)

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
        if name in ("EQ", "NE", "LT", "LE", "GT", "GE"):
            return min(_size(values[0]), _size(values[1])) + 1
        if name in ("IN", "NOT_IN"):
            inside = values[1]
            if inside.only("dict", "set"):
                return 2 + values[0].bytes // 64
            each_one = 1 + (0 if values[0].only("str") else min(_size(values[0]), VALUE_BYTES_MAX // 8))
            return (
                _size(inside) * each_one if not inside.only("str") else inside.items // 64 + values[0].items // 64 + 1
            )
        if name == "INDEX":
            return values[0].bytes // 64 if values[0].may("str") else 2 + values[-1].bytes // 64
        sizes = 1 + sum(_size(value) for value in [*values, made])
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
            found += _index_hazards(values)
        elif op == "UNPACK":
            if not (values[0].most == values[0].least == each.x):
                found.append(("ValueError", f"there may be another number of items than {each.x}"))
        elif op == "RAISE":
            found.append(("", "it is raised here"))
        elif op == "CALL":
            found += _call_hazards(self.names.get(each.c if isinstance(each.c, int) else -1, ""), values)
        return [Hazard(each.place, exception, words) for exception, words in found]


def _size(value: Known) -> int:
    """Steps that going over a value once can be charged: an item is one, and so are eight bytes of text."""
    if value.only("range", "iterator"):
        return 0
    if value.only("str"):
        return value.items // 8
    return value.items + value.bytes // 8


def _index_hazards(values: list[Known]) -> list[tuple[str, str]]:
    source, index = values[0], values[1]
    if source.only("dict"):
        return [("KeyError", "the key may not be there")]
    if source.may("dict"):
        return [("LookupError", "the key or index may not be there")]
    inside = (
        index.low is not None and index.high is not None and -source.least <= index.low and index.high < source.least
    )
    return [] if inside else [("IndexError", "there may be fewer items")]


def _call_hazards(name: str, values: list[Known]) -> list[tuple[str, str]]:
    first = values[0] if values else NONE
    if name in ("int", "float") and first.may("str"):
        return [("ValueError", "the text may not be a number")]
    if name == "int" and first.may("float"):
        return [("ValueError", "nan and infinity have no int")]
    if name in ("min", "max") and len(values) == 1 and first.least == 0:
        return [("ValueError", "there may be no items")]
    if name in (".index", ".rindex"):
        return [("ValueError", "it may not be there")]
    if name in DOMAIN and not (first.low is not None and first.low > 1 and name != "math.atanh"):
        positive = first.nonzero and first.low is not None and first.low >= 0
        if not (name == "math.sqrt" and first.low is not None and first.low >= 0) and not (
            positive and name.startswith("math.log")
        ):
            return [("ValueError", f"{DOMAIN[name]} is outside its domain")]
    if name.endswith(PARSES):
        return [("ValueError", "the text may not be of that form")]
    return []


def arithmetic(op: str, values: list[Known]) -> Known:
    a, b = values[0], values[-1]
    if len(values) == 1:
        return (
            replace(a, low=None if a.high is None else -a.high, high=None if a.low is None else -a.low)
            if (op == "NEG" and a.only("int", "float"))
            else Known(a.tags)
        )
    if op == "ADD" and a.only("str") and b.only("str"):
        return text(a.items + b.items, a.least + b.least)
    if op == "ADD" and a.only("list", "tuple") and b.only("list", "tuple"):
        item = join(a.item, b.item) if a.item and b.item else None
        return Known(a.tags, a.items + b.items, a.least + b.least, item=item)
    if not (a.only("bool", "int", "float") and b.only("bool", "int", "float")):
        times = replace(a, most=None, least=0) if op == "MUL" and a.may(*SIZED) and a.tags is not None else ANY
        return TEXT if op == "MOD" and a.only("str") else times
    assert a.tags is not None and b.tags is not None
    tags = FLOAT.tags if op == "DIV" or a.only("float") or b.only("float") else (a.tags | b.tags) - {"bool"} | {"int"}
    low, high = _range(op, a, b)
    nonzero = bool((low is not None and low > 0) or (high is not None and high < 0))
    return Known(tags, low=low, high=high, nonzero=nonzero)


def _range(op: str, a: Known, b: Known) -> tuple[float | None, float | None]:
    """The range of a result of two numbers; a nan has no place in one, which no bound here depends on."""
    if op == "MOD" and b.low is not None and b.high is not None and b.low > 0:
        return 0, b.high
    low = high = None
    if op == "ADD":
        low = None if a.low is None or b.low is None else a.low + b.low
        high = None if a.high is None or b.high is None else a.high + b.high
    elif op == "SUB":
        low = None if a.low is None or b.high is None else a.low - b.high
        high = None if a.high is None or b.low is None else a.high - b.low
    elif op in ("MUL", "FLOORDIV", "DIV") and a.low is not None and b.low is not None and a.low >= 0 and b.low >= 0:
        low = 0
        if a.high is not None and b.high is not None:
            high = a.high * b.high if op == "MUL" else a.high if b.low >= 1 else None
    return low, high


def builtin(name: str, values: list[Known]) -> Known:
    """What a built-in gives."""
    first = values[0] if values else NONE
    if name == "len":
        return Known(frozenset({"int"}), low=first.least, high=first.items, nonzero=first.least > 0)
    if name in ("min", "max") and values:
        return _extreme(name, values)
    if name == "range":
        ends = values[0] if len(values) == 1 else values[1] if len(values) > 1 else ANY
        start = number(0) if len(values) == 1 else first
        if len(values) < 3 and ends.high is not None and start.low is not None and ends.only("int", "bool"):
            most = max(0, int(ends.high - start.low))
            return Known(frozenset({"range"}), most, low=start.low, high=max(ends.high - 1, start.low))
        return Known(frozenset({"range"}), None)
    if name in TRUTHS:
        return BOOL
    if name == "abs" and first.only("bool", "int", "float"):
        high = max(abs(first.low), abs(first.high)) if first.low is not None and first.high is not None else None
        return Known(first.tags, low=0, high=high, nonzero=first.nonzero)
    if name in ("sum.class", "sum.among", ".count"):
        return Known(frozenset({"int"}), low=0, high=first.items)
    if name in NUMBERS:
        return (
            NUMBER if name in ("round", "abs") else FLOAT if name in ("float", ".timestamp", ".total_seconds") else INT
        )
    if name.startswith("math."):
        return NUMBER
    if name in ("list", "tuple", "sorted"):
        tags = frozenset({"tuple" if name == "tuple" else "list"})
        return Known(tags, first.items if first is not NONE else 0, first.least, item=Analysis.item(first))
    if name in ("enumerate", "zip", "reversed", ".keys", ".values", ".items"):
        return _lazy(name, values)
    return _text(name, values)


def _extreme(name: str, values: list[Known]) -> Known:
    if len(values) == 1:
        return Analysis.item(values[0])
    joined = values[0]
    for value in values[1:]:
        joined = join(joined, value)
    lows, highs = [v.low for v in values if v.low is not None], [v.high for v in values if v.high is not None]
    if joined.only("bool", "int", "float"):
        low, high = joined.low, joined.high
        if name == "max" and lows:  # at least the greatest of those that are known
            low = max(lows)
        if name == "min" and highs:
            high = min(highs)
        return replace(joined, low=low, high=high, nonzero=joined.nonzero or bool(low is not None and low > 0))
    return joined


def _lazy(name: str, values: list[Known]) -> Known:
    first = values[0] if values else Known(frozenset({"list"}), 0)
    item = Analysis.item(first)
    if name in (".keys", ".items"):  # a dict's keys are not kept apart
        item = ANY if name == ".keys" else Known(frozenset({"tuple"}), 2, 2)
    elif name == "enumerate":
        item = Known(frozenset({"tuple"}), 2, 2, item=join(INT, item))
    elif name == "zip":
        inner = Analysis.item(first)
        for value in values[1:]:
            inner = join(inner, Analysis.item(value))
        item = Known(frozenset({"tuple"}), len(values), len(values), item=inner)
    most = min((value.items for value in values), default=0)
    return Known(frozenset({"iterator"}), most, item=item, fixed=all(v.only("str", "tuple", "range") for v in values))


def _text(name: str, values: list[Known]) -> Known:
    first = values[0] if values else text(0)
    if name in SAME_TEXT:
        return text(first.items)
    if name in CASES:
        return text(min(3 * first.items, VALUE_BYTES_MAX))
    if name in (".split", ".rsplit", ".splitlines"):
        return Known(frozenset({"list"}), first.items + 1, 0, item=text(first.items))
    if name in (".partition", ".rpartition"):
        return Known(frozenset({"tuple"}), 3, 3, item=text(max(v.items for v in values)))
    if name == ".join" and len(values) > 1:
        items = values[1].items
        inner = values[1].item.items if values[1].item is not None else VALUE_BYTES_MAX
        if values[1].only("str"):
            inner = 4
        return text(min(items * (inner + first.items), VALUE_BYTES_MAX))
    if name in ("str", "repr", "ascii"):
        return text(_text_of(first, 1 if name == "str" else 2))
    if name in ("hex", "oct", "bin"):
        return text(4096)
    if name == "chr":
        return text(4, 1)
    if name in (".replace", ".zfill", ".ljust", ".rjust", ".center", ".expandtabs", ".isoformat"):
        return TEXT if first.only("str") or name == ".isoformat" else ANY
    if name == ".get":
        missing = values[2] if len(values) > 2 else NONE
        return join(first.item, missing) if first.item is not None else ANY
    return ANY


def _text_of(value: Known, kind: int) -> int | None:
    """The length of a value's text."""
    if value.only("bool", "float", "none", "datetime", "date", "timedelta"):
        return 48
    if value.only("bool", "int", "float", "none"):
        return 20 if value.low is not None and value.high is not None else 1300  # 4,096 bits
    if value.only("str"):
        return value.items if kind in (0, 1) else min(10 * value.items + 2, VALUE_BYTES_MAX)
    return None


# --- a whole definition ---------------------------------------------------------------------------------------------

STRING_MAX, LIST_MAX, ID_MAX = 32 * 1024, 4096, 256  # of an event's fields: engine/base/limits.h


def of_definition(definition: Definition, unit: Unit, lowered: Sequence[Lowered]) -> dict[FunctionDef, Bounds]:
    """The bounds of every function, each knowing what those that it reads can give. `lowered`: in call order."""
    constants = {cell: data for data, cell in unit.constants.cells.items()}
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
            return constant(constants[cell]) if cell in constants else ANY
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
