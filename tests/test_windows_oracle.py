"""Every kind of window in plain Python (the twin) against a scan of all earlier events, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay._definition import Definition
from assay._read import read
from assay._twin import Twin
from hypothesis import given, settings
from windows_by_scan import SPECS, START_US, Event, Scan, identical, moment, source
from windows_events import arriving, busy, histories


@pytest.fixture(scope="module")
def defined(tmp_path_factory: pytest.TempPathFactory) -> Definition:
    file: Path = tmp_path_factory.mktemp("windows") / "windows.py"
    file.write_text(source(), encoding="utf-8")
    return read(file)


def compare(definition: Definition, events: list[Event]) -> None:
    twin, scan = Twin(definition), Scan()
    for event in events:
        arrival = None if event.arrival is None else moment(START_US + event.arrival)
        expected = scan.take(event)
        if event.name:
            twin.event(event.name, event.json(), arrival=arrival)
            continue
        answer = twin.score(event.json(), arrival=arrival)
        for spec in SPECS:
            got, wanted = twin.values[spec.name], expected[spec.name]
            assert identical(got, wanted), f"event {event.id}, {spec.declared()}: {got!r}, expected {wanted!r}"
        assert sorted(error["function"] for error in answer["errors"]) == sorted(scan.errors)
        assert answer["decision"] == expected["decide"]


@settings(max_examples=60, deadline=None)
@given(histories)
def test_every_window_is_what_a_scan_gives(defined: Definition, events: list[Event]) -> None:
    compare(defined, events)


@settings(max_examples=40, deadline=None)
@given(arriving)
def test_every_window_is_what_a_scan_gives_where_events_arrive(defined: Definition, events: list[Event]) -> None:
    compare(defined, events)


@pytest.mark.parametrize("seed", range(2))
def test_every_window_is_what_a_scan_gives_on_busy_keys(defined: Definition, seed: int) -> None:
    compare(defined, busy(seed, 250))
