"""The same events through the engine, the plain-Python twin and the real server: the same bits from all three."""

from __future__ import annotations

import http.client
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
from assay._parse import EventError
from assay._read import read
from assay._twin import Twin
from payments_of_everything import Event, events
from served import ask, connected
from server_fixture import needs_server, start_server

Connection = http.client.HTTPConnection
lightgbm = pytest.importorskip("lightgbm")
pytestmark = pytest.mark.engine

HERE = Path(__file__).resolve().parent
PAYMENTS = 10_000
BATCH = 500
UNEQUAL = ("took_us", "bundle")


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """everything.py with a model trained on noise: what it says does not matter, that all say the same does."""
    folder = tmp_path_factory.mktemp("parity")
    shutil.copyfile(HERE / "everything.py", folder / "everything.py")
    chance = numpy.random.default_rng(5)
    inputs = chance.normal(50, 100, (2000, 8))
    inputs[chance.random(inputs.shape) < 0.1] = numpy.nan
    labels = (numpy.nan_to_num(inputs[:, 0]) + chance.normal(0, 60, 2000) > 60).astype(int)
    options = {"objective": "binary", "num_leaves": 15, "verbose": -1, "seed": 5, "num_threads": 1}
    lightgbm.train(options, lightgbm.Dataset(inputs, labels), 40).save_model(folder / "risk.txt")
    return folder / "everything.py"


@pytest.fixture(scope="module")
def bundle(definition: Path) -> Path:
    from assay._compile import build

    out = definition.with_suffix(".assay")
    build(definition, out)
    return out


def twin_answer(twin: Twin, event: Event, arrival: datetime | None = None) -> dict[str, Any]:
    name, text = event
    try:
        return twin.event(name, text, arrival=arrival) if name else twin.score(text, arrival=arrival)
    except EventError as error:
        return error.problem


def without(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    """An answer's members in order, but for those that no two runs share; of a refusal what all agree on."""
    if "status" in answer:
        errors = answer.get("errors") if answer["status"] == 422 else None
        return [("status", answer["status"]), ("errors", errors)]
    return [(name, value) for name, value in answer.items() if name not in UNEQUAL]


@dataclass
class Decided:
    """What the twin made of an event."""

    event: Event
    answer: dict[str, Any]
    values: dict[str, Any] | None  # of a payment that was decided, not answered again


@pytest.fixture(scope="module")
def stream(definition: Path) -> list[Decided]:
    """10,000 payments and some 2,000 logins, as plain Python decides them."""
    twin = Twin(read(definition))
    return [decided(twin, event) for event in events(PAYMENTS, seed=1)]


def decided(twin: Twin, event: Event, arrival: datetime | None = None) -> Decided:
    before = twin.seq
    answer = twin_answer(twin, event, arrival)
    return Decided(event, answer, twin.values if not event[0] and twin.seq > before else None)


def test_engine_and_twin_agree_on_every_value_of_10000_payments(stream: list[Decided], bundle: Path) -> None:
    from assay._check import same
    from assay._engine import Engine

    statuses: Counter[int] = Counter()
    decisions: Counter[str] = Counter()
    compared = 0
    with Engine(str(bundle)) as engine:
        for number, python in enumerate(stream):
            status, body = engine.event(*python.event)
            native = json.loads(body)
            statuses[status] += 1
            told = f"event {number}: {python.event}"
            assert same(without(native), without(python.answer)), f"{told}\n{native}\n{python.answer}"
            decisions[native.get("decision", "")] += 1
            values = engine.values() if python.values else {}
            for name, value in (python.values or {}).items():
                if name != "card":
                    assert same(values[name], value), f"{told}\n{name}: {values[name]!r} {value!r}"
                    compared += 1
    assert statuses[200] > 9_000
    assert min(statuses[status] for status in (202, 409, 422)) > 50
    assert set(decisions) == {"approve", "watch", "review", "decline", ""}
    assert compared > 9_000 * 50


# --- the real server ---


def posted(connection: Connection, stream: Iterator[Event]) -> Iterator[tuple[Event, dict[str, Any]]]:
    """Posts events in order over one connection, runs of payments as one batch; gives each with its answer."""
    waiting: list[Event] = []

    def flush() -> Iterator[tuple[Event, dict[str, Any]]]:
        if waiting:
            body = b"[" + b",".join(text for _, text in waiting) + b"]"
            status, answers = ask(connection, "POST", "/v1/score?features=1", body)
            assert status == 200, answers[:1000]
            yield from zip(list(waiting), json.loads(answers), strict=True)
            waiting.clear()

    for event in stream:
        if not event[0]:
            waiting.append(event)
            if len(waiting) == BATCH:
                yield from flush()
            continue
        yield from flush()
        _, answer = ask(connection, "POST", f"/v1/events/{event[0]}", event[1])
        yield event, json.loads(answer)
    yield from flush()


def in_json(value: Any) -> Any:
    """A value as an answer's features have it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def assert_answers_agree(served: dict[str, Any], python: Decided, ignored: str = "") -> int:
    """The decision, and the features of a new one. How many features were compared."""
    from assay._check import same

    features = served.pop("features", {})
    served.pop("nonfinite", None)
    assert same(without(served), without(python.answer)), f"{python.event}\n{served}\n{python.answer}"
    if python.values is None:
        return 0
    for name, value in features.items():
        if name != ignored and value != "<secret>":
            assert same(value, in_json(python.values[name])), (
                f"{python.event}\n{name}: {value!r} {python.values[name]!r}"
            )
    return len(features)


@needs_server
def test_server_answers_10000_payments_as_the_twin_does(stream: list[Decided], bundle: Path, tmp_path: Path) -> None:
    """All lie in the past, so the server clamps nothing; only `travelled` reads when a payment arrived."""
    compared = 0
    with start_server(bundle, data=tmp_path / "data") as server, connected(server) as connection:
        answers = posted(connection, (python.event for python in stream))
        for python, (_, served) in zip(stream, answers, strict=True):
            compared += assert_answers_agree(served, python, ignored="travelled")
    assert compared > 9_000 * 25


@needs_server
def test_server_clamps_future_payments_as_the_twin_does_with_its_arrivals(
    definition: Path, bundle: Path, tmp_path: Path
) -> None:
    twin = Twin(read(definition))
    start = datetime.now(UTC) - timedelta(hours=1)
    clamped = compared = 0
    arrival = start
    with start_server(bundle, data=tmp_path / "data") as server, connected(server) as connection:
        answers = list(posted(connection, events(600, seed=3, start=start, future=timedelta(days=3), ahead=0.2)))
        for event, served in answers:
            if not event[0] and "seq" in served:
                _, explained = ask(connection, "GET", f"/v1/decisions/{served['id']}?explain=1")
                arrival = datetime.fromisoformat(json.loads(explained)["arrival"])
            clamped += served.get("clamped", False)
            compared += assert_answers_agree(served, decided(twin, event, arrival))
    assert clamped > 50
    assert compared > 500 * 25


@needs_server
def test_windows_that_reach_before_the_first_deployment_are_warming(
    definition: Path, bundle: Path, tmp_path: Path
) -> None:
    flags = ("--history", "unknown")
    with start_server(bundle, *flags, data=tmp_path / "data") as server, connected(server) as connection:
        (event, served), *_ = posted(connection, (event for event in events(50, seed=4) if not event[0]))
        until = datetime.fromisoformat(next(w["until"] for w in served["warming"] if w["window"] == "n_10m"))
        twin = Twin(read(definition), since=until - timedelta(minutes=10))
        assert_answers_agree(served, decided(twin, event), ignored="travelled")
        assert len(served["warming"]) > 10


PAIRS = """
    from datetime import datetime

    from assay import event, feature, rule, window

    history = "empty"


    @event(id="id", time="at")
    class P:
        id: str
        at: datetime
        card: str
        device: str | None = None


    @feature
    def pair(card: str, device: str | None) -> tuple[str, str | None]:
        return (card, device)


    on_pair = window.count(by=pair, over="1h", include_current=True)


    @rule("review")
    def never(on_pair: int) -> bool:
        return False
"""


def test_a_tuple_key_that_holds_a_none_is_a_none_key(define: Callable[[str], Path]) -> None:
    from assay import load

    detector = load(define(PAIRS))
    for number, device in enumerate(["d", None, "d", None]):
        payment = {"id": f"p{number}", "at": f"2025-03-01T12:00:0{number}Z", "card": "c", "device": device}
        detector.score(payment)
        detector.twin.score(payment)
        expected = None if device is None else 1 + number // 2
        assert (detector.values["on_pair"], detector.twin.values["on_pair"]) == (expected, expected)
