"""Random functions over the grammar that compiles, against CPython: same value, type by type and bit by bit, or the
same exception in the same line.

    python tests/made_functions.py                      2,000,000 cases, a fresh seed
    python tests/made_functions.py --cases 50000 --seed 7

A case is one function called with one event. Functions are made by type, so that most of them get somewhere; what they
read is made of edges: floats that are no numbers, ints around 2 ** 63, text of all planes, None.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from test_functions import HEAD, Running, arguments, bits, expected

FUNCTIONS, EVENTS = 60, 110  # of a definition; the engine keeps 64 errors of an event
PARAMETERS = {
    "int": ["x", "y"],
    "float": ["f", "g"],
    "str": ["s", "t"],
    "bool": ["b"],
    "ints": ["xs"],
    "floats": ["fs"],
    "strs": ["ws"],
}
NULLABLE = {"int": "n", "float": "h", "str": "m"}
SIGNATURE = (
    "x: int, y: int, f: float, g: float, s: str, t: str, b: bool, n: int | None, h: float | None, m: str | None, "
    "xs: list[int], fs: list[float], ws: list[str]"
)
IMPORTS = """
import itertools
from collections import Counter, defaultdict
"""
ITEM = {"ints": "int", "floats": "float", "strs": "str"}
TYPES = ("int", "float", "str", "bool", "ints", "strs")


class Maker:
    """Makes the source of one function after another."""

    def __init__(self, source: random.Random):
        self.random = source
        self.number = 0
        self.scopes: list[dict[str, list[str]]] = []
        self.loops = 0
        self.used: collections.Counter[str] = collections.Counter()  # which productions

    # --- names ---

    def names(self, kind: str) -> list[str]:
        return [name for scope in self.scopes for name in scope.get(kind, [])]

    def fresh(self, kind: str, prefix: str = "v") -> str:
        self.number += 1
        name = f"{prefix}{self.number}"
        self.scopes[-1].setdefault(kind, []).append(name)
        return name

    def unnamed(self) -> str:
        self.number += 1
        return f"w{self.number}"

    def with_name(self, kind: str, name: str, make: Callable[[], str]) -> str:
        self.scopes.append({kind: [name]})
        made = make()
        self.scopes.pop()
        return made

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    # --- expressions ---

    def expr(self, kind: str, depth: int) -> str:
        leaf = depth <= 0 or self.random.random() < 0.15
        if not leaf:
            name, make = self.random.choice(PRODUCTIONS[kind])
            self.used[f"{kind}: {name}"] += 1
            return f"({make(self, depth - 1)})"
        names = self.names(kind)
        if names and self.random.random() < 0.75:
            return str(self.random.choice(names))
        if kind in NULLABLE and self.random.random() < 0.15:
            return NULLABLE[kind]
        return self.literal(kind)

    def literal(self, kind: str) -> str:
        r = self.random
        if kind == "int":
            return (
                f"({r.choice([0, 1, 2, 3, 7, -1, -5, 10, 255, 1000, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 10**20])})"
            )
        if kind == "float":
            return (
                "("
                + r.choice(
                    [
                        "0.0",
                        "-0.0",
                        "0.5",
                        "1.5",
                        "2.5",
                        "-3.25",
                        "1e300",
                        "5e-324",
                        "0.1",
                        "1e16",
                        "math.inf",
                        "math.nan",
                        "2.675",
                        "100.0",
                    ]
                )
                + ")"
            )
        if kind == "str":
            return repr(
                r.choice(["", "a", "ab", " b ", "é", "ß", "12", "-3", "1.5e2", "x@y.z", "a,b,,c", "\U0001f600", "A\n"])
            )
        if kind == "bool":
            return str(r.choice(["True", "False"]))
        item = ITEM[kind]
        return "[" + ", ".join(self.literal(item) for _ in range(r.randrange(4))) + "]"

    def index(self, depth: int) -> str:
        return self.pick("0", "-1", "1", self.expr("int", depth), f"{self.expr('int', depth)} % 4")

    def slice(self, depth: int) -> str:
        def part() -> str:
            return str(self.pick("", "", "0", "1", "-1", "3", "-2", self.expr("int", min(depth, 1))))

        step = self.pick("", "", "", "1", "2", "-1", "-2")
        return f"{part()}:{part()}" + (f":{step}" if step else "")

    def sequence(self, depth: int) -> tuple[str, str]:
        """Something to iterate over, and the kind of its items."""
        kind = self.pick("ints", "strs", "str", "range", "floats")
        if kind == "range":
            most = self.pick("3", "5", self.expr("int", 0) + " % 6")
            return f"range({most})", "int"
        if kind == "str":
            return f"{self.expr('str', depth)}[:6]", "str"
        return f"{self.expr(kind, depth)}[:6]", ITEM[kind]

    def comprehension(self, kind: str, depth: int) -> str:
        source, item = self.sequence(depth)
        name = self.unnamed()
        condition = ""
        if self.random.random() < 0.5:
            condition = " if " + self.with_name(item, name, lambda: self.expr("bool", min(depth, 1)))
        return (
            self.with_name(item, name, lambda: self.expr(kind, min(depth, 1))) + f" for {name} in {source}{condition}"
        )

    # --- statements ---

    def block(self, depth: int, indent: str) -> list[str]:
        """A body in a scope of its own: what it assigns may be missing after it."""
        self.scopes.append({})
        lines: list[str] = []
        for _ in range(self.random.randrange(1, 3)):
            lines += self.statement(depth, indent)
        self.scopes.pop()
        return lines

    def statement(self, depth: int, indent: str) -> list[str]:
        choices = [assign, assign, assign, augment]
        if depth > 0:
            choices += [
                conditional,
                conditional,
                conditional,
                walrus,
                for_loop,
                for_loop,
                while_loop,
                attempt,
                matched,
                nested,
                grow,
            ]
        if self.loops:
            choices.append(leave_loop)
        make = self.random.choice(choices)
        self.used[f"statement: {make.__name__}"] += 1
        return make(self, depth, indent)

    def function(self, name: str) -> str:
        self.scopes = [{kind: list(names) for kind, names in PARAMETERS.items()}, {}]
        self.loops = 0
        self.number = 0
        lines = [f"def {name}({SIGNATURE}) -> Any_:"]
        for _ in range(self.random.randrange(4)):
            lines += self.statement(2, "    ")
        lines.append("    return " + self.result())
        return "@feature\n" + "\n".join(lines) + "\n"

    def result(self) -> str:
        kind = self.random.choice(TYPES)
        if self.random.random() < 0.2:
            return f"({self.expr(self.random.choice(TYPES), 2)}, {self.expr(kind, 2)})"
        return self.expr(kind, 3)


CASE_METHODS = ("lower", "upper", "title", "strip", "lstrip", "rstrip", "capitalize", "swapcase", "casefold")
CLASS_METHODS = (
    "isdigit",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "istitle",
    "isdecimal",
    "isidentifier",
)
Production = tuple[str, Callable[[Maker, int], str]]


def two(kind: str, op: str) -> Production:
    return op, lambda m, d: f"{m.expr(kind, d)} {op} {m.expr(kind, d)}"


def call(template: str, *kinds: str) -> Production:
    """A template whose {} are expressions of these kinds."""

    def make(m: Maker, depth: int) -> str:
        parts = iter([m.expr(kind, depth) for kind in kinds])
        return re.sub(r"\{\}", lambda _: next(parts), template)

    return template, make


def chosen(kind: str) -> list[Production]:
    """What every kind has."""
    return [
        call("{} if {} else {}", kind, "bool", kind),
        (
            "lambda",
            lambda m, d: (
                f"(lambda {(v := m.unnamed())}: {m.with_name('int', v, lambda: m.expr(kind, d))})({m.expr('int', d)})"
            ),
        ),
    ]


def items_of(kind: str, item: str) -> list[Production]:
    return [
        ("index", lambda m, d: f"{m.expr(kind, d)}[{m.index(d)}]"),
        ("max", lambda m, d: f"{m.pick('max', 'min')}({m.comprehension(item, d)})"),
        ("default", lambda m, d: f"max({m.expr(kind, d)}, default={m.expr(item, d)})"),
        ("next", lambda m, d: f"next(({m.comprehension(item, d)}), {m.expr(item, d)})"),
    ]


def lists(kind: str, item: str) -> list[Production]:
    return [
        *chosen(kind),
        ("comprehension", lambda m, d: f"[{m.comprehension(item, d)}]"),
        ("slice", lambda m, d: f"{m.expr(kind, d)}[{m.slice(d)}]"),
        two(kind, "+"),
        call("sorted({})", kind),
        call("sorted({}, reverse={})", kind, "bool"),
        call("list(reversed({}))", kind),
        call("{} * ({} % 3)", kind, "int"),
        call("[{}, *{}]", item, kind),
        call("list(dict.fromkeys({}))", kind),
        call("sorted(set({}))", kind),
    ]


PRODUCTIONS: dict[str, list[Production]] = {
    "int": [
        *chosen("int"),
        *items_of("ints", "int"),
        two("int", "+"),
        two("int", "-"),
        two("int", "*"),
        two("int", "//"),
        two("int", "%"),
        two("int", "&"),
        two("int", "|"),
        two("int", "^"),
        call("-{}", "int"),
        call("~{}", "int"),
        call("abs({})", "int"),
        call("int({})", "bool"),
        call("{} << ({} % 9)", "int", "int"),
        call("{} >> ({} % 70)", "int", "int"),
        call("{} ** ({} % 4)", "int", "int"),
        call("len({})", "str"),
        call("len({})", "ints"),
        call("len(set({}))", "str"),
        call("sum({})", "ints"),
        call("int({})", "float"),
        call("int({})", "str"),
        call("round({})", "float"),
        call("math.floor({})", "float"),
        call("min({}, {})", "int", "int"),
        call("max({}, {}, {})", "int", "int", "int"),
        call("{}.count({})", "str", "str"),
        call("{}.find({})", "str", "str"),
        call("{}.index({})", "str", "str"),
        call("ord({}[0])", "str"),
        call("divmod({}, {})[1]", "int", "int"),
        call("{}.bit_length()", "int"),
        call("math.gcd({}, {})", "int", "int"),
        call("math.isqrt(abs({}))", "int"),
        call("pow({}, 3, 97)", "int"),
        ("sum of", lambda m, d: f"sum({m.comprehension('int', d)})"),
        ("sum of bools", lambda m, d: f"sum({m.comprehension('bool', d)})"),
        ("get", lambda m, d: f"{{{m.expr('str', d)}: {m.expr('int', d)}}}.get({m.expr('str', d)}, {m.expr('int', d)})"),
        ("subscript", lambda m, d: f"{{{m.expr('int', d)}: {m.expr('int', d)}, 0: 1}}[{m.expr('int', d)}]"),
        ("counter", lambda m, d: f"Counter({m.expr('str', d)})[{m.expr('str', d)}]"),
        ("enumerate", lambda m, d: f"sum(i * {(v := m.unnamed())} for i, {v} in enumerate({m.expr('ints', d)}))"),
        (
            "zip",
            lambda m, d: (
                f"sum({(v := m.unnamed())} * {(w := m.unnamed())} for {v}, {w} in "
                f"zip({m.expr('ints', d)}, {m.expr('ints', d)}))"
            ),
        ),
    ],
    "float": [
        *chosen("float"),
        *items_of("floats", "float"),
        two("float", "+"),
        two("float", "-"),
        two("float", "*"),
        two("float", "/"),
        two("float", "//"),
        two("float", "%"),
        call("{} / {}", "int", "int"),
        call("{} * {}", "int", "float"),
        call("abs({}) ** {}", "float", "float"),
        call("{} ** 2", "float"),
        call("-{}", "float"),
        call("abs({})", "float"),
        call("float({})", "int"),
        call("float({})", "str"),
        call("math.sqrt({})", "float"),
        call("math.log1p({})", "float"),
        call("math.exp({})", "float"),
        call("round({}, 2)", "float"),
        call("round({}, {} % 5)", "float", "int"),
        call("max({}, {})", "float", "float"),
        call("min({}, {})", "int", "float"),
        call("sum({})", "floats"),
        call("math.hypot({}, {})", "float", "float"),
        call("math.fmod({}, {})", "float", "float"),
        call("math.copysign({}, {})", "float", "float"),
        call("sum({}) / len({})", "ints", "ints"),
        ("sum of", lambda m, d: f"sum({m.comprehension('float', d)})"),
        call("math.log({})", "int"),
        call("{} % {}", "float", "int"),
        call("divmod({}, {})[0]", "float", "float"),
    ],
    "str": [
        *chosen("str"),
        *items_of("strs", "str"),
        two("str", "+"),
        call("{} * ({} % 3)", "str", "int"),
        ("character", lambda m, d: f"{m.expr('str', d)}[{m.index(d)}]"),
        ("slice", lambda m, d: f"{m.expr('str', d)}[{m.slice(d)}]"),
        *(call(f"{{}}.{name}()", "str") for name in CASE_METHODS),
        call("{}.replace({}, {})", "str", "str", "str"),
        call("{}.strip({})", "str", "str"),
        call("{}.partition({})[0]", "str", "str"),
        call("{}.rpartition({})[2]", "str", "str"),
        call("{}.join({})", "str", "strs"),
        call("{}.join(sorted({}))", "str", "str"),
        call("{}.zfill({} % 9)", "str", "int"),
        call("{}.center({} % 9, '*')", "str", "int"),
        call("{}.removeprefix({})", "str", "str"),
        call("str({})", "int"),
        call("str({})", "float"),
        call("repr({})", "str"),
        call("str({})", "ints"),
        call("repr({})", "strs"),
        call("chr({} % 900)", "int"),
        call("hex({})", "int"),
        call("ascii({})", "str"),
        (
            "f-string",
            lambda m, d: f'f"{{{m.pick("x", "y", "n")}}}-{{{m.pick("s", "t", "m")}!r}}{{{m.pick("f", "b", "xs")}}}"',
        ),
        ("spec", lambda m, d: f'f"{{{m.pick("x", "y")}:{m.pick(">6", "05d", ",", "x", "+d", "^9", "_b", "e")}}}"'),
        (
            "float spec",
            lambda m, d: f'f"{{{m.pick("f", "g")}:{m.pick(".2f", "10.3e", "+.1f", ",.2f", "g", ".0%", "!r")}}}"',
        ),
        call('"%s|%d" % ({}, {})', "str", "int"),
        call('"{:.3f}".format({})', "float"),
        ("joined", lambda m, d: f"''.join({m.comprehension('str', d)})"),
        call("{}.split({})[-1]", "str", "str"),
        call("max({}, key=len, default='')", "strs"),
    ],
    "bool": [
        *chosen("bool"),
        *(two(kind, op) for kind in ("int", "float", "str") for op in ("<", "<=", "==", "!=", ">", ">=")),
        call("{} < {} <= {}", "int", "float", "int"),
        two("bool", "and"),
        two("bool", "or"),
        call("not {}", "bool"),
        call("{} in {}", "int", "ints"),
        call("{} not in {}", "str", "strs"),
        call("{} in {}", "str", "str"),
        call("{} == {}", "ints", "ints"),
        call("{} < {}", "strs", "strs"),
        call("bool({})", "str"),
        call("bool({})", "ints"),
        call("{} in (0, 1, {}, 'a')", "int", "int"),
        call("{} in {'a', 'ab', '12'}", "str"),
        *(call(f"{{}}.{name}()", "str") for name in CLASS_METHODS),
        call("{}.startswith({})", "str", "str"),
        call("{}.endswith(('a', {}))", "str", "str"),
        ("none", lambda m, d: f"{m.pick('n', 'h', 'm')} {m.pick('is', 'is not')} None"),
        (
            "isinstance",
            lambda m, d: (
                f"isinstance({m.expr(m.pick('int', 'float', 'str'), d)}, {m.pick('int', 'float', '(str, float)')})"
            ),
        ),
        call("math.isnan({})", "float"),
        call("{}.is_integer()", "float"),
        call("math.isclose({}, {})", "float", "float"),
        ("any", lambda m, d: f"{m.pick('any', 'all')}({m.comprehension('bool', d)})"),
        call("set({}) <= set({})", "str", "str"),
        call("set({}) & set({}) == set()", "ints", "ints"),
    ],
    "ints": [
        *lists("ints", "int"),
        call("list(range({} % 7))", "int"),
        call("list(range({} % 5, {} % 9, 2))", "int", "int"),
        call("[ord(c) for c in {}[:5]]", "str"),
        call("list(map(len, {}))", "strs"),
        call("[v for v in {} if v % 2]", "ints"),
        call("[len(w) for w in {}]", "strs"),
        call("sorted({}, key=abs)", "ints"),
        call("list(divmod({}, {}))", "int", "int"),
    ],
    "floats": [
        *(each for each in lists("floats", "float") if "set" not in each[0]),
        call("[v / 2 for v in {}]", "ints"),
        call("list(map(float, {}))", "ints"),
    ],
    "strs": [
        *lists("strs", "str"),
        call("{}.split()", "str"),
        call("{}.split({})", "str", "str"),
        call("{}.rsplit({}, 1)", "str", "str"),
        call("{}.splitlines()", "str"),
        call("list({})", "str"),
        call("[str(v) for v in {}]", "ints"),
        call("sorted({}, key=len)", "strs"),
        call("sorted({}, key=lambda w: (len(w), w))", "strs"),
        call("list({}.partition({}))", "str", "str"),
        call("[w.lower() for w in {} if w]", "strs"),
        call("sorted(Counter({}))", "str"),
        call("[*{}, {}]", "strs", "str"),
    ],
}


def assign(m: Maker, depth: int, indent: str) -> list[str]:
    kind = m.pick(*TYPES)
    value = m.expr(kind, 2)
    known = [n for n in m.names(kind) if n[0] == "v"]
    if known and m.random.random() < 0.4:
        return [f"{indent}{m.random.choice(known)} = {bounded(m, kind, value)}"]
    if kind == "ints" and m.random.random() < 0.3:
        first = m.fresh("int")
        return [f"{indent}{first}, *{m.fresh('ints')} = {value}"]
    return [f"{indent}{m.fresh(kind)} = {value}"]


def augment(m: Maker, depth: int, indent: str) -> list[str]:
    kind = m.pick("int", "float", "str")  # a list may be the event's, which nothing may change
    known = [n for n in m.names(kind) if n[0] == "v"]
    if not known:
        return assign(m, depth, indent)
    name, value = m.random.choice(known), m.expr(kind, 1)
    if kind == "str" or (kind == "int" and m.loops and m.random.random() < 0.3):
        return [f"{indent}{name} += {value}", f"{indent}{name} = {bounded(m, kind, name)}"]
    op = m.pick("+", "-", "//", "%", "&", "|") if kind == "int" else m.pick("+", "-", "*", "/")
    return [f"{indent}{name} {op}= {value}"]


def bounded(m: Maker, kind: str, value: str) -> str:
    """Kept from growing without end from turn to turn of a loop."""
    if not m.loops or kind in ("float", "bool"):
        return value
    return f"({value}) % 10**25" if kind == "int" else f"({value})[:30]"


def walrus(m: Maker, depth: int, indent: str) -> list[str]:
    kind = m.pick("int", "str", "float")
    name, value = m.unnamed(), m.expr(kind, 1)
    m.scopes.append({kind: [name]})
    lines = [f"{indent}if ({name} := {value}):", *m.block(depth - 1, indent + "    ")]
    m.scopes.pop()
    return lines


def conditional(m: Maker, depth: int, indent: str) -> list[str]:
    lines = [f"{indent}if {m.expr('bool', 2)}:", *m.block(depth - 1, indent + "    ")]
    if m.random.random() < 0.3:
        lines += [f"{indent}elif {m.expr('bool', 1)}:", *m.block(depth - 1, indent + "    ")]
    if m.random.random() < 0.3:
        lines.append(f"{indent}    return {m.expr(m.pick('int', 'str', 'float'), 1)}")
    if m.random.random() < 0.4:
        lines += [f"{indent}else:", *m.block(depth - 1, indent + "    ")]
    return lines


def for_loop(m: Maker, depth: int, indent: str) -> list[str]:
    source, item = m.sequence(1)
    m.scopes.append({})
    form = m.pick("plain", "plain", "enumerate", "items")
    if form == "enumerate":
        head = f"{indent}for {m.fresh('int', 'i')}, {m.fresh(item, 'i')} in enumerate({source}):"
    elif form == "items":
        counted = m.expr("str", 1)
        head = f"{indent}for {m.fresh('str', 'i')}, {m.fresh('int', 'i')} in Counter({counted}[:6]).items():"
    else:
        head = f"{indent}for {m.fresh(item, 'i')} in {source}:"
    m.loops += 1
    lines = [head, *m.block(depth - 1, indent + "    ")]
    m.loops -= 1
    m.scopes.pop()
    if m.random.random() < 0.2:
        lines += [f"{indent}else:", *m.block(depth - 1, indent + "    ")]
    return lines


def while_loop(m: Maker, depth: int, indent: str) -> list[str]:
    m.number += 1
    counter = f"c{m.number}"
    m.loops += 1
    body = m.block(depth - 1, indent + "    ")
    m.loops -= 1
    test = f"{counter} < {m.pick(2, 4)}" + (f" and {m.expr('bool', 1)}" if m.random.random() < 0.4 else "")
    return [f"{indent}{counter} = 0", f"{indent}while {test}:", f"{indent}    {counter} += 1", *body]


def attempt(m: Maker, depth: int, indent: str) -> list[str]:
    caught = m.pick(
        "ValueError", "ZeroDivisionError", "(IndexError, KeyError)", "Exception", "LookupError", "OverflowError"
    )
    name = m.pick("", " as e")
    lines = [f"{indent}try:", *m.block(depth - 1, indent + "    "), f"{indent}except {caught}{name}:"]
    if name and m.random.random() < 0.5:
        lines.append(f"{indent}    return type(e).__name__")
    lines += m.block(depth - 1, indent + "    ")
    if m.random.random() < 0.2:
        lines += [f"{indent}else:", *m.block(depth - 1, indent + "    ")]
    if m.random.random() < 0.2:
        m.loops, loops = 0, m.loops  # a break there is its own matter
        lines += [f"{indent}finally:", *m.block(depth - 1, indent + "    ")]
        m.loops = loops
    return lines


def matched(m: Maker, depth: int, indent: str) -> list[str]:
    inner = indent + "        "
    lines = [f"{indent}match {m.expr(m.pick('int', 'str'), 1)}:"]
    pattern = m.pick("0", "1 | 2", "'a'", "'' | 'ab'")
    lines += [f"{indent}    case {pattern}:", *m.block(depth - 1, inner)]
    if m.random.random() < 0.5:
        m.scopes.append({})
        name = m.unnamed()
        lines += [f"{indent}    case {name} if {m.expr('bool', 1)}:", *m.block(depth - 1, inner)]
        m.scopes.pop()
    if m.random.random() < 0.6:
        lines += [f"{indent}    case _:", *m.block(depth - 1, inner)]
    return lines


def nested(m: Maker, depth: int, indent: str) -> list[str]:
    """A function of its own, called once or twice."""
    m.number += 1
    name, parameter = f"h{m.number}", f"p{m.number}"
    kind, given = m.pick("int", "str", "float"), m.pick("int", "str")
    loops, m.loops = m.loops, 0
    m.scopes.append({given: [parameter]})
    body = [
        f"{indent}    if {m.expr('bool', 1)}:",
        f"{indent}        return {m.expr(kind, 1)}",
        f"{indent}    return {m.expr(kind, 2)}",
    ]
    m.scopes.pop()
    m.loops = loops
    lines = [f"{indent}def {name}({parameter}={m.literal(given)}):", *body]
    argument = m.expr(given, 1)
    lines.append(f"{indent}{m.fresh(kind)} = {name}({argument})")
    if m.random.random() < 0.3:
        lines.append(f"{indent}{m.fresh(kind)} = {name}()")
    return lines


def grow(m: Maker, depth: int, indent: str) -> list[str]:
    """A list, set or dict that is changed."""
    name = m.unnamed()
    what = m.pick("list", "dict", "defaultdict", "set")
    source, item = m.sequence(1)
    each = m.unnamed()

    def of(kind: str) -> str:
        return m.with_name(item, each, lambda: m.expr(kind, 1))

    if what == "list":
        change = m.pick(
            f"{name}.append({of('int')})", f"{name}.insert(0, {of('int')})", f"{name}.extend([{of('int')}])"
        )
        lines = [f"{indent}{name} = []", f"{indent}for {each} in {source}:", f"{indent}    {change}"]
        return [*lines, f"{indent}{m.fresh('ints')} = {name}"]
    if what == "set":
        lines = [f"{indent}{name} = set()", f"{indent}for {each} in {source}:", f"{indent}    {name}.add({of('int')})"]
        return [*lines, f"{indent}{m.fresh('ints')} = sorted({name})"]
    start = "{}" if what == "dict" else "defaultdict(int)"
    change = f"{name}[{of('str')}] {'=' if what == 'dict' else '+='} {of('int')}"
    lines = [f"{indent}{name} = {start}", f"{indent}for {each} in {source}:", f"{indent}    {change}"]
    return [*lines, f"{indent}{m.fresh('strs')} = list({name})", f"{indent}{m.fresh('ints')} = list({name}.values())"]


def leave_loop(m: Maker, depth: int, indent: str) -> list[str]:
    return [f"{indent}if {m.expr('bool', 1)}:", f"{indent}    {m.pick('break', 'continue')}"]


# --- events ---

INTS = [0, 1, 2, 3, -1, -7, 10, 97, 255, 1000, 2**31, 2**53, 2**53 + 1, 10**15, 2**63 - 1, -(2**63), -(2**62)]
FLOATS = [0.0, -0.0, 0.5, 1.0, 1.5, 2.5, -1.5, 100.125, 1e15, 1e16, 1e-7, 1e300, -1e300, 5e-324, 0.1, 2.675, 1e22]
TEXTS = [
    "",
    "a",
    "ab",
    "aab b",
    "x@y.z",
    " a\t12 ",
    "Straße ǆ",
    "12",
    "-3.5e2",
    "ΑΣ",
    "a\nb\r\nc",
    "٣",
    "ﬁ",
    "İ",
    "\0",
    "e\u0301",
    "\U0001f468\u200d\U0001f469",
    "中文 字",
    "A,B,,C",
    "1_000",
    "+5",
    "0x1f",
    "nan",
    "ǅ",
    "ab" * 30,
]


def event(source: random.Random) -> dict[str, Any]:
    def whole() -> int:
        return source.choice(INTS) if source.random() < 0.6 else source.randrange(-20, 20)

    def number() -> float:
        return source.choice(FLOATS) if source.random() < 0.6 else round(source.uniform(-100, 100), source.randrange(4))

    def text() -> str:
        if source.random() < 0.7:
            return source.choice(TEXTS)
        planes = [(32, 127), (0xC0, 0x250), (0x300, 0x370), (0x4E00, 0x4F00), (0x1F300, 0x1F700), (0xE000, 0xE010)]
        return "".join(chr(source.randrange(*source.choice(planes))) for _ in range(source.randrange(7)))

    def maybe(make: Callable[[], Any]) -> Any:
        return None if source.random() < 0.3 else make()

    def some(make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in range(source.randrange(5))]

    return {
        "at": "2024-05-06T07:08:09Z",
        "x": whole(),
        "y": whole(),
        "f": number(),
        "g": number(),
        "s": text(),
        "t": text(),
        "b": source.random() < 0.5,
        "n": maybe(whole),
        "h": maybe(number),
        "m": maybe(text),
        "xs": some(whole),
        "fs": some(number),
        "ws": some(text),
        "day": "2024-02-29",
        "channel": "web",
        "maybe": None,
        "level": 1,
        "kind": "a",
        "outer": {"code": 1},
    }


# --- running ---


class Report:
    """What a run has seen."""

    def __init__(self) -> None:
        self.cases = self.functions = self.raised = self.limits = 0
        self.refused: collections.Counter[str] = collections.Counter()
        self.differ: list[str] = []
        self.example: dict[str, str] = {}  # of what is refused
        self.used: collections.Counter[str] = collections.Counter()


def definition(folder: Path, made: list[str], report: Report) -> Running | None:
    """The functions in the engine, without those that are refused."""
    from assay._definition import DefinitionError

    made = list(made)
    while made:
        text = HEAD + IMPORTS + "\n\n" + "\n\n".join(made)
        starts = [text.count("\n", 0, text.index(each)) + 1 for each in made]
        try:
            return Running(folder, text)
        except DefinitionError as error:
            wrong = {
                max(i for i, start in enumerate(starts) if start <= p.place.line): p.message
                for p in error.problems
                if p.place is not None and p.severity == "error"
            }
            for at in sorted(wrong, reverse=True):
                report.refused[re.sub(r"\b[a-z]\d+\b", "_", wrong[at])] += 1
                report.example.setdefault(wrong[at][-20:], f"{wrong[at]}\n{made[at]}")
                del made[at]
    return None


LIMITS = ("LimitError",)


def compare(running: Running, given: dict[str, Any], report: Report) -> None:
    values, errors = running.run(given)
    wanted, raised = expected(running, arguments(running, given))
    report.cases += len(wanted)
    report.raised += len(raised)
    for function in running.built.definition.features:
        name = function.name
        got, want = errors.get(name), raised.get(name)
        if got and (got[0] in LIMITS or (got[0] == "OverflowError" and not want)):
            report.limits += 1  # an int beyond 4,096 bits or a value beyond its size, which CPython has
        elif (got is None) != (want is None) or (got and want and (got[0] != want[0] or want[1] not in (0, got[1]))):
            note(running, function, given, f"raised {got}, CPython {want}", values[name], wanted[name], report)
        elif bits(values[name]) != bits(wanted[name]):
            note(running, function, given, "another value", values[name], wanted[name], report)


def note(
    running: Running, function: Any, given: dict[str, Any], what: str, got: Any, want: Any, report: Report
) -> None:
    lines = running.built.definition.sources[running.built.definition.file].split("\n")
    first = function.place.line - 1
    last = next((i for i in range(first + 1, len(lines)) if lines[i].startswith("@feature")), len(lines))
    source = "\n".join(lines[first:last]).rstrip()
    if any(source in each for each in report.differ):
        return  # of another event
    report.differ.append(
        f"{what}\n{source}\nevent {json.dumps(given, ensure_ascii=True)}\nengine {got!r}\nCPython {want!r}\n"
    )


def run(seed: int, cases: int, show: Callable[[Report], None] = lambda report: None, most: int = 20) -> Report:
    """Compares until there were so many cases, or `most` functions differed."""
    source, report = random.Random(seed), Report()
    maker = Maker(source)
    while report.cases < cases and len(report.differ) < most:
        made = [maker.function(f"r{number}") for number in range(FUNCTIONS)]
        with tempfile.TemporaryDirectory() as folder:
            running = definition(Path(folder), made, report)
            if running is None:
                continue
            report.functions += len(running.built.definition.features)
            for _ in range(EVENTS):
                if report.cases < cases and len(report.differ) < most:
                    compare(running, event(source), report)
        show(report)
    report.used = maker.used
    return report


def summary(report: Report, seed: int, seconds: float) -> Iterator[str]:
    made = f"{report.cases:,} cases of {report.functions:,} functions in {seconds:.0f} s"
    yield f"seed {seed}: {made}, {len(report.differ)} differ"
    yield f"  raised in CPython {report.raised:,}, at a limit of the engine {report.limits:,}"
    yield f"  refused by the compiler {sum(report.refused.values()):,} functions"
    for message, count in report.refused.most_common(12):
        yield f"    {count:>5}  {message[:110]}"
    rare = sorted(report.used.items(), key=lambda each: each[1])[:3]
    yield f"  {len(report.used)} productions, the rarest {', '.join(f'{name} {count:,}' for name, count in rare)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2_000_000, help="functions times events (2,000,000)")
    parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same cases; else a fresh one")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if given.seed is None else given.seed
    started = time.monotonic()

    def show(report: Report) -> None:
        done = min(report.cases / given.cases, 1)
        rate = report.cases / (time.monotonic() - started)
        bar = "#" * int(30 * done)
        print(
            f"\r  [{bar:<30}] {report.cases:,} cases, {rate:,.0f} a second, {len(report.differ)} differ",
            end="",
            file=sys.stderr,
        )

    report = run(seed, given.cases, show)
    print(file=sys.stderr)
    print("\n".join(summary(report, seed, time.monotonic() - started)))
    print("\n" + "\n".join(report.differ) if report.differ else "", end="")
    return 1 if report.differ else 0


if __name__ == "__main__":
    sys.exit(main())
