"""The twin: a definition run in plain CPython. It is the specification of what the engine computes.

One event after another: parse -> functions that need no window -> windows (read, then entered) -> the other functions,
models and rules -> decision -> functions that take it -> outcome windows (entered). `assay check` and the tests compare
every value of it with the engine's, bit for bit. Written to be read; nothing here is fast.
"""

from __future__ import annotations

import ast
import datetime
import enum
import inspect
import math
import struct
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._definition import (
    MISSING,
    Arrival,
    Decided,
    Definition,
    EventDef,
    FieldDef,
    Fired,
    FunctionDef,
    ModelDef,
    ObjectDef,
    ParamDef,
    Place,
    Source,
    ThresholdsDef,
    WindowDef,
)
from ._fit import Fit, fit, fit_of_function
from ._parse import EventError, Parsed, parse, problem, to_json_bytes
from ._source import function_node
from ._windows import Entry, ReferenceWindow, has_none, key_of

if TYPE_CHECKING:
    from ._models import Built

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)


def to_us(moment: datetime.datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime.datetime:
    return EPOCH + us * MICROSECOND


@dataclass
class Run:
    """One event on its way to its answer."""

    event: EventDef
    parsed: Parsed
    seq: int
    at_us: int  # clamped
    arrival_us: int
    clamped: bool
    late: bool
    values: dict[str, Any]  # of every named field, window, feature, model and rule
    uncalled: set[str] = field(default_factory=set)  # functions that lacked an input
    errors: list[dict[str, Any]] = field(default_factory=list)
    warming: list[dict[str, Any]] = field(default_factory=list)
    fired: list[FunctionDef] = field(default_factory=list)
    outcome: str = ""  # once decided

    def time_of(self, window: WindowDef) -> int:
        """The event's time by a window's clock."""
        return self.arrival_us if window.clock == "arrival" else self.at_us


class Twin:
    """A definition in plain Python: `score` decides a payment, `event` enters a context event.

    `since`: since when every event is known (a server's first moment, where `history` is "unknown"); None: always.
    """

    def __init__(self, definition: Definition, *, since: datetime.datetime | None = None) -> None:
        self.definition = definition
        self.since_us = None if since is None else to_us(since)
        self.values: dict[str, Any] = {}  # of the last payment that was decided
        self.masked: set[str] = set()  # fields of the last event in which card numbers were masked
        self._windows = {window.name: ReferenceWindow(window) for window in definition.windows}
        self._fits: dict[FunctionDef, Fit] = {}
        self._answers: dict[tuple[str, Any], tuple[bytes, dict[str, Any]]] = {}
        self._latest_us: int | None = None  # latest (clamped) event time so far
        self._arrival_us: int | None = None
        self.seq = 0  # of the last event that was taken

    # --- the two ways in ---

    def score(self, event: Any, *, arrival: datetime.datetime | None = None) -> dict[str, Any]:
        """The decision on a payment: the same object as the server's. `arrival`: when it came; in process, where
        nothing arrives, it is the latest event time so far and nothing is clamped."""
        return self._take(self.definition.scored, event, arrival)

    def event(self, name: str, event: Any, *, arrival: datetime.datetime | None = None) -> dict[str, Any]:
        """Enters a context event into its windows."""
        for known in self.definition.events:
            if known.name == name and not known.scored:
                return self._take(known, event, arrival)
        raise EventError(problem(404, "unknown-event", "Unknown event class", f"there is no context event {name!r}"))

    def _take(self, event: EventDef, given: Any, arrival: datetime.datetime | None) -> dict[str, Any]:
        parsed = parse(event, to_json_bytes(given))
        self.masked = {name for name, count in parsed.masked.items() if count}
        content = _content(parsed)
        remembered = self._answers.get((event.name, parsed.id))
        if remembered is not None:
            if remembered[0] != content:
                detail = f"an event of this class with the id {parsed.id!r} and other content was answered before"
                raise EventError(problem(409, "conflict", "This id was used with other content", detail))
            return remembered[1]
        run = self._begin(event, parsed, arrival)
        if event.scored:
            answer = self._decide(run)
        else:
            self._call_all(run, self._functions_before(event))
            self._enter(run, outcome=False)
            answer = self._entered(run)
        self._answers[event.name, parsed.id] = content, answer
        return answer

    def _begin(self, event: EventDef, parsed: Parsed, arrival: datetime.datetime | None) -> Run:
        own_us = to_us(parsed.values[event.time.name])
        if arrival is None:
            at_us = own_us
            arrival_us = own_us if self._latest_us is None else max(self._latest_us, own_us)
        else:
            arrival_us = to_us(arrival) if self._arrival_us is None else max(self._arrival_us, to_us(arrival))
            at_us = min(own_us, arrival_us + self.definition.max_future_us)
        self._arrival_us = arrival_us
        self._latest_us = at_us if self._latest_us is None else max(self._latest_us, at_us)
        late = self._latest_us - at_us > self.definition.max_late_us
        self.seq += 1
        return Run(event, parsed, self.seq, at_us, arrival_us, at_us != own_us, late, dict(parsed.values))

    # --- functions ---

    def _functions_before(self, event: EventDef) -> list[FunctionDef]:
        """What runs before windows are read."""
        if not event.scored:
            return [function for function in self.definition.context_functions if function.event is event]
        return [source for source in self._order if isinstance(source, FunctionDef) and not source.needs_window]

    def _functions_after(self) -> list[FunctionDef | ModelDef]:
        return [
            source
            for source in self._order
            if isinstance(source, ModelDef) or (source.needs_window and not source.takes_decision)
        ]

    def _functions_after_decision(self) -> list[FunctionDef]:
        return [source for source in self._order if isinstance(source, FunctionDef) and source.takes_decision]

    @cached_property
    def _order(self) -> list[FunctionDef | ModelDef]:
        """Features, models and rules in the order in which they are called: source order, each after what it reads."""
        from ._compile import in_call_order

        return in_call_order(self.definition)

    def _call_all(self, run: Run, sources: list[Any]) -> None:
        for source in sources:
            if isinstance(source, ModelDef):
                run.values[source.name] = self._predict(source, run)
            else:
                run.values[source.name] = self._call(source, run)

    def _call(self, function: FunctionDef, run: Run) -> Any:
        """The function's result, fitted to its annotation; None if it is missing."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        keywords = keyword_only(function.function)
        for param in function.params:
            value = self._argument(param, run)
            if value is None and param.default is not MISSING:
                value = param.default
            if value is None and not param.allows_none:
                run.uncalled.add(function.name)
                return None
            if param.name in keywords:
                named[param.name] = value
            else:
                positional.append(value)
        try:
            result = function.function(*positional, **named)
        except Exception as error:
            self._fail(run, function, error, self._place_of(error, function))
            return None
        try:
            return fit(result, self._fit_of(function))
        except (TypeError, OverflowError) as error:
            line = _returning_line(function.function, positional, named)
            self._fail(run, function, error, Place(Path(function.function.__code__.co_filename), line))
            return None

    def _fit_of(self, function: FunctionDef) -> Fit:
        known = self._fits.get(function)
        return self._fits.setdefault(function, fit_of_function(function)) if known is None else known

    def _argument(self, param: ParamDef, run: Run) -> Any:
        source = param.source
        if isinstance(source, EventDef):
            return instance(source, run.parsed)
        if isinstance(source, ObjectDef):
            return nested(run.event, source, run.parsed)
        if isinstance(source, Arrival):
            return from_us(run.arrival_us)
        if isinstance(source, Fired):
            return [rule.name for rule in run.fired]
        if isinstance(source, Decided):
            return run.outcome
        value = run.values[name_of(source)]
        if isinstance(source, FieldDef):
            return as_python(source.enum, value)
        return as_python(source.result_enum, value) if isinstance(source, WindowDef) else value

    def _predict(self, model: ModelDef, run: Run) -> float | list[float]:
        """The framework's own answer. A model takes None as NaN, and a bool as 0 or 1; with several outputs: a list."""
        found = [run.values[name_of(source)] for source in model.inputs]
        values = [
            value if item is None or value is None else value[item]
            for value, item in zip(found, model.items, strict=True)
        ]
        row = [
            _model_input(model.built, each.categories is not None, value)
            for each, value in zip(model.built.inputs, values, strict=True)
        ]
        answer = [float(each) for each in model.built.predict([row])[0]]
        return answer[0] if model.built.outputs == 1 else answer

    def _place_of(self, error: Exception, function: FunctionDef) -> Place:
        """The innermost line of the definition's own sources that the exception went through."""
        place = function.place
        trace = error.__traceback__
        while trace is not None:
            file = Path(trace.tb_frame.f_code.co_filename)
            if file in self.definition.sources:
                place = Place(file, trace.tb_lineno)
            trace = trace.tb_next
        return place

    def _fail(self, run: Run, source: FunctionDef | WindowDef, error: Exception, place: Place) -> None:
        folder = self.definition.file.parent
        file = place.file.relative_to(folder) if place.file.is_relative_to(folder) else place.file
        run.errors.append(
            {"function": source.name, "error": type(error).__name__, "file": file.as_posix(), "line": place.line}
        )

    # --- windows ---

    def _read_windows(self, run: Run) -> None:
        for window in self.definition.windows:
            run.values[window.name] = self._read(window, run)

    def _read(self, window: WindowDef, run: Run) -> Any:
        if run.late and window.clock == "event":
            return None
        key, at_us = key_of(window.by, run.values), run.time_of(window)
        span_us = window.delay_us + window.over_us
        if not has_none(key) and self.since_us is not None and at_us - span_us < self.since_us:
            complete = from_us(min(self.since_us + span_us, to_us(LAST)))
            run.warming.append({"window": window.name, "until": complete.isoformat()})
            return None
        current = []
        if window.include_current and self._holds(window, run):
            current = [Entry(at_us, run.seq, self._value(window, run))]
        sought = None if window.seen is None else run.values[window.seen.name]
        try:
            return self._windows[window.name].read(key, at_us, sought, current)
        except OverflowError as error:
            self._fail(run, window, error, window.place)
            return None

    def _enter(self, run: Run, *, outcome: bool) -> None:
        """Enters the event into its windows; those over what is known only later (`outcome`) have their own turn."""
        for window in self.definition.windows:
            if window.on is run.event and window.outcome is outcome and self._holds(window, run):
                key = key_of(window.on_by, run.values)
                self._windows[window.name].enter(key, run.time_of(window), run.seq, self._value(window, run))

    def _holds(self, window: WindowDef, run: Run) -> bool:
        return window.where is None or bool(run.values[window.where.name])

    def _value(self, window: WindowDef, run: Run) -> Any:
        return None if window.value is None else run.values[window.value.name]

    # --- the decision ---

    def _decide(self, run: Run) -> dict[str, Any]:
        self._call_all(run, self._functions_before(run.event))
        self._read_windows(run)
        self._enter(run, outcome=False)
        self._call_all(run, self._functions_after())
        run.fired = [rule for rule in self.definition.rules if self._fires(rule, run)]
        by_rules = max((self._severity(rule.outcome) for rule in run.fired), default=0)
        run.outcome = self._outcome(run, by_rules)
        if self.definition.decision_is_read:
            run.values[self.definition.decision_name] = run.outcome
        self._call_all(run, self._functions_after_decision())
        self._enter(run, outcome=True)
        self.values = {name: run.values.get(name) for name in self._named()}
        score = self.definition.score
        answer: dict[str, Any] = {
            "id": run.parsed.id,
            "decision": run.outcome,
            "score": None if score is None else _json_number(run.values[name_of(score)]),
            "reasons": [{"rule": rule.name, "text": rule.doc} for rule in run.fired],
            "errors": run.errors,
        }
        not_evaluated = [
            rule.name for rule in self.definition.rules if rule.name in run.uncalled and rule not in run.fired
        ]
        if not_evaluated:
            answer["not_evaluated"] = not_evaluated
        return answer | self._flags(run)

    def _fires(self, rule: FunctionDef, run: Run) -> bool:
        if rule.name in run.uncalled:
            return rule.on_missing == "fire"
        return run.values[rule.name] is True

    def _severity(self, outcome: str) -> int:
        return list(self.definition.outcomes).index(outcome)

    def _outcome(self, run: Run, by_rules: int) -> str:
        """The decision's word; if it has none, the more severe of the fired rules and `on_error`."""
        outcomes = list(self.definition.outcomes)
        decision = self.definition.decision
        on_error = max(by_rules, self._severity(run.event.on_error))
        if decision is None:
            return outcomes[by_rules]
        if isinstance(decision, ThresholdsDef):
            score = run.values[name_of(decision.score)]
            if score is None:
                self._decision_failed(run, "MissingInput", "decide", decision.place.line)
                return outcomes[on_error]
            reached = [self._severity(outcome) for outcome, least in decision.levels if score >= least]
            return outcomes[max([by_rules, *reached])]
        errors = len(run.errors)
        answer = self._call(decision, run)
        if answer in outcomes:
            return str(answer)
        if len(run.errors) == errors:  # it did not raise
            error = "MissingInput" if decision.name in run.uncalled else "UnknownOutcome"
            self._decision_failed(run, error, decision.name, decision.place.line)
        return outcomes[on_error]

    def _decision_failed(self, run: Run, error: str, name: str, line: int) -> None:
        """A failure that is no exception of the function."""
        run.errors.append({"function": name, "error": error, "file": self.definition.file.name, "line": line})

    def _entered(self, run: Run) -> dict[str, Any]:
        return {"id": run.parsed.id, "event": run.event.name, "errors": run.errors} | self._flags(run)

    def _flags(self, run: Run) -> dict[str, Any]:
        flags: dict[str, Any] = {}
        if run.warming:
            flags["warming"] = run.warming
        if run.late:
            flags["late"] = True
        if run.clamped:
            flags["clamped"] = True
        return flags | {"bundle": self.definition.name, "seq": run.seq, "took_us": 0}

    def _named(self) -> Iterator[str]:
        """The names of all values, as the engine has them."""
        definition = self.definition
        yield from (each.name for each in definition.scored.fields)
        yield from (window.name for window in definition.windows)
        yield from (feature.name for feature in definition.features)
        yield from (model.name for model in definition.models)
        yield from (rule.name for rule in definition.rules)
        if definition.decision_is_read:
            yield definition.decision_name


# --- arguments ------------------------------------------------------------------------------------------------------


def as_python(cls: type[enum.Enum] | None, value: Any) -> Any:
    """A value as functions get it: an Enum's member for its value. `cls`: the Enum, if it is of one."""
    if cls is None or value is None:
        return value
    if isinstance(value, list):
        return [None if item is None else cls(item) for item in value]
    return cls(value)


def instance(event: EventDef, parsed: Parsed) -> Any:
    """The event as an object of the user's class."""
    return _build(event.cls, "", event, parsed)


def nested(event: EventDef, source: ObjectDef, parsed: Parsed) -> Any:
    """A nested object of the user's class; None if it was null or not there."""
    if source.name in parsed.absent:
        return None
    assert source.cls is not None
    return _build(source.cls, source.name + ".", event, parsed)


def _build(cls: type, prefix: str, event: EventDef, parsed: Parsed) -> Any:
    arguments: dict[str, Any] = {}
    for each in event.fields:
        if each.name.startswith(prefix) and "." not in each.name[len(prefix) :]:
            arguments[each.name[len(prefix) :]] = as_python(each.enum, parsed.values[each.name])
    for inner in event.objects:
        if inner.cls is not None and inner.name.startswith(prefix) and "." not in inner.name[len(prefix) :]:
            arguments[inner.name[len(prefix) :]] = nested(event, inner, parsed)
    return cls(**arguments)


@lru_cache(maxsize=4096)
def keyword_only(function: Callable[..., Any]) -> frozenset[str]:
    """The parameters that must be given by name."""
    parameters = inspect.signature(function).parameters.values()
    return frozenset(each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY)


# --- small things ---------------------------------------------------------------------------------------------------


def name_of(source: Source) -> str:
    """The name that a source's value has."""
    assert not isinstance(source, Arrival | Fired | Decided)
    return source.name


def _returning_line(function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> int:
    """The line of the `return` that a function leaves by (of its last statement, if it falls off its end): it is called
    again, watched. It is pure."""
    line = 0

    def watch(frame: types.FrameType, happening: str, _: Any) -> Any:
        nonlocal line
        if frame.f_code is not function.__code__:
            return None
        if happening == "return":
            line = frame.f_lineno
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        function(*positional, **named)
    finally:
        sys.settrace(before)
    returns, last = _ways_out(function)
    return next((first for first, end in returns if first <= line <= end), last or line)


@lru_cache(maxsize=4096)
def _ways_out(function: Callable[..., Any]) -> tuple[list[tuple[int, int]], int]:
    """The first and last line of each `return` of a function, and the line of its last statement (0: no source)."""
    node = function_node(function)
    if node is None or isinstance(node, ast.Lambda):
        return [], 0
    returns = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
    return [(each.lineno, each.end_lineno or each.lineno) for each in returns], node.body[-1].lineno


def _content(parsed: Parsed) -> bytes:
    """What makes two events the same: their fields' values, to the bit and the type."""

    def exact(value: Any) -> Any:
        if isinstance(value, float):
            return "float", struct.pack("<d", value)
        if isinstance(value, list):
            return [exact(item) for item in value]
        return type(value).__name__, value

    return repr([(name, exact(value)) for name, value in parsed.values.items()]).encode()


FLOAT32_MAX = 3.4028234663852886e38


def _model_input(built: Built, category: bool, value: Any) -> Any:
    """A framework that refuses infinity is given the largest float32 in its place: the same side of every split."""
    if value is None or (category and isinstance(value, str)):
        return math.nan if value is None and not category else value
    number = float(value)
    return max(-FLOAT32_MAX, min(FLOAT32_MAX, number)) if built.finite and not math.isnan(number) else number


def _json_number(value: Any) -> Any:
    """A score as JSON has it: what is not finite is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
