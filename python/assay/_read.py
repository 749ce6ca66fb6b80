"""Reads a definition: executes the user's module once and resolves every name in it to a Definition.

    read(path)  ->  execute  ->  declared objects by variable name  ->  events, functions, windows, models  ->  checks

The module runs with its own folder as the working directory and first on the import path; modules that it imports from
that folder are read afresh and recorded as sources. All problems are collected and raised together.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import itertools
import os
import re
import site
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import _api
from ._api import EventMark, Mark, Model, NotYet, Thresholds, Window
from ._definition import (
    MISSING,
    Arrival,
    Definition,
    DefinitionError,
    EventDef,
    FieldDef,
    Fired,
    FunctionDef,
    ModelDef,
    ObjectDef,
    ParamDef,
    Place,
    Problem,
    Secrecy,
    Source,
    ThresholdsDef,
    WindowDef,
)
from ._events import SCALARS, EventReader, show, strip_none
from ._source import function_node, name_place, parameter_place, text_of

PACKAGE = Path(__file__).resolve().parent
OUTCOMES = ("approve", "review", "decline")
UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
SPAN_MAX_US = 400 * UNITS_US["d"]
KINDS = ("count", "sum", "mean", "seen")
RESERVED = ("arrival", "fired")


def read(path: Path) -> Definition:
    """The definition in a file. Raises DefinitionError with everything that is wrong with it."""
    path = Path(path).resolve()
    if not path.is_file():
        raise DefinitionError(
            [Problem(None, f"{path} is not a file", "give the path of a definition, such as fraud.py")]
        )
    with _api.collecting() as declared:
        module, sources = _execute(path)
    return _Reader(path, module, declared, sources).definition()


# --- executing ------------------------------------------------------------------------------------------------------


def _is_users(file: str | None, folder: Path) -> bool:
    """A module of the user's own: in the definition's folder, not installed and not a test."""
    if not file or not file.endswith(".py"):
        return False
    path = Path(file).resolve()
    installed = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()]
    inside = path.is_relative_to(folder) and not path.is_relative_to(PACKAGE)
    nested = path.relative_to(folder).parts if inside else ()
    outside = not any(path.is_relative_to(root) and not folder.is_relative_to(root) for root in installed)
    hidden = any(p.startswith(".") or p in ("site-packages", "dist-packages") for p in nested)
    return inside and outside and not hidden and not path.name.startswith(("test_", "conftest"))


@contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """The working directory, import path and module table that a definition runs in, restored afterwards."""
    before = Path.cwd()
    bytecode = sys.dont_write_bytecode
    main = sys.modules.get("__main__")
    kept = {
        name: module
        for name, module in list(sys.modules.items())
        if module is not main and _is_users(getattr(module, "__file__", None), folder)
    }
    for name in kept:
        del sys.modules[name]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        os.chdir(before)
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if module is not main and _is_users(getattr(module, "__file__", None), folder):
                del sys.modules[name]
        sys.modules.update(kept)


def _execute(path: Path) -> tuple[types.ModuleType, dict[Path, str]]:
    text = text_of(path)
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise DefinitionError([_syntax_problem(path, error)]) from None
    name = f"assay_definition.{path.stem}"
    module = types.ModuleType(name, None)
    module.__file__ = str(path)
    folder = path.parent
    sources = {path: text}
    with _surroundings(folder):
        sys.modules[name] = module  # dataclasses and typing look the module up while it runs
        try:
            exec(code, module.__dict__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a definition may not end the tool that reads it
            raise DefinitionError([_execution_problem(error, folder)]) from error
        for other in list(sys.modules.values()):
            file = getattr(other, "__file__", None)
            if other is not sys.modules.get("__main__") and _is_users(file, folder):
                source = Path(str(file)).resolve()
                sources[source] = text_of(source)
    sys.modules[name] = module
    return module, sources


def _syntax_problem(path: Path, error: Exception) -> Problem:
    if isinstance(error, SyntaxError) and error.lineno:
        file = Path(error.filename) if error.filename else path
        column = max((error.offset or 1) - 1, 0)
        end_line = error.end_lineno or error.lineno
        end = max((error.end_offset or 0) - 1, column + 1) if end_line == error.lineno else column + 1
        return Problem(Place(file, error.lineno, column, end, error.lineno), f"{type(error).__name__}: {error.msg}")
    return Problem(Place(path, 1), f"{type(error).__name__}: {error}")


def _execution_problem(error: BaseException, folder: Path) -> Problem:
    """The exception that the module raised, at the last line of the user's own files."""
    if isinstance(error, SyntaxError):
        return _syntax_problem(folder, error)
    place = None
    trace = error.__traceback__
    while trace is not None:
        if _is_users(trace.tb_frame.f_code.co_filename, folder):
            place = _api.place_of_instruction(trace.tb_frame.f_code, trace.tb_lasti, trace.tb_lineno)
        trace = trace.tb_next
    text = str(error)
    return Problem(place, f"{type(error).__name__}: {text}" if text else type(error).__name__)


# --- resolving ------------------------------------------------------------------------------------------------------


def parse_span(text: Any) -> int | None:
    """ "10m" in microseconds; None if it is not a whole number and a unit."""
    match = re.fullmatch(r"([0-9]+)(us|ms|s|m|h|d|w)", text) if isinstance(text, str) else None
    return int(match[1]) * UNITS_US[match[2]] if match else None


def scalar_of(annotation: Any) -> str:
    """The scalar type that an annotation names, "" if it is another or unknown."""
    base, _ = strip_none(_plain(annotation))
    return SCALARS.get(_plain(base), "") if isinstance(_plain(base), type) else ""


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if typing.get_origin(annotation) is typing.Annotated else annotation


def value_type(source: Source) -> str:
    """The scalar type of what a source gives, "" if unknown."""
    if isinstance(source, FieldDef):
        return "" if source.is_list else source.type
    if isinstance(source, FunctionDef):
        return "bool" if source.kind == "rule" else scalar_of(source.returns)
    if isinstance(source, WindowDef):
        return {"count": "int", "mean": "float", "seen": "bool"}.get(source.kind, source.value_type)
    return {ModelDef: "float", Arrival: "datetime"}.get(type(source), "")


class _Reader:
    def __init__(
        self, path: Path, module: types.ModuleType, declared: Sequence[_api.Declared], sources: Mapping[Path, str]
    ):
        self.path = path
        self.module = module
        self.declared = declared
        self.sources = sources
        self.problems: list[Problem] = []
        self.events: dict[type, EventDef] = {}
        self.names: dict[str, Source] = {}
        self.aliases: dict[str, Source] = {}  # further names of the same thing
        self.by_declared: dict[int, Source] = {}  # id(Mark, Window, Model) -> what it became
        self.functions: list[tuple[FunctionDef, Mark]] = []
        self.windows: list[tuple[WindowDef, Window]] = []
        self.models: list[tuple[ModelDef, Model]] = []
        self.thresholds: list[Thresholds] = []
        self.broken: set[str] = set()  # names whose own declaration is wrong: reading them is no second problem
        self.outcomes: Sequence[str] = OUTCOMES

    def report(self, place: Place | None, message: str, help: str = "") -> None:
        self.problems.append(Problem(place, message, help))

    def definition(self) -> Definition:
        self.read_settings()
        self.read_events()
        scored = self.scored_event()
        self.read_names(scored)
        self.check_unbound()
        for function, mark in self.functions:
            self.resolve_parameters(function, mark)
        for window, declared in self.windows:
            self.resolve_window(window, declared)
        for model, declared_model in self.models:
            self.resolve_model(model, declared_model)
        self.check_cycles()
        self.propagate()
        self.check_windows()
        self.check_rules()
        decision = self.decision()
        if any(p.severity == "error" for p in self.problems):
            raise DefinitionError(self.in_order(self.problems))
        assert scored is not None
        functions = [f for f, _ in self.functions]
        models = [m for m, _ in self.models]
        score: Source | None = models[-1] if models else None
        return Definition(
            name=self.path.stem,
            file=self.path,
            module=self.module,
            events=list(self.events.values()),
            scored=scored,
            features=[f for f in functions if f.kind == "feature" and f.event is scored],
            context_functions=[f for f in functions if f.event is not scored],
            windows=[w for w, _ in self.windows],
            models=models,
            rules=[f for f in functions if f.kind == "rule"],
            decision=decision,
            score=decision.score if isinstance(decision, ThresholdsDef) else score,
            outcomes=self.outcomes,
            history=self.module.__dict__.get("history", "unknown"),
            sources=self.sources,
            names=self.names,
        )

    @staticmethod
    def in_order(problems: Sequence[Problem]) -> list[Problem]:
        unique = list(dict.fromkeys(problems))
        return sorted(
            unique, key=lambda p: (str(p.place.file), p.place.line, p.place.column) if p.place else ("", 0, 0)
        )

    # --- the module's settings and events ---

    def read_settings(self) -> None:
        given = self.module.__dict__.get("outcomes", OUTCOMES)
        here = Place(self.path, self.line_of_assignment("outcomes"))
        if (
            not isinstance(given, tuple | list)
            or not 2 <= len(given) <= 16
            or not all(isinstance(o, str) and o for o in given)
            or len(set(given)) < len(given)
        ):
            self.report(here, f"outcomes is {given!r}, expected 2 to 16 different names, mild to severe", "")
        else:
            self.outcomes = tuple(given)
        history = self.module.__dict__.get("history", "unknown")
        if history not in ("empty", "unknown"):
            here = Place(self.path, self.line_of_assignment("history"))
            self.report(here, f'history is {history!r}, expected "empty" or "unknown"')

    def line_of_assignment(self, name: str) -> int:
        for number, line in enumerate(text_of(self.path).split("\n"), 1):
            if re.match(rf"{name}\s*[:=]", line):
                return number
        return 1

    def read_events(self) -> None:
        for value in self.module.__dict__.values():
            mark = value.__dict__.get("__assay_event__") if isinstance(value, type) else None
            if isinstance(mark, EventMark) and value not in self.events:
                event = EventReader(mark, self.report).read()
                if event is not None:
                    self.events[value] = event
                    self.broken.update(f.name for f in event.fields)

    def scored_event(self) -> EventDef | None:
        scored = [e for e in self.events.values() if e.scored]
        if len(scored) > 1:
            self.report(
                scored[1].place,
                f"{scored[0].name} and {scored[1].name} are both scored; exactly one event is",
                f"@event(..., scored=False) makes {scored[1].name} a context event",
            )
        if not scored and not any(isinstance(d, EventMark) and d.options["scored"] for d in self.declared):
            self.report(
                Place(self.path, 1),
                "no event is scored",
                'declare one: @event(id="id", time="at") above a class with annotated fields',
            )
        self.broken.clear()
        for event in self.events.values():
            if event.on_error not in self.outcomes:
                self.report(event.place, f'on_error is "{event.on_error}", expected one of {quoted(self.outcomes)}')
        return scored[0] if scored else None

    # --- names ---

    def read_names(self, scored: EventDef | None) -> None:
        if scored is not None:
            for field in scored.fields:
                self.names[field.name] = field
                if field.name in RESERVED:
                    self.report(
                        field.place,
                        f"a field cannot be named {field.name}: parameters of that name are taken",
                        "use Field(alias=)",
                    )
        for name, value in self.module.__dict__.items():
            mark = getattr(value, "__assay__", None) if isinstance(value, types.FunctionType) else None
            thing = mark if isinstance(mark, Mark) else value
            if not isinstance(thing, Mark | Window | Model | Thresholds | NotYet):
                continue
            if isinstance(thing, NotYet):
                if any(thing is d for d in self.declared):
                    self.broken.add(name)
                continue
            known = self.by_declared.get(id(thing))
            if known is not None:
                self.aliases[name] = known
                continue
            self.add_name(name, thing, scored)
        for declared in self.declared:
            if isinstance(declared, NotYet):
                self.report(declared.place, f"{declared.what} is not available yet")

    def add_name(self, name: str, thing: Mark | Window | Model | Thresholds, scored: EventDef | None) -> None:
        if isinstance(thing, Thresholds):
            self.thresholds.append(thing)
            return
        place = self.function_place(thing.function) if isinstance(thing, Mark) else thing.place
        taken = self.names.get(name)
        if taken is not None or name in RESERVED:
            what = describe(taken) if taken is not None else "a reserved name"
            self.report(place, f"{name} is already {what}", "give it another name")
            return
        if isinstance(thing, Mark):
            function = self.make_function(name, thing, place, scored)
            if function is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = function
            if function.event is scored:
                self.names[name] = function
        elif isinstance(thing, Window):
            window = self.make_window(name, thing, scored)
            if window is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = window
        else:
            model = self.make_model(name, thing)
            if model is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = model

    def check_unbound(self) -> None:
        """Declarations of this file that no variable holds: replaced by a later one of the same name, or never named."""
        bound = {id(getattr(v, "__assay__", v)) for v in self.module.__dict__.values()}
        bound |= {id(v.__dict__.get("__assay_event__")) for v in self.module.__dict__.values() if isinstance(v, type)}
        for declared in self.declared:
            if isinstance(declared, NotYet) or id(declared) in bound or declared.place.file != self.path:
                continue
            if isinstance(declared, Mark | EventMark):
                thing = declared.function if isinstance(declared, Mark) else declared.cls
                place = self.function_place(thing) if isinstance(declared, Mark) else declared.place
                known = self.module.__dict__.get(thing.__name__)
                help = "give one of them another name" if known is not None else "declare it at module level"
                self.report(
                    place,
                    f"{thing.__name__} is not in the module: a later line replaces it"
                    if known is not None
                    else f"{thing.__name__} is declared but no variable of the module holds it",
                    help,
                )
            else:
                what = type(declared).__name__.lower()
                self.report(
                    declared.place,
                    f"no variable of the module holds this {what}",
                    "assign it: the variable's name is its name",
                )

    def function_place(self, function: Callable[..., Any]) -> Place:
        node = function_node(function)
        code = getattr(function, "__code__", None)
        if node is None or code is None:
            return Place(Path(code.co_filename), code.co_firstlineno) if code else Place(self.path, 1)
        return name_place(Path(code.co_filename), node)

    # --- functions ---

    def make_function(self, name: str, mark: Mark, place: Place, scored: EventDef | None) -> FunctionDef | None:
        function = mark.function
        if not isinstance(function, types.FunctionType):
            self.report(mark.place, f"{name} is not a plain function", "decorate a `def`")
            return None
        if mark.options.get("size") is not None:
            self.report(
                mark.place,
                "vector features (size=) are not available yet",
                "return a float from each of several features",
            )
        if mark.options.get("python"):
            self.report(mark.place, "@feature(python=True) is not available yet")
        if (
            inspect.iscoroutinefunction(function)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            self.report(
                place,
                f"{name} is {'a generator' if inspect.isgeneratorfunction(function) else 'async'}",
                "a feature is a plain `def` that returns its value",
            )
            return None
        hints = self.hints(function, place)
        if hints is None:
            return None
        event = self.event_of(function, hints) or scored
        if event is None:
            return None
        made = FunctionDef(
            name,
            mark.kind,
            function,
            [],
            hints.get("return", MISSING),
            event,
            place,
            self.reason(name, function),
        )
        if mark.kind == "feature" and event is not scored:
            made.kind = "where"
        elif event is not scored:
            self.report(place, f"{name} is a {mark.kind} over {event.name}, which is not scored")
        if made.returns is MISSING:
            self.report(
                place,
                f"{name} has no return annotation",
                f"say what it returns: def {name}(...) -> {'bool' if mark.kind == 'rule' else 'str' if mark.kind == 'decision' else 'float'}",
            )
        if mark.kind == "rule":
            made.outcome, made.on_missing = mark.options["outcome"], mark.options["on_missing"]
        self.functions.append((made, mark))
        return made

    @staticmethod
    def reason(name: str, function: Callable[..., Any]) -> str:
        paragraph = (inspect.getdoc(function) or "").strip().split("\n\n")[0]
        return " ".join(paragraph.split()) or name.replace("_", " ")

    def hints(self, function: Callable[..., Any], place: Place) -> dict[str, Any] | None:
        try:
            return typing.get_type_hints(function, include_extras=True)
        except Exception as error:
            self.report(place, f"an annotation of {function.__name__} cannot be read: {type(error).__name__}: {error}")
            return None

    def event_of(self, function: Callable[..., Any], hints: Mapping[str, Any]) -> EventDef | None:
        """The context event that a parameter is annotated with, if any."""
        for name, hint in hints.items():
            base = strip_none(_plain(hint))[0]
            if name != "return" and isinstance(base, type) and base in self.events and not self.events[base].scored:
                return self.events[base]
        return None

    def resolve_parameters(self, function: FunctionDef, mark: Mark | None) -> None:
        hints = self.hints(function.function, function.place) or {}
        node = function_node(function.function)
        if node is None:
            self.report(function.place, f"the source of {function.name} cannot be found")
            return
        file = Path(function.function.__code__.co_filename)
        for parameter in inspect.signature(function.function).parameters.values():
            place = parameter_place(file, node, parameter.name)
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
                self.report(
                    place, f"{function.name} takes {stars}{parameter.name}", "name each parameter after what it reads"
                )
                continue
            annotation = hints.get(parameter.name, MISSING)
            source = self.parameter_source(function, parameter.name, annotation, place)
            if source is None:
                continue
            allows = annotation is MISSING or annotation in (Any, object, None) or strip_none(_plain(annotation))[1]
            default = MISSING if parameter.default is parameter.empty else parameter.default
            function.params.append(ParamDef(parameter.name, source, allows, default, annotation))

    def parameter_source(self, function: FunctionDef, name: str, annotation: Any, place: Place) -> Source | None:
        base = strip_none(_plain(annotation))[0]
        if isinstance(base, type) and base in self.events:
            if self.events[base] is not function.event:
                self.report(place, f"{function.name} reads both {function.event.name} and {base.__name__}")
            return self.events[base]
        if not function.event.scored:
            self.report(
                place, f"{function.name} is a function over {function.event.name}: it takes the event and nothing else"
            )
            return None
        if name == "arrival":
            return Arrival()
        if name == "fired":
            if function.kind != "decision":
                self.report(place, "only the decision knows which rules fired", "take the rule's name as a parameter")
                return None
            return Fired()
        for declared in function.event.objects:
            if declared.name == name and declared.cls is not None:
                if isinstance(base, type) and base is not declared.cls:
                    self.report(place, f"{name} is annotated `{show(base)}` but is a {declared.cls.__name__}")
                return declared
        source = self.lookup(name, f"{function.name} reads", place)
        if isinstance(source, FunctionDef) and source.kind == "decision":
            self.report(place, f"{function.name} reads the decision {name}: outcome features are not available yet")
            return None
        return source

    def lookup(self, name: str, who: str, place: Place, names: Mapping[str, Source] | None = None) -> Source | None:
        """What a name stands for; an unknown one is a problem that names the nearest."""
        pool = {**self.aliases, **self.names} if names is None else names
        found = pool.get(name)
        if found is None and name not in self.broken:
            kinds = "a field, feature, window or model" if names is None else "a field or function of that event"
            self.report(place, f'{who} "{name}", which is not {kinds}', nearest(name, pool))
        return found

    # --- windows ---

    def make_window(self, name: str, declared: Window, scored: EventDef | None) -> WindowDef | None:
        if declared.kind not in KINDS:
            self.report(declared.place, f"window.{declared.kind} is not available yet", f"there are {', '.join(KINDS)}")
            return None
        options = dict(declared.options)
        known = {"by", "over", "where", "on", "delay", "include_current", "clock", "half_life"}
        for option in sorted(set(options) - known):
            self.report(
                declared.place,
                f"window.{declared.kind} has no argument {option}=",
                nearest(option, dict.fromkeys(known)),
            )
        if options.get("half_life") is not None:
            self.report(declared.place, "half_life= is for decayed_sum, which is not available yet")
        if options.get("clock", "event") != "event":
            self.report(
                declared.place,
                f"clock={options['clock']!r} is not available yet",
                'windows run on the event\'s own time: clock="event"',
            )
        on = options.get("on")
        event = scored if on is None else self.events.get(on) if isinstance(on, type) else None
        if event is None:
            if on is not None:
                self.report(
                    declared.place,
                    f"on={show(on)} is not an event class",
                    "decorate the class with @event(..., scored=False)",
                )
            return None
        over = self.span(declared, "over", options.get("over"))
        delay = 0 if options.get("delay") is None else self.span(declared, "delay", options["delay"])
        if over is None or delay is None:
            over, delay = over or 1, delay or 0  # reported; the rest of the window is looked at all the same
        elif over == 0:
            self.report(declared.place, 'over="0" covers nothing')
        if over + delay > SPAN_MAX_US:
            self.report(declared.place, "a window reaches back at most 400 days (over and delay together)")
        window = WindowDef(
            name,
            declared.kind,
            None,
            [],
            event,
            [],
            over,
            delay,
            None,
            bool(options.get("include_current", False)),
            declared.place,
        )
        if window.include_current and (event is not scored or delay):
            why = "with delay=" if delay else f"with on={event.name}"
            self.report(declared.place, f"include_current=True {why}: the current event cannot be in that window")
        self.windows.append((window, declared))
        return window

    def span(self, declared: Window, name: str, text: Any) -> int | None:
        if text is None:
            self.report(
                declared.place,
                f"window.{declared.kind} needs {name}=",
                f'{name}="10m": a whole number and us, ms, s, m, h, d or w',
            )
            return None
        span = parse_span(text)
        if span is None:
            self.report(
                declared.place,
                f"{name}={text!r} is not a length of time",
                'a whole number and us, ms, s, m, h, d or w: "10m"',
            )
        return span

    def event_names(self, event: EventDef) -> dict[str, Source]:
        """What windows over an event may name: its fields and the functions over it."""
        if event.scored:
            return {
                n: s
                for n, s in {**self.aliases, **self.names}.items()
                if isinstance(s, FieldDef | FunctionDef | WindowDef | ModelDef)
            }
        names: dict[str, Source] = {f.name: f for f in event.fields}
        names.update({f.name: f for f, _ in self.functions if f.event is event})
        return names

    def part(self, what: Any, role: str, event: EventDef, place: Place) -> FieldDef | FunctionDef | None:
        """A window's value, where or key: a name, or the function itself."""
        source: Source | None
        if isinstance(what, str):
            source = self.lookup(what, f"{role} names", place, self.event_names(event))
        elif isinstance(what, types.FunctionType):
            mark = getattr(what, "__assay__", None)
            source = (
                self.by_declared.get(id(mark)) if mark is not None else self.bare_function(what, role, event, place)
            )
            if source is None and isinstance(mark, Mark) and mark.function.__name__ not in self.broken:
                self.report(place, f"{role}: {what.__name__} is not in the module")
        elif isinstance(what, Window | Model | NotYet):
            source = self.by_declared.get(id(what))
        else:
            self.report(place, f"{role} is {what!r}, expected a name or a function")
            return None
        if isinstance(source, WindowDef | ModelDef):
            self.report(
                place,
                f"{role} is {source.name}, {describe(source)}: outcome windows are not available yet",
                "name a field, or a feature that needs no window",
            )
            return None
        if isinstance(source, FunctionDef) and source.kind in ("rule", "decision"):
            self.report(
                place,
                f"{role} is the {source.kind} {source.name}: outcome windows are not available yet",
                "name a field, or a feature that needs no window",
            )
            return None
        if isinstance(source, FunctionDef) and source.event is not event:
            self.report(place, f"{role}: {source.name} is a function over {source.event.name}, expected {event.name}")
            return None
        return source if isinstance(source, FieldDef | FunctionDef) else None

    def bare_function(
        self, function: types.FunctionType, role: str, event: EventDef, place: Place
    ) -> FunctionDef | None:
        """An undecorated function over a context event, given itself."""
        known = next((f for f, _ in self.functions if f.function is function), None)
        if known is not None:
            return known
        hints = self.hints(function, place) or {}
        if event.scored or self.event_of(function, hints) is not event:
            help = (
                "decorate it with @feature"
                if event.scored
                else f"annotate its parameter: def {function.__name__}(event: {event.name}) -> bool"
            )
            self.report(place, f"{role} is {function.__name__}, which is not a feature", help)
            return None
        mark = Mark("feature", function, self.function_place(function))
        made = self.make_function(function.__name__, mark, mark.place, None)
        if made is not None:
            made.kind = "where"
            self.resolve_parameters(made, mark)
        return made

    def resolve_window(self, window: WindowDef, declared: Window) -> None:
        options, place = declared.options, declared.place
        if window.kind != "count":
            window.value = self.part(declared.value, f"the value of {window.name}", window.on, place)
            if window.value is not None:
                self.check_value(window, window.value, place)
        if options.get("where") is not None:
            window.where = self.part(options["where"], f"where= of {window.name}", window.on, place)
            if isinstance(window.where, FieldDef) and (window.where.type != "bool" or window.where.is_list):
                self.report(
                    place,
                    f"where= of {window.name} is {window.where.name}, a {window.where.type}, expected bool",
                    "write a @feature that returns bool",
                )
            elif isinstance(window.where, FunctionDef) and value_type(window.where) != "bool":
                returns = window.where.returns
                if returns is not MISSING:
                    message = f"where= of {window.name} is {window.where.name}, which returns a {show(returns)}, expected bool"
                    self.report(place, message, "annotate it: -> bool")
        self.resolve_key(window, options.get("by"), place)

    def check_value(self, window: WindowDef, value: FieldDef | FunctionDef, place: Place) -> None:
        window.value_type = value_type(value)
        if isinstance(value, FieldDef) and value.is_list:
            self.report(place, f"the value of {window.name} is {value.name}, a list, which windows cannot take")
        elif window.kind in ("sum", "mean") and window.value_type not in ("int", "float", "bool"):
            shown = window.value_type or show(value.returns if isinstance(value, FunctionDef) else "")
            self.report(place, f"the value of {window.name} is {value.name}, a {shown}, expected a number")
        if window.kind != "seen":
            return
        window.seen = value
        if not window.on.scored:
            own = self.names.get(value.name)
            window.seen = own if isinstance(own, FieldDef | FunctionDef) else None
            if window.seen is None:
                self.report(
                    place,
                    f"{window.name} looks for this event's {value.name}, which it has not",
                    "name a field that both have",
                )
            else:
                self.check_key_types(window, window.seen, value, place)

    def resolve_key(self, window: WindowDef, by: Any, place: Place) -> None:
        scored = next((e for e in self.events.values() if e.scored), window.on)
        same = window.on is scored
        if by is None:
            pairs: list[tuple[Any, Any]] = []
        elif isinstance(by, Mapping):
            pairs = list(by.items())
        elif isinstance(by, str) or callable(by):
            pairs = [(by, by)]
        elif isinstance(by, Sequence):
            pairs = [(b, b) for b in by]
        else:
            self.report(place, f"by= of {window.name} is {by!r}, expected a name, a tuple of names or a dict", "")
            return
        if len(pairs) > 8:
            self.report(place, f"by= of {window.name} has {len(pairs)} parts, at most 8 are possible")
        if isinstance(by, Mapping) and same:
            self.report(
                place,
                f"by= of {window.name} pairs names of two events, but the window is over {scored.name} itself",
                "by=(...)",
            )
            return
        if not same and any(not isinstance(theirs, str) and ours is theirs for ours, theirs in pairs):
            self.report(
                place,
                f"by= of {window.name} names fields that both events have",
                "by={ours: theirs} pairs different ones",
            )
            return
        for ours, theirs in pairs:
            mine = self.part(ours, f"by= of {window.name}", scored, place)
            other = mine if same else self.part(theirs, f"by= of {window.name}", window.on, place)
            if mine is None or other is None:
                continue
            for part in (mine, other):
                if isinstance(part, FieldDef) and part.is_list:
                    self.report(place, f"by= of {window.name}: {part.name} is a list, which cannot be a key")
            if not same:
                self.check_key_types(window, mine, other, place)
            window.by.append(mine)
            window.on_by.append(other)

    def check_key_types(
        self, window: WindowDef, mine: FieldDef | FunctionDef, other: FieldDef | FunctionDef, place: Place
    ) -> None:
        ours, theirs = value_type(mine), value_type(other)
        if ours and theirs and ours != theirs:
            self.report(
                place, f"{window.name} pairs {mine.name}, a {ours}, with {window.on.name}.{other.name}, a {theirs}"
            )
        mine_secret, other_secret = (isinstance(p, FieldDef) and p.secrecy is Secrecy.SECRET for p in (mine, other))
        if mine_secret != other_secret:
            self.report(
                place,
                f"{window.name} pairs {mine.name} with {window.on.name}.{other.name}, of which only one is Secret",
                "both or neither",
            )

    def check_windows(self) -> None:
        """What is known only once functions are resolved: outcome windows and secrets."""
        for window, declared in self.windows:
            parts = [p for p in (window.value, window.where, *window.by, *window.on_by) if p is not None]
            for part in dict.fromkeys(parts):
                if isinstance(part, FunctionDef) and part.needs_window:
                    why = (
                        "arrival" if any(isinstance(p.source, Arrival) for p in part.params) else "a window or a model"
                    )
                    self.report(
                        declared.place,
                        f"{window.name} reads {part.name}, which reads {why}: outcome windows are not available yet",
                        "name a field, or a feature that needs no window",
                    )
            secret = isinstance(window.value, FunctionDef) and window.value.secret
            secret = secret or (isinstance(window.value, FieldDef) and window.value.secrecy is Secrecy.SECRET)
            if secret and window.kind != "seen" and window.value is not None:
                self.report(
                    declared.place,
                    f"{window.name} would return {window.value.name}, which is Secret",
                    "windows may count it or key by it",
                )

    # --- models ---

    def make_model(self, name: str, declared: Model) -> ModelDef | None:
        for option in declared.options:
            self.report(declared.place, f"model(..., {option}=) is not available yet")
        source = declared.source
        if isinstance(source, str | Path):
            path = (self.path.parent / source).resolve()
            try:
                data = path.read_bytes()
            except OSError as error:
                self.report(
                    declared.place,
                    f"the model {source} cannot be read: {error.strerror}",
                    f"paths are relative to {self.path.parent}",
                )
                return None
        else:
            path = Path(f"{name}.txt")
            booster = getattr(source, "booster_", source)
            if not type(booster).__module__.startswith("lightgbm") or not hasattr(booster, "model_to_string"):
                self.report(
                    declared.place,
                    f"a model of type {type(source).__name__} is not available yet",
                    "LightGBM's Booster and LGBMClassifier are, and its text files",
                )
                return None
            data = booster.model_to_string().encode()
        names = self.model_inputs(declared, path, data)
        if names is None:
            return None
        made = ModelDef(name, path, "lightgbm", data, [], names, declared.place)
        self.models.append((made, declared))
        return made

    def model_inputs(self, declared: Model, path: Path, data: bytes) -> list[str] | None:
        head = data.split(b"\nTree=", 1)[0].decode("utf-8", "replace")
        if not head.startswith("tree\n"):
            other = {".json": "XGBoost and CatBoost", ".ubj": "XGBoost", ".cbm": "CatBoost", ".onnx": "ONNX"}.get(
                path.suffix
            )
            message = f"{other} models are not available yet" if other else f"{path.name} is not a LightGBM text model"
            self.report(declared.place, message, "booster.save_model(...) of LightGBM writes one")
            return None
        values = dict(line.split("=", 1) for line in head.split("\n") if "=" in line)
        if values.get("num_class", "1") != "1":
            self.report(
                declared.place,
                f"{path.name} has {values['num_class']} classes; multiclass models are not available yet",
            )
        return values.get("feature_names", "").split()

    def resolve_model(self, model: ModelDef, declared: Model) -> None:
        place = declared.place
        if declared.inputs is None:
            given: list[Any] = list(model.input_names)
            if given and all(re.fullmatch(r"Column_\d+", g) for g in given) and not any(g in self.names for g in given):
                self.report(
                    place,
                    f"{model.path.name} was trained without feature names",
                    "name its inputs in order: inputs=[...]",
                )
                return
        else:
            given = list(declared.inputs)
            if len(given) != len(model.input_names):
                self.report(place, f"{model.name} takes {len(model.input_names)} inputs, inputs= names {len(given)}")
                return
        for what in given:
            source: Source | None
            if isinstance(what, str):
                source = self.lookup(what, f"the model {model.name} takes", place)
            else:
                source = self.by_declared.get(id(getattr(what, "__assay__", what)))
                if source is None:
                    self.report(place, f"an input of {model.name} is {what!r}, expected a name")
            if source is None:
                continue
            self.check_input(model, source, place)
            model.inputs.append(source)

    def check_input(self, model: ModelDef, source: Source, place: Place) -> None:
        name = getattr(source, "name", "arrival")
        kind = value_type(source)
        if isinstance(source, FunctionDef) and source.kind == "decision":
            self.report(place, f"the model {model.name} takes {name}, which is the decision")
        elif kind not in ("int", "float", "bool"):
            help = (
                "categories are not available yet: turn it into a number in a @feature"
                if kind == "str"
                else "turn it into a number in a @feature"
            )
            self.report(
                place,
                f"the model {model.name} takes {name}, which is a {kind or 'value of unknown type'}, expected a number",
                help,
            )

    # --- the whole ---

    @staticmethod
    def reads(source: Source) -> list[Source]:
        if isinstance(source, FunctionDef):
            return [p.source for p in source.params]
        if isinstance(source, ModelDef):
            return list(source.inputs)
        if isinstance(source, WindowDef):
            return [p for p in (source.value, source.where, source.seen, *source.by, *source.on_by) if p is not None]
        return []

    def check_cycles(self) -> None:
        done: set[int] = set()
        path: list[Source] = []
        found = False

        def visit(source: Source) -> None:
            nonlocal found
            if id(source) in done or found:
                return
            if any(source is p for p in path):
                names = [getattr(p, "name", "") for p in path[next(i for i, p in enumerate(path) if p is source) :]]
                place = getattr(source, "place", None)
                self.report(
                    place, f"{' reads '.join([*names, names[0]])}: a cycle", "one of them must not need the others"
                )
                found = True
                return
            path.append(source)
            for read in self.reads(source):
                visit(read)
            path.pop()
            done.add(id(source))

        for thing in [f for f, _ in self.functions] + [w for w, _ in self.windows] + [m for m, _ in self.models]:
            visit(thing)

    def propagate(self) -> None:
        """needs_window and secret, from what functions read. Cycles end it too: the marks only grow."""
        changed = True
        models: dict[int, bool] = {}
        while changed:
            changed = False
            for function, _ in self.functions:
                needs = any(
                    isinstance(p.source, WindowDef | ModelDef | Arrival | Fired)
                    or (isinstance(p.source, FunctionDef) and p.source.needs_window)
                    for p in function.params
                )
                secret = any(self.is_secret(p.source, function.event, models) for p in function.params)
                if (needs, secret) != (function.needs_window, function.secret):
                    function.needs_window, function.secret = needs, secret
                    changed = True
            for model, _ in self.models:
                value = any(self.is_secret(s, None, models) for s in model.inputs)
                changed = changed or models.get(id(model), False) != value
                models[id(model)] = value

    @staticmethod
    def is_secret(source: Source, event: EventDef | None, models: Mapping[int, bool]) -> bool:
        if isinstance(source, FieldDef):
            return source.secrecy is Secrecy.SECRET
        if isinstance(source, FunctionDef):
            return source.secret
        if isinstance(source, ModelDef):
            return models.get(id(source), False)
        if isinstance(source, EventDef):
            return any(f.secrecy is Secrecy.SECRET for f in source.fields)
        if isinstance(source, ObjectDef) and event is not None:
            inside = [f for f in event.fields if f.name.startswith(source.name + ".")]
            return any(f.secrecy is Secrecy.SECRET for f in inside)
        return False

    def check_rules(self) -> None:
        for function, mark in self.functions:
            if function.kind != "rule":
                continue
            if function.outcome not in self.outcomes:
                self.report(
                    mark.place,
                    f"@rule({function.outcome!r}): the outcomes are {quoted(self.outcomes)}",
                    nearest(str(function.outcome), dict.fromkeys(self.outcomes)),
                )
            if function.on_missing not in ("skip", "fire"):
                self.report(mark.place, f'on_missing is {function.on_missing!r}, expected "skip" or "fire"')

    def decision(self) -> FunctionDef | ThresholdsDef | None:
        functions = [f for f, _ in self.functions if f.kind == "decision"]
        found: list[tuple[Place, FunctionDef | Thresholds]] = [(f.place, f) for f in functions] + [
            (t.place, t) for t in self.thresholds
        ]
        if len(found) > 1:
            found.sort(key=lambda f: f[0].line)
            self.report(found[1][0], f"there are two decisions, here and in line {found[0][0].line}")
        if not found:
            return None
        decision = found[0][1]
        return decision if isinstance(decision, FunctionDef) else self.make_thresholds(decision)

    def make_thresholds(self, declared: Thresholds) -> ThresholdsDef | None:
        what, place = declared.score, declared.place
        score = (
            self.lookup(what, "thresholds names", place)
            if isinstance(what, str)
            else self.by_declared.get(id(getattr(what, "__assay__", what)))
        )
        levels: list[tuple[str, float]] = []
        for outcome, level in declared.levels.items():
            if outcome not in self.outcomes:
                self.report(place, f"thresholds has no outcome {outcome}=", f"the outcomes are {quoted(self.outcomes)}")
            elif isinstance(level, bool) or not isinstance(level, int | float) or level != level:
                self.report(place, f"thresholds({outcome}={level!r}): expected a number")
            else:
                levels.append((outcome, float(level)))
        levels.sort(key=lambda pair: list(self.outcomes).index(pair[0]))
        for (mild, low), (severe, high) in itertools.pairwise(levels):
            if low > high:
                self.report(
                    place,
                    f"thresholds: {mild}={low:g} is above {severe}={high:g}, the more severe",
                    "the more severe an outcome, the higher its number",
                )
        if not declared.levels:
            self.report(
                place,
                "thresholds needs a number for at least one outcome",
                'thresholds("risk", review=0.6, decline=0.9)',
            )
        if score is None:
            if not isinstance(what, str) and not isinstance(what, NotYet):
                self.report(place, f"thresholds({what!r}): expected the name of a model or feature")
            return None
        if value_type(score) not in ("int", "float", "bool"):
            self.report(place, f"thresholds: {getattr(score, 'name', what)} is not a number")
        return ThresholdsDef(score, levels, place)


def describe(source: Source) -> str:
    if isinstance(source, FunctionDef):
        return f"a {source.kind}"
    return {FieldDef: "a field", WindowDef: "a window", ModelDef: "a model"}.get(type(source), "taken")


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def nearest(name: str, names: Mapping[str, Any]) -> str:
    """ "did you mean ...?" with the nearest of the names, "" if none is near."""
    lowered = {n.lower(): n for n in names}
    close = [lowered[n] for n in difflib.get_close_matches(name.lower(), list(lowered), 3, 0.6)]
    return f"did you mean {' or '.join(close)}?" if close else ""
