"""What reading a definition shares: the names known so far, the problems found, and what a name or parameter stands
for.

`Names` is the bottom of the reader; `_read_windows.py`, `_read_models.py` and `_read.py` stand on it, in this order.
"""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _api
from ._api import Mark, Model, Thresholds, Window
from ._definition import (
    MISSING,
    VECTOR_MAX,
    Arrival,
    Decided,
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
    WindowDef,
)
from ._events import SCALARS, show, strip_none
from ._source import function_node, name_place, parameter_place

OUTCOMES = ("approve", "review", "decline")
RESERVED = ("arrival", "fired")
NOT_YET_DECIDED = "a window over a feature that takes the decision tells of earlier ones"


def scalar_of(annotation: Any) -> str:
    """The scalar type that an annotation names, "" if it is another or unknown."""
    base = plain(strip_none(plain(annotation))[0])
    if typing.get_origin(base) is typing.Literal:
        kinds = {type(value) for value in typing.get_args(base)}
        return SCALARS.get(kinds.pop(), "") if len(kinds) == 1 else ""
    return SCALARS.get(base, "") if isinstance(base, type) else ""


def plain(annotation: Any) -> Any:
    return annotation.__origin__ if typing.get_origin(annotation) is typing.Annotated else annotation


def value_type(source: Source) -> str:
    """The scalar type of what a source gives, "" if unknown."""
    if isinstance(source, FieldDef):
        return "" if source.is_list else source.type
    if isinstance(source, FunctionDef):
        return "bool" if source.kind == "rule" else scalar_of(source.returns)
    if isinstance(source, WindowDef):
        return source.result_type
    if isinstance(source, ModelDef):
        return "float" if source.built.outputs == 1 else ""
    return {Arrival: "datetime", Decided: "str"}.get(type(source), "")


def is_decision(source: Source) -> bool:
    return isinstance(source, Decided) or (isinstance(source, FunctionDef) and source.kind == "decision")


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


class Names:
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
        self.decision_name = ""  # the variable that holds the decision
        self.secret_models: dict[int, bool] = {}  # by id(ModelDef): reads a Secret field, directly or not

    def report(self, place: Place | None, message: str, help: str = "") -> None:
        self.problems.append(Problem(place, message, help))

    def function_place(self, function: Callable[..., Any]) -> Place:
        node = function_node(function)
        code = getattr(function, "__code__", None)
        if node is None or code is None:
            return Place(Path(code.co_filename), code.co_firstlineno) if code else Place(self.path, 1)
        return name_place(Path(code.co_filename), node)

    def is_secret(self, source: Source, event: EventDef | None = None) -> bool:
        """Whether a value is made of a Secret field. `event`: whose nested object it is, if it is one."""
        if isinstance(source, FieldDef):
            return source.secrecy is Secrecy.SECRET
        if isinstance(source, FunctionDef):
            return source.secret
        if isinstance(source, ModelDef):
            return self.secret_models.get(id(source), False)
        if isinstance(source, ObjectDef) and event is not None:
            inside = [f for f in event.fields if f.name.startswith(source.name + ".")]
            return any(f.secrecy is Secrecy.SECRET for f in inside)
        return False

    def is_decision(self, name: str) -> bool:
        """Whether a parameter of that name takes the decision. A field of that name comes first."""
        known = {**self.aliases, **self.names}.get(name)
        return name == self.decision_name if known is None else is_decision(known)

    # --- functions ---

    def make_function(self, name: str, mark: Mark, place: Place, scored: EventDef | None) -> FunctionDef | None:
        function = mark.function
        if not isinstance(function, types.FunctionType):
            self.report(mark.place, f"{name} is not a plain function", "decorate a `def`")
            return None
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
            usual = {"rule": "bool", "decision": "str"}.get(mark.kind, "float")
            self.report(
                place,
                f"{name} has no return annotation",
                f"say what it returns: def {name}(...) -> {usual}",
            )
        if mark.options.get("size") is not None:
            self.make_vector(made, mark)
        if mark.kind == "rule":
            made.outcome, made.on_missing = mark.options["outcome"], mark.options["on_missing"]
        self.functions.append((made, mark))
        return made

    def make_vector(self, function: FunctionDef, mark: Mark) -> None:
        """`@feature(size=N)`: it returns a list[float] of that length."""
        size = mark.options["size"]
        if not self.is_size(size, mark.place):
            return
        if function.kind != "feature":
            self.report(mark.place, f"{function.name} is over {function.event.name}, whose functions have no size=")
            return
        function.size = size
        base, _ = strip_none(plain(function.returns))
        if function.returns is not MISSING and plain(base) != list[float]:
            self.report(
                function.place,
                f"{function.name} returns `{show(function.returns)}`, a vector feature returns `list[float]`",
                f"def {function.name}(...) -> list[float]: with {size} items each time",
            )

    def is_size(self, size: Any, place: Place) -> bool:
        """Whether it can be a vector's size; if not, that is reported."""
        good = isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= VECTOR_MAX
        if not good:
            self.report(
                place,
                f"size is {size!r}, expected a whole number from 1 to {VECTOR_MAX:,}",
                "several vectors may feed one model",
            )
        return good

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
            base = strip_none(plain(hint))[0]
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
            allows = annotation is MISSING or annotation in (Any, object, None) or strip_none(plain(annotation))[1]
            default = MISSING if parameter.default is parameter.empty else parameter.default
            function.params.append(ParamDef(parameter.name, source, allows, default, annotation))

    def parameter_source(self, function: FunctionDef, name: str, annotation: Any, place: Place) -> Source | None:
        base = strip_none(plain(annotation))[0]
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
        if not self.is_decision(name):
            return self.lookup(name, f"{function.name} reads", place)
        if function.kind in ("rule", "decision"):
            message = f"the {function.kind} {function.name} takes {name}, which is made after the rules"
            if function.kind == "decision":
                message = f"the decision {function.name} takes {name}, which is itself"
            self.report(place, message, NOT_YET_DECIDED)
            return None
        return Decided()

    def named(
        self, what: Any, who: str, unfit: str, place: Place, names: Mapping[str, Source] | None = None
    ) -> Source | None:
        """What a name stands for, or a declared object itself; `unfit` is the problem of anything else."""
        if isinstance(what, str):
            return self.lookup(what, who, place, names)
        source = self.by_declared.get(id(getattr(what, "__assay__", what)))
        if source is None:
            self.report(place, unfit)
        return source

    def lookup(self, name: str, who: str, place: Place, names: Mapping[str, Source] | None = None) -> Source | None:
        """What a name stands for; an unknown one is a problem that names the nearest."""
        pool = {**self.aliases, **self.names} if names is None else names
        found = pool.get(name)
        if found is None and name not in self.broken:
            kinds = "a field, feature, window or model" if names is None else "a field or function of that event"
            self.report(place, f'{who} "{name}", which is not {kinds}', nearest(name, pool))
        return found
