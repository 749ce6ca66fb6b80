"""The house's own checks find what they are for (tools/house.py)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import house

LONG_BODY = "    step();\n" * house.FUNCTION_LINES


def findings(monkeypatch: pytest.MonkeyPatch, root: Path, name: str, text: str) -> list[str]:
    monkeypatch.setattr(house, "ROOT", root)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return [finding.message for finding in house.check(path, {})]


GOOD = '/* Adds. */\n#include "../base/buf.h"\n\nstatic int add(int a, int b) {\n    return a + b;\n}\n'


def test_a_good_file_has_no_findings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert findings(monkeypatch, tmp_path, "engine/window/add.c", GOOD) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("engine/window/a.c", f"/* A. */\nvoid long_one(void) {{\n{LONG_BODY}}}\n", "long_one has 62 lines"),
        ("engine/window/a.c", "int a;\n", "no opening comment"),
        ("engine/window/a.c", "/* A.\n" + " *\n" * 30 + " */\n", "an opening comment of"),
        ("engine/window/a.c", "/* A. */\nint a;\t\n", "a tab"),
        ("engine/window/a.c", f"/* A. */\nint {'a' * 200};\n", "characters, at most"),
        ("engine/window/a.c", "/* A. */\nvoid f(char *t) {\n    strcpy(t, t);\n}\n", "strcpy() is not used here"),
        ("engine/window/a.c", '/* A. */\n#include "../journal/journal.h"\n', "which a payment meets later"),
        ("http/a.c", '/* A. */\n#include "../engine/event/event.h"\n', "which a payment meets later"),
        ("engine/window/a.h", "/* A. */\nint a(void);\n", "no include guard"),
        ("engine/window/a_fuzz.c", "/* A. */\nint a;\n", "no seeds"),
    ],
)
def test_what_breaks_a_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, expected: str
) -> None:
    assert any(expected in message for message in findings(monkeypatch, tmp_path, name, text))


def test_comments_and_strings_are_not_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = '/* strcpy(a, b) */\nstatic const char text[] = "strcpy(a, b)"; // sprintf(\n'
    assert findings(monkeypatch, tmp_path, "engine/window/a.c", text) == []
