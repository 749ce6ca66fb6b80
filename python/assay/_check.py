"""`assay check`: what a definition is, whether it builds, what it costs, and whether the engine and plain Python agree
on a sample.

    check(file, rows)  ->  read, examine (_compile.py)  ->  report (_report.py)  ->  compare, measure  ->  Checked

`compare` is the heart: every event of the sample goes through the engine and through the twin; every value must have
the same type and the same bits, and so must the decision.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import statistics
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._bundle import write_bundle
from ._compile import Examined, examine
from ._definition import Definition, DefinitionError, FunctionDef, Problem, Secrecy
from ._engine import Engine, EngineError
from ._parse import EventError
from ._read import read
from ._report import Costs, FunctionReport, costs_of, in_order, report
from ._rows import Row
from ._twin import Twin

TIMED_ROWS = 5_000
MEASURED_ROWS = 400  # of those, on which each function is timed
ROUNDS = 20  # calls of a function on each
PYTHON_ROWS = 500  # on which functions that are not native are timed, in CPython
DIFFERENCES_MAX = 5  # shown in full; the rest are counted
UNEQUAL_BY_NATURE = ("took_us", "bundle")


@dataclass
class Difference:
    """One value that the engine and plain Python do not agree on."""

    row: Row
    name: str
    native: Any
    python: Any
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Parity:
    """What comparing a sample gave."""

    payments: int = 0
    context_events: int = 0
    refused: int = 0  # by both, with the same errors
    differing_rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    us_per_payment: float | None = None  # in the engine: JSON in, decision out
    timed: list[Row] = field(default_factory=list)  # the sample's beginning, to measure that
    unevaluated: Counter[str] = field(default_factory=Counter)  # rules, by how often they lacked an input
    masked: Counter[str] = field(default_factory=Counter)  # fields, by events in which card numbers were masked
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)  # function, error, file, line


@dataclass
class Checked:
    """Everything that check found."""

    file: Path
    definition: Definition | None
    problems: list[Problem]  # in the order of their places
    parity: Parity | None = None
    functions: list[FunctionReport] = field(default_factory=list)
    costs: Costs = field(default_factory=Costs)

    @property
    def failed(self) -> bool:
        return any(p.severity == "error" for p in self.problems) or bool(self.parity and self.parity.differing_rows)


def same(a: Any, b: Any) -> bool:
    """Whether two values are one: the same type and the same bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, datetime.datetime):
        return bool(a == b and a.utcoffset() == b.utcoffset())
    return bool(a == b)


def check(file: Path, rows: Callable[[Definition], Iterable[Row]] | None = None) -> Checked:
    """Builds a definition and, with a sample, compares and measures. Problems are returned, not raised."""
    try:
        definition = read(file)
    except DefinitionError as error:
        return Checked(file, None, in_order(error.problems))
    examined = examine(definition)
    checked = Checked(file, definition, in_order(examined.problems), functions=report(definition, examined))
    if examined.plan is None:
        if rows is not None:
            time_in_python(definition, checked.functions, rows(definition))
            checked.costs = costs_of(checked.functions, None)
        return checked
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        bundle = Path(folder) / f"{file.stem}.assay"
        write_bundle(examined.plan.parts, bundle)
        try:
            Engine(str(bundle)).close()
        except EngineError as error:
            refused = Problem(None, f"the engine refuses what was built: {str(error).removeprefix(f'{bundle}: ')}")
            checked.problems = in_order([refused, *checked.problems])
            return checked
        if rows is not None:
            run(checked, definition, examined, bundle, rows(definition))
    return checked


def run(checked: Checked, definition: Definition, examined: Examined, bundle: Path, rows: Iterable[Row]) -> None:
    """The sample through the engine and the twin, then again through the engine with a clock."""
    with Engine(str(bundle)) as engine:
        parity = checked.parity = compare(definition, engine, rows)
    with Engine(str(bundle)) as engine:
        parity.us_per_payment = cost_us(engine, parity.timed)
    with Engine(str(bundle)) as engine:
        time_in_engine(engine, checked.functions, examined, parity.timed)
    checked.costs = costs_of(checked.functions, parity.us_per_payment)
    checked.problems = in_order([*checked.problems, *sample_problems(definition, parity)])


# --- what a call costs ----------------------------------------------------------------------------------------------


def time_in_engine(engine: Engine, functions: list[FunctionReport], examined: Examined, rows: list[Row]) -> None:
    """Each function on some of the sample's rows, with what that row gave it: once after the rest of the payment has
    gone through the caches (`ns_first`), then ROUNDS times (`ns`). Medians over the rows."""
    first: dict[FunctionDef, list[float]] = {each.function: [] for each in functions}
    again: dict[FunctionDef, list[float]] = {each.function: [] for each in functions}
    every = max(1, len(rows) // MEASURED_ROWS)
    for at, row in enumerate(rows):
        status, _ = engine.event(row.class_name, row.text)
        if status >= 400 or at % every:
            continue
        here = [each.function for each in functions if each.function.event is row.event]
        for function in here:
            first[function].append(engine.time(examined.numbers[function], 1))
        for function in here:
            again[function].append(engine.time(examined.numbers[function], ROUNDS))
    for each in functions:
        each.calls = len(again[each.function])
        if each.calls:
            each.ns = round(statistics.median(again[each.function]), 1)
            each.ns_first = round(statistics.median(first[each.function]), 1)


class Timed:
    """A Python function that notes how long its calls take. What others ask of a function it has from that one."""

    def __init__(self, function: Callable[..., Any]):
        self.__wrapped__ = function
        self.__code__ = getattr(function, "__code__", None)
        self.ns: list[int] = []

    def __call__(self, *positional: Any, **named: Any) -> Any:
        started = time.perf_counter_ns()
        try:
            return self.__wrapped__(*positional, **named)
        finally:
            self.ns.append(time.perf_counter_ns() - started)


def time_in_python(definition: Definition, functions: list[FunctionReport], rows: Iterable[Row]) -> None:
    """What the functions that are not native cost a call in CPython, in the twin."""
    slow = {each.function: Timed(each.function.function) for each in functions if not each.native}
    twin = Twin(definition)
    for function, timed in slow.items():
        function.function = timed
    try:
        for count, row in enumerate(rows):
            if count >= PYTHON_ROWS:
                break
            with contextlib.suppress(EventError):
                twin.score(row.text) if row.event.scored else twin.event(row.event.name, row.text)
    finally:
        for function, timed in slow.items():
            function.function = timed.__wrapped__
    for each in functions:
        calls = slow[each.function].ns if each.function in slow else []
        each.calls = len(calls)
        each.ns = round(statistics.median(calls), 1) if calls else None


def compare(definition: Definition, engine: Engine, rows: Iterable[Row]) -> Parity:
    """Every event through the engine and through the twin."""
    twin = Twin(definition)
    parity = Parity()
    for row in rows:
        status, body = engine.event(row.class_name, row.text)
        before = twin.seq
        native = json.loads(body)
        try:
            python = twin.score(row.text) if row.event.scored else twin.event(row.event.name, row.text)
        except EventError as error:
            python = error.problem
        if row.event.scored:
            parity.payments += 1
        else:
            parity.context_events += 1
        if len(parity.timed) < TIMED_ROWS:
            parity.timed.append(row)
        if status >= 400 or "status" in python:
            differ = refusal_differences(row, status, native, python)
            parity.refused += not differ
        else:
            differ = answer_differences(row, native, python)
            if row.event.scored and twin.seq > before:  # not a first answer given again
                differ = value_differences(row, engine.values(), twin.values, definition) + differ
            note(parity, twin, native, row)
        if differ:
            parity.differing_rows += 1
            parity.differences += differ[: max(0, DIFFERENCES_MAX - len(parity.differences))]
    return parity


def cost_us(engine: Engine, rows: list[Row]) -> float | None:
    """The median over payments, without the twin between them, which would leave the caches cold."""
    costs_ns = []
    for row in rows:
        started = time.perf_counter_ns()
        engine.event(row.class_name, row.text)
        if row.event.scored:
            costs_ns.append(time.perf_counter_ns() - started)
    return statistics.median(costs_ns) / 1000 if costs_ns else None


def note(parity: Parity, twin: Twin, answer: dict[str, Any], row: Row) -> None:
    """What the sample shows beside parity."""
    parity.unevaluated.update(answer.get("not_evaluated", []))
    parity.masked.update(twin.masked)
    if row.event.scored:
        parity.outcomes[answer["decision"]] += 1
    for error in answer.get("errors", []):
        parity.errors[error["function"], error["error"], error["file"], error["line"]] += 1


def refusal_differences(row: Row, status: int, native: dict[str, Any], python: dict[str, Any]) -> list[Difference]:
    """A refused event: the same status and the same field errors. The wording of the rest is each one's own, and so is
    what a conflict shows of the first event."""
    theirs = {"status": status, "errors": native.get("errors", []) if status == 422 else []}
    ours = {"status": python.get("status", 200), "errors": python.get("errors", []) if status == 422 else []}
    return [] if theirs == ours else [Difference(row, "the refusal", theirs, ours)]


def value_differences(
    row: Row, native: dict[str, Any], python: dict[str, Any], definition: Definition
) -> list[Difference]:
    secret = {each.name for each in definition.scored.fields if each.secrecy is Secrecy.SECRET}
    inputs = {each.name: python.get(each.name) for each in definition.scored.fields if each.name not in secret}
    return [
        Difference(row, name, native.get(name, "<nothing>"), python.get(name, "<nothing>"), inputs)
        for name in [*python, *(name for name in native if name not in python)]
        if name not in secret and not (name in native and name in python and same(native[name], python[name]))
    ]


def answer_differences(row: Row, native: dict[str, Any], python: dict[str, Any]) -> list[Difference]:
    """The answers' members, in their order, but for those that no two runs share."""
    names = list(dict.fromkeys([*native, *python]))
    differ = [
        Difference(row, f"answer.{name}", native.get(name, "<nothing>"), python.get(name, "<nothing>"))
        for name in names
        if name not in UNEQUAL_BY_NATURE
        and not (name in native and name in python and same(native[name], python[name]))
    ]
    if not differ and list(native) != list(python):
        differ.append(Difference(row, "the answer's order", list(native), list(python)))
    return differ


def sample_problems(definition: Definition, parity: Parity) -> list[Problem]:
    """What the sample says about the definition itself."""
    problems = []
    for rule in definition.rules:
        missed = parity.unevaluated[rule.name]
        if missed:
            message = f"{rule.name} lacked an input in {missed:,} of {parity.payments:,} payments and was not evaluated"
            advice = f'@rule("{rule.outcome}", on_missing="fire") makes it fire then, or let it take None'
            problems.append(Problem(rule.place, message, advice, "warning", "not-evaluated"))
    for (name, error, file, line), count in parity.errors.items():
        source = next((one for one in [*definition.features, *definition.rules] if one.name == name), None)
        place = source.place if source else None
        message = (
            f"{name} raised {error} in {file}:{line} for {count:,} of {parity.payments:,} payments; it is missing there"
        )
        advice = "handle the case, or accept that the feature is missing"
        if error == "LimitError":  # plain Python has no such limits, so parity differs there too
            advice = "the engine stops a call at 1,000,000 instructions, and a value at 1 MiB"
        problems.append(Problem(place, message, advice, "warning", "raised"))
    for window in definition.windows:
        for part in [*window.by, *window.on_by]:
            if parity.masked[part.name]:
                message = f"the key {part.name} of {window.name} has card numbers in the sample, which are masked"
                advice = f"declare it `{part.name}: Annotated[str, Secret]` or Clear: two cards may be one once masked"
                problems.append(Problem(window.place, message, advice, code="masked-key"))
    return problems
