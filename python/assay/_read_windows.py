"""Reading windows: their arguments, keys and values, resolved to fields and functions and checked."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ._api import WITHOUT_VALUE, Mark, Model, NotYet, Thresholds, Window
from ._definition import (
    MISSING,
    Arrival,
    Decided,
    EventDef,
    FieldDef,
    FunctionDef,
    ModelDef,
    Place,
    Secrecy,
    Source,
    WindowDef,
    WindowInput,
)
from ._events import show, strip_none
from ._names import Names, describe, is_decision, nearest, plain, value_type

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
VALUES = {  # what a window of a kind takes: types, and how they are called in an error
    **dict.fromkeys(("sum", "mean", "std", "decayed_sum"), (("int", "float", "bool"), "a number")),
    **dict.fromkeys(("min", "max"), (("int", "float", "bool", "str", "datetime", "date"), "a value that has an order")),
    **dict.fromkeys(("last", "first"), (("int", "float", "bool", "str", "datetime", "date"), "a single value")),
}
MAY_BE_SECRET = ("count", "distinct", "seen")
BEFORE_ONLY = "name a field, or a feature that needs no window"


def parse_span(text: Any) -> int | None:
    """ "10m" in microseconds; None if it is not a whole number and a unit."""
    match = re.fullmatch(r"([0-9]+)(us|ms|s|m|h|d|w)", text) if isinstance(text, str) else None
    return int(match[1]) * UNITS_US[match[2]] if match else None


class Windows(Names):
    def make_window(self, name: str, declared: Window, scored: EventDef | None) -> WindowDef | None:
        options = dict(declared.options)
        known = {"by", "over", "where", "on", "delay", "include_current", "clock", "half_life"}
        for option in sorted(set(options) - known):
            self.report(
                declared.place,
                f"window.{declared.kind} has no argument {option}=",
                nearest(option, dict.fromkeys(known)),
            )
        clock = options.get("clock", "event")
        if clock not in ("event", "arrival"):
            self.report(declared.place, f'clock is {clock!r}, expected "event" or "arrival"')
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
            self.report(declared.place, f"over={options['over']!r} covers nothing", 'over="10m"')
        if over + delay > SPAN_MAX_US:
            self.report(declared.place, "a window reaches back at most 400 days (over and delay together)")
        current = options.get("include_current", False)
        if not isinstance(current, bool):
            self.report(declared.place, f"include_current is {current!r}, expected True or False")
        half_life = self.half_life(declared)
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
            bool(current),
            declared.place,
            half_life_us=half_life,
            clock=str(clock),
        )
        if window.include_current and (event is not scored or delay):
            why = "with delay=" if delay else f"with on={event.name}"
            self.report(declared.place, f"include_current=True {why}: the current event cannot be in that window")
        self.windows.append((window, declared))
        return window

    def half_life(self, declared: Window) -> int | None:
        given = declared.options.get("half_life")
        if declared.kind != "decayed_sum":
            if given is not None:
                self.report(declared.place, f"half_life= is for decayed_sum, not for {declared.kind}")
            return None
        half_life = self.span(declared, "half_life", given)
        if half_life == 0:
            self.report(declared.place, f"half_life={given!r} leaves nothing of any value", 'half_life="1h"')
        if half_life is not None and half_life > SPAN_MAX_US:
            self.report(declared.place, f"half_life={given!r} is too long, at most 400 days are possible")
        return half_life

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

    def part(self, what: Any, role: str, event: EventDef, place: Place) -> WindowInput | None:
        """What a window's value, where or key is: a name, or the thing itself."""
        source: Source | None
        if isinstance(what, str):
            if event.scored and self.is_decision(what):
                source = Decided()
            else:
                source = self.lookup(what, f"{role} names", place, self.event_names(event))
        elif isinstance(what, types.FunctionType):
            mark = getattr(what, "__assay__", None)
            source = (
                self.by_declared.get(id(mark)) if mark is not None else self.bare_function(what, role, event, place)
            )
            if source is None and isinstance(mark, Mark) and mark.function.__name__ not in self.broken:
                self.report(place, f"{role}: {what.__name__} is not in the module")
        elif isinstance(what, Window | Model | Thresholds | NotYet):
            source = self.by_declared.get(id(what))
        else:
            self.report(place, f"{role} is {what!r}, expected a name or a function")
            return None
        if source is not None and is_decision(source):
            name = self.decision_name
            help = f"name a feature that takes it: def declined({name}: str) -> bool"
            self.report(place, f"{role} is the decision {name}, expected a field or feature", help)
            return None
        of = source.event if isinstance(source, FunctionDef) else event
        if isinstance(source, WindowDef | ModelDef) and not event.scored:
            self.report(place, f"{role} is {source.name}, {describe(source)}, expected a field of {event.name}")
            return None
        if isinstance(source, FunctionDef) and of is not event:
            self.report(place, f"{role}: {source.name} is a function over {of.name}, expected {event.name}")
            return None
        return source if isinstance(source, FieldDef | FunctionDef | WindowDef | ModelDef) else None

    def key_part(self, what: Any, role: str, event: EventDef, place: Place) -> FieldDef | FunctionDef | None:
        """A part of a key: it is needed to find the window, so it may not need one."""
        source = self.part(what, role, event, place)
        if isinstance(source, WindowDef | ModelDef):
            self.report(place, f"{role} is {source.name}, {describe(source)}", BEFORE_ONLY)
            return None
        return source

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
        if window.kind not in WITHOUT_VALUE:
            window.value = self.part(declared.value, f"the value of {window.name}", window.on, place)
        if options.get("where") is not None:
            window.where = self.part(options["where"], f"where= of {window.name}", window.on, place)
        self.resolve_key(window, options.get("by"), place)

    def check_inputs(self, window: WindowDef) -> None:
        """The types of what a window reads, once all windows are resolved."""
        place, where = window.place, window.where
        if window.value is not None and self.settle_type(window, []):
            self.check_value(window, window.value, place)
        if isinstance(where, WindowDef):
            self.settle_type(where, [])
        if isinstance(where, FieldDef) and (where.type != "bool" or where.is_list):
            self.report(
                place,
                f"where= of {window.name} is {where.name}, a {where.type}, expected bool",
                "write a @feature that returns bool",
            )
        elif isinstance(where, FunctionDef) and value_type(where) != "bool":
            if where.returns is not MISSING:
                what = f"{where.name}, which returns a {show(where.returns)}"
                self.report(place, f"where= of {window.name} is {what}, expected bool", "annotate it: -> bool")
        elif isinstance(where, WindowDef | ModelDef) and value_type(where) != "bool":
            what = f"{where.name}, {describe(where)} that gives a {value_type(where) or 'value of unknown type'}"
            what = f"where= of {window.name} is {what}, expected bool"
            self.report(place, what, "write a @feature that returns bool")

    def settle_type(self, window: WindowDef, around: list[WindowDef]) -> bool:
        """Finds the type of a window's value, which may be another window's. False: it ends in itself."""
        if window in around:
            names = " of ".join(each.name for each in [*around[around.index(window) :], window])
            self.report(window.place, f"{names}: there is no value at the end of this", "name a field or a feature")
            return False
        if isinstance(window.value, WindowDef) and not self.settle_type(window.value, [*around, window]):
            return False
        if window.value is not None:
            window.value_type = value_type(window.value)
        return True

    def check_value(self, window: WindowDef, value: WindowInput, place: Place) -> None:
        types, expected = VALUES.get(window.kind, ((), ""))
        if isinstance(value, FieldDef) and value.is_list:
            self.report(place, f"the value of {window.name} is {value.name}, a list, which windows cannot take")
        elif types and window.value_type not in types:
            shown = window.value_type or (show(value.returns) if isinstance(value, FunctionDef) else "value")
            self.report(place, f"the value of {window.name} is {value.name}, a {shown}, expected {expected}")
        elif window.kind == "distinct" and isinstance(value, FunctionDef) and result_is_list(value):
            what = f"{value.name}, which returns a {show(value.returns)}"
            self.report(place, f"the value of {window.name} is {what}: lists cannot be compared", "return a tuple")
        cls = value.enum if window.kind in ("min", "max") and isinstance(value, FieldDef) else None
        if cls is not None and not issubclass(cls, str | int):
            what = f"a {cls.__name__}, whose members have no order"
            self.report(place, f"the value of {window.name} is {value.name}, {what}")
        if window.kind == "seen":
            self.find_sought(window, value, place)

    def find_sought(self, window: WindowDef, value: WindowInput, place: Place) -> None:
        """What of the scored event a `seen` window looks for."""
        own = value if window.on.scored else self.names.get(value.name)
        if not isinstance(own, FieldDef | FunctionDef | WindowDef | ModelDef):
            self.report(
                place,
                f"{window.name} looks for this event's {value.name}, which it has not",
                "name a field that both have",
            )
        elif isinstance(own, WindowDef | ModelDef) or is_late(own):
            what = f"{window.name} looks for this event's {own.name}, which is not known before windows are read"
            self.report(place, what, BEFORE_ONLY)
        else:
            window.seen = own
            if isinstance(value, FieldDef | FunctionDef) and not window.on.scored:
                self.check_key_types(window, own, value, place)

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
            mine = self.key_part(ours, f"by= of {window.name}", scored, place)
            other = mine if same else self.key_part(theirs, f"by= of {window.name}", window.on, place)
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
        """What is known only once functions are resolved: types, outcome windows and secrets."""
        for window, _ in self.windows:
            self.check_inputs(window)
            for part in dict.fromkeys([*window.by, *window.on_by]):
                if isinstance(part, FunctionDef) and part.needs_window:
                    what = f"by= of {window.name} is {part.name}, which reads {what_is_late(part)}"
                    self.report(window.place, what, BEFORE_ONLY)
            late = next((part for part in (window.value, window.where) if part is not None and is_late(part)), None)
            window.outcome = late is not None
            if late is not None and window.include_current:
                what = f"which reads {what_is_late(late)}" if isinstance(late, FunctionDef) else describe(late)
                self.report(
                    window.place,
                    f"include_current=True of {window.name}, but {late.name}, {what}, is not known yet when it is read",
                    "without include_current it tells of the events before this one",
                )
            if window.value is not None and window.kind not in MAY_BE_SECRET and self.is_secret(window.value):
                self.report(
                    window.place,
                    f"{window.name} would return {window.value.name}, which is Secret",
                    "windows may count it or key by it",
                )


def is_late(source: WindowInput) -> bool:
    """Whether it is not known before windows are read."""
    return isinstance(source, WindowDef | ModelDef) or (isinstance(source, FunctionDef) and source.needs_window)


def what_is_late(function: FunctionDef) -> str:
    """Why a function is not called before windows are read."""
    if function.takes_decision:
        return "the decision"
    return "arrival" if any(isinstance(p.source, Arrival) for p in function.params) else "a window or a model"


def result_is_list(function: FunctionDef) -> bool:
    base = strip_none(plain(function.returns))[0]
    return base is list or typing.get_origin(base) is list
