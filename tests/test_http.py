"""The server as its clients see it: connections, forms of events, identities, stopping and starting again."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from server_fixture import Server, build_bundle, needs_server, parse_answers, read_all, server_binary, start_server

pytestmark = needs_server

DEFINITION = '''
from datetime import datetime

from assay import event, rule, window

history = "empty"


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float


@event(id="id", time="at", scored=False)
class Login:
    id: str
    at: datetime
    card: str


payments_1h = window.count(by="card", over="1h")
logins_1h = window.count(by="card", over="1h", on=Login)


@rule("decline")
def burst(payments_1h: int) -> bool:
    """More than three payments in an hour."""
    return payments_1h > 3
'''

JSON = "Content-Type: application/json\r\n"
NDJSON = {"Content-Type": "application/x-ndjson"}


def payment(id: str, card: str = "c1", **changes: Any) -> dict[str, Any]:
    return {"id": id, "at": "2026-03-01T12:00:00Z", "card": card, "amount": 5.0} | changes


def request(body: str, target: str = "/v1/score", head: str = JSON, method: str = "POST") -> bytes:
    length = f"Content-Length: {len(body.encode())}\r\n"
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{head}{length}\r\n{body}".encode()


def get(target: str, head: str = "", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode()


def core(decision: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in decision.items() if k not in ("seq", "took_us")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(DEFINITION, "--threads", "2", data=tmp_path_factory.mktemp("http") / "data") as server:
        yield server


# --- what comes back --------------------------------------------------------------------------------------------------


def test_a_payment_is_decided(server: Server) -> None:
    answer = server.score(payment("a1", "card-a"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    decision = answer.json()
    assert (decision["id"], decision["decision"], decision["errors"]) == ("a1", "approve", [])
    assert re.fullmatch(r"\w+@[0-9a-f]{8}", decision["bundle"])
    timing = answer.headers["server-timing"]
    stages = dict(re.findall(r"(\w+);dur=(\d+\.\d{3})", timing))
    assert set(stages) == {"receive", "engine", "journal"}
    assert float(stages["engine"]) > 0
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])


def test_a_rule_fires_on_the_fifth_payment(server: Server) -> None:
    decisions = [server.score(payment(f"b{i}", "card-b")).json() for i in range(5)]
    assert [d["decision"] for d in decisions] == ["approve"] * 4 + ["decline"]
    assert decisions[4]["reasons"] == [{"rule": "burst", "text": "More than three payments in an hour."}]


def test_features_are_added_where_asked_for(server: Server) -> None:
    assert "features" not in server.score(payment("f1", "card-f"), "/v1/score?features=0").json()
    assert server.score(payment("f2", "card-f"), "/v1/score?features=1").json()["features"]["payments_1h"] == 1


def test_the_same_event_again_gets_the_same_bytes_and_counts_once(server: Server) -> None:
    first = server.score(payment("s1", "card-s"))
    again = server.ask("POST", "/v1/score", json.dumps(dict(reversed(payment("s1", "card-s").items()))))
    assert (again.status, again.body) == (200, first.body)
    assert server.score(payment("s2", "card-s"), "/v1/score?features=1").json()["features"]["payments_1h"] == 1


def test_the_same_id_with_other_content_is_a_409_that_says_what_differs(server: Server) -> None:
    assert server.score(payment("x1", "card-x")).status == 200
    answer = server.score(payment("x1", "card-x", amount=6.0))
    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "amount" in answer.body.decode()
    assert server.score(payment("x2", "card-x"), "/v1/score?features=1").json()["features"]["payments_1h"] == 1


def test_a_storm_of_one_id_is_decided_once(server: Server) -> None:
    body = json.dumps(payment("storm", "card-storm"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.ask("POST", "/v1/score", body), range(64)))
    assert {a.status for a in answers} <= {200, 503}
    assert len({a.body for a in answers if a.status == 200}) == 1
    assert server.score(payment("storm2", "card-storm"), "/v1/score?features=1").json()["features"]["payments_1h"] == 1


def test_a_context_event_is_accepted_and_enters_its_windows(server: Server) -> None:
    login = {"id": "l1", "at": "2026-03-01T11:59:00Z", "card": "card-l"}
    answer = server.ask("POST", "/v1/events/Login", json.dumps(login))
    assert answer.status == 202
    assert server.ask("POST", "/v1/events/Login", json.dumps(login)).body == answer.body
    assert server.score(payment("l1", "card-l"), "/v1/score?features=1").json()["features"]["logins_1h"] == 1


def test_a_decision_can_be_read_as_it_was_answered(server: Server) -> None:
    odd = 'p/1 ü?\u0000"%'
    scored = server.score(payment(odd, "card-d"))
    assert scored.status == 200
    path = "/v1/decisions/p%2F1%20%C3%BC%3F%00%22%25"
    found = server.ask("GET", path)
    assert (found.status, found.body) == (200, scored.body)
    explained = server.ask("GET", path + "?explain=1")
    assert explained.status == 200
    assert explained.json()["decision"] == scored.json()
    assert explained.json()["inputs"]["id"] == odd
    assert set(explained.json()) > {"windows", "features", "rules"}


# --- arrays and lines -------------------------------------------------------------------------------------------------


def test_an_array_is_answered_in_its_order(server: Server) -> None:
    events = [payment(f"m{i}", "card-m") for i in range(5)] + [payment("m0", "card-m"), payment("m1", "other")]
    answer = server.score(events)
    assert answer.status == 200
    items = answer.json()
    assert [i["id"] for i in items[:6]] == ["m0", "m1", "m2", "m3", "m4", "m0"]
    assert items[5] == items[0]
    assert items[6]["status"] == 409
    assert items[4]["decision"] == "decline"
    assert server.score([]).json() == []


def test_lines_are_answered_in_lines(server: Server) -> None:
    body = "\n".join(json.dumps(payment(f"n{i}", "card-n")) for i in range(5)) + "\r\n\n"
    answer = server.ask("POST", "/v1/score", body, NDJSON)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    decisions = [json.loads(line) for line in answer.body.decode().splitlines()]
    assert [d["id"] for d in decisions] == [f"n{i}" for i in range(5)]
    assert decisions[4]["decision"] == "decline"
    logins = [{"id": f"nl{i}", "at": "2026-03-01T12:00:00Z", "card": "card-nl"} for i in range(3)]
    assert server.ask("POST", "/v1/events/Login", json.dumps(logins)).status == 202
    features = server.score(payment("nl", "card-nl"), "/v1/score?features=1").json()["features"]
    assert features["logins_1h"] == 3


def test_a_batch_decides_as_single_events_do(server: Server, tmp_path: Path) -> None:
    events = [payment(f"t{i}", f"card-t{i % 3}", amount=i / 7) for i in range(3000)]
    batch = server.score(events).json()
    assert len(batch) == 3000
    with start_server(DEFINITION, "--durability", "none", data=tmp_path / "data") as other:
        connection = http.client.HTTPConnection(other.host, other.port)
        for event, item in zip(events[:300], batch, strict=False):
            connection.request("POST", "/v1/score", json.dumps(event), {"Content-Type": "application/json"})
            single = core(json.loads(connection.getresponse().read()))
            assert single.pop("durable") is False
            assert single == core(item)
        connection.close()


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_closed_when_asked(server: Server) -> None:
    with server.connect() as sock:
        for i in range(3):
            sock.sendall(request(json.dumps(payment(f"k{i}", "card-k"))))
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            assert answer.status == 200
            assert json.loads(answer.read())["id"] == f"k{i}"
        sock.sendall(get("/healthz", "Connection: close\r\n"))
        (last,) = parse_answers(read_all(sock))
        assert last.headers["connection"] == "close"


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    raw = b"".join(request(json.dumps(payment(f"q{i}", f"card-q{i}"))) for i in range(50))
    answers = server.send(raw + get("/healthz") + get("/nothing") + request("{") + get("/readyz"))
    assert [a.status for a in answers] == [200] * 51 + [404, 400, 200]
    assert [a.json()["id"] for a in answers[:50]] == [f"q{i}" for i in range(50)]


def test_head_is_get_without_the_body(server: Server) -> None:
    for target in ("/healthz", "/readyz", "/v1/decisions/none"):
        with server.connect() as sock:
            sock.sendall(get(target, "Connection: close\r\n", "HEAD"))
            raw = read_all(sock)
        body = server.ask("GET", target).body
        assert raw.endswith(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}\r\n".encode() in raw


def test_chunks_of_any_size_read_the_same(server: Server) -> None:
    body = json.dumps(payment("chunks", "card-chunks")).encode()
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + JSON.encode() + b"\r\n"
    bodies = set()
    for size in (1, 7, len(body)):
        pieces = [body[i : i + size] for i in range(0, len(body), size)]
        raw = b"".join(b"%X\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
        (answer,) = server.send(head + raw)
        assert answer.status == 200
        bodies.add(answer.body)
    assert len(bodies) == 1


def test_the_body_may_wait_for_100_continue(server: Server) -> None:
    body = json.dumps(payment("expect", "card-expect"))
    head, _, _ = request(body, head=JSON + "Expect: 100-continue\r\nConnection: close\r\n").partition(b"{")
    with server.connect() as sock:
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body.encode())
        (answer,) = parse_answers(read_all(sock))
    assert answer.status == 200
    # a refused head gets its answer instead
    with server.connect() as sock:
        sock.sendall(head.replace(b"Content-Length: ", b"Content-Length: 99999999"))
        assert sock.recv(100).startswith(b"HTTP/1.1 413 ")


def test_an_old_client_is_answered_and_closed(server: Server) -> None:
    answers = server.send(get("/healthz").replace(b"1.1", b"1.0") + get("/healthz"), end=False)
    assert [a.status for a in answers] == [200]
    assert answers[0].headers["connection"] == "close"


def test_a_half_closed_client_gets_its_answer(server: Server) -> None:
    (answer,) = server.send(request(json.dumps(payment("half", "card-half"))), end=True)
    assert answer.status == 200


def test_slow_clients_do_not_hold_up_others(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            sock = stack.enter_context(server.connect())
            sock.sendall(b"POST /v1/score HTTP/1.1\r\nHost: local")
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        took = []
        for i in range(100):
            start = time.perf_counter()
            connection.request(
                "POST", "/v1/score", json.dumps(payment(f"o{i}", f"card-o{i}")), {"Content-Type": "application/json"}
            )
            assert connection.getresponse().read()
            took.append(time.perf_counter() - start)
        connection.close()
        assert sorted(took)[90] < 0.5
        assert server.metrics()["assay_http_connections"] >= 300


def test_connections_beyond_the_limit_get_503() -> None:
    with start_server(DEFINITION, "--connections", "4") as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(server.connect())
            sock.sendall(get("/healthz"))
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        (answer,) = server.send(b"", end=False)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        stack.close()
        deadline = time.monotonic() + 5
        while server.ask("GET", "/healthz").status != 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.ask("GET", "/healthz").status == 200


# --- the small routes -------------------------------------------------------------------------------------------------


def test_health_and_readiness(server: Server) -> None:
    assert server.ask("GET", "/healthz").json() == {"status": "ok"}
    assert server.ask("GET", "/readyz").json() == {"ready": True}


def test_metrics_are_prometheus_text(server: Server) -> None:
    before = server.metrics()
    server.ask("GET", "/nothing")
    after = server.metrics()
    name = 'assay_http_requests_total{route="none",status="404"}'
    assert after[name] == before.get(name, 0) + 1
    text = server.ask("GET", "/metrics").body.decode()
    sample = re.compile(
        r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+]?(\d+(\.\d+)?([eE][-+]?\d+)?|Inf|NaN)'
    )
    described = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            described.add(line.split()[2])
        elif not line.startswith("#"):
            assert sample.fullmatch(line), line
            assert re.sub(r"(_bucket|_sum|_count)?(\{.*)? .*", "", line) in described, line


# --- stopping and starting --------------------------------------------------------------------------------------------


def test_a_decision_is_the_same_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start_server(DEFINITION, data=data) as server:
        first = [server.score(payment(f"r{i}", "card-r")).body for i in range(4)]
        assert server.stop() == 0
    with start_server(DEFINITION, data=data) as server:
        assert [server.ask("GET", f"/v1/decisions/r{i}").body for i in range(4)] == first
        assert [server.score(payment(f"r{i}", "card-r")).body for i in range(4)] == first
        fifth = server.score(payment("r4", "card-r"), "/v1/score?features=1").json()
        assert fifth["features"]["payments_1h"] == 4
        assert fifth["decision"] == "decline"
        assert server.stop() == 0


def test_sigterm_answers_what_has_begun(tmp_path: Path) -> None:
    with start_server(DEFINITION, data=tmp_path / "data") as server:
        idle, begun = server.connect(), server.connect()
        with idle, begun:
            idle.sendall(get("/healthz"))
            assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")
            whole = request(json.dumps(payment("begun")))
            begun.sendall(whole[:-10])
            time.sleep(0.1)
            server.process.send_signal(signal.SIGTERM)
            assert idle.recv(1000) == b""
            begun.sendall(whole[-10:])
            (answer,) = parse_answers(read_all(begun))
            assert answer.status == 200
            assert answer.headers["connection"] == "close"
            with pytest.raises(OSError):
                server.connect(timeout=2).close()
        assert server.process.wait(20) == 0


def test_under_load_sigterm_loses_no_acknowledged_decision(tmp_path: Path) -> None:
    data = tmp_path / "data"
    acknowledged: dict[str, bytes] = {}

    def client(server: Server, number: int) -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for i in range(100000):
                event = payment(f"load-{number}-{i}", f"card-{number}")
                connection.request("POST", "/v1/score", json.dumps(event), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200
                acknowledged[event["id"]] = body

    with start_server(DEFINITION, data=data) as server:
        threads = [threading.Thread(target=client, args=(server, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert server.stop() == 0
        for thread in threads:
            thread.join()
    assert len(acknowledged) > 20
    with start_server(DEFINITION, data=data) as server:
        for id, body in acknowledged.items():
            assert server.ask("GET", f"/v1/decisions/{id}").body == body


def run_binary(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(server_binary()), *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_replay_finds_no_difference(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start_server(DEFINITION, data=data) as server:
        server.score([payment(f"y{i}", f"card-y{i % 7}") for i in range(500)])
        assert server.stop() == 0
    got = run_binary("--bundle", str(build_bundle(DEFINITION)), "--data", str(data), "--replay")
    assert got.returncode == 0, got.stderr
    summary = json.loads(got.stdout)
    assert (summary["inputs"], summary["outputs"], summary["differences"]) == (500, 500, 0)
    assert re.fullmatch(r"[0-9a-f]{32}", summary["digest"])
    assert summary["first_difference"] is None


def test_a_second_server_on_the_same_data_or_port_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start_server(DEFINITION, data=data) as server:
        bundle = str(build_bundle(DEFINITION))
        got = run_binary("--bundle", bundle, "--listen", "127.0.0.1:0", "--data", str(data))
        assert got.returncode == 1
        assert str(data) in got.stderr
        got = run_binary("--bundle", bundle, "--listen", f"127.0.0.1:{server.port}")
        assert got.returncode == 1
        assert str(server.port) in got.stderr
        assert server.score(payment("still")).status == 200


def test_usage_errors_name_the_mistake() -> None:
    got = run_binary("--bundel", "x")
    assert (got.returncode, got.stdout) == (2, "")
    assert "did you mean --bundle?" in got.stderr
    assert run_binary("--bundle", "x", "--listen", "0.0.0.0:1").returncode == 2
    missing = run_binary("--bundle", "/no/such.assay")
    assert missing.returncode == 1
    assert "/no/such.assay" in missing.stderr
    helped = run_binary("--help")
    assert helped.returncode == 0
    assert "Examples:" in helped.stdout
    assert run_binary("--version").stdout.startswith("assay-server ")


def test_an_ipv6_loopback_address_works() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    binary = server_binary()
    assert binary is not None
    process = subprocess.Popen(
        [str(binary), "--bundle", str(build_bundle(DEFINITION)), "--listen", "[::1]:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        found = re.search(r"http://\[::1\]:(\d+)", process.stderr.readline())
        assert found
        with Server(process, "::1", int(found[1])).connect() as sock:
            sock.sendall(get("/healthz", "Connection: close\r\n").replace(b"localhost", b"[::1]:" + found[1].encode()))
            assert read_all(sock).startswith(b"HTTP/1.1 200 ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


# --- what only an odd definition, or another one, brings to light ----------------------------------------------------

GREEDY = (
    DEFINITION
    + """

from assay import feature


def filled(card: str, times: int, pieces: int) -> int:
    total = 0
    for i in range(pieces):
        total = total + len(card * times + str(i))
    return total


@feature
def large(card: str) -> int:
    return filled(card, 100_000, 20)


@feature
def middle(card: str) -> int:
    return filled(card, 1_000, 5_000)


@feature
def small(card: str) -> int:
    return filled(card, 1, 200_000)


by_large = window.count(by="large", over="1h")
"""
)


def test_functions_that_take_all_memory_leave_enough_for_the_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bundle = build_bundle(GREEDY)
    with start_server(bundle, "--data", str(data)) as server:
        for i in range(2):
            got = server.score(payment(f"p{i}", card="abcdefghij"), "/v1/score?features=1")
            assert got.status == 200
            errors = {error["function"]: error["error"] for error in got.json()["errors"]}
            assert errors == {"large": "LimitError", "middle": "LimitError", "small": "LimitError"}
            assert got.json()["features"]["by_large"] is None
            assert got.json()["features"]["payments_1h"] == i
    got = run_binary("--bundle", str(bundle), "--data", str(data), "--replay")
    assert json.loads(got.stdout)["differences"] == 0


def test_a_retry_after_a_deployment_gets_the_first_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start_server(build_bundle(DEFINITION), "--data", str(data)) as server:
        first = server.score(payment("p0"))
    wider = DEFINITION.replace("    amount: float\n", '    amount: float\n    note: str = ""\n')
    with start_server(build_bundle(wider), "--data", str(data)) as server:
        assert server.score(payment("p0")).body == first.body
        assert server.score(payment("p0", note="another")).status == 409
        assert server.score(payment("p0", amount=7.5)).status == 409


def test_the_window_budget_drops_no_event_that_was_decided(tmp_path: Path) -> None:
    with start_server(build_bundle(DEFINITION), "--data", str(tmp_path / "data"), "--window-budget", "1M") as server:
        lines = "\n".join(json.dumps(payment(f"p{i}", card=f"c{i}")) for i in range(2000))
        answers = [json.loads(line) for line in server.ask("POST", "/v1/score", lines, NDJSON).body.splitlines()]
        decided = sum("decision" in answer for answer in answers)
        assert 0 < decided < 2000
        assert {answer["status"] for answer in answers if "decision" not in answer} == {503}
        assert f"assay_window_entries {decided}\n" in server.ask("GET", "/metrics").body.decode()


def test_a_definition_file_may_have_any_name(tmp_path: Path) -> None:
    from assay._compile import build

    definition = tmp_path / 'a "b"\n.py'
    definition.write_text(DEFINITION, encoding="utf-8")
    build(definition, tmp_path / "b.assay")
    with start_server(tmp_path / "b.assay") as server:
        assert server.score(payment("p0")).json()["bundle"].startswith('a "b"\n@')


def test_a_conflict_names_what_differs_and_shows_no_secret() -> None:
    secret = DEFINITION.replace("card: str", 'card: "Annotated[str, Secret]"').replace(
        "from assay import", "from typing import Annotated\n\nfrom assay import Secret,"
    )
    with start_server(secret) as server:
        assert server.score(payment("a", card="4111111111111111")).status == 200
        answer = server.score(payment("a", card="5500005555555559", amount=2.5))
        assert answer.status == 409
        assert answer.json()["errors"] == [
            {"path": "/card", "expected": "the same secret value", "got": "another secret value"},
            {"path": "/amount", "expected": "5.0", "got": "2.5"},
        ]
