"""Reads a definition: executes the user's module once and resolves every name in it to a Definition.

    read(path)  ->  execute (_execute.py)  ->  declared objects by variable name  ->  events (_events.py), functions
    (_names.py), windows (_read_windows.py), models (_read_models.py)  ->  checks over the whole

All problems are collected and raised together.
"""

from __future__ import annotations

import ast
import itertools
import re
import types
from collections.abc import Sequence
from pathlib import Path

from . import _api
from ._api import EventMark, Mark, Model, NotYet, TextVector, Thresholds, Tokens, Window
from ._definition import (
    Arrival,
    Decided,
    Definition,
    DefinitionError,
    EventDef,
    FieldDef,
    Fired,
    FunctionDef,
    ModelDef,
    Place,
    Problem,
    Secrecy,
    Source,
    ThresholdsDef,
    WindowDef,
)
from ._events import EventReader
from ._execute import execute
from ._names import NOT_YET_DECIDED, OUTCOMES, RESERVED, describe, nearest, quoted, value_type
from ._read_vectors import Vectors
from ._read_windows import parse_span
from ._source import function_node, parameter_place, text_of


def read(path: Path) -> Definition:
    """The definition in a file. Raises DefinitionError with everything that is wrong with it."""
    path = Path(path).resolve()
    if not path.is_file():
        raise DefinitionError(
            [Problem(None, f"{path} is not a file", "give the path of a definition, such as fraud.py")]
        )
    with _api.collecting() as declared:
        module, sources = execute(path)
    return _Reader(path, module, declared, sources).definition()


def fields_read(function: FunctionDef, parameter: str, event: EventDef) -> list[FieldDef]:
    """The fields that a function reads of an event that it gets whole: all, where they cannot be told."""
    node = function_node(function.function)
    if node is None:
        return event.fields
    mentions = [each for each in ast.walk(node) if isinstance(each, ast.Name) and each.id == parameter]
    read = [each for each in ast.walk(node) if isinstance(each, ast.Attribute) and each.value in mentions]
    names = {each.attr for each in read}
    first = {field.name.partition(".")[0] for field in event.fields}
    if len(read) < len(mentions) or not names <= first:  # handed on, or a method of the class
        return event.fields
    return [field for field in event.fields if field.name.partition(".")[0] in names]


class _Reader(Vectors):
    def definition(self) -> Definition:
        self.read_settings()
        self.read_events()
        scored = self.scored_event()
        self.read_names(scored)
        self.check_unbound()
        for function, mark in self.functions:
            if function.made is None:
                self.resolve_parameters(function, mark)
        self.resolve_tokens()
        self.resolve_text_vectors()
        for window, declared in self.windows:
            self.resolve_window(window, declared)
        for model, declared_model in self.models:
            self.resolve_model(model, declared_model)
        self.check_items()
        self.check_cycles()
        self.propagate()
        self.check_windows()
        self.check_rules()
        decision = self.decision()
        self.check_outcome_features(decision)
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
            tokenizers=self.tokenizers,
            embeddings=self.embeddings,
            vectorizers=self.vectorizers,
            rules=[f for f in functions if f.kind == "rule"],
            decision=decision,
            score=decision.score if isinstance(decision, ThresholdsDef) else score,
            outcomes=self.outcomes,
            history=self.module.__dict__.get("history", "unknown"),
            sources=self.sources,
            names=self.names,
            decision_name=self.decision_name if decision is not None else "",
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
            if not event.scored:
                event.on_error = self.outcomes[0]  # it decides nothing
            elif event.on_error not in self.outcomes:
                help = f'@event(..., on_error="{self.outcomes[-1]}"): the outcome when the decision itself fails'
                self.report(
                    event.place, f'on_error is "{event.on_error}", expected one of {quoted(self.outcomes)}', help
                )
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
            if not isinstance(thing, Mark | Window | Model | Thresholds | Tokens | TextVector | NotYet):
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

    def add_name(
        self, name: str, thing: Mark | Window | Model | Thresholds | Tokens | TextVector, scored: EventDef | None
    ) -> None:
        if isinstance(thing, Thresholds):
            self.thresholds.append(thing)
            self.by_declared[id(thing)] = Decided()
            self.decision_name = name
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
            if function.kind == "decision":
                self.decision_name = name
            if function.event is scored:
                self.names[name] = function
        elif isinstance(thing, Window):
            window = self.make_window(name, thing, scored)
            if window is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = window
        elif isinstance(thing, Tokens):
            tokens = self.make_tokens(name, thing, scored)
            if tokens is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = tokens
        elif isinstance(thing, TextVector):
            vector = self.make_text_vector(name, thing, scored)
            if vector is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = vector
        else:
            model = self.make_model(name, thing)
            if model is None:
                self.broken.add(name)
                return
            self.by_declared[id(thing)] = self.names[name] = model

    def check_unbound(self) -> None:
        """Declarations of this file that no variable holds: replaced by a later one of that name, or never named."""
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

    # --- the whole ---

    @staticmethod
    def reads(source: Source) -> list[Source]:
        """What must be there of the same event. A window's value and where are read of earlier ones: no cycle goes
        through them. Its key may not need a window (check_windows)."""
        if isinstance(source, FunctionDef):
            return [p.source for p in source.params]
        return list(source.inputs) if isinstance(source, ModelDef) else []

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

        for thing in [f for f, _ in self.functions] + [m for m, _ in self.models]:
            visit(thing)

    def propagate(self) -> None:
        """needs_window, takes_decision and secret, from what functions read. Cycles end it too: the marks only grow."""
        changed = True
        models = self.secret_models
        while changed:
            changed = False
            for function, _ in self.functions:
                needs = any(
                    isinstance(p.source, WindowDef | ModelDef | Arrival | Fired | Decided)
                    or (isinstance(p.source, FunctionDef) and p.source.needs_window)
                    for p in function.params
                )
                takes = any(
                    isinstance(p.source, Decided) or (isinstance(p.source, FunctionDef) and p.source.takes_decision)
                    for p in function.params
                )
                secret = any(
                    any(f.secrecy is Secrecy.SECRET for f in fields_read(function, p.name, p.source))
                    if isinstance(p.source, EventDef)
                    else self.is_secret(p.source, function.event)
                    for p in function.params
                )
                if (needs, takes, secret) != (function.needs_window, function.takes_decision, function.secret):
                    function.needs_window, function.takes_decision, function.secret = needs, takes, secret
                    changed = True
            for model, _ in self.models:
                value = any(self.is_secret(s) for s in model.inputs)
                changed = changed or models.get(id(model), False) != value
                models[id(model)] = value

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

    def check_outcome_features(self, decision: FunctionDef | ThresholdsDef | None) -> None:
        """What is decided by may not take the decision."""
        takers = [f for f, _ in self.functions if f.kind in ("rule", "decision")]
        for function in takers:
            node = function_node(function.function)
            for param in function.params:
                if isinstance(param.source, FunctionDef) and param.source.takes_decision and node is not None:
                    self.report(
                        parameter_place(Path(function.function.__code__.co_filename), node, param.name),
                        f"the {function.kind} {function.name} reads {param.name}, which takes the decision",
                        NOT_YET_DECIDED,
                    )
        for model, _ in self.models:
            for source in model.inputs:
                if isinstance(source, FunctionDef) and source.takes_decision:
                    what = f"the model {model.name} takes {source.name}, which takes the decision"
                    self.report(model.place, what, NOT_YET_DECIDED)
        score = decision.score if isinstance(decision, ThresholdsDef) else None
        if isinstance(score, FunctionDef) and score.takes_decision and decision is not None:
            self.report(decision.place, f"thresholds names {score.name}, which takes the decision", NOT_YET_DECIDED)

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


__all__ = ["nearest", "parse_span", "read"]
