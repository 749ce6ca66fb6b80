"""What `assay check` says of each function: whether it is native and what kept it out, its types, where None and
exceptions can bite, its worst case, what a call costs. Data only: `_show.py` writes it for people, `_sarif.py` for
editors, `as_json` for programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _types
from ._advice import code_of
from ._bounds import STEPS_MAX, Bounds
from ._compile import Examined
from ._definition import (
    Arrival,
    Decided,
    Definition,
    EventDef,
    FieldDef,
    Fired,
    FunctionDef,
    ModelDef,
    ObjectDef,
    Place,
    Problem,
    Source,
    WindowDef,
)
from ._events import show


@dataclass
class Read:
    """A parameter: what it reads and the type that has."""

    name: str
    kind: str  # "field" "feature" "rule" "window" "model" "event" "object" "arrival" "fired" "decision"
    type: str


@dataclass
class FunctionReport:
    function: FunctionDef
    problems: list[Problem]
    reads: list[Read]
    inferred: str  # the type of what it returns, as the compiler knows it
    bounds: Bounds | None = None  # None: it was not compiled
    ns: float | None = None  # a call on the sample: in the engine, repeated; of one that is not native, in CPython
    ns_first: float | None = None  # in the engine: the first call, after the rest of the payment
    calls: int = 0  # that were measured

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def place(self) -> Place:
        return self.function.place

    @property
    def native(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    @property
    def kept_out(self) -> Problem | None:
        """The first thing that keeps it out of the engine."""
        return next((problem for problem in self.problems if problem.severity == "error"), None)

    @property
    def notes(self) -> list[Problem]:
        """Where it may raise."""
        if self.bounds is None:
            return []
        found = []
        for hazard in self.bounds.hazards:
            what = f"{hazard.exception} is possible here" if hazard.exception else "an exception is raised here"
            found.append(Problem(hazard.place, what, hazard.text, "note", "may-raise"))
        return list(dict.fromkeys(found))

    @property
    def worst_case(self) -> str:
        if self.bounds is None:
            return ""
        if self.bounds.proved:
            return f"worst case {self.bounds.steps:,} steps"
        return f"up to the step limit of {STEPS_MAX:,}"


def functions_of(definition: Definition) -> list[FunctionDef]:
    decision = [definition.decision] if isinstance(definition.decision, FunctionDef) else []
    return [*definition.features, *definition.context_functions, *definition.rules, *decision]


def report(definition: Definition, examined: Examined) -> list[FunctionReport]:
    """One of each function, in source order within its kind."""
    made = []
    for function in functions_of(definition):
        lowered = examined.lowered.get(function)
        inferred = str(lowered.returns) if lowered is not None and lowered.returns.tags else ""
        made.append(
            FunctionReport(
                function,
                in_order(examined.of_function.get(function, [])),
                [Read(param.name, _kind(param.source), _type(param.source)) for param in function.params],
                inferred,
                examined.bounds.get(function),
            )
        )
    return made


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file and line; each said once, however often it was found."""
    seen: dict[tuple[Place | None, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.place, problem.message), problem)
    return sorted(
        seen.values(),
        key=lambda p: (str(p.place.file), p.place.line, p.place.column) if p.place else ("", 0, 0),
    )


def _kind(source: Source) -> str:
    if isinstance(source, FunctionDef):
        return source.kind
    kinds: dict[type, str] = {FieldDef: "field", WindowDef: "window", ModelDef: "model", EventDef: "event"}
    kinds |= {ObjectDef: "object", Arrival: "arrival", Fired: "fired", Decided: "decision"}
    return kinds[type(source)]


def _type(source: Source) -> str:
    if isinstance(source, FieldDef):
        items = f"list[{source.type}]" if source.is_list else source.type
        return f"{items} | None" if source.nullable else items
    if isinstance(source, WindowDef | ModelDef):
        return str(_types.of_source(source))
    if isinstance(source, FunctionDef):
        return show(source.returns)
    if isinstance(source, EventDef | ObjectDef):
        return source.cls.__name__ if source.cls is not None else "object"
    return {Arrival: "datetime", Fired: "list[str]", Decided: "str"}[type(source)]


# --- as JSON --------------------------------------------------------------------------------------------------------


def place_json(place: Place | None, folder: Path) -> dict[str, Any]:
    """Lines and columns from 1; the end is the column after the last character."""
    if place is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    return {
        "file": name_of(place.file, folder),
        "line": place.line,
        "column": place.column + 1,
        "end_line": place.end_line or place.line,
        "end_column": max(place.end_column, place.column + 1) + 1
        if place.end_line in (0, place.line)
        else place.end_column + 1,
    }


def name_of(file: Path, folder: Path) -> str:
    """As seen from the definition's folder."""
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name


def problem_json(problem: Problem, folder: Path) -> dict[str, Any]:
    return {
        "severity": problem.severity,
        "code": code_of(problem),
        "message": problem.message,
        "help": problem.help,
        "why": problem.why,
        "construct": problem.construct or None,
        **place_json(problem.place, folder),
    }


def function_json(each: FunctionReport, folder: Path) -> dict[str, Any]:
    out = each.kept_out
    bounds = each.bounds
    return {
        "name": each.name,
        "kind": each.function.kind,
        "file": name_of(each.place.file, folder),
        "line": each.place.line,
        "column": each.place.column + 1,
        "native": each.native,
        "reason": out.message if out is not None else None,
        "construct": (out.construct or None) if out is not None else None,
        "rewrite": (out.help or None) if out is not None else None,
        "type": show(each.function.returns),
        "inferred": each.inferred or None,
        "ns": each.ns,
        "ns_first": each.ns_first,
        "calls": each.calls,
        "reads": [{"name": read.name, "kind": read.kind, "type": read.type} for read in each.reads],
        "may_be_none": [place_json(p.place, folder) for p in each.problems if code_of(p) == "may-be-none"],
        "may_raise": [
            {"exception": hazard.exception or None, "why": hazard.text, **place_json(hazard.place, folder)}
            for hazard in (bounds.hazards if bounds is not None else [])
        ],
        "steps": bounds.steps if bounds is not None and bounds.proved else None,
        "steps_limit": STEPS_MAX,
        "bytes": bounds.bytes if bounds is not None else None,
        "unproved": (bounds.why_not or "the bound is above the limit")
        if bounds is not None and not bounds.proved
        else None,
    }


@dataclass
class Costs:
    """What a payment costs on the sample, in microseconds, and the budget for it."""

    payment_us: float | None = None  # in the engine: JSON in, decision out
    native_us: float | None = None  # of it in functions, repeated
    first_us: float | None = None  # in functions, each called once after the rest of the payment
    python_us: float | None = None  # in functions that are not native, in CPython
    budget_us: float | None = None

    @property
    def total_us(self) -> float | None:
        known = [each for each in (self.payment_us, self.python_us) if each is not None]
        return sum(known) if known else None

    @property
    def over(self) -> bool:
        return self.budget_us is not None and self.total_us is not None and self.total_us > self.budget_us


def costs_of(functions: list[FunctionReport], payment_us: float | None) -> Costs:
    def total(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / 1000 if known else None

    payments = [each for each in functions if each.function.event.scored]
    native = [each for each in payments if each.native]
    return Costs(
        payment_us,
        total([each.ns for each in native]),
        total([each.ns_first for each in native]),
        total([each.ns for each in payments if not each.native]),
    )


@dataclass
class Totals:
    native: int = 0
    python: int = 0
    names: list[str] = field(default_factory=list)  # of those that are not native


def totals_of(functions: list[FunctionReport]) -> Totals:
    out = [each.name for each in functions if not each.native]
    return Totals(len(functions) - len(out), len(out), out)
