"""`assay.load(FILE)`: a definition in the engine, inside this Python process - for notebooks, tests and web
services."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._definition import Definition
from ._parse import EventError, to_json_bytes
from ._twin import LAST, Twin

if TYPE_CHECKING:
    from ._engine import Engine


class Detector:
    """A definition that decides: `score` gives the object that the server would answer.

    Without a data folder it begins with empty history and keeps nothing. Close it, or use it in a `with` block.
    """

    def __init__(self, path: str | Path, *, data: str | Path | None = None, history: str = "definition") -> None:
        from ._compile import build
        from ._engine import Engine
        from ._read import read

        self.path = Path(path).resolve()
        self.history = history
        self._folder = Path(tempfile.mkdtemp(prefix="assay-"))
        self._engine: Engine | None = None
        self._twin: Twin | None = None
        self.failures: Any = None  # of the last backfill: event, row, id, function, error, file, line
        try:
            bundle = self._folder / f"{self.path.stem}.assay"
            build(self.path, bundle)
            self.definition: Definition = read(self.path)
            self._engine = Engine(str(bundle), None if data is None else str(data), history=history)
        except BaseException:
            self.close()
            raise

    # --- deciding ---

    def score(self, event: Any, *, features: bool = False) -> dict[str, Any]:
        """The decision on a payment: a dict, JSON text or an object of the event's class. EventError if it is
        refused."""
        return self._take("", event, features)

    def event(self, name: str, event: Any) -> dict[str, Any]:
        """Enters a context event into its windows."""
        return self._take(name, event, False)

    def post(self, name: str, json: bytes, *, features: bool = False) -> tuple[int, bytes]:
        """One event as the server takes it ("" is the scored class): its HTTP status and JSON body."""
        return self._open().event(name, json, features=features)

    def _take(self, name: str, event: Any, features: bool) -> dict[str, Any]:
        status, body = self.post(name, to_json_bytes(event), features=features)
        answer: dict[str, Any] = json.loads(body)
        if status >= 400:
            raise EventError(answer)
        return answer

    def decision(self, id: str | int, *, explain: bool = False) -> dict[str, Any]:
        """The decision on an id, as it was answered; with `explain` also what it was made of."""
        status, body = self._open().decision(str(id), explain=explain)
        answer: dict[str, Any] = json.loads(body)
        if status >= 400:
            raise EventError(answer)
        return answer

    # --- looking inside ---

    @property
    def values(self) -> dict[str, Any]:
        """Every field, window, feature, model and rule of the last payment that was decided, by name."""
        return self._open().values()

    @property
    def features(self) -> list[str]:
        """The names of what functions and models can read: fields, windows, features, models."""
        definition = self.definition
        return [
            *(each.name for each in definition.scored.fields),
            *(window.name for window in definition.windows),
            *(feature.name for feature in definition.features),
            *(model.name for model in definition.models),
        ]

    @property
    def twin(self) -> Twin:
        """The same definition in plain Python, with a history of its own: set breakpoints, compare."""
        if self._twin is None:
            self._twin = Twin(self.definition, since=LAST if self.history == "unknown" else None)
        return self._twin

    @property
    def lists(self) -> Any:
        raise NotImplementedError("block lists are not available yet")

    def backfill(
        self, frame: Any, /, *, features_only: bool = False, threads: int | None = None, **contexts: Any
    ) -> Any:
        """Every feature of every payment in a data frame as of its own moment: pandas, Polars or Arrow in, the same
        kind out, with a column for each window, feature, model and rule, and `decision` and `score`.

        Context events are given by their class's name: `d.backfill(payments, Login=logins)`. Rows stay in the frame's
        order; events are taken in the order of time, from empty history, apart from what this detector has seen. What
        is missing or failed is null; `failures` says why.
        """
        from ._backfill import backfill_frames

        history = "unknown" if self.history == "unknown" else "empty"
        self._open()
        result, self.failures = backfill_frames(
            self.definition,
            self._folder / f"{self.path.stem}.assay",
            frame,
            contexts,
            features_only=features_only,
            history=history,
            threads=threads or os.cpu_count() or 1,
        )
        return result

    # --- closing ---

    def _open(self) -> Engine:
        if self._engine is None:
            raise ValueError("the detector is closed")
        return self._engine

    def close(self) -> None:
        """Makes durable what was decided (with a data folder) and frees the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<assay.Detector {self.path.name}{'' if self._engine else ', closed'}>"


def load(path: str | Path, *, data: str | Path | None = None, history: str = "definition") -> Detector:
    """Builds a definition and opens it in this process.

    `data`: a data folder (one process at a time); without it history begins empty and nothing is kept. `history`:
    "empty" or "unknown" instead of what the definition says of the time before its first event.
    """
    return Detector(path, data=data, history=history)
