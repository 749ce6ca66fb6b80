"""The goals of performance, and where each stands after a run: met, missed, or not measured here and why. And the
ratios that they are about, which the report shows first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from results import Load, Measured, Results

MET, MISSED, UNKNOWN = "met", "**missed**", "not measured"


@dataclass(frozen=True)
class Goal:
    number: str
    text: str
    state: str
    measured: str


@dataclass(frozen=True)
class Ratio:
    what: str
    ours: str
    theirs: str
    ratio: str
    value: float


def us(value: float) -> str:
    if value < 1000:
        return f"{value:,.0f} us"
    return f"{value / 1000:,.0f} ms" if value >= 100_000 else f"{value / 1000:.3g} ms"


def times(value: float) -> str:
    return f"{value:,.0f}x" if value >= 20 else f"{value:.2f}x" if value < 1 else f"{value:.1f}x"


def p99(load: Load | None) -> float | None:
    spread = load.latency_us("p99") if load else None
    return spread.median if spread else None


def done(variant: Measured | None) -> float | None:
    spread = variant.peak.done if variant else None
    return spread.median if spread else None


def cpu(variant: Measured | None) -> float | None:
    spread = variant.peak.cpu_us if variant else None
    return spread.median if spread else None


def shaky(*loads: Load | None) -> str:
    """A mark for what was read from loads that were disturbed in every round."""
    return " (disturbed)" if any(load.disturbed for load in loads if load) else ""


def peak_of(variant: Measured | None) -> Load | None:
    return variant.peak if variant else None


def total_ns(found: Results, system: str) -> float | None:
    return float(found.stages[system]["ns"]["total_ns"]) if system in found.stages else None


def nearest(variant: Measured, rate: float) -> Load | None:
    """The load whose rate is nearest to a peak that only the calibration knew; within a fifth of it, and not below what
    the other did by more than that."""
    close = [load for load in variant.open if load.rate and abs(load.rate - rate) <= 0.2 * rate]
    return min(close, key=lambda load: abs((load.rate or 0) - rate), default=None)


def at_their_peak(found: Results, setting: str, *, best: bool) -> Ratio | None:
    """Goal 1: what a payment waits at the peak of Python as first written, and at the same rate here."""
    python, assay = found.find("python-first", best=best), found.find("assay", setting)
    rate = done(python)
    load = nearest(assay, rate) if assay and rate else None
    theirs, ours = p99(python.peak) if python else None, p99(load)
    if not (python and load and rate and theirs and ours):
        return None
    what = f"p99 at the peak of {python.label}, {rate:,.0f}/s; Assay with `{setting}` at {load.rate:,.0f}/s"
    return Ratio(what, us(ours), us(theirs), times(theirs / ours) + shaky(load, python.peak), theirs / ours)


def compared(what: str, ours: float | None, theirs: float | None, show: str, *, more: bool) -> Ratio | None:
    """`more`: more is better. The ratio is over 1 where Assay is better."""
    if not ours or not theirs:
        return None
    value = ours / theirs if more else theirs / ours
    return Ratio(what, show.format(ours), show.format(theirs), times(value), value)


def against(found: Results, system: str) -> list[Ratio | None]:
    """Peak and CPU a request, both at their best numbers of workers."""
    ours, theirs = found.find("assay", "interval", best=True), found.find(system, best=True)
    if ours is None or theirs is None:
        return []
    return [
        compared(f"peak: {ours.label} and {theirs.label}", done(ours), done(theirs), "{:,.0f}/s", more=True),
        compared("CPU a request at the peak: the same two", cpu(ours), cpu(theirs), "{:,.1f} us", more=False),
        compared(f"CPU a payment inside the process: Assay and {system}", total_ns(found, "assay"),
                 total_ns(found, system), "{:,.0f} ns", more=False),
    ]  # fmt: skip


def ratios(found: Results) -> list[Ratio]:
    both = [at_their_peak(found, setting, best=best) for best in (False, True) for setting in ("interval", "commit")]
    all_of_them = [*both]
    for system in ("python-first", "python-tuned", "rust", "null"):
        all_of_them += against(found, system)
    shown: dict[str, Ratio] = {ratio.what: ratio for ratio in all_of_them if ratio}
    return list(shown.values())


# --- the goals -------------------------------------------------------------------------------------------------------


def judged(number: str, text: str, value: float | None, wanted: float, shown: str, why: str) -> Goal:
    if value is None:
        return Goal(number, text, UNKNOWN, why)
    return Goal(number, text, MET if value >= wanted else MISSED, shown)


FIRST = ((False, "interval", 500), (False, "commit", 300), (True, "interval", 150), (True, "commit", 100))


def first_goal(found: Results) -> list[Goal]:
    goals = []
    for best, setting, wanted in FIRST:
        whose = "the best Python worker count" if best else "Python as first written, default worker"
        text = f"p99 at the peak of {whose}: Assay `{setting}` at that rate at least {wanted}x lower"
        got = at_their_peak(found, setting, best=best)
        shown = f"{got.ratio} ({got.ours} against {got.theirs})" if got else ""
        value = got.value if got else None
        goals.append(judged("1", text, value, wanted, shown, "Python as first written was not in this run"))
    return goals


def second_goal(found: Results) -> Goal:
    wanted = 8 if found.run["machine"]["avx512_vbmi"] else 5
    got = compared("", total_ns(found, "assay"), total_ns(found, "rust"), "{:,.0f} ns", more=False)
    text = f"inside the process {wanted}x less CPU a payment than the Rust layer, journal included"
    missing = [name for name in ("assay", "rust") if name not in found.stages]
    shown = f"{got.ratio} ({got.ours} against {got.theirs})" if got else ""
    return judged("2", text, got.value if got else None, wanted, shown, f"no stages of {' and '.join(missing)}")


def third_goal(found: Results) -> list[Goal]:
    goals = []
    null, rust = done(found.find("null", best=True)), done(found.find("rust", best=True))
    for setting in ("interval", "commit"):
        assay = found.find("assay", setting, best=True)
        peak = done(assay)
        share, more = peak / null if peak and null else None, peak / rust if peak and rust else None
        text = f"peak at least 60% of the null server's, `{setting}`"
        mark = shaky(peak_of(assay), peak_of(found.find("null", best=True)))
        shown = f"{share or 0:.0%} ({peak or 0:,.0f} of {null or 0:,.0f}/s){mark}"
        goals.append(judged("3", text, share, 0.6, shown, "the null server or Assay was not in this run"))
        text = f"peak at least 2.5x the Rust layer's, `{setting}`"
        mark = shaky(peak_of(assay), peak_of(found.find("rust", best=True)))
        shown = f"{times(more or 0)} ({peak or 0:,.0f} against {rust or 0:,.0f}/s){mark}"
        goals.append(judged("3", text, more, 2.5, shown, "Rust or Assay was not in this run"))
        goals += [at_ten_thousand(found, setting), at_twenty_thousand(found, setting)]
    return goals


def at_ten_thousand(found: Results, setting: str) -> Goal:
    assay = found.find("assay", setting)
    load = assay.at(10_000) if assay else None
    ours = p99(load)
    text = f"p99 under 1 ms at 10,000/s on cores shared with the generator, `{setting}`"
    if ours is None:
        return Goal("3", text, UNKNOWN, "Assay was not in this run")
    return Goal("3", text, MET if ours < 1000 else MISSED, us(ours) + shaky(load))


def at_twenty_thousand(found: Results, setting: str) -> Goal:
    assay, null = found.find("assay", setting), found.find("null")
    our_load, null_load = assay.at(20_000) if assay else None, null.at(20_000) if null else None
    ours, least = p99(our_load), p99(null_load)
    text = f"p99 at 20,000/s at most the null server's plus twice the sync's, `{setting}`"
    if ours is None or least is None:
        return Goal("3", text, UNKNOWN, "Assay or the null server was not in this run")
    allowed = least + 2 * found.run["machine"]["sync_us"]["p99"]
    return Goal(
        "3", text, MET if ours <= allowed else MISSED, f"{us(ours)}, allowed {us(allowed)}{shaky(our_load, null_load)}"
    )


def sixth_goal(found: Results) -> Goal:
    assay = found.find("assay", "commit")
    fresh = [one["fresh_memory_mb"] for one in assay.rounds] if assay else []
    return judged("6", "resident memory of a fresh server under 30 MB", -max(fresh) if fresh else None, -30,
                  f"{max(fresh, default=0):.0f} MB with this model", "Assay was not in this run")  # fmt: skip


def fifth_goal(handbook: Any) -> list[Goal]:
    """What handbook.py measured: the same twelve windows over the same rows, one core each, in one run."""
    wanted = {"pandas": 10.0, "Polars": 2.0, "DuckDB": 2.0}
    if handbook is None:
        return [Goal("5", "backfill 10x pandas, 2x Polars and DuckDB", UNKNOWN, "bench/handbook.py measures it")]
    ours = handbook["seconds"]["Assay"]
    return [
        judged("5", f"backfill of the Handbook's windows {least:.0f}x {name}, one core each",
               handbook["seconds"][name] / ours, least,
               f"{handbook['seconds'][name] / ours:.1f}x ({ours:.1f} s against {handbook['seconds'][name]:.1f} s)", "")
        for name, least in wanted.items()
    ]  # fmt: skip


def goals(found: Results) -> list[Goal]:
    elsewhere = [
        Goal("4", "models, text, windows: each part's own table; 10 million keys", UNKNOWN,
             "benchmarks of the parts (`make bench`); text is not there yet"),
        *fifth_goal(found.handbook),
        sixth_goal(found),
        Goal("6", "start with ten million keys; definition saved to live", UNKNOWN, "not part of this command"),
        Goal("7", "cost that does not grow with keys, journal, connections", UNKNOWN, "not part of this command"),
    ]  # fmt: skip
    return [*first_goal(found), second_goal(found), *third_goal(found), *elsewhere]
