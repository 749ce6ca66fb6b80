"""Which reader a model's file or object is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._part import Built, ModelError

KNOWN = (
    "LightGBM .txt, XGBoost .json and .ubj, CatBoost .cbm and .json, sklearn .skops; and fitted LightGBM, XGBoost, "
    "CatBoost and sklearn objects"
)


def read_file(path: Path, data: bytes) -> Built:
    """The model of a file, by what it holds. Raises ModelError."""
    from . import _catboost, _lightgbm, _xgboost

    start, suffix = data.lstrip()[:1], path.suffix.lower()
    if not start:
        raise ModelError(f"{path.name} is empty", "save the model again")
    if data.startswith(b"tree\n") or suffix == ".txt":
        if not data.startswith(b"tree\n"):
            raise ModelError(
                f"{path.name} is not a LightGBM text model", "booster.save_model(...) of LightGBM writes one"
            )
        return _lightgbm.read(data, path.name)
    if suffix == ".cbm" or data.startswith(b"CBM1"):
        return _catboost.read(data, path.name, "cbm")
    if suffix == ".skops":
        return _skops(data, path.name)
    if suffix == ".ubj" or (start == b"{" and b'"learner"' in data[:200000]):
        return _xgboost.read(data, path.name, suffix)
    if start == b"{" and b'"features_info"' in data:
        return _catboost.read(data, path.name, "json")
    if suffix == ".onnx":
        raise ModelError("ONNX models are not available yet", f"there are {KNOWN}")
    if suffix in (".pkl", ".pickle", ".joblib"):
        raise ModelError(
            f"{path.name} is a pickle, which runs what it holds",
            "load it in the definition and pass the object to model(...)",
        )
    raise ModelError(f"{path.name} is not a model that is known", f"there are {KNOWN}")


def read_object(source: Any, name: str) -> Built:
    """The model of a fitted object. Raises ModelError."""
    package = type(source).__module__.split(".")[0]
    if package == "lightgbm" and hasattr(source, "booster_"):
        source = source.booster_
    if package == "lightgbm" and hasattr(source, "model_to_string"):
        from . import _lightgbm

        return _lightgbm.read(source.model_to_string().encode(), name)
    if package == "xgboost" and hasattr(source, "get_booster"):
        source = source.get_booster()
    if package == "xgboost" and hasattr(source, "save_raw"):
        from . import _xgboost

        return _xgboost.read_booster(source, name)
    if package == "catboost" and hasattr(source, "save_model"):
        from . import _catboost

        return _catboost.read_model(source, name)
    if package == "sklearn":
        from . import _sklearn

        return _sklearn.read_estimator(source, name)
    raise ModelError(f"a model of type {type(source).__name__} is not available yet", f"there are {KNOWN}")


def _skops(data: bytes, file: str) -> Built:
    try:
        import skops.io
    except ImportError:
        raise ModelError(f"{file} needs the Python package skops to be built", "pip install skops") from None
    from . import _sklearn

    try:
        unknown = skops.io.get_untrusted_types(data=data)
    except Exception as error:  # whatever zipfile, json and skops raise
        raise ModelError(f"skops {skops.__version__} cannot read {file}: {error}", "save the model again") from None
    strange = [each for each in unknown if not each.startswith(("sklearn.", "numpy.", "scipy."))]
    if strange:
        raise ModelError(f"{file} holds {strange[0]}, which is no part of sklearn, numpy or scipy")
    try:
        estimator = skops.io.loads(data, trusted=unknown)
    except Exception as error:
        raise ModelError(f"skops {skops.__version__} cannot read {file}: {error}", "save the model again") from None
    return _sklearn.read_estimator(estimator, file)
