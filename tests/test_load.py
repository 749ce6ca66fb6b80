"""The load generator does not lie: a stall shows in its percentiles, its rate is the one asked for, its numbers are
those of an HdrHistogram that we did not write, and what it sends are payments. The programs are bench/load and
http/null_server.c; `make test` builds them with the unit tests."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hdrh.histogram import HdrHistogram
from server_fixture import start_server

BUILD = Path(os.environ.get("ASSAY_UNIT", ROOT / "build" / "unit"))
LOAD, NULL = BUILD / "assay-load", BUILD / "null-server"


def payment(number: int) -> dict[str, Any]:
    return {"id": f"p-{number}", "at": f"2025-03-01T12:00:{number:02d}.5Z", "memo": 'a "quoted" } memo', "amount": 5.0}


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    file = tmp_path / "payments.jsonl"
    file.write_text("".join(json.dumps(payment(n)) + "\n" for n in range(10)), encoding="utf-8")
    return file


def run(port: int, bodies: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [str(LOAD), "--port", str(port), "--bodies", str(bodies), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def load(port: int, bodies: Path, *flags: str) -> Any:
    got = run(port, bodies, *flags)
    assert got.returncode == 0, got.stderr
    return json.loads(got.stdout)


@pytest.fixture
def null_server() -> Iterator[int]:
    process = subprocess.Popen([str(NULL)], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        yield int(process.stderr.readline().rpartition(":")[2])
    finally:
        process.terminate()
        assert process.wait(10) == 0


class Toy:
    """A server of one thread that keeps what it was sent; `stall_s` once, at its request number `stall_at`."""

    def __init__(self, stall_at: int = -1, stall_s: float = 0.0, status: int = 200, close: bool = False) -> None:
        self.stall_at, self.stall_s, self.status, self.close = stall_at, stall_s, status, close
        self.bodies: list[bytes] = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while line.strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    line = stream.readline()
                body = stream.read(length)
                with self.lock:  # one at a time: while it stalls, everybody waits
                    self.bodies.append(body)
                    if len(self.bodies) == self.stall_at:
                        time.sleep(self.stall_s)
                ending = b"Connection: close\r\n" if self.close else b""
                connection.sendall(b"HTTP/1.1 %d Fine\r\n%sContent-Length: 2\r\n\r\n{}" % (self.status, ending))
                if self.close:
                    return


@contextlib.contextmanager
def toy(**settings: Any) -> Iterator[Toy]:
    server = Toy(**settings)
    try:
        yield server
    finally:
        server.listener.close()


def test_a_stall_shows_in_the_high_percentiles_of_the_open_loop(bodies: Path) -> None:
    """200 ms at 400 requests a second: about 80 of 800 requests were due meanwhile, though 4 connections could carry
    only 4 of them. Their waits are spread evenly up to 200 ms, so p95 is about 100 ms."""
    with toy(stall_at=300, stall_s=0.2) as server:
        got = load(server.port, bodies, "--rate", "400", "--seconds", "2", "--warmup", "0.2", "--connections", "4")
    latency = got["latency_us"]
    assert got["scheduled"] == got["answered"] == 800
    assert got["queued"] >= 50
    assert latency["max"] >= 195_000
    assert latency["p99"] >= 150_000
    assert latency["p95"] >= 60_000


def test_the_closed_loop_hides_the_same_stall(bodies: Path) -> None:
    """Why the open loop is there: of the closed loop's requests no more than one a connection met the stall."""
    with toy(stall_at=300, stall_s=0.2) as server:
        got = load(server.port, bodies, "--requests", "1000", "--seconds", "20", "--warmup", "0", "--connections", "4")
    assert got["mode"] == "closed"
    assert got["answered"] == 1000
    assert got["latency_us"]["max"] >= 195_000
    assert got["latency_us"]["p99"] < 150_000


@pytest.mark.parametrize("arrivals", [[], ["--poisson", "7"]], ids=["fixed", "poisson"])
def test_the_rate_is_the_one_asked_for(null_server: int, bodies: Path, arrivals: list[str]) -> None:
    got = load(null_server, bodies, "--rate", "2000", "--seconds", "2", "--warmup", "0.2", *arrivals)
    print(f"p50 against the null server: {got['latency_us']['p50']} us, own lag {got['own_lag_us']['p50']} us")
    assert got["errors"] == {"broken": 0}
    assert got["scheduled"] == got["answered"] + got["unanswered"]
    allowed = 0.06 if arrivals else 0.0005  # four standard deviations of a Poisson count of 4,000
    assert got["rate_scheduled"] == pytest.approx(2000, rel=allowed)
    assert got["rate_done"] == pytest.approx(got["rate_scheduled"], rel=0.01)


def test_poisson_arrivals_are_decided_by_their_seed(null_server: int, bodies: Path) -> None:
    counts = [
        load(null_server, bodies, "--rate", "3000", "--seconds", "0.3", "--warmup", "0", "--poisson", seed)["scheduled"]
        for seed in ("1", "1", "2", "3", "4")
    ]
    assert counts[0] == counts[1]
    assert len(set(counts)) > 2


def test_percentiles_are_those_of_the_hdr_histogram_it_writes(null_server: int, bodies: Path) -> None:
    got = load(null_server, bodies, "--seconds", "1", "--warmup", "0.1")
    histogram = HdrHistogram.decode(got["histogram"])
    assert histogram.get_total_count() == got["latency_us"]["count"] == got["answered"]
    for percentile in (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99):
        ours = got["latency_us"][f"p{percentile:g}"]
        assert round(ours * 1000) == histogram.get_value_at_percentile(percentile)
    assert histogram.get_max_value() == pytest.approx(got["latency_us"]["max"] * 1000, rel=0.001)


def test_requests_are_payments_with_fresh_ids_and_times_that_go_on(bodies: Path) -> None:
    with toy() as server:
        closed = ("--connections", "1", "--warmup", "0", "--seconds", "20", "--id-prefix", "t")
        got = load(server.port, bodies, *closed, "--requests", "25")
        assert got["next"] == 25
        again = load(server.port, bodies, *closed, "--requests", "5", "--first", str(got["next"]))
        assert again["next"] == 30
        sent = [json.loads(body) for body in server.bodies]
    assert [payment["id"] for payment in sent] == [f"t-{n:010d}" for n in range(30)]
    times = [payment["at"] for payment in sent]
    assert times == sorted(times)
    assert times[9:12] == ["2025-03-01T12:00:09.500000Z", "2025-03-01T12:00:10.500000Z", "2025-03-01T12:00:11.500000Z"]
    for n, was in enumerate(sent):
        assert was | {"id": "", "at": ""} == payment(n % 10) | {"id": "", "at": ""}


def test_times_move_on_by_the_calendar(tmp_path: Path) -> None:
    """Over months, leap days and the years 2000 and 2100; CPython's datetime is the oracle."""
    starts = [
        datetime(1999, 12, 30, tzinfo=UTC),
        datetime(2000, 1, 7, 1, 2, 3, 456789, UTC),
        datetime(2000, 2, 5, tzinfo=UTC),
    ]
    span = starts[-1] - starts[0] + timedelta(seconds=1)
    file = tmp_path / "months.jsonl"
    lines = [json.dumps({"at": at.isoformat().replace("+00:00", "Z"), "id": "x"}) + "\n" for at in starts]
    file.write_text("".join(lines), encoding="utf-8")
    flags = ("--connections", "1", "--warmup", "0", "--seconds", "20")
    numbers = []
    with toy() as server:
        for first in (0, 2700):  # 1999 to 2001, and 2091 on
            load(server.port, file, *flags, "--first", str(first), "--requests", "60")
            numbers += range(first, first + 60)
        sent = [datetime.fromisoformat(json.loads(body)["at"]) for body in server.bodies]
    expected = [starts[n % 3] + n // 3 * span for n in numbers]
    assert sent == expected
    assert {at.year for at in sent} >= {2000, 2001, 2091}


def test_what_was_not_answered_counts_with_the_wait_so_far(bodies: Path) -> None:
    """A server that can do a quarter of the rate, and an end before it could catch up."""
    with toy(stall_at=100, stall_s=3.0) as server:
        got = load(server.port, bodies, "--rate", "200", "--seconds", "1", "--warmup", "0", "--drain", "0.5")
    assert got["scheduled"] == 200
    assert 90 <= got["unanswered"] <= 101
    assert got["answered"] + got["unanswered"] == 200
    assert got["latency_us"]["count"] == 200
    assert got["latency_us"]["max"] >= 950_000


def test_other_statuses_are_counted_apart_and_shown(bodies: Path) -> None:
    with toy(status=503) as server:
        got = run(server.port, bodies, "--rate", "100", "--seconds", "0.5", "--warmup", "0")
    result = json.loads(got.stdout)
    assert result["errors"] == {"broken": 0, "503": 50}
    assert result["latency_us"]["count"] == 0
    assert "the first: 503 {}" in got.stderr


def test_a_server_that_closes_after_each_answer_is_measured_all_the_same(bodies: Path) -> None:
    with toy(close=True) as server:
        got = load(server.port, bodies, "--rate", "100", "--seconds", "0.5", "--warmup", "0", "--connections", "2")
    assert got["answered"] == 50
    assert got["errors"] == {"broken": 0}


def test_bad_input_is_named(bodies: Path, tmp_path: Path) -> None:
    with toy() as server:
        got = run(server.port, bodies, "--rat", "5")
        assert (got.returncode, got.stdout) == (2, "")
        assert 'unknown argument "--rat"' in got.stderr
        assert 'got "fast"' in run(server.port, bodies, "--rate", "fast").stderr
        broken = tmp_path / "broken.jsonl"
        broken.write_text(
            '{"id": "a", "at": "2025-03-01T00:00:00Z"}\n{"id": 5, "at": "2025-03-01T00:00:01Z"}\n', "utf-8"
        )
        got = run(server.port, broken)
        assert got.returncode == 1
        assert f'{broken}:2: expected a field "id" that is a string' in got.stderr
        broken.write_text('{"id": "a", "at": "yesterday"}\n', "utf-8")
        assert ':1: expected a field "at" such as' in run(server.port, broken).stderr
        broken.write_text('{"id": "a", "at": "2025-03-01T00:00:00Z"\n', "utf-8")
        assert ":1: expected one JSON object a line" in run(server.port, broken).stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    got = run(port, bodies)
    assert got.returncode == 1
    assert "is a server listening there?" in got.stderr
    assert "--rate" in subprocess.run([str(LOAD), "--help"], capture_output=True, text=True, check=True).stdout


SHOP = """
from datetime import datetime

from assay import event, rule, window

history = "empty"


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    memo: str
    amount: float


before = window.count(by="memo", over="1h")


@rule("decline")
def often(before: int) -> bool:
    return before > 5
"""


def test_assay_takes_every_payment(bodies: Path, tmp_path: Path) -> None:
    """No id twice, no invalid JSON: each is a decision."""
    with start_server(SHOP, data=tmp_path / "data") as server:
        got = load(server.port, bodies, "--rate", "500", "--seconds", "1", "--warmup", "0.2")
        assert got["errors"] == {"broken": 0}
        assert got["answered"] == 500
        assert server.ask("GET", f"/v1/decisions/load-{got['next'] - 1:010d}").status == 200
