"""Every framework's own answers, bit for bit: a seeded part of tests/models_oracle.py, which is the whole one."""

from __future__ import annotations

import models_oracle
import pytest

SEEDS = range(24)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("framework", list(models_oracle.FRAMEWORKS))
def test_a_generated_model_answers_as_its_framework(framework: str, seed: int) -> None:
    if not models_oracle.available(framework):
        pytest.skip(f"{framework} is not installed (pip install '.[models]')")
    found = models_oracle.one(framework, seed, 200)
    assert found.answers >= 200
    assert found.differing == 0
