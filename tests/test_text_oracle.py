"""The `tokenizers` package's own ids: a seeded part of tests/text_oracle.py, which is the whole one; ASSAY_FRESH=1
draws other tokenizers."""

from __future__ import annotations

import os
import random

import pytest

pytest.importorskip("tokenizers", reason="the tokenizers package is not installed (pip install '.[test]')")
pytest.importorskip("assay._tokenizers", reason="the engine is not built")

import text_files
import text_files_odd
import text_oracle
import text_registry

STRINGS = 60
# What is refused when it is built, and what the message names; the package reads these.
REFUSED = {
    **dict.fromkeys(("pre-pattern-7", "pre-pattern-9"), "matches nothing at all"),
    **dict.fromkeys(("added-bert", "added-nmt-map"), "the same as another added token once it is normalized"),
    **{f"old-{model}-untyped": "type is missing" for model in ("bpe", "wordpiece", "wordlevel", "unigram")},
    **{f"odd-truncated-{how}": "leaves no room" for how in ("0", "1", "stride", "stride-equal")},
    "odd-truncated-second": "there is no second text",
}

FRESH = bool(os.environ.get("ASSAY_FRESH"))
DRAWN = range(20 if FRESH else 5)
SWEPT = "wordpiece-bert"  # every code point, in this one


def some(names: list[str], every: int) -> list[str]:
    """A part of them, that a change is judged by in seconds; all of them with ASSAY_FRESH=1."""
    return names if FRESH else names[::every]


NAMED = some(list(text_files.NAMED), 6)
ODD = sorted({*REFUSED, *some(list(text_files_odd.ODD), 5)} & {*text_files_odd.ODD})

OF_DRAWN = ("matches nothing at all", "leaves no room", "once it is normalized", "byte_fallback together with")


def agrees(name: str, source: bytes, count: int = STRINGS, *, sweep: int = 0, long_ones: int = 1) -> None:
    found = text_oracle.compare(name, source, 0, count, sweep=sweep, long_ones=long_ones, size=4096)
    expected = REFUSED.get(name)
    if found.refused is not None and name.startswith("fresh-"):
        assert any(reason in found.refused for reason in OF_DRAWN), found.refused
        return
    if expected is not None:
        assert found.refused is not None and expected in found.refused
        return
    if found.refused is not None or found.smallest:
        where = text_oracle.kept(source, name, text_oracle.KEPT)
        pytest.fail(f"{where}: {found.components}\nrefused: {found.refused}\n{found.smallest}")
    assert found.strings >= count


@pytest.mark.parametrize("name", NAMED)
def test_ids_are_those_of_the_package(name: str) -> None:
    agrees(name, text_files.NAMED[name](), sweep=60 if name == SWEPT else 0)


@pytest.mark.parametrize("name", ODD)
def test_ids_of_odd_and_old_files_are_those_of_the_package(name: str) -> None:
    agrees(name, text_files_odd.ODD[name]())


@pytest.mark.parametrize("number", DRAWN)
def test_ids_of_components_put_together_at_random_are_those_of_the_package(number: int) -> None:
    seed = random.SystemRandom().randrange(10**9) if FRESH else number
    agrees(f"fresh-{seed}", text_files.fresh(seed))


@pytest.mark.parametrize("name", ["anthropic", "bert-base-uncased"])
def test_ids_of_a_shipped_tokenizer_are_those_of_the_package(name: str) -> None:
    try:
        source = text_registry.SMALL[name]()
    except text_registry.NotThere as error:
        pytest.skip(str(error))
    agrees(name, source, 400)
