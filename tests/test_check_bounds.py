"""The worst case that `assay check` prints is a bound: it grows with what loops go over, what it says is enough is
enough for the largest payments there can be, and what may raise is named where it stands."""

from __future__ import annotations

import copy
import importlib
import json
import random
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from assay._bundle import write_bundle
from assay._read import read

pytestmark = pytest.mark.engine

Define = Callable[[str], Path]

HEAD = """
import math
from datetime import datetime
from typing import Literal
from assay import *

history = "empty"
RATES = {"a": 1.0, "b": 2.0}
PAIR = (1, 2)

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str = ""
    memo: str = ""
    kind: Literal["in", "out"] = "in"
    amount: float = 1.0
    count: int = 1
    tags: list[str] = Field(default_factory=list)
    numbers: list[int] = Field(default_factory=list)

spent = window.sum("amount", by="card", over="1h")
seen = window.count(by="card", over="1h")
"""
PARAMETERS = (
    "card: str, memo: str, kind: str, amount: float, count: int, tags: list[str], numbers: list[int], seen: int"
)


def function(body: str, result: str = "int | float | str | None", name: str = "f") -> str:
    return f"\n@feature\ndef {name}({PARAMETERS}) -> {result}:\n{textwrap.indent(body, '    ')}\n"


def bounds_of(define: Define, body: str) -> Any:
    from assay._compile import examine

    definition = read(define(HEAD + function(body)))
    examined = examine(definition)
    assert examined.plan is not None, [p.message for p in examined.problems]
    return examined.bounds[definition.features[0]]


# --- steps ----------------------------------------------------------------------------------------------------------


def steps_of(define: Define, body: str) -> int:
    bounds = bounds_of(define, body)
    assert bounds.proved, bounds.why_not
    assert isinstance(bounds.steps, int)
    return bounds.steps


def test_code_without_a_loop_is_bounded_by_its_length(define: Define) -> None:
    assert 1 <= steps_of(define, "return amount + 1") <= 4
    assert steps_of(define, "if amount > 1:\n    return 1\nreturn count * 2 + 1") <= 12


def test_a_loop_multiplies_by_what_it_goes_over(define: Define) -> None:
    loop = "n = 0\nfor i in range({0}):\n    n = n + i\nreturn n"
    ten, hundred, thousand = (steps_of(define, loop.format(times)) for times in (10, 100, 1000))
    assert 3 * 10 <= ten <= 70
    assert hundred - ten == pytest.approx((thousand - hundred) / 10, rel=0.01)


def test_loops_in_loops_multiply(define: Define) -> None:
    one = steps_of(define, "n = 0\nfor i in range(100):\n    n = n + 1\nreturn n")
    two = steps_of(define, "n = 0\nfor i in range(100):\n    for j in range(50):\n        n = n + 1\nreturn n")
    assert 50 * one * 0.9 < two < 60 * one * 2


def test_an_inner_loop_that_ends_its_outer_one_still_multiplies(define: Define) -> None:
    body = "n = 0\nfor i in range(100):\n    for j in range(100):\n        if j > i:\n            break\nreturn n"
    assert steps_of(define, body) >= 3 * 100 * 100
    body = (
        "n = 0\nfor i in range(100):\n    for j in range(100):\n"
        "        if j > 3:\n            continue\n        n = n + 1\nreturn n"
    )
    assert steps_of(define, body) >= 3 * 100 * 100


def test_a_list_field_has_at_most_its_limit_of_items(define: Define) -> None:
    assert 3 * 4096 <= steps_of(define, "n = 0\nfor x in numbers:\n    n = n + x\nreturn n") <= 12 * 4096


def test_a_field_of_few_values_is_short(define: Define) -> None:
    assert steps_of(define, "n = 0\nfor c in kind:\n    n = n + 1\nreturn n") < 60


def test_a_list_that_is_built_is_as_long_as_its_loop(define: Define) -> None:
    body = "xs = [i for i in range(20)]\nn = 0\nfor x in xs:\n    n = n + x\nreturn n"
    assert steps_of(define, body) < 400


def test_a_range_of_unknown_length_is_not_bounded(define: Define) -> None:
    bounds = bounds_of(define, "n = 0\nfor i in range(count):\n    n = n + 1\nreturn n")
    assert not bounds.proved


def test_a_range_up_to_a_length_is(define: Define) -> None:
    assert steps_of(define, "n = 0\nfor i in range(len(tags)):\n    n = n + 1\nreturn n") < 20 * 4096


def test_what_one_function_gives_bounds_those_that_read_it(define: Define) -> None:
    from assay._compile import examine

    first = "\n@feature\ndef short(memo: str) -> str:\n    return memo[:8] if memo == 'x' else 'abc'\n"
    fixed = "\n@feature\ndef fixed(count: int) -> str:\n    return 'abc' if count else 'abcdef'\n"
    reads = "\n@feature\ndef reads(fixed: str) -> int:\n    return sum(1 for c in fixed if c == 'a')\n"
    definition = read(define(HEAD + first + fixed + reads))
    bounds = examine(definition).bounds[definition.features[2]]
    assert bounds.proved and bounds.steps < 100


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ("return card + memo", 64 * 1024),
        ("return memo[:10]", 32 * 1024),
        ("return memo.partition('@')[0]", 32 * 1024 + 3 * (32 * 1024 + 16)),
        ("return kind + 'x'", 4),
        ("return amount * 2", 0),
        ("return memo * count", 1 << 20),
    ],
)
def test_values_grow_to_what_their_parts_allow(define: Define, body: str, most: int) -> None:
    assert bounds_of(define, body).bytes <= most


# --- the bound against the engine -----------------------------------------------------------------------------------

HUNGRY = {
    "letters": "return sum(1 for c in memo if c == 'e')",
    "words": "return max([len(w) for w in memo.split()] or [0])",
    "pairs": "n = 0\nfor a in numbers:\n    for b in numbers:\n        if a == b:\n            n = n + 1\nreturn n",
    "find": "return memo.lower().find(card)",
    "texts": "return sum(len(t) for t in tags)",
    "order": "return sorted(numbers)[0] if numbers else 0",
    "member": "return sum(1 for t in tags if t in memo)",
    "letters_of_letters": "return sum(1 for a in memo for b in memo if a == b)",
    "joined": "return len(', '.join(tags))",
    "turned": "return memo[::-1].upper().count('A')",
    "squares": "return sum(x * x for x in numbers)",
}
LARGEST = [
    {"memo": "e" * 32_000, "card": "ef"},
    {"memo": "a b " * 8_000, "card": "b"},
    {"memo": "é" * 10_000, "card": "é" * 200},
    {"numbers": list(range(4096))},
    {"numbers": [7] * 4096, "memo": "x" * 20_000},
    {"tags": ["ab"] * 4096, "memo": "ab" * 6_000},
    {"tags": ["x" * 40] * 800, "memo": "y" * 12_000},
]


def test_a_proved_bound_is_never_hit_by_the_largest_payments(define: Define, tmp_path: Path) -> None:
    from assay._compile import examine
    from assay._engine import Engine

    definition = read(define(HEAD + "".join(function(body, name=name) for name, body in HUNGRY.items())))
    examined = examine(definition)
    assert examined.plan is not None
    write_bundle(examined.plan.parts, tmp_path / "d.assay")
    hit: set[str] = set()
    with Engine(str(tmp_path / "d.assay")) as engine:
        for number, more in enumerate(LARGEST):
            event = {"id": str(number), "at": f"2026-01-01T00:00:{number:02}Z", **more}
            status, body = engine.event("", json.dumps(event).encode())
            assert status == 200, body
            hit |= {e["function"] for e in json.loads(body)["errors"] if e["error"] == "LimitError"}
    proved = {f.name for f in definition.features if examined.bounds[f].proved}
    assert hit  # some of them do run into the limit
    assert not hit & proved
    assert len(proved) >= 5


# --- the bundle -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "steps", "said"),
    [
        (100, 101, r"\$\.functions\[0\]\.steps"),
        (1_000_001, 5, r"\$\.limits\.steps"),
        (1_000_000, 0, r"\$\.functions\[0\]\.steps"),
        (1_000_000, "many", r"\$\.functions\[0\]\.steps"),
    ],
)
def test_a_bundle_above_its_limit_is_refused(define: Define, tmp_path: Path, limit: int, steps: Any, said: str) -> None:
    from assay._compile import compile
    from assay._engine import Engine, EngineError

    plan = compile(read(define(HEAD + function("return amount"))))
    content = json.loads(plan.parts["plan.json"])
    assert content["limits"]["steps"] == 1_000_000
    assert 1 <= content["functions"][0]["steps"] <= 4
    content["limits"]["steps"] = limit
    content["functions"][0]["steps"] = steps
    write_bundle({**plan.parts, "plan.json": json.dumps(content).encode()}, tmp_path / "d.assay")
    with pytest.raises(EngineError, match=said):
        Engine(str(tmp_path / "d.assay"))


# --- where an exception can happen ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1 / amount", ["ZeroDivisionError"]),
        ("return count % seen", ["ZeroDivisionError"]),
        ("return count // (seen + 1)", []),
        ("return 1 / amount if amount else 0.0", []),
        ("return 1 / amount if amount > 0 else 0.0", []),
        ("if amount == 0:\n    return 0\nreturn 1 / amount", []),
        ("return amount / 2", []),
        ("return amount / max(count, 1)", []),
        ("return int(memo)", ["ValueError"]),
        ("return float(count)", []),
        ("return RATES[card]", ["KeyError"]),
        ("return RATES.get(card, 0.0)", []),
        ("return tags[0]", ["IndexError"]),
        ("return PAIR[1]", []),
        ("return PAIR[2]", ["IndexError"]),
        ("return tags[0] if tags else ''", []),
        ("return max(numbers)", ["ValueError"]),
        ("return max(numbers or [0])", []),
        ("a, b = numbers\nreturn a", ["ValueError"]),
        ("a, _, b = memo.partition('@')\nreturn a", []),
        ("return math.sqrt(amount)", ["ValueError"]),
        ("return math.sqrt(count ** 2)", ["ValueError"]),
        ("return math.sqrt(abs(amount))", []),
        ("return memo.index('x')", ["ValueError"]),
        ("assert count\nreturn 1", [""]),
    ],
)
def test_what_may_raise_is_named_and_what_cannot_is_not(define: Define, body: str, expected: list[str]) -> None:
    assert [hazard.exception for hazard in bounds_of(define, body).hazards] == expected


def test_a_hazard_of_a_helper_stands_in_the_helper(define: Define) -> None:
    from assay._compile import examine

    helper = "\ndef share(a, b):\n    return a / b\n"
    path = define(HEAD + helper + function("return share(amount, count)"))
    definition = read(path)
    (hazard,) = examine(definition).bounds[definition.features[0]].hazards
    assert path.read_text().split("\n")[hazard.place.line - 1] == "    return a / b"


# --- code written by hand: what the compiler does not make (yet), or only in large functions --------------------------

SCRATCH = [f"t{n}" for n in range(8)]


def by_hand(text: str, handlers: str = "") -> Any:
    """Bounds of instructions, one a line: `op a b c x`, cells `t0` (temporary) or `s0` (a list field), `@5` a jump's
    target, `call NAME a b x`. `handlers`: "first end target cell" of each."""
    from assay._bounds import analyse
    from assay._definition import Place
    from assay._engine import BUILTINS
    from assay._known import Known
    from assay._known import text as text_known
    from assay._share import Cell, Instruction, Label

    def operand(word: str) -> Any:
        if word == "-":
            return None
        if word.startswith("@"):
            return Label(int(word[1:]))
        return Cell({"t": "temporary", "s": "slot"}[word[0]], int(word[1:]))

    code = []
    for line in text.strip().split("\n"):
        words = [*line.split(), "-", "-", "-"]
        if words[0] == "call":
            code.append(
                Instruction(
                    "CALL", int(words[4]), operand(words[2]), operand(words[3]), BUILTINS[words[1]][0], Place(Path(), 1)
                )
            )
            continue
        x = int(words[4]) if words[4] != "-" else 0
        code.append(Instruction(words[0], x, *(operand(w) for w in words[1:4]), Place(Path(), 1)))

    class Handler:
        def __init__(self, line: str):
            *places, cell = line.split()
            self.first, self.end, self.target = (Label(int(place)) for place in places)
            self.cell = operand(cell)

    field = Known(frozenset({"list"}), 100, item=text_known(8))
    names = {number: name for name, (number, _, _) in BUILTINS.items()}
    return analyse(code, lambda cell: field, names, [Handler(line) for line in handlers.split("\n") if line])


def test_by_hand_a_loop_over_a_field_is_bounded() -> None:
    bounds = by_hand("ITER t0 s0\nNEXT t1 t0 @3\nJMP - - @1\nRET - t1")
    assert bounds.proved
    assert 200 <= bounds.steps <= 400


def test_a_loop_without_an_iterator_is_not_bounded() -> None:
    bounds = by_hand("NOT t0 s0\nJMP_TRUE - t0 @0\nRET - t0")
    assert (bounds.steps, bounds.why_not) == (None, "a loop has no bound")


def test_a_loop_whose_iterator_is_made_anew_inside_is_not_bounded() -> None:
    assert by_hand("ITER t0 s0\nNEXT t1 t0 @4\nITER t0 s0\nJMP - - @1\nRET - t1").steps is None


def test_a_jump_into_a_loop_is_not_bounded() -> None:
    bounds = by_hand("JMP_TRUE - s0 @3\nITER t0 s0\nNEXT t1 t0 @5\nNOT t2 s0\nJMP - - @2\nRET - t1")
    assert (bounds.steps, bounds.why_not) == (None, "it jumps into a loop")


def test_an_instruction_that_is_not_known_is_not_bounded() -> None:
    bounds = by_hand("WARP t0 s0\nRET - t0")
    assert (bounds.steps, bounds.why_not) == (None, "WARP is not followed")


def test_a_list_that_another_name_appends_to_has_an_unknown_length() -> None:
    """t0 = []; t1 = t0; for _ in s0: t1.append(_); then a loop over t0, which looks empty."""
    from assay._known import ITEMS_MAX

    loop = "ITER t2 s0\nNEXT t3 t2 @6\nAPPEND t1 t3\nJMP - - @3\nITER t4 t0\nNEXT t5 t4 @9\nJMP - - @7\nRET - t3"
    bounds = by_hand("LIST t0 s0\nMOVE t1 t0\n" + loop)
    assert bounds.steps is None or bounds.steps >= ITEMS_MAX


def test_a_handler_sees_what_its_region_may_have_left() -> None:
    """t0 is 8 letters at most when the region is entered, the whole field's text within it: the handler's loop over it
    must count the latter."""
    inside = (
        "INDEX t0 s0 s0\nCONCAT t0 t0 - 1\nMOVE t0 s0\nNOT t1 t0\nRET - t1\n"
        "ITER t2 t0\nNEXT t3 t2 @8\nJMP - - @6\nRET - t3"
    )
    short = by_hand(inside, "1 2 5 t4")
    long = by_hand(inside, "1 4 5 t4")
    assert short.proved and long.proved
    assert long.steps > short.steps + 100


def test_what_is_caught_is_no_hazard() -> None:
    text = "call int t0 t0 1\nRET - t0\nRET - t1"
    assert [hazard.exception for hazard in by_hand(text).hazards] == ["ValueError"]
    assert by_hand(text, "0 1 2 t1").hazards == []


# --- what built-ins give, against CPython -----------------------------------------------------------------------------

RECEIVERS: list[Any] = [
    "", "x", "a b  c", "Straße ŉ", "ΐﬃ" * 3, "-007", "x,y,,z", b"", b"\xff\x00ab", 0, 255, -(2**70), 1.5, True,
    datetime(2024, 2, 29, 23, 59, 59, 999999, UTC), date(1, 1, 1), timedelta(days=-1, microseconds=1),
    [], [3, 1, 2], ["b", "a"], (1, "x"), {"k": "value", "l": "v"}, {1, 2}, range(7),
]  # fmt: skip
ARGUMENTS: list[tuple[Any, ...]] = [
    (), (" ",), ("a",), (2,), ("a", "bcd"), (",", 1), (["p", "q"],), (b"a",), ("%A %d %B %Y %H:%M",), ("utf-16",),
    ("k",),
]  # fmt: skip


def describe(value: Any) -> Any:
    """What is known of a value if all of it is known."""
    from assay import _known

    name = type(value).__name__
    if value is None:
        return _known.NONE
    if isinstance(value, bool | int | float):
        return _known.number(value)
    if isinstance(value, str):
        return _known.text(len(value.encode()), len(value.encode()))
    if isinstance(value, bytes):
        return _known.Known(frozenset({"bytes"}), len(value), len(value))
    if isinstance(value, range):
        return _known.Known(frozenset({"range"}), len(value), low=min(value), high=max(value))
    if isinstance(value, list | tuple | dict | set):
        item = _known.NEVER
        for each in value.values() if isinstance(value, dict) else value:
            item = _known.join(item, describe(each))
        return _known.Known(frozenset({name}), len(value), len(value), item=item)
    return _known.Known(frozenset({name}))


def fits(known: Any, value: Any) -> bool:
    """Whether a value is one of those that a Known describes."""
    other = {"frozenset": "set", "struct_time": "tuple", "IsoCalendarDate": "tuple", "NoneType": "none"}
    name = other.get(type(value).__name__, type(value).__name__)
    if known.tags is not None and name not in known.tags:
        return False
    if isinstance(value, bool | int | float):
        return (known.low is None or value >= known.low) and (known.high is None or value <= known.high)
    size = len(value.encode()) if isinstance(value, str) else len(value) if hasattr(value, "__len__") else 0
    if not known.least <= size <= known.items and size:
        return False
    if isinstance(value, list | tuple) and known.item is not None:
        return all(fits(known.item, each) for each in value)
    return True


def calls_of(name: str) -> Iterator[tuple[list[Any], Any]]:
    """Calls of a built-in in CPython that do not raise: the arguments and what they give."""
    import builtins

    for receiver in RECEIVERS:
        for more in ARGUMENTS:
            if name.startswith("."):
                function = getattr(receiver, name[1:], None)
            elif name in ("min", "max", "sum", "sorted", "list", "tuple", "set", "len", "abs", "round") or hasattr(
                builtins, name
            ):
                function, more = getattr(builtins, name, None), (receiver, *more)
            else:
                module, _, last = name.rpartition(".")
                function, more = getattr(importlib.import_module(module), last, None), (receiver, *more)
            arguments = [receiver, *more] if name.startswith(".") else list(more)
            if function is None or name in (".clear", ".pop", ".popitem", ".reverse", ".update", ".remove", ".sort"):
                continue
            try:
                made = function(*copy.deepcopy(more)) if callable(function) else function
            except Exception:
                continue
            if isinstance(made, str | bytes | int | float | list | tuple | set | None):
                yield arguments, made


ASKED = [
    "len",
    "min",
    "max",
    "abs",
    "round",
    "sum",
    "sorted",
    "list",
    "tuple",
    "set",
    "int",
    "float",
    "str",
    "repr",
    "ascii",
    "bool",
    "hex",
    "oct",
    "bin",
    "ord",
    "chr",
    ".lower",
    ".upper",
    ".casefold",
    ".title",
    ".capitalize",
    ".swapcase",
    ".strip",
    ".lstrip",
    ".rstrip",
    ".split",
    ".rsplit",
    ".splitlines",
    ".partition",
    ".rpartition",
    ".join",
    ".removeprefix",
    ".removesuffix",
    ".zfill",
    ".ljust",
    ".center",
    ".replace",
    ".find",
    ".count",
    ".index",
    ".startswith",
    ".isdigit",
    ".get",
    ".isoformat",
    ".encode",
    ".decode",
    ".hex",
    ".strftime",
    ".isocalendar",
    ".timetuple",
    ".ctime",
    ".weekday",
    ".year",
    ".total_seconds",
    ".bit_length",
    ".copy",
    "base64.b64encode",
    "binascii.hexlify",
    "zlib.crc32",
    "math.floor",
    "math.sqrt",
]


@pytest.mark.parametrize("name", ASKED)
def test_what_a_builtin_gives_is_within_what_is_said_of_it(name: str) -> None:
    from assay import _known

    tried = 0
    for arguments, made in calls_of(name):
        said = _known.builtin(name, [describe(each) for each in arguments])
        assert fits(said, made), (name, arguments, made, said)
        tried += 1
    assert tried > 0


# --- any loops at all -----------------------------------------------------------------------------------------------


def loops(chance: random.Random, depth: int, indent: str, inside: bool) -> list[str]:
    """A block of statements that count into `n` each time they are reached."""
    lines = []
    for _ in range(chance.randint(1, 3)):
        kind = chance.choice(["count", "loop", "loop", "if", "leave"])
        if kind == "loop" and depth < 3:
            over = chance.choice(
                [f"range({chance.randint(0, 12)})", "kind", f"[j for j in range({chance.randint(1, 6)})]"]
            )
            lines += [f"{indent}for x{depth} in {over}:", *loops(chance, depth + 1, indent + "    ", True)]
            if chance.random() < 0.3:
                lines += [f"{indent}else:", f"{indent}    n = n + 1"]
        elif kind == "if":
            test = chance.choice(["n % 3 == 0", "n % 2 == 1 and count > 0", "n < 20 or amount > 2"])
            lines += [f"{indent}if {test}:", *loops(chance, depth, indent + "    ", inside)]
            lines += [f"{indent}else:", *loops(chance, 3, indent + "    ", inside)] if chance.random() < 0.5 else []
        elif kind == "leave" and inside:
            lines += [
                f"{indent}if n % 5 == {chance.randint(0, 4)}:",
                f"{indent}    {chance.choice(['break', 'continue'])}",
            ]
        lines.append(f"{indent}n = n + 1")
    return lines


def test_no_program_of_loops_does_more_than_its_bound(define: Define) -> None:
    """Each time that Python reaches `n = n + 1` is at least one step: CPython counts for us."""
    from assay._compile import examine

    chance = random.Random(7)
    made = ("\n".join(["n = 0", *loops(chance, 0, "", False), "return n"]) for _ in range(200))
    bodies = {f"f{n}": body for n, body in enumerate(body for body in made if len(body) < 2000)}
    assert len(bodies) > 120
    definition = read(define(HEAD + "".join(function(body, name=name) for name, body in bodies.items())))
    examined = examine(definition)
    assert examined.plan is not None
    tight = 0
    for feature in definition.features:
        bounds = examined.bounds[feature]
        most = max(
            feature.function("", "", kind, amount, 1, [], [], 1) for kind in ("in", "out") for amount in (1.0, 3.0)
        )
        assert bounds.steps is not None and bounds.steps >= most, bodies[feature.name]
        tight += bounds.steps <= 40 * max(most, 5)
    assert tight > 60
