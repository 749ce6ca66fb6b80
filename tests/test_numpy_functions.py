"""What stands in for numpy's functions gives numpy's own bits: of one number, and of lists of the lengths at which it
changes the order of adding."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from assay._plain import numpy as plain

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 40, 100, 127, 128, 129, 200, 500, 1000, 4096]
OF_LISTS: dict[str, Callable[[Any, list[float], float], Any]] = {
    **{
        name: (lambda np, xs, q, name=name: getattr(np, name)(xs))
        for name in ("sum", "mean", "var", "std", "median", "max", "min", "ptp", "any", "all", "count_nonzero")
    },
    "std of a sample": lambda np, xs, q: np.std(xs, ddof=1),
    "quantile": lambda np, xs, q: np.quantile(xs, q),
    "percentile": lambda np, xs, q: np.percentile(xs, q * 100),
}
OF_NUMBERS: dict[str, Callable[[Any, float, float, int], Any]] = {
    "round": lambda np, x, y, d: np.round(x, d),
    "around": lambda np, x, y, d: np.around(x),
    "rint": lambda np, x, y, d: np.rint(x),
    "isclose": lambda np, x, y, d: np.isclose(x, y),
    "isclose nearly": lambda np, x, y, d: np.isclose(x, x * (1 + 1e-5)),
    "where": lambda np, x, y, d: np.where(x > y, x, y),
    "square": lambda np, x, y, d: np.square(x),
    "radians": lambda np, x, y, d: np.radians(x),
    "degrees": lambda np, x, y, d: np.rad2deg(x),
    "sqrt": lambda np, x, y, d: np.sqrt(abs(x)),
    "clip": lambda np, x, y, d: np.clip(x, -10.0, 10.0),
}


def bits(value: Any) -> bytes:
    return b"nan" if value != value else struct.pack("<d", float(value))


def number(chance: random.Random) -> float:
    return chance.choice(
        [chance.gauss(0, 100), round(chance.random() * 1000, 2), chance.random() * 10.0 ** chance.randint(-9, 9), 2.5]
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", OF_LISTS)
@pytest.mark.parametrize("whole", [False, True])
def test_functions_of_lists_are_numpys(name: str, whole: bool) -> None:
    chance, of = random.Random(7), OF_LISTS[name]
    for _ in range(300):
        length = chance.choice(LENGTHS)
        values = [chance.randint(-(10**6), 10**6) if whole else number(chance) for _ in range(length)]
        q = chance.choice([0.0, 1.0, 0.5, 0.25, 0.95, chance.random()])
        assert bits(of(plain, values, q)) == bits(of(numpy, values, q)), (name, values, q)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_functions_of_a_number_are_numpys(name: str) -> None:
    chance, of = random.Random(8), OF_NUMBERS[name]
    for _ in range(2000):
        x, y, decimals = number(chance), number(chance), chance.randint(-3, 6)
        assert bits(of(plain, x, y, decimals)) == bits(of(numpy, x, y, decimals)), (name, x, y, decimals)
