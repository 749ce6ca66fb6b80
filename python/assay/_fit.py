"""A function's result at its boundary: it must fit the annotation, or be widened to it (docs/semantics.md, "Values").

The engine does the same at the end of each function (`struct code_result` in engine/code/code.h).
"""

from __future__ import annotations

import datetime
import enum
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._definition import FunctionDef
from ._events import strip_none

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Fit:
    """What may be there: exact types of values; None: any."""

    types: frozenset[type] | None
    items: Fit | None = None  # of a list's or tuple's items
    truth: bool = False  # whatever it is, Python's truth value of it is taken
    size: int = 0  # of a vector feature: how many items there must be; 0: any


ANY = Fit(None)


def fit_of(annotation: Any) -> Fit:
    """What an annotation lets through."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is None or annotation is type(None):
        return Fit(frozenset({type(None)}))
    if origin is typing.Annotated:
        return fit_of(arguments[0])
    if origin is typing.Literal:
        return Fit(frozenset(map(type, arguments)))
    if origin in (typing.Union, types.UnionType):
        parts = [fit_of(part) for part in arguments]
        items = next((part.items for part in parts if part.items is not None), None)
        return ANY if any(part.types is None for part in parts) else Fit(_union(part.types for part in parts), items)
    if origin in (list, tuple):
        parts = [fit_of(part) for part in arguments if part is not Ellipsis]
        same = parts[0] if parts and all(part == parts[0] for part in parts) else None
        return Fit(frozenset({origin}), same)
    if isinstance(annotation, type):
        if issubclass(annotation, enum.Enum):
            return Fit(frozenset(type(member.value) for member in annotation))
        if annotation in (bool, int, float, str, datetime.datetime, datetime.date, datetime.timedelta, list, tuple):
            return Fit(frozenset({annotation}))
    return ANY


def _union(sets: Iterable[frozenset[type] | None]) -> frozenset[type]:
    return frozenset().union(*(one for one in sets if one is not None))


def fit_of_function(function: FunctionDef) -> Fit:
    """What a function's result must fit: of rules and of `-> bool` Python's truth value is taken."""
    wanted = fit_of(function.returns)
    truth = function.kind == "rule" or strip_none(function.returns)[0] is bool
    return Fit(wanted.types, wanted.items, truth, function.vector)


def fit(value: Any, wanted: Fit) -> Any:
    """The result as others see it. TypeError or OverflowError if it does not fit."""
    if isinstance(value, enum.Enum):
        value = value.value
    kind = type(value)
    kinds = wanted.types
    if wanted.truth and kind is not bool:
        if value is None and kinds is not None and type(None) in kinds:
            return None
        return bool(value)
    if kinds is None or kind in kinds:
        if kind is int and not INT_MIN <= value <= INT_MAX:
            raise OverflowError("int beyond 64 bits")
        if kind is datetime.datetime:
            return _in_utc(value)
        return _fit_items(value, wanted)
    if kind is bool and int in kinds:
        return int(value)
    if kind in (bool, int) and float in kinds:
        return float(value)
    if kind is tuple and list in kinds:
        return _fit_items(list(value), wanted)
    raise TypeError(f"{kind.__name__} does not fit {sorted(k.__name__ for k in kinds)}")


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    """Fields and results are aware, in UTC: the same instant there."""
    if value.tzinfo is None:
        raise TypeError("a datetime without a zone")
    return value.astimezone(datetime.UTC).replace(fold=0)


def _fit_items(value: Any, wanted: Fit) -> Any:
    if isinstance(value, list | tuple):
        if wanted.size and len(value) != wanted.size:
            raise TypeError(f"a vector of {len(value)} items, expected {wanted.size}")
        items = [fit(item, wanted.items or ANY) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
