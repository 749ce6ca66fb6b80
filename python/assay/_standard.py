"""Calls of the standard library that the engine takes in another form than they are written: names of encodings made
canonical, what must be a constant read at build time. `_calls.py` stands on it.
"""

from __future__ import annotations

import ast
import codecs
from collections.abc import Callable
from typing import Any

from . import _library, _modules
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
        return node if change is None else change(self, name, node)

    def own_method(self, name: str, receiver: Value) -> str:
        """The built-in for a method of a name that other kinds of values have too."""
        own = f"hash{name}"
        return own if receiver.type.only("hash") and own in self.unit.builtins else name

    def digest_function(self, name: str, node: ast.Call) -> ast.Call:
        """hashlib.sha256(data, usedforsecurity=False): without the keyword."""
        kept = [k for k in node.keywords if k.arg != "usedforsecurity" or self.constant_display(k.value) is MISSING]
        return ast.copy_location(ast.Call(node.func, node.args, kept), node)

    def digest_name(self, name: str, node: ast.Call) -> ast.Call:
        """The digest of hashlib.new and hmac.new as its name: a constant string, or hashlib's function."""
        node = self.digest_function(name, node)
        at, keyword = (0, "name") if name == "hashlib.new" else (2, "digestmod" if name == "hmac.new" else "digest")
        written = node.args[at] if len(node.args) > at else None
        written = next((k.value for k in node.keywords if k.arg == keyword), written)
        if written is None:
            raise Refuse(node, f"{name}() needs its digest", 'a name: "sha256"')
        given = self.constant_display(written)
        if given is MISSING:
            found = _library.name_of(self.python_object(written), self.unit.builtins) or ""
            given = found.removeprefix("hashlib.") if found.startswith("hashlib.") else None
        if not isinstance(given, str) or given.lower() not in _modules.DIGESTS:
            raise Refuse(written, "the digest must be a constant name here", "one of " + ", ".join(_modules.DIGESTS))
        constant = ast.copy_location(ast.Constant(given.lower()), written)
        arguments = [constant if a is written else a for a in node.args]
        keywords = [ast.keyword(k.arg, constant if k.value is written else k.value) for k in node.keywords]
        return ast.copy_location(ast.Call(node.func, arguments, keywords), node)

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


CHANGES: dict[str, Callable[[Any, str, ast.Call], ast.Call]] = {
    **dict.fromkeys([f"hashlib.{digest}" for digest in _modules.DIGESTS], Standard.digest_function),
    **dict.fromkeys(["hashlib.new", "hmac.new", "hmac.digest"], Standard.digest_name),
    ".encode": lambda self, name, node: self.codec(node, 0),
    ".decode": lambda self, name, node: self.codec(node, 0),
    "bytes": lambda self, name, node: self.codec(node, 1) if len(node.args) + len(node.keywords) > 1 else node,
}
