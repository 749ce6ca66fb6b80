"""Patterns of Split and Replace: parsed here, refused by name where their meaning is not Oniguruma's (which the package
uses) or their time not linear, and written as a program over character classes (engine/text/pattern.c).

Classes are Oniguruma's own, from the tables. A pattern may have: characters and escapes, classes with ranges,
properties, nesting and intersection, groups, alternatives, greedy and possessive repetition of single characters, `?`
and {n} of groups, (?i:...) of ASCII letters, look-around of one character, and the anchors ^ $ \\A \\z \\Z \\b \\B."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from . import _tables as tables
from ._errors import At, TokenizerError
from ._part import PROGRAM, Part
from ._tables import LAST, Ranges, complement, intersection, only, union

MATCH, RUN, TAKE, SPLIT, JUMP, AHEAD, BEHIND, BEGIN, END = range(9)
MANY = 0xFFFFFFFF
NODES_MAX = 1024
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
SHORTHANDS = {"s": "space", "w": "word", "d": "digit", "h": "hex"}
FOLDED_TOGETHER = ("ss", "st", "ff", "fi", "fl")  # of which Oniguruma also takes one character


@dataclass
class Run:
    """Characters of a class: `low` to `high` of them."""

    ranges: Ranges
    low: int = 1
    high: int = 1
    possessive: bool = False


@dataclass
class Look:
    ranges: Ranges
    ahead: bool
    negative: bool


@dataclass
class Anchor:
    op: int
    lines: bool
    last_line: bool = False


@dataclass
class Choice:
    """Alternatives, the first that matches counts."""

    options: list[list[Node]] = field(default_factory=list)


Node = Run | Look | Anchor | Choice


class Parser:
    def __init__(self, pattern: str, at: At, possessive_intervals: bool = False) -> None:
        self.text = pattern
        self.at = at
        self.place = 0
        self.fold = False
        self.possessive_intervals = possessive_intervals

    def fail(self, message: str, help: str = "") -> TokenizerError:
        return self.at.fail(f"the pattern {self.text!r}, character {self.place + 1}: {message}", help)

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.place)

    def take(self, text: str) -> bool:
        if not self.peek(text):
            return False
        self.place += len(text)
        return True

    def next(self) -> str:
        if self.place >= len(self.text):
            raise self.fail("it ends too early")
        self.place += 1
        return self.text[self.place - 1]

    def parse(self) -> Choice:
        choice = self.choice()
        if self.place < len(self.text):
            raise self.fail("a ) without its (")
        return choice

    def choice(self) -> Choice:
        fold = self.fold
        options: list[list[Node]] = [[]]
        while self.place < len(self.text) and not self.peek(")"):
            if self.take("|"):
                options.append([])
            else:
                options[-1] += self.repeated()
        self.fold = fold
        return Choice(options)

    def repeated(self) -> list[Node]:
        start = self.place
        if self.take("(?i)"):
            self.fold = True
            return []
        atom = self.atom()
        if self.fold and self.text[max(start - 1, 0) : start + 1].lower() in FOLDED_TOGETHER:
            raise self.fail(
                f"{self.text[start - 1 : start + 1]!r} without regard to case also takes a single character"
            )
        while self.place < len(self.text):
            bounds = self.quantifier()
            if bounds is None:
                break
            atom = self.repeat(atom, *bounds)
        return [atom]

    def quantifier(self) -> tuple[int, int, bool] | None:
        interval = False
        if self.take("?"):
            low, high = 0, 1
        elif self.take("*"):
            low, high = 0, MANY
        elif self.take("+"):
            low, high = 1, MANY
        elif self.peek("{"):
            end = self.text.find("}", self.place)
            inside = self.text[self.place + 1 : end] if end > 0 else ""
            numbers = inside.split(",")
            if (
                not inside
                or len(numbers) > 2
                or not all(n.isdigit() or n == "" for n in numbers)
                or numbers == ["", ""]
            ):
                return None  # a brace as it stands
            low = int(numbers[0] or 0)
            high = int(numbers[-1]) if numbers[-1] else MANY
            if low > high or low > 1000 or (high != MANY and high > 100_000):
                raise self.fail(f"the repetition {{{inside}}} is out of bounds")
            self.place = end + 1
            interval = True
        else:
            return None
        if self.peek("?"):
            raise self.fail("lazy repetition is not supported")
        possessive = False
        if self.peek("+") and (not interval or self.possessive_intervals):
            possessive = self.take("+")
        return low, high, possessive

    def repeat(self, atom: Node, low: int, high: int, possessive: bool) -> Node:
        if isinstance(atom, Choice):
            single = one_class(atom)
            if single is not None and not (low == high == 1):
                return self.repeat(Run(single), low, high, possessive)
        if isinstance(atom, Run) and (atom.low, atom.high) == (1, 1):
            return Run(atom.ranges, low, high, possessive)
        if isinstance(atom, Run) and (low, high) == (1, MANY) and atom.low == 1:
            return Run(atom.ranges, 1, MANY, possessive)  # (x{1,3})+
        if isinstance(atom, Choice) and not possessive and high <= 8:
            options: list[list[Node]] = [[atom] * low]
            nested: list[Node] = []
            for _ in range(high - low):
                nested = [Choice([[atom, *nested], []])]
            options[0] += nested
            return Choice(options)
        raise self.fail("repetition of a group is supported up to eight times, of single characters without limit")

    def atom(self) -> Node:
        if self.take("("):
            return self.group()
        if self.peek("["):
            return Run(self.set())
        c = self.next()
        if c == ".":
            return Run(tables.members("onig_any"))
        if c == "^":
            return Anchor(BEGIN, True)
        if c == "$":
            return Anchor(END, True)
        if c in "*+?":
            raise self.fail(f"{c} has nothing to repeat")
        if c == "\\":
            anchors = {"A": Anchor(BEGIN, False), "z": Anchor(END, False), "Z": Anchor(END, False, True)}
            if self.text[self.place : self.place + 1] in anchors:
                return anchors[self.next()]
            if self.peek("b") or self.peek("B"):
                return word_edge(self.next() == "b")
            return Run(self.escape())
        return Run(self.literal(c))

    def literal(self, c: str) -> Ranges:
        if not self.fold:
            return only(c)
        if c.isascii():
            return tables.members(f"onig_fold_{c.lower()}") if c.isalpha() else only(c)
        raise self.fail(f"{c!r} without regard to case is not supported, ASCII letters are")

    def group(self) -> Node:
        if self.take("?:"):
            return self.closed(self.choice())
        if self.take("?i:"):
            outer, self.fold = self.fold, True
            choice = self.choice()
            self.fold = outer
            return self.closed(choice)
        for text, ahead, negative in (("?=", 1, 0), ("?!", 1, 1), ("?<=", 0, 0), ("?<!", 0, 1)):
            if self.take(text):
                choice = self.closed(self.choice())
                ranges = one_class(choice)
                if ranges is None:
                    raise self.fail("look-around is supported for one character")
                return Look(ranges, bool(ahead), bool(negative))
        if self.peek("?"):
            raise self.fail(f"the group ({self.text[self.place : self.place + 3]}... is not supported")
        return self.closed(self.choice())

    def closed(self, choice: Choice) -> Choice:
        if not self.take(")"):
            raise self.fail("a ( without its )")
        return choice

    def escape(self, within: str = "onig_") -> Ranges:
        """`within`: inside of [...] Oniguruma looks into other tables."""
        c = self.next()
        if c in ESCAPES:
            return only(ESCAPES[c])
        if c in SHORTHANDS:
            return tables.members(within + SHORTHANDS[c])
        if c.lower() in SHORTHANDS:
            return complement(tables.members(within + SHORTHANDS[c.lower()]))
        if c in "pP":
            return self.property(c == "P")
        if c == "x" and self.take("{"):
            return self.code(self.until("}"))
        if c == "x":
            digits = self.next() + self.next()
            if int(digits, 16) > 127:
                raise self.fail(f"\\x{digits} is a byte, not a character", "\\x{...}")
            return self.code(digits)
        if c == "u":
            return self.code("".join(self.next() for _ in range(4)))
        if c.isascii() and c.isalnum():
            raise self.fail(f"\\{c} is not supported")
        return only(c)

    def code(self, digits: str) -> Ranges:
        try:
            number = int(digits, 16)
            return ((number, number),) if number <= LAST else only("")
        except (ValueError, TypeError):
            raise self.fail(f"{digits!r} is no character's number") from None

    def until(self, end: str) -> str:
        stop = self.text.find(end, self.place)
        if stop < 0:
            raise self.fail(f"{end} is missing")
        found = self.text[self.place : stop]
        self.place = stop + len(end)
        return found

    def property(self, negative: bool) -> Ranges:
        name = self.until("}")[1:] if self.peek("{") else self.next()
        if name.startswith("^"):
            negative, name = not negative, name[1:]
        key = "onig_property_" + name.lower().replace(" ", "").replace("-", "_")
        posix = f"onig_posix_{name.lower()}"
        found = next((each for each in (key, posix) if tables.has(each)), None)
        if found is None:
            raise self.fail(f"the property {name} is not known here")
        if self.fold:
            raise self.fail("properties without regard to case are not supported")
        ranges = tables.members(found)
        return complement(ranges) if negative else ranges

    def set(self) -> Ranges:
        self.next()
        negative = self.take("^")
        ranges: Ranges = ()
        parts: list[Ranges] = []
        first = True
        while first or not self.peek("]"):
            first = False
            if self.take("&&"):
                parts.append(ranges)
                ranges = ()
            else:
                ranges = union(ranges, self.set_item())
        self.next()
        for part in parts:
            ranges = intersection(ranges, part)
        return complement(ranges) if negative else ranges

    def set_item(self) -> Ranges:
        if self.take("[:"):
            negative = self.take("^")
            name = self.until(":]")
            if not tables.has(f"onig_posix_{name}"):
                raise self.fail(f"[:{name}:] is not known here")
            ranges = tables.members(f"onig_posix_{name}")
            return complement(ranges) if negative else ranges
        if self.peek("["):
            return self.set()
        low = self.set_character()
        follows = self.text[self.place : self.place + 2]
        if not single(low) or not follows.startswith("-") or follows == "-]":
            return self.folded(low)
        self.next()
        high = self.set_character()
        if not single(high) or high[0][0] < low[0][0]:
            raise self.fail("a range whose end is no character or before its beginning")
        if self.fold:
            raise self.fail("ranges without regard to case are not supported")
        return ((low[0][0], high[0][0]),)

    def set_character(self) -> Ranges:
        c = self.next()
        return self.escape("onig_class_") if c == "\\" else only(c)

    def folded(self, ranges: Ranges) -> Ranges:
        return self.literal(chr(ranges[0][0])) if self.fold and single(ranges) else ranges


def word_edge(edge: bool) -> Choice:
    """\\b: a word's character on one side only; \\B: on both or on neither."""
    word = tables.members("onig_word")
    return Choice([[Look(word, False, before), Look(word, True, before != edge)] for before in (False, True)])


def single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def one_class(choice: Choice) -> Ranges | None:
    """The class, if every alternative is one character."""
    found: Ranges = ()
    for option in choice.options:
        if len(option) != 1:
            return None
        node = option[0]
        inner = one_class(node) if isinstance(node, Choice) else None
        if isinstance(node, Run) and (node.low, node.high) == (1, 1):
            inner = node.ranges
        if inner is None:
            return None
        found = union(found, inner)
    return found


class Writer:
    def __init__(self) -> None:
        self.nodes: list[list[int]] = []
        self.ranges: dict[int, Ranges] = {}  # of the nodes that have a class

    def add(self, op: int, a: int = 0, b: int = 0, c: int = 0, ranges: Ranges | None = None) -> int:
        if ranges is not None:
            self.ranges[len(self.nodes)] = ranges
        self.nodes.append([op, a, b, c])
        return len(self.nodes) - 1

    def choice(self, choice: Choice) -> None:
        jumps = []
        for option in choice.options[:-1]:
            split = self.add(SPLIT, len(self.nodes) + 1)
            self.sequence(option)
            jumps.append(self.add(JUMP))
            self.nodes[split][2] = len(self.nodes)
        self.sequence(choice.options[-1])
        for jump in jumps:
            self.nodes[jump][1] = len(self.nodes)

    def sequence(self, nodes: list[Node]) -> None:
        for node in nodes:
            if isinstance(node, Choice):
                self.choice(node)
            elif isinstance(node, Run):
                if node.high > 0:
                    self.add(TAKE if node.possessive else RUN, 0, node.low, node.high, node.ranges)
            elif isinstance(node, Look):
                self.add(AHEAD if node.ahead else BEHIND, 0, int(node.negative), 0, node.ranges)
            else:
                self.add(node.op, int(node.lines), int(node.last_line))

    def settle(self) -> None:
        """Runs that may never give back a character: what follows cannot begin with one, or needs nothing."""
        everything: Ranges = ((0, LAST),)
        firsts: list[tuple[Ranges, bool, bool]] = [((), False, False)] * len(self.nodes)  # ranges, ends, asserts
        for at in range(len(self.nodes) - 1, -1, -1):
            op, a, b, _ = self.nodes[at]
            if op == MATCH:
                firsts[at] = ((), True, False)
            elif op in (RUN, TAKE):
                ranges, ends, asserts = firsts[at + 1]
                if op == RUN and (ends or (not asserts and not intersection(self.ranges[at], ranges))):
                    self.nodes[at][0] = TAKE
                own = self.ranges[at]
                firsts[at] = (union(own, ranges), ends, asserts) if b == 0 else (own, False, False)
            elif op == SPLIT:
                x, y = firsts[a], firsts[b]
                firsts[at] = (union(x[0], y[0]), x[1] or y[1], x[2] or y[2])
            elif op == JUMP:
                firsts[at] = firsts[a]
            else:
                firsts[at] = (everything, False, True)


def jumps_resolved(nodes: list[list[int]]) -> None:
    """Jumps to a jump or to the end lead there at once."""
    for node in nodes:
        for place in (1, 2) if node[0] == SPLIT else (1,) if node[0] == JUMP else ():
            while nodes[node[place]][0] == JUMP:
                node[place] = nodes[node[place]][1]
    for node in nodes:
        if node[0] == JUMP and nodes[node[1]][0] == MATCH:
            node[:] = [MATCH, 0, 0, 0]


def compiled(choice: Choice, at: At, part: Part) -> int:
    writer = Writer()
    writer.choice(choice)
    writer.add(MATCH)
    if len(writer.nodes) > NODES_MAX:
        raise at.fail(f"the pattern takes {len(writer.nodes)} steps, at most {NODES_MAX} are possible")
    if can_be_empty(choice):
        raise at.fail("the pattern matches nothing at all as well, which is not supported")
    jumps_resolved(writer.nodes)
    writer.settle()
    for number, ranges in writer.ranges.items():
        writer.nodes[number][1] = part.character_class(ranges)
    return part.add(PROGRAM, b"".join(struct.pack("<4I", *node) for node in writer.nodes))


def can_be_empty(node: Node) -> bool:
    if isinstance(node, Choice):
        return any(all(can_be_empty(each) for each in option) for option in node.options)
    return not isinstance(node, Run) or node.low == 0


def regex(pattern: str, at: At, part: Part, possessive_intervals: bool = False) -> int:
    """The section of a pattern's program."""
    return compiled(Parser(pattern, at, possessive_intervals).parse(), at, part)


def program(at: At, part: Part) -> int:
    """The program of {"String": ...} or {"Regex": ...}."""
    if at.has("String"):
        text = at.get("String")
        if not text.text():
            raise text.fail("an empty string matches nothing at all, which is not supported")
        return compiled(Choice([[Run(only(c)) for c in text.text()]]), text, part)
    pattern = at.get("Regex")
    return regex(pattern.text(), pattern, part)
