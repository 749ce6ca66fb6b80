"""The compiler: a Definition to a plan, everything that a bundle holds.

    read (_read.py)  ->  type (_types.py), lower (_lower.py)  ->  share (_share.py)  ->  emit (_emit.py)  ->  _bundle.py

`build(path, out)` does it all. The plan's format is docs/bundle.md. Problems of all functions are collected, then
raised together as a DefinitionError; warnings travel with the plan.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import types
import typing
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from . import _golden
from ._bounds import STEPS_MAX, Bounds, of_definition
from ._bundle import write_bundle
from ._common import chosen
from ._definition import (
    MISSING,
    Decided,
    Definition,
    DefinitionError,
    EventDef,
    FieldDef,
    FunctionDef,
    ModelDef,
    Problem,
    Secrecy,
    Source,
    ThresholdsDef,
    WindowDef,
    WindowInput,
)
from ._emit import FILES_MAX, FRAME_MAX, Emitted, Frame, Piece, emit, files_of
from ._events import SCALARS, show, strip_none
from ._flow import Handler, Routine, Unit
from ._freeze import TAGS, freeze
from ._lower import Lowered, lower
from ._optimize import Optimizer
from ._read import read
from ._share import Cell, Constants, Instruction, Label

ID_RETENTION_US = 7 * 86_400_000_000
STREAMS_MAX, STREAM_PARTS_MAX = 64, 64
LIMITS = {
    "fields": 1024,
    "windows": 512,
    "rules": 256,
    "models": 32,
    "tokenizers": 32,
    "embeddings": 32,
    "vectorizers": 32,
    "event classes": 32,
}


@dataclass
class Plan:
    """What goes into a bundle: its parts by name."""

    definition: Definition
    json: dict[str, Any]
    parts: dict[str, bytes]
    warnings: list[Problem] = field(default_factory=list)


@dataclass
class BuildResult:
    definition: Definition
    plan: Plan
    hash: str
    problems: list[Problem]  # warnings


def build(path: Path, out: Path) -> BuildResult:
    """Reads, compiles and writes a bundle. Raises DefinitionError."""
    definition = read(Path(path))
    plan = compile(definition)
    return BuildResult(definition, plan, write_bundle(plan.parts, Path(out)), plan.warnings)


def compile(definition: Definition) -> Plan:
    """The plan of a definition. Raises DefinitionError with every problem of every function."""
    return _Compiler(definition).plan()


@dataclass
class Examined:
    """A definition as far as it could be compiled, for `assay check`."""

    plan: Plan | None  # None: there are errors
    problems: list[Problem]
    of_function: dict[FunctionDef, list[Problem]]
    lowered: dict[FunctionDef, Lowered]
    bounds: dict[FunctionDef, Bounds]
    numbers: dict[FunctionDef, int]  # of the functions in the plan


def examine(definition: Definition) -> Examined:
    """Compiles, and keeps what is known of each function also where something is wrong."""
    compiler = _Compiler(definition)
    try:
        plan, problems = (made := compiler.plan()), made.warnings
    except DefinitionError as error:
        plan, problems = None, error.problems
        compiler.bound_what_is_right()
    numbers = {function: number for number, function in enumerate(compiler.functions)}
    lowered = {each.function: each for each in compiler.lowered}
    return Examined(plan, problems, compiler.unit.of_function, lowered, compiler.bounds, numbers)


class _Compiler:
    def __init__(self, definition: Definition):
        from ._engine import BUILTINS, EXCEPTIONS, OPCODES

        self.definition = definition
        self.constants = Constants()
        self.slots: dict[Source, Cell] = {}
        self.hash_slots: dict[FieldDef, Cell] = {}
        self.slot_count = 0
        arrival, fired, decided = self.slot(), self.slot(), Cell("slot", -1)
        if definition.decision_is_read:
            decided = self.slot()
        self.opcodes = {name: number for name, (number, _) in OPCODES.items()}
        self.forms = {name: form for name, (_, form) in OPCODES.items()}
        self.unit = Unit(
            definition, self.constants, self.slots, arrival, fired, decided, BUILTINS, self.opcodes, EXCEPTIONS
        )
        self.functions = [*definition.features, *definition.rules, *definition.context_functions]
        if isinstance(definition.decision, FunctionDef):
            self.functions.append(definition.decision)
        self.frame = Frame(0, 0, 0)
        self.streams: list[dict[str, Any]] = []
        self.lowered: list[Lowered] = []
        self.bounds: dict[FunctionDef, Bounds] = {}

    def slot(self) -> Cell:
        self.slot_count += 1
        return Cell("slot", self.slot_count - 1)

    def report(self, source: FunctionDef | WindowDef | ModelDef, message: str, help: str = "") -> None:
        self.unit.current = source if isinstance(source, FunctionDef) else None
        self.unit.report(Problem(source.place, message, help))
        self.unit.current = None

    def plan(self) -> Plan:
        self.give_slots()
        results = [self.result(function) for function in self.functions]
        lowered = self.lowered = [lower(self.unit, function) for function in self.functions]
        golden = {f"golden/{m.name}": self.golden(m) for m in self.definition.models}
        self.check_limits()
        self.raise_problems()
        for event in self.definition.events:
            for each in event.fields:
                self.field_constants(each)
        sharing = self.with_sharing(lowered)
        routines = list(self.unit.routines.values())
        own = max([1, *(each.temporaries for each in sharing)])
        bases = list(accumulate((each.temporaries for each in routines), initial=own))
        pieces = self.optimized(sharing, routines, bases)
        shared = len(self.unit.shared_cells or {})
        self.frame = Frame(len(self.constants.data), self.slot_count, bases[-1], shared)
        if self.frame.cells > FRAME_MAX:
            message = f"the definition needs {self.frame.cells:,} cells, at most {FRAME_MAX:,} are possible"
            raise DefinitionError([Problem(self.definition.scored.place, message, "fewer constants or features")])
        files = files_of(pieces)
        if len(files) > FILES_MAX:
            message = f"the definition's functions stand in {len(files):,} files, at most {FILES_MAX:,} are possible"
            raise DefinitionError([Problem(self.definition.scored.place, message, "fewer modules")])
        self.bounds = of_definition(self.definition, self.unit, self.called_in_order(lowered))
        emitted = emit(pieces, self.frame, self.opcodes, files)
        content = self.json(lowered, results, emitted, files)
        content["routines"] = [
            self.routine(each, base, span, handlers)
            for each, base, span, handlers in zip(
                routines, bases, emitted.spans[len(lowered) :], emitted.handlers[len(lowered) :], strict=False
            )
        ]
        self.check_streams()
        parts = {
            "plan.json": to_json(content),
            "code.bin": bytes(emitted.code),
            "position.bin": bytes(emitted.positions),
            "constant.bin": self.constants.serialized(),
            "unicode.bin": self.unicode(),
            "provenance.json": to_json(self.provenance()),
            **{f"model/{m.name}": m.data for m in self.definition.models},
            **{f"embedding/{n}": each.part for n, each in enumerate(self.definition.embeddings)},
            **{f"vectorizer/{n}": each.part for n, each in enumerate(self.definition.vectorizers)},
            **{f"tokenizer/{n}": each.part for n, each in enumerate(self.definition.tokenizers)},
            **golden,
            **{f"source/{self.relative(path)}": text.encode() for path, text in self.definition.sources.items()},
        }
        return Plan(self.definition, content, parts, self.in_order())

    def with_sharing(self, lowered: list[Lowered]) -> list[Lowered]:
        """The functions again, those that have common subexpressions sharing them. What windows are known by, and the
        bounds, go by the code without: it is a function's own, whatever stands beside it."""
        self.unit.shared_cells = chosen(self.unit.common)
        having = {function for key in self.unit.shared_cells for function in self.unit.common[key]}
        return [lower(self.unit, each.function) if each.function in having else each for each in lowered]

    def optimized(self, functions: list[Lowered], routines: list[Routine], bases: list[int]) -> list[Piece]:
        """What is emitted of functions and routines. It may add constants."""
        optimizer = Optimizer(self.forms, self.unit.builtins, self.constants)
        pieces = [Piece(*optimizer.optimized(each.code, each.handlers), 0) for each in functions]
        for each, base in zip(routines, bases, strict=False):
            pieces.append(Piece(*optimizer.optimized(each.code, each.handlers), base))
        return pieces

    def bound_what_is_right(self) -> None:
        """The bounds of those functions in which nothing is wrong, where others have errors."""
        wrong = {f for f, found in self.unit.of_function.items() if any(p.severity == "error" for p in found)}
        right = [each for each in self.called_in_order(self.lowered) if each.function not in wrong]
        self.bounds = of_definition(self.definition, self.unit, right)

    def called_in_order(self, lowered: list[Lowered]) -> list[Lowered]:
        """Each function after those that it reads."""
        of = {each.function: each for each in lowered}
        first = [source for source in in_call_order(self.definition) if isinstance(source, FunctionDef)]
        return [of[function] for function in dict.fromkeys([*first, *self.functions]) if function in of]

    # --- problems ---

    def in_order(self) -> list[Problem]:
        return sorted(
            self.unit.problems,
            key=lambda p: (str(p.place.file), p.place.line, p.place.column) if p.place else ("", 0, 0),
        )

    def raise_problems(self) -> None:
        if any(p.severity == "error" for p in self.unit.problems):
            raise DefinitionError(self.in_order())

    def check_limits(self) -> None:
        definition = self.definition
        counts = {
            "fields": sum(len(e.fields) for e in definition.events),
            "windows": len(definition.windows),
            "rules": len(definition.rules),
            "models": len(definition.models),
            "tokenizers": len(definition.tokenizers),
            "embeddings": len(definition.embeddings),
            "vectorizers": len(definition.vectorizers),
            "event classes": len(definition.events),
        }
        for what, count in counts.items():
            if count > LIMITS[what]:
                message = f"{count} {what}, at most {LIMITS[what]} are possible"
                self.unit.report(Problem(definition.scored.place, message))

    def check_streams(self) -> None:
        """The limits of what windows share, which are known only once the windows are laid out."""
        place = self.definition.scored.place
        if len(self.streams) > STREAMS_MAX:
            what = f"the windows have {len(self.streams)} different keys, at most {STREAMS_MAX} are possible"
            raise DefinitionError([Problem(place, what, "an event class, key, clock and way of entering make one")])
        for stream in self.streams:
            for part, name in (("columns", "values"), ("wheres", "where=")):
                if len(stream[part]) > STREAM_PARTS_MAX:
                    what = f"windows of one key have {len(stream[part])} different {name}"
                    raise DefinitionError([Problem(place, f"{what}, at most {STREAM_PARTS_MAX} are possible")])

    # --- cells ---

    def give_slots(self) -> None:
        for event in self.definition.events:
            for each in event.fields:
                self.slots[each] = self.slot()
                if each.secrecy is Secrecy.SECRET:
                    self.hash_slots[each] = self.slot()
        others: list[Source] = [*self.definition.windows, *self.functions, *self.definition.models]
        for source in others:
            self.slots[source] = self.slot()

    def field_constants(self, each: FieldDef) -> None:
        for value in [each.default, *(each.choices or ())]:
            if value is not MISSING and value is not None:
                self.constants.cell(freeze(value).data)

    def cell(self, source: Source) -> int:
        return self.frame.number(self.slots[source])

    def window_cell(self, source: WindowInput) -> int:
        """Of a Secret field, windows see its hash."""
        if isinstance(source, FieldDef) and source in self.hash_slots:
            return self.frame.number(self.hash_slots[source])
        return self.cell(source)

    def constant_number(self, value: Any) -> int | None:
        return None if value is None or value is MISSING else self.frame.number(self.constants.cell(freeze(value).data))

    # --- plan.json ---

    def json(
        self, lowered: list[Lowered], results: list[dict[str, Any]], emitted: Emitted, files: list[Path]
    ) -> dict[str, Any]:
        definition = self.definition
        windows = [self.window(window, lowered) for window in definition.windows]
        return {
            "format": 1,
            "name": definition.name,
            "file": self.relative(definition.file),
            "files": [self.relative(file) for file in files],
            "python": platform.python_version(),
            "unicode": unicodedata.unidata_version,
            "outcomes": list(definition.outcomes),
            "history": definition.history,
            "frame": {
                "constants": self.frame.constants,
                "slots": self.frame.slots,
                "temporaries": self.frame.temporaries + self.frame.shared,
            },
            "arrival": self.frame.number(self.unit.arrival),
            "fired": self.frame.number(self.unit.fired),
            "max_late_us": definition.max_late_us,
            "max_future_us": definition.max_future_us,
            "id_retention_us": ID_RETENTION_US,
            "limits": {"steps": STEPS_MAX},
            "events": [self.event(event) for event in definition.events],
            "functions": [
                self.function(each, result, span, handlers)
                for each, result, span, handlers in zip(lowered, results, emitted.spans, emitted.handlers, strict=False)
            ],
            "classes": [
                {"name": each.cls.__name__, "fields": list(each.fields), "flags": each.flags}
                for each in self.unit.classes.values()
            ],
            "exceptions": [
                {"name": cls.__name__, "parent": self.unit.exception_parent(cls)} for cls in self.unit.own_exceptions
            ],
            "after": [
                ["model", definition.models.index(s)]
                if isinstance(s, ModelDef)
                else ["function", self.functions.index(s)]
                for s in in_call_order(definition)
                if isinstance(s, ModelDef) or (s.needs_window and not s.takes_decision)
            ],
            "after_decision": [
                self.functions.index(s)
                for s in in_call_order(definition)
                if isinstance(s, FunctionDef) and s.takes_decision
            ],
            "streams": self.streams,
            "windows": windows,
            "models": [self.model(model) for model in definition.models],
            "tokenizers": [
                {"part": f"tokenizer/{n}", "file": each.path.name} for n, each in enumerate(definition.tokenizers)
            ],
            "embeddings": [{"part": f"embedding/{n}"} for n, _ in enumerate(definition.embeddings)],
            "vectorizers": [{"part": f"vectorizer/{n}"} for n, _ in enumerate(definition.vectorizers)],
            "rules": [
                {
                    "function": self.functions.index(rule),
                    "outcome": rule.outcome,
                    "text": rule.doc,
                    "on_missing": rule.on_missing,
                }
                for rule in definition.rules
            ],
            "decision": self.decision(),
            "slots": self.named_slots(),
        }

    def event(self, event: EventDef) -> dict[str, Any]:
        if event.scored:
            before = [s for s in in_call_order(self.definition) if isinstance(s, FunctionDef) and not s.needs_window]
        else:
            before = [f for f in self.definition.context_functions if f.event is event]
        return {
            "name": event.name,
            "scored": event.scored,
            "line": event.place.line,
            "id": event.fields.index(event.id),
            "time": event.fields.index(event.time),
            "forbid_extra": event.forbid_extra,
            "naive_is_utc": event.timezone == "UTC",
            "on_error": event.on_error,
            "fields": [self.field(each) for each in event.fields],
            "nodes": nodes(event),
            "before": [self.functions.index(function) for function in before],
        }

    def field(self, each: FieldDef) -> dict[str, Any]:
        secret = self.hash_slots.get(each)
        return {
            "name": each.name,
            "type": each.type,
            "list": each.is_list,
            "nullable": each.nullable,
            "item_nullable": each.item_nullable,
            "required": each.default is MISSING,
            "secrecy": each.secrecy.value,
            "unit": each.unit,
            "slot": self.cell(each),
            "hash_slot": None if secret is None else self.frame.number(secret),
            "default": self.constant_number(each.default),
            "choices": None if each.choices is None else [self.constant_number(choice) for choice in each.choices],
        }

    def routine(self, each: Routine, base: int, span: tuple[int, int], handlers: list[list[int]]) -> dict[str, Any]:
        return {
            "name": each.name,
            "first": span[0],
            "count": span[1],
            "base": base,
            "cells": each.temporaries,
            "parameters": len(each.parameters),
            "handlers": handlers,
        }

    def function(
        self, each: Lowered, result: dict[str, Any], span: tuple[int, int], handlers: list[list[int]]
    ) -> dict[str, Any]:
        function = each.function
        return {
            "name": function.name,
            "kind": function.kind,
            "slot": self.cell(function),
            "file": self.relative(function.file),
            "line": function.place.line,
            "first": span[0],
            "count": span[1],
            "handlers": handlers,
            "required": [self.frame.number(cell) for cell in each.required],
            "result": result,
            "secret": function.secret,
            "steps": self.bounds[function].steps if self.bounds[function].proved else None,
        }

    def window(self, window: WindowDef, lowered: list[Lowered]) -> dict[str, Any]:
        stream = self.stream(window)
        entry = self.streams[stream]
        column = where = None
        if window.value is not None:
            column = position(entry["columns"], self.window_cell(window.value))
        if window.where is not None:
            where = position(entry["wheres"], self.cell(window.where))
        return {
            "name": window.name,
            "kind": window.kind,
            "stream": stream,
            "column": column,
            "where": where,
            "over_us": window.over_us,
            "delay_us": window.delay_us,
            "include_current": window.include_current,
            "half_life_us": window.half_life_us,
            "float": window.value_type == "float",
            "key": [self.window_cell(part) for part in window.by],
            "seen": None if window.seen is None else self.window_cell(window.seen),
            "slot": self.cell(window),
            "file": self.relative(window.place.file),
            "line": window.place.line,
            "identity": Identities(self.definition, lowered, self.constants, self.slots, self.unit).of_window(window),
        }

    def stream(self, window: WindowDef) -> int:
        """The stream of a window's event class, key and way of entering, which windows share."""
        shared = {
            "event": self.definition.events.index(window.on),
            "key": [self.window_cell(part) for part in window.on_by],
            "clock": window.clock,
            "outcome": window.outcome,
        }
        for at, entry in enumerate(self.streams):
            if all(entry[name] == value for name, value in shared.items()):
                return at
        self.streams.append({**shared, "columns": [], "wheres": []})
        return len(self.streams) - 1

    def model(self, model: ModelDef) -> dict[str, Any]:
        return {
            "name": model.name,
            "format": model.format,
            "part": f"model/{model.name}",
            "golden": f"golden/{model.name}",
            "inputs": self.inputs(model),
            "slot": self.cell(model),
        }

    def inputs(self, model: ModelDef) -> list[int | list[int]]:
        """A cell, or [cell, first, count] for items of a vector."""
        made: list[int | list[int]] = []
        for source, item in zip(model.inputs, model.items, strict=True):
            cell, last = self.cell(source), made[-1] if made else None
            if item is None:
                made.append(cell)
            elif isinstance(last, list) and last[0] == cell and last[1] + last[2] == item:
                last[2] += 1
            else:
                made.append([cell, item, 1])
        return made

    def decision(self) -> dict[str, Any]:
        decision = self.definition.decision
        score = None if self.definition.score is None else self.cell(self.definition.score)
        kind = "rules" if decision is None else "function" if isinstance(decision, FunctionDef) else "thresholds"
        return {
            "kind": kind,
            "function": self.functions.index(decision) if isinstance(decision, FunctionDef) else None,
            "score": score,
            "levels": [list(level) for level in decision.levels] if isinstance(decision, ThresholdsDef) else [],
            "line": decision.place.line if decision is not None else None,
            "slot": self.frame.number(self.unit.decided) if self.definition.decision_is_read else None,
        }

    def named_slots(self) -> list[dict[str, Any]]:
        scored = self.definition.events.index(self.definition.scored)
        kinds = {FieldDef: "field", WindowDef: "window", ModelDef: "model"}
        named = []
        for name, source in self.definition.names.items():
            kind = source.kind if isinstance(source, FunctionDef) else kinds.get(type(source), "")
            if kind not in ("field", "window", "feature", "model", "rule"):
                continue
            secret = (
                source.secrecy is Secrecy.SECRET if isinstance(source, FieldDef) else getattr(source, "secret", False)
            )
            size = source.vector if isinstance(source, FunctionDef | ModelDef) else 0
            slot = {"name": name, "kind": kind, "slot": self.cell(source), "event": scored, "secret": secret}
            named.append(slot | ({"size": size} if size else {}))
        if self.definition.decision_is_read:
            decided = self.frame.number(self.unit.decided)
            name = self.definition.decision_name
            named.append({"name": name, "kind": "decision", "slot": decided, "event": scored, "secret": False})
        return named

    # --- results ---

    def result(self, function: FunctionDef) -> dict[str, Any]:
        """What a function's result must fit, from its annotation."""
        annotation = function.returns
        truth = function.kind == "rule" or strip_none(plain(annotation))[0] is bool
        try:
            mask, items = result_masks(annotation)
        except ValueError as error:
            self.report(function, f"{function.name} returns `{show(annotation)}`: {error}", RESULT_HELP)
            return {"mask": 0, "item_mask": 0, "truth": False}
        allowed = (1 << TAGS["bool"]) | (1 << TAGS["none"])
        if function.kind == "rule" and mask & ~allowed:
            self.report(
                function,
                f"the rule {function.name} returns `{show(annotation)}`, expected bool",
                f"def {function.name}(...) -> bool",
            )
        if function.kind == "decision" and mask & ~((1 << TAGS["str"]) | (1 << TAGS["none"])):
            self.report(
                function, f"the decision returns `{show(annotation)}`, expected str", f"def {function.name}(...) -> str"
            )
        size = {"size": function.vector} if function.vector else {}
        return {"mask": mask, "item_mask": items, "truth": truth} | size

    # --- the other parts ---

    def golden(self, model: ModelDef) -> bytes:
        try:
            return _golden.rows_of(model)
        except _golden.CannotPredict as error:
            self.report(model, str(error), error.help)
            return b""

    def unicode(self) -> bytes:
        from ._unicode import tables

        return tables()

    def provenance(self) -> dict[str, Any]:
        return {
            "python": platform.python_version(),
            "implementation": sys.implementation.name,
            "platform": f"{platform.system()}-{platform.machine()}",
            "packages": _golden.versions(self.definition.models),
        }

    def relative(self, path: Path) -> str:
        folder = self.definition.file.parent
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


# --- small parts of the plan ----------------------------------------------------------------------------------------

RESULT_HELP = "bool, int, float, str, datetime, date, timedelta, list[...], tuple[...] of these, `| None`"


def plain(annotation: Any) -> Any:
    return annotation.__origin__ if typing.get_origin(annotation) is typing.Annotated else annotation


def result_masks(annotation: Any) -> tuple[int, int]:
    """The mask of tags that a result may have, and that of its items (0: any). ValueError says what is missing."""
    annotation = plain(annotation)
    base, nullable = strip_none(annotation)
    none = (1 << TAGS["none"]) if nullable or base is None or base is type(None) else 0
    origin, arguments = typing.get_origin(plain(base)), typing.get_args(plain(base))
    base = plain(base)
    if base is None or base is type(None):
        return none, 0
    scalar = {**SCALARS, timedelta: "timedelta"}
    if isinstance(base, type) and not arguments and base in scalar:
        return none | (1 << TAGS[scalar[base]]), 0
    if origin is typing.Literal:
        kinds = {type(a) for a in arguments}
        if not kinds <= {str, int, bool} or (bool in kinds and len(kinds) > 1):
            raise ValueError("the values of a Literal must be all strings or all integers")
        return none | sum(1 << TAGS[k.__name__] for k in kinds), 0
    if origin in (typing.Union, types.UnionType):
        masks = [result_masks(a) for a in arguments]
        total = 0
        for mask, _ in masks:
            total |= mask
        if total & (1 << TAGS["bool"]):
            raise ValueError("bool cannot be joined with another type")
        items = [item for _, item in masks if item]
        if len(items) > 1 or (items and total & (1 << TAGS["list"]) and total & (1 << TAGS["tuple"])):
            raise ValueError("two kinds of lists cannot be joined yet")
        return none | total, items[0] if items else 0
    if base in (list, tuple):
        return none | (1 << TAGS[base.__name__]), 0
    if origin in (list, tuple):
        return none | (1 << TAGS[origin.__name__]), item_mask([a for a in arguments if a is not Ellipsis])
    raise ValueError("this type cannot leave a function yet")


def item_mask(arguments: list[Any]) -> int:
    """One mask for all items; 0 (any) where they differ, as at the boundary in Python."""
    masks = {result_masks(a) for a in arguments}
    if any(items for _, items in masks):
        raise ValueError("lists inside lists are checked to one level only; annotate the inner ones as plain `list`")
    for argument in arguments:
        inner = strip_none(plain(argument))[0]
        if typing.get_origin(inner) in (list, tuple):
            raise ValueError(
                "lists inside lists are checked to one level only; annotate the inner ones as plain `list`"
            )
    return masks.pop()[0] if len(masks) == 1 else 0


def in_call_order(definition: Definition) -> list[FunctionDef | ModelDef]:
    """Features, models and rules in source order, each after what it reads."""
    ordered: list[FunctionDef | ModelDef] = []

    def visit(source: Source) -> None:
        if not isinstance(source, FunctionDef | ModelDef) or source in ordered:
            return
        for inner in source.inputs if isinstance(source, ModelDef) else [param.source for param in source.params]:
            visit(inner)
        ordered.append(source)

    wanted: list[FunctionDef | ModelDef] = [*definition.features, *definition.models, *definition.rules]
    for source in sorted(wanted, key=lambda s: s.place.line):
        visit(source)
    return ordered


def nodes(event: EventDef) -> list[dict[str, Any]]:
    """The tree of JSON names, level by level, so that the children of a node lie together."""
    children: dict[tuple[str, ...], list[str]] = {(): []}
    for each in event.fields:
        for depth in range(len(each.path)):
            known = children.setdefault(each.path[:depth], [])
            if each.path[depth] not in known:
                known.append(each.path[depth])
    leaves = {each.path: number for number, each in enumerate(event.fields)}
    objects = {each.path: each for each in event.objects}
    made: list[dict[str, Any]] = []
    paths: list[tuple[str, ...]] = [()]
    for path in paths:
        below = [(*path, name) for name in children.get(path, [])]
        leaf = leaves.get(path)
        if leaf is not None:
            each = event.fields[leaf]
            nullable, required = each.nullable, each.default is MISSING
        else:
            nullable, required = (objects[path].nullable, objects[path].required) if path else (False, True)
        made.append(
            {
                "name": path[-1] if path else "",
                "field": leaf,
                "first": len(paths) if below else 0,
                "count": len(below),
                "nullable": nullable,
                "required": required,
            }
        )
        paths.extend(below)
    return made


def position(items: list[int], item: int) -> int:
    """Where it is in the list, to which it is added if it is new."""
    if item not in items:
        items.append(item)
    return items.index(item)


def to_json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


class Identities:
    """What makes a window the same in another bundle: its kind, arguments and the code of every function it reads.

    An outcome window reads other windows, models and the decision, perhaps itself: what is met again on the way is
    told by how far up the way it was met. One object is for one window, so that nothing depends on the others.
    """

    def __init__(
        self,
        definition: Definition,
        lowered: Iterable[Lowered],
        constants: Constants,
        slots: dict[Source, Cell],
        unit: Unit,
    ):
        self.definition = definition
        self.routines = list(unit.routines.values())
        self.classes = list(unit.classes.values())
        self.exceptions = [*unit.exceptions, *(f"{cls.__module__}.{cls.__qualname__}" for cls in unit.own_exceptions)]
        self.inside: list[int] = []  # the routines that are being told
        self.code = {each.function: each for each in lowered}
        self.constants = constants
        self.sources = {cell.number: source for source, cell in slots.items()}
        self.way: list[Source] = []
        self.known: dict[Source, str] = {}

    def of_window(self, window: WindowDef) -> str:
        self.way.append(window)
        text = f"{window.kind}({'' if window.value is None else self.of(window.value)})"
        text += f" of {window.on.name} by ({', '.join(self.of(part) for part in window.on_by)})"
        text += f" over {window.over_us}us"
        if not window.on.scored:
            text += f" read by ({', '.join(self.of(part) for part in window.by)})"
        if window.seen is not None and window.seen is not window.value:
            text += f" seeking {self.of(window.seen)}"
        if window.where is not None:
            text += f" where {self.of(window.where)}"
        if window.delay_us:
            text += f" delay {window.delay_us}us"
        if window.half_life_us is not None:
            text += f" half-life {window.half_life_us}us"
        if window.clock != "event":
            text += f" by {window.clock}"
        if window.outcome:
            text += " once decided"
        self.way.pop()
        return text + (" with current" if window.include_current else "")

    def of(self, source: WindowInput) -> str:
        if isinstance(source, FieldDef):
            items = "list of " if source.is_list else ""
            secret = "secret " if source.secrecy is Secrecy.SECRET else ""
            return f"{'.'.join(source.path)}: {secret}{items}{source.type}"
        if source in self.way:
            return f"the one {len(self.way) - self.way.index(source)} up"
        known = self.known.get(source)
        if known is None:
            known = self.known[source] = f"{source.name}: {digest(self.canonical(source))}"
        return known

    def canonical(self, source: FunctionDef | WindowDef | ModelDef) -> str:
        if isinstance(source, WindowDef):
            return self.of_window(source)
        self.way.append(source)
        if isinstance(source, ModelDef):
            inputs = [
                self.of(each) + ("" if item is None else f" item {item}")
                for each, item in zip(source.inputs, source.items, strict=True)
                if isinstance(each, WindowInput)
            ]
            text = f"{source.format} {hashlib.sha256(source.data).hexdigest()} of ({', '.join(inputs)})"
        else:
            text = self.canonical_code(source)
        self.way.pop()
        return text

    def canonical_code(self, function: FunctionDef) -> str:
        """A function's code with names for slots and bytes for constants, independent of their numbers."""
        if function.made is not None:
            made, source = function.made, function.params[0].source
            table = made.tokenizer or made.embedding or made.vectorizer
            part = "" if table is None else hashlib.sha256(table.part).hexdigest()
            if made.vectorizer is not None and made.vectorizer.pattern is not None:
                part += f" {made.vectorizer.pattern!r}"
            of = self.of(source) if isinstance(source, WindowInput) else ""
            return f"{made.builtin} {part} {made.special} {made.arguments} of {of}"
        lowered = self.code[function]
        result = show(function.returns) + (f" of {function.size}" if function.size else "")
        lines = [f"{result} {' '.join(self.operand(cell) for cell in lowered.required)}"]
        lines += self.canonical_piece(lowered.code, lowered.handlers)
        if any(isinstance(param.source, Decided) for param in function.params):
            lines.append(self.decision())
        return "\n".join(lines)

    def canonical_piece(self, code: list[Instruction], handlers: list[Handler]) -> list[str]:
        lines = []
        for each in code:
            operands = [self.operand(cell) if cell is not None else "-" for cell in (each.a, each.b)]
            lines.append(f"{each.op} {each.x} {' '.join(operands)} {self.third(each)}")
        for handler in handlers:
            span = [label.position for label in handler[:3]]
            lines.append(f"handler {span} {self.operand(handler.cell)}")
        return lines

    def third(self, each: Instruction) -> str:
        """What an instruction's c stands for, independent of its number."""
        if isinstance(each.c, Label):
            return str(each.c.position)
        if isinstance(each.c, Cell):
            cells = [each.c._replace(number=each.c.number + part) for part in range(3 if each.op == "SLICE" else 1)]
            return " ".join(self.operand(cell) for cell in cells)
        if each.op in ("ROUTINE", "GENERATOR") and isinstance(each.c, int):
            return self.canonical_routine(each.c)
        if each.op in ("OBJECT", "IS_OBJECT") and isinstance(each.c, int):
            info = self.classes[each.c]
            return f"{info.cls.__qualname__} {info.fields} {info.flags}"
        if each.op in ("EXCEPTION", "IS_EXCEPTION") and isinstance(each.c, int):
            return self.exceptions[each.c]
        return str(each.c)

    def canonical_routine(self, number: int) -> str:
        if number in self.inside:
            return f"the routine {len(self.inside) - self.inside.index(number)} up"
        self.inside.append(number)
        routine = self.routines[number]
        lines = [f"{routine.name} {routine.parameters}", *self.canonical_piece(routine.code, routine.handlers)]
        self.inside.pop()
        return digest("\n".join(lines))

    def decision(self) -> str:
        """What makes the outcome: the decision and, as they may count in it, the rules."""
        definition, decision = self.definition, self.definition.decision
        text = f"decided among {definition.outcomes}, else {definition.scored.on_error}: "
        if isinstance(decision, FunctionDef):
            text += self.of(decision)
        elif isinstance(decision, ThresholdsDef) and isinstance(decision.score, WindowInput):
            text += f"{self.of(decision.score)} at {decision.levels}"
        rules = [f"{rule.outcome} {rule.on_missing} {self.of(rule)}" for rule in definition.rules]
        return "\n".join([text, *rules])

    def operand(self, cell: Cell) -> str:
        if cell.kind == "constant":
            return self.constants.data_of(cell).hex()
        if cell.kind == "temporary":
            return f"t{cell.number}"
        source = self.sources.get(cell.number)
        return self.of(source) if isinstance(source, WindowInput) else f"slot{cell.number}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


__all__ = ["BuildResult", "Plan", "build", "compile"]
