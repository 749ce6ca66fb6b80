"""CatBoost's models (.cbm, .json or an object): symmetric and other trees; one-hot categories.

Its semantics: values are float32 and go right if `>` the border; NaN goes where the feature's treatment says. Leaves
are added as doubles in tree order, times scale, plus bias; its exp is a table with a cubic. Categories that a model
turns into counters (CTRs) need its tables, which are not read: a build error.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy

from ._part import (
    CATEGORY,
    LEAF,
    NAN_LEFT,
    ROW_FLOAT32,
    Built,
    Forest,
    Input,
    ModelError,
    Program,
    Tree,
    thresholds_of,
)

NODES_MAX = 1 << 24
HASH = (1 << 32) - 1  # hashes stand as signed and as unsigned numbers
SIGMOID = ("Logloss", "CrossEntropy")
SOFTMAX = ("MultiClass",)
ONE_VS_ALL = ("MultiClassOneVsAll", "MultiLogloss", "MultiCrossEntropy")
EXP = ("Poisson", "Tweedie", "LogLinQuantile")


def _package() -> Any:
    try:
        import catboost
    except ImportError:
        raise ModelError("it needs the Python package catboost to be built", "pip install catboost") from None
    return catboost


def read(data: bytes, file: str, kind: str) -> Built:
    catboost = _package()
    model = catboost.CatBoost()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model.{kind}"
        path.write_bytes(data)
        try:
            model.load_model(str(path), format=kind)
        except Exception as error:
            raise ModelError(f"CatBoost {catboost.__version__} cannot read {file}: {str(error)[-300:]}") from None
        hashes = json.loads(data)["features_info"].get("cat_features_hash") if kind == "json" else None
    return read_model(model, file, hashes)


def read_model(model: Any, file: str, hashes: list[dict[str, Any]] | None = None) -> Built:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        described = json.loads(path.read_bytes())
    if hashes is not None:
        described["features_info"]["cat_features_hash"] = hashes
    try:
        return _Reader(described, model).built()
    except (KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{file}: the model has no {error}, which CatBoost 1 writes") from None
    except ModelError as error:
        raise ModelError(f"{file}: {error}", error.help) from None


class _Reader:
    def __init__(self, described: dict[str, Any], model: Any):
        self.model = model
        info = described["features_info"]
        self.floats: list[dict[str, Any]] = info.get("float_features", [])
        self.categories: list[dict[str, Any]] = info.get("categorical_features", [])
        if info.get("text_features") or info.get("embedding_features"):
            raise ModelError("text and embedding features of CatBoost are not available")
        self.loss = described["model_info"]["params"]["loss_function"]["type"]
        self.scale, self.bias = described["scale_and_bias"]
        self.symmetric: list[Any] = described.get("oblivious_trees", [])
        self.free: list[Any] = described.get("trees", [])
        self.hashes: dict[int, str] = {e["hash"] & HASH: e["value"] for e in info.get("cat_features_hash", [])}
        self.inputs = self._inputs()
        self.outputs = len(self.bias)

    def _inputs(self) -> list[Input]:
        places = {each["flat_feature_index"]: each for each in self.floats + self.categories}
        made = []
        for i in range(max(places, default=-1) + 1):
            known = places.get(i, {})
            each = Input(known.get("feature_id") or str(i))
            if "values" in known or known in self.categories:
                each.categories = self._codes(known)
                each.unknown = -1.0
            made.append(each)
        return made

    def _codes(self, feature: dict[str, Any]) -> dict[Any, float]:
        """Codes are places in the feature's list of hashes that splits ask for."""
        values = feature.get("values", [])
        lost = [value for value in values if value & HASH not in self.hashes]
        if lost:
            raise ModelError(
                f"the categories of {feature.get('feature_id') or feature['flat_feature_index']} are stored as hashes "
                "only",
                'model.save_model("model.json", format="json", pool=training_pool) stores them',
            )
        return {self.hashes[value & HASH]: float(code) for code, value in enumerate(values)}

    def built(self) -> Built:
        trees = [tree for i, each in enumerate(self.symmetric) for tree in self._symmetric(each, i)]
        trees += [tree for i, each in enumerate(self.free) for tree in self._free(each, i)]
        forest = Forest(trees, self.outputs, ROW_FLOAT32)
        program = Program(self.inputs)
        cells = program.forest(range(len(self.inputs)), forest)
        if self.scale != 1 or any(self.bias):
            cells = program.each(1, cells, [float(self.scale)] * self.outputs, [float(each) for each in self.bias])
        program.mark_raw()
        outputs, kind = self._transform(program, cells)
        return Built(
            "catboost",
            program.bytes(),
            self.inputs,
            outputs,
            lambda rows: self.answer(rows, outputs, kind),
            thresholds_of(forest, len(self.inputs)),
            packages=("catboost", "numpy"),
            raw=lambda rows: self.answer(rows, self.outputs, "RawFormulaVal"),
            missing=all(each["nan_value_treatment"] != "AsIs" for each in self.floats if each["borders"]),
        )

    def answer(self, rows: list[list[Any]], outputs: int, kind: str) -> Any:
        """CatBoost's own answers."""
        catboost = _package()
        categories = [i for i, each in enumerate(self.inputs) if each.categories is not None]
        if categories:
            data: Any = [[str(v) if i in categories else _number(v) for i, v in enumerate(row)] for row in rows]
        else:
            data = numpy.array([[_number(v) for v in row] for row in rows], dtype=numpy.float64)
        # One row at a time is what a payment is; CatBoost adds in the same order for blocks of rows.
        pool = catboost.Pool(data, cat_features=categories or None, feature_names=self.model.feature_names_)
        found = numpy.asarray(self.model.predict(pool, prediction_type=kind, thread_count=1), dtype=numpy.float64)
        if kind == "Probability" and self.outputs == 1:
            found = found[:, 1]
        return found.reshape(len(rows), outputs)

    def _transform(self, program: Program, cells: list[int]) -> tuple[int, str]:
        if self.loss in SIGMOID and self.outputs == 1:
            program.transform(cells, "sigmoid")
            return 1, "Probability"
        if self.loss in SOFTMAX:
            program.transform(cells, "softmax_table")
            return self.outputs, "Probability"
        if self.loss in ONE_VS_ALL:
            program.transform(cells, "sigmoid")
            return self.outputs, "Probability"
        if self.loss in EXP:
            program.transform(cells, "exp_table")
            return self.outputs, "Exponent"
        return self.outputs, "RawFormulaVal"

    # --- splits ---

    def _split(self, split: dict[str, Any], where: str) -> tuple[int, float, int, list[int]]:
        """Input, threshold, flags and set of what stays left (`<=` the border)."""
        kind = split["split_type"]
        if kind == "FloatFeature":
            feature = self.floats[split["float_feature_index"]]
            way = 0 if feature["nan_value_treatment"] == "AsTrue" else NAN_LEFT
            return feature["flat_feature_index"], float(numpy.float32(split["border"])), way, []
        if kind == "OneHotFeature":
            feature = self.categories[split["cat_feature_index"]]
            code = feature["values"].index(split["value"])
            # Right is the one category. The set is what goes left: codes but that one; others are out of the set.
            size = (len(feature["values"]) + 31) // 32 * 32
            members = [each for each in range(size) if each != code]
            return feature["flat_feature_index"], 0.0, CATEGORY | NAN_LEFT | 16, members
        raise ModelError(
            f"{where}: a split of type {kind} counts categories with tables (CTRs), which are not available",
            "train with one_hot_max_size above the number of categories, or make numbers of them in features",
        )

    def _symmetric(self, tree: dict[str, Any], number: int) -> list[Tree]:
        """As ordinary trees, one an output. The last split of the list is the topmost bit of the leaf's number."""
        where = f"tree {number}"
        splits = [self._split(each, where) for each in tree.get("splits") or []]
        depth = len(splits)
        leaves = tree["leaf_values"]
        if len(leaves) != self.outputs << depth or (1 << depth) * (len(self.symmetric) or 1) > NODES_MAX:
            raise ModelError(f"{where}: {len(leaves)} leaf values at depth {depth}, expected {self.outputs << depth}")
        weights = tree.get("leaf_weights") or [0.0] * (1 << depth)
        inner = (1 << depth) - 1
        left = [2 * i + 1 for i in range(inner)] + [-1] * (1 << depth)
        right = [2 * i + 2 for i in range(inner)] + [-1] * (1 << depth)
        level = [(i + 1).bit_length() - 1 for i in range(inner)]
        order = [splits[depth - 1 - at] for at in level]
        covers = [0.0] * inner + [float(each) for each in weights]
        for i in reversed(range(inner)):
            covers[i] = covers[2 * i + 1] + covers[2 * i + 2]
        return [
            Tree(
                left,
                right,
                [each[0] for each in order] + [0] * (1 << depth),
                [each[1] for each in order] + [float(each) for each in leaves[output :: self.outputs]],
                [each[2] for each in order] + [LEAF] * (1 << depth),
                covers,
                {i: each[3] for i, each in enumerate(order) if each[2] & CATEGORY},
            )
            for output in range(self.outputs)
        ]

    def _free(self, tree: dict[str, Any], number: int) -> list[Tree]:
        made = [Tree([], [], [], [], [], []) for _ in range(self.outputs)]
        pending: list[tuple[dict[str, Any], int, str]] = [(tree, -1, "")]
        while pending:
            node, parent, side = pending.pop()
            at = len(made[0].left)
            leaf = "split" not in node
            index, threshold, flags, members = (
                (0, 0.0, LEAF, []) if leaf else self._split(node["split"], f"tree {number}")
            )
            values = node["value"] if leaf else []
            values = values if isinstance(values, list) else [values]
            for output, each in enumerate(made):
                each.left.append(-1)
                each.right.append(-1)
                each.feature.append(index)
                each.flags.append(flags)
                each.value.append(float(values[output]) if leaf else threshold)
                assert each.cover is not None
                each.cover.append(float(node.get("weight", 0)))
                if members:
                    each.sets[at] = members
                if parent >= 0:
                    (each.left if side == "left" else each.right)[parent] = at
            if not leaf:
                pending += [(node["right"], at, "right"), (node["left"], at, "left")]
        for each in made:
            assert each.cover is not None
            for i in reversed(range(len(each.left))):  # children stand after their parents
                if each.left[i] >= 0:
                    each.cover[i] = each.cover[each.left[i]] + each.cover[each.right[i]]
        return made


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
