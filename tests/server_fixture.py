"""A real server for tests: `start_server` runs the binary on a free port of this machine, with a bundle built from a
definition's text."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ANSWER_S = 15.0


def server_binary() -> Path | None:
    """ASSAY_SERVER, the one on PATH, or the one inside the package."""
    named = os.environ.get("ASSAY_SERVER") or shutil.which("assay-server")
    if named:
        return Path(named)
    import assay

    for folder in assay.__path__:
        binary = Path(folder) / "bin" / "assay-server"
        if binary.is_file():
            return binary
    return None


needs_server = pytest.mark.skipif(
    server_binary() is None, reason="the server is not built: pip install . (or ASSAY_SERVER=file)"
)


@functools.cache
def build_bundle(source: str) -> Path:
    """The bundle of a definition's text, built once a test run."""
    from assay._compile import build

    folder = Path(tempfile.mkdtemp(prefix="assay-bundle-"))
    definition = folder / f"d{hashlib.sha256(source.encode()).hexdigest()[:8]}.py"
    definition.write_text(source, encoding="utf-8")
    bundle = folder / "defined.assay"
    build(definition, bundle)
    return bundle


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def parse_answers(raw: bytes) -> list[Answer]:
    """Every answer in what a server sent."""
    answers: list[Answer] = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), raw[:200]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        status = int(lines[0].split()[1])
        length = 0 if status < 200 else int(headers["content-length"])
        assert len(rest) >= length, raw[:200]
        answers.append(Answer(status, headers, rest[:length]))
        raw = rest[length:]
    return answers


@dataclass
class Server:
    process: subprocess.Popen[str]
    host: str
    port: int
    log: list[str] = field(default_factory=list)

    def connect(self, timeout: float = ANSWER_S) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout)

    def send(self, raw: bytes, *, end: bool = True) -> list[Answer]:
        """Sends bytes as they are and reads until the server closes; `end` half-closes after sending."""
        with self.connect() as sock:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(raw)
                if end:
                    sock.shutdown(socket.SHUT_WR)
            return parse_answers(read_all(sock))

    def ask(
        self, method: str, target: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        try:
            given = dict(headers or {})
            if body is not None and not any(name.lower() == "content-type" for name in given):
                given["Content-Type"] = "application/json"
            connection.request(method, target, body.encode() if isinstance(body, str) else body, given)
            got = connection.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()

    def score(self, event: Any, target: str = "/v1/score") -> Answer:
        return self.ask("POST", target, json.dumps(event))

    def metrics(self) -> dict[str, float]:
        text = self.ask("GET", "/metrics").body.decode()
        found = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def start_server(source: str | Path, *flags: str, data: Path | None = None) -> Iterator[Server]:
    """A server on a definition's text (or a bundle's path). If it still runs at the end it is stopped, and must exit
    with status 0: a sanitizer that found something says so there."""
    binary = server_binary()
    assert binary is not None
    bundle = build_bundle(source) if isinstance(source, str) else source
    command = [str(binary), "--bundle", str(bundle), "--listen", "127.0.0.1:0", *flags]
    if data is not None:
        command += ["--data", str(data)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    log: list[str] = []
    try:
        assert process.stderr is not None
        server = None
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"listening on http://([^:]+):(\d+)", line):
                server = Server(process, found[1], int(found[2]), log)
                break
        assert server is not None, f"the server did not start: {''.join(log)}"
        threading.Thread(target=lambda: log.extend(process.stderr or []), daemon=True).start()
        yield server
        if process.poll() is None:
            assert server.stop() == 0, "".join(log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
