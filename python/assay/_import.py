"""History into a new installation's journal: `assay import`.

The folder is made beside its place and gets its name when everything is in it, so that an import that was broken off
leaves nothing that could be taken for a whole one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._backfill import Filled, Order, Run, Step, failures_of
from ._definition import Definition

if TYPE_CHECKING:
    from ._engine import Backfill, Engine
    from ._tables import Source


class ImportFailed(ValueError):
    """An import that cannot be made, for people."""


@dataclass
class ImportRun(Run):
    """Takes the events as a backfill does, into a journal."""

    data: Path = Path()

    def enter(self, engine: Engine, reader: Backfill, order: Order) -> Iterator[Step]:
        from ._engine import Backfill, Engine

        first = order.first_us if len(order.owners) else None
        with Engine(str(self.bundle), str(self.data), durability="interval", deployed_at=first) as journal:
            backfill = Backfill(journal, [], threads=self.threads, repeated=order.repeated, ids_of=reader, import_=True)
            try:
                yield from self.take(backfill, order)
            finally:
                backfill.close()


def import_files(
    definition: Definition,
    bundle: Path,
    sources: list[Source],
    data: Path,
    *,
    errors: Path | None,
    threads: int,
    progress: Callable[[str, int, int], object],
) -> Filled:
    """Makes the data folder from the sources (context events, then payments)."""
    from ._tables import Writer

    check(definition, sources, data)
    sources[-1].outcomes = definition.outcomes
    partial = data.with_name(f"{data.name}.importing")
    if partial.exists():
        raise ImportFailed(f"{partial} is there: an import that was broken off, or one that runs. Remove it first.")
    partial.mkdir(parents=True)
    failures = Writer(errors) if errors is not None else None
    filled, whole = Filled(0, 0, 0, 0), False
    run = ImportRun(definition, bundle, sources, [], threads=threads, progress=progress, data=partial)
    try:
        for step in run.steps():
            filled.events += step.events
            filled.failures += len(step.errors)
            if failures is not None and (len(step.errors) or failures.is_new):
                failures.write(failures_of(step.errors))
            progress("importing", filled.events, run.events)
        if data.exists():
            data.rmdir()
        partial.rename(data)
        whole = True
    finally:
        if failures is not None:
            failures.close(whole)
        shutil.rmtree(partial, ignore_errors=True)
    filled.refused = run.refused
    return filled


def check(definition: Definition, sources: list[Source], data: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise ImportFailed(
            f"{data} is there already: an import makes a new installation, since its events come before all others"
        )
    outcome = next((window for window in definition.windows if window.outcome), None)
    if outcome is not None:
        raise ImportFailed(
            f"{outcome.name} counts what was decided, and imported events are not decided: import with a definition "
            "without such windows, and serve this one afterwards; its outcome windows are warm once they reach back "
            "far enough"
        )
    given = {source.event.name for source in sources}
    for window in definition.windows:
        if window.on.name not in given:
            raise ImportFailed(
                f"{window.name} counts {window.on.name} events, and no file of them is given: {window.on.name}=FILE "
                "(an empty file says that there truly were none)"
            )
