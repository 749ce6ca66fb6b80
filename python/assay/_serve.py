"""`assay serve`: builds a definition, then becomes the server; with --reload, stays beside it and follows every
save."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.3
STOP_S = 30.0
CONFIG_KEYS = ("data", "listen", "durability", "history", "deadline", "threads")


class ServeError(Exception):
    """The server cannot be started, for people."""


def server_binary() -> Path:
    """The server inside this package; ASSAY_SERVER names another."""
    named = os.environ.get("ASSAY_SERVER")
    binary = Path(named) if named else Path(__file__).parent / "bin" / "assay-server"
    if not binary.is_file():
        raise ServeError(f"{binary} is not there: this installation has no server (pip install . builds it)")
    return binary


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "assay"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_config(path: Path) -> dict[str, str]:
    """The [serve] part of assay.toml; an unknown key is an error that names the nearest."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ServeError(f"{path}: {error}") from None
    for name in tree:
        if name != "serve":
            raise ServeError(f"{path}: there is no part [{name}]{nearest(name, ['serve'])}")
    config: dict[str, str] = {}
    for name, value in tree.get("serve", {}).items():
        if name not in CONFIG_KEYS:
            raise ServeError(f"{path}: [serve] has no key {name}{nearest(name, CONFIG_KEYS)}")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ServeError(f"{path}: {name} is {value!r}, expected text or a whole number")
        config[name] = str(value)
    return config


def nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f" (known: {', '.join(known)})"


@dataclass
class Settings:
    """What the server is started with."""

    data: Path
    listen: str = "127.0.0.1:8080"
    durability: str = "commit"
    history: str = ""
    deadline_ms: int | None = None
    threads: int | None = None

    def arguments(self, bundle: Path) -> list[str]:
        given = [
            "--bundle",
            str(bundle),
            "--data",
            str(self.data),
            "--listen",
            self.listen,
            "--durability",
            self.durability,
        ]
        for flag, value in (("--history", self.history), ("--deadline", self.deadline_ms), ("--threads", self.threads)):
            if value:
                given += [flag, str(value)]
        return given


def check_settings(settings: Settings) -> None:
    """Refuses what the server would refuse, in the words of the command line."""
    if not re.fullmatch(r"commit|none|interval:[0-9]+ms", settings.durability):
        raise ServeError(f'--durability is "{settings.durability}", expected commit, none or interval:50ms')
    if settings.history not in ("", "empty", "unknown"):
        raise ServeError(f'--history is "{settings.history}", expected empty or unknown')
    if not re.fullmatch(r".+:[0-9]{1,5}", settings.listen):
        raise ServeError(f'--listen is "{settings.listen}", expected HOST:PORT such as 127.0.0.1:8080')


def become(bundle: Path, settings: Settings) -> None:
    """Replaces this process by the server. Does not return."""
    binary = server_binary()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(binary, [str(binary), *settings.arguments(bundle)])


class Reloader:
    """Keeps a server running and restarts it, on the same data folder, whenever the definition's folder changes and
    builds."""

    def __init__(self, build: Callable[[], tuple[Path, list[Path]] | None], watched: Path, settings: Settings) -> None:
        self.build = build  # the bundle and its sources, or None where it does not build (and said why)
        self.watched = watched
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.bundle: Path | None = None
        self.sources: list[Path] = []
        self.stopping = False

    def run(self, say: Callable[[str], object]) -> int:
        """Until a signal or until the server ends by itself. The server's exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.rebuild(say)
        seen = self.stamps()
        while not self.stopping:
            time.sleep(POLL_S)
            if self.process is not None and self.process.poll() is not None:
                return self.process.returncode
            now = self.stamps()
            if now != seen:
                seen = now
                self.rebuild(say)
        return self.end()

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def rebuild(self, say: Callable[[str], object]) -> None:
        started = time.monotonic()
        built = self.build()
        if built is None:
            say(
                "the build failed: "
                + ("the running server goes on as it was" if self.process else "waiting for a change")
            )
            return
        bundle, self.sources = built
        if bundle == self.bundle and self.process is not None:
            return  # nothing that counts has changed
        self.end()
        binary = server_binary()
        self.process = subprocess.Popen([str(binary), *self.settings.arguments(bundle)])
        if self.bundle is not None:
            say(f"restarted with {bundle.stem} in {time.monotonic() - started:.1f} s")
        self.bundle = bundle

    def end(self) -> int:
        """Stops the server in order: it finishes what it has and makes it durable."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def stamps(self) -> dict[Path, tuple[int, int]]:
        """What a change shows in: the files of the definition's folder, and its sources elsewhere."""
        return {path: (status.st_mtime_ns, status.st_size) for path, status in self._files()}

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        here = [path for path in self.watched.iterdir() if not path.name.startswith(".")]
        for path in sorted({*here, *self.sources}):
            try:
                status = path.stat()
            except OSError:
                continue  # an editor is just replacing it
            if path.is_file():
                yield path, status


def bundle_in(data: Path) -> Path:
    """The newest bundle that a data folder holds."""
    bundles = sorted((data / "bundles").glob("*.assay"), key=lambda path: path.stat().st_mtime)
    if not bundles:
        raise ServeError(f"{data} holds no bundle: give --bundle FILE.assay")
    return bundles[-1]


def replay(data: Path, bundle: Path) -> dict[str, Any]:
    """Recomputes all decisions of a data folder and compares: how many there were, how many differ."""
    command = [str(server_binary()), "--replay", "--data", str(data), "--bundle", str(bundle)]
    result = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if not result.stdout.startswith("{"):
        raise ServeError(f"{data} cannot be replayed")  # the server has said why
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def ask(server: str, id: str) -> tuple[int, bytes]:
    """A decision with its explanation, from a running server."""
    import urllib.error  # here, so that other commands start without them
    import urllib.parse
    import urllib.request

    url = f"{server.rstrip('/')}/v1/decisions/{urllib.parse.quote(id, safe='')}?explain=1"
    if not url.startswith(("http://", "https://")):
        raise ServeError(f'--from is "{server}", expected a URL such as http://127.0.0.1:8080')
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise ServeError(f"{server} does not answer: {getattr(error, 'reason', error)}") from None


def look_up(data: Path, id: str) -> tuple[int, bytes]:
    """The same from a data folder that no server has open."""
    from ._engine import Engine, EngineError

    try:
        with Engine(str(bundle_in(data)), str(data)) as engine:
            return engine.decision(id, explain=True)
    except EngineError as error:
        raise ServeError(str(error)) from None


def into_cache(built: Path, name: str, digest: str) -> Path:
    """Keeps a bundle under its content's name."""
    kept = cache_folder() / f"{name}-{digest[:16]}.assay"
    if not kept.exists():
        partial = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(built, partial)
        partial.replace(kept)
    return kept
