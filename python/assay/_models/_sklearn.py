"""scikit-learn's fitted estimators: trees, forests, gradient boosting, linear models, calibration, isolation,
pipelines.

Trees compare a float32 value with a double threshold (`<=`); a forest adds its trees' doubles in order and divides;
HistGradientBoosting compares doubles and sees unknown categories as missing. An answer is `predict` of a regressor,
`predict_proba` of a classifier (the positive class of two, else one output a class) and `decision_function` of an
IsolationForest, whose sign is its `predict`. Sums that numpy or BLAS does in an order of its own (linear models, PCA,
softmax, numpy's exp and power) are held to 1e-12; the rest has sklearn's bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ._part import (
    CATEGORY,
    CLIP,
    EQUAL,
    IMPUTE,
    LEAF,
    NAN_LEFT,
    OUT_LEFT,
    ROW_DOUBLE,
    ROW_FLOAT32,
    SCALE,
    STANDARD,
    Built,
    Forest,
    Input,
    ModelError,
    Program,
    Tree,
    thresholds_of,
)

NEAR = 1e-12


def read_estimator(estimator: Any, name: str) -> Built:
    """The model of a fitted estimator or pipeline."""
    if not hasattr(estimator, "n_features_in_"):
        raise ModelError(f"the {type(estimator).__name__} {name} is not fitted", "call its fit(...) first")
    try:
        return _Reader(estimator).built()
    except (AttributeError, NotImplementedError) as error:
        raise ModelError(f"the {type(estimator).__name__} {name} cannot be read: {error}") from None


class _Reader:
    def __init__(self, estimator: Any):
        self.estimator = estimator
        count = int(estimator.n_features_in_)
        names: Any = getattr(estimator, "feature_names_in_", None)
        self.named = names is not None
        self.inputs = [Input(str(each)) for each in (names if names is not None else range(count))]
        self.program = Program(self.inputs)
        self.thresholds: list[list[float]] = [[] for _ in self.inputs]
        self.tolerance = 0.0
        self.missing = True
        self.unseen = True

    def built(self) -> Built:
        cells = self.model(self.estimator, list(range(len(self.inputs))))
        if not self.program.steps:
            raise ModelError(f"a {type(self.estimator).__name__} gives no answer")
        if cells != self.program.last:
            cells = self.program.transform(cells, "none")
        outputs = len(cells)
        rows = [[0.0] * len(self.inputs)]
        self.missing = self._takes_missing(rows)
        return Built(
            "sklearn",
            self.program.bytes(),
            self.inputs,
            outputs,
            lambda asked: self.answer(asked).reshape(len(asked), outputs),
            self.thresholds,
            tolerance=self.tolerance,
            packages=("scikit-learn", "numpy", "scipy"),
            unseen=self.unseen,
            finite=True,
            extremes=(1e6, -1e6) if self.tolerance else (1e20, -1e20),
            missing=self.missing,
        )

    def _takes_missing(self, rows: list[list[float]]) -> bool:
        from sklearn.utils import get_tags

        return bool(get_tags(self.estimator).input_tags.allow_nan) or self._imputes(self.estimator)

    def _imputes(self, estimator: Any) -> bool:
        steps: Any = getattr(estimator, "steps", None)
        return bool(steps) and type(steps[0][1]).__name__ == "SimpleImputer"

    def answer(self, rows: list[list[Any]]) -> Any:
        """sklearn's own answers."""
        table: Any = [
            [math.nan if v is None and i.categories is None else v for v, i in zip(row, self.inputs, strict=True)]
            for row in rows
        ]
        if self.named:
            import pandas

            table = pandas.DataFrame(table, columns=[each.name for each in self.inputs])
            for each in self.inputs:
                if each.categories is not None and self._pandas_categories:
                    table[each.name] = pandas.Categorical(table[each.name], list(each.categories))
                elif each.categories is None:
                    table[each.name] = table[each.name].astype(float)
        else:
            table = numpy.array(table, dtype=numpy.float64)
        if _is_isolation(self.estimator):
            return self.estimator.decision_function(table)
        if hasattr(self.estimator, "predict_proba"):
            found = self.estimator.predict_proba(table)
            return found[:, 1] if found.shape[1] == 2 else found
        return numpy.asarray(self.estimator.predict(table), dtype=numpy.float64)

    _pandas_categories = False

    # --- estimators ---

    def model(self, estimator: Any, cells: list[int]) -> list[int]:
        """The cells of its answer."""
        kind = type(estimator).__name__
        made = getattr(self, f"_{kind}", None)
        if kind == "Pipeline":
            for _, step in estimator.steps[:-1]:
                cells = self.transformer(step, cells)
            return self.model(estimator.steps[-1][1], cells)
        if made is not None:
            found: list[int] = made(estimator, cells)
            return found
        raise ModelError(
            f"a {kind} of sklearn is not available",
            "there are decision trees, forests, gradient boosting, linear and logistic models, SGD, IsolationForest, "
            "CalibratedClassifierCV and pipelines of them",
        )

    def _tree_forest(self, forest: Forest, cells: list[int]) -> list[int]:
        made = self.program.forest(cells, forest)
        for cell, found in zip(cells, thresholds_of(forest, len(cells)), strict=True):
            if cell < len(self.inputs):
                self.thresholds[cell] = sorted({*self.thresholds[cell], *found})
        return made

    def _DecisionTreeClassifier(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._forest([estimator], cells, classes=_classes(estimator), divisor=1)

    def _DecisionTreeRegressor(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._forest([estimator], cells, classes=None, divisor=1)

    def _RandomForestClassifier(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._forest(estimator.estimators_, cells, _classes(estimator), len(estimator.estimators_))

    def _RandomForestRegressor(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._forest(estimator.estimators_, cells, None, len(estimator.estimators_))

    _ExtraTreeClassifier, _ExtraTreeRegressor = _DecisionTreeClassifier, _DecisionTreeRegressor
    _ExtraTreesClassifier, _ExtraTreesRegressor = _RandomForestClassifier, _RandomForestRegressor

    def _forest(self, estimators: list[Any], cells: list[int], classes: int | None, divisor: int) -> list[int]:
        trees, outputs = [], 1
        for each in estimators:
            values = each.tree_.value
            if classes is None:
                outputs = values.shape[1]
                columns = [values[:, output, 0] for output in range(outputs)]
            elif values.shape[1] != 1:
                raise ModelError("a classifier of several targets is not available")
            else:
                outputs = 1 if classes == 2 else classes
                columns = [values[:, 0, 1]] if classes == 2 else [values[:, 0, k] for k in range(classes)]
            trees += [_tree(each.tree_, column) for column in columns]
        return self._tree_forest(Forest(trees, outputs, ROW_FLOAT32, divisor=float(divisor)), cells)

    def _GradientBoostingClassifier(self, estimator: Any, cells: list[int]) -> list[int]:
        cells = self._boosted(estimator, cells)
        if len(cells) > 1:
            self.tolerance = NEAR
            return self.program.transform(cells, "softmax")
        return self.program.transform(cells, "sigmoid", 2.0 if estimator.loss == "exponential" else 1.0)

    def _GradientBoostingRegressor(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._boosted(estimator, cells)

    def _boosted(self, estimator: Any, cells: list[int]) -> list[int]:
        rate, stages = estimator.learning_rate, estimator.estimators_
        trees = [_tree(each.tree_, rate * each.tree_.value[:, 0, 0]) for stage in stages for each in stage]
        row = numpy.zeros((1, len(cells)), dtype=numpy.float32)
        if estimator.init is not None and estimator.init != "zero":
            raise ModelError("gradient boosting with an init estimator of its own is not available")
        starts = numpy.asarray(estimator._raw_predict_init(row), dtype=numpy.float64).reshape(-1)
        made = self._tree_forest(Forest(trees, stages.shape[1], ROW_FLOAT32, starts=list(starts)), cells)
        self.program.mark_raw()
        return made

    def _HistGradientBoostingClassifier(self, estimator: Any, cells: list[int]) -> list[int]:
        cells = self._hist(estimator, cells)
        if len(cells) > 1:
            self.tolerance = NEAR
            return self.program.transform(cells, "softmax")
        return self.program.transform(cells, "sigmoid")

    def _HistGradientBoostingRegressor(self, estimator: Any, cells: list[int]) -> list[int]:
        cells = self._hist(estimator, cells)
        if estimator.loss in ("poisson", "gamma"):
            self.tolerance = NEAR
            return self.program.transform(cells, "exp")
        return cells

    def _hist(self, estimator: Any, cells: list[int]) -> list[int]:
        """Categories come first: the encoder that stands before the trees puts them there."""
        if estimator._preprocessor is not None:
            encoder = estimator._preprocessor.named_transformers_["encoder"]
            flags = estimator.is_categorical_
            places = [i for i, each in enumerate(self._categorical(estimator)) if each]
            for place, known in zip(places, encoder.categories_, strict=True):
                self._set_categories(cells[place], known, math.nan)
            self._pandas_categories = True
            cells = [cells[i] for i in places] + [cells[i] for i in range(len(cells)) if i not in places]
            assert sum(flags) == len(places)
        trees = []
        for stage in estimator._predictors:
            trees += [_hist_tree(each, estimator) for each in stage]
        starts = numpy.asarray(estimator._baseline_prediction, dtype=numpy.float64).reshape(-1)
        made = self._tree_forest(Forest(trees, len(starts), ROW_DOUBLE, starts=list(starts)), cells)
        self.program.mark_raw()
        return made

    def _categorical(self, estimator: Any) -> list[bool]:
        """Which of the inputs are categories, in the inputs' order."""
        columns = estimator._preprocessor.transformers_[0][2]
        chosen = numpy.zeros(estimator.n_features_in_, dtype=bool)
        chosen[columns] = True
        return [bool(each) for each in chosen]

    def _set_categories(self, cell: int, known: Any, unknown: float) -> None:
        if cell >= len(self.inputs):
            raise ModelError("categories that another step has changed are not available")
        each = self.inputs[cell]
        codes: dict[Any, float] = {}
        for code, value in enumerate(known):
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            codes[value if isinstance(value, str) else float(value)] = float(code)
        each.categories, each.unknown = codes, unknown

    # --- linear ---

    def _linear(self, weights: Any, starts: Any, cells: list[int]) -> list[int]:
        self.tolerance = NEAR
        weights = numpy.atleast_2d(numpy.asarray(weights, dtype=numpy.float64))
        starts = numpy.broadcast_to(numpy.asarray(starts, dtype=numpy.float64).reshape(-1), (len(weights),))
        return self.program.linear(cells, weights, list(starts))

    def _LinearRegression(self, estimator: Any, cells: list[int]) -> list[int]:
        return self._linear(estimator.coef_, estimator.intercept_, cells)

    _Ridge = _Lasso = _ElasticNet = _SGDRegressor = _HuberRegressor = _LinearRegression

    def _LogisticRegression(self, estimator: Any, cells: list[int]) -> list[int]:
        cells = self._linear(estimator.coef_, estimator.intercept_, cells)
        self.program.mark_raw()
        return self.program.transform(cells, "sigmoid" if len(cells) == 1 else "softmax")

    def _SGDClassifier(self, estimator: Any, cells: list[int]) -> list[int]:
        if estimator.loss != "log_loss" or len(estimator.coef_) != 1:
            raise ModelError("of SGDClassifier only log_loss with two classes has probabilities", 'loss="log_loss"')
        return self._LogisticRegression(estimator, cells)

    def _IsolationForest(self, estimator: Any, cells: list[int]) -> list[int]:
        """decision_function = -2^(-mean depth / c) - offset."""
        from sklearn.ensemble._iforest import _average_path_length

        self.tolerance = NEAR
        trees = []
        places = zip(estimator.estimators_, estimator.estimators_features_, strict=True)
        for number, (each, features) in enumerate(places):
            lengths, paths = estimator._average_path_length_per_tree[number], estimator._decision_path_lengths[number]
            trees.append(_tree(each.tree_, paths + lengths - 1.0, features))
        sums = self._tree_forest(Forest(trees, 1, ROW_FLOAT32), cells)
        count = float(_average_path_length([estimator._max_samples])[0] * len(estimator.estimators_))
        scores = self.program.transform(sums, "isolation", count or 1.0)
        return self.program.each(SCALE, scores, [1.0], [-float(estimator.offset_)])

    # --- calibration ---

    def _CalibratedClassifierCV(self, estimator: Any, cells: list[int]) -> list[int]:
        if len(estimator.classes_) != 2:
            raise ModelError("CalibratedClassifierCV with more than two classes is not available")
        self.tolerance = NEAR
        found = [self._calibrated(each, cells) for each in estimator.calibrated_classifiers_]
        return self.program.mean([cell for each in found for cell in each], 1)

    def _calibrated(self, one: Any, cells: list[int]) -> list[int]:
        inner, calibrator = one.estimator, one.calibrators[0]
        made = self.model(inner, cells)
        if hasattr(inner, "decision_function"):
            made = self._margin(made)
        if type(calibrator).__name__ == "_SigmoidCalibration":
            scaled = self.program.each(SCALE, made, [-calibrator.a_], [-calibrator.b_])
            return self.program.transform(scaled, "sigmoid")
        if type(calibrator).__name__ == "IsotonicRegression":
            return self.program.interpolate(made, calibrator.X_thresholds_, calibrator.y_thresholds_)
        raise ModelError(f"a calibrator of type {type(calibrator).__name__} is not available")

    def _margin(self, cells: list[int]) -> list[int]:
        """What the last transform, a sigmoid, was given."""
        return [cell - len(cells) for cell in cells]

    # --- transformers ---

    def transformer(self, step: Any, cells: list[int]) -> list[int]:
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return cells
        kind = type(step).__name__
        if kind == "FunctionTransformer" and step.func is None:
            return cells
        if kind == "Pipeline":
            for _, inner in step.steps:
                cells = self.transformer(inner, cells)
            return cells
        made = getattr(self, f"_t_{kind}", None)
        if made is None:
            raise ModelError(
                f"the transformer {kind} of sklearn is not available",
                "there are StandardScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder, SimpleImputer, "
                "ColumnTransformer, PCA, TruncatedSVD; do others in features",
            )
        found: list[int] = made(step, cells)
        return found

    def _t_StandardScaler(self, step: Any, cells: list[int]) -> list[int]:
        """x - mean, then / scale: two roundings, as sklearn does it in place."""
        count = len(cells)
        mean = step.mean_ if step.with_mean else numpy.zeros(count)
        scale = step.scale_ if step.with_std else numpy.ones(count)
        return self.program.each(STANDARD, cells, list(mean), list(scale))

    def _t_MinMaxScaler(self, step: Any, cells: list[int]) -> list[int]:
        made = self.program.each(SCALE, cells, list(step.scale_), list(step.min_))
        if step.clip:
            low, high = step.feature_range
            made = self.program.each(CLIP, made, [float(low)] * len(cells), [float(high)] * len(cells))
        return made

    def _t_SimpleImputer(self, step: Any, cells: list[int]) -> list[int]:
        values = step.statistics_
        if not (isinstance(step.missing_values, float) and math.isnan(step.missing_values)):
            raise ModelError("SimpleImputer of another missing value than NaN is not available")
        if step.add_indicator or any(isinstance(v, str) for v in values) or any(v != v for v in values):
            raise ModelError("SimpleImputer with an indicator, texts or empty columns is not available")
        return self.program.each(IMPUTE, cells, [float(v) for v in values])

    def _t_OneHotEncoder(self, step: Any, cells: list[int]) -> list[int]:
        picked: list[int] = []
        keys: list[float] = []
        if step.min_frequency is not None or step.max_categories is not None:
            raise ModelError("OneHotEncoder with infrequent categories is not available")
        self.unseen &= step.handle_unknown != "error"
        for i, (cell, known) in enumerate(zip(cells, step.categories_, strict=True)):
            self._set_categories(cell, known, -1.0)
            dropped = None if step.drop_idx_ is None else step.drop_idx_[i]
            for code, value in enumerate(known):
                if code == dropped:
                    continue
                picked.append(cell)
                empty = value is None or (isinstance(value, float) and math.isnan(value))
                keys.append(math.nan if empty else float(code))
        return self.program.each(EQUAL, picked, keys)

    def _t_OrdinalEncoder(self, step: Any, cells: list[int]) -> list[int]:
        use = step.handle_unknown == "use_encoded_value"
        self.unseen &= use
        for cell, known in zip(cells, step.categories_, strict=True):
            self._set_categories(cell, known, float(step.unknown_value) if use else math.nan)
        return list(cells)

    def _t_ColumnTransformer(self, step: Any, cells: list[int]) -> list[int]:
        made: list[int] = []
        names = list(getattr(step, "feature_names_in_", []))
        for _, inner, columns in step.transformers_:
            if isinstance(inner, str) and inner == "drop":
                continue
            chosen = numpy.zeros(len(cells), dtype=bool)
            if isinstance(columns, slice) or (len(columns) and not isinstance(columns[0], str)):
                places = list(numpy.arange(len(cells))[columns])
            else:
                places = [names.index(each) for each in columns]
            if not places:
                continue
            chosen[places] = True
            made += self.transformer(inner, [cells[i] for i in places])
        return made

    def _t_PCA(self, step: Any, cells: list[int]) -> list[int]:
        components = step.components_
        if step.whiten:
            components = components / numpy.sqrt(step.explained_variance_)[:, None]
        offset = -(step.mean_ @ components.T)
        return self._linear(components, offset, cells)

    def _t_TruncatedSVD(self, step: Any, cells: list[int]) -> list[int]:
        return self._linear(step.components_, numpy.zeros(len(step.components_)), cells)


def _is_isolation(estimator: Any) -> bool:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return type(last).__name__ == "IsolationForest"


def _classes(estimator: Any) -> int:
    if isinstance(estimator.classes_, list):
        raise ModelError("a classifier of several targets is not available")
    return len(estimator.classes_)


def _tree(tree: Any, values: Any, features: Any = None) -> Tree:
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    missing = getattr(tree, "missing_go_to_left", numpy.zeros(len(left))).tolist()
    leaf = [each < 0 for each in left]
    feature = tree.feature.tolist()
    if features is not None:
        feature = [int(features[each]) if each >= 0 else each for each in feature]
    return Tree(
        left,
        right,
        [0 if end else each for end, each in zip(leaf, feature, strict=True)],
        [float(v) if end else t for end, v, t in zip(leaf, values, tree.threshold.tolist(), strict=True)],
        [LEAF if end else NAN_LEFT if way else 0 for end, way in zip(leaf, missing, strict=True)],
        tree.weighted_n_node_samples.tolist(),
    )


def _hist_tree(predictor: Any, estimator: Any) -> Tree:
    nodes, made = predictor.nodes, Tree([], [], [], [], [], [])
    for i, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        category = not leaf and bool(node["is_categorical"])
        made.left.append(-1 if leaf else int(node["left"]))
        made.right.append(-1 if leaf else int(node["right"]))
        made.feature.append(0 if leaf else int(node["feature_idx"]))
        made.value.append(float(node["value"] if leaf else node["num_threshold"]))
        way = bool(node["missing_go_to_left"])
        flags = LEAF if leaf else NAN_LEFT if way else 0
        if category:
            flags |= CATEGORY | (OUT_LEFT if way else 0)
            words = predictor.raw_left_cat_bitsets[int(node["bitset_idx"])]
            made.sets[i] = [32 * at + bit for at, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1]
        made.flags.append(flags)
        assert made.cover is not None
        made.cover.append(float(node["count"]))
    return made
