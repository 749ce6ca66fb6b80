"""LightGBM's text models: every objective and missing type, categorical splits, linear trees, rf and dart.

Its semantics, as its own predict has them: a row's values of at most 1e-35f are zero; a number goes left if `<=` the
threshold, a category if it is in the split's set, NaN and negative ones right; leaves are added as doubles in tree
order, and an `average_output` model divides by the iterations.

The file is hostile: each array's length and each number is checked here, before LightGBM itself sees the text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from ._part import (
    CATEGORY,
    INPUTS_MAX,
    LEAF,
    NAN_LEFT,
    ROW_ZERO,
    ZERO_IS_MISSING,
    ZERO_LEFT,
    Built,
    Forest,
    Input,
    ModelError,
    Program,
    Tree,
    leaf_tree,
    thresholds_of,
)

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf|nan)")
IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom")
TRANSFORM = {
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    **dict.fromkeys(("binary", "cross_entropy", "multiclassova"), "sigmoid"),
    "cross_entropy_lambda": "log1p_exp",
    "multiclass": "softmax",
}
MAY_SQRT = ("regression", "regression_l1", "fair", "quantile", "mape")


def read(data: bytes, file: str) -> Built:
    """The model of a text file."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{file} is not UTF-8 at byte {error.start}") from None
    try:
        return _Reader(text).built(text)
    except ModelError as error:
        raise ModelError(f"{file}: {error}", error.help) from None


class _Reader:
    def __init__(self, text: str):
        blocks = re.split(r"\n(?=Tree=|end of trees)", text)
        self.head = self._head(blocks[0])
        if len(blocks) == 1 or not any(block.startswith("end of trees") for block in blocks):
            raise ModelError(f'the file ends after {len(blocks) - 1} trees, expected "end of trees"')
        end = next(i for i, block in enumerate(blocks) if block.startswith("end of trees"))
        self.blocks = blocks[1:end]
        if not self.blocks:
            raise ModelError('no trees: expected "Tree=0" before "end of trees"')
        self.tail = blocks[end]
        if "\nend of parameters" not in self.tail and "\npandas_categorical:" not in self.tail:
            raise ModelError('the file ends behind its trees, expected "end of parameters"', "save the model again")

    def _head(self, block: str) -> dict[str, str]:
        lines = block.split("\n")
        if lines[0] != "tree":
            raise ModelError('line 1: expected a LightGBM text model, whose first line is "tree"')
        values: dict[str, str] = {}
        for number, line in enumerate(lines[1:], 2):
            if not line:
                continue
            key, equals, value = line.partition("=")
            if not equals and line != "average_output":
                raise ModelError(f'line {number}: expected key=value, found "{line[:40]}"')
            if key in values:
                raise ModelError(f"line {number}: {key} is given twice")
            values[key] = value
        if values.get("version") not in ("v3", "v4"):
            raise ModelError(f'version is "{values.get("version", "")}", expected v3 or v4')
        return values

    def count(self, key: str, least: int, most: int) -> int:
        text = self.head.get(key, "")
        if not re.fullmatch(r"-?[0-9]{1,10}", text) or not least <= int(text) <= most:
            raise ModelError(f'{key} is "{text[:40]}", expected from {least} to {most}')
        return int(text)

    def built(self, text: str) -> Built:
        classes = self.count("num_class", 1, 1024)
        outputs = self.count("num_tree_per_iteration", 1, 1024) if "num_tree_per_iteration" in self.head else classes
        inputs = self._inputs(self.count("max_feature_idx", 0, INPUTS_MAX - 1) + 1)
        trees = [self._tree(number, block, len(inputs)) for number, block in enumerate(self.blocks)]
        if len(trees) % outputs:
            raise ModelError(f"{len(trees)} trees, expected a multiple of num_tree_per_iteration, which is {outputs}")
        divisor = float(len(trees) // outputs) if "average_output" in self.head else 1.0
        forest = Forest(trees, outputs, ROW_ZERO, divisor=divisor)
        program = Program(inputs)
        cells = program.forest(range(len(inputs)), forest)
        program.mark_raw()
        name, parameter = self._transform(outputs)
        if name != "none" or divisor != 1.0:
            program.transform(cells, name, parameter)
        return self._with_framework(text, inputs, outputs, forest, program)

    def _with_framework(self, text: str, inputs: list[Input], outputs: int, forest: Forest, program: Program) -> Built:
        try:
            import lightgbm
        except ImportError:
            raise ModelError("it needs the Python package lightgbm to be built", "pip install lightgbm") from None
        import numpy

        try:
            booster = lightgbm.Booster(model_str=text)
        except Exception as error:
            raise ModelError(f"LightGBM cannot read it: {error}") from None

        def answer(rows: list[list[Any]], **options: Any) -> Any:
            coded = [[_code(each, value) for each, value in zip(inputs, row, strict=True)] for row in rows]
            matrix = numpy.array(coded, dtype=numpy.float64).reshape(len(rows), len(inputs))
            return numpy.asarray(booster.predict(matrix, num_threads=1, **options)).reshape(len(rows), outputs)

        return Built(
            "lightgbm",
            program.bytes(),
            inputs,
            outputs,
            answer,
            thresholds_of(forest, len(inputs)),
            packages=("lightgbm", "numpy"),
            raw=lambda rows: answer(rows, raw_score=True) / forest.divisor,  # of rf, LightGBM's is not yet averaged
        )

    # --- the head ---

    def _inputs(self, count: int) -> list[Input]:
        names = self.head.get("feature_names", "").split(" ")
        if len(names) != count:
            raise ModelError(f"feature_names: {len(names)} names, expected max_feature_idx + 1, which is {count}")
        twice = [name for name in names if names.count(name) > 1] if len(set(names)) != len(names) else []
        if twice:
            raise ModelError(f'feature_names: "{twice[0]}" is given twice')
        inputs = [Input(name) for name in names]
        known = re.search(r"^pandas_categorical:(.*)$", self.tail, re.MULTILINE)
        lists = json.loads(known[1]) if known else None
        if not lists:
            return inputs
        infos = self.head.get("feature_infos", "").split(" ")
        columns = [i for i, info in enumerate(infos) if not info.startswith("[") and info != "none"]
        if len(columns) != len(lists):  # a category of which training used nothing is "none"
            columns = [i for i, info in enumerate(infos) if not info.startswith("[")]
        if len(columns) != len(lists) or max(columns, default=0) >= count:
            raise ModelError(
                f"pandas_categorical has {len(lists)} lists, {len(columns)} inputs are categories",
                "train with all categorical columns used, or with codes of your own",
            )
        for column, values in zip(columns, lists, strict=True):
            inputs[column].categories = {value: float(code) for code, value in enumerate(values)}
        return inputs

    def _transform(self, outputs: int) -> tuple[str, float]:
        words = self.head.get("objective", "custom").split(" ")
        name, options = words[0], dict(word.split(":", 1) for word in words[1:] if ":" in word)
        if name not in IDENTITY and name not in TRANSFORM:
            raise ModelError(f'objective "{name[:40]}" is not known', f"known are {', '.join((*IDENTITY, *TRANSFORM))}")
        if "num_class" in options and options["num_class"] != str(outputs):
            raise ModelError(f'objective "{" ".join(words)[:60]}" does not fit num_class, which is {outputs}')
        if name in MAY_SQRT and "sqrt" in words:
            return "square", 1.0
        parameter = 1.0
        if name in ("binary", "multiclassova"):
            parameter = _atof(options.get("sigmoid", ""))
            if not parameter > 0:
                raise ModelError(f'objective: sigmoid is "{options.get("sigmoid", "")}", expected a number above 0')
        return TRANSFORM.get(name, "none"), parameter

    # --- one tree ---

    def _tree(self, number: int, block: str, inputs: int) -> Tree:
        values: dict[str, str] = {}
        for line in block.split("\n")[1:]:
            if not line:
                continue
            key, equals, value = line.partition("=")
            if not equals or key in values:
                said = "is given twice" if equals else "expected key=value"
                raise ModelError(f'tree {number}: "{line[:40]}" {said}')
            values[key] = value
        if block.split("\n", 1)[0] != f"Tree={number}":
            raise ModelError(f'expected "Tree={number}", found "{block[:20].splitlines()[0]}"')
        return _TreeReader(number, values, inputs).tree()


class _TreeReader:
    def __init__(self, number: int, values: dict[str, str], inputs: int):
        self.where = f"tree {number}"
        self.values = values
        self.inputs = inputs
        self.leaves = self.whole("num_leaves", 1, 1 << 24)
        self.sets = self.whole("num_cat", 0, 1 << 24)
        self.bounds: list[int] = []
        self.words: list[int] = []
        if self.sets:
            self.bounds = self.ints("cat_boundaries", self.sets + 1, 0, 1 << 24)
            self.words = self.ints("cat_threshold", self.bounds[-1], 0, (1 << 32) - 1)

    def whole(self, key: str, least: int, most: int) -> int:
        text = self.values.get(key, "")
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ModelError(f'{self.where}: {key} is "{text[:40]}", expected a number from {least} to {most}')
        return int(text)

    def items(self, key: str, count: int) -> list[str]:
        if key not in self.values:
            raise ModelError(f"{self.where}: {key} is missing")
        items = self.values[key].split()
        if len(items) != count:
            raise ModelError(f"{self.where}: {key} has {len(items)} items, expected {count}")
        return items

    def floats(self, key: str, count: int) -> list[float]:
        items = self.items(key, count)
        for i, item in enumerate(items):
            if not NUMBER.fullmatch(item):
                raise ModelError(f'{self.where}: {key}[{i}] is "{item[:40]}", expected a number')
        return [float(item) for item in items]

    def ints(self, key: str, count: int, least: int, most: int) -> list[int]:
        items = self.items(key, count)
        for i, item in enumerate(items):
            if not re.fullmatch(r"-?[0-9]{1,10}", item) or not least <= int(item) <= most:
                raise ModelError(f'{self.where}: {key}[{i}] is "{item[:40]}", expected from {least} to {most}')
        return [int(item) for item in items]

    def tree(self) -> Tree:
        """Splits are the nodes 0 ... n - 2, leaf k is the node n - 1 + k."""
        splits = self.leaves - 1
        leaf_values = self.floats("leaf_value", self.leaves)
        lines = self._lines(splits)
        if splits == 0:
            tree = leaf_tree(leaf_values[0])
            tree.lines = lines
            return tree
        left, right = (
            [child if child >= 0 else splits + ~child for child in self.ints(key, splits, -self.leaves, splits - 1)]
            for key in ("left_child", "right_child")
        )
        features = self.ints("split_feature", splits, 0, self.inputs - 1)
        thresholds = self.floats("threshold", splits)
        kinds = self.ints("decision_type", splits, 0, 15) if "decision_type" in self.values else [0] * splits
        flags, sets = [], {}
        for i, (kind, threshold) in enumerate(zip(kinds, thresholds, strict=True)):
            if kind & 1:
                sets[i] = self._set(i, threshold)
            flags.append(self._flags(i, kind, threshold))
        ends = [-1] * self.leaves
        return Tree(
            left + ends,
            right + ends,
            features + [0] * self.leaves,
            thresholds + leaf_values,
            flags + [LEAF] * self.leaves,
            self._covers(splits),
            sets,
            lines,
        )

    def _covers(self, splits: int) -> list[float] | None:
        if "internal_count" not in self.values or "leaf_count" not in self.values:
            return None
        return self.floats("internal_count", splits) + self.floats("leaf_count", self.leaves)

    def _flags(self, i: int, kind: int, threshold: float) -> int:
        missing, default_left = kind >> 2, bool(kind & 2)
        if missing > 2:
            raise ModelError(f"{self.where}: decision_type[{i}] is {kind}, expected from 0 to 11")
        if kind & 1:
            return CATEGORY
        nan_left = threshold >= 0.0 if missing == 0 else default_left  # without a missing type, NaN is zero
        flags = NAN_LEFT if nan_left else 0
        if missing == 1:
            flags |= ZERO_IS_MISSING | (ZERO_LEFT if default_left else 0)
        return flags

    def _set(self, i: int, threshold: float) -> list[int]:
        if not (threshold.is_integer() and 0 <= threshold < self.sets):
            raise ModelError(f"{self.where}: threshold[{i}] is {threshold}, expected from 0 to {self.sets - 1}")
        first, last = self.bounds[int(threshold)], self.bounds[int(threshold) + 1]
        if not 0 <= first <= last <= len(self.words):
            raise ModelError(f"{self.where}: cat_boundaries has {first} and {last}, expected within {len(self.words)}")
        words = self.words[first:last]
        return [32 * at + bit for at, word in enumerate(words) for bit in range(32) if word >> bit & 1]

    def _lines(self, splits: int) -> dict[int, tuple[float, list[int], list[float]]]:
        if self.values.get("is_linear", "0") == "0":
            return {}
        if self.values["is_linear"] != "1":
            raise ModelError(f'{self.where}: is_linear is "{self.values["is_linear"][:40]}", expected 0 or 1')
        constants = self.floats("leaf_const", self.leaves)
        counts = self.ints("num_features", self.leaves, 0, self.inputs)
        total = sum(counts)
        features: Sequence[int] = self.ints("leaf_features", total, 0, self.inputs - 1)
        weights = self.floats("leaf_coeff", total)
        made, at = {}, 0
        for leaf, count in enumerate(counts):
            made[splits + leaf] = (constants[leaf], list(features[at : at + count]), weights[at : at + count])
            at += count
        return made


def _atof(text: str) -> float:
    """LightGBM's own reading of a number in the objective line: whole part and fraction are rounded apart."""
    parts = re.fullmatch(r"([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,2}))?", text)
    if parts is None or not (parts[1] or parts[2]) or len((parts[1] or "") + (parts[2] or "")) > 15:
        return 0.0
    value = float(parts[1] or 0)
    if parts[2]:
        value += float(parts[2]) / 10.0 ** len(parts[2])
    scale = 10.0 ** abs(int(parts[3] or 0))
    return value / scale if (parts[3] or "").startswith("-") else value * scale


def _code(each: Input, value: Any) -> float:
    if value is None:
        return math.nan
    if each.categories is None or (isinstance(value, float) and math.isnan(value)):
        return float(value)
    return each.categories.get(value, math.nan)
