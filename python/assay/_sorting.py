"""Rows of a file in another order, in little memory.

They are cut into buckets by their place in the new order, each bucket a file of the system's temporary folder, and each
bucket is then put in order by itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

BUCKET = 262_144  # rows of a bucket: what is in memory at a time
BATCH = 32_768
PLACE = "\x00place"  # the added column: the row's place in the new order


class Buckets:
    """Rows with their places, written in any order, read in the order of the places."""

    def __init__(self, rows: int, bucket: int = BUCKET) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="assay-sort-")
        self._bucket = bucket
        self._count = (rows + bucket - 1) // bucket
        self._writers: dict[int, Any] = {}

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.arrow"

    def add(self, batch: pa.RecordBatch, places: np.ndarray[Any, Any]) -> None:
        """Adds rows and where each belongs."""
        batch = batch.append_column(PLACE, pa.array(places, pa.int64()))
        numbers = places // self._bucket
        for number in np.unique(numbers):
            part = batch.take(pa.array(np.flatnonzero(numbers == number)))
            writer = self._writers.get(int(number))
            if writer is None:
                writer = self._writers[int(number)] = pa.ipc.new_stream(str(self._path(int(number))), part.schema)
            writer.write_batch(part)

    def read(self) -> Iterator[pa.RecordBatch]:
        """All rows in the order of their places; the files go as they are read."""
        for writer in self._writers.values():
            writer.close()
        try:
            for number in range(self._count):
                if number not in self._writers:
                    continue
                with pa.ipc.open_stream(str(self._path(number))) as reader:
                    table = reader.read_all()
                self._path(number).unlink()
                table = table.take(pa.array(np.argsort(np.asarray(table[PLACE])))).drop_columns([PLACE])
                yield from table.combine_chunks().to_batches(max_chunksize=BATCH)
        finally:
            self.close()

    def close(self) -> None:
        self._folder.cleanup()


def places_of(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`rows` says which row comes at each place; this says at which place each row comes."""
    places = np.empty(len(rows), np.int64)
    places[rows] = np.arange(len(rows))
    return places


def reordered(
    batches: Iterator[pa.RecordBatch], rows: np.ndarray[Any, Any], note: Callable[[int], object] = lambda _: None
) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` in the order that `rows` says."""
    places, done = places_of(rows), 0
    buckets = Buckets(len(rows))
    try:
        for batch in batches:
            buckets.add(batch, places[done : done + len(batch)])
            done += len(batch)
            note(done)
        yield from buckets.read()
    finally:
        buckets.close()
