"""Format specs, dates, times and zones as functions have them, against CPython: the expressions of times.txt, with the
events and the comparison of test_functions.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from test_functions import HEAD, Running, compare, events, features_of

pytestmark = pytest.mark.engine
ERRORS_MAX = 60  # of one answer: an event has no more exceptions than it can name


@pytest.fixture(scope="module")
def halves() -> Iterator[list[Running]]:
    lines = (Path(__file__).parent / "times.txt").read_text(encoding="utf-8").split("\n")
    lines = [line for line in lines if line and not line.startswith("# ")]
    parts = [lines[start : start + ERRORS_MAX] for start in range(0, len(lines), ERRORS_MAX)]
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for number, part in enumerate(parts):
            (Path(folder) / str(number)).mkdir()
            made.append(Running(Path(folder) / str(number), HEAD + features_of(part)))
        yield made


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=events)
def test_expressions_over_times_compute_what_cpython_computes(halves: list[Running], event: dict[str, Any]) -> None:
    for running in halves:
        compare(running, event)


# --- results at the boundary: in the engine and in the twin ---

BOUNDARY = """
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
from assay import event, feature, rule

BERLIN = ZoneInfo("Europe/Berlin")


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    hours: int


@feature
def local(at: datetime) -> datetime:
    return at.astimezone(BERLIN)


@feature
def wall(at: datetime) -> datetime | None:
    return at.replace(tzinfo=None)


@feature
def listed(at: datetime) -> list[datetime]:
    return [at, at.astimezone(BERLIN)]


@feature
def shifted(at: datetime, hours: int) -> datetime:
    return at.replace(tzinfo=timezone(timedelta(hours=hours)))


@feature
def again(local: datetime, at: datetime) -> bool:
    return local == at and local.tzinfo is timezone.utc


@feature
def waited(arrival: datetime, at: datetime) -> float:
    return (arrival.astimezone(BERLIN) - at) / timedelta(seconds=1)


@rule("review")
def night(at: datetime) -> bool:
    return at.astimezone(BERLIN).hour < 6
"""


PARTS = ("errors", "reasons")


def test_a_zoned_result_is_the_same_instant_in_utc_and_a_naive_one_is_a_type_error(
    define: Callable[[str], Path],
) -> None:
    import assay

    events = [
        {"id": "1", "at": "2026-10-25T00:30:00Z", "hours": 1},
        {"id": "2", "at": "2026-10-25T01:30:00Z", "hours": -23},
        {"id": "3", "at": "0001-01-01T00:00:00Z", "hours": 23},
        {"id": "4", "at": "2026-07-01T12:00:00.000001Z", "hours": 24},
    ]
    with assay.load(define(BOUNDARY)) as detector:
        for event in events:
            native, twin = detector.score(event, features=True), detector.twin.score(event)
            assert [native[part] for part in PARTS] == [twin[part] for part in PARTS]
            errors = {e["function"]: e["error"] for e in native["errors"]}
            assert errors["wall"] == "TypeError"
            for name in ("local", "shifted", "listed"):
                value = detector.twin.values[name]
                moments = value if isinstance(value, list) else [value]
                texts = [None if moment is None else moment.isoformat() for moment in moments]
                assert native["features"][name] == (texts if isinstance(value, list) else texts[0])
            assert native["features"]["waited"] == detector.twin.values["waited"]
            if event["id"] in "12":
                assert native["features"]["local"] == event["at"].replace("Z", "+00:00")
                assert native["features"]["again"] is True
                assert [reason["rule"] for reason in native["reasons"]] == ["night"]


MEMBERS = """
from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from assay import event, feature


class Kind(StrEnum):
    A = "a"


class Level(IntEnum):
    LOW = 7


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    kind: Kind
    level: Level
    rate: float | None = None


@feature
def members(kind: Kind, level: Level) -> str:
    return f"{kind:>4}|{level:04d}|{level:>3}" + "{:*^5}{:x}".format(kind, level) + format(kind, "5")


@feature
def rate_text(rate: float | None) -> str:
    return f"{rate:.2f}"


@feature
def parts(payment: Payment) -> str:
    return "{p.id}/{p.rate!r}/{p.at.year:05d}".format(p=payment)
"""


def test_members_none_and_events_in_texts_are_those_of_the_twin(define: Callable[[str], Path]) -> None:
    import assay

    with assay.load(define(MEMBERS)) as detector:
        for number, rate in enumerate([None, 1.005, 2.5]):
            event = {"id": str(number), "at": "2026-10-25T00:30:00Z", "kind": "a", "level": 7, "rate": rate}
            native, twin = detector.score(event, features=True), detector.twin.score(event)
            assert native["errors"] == twin["errors"]
            assert native["features"] == {
                name: detector.twin.values[name] for name in ("members", "rate_text", "parts")
            }
            assert [e["error"] for e in native["errors"]] == ([] if rate else ["TypeError"])
