"""The handbook example: its own tests."""

from __future__ import annotations

import subprocess
import sys

import pytest
from test_cards import ROOT, environment

pytestmark = pytest.mark.engine


def test_the_examples_own_tests_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(
        command, cwd=ROOT / "examples" / "handbook", env=environment(), capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
