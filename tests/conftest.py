"""What the tests share: the package from this repository, definitions made in a temporary folder, and the engine if
it is built."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent


if importlib.util.find_spec("assay") is None:  # not installed: what needs no engine is tested from here
    sys.path.insert(0, str(ROOT / "python"))

# The same cases every time, so that a change is judged by itself; ASSAY_FRESH=1 (make check) looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("ASSAY_FRESH") else "same")

_engine = importlib.util.find_spec("assay._engine")
HAS_ENGINE = _engine is not None and _engine.origin is not None  # the folder of its C sources has no origin


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: needs the C engine, built as assay._engine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if HAS_ENGINE:
        return
    skip = pytest.mark.skip(reason="the engine is not built: pip install .")
    for item in items:
        if "engine" in item.keywords:
            item.add_marker(skip)


_numbers = itertools.count()


@pytest.fixture
def define(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Writes a definition's source to a file of its own."""

    def write(source: str) -> Path:
        folder = tmp_path / f"d{next(_numbers)}"
        folder.mkdir()
        file = folder / "defined.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        return file

    yield write
