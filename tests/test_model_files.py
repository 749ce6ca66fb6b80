"""Model files that are broken, cut, newer or something else: an error that says what and the way out, never a crash."""

from __future__ import annotations

import re
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


# --- every framework's file: cut, changed, or of a version to come ---------------------------------------------------


def saved(kind: str, folder: Path) -> bytes:
    rng = np.random.default_rng(3)
    rows, wanted = rng.normal(size=(120, 4)), rng.normal(size=120)
    path = folder / f"risk.{kind}"
    if kind == "txt":
        lightgbm = pytest.importorskip("lightgbm")
        lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(rows, wanted), 3).save_model(path)
    elif kind in ("json", "ubj"):
        xgboost = pytest.importorskip("xgboost", reason="pip install '.[models]'")
        return bytes(xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, wanted), 3).save_raw(kind))
    elif kind == "cbm":
        catboost = pytest.importorskip("catboost", reason="pip install '.[models]'")
        model = catboost.CatBoostRegressor(iterations=3, verbose=0, thread_count=1, allow_writing_files=False)
        model.fit(rows, wanted).save_model(str(path))
    else:
        skops = pytest.importorskip("skops.io", reason="pip install '.[models]'")
        ensemble = pytest.importorskip("sklearn.ensemble")
        skops.dump(ensemble.RandomForestRegressor(3, max_depth=3, random_state=0).fit(rows, wanted), path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["txt", "json", "ubj", "cbm", "skops"])
def test_a_file_that_was_cut_is_refused_wherever_it_was(kind: str, tmp_path: Path) -> None:
    whole = saved(kind, tmp_path)
    assert read_file(Path(f"risk.{kind}"), whole).part
    for end in [0, 1, 7, *range(len(whole) // 12, len(whole) * 11 // 12, len(whole) // 12)]:
        with pytest.raises(ModelError):
            read_file(Path(f"risk.{kind}"), whole[:end])


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("txt", rb"version=v\d+", b"version=v99"),
        ("json", rb'"version":\[\d+,\d+,\d+\]', b'"version":[99,0,0]'),
    ],
)
def test_a_file_of_a_version_to_come_is_read_right_or_refused(
    kind: str, old: bytes, new: bytes, tmp_path: Path
) -> None:
    whole = saved(kind, tmp_path)
    changed, count = re.subn(old, new, whole, count=1)
    assert count == 1
    try:
        built = read_file(Path(f"risk.{kind}"), changed)
    except ModelError as error:
        assert "99" in str(error) or "version" in str(error).lower()
    else:  # the part says the same, and golden rows compare it with the framework at each load
        assert built.part == read_file(Path(f"risk.{kind}"), whole).part
