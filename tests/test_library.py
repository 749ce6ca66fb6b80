"""The standard library that functions call, against CPython: every expression of library.txt compiled and compared,
over texts of the kind that it takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_functions import HEAD, Running, compare, events, features_of, text

pytestmark = pytest.mark.engine

IMPORTS = """
import base64, binascii, calendar, hashlib, hmac, statistics, string, unicodedata, zlib
DROP = str.maketrans("", "", string.punctuation)
SWAP = {ord("a"): "b", ord("b"): ord("a"), 0xE9: None, ord("0"): "zero"}
KEY = b"a key\\xff"
MAGIC = {b"\\x89PNG": "png", b"GIF8": "gif"}


def updated(a, b):
    total = hashlib.sha256()
    total.update(a.encode())
    other = total.copy()
    other.update(b.encode() * 3)
    return total.hexdigest() + other.hexdigest()
"""


def expressions() -> list[str]:
    lines = (Path(__file__).parent / "library.txt").read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("# ")]


@pytest.fixture(scope="module")
def library() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        yield Running(Path(folder), HEAD + IMPORTS + features_of(expressions()))


TEXTS = [
    "00ff 10",
    "R0lGODlh",
    "aGk=",
    "aG k",
    "a-_b",
    "=abc",
    "ab=c",
    "MFRGG===",
    "mfrggzdf",
    "MFRA====",
    "========",
    "AB01ff",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "\N{GRINNING FACE}",
]
texts = st.sampled_from(TEXTS) | text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=events, s=texts, t=texts)
def test_library_computes_what_cpython_computes(library: Running, event: dict[str, Any], s: str, t: str) -> None:
    compare(library, {**event, "s": s, "t": t})
