"""Asking a test's server over one kept-alive connection, and replaying its data folder."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
from collections.abc import Iterator
from pathlib import Path

from server_fixture import ANSWER_S, Server, server_binary


@contextlib.contextmanager
def connected(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=ANSWER_S)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection.request(method, path, body or None, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    return response.status, response.read()


def replay(bundle: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Folds the journal from zero and decides everything again."""
    command = [str(server_binary()), "--bundle", str(bundle), "--data", str(data), "--replay"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
