"""docs/check.md shows what the command prints today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import check_page
import corpus_page

pytestmark = pytest.mark.engine


def test_the_pages_outputs_are_those_of_the_command() -> None:
    before = check_page.PAGE.read_text(encoding="utf-8")
    after = check_page.page(before, check_page.outputs(), check_page.rules())
    hint = "tools/check_page.py --write brings docs/check.md up to date"
    assert check_page.without_times(after) == check_page.without_times(before), hint


def test_the_page_names_every_member_of_the_json() -> None:
    from assay._check import check
    from assay._show import check_json

    page = check_page.PAGE.read_text(encoding="utf-8")
    file = Path(__file__).resolve().parents[1] / "examples" / "cards" / "fraud.py"
    found = check_json(check(file), False)
    for name in [*found, *found["functions"][0]]:
        assert f'"{name}"' in page, name


def test_the_page_of_the_corpus_is_what_the_command_prints() -> None:
    page, listed = corpus_page.made()
    hint = "tools/corpus_page.py --write (make corpus-page) brings docs/corpus.md and tests/not-native.txt up to date"
    assert corpus_page.PAGE.read_text(encoding="utf-8") == page, hint
    assert corpus_page.LIST.read_text(encoding="utf-8") == listed, hint
