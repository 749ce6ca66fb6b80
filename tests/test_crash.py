"""What was acknowledged outlives `kill -9`: the server is loaded from several connections, killed at a random moment
and started again on the same data folder, ten times.

The restarts test recovery. The replay at the end decides every journaled payment again, from an empty memory, and
compares with what was recorded: windows that came out of a crash wrong would show as other decisions.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path

import pytest
from served import ask, connected, replay
from server_fixture import Server, needs_server, start_server

pytestmark = [pytest.mark.engine, needs_server]

Acknowledged = dict[str, tuple[bytes, bytes]]  # id -> what was sent, what was answered

CRASHES = 10
CONNECTIONS = 6
DEFINITION = '''
from datetime import datetime
from assay import event, feature, rule, decision, window

history = "empty"

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    device: str | None = None

payments_1h = window.count(by="card", over="1h")
spend_24h = window.sum("amount", by="card", over="24h")
usual = window.mean("amount", by="card", over="30d")
known_device = window.seen("device", by="card", over="90d")
everybody_10m = window.count(over="10m")

@feature
def ratio(amount: float, usual: float | None) -> float:
    return amount / usual if usual else 1.0

@feature
def digest(payments_1h: int, spend_24h: float, ratio: float, known_device: bool | None, everybody_10m: int) -> str:
    return f"{payments_1h} {spend_24h} {ratio} {known_device} {everybody_10m}"

@feature
def checksum(payments_1h: int, spend_24h: float, ratio: float, everybody_10m: int) -> float:
    """Every window shows in the score, so a wrong one shows in a decision."""
    return payments_1h + spend_24h / 1000 + ratio / 7 + everybody_10m / 11

@rule("review")
def often(payments_1h: int) -> bool:
    """Often."""
    return payments_1h > 20

@rule("decline")
def changed_device(known_device: bool, payments_1h: int) -> bool:
    """Another device."""
    return payments_1h > 3 and not known_device

@decision
def decide(checksum: float, fired: list[str]) -> str:
    if "changed_device" in fired:
        return "decline"
    return "review" if fired or int(checksum * 1000) % 3 == 0 else "approve"
'''


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from assay._compile import build

    folder = tmp_path_factory.mktemp("crash")
    definition = folder / "fraud.py"
    definition.write_text(DEFINITION, encoding="utf-8")
    build(definition, folder / "fraud.assay")
    return folder / "fraud.assay"


def payment(rng: random.Random, id: str) -> bytes:
    event = {
        "id": id,
        "at": f"2025-03-01T{rng.randrange(12, 14)}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z",
        "card": f"c-{rng.randrange(12)}",
        "amount": rng.choice([rng.uniform(0, 500), 0.1, 1e15, -3.5]),
        "device": rng.choice([None, "d-1", "d-2"]),
    }
    return json.dumps(event).encode()


def load(port: int, crash: int, worker: int, acknowledged: Acknowledged, stop: threading.Event) -> None:
    """Posts payments until the server dies; notes each that was answered 200."""
    rng = random.Random(crash * 1000 + worker)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    number = 0
    while not stop.is_set():
        id, number = f"p-{crash}-{worker}-{number}", number + 1
        body = payment(rng, id)
        try:
            connection.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            return  # killed: this one was not acknowledged
        assert response.status == 200, answer
        acknowledged[id] = body, answer


def load_and_kill(server: Server, crash: int) -> Acknowledged:
    """What the clients were told before the server was killed."""
    stop = threading.Event()
    noted: list[Acknowledged] = [{} for _ in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=load, args=(server.port, crash, worker, noted[worker], stop))
        for worker in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(random.Random(crash).uniform(0.05, 0.5))
    server.process.kill()
    server.process.wait()
    stop.set()
    for thread in threads:
        thread.join()
    return {id: told for answers in noted for id, told in answers.items()}


def check(server: Server, told: Acknowledged) -> None:
    """Every one of them is answered as it was, by its id and when it is posted again."""
    with connected(server) as connection:
        for id, (body, answer) in told.items():
            assert ask(connection, "GET", f"/v1/decisions/{id}") == (200, answer)
            assert ask(connection, "POST", "/v1/score", body) == (200, answer), "posted again"


def test_acknowledged_decisions_outlive_ten_kills(bundle: Path, tmp_path: Path) -> None:
    from assay._engine import Engine

    data = tmp_path / "data"
    acknowledged: Acknowledged = {}
    newest: Acknowledged = {}
    rng = random.Random(1)
    for crash in range(CRASHES):
        older = rng.sample(sorted(acknowledged), min(300, len(acknowledged)))
        with start_server(bundle, data=data) as server:
            check(server, newest | {id: acknowledged[id] for id in older})
            newest = load_and_kill(server, crash)
        acknowledged |= newest
    assert len(acknowledged) > 20 * CRASHES, "the server was hardly loaded"

    with start_server(bundle, data=data) as server:
        check(server, acknowledged)

    result = replay(bundle, data)
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads(result.stdout)
    assert summary["differences"] == 0, summary
    assert summary["inputs"] == summary["outputs"] >= len(acknowledged), summary
    with Engine(str(bundle), str(data)) as engine:
        assert engine.digest() == summary["digest"], "windows of a recovery and of a replay"
