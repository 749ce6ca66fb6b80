"""The server: HTTP/1.1 by llhttp (httptools) on uvloop, one event loop a worker.

python server.py MODEL PORT WORKERS

A payment is scored in the event loop: it takes a tenth of a millisecond, about what handing it to a thread would.
Workers are processes that share the listening socket; each has windows of its own.
"""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.connection
import signal
import socket
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import cast

import httptools
import msgspec
import uvloop
from detector import Detector, collect_less

BODY_LIMIT = 64 * 1024
BACKLOG = 1024
REASONS = {
    200: b"OK",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    500: b"Internal Server Error",
}
HEADS = {
    status: b"HTTP/1.1 %d %b\r\ncontent-type: application/%b\r\ncontent-length: "
    % (status, reason, b"json" if status == 200 else b"problem+json")
    for status, reason in REASONS.items()
}
ALIVE = b'{"status":"ok"}'


def problem(status: int, detail: str) -> bytes:
    title = REASONS[status].decode()
    return msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})


class Connection(asyncio.Protocol):
    """One client's. Requests that it sends without waiting are answered in order."""

    __slots__ = ("body", "detector", "parser", "transport", "url")

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.url = b""
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del self.parser  # it refers to us

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.respond(400, problem(400, "no other protocol is spoken here"), keep_alive=False)
        except httptools.HttpParserError as error:
            self.respond(400, problem(400, str(error)), keep_alive=False)

    # --- what the parser calls ---

    def on_message_begin(self) -> None:
        self.url = b""
        self.body = b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        if len(self.body) <= BODY_LIMIT:
            self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            status, reply = self.answer()
            self.respond(status, reply, self.parser.should_keep_alive())

    # --- answers ---

    def answer(self) -> tuple[int, bytes]:
        method = self.parser.get_method()
        if self.url == b"/v1/score":
            return self.score() if method == b"POST" else (405, problem(405, "POST a payment"))
        if self.url == b"/healthz":
            return 200, ALIVE
        return 404, problem(404, "there is POST /v1/score and GET /healthz")

    def score(self) -> tuple[int, bytes]:
        if len(self.body) > BODY_LIMIT:
            return 413, problem(413, f"a payment has at most {BODY_LIMIT} bytes")
        try:
            return 200, self.detector.handle(self.body)
        except msgspec.ValidationError as error:
            return 422, problem(422, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return 400, problem(400, str(error))
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            return 500, problem(500, "the payment could not be scored")

    def respond(self, status: int, reply: bytes, keep_alive: bool) -> None:
        if keep_alive:
            self.transport.write(b"%b%d\r\n\r\n%b" % (HEADS[status], len(reply), reply))
        else:
            self.transport.write(b"%b%d\r\nconnection: close\r\n\r\n%b" % (HEADS[status], len(reply), reply))
            self.transport.close()


def listen_on(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.set_inheritable(True)
    return listener


async def serve(listener: socket.socket, detector: Detector) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(detector), sock=listener, backlog=BACKLOG)
    await stop.wait()
    server.close()


def work(listener: socket.socket, model: Path, all_ready: Barrier | None) -> None:
    """One worker, until it is told to stop."""
    detector = Detector(model)
    collect_less()
    if all_ready is not None:
        all_ready.wait()
    uvloop.run(serve(listener, detector))


def supervise(listener: socket.socket, model: Path, workers: int) -> int:
    """Starts workers and waits for them; if one ends, all do."""
    forking = multiprocessing.get_context("fork")
    all_ready = forking.Barrier(workers)
    processes = [forking.Process(target=work, args=(listener, model, all_ready)) for _ in range(workers)]
    for process in processes:
        process.start()

    def stop(*_: object) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    multiprocessing.connection.wait([process.sentinel for process in processes])
    stop()
    for process in processes:
        process.join()
    return max(abs(process.exitcode or 0) for process in processes)


def main() -> int:
    if len(sys.argv) != 4:
        print(f"usage: {sys.argv[0]} MODEL PORT WORKERS", file=sys.stderr)
        return 2
    model, port, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    listener = listen_on(port)
    if workers > 1:
        return supervise(listener, model, workers)
    work(listener, model, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
