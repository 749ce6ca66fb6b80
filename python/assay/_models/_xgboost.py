"""XGBoost's models (JSON, UBJSON or a Booster): gbtree, dart, gblinear; categorical splits and the category encoder.

Its semantics: values are float32 and go left if `<` the threshold; a category of the split's set goes right, one that
is negative or beyond the set left; NaN goes the node's way. Leaves are added as float32 in tree order, and the
transforms are float32 too. Its own package reads the file, whichever format it has, and gives it as JSON.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy

from . import _ubjson
from ._part import (
    CATEGORY,
    LEAF,
    NAN_LEFT,
    OUT_LEFT,
    ROW_FLOAT32,
    SUM_FLOAT32,
    Built,
    Forest,
    Input,
    ModelError,
    Program,
    Tree,
    below_float32,
    leaf_tree,
    thresholds_of,
)

IDENTITY = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"),
    *("binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear"),
)
LOGISTIC = ("binary:logistic", "reg:logistic")
LOG = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


def read(data: bytes, file: str, suffix: str) -> Built:
    xgboost = _package()
    booster = xgboost.Booster()
    if suffix == ".ubj" and not data.lstrip().startswith(b'{"'):  # XGBoost takes JSON under this name too
        try:
            _ubjson.check(data)
        except ModelError as error:
            raise ModelError(f"{file} is no whole XGBoost model: {error}", error.help) from None
    try:
        booster.load_model(bytearray(data))
    except Exception as error:
        first = str(error).strip().splitlines()
        said = next((line for line in first if "Check failed" in line or "rror" in line), first[0] if first else "")
        raise ModelError(f"XGBoost {xgboost.__version__} cannot read {file}: {said[-300:]}") from None
    return read_booster(booster, file)


def _package() -> Any:
    try:
        import xgboost
    except ImportError:
        raise ModelError("it needs the Python package xgboost to be built", "pip install xgboost-cpu") from None
    return xgboost


def read_booster(booster: Any, file: str) -> Built:
    text = bytes(booster.save_raw("json"))
    try:
        return _Reader(json.loads(text), booster).built()
    except (KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{file}: the model has no {error}, which XGBoost 1.6 to 3 write") from None
    except ModelError as error:
        raise ModelError(f"{file}: {error}", error.help) from None


class _Reader:
    def __init__(self, model: dict[str, Any], booster: Any):
        self.learner = model["learner"]
        self.booster = booster
        self.inputs: list[Input] = []
        self.objective = self.learner["objective"]["name"]
        param = self.learner["learner_model_param"]
        self.features = int(param["num_feature"])
        self.outputs = max(int(param["num_class"]), int(param.get("num_target", "1")), 1)
        self.base = [numpy.float32(each) for each in param["base_score"].strip("[]").split(",")]
        if len(self.base) == 1:
            self.base = self.base * self.outputs
        self.base = [self._margin(each) for each in self.base]
        self.types: list[str] = self.learner.get("feature_types") or []

    def _margin(self, score: Any) -> Any:
        """The base score as a margin."""
        with numpy.errstate(all="ignore"):
            if self.objective in LOGISTIC:
                return numpy.float32(-_logf(numpy.float32(1) / score - numpy.float32(1)))
            if self.objective in LOG:
                return numpy.float32(_logf(score))
        return score

    def built(self) -> Built:
        inputs = self._inputs()
        gradient = self.learner["gradient_booster"]
        program = Program(inputs)
        all_inputs = range(len(inputs))
        thresholds: list[list[float]] = [[] for _ in inputs]
        if gradient["name"] == "gblinear":
            weights = numpy.array(gradient["model"]["weights"], dtype=numpy.float32).reshape(-1, self.outputs)
            starts = [float(numpy.float32(bias + self.base[0])) for bias in weights[-1]]
            cells = program.linear(all_inputs, weights[:-1].T.tolist(), starts, float32=True)
        else:
            forest = self._forest(gradient)
            cells = program.forest(all_inputs, forest)
            thresholds = thresholds_of(forest, len(inputs))
        program.mark_raw()
        outputs = self._transform(program, cells)
        return Built(
            "xgboost",
            program.bytes(),
            inputs,
            outputs,
            lambda rows: self.answer(rows, outputs),
            thresholds,
            packages=("xgboost", "xgboost-cpu", "numpy"),
            unseen=False,
            finite=True,
            extremes=(3e38, -3e38),
            raw=lambda rows: self.answer(rows, self.outputs, output_margin=True),
        )

    def answer(self, rows: list[list[Any]], outputs: int, **options: Any) -> Any:
        """XGBoost's own answers."""
        xgboost = _package()
        coded = [[_code(each, value) for each, value in zip(self._inputs(), row, strict=True)] for row in rows]
        matrix = numpy.array(coded, dtype=numpy.float64).reshape(len(rows), self.features)
        kinds = self.types or None
        data = xgboost.DMatrix(
            matrix, feature_names=self.booster.feature_names, feature_types=kinds, enable_categorical=True, nthread=1
        )
        self.booster.set_param({"nthread": 1})
        return numpy.asarray(self.booster.predict(data, **options), dtype=numpy.float64).reshape(len(rows), outputs)

    def _inputs(self) -> list[Input]:
        if self.inputs:
            return self.inputs
        names = self.learner.get("feature_names") or [f"f{i}" for i in range(self.features)]
        self.inputs = [Input(name) for name in names]
        model = self.learner["gradient_booster"]
        model = model.get("gbtree", model).get("model", {})
        for each, encoder in zip(self.inputs, (model.get("cats") or {}).get("enc", []), strict=False):
            values = _categories(encoder)
            if values:
                each.categories = {value: float(code) for code, value in enumerate(values)}
        return self.inputs

    # --- trees ---

    def _forest(self, gradient: dict[str, Any]) -> Forest:
        weights = gradient.get("weight_drop")
        model = gradient["gbtree"]["model"] if "gbtree" in gradient else gradient["model"]
        by_output: list[list[Tree]] = [[] for _ in range(self.outputs)]
        best = self.booster.attributes().get("best_iteration")
        trees, groups = model["trees"], model["tree_info"]
        if best is not None and "iteration_indptr" in model:  # predict uses the best iteration of early stopping
            trees = trees[: model["iteration_indptr"][int(best) + 1]]
        for number, tree in enumerate(trees):
            factor = numpy.float32(1 if weights is None else weights[number])
            size = int(tree["tree_param"].get("size_leaf_vector", "1"))
            if size > 1:
                for output in range(self.outputs):
                    by_output[output].append(_tree(tree, number, self.features, factor, output, size))
            else:
                group = groups[number]
                by_output[group].append(_tree(tree, number, self.features, factor))
        most = max((len(each) for each in by_output), default=0)
        for each in by_output:
            each += [leaf_tree(0.0) for _ in range(most - len(each))]
        trees = [by_output[output][i] for i in range(most) for output in range(self.outputs)]
        return Forest(trees, self.outputs, ROW_FLOAT32, SUM_FLOAT32, starts=[float(each) for each in self.base])

    def _transform(self, program: Program, cells: list[int]) -> int:
        name = self.objective
        if name in IDENTITY:
            return self.outputs
        if name in LOGISTIC:
            program.transform(cells, "sigmoid_float32")
        elif name in LOG:
            program.transform(cells, "exp_float32")
        elif name == "multi:softprob":
            program.transform(cells, "softmax_float32")
        elif name == "multi:softmax":
            program.transform(cells, "argmax")
            return 1
        elif name == "binary:hinge":
            program.transform(cells, "positive")
        else:
            known = (*IDENTITY, *LOGISTIC, *LOG, "multi:softprob", "multi:softmax", "binary:hinge")
            raise ModelError(f'objective "{name}" is not known', f"known are {', '.join(known)}")
        return self.outputs


def _tree(tree: dict[str, Any], number: int, features: int, factor: Any, output: int = 0, size: int = 1) -> Tree:
    left, right = list(tree["left_children"]), list(tree["right_children"])
    count = len(left)
    sets = _sets(tree, number)
    conditions, indices = tree["split_conditions"], tree["split_indices"]
    flags, values, feature = [], [], []
    base_weights = tree["base_weights"]
    kinds = tree.get("split_type") or [0] * count
    for i in range(count):
        if left[i] < 0:
            value = base_weights[i * size + output] if size > 1 else conditions[i]
            flags.append(LEAF)
            values.append(float(numpy.float32(value) * factor))
            feature.append(0)
            continue
        if not 0 <= indices[i] < features:
            raise ModelError(f"tree {number}: split_indices[{i}] is {indices[i]}, expected from 0 to {features - 1}")
        way = NAN_LEFT if tree["default_left"][i] else 0
        feature.append(indices[i])
        flags.append(way | (CATEGORY | OUT_LEFT if kinds[i] == 1 else 0))
        values.append(0.0 if kinds[i] == 1 else below_float32(conditions[i]))
    made = Tree(left, right, feature, values, flags, [float(each) for each in tree["sum_hessian"]], sets)
    return _without_unreached(made)


def _sets(tree: dict[str, Any], number: int) -> dict[int, list[int]]:
    """What goes left: the complement of XGBoost's sets, up to whole words, as what lies beyond goes left too."""
    made = {}
    rows = (tree.get(f"categories{part}", []) for part in ("_nodes", "_segments", "_sizes"))
    for node, first, count in zip(*rows, strict=True):
        right = set(tree["categories"][first : first + count])
        top = max(right, default=-1) + 1
        if top > 1 << 24 or min(right, default=0) < 0:
            raise ModelError(f"tree {number}: a category of node {node} is {top - 1}, expected below {1 << 24}")
        made[node] = [category for category in range((top + 31) // 32 * 32) if category not in right]
    for node in made:
        if not made[node]:
            made[node] = [(len(right) + 31) // 32 * 32]
    return made


def _without_unreached(tree: Tree) -> Tree:
    """Pruned trees keep deleted nodes."""
    order = tree.order("a tree")
    if len(order) == len(tree.left):
        return tree
    place = {node: i for i, node in enumerate(order)}
    return Tree(
        [place.get(tree.left[node], -1) for node in order],
        [place.get(tree.right[node], -1) for node in order],
        [tree.feature[node] for node in order],
        [tree.value[node] for node in order],
        [tree.flags[node] for node in order],
        None if tree.cover is None else [tree.cover[node] for node in order],
        {place[node]: members for node, members in tree.sets.items() if node in place},
    )


def _categories(encoder: dict[str, Any]) -> list[Any]:
    """The values of one feature of the encoder, in the order of their codes."""
    values = encoder.get("values", [])
    if "offsets" not in encoder:
        return list(values)
    offsets, text = encoder["offsets"], bytes(each & 255 for each in values)
    try:
        return [text[a:b].decode() for a, b in itertools.pairwise(offsets)]
    except UnicodeDecodeError:
        raise ModelError(
            "the category encoder has names that are cut within a character, as XGBoost stores those beyond ASCII",
            "give the categories ASCII names, or train with codes",
        ) from None


def _logf(value: Any) -> Any:
    import ctypes
    import ctypes.util

    logf = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6").logf
    logf.restype, logf.argtypes = ctypes.c_float, [ctypes.c_float]
    return numpy.float32(logf(float(value)))


def _code(each: Input, value: Any) -> float:
    if value is None:
        return math.nan
    if each.categories is None or (isinstance(value, float) and math.isnan(value)):
        return float(value)
    return each.categories.get(value, math.nan)
