"""Model files that are broken, cut, newer or something else: an error that says what and the way out, never a crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay._models import ModelError, read_file, read_object

OTHERS = [
    ("risk.pkl", b"\x80\x04", "risk.pkl is a pickle, which runs what it holds"),
    ("risk.onnx", b"\x08\x07", "ONNX models are not available yet"),
    ("risk.bin", b"hello", "risk.bin is not a model that is known"),
    ("risk.json", b"[]", "risk.json is not a model that is known"),
    ("risk.txt", b"hello", "risk.txt is not a LightGBM text model"),
    ("risk.txt", b"tree\nversion=v4\n\xff", "risk.txt is not UTF-8 at byte 16"),
]


@pytest.mark.parametrize(("name", "data", "message"), OTHERS)
def test_what_is_no_model_is_named(name: str, data: bytes, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_file(Path(name), data)
    assert str(caught.value).startswith(message)
    assert caught.value.help or "UTF-8" in message


def test_a_cut_xgboost_file_is_refused() -> None:
    xgboost = pytest.importorskip("xgboost", reason="pip install '.[models]'")
    rng = np.random.default_rng(0)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rng.normal(size=(50, 3)), rng.normal(size=50)), 2)
    whole = bytes(booster.save_raw("json"))
    with pytest.raises(ModelError, match=r"XGBoost .* cannot read risk\.json"):
        read_file(Path("risk.json"), whole[: len(whole) // 2] + b'"learner"')
    strange = whole.replace(b"reg:squarederror", b"reg:absoluteerror")
    read_file(Path("risk.json"), strange)


def test_a_broken_catboost_file_is_refused() -> None:
    pytest.importorskip("catboost", reason="pip install '.[models]'")
    with pytest.raises(ModelError, match=r"CatBoost .* cannot read risk\.cbm"):
        read_file(Path("risk.cbm"), b"CBM1" + b"\0" * 40)


def test_an_estimator_that_is_not_fitted_or_not_known_is_refused() -> None:
    pytest.importorskip("sklearn", reason="pip install '.[models]'")
    from sklearn import neighbors, tree

    with pytest.raises(ModelError, match="the DecisionTreeClassifier risk is not fitted"):
        read_object(tree.DecisionTreeClassifier(), "risk")
    fitted = neighbors.KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ModelError, match="a KNeighborsClassifier of sklearn is not available"):
        read_object(fitted, "risk")
