"""The user's source text: files, syntax trees, and where things stand in them.

Everything that shows or compiles source goes through here, so that columns are characters (Python's own are UTF-8
bytes) and every file is read once, as it was when the definition was read.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ._definition import Place

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@lru_cache(maxsize=256)
def _file(path: Path, stamp: tuple[int, int]) -> tuple[str, tuple[str, ...], ast.Module | None]:
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError):
        tree = None
    return text, tuple(text.split("\n")), tree


def _load(path: Path) -> tuple[str, tuple[str, ...], ast.Module | None]:
    try:
        status = path.stat()
        return _file(path, (status.st_mtime_ns, status.st_size))
    except OSError:
        return "", (), None


def text_of(path: Path) -> str:
    return _load(path)[0]


def line_of(path: Path, line: int) -> str:
    """A line of the file, "" if it has none of that number."""
    lines = _load(path)[1]
    return lines[line - 1] if 1 <= line <= len(lines) else ""


def tree_of(path: Path) -> ast.Module | None:
    return _load(path)[2]


def character_column(path: Path, line: int, byte_column: int) -> int:
    text = line_of(path, line)
    if text.isascii():
        return byte_column
    return len(text.encode()[:byte_column].decode("utf-8", "ignore"))


def place_of_node(path: Path, node: ast.AST) -> Place:
    """The place of an expression or a statement."""
    line = getattr(node, "lineno", 1)
    end_line = getattr(node, "end_lineno", None) or line
    return Place(
        path,
        line,
        character_column(path, line, getattr(node, "col_offset", 0)),
        character_column(path, end_line, getattr(node, "end_col_offset", None) or 0),
        end_line,
    )


@lru_cache(maxsize=256)
def _functions(tree: ast.Module) -> dict[tuple[str, int], list[FunctionNode]]:
    """The functions of a file by name and first line, as code objects say them."""
    found: dict[tuple[str, int], list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


def function_node(function: Callable[..., Any]) -> FunctionNode | None:
    """The syntax of a Python function, None if its source cannot be found."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return None
    tree = tree_of(Path(code.co_filename))
    if tree is None:
        return None
    found = list(_functions(tree).get((code.co_name, code.co_firstlineno), ()))
    if len(found) > 1:  # several lambdas on one line: the positions of the code tell them apart
        starts = {
            (line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None
        }
        found = [
            node
            for node in found
            if isinstance(node, ast.Lambda) and (node.body.lineno, node.body.col_offset) in starts
        ]
    return found[0] if len(found) == 1 else None


def class_node(cls: type, path: Path) -> ast.ClassDef | None:
    tree = tree_of(path)
    if tree is None:
        return None
    return next((n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.__name__), None)


def name_place(path: Path, node: FunctionNode | ast.ClassDef) -> Place:
    """The place of a function's or class's name in its `def` line."""
    line = node.lineno
    name = getattr(node, "name", "lambda")
    start = character_column(path, line, node.col_offset)
    found = re.compile(rf"\b{re.escape(name)}\b").search(line_of(path, line), start)
    at = start if found is None else found.start()
    return Place(path, line, at, at + len(name), line)


def parameter_place(path: Path, node: FunctionNode, name: str) -> Place:
    arguments = node.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None and argument.arg == name:
            place = place_of_node(path, argument)
            return Place(path, place.line, place.column, place.column + len(name), place.line)
    return name_place(path, node)
