"""Runs a user's module once, in its own folder, for `_read.py`.

The module's folder is the working directory and first on the import path while it runs; modules that it imports from
there are read afresh and recorded as sources. Everything is put back afterwards, whatever happened.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import site
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from . import _api
from ._definition import (
    DefinitionError,
    Place,
    Problem,
)
from ._plain import make_plain
from ._source import line_of, text_of

PACKAGE = Path(__file__).resolve().parent


@lru_cache(maxsize=8192)  # asked of every loaded module, four times
def _is_users(file: str | None, folder: Path) -> bool:
    """A module of the user's own: in the definition's folder, not installed and not a test."""
    if not file or not file.endswith(".py"):
        return False
    path = Path(file).resolve()
    installed = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()]
    inside = path.is_relative_to(folder) and not path.is_relative_to(PACKAGE)
    nested = path.relative_to(folder).parts if inside else ()
    outside = not any(path.is_relative_to(root) and not folder.is_relative_to(root) for root in installed)
    hidden = any(p.startswith(".") or p in ("site-packages", "dist-packages") for p in nested)
    return inside and outside and not hidden and not path.name.startswith(("test_", "conftest"))


def _users_modules(folder: Path) -> dict[str, types.ModuleType]:
    """The loaded modules of the user's own; a package without an __init__.py has folders in place of a file."""
    main = sys.modules.get("__main__")
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None and isinstance(module, types.ModuleType):
            folders = [path for path in getattr(module, "__path__", ()) if isinstance(path, str)]
            file = next((f"{path}/__init__.py" for path in folders if _is_users(f"{path}/__init__.py", folder)), None)
        if module is not main and _is_users(file, folder):
            found[name] = module
    return found


@contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """The working directory, import path and module table that a definition runs in, restored afterwards."""
    before = Path.cwd()
    bytecode = sys.dont_write_bytecode
    kept = _users_modules(folder)
    for name in kept:
        del sys.modules[name]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        os.chdir(before)
        for name in _users_modules(folder):
            del sys.modules[name]
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        sys.modules.update(kept)


def execute(path: Path) -> tuple[types.ModuleType, dict[Path, str]]:
    text = text_of(path)
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise DefinitionError([_syntax_problem(path, error)]) from None
    name = f"assay_definition.{path.stem}"
    module = types.ModuleType(name, None)
    module.__file__ = str(path)
    folder = path.parent
    sources = {path: text}
    with _surroundings(folder):
        sys.modules[name] = module  # dataclasses and typing look the module up while it runs
        try:
            exec(code, module.__dict__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a definition may not end the tool that reads it
            raise DefinitionError([_execution_problem(error, folder)]) from error
        for other in _users_modules(folder).values():
            file = getattr(other, "__file__", None)
            if file is not None:
                source = Path(file).resolve()
                sources[source] = text_of(source)
        if sys.modules.keys() & {"numpy", "pandas", "ipaddress"}:
            make_plain([module, *_users_modules(folder).values()], sources)
    sys.modules[name] = module
    return module, sources


def _syntax_problem(path: Path, error: Exception) -> Problem:
    if isinstance(error, SyntaxError) and error.lineno:
        file = Path(error.filename) if error.filename else path
        column = max((error.offset or 1) - 1, 0)
        end_line = error.end_lineno or error.lineno
        end = max((error.end_offset or 0) - 1, column + 1) if end_line == error.lineno else column + 1
        place = Place(file, error.lineno, column, end, error.lineno)
        return Problem(place, f"{type(error).__name__}: {error.msg}", code="syntax")
    return Problem(Place(path, 1), f"{type(error).__name__}: {error}", code="syntax")


def _execution_problem(error: BaseException, folder: Path) -> Problem:
    """The exception that the module raised, at the last line of the user's own files, with the lines that led there."""
    if isinstance(error, SyntaxError):
        return _syntax_problem(folder, error)
    places = []
    trace = error.__traceback__
    while trace is not None:
        if _is_users(trace.tb_frame.f_code.co_filename, folder):
            places.append(_api.place_of_instruction(trace.tb_frame.f_code, trace.tb_lasti, trace.tb_lineno))
        trace = trace.tb_next
    text = str(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = places[-1] if places else None
    return Problem(place, message, _import_help(error), code="module-raised", why=_called_from(places[:-1], folder))


def _called_from(places: list[Place], folder: Path) -> str:
    """The user's own lines that an exception came through, innermost first."""
    shown = places[:-4:-1]  # the last three
    lines = []
    for place in shown:
        name = place.file.relative_to(folder).as_posix() if place.file.is_relative_to(folder) else place.file.name
        lines.append(f"called from {name}:{place.line}: {line_of(place.file, place.line).strip()}")
    return "; ".join(lines)


def _import_help(error: BaseException) -> str:
    """What of assay was probably meant."""
    missed = re.match(r"cannot import name '(\w+)' from 'assay'", str(error))
    if not isinstance(error, ImportError) or missed is None:
        return ""
    public = sys.modules["assay"].__all__
    near = difflib.get_close_matches(missed[1], public, n=1)
    return f"did you mean {near[0]}?" if near else f"assay has {', '.join(sorted(public))}"
