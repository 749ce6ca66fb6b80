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

ROOT = Path(__file__).resolve().parent.parent


def _find_package() -> None:
    """The installed package; failing that, this repository's, with the engine from the folder that ASSAY_BUILD
    names."""
    if importlib.util.find_spec("assay") is not None and "ASSAY_BUILD" not in os.environ:
        return
    sys.path.insert(0, str(ROOT / "python"))
    folder = os.environ.get("ASSAY_BUILD")
    if folder:
        import assay

        assay.__path__.insert(0, folder)


_find_package()

HAS_ENGINE = importlib.util.find_spec("assay._engine") is not None and bool(
    importlib.util.find_spec("assay._engine").origin  # type: ignore[union-attr]
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: needs the C engine, built as assay._engine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if HAS_ENGINE:
        return
    skip = pytest.mark.skip(reason="the engine is not built: pip install . (or ASSAY_BUILD=folder of _engine)")
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
