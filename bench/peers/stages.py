"""Where the time of a payment goes, or its instructions, by stage: what the `stages` scripts of the Python peers share.

A peer names its steps - the very functions that it serves with - and this puts a meter around them. What runs inside a
step is charged to its stage, and everything between steps to the stage of the whole. What the meter itself costs is
measured with steps that do nothing, and taken off.

With ASSAY_STAGES=instructions the same program runs again under callgrind, which counts instructions: at each change of
stage the counters are written out and zeroed (callgrind.c, made by `build` where valgrind's headers are).
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

STAGES = ("parse", "features", "windows", "tokenization", "table", "model", "rules and reply", "journal")
BLOCKS = 10
OUTSIDE, NOTHING, WHOLE_OF_NOTHING = "outside", "nothing", "whole of nothing"

Function = Callable[..., Any]


class Meter:
    """Charges what was spent since the last change of stage."""

    def __init__(self) -> None:
        self.stage = OUTSIDE
        self.payments = 0
        self.spent: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()  # of steps, by their stage ...
        self.inner: Counter[str] = Counter()  # ... and by the stage that they were called from

    def charge(self) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        raise NotImplementedError

    def end_block(self) -> None:
        pass

    def end(self) -> None:
        pass

    def around(self, stage: str, step: Function) -> Function:
        """The step, with its cost charged to the stage."""

        def metered(*arguments: Any) -> Any:
            before = self.stage
            self.charge()
            self.calls[stage] += 1
            self.inner[before] += 1
            self.stage = stage
            try:
                return step(*arguments)
            finally:
                self.charge()
                self.stage = before

        return metered

    def calibrate(self, rounds: int) -> None:
        """Charges steps that do nothing."""
        nothing = self.around(NOTHING, lambda: None)

        def whole() -> None:
            for _ in range(rounds):
                nothing()

        self.around(WHOLE_OF_NOTHING, whole)()

    def result(self, unit: str, total: str) -> dict[str, Any]:
        """What each stage cost a payment, without the meter; None for a stage that no step belongs to."""
        rounds = self.calls[NOTHING]
        as_inner, as_outer = self.spent[NOTHING] / rounds, self.spent[WHOLE_OF_NOTHING] / rounds
        costs: dict[str, int | None] = {}
        for stage in STAGES:
            cost = self.spent[stage] - as_inner * self.calls[stage] - as_outer * self.inner[stage]
            costs[stage] = max(0, round(cost / self.payments)) if self.calls[stage] else None
        return {"payments": self.payments, unit: costs, total: sum(filter(None, costs.values()))}


class Clock(Meter):
    """Nanoseconds. The payments are taken in blocks, and of each stage the median block counts: this machine has other
    things to do too."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Counter[str]] = []

    def begin(self) -> None:
        self.last = perf_counter_ns()

    def end_block(self) -> None:
        self.blocks.append(self.spent)
        self.spent = Counter()

    def end(self) -> None:
        for stage in STAGES:
            self.spent[stage] = round(median(block[stage] for block in self.blocks) * len(self.blocks))

    def charge(self) -> None:
        self.spent[self.stage] += perf_counter_ns() - self.last
        self.last = perf_counter_ns()


class Callgrind(Meter):
    """Inside valgrind: each change of stage writes a file that is named after it, for `read_files`."""

    def __init__(self, library: str) -> None:
        super().__init__()
        self.library = ctypes.CDLL(library)

    def begin(self) -> None:
        self.library.count_instructions()

    def charge(self) -> None:
        self.library.write_and_zero(self.stage.encode())

    def read_files(self, folder: Path) -> None:
        for file in folder.iterdir():
            text = file.read_text(encoding="utf-8", errors="replace")
            trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
            if trigger and total:
                self.spent[trigger[1]] += int(total[1])


Setup = Callable[[Meter, Path], tuple[Function, Function]]


def run(meter: Meter, setup: Setup, model: Path, bodies: list[bytes], measured: int, rounds: int) -> None:
    """Enters the earlier payments into the windows, warms up on some and measures the last."""
    enter, handle = setup(meter, model)
    measured = min(measured, len(bodies) * 4 // 5) // BLOCKS * BLOCKS
    if measured == 0:
        sys.exit(f"stages: {len(bodies)} payments are too few, some hundreds are needed")
    started = len(bodies) - measured
    warm_up = min(started, max(20, measured // 5))
    charge, meter.charge = meter.charge, lambda: None  # type: ignore[method-assign]
    for body in bodies[: started - warm_up]:
        enter(body)
    for body in bodies[started - warm_up : started]:
        handle(body)
    meter.charge = charge  # type: ignore[method-assign]
    meter.calls.clear()
    meter.inner.clear()
    meter.begin()
    for start in range(started, len(bodies), measured // BLOCKS):
        for body in bodies[start : start + measured // BLOCKS]:
            handle(body)
        meter.end_block()
    meter.end()
    meter.calibrate(rounds)
    meter.payments = measured


def under_callgrind(arguments: list[str], library: Path) -> dict[str, Any] | None:
    """This program again, counting; None where that cannot be had."""
    valgrind = shutil.which("valgrind")
    if valgrind is None or not library.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counts.mkdir()
        command = [valgrind, "-q", "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={counts}/out.%p", sys.executable, *arguments]
        environment = os.environ | {"ASSAY_STAGES": "inside", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return None
        said = json.loads(done.stdout)
        meter = Callgrind(str(library))
        meter.payments = said["payments"]
        meter.calls.update(said["calls"])
        meter.inner.update(said["inner"])
        meter.read_files(counts)
    return meter.result("instructions", "total_instructions")


def main(setup: Setup, measured: int, counted: int) -> None:
    """`setup(meter, model)` makes a detector with metered steps; it returns how a payment is entered into the windows
    alone, and how it is handled as a whole. `measured` payments are timed; of `counted` the instructions are counted.
    """
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} MODEL PAYMENTS.jsonl BUILD_DIR")
    model, payments, library = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) / "callgrind.so"
    bodies = payments.read_bytes().splitlines()
    match os.environ.get("ASSAY_STAGES", ""):
        case "instructions":
            print(json.dumps(under_callgrind(sys.argv, library)))
        case "inside":
            meter: Meter = Callgrind(str(library))
            run(meter, setup, model, bodies, counted, rounds=20)
            print(json.dumps({"payments": meter.payments, "calls": meter.calls, "inner": meter.inner}))
        case _:
            meter = Clock()
            run(meter, setup, model, bodies, measured, rounds=10_000)
            print(json.dumps(meter.result("ns", "total_ns")))
