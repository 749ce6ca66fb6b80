"""The engine's form of a model, as bytes: a list of steps over numbered cells (engine/model/read.c has it byte by
byte).

`Program` collects the steps; `Tree` is one decision tree in the neutral form. All are plain tables: what a framework's
model means is decided by the readers beside this file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

NAN_LEFT, ZERO_IS_MISSING, ZERO_LEFT, CATEGORY, OUT_LEFT, LINEAR, LEAF = 1, 2, 4, 8, 16, 32, 128
ROW_DOUBLE, ROW_ZERO, ROW_FLOAT32 = range(3)
SUM_DOUBLE, SUM_FLOAT32 = range(2)
STANDARD, SCALE, CLIP, IMPUTE, EQUAL, FLOAT32 = range(6)
TRANSFORMS = (
    *("none", "square", "exp", "sigmoid", "log1p_exp", "softmax", "exp_float32", "sigmoid_float32", "softmax_float32"),
    *("sigmoid_table", "softmax_table", "exp_table", "argmax", "positive", "isolation"),
)
INPUTS_MAX = 4096


class ModelError(Exception):
    """A model that cannot be read: what and where, what was expected, what came; and the way out."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


@dataclass
class Input:
    """What a model takes. `categories`: their codes, if it is a category; of others the value itself."""

    name: str
    categories: dict[Any, float] | None = None
    unknown: float = math.nan

    def raw(self, code: float) -> Any:
        """A value that has this code, as the framework is given it."""
        if self.categories is None:
            return code
        return next((value for value, each in self.categories.items() if each == code), None)


@dataclass
class Built:
    """A model for the engine, and the framework that it came from: `predict` is the framework's own answer (rows,
    outputs) to rows of values as a payment has them (numbers, NaN, categories, None).
    """

    format: str
    part: bytes
    inputs: list[Input]
    outputs: int
    predict: Callable[[list[list[Any]]], Any]
    thresholds: list[list[float]]  # per input, where the model's answer may change
    tolerance: float = 0.0  # 0: to the bit
    packages: tuple[str, ...] = ()
    unseen: bool = True  # whether the framework answers to a category that it was not trained with
    finite: bool = False  # whether the framework refuses infinities
    extremes: tuple[float, ...] = (1e300, -1e300)  # large values that it takes
    missing: bool = True  # whether it takes NaN
    raw: Callable[[list[list[Any]]], Any] | None = None


@dataclass
class Tree:
    """Nodes in any order, the root first. Of a leaf, `left` is -1."""

    left: list[int]
    right: list[int]
    feature: list[int]
    value: list[float]  # a threshold, or a leaf's value
    flags: list[int]
    cover: list[float] | None = None
    sets: dict[int, list[int]] = field(default_factory=dict)  # of category splits: what goes left
    lines: dict[int, tuple[float, list[int], list[float]]] = field(default_factory=dict)  # of linear leaves

    def order(self, where: str) -> list[int]:
        """The nodes breadth first; each is reached once, or the tree is an error."""
        count, order, seen = len(self.left), [0], [False] * len(self.left)
        at = 0
        while at < len(order):
            node = order[at]
            at += 1
            if seen[node]:
                raise ModelError(f"{where}: node {node} is reached twice, expected a tree")
            seen[node] = True
            if self.left[node] < 0:
                continue
            for child in (self.left[node], self.right[node]):
                if not 0 <= child < count:
                    raise ModelError(f"{where}: node {node} has the child {child}, expected from 0 to {count - 1}")
                order.append(child)
        return order


def leaf_tree(value: float) -> Tree:
    return Tree([-1], [-1], [0], [value], [LEAF], [0.0])


@dataclass
class Forest:
    """Trees by iteration, then output."""

    trees: list[Tree]
    outputs: int = 1
    row_rule: int = ROW_DOUBLE
    sum_rule: int = SUM_DOUBLE
    divisor: float = 1.0
    starts: Sequence[float] = ()
    after: Sequence[float] = ()


class Program:
    """The steps of a model, in the order in which they are run. Each gives the numbers of its cells."""

    def __init__(self, inputs: list[Input]):
        if not 1 <= len(inputs) <= INPUTS_MAX:
            raise ModelError(f"the model has {len(inputs)} inputs, expected from 1 to {INPUTS_MAX}")
        self.inputs = inputs
        self.steps: list[bytes] = []
        self.cells = len(inputs)
        self.raw_step: int | None = None
        self.last: list[int] = []

    def add(self, kind: int, cells: Sequence[int], out: int, payload: bytes) -> list[int]:
        head = struct.pack("<III", kind, len(cells), out)
        self.steps.append(head + numpy.asarray(cells, dtype="<u4").tobytes() + payload)
        self.last = list(range(self.cells, self.cells + out))
        self.cells += out
        return self.last

    def forest(self, cells: Sequence[int], forest: Forest) -> list[int]:
        return self.add(0, cells, forest.outputs, forest_bytes(forest, len(cells)))

    def linear(
        self, cells: Sequence[int], weights: Sequence[Sequence[float]], starts: Sequence[float], float32: bool = False
    ) -> list[int]:
        """`weights` is one row per output."""
        payload = (
            struct.pack("<I", float32) + doubles(starts) + doubles(numpy.asarray(weights, dtype="<f8").reshape(-1))
        )
        return self.add(1, cells, len(starts), payload)

    def each(self, operation: int, cells: Sequence[int], a: Sequence[float] = (), b: Sequence[float] = ()) -> list[int]:
        zeros = [0.0] * len(cells)
        payload = struct.pack("<I", operation) + doubles(a if len(a) else zeros) + doubles(b if len(b) else zeros)
        return self.add(2, cells, len(cells), payload)

    def transform(self, cells: Sequence[int], name: str, parameter: float = 1.0) -> list[int]:
        out = 1 if name == "argmax" else len(cells)
        return self.add(3, cells, out, struct.pack("<Id", TRANSFORMS.index(name), parameter))

    def mean(self, cells: Sequence[int], out: int) -> list[int]:
        return self.add(4, cells, out, b"")

    def interpolate(self, cells: Sequence[int], x: Sequence[float], y: Sequence[float]) -> list[int]:
        return self.add(5, cells, len(cells), struct.pack("<I", len(x)) + doubles(x) + doubles(y))

    def mark_raw(self) -> None:
        """The cells of the last step are the raw margins."""
        self.raw_step = len(self.steps) - 1

    def bytes(self) -> bytes:
        raw = len(self.steps) - 1 if self.raw_step is None else self.raw_step
        made = [b"ASSAYMDL", struct.pack("<IIII", 1, len(self.inputs), len(self.steps), raw)]
        made += [input_bytes(each) for each in self.inputs]
        return b"".join(made + self.steps)


def doubles(values: Any) -> bytes:
    return numpy.ascontiguousarray(values, dtype="<f8").tobytes()


def text_bytes(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded


def input_bytes(each: Input) -> bytes:
    known = each.categories or {}
    texts = sorted((name.encode(), code) for name, code in known.items() if isinstance(name, str))
    numbers = sorted({float(n): code for n, code in known.items() if not isinstance(n, str)}.items())
    made = [text_bytes(each.name), struct.pack("<IId", len(texts), len(numbers), each.unknown)]
    made += [struct.pack("<I", len(name)) + name + struct.pack("<d", code) for name, code in texts]
    made += [struct.pack("<dd", number, code) for number, code in numbers]
    return b"".join(made)


class _Sets:
    """The sets of category splits, one after another."""

    def __init__(self) -> None:
        self.words: list[int] = []

    def add(self, members: list[int]) -> float:
        count = max(members) // 32 + 1 if members else 0
        words = [0] * count
        for member in members:
            words[member // 32] |= 1 << (member % 32)
        first = len(self.words)
        self.words += words
        packed: float = struct.unpack("<d", struct.pack("<II", first, count))[0]
        return packed


def forest_bytes(forest: Forest, inputs: int) -> bytes:
    values: list[float] = []
    features: list[int] = []
    flags: list[int] = []
    covers: list[float] = []
    sizes: list[int] = []
    sets = _Sets()
    lines: list[bytes] = []
    line_inputs: list[int] = []
    line_weights: list[float] = []
    with_covers = bool(forest.trees) and all(tree.cover is not None for tree in forest.trees)
    for number, tree in enumerate(forest.trees):
        order = tree.order(f"tree {number}")
        if len(order) != len(tree.left):
            raise ModelError(f"tree {number}: {len(order)} of {len(tree.left)} nodes are reached from the root")
        base = len(flags)
        sizes.append(len(order))
        for place, node in enumerate(order):
            feature = tree.feature[node]
            if not tree.flags[node] & LEAF and not 0 <= feature < inputs:
                raise ModelError(
                    f"tree {number}: node {node} looks at input {feature}, expected from 0 to {inputs - 1}"
                )
            if node in tree.lines:
                constant, at, weights = tree.lines[node]
                lines.append(struct.pack("<IIId", base + place, len(line_inputs), len(at), constant))
                line_inputs += at
                line_weights += weights
            features.append(feature if not tree.flags[node] & LEAF else 0)
            values.append(sets.add(tree.sets[node]) if tree.flags[node] & CATEGORY else tree.value[node])
            flags.append(tree.flags[node] | (LINEAR if node in tree.lines else 0))
            covers.append(0.0 if tree.cover is None else tree.cover[node])
    counts = (len(sizes), len(flags), len(sets.words), len(lines), len(line_weights), int(with_covers))
    zeros = [0.0] * forest.outputs
    made = [
        struct.pack("<8Id", forest.row_rule, forest.sum_rule, *counts, forest.divisor),
        doubles(forest.starts if len(forest.starts) else zeros),
        doubles(forest.after if len(forest.after) else zeros),
        numpy.asarray(sizes, dtype="<u4").tobytes(),
        struct.pack(f"<{len(values)}d", *values),  # a set's place is bits, which numpy would keep too
        numpy.asarray(features, dtype="<u2").tobytes(),
        numpy.asarray(flags, dtype="<u1").tobytes(),
        doubles(covers) if with_covers else b"",
        numpy.asarray(sets.words, dtype="<u4").tobytes(),
        *lines,
        numpy.asarray(line_inputs, dtype="<u2").tobytes(),
        doubles(line_weights),
    ]
    return b"".join(made)


def below_float32(threshold: float) -> float:
    """The threshold t of `float32 value < threshold` as `value <= t`: the next smaller float32. NaN: nothing is."""
    edge = numpy.float32(threshold)
    if numpy.isneginf(edge):
        return math.nan
    return float(numpy.nextafter(edge, numpy.float32(-numpy.inf)))


def thresholds_of(forest: Forest, inputs: int) -> list[list[float]]:
    """Of each input: the thresholds, for golden rows; of category splits the members."""
    found: list[set[float]] = [set() for _ in range(inputs)]
    for tree in forest.trees:
        for node, flags in enumerate(tree.flags):
            if flags & LEAF:
                continue
            if flags & CATEGORY:
                found[tree.feature[node]].update(float(member) for member in tree.sets[node][:20])
            else:
                found[tree.feature[node]].add(tree.value[node])
    return [sorted(each) for each in found]
