"""Every framework's own answers, bit for bit: a seeded part of tests/models_oracle.py, which is the whole one."""

from __future__ import annotations

import os
import random

import models_oracle
import pytest

SEEDS = range(24)
FRESH = random.SystemRandom().randrange(1000, 10**6)  # the seed is in the message of a failure


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("framework", list(models_oracle.FRAMEWORKS))
def test_a_generated_model_answers_as_its_framework(framework: str, seed: int) -> None:
    if not models_oracle.available(framework):
        pytest.skip(f"{framework} is not installed (pip install '.[models]')")
    found = models_oracle.one(framework, seed, 200)
    assert found.answers >= 200
    assert found.differing == 0


@pytest.mark.parametrize("framework", list(models_oracle.FRAMEWORKS))
def test_a_model_of_a_fresh_seed_answers_as_its_framework(framework: str) -> None:
    if not models_oracle.available(framework):
        pytest.skip(f"{framework} is not installed (pip install '.[models]')")
    for seed in range(FRESH, FRESH + (8 if os.environ.get("ASSAY_FRESH") else 2)):
        assert models_oracle.one(framework, seed, 100).differing == 0, f"{framework}, seed {seed}"
