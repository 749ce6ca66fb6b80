"""The model room against LightGBM itself: every prediction, transformed and raw, bit for bit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np
import pytest
from assay import _engine
from assay._models import ModelError, _lightgbm

ROWS = 2000
ZERO = float(np.float32(1e-35))  # LightGBM's bound of what is zero
EDGES = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-36, -1e-36, ZERO, -ZERO, np.nextafter(ZERO, 1), np.nextafter(-ZERO, -1)]
EDGES += [5e-324, -5e-324, 1e308, -1e308, 1.0, -1.0]


def training_rows(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Columns of every sort: normal, few values, mostly zero, large, tiny; some with NaN."""
    data = rng.normal(size=(rows, columns))
    for column in range(columns):
        match column % 6:
            case 1:
                data[:, column] = rng.integers(0, 4, rows)
            case 2:
                data[rng.random(rows) < 0.7, column] = 0.0
            case 3:
                data[:, column] *= 1e12
            case 4:
                data[:, column] *= 10.0 ** rng.integers(-40, -30, rows)
            case 5:
                data[rng.random(rows) < 0.2, column] = np.nan
    return data


def labels(rng: np.random.Generator, data: np.ndarray, objective: str) -> np.ndarray:
    signal = np.nan_to_num(data[:, 0]) + np.nan_to_num(data[:, -1]) * 0.5 + rng.normal(size=len(data)) * 0.3
    if objective in ("binary",):
        return (signal > 0.3).astype(float)
    if objective.startswith("cross_entropy"):
        return 1 / (1 + np.exp(-signal))
    if objective in ("multiclass", "multiclassova", "lambdarank", "rank_xendcg"):
        return np.clip(np.round(signal + 1), 0, 2)
    if objective in ("poisson", "gamma", "tweedie"):
        return np.exp(signal * 0.5)
    return signal * 10


def train(seed: int, objective: str, **parameters: Any) -> tuple[lightgbm.Booster, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows, columns = int(parameters.pop("rows", 400)), int(parameters.pop("columns", 7))
    trees = int(parameters.pop("trees", 12))
    data = training_rows(rng, rows, columns)
    group = [rows // 4] * 4 if objective in ("lambdarank", "rank_xendcg") else None
    settings = {
        "objective": objective,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
        "min_data_in_leaf": 3,
    } | parameters
    dataset = lightgbm.Dataset(data, labels(rng, data, objective), group=group, free_raw_data=True)
    return lightgbm.train(settings, dataset, num_boost_round=trees), data


def thresholds(text: str) -> np.ndarray:
    lines = [line.removeprefix("threshold=") for line in text.splitlines() if line.startswith("threshold=")]
    return np.array([float(item) for line in lines for item in line.split()])


def hard_rows(rng: np.random.Generator, data: np.ndarray, text: str) -> np.ndarray:
    """Training rows, with many cells replaced by the model's own thresholds, their neighbours and edge values."""
    rows = data[rng.integers(0, len(data), ROWS)].copy()
    bounds = thresholds(text)
    pool = np.concatenate([bounds, np.nextafter(bounds, np.inf), np.nextafter(bounds, -np.inf), np.repeat(EDGES, 4)])
    replaced = rng.random(rows.shape) < 0.6
    replaced[: ROWS // 8] = False
    rows[replaced] = rng.choice(pool, int(replaced.sum()))
    by_column = {}
    for features, values in zip(split_features(text), tree_thresholds(text), strict=True):
        for feature, value in zip(features, values, strict=True):
            by_column.setdefault(feature, []).append(value)
    for column, values in by_column.items():  # each column's own thresholds decide most
        own = np.array(values)
        own = np.concatenate([own, np.nextafter(own, np.inf), np.nextafter(own, -np.inf)])
        chosen = rng.random(ROWS) < 0.3
        rows[chosen, column] = rng.choice(own, int(chosen.sum()))
    return np.ascontiguousarray(rows)


def split_features(text: str) -> list[list[int]]:
    lines = [line.removeprefix("split_feature=") for line in text.splitlines() if line.startswith("split_feature=")]
    return [[int(item) for item in line.split()] for line in lines]


def tree_thresholds(text: str) -> list[list[float]]:
    lines = [line.removeprefix("threshold=") for line in text.splitlines() if line.startswith("threshold=")]
    return [[float(item) for item in line.split()] for line in lines]


def bits(values: np.ndarray | bytes) -> np.ndarray:
    if isinstance(values, bytes):
        return np.frombuffer(values, dtype=np.uint64)
    return np.ascontiguousarray(values, dtype=np.float64).reshape(-1).view(np.uint64)


def engine_model(text: str) -> _engine.Model:
    return _engine.Model(_lightgbm.read(text.encode(), "model.txt").part)


def assert_same_bits(text: str, rows: np.ndarray) -> None:
    booster = lightgbm.Booster(model_str=text)
    model = engine_model(text)
    assert model.input_names == booster.feature_name()
    assert model.trees == booster.num_trees()
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    final = booster.predict(rows, num_threads=1)
    assert model.outputs == (raw.shape[1] if raw.ndim == 2 else 1)
    if "average_output" in text:  # of random forests LightGBM's raw score is the sum, ours the mean that it predicts
        raw = raw / (booster.num_trees() // model.outputs)
    assert np.count_nonzero(bits(model.predict_raw(rows)) != bits(raw)) == 0
    assert np.count_nonzero(bits(model.predict(rows)) != bits(final)) == 0


REGRESSION = ["regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie"]
OTHERS = ["binary", "cross_entropy", "cross_entropy_lambda", "lambdarank", "rank_xendcg"]


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for objective in REGRESSION + OTHERS:
        yield objective, {}
        yield objective, {"num_leaves": 63, "trees": 9, "zero_as_missing": True}
    for objective in ("regression", "regression_l1", "fair", "quantile", "mape", "huber"):
        yield objective, {"reg_sqrt": True}
    for objective, missing in itertools.product(
        ("multiclass", "multiclassova"), ({}, {"zero_as_missing": True}, {"use_missing": False})
    ):
        yield objective, {"num_class": 3, "trees": 5} | missing
    for sigmoid in (0.7, 1.7, 0.1234567, 12.5, 3e-6, 1e7):
        yield "binary", {"sigmoid": sigmoid}
    yield "multiclassova", {"num_class": 3, "sigmoid": 2.3, "trees": 4}
    for missing in ({"use_missing": False}, {"zero_as_missing": True}):
        yield "regression", {"num_leaves": 255, "trees": 3, "rows": 1500} | missing
    yield "regression", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    yield "multiclass", {"num_class": 3, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    yield "binary", {"boosting": "dart", "trees": 20}
    yield "regression", {"max_depth": 1, "trees": 30}
    yield "regression", {"num_leaves": 2, "trees": 1}
    yield "regression", {"min_data_in_leaf": 10000, "trees": 3}  # single leaves
    yield "binary", {"columns": 1}
    yield "binary", {"columns": 60, "num_leaves": 40, "trees": 17}
    yield "binary", {"extra_trees": True, "linear_tree": False}


CASES = list(cases())


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: f"{case}-{CASES[case][0]}")
def test_predictions_have_the_frameworks_bits(case: int) -> None:
    objective, parameters = CASES[case]
    booster, data = train(case, objective, **parameters)
    text = booster.model_to_string()
    assert_same_bits(text, hard_rows(np.random.default_rng(1000 + case), data, text))


def test_there_are_at_least_forty_models() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("seed", range(6))
def test_edited_models_have_the_frameworks_bits(seed: int) -> None:
    """Thresholds, directions and missing types that training would not produce together."""
    rng = np.random.default_rng(seed)
    booster, data = train(seed, "binary", num_leaves=31, trees=6)
    odd = [
        "0",
        "-0",
        "1e-36",
        "-1e-36",
        "1.0000000180025095e-35",
        "-1.0000000180025095e-35",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "5e-324",
    ]

    def edit(line: str) -> str:
        key, _, values = line.partition("=")
        items = values.split(" ")
        for i in range(len(items)):
            if key == "threshold" and rng.random() < 0.5:
                items[i] = str(rng.choice(odd))
            if key == "decision_type":
                items[i] = str(rng.choice([0, 2, 4, 6, 8, 10]))
        return f"{key}={' '.join(items)}"

    lines = booster.model_to_string().splitlines()
    lines = [edit(line) if line.startswith(("threshold=", "decision_type=")) else line for line in lines]
    text = "\n".join(line for line in lines if not line.startswith("tree_sizes=")) + "\n"
    rows = data[rng.integers(0, len(data), ROWS)].copy()
    replaced = rng.random(rows.shape) < 0.7
    rows[replaced] = rng.choice(EDGES, int(replaced.sum()))
    assert_same_bits(text, np.ascontiguousarray(rows))


def test_custom_objective_is_the_raw_margin() -> None:
    def gradients(predicted: np.ndarray, dataset: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
        return predicted - dataset.get_label(), np.ones_like(predicted)

    rng = np.random.default_rng(0)
    data = training_rows(rng, 300, 6)
    dataset = lightgbm.Dataset(data, labels(rng, data, "regression"))
    booster = lightgbm.train({"objective": gradients, "verbose": -1, "num_threads": 1}, dataset, num_boost_round=5)
    text = booster.model_to_string()
    assert_same_bits(text, hard_rows(rng, data, text))


BROKEN = [
    ("tree\n", "", 'line 1: expected a LightGBM text model, whose first line is "tree"'),
    ("version=v4", "version=v9", 'version is "v9", expected v3 or v4'),
    ("num_class=1", "num_class=0", 'num_class is "0", expected from 1 to 1024'),
    ("num_class=1", "num_class=1\nnum_class=1", "line 4: num_class is given twice"),
    ("max_feature_idx=2", "max_feature_idx=99999999999", 'max_feature_idx is "99999999999", expected from 0 to 4095'),
    ("max_feature_idx=2", "max_feature_idx=3", "feature_names: 3 names, expected max_feature_idx + 1, which is 4"),
    ("Column_1", "Column_0", 'feature_names: "Column_0" is given twice'),
    ("objective=binary", "objective=magic", 'objective "magic" is not known'),
    ("sigmoid:1", "sigmoid:-1", 'objective: sigmoid is "-1", expected a number above 0'),
    ("Tree=1", "Tree=7", 'expected "Tree=1", found "Tree=7"'),
    ("end of trees", "", 'the file ends after 2 trees, expected "end of trees"'),
    ("num_leaves=2", "num_leaves=3", "tree 0: leaf_value has 2 items, expected 3"),
    ("num_leaves=2", "num_leaves=99999999999", 'tree 0: num_leaves is "99999999999", expected a number from 1 to'),
    ("num_cat=0", "num_cat=2", "tree 0: cat_boundaries is missing"),
    ("threshold=", "threshold=x", 'tree 0: threshold[0] is "x'),
    ("split_feature=", "split_feature=9", "tree 0: split_feature[0] is "),
    ("left_child=-1", "left_child=0", "tree 0: node 0 is reached twice, expected a tree"),
    ("right_child=-2", "right_child=-3", 'tree 0: right_child[0] is "-3", expected from -2 to 0'),
    ("right_child=-2", "right_child=-1", "tree 0: node 1 is reached twice, expected a tree"),
    ("decision_type=", "decision_type=7", "tree 0: decision_type[0] is "),
    ("is_linear=0", "is_linear=1", "tree 0: leaf_const is missing"),
    ("shrinkage=", "shrinkage", 'tree 0: "shrinkage'),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN)
def test_broken_files_are_refused_with_their_place(old: str, new: str, message: str) -> None:
    booster, _ = train(1, "binary", columns=3, num_leaves=2, trees=2)
    text = booster.model_to_string()
    assert old in text
    with pytest.raises(ModelError) as caught:
        _lightgbm.read(text.replace(old, new, 1).encode(), "model.txt")
    assert str(caught.value).startswith("model.txt: " + message)


def test_every_cut_of_a_file_is_refused() -> None:
    booster, _ = train(1, "binary", columns=3, num_leaves=4, trees=2)
    text = booster.model_to_string()
    for end in range(0, text.index("end of trees"), 7):
        with pytest.raises(ModelError):
            _lightgbm.read(text[:end].encode(), "model.txt")


def test_wrong_buffers_are_refused() -> None:
    booster, _ = train(1, "regression", columns=3)
    model = engine_model(booster.model_to_string())
    with pytest.raises(ValueError, match="whole rows of 3 inputs"):
        model.predict(np.zeros(4))
    with pytest.raises(TypeError, match="expected doubles"):
        model.predict(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises((ValueError, BufferError)):
        model.predict(np.zeros((3, 4)).T)
    with pytest.raises(TypeError):
        model.predict([1.0, 2.0, 3.0])
    assert model.predict(np.zeros((0, 3))) == b""
