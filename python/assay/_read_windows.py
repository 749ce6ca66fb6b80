"""Reading windows: their arguments, keys and values, resolved to fields and functions and checked."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from typing import Any

from ._api import Mark, Model, NotYet, Window
from ._definition import (
    MISSING,
    Arrival,
    EventDef,
    FieldDef,
    FunctionDef,
    ModelDef,
    Place,
    Secrecy,
    Source,
    WindowDef,
)
from ._events import show
from ._names import Names, describe, nearest, value_type

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


def parse_span(text: Any) -> int | None:
    """ "10m" in microseconds; None if it is not a whole number and a unit."""
    match = re.fullmatch(r"([0-9]+)(us|ms|s|m|h|d|w)", text) if isinstance(text, str) else None
    return int(match[1]) * UNITS_US[match[2]] if match else None


class Windows(Names):
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
            self.report(declared.place, f"over={options['over']!r} covers nothing", 'over="10m"')
        if over + delay > SPAN_MAX_US:
            self.report(declared.place, "a window reaches back at most 400 days (over and delay together)")
        current = options.get("include_current", False)
        if not isinstance(current, bool):
            self.report(declared.place, f"include_current is {current!r}, expected True or False")
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
                    what = f"{window.where.name}, which returns a {show(returns)}"
                    self.report(place, f"where= of {window.name} is {what}, expected bool", "annotate it: -> bool")
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
