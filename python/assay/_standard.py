"""Calls of the standard library that the engine takes in another form than they are written: names of encodings made
canonical, what must be a constant read at build time. `_calls.py` stands on it.
"""

from __future__ import annotations

import ast
import codecs
from collections.abc import Callable
from typing import Any

from ._definition import MISSING
from ._displays import Displays
from ._flow import Refuse, Value

ENCODINGS = ("utf-8", "ascii", "iso8859-1")
HANDLERS = ("strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace")
_BYTES_METHODS = (
    ".capitalize .center .count .decode .endswith .expandtabs .find .hex .index .isalnum .isalpha .isascii .isdigit "
    ".islower .isspace .isupper .join .ljust .lower .lstrip .partition .removeprefix .removesuffix .replace .rfind "
    ".rindex .rjust .rpartition .rsplit .rstrip .split .startswith .strip .swapcase .title .upper .zfill"
)
BYTES_METHODS = frozenset(_BYTES_METHODS.split())


class Standard(Displays):
    def as_engine_takes(self, name: str, receiver: list[Value], node: ast.Call) -> ast.Call:
        """The call with its arguments as the engine's built-in takes them."""
        if name.startswith(".") and receiver and receiver[0].type.only("bytes") and name not in BYTES_METHODS:
            raise Refuse(node, f"the method {name}() of bytes is not available yet")
        change = CHANGES.get(name)
        return node if change is None else change(self, node)

    def codec(self, node: ast.Call, first: int) -> ast.Call:
        """.encode(encoding, errors) with the encoding's own name."""
        given = dict(zip(("encoding", "errors"), node.args[first:], strict=False))
        given |= {k.arg: k.value for k in node.keywords if k.arg is not None}
        if len(node.args) > first + 2 or not set(given) <= {"encoding", "errors"}:
            return node  # refused for its arguments
        changed = {}
        for part, written in given.items():
            name = self.constant_display(written)
            if name is MISSING or not isinstance(name, str):
                raise Refuse(written, f"the {part} must be a constant string here")
            known: tuple[str, ...] = HANDLERS
            if part == "encoding":
                known = ENCODINGS
                try:
                    name = codecs.lookup(name).name
                except LookupError as error:
                    raise Refuse(written, str(error)) from None
            if name not in known:
                raise Refuse(written, f"the {part} {name} is not available yet", "one of " + ", ".join(known))
            changed[part] = ast.copy_location(ast.Constant(name), written)
        keywords = [ast.keyword(part, value) for part, value in changed.items()]
        return ast.copy_location(ast.Call(node.func, node.args[:first], keywords), node)


CHANGES: dict[str, Callable[[Any, ast.Call], ast.Call]] = {
    ".encode": lambda self, node: self.codec(node, 0),
    ".decode": lambda self, node: self.codec(node, 0),
    "bytes": lambda self, node: self.codec(node, 1) if len(node.args) + len(node.keywords) > 1 else node,
}
