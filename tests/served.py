"""A server as a process of its own, for tests: start, ask, kill, stop."""

from __future__ import annotations

import http.client
import queue
import re
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from assay._serve import server_binary

START_S, STOP_S, ANSWER_S = 30.0, 30.0, 20.0


class Server:
    """assay-server on a free port. `with Server(...)` stops it in order, or kills it where the test failed."""

    def __init__(self, bundle: Path, data: Path | None, *flags: str) -> None:
        self.command = [str(server_binary()), "--bundle", str(bundle), "--listen", "127.0.0.1:0", *flags]
        self.command += [] if data is None else ["--data", str(data)]
        self.said: list[str] = []
        ports: queue.Queue[int | None] = queue.Queue()
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, args=(ports,), daemon=True).start()
        try:
            port = ports.get(timeout=START_S)
        except queue.Empty:
            port = None
        if port is None:
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.said))
        self.port = port

    def _listen(self, ports: queue.Queue[int | None]) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if match := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                ports.put(int(match[1]))
        ports.put(None)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM: it ends by itself with status 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_S)
        assert status == 0, f"status {status}:\n" + "\n".join(self.said)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.process.poll() is None:
            self.stop()
        else:
            self.kill()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes = b"", kind: str = "application/json"
) -> tuple[int, bytes]:
    connection.request(method, path, body or None, {"Content-Type": kind} if body else {})
    response = connection.getresponse()
    return response.status, response.read()


def replay(bundle: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Folds the journal from zero and decides everything again."""
    command = [str(server_binary()), "--bundle", str(bundle), "--data", str(data), "--replay"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
