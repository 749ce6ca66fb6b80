"""The whole way once, on generated payments: generate, train, check, serve, decide, restart, look again.

    python demo.py                  # about a minute; `make demo` installs first and then runs this

Everything it makes lies in data/ beside this file (and the model in risk.txt), and can be thrown away. The server
listens on a free port of this machine and is stopped at the end, whatever happens.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from payments import Payment, generate, write
from rich.console import Console
from rich.progress import track
from rich.table import Table
from train import train

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
START_S, STOP_S, ANSWER_S = 30.0, 30.0, 10.0
BATCH = 500

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


class DemoError(Exception):
    """Something that should have worked did not; the text is for people."""


# --- the server, as a process of its own -----------------------------------------------------------------------------


class Server:
    """`assay serve` on a free port. What it writes is kept, to be shown if it fails."""

    def __init__(self, definition: Path, data: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "assay",
            "serve",
            str(definition),
            "--data",
            str(data),
            "--listen",
            "127.0.0.1:0",
        ]
        self.said: list[str] = []
        self.ports: queue.Queue[int | None] = queue.Queue()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=HERE)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if match := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.ports.put(int(match[1]))
        self.ports.put(None)  # it has ended

    def connect(self) -> http.client.HTTPConnection:
        try:
            port = self.ports.get(timeout=START_S)
        except queue.Empty:
            raise DemoError(f"the server did not listen within {START_S:.0f} s:\n" + "\n".join(self.said)) from None
        if port is None:
            raise DemoError("the server ended before it listened:\n" + "\n".join(self.said))
        return http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)

    def stop(self) -> None:
        """As an operator would: SIGTERM; it answers what it has begun, makes it durable and ends with status 0."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise DemoError(f"the server did not end within {STOP_S:.0f} s of SIGTERM") from None
        if status != 0:
            raise DemoError(f"the server ended with status {status}:\n" + "\n".join(self.said))


@contextmanager
def serving(definition: Path, data: Path) -> Iterator[http.client.HTTPConnection]:
    server = Server(definition, data)
    try:
        connection = server.connect()
        yield connection
        connection.close()
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes = b"", kind: str = "json") -> bytes:
    """The body of a good answer; anything else is an error that shows what came."""
    headers = {"Content-Type": "application/x-ndjson" if kind == "lines" else "application/json"} if body else {}
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(f"{method} {path}: no answer ({type(error).__name__}: {error})") from None
    if response.status >= 300:
        raise DemoError(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
    return answer


# --- the steps -------------------------------------------------------------------------------------------------------


@dataclass
class Posted:
    """What came back for the payments posted one by one."""

    bodies: list[bytes] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


def post_history(connection: http.client.HTTPConnection, payments: Sequence[Payment]) -> None:
    """What happened before, many a request: windows are warm afterwards, as on a server that has run for a while."""
    starts = range(0, len(payments), BATCH)
    for start in track(starts, f"posting {len(payments):,} earlier payments", console=console, transient=True):
        lines = "\n".join(json.dumps(payment) for payment in payments[start : start + BATCH])
        ask(connection, "POST", "/v1/score", lines.encode(), "lines")


def post_each(connection: http.client.HTTPConnection, payments: Sequence[Payment]) -> Posted:
    posted = Posted()
    for payment in track(payments, f"posting {len(payments):,} payments", console=console):
        body = json.dumps(payment).encode()
        began = time.perf_counter()
        posted.bodies.append(ask(connection, "POST", "/v1/score", body))
        posted.milliseconds.append((time.perf_counter() - began) * 1000)
    return posted


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show_outcomes(decisions: list[dict[str, Any]], patterns: Sequence[str]) -> None:
    counts = Counter(
        (decision["decision"], pattern or "honest") for decision, pattern in zip(decisions, patterns, strict=True)
    )
    table = Table("", "approve", "review", "decline", title="what was decided, by what it truly was")
    for kind in [*sorted(set(patterns) - {""}), "honest"]:
        table.add_row(kind, *(str(counts[outcome, kind]) for outcome in ("approve", "review", "decline")))
    console.print(table)


def show_some(decisions: list[dict[str, Any]], payments: Sequence[Payment], patterns: Sequence[str]) -> str:
    """A few decisions with their reasons, of different kinds. The id of the last."""
    table = Table("id", "amount", "decision", "score", "reasons", "truly", title="some decisions")
    shown: Counter[str] = Counter()
    last = decisions[-1]["id"]
    for decision, payment, pattern in zip(decisions, payments, patterns, strict=True):
        rules = ", ".join(reason["rule"] for reason in decision["reasons"] if "rule" in reason)
        kind = f"{decision['decision']} {rules}"
        if shown[kind] or len(shown) > 8:
            continue
        shown[kind] += 1
        reasons = "\n".join(reason["text"] for reason in decision["reasons"] if "text" in reason)
        score = "" if decision["score"] is None else f"{decision['score']:.4f}"
        amount = f"{payment['amount']:,.2f} {payment['currency']}"
        table.add_row(decision["id"], amount, decision["decision"], score, reasons, pattern or "honest")
        last = decision["id"] if rules else last
    console.print(table)
    return str(last)


def run_assay(*arguments: str) -> None:
    command = [sys.executable, "-m", "assay", *arguments]
    console.print("[bold]$ assay " + " ".join(arguments))
    if subprocess.run(command, cwd=HERE, check=False).returncode != 0:
        raise DemoError("assay " + " ".join(arguments) + " failed")


def step(number: int, title: str) -> None:
    console.print(f"\n[bold cyan]{number}. {title}")


def demo(history: int, count: int) -> None:
    definition, data = HERE / "fraud.py", DATA / "server"
    shutil.rmtree(data, ignore_errors=True)

    step(1, f"Generating {history + count:,} card payments")
    rows = generate(history + count)
    write(rows, DATA / "payments.jsonl", DATA / "labels.csv")
    write(rows[:1000], DATA / "sample.jsonl", None)
    payments, patterns = [payment for payment, _ in rows], [pattern for _, pattern in rows]
    console.print(f"{sum(map(bool, patterns)):,} of them are fraud, in {len(set(patterns)) - 1} patterns")

    step(2, "Training a LightGBM model on the earlier three quarters")
    began = time.perf_counter()
    console.print(train(payments, [int(bool(pattern)) for pattern in patterns], HERE / "risk.txt"))
    console.print(f"{time.perf_counter() - began:.1f} s, the features of every payment computed by the engine")

    step(3, "Checking the definition: does the engine compute what Python computes?")
    run_assay("check", "fraud.py", "--sample", "data/sample.jsonl")

    step(4, "Serving it")
    with serving(definition, data) as connection:
        post_history(connection, payments[:history])
        posted = post_each(connection, payments[history:])
    decisions = posted.decisions
    show_outcomes(decisions, patterns[history:])
    shown = show_some(decisions, payments[history:], patterns[history:])
    p50, p99 = percentile(posted.milliseconds, 0.5), percentile(posted.milliseconds, 0.99)
    engine = percentile([decision["took_us"] for decision in decisions], 0.5)
    console.print(f"a request, there and back, on disk before the answer leaves: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    console.print(f"the engine's part of it: p50 {engine:.0f} us")

    step(5, "Restarting the server: is what was decided still there?")
    before = next(body for body, decision in zip(posted.bodies, decisions, strict=True) if decision["id"] == shown)
    with serving(definition, data) as connection:
        after = ask(connection, "GET", f"/v1/decisions/{shown}")
        again = ask(connection, "POST", "/v1/score", json.dumps(next(p for p in payments if p["id"] == shown)).encode())
    console.print(after.decode(), markup=False, soft_wrap=True)
    if after != before or again != before:
        raise DemoError(f"the decision on {shown} is another one after the restart; it was\n{before.decode()}")
    console.print("byte for byte what was answered before the restart; posted again, it is answered the same")
    run_assay("replay", "--data", "data/server")

    console.print(
        "\n[bold green]That is all of it.[/] Next:\n"
        "  cd examples/cards && . ../../.venv/bin/activate\n"
        "  assay serve fraud.py --data data/server --reload      # then change a rule in fraud.py and save\n"
        f"  curl -s 'http://127.0.0.1:8080/v1/decisions/{shown}?explain=1'\n"
        "  pytest tests                                          # the definition's functions are plain Python\n"
        "README.md has the five-minute tour, docs/definition.md says what a definition can contain.",
        soft_wrap=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Generates, trains, checks, serves, decides and restarts, once.")
    parser.add_argument("--history", type=int, default=18_000, help="payments that came before (18000)")
    parser.add_argument("--count", type=int, default=2_000, help="payments posted one by one (2000)")
    arguments = parser.parse_args()
    if arguments.history < max(1000, 3 * arguments.count) or arguments.count < 1:
        parser.error("at least --count 1, and a --history of at least 1000 and three times as many")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then too
    began = time.perf_counter()
    try:
        demo(arguments.history, arguments.count)
    except DemoError as error:
        console.print(f"\n[bold red]the demo failed:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 130
    console.print(f"[dim]{time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
