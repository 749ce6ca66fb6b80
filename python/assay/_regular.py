"""Lowering of Python's `re`: patterns are compiled at build time (_regex.py), their methods are built-ins of the
engine.

A replacement is parsed here too: what the engine gets is a str, or a tuple of strs and groups' numbers. One that is a
function is a loop over finditer(), which `_prelude.py` has.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from . import _prelude, _regex, _types
from ._definition import MISSING
from ._flow import Refuse, Value
from ._freeze import freeze
from ._share import Cell
from ._specials import Specials
from ._syntax import placed
from ._types import Type

STRING = ("string", "pos", "endpos")
METHODS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["search", "match", "fullmatch", "findall", "finditer"], STRING),
    "split": ("string", "maxsplit"),
    "sub": ("repl", "string", "count"),
    "subn": ("repl", "string", "count"),
}
FUNCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["search", "match", "fullmatch", "findall", "finditer"], ("pattern", "string", "flags")),
    "split": ("pattern", "string", "maxsplit", "flags"),
    "sub": ("pattern", "repl", "string", "count", "flags"),
    "subn": ("pattern", "repl", "string", "count", "flags"),
}
OF_MATCH: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["start", "end", "span"], ("group",)),
    **dict.fromkeys(["groups", "groupdict"], ("default",)),
    "expand": ("template",),
}
ATTRIBUTES = {
    "Match": ("lastindex", "lastgroup", "string", "re", "pos", "endpos"),
    "Pattern": ("pattern", "flags"),
}
PATTERN, MATCH = _types.of("pattern"), _types.of("match")
PART = _types.of("str", "none")
RESULTS: dict[str, Type] = {
    **dict.fromkeys(["search", "match", "fullmatch"], _types.of("match", "none")),
    "findall": _types.of("list", item=_types.ANY),
    "finditer": _types.of("iterator", item=MATCH),
    "split": _types.of("list", item=PART),
    **dict.fromkeys(["sub", "string", "pattern", "expand"], _types.STR),
    "subn": Type(frozenset({"tuple"}), _types.of("str", "int"), None, (_types.STR, _types.INT)),
    **dict.fromkeys(["start", "end", "pos", "endpos", "flags"], _types.INT),
    "span": Type(frozenset({"tuple"}), _types.INT, None, (_types.INT, _types.INT)),
    "lastindex": _types.of("int", "none"),
    "lastgroup": PART,
    "re": PATTERN,
}
CONSTANT_HELP = 'a module constant: CODE = re.compile(r"[A-Z]{2}\\d+")'


class Regular(Specials):
    # --- what is known while compiling ---

    def regex_flags(self, node: ast.expr | None) -> int:
        if node is None:
            return 0
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.regex_flags(node.left) | self.regex_flags(node.right)
        found = self.known_object(node)
        if found is MISSING and isinstance(node, ast.Name):
            found = self.constant_flags(node)
        if not isinstance(found, int):
            raise Refuse(node, "the flags of a pattern must be known when the bundle is built", "re.I | re.M")
        return int(found)

    def constant_flags(self, node: ast.Name) -> Any:
        """The flags that a helper's parameter got, written where it was called."""
        value = self.value(node)
        known = value.cell.kind == "constant" and value.static is MISSING
        data = self.unit.constants.data_of(value.cell) if known else b""
        is_int = len(data) == 9 and data[0] == freeze(0).data[0]
        return int.from_bytes(data[1:], "little", signed=True) if is_int else MISSING

    def known_object(self, node: ast.expr) -> Any:
        found = self.constant_display(node)
        return self.python_object(node) if found is MISSING else found

    def regex_constant(self, node: ast.expr, flags: ast.expr | None) -> re.Pattern[str]:
        found = self.known_object(node)
        if isinstance(node, ast.Call) and self.python_object(node.func) is re.compile:
            pattern, given = self.regex_arguments(node, ("pattern", "flags"), 1, "re.compile")
            assert pattern is not None
            found = self.regex_constant(pattern, given)
        if isinstance(found, re.Pattern) and self.regex_flags(flags) == 0:
            return found
        if isinstance(found, bytes):
            raise Refuse(node, "a pattern for bytes is not available", "decode the bytes, and a pattern for str")
        if not isinstance(found, str):
            raise Refuse(node, "a pattern must be known when the bundle is built", CONSTANT_HELP)
        try:
            return re.compile(found, self.regex_flags(flags))
        except (re.error, ValueError, OverflowError) as error:
            raise Refuse(node, f"not a pattern: {error}") from None

    def regex_value(self, pattern: re.Pattern[str], node: ast.AST) -> Value:
        return self.constant(pattern, node, ast.unparse(node) if isinstance(node, ast.expr) else "")

    def regex_template(self, pattern: re.Pattern[str] | None, text: str, node: ast.expr) -> Value:
        """A replacement as the engine takes it."""
        return self.constant(self.template_object(pattern, text, node), node)

    def template_object(
        self, pattern: re.Pattern[str] | None, text: str, node: ast.expr
    ) -> str | tuple[str | int, ...]:
        known = pattern if pattern is not None else re.compile("()" * _regex.GROUPS_MAX)
        try:
            parts = _regex.template(known, text)
        except (re.error, IndexError) as error:
            raise Refuse(node, f"not a replacement: {error}") from None
        return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else tuple(parts)

    def regex_arguments(self, node: ast.Call, names: tuple[str, ...], needed: int, what: str) -> list[ast.expr | None]:
        """The written arguments by their place."""
        found: dict[str, ast.expr] = {}
        if len(node.args) > len(names) or any(isinstance(a, ast.Starred) for a in node.args):
            raise Refuse(node, f"{what}() takes {', '.join(names)}")
        found.update(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names or keyword.arg in found:
                raise Refuse(node, f"{what}() takes {', '.join(names)}")
            found[keyword.arg] = keyword.value
        if any(name not in found for name in names[:needed]):
            raise Refuse(node, f"{what}() needs {' and '.join(names[:needed])}")
        return [found.get(name) for name in names]

    # --- calls ---

    def call_re(self, node: ast.Call, into: Cell | None) -> Value:
        """A function of the module: what the method of the compiled pattern does."""
        name = self.python_object(node.func).__name__
        if name == "compile":
            pattern, flags = self.regex_arguments(node, ("pattern", "flags"), 1, "re.compile")
            assert pattern is not None
            return self.regex_of(pattern, flags, node)[1]
        names = FUNCTIONS[name]
        given = dict(
            zip(
                names, self.regex_arguments(node, names, 3 if name in ("sub", "subn") else 2, f"re.{name}"), strict=True
            )
        )
        source = given["pattern"]
        assert source is not None
        compiled, receiver = self.regex_of(source, given["flags"], source)
        rest = [ast.keyword(n, a) for n, a in given.items() if n not in ("pattern", "flags") and a is not None]
        call = placed(ast.Call(node.func, [], rest), node)
        return self.call_pattern(compiled, receiver, name, call, into)

    def regex_of(self, node: ast.expr, flags: ast.expr | None, place: ast.AST) -> tuple[re.Pattern[str] | None, Value]:
        """The pattern that an expression is, and its value; which one of several, of a text out of a module's list or
        dict, is known only while running."""
        known = self.known_object(node)
        made = isinstance(node, ast.Call) and self.python_object(node.func) is re.compile
        if known is not MISSING or made or self.paths is None:
            pattern = self.regex_constant(node, flags)
            return pattern, self.regex_value(pattern, place)
        value = self.value(node)
        if value.type.only("pattern") and flags is None:
            return None, value
        if not value.type.only("str") or not value.type.texts:
            raise Refuse(node, "a pattern must be known when the bundle is built", CONSTANT_HELP)
        table = {}
        for text in sorted(value.type.texts):
            table[text] = self.regex_constant(ast.copy_location(ast.Constant(text), node), flags)
        if len(table) == 1:
            return table[text], self.regex_value(table[text], place)
        cell = self.temporary()
        self.emit("INDEX", node, cell, self.constant(table, node).cell, value.cell)
        return None, Value(cell, _types.of("pattern"))

    def call_pattern(
        self, pattern: re.Pattern[str] | None, receiver: Value, name: str, node: ast.Call, into: Cell | None
    ) -> Value:
        """A method of a pattern; `pattern` is None if only its kind is known."""
        if name not in METHODS:
            raise Refuse(node, f"the method .{name}() of a pattern is not available")
        given = self.regex_arguments(node, METHODS[name], 2 if name in ("sub", "subn") else 1, name)
        if name in ("sub", "subn"):
            return self.call_substitute(pattern, receiver, name, given, node, into)
        while given and given[-1] is None:
            given.pop()
        if name != "split" and len(given) == 3 and given[1] is None:
            given[1] = ast.Constant(0)
        return self.regex_call(f"re.Pattern.{name}", receiver, [a for a in given if a is not None], node, into, pattern)

    def regex_call(
        self,
        name: str,
        receiver: Value,
        arguments: list[ast.expr],
        node: ast.Call,
        into: Cell | None,
        pattern: re.Pattern[str] | None = None,
    ) -> Value:
        call = placed(ast.Call(node.func, arguments, []), node)
        made = self.call_builtin(name, [receiver], call, into)
        last = name.rpartition(".")[2]
        kind = RESULTS.get(last, _types.ANY)
        if last == "findall" and pattern is not None:
            item = _types.STR if pattern.groups < 2 else _texts(pattern.groups, _types.STR)
            kind = _types.of("list", item=item)
        if last == "split" and pattern is not None and pattern.groups == 0:
            kind = _types.of("list", item=_types.STR)
        return Value(made.cell, kind)

    def call_substitute(
        self,
        pattern: re.Pattern[str] | None,
        receiver: Value,
        name: str,
        given: list[ast.expr | None],
        node: ast.Call,
        into: Cell | None,
    ) -> Value:
        by, string, count = given
        assert by is not None and string is not None
        rest = [string] if count is None else [string, count]
        known = self.known_object(by)
        if isinstance(known, str):
            parts = self.let(self.regex_template(pattern, known, by), by)
            return self.regex_call(f"re.Pattern.{name}", receiver, [parts, *rest], node, into)
        if isinstance(by, ast.Lambda) or callable(known) or (known is not MISSING and not isinstance(known, bytes)):
            written = _prelude.re_sub if name == "sub" else _prelude.re_subn
            return self.inline(written, [receiver], placed(ast.Call(node.func, [by, *rest], []), node), into)
        value = self.value(by)
        if value.type.only("str") and value.type.texts:
            table = {text: self.template_object(pattern, text, by) for text in sorted(value.type.texts)}
            cell = self.temporary()
            self.emit("INDEX", by, cell, self.constant(table, by).cell, value.cell)
            return self.regex_call(
                f"re.Pattern.{name}", receiver, [self.let(Value(cell, _types.ANY), by), *rest], node, into
            )
        raise Refuse(
            by,
            "a replacement must be known when the bundle is built, or a function",
            f"lambda m: {ast.unparse(by)}, which puts the text in as it is",
        )

    def call_match(self, receiver: Value, name: str, node: ast.Call, into: Cell | None) -> Value:
        """A method of a match."""
        if name == "group":
            if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
                raise Refuse(node, "group() takes groups' numbers and names")
            made = self.call_builtin("re.Match.group", [receiver], node, into)
            return Value(made.cell, PART if len(node.args) < 2 else _texts(len(node.args), PART))
        if name not in OF_MATCH:
            raise Refuse(node, f"the method .{name}() of a match is not available")
        given = [a for a in self.regex_arguments(node, OF_MATCH[name], name == "expand", name) if a is not None]
        if name == "expand":
            text = self.known_object(given[0])
            if not isinstance(text, str):
                raise Refuse(given[0], "a template must be known when the bundle is built", "an f-string of m[1], m[2]")
            given = [self.let(self.regex_template(None, text, given[0]), given[0])]
        made = self.regex_call(f"re.Match.{name}", receiver, given, node, into)
        if name in ("groups", "groupdict"):
            tuples = name == "groups"
            item = _types.ANY if given else PART
            kind = _types.of("tuple", item=item) if tuples else Type(frozenset({"dict"}), _types.STR, item)
            return Value(made.cell, kind)
        return made

    def regex_attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        """An attribute of a match or a pattern."""
        kind = "Match" if value.type.only("match") else "Pattern"
        if node.attr not in ATTRIBUTES[kind] and (
            node.attr in METHODS or node.attr in ("group", "groups", "start", "end")
        ):
            return self.bound_method(value, node)
        if node.attr not in ATTRIBUTES[kind]:
            raise Refuse(node, f".{node.attr} of a {kind.lower()} is not available")
        cell = into or self.temporary()
        self.emit("CALL", node, cell, value.cell, self.unit.builtins[f"re.{kind}.{node.attr}"][0], 1)
        return Value(cell, RESULTS[node.attr])


def _texts(count: int, item: Type) -> Type:
    return Type(frozenset({"tuple"}), item, None, (item,) * count)
