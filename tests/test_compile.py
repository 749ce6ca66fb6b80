"""Building: what cannot be compiled is refused at its place with a way out; the same source gives the same bundle."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from assay._bundle import content_hash, read_parts, write_bundle
from assay._definition import DefinitionError, Problem
from assay._diagnostics import plain
from assay._freeze import CannotFreeze, freeze
from assay._read import read
from assay._source import line_of

pytestmark = pytest.mark.engine

Define = Callable[[str], Path]

HEAD = """
import datetime as dt
import json, random, time
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated
from assay import *

class Channel(Enum):
    WEB = "web"
    POS = "pos"

class Shop(str, Enum):
    A = "a"

NAMES = {"a", "b"}
RATES = {"a": 1.0}
MIXED = {Channel.WEB, "web"}

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    count: int
    device: str | None = None
    limit: float | None = None
    channel: Channel = Channel.WEB
    shop: Shop = Shop.A
    pin: Annotated[str | None, Secret] = None
    tags: list[str] = Field(default_factory=list)

usual = window.mean("amount", by="card", over="30d")

def again(x):
    return again(x - 1)

def starred(*xs):
    return 1


class Late:
    def __init__(self, n):
        if n > 1:
            self.n = n

    def double(self):
        return self.n * 2


class Hidden:
    def __init__(self, n):
        self.n = n
"""


def problems_of(define: Define, source: str) -> list[Problem]:
    from assay._compile import compile

    try:
        return compile(read(define(HEAD + textwrap.dedent(source)))).warnings
    except DefinitionError as error:
        return error.problems


def plan_of(define: Define, source: str) -> dict[str, Any]:
    from assay._compile import compile

    return compile(read(define(HEAD + textwrap.dedent(source)))).json


def marked(problem: Problem) -> str:
    """The text that the caret stands under."""
    assert problem.place is not None
    line = line_of(problem.place.file, problem.place.line)
    end = problem.place.end_column if problem.place.end_line in (0, problem.place.line) else len(line)
    return line[problem.place.column : end]


@dataclass(frozen=True)
class Case:
    body: str  # of a feature over amount, count, device, channel, ...
    at: str
    message: str
    help: str = ""


# Each is a function's body; several statements are separated by a line break.
REFUSED = [
    Case(
        "return datetime.now().hour",
        "datetime.now()",
        "datetime.now() cannot be used",
        "the parameter `arrival: datetime` is when the event came",
    ),
    Case(
        "return time.time()",
        "time.time()",
        "time.time() cannot be used",
        "the parameter `arrival: datetime` is when the event came",
    ),
    Case(
        "return random.random()",
        "random.random()",
        "random.random() is not available yet",
        "randomness makes replay impossible: the same payment must always give the same value",
    ),
    Case(
        "open('x')\nreturn 1",
        "open('x')",
        "open() cannot be used",
        "read the file at module level; what it gives can be used here",
    ),
    Case(
        "print(amount)\nreturn 1",
        "print(amount)",
        "print() cannot be used",
        "a feature has no output; a test of it may print",
    ),
    Case(
        "global x\nreturn 1",
        "global x",
        "global is not available in a function",
        "a feature keeps nothing between payments; windows do",
    ),
    Case(
        "with open('x') as f:\n    return 1",
        "open('x')",
        "with open('x') is not available in a function",
        "do it at module level",
    ),
    Case(
        "for n in NAMES:\n    return 1\nreturn 2",
        "NAMES",
        "the order of a set is randomized by Python",
        "sorted(NAMES)",
    ),
    Case("return [n for n in NAMES][0]", "NAMES", "the order of a set is randomized by Python", "sorted(NAMES)"),
    Case(
        "return list(NAMES)[0]",
        "list(NAMES)",
        "list() of a set depends on its order, which Python randomizes",
        "sorted(s)",
    ),
    Case(
        "return len(f'{NAMES}')",
        "NAMES",
        "the text of a set depends on its order, which Python randomizes",
        "sorted(s)",
    ),
    Case(
        "return hash(card)",
        "hash(card)",
        "hash() cannot be used",
        "the hash of a string differs from process to process",
    ),
    Case("return json.dumps(card)", "json.dumps(card)", "json.dumps() is not available yet"),
    Case(
        "return card.format(amount)",
        "card.format(amount)",
        ".format() is for a template that is a constant",
        'an f-string: f"{x}", or template % args',
    ),
    Case(
        "return '{} {}'.format(card)",
        "'{} {}'.format(card)",
        "the template's field {1} is not among the arguments of .format()",
    ),
    Case(
        "return '{'.format(card)",
        "'{'.format(card)",
        "the template is not one: Single '{' encountered in format string",
    ),
    Case(
        "return '{}{0}'.format(card)",
        "'{}{0}'.format(card)",
        "the template mixes {} and {0}",
        "number all of its fields, or none",
    ),
    Case("return card.lowr()", "card.lowr()", "the method .lowr() is not available yet"),
    Case("return card.lower", "card.lower", "card.lower is a method", "call it: card.lower()"),
    Case(
        "return at.yaer",
        "at.yaer",
        "the attribute .yaer is not available yet",
        "did you mean .year or .tm_year or .date?",
    ),
    Case(
        "tags.append('x')\nreturn 1",
        "tags",
        "tags is what other functions see too",
        "list(tags) is your own",
    ),
    Case(
        "tags[0] = 'x'\nreturn 1",
        "tags",
        "tags is what other functions see too",
        "list(tags) is your own",
    ),
    Case("tags += ['x']\nreturn 1", "tags += ['x']", "tags is what other functions see too", "x = x + y"),
    Case("return round(amount, 1, 2)", "round(amount, 1, 2)", "round() takes 1 to 2 arguments here, 3 are given"),
    Case(
        "return card.split(',', 1, 2)", "card.split(',', 1, 2)", "card.split() takes 1 to 3 arguments here, 4 are given"
    ),
    Case(
        "return starred(count, len)",
        "starred(count, len)",
        "functions and values together in *args are not available",
        "name the parameters",
    ),
    Case(
        "return Late(count).double()",
        "Late(count)",
        "Late.n may be missing after __init__",
        "set it there on every way: self.n = None",
    ),
    Case(
        "return f'{Hidden(count)}'",
        "Hidden(count)",
        "the text of a Hidden has its address in memory",
        "def __str__(self), or its fields",
    ),
    Case("return undefined + 1", "undefined", "undefined is not defined"),
    Case("return amuont", "amuont", "amuont is not defined", "did you mean amount or Payment?"),
    Case(
        "if count:\n    k = 1\nreturn k",
        "k",
        "k is not assigned on every way here",
        "assign it before the branch or loop",
    ),
    Case(
        "for i in tags:\n    last = i\nreturn last",
        "last",
        "last is not assigned on every way here",
        "assign it before the branch or loop",
    ),
    Case("return k\nk = 1", "k", "k is not assigned yet", "assign it before the branch or loop"),
    Case("return count is 1", "count is 1", "`is` is for None, True, False and members of one Enum", "compare with =="),
    Case(
        "return channel == 'web'",
        "channel == 'web'",
        "a member of Channel never equals a plain value",
        "compare with Channel.WEB, or its .value",
    ),
    Case(
        "return channel in ('web', 'pos')",
        "channel in ('web', 'pos')",
        "a member of Channel never equals a plain value",
        "compare with Channel.WEB, or its .value",
    ),
    Case(
        "return RATES[channel]",
        "RATES[channel]",
        "a member of Channel never equals a plain value",
        "compare with Channel.WEB, or its .value",
    ),
    Case(
        "return channel in MIXED",
        "channel in MIXED",
        "this may be an Enum's member or another value",
        "compare .value on every path",
    ),
    Case("return channel + 'x'", "channel", "a member of Channel can only be compared here", "use its .value"),
    Case("return f'{shop}'", "shop", "the text of an Enum's member is not that of its value", "use its .value"),
    Case("return channel", "channel", "a member of Channel can only be compared here", "use its .value"),
    Case(
        "x = channel if count else card\nreturn x == card",
        "x == card",
        "this may be an Enum's member or another value",
        "compare .value on every path",
    ),
    Case("return p == 1", "p == 1", "a Payment can only be compared with None (`is None`)", "compare its fields"),
    Case("return str(p)", "p", "Payment can only be asked for its fields here", "write the field: event.amount"),
    Case("return p.amuont", "p.amuont", "Payment has no field amuont", "did you mean amount?"),
    Case("return usual", "usual", "usual is a window, not its value", "take it as a parameter of the function"),
    Case("return other", "other", "other is a feature, not its value", "take it as a parameter of the function"),
    Case(
        "return at.astimezone()",
        "at.astimezone()",
        "at.astimezone() without a zone depends on the machine",
        "give it the zone: at.astimezone(timezone.utc)",
    ),
    Case(
        "return datetime.fromtimestamp(amount)",
        "datetime.fromtimestamp(amount)",
        "datetime.fromtimestamp() without a zone depends on the machine",
        "give it the zone: datetime.fromtimestamp(t, tz=timezone.utc)",
    ),
    Case(
        "return at.replace(hours=1)",
        "at.replace(hours=1)",
        ".replace(hours=) is not available yet",
        "did you mean hour?",
    ),
    Case(
        "return datetime.strptime(card, '%Y-%q')",
        "datetime.strptime(card, '%Y-%q')",
        "'q' is a bad directive in format '%Y-%q'",
    ),
    Case(
        "return datetime.strptime(card, '%d %d')",
        "datetime.strptime(card, '%d %d')",
        "a directive stands twice in the format",
    ),
    Case(
        "return date.fromtimestamp(amount)",
        "date.fromtimestamp(amount)",
        "date.fromtimestamp() cannot be used",
        "give it the zone: datetime.fromtimestamp(t, tz=timezone.utc).date()",
    ),
    Case("return at.date", "at.date", "at.date is a method", "call it: at.date()"),
    Case("return 1j", "1j", "a value of type complex is not available yet"),
]


PARAMETERS = (
    "amount: float, count: int, card: str, at: datetime, channel: Channel, shop: Shop, tags: list[str], p: Payment"
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.body.split("\n")[0])
def test_what_cannot_be_compiled_is_refused_at_its_place(case: Case, define: Define) -> None:
    wide = "int | float | str | datetime | timedelta | None"
    body = textwrap.indent(case.body, "    ")
    other = "@feature\ndef other(amount: float) -> float:\n    return amount\n"
    found = problems_of(define, f"{other}@feature\ndef f({PARAMETERS}) -> {wide}:\n{body}\n")
    errors = [p for p in found if p.severity == "error"]
    same = [p for p in errors if p.message == case.message]
    assert same, [p.message for p in errors]
    assert marked(same[0]) == case.at
    if case.help:
        assert same[0].help == case.help


def test_every_problem_of_every_function_is_told(define: Define) -> None:
    found = problems_of(
        define,
        """
        @feature
        def f(amount: float) -> float:
            print(amount)
            x = open("x")
            return amount + undefined

        @feature
        def g(card: str) -> str:
            return card.nothing()
        """,
    )
    assert [p.message.split(" ")[0] for p in found] == ["print()", "open()", "undefined", "the"]


def test_a_helper_of_another_module_is_compiled_and_its_mistakes_shown_there(define: Define) -> None:
    from assay._compile import compile

    file = define(
        HEAD + "from helpers_of_this import half\n@feature\ndef f(amount: float) -> float:\n    return half(amount)\n"
    )
    helper = file.parent / "helpers_of_this.py"
    helper.write_text("def half(x):\n    return x / 2\n")
    assert "source/helpers_of_this.py" in compile(read(file)).parts
    helper.write_text("def half(x):\n    print(x)\n    return x / 2\n")
    with pytest.raises(DefinitionError) as raised:
        compile(read(file))
    place = raised.value.problems[0].place
    assert place is not None and (place.file, place.line) == (helper.resolve(), 2)


# --- None -----------------------------------------------------------------------------------------------------------

WARNED = [
    ("usual: float | None", "return amount / usual", "usual"),
    ("usual: float | None", "return -usual", "usual"),
    ("usual: float | None", "return 1.0 if usual > 2 else 0.0", "usual"),
    ("device: str | None", "return float(len(device.upper()))", "device"),
    ("device: str | None", "return float(device[0] == 'a')", "device"),
    ("device: str | None", "return sum(1.0 for c in device)", "device"),
    ("p: Payment", "return p.limit + 1", "p.limit"),
    ("limit: float | None", "x = limit\n    return x + 1", "x"),
    ("limit: float | None", "if amount > 1 and limit:\n        return 1.0\n    return limit * 2", "limit"),
    ("card: str", "return RATES.get(card) + 1", "RATES.get(card)"),
]
SILENT = [
    ("usual: float", "return amount / usual"),
    ("usual", "return amount / usual if usual else 1.0"),
    ("usual: float | None", "return amount / usual if usual else 1.0"),
    ("usual: float | None", "if usual is None:\n        return 1.0\n    return amount / usual"),
    ("usual: float | None", "return usual is not None and amount / usual > 2"),
    ("usual: float | None", "return (usual or 1.0) + 1"),
    ("usual: float | None", "if not usual or usual > 3:\n        return 1.0\n    return usual + 1"),
    ("device: str | None", "if device == 'a':\n        return float(device.isdigit())\n    return 0.0"),
    ("p: Payment", "return p.limit + 1 if p.limit is not None else 0.0"),
    ("limit: float | None", "if (x := limit) is None:\n        return 0.0\n    return x + 1"),
    ("limit: float | None", "x = limit\n    if x is None:\n        x = 0.0\n    return x + 1"),
    ("card: str", "return RATES.get(card, 0.5) + 1"),
    ("limit: float = 1.0", "return limit + 1"),
    ("limit: float | None", "return float(limit == 3)"),
]


@pytest.mark.parametrize(("parameter", "body", "at"), WARNED)
def test_where_none_can_bite_there_is_a_warning(define: Define, parameter: str, body: str, at: str) -> None:
    found = problems_of(define, f"@feature\ndef f(amount: float, {parameter}) -> float:\n    {body}\n")
    assert [(p.severity, p.message, marked(p)) for p in found] == [("warning", f"{at} may be None here", at)]


@pytest.mark.parametrize(("parameter", "body"), SILENT)
def test_where_none_was_tested_there_is_no_warning(define: Define, parameter: str, body: str) -> None:
    returns = "bool" if "is not None and" in body else "float"
    source = f"@feature\ndef f(amount: float, {parameter}) -> {returns}:\n    {body}\n"
    if "=" in parameter:
        source = source.replace("amount: float, ", "").replace("amount", "1.0")
    assert problems_of(define, source) == []


def test_a_warning_says_the_type_and_the_way_out(define: Define) -> None:
    found = problems_of(define, "@feature\ndef f(usual: float | None) -> float:\n    return usual + 1\n")
    assert plain(found).splitlines()[1:] == [
        "    57 |     return usual + 1",
        "       |            ^^^^^ `float | None`: test it first, or annotate `float` to leave the feature missing",
    ]


# --- the plan -------------------------------------------------------------------------------------------------------


def cells(plan: dict[str, Any]) -> dict[str, int]:
    return {s["name"]: s["slot"] for s in plan["slots"]}


def test_results_are_fitted_to_annotations(define: Define) -> None:
    annotations = {
        "float": (8, 0, False),
        "int | None": (5, 0, False),
        "bool": (2, 0, True),
        "bool | None": (3, 0, True),
        "list[float]": (256, 8, False),
        "list[str | None] | None": (257, 17, False),
        "tuple[int, str]": (512, 0, False),
        "tuple[int, ...]": (512, 4, False),
        "datetime": (32, 0, False),
        "timedelta | date": (192, 0, False),
    }
    source = "".join(f"@feature\ndef f{i}(card: str) -> {a}:\n    return 1\n" for i, a in enumerate(annotations))
    results = [f["result"] for f in plan_of(define, source)["functions"]]
    assert [(r["mask"], r["item_mask"], r["truth"]) for r in results] == list(annotations.values())


@pytest.mark.parametrize("annotation", ["dict", "object", "Channel", "list[list[int]]", "int | bool", "set", "Payment"])
def test_results_of_other_types_are_refused(define: Define, annotation: str) -> None:
    found = problems_of(define, f"@feature\ndef f(card: str) -> {annotation}:\n    return 1\n")
    assert found and found[0].message.startswith(f"f returns `{annotation}`")


def test_what_may_not_be_none_is_required(define: Define) -> None:
    plan = plan_of(
        define,
        """
        @feature
        def f(amount: float, device: str | None, usual: float, count: int = 3) -> float:
            return amount
        """,
    )
    named = cells(plan)
    assert plan["functions"][0]["required"] == [named["amount"], named["usual"]]


def test_windows_share_streams_and_secrets_go_by_their_hash(define: Define) -> None:
    plan = plan_of(
        define,
        """
        @feature
        def big(amount: float) -> bool:
            return amount > 100
        a = window.count(by="card", over="1h")
        b = window.sum("amount", by="card", over="2h", where="big")
        c = window.seen("pin", by=("card", "pin"), over="2h", delay="1h")
        """,
    )
    usual, a, b, c = plan["windows"]
    assert usual["stream"] == a["stream"] == b["stream"] != c["stream"]
    named, stream = cells(plan), plan["streams"][a["stream"]]
    assert (
        stream["key"] == [named["card"]]
        and stream["columns"] == [named["amount"]]
        and stream["wheres"] == [named["big"]]
    )
    pin = next(f for f in plan["events"][0]["fields"] if f["name"] == "pin")
    assert c["key"] == [named["card"], pin["hash_slot"]] and c["seen"] == pin["hash_slot"] != pin["slot"]
    assert (a["column"], b["where"], c["delay_us"]) == (None, 0, 3_600_000_000)
    assert plan["functions"][0]["name"] == "big" and plan["events"][0]["before"] == [0] and plan["after"] == []


OUTCOMES = """
first = window.count(by="card", over="1h")
again = window.count(by="card", over="1h", clock="arrival")
heat = window.decayed_sum("amount", by="card", over="1h", half_life="5m")
@feature
def busy(first: int, declined_1h: int) -> int:
    return first + declined_1h
@decision
def decide(busy: int) -> str:
    return "decline" if busy > {level} else "approve"
@feature
def words(declined: bool) -> str:
    return f"{{declined}}"
@feature
def declined(decide: str) -> bool:
    return decide == "decline"
declined_1h = window.count(by="card", over="1h", where=declined)
busiest = window.max(busy, by="card", over="1h")
"""


def test_windows_that_are_entered_once_decided_have_streams_of_their_own(define: Define) -> None:
    plan = plan_of(define, OUTCOMES.format(level=3))
    windows = {window["name"]: window for window in plan["windows"]}
    stream = {name: plan["streams"][window["stream"]] for name, window in windows.items()}
    assert stream["first"] is stream["heat"] and stream["declined_1h"] is stream["busiest"]
    assert [(stream[name]["clock"], stream[name]["outcome"]) for name in ("first", "again", "busiest")] == [
        ("event", False),
        ("arrival", False),
        ("event", True),
    ]
    assert [windows[name]["half_life_us"] for name in ("first", "heat")] == [None, 300_000_000]
    named = cells(plan)
    assert stream["busiest"]["wheres"] == [named["declined"]] and stream["busiest"]["columns"] == [named["busy"]]


def test_functions_that_take_the_decision_run_after_it_in_call_order(define: Define) -> None:
    plan = plan_of(define, OUTCOMES.format(level=3))
    names = [function["name"] for function in plan["functions"]]
    assert [names[index] for index in plan["after_decision"]] == ["declined", "words"]
    assert [names[index] for kind, index in plan["after"] if kind == "function"] == ["busy"]
    decided = plan["decision"]["slot"]
    assert plan["functions"][names.index("declined")]["required"] == []
    assert plan["slots"][-1] == {"name": "decide", "kind": "decision", "slot": decided, "event": 0, "secret": False}
    assert decided not in [function["slot"] for function in plan["functions"]]
    unread = plan_of(define, "@decision\ndef decide(amount: float) -> str:\n    return 'approve'\n")
    assert unread["decision"]["slot"] is None and unread["after_decision"] == []


def test_a_window_over_the_decision_is_another_one_if_the_decision_is(define: Define) -> None:
    def identities(level: int, more: str = "") -> dict[str, str]:
        plan = plan_of(define, more + OUTCOMES.format(level=level))
        return {window["name"]: window["identity"] for window in plan["windows"]}

    one, other = identities(3), identities(4)
    assert one == identities(3, "B = 5\n")
    assert {name for name in one if one[name] != other[name]} == {"declined_1h", "busiest"}
    renumbered = identities(3, "@feature\ndef more(count: int) -> int:\n    return count + 12\n")
    assert renumbered == one


def test_too_many_keys_are_refused(define: Define) -> None:
    keys = "".join(
        f"@feature\ndef k{n}(count: int) -> int:\n    return count % {n + 2}\nw{n} = window.count(by=k{n}, over='1h')\n"
        for n in range(65)
    )
    (problem,) = problems_of(define, keys)
    assert "66 different keys, at most 64 are possible" in problem.message  # HEAD has a window of its own


def test_a_window_is_its_kind_its_arguments_and_the_code_it_reads(define: Define) -> None:
    body = """
    LEVEL = {level}
    def over(x):
        return x > LEVEL
    @feature
    def big(amount: float) -> bool:
        return over({amount})
    {name} = window.count(by="card", over="{over}", where="big")
    """

    def identity(amount: str = "amount", level: str = "100", name: str = "w", over: str = "1h", first: str = "") -> str:
        source = first + textwrap.dedent(body).format(amount=amount, level=level, name=name, over=over)
        windows = plan_of(define, source)["windows"]
        return str(next(w["identity"] for w in windows if w["name"] == name))

    same = identity()
    assert identity(name="other") == same
    assert identity(first="@feature\ndef z(card: str) -> str:\n    return 'zzz'\nX = 5\n") == same
    assert identity(over="60m") == same
    assert len({same, identity(level="101"), identity(amount="amount + 1"), identity(over="2h")}) == 4


def test_calls_are_in_the_order_of_need(define: Define) -> None:
    plan = plan_of(
        define,
        """
        @feature
        def late(early: float, usual: float | None) -> float:
            return early
        @feature
        def early(amount: float) -> float:
            return amount
        @rule("review")
        def odd(late: float) -> bool:
            return late > 1
        @feature
        def last(odd: bool) -> float:
            return 1.0 if odd else 0.0
        """,
    )
    names = [f["name"] for f in plan["functions"]]
    assert [names[i] for i in plan["events"][0]["before"]] == ["early"]
    assert [names[i] for _, i in plan["after"]] == ["late", "odd", "last"]


def test_json_names_are_a_tree(define: Define) -> None:
    source = """
    @event(id="id", time="at", scored=False)
    class Other:
        id: str
        at: datetime
        where: Annotated[str | None, Field(alias="place.city")] = None
        inner: Inner
    """
    inner = "class Inner:\n    a: int\n    b: int = 3\n"
    other = plan_of(define, inner + textwrap.dedent(source))["events"][1]
    nodes = other["nodes"]
    below = {n["name"]: [nodes[i]["name"] for i in range(n["first"], n["first"] + n["count"])] for n in nodes}
    assert below[""] == ["id", "at", "place", "inner"] and below["place"] == ["city"] and below["inner"] == ["a", "b"]
    place = next(n for n in nodes if n["name"] == "place")
    assert (place["nullable"], place["required"], place["field"]) == (True, False, None)


# --- constants ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [object(), {"a": object()}, 2**5000, "\ud800", 1j, float, [[[[[[[[[[1]]]]]]]]]]])
def test_constants_without_a_counterpart(value: object) -> None:
    with pytest.raises(CannotFreeze):
        freeze(value)


def test_a_constant_of_numpy_is_refused_with_the_way_out() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(CannotFreeze) as raised:
        freeze(numpy.float64(1.5))
    assert raised.value.help == ".tolist() gives plain Python values"


def test_constants_keep_what_tells_them_apart() -> None:
    different = [0, 0.0, -0.0, False, "", None, (), [], set(), {}, (0,), [0], 1, True, 1.0, "1", 2**64, -(2**64)]
    assert len({freeze(value).data for value in different}) == len(different)


# --- bundles --------------------------------------------------------------------------------------------------------

WHOLE = """
@feature
def f(amount: float, usual: float | None) -> float:
    return amount / usual if usual and RATES.get("a", 0.0) > 0.5 else 0.0
@feature
def g(card: str) -> bool:
    return card in NAMES
@rule("review")
def odd(f: float) -> bool:
    return f > 3
decide = thresholds("f", review=10, decline=100)
"""
BUILD = """
import pathlib, sys
from assay._compile import build
print(build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).hash)
"""


def test_equal_sources_give_equal_bundles(define: Define, tmp_path: Path) -> None:
    file = define(HEAD + WHOLE)
    hashes = []
    for seed in ("1", "2", "3"):
        out = tmp_path / f"{seed}.assay"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        ran = subprocess.run(
            [sys.executable, "-c", BUILD, str(file), str(out)], env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        hashes.append(ran.stdout.strip())
    assert len(set(hashes)) == 1
    assert len({(tmp_path / f"{seed}.assay").read_bytes() for seed in "123"}) == 1
    assert content_hash(read_parts(tmp_path / "1.assay")) == hashes[0]


def test_another_source_gives_another_hash(define: Define) -> None:
    from assay._compile import compile

    first = compile(read(define(HEAD + WHOLE))).parts
    second = compile(read(define(HEAD + WHOLE + "# a remark\n"))).parts
    assert content_hash(first) != content_hash(second)
    assert {name for name in first if first[name] != second[name]} == {"source/defined.py"}


def test_a_bundle_opens_in_the_engine_and_in_sqlite(define: Define, tmp_path: Path) -> None:
    from assay._compile import build
    from assay._engine import Engine

    out = tmp_path / "d.assay"
    built = build(define(HEAD + WHOLE), out)
    with sqlite3.connect(out) as database:
        names = [name for (name,) in database.execute("select name from part order by name")]
        assert database.execute("select value from meta where key = 'hash'").fetchone() == (built.hash,)
        assert database.execute("pragma application_id").fetchone() == (0x41535359,)
    assert names == [
        "code.bin",
        "constant.bin",
        "plan.json",
        "position.bin",
        "provenance.json",
        "source/defined.py",
        "unicode.bin",
    ]
    with Engine(str(out), None, history="empty") as engine:
        event = {"id": "1", "at": "2026-01-01T00:00:00Z", "card": "a", "amount": 5, "count": 1}
        status, body = engine.event("", json.dumps(event).encode())
        assert status == 200 and json.loads(body)["decision"] == "approve"
        assert engine.values()["g"] is True


class Unstorable(bytes):
    """Bytes that SQLite refuses."""

    def __conform__(self, protocol: object) -> object:
        return object()


def test_a_bundle_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "d.assay"
    write_bundle({"a": b"1"}, out)
    before = out.read_bytes()
    with pytest.raises(sqlite3.Error):
        write_bundle({"a": b"1", "b": Unstorable(b"2")}, out)
    assert out.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["d.assay"]


def test_a_damaged_bundle_is_found(tmp_path: Path) -> None:
    out = tmp_path / "d.assay"
    write_bundle({"a": b"1" * 100}, out)
    out.write_bytes(out.read_bytes().replace(b"1" * 100, b"1" * 99 + b"2"))
    with pytest.raises(ValueError, match="is damaged"):
        read_parts(out)


def test_a_position_in_a_file_that_is_not_there_is_refused(define: Define, tmp_path: Path) -> None:
    from assay._compile import compile
    from assay._engine import Engine

    parts = compile(read(define(HEAD + WHOLE))).parts
    assert json.loads(parts["plan.json"])["files"] == ["defined.py"]
    positions = bytearray(parts["position.bin"])
    positions[-2:] = b"\x01\x00"
    last = len(positions) // 12 - 1
    out = tmp_path / "d.assay"
    write_bundle({**parts, "position.bin": bytes(positions)}, out)
    with pytest.raises(Exception, match=f"position of instruction {last}: file 1, expected below 1"):
        Engine(str(out), None, history="empty")


# --- models ---------------------------------------------------------------------------------------------------------


def train(folder: Path, names: list[str], **parameters: Any) -> Path:
    lightgbm = pytest.importorskip("lightgbm")
    numpy = pytest.importorskip("numpy")
    chance = numpy.random.default_rng(1)
    rows = chance.normal(size=(300, len(names)))
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, **parameters}
    label = (rows[:, 0] > 0).astype(int)
    data = lightgbm.Dataset(rows, label, feature_name=names or "auto")
    path = folder / "risk.txt"
    lightgbm.train(settings, data, 5).save_model(path)
    return path


def test_a_models_inputs_are_matched_by_name_and_its_golden_rows_hold(define: Define, tmp_path: Path) -> None:
    from assay._compile import build
    from assay._engine import Engine

    source = HEAD + "@feature\ndef g(card: str) -> bool:\n    return card in NAMES\nrisk = model('risk.txt')\n"
    file = define(source + "decide = thresholds(risk, decline=0.5)\n")
    train(file.parent, ["count", "g", "usual", "limit"])
    built = build(file, tmp_path / "d.assay")
    plan, named = built.plan.json, cells(built.plan.json)
    assert plan["models"][0]["inputs"] == [named["count"], named["g"], named["usual"], named["limit"]]
    golden = built.plan.parts["golden/risk"]
    assert golden[:12] == (256).to_bytes(4, "little") + (4).to_bytes(4, "little") + (1).to_bytes(4, "little")
    Engine(str(tmp_path / "d.assay"), None).close()  # the engine gives the framework's answers again, or refuses


def test_a_fitted_booster_is_a_model(define: Define) -> None:
    file = define(HEAD + "import lightgbm\nrisk = model(lightgbm.Booster(model_file='risk.txt'))\n")
    train(file.parent, ["amount"])
    assert read(file).models[0].input_names == ["amount"]


@pytest.mark.parametrize(
    ("names", "call", "message", "help"),
    [
        (["amuont"], "model('risk.txt')", 'the model risk takes "amuont", which is not', "did you mean amount?"),
        (
            ["card"],
            "model('risk.txt')",
            "the model risk takes card, which is a str, expected a number",
            "the model has no categories",
        ),
        (
            ["at"],
            "model('risk.txt')",
            "the model risk takes at, which is a datetime, expected a number",
            "turn it into",
        ),
        (["Column_0"], "model('risk.txt')", "risk.txt was trained without feature names", "name its inputs in order"),
        (["a"], "model('risk.txt', inputs=['amount', 'count'])", "risk takes 1 inputs, inputs= names 2", ""),
        (["a"], "model('other.json')", "other.json is not a model that is known", "there are LightGBM"),
        (["a"], "model(3.5)", "a model of type float is not available yet", "there are LightGBM"),
    ],
)
def test_a_model_that_does_not_fit(define: Define, names: list[str], call: str, message: str, help: str) -> None:
    file = define(HEAD + f"risk = {call}\n")
    train(file.parent, names)
    (file.parent / "other.json").write_text("{}")
    with pytest.raises(DefinitionError) as raised:
        read(file)
    problem = raised.value.problems[0]
    assert problem.message.startswith(message) and problem.help.startswith(help) and marked(problem) == call


def test_inputs_by_position(define: Define) -> None:
    file = define(HEAD + "risk = model('risk.txt', inputs=['count', usual])\n")
    train(file.parent, ["a", "b"])
    assert [getattr(s, "name", "") for s in read(file).models[0].inputs] == ["count", "usual"]


def test_a_broken_model_is_refused_at_build(define: Define) -> None:
    file = define(HEAD + "risk = model('risk.txt')\n")
    path = train(file.parent, ["amount"], objective="regression")
    path.write_text(path.read_text().replace("is_linear=0", "is_linear=7"))
    with pytest.raises(DefinitionError) as raised:
        read(file)
    assert raised.value.problems[0].message == 'risk.txt: tree 0: is_linear is "7", expected 0 or 1'


def test_annotation_that_cannot_be_is_a_mistake(define: Define) -> None:
    from assay._compile import compile

    source = (
        "@event(id='id', time='at')\nclass P:\n    id: str\n    at: datetime\n    amount: float\n    n: int | None\n"
    )
    wrong = "@feature\ndef f(amount: str) -> str:\n    return amount\n"
    alike = "@feature\ndef g(amount: int, n: bool) -> float:\n    return amount\n"
    head = "from datetime import datetime\nfrom assay import event, feature\n" + source
    with pytest.raises(DefinitionError) as raised:
        compile(read(define(head + wrong)))
    (problem,) = raised.value.problems
    assert problem.message == "amount is annotated `str` but is a float" and problem.help == "amount: float"
    assert problem.place is not None and problem.place.column == len("def f(")
    compile(read(define(head + alike)))


def test_expression_nested_too_deep_is_a_mistake(define: Define) -> None:
    from assay._compile import compile

    head = "from datetime import datetime\nfrom assay import event, feature\n"
    head += "@event(id='id', time='at')\nclass P:\n    id: str\n    at: datetime\n    amount: float\n"
    body = "-(1+" * 190 + "amount" + ")" * 190
    with pytest.raises(DefinitionError) as raised:
        compile(read(define(f"{head}@feature\ndef f(amount: float) -> float:\n    return {body}\n")))
    assert [p.message for p in raised.value.problems] == ["f is nested too deep"]


@pytest.mark.parametrize("expression", ["at - datetime(2020, 1, 1)", "at < datetime(2020, 1, 1)", "NEW_YEAR >= at"])
def test_a_fields_time_against_a_constant_without_a_zone_is_warned_of(define: Define, expression: str) -> None:
    source = f"""
        NEW_YEAR = datetime(2024, 1, 1)

        @feature
        def since(at: datetime) -> bool:
            return {expression}
    """
    (problem,) = problems_of(define, source)
    assert marked(problem) == expression
    assert problem.message == "a datetime with a zone and one without do not go together: TypeError"
    assert problem.help == "give the constant a zone: tzinfo=timezone.utc"
    with_zone = source.replace("1)\n\n", "1, tzinfo=timezone.utc)\n\n").replace(
        "2020, 1, 1", "2020, 1, 1, tzinfo=timezone.utc"
    )
    assert problems_of(define, with_zone) == []


def test_a_zone_that_the_build_cannot_read_is_refused(define: Define) -> None:
    source = """
        class Own(dt.tzinfo):
            pass

        OWN = Own()

        @feature
        def hour(at: datetime) -> int:
            return at.astimezone(OWN).hour

        @feature
        def named(at: datetime, card: str) -> int:
            return at.astimezone(ZoneInfo(card)).hour
    """
    unknown, by_name = problems_of(define, "from zoneinfo import ZoneInfo\n" + textwrap.dedent(source))
    assert unknown.message == "OWN cannot be used: a zone of type Own"
    assert unknown.help == "datetime.timezone and zoneinfo.ZoneInfo(key) can be used"
    assert by_name.message == "ZoneInfo() of a name known only while running is not available"
    assert by_name.help.startswith("make the zones at module level")


def test_a_member_of_an_enum_is_not_shown_by_percent(define: Define) -> None:
    for shown in ("channel", "(channel,)", "[channel]", "{'a': Channel.WEB}"):
        source = f"""
            @feature
            def text(channel: Channel) -> str:
                return "%s" % {shown}
        """
        (problem,) = problems_of(define, source)
        assert problem.severity == "error"
