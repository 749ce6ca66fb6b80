"""The card example: its own tests, and that engine, plain Python and server agree on its payments, bit for bit."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from served import ask, connected
from server_fixture import needs_server, start_server

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "examples" / "cards"
COUNT, SEED = 1000, 3


@pytest.fixture(scope="module")
def rows() -> list[tuple[dict[str, Any], str]]:
    """Generated payments with ties, late ones and repeats."""
    return generator().generate(COUNT, seed=SEED, days=9.0, fraud_share=0.2, late_share=0.05, repeat_share=0.03)


def generator() -> Any:
    sys.path.insert(0, str(CARDS))
    try:
        import payments
    finally:
        sys.path.remove(str(CARDS))
    return payments


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from assay._compile import build

    path = tmp_path_factory.mktemp("cards") / "fraud.assay"
    build(CARDS / "fraud.py", path)
    return path


def environment() -> dict[str, str]:
    """In which a process finds the package that these tests use."""
    import assay

    paths = [os.environ.get("PYTHONPATH", ""), str(Path(assay.__file__).resolve().parents[1])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


needs_installation = pytest.mark.skipif("ASSAY_BUILD" in os.environ, reason="runs the installed package")


# --- the generator --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_payments() -> None:
    generate = generator().generate
    assert generate(300, seed=5) == generate(300, seed=5) != generate(300, seed=6)


def test_payments_come_in_order_with_ties_and_late_and_repeated_ones(rows: list[tuple[dict[str, Any], str]]) -> None:
    times = [payment["at"] for payment, _ in rows]
    ids = [payment["id"] for payment, _ in rows]
    assert any(a == b for a, b in pairwise(times)), "ties"
    assert any(a > b for a, b in pairwise(times)), "late ones"
    assert len(set(ids)) == COUNT < len(ids), "repeats"
    calm = generator().generate(300)
    assert [payment["at"] for payment, _ in calm] == sorted(payment["at"] for payment, _ in calm)


def test_every_fraud_pattern_occurs_and_every_field_is_left_out_or_null_where_it_may_be(
    rows: list[tuple[dict[str, Any], str]],
) -> None:
    assert {pattern for _, pattern in rows} == {"", *(f.__name__ for f in generator().FRAUDS)}
    for name in ("device", "ip", "email", "shipping_postal"):
        assert {"absent", "null", "there"} == {
            "absent" if name not in payment else "null" if payment[name] is None else "there" for payment, _ in rows
        }


# --- the definition -------------------------------------------------------------------------------------------------


def test_the_examples_own_tests_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    result = subprocess.run(command, cwd=CARDS, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_model_reads_only_what_the_definition_has() -> None:
    from assay._read import read

    definition = read(CARDS / "fraud.py")
    assert len(definition.scored.fields) == 20
    assert len(definition.windows) == 24
    assert len(definition.features) == 53
    assert len(definition.rules) == 5
    assert [model.name for model in definition.models] == ["risk"]


def bits(value: Any) -> Any:
    """Values that are the same bits compare equal, others do not: -0.0 is not 0.0, 1 is not True, a NaN is itself."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value.hex()
    return (type(value).__name__, value)


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what may differ: how long it took, and the bundle, which plain Python does not have."""
    return {name: value for name, value in answer.items() if name not in ("took_us", "bundle", "seq")}


@pytest.mark.engine
def test_engine_and_plain_python_compute_the_same_bits(rows: list[tuple[dict[str, Any], str]]) -> None:
    import assay

    answered: dict[str, dict[str, Any]] = {}
    with assay.load(CARDS / "fraud.py") as detector:
        for payment, _ in rows:
            native, python = detector.score(payment), detector.twin.score(payment)
            assert comparable(native) == comparable(python)
            if payment["id"] in answered:  # a repeat: nothing was computed, so there are no values of it
                assert native == answered[payment["id"]]
                continue
            answered[payment["id"]] = native
            values, wanted = detector.values, detector.twin.values
            assert {name: bits(values[name]) for name in wanted} == {name: bits(wanted[name]) for name in wanted}


@pytest.mark.engine
@needs_server
def test_server_answers_what_the_engine_answers_in_process(
    rows: list[tuple[dict[str, Any], str]], bundle: Path, tmp_path: Path
) -> None:
    import assay

    with (
        assay.load(CARDS / "fraud.py") as detector,
        start_server(bundle, data=tmp_path / "data") as server,
        connected(server) as connection,
    ):
        for payment, _ in rows:
            status, body = ask(connection, "POST", "/v1/score?features=1", json.dumps(payment).encode())
            assert status == 200, body
            served, native = json.loads(body), detector.score(payment, features=True)
            assert comparable(served) == comparable(native)
            assert served["bundle"] == native["bundle"]


# --- training -------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """The example's files in a folder of their own, to train in."""
    folder = tmp_path / "cards"
    shutil.copytree(CARDS, folder, ignore=shutil.ignore_patterns("data", "__pycache__", "*.assay"))
    yield folder


@pytest.mark.engine
@needs_installation
def test_training_twice_gives_the_same_model(copy: Path) -> None:
    generate = [sys.executable, "payments.py", "--count", "2000", "-o", "p.jsonl", "--labels", "l.csv"]
    subprocess.run(generate, cwd=copy, env=environment(), check=True, capture_output=True)
    models = []
    for _ in range(2):
        train = [sys.executable, "train.py", "--payments", "p.jsonl", "--labels", "l.csv"]
        subprocess.run(train, cwd=copy, env=environment(), check=True, capture_output=True)
        models.append((copy / "risk.txt").read_bytes())
    assert models[0] == models[1] != (CARDS / "risk.txt").read_bytes()


@pytest.mark.engine
@needs_installation
def test_the_demo_ends_well_in_small(copy: Path) -> None:
    demo = [sys.executable, "demo.py", "--history", "1500", "--count", "100"]
    result = subprocess.run(demo, cwd=copy, env=environment(), capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "byte for byte" in result.stdout
