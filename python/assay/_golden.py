"""Golden rows: sample inputs of a model with the framework's own answers, which the engine must give again at load.

Rows are made from the model itself: every input takes the model's own thresholds, their neighbours one bit away,
missing and very large values, from a generator seeded by the model's bytes.
"""

from __future__ import annotations

import hashlib
import math
import random
import struct
from importlib import metadata

from ._definition import ModelDef

ROWS = 256


class CannotPredict(Exception):
    """The framework is not there or does not take the model."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


def rows_of(model: ModelDef) -> bytes:
    """The golden part of a LightGBM model. Raises CannotPredict."""
    try:
        import lightgbm
        import numpy
    except ImportError as error:
        message = f"the model {model.name} needs the Python package {error.name} to be built"
        raise CannotPredict(message, f"pip install {error.name}") from None
    _check_engine_reads(model)
    try:
        booster = lightgbm.Booster(model_str=model.data.decode())
    except Exception as error:
        raise CannotPredict(f"LightGBM cannot read the model {model.name}: {error}") from None
    count = len(model.input_names)
    rows = _rows(model.data, count)
    answers = booster.predict(numpy.array(rows, dtype=numpy.float64).reshape(len(rows), count), num_threads=1)
    made = bytearray(struct.pack("<III", len(rows), count, 1))
    for row, answer in zip(rows, answers, strict=True):
        made += struct.pack(f"<{count + 1}d", *row, float(answer))
    return bytes(made)


def _check_engine_reads(model: ModelDef) -> None:
    """The engine's own reader says now what it would say at load."""
    from ._engine import Model

    try:
        Model(model.data)
    except ValueError as error:
        raise CannotPredict(f"the model {model.name} is not available to the engine: {error}") from None


def thresholds(data: bytes, count: int) -> list[list[float]]:
    """The thresholds of each input, in the order of the trees."""
    found: list[list[float]] = [[] for _ in range(count)]
    features: list[str] = []
    for line in data.decode("utf-8", "replace").split("\n"):
        if line.startswith("split_feature="):
            features = line.split("=", 1)[1].split()
        elif line.startswith("threshold="):
            for feature, text in zip(features, line.split("=", 1)[1].split(), strict=False):
                if feature.isdigit() and int(feature) < count:
                    found[int(feature)].append(float(text))
    return found


def _rows(data: bytes, count: int) -> list[list[float]]:
    chance = random.Random(int.from_bytes(hashlib.sha256(data).digest()[:8], "little"))
    known = thresholds(data, count)
    return [[_value(chance, known[i]) for i in range(count)] for _ in range(ROWS)]


def _value(chance: random.Random, known: list[float]) -> float:
    kind = chance.random()
    if known and kind < 0.6:
        at = known[chance.randrange(len(known))]
        return (at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf))[chance.randrange(3)]
    if kind < 0.75:
        return math.nan
    if kind < 0.85:
        return chance.choice([0.0, -0.0, 1.0, -1.0, 1e-40, 1e300, -1e300])
    return chance.uniform(-1000.0, 1000.0)


def versions() -> dict[str, str]:
    """The versions of what the golden rows came from."""
    found = {}
    for name in ("lightgbm", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
