"""Rewrites of instructions: each is made where it applies, and the function still computes what CPython computes."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from assay import _compile
from assay._emit import Piece
from test_functions import Running

HEAD = """
from datetime import datetime
from assay import event, feature

history = "empty"

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    s: str
    x: int
    f: float
    n: int | None = None

"""


def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> tuple[Running, list[list[str]]]:
    """A definition in the engine, and the names of the instructions of each of its functions."""
    pieces: list[Piece] = []
    emit = _compile.emit

    def kept(given: list[Piece], *rest: Any) -> Any:
        pieces.extend(given)
        return emit(given, *rest)

    monkeypatch.setattr(_compile, "emit", kept)
    return Running(tmp_path, HEAD + textwrap.dedent(body)), [[each.op for each in piece.code] for piece in pieces]


def event(**values: Any) -> dict[str, Any]:
    return {"at": "2026-01-01T00:00:00Z", "s": "", "x": 0, "f": 0.0, **values}


def feature(returns: str, *lines: str) -> str:
    return (
        "@feature\ndef y(s: str, x: int, f: float, n: int | None) -> "
        + returns
        + ":\n    "
        + "\n    ".join(lines)
        + "\n"
    )


CASES = [
    (feature("bool", "return x > 3 and x < 9"), ["JMP_GT", "LT", "RET", "RET"]),
    (feature("bool", "return n is not None and n != x"), ["JMP_NONE", "NE", "RET", "RET"]),
    (feature("int", "if x < 3:", "    return 1", "return 2"), ["JMP_LT", "RET", "RET"]),
    (feature("int", "if 'a' not in s:", "    return 1", "return 2"), ["JMP_IN", "RET", "RET"]),
    (feature("int", "return len(s)"), ["LEN", "RET"]),
    (feature("int", "return len(set(s))"), ["CALL", "RET"]),
    (feature("str", "return s[:3]"), ["SLICE", "RET"]),
    (feature("float | int", "return x or f"), ["JMP_TRUE", "RET", "RET"]),
    (
        feature("int", "found = 0", "for c in s:", "    found += c == 'a'", "return found"),
        ["MOVE", "ITER", "NEXT", "EQ", "ADD", "AGAIN", "RET"],
    ),
]
VALUES: list[dict[str, Any]] = [
    {"s": s, "x": x, "f": f, "n": n}
    for s in ("", "a", "abca", "é", "été a", "x" * 70)
    for x in (0, 3, 5, 9)
    for f in (0.0, 2.5)
    for n in (None, 0, 5)
]


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_each_rewrite_is_made_and_computes_the_same(
    body: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, found = compiled(tmp_path, monkeypatch, body)
    assert [op for op in found[0] if op != "JMP"] == expected
    plain: dict[str, Any] = {}
    exec(body.replace("@feature\n", ""), plain)
    for values in VALUES:
        assert running.run(event(**values))[0]["y"] == plain["y"](**values), values


def test_what_two_functions_compute_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    @feature
    def first(s: str) -> int:
        return len(s.lower().split())

    @feature
    def second(s: str) -> str:
        return s.lower()[:2]
    """
    running, found = compiled(tmp_path, monkeypatch, body)
    assert [piece[0] for piece in found] == ["JMP_NOT_NONE", "JMP_NOT_NONE"]
    values, _ = running.run(event(s="Big Shop"))
    assert (values["first"], values["second"]) == (2, "bi")
    values, _ = running.run(event(s="A"))
    assert (values["first"], values["second"]) == (1, "a")


def test_what_raises_in_a_shared_expression_raises_in_each_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
    @feature
    def first(s: str) -> int:
        return int(s) + 1

    @feature
    def second(s: str) -> int:
        try:
            return int(s) + 2
        except ValueError:
            return -1
    """
    values, errors = compiled(tmp_path, monkeypatch, body)[0].run(event(s="no"))
    assert values["first"] is None and values["second"] == -1
    assert {name: error[0] for name, error in errors.items()} == {"first": "ValueError"}


def test_an_iterator_that_raises_is_not_caught_inside_its_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    @feature
    def y(s: str) -> int:
        def numbers():
            yield 1
            raise ValueError("no more")

        found = 0
        for number in numbers():
            try:
                found += number
                continue
            except ValueError:
                found += 100
        return found
    """
    values, errors = compiled(tmp_path, monkeypatch, body)[0].run(event())
    assert values["y"] is None and errors["y"][0] == "ValueError"
