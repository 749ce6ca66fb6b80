"""Python objects as the engine's constants: the bytes of engine/base/value.h, and the type the compiler knows.

A set has no order that can be seen (iterating one is refused), so it is written sorted by its items' bytes: equal
sources give equal bundles whatever the hash seed. A dict keeps its order.
"""

from __future__ import annotations

import datetime
import enum
import math
import re
import struct
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from . import _plain, _regex, _types, _zones
from ._types import Type

NONE_TAG, BOOL_TAG, INT_TAG, FLOAT_TAG, STR_TAG, DATETIME_TAG, DATE_TAG, TIMEDELTA_TAG = range(8)
OBJECT_TAG, BYTES_TAG = 20, 24
LIST_TAG, TUPLE_TAG, SET_TAG, DICT_TAG, SECRET_TAG, BIGINT_TAG = range(8, 14)
TAGS = {
    "none": NONE_TAG,
    "bool": BOOL_TAG,
    "int": INT_TAG,
    "float": FLOAT_TAG,
    "str": STR_TAG,
    "datetime": DATETIME_TAG,
    "date": DATE_TAG,
    "timedelta": TIMEDELTA_TAG,
    "list": LIST_TAG,
    "tuple": TUPLE_TAG,
    "set": SET_TAG,
    "dict": DICT_TAG,
    "bytes": BYTES_TAG,
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
DEPTH_MAX = 8
VALUE_BYTES_MAX = 1 << 20


class CannotFreeze(Exception):
    """The object has no counterpart in the engine."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


@dataclass(frozen=True)
class Frozen:
    data: bytes
    type: Type


Fields = Callable[[Any], "tuple[int, dict[str, Any]] | None"]


def no_classes(value: Any) -> None:
    """For constants that hold no instances of the definition's classes."""


def freeze(value: Any, fields_of: Fields = no_classes, depth: int = 0) -> Frozen:
    """A constant. `fields_of` gives the number of an instance's class in the bundle and its fields, None of what is no
    instance of the definition's classes. Raises CannotFreeze.
    """
    if depth > DEPTH_MAX:
        raise CannotFreeze(f"it is nested more than {DEPTH_MAX} deep")
    if isinstance(value, enum.Enum):
        return _freeze_member(value, depth)
    kind = type(value)
    if value is None:
        return Frozen(bytes([NONE_TAG, 0]), _types.NONE)
    if kind is bool:
        return Frozen(bytes([BOOL_TAG, value]), _types.BOOL)
    if kind is int:
        return _freeze_int(value)
    if kind is float:
        return Frozen(struct.pack("<Bd", FLOAT_TAG, value), _types.FLOAT)
    if kind is str:
        return _freeze_str(value)
    if kind is re.Pattern:
        return _freeze_pattern(value)
    if kind is bytes:
        return _freeze_bytes(value)
    if kind in (datetime.datetime, datetime.date, datetime.timedelta, datetime.time) or isinstance(
        value, datetime.tzinfo
    ):
        return _freeze_time(value)
    if kind in (list, tuple, set, frozenset, _plain.Array):
        return _freeze_items(value, fields_of, depth)
    if kind is dict or isinstance(value, types.MappingProxyType):
        return _freeze_dict(value, fields_of, depth)
    instance = fields_of(value)
    if instance is not None:
        return _freeze_instance(value, *instance, fields_of, depth)
    raise CannotFreeze(f"a constant of type {kind.__name__} is not available yet", _help(value))


def _help(value: Any) -> str:
    if type(value).__module__.partition(".")[0] in ("numpy", "pandas"):
        return _plain.why_not(value)
    if isinstance(value, dict):
        return "dict(...) makes a plain dict of it"
    for plain in (int, float, str, list, tuple):
        if isinstance(value, plain):
            return f"{plain.__name__}(...) makes a plain {plain.__name__} of it"
    return "numbers, strings, bytes, None, datetimes, and tuples, lists, sets and dicts of them can be read"


def _freeze_member(member: enum.Enum, depth: int) -> Frozen:
    cls = type(member)
    value = member.value
    if isinstance(value, enum.Enum) or type(value) not in (str, int):
        raise CannotFreeze(f"{cls.__name__} has values that are neither str nor int")
    _check_enum(cls)
    frozen = freeze(value, depth=depth + 1)
    return Frozen(frozen.data, Type(frozen.type.tags, enum=cls))


def _check_enum(cls: type[enum.Enum]) -> None:
    """Its members must compare and hash as enum members do, or as their values."""
    for special in ("__eq__", "__hash__", "__bool__", "__len__", "__contains__"):
        for base in cls.__mro__:
            if special in base.__dict__:
                if base.__module__ not in ("enum", "builtins"):
                    raise CannotFreeze(f"{cls.__name__} defines {special} of its own", "use the member's .value")
                break


def _freeze_int(value: int) -> Frozen:
    if -(2**63) <= value < 2**63:
        return Frozen(struct.pack("<Bq", INT_TAG, value), _types.INT)
    if value.bit_length() > 4096:
        raise CannotFreeze("an int beyond 4,096 bits")
    magnitude = abs(value).to_bytes((value.bit_length() + 7) // 8, "little")
    return Frozen(struct.pack("<BBI", BIGINT_TAG, value < 0, len(magnitude)) + magnitude, _types.INT)


def _freeze_str(value: str) -> Frozen:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise CannotFreeze("a string with a lone surrogate") from None
    if len(data) > VALUE_BYTES_MAX:
        raise CannotFreeze("a string beyond 1 MiB")
    return Frozen(struct.pack("<BI", STR_TAG, len(data)) + data, _types.STR)


def _freeze_pattern(value: re.Pattern[str]) -> Frozen:
    try:
        return Frozen(_regex.freeze_pattern(value), _types.of("pattern"))
    except _regex.CannotTranslate as error:
        raise CannotFreeze(str(error), error.help) from None


def _freeze_bytes(value: bytes) -> Frozen:
    if len(value) > VALUE_BYTES_MAX:
        raise CannotFreeze("bytes beyond 1 MiB")
    return Frozen(struct.pack("<BI", BYTES_TAG, len(value)) + value, _types.BYTES)


def _freeze_time(value: Any) -> Frozen:
    try:
        if isinstance(value, datetime.datetime) and value.tzinfo is datetime.UTC and value.fold == 0:
            return Frozen(struct.pack("<Bq", DATETIME_TAG, (value - EPOCH) // MICROSECOND), _types.of("datetime"))
        if isinstance(value, datetime.datetime):
            return Frozen(_zones.moment(value), _types.of("datetime"))
        if isinstance(value, datetime.time):
            return Frozen(_zones.time(value), _types.of("time"))
        if isinstance(value, datetime.tzinfo):
            return Frozen(_zones.zone(value), _types.of("zone"))
    except _zones.CannotWrite as error:
        raise CannotFreeze(str(error), "datetime.timezone and zoneinfo.ZoneInfo(key) can be used") from None
    if isinstance(value, datetime.date):
        days = value.toordinal() - EPOCH.toordinal()
        return Frozen(struct.pack("<Bq", DATE_TAG, days), _types.of("date"))
    if not -(2**63) <= value // MICROSECOND < 2**63:
        raise CannotFreeze("a timedelta beyond 64 bits of microseconds")
    return Frozen(struct.pack("<Bq", TIMEDELTA_TAG, value // MICROSECOND), _types.of("timedelta"))


def _freeze_instance(value: Any, number: int, fields: dict[str, Any], fields_of: Fields, depth: int) -> Frozen:
    frozen = _freeze_each(fields.values(), fields_of, depth)
    data = struct.pack("<BII", OBJECT_TAG, number, len(fields)) + b"".join(each.data for each in frozen)
    known = tuple((name, f.type) for name, f in zip(fields, frozen, strict=True) if f.type.texts is not None)
    kind = _types.of("object") if type(value) is object else replace(_types.of_object(type(value)), fields=known)
    return Frozen(data, kind)


def _freeze_each(values: Collection[Any], fields_of: Fields, depth: int) -> list[Frozen]:
    """The items of a container; where they are few, a str is known to be that one."""
    frozen = [freeze(item, fields_of, depth + 1) for item in values]
    if len(frozen) > _types.TEXTS_MAX:
        return frozen
    return [
        replace(each, type=_types.of_texts(each.type, item)) if type(item) is str else each
        for each, item in zip(frozen, values, strict=True)
    ]


def _freeze_items(value: Any, fields_of: Fields, depth: int) -> Frozen:
    items = _freeze_each(value, fields_of, depth)
    joined = _types.join_all(item.type for item in items)
    if isinstance(value, set | frozenset):
        if any(isinstance(item, float) and math.isnan(item) for item in value):
            raise CannotFreeze("a set with NaN in it")
        items.sort(key=lambda item: item.data)
        tag, name = SET_TAG, "set"
    else:
        tag, name = (LIST_TAG, "list") if isinstance(value, list) else (TUPLE_TAG, "tuple")
    data = struct.pack("<BI", tag, len(items)) + b"".join(item.data for item in items)
    fixed = tuple(item.type for item in items) if name == "tuple" else None
    cls = _plain.Array if isinstance(value, _plain.Array) else None
    return Frozen(data, Type(frozenset({name}), joined, None, None if cls else fixed, cls=cls))


def _freeze_dict(value: Any, fields_of: Fields, depth: int) -> Frozen:
    keys = [freeze(key, fields_of, depth + 1) for key in value]
    values = _freeze_each(value.values(), fields_of, depth)
    data = struct.pack("<BI", DICT_TAG, len(keys))
    data += b"".join(k.data + v.data for k, v in zip(keys, values, strict=True))
    key_type = _types.join_all(k.type for k in keys)
    value_type = _types.join_all(v.type for v in values)
    return Frozen(data, Type(frozenset({"dict"}), key_type, value_type))
