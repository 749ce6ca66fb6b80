"""What a run left in its folder, read back: raw JSON in, medians and spreads out. The report is made from this alone.

run.json               settings, machine, plan of variants and rates
agree.json             what was compared before the timing
rounds/VARIANT-N.json  one round of one variant, as measure.measure returned it
changes.json           what changes.py measured, if it did
handbook.json          what handbook.py measured, if it did
text.json              what text.py measured, if it did
stages/SYSTEM.json     {"ns": the answer of `stages`, "instructions": the same, or null}
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram

HIGHEST_NS = 600_000_000_000


@dataclass(frozen=True)
class Spread:
    """A median with the least and the greatest of the rounds."""

    median: float
    low: float
    high: float
    count: int

    @staticmethod
    def of(values: Iterable[float | None]) -> Spread | None:
        known = [value for value in values if value is not None]
        return Spread(statistics.median(known), min(known), max(known), len(known)) if known else None


@dataclass(frozen=True)
class Load:
    """The same load on one variant in several rounds: its peak, or one rate."""

    rate: float | None
    runs: list[Any]

    @property
    def quiet(self) -> list[Any]:
        """The undisturbed rounds; all where every one was disturbed (`disturbed` says so). Numbers are theirs."""
        return [run for run in self.runs if not run["disturbed"]] or self.runs

    def spread(self, read: Callable[[Any], float | None]) -> Spread | None:
        return Spread.of(read(run) for run in self.quiet)

    def latency_us(self, percentile: str) -> Spread | None:
        """None where nothing was answered."""
        return self.spread(lambda run: run["latency_us"][percentile] if run["latency_us"]["count"] else None)

    @property
    def done(self) -> Spread | None:
        return self.spread(lambda run: run["rate_done"])

    @property
    def cpu_us(self) -> Spread | None:
        return self.spread(lambda run: run["cpu_us_per_request"])

    @property
    def memory_mb(self) -> Spread | None:
        return self.spread(lambda run: run["memory_mb"])

    @property
    def own_lag(self) -> Spread | None:
        return self.spread(lambda run: run["own_lag_us"]["p99"])

    @property
    def disturbed(self) -> bool:
        return all(run["disturbed"] for run in self.runs)

    @property
    def behind(self) -> bool:
        """Fewer answers a second than were asked for."""
        return bool(self.rate and self.done and self.done.median < 0.99 * self.rate)

    @property
    def failed_share(self) -> float:
        """Of what was due: answered with another status, broken, or never answered."""
        due = sum(run["scheduled"] for run in self.quiet)
        bad = sum(sum(run["errors"].values()) + run["unanswered"] for run in self.quiet)
        return bad / due if due else 0.0

    def histogram(self) -> HdrHistogram:
        """All quiet rounds' latencies together."""
        total = HdrHistogram(1, HIGHEST_NS, 3)
        for run in self.quiet:
            total.add(HdrHistogram.decode(run["histogram"]))
        return total


@dataclass
class Measured:
    """One variant: what the plan says of it, and its rounds."""

    plan: Any
    rounds: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.plan["variant"])

    @property
    def system(self) -> str:
        return str(self.plan["system"])

    @property
    def label(self) -> str:
        return str(self.plan["label"])

    @property
    def peak(self) -> Load:
        return Load(None, [one["peak"] for one in self.rounds])

    @property
    def open(self) -> list[Load]:
        rates = self.plan["rates"]
        return [Load(rate, [one["open"][n] for one in self.rounds]) for n, rate in enumerate(rates)]

    def at(self, rate: float) -> Load | None:
        return next((load for load in self.open if load.rate == rate), None)

    @property
    def runs(self) -> list[Any]:
        return [run for one in self.rounds for run in (one["peak"], *one["open"])]


@dataclass
class Results:
    run: Any
    agree: Any
    variants: list[Measured]
    stages: dict[str, Any]
    changes: Any = None
    handbook: Any = None
    text: Any = None

    def find(self, system: str, setting: str = "", *, best: bool = False) -> Measured | None:
        """A system at its default number of workers, or at its best one."""
        found = [v for v in self.variants if v.system == system and (not setting or v.plan["setting"] == setting)]
        wanted = "is_best" if best else "is_default"
        return next((v for v in found if v.plan[wanted]), None)

    @property
    def discarded(self) -> int:
        return sum(len(run["discarded"]) for variant in self.variants for run in variant.runs)

    @property
    def foreign_share(self) -> float:
        """The greatest that others had of the machine's CPU time during one load."""
        return max((run["foreign_share"] for variant in self.variants for run in variant.runs), default=0.0)

    @property
    def disturbed(self) -> int:
        return sum(run["disturbed"] for variant in self.variants for run in variant.runs)


def read(folder: Path) -> Results:
    def load(file: Path) -> Any:
        return json.loads(file.read_text(encoding="utf-8"))

    run = load(folder / "run.json")
    variants = []
    for plan in run["plan"]:
        files = sorted((folder / "rounds").glob(f"{plan['variant']}-*.json"), key=lambda f: int(f.stem.split("-")[-1]))
        if files:
            variants.append(Measured(plan, [load(file) for file in files]))
    agree = load(folder / "agree.json") if (folder / "agree.json").is_file() else None
    stages = {file.stem: load(file) for file in sorted((folder / "stages").glob("*.json"))}
    others = ("changes.json", "handbook.json", "text.json")
    changes, handbook, text = (load(folder / name) if (folder / name).is_file() else None for name in others)
    return Results(run, agree, variants, stages, changes, handbook, text)
