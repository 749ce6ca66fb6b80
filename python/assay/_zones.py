"""Time zones as constants: what zoneinfo knows of a zone, written into the bundle (format: engine/code/zone.h).

The transitions and the rule after them are those of the tz database that this Python reads while it builds, as its own
pure implementation has them after reading the file: the engine computes with the same numbers, and asks no database.
"""

from __future__ import annotations

import datetime
import importlib
import struct
import zoneinfo
from functools import lru_cache
from typing import Any

NONE_TAG, MOMENT_TAG, TIME_TAG, ZONE_TAG = 0, 32, 33, 34
UTC, FIXED, RULES = range(3)
MICROSECOND = datetime.timedelta(microseconds=1)
EPOCH = datetime.datetime(1970, 1, 1)


class CannotWrite(Exception):
    """A zone, or a time in one, that has no counterpart in the engine."""


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > 256:
        raise CannotWrite("a zone whose name is longer than 256 bytes")
    return struct.pack("<I", len(data)) + data


def zone(found: datetime.tzinfo) -> bytes:
    """A timezone or ZoneInfo, behind its tag. Raises CannotWrite."""
    if found is datetime.UTC:
        return bytes([ZONE_TAG, UTC])
    if type(found) is datetime.timezone:
        return _fixed(found)
    if type(found) is zoneinfo.ZoneInfo and found.key is not None:
        return bytes([ZONE_TAG, RULES]) + _rules(found.key)
    raise CannotWrite(f"a zone of type {type(found).__name__}")


def _fixed(found: datetime.timezone) -> bytes:
    offset = found.utcoffset(None)
    plain = datetime.timezone(offset)
    data = struct.pack("<BBq", ZONE_TAG, FIXED, offset // MICROSECOND)
    if repr(found) == repr(plain):
        return data + b"\0"
    return data + b"\1" + _text(found.tzname(None))


@lru_cache(maxsize=64)
def _rules(key: str) -> bytes:
    pure: Any = importlib.import_module("zoneinfo._zoneinfo")  # the implementation in Python, whatever is used
    read = pure.ZoneInfo.no_cache(key)
    after = read._tz_after
    changes = hasattr(after, "transitions")
    kinds: dict[tuple[int, int, str], int] = {}

    def kind(of: Any) -> bytes:
        entry = (of.utcoff // MICROSECOND // 10**6, of.dstoff // MICROSECOND // 10**6, of.tzname)
        return bytes([kinds.setdefault(entry, len(kinds))])

    types = b"".join(kind(of) for of in read._ttinfos)
    ends = kind(after.std) + kind(after.dst) if changes else kind(after)
    before = kind(read._tti_before) if read._tti_before is not None else b"\0"
    if len(kinds) > 255:
        raise CannotWrite(f"the zone {key} has more than 255 offsets")
    data = _text(key) + bytes([len(kinds)])
    for (offset, saving, name), _ in sorted(kinds.items(), key=lambda item: item[1]):
        data += struct.pack("<ii", offset, saving) + _text(name)
    data += bytes([bool(read._fixed_offset)]) + before
    data += struct.pack("<I", len(read._trans_utc))
    for times in (read._trans_utc, read._trans_local[0], read._trans_local[1]):
        data += struct.pack(f"<{len(times)}q", *times)
    data += types + bytes([changes]) + ends
    return data + (_change(after.start) + _change(after.end) if changes else b"")


def _change(change: Any) -> bytes:
    second = change.hour * 3600 + change.minute * 60 + change.second
    if hasattr(change, "julian"):
        return struct.pack("<BHBBi", 2 if change.julian else 1, change.d, 0, 0, second)
    return struct.pack("<BHBBi", 0, change.m, change.w, change.d, second)


def zone_or_none(found: datetime.tzinfo | None) -> bytes:
    return bytes([NONE_TAG]) if found is None else zone(found)


def moment(value: datetime.datetime) -> bytes:
    """A datetime that is naive or of another zone than timezone.utc: what its clock shows, and its zone."""
    local = (value.replace(tzinfo=None) - EPOCH) // MICROSECOND
    return struct.pack("<BqB", MOMENT_TAG, local, value.fold) + zone_or_none(value.tzinfo)


def is_naive(data: bytes) -> bool:
    """Whether a constant is a datetime without a zone."""
    return data[0] == MOMENT_TAG and data[10] == NONE_TAG


def time(value: datetime.time) -> bytes:
    of_day = ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond
    return struct.pack("<BqB", TIME_TAG, of_day, value.fold) + zone_or_none(value.tzinfo)
