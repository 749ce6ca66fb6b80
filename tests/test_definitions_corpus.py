"""Definitions as people write them: on generated payments the engine gives what plain Python gives, value by value."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from assay._check import check
from assay._definition import Definition
from assay._diagnostics import plain
from assay._rows import Row
from payments_of_definitions import Events

pytestmark = pytest.mark.engine

HERE = Path(__file__).resolve().parent / "definitions"
FILES = sorted([*HERE.glob("*.py"), HERE / "several" / "fraud.py"])
EVENTS = 300
MODEL = """
from datetime import datetime
from assay import event, feature, model, thresholds, window
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    hint: float | None = None
    cents: int = 0
    vip: bool | None = None
n_day = window.count(by="card", over="1d")
usual = window.mean("amount", by="card", over="2h")
@feature
def ratio(amount: float, hint: float) -> float:
    return amount / hint
risk = model("risk.txt"{inputs})
decide = thresholds("risk", review=0.3, decline=0.6)
"""
INPUTS = ["amount", "hint", "cents", "vip", "n_day", "usual", "ratio"]
SETTINGS = {
    "random forest": {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    "dart": {"objective": "binary", "boosting": "dart"},
    "zero is missing": {"objective": "binary", "zero_as_missing": True},
    "nothing is missing": {"objective": "binary", "use_missing": False},
    "square root": {"objective": "regression", "reg_sqrt": True},
    "tweedie": {"objective": "tweedie"},
    "cross entropy lambda": {"objective": "cross_entropy_lambda"},
    "steep sigmoid": {"objective": "binary", "sigmoid": 2.5, "is_unbalance": True},
    "one leaf": {"objective": "binary", "min_data_in_leaf": 5000},
}


def agree(file: Path) -> int:
    """Compares the engine with plain Python on generated events; how many were answered."""

    def rows(definition: Definition) -> list[Row]:
        classes = {"" if each.scored else each.name: each for each in definition.events}
        made = Events(definition, seed=7).make(EVENTS)
        return [Row(classes[name], text, file, line) for line, (name, text) in enumerate(made, 1)]

    checked = check(file, rows)
    assert checked.parity is not None, plain(checked.problems)
    assert not checked.parity.differences
    return checked.parity.payments + checked.parity.context_events - checked.parity.refused


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_definition_computes_what_python_computes(file: Path) -> None:
    assert agree(file) > EVENTS * 0.9


@pytest.mark.parametrize("setting", SETTINGS)
def test_model_of_odd_settings_answers_as_lightgbm(setting: str, tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    chance = numpy.random.default_rng(3)
    inputs = chance.normal(50, 100, (1500, len(INPUTS)))
    inputs[chance.random(inputs.shape) < 0.15] = numpy.nan
    inputs[chance.random(inputs.shape) < 0.1] = 0
    labels = (numpy.nan_to_num(inputs[:, 0]) + chance.normal(0, 50, 1500) > 60).astype(float)
    options = {"verbose": -1, "num_threads": 1, "seed": 1, "num_leaves": 15, **SETTINGS[setting]}
    data = lightgbm.Dataset(inputs, labels, feature_name=INPUTS)
    lightgbm.train(options, data, 12).save_model(tmp_path / "risk.txt")
    by_name, by_place = tmp_path / "by_name.py", tmp_path / "by_place.py"
    by_name.write_text(MODEL.replace("{inputs}", ""), encoding="utf-8")
    listed = '"amount", "hint", "cents", "vip", n_day, "usual", ratio'
    by_place.write_text(MODEL.replace("{inputs}", f", inputs=[{listed}]"), encoding="utf-8")
    assert agree(by_name) == agree(by_place) > EVENTS * 0.9
