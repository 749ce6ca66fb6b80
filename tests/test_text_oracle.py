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

STRINGS = 120
DRAWN = range(12)
SWEPT = ("wordpiece-bert", "bpe-cl100k", "unigram-xlmr", "normalizer-nfkd")  # every code point, in these


def agrees(name: str, source: bytes, count: int = STRINGS, *, sweep: bool = False, long_ones: int = 1) -> None:
    found = text_oracle.compare(name, source, 0, count, sweep=sweep, long_ones=long_ones, size=4096)
    if found.refused is not None or found.smallest:
        where = text_oracle.kept(source, name, text_oracle.KEPT)
        pytest.fail(f"{where}: {found.components}\nrefused: {found.refused}\n{found.smallest}")
    assert found.strings >= count


@pytest.mark.parametrize("name", sorted(text_files.NAMED))
def test_ids_are_those_of_the_package(name: str) -> None:
    agrees(name, text_files.NAMED[name](), sweep=name in SWEPT)


@pytest.mark.parametrize("name", sorted(text_files_odd.ODD))
def test_ids_of_odd_and_old_files_are_those_of_the_package(name: str) -> None:
    agrees(name, text_files_odd.ODD[name]())


@pytest.mark.parametrize("number", DRAWN)
def test_ids_of_components_put_together_at_random_are_those_of_the_package(number: int) -> None:
    seed = random.SystemRandom().randrange(10**9) if os.environ.get("ASSAY_FRESH") else number
    agrees(f"fresh-{seed}", text_files.fresh(seed))


@pytest.mark.parametrize("name", ["anthropic", "bert-base-uncased"])
def test_ids_of_a_shipped_tokenizer_are_those_of_the_package(name: str) -> None:
    try:
        source = text_registry.SMALL[name]()
    except text_registry.NotThere as error:
        pytest.skip(str(error))
    agrees(name, source, 1000, long_ones=2)
