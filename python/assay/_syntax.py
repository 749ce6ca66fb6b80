"""Questions to the syntax alone, and the tables of operators and constructs that lowering goes by."""

from __future__ import annotations

import ast
from collections import Counter
from functools import lru_cache
from typing import TypeVar

from . import _modules

Node = TypeVar("Node", bound=ast.AST)
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "ADD",
    ast.Sub: "SUB",
    ast.Mult: "MUL",
    ast.Div: "DIV",
    ast.FloorDiv: "FLOORDIV",
    ast.Mod: "MOD",
    ast.Pow: "POW",
    ast.BitAnd: "BIT_AND",
    ast.BitOr: "BIT_OR",
    ast.BitXor: "BIT_XOR",
    ast.LShift: "SHL",
    ast.RShift: "SHR",
}
SIGNS: dict[type[ast.unaryop], str] = {ast.USub: "NEG", ast.UAdd: "POS", ast.Invert: "INVERT"}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "EQ",
    ast.NotEq: "NE",
    ast.Lt: "LT",
    ast.LtE: "LE",
    ast.Gt: "GT",
    ast.GtE: "GE",
    ast.Is: "IS",
    ast.IsNot: "IS_NOT",
    ast.In: "IN",
    ast.NotIn: "NOT_IN",
}
CONVERSIONS = {-1: 0, 115: 1, 114: 2, 97: 3}
ATTRIBUTES = _modules.ATTRIBUTES | frozenset(
    [
        ".year",
        ".month",
        ".day",
        ".hour",
        ".minute",
        ".second",
        ".microsecond",
        ".tzinfo",
        ".fold",
        ".key",
        ".week",
        *(f".tm_{part}" for part in ("year", "mon", "mday", "hour", "min", "sec", "wday", "yday", "isdst")),
        ".days",
        ".seconds",
        ".microseconds",
        ".real",
        ".imag",
        ".numerator",
        ".denominator",
    ]
)
CONSTRUCTS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Await: ("await", "features are plain functions"),
    ast.Starred: ("* in an expression", ""),
}


NAMES: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda",
    ast.Yield: "yield",
    ast.YieldFrom: "yield from",
    ast.SetComp: "a set comprehension",
    ast.DictComp: "a dict comprehension",
}


def construct(node: ast.AST) -> str:
    """What a syntax node is called."""
    return NAMES.get(type(node)) or CONSTRUCTS.get(type(node), (type(node).__name__.lower(), ""))[0]


def literal_number(node: ast.expr) -> int | float | None:
    """The value of number literals and exact operators on them; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = literal_number(node.operand)
        return None if inner is None else -inner if isinstance(node.op, ast.USub) else inner
    if not isinstance(node, ast.BinOp):
        return None
    left, right = literal_number(node.left), literal_number(node.right)
    if left is None or right is None:
        return None
    try:
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
    except ArithmeticError:
        return None
    return None


def names_stored(node: ast.AST) -> tuple[set[str], set[str]]:
    """The names that a function's body assigns (not those of comprehensions), and those that a walrus assigns."""
    stored: set[str] = set()
    walrus: set[str] = set()

    def visit(inner: ast.AST, comprehension: bool) -> None:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef) and inner is not node:
            if not isinstance(inner, ast.Lambda):
                stored.add(inner.name)
            return
        if isinstance(inner, ast.NamedExpr):
            walrus.add(inner.target.id)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store | ast.Del) and not comprehension:
            stored.add(inner.id)
        elif isinstance(inner, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and inner.name is not None:
            stored.add(inner.name)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            stored.update((a.asname or a.name).split(".")[0] for a in inner.names)
        elif isinstance(inner, ast.comprehension):
            visit(inner.target, True)
            for part in [inner.iter, *inner.ifs]:
                visit(part, comprehension)
            return
        for child in ast.iter_child_nodes(inner):
            visit(child, comprehension)

    visit(node, False)
    return stored | walrus, walrus


@lru_cache(maxsize=256)
def stores_of(node: ast.AST) -> Counter[str]:
    """How often each name is assigned in a function, those inside it not counted apart."""
    found: Counter[str] = Counter()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found[inner.id] += 1
        elif isinstance(inner, ast.FunctionDef):
            found[inner.name] += 1
        elif isinstance(inner, ast.arg):
            found[inner.arg] += 1
    return found


def placed(node: Node, like: ast.AST) -> Node:
    """Syntax that is made, all of it at the place of what it stands for."""
    return ast.fix_missing_locations(ast.copy_location(node, like))


def free_names(node: ast.AST) -> list[str]:
    """The names that are read inside, each once, in order."""
    return list(dict.fromkeys(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)))


def is_generator(node: ast.AST) -> bool:
    """Whether a function's own body yields."""
    if not isinstance(node, ast.FunctionDef):
        return False
    open_: list[ast.AST] = list(node.body)
    while open_:
        inner = open_.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            open_ += ast.iter_child_nodes(inner)
    return False
