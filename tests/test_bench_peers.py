"""The programs that Assay is measured against decide what the definition decides: bench/peers, beside the twin.

They are tested where they were built, which takes a virtual environment each:

    bench/peers/python-first/build build/peers/python-first
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from assay._read import read
from assay._twin import Twin
from test_cards import generator

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
BUILT = Path(os.environ.get("ASSAY_PEERS_BUILD", ROOT / "build" / "peers"))
CARDS = ROOT / "examples" / "cards"  # its risk.txt stands for the large model of a benchmark

# How many payments each is given: the first takes its time.
COUNTS = {"python-first": 300, "python-tuned": 2_000}
STAGES = {"parse", "features", "windows", "tokenization", "table", "model", "rules and reply", "journal"}
READY_S = 60.0


@pytest.fixture(params=COUNTS)
def peer(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if not (BUILT / name / "installed.txt").exists():
        pytest.skip(f"not built: bench/peers/{name}/build {BUILT / name}")
    return name


def payments(count: int) -> list[dict[str, Any]]:
    """Some of them late, a few by more than a day, and some fraud, so that every rule has its payment."""
    return [payment for payment, _ in generator().generate(count, seed=5, days=40, fraud_share=0.1, late_share=0.1)]


def write(given: list[dict[str, Any]], folder: Path) -> Path:
    file = folder / "payments.jsonl"
    file.write_text("".join(json.dumps(payment, ensure_ascii=False) + "\n" for payment in given), encoding="utf-8")
    return file


@lru_cache(maxsize=2)
def decided(count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the twin answers, and the values it computed."""
    twin = Twin(read(CARDS / "fraud.py"))
    return [(twin.score(payment), twin.values) for payment in payments(count)]


def command(peer: str, script: str, *arguments: Any) -> list[str]:
    return [str(PEERS / peer / script), str(BUILT / peer), str(CARDS), *map(str, arguments)]


def bits(value: Any) -> Any:
    """Numbers by their bits: frames of one row make floats of counts and of bools, which are equal then."""
    return float(value).hex() if isinstance(value, int | float) else value


def test_values_scores_and_decisions_are_the_twins(peer: str, tmp_path: Path) -> None:
    count = COUNTS[peer]
    file = write(payments(count), tmp_path)
    run = subprocess.run(command(peer, "score", file, "--values"), capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    definition = read(CARDS / "fraud.py")
    names = {window.name for window in definition.windows} | {feature.name for feature in definition.features}
    expected = decided(count)
    assert len(lines) == len(expected)
    for line, (answer, values) in zip(lines, expected, strict=True):
        assert line["id"] == answer["id"]
        assert {name: bits(line["values"][name]) for name in names} == {name: bits(values[name]) for name in names}
        assert bits(line["score"]) == bits(answer["score"]), line["id"]
        assert line["decision"] == answer["decision"], line["id"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, body: bytes | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, None


@contextmanager
def serving(peer: str, workers: int) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(command(peer, "serve", port, workers))
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                assert ask(f"{url}/healthz")[0] == 200
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "it does not begin to serve"
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_answers_over_http_are_those_of_the_twin(peer: str) -> None:
    count = COUNTS[peer]
    with serving(peer, workers=1) as url:
        for payment, (expected, _) in zip(payments(count)[:100], decided(count), strict=False):
            status, answer = ask(f"{url}/v1/score", json.dumps(payment).encode())
            assert status == 200
            assert answer.pop("took_us") >= 0
            assert answer == {name: expected[name] for name in ("id", "decision", "score", "reasons", "errors")}


def test_a_wrong_field_is_a_422_by_any_worker(peer: str) -> None:
    wrong = payments(1)[0] | {"amount": "12"}
    del wrong["card"]
    with serving(peer, workers=2) as url:
        assert ask(f"{url}/v1/score", json.dumps(wrong).encode())[0] == 422


def test_stages_sum_to_the_whole(peer: str, tmp_path: Path) -> None:
    file = write(payments(150), tmp_path)
    said = json.loads(subprocess.run(command(peer, "stages", file), capture_output=True, check=True).stdout)
    assert set(said["ns"]) == STAGES
    assert said["total_ns"] == sum(filter(None, said["ns"].values()))
    assert said["ns"]["tokenization"] is None and said["ns"]["journal"] is None
    assert min(said["ns"][name] for name in ("parse", "features", "windows", "model")) > 0
