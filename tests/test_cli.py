"""The `assay` command, run as people run it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import assay as package
import pytest
from assay._serve import ServeError, read_config
from server_fixture import needs_server

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ["new", "check", "build", "score", "serve", "explain", "replay", "backfill", "import"]
SMALL = '''
from datetime import datetime
from assay import event, feature, rule, window

history = "empty"

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float = 1.0

@event(id="id", time="at", scored=False)
class Login:
    id: str
    at: datetime
    card: str

n = window.count(by="card", over="10m")
logins = window.count(by="card", over="10m", on=Login)

@feature
def doubled(amount: float) -> float:
    return amount * 2

@rule("review")
def many(n: int, logins: int) -> bool:
    """Many."""
    return n + logins > 1
'''


def environment(**more: str) -> dict[str, str]:
    """In which a process finds the package that the tests use."""
    folder = str(Path(package.__file__).absolute().parent.parent)
    return os.environ | {"PYTHONPATH": folder, "NO_COLOR": "1", "COLUMNS": "120"} | more


def assay(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assay", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.py").write_text(SMALL)
    lines = [{"id": f"p{n}", "at": f"2026-01-01T00:0{n}:00Z", "card": "c", "amount": n / 3} for n in range(3)]
    (tmp_path / "payments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "logins.jsonl").write_text('{"id": "l", "at": "2026-01-01T00:01:00Z", "card": "c"}\n')
    return tmp_path


# --- words ---


def test_help_shows_the_commands_that_are_there_and_no_others() -> None:
    shown = assay("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", shown), command
    for later in ("deploy", "promote", "rollback"):
        assert later not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example(command: str) -> None:
    result = assay(command, "--help")
    assert result.returncode == 0
    assert f"assay {command} " in result.stdout.split("xample", 1)[1]


def test_unknown_command_names_the_nearest() -> None:
    result = assay("chekc")
    assert result.returncode == 2
    assert "check" in result.stderr


def test_version_is_shown() -> None:
    assert re.match(r"assay [0-9]+", assay("--version").stdout)


def test_unknown_key_in_the_configuration_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text('[serve]\nlisten = "127.0.0.1:1"\ndurabilty = "none"\n')
    with pytest.raises(ServeError, match="durabilty; did you mean durability"):
        read_config(tmp_path / "assay.toml")


def test_scaffold_is_written_once(tmp_path: Path) -> None:
    assert assay("new", "shop", cwd=tmp_path).returncode == 0
    assert len((tmp_path / "shop" / "payments.jsonl").read_text().splitlines()) == 200
    again = assay("new", "shop", cwd=tmp_path)
    assert again.returncode == 1
    assert "is there already" in again.stderr


# --- definitions ---


@pytest.mark.engine
def test_check_says_what_the_definition_is_and_that_both_agree(folder: Path) -> None:
    result = assay("check", "small.py", "--sample", "payments.jsonl", "Login=logins.jsonl", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "Payment: 4 fields, 1 feature, 2 windows, 1 rule, 0 models" in result.stderr
    assert "4 of 4 events: native = Python, bit for bit" in result.stderr


@pytest.mark.engine
def test_check_lists_the_windows_that_are_entered_once_decided(folder: Path) -> None:
    more = 'twice = window.mean("doubled", by="card", over="1h")\nmost = window.max("n", by="card", over="1h")\n'
    (folder / "small.py").write_text(SMALL + more)
    result = assay("check", "small.py", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "outcome windows, entered once decided: most\n" in result.stderr
    windows = json.loads(assay("check", "small.py", "--json", cwd=folder).stdout)["windows"]
    assert [window["name"] for window in windows if window["outcome"]] == ["most"]


@pytest.mark.engine
def test_check_takes_a_payment_that_is_there_again_or_refused_for_equal(folder: Path) -> None:
    lines = (folder / "payments.jsonl").read_text().splitlines()
    (folder / "payments.jsonl").write_text("\n".join([*lines, lines[0], lines[1].replace('"c"', "7")]) + "\n")
    result = assay("check", "small.py", "--sample", "payments.jsonl", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "5 of 5 payments: native = Python, bit for bit" in result.stderr
    assert "1 of them refused, by both in the same way" in result.stderr


@pytest.mark.engine
def test_check_as_json_and_over_budget_fails(folder: Path) -> None:
    arguments = ("check", "small.py", "--sample", "payments.jsonl", "--json", "--budget")
    result = assay(*arguments, "1us", cwd=folder)
    found = json.loads(result.stdout)
    assert result.returncode == (1 if found["us_per_payment"] > 1 else 0)
    assert found["parity"] | {"outcomes": 0} == {"rows": 3, "differ": 0, "refused": 0, "outcomes": 0, "differences": []}
    assert [function["name"] for function in found["functions"]] == ["doubled", "many"]
    assert assay(*arguments, "10s", cwd=folder).returncode == 0


@pytest.mark.engine
def test_check_reports_a_difference_with_its_row_and_inputs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay import _check, _rows, _twin

    right = _twin.Twin._call

    def wrong(self: Any, function: Any, run: Any) -> Any:
        value = right(self, function, run)
        return value + 1e-9 if function.name == "doubled" and run.seq == 2 else value

    monkeypatch.setattr(_twin.Twin, "_call", wrong)
    checked = _check.check(
        folder / "small.py", lambda definition: _rows.read(_rows.files_of(definition, folder / "payments.jsonl", []))
    )
    assert checked.failed
    assert checked.parity is not None
    (difference,) = checked.parity.differences
    assert (difference.name, difference.row.line, difference.inputs["amount"]) == ("doubled", 2, 1 / 3)


@pytest.mark.engine
def test_check_shows_the_users_line_with_a_caret(folder: Path) -> None:
    (folder / "small.py").write_text(SMALL.replace("amount * 2", "amount * missing_name"))
    result = assay("check", "small.py", cwd=folder)
    assert result.returncode == 1
    assert "return amount * missing_name" in result.stderr
    assert "^^^" in result.stderr


@pytest.mark.engine
def test_check_warns_of_a_rule_that_the_sample_leaves_unevaluated(folder: Path) -> None:
    (folder / "small.py").write_text(SMALL.replace("card: str\n    amount", "card: str | None\n    amount"))
    (folder / "payments.jsonl").write_text('{"id": "a", "at": "2026-01-01T00:00:00Z", "card": null}\n')
    result = assay("check", "small.py", "--sample", "payments.jsonl", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "many lacked an input in 1 of 1 payments" in result.stderr


@pytest.mark.engine
def test_check_refuses_a_window_key_that_is_masked_in_the_sample(folder: Path) -> None:
    (folder / "payments.jsonl").write_text('{"id": "a", "at": "2026-01-01T00:00:00Z", "card": "4111111111111111"}\n')
    result = assay("check", "small.py", "--sample", "payments.jsonl", cwd=folder)
    assert result.returncode == 1
    assert "Annotated[str, Secret]" in result.stderr


@pytest.mark.engine
def test_build_gives_equal_bundles_for_equal_sources(folder: Path) -> None:
    first = assay("build", "small.py", "-o", "a.assay", cwd=folder)
    second = assay("build", "small.py", "-o", "b.assay", cwd=folder)
    assert first.returncode == 0, first.stderr
    assert first.stdout.split("@")[1] == second.stdout.split("@")[1]
    assert (folder / "a.assay").read_bytes()[:15] == b"SQLite format 3"


# --- scoring ---


@pytest.mark.engine
def test_score_takes_events_merged_by_time_with_context_events_first(folder: Path) -> None:
    result = assay("score", "small.py", "payments.jsonl", "Login=logins.jsonl", "--features", cwd=folder)
    assert result.returncode == 0, result.stderr
    decisions = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(d["id"], d["decision"]) for d in decisions] == [("p0", "approve"), ("p1", "review"), ("p2", "review")]
    assert [d["features"]["logins"] for d in decisions] == [0, 1, 1]


@pytest.mark.engine
def test_score_answers_a_bad_line_with_its_problem_and_fails(folder: Path) -> None:
    (folder / "payments.jsonl").write_text('{"id": "a", "at": "2026-01-01T00:00:00Z", "card": 7}\n')
    result = assay("score", "small.py", "payments.jsonl", cwd=folder)
    assert result.returncode == 1
    assert json.loads(result.stdout)["errors"][0]["path"] == "/card"
    assert "payments.jsonl:1 refused (422)" in result.stderr


@pytest.mark.engine
def test_unknown_context_event_names_what_there_is(folder: Path) -> None:
    result = assay("score", "small.py", "payments.jsonl", "Logon=logins.jsonl", cwd=folder)
    assert result.returncode == 1
    assert "Login" in result.stderr


@pytest.mark.engine
def test_detector_gives_the_servers_object_and_readable_errors(folder: Path) -> None:
    from datetime import datetime

    from assay import EventError, load

    with load(folder / "small.py") as detector:
        event = {"id": "a", "at": datetime(2026, 1, 1, tzinfo=UTC), "card": "c", "amount": 1.5}
        detector.event("Login", {"id": "l", "at": event["at"], "card": "c"})
        answer = detector.score(event)
        assert answer["decision"] == "approve"
        assert (detector.values["logins"], detector.values["doubled"]) == (1, 3.0)
        assert detector.score(json.dumps(event, default=datetime.isoformat)) == answer
        assert detector.score(detector.definition.scored.cls(**event)) == answer
        with pytest.raises(EventError, match="/amount: expected float, got string"):
            detector.score(event | {"id": "b", "amount": "1"})
        with pytest.raises(EventError, match="nan"):
            detector.score(event | {"id": "b", "amount": float("nan")})


@pytest.mark.engine
def test_scaffold_checks_and_passes_its_own_tests(tmp_path: Path) -> None:
    assert assay("new", "shop", cwd=tmp_path).returncode == 0
    shop = tmp_path / "shop"
    result = assay("check", "fraud.py", "--sample", "payments.jsonl", cwd=shop)
    assert result.returncode == 0, result.stderr
    assert "200 of 200 payments: native = Python, bit for bit" in result.stderr
    command = [sys.executable, "-m", "pytest", "-q"]
    tests = subprocess.run(command, cwd=shop, env=environment(), capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stdout


# --- serving ---


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text.startswith(b"{") else text


def wait_for(port: int, want: Any, seconds: float = 30) -> Any:
    """Asks until the answer is as wanted."""
    until = time.monotonic() + seconds
    while True:
        try:
            answer = want(port)
        except OSError:
            answer = None
        if answer:
            return answer
        assert time.monotonic() < until, "the server did not come to it"
        time.sleep(0.1)


@contextlib.contextmanager
def serving(folder: Path, *flags: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`assay serve small.py` on a free port until the block ends; then SIGTERM must end it well."""
    port = free_port()
    command = [sys.executable, "-m", "assay", "serve", "small.py", "--listen", f"127.0.0.1:{port}", *flags]
    cache = environment(XDG_CACHE_HOME=str(folder / "cache"))
    process = subprocess.Popen(command, cwd=folder, env=cache, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(port, lambda p: ask(p, "GET", "/readyz")[0] == 200)
        yield port, process
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@needs_server
@pytest.mark.engine
def test_served_decision_is_explained_and_replayed_from_the_folder_that_the_configuration_names(folder: Path) -> None:
    (folder / "assay.toml").write_text('[serve]\ndata = "kept"\ndurability = "none"\n')
    event = {"id": "a", "at": "2026-01-01T00:00:00Z", "card": "c", "amount": 1}
    with serving(folder, "--durability", "commit") as (port, _):
        answer = ask(port, "POST", "/v1/score", json.dumps(event).encode())[1]
        assert "durable" not in answer  # the flag comes before the file
        explained = assay("explain", "a", "--from", f"http://127.0.0.1:{port}")
        assert json.loads(explained.stdout)["decision"] == answer
    assert json.loads(assay("explain", "a", "--data", "kept", cwd=folder).stdout)["inputs"]["amount"] == 1.0
    assert assay("explain", "b", "--data", "kept", cwd=folder).returncode == 1
    assert "1 event decided again: 0 differences" in assay("replay", "--data", "kept", cwd=folder).stdout


@needs_server
@pytest.mark.engine
def test_reload_follows_a_save_keeps_its_history_and_survives_a_broken_build(folder: Path) -> None:
    with serving(folder, "--reload") as (port, process):
        event = {"id": "a", "at": "2026-01-01T00:00:00Z", "card": "c", "amount": 1}
        first = ask(port, "POST", "/v1/score?features=1", json.dumps(event).encode())[1]
        assert first["features"]["doubled"] == 2
        (folder / "small.py").write_text(SMALL.replace("amount * 2", "amount *"))
        time.sleep(1.5)
        assert ask(port, "GET", "/readyz")[0] == 200  # the old one goes on
        (folder / "small.py").write_text(SMALL.replace("amount * 2", "amount * 3"))

        def changed(p: int) -> Any:
            event["id"] += "b"
            answer = ask(p, "POST", "/v1/score?features=1", json.dumps(event).encode())[1]
            return answer if answer["features"]["doubled"] == 3 else None

        assert wait_for(port, changed)["features"]["n"] >= 1
    assert process.stderr is not None
    assert "the running server goes on as it was" in process.stderr.read()
