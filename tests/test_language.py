"""Python's statements, containers, classes and functions against CPython: every function of language.py.txt compiled
and compared on generated events, in value, type, bits, and the exception's class and line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from test_functions import HEAD, Running, compare, events

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def language() -> Iterator[Running]:
    text = (Path(__file__).parent / "language.py.txt").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        yield Running(Path(folder), HEAD + text)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=events)
def test_statements_and_containers_compute_what_cpython_computes(language: Running, event: dict[str, Any]) -> None:
    compare(language, event)


def test_an_exception_that_holds_itself_has_no_text_and_stops_nothing(tmp_path: Path) -> None:
    """CPython marks the repetition ([...]); the engine says that it is too deep, and goes on."""
    body = """
@feature
def text_of_itself(x: int) -> Any_:
    xs = []
    e = ValueError(xs)
    xs.append(e)
    return str(e)
"""
    running = Running(tmp_path, HEAD + body)
    event = {"at": "2026-01-01T00:00:00Z", "x": 1, "y": 1, "f": 0.0, "g": 0.0, "s": "", "t": "", "b": True, "n": None}
    event |= {"h": None, "m": None, "xs": [], "fs": [], "ws": [], "day": "2026-01-01", "channel": "web", "maybe": None}
    event |= {"level": 1, "kind": "a", "outer": {"code": 0}}
    for _ in range(2):
        _, errors = running.run(event)
        assert errors["text_of_itself"][0] == "RecursionError"
