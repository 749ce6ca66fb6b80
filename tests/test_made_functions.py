"""Random functions against CPython (made_functions.py): the same ones in every run, and fresh ones."""

from __future__ import annotations

import random

import pytest
from made_functions import run

pytestmark = pytest.mark.engine
CASES = 25_000


@pytest.mark.parametrize("seed", [20_240, None], ids=["fixed", "fresh"])
def test_made_functions_compute_what_cpython_computes(seed: int | None) -> None:
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    report = run(seed, CASES)
    assert not report.differ, f"python tests/made_functions.py --seed {seed}\n" + "\n".join(report.differ)
    assert report.limits == 0  # no function comes near one: an error that says so would be wrong
    assert report.cases >= CASES and report.raised > report.cases // 20
    assert sum(report.refused.values()) < report.functions // 20, report.refused
