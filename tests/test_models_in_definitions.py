"""Models of every framework inside a definition: texts as categories, several models, classes as a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_definitions_corpus import EVENTS, agree

pytestmark = pytest.mark.engine

HEAD = """
from datetime import datetime
from pathlib import Path
from assay import event, feature, model, thresholds, window
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    kind: str
    amount: float
    hint: float | None = None
    vip: bool | None = None
n_day = window.count(by="card", over="1d")
@feature
def shop(kind: str) -> str:
    return ["food", "gas", "travel", "new"][len(kind) % 4]
@feature
def asked(hint: float | None) -> float:
    return 0.5 if hint is None else hint
"""
NUMBERS = ["amount", "hint", "n_day"]


def frame(seed: int = 1) -> tuple[Any, np.ndarray]:
    import pandas

    rng = np.random.default_rng(seed)
    table = pandas.DataFrame(rng.normal(50, 100, (800, 3)), columns=NUMBERS)
    table.loc[rng.random(800) < 0.2, "hint"] = np.nan
    words = ["food", "gas", "travel"]
    table["shop"] = pandas.Categorical([words[i] for i in rng.integers(0, 3, 800)], words)
    signal = table["amount"] / 50 + (table["shop"] == "gas") * 2 + rng.normal(size=800)
    return table, np.clip(np.round(signal), 0, 2).astype(int)


def write(folder: Path, body: str) -> Path:
    file = folder / "fraud.py"
    file.write_text(HEAD + body, encoding="utf-8")
    return file


def test_lightgbm_takes_texts_and_unseen_ones(tmp_path: Path) -> None:
    import lightgbm

    table, labels = frame()
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_per_group": 1}
    lightgbm.train(options, lightgbm.Dataset(table, labels > 0), 20).save_model(tmp_path / "risk.txt")
    assert "pandas_categorical:[[" in (tmp_path / "risk.txt").read_text()
    assert agree(write(tmp_path, 'risk = model("risk.txt")\ndecide = thresholds("risk", review=0.5)\n')) > EVENTS * 0.9


def test_several_models_and_classes_as_a_list(tmp_path: Path) -> None:
    import lightgbm

    table, labels = frame()
    options = {"verbose": -1, "num_threads": 1}
    numbers = table[NUMBERS]
    classes = options | {"objective": "multiclass", "num_class": 3}
    lightgbm.train(classes, lightgbm.Dataset(numbers, labels), 8).save_model(tmp_path / "classes.txt")
    lightgbm.train(options, lightgbm.Dataset(numbers, labels), 8).save_model(tmp_path / "size.txt")
    body = """
classes = model("classes.txt")
size = model("size.txt")
@feature
def worst(classes: list[float], size: float) -> float:
    return max(classes) + classes[2] + size
decide = thresholds("worst", review=2.0)
"""
    assert agree(write(tmp_path, body)) > EVENTS * 0.9


def test_xgboost_in_both_formats(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost", reason="pip install '.[models]'")
    table, labels = frame()
    numbers = table[NUMBERS]
    options = {"objective": "binary:logistic", "nthread": 1, "max_depth": 4}
    booster = xgboost.train(options, xgboost.DMatrix(numbers, labels > 0), 12)
    booster.save_model(tmp_path / "a.json")
    booster.save_model(tmp_path / "b.ubj")
    body = 'a = model("a.json")\nb = model("b.ubj")\ndecide = thresholds("b", review=0.5)\n'
    assert agree(write(tmp_path, body)) > EVENTS * 0.9


def test_catboost_in_both_formats(tmp_path: Path) -> None:
    catboost = pytest.importorskip("catboost", reason="pip install '.[models]'")
    table, labels = frame()
    table["shop"] = table["shop"].astype(str)
    options = {"iterations": 15, "depth": 4, "verbose": 0, "allow_writing_files": False, "one_hot_max_size": 10}
    pool = catboost.Pool(table, labels > 0, cat_features=["shop"])
    catboost.CatBoostClassifier(**options).fit(pool).save_model(str(tmp_path / "a.json"), format="json", pool=pool)
    numbers = catboost.Pool(table[NUMBERS], labels)
    catboost.CatBoostRegressor(**options).fit(numbers).save_model(str(tmp_path / "b.cbm"))
    body = 'a = model("a.json")\nb = model("b.cbm")\ndecide = thresholds("a", review=0.5)\n'
    assert agree(write(tmp_path, body)) > EVENTS * 0.9


def test_counters_of_catboost_are_refused_with_a_way_out(tmp_path: Path) -> None:
    catboost = pytest.importorskip("catboost", reason="pip install '.[models]'")
    from assay._models import ModelError, read_object

    table, labels = frame()
    table["shop"] = table["shop"].astype(str)
    pool = catboost.Pool(table, labels > 0, cat_features=["shop"])
    options = {"iterations": 30, "verbose": 0, "allow_writing_files": False, "one_hot_max_size": 1}
    with pytest.raises(ModelError, match="counts categories with tables") as caught:
        read_object(catboost.CatBoostClassifier(**options).fit(pool), "risk")
    assert "one_hot_max_size" in caught.value.help


def test_a_pipeline_of_sklearn_takes_texts(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="pip install '.[models]'")
    skops = pytest.importorskip("skops.io", reason="pip install '.[models]'")
    from sklearn import compose, ensemble, impute, pipeline, preprocessing

    table, labels = frame()
    table["shop"] = table["shop"].astype(str)
    encoder = preprocessing.OneHotEncoder(handle_unknown="ignore")
    columns = compose.ColumnTransformer([("n", impute.SimpleImputer(), NUMBERS), ("w", encoder, ["shop"])])
    forest = ensemble.RandomForestClassifier(n_estimators=10, max_depth=5, random_state=1)
    fitted = pipeline.make_pipeline(columns, forest).fit(table, labels > 0)
    skops.dump(fitted, tmp_path / "risk.skops")
    body = 'risk = model("risk.skops")\ndecide = thresholds("risk", review=0.5)\n'
    assert agree(write(tmp_path, body)) > EVENTS * 0.9
