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
