"""A large definition is checked while one waits: 300 functions in under two seconds, and nothing is imported for it
that only other commands need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import assay as package
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import many_functions

pytestmark = pytest.mark.engine

LIMIT_S = 2.0  # of CPU time, so that others on the machine do not count


def test_three_hundred_functions_are_checked_in_two_seconds(tmp_path: Path) -> None:
    from assay import _check

    file = tmp_path / "many.py"
    file.write_text(many_functions.source(300))
    started = time.process_time()
    checked = _check.check(file)
    took_s = time.process_time() - started
    assert not checked.failed
    assert len(checked.functions) == 300 and all(each.native for each in checked.functions)
    assert took_s < LIMIT_S


def test_the_time_grows_with_the_functions_not_with_their_square(tmp_path: Path) -> None:
    from assay import _check

    def seconds(count: int) -> float:
        file = tmp_path / f"many{count}.py"
        file.write_text(many_functions.source(count))
        started = time.process_time()
        assert not _check.check(file).failed
        return time.process_time() - started

    seconds(10)  # what is made once: Unicode tables, imports
    few, many = seconds(100), seconds(600)
    assert many < 6 * few * 2.5


def test_the_generated_definition_is_the_same_from_the_same_seed() -> None:
    assert many_functions.source(50) == many_functions.source(50)
    assert many_functions.source(50, seed=2) != many_functions.source(50)


def test_check_imports_no_data_frames(tmp_path: Path) -> None:
    file = tmp_path / "many.py"
    file.write_text(many_functions.source(3))
    program = (
        "import sys\n"
        "from assay._cli import app\n"
        "try:\n    app(['check', sys.argv[1]])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(sorted({'pyarrow', 'numpy', 'pandas', 'polars', 'lightgbm', 'urllib.request'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).absolute().parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == "[]\n"
