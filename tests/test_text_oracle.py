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


@pytest.mark.parametrize("name", sorted(text_files.NAMED))
def test_ids_are_those_of_the_package(name: str) -> None:
    source = text_files.NAMED[name]()
    found = text_oracle.compare(name, source, 0, STRINGS, sweep=name in SWEPT, long_ones=1, size=4096)
    assert found.refused is None
    assert found.smallest == []
    assert found.strings >= STRINGS


@pytest.mark.parametrize("name", sorted(text_files_odd.ODD))
def test_ids_of_odd_and_old_files_are_those_of_the_package(name: str) -> None:
    found = text_oracle.compare(name, text_files_odd.ODD[name](), 0, STRINGS, sweep=False, long_ones=1, size=4096)
    assert found.refused is None
    assert found.smallest == []


@pytest.mark.parametrize("number", DRAWN)
def test_ids_of_components_put_together_at_random_are_those_of_the_package(number: int) -> None:
    fresh = bool(os.environ.get("ASSAY_FRESH"))
    seed = random.SystemRandom().randrange(10**9) if fresh else number
    found = text_oracle.compare(
        f"fresh-{seed}", text_files.fresh(seed), seed, STRINGS, sweep=False, long_ones=1, size=4096
    )
    assert found.refused is None, f"seed {seed}"
    assert found.smallest == [], f"seed {seed}"


@pytest.mark.parametrize("name", ["anthropic", "bert-base-uncased"])
def test_ids_of_a_shipped_tokenizer_are_those_of_the_package(name: str) -> None:
    try:
        source = text_registry.SMALL[name]()
    except text_registry.NotThere as error:
        pytest.skip(str(error))
    found = text_oracle.compare(name, source, 0, 1000, sweep=False, long_ones=2, size=65536)
    assert found.refused is None
    assert found.smallest == []
