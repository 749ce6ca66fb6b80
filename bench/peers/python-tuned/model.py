"""LightGBM's call for a single row at a time, on lightgbm's own library: no row conversion, no parameter parsing."""

import ctypes
import math
import struct
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import lightgbm
from lightgbm.basic import _LIB as LIB  # type: ignore[attr-defined]  # the library that the package has loaded

PREDICT_NORMAL = 0
FLOAT64 = 1


class Model:
    """`predict` takes all values that there are; which of them are inputs was settled by name at the start."""

    def __init__(self, file: Path, names: Sequence[str]) -> None:
        self._booster = lightgbm.Booster(model_file=str(file))  # owns the handle
        inputs = self._booster.feature_name()
        unknown = sorted(set(inputs) - set(names))
        if unknown:
            raise ValueError(f"{file} has inputs that nobody computes: {', '.join(unknown)}")
        self._pick = itemgetter(*(names.index(name) for name in inputs))
        self._pack = struct.Struct(f"{len(inputs)}d").pack_into
        self._row = bytearray(8 * len(inputs))
        self._score = ctypes.c_double()
        config = ctypes.c_void_p()
        code = LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
            self._booster._handle,
            ctypes.c_int(PREDICT_NORMAL),
            ctypes.c_int(0),  # from the first tree ...
            ctypes.c_int(-1),  # ... to the last
            ctypes.c_int(FLOAT64),
            ctypes.c_int32(len(inputs)),
            ctypes.c_char_p(b"num_threads=1"),
            ctypes.byref(config),
        )
        if code != 0:
            raise RuntimeError(LIB.LGBM_GetLastError())
        # A prototype of our own: the arguments are converted once, here, and not at each call.
        call = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 4)(("LGBM_BoosterPredictForMatSingleRowFast", LIB))
        length = ctypes.c_int64()
        buffer = (ctypes.c_char * len(self._row)).from_buffer(self._row)
        self._keep = length, buffer
        self._call = call
        self._arguments = (
            config,
            ctypes.c_void_p(ctypes.addressof(buffer)),
            ctypes.c_void_p(ctypes.addressof(length)),
            ctypes.c_void_p(ctypes.addressof(self._score)),
        )

    def predict(self, values: tuple[Any, ...], missing: float = math.nan) -> float:
        row = self._pick(values)
        if None in row:
            row = [missing if value is None else value for value in row]
        self._pack(self._row, 0, *row)
        if self._call(*self._arguments) != 0:
            raise RuntimeError(LIB.LGBM_GetLastError())
        return self._score.value
