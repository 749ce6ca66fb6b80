"""The systems under test, as bench/README.md describes them: a folder bench/peers/NAME with `build`, `serve`, `score`
and `stages`. Here they are found, built, started and stopped; nothing here knows what is inside one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parent / "peers"
START_S, STOP_S = 90.0, 30.0

# What each is called in the report, and its default number of workers (None: one a core); in the report's order.
KNOWN: dict[str, tuple[str, int | None]] = {
    "null": ("null server", None),
    "assay": ("Assay", None),
    "rust": ("Rust", None),
    "python-tuned": ("Python, tuned", 1),
    "python-first": ("Python, as first written", 1),
}
DURABILITIES = {"commit": "commit", "interval": "interval:50ms"}


class BenchError(Exception):
    """What stops a run, with the way out; the text is for people."""


@dataclass(frozen=True)
class System:
    """One folder of the contract."""

    name: str
    folder: Path
    build_folder: Path
    data: Path

    @property
    def label(self) -> str:
        return KNOWN.get(self.name, (self.name, 1))[0]

    @property
    def is_null(self) -> bool:
        """The null server decides nothing: it alone is exempt from the comparison of scores."""
        return self.name == "null"

    def has(self, program: str) -> bool:
        return os.access(self.folder / program, os.X_OK)

    def build(self) -> None:
        self.build_folder.mkdir(parents=True, exist_ok=True)
        self._run("build", [str(self.build_folder)], {})

    def score(self, payments: Path) -> str:
        return self._run("score", [str(self.build_folder), str(self.data), str(payments)], {})

    def stages(self, payments: Path, kind: str) -> Any:
        """`kind`: ns, or instructions."""
        environment = {"ASSAY_STAGES": "instructions"} if kind == "instructions" else {}
        text = self._run("stages", [str(self.build_folder), str(self.data), str(payments)], environment)
        try:
            return json.loads(text)
        except ValueError:
            raise BenchError(f"{self.folder / 'stages'}: expected one JSON object, got: {text[:200]!r}") from None

    def _run(self, program: str, arguments: list[str], environment: Mapping[str, str]) -> str:
        path = self.folder / program
        if not self.has(program):
            raise BenchError(f"{path} is not there or not executable: bench/README.md says what it has to do")
        command = [str(path), *arguments]
        got = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | dict(environment))
        if got.returncode != 0:
            raise BenchError(f"{path} failed with status {got.returncode}:\n{(got.stderr or got.stdout)[-2000:]}")
        return got.stdout


@dataclass(frozen=True)
class Variant:
    """A system with the settings it is measured in."""

    system: System
    workers: int
    setting: str = ""  # Assay's durability
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.system.name, self.setting, f"w{self.workers}") if part)

    @property
    def label(self) -> str:
        counted = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return f"{self.system.label} ({', '.join(part for part in (self.setting, counted) if part)})"

    def with_workers(self, workers: int) -> Variant:
        return Variant(self.system, workers, self.setting, self.environment)


def find(build: Path, data: Path, wanted: list[str] | None) -> list[System]:
    """The systems there are, in the report's order; `wanted` names some of them."""
    there = {path.parent.name for path in PEERS.glob("*/serve")}
    if wanted:
        for name in wanted:
            if name not in there:
                raise BenchError(f'--systems: "{name}" is not there; there are {", ".join(sorted(there))}')
        there &= set(wanted)
    names = [name for name in KNOWN if name in there] + sorted(there - set(KNOWN))
    return [System(name, PEERS / name, build / name, data) for name in names]


def default_variants(system: System, cores: int) -> list[Variant]:
    workers = KNOWN.get(system.name, ("", 1))[1] or cores
    if system.name == "assay":
        return [Variant(system, workers, name, {"ASSAY_DURABILITY": value}) for name, value in DURABILITIES.items()]
    return [Variant(system, workers)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


@dataclass
class Running:
    """A server that runs: its port, and the process at the root of its tree."""

    variant: Variant
    port: int
    process: subprocess.Popen[bytes]
    started_s: float


@contextlib.contextmanager
def serving(variant: Variant, log: Path) -> Iterator[Running]:
    """Starts it with an empty history, waits until it is ready, and ends its whole process group afterwards."""
    system, port = variant.system, free_port()
    command = [system.folder / "serve", system.build_folder, system.data, port, variant.workers]
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=output,
            env=os.environ | dict(variant.environment),
            start_new_session=True,
        )
    try:
        while not is_healthy(port):
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            if process.poll() is not None:
                raise BenchError(f"{variant.name} ended with status {process.returncode} before it was ready:\n{said}")
            if time.monotonic() - began > START_S:
                raise BenchError(f"{variant.name} did not answer /healthz with 200 within {START_S:.0f} s:\n{said}")
            time.sleep(0.05)
        yield Running(variant, port, process, time.monotonic() - began)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the root; what is left of its group after that is killed."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
