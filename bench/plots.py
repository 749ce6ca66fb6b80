"""The report's pictures, as SVG beside it. Text stays text and ids stay the same, so a diff shows what changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from results import Load, Measured, Results

pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "assay", "font.size": 9, "axes.grid": True,
                        "grid.alpha": 0.3, "legend.fontsize": 8, "legend.frameon": False})  # fmt: skip
PERCENTILES = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99]


def save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def begin(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure, axes = pyplot.subplots(figsize=(7.5, 4))
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def latency_by_rate(variants: Sequence[Measured], file: Path) -> None:
    """p99 over the rate asked; a hollow point is a rate that was not kept up with."""
    figure, axes = begin("p99 by rate, open loop: median of the rounds, least to greatest", "payments a second", "ms")
    for variant in variants:
        points = [(load, spread) for load in variant.open if (spread := load.latency_us("p99"))]
        if not points:
            continue
        rates = [load.rate or 0.0 for load, _ in points]
        line = axes.plot(rates, [p.median / 1e3 for _, p in points], label=variant.label, linewidth=1.2)[0]
        axes.fill_between(rates, [p.low / 1e3 for _, p in points], [p.high / 1e3 for _, p in points],
                          alpha=0.15, color=line.get_color())  # fmt: skip
        for rate, (load, p) in zip(rates, points, strict=True):
            kept = not load.behind and load.failed_share == 0
            axes.plot(rate, p.median / 1e3, "o", markersize=4, color=line.get_color(),
                      markerfacecolor=line.get_color() if kept else "white")  # fmt: skip
    axes.set(xscale="log", yscale="log")
    axes.legend()
    save(figure, file)


def latency_distribution(loads: Sequence[tuple[str, Load]], title: str, file: Path) -> None:
    """All rounds' latencies by percentile; the axis is stretched towards 100, as is usual."""
    figure, axes = begin(title, "percentile", "ms")
    places = [1 / (1 - p / 100) for p in PERCENTILES]
    for label, load in loads:
        histogram = load.histogram()
        if histogram.get_total_count():
            axes.plot(places, [histogram.get_value_at_percentile(p) / 1e6 for p in PERCENTILES], label=label)
    axes.set(xscale="log", yscale="log", xticks=places)
    axes.set_xticklabels([f"{p:g}" for p in PERCENTILES], rotation=45)
    axes.minorticks_off()
    axes.legend()
    save(figure, file)


def stage_split(found: Results, stages: Sequence[str], file: Path) -> bool:
    """A bar a system, a colour a stage; on a logarithm nothing could be stacked, so each bar is shares of its sum."""
    split = {name: raw["ns"]["ns"] for name, raw in found.stages.items()}
    if not split:
        return False
    figure, axes = begin("Inside the process: where a payment's time goes", "share of the sum", "")
    left = dict.fromkeys(split, 0.0)
    for stage in stages:
        for name, ns in split.items():
            total = sum(value for value in ns.values() if value)
            share = (ns.get(stage) or 0) / total if total else 0.0
            colour = f"C{list(stages).index(stage)}"
            first = name == next(iter(split))
            axes.barh(name, share, left=left[name], color=colour, label=stage if first else None)
            left[name] += share
    axes.legend(ncol=4, loc="upper center", bbox_to_anchor=(0.5, -0.15))
    save(figure, file)
    return True
