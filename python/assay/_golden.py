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
from typing import TYPE_CHECKING

from ._definition import ModelDef

if TYPE_CHECKING:
    from ._models import Built

ROWS = 256


class CannotPredict(Exception):
    """The framework is not there or does not take the model."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


def rows_of(model: ModelDef) -> bytes:
    """The golden part of a model (docs/bundle.md). Raises CannotPredict."""
    import numpy

    _check_engine_reads(model)
    built = model.built
    rows = _rows(built)
    try:
        raw = [[each.raw(code) for each, code in zip(built.inputs, row, strict=True)] for row in rows]
        answers = numpy.asarray(built.predict(raw), dtype="<f8").reshape(len(rows), built.outputs)
    except Exception as error:
        raise CannotPredict(f"{built.format} does not answer for the model {model.name}: {error}") from None
    made = bytearray(struct.pack("<IIIId", len(rows), len(built.inputs), built.outputs, 0, built.tolerance))
    for row, answer in zip(rows, answers, strict=True):
        made += struct.pack(f"<{len(row)}d", *row) + answer.tobytes()
    return bytes(made)


def _check_engine_reads(model: ModelDef) -> None:
    """The engine's own reader says now what it would say at load."""
    from ._engine import Model

    try:
        Model(model.data)
    except ValueError as error:
        raise CannotPredict(f"the model {model.name} is not available to the engine: {error}") from None


def _rows(built: Built) -> list[list[float]]:
    """Rows of codes and numbers."""
    chance = random.Random(int.from_bytes(hashlib.sha256(built.part).digest()[:8], "little"))
    made = []
    for _ in range(ROWS):
        row = []
        for each, known in zip(built.inputs, built.thresholds, strict=True):
            if each.categories is None:
                row.append(_value(chance, known, built))
            elif built.missing and chance.random() < 0.1:
                row.append(math.nan)
            else:
                row.append(chance.choice(list(each.categories.values())) if each.categories else each.unknown)
        made.append(row)
    return made


def _value(chance: random.Random, known: list[float], built: Built) -> float:
    kind = chance.random()
    if known and kind < 0.6:
        at = known[chance.randrange(len(known))]
        return (at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf))[chance.randrange(3)]
    if kind < 0.75 and built.missing:
        return math.nan
    if kind < 0.85:
        return chance.choice([0.0, -0.0, 1.0, -1.0, 1e-40, *built.extremes])
    return chance.uniform(-1000.0, 1000.0)


def versions(models: list[ModelDef]) -> dict[str, str]:
    """The versions of what the golden rows came from."""
    found = {}
    for name in sorted({name for model in models for name in model.built.packages}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
