"""Every kind of window in the engine against a scan of all earlier events, and outcome windows against plain Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from assay._check import check
from assay._definition import Definition
from assay._diagnostics import plain
from assay._rows import Row
from hypothesis import given, settings
from payments_of_definitions import Events
from windows_by_scan import SPECS, Event, Scan, identical, source
from windows_events import busy, histories

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from assay._compile import build

    folder = tmp_path_factory.mktemp("windows")
    file = folder / "windows.py"
    file.write_text(source(), encoding="utf-8")
    build(file, folder / "windows.assay")
    return folder / "windows.assay"


def compare(bundle: Path, events: list[Event]) -> None:
    from assay._engine import Engine

    scan = Scan()
    with Engine(str(bundle)) as engine:
        for event in events:
            expected = scan.take(event)
            status, body = engine.event(event.name, json.dumps(event.json()).encode())
            answer: dict[str, Any] = json.loads(body)
            assert status < 400, answer
            if event.name:
                continue
            values = engine.values()
            for spec in SPECS:
                got, wanted = values[spec.name], expected[spec.name]
                assert identical(got, wanted), f"event {event.id}, {spec.declared()}: {got!r}, expected {wanted!r}"
            assert identical(values["word"], expected["word"])
            assert values["decide"] == answer["decision"] == expected["decide"]
            assert sorted(error["function"] for error in answer["errors"]) == sorted(scan.errors)


@settings(max_examples=60, deadline=None)
@given(histories)
def test_every_window_is_what_a_scan_gives(bundle: Path, events: list[Event]) -> None:
    compare(bundle, events)


@pytest.mark.parametrize("seed", range(3))
def test_every_window_is_what_a_scan_gives_on_busy_keys(bundle: Path, seed: int) -> None:
    compare(bundle, busy(seed, 250))


MODEL = """
from datetime import datetime
from enum import Enum
from typing import Annotated
from assay import Secret, event, feature, model, rule, thresholds, window
history = "empty"
class Channel(Enum):
    WEB = "web"
    SHOP = "shop"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    amount: float
    cents: int
    channel: Channel = Channel.WEB
n_day = window.count(by="card", over="1d")
cards = window.distinct("card", over="1d")
before = window.last("channel", by="card", over="1d")
@feature
def changed(channel: Channel, before: Channel | None) -> bool:
    return before is not None and channel is not before
risk = model("risk.txt")
@rule("review")
def risky_before(worst: float | None) -> bool:
    return worst is not None and worst > 0.7
decide = thresholds("risk", review=0.3, decline=0.6)
@feature
def declined(decide: str, risk: float) -> bool:
    return decide == "decline" and risk > 0.65
@feature
def broken(decide: str, cents: int) -> float:
    return len(decide) / (cents % 3)
worst = window.max(risk, by="card", over="1d")
usual = window.mean("risk", by="card", over="5h")
spread = window.std("n_day", over="1d")
declined_1d = window.count(by="card", over="1d", where=declined)
rules_1d = window.count(by="card", over="1d", where=risky_before)
broken_1d = window.sum(broken, by="channel", over="1d", clock="arrival")
"""
INPUTS = ["amount", "n_day", "usual", "declined_1d", "changed"]


def test_windows_over_scores_and_decisions_are_what_plain_python_gives(tmp_path: Path) -> None:
    """Also where the model reads the window that it feeds."""
    lightgbm = pytest.importorskip("lightgbm")
    chance = numpy.random.default_rng(3)
    inputs = chance.normal(50, 100, (1500, len(INPUTS)))
    labels = (inputs[:, 0] + chance.normal(0, 50, 1500) > 60).astype(float)
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1, "num_leaves": 15}
    data = lightgbm.Dataset(inputs, labels, feature_name=INPUTS)
    lightgbm.train(options, data, 12).save_model(tmp_path / "risk.txt")
    file = tmp_path / "outcomes.py"
    file.write_text(MODEL, encoding="utf-8")

    def rows(definition: Definition) -> Iterator[Row]:
        for line, (_, text) in enumerate(Events(definition, seed=7).make(600), 1):
            yield Row(definition.scored, text, file, line)

    checked = check(file, rows)
    assert checked.parity is not None, plain(checked.problems)
    assert not checked.parity.differences
    assert set(checked.parity.outcomes) == {"approve", "review", "decline"}
