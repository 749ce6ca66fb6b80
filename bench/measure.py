"""Rounds. In each, every variant runs alone with the generator: its peak in a closed loop, then an open loop at each of
its rates. Systems take turns, so that a change of the machine's mood meets all. A run during which something else used
the machine is thrown away, done again, and counted. Each round of each variant is a file: a run can be resumed."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
from systems import BenchError, Running, Variant, serving

CONNECTIONS = 16  # of the closed loop
OPEN_CONNECTIONS = 64  # of the open loop: as many payments can be under way at once
LADDER = [10 ** (n // 3) * (1, 2, 5)[n % 3] for n in range(3, 18)]  # 10, 20, 50, ... 500,000 a second
RATES_LOW, RATES_NEAR = 3, (0.5, 0.7, 0.8, 0.9, 1.1)  # ladder rates below half the peak; shares of the peak
COMMON_RATES = (10_000.0, 20_000.0)  # of design/7-performance.md, goal 3
ATTEMPTS = 4
HISTORY_S = 120.0
DRAIN_S = 2.0


@dataclass(frozen=True)
class Settings:
    load: Path
    data: Path
    seconds: float
    foreign: float  # the share of others' CPU time above which a run is thrown away
    say: Callable[[str], None]


def round_rate(rate: float) -> float:
    """To two digits, so that reports are readable and plans comparable."""
    return float(f"{rate:.2g}")


def rates_for(peak: float, also: Sequence[float] = (), *, few: bool = False) -> list[float]:
    """Absolute rates up to above the peak: the ladder's, which systems share, then close steps about the peak. `also`:
    those that a goal names, even where they are above the peak."""
    low = [float(step) for step in LADDER if step < 0.4 * peak][-1 if few else -RATES_LOW :]
    near = [round_rate(share * peak) for share in (RATES_NEAR[::3] if few else RATES_NEAR)]
    return sorted({*low, *near, *also})


def generate_load(settings: Settings, port: int, bodies: str, *flags: str) -> Any:
    command = [str(settings.load), "--port", str(port), "--bodies", str(settings.data / bodies), *flags]
    got = subprocess.run(command, capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise BenchError(f"the generator failed: {got.stderr.strip()}")
    result = json.loads(got.stdout)
    result["said"] = [line for line in got.stderr.splitlines() if "answers were not 200" in line]
    return result


def own_cpu_s() -> float:
    """This process and the children it has waited for: the generator is one."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measured_run(settings: Settings, server: Running, *flags: str) -> Any:
    """One run of the generator with what server and machine did meanwhile."""
    root = server.process.pid
    own, cpu, before = own_cpu_s(), machine.tree_cpu_s(root), machine.busy()
    result = generate_load(settings, server.port, "payments.jsonl", *flags)
    after, cpu_after, own_after = machine.busy(), machine.tree_cpu_s(root), own_cpu_s()
    server_s = cpu_after - cpu
    requests = result["answered_with_warmup"]
    result["server_cpu_s"] = server_s
    result["cpu_us_per_request"] = server_s / requests * 1e6 if requests else None
    result["memory_mb"] = machine.tree_memory_mb(root)
    result["foreign_share"] = machine.foreign_share(before, after, server_s + own_after - own)
    return result


def undisturbed(settings: Settings, server: Running, first: int, flags: Sequence[str]) -> Any:
    """Runs until nobody else used the machine; the last attempt is kept and marked if none was quiet."""
    discarded: list[float] = []
    while True:
        result = measured_run(settings, server, "--first", str(first), *flags)
        result["discarded"] = discarded
        result["disturbed"] = result["foreign_share"] > settings.foreign
        if not result["disturbed"] or len(discarded) + 1 == ATTEMPTS:
            return result
        discarded.append(result["foreign_share"])
        first = result["next"]
        settings.say(f"thrown away: others used {result['foreign_share']:.0%} of the machine; once more")


def closed(seconds: float, warmup: float) -> list[str]:
    return ["--connections", str(CONNECTIONS), "--seconds", str(seconds), "--warmup", str(warmup)]


def opened(seconds: float, warmup: float, rate: float) -> list[str]:
    flags = ["--connections", str(OPEN_CONNECTIONS), "--seconds", str(seconds), "--warmup", str(warmup)]
    return [*flags, "--rate", repr(rate), "--drain", str(DRAIN_S)]


def warm(settings: Settings, server: Running) -> int:
    """Posts the history; how many payments were answered. What windows hold afterwards does not depend on the order in
    which simultaneous requests are read."""
    flags = ("--connections", str(CONNECTIONS), "--id-prefix", "history", "--warmup", "0", "--seconds", str(HISTORY_S))
    lines = sum(1 for _ in (settings.data / "history.jsonl").open("rb"))
    return int(generate_load(settings, server.port, "history.jsonl", *flags, "--requests", str(lines))["answered"])


def calibrate(settings: Settings, variant: Variant, log: Path) -> float:
    """Roughly its peak: what the plan of rates is made from, and which number of workers is best."""
    with serving(variant, log) as server:
        return float(undisturbed(settings, server, 0, closed(min(2.0, settings.seconds), 0.5))["rate_done"])


def measure(settings: Settings, variant: Variant, rates: Sequence[float], log: Path) -> dict[str, Any]:
    """One round of one variant."""
    settings.say(f"{variant.label}: starting, history")
    with serving(variant, log) as server:
        started_mb = machine.tree_memory_mb(server.process.pid)
        history = warm(settings, server)
        warmup = min(1.0, settings.seconds)
        settings.say(f"{variant.label}: peak")
        peak = undisturbed(settings, server, 0, closed(settings.seconds, warmup))
        first, runs = peak["next"], []
        for rate in rates:
            settings.say(f"{variant.label}: {rate:,.0f}/s")
            runs.append(undisturbed(settings, server, first, opened(settings.seconds, warmup, rate)))
            first = runs[-1]["next"]
        return {
            "variant": variant.name,
            "label": variant.label,
            "history": history,
            "start_s": server.started_s,
            "fresh_memory_mb": started_mb,
            "peak": peak,
            "open": runs,
        }


def save(file: Path, value: Any) -> None:
    """Whole or not at all, so that a run that was stopped can be resumed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)
