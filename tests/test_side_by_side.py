"""The side-by-side measurement: it refuses systems that do not compute the same, it measures what runs, it throws away
what was disturbed, and its report says what the raw numbers say. The systems here are a toy of a few lines and the null
server."""

from __future__ import annotations

import argparse
import json
import os
import stat
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hdrh.histogram import HdrHistogram

sys.path.insert(0, str(ROOT / "bench"))

import agree
import goals
import measure
import peers
import report
import results
import systems
from systems import BenchError, System, Variant

UNIT = Path(os.environ.get("ASSAY_UNIT", ROOT / "build" / "unit"))

TOY = """#!/usr/bin/env python3
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

program = sys.argv[0].rpartition("/")[2]

def decide(payment):
    score = payment["amount"] / 3 + {extra}
    return {{"id": payment["id"], "decision": "decline" if score > 2 else "approve", "score": score, "reasons": []}}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b"fine")
    def do_POST(self):
        self.answer(json.dumps(decide(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode())
    def log_message(self, *arguments):
        pass

if program == "score":
    for line in open(sys.argv[3]):
        decided = decide(json.loads(line))
        print(json.dumps({{name: decided[name] for name in ("id", "decision", "score")}}))
if program == "stages":
    counted = os.environ.get("ASSAY_STAGES") == "instructions"
    split = {{"payments": sum(1 for _ in open(sys.argv[3])), "ns": {{"parse": 5.0, "journal": None}}, "total_ns": 5.0}}
    print(json.dumps(split | {{"instructions": {{"parse": 70}} if counted else None}}))
if program == "serve":
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler).serve_forever()
"""


def write_payments(file: Path, count: int) -> list[str]:
    lines = [json.dumps({"id": f"p-{n}", "at": f"2001-03-01T12:00:{n:02d}Z", "amount": n / 7}) for n in range(count)]
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return lines


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, count in (("history", 10), ("payments", 50), ("check", 40), ("stages", 30)):
        write_payments(folder / f"{name}.jsonl", count)
    return folder


def toy(tmp_path: Path, data: Path, name: str = "toy", extra: str = "0.0") -> System:
    folder = tmp_path / "peers" / name
    folder.mkdir(parents=True)
    for program in ("build", "serve", "score", "stages"):
        file = folder / program
        file.write_text(TOY.format(extra=extra), encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return System(name, folder, tmp_path / "build" / name, data)


def settings(data: Path, foreign: float = 10.0) -> measure.Settings:
    return measure.Settings(UNIT / "assay-load", data, 0.5, foreign, lambda said: None)


# --- equal scores ----------------------------------------------------------------------------------------------------


def test_scores_that_differ_in_the_last_bit_are_refused_and_named(tmp_path: Path, data: Path) -> None:
    payments = (data / "check.jsonl").read_text(encoding="utf-8").splitlines()
    two = [toy(tmp_path, data), toy(tmp_path, data, "other", extra="(2**-52 if payment['id'] == 'p-17' else 0.0)")]
    found = {system.name: agree.decisions_of(system, data / "check.jsonl") for system in two}
    with pytest.raises(BenchError) as error:
        agree.require_equal(found, payments)
    text = str(error.value)
    assert "payment 18, p-17, is not decided alike" in text
    for decided in (found["toy"][17], found["other"][17]):
        assert f"score {decided.score!r} (bits {struct.pack('>d', decided.score).hex()})" in text
    found["other"] = found["toy"]
    agree.require_equal(found, payments)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ([agree.Decided("p-0", "decline", 0.0)], "is not decided alike"),
        ([agree.Decided("p-1", "approve", 0.0)], "is not decided alike"),
        ([agree.Decided("p-0", "approve", -0.0)], "is not decided alike"),
        ([agree.Decided("p-0", "approve", None)], "is not decided alike"),
        ([], "decided 0 of 1 payments"),
    ],
)
def test_another_decision_id_sign_or_number_of_answers_is_refused(other: list[agree.Decided], said: str) -> None:
    found = {"one": [agree.Decided("p-0", "approve", 0.0)], "other": other}
    with pytest.raises(BenchError, match=said):
        agree.require_equal(found, ['{"id": "p-0"}'])


def test_what_is_answered_over_http_is_compared_too(tmp_path: Path, data: Path) -> None:
    payments = (data / "check.jsonl").read_text(encoding="utf-8").splitlines()
    system = toy(tmp_path, data)
    answers = agree.posted(Variant(system, 1), payments, tmp_path / "log")
    agree.require_equal({"toy": agree.decisions_of(system, data / "check.jsonl"), "http": answers}, payments)


def test_a_system_without_a_score_program_is_an_error_and_not_left_out(tmp_path: Path, data: Path) -> None:
    system = toy(tmp_path, data)
    (system.folder / "score").unlink()
    with pytest.raises(BenchError, match="score is not there or not executable"):
        agree.decisions_of(system, data / "check.jsonl")


# --- measuring -------------------------------------------------------------------------------------------------------


def test_a_round_is_measured_with_cpu_and_memory_and_ends_its_server(tmp_path: Path, data: Path) -> None:
    got = measure.measure(settings(data), Variant(toy(tmp_path, data), 1), [40.0], tmp_path / "log")
    assert got["history"] == 10
    assert got["peak"]["rate_done"] > 0
    assert got["peak"]["cpu_us_per_request"] > 0
    assert got["fresh_memory_mb"] > 1
    (run,) = got["open"]
    assert run["first"] == got["peak"]["next"]
    assert run["scheduled"] == 20
    assert run["errors"] == {"broken": 0}
    assert not run["disturbed"]


def test_the_null_server_follows_the_contract(tmp_path: Path, data: Path) -> None:
    built = tmp_path / "build"
    built.mkdir()
    (built / "null-server").symlink_to(UNIT / "null-server")
    system = System("null", systems.PEERS / "null", built, data)
    got = measure.measure(settings(data), Variant(system, 1), [500.0], tmp_path / "log")
    assert got["open"][0]["scheduled"] == got["open"][0]["answered"] == 250


def test_a_disturbed_run_is_thrown_away_repeated_and_counted(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = iter([0.5, 0.3, 0.01, 0.5, 0.5, 0.5, 0.4])
    monkeypatch.setattr(
        measure, "measured_run", lambda *_: {"foreign_share": next(shares), "next": 7, "answered_with_warmup": 1}
    )
    said: list[str] = []
    strict = measure.Settings(UNIT / "assay-load", data, 0.5, 0.05, said.append)
    server = systems.Running(Variant(toy(tmp_path, data), 1), 0, None, 0.0)  # type: ignore[arg-type]
    quiet = measure.undisturbed(strict, server, 0, [])
    assert (quiet["foreign_share"], quiet["discarded"], quiet["disturbed"]) == (0.01, [0.5, 0.3], False)
    assert len(said) == 2
    never = measure.undisturbed(strict, server, 0, [])
    assert (never["foreign_share"], never["discarded"], never["disturbed"]) == (0.4, [0.5, 0.5, 0.5], True)


def test_a_server_that_ends_at_once_is_shown_with_what_it_said(tmp_path: Path, data: Path) -> None:
    system = toy(tmp_path, data)
    (system.folder / "serve").write_text("#!/bin/sh\necho no such model >&2\nexit 3\n", encoding="utf-8")
    with pytest.raises(BenchError, match=r"ended with status 3 before it was ready:\nno such model"):
        measure.calibrate(settings(data), Variant(system, 1), tmp_path / "log")


def a_run(tmp_path: Path, data: Path, rounds: int = 1) -> peers.Run:
    arguments = argparse.Namespace(rounds=rounds, seconds=0.5, foreign=10.0, quick=True)
    out = tmp_path / "out"
    return peers.Run(arguments, out, data, UNIT / "assay-load", [toy(tmp_path, data)], lambda said: None)


def test_stages_are_kept_in_time_and_in_instructions(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path, data)
    file = run.out / "stages" / "toy.json"
    for valgrind, instructions in (("/bin/valgrind", {"parse": 70}), (None, None)):
        monkeypatch.setattr(peers.shutil, "which", lambda name, found=valgrind: found)
        file.unlink(missing_ok=True)
        peers.split_stages(run)
        kept = json.loads(file.read_text(encoding="utf-8"))
        assert kept["ns"]["payments"] == 30
        assert kept["ns"]["ns"] == {"parse": 5.0, "journal": None}
        assert kept["instructions"] == instructions


def test_rounds_that_are_there_are_not_measured_again(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path, data, rounds=2)
    measured: list[str] = []
    monkeypatch.setattr(measure, "measure", lambda _, variant, rates, log: measured.append(variant.name) or {"n": 1})
    plan = [{"system": "toy", "workers": n, "setting": "", "environment": {}, "rates": [1.0]} for n in (1, 2, 3)]
    peers.measure_rounds(run, plan, lambda: None)
    assert measured == ["toy-w2", "toy-w3", "toy-w1", "toy-w3", "toy-w1", "toy-w2"]  # another begins each round
    (run.out / "rounds" / "toy-w3-2.json").unlink()
    measured.clear()
    peers.measure_rounds(run, plan, lambda: None)
    assert measured == ["toy-w3"]


def test_rates_go_from_far_below_to_above_the_peak() -> None:
    rates = measure.rates_for(10_300.0, [72.0, 20_000.0])
    assert rates == [72.0, 500.0, 1000.0, 2000.0, 5200.0, 7200.0, 8200.0, 9300.0, 11_000.0, 20_000.0]


# --- the report, from saved raw numbers -------------------------------------------------------------------------------


def raw_run(p99_ms: float, rate: float, *, done: float | None = None, share: float = 0.01, cpu: float = 50.0) -> Any:
    histogram = HdrHistogram(1, results.HIGHEST_NS, 3)
    for n in range(100):
        histogram.record_value(int(p99_ms * 1e6 * (n + 1) / 100))
    latencies = dict.fromkeys(("p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "mean"), p99_ms * 1000)
    return {
        "rate_done": rate if done is None else done,
        "scheduled": 1000,
        "unanswered": 0,
        "errors": {"broken": 0},
        "latency_us": latencies | {"count": 1000},
        "own_lag_us": {"p99": 30.0},
        "histogram": histogram.encode().decode(),
        "cpu_us_per_request": cpu,
        "memory_mb": 20.0,
        "foreign_share": share,
        "discarded": [0.5],
        "disturbed": share > 0.05,
    }


def save_raw(folder: Path, stages: bool = True) -> None:
    """Three rounds of Python with a p99 of 1,000 ms at its peak of 70/s, of Assay with 1.0, 1.25 and 1.5 ms there."""

    def plan(system: str, workers: int, setting: str, rates: list[float]) -> Any:
        name = "-".join(part for part in (system, setting, f"w{workers}") if part)
        label = f"{systems.KNOWN[system][0]} ({setting or workers})"
        return {"variant": name, "system": system, "label": label,
                "workers": workers, "setting": setting, "is_default": True,
                "is_best": True, "rates": rates}  # fmt: skip

    plans = [
        plan("null", 2, "", [10_000.0, 20_000.0]),
        plan("assay", 2, "commit", [71.0, 10_000.0]),
        plan("assay", 2, "interval", [71.0, 10_000.0, 20_000.0]),
        plan("python-first", 1, "", [50.0]),
    ]
    machine = {"cpu": "a processor", "cores": 2, "virtual": True, "avx512_vbmi": True, "memory_gib": 8.0,
               "kernel": "6.1", "file_system": "ext4", "sync_us": {"p50": 200.0, "p99": 400.0},
               "versions": {"Python": "3.11"}}  # fmt: skip
    settings = {"rounds": 3, "seconds": 4.0, "foreign": 0.05, "quick": False, "connections": 16,
                "open_connections": 64, "trees": 500, "leaves": 63,
                "history": 2000, "model": "risk.txt: 500 trees over 81 inputs"}  # fmt: skip
    measure.save(folder / "run.json", {"date": "2026-01-01", "machine": machine, "plan": plans, "settings": settings})
    agreed = {"systems": ["assay", "python-first"], "payments": 2000, "decisions": {"approve": 1900, "decline": 100},
              "different_scores": 1800, "over_http": {"assay": 200}}  # fmt: skip
    measure.save(folder / "agree.json", agreed)
    peaks = {"null": (100_000.0, 0.2), "assay": (50_000.0, 0.5), "python-first": (70.0, 1000.0)}
    for n in range(3):
        for one in plans:
            rate, p99 = peaks[one["system"]]
            opened = [
                raw_run((1.0 + n / 4) if r == 71.0 else 0.75, r, done=r * 0.9 if r == 20_000 else r)
                for r in one["rates"]
            ]
            peak = raw_run(p99, rate + n, cpu=14_000.0 if one["system"] == "python-first" else 15.0)
            whole = {"fresh_memory_mb": 12.0, "peak": peak, "open": opened}
            measure.save(folder / "rounds" / f"{one['variant']}-{n + 1}.json", whole)
    if stages:
        for system, factor in (("assay", 1), ("python-first", 1000)):
            ns = {name: 100.0 * factor for name in report.STAGES if name != "tokenization"} | {"model": 3000.0 * factor}
            counts = dict.fromkeys(ns, 500) | {"model": 9000, "features": 5000} if system == "assay" else None
            split = {"payments": 2000, "ns": ns | {"tokenization": None}, "total_ns": sum(ns.values())}
            measure.save(folder / "stages" / f"{system}.json", {"ns": split, "instructions": counts})


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_report_puts_ratios_first_and_judges_each_goal(tmp_path: Path) -> None:
    save_raw(tmp_path / "raw")
    found = results.read(tmp_path / "raw")
    report.write(found, tmp_path / "RESULTS.md")
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles[:2] == ["## Ratios", "## Goals"]
    assert "| 1.25 ms | 1,000 ms | 800x |" in section(text, "Ratios")
    assert "Python, as first written" in section(text, "Ratios")
    states = {(goal.number, goal.text): goal.state for goal in goals.goals(found)}
    judged = {text: state for (_, text), state in states.items()}
    first = [state for (number, _), state in states.items() if number == "1"]
    assert first == [goals.MET] * 4
    assert judged["peak at least 60% of the null server's, `interval`"] == goals.MISSED
    assert judged["p99 under 1 ms at 10,000/s on cores shared with the generator, `commit`"] == goals.MET
    assert judged["p99 at 20,000/s at most the null server's plus twice the sync's, `interval`"] == goals.MET
    assert judged["p99 at 20,000/s at most the null server's plus twice the sync's, `commit`"] == goals.UNKNOWN
    assert {number for number, _ in states} == set("1234567")
    assert "no stages of rust" in text
    assert "50% (50,001 of 100,001/s)" in section(text, "Goals")


def test_the_report_gives_medians_spreads_and_what_was_thrown_away(tmp_path: Path) -> None:
    save_raw(tmp_path / "raw")
    report.write(results.read(tmp_path / "raw"), tmp_path / "RESULTS.md")
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "1.25 (1.00-1.50)" in section(text, "Latency by rate")
    assert "behind" in section(text, "Latency by rate")
    assert "70,001" not in text
    assert "71 (70-72)" in section(text, "Peak")
    assert "1,800 different scores" in text
    loads = 3 * (4 + 2 + 2 + 3 + 1)
    assert f"repeated: {loads} were" in text
    costs = section(text, "Our three largest costs").splitlines()
    assert costs[3].startswith("| model | 9,000 | 3,000 |")
    assert costs[4].startswith("| features | 5,000 | 100 |")
    for name in ("latency-by-rate", "latency-distribution", "stages"):
        picture = (tmp_path / "results" / f"{name}.svg").read_text(encoding="utf-8")
        assert "</svg>" in picture
        assert f"results/{name}.svg" in text
    again = tmp_path / "again"
    again.mkdir()
    report.write(results.read(tmp_path / "raw"), again / "RESULTS.md")
    assert (again / "RESULTS.md").read_text(encoding="utf-8") == text


def test_disturbed_rounds_are_left_out_of_medians_unless_all_are(tmp_path: Path) -> None:
    quiet, loud = raw_run(1.0, 70.0), raw_run(9.0, 50.0, share=0.5) | {"unanswered": 500}
    load = results.Load(70.0, [quiet, loud, loud])
    assert load.latency_us("p99") == results.Spread(1000.0, 1000.0, 1000.0, 1)
    assert not load.disturbed
    assert load.failed_share == 0
    assert load.histogram().get_max_value() == pytest.approx(1e6, rel=0.001)
    only = results.Load(70.0, [loud, loud])
    assert only.disturbed
    assert only.failed_share == 0.5
    assert only.latency_us("p99") == results.Spread(9000.0, 9000.0, 9000.0, 2)


def test_a_goal_read_from_disturbed_loads_says_so(tmp_path: Path) -> None:
    save_raw(tmp_path / "raw")
    for file in (tmp_path / "raw" / "rounds").glob("null-w2-*.json"):
        one = json.loads(file.read_text(encoding="utf-8"))
        for run in (one["peak"], *one["open"]):
            run["disturbed"] = True
        measure.save(file, one)
    marked = [goal.text for goal in goals.goals(results.read(tmp_path / "raw")) if "(disturbed)" in goal.measured]
    assert marked == [
        "peak at least 60% of the null server's, `interval`",
        "p99 at 20,000/s at most the null server's plus twice the sync's, `interval`",
        "peak at least 60% of the null server's, `commit`",
    ]


def test_a_report_without_stages_and_with_missing_rounds_says_so(tmp_path: Path) -> None:
    save_raw(tmp_path / "raw", stages=False)
    (tmp_path / "raw" / "rounds" / "assay-commit-w2-3.json").unlink()
    report.write(results.read(tmp_path / "raw"), tmp_path / "RESULTS.md")
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "**Not all of the 3 rounds are there** for Assay (commit)" in text
    assert "bench/peers/assay/stages is not there" in text


def test_the_command_names_an_unknown_system(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["peers.py", "--quick", "--systems", "assya"])
    assert peers.main() == 1
    assert '"assya" is not there; there are assay' in " ".join(capsys.readouterr().err.split())
