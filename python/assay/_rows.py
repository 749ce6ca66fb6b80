"""Files of events as one stream: JSON lines of payments and of context events, merged by time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ._definition import Definition, EventDef
from ._parse import EventError, read_time


@dataclass(frozen=True, slots=True)
class Row:
    """One event as it stands in its file."""

    event: EventDef
    text: bytes
    file: Path
    line: int

    @property
    def class_name(self) -> str:
        """As the engine wants it: "" for the scored event."""
        return "" if self.event.scored else self.event.name


class RowsError(ValueError):
    """A file that cannot be taken, for people."""


def files_of(definition: Definition, payments: Path, others: Iterable[str]) -> list[tuple[EventDef, Path]]:
    """The files with their event classes, context events first; `others` are "NAME=FILE"."""
    known = {event.name: event for event in definition.events if not event.scored}
    files = []
    for other in others:
        name, equals, file = other.partition("=")
        if not equals:
            raise RowsError(
                f"{other}: files of context events are given as NAME=FILE ({definition.scored.name} is the first file)"
            )
        if name not in known:
            has = ", ".join(known) if known else "none"
            raise RowsError(f"{name}: no context event of that name; the definition has {has}")
        files.append((known[name], Path(file)))
    return [*files, (definition.scored, payments)]


def read(files: list[tuple[EventDef, Path]]) -> Iterator[Row]:
    """All events in the order in which they are taken: the files merged by time, at equal times context events first,
    then each file's own order. One file is taken as it stands, so its late events are late."""
    if len(files) == 1:
        yield from _lines(*files[0])
        return
    streams = [_timed(index, event, path) for index, (event, path) in enumerate(files)]
    for _, _, row in heapq.merge(*streams, key=lambda item: item[:2]):
        yield row


def _timed(index: int, event: EventDef, path: Path) -> Iterator[tuple[int, int, Row]]:
    time_us = 0
    for row in _lines(event, path):
        with suppress(EventError):  # a bad event goes where its neighbour is; taking it says what is wrong
            time_us = read_time(event, row.text)
        yield time_us, index, row


def _lines(event: EventDef, path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield Row(event, line.strip(), path, number)


def count(files: list[tuple[EventDef, Path]], note: Callable[[str], object] = lambda _: None) -> int:
    """How many events the files have, for a progress bar."""
    total = 0
    for _, path in files:
        if path.suffix not in (".jsonl", ".ndjson", ".json"):
            note(f"{path}: read as JSON lines, whatever its name says")
        with path.open("rb") as file:
            total += sum(1 for line in file if line.strip())
    return total


def as_json(value: object) -> str:
    """One JSON line as the server writes it."""
    return json.dumps(value, ensure_ascii=False)
