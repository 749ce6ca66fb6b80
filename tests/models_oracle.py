"""The oracle of the models: generated models of each framework, whose own answers the engine must give.

    python tests/models_oracle.py [--frameworks lightgbm xgboost ...] [--models 200] [--rows 2000] [--seed 0]

Every model is trained on odd data (few values, mostly zero, large, tiny, missing; categories), then asked for rows
made of its own thresholds, their neighbours one float64 and one float32 away, NaN, infinities and tiny values, where
the framework takes them. Bits are compared, of the answer and of the raw margin; where numpy or BLAS leave the order
of a sum open (`Built.tolerance`), the distance. The engine's ways through the trees (vectors, plain C, node by node;
one row and many) are compared with each other by bits. One line to quote at the end.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from assay import _engine, _models

EDGES = [0.0, -0.0, 1e-36, -1e-36, float(np.float32(1e-35)), 5e-324, 1.0, -1.0, 1e300, -1e300, 3.0e38, -2.5]
WORDS = ["", "a", "café", "food", "gas", "travel", "zz", "ZZ"]


def training_rows(rng: np.random.Generator, rows: int, columns: int, missing: bool = True) -> np.ndarray:
    data = rng.normal(size=(rows, columns))
    for column in range(columns):
        match column % 6:
            case 1:
                data[:, column] = rng.integers(0, 4, rows)
            case 2:
                data[rng.random(rows) < 0.7, column] = 0.0
            case 3:
                data[:, column] *= 1e9
            case 4:
                data[:, column] *= 1e-9
            case 5 if missing:
                data[rng.random(rows) < 0.2, column] = np.nan
    return data


def target(rng: np.random.Generator, data: np.ndarray, kind: str) -> np.ndarray:
    signal = np.nan_to_num(data[:, 0]) + 0.5 * np.nan_to_num(data[:, -1]) + rng.normal(size=len(data)) * 0.4
    if kind == "binary":
        return (signal > 0.2).astype(int)
    if kind == "classes":
        return np.clip(np.round(signal + 1), 0, 2).astype(int)
    if kind == "fraction":
        return 1 / (1 + np.exp(-signal))
    if kind == "positive":
        return np.exp(np.clip(signal, -3, 3) * 0.5)
    return signal * 10


def hard_rows(rng: np.random.Generator, built: _models.Built, data: np.ndarray, rows: int) -> list[list[Any]]:
    """Rows as a payment has them: numbers, categories, None."""
    picked = data[rng.integers(0, len(data), rows)].astype(float)
    columns: list[list[Any]] = []
    for column, each in enumerate(built.inputs):
        if each.categories is not None:
            known: list[Any] = list(each.categories)
            pool = known + (["unseen", "\N{SNOWMAN}"] if built.unseen else []) + ([None] if built.missing else [])
            columns.append([pool[i] for i in rng.integers(0, len(pool), rows)])
            continue
        values = picked[:, column].copy() if column < picked.shape[1] else rng.normal(size=rows)
        own = np.array(built.thresholds[column] or [0.0])
        with np.errstate(all="ignore"):
            near = own.astype(np.float32)
            own = np.concatenate(
                [own, np.nextafter(own, np.inf), np.nextafter(own, -np.inf)]
                + [np.nextafter(near, np.float32(way)).astype(float) for way in (np.inf, -np.inf)]
            )
        changed = rng.random(rows)
        values = np.where(changed < 0.6, rng.choice(own, rows), values)
        values = np.where((changed > 0.6) & (changed < 0.75), rng.choice(EDGES, rows), values)
        if built.missing:
            values = np.where((changed > 0.75) & (changed < 0.85), np.nan, values)
        else:
            values = np.where(np.isnan(values), 0.0, values)
        if built.finite:
            values = np.clip(values, built.extremes[1], built.extremes[0])
        else:
            values = np.where(changed > 0.98, rng.choice([np.inf, -np.inf], rows), values)
        columns.append([float(value) for value in values])
    return [list(row) for row in zip(*columns, strict=True)]


def coded(model: Any, built: _models.Built, rows: list[list[Any]]) -> np.ndarray:
    made = [
        [
            math.nan if value is None else model.category(i, value) if each.categories is not None else value
            for i, (each, value) in enumerate(zip(built.inputs, row, strict=True))
        ]
        for row in rows
    ]
    return np.array(made, dtype=np.float64).reshape(len(rows), len(built.inputs))


def bits(values: Any) -> np.ndarray:
    flat = np.frombuffer(values) if isinstance(values, bytes) else np.asarray(values, dtype=np.float64).reshape(-1)
    return np.ascontiguousarray(flat)


def differing(got: np.ndarray, expected: np.ndarray, tolerance: float) -> int:
    assert got.shape == expected.shape, (got.shape, expected.shape)
    same = (got.view(np.uint64) == expected.view(np.uint64)) | (np.isnan(got) & np.isnan(expected))
    if tolerance:
        with np.errstate(all="ignore"):
            same |= np.abs(got - expected) <= tolerance * np.maximum(1, np.abs(expected))
            same |= np.isinf(got) & (got == expected)
    return int(np.count_nonzero(~same))


@dataclass
class Compared:
    answers: int
    differing: int
    exact: bool
    ways: tuple[str, ...]  # through the trees: as fast as this machine can, portable, simple


def compare(built: _models.Built, rng: np.random.Generator, data: np.ndarray, rows: int) -> Compared:
    model = _engine.Model(built.part)
    asked = hard_rows(rng, built, data, rows)
    matrix = coded(model, built, asked)
    expected, got = bits(built.predict(asked)), bits(model.predict(matrix))
    wrong = differing(got, expected, built.tolerance)
    if built.raw is not None:
        wrong += differing(bits(model.predict_raw(matrix)), bits(built.raw(asked)), built.tolerance)
    ways = [model.way]
    wrong += differing(bits(model.predict_batch(matrix)), got, 0.0)
    for path in ("portable", "simple"):  # the engine's other ways through the trees have the same bits
        other = _engine.Model(built.part, path)
        ways.append(other.way)
        wrong += differing(bits(other.predict(matrix)), got, 0.0)
        wrong += differing(bits(other.predict_batch(matrix)), got, 0.0)
    return Compared(len(expected), wrong, built.tolerance == 0, tuple(ways))


# --- generated models -----------------------------------------------------------------------------------------------


def lightgbm_model(rng: np.random.Generator, seed: int) -> tuple[_models.Built, np.ndarray]:
    import lightgbm
    import pandas

    kinds = {
        **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "real"),
        **dict.fromkeys(("poisson", "gamma", "tweedie"), "positive"),
        **dict.fromkeys(("cross_entropy", "cross_entropy_lambda"), "fraction"),
        **dict.fromkeys(("multiclass", "multiclassova", "lambdarank", "rank_xendcg"), "classes"),
        "binary": "binary",
    }
    objective = list(kinds)[seed % len(kinds)]
    rows, columns = int(rng.integers(200, 600)), int(rng.integers(1, 9))
    data = training_rows(rng, rows, columns)
    settings: dict[str, Any] = {
        "objective": objective,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
        "min_data_in_leaf": 3,
    }
    settings |= {"num_leaves": int(rng.choice([2, 7, 31, 63, 100])), "min_data_per_group": 1, "cat_smooth": 1.0}
    settings |= [{}, {"zero_as_missing": True}, {"use_missing": False}, {"max_depth": 3}][int(rng.integers(4))]
    if objective.startswith("multiclass"):
        settings["num_class"] = 3
    if rng.random() < 0.3 and kinds[objective] == "real" and objective != "huber":
        settings["reg_sqrt"] = True
    if objective in ("binary", "multiclassova"):
        settings["sigmoid"] = float(rng.choice([1.0, 0.7, 2.3]))
    boosting = rng.random()
    if boosting < 0.15:
        settings |= {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    elif boosting < 0.3:
        settings["boosting"] = "dart"
    elif boosting < 0.45 and objective not in ("regression_l1", "quantile", "mape"):
        settings |= {"linear_tree": True, "lambda_l2": 0.1}
        settings.pop("zero_as_missing", None)
    labels = target(rng, data, kinds[objective])
    frame: Any = pandas.DataFrame(data, columns=[f"n{i}" for i in range(columns)])
    if rng.random() < 0.5:
        categories = WORDS if rng.random() < 0.5 else [3, 7, 11, 200, 5000]
        picked = rng.integers(0, len(categories), rows)
        labels = labels if kinds[objective] in ("classes", "binary", "fraction") else labels + (picked % 3)
        labels = np.where(picked % 3 == 0, labels, labels[::-1])
        frame.insert(
            int(rng.integers(0, columns + 1)), "kind", pandas.Categorical([categories[i] for i in picked], categories)
        )
    group = [rows // 4] * 3 + [rows - rows // 4 * 3] if objective in ("lambdarank", "rank_xendcg") else None
    dataset = lightgbm.Dataset(frame, labels, group=group)
    booster = lightgbm.train(settings, dataset, num_boost_round=int(rng.integers(1, 25)))
    return _models.read_object(booster, "generated"), data


def xgboost_model(rng: np.random.Generator, seed: int) -> tuple[_models.Built, np.ndarray]:
    import pandas
    import xgboost

    kinds = {
        **dict.fromkeys(("reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror"), "real"),
        **dict.fromkeys(("binary:logistic", "binary:logitraw", "binary:hinge"), "binary"),
        **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"), "positive"),
        **dict.fromkeys(("multi:softprob", "multi:softmax", "rank:ndcg", "rank:pairwise"), "classes"),
        "reg:logistic": "fraction",
        "reg:quantileerror": "real",
    }
    objective = list(kinds)[seed % len(kinds)]
    rows, columns = int(rng.integers(200, 600)), int(rng.integers(1, 9))
    data = training_rows(rng, rows, columns)
    settings: dict[str, Any] = {
        "objective": objective,
        "nthread": 1,
        "seed": seed,
        "max_depth": int(rng.integers(1, 9)),
    }
    settings |= {"eta": float(rng.choice([0.1, 0.3, 1.0])), "tree_method": str(rng.choice(["hist", "exact", "approx"]))}
    if objective.startswith("multi:"):
        settings["num_class"] = 3
    if objective == "reg:quantileerror":
        settings["quantile_alpha"] = [0.1, 0.5, 0.9]
        settings["tree_method"] = "hist"
    kind = rng.random()
    if kind < 0.2:
        settings |= {"booster": "dart", "rate_drop": 0.3}
    elif kind < 0.3 and objective != "reg:absoluteerror" and objective != "reg:quantileerror":
        settings |= {"booster": "gblinear", "updater": "coord_descent"}
        del settings["tree_method"], settings["max_depth"]
    elif kind < 0.4:
        settings |= {"num_parallel_tree": 3, "subsample": 0.7}
    if rng.random() < 0.3 and objective in ("binary:logistic", "reg:logistic", "reg:squarederror", "count:poisson"):
        settings["base_score"] = float(rng.choice([0.5, 0.12345, 0.9]))
    frame: Any = pandas.DataFrame(data, columns=[f"n{i}" for i in range(columns)])
    if rng.random() < 0.5 and settings.get("booster") != "gblinear":
        settings |= {"tree_method": "hist", "max_cat_to_onehot": int(rng.choice([1, 4, 100]))}
        words = ["a", "food", "gas", "travel", "zz", "ZZ"] if rng.random() < 0.6 else [3, 7, 11, 200]
        frame["kind"] = pandas.Categorical([words[i] for i in rng.integers(0, len(words), rows)], words)
    labels = target(rng, data, kinds[objective])
    matrix = xgboost.DMatrix(frame, labels, enable_categorical=True)
    if objective.startswith("rank:"):
        matrix.set_group([rows // 4] * 3 + [rows - rows // 4 * 3])
    booster = xgboost.train(settings, matrix, num_boost_round=int(rng.integers(1, 25)))
    if rng.random() < 0.5:
        return _models.read_object(booster, "generated"), data
    from pathlib import Path

    suffix = str(rng.choice(["json", "ubj"]))
    return _models.read_file(Path(f"generated.{suffix}"), bytes(booster.save_raw(suffix))), data


def catboost_model(rng: np.random.Generator, seed: int) -> tuple[_models.Built, np.ndarray]:
    import tempfile
    from pathlib import Path

    import catboost

    kinds = {
        **dict.fromkeys(("RMSE", "MAE", "Quantile:alpha=0.3", "MultiRMSE"), "real"),
        **dict.fromkeys(("Poisson", "Tweedie:variance_power=1.5"), "positive"),
        **dict.fromkeys(("Logloss",), "binary"),
        **dict.fromkeys(("CrossEntropy",), "fraction"),
        **dict.fromkeys(("MultiClass", "MultiClassOneVsAll"), "classes"),
    }
    objective = list(kinds)[seed % len(kinds)]
    rows, columns = int(rng.integers(200, 600)), int(rng.integers(2, 9))
    data = training_rows(rng, rows, columns)
    settings: dict[str, Any] = {"loss_function": objective, "iterations": int(rng.integers(1, 40)), "thread_count": 1}
    settings |= {"depth": int(rng.integers(1, 8)), "random_seed": seed, "verbose": 0, "allow_writing_files": False}
    settings |= {"nan_mode": str(rng.choice(["Min", "Max"])), "one_hot_max_size": 100}
    if objective not in ("MultiRMSE",):
        settings["grow_policy"] = str(rng.choice(["SymmetricTree", "Lossguide", "Depthwise"]))
    labels: Any = target(rng, data, kinds[objective])
    if objective == "MultiRMSE":
        labels = np.column_stack([labels, -labels + rng.normal(size=rows)])
    table: Any = data
    categories = []
    if rng.random() < 0.5 and objective != "MultiRMSE":
        table = [[*row, WORDS[i]] for row, i in zip(data.tolist(), rng.integers(1, len(WORDS), rows), strict=True)]
        categories = [columns]
    names = [f"n{i}" for i in range(columns)] + ["kind"] * len(categories)
    pool = catboost.Pool(table, labels, cat_features=categories or None, feature_names=names)
    model = catboost.CatBoost(settings).fit(pool)
    with tempfile.TemporaryDirectory() as folder:
        suffix = "json" if categories else str(rng.choice(["json", "cbm"]))
        path = Path(folder) / f"generated.{suffix}"
        model.save_model(str(path), format=suffix, pool=pool if suffix == "json" else None)
        return _models.read_file(path, path.read_bytes()), data


def sklearn_model(rng: np.random.Generator, seed: int) -> tuple[_models.Built, np.ndarray]:
    from models_oracle_sklearn import estimator

    fitted, data = estimator(rng, seed)
    return _models.read_object(fitted, "generated"), data


Make = Callable[[np.random.Generator, int], tuple[_models.Built, np.ndarray]]
FRAMEWORKS: dict[str, Make] = {
    "lightgbm": lightgbm_model,
    "xgboost": xgboost_model,
    "catboost": catboost_model,
    "sklearn": sklearn_model,
}


def available(framework: str) -> bool:
    try:
        importlib.import_module(framework)
    except ImportError:
        return False
    return True


def one(framework: str, seed: int, rows: int) -> Compared:
    rng = np.random.default_rng([seed, list(FRAMEWORKS).index(framework)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built, data = FRAMEWORKS[framework](rng, seed)
        return compare(built, rng, data, rows)


def main() -> int:
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frameworks", nargs="+", choices=list(FRAMEWORKS), default=list(FRAMEWORKS))
    parser.add_argument("--models", type=int, default=200, help="per framework")
    parser.add_argument("--rows", type=int, default=2000, help="per model")
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    asked = parser.parse_args()
    lines, wrong = [], 0
    for framework in asked.frameworks:
        if not available(framework):
            lines.append(f"{framework}: not installed, skipped (pip install '.[models]')")
            continue
        seeds = range(asked.seed, asked.seed + asked.models)
        found = []
        for seed in track(seeds, description=framework):
            found.append(one(framework, seed, asked.rows))
            if found[-1].differing:
                print(
                    f"{framework} model {seed}: {found[-1].differing} of {found[-1].answers} answers differ",
                    file=sys.stderr,
                )
        version = importlib.import_module(framework).__version__
        exact = sum(each.answers for each in found if each.exact)
        near = sum(each.answers for each in found if not each.exact)
        differ = sum(each.differing for each in found)
        wrong += differ
        ways = Counter(each.ways[0] for each in found)
        walked = ", ".join(f"{way} {count}" for way, count in ways.most_common())
        within = f", {near} within 1e-12" if near else ""
        lines.append(
            f"{framework} {version}: {len(found)} models x {asked.rows} rows, "
            f"{exact} answers by bits{within}: {differ} differ ({walked})"
        )
    print("\n".join(lines))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
