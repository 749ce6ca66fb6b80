"""Models: every framework's own files and objects, turned into the one part that the engine reads.

    file or object -> _lightgbm | _xgboost | _catboost | _sklearn -> Built (steps as bytes) -> engine/model/read.c

A reader knows its framework's semantics (comparisons, missing values, precision, the order of sums, the output)
and says it in the words of `_part`. Nothing of the framework is needed where the bundle runs.
"""

from __future__ import annotations

from ._part import Built, Input, ModelError
from ._read import read_file, read_object

__all__ = ["Built", "Input", "ModelError", "read_file", "read_object"]
