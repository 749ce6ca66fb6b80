"""What each input contributed (engine/model/contributions.h) against the frameworks' own pred_contrib."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from assay import _engine, _models


def rows_and_labels(seed: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(800, columns))
    data[rng.random(data.shape) < 0.1] = np.nan
    signal = np.nan_to_num(data).sum(axis=1) + rng.normal(size=800)
    return data, np.clip(np.round(signal), 0, classes - 1)


def contributions(built: _models.Built, rows: np.ndarray, exact: bool) -> np.ndarray:
    made = _engine.Model(built.part).contributions(np.ascontiguousarray(rows), exact)
    return np.frombuffer(made).reshape(len(rows), -1)


SETTINGS = [
    (2, {"objective": "binary", "num_leaves": 63}, 30, 25),
    (2, {"objective": "regression", "num_leaves": 255, "min_data_in_leaf": 1}, 10, 40),
    (2, {"objective": "regression", "num_leaves": 31}, 20, 1),
    (2, {"objective": "binary", "num_leaves": 2}, 5, 3),
    (2, {"objective": "binary", "zero_as_missing": True, "num_leaves": 15}, 12, 6),
    (3, {"objective": "multiclass", "num_class": 3, "num_leaves": 15}, 8, 7),
]


@pytest.mark.parametrize(("classes", "settings", "trees", "columns"), SETTINGS)
def test_exact_contributions_are_lightgbms(classes: int, settings: dict[str, object], trees: int, columns: int) -> None:
    data, labels = rows_and_labels(1, columns, classes)
    options = {"verbose": -1, "num_threads": 1} | settings
    booster = lightgbm.train(options, lightgbm.Dataset(data, labels), trees)
    built = _models.read_object(booster, "model")
    rows = data[:60]
    expected = booster.predict(rows, pred_contrib=True)
    assert np.abs(contributions(built, rows, True) - expected).max() <= 1e-9


@pytest.mark.parametrize("exact", [True, False])
def test_contributions_and_bias_add_up_to_the_margin(exact: bool) -> None:
    data, labels = rows_and_labels(2, 12, 2)
    options = {"verbose": -1, "num_threads": 1, "objective": "binary", "num_leaves": 40}
    booster = lightgbm.train(options, lightgbm.Dataset(data, labels), 40)
    built = _models.read_object(booster, "model")
    margins = np.frombuffer(_engine.Model(built.part).predict_raw(data[:100]))
    assert np.abs(contributions(built, data[:100], exact).sum(axis=1) - margins).max() <= 1e-9


def test_a_path_gives_each_step_to_the_input_that_was_asked() -> None:
    data = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 50)
    labels = data @ [4.0, 1.0]
    options = {"objective": "regression", "verbose": -1, "num_threads": 1, "learning_rate": 1.0, "min_data_in_leaf": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(data, labels), 1)
    found = contributions(_models.read_object(booster, "model"), np.array([[1.0, 1.0]]), False)
    assert np.allclose(found, [[2.0, 0.5, 2.5]], atol=1e-6)


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob"])
def test_exact_contributions_are_xgboosts_within_its_float32(objective: str) -> None:
    xgboost = pytest.importorskip("xgboost", reason="pip install '.[models]'")
    classes = 2 if objective == "binary:logistic" else 3
    data, labels = rows_and_labels(3, 9, classes)
    options = {"objective": objective, "max_depth": 6, "nthread": 1} | ({"num_class": 3} if classes == 3 else {})
    booster = xgboost.train(options, xgboost.DMatrix(data, labels), 20)
    built = _models.read_object(booster, "model")
    expected = booster.predict(xgboost.DMatrix(data[:60]), pred_contribs=True).reshape(60, -1)
    assert np.abs(contributions(built, data[:60], True) - expected).max() <= 2e-5


def test_a_model_without_covers_says_so() -> None:
    data, labels = rows_and_labels(4, 3, 2)
    options = {"objective": "regression", "verbose": -1, "num_threads": 1, "linear_tree": True}
    booster = lightgbm.train(options, lightgbm.Dataset(data, labels, params={"linear_tree": True}), 3)
    built = _models.read_object(booster, "model")
    with pytest.raises(ValueError, match="the model has no contributions: its trees have linear leaves"):
        contributions(built, data[:1], True)
