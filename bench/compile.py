"""What it takes to read, compile, write and load a definition of many functions, without a sample.

    .venv/bin/python bench/compile.py                # 300 functions, the median of five runs
    .venv/bin/python bench/compile.py --functions 1000

The definition is generated from a seed (many_functions.py). `command` is `assay check FILE` as a user runs it, imports
and all; the parts are measured in one warm process. Milliseconds of CPU time of this machine: compare within one run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import many_functions


def milliseconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time_ns()
    made = work()
    return (time.process_time_ns() - started) / 1e6, made


def parts(file: Path, folder: Path) -> dict[str, float]:
    """One run through the compiler's parts."""
    from assay import _source  # type: ignore[import-untyped]
    from assay._bundle import write_bundle  # type: ignore[import-untyped]
    from assay._compile import examine  # type: ignore[import-untyped]
    from assay._engine import Engine  # type: ignore[import-untyped]
    from assay._read import read  # type: ignore[import-untyped]

    _source._file.cache_clear()
    times: dict[str, float] = {}
    times["read"], definition = milliseconds(lambda: read(file))
    times["compile"], examined = milliseconds(lambda: examine(definition))
    assert examined.plan is not None, [problem.message for problem in examined.problems]
    bundle = folder / "many.assay"
    times["write"], _ = milliseconds(lambda: write_bundle(examined.plan.parts, bundle))
    times["load"], engine = milliseconds(lambda: Engine(str(bundle)))
    engine.close()
    return times


def command(file: Path) -> float:
    """CPU time of the whole command, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "assay", "check", str(file)], check=True, capture_output=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=300, help="how many features [300]")
    parser.add_argument("--runs", type=int, default=5, help="the median of so many [5]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-") as name:
        folder = Path(name)
        file = folder / "many.py"
        file.write_text(many_functions.source(options.functions))
        runs = [parts(file, folder) for _ in range(options.runs)]
        whole = statistics.median(command(file) for _ in range(options.runs))
    print(f"{options.functions} functions, {file.name}; ms of CPU time, the median of {options.runs}")
    for part in runs[0]:
        print(f"  {part:8} {statistics.median(run[part] for run in runs):8.0f}")
    print(f"  {'command':8} {whole:8.0f}   assay check, imports and all")


if __name__ == "__main__":
    main()
