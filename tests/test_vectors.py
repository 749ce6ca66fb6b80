"""Vector features: lists of a fixed length, as columns, model inputs and in answers; engine = plain Python = numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import assay
import numpy as np
import pytest
from assay._definition import DefinitionError
from test_definitions_corpus import EVENTS, agree

pytestmark = pytest.mark.engine

HEAD = """
from datetime import datetime
from assay import event, feature, model, rule, text, thresholds, window
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    cents: int = 0
    hint: float | None = None
n_day = window.count(by="card", over="1d")
@feature(size=3)
def shape(amount: float, hint: float) -> list[float]:
    return [amount, hint * 2, len(str(amount))]
"""
LENGTHS = """
@feature(size=2)
def odd(cents: int, card: str) -> list[float]:
    if cents % 5 == 0:
        return [1.5]
    if cents % 7 == 0:
        return [card, 1.0]
    return (cents, float("nan")) if cents % 2 else [float("inf"), -0.0]
@feature
def inner(shape: list[float], odd: list[float] | None) -> float:
    return sum(shape) + (0.0 if odd is None else odd[0])
"""
PAYMENT = {"id": "p", "at": "2026-01-05T10:00:00Z", "card": "a", "amount": 12.5, "cents": 8, "hint": 3.0}


def write(folder: Path, body: str) -> Path:
    file = folder / "fraud.py"
    file.write_text(HEAD + body, encoding="utf-8")
    return file


def problems(file: Path) -> str:
    with pytest.raises(DefinitionError) as raised:
        assay.load(file)
    return "\n".join(f"{p.message} {p.help}" for p in raised.value.problems)


def trained(folder: Path, names: list[str], classes: int = 0) -> Any:
    """A model whose answers depend on every input."""
    import lightgbm

    chance = np.random.default_rng(5)
    inputs = chance.normal(40, 60, (900, len(names)))
    inputs[chance.random(inputs.shape) < 0.15] = np.nan
    signal = np.nan_to_num(inputs).sum(axis=1)
    labels = np.digitize(signal, np.quantile(signal, [0.3, 0.6])) if classes else signal > np.median(signal)
    options = {"objective": "multiclass", "num_class": 3} if classes else {"objective": "binary"}
    data = lightgbm.Dataset(inputs, labels.astype(int), feature_name=names)
    return lightgbm.train(options | {"verbose": -1, "num_threads": 1}, data, 10)


def test_vector_is_a_list_in_functions_and_wrong_shapes_are_errors(tmp_path: Path) -> None:
    assert agree(write(tmp_path, LENGTHS)) > EVENTS * 0.9


def test_other_length_is_a_type_error_that_leaves_the_feature_missing(tmp_path: Path) -> None:
    with assay.load(write(tmp_path, LENGTHS)) as detector:
        answer = detector.score(PAYMENT | {"cents": 10})
        assert [(e["function"], e["error"]) for e in answer["errors"]] == [("odd", "TypeError")]
        assert detector.values["odd"] is None
        assert detector.values["shape"] == [12.5, 6.0, 4.0]
        assert detector.values["inner"] == 22.5
        detector.score(PAYMENT | {"id": "q", "cents": 7})
        assert detector.values["odd"] is None  # a str among its items


@pytest.mark.parametrize("inputs", ["", ', inputs=["shape", "amount", "n_day"]', ', inputs=[shape, "amount", "n_day"]'])
def test_items_are_inputs_of_a_model_by_name_and_in_order(tmp_path: Path, inputs: str) -> None:
    names = ["shape_0", "shape_1", "shape_2", "amount", "n_day"]
    trained(tmp_path, ["a", "b", "c", "d", "e"] if inputs else names).save_model(tmp_path / "risk.txt")
    file = write(tmp_path, f'risk = model("risk.txt"{inputs})\ndecide = thresholds("risk", review=0.5)\n')
    assert agree(file) > EVENTS * 0.9


def test_items_may_come_in_any_order_and_classes_are_a_vector(tmp_path: Path) -> None:
    trained(tmp_path, ["shape_2", "amount", "shape_0"], classes=3).save_model(tmp_path / "kinds.txt")
    trained(tmp_path, ["kinds_2", "shape_1", "kinds_0", "kinds_1"]).save_model(tmp_path / "risk.txt")
    body = 'kinds = model("kinds.txt")\nrisk = model("risk.txt")\ndecide = thresholds("risk", review=0.5)\n'
    file = write(tmp_path, body)
    assert agree(file) > EVENTS * 0.9
    with assay.load(file) as detector:
        detector.score(PAYMENT)
        kinds = detector.values["kinds"]
        assert len(kinds) == 3 and math.isclose(sum(kinds), 1.0)


def test_plan_tells_whose_item_each_input_is(tmp_path: Path) -> None:
    from assay._compile import compile
    from assay._read import read

    trained(tmp_path, ["amount", "shape_0", "shape_1", "shape_2", "shape_0"][:4]).save_model(tmp_path / "risk.txt")
    plan = compile(read(write(tmp_path, 'risk = model("risk.txt")\n'))).json
    named = {slot["name"]: slot for slot in plan["slots"]}
    assert named["shape"]["size"] == 3
    assert plan["models"][0]["inputs"] == [named["amount"]["slot"], [named["shape"]["slot"], 0, 3]]


def test_columns_of_a_backfill_are_the_items(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    with assay.load(write(tmp_path, LENGTHS)) as detector:
        rows = [PAYMENT | {"id": str(n), "cents": n, "hint": None if n == 4 else 3.0} for n in range(1, 12)]
        frame = pandas.DataFrame(rows)
        frame["at"] = pandas.to_datetime(frame["at"])
        table = detector.backfill(frame, features_only=True)
        assert list(table.columns) == ["n_day", "shape_0", "shape_1", "shape_2", "odd_0", "odd_1", "inner", "decision"]
        assert table["shape_2"].tolist()[0] == 4.0 and table["shape_1"].isna().tolist().count(True) == 1
        for number, row in enumerate(rows):
            detector.score(row | {"id": f"again {number}"})
            values = detector.values["odd"] or [None, None]
            for item in range(2):
                got = table[f"odd_{item}"][number]
                missing = values[item] is None or math.isnan(values[item])
                assert pandas.isna(got) if missing else repr(float(got)) == repr(values[item])


def test_answers_have_arrays_and_name_items_that_are_not_finite(tmp_path: Path) -> None:
    with assay.load(write(tmp_path, LENGTHS)) as detector:
        detector.score(PAYMENT)
        assert detector.values["odd"] == [math.inf, 0.0]
        assert json.dumps(detector.values["shape"]) == "[12.5, 6.0, 4.0]"


# --- vectors of tokens ---

TOKENS = """
@feature
def ids(card: str, cents: int) -> list[int]:
    return [(ord(c) * 7 + cents) % 50 for c in card] + ([cents] if cents % 3 == 0 else [])
"""
TEXTS = (
    TOKENS
    + """
words = text.bag(ids, size=7)
wide = text.bag("ids", size=64)
mean = text.embed(ids, "vectors.npy")
most = text.embed("ids", "vectors.npy", pool="max")
first = text.embed(ids, "vectors.npy", pool="first")
small = text.embed(ids, "small.npz")
small_most = text.embed(ids, "small.npz", pool="max")
@feature
def total(words: list[float], mean: list[float]) -> float:
    return sum(words) + max(mean)
"""
)


def vectors(folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    chance = np.random.default_rng(11)
    rows = chance.normal(size=(50, 13)).astype(np.float32)
    rows[3, :4] = [-0.0, 1e38, 1e-45, 0.0]
    np.save(folder / "vectors.npy", rows)
    small = chance.integers(-128, 128, (50, 1)).astype(np.int8)
    scales = chance.normal(size=50).astype(np.float32)
    np.savez(folder / "small.npz", vectors=small, scales=scales)
    return rows, small, scales


def test_bag_and_embed_agree_with_plain_python_on_payments(tmp_path: Path) -> None:
    vectors(tmp_path)
    assert agree(write(tmp_path, TEXTS)) > EVENTS * 0.9


def test_bag_and_embed_are_what_numpy_gives(tmp_path: Path) -> None:
    rows, small, scales = vectors(tmp_path)
    with assay.load(write(tmp_path, TEXTS)) as detector:
        for number in range(1, 200):
            detector.score(PAYMENT | {"id": str(number), "card": "kAz"[: number % 4] or "x", "cents": number % 49})
            values = detector.values
            ids = np.array(values["ids"])
            assert values["words"] == np.bincount(ids % 7, minlength=7).astype(float).tolist()
            assert values["wide"] == np.bincount(ids % 64, minlength=64).astype(float).tolist()
            picked = rows[ids].astype(np.float64)
            assert values["mean"] == picked.mean(axis=0).tolist()
            assert values["most"] == picked.max(axis=0).tolist()
            assert values["first"] == picked[0].tolist()
            unpacked = small[ids].astype(np.float64) * scales[ids].astype(np.float64)[:, None]
            assert values["small_most"] == unpacked.max(axis=0).tolist()


def test_no_tokens_are_zeros_and_an_unknown_one_is_an_index_error(tmp_path: Path) -> None:
    vectors(tmp_path)
    body = TEXTS.replace("return [(ord", "return [] if cents == 1 else [cents] if cents in (50, -1) else [(ord")
    with assay.load(write(tmp_path, body)) as detector:
        detector.score(PAYMENT | {"cents": 1})
        assert detector.values["mean"] == detector.values["first"] == detector.values["most"] == [0.0] * 13
        assert detector.values["words"] == [0.0] * 7
        for cents in (50, -1):
            answer = detector.score(PAYMENT | {"id": str(cents), "cents": cents})
            failed = {error["function"]: error["error"] for error in answer["errors"]}
            assert failed == dict.fromkeys(("mean", "most", "first", "small", "small_most"), "IndexError")
            assert detector.twin.score(PAYMENT | {"id": str(cents), "cents": cents})["errors"] == answer["errors"]
            assert detector.values["words"][cents % 7] == 1.0


def test_part_of_an_embedding_that_is_cut_or_changed_is_refused(tmp_path: Path) -> None:
    from assay._bundle import write_bundle
    from assay._compile import compile
    from assay._engine import Engine, EngineError
    from assay._read import read

    vectors(tmp_path)
    plan = compile(read(write(tmp_path, TEXTS)))
    part = plan.parts["embedding/0"]
    nan = np.float32(np.nan).tobytes()
    for wrong in (
        b"",
        part[:23],
        part[:-1],
        part + b"\0",
        b"X" + part[1:],
        part[:-4] + nan,
        part[:12] + b"\2" + part[13:],
    ):
        write_bundle(plan.parts | {"embedding/0": wrong}, tmp_path / "wrong.assay")
        with pytest.raises(EngineError, match="embedding/0: an embedding's part"):
            Engine(str(tmp_path / "wrong.assay"), history="empty")


WRONG = {
    "@feature(size=0)\ndef v(amount: float) -> list[float]:\n    return []": "size is 0, expected a whole number",
    "@feature(size=5000)\ndef v(amount: float) -> list[float]:\n    return []": "from 1 to 4,096",
    "@feature(size=2)\ndef v(amount: float) -> float:\n    return 1.0": "a vector feature returns `list[float]`",
    "@feature(size=2)\ndef v(amount: float) -> list[int]:\n    return [1, 2]": "a vector feature returns `list[float]`",
    "@feature\ndef shape_1(amount: float) -> float:\n    return 1.0": "shape_1 is a column of the vector shape",
    TOKENS + "v = text.bag(ids, size=0)": "size is 0",
    'v = text.bag("card", size=4)': "text.bag of card, which is a field, expected tokens: a list[int]",
    TOKENS + 'v = text.bag("idz", size=4)': "did you mean id or ids",
    TOKENS + 'v = text.embed(ids, "none.npy")': "the vectors none.npy cannot be read: No such file",
    TOKENS + 'v = text.embed(ids, "risk.txt")': "the vectors risk.txt: no array can be read",
    TOKENS + 'v = text.embed(ids, "vectors.npy", pool="sum")': 'pool is \'sum\', expected "mean", "max" or "first"',
    TOKENS + "import numpy\nv = text.embed(ids, numpy.ones((3, 2)))": 'vectors.astype("float32")',
    TOKENS + "import numpy\nv = text.embed(ids, numpy.ones(3))": "are of shape (3,)",
    TOKENS + "import numpy\nv = text.embed(ids, numpy.ones((3, 2), numpy.int8))": "without a scale",
    TOKENS + "import numpy\nv = text.embed(ids, numpy.full((3, 2), numpy.nan, 'f'))": "not finite",
    'risk = model("risk.txt")': "did you mean shape_2",
    'risk = model("risk.txt", inputs=["shape", "cents"])': "risk takes 2 inputs, inputs= names 4",
}


@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_a_vector_is_said_at_build(tmp_path: Path, body: str) -> None:
    vectors(tmp_path)
    trained(tmp_path, ["shape_12", "cents"]).save_model(tmp_path / "risk.txt")
    assert WRONG[body] in problems(write(tmp_path, body + "\n"))
