"""Generated estimators of scikit-learn for the models' oracle: trees, ensembles, linear models, calibration,
pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np

KINDS = (
    *(
        "tree-c",
        "tree-r",
        "forest-c",
        "forest-r",
        "extra-c",
        "extra-r",
        "gb-c",
        "gb-r",
        "gb-m",
        "hist-c",
        "hist-r",
        "hist-m",
    ),
    *("hist-poisson", "hist-words", "logistic", "logistic-m", "linear", "ridge", "sgd-c", "sgd-r", "isolation"),
    *(
        "calibrated-sigmoid",
        "calibrated-isotonic",
        "scaled",
        "minmax",
        "imputed",
        "pca",
        "svd",
        "columns",
        "columns-trees",
    ),
    *("forest-m", "tree-missing", "gb-exponential", "extra-m"),
)


def estimator(rng: np.random.Generator, seed: int) -> tuple[Any, np.ndarray]:
    """A fitted estimator and the numbers it was trained with."""
    from models_oracle import target, training_rows

    kind = KINDS[seed % len(KINDS)]
    missing = kind.startswith("hist") or kind in ("tree-missing", "imputed")
    rows, columns = int(rng.integers(150, 400)), int(rng.integers(2, 9))
    data = training_rows(rng, rows, columns, missing)
    if kind.startswith(("sgd", "linear", "ridge", "svd")) and columns > 4:
        data[:, 4] *= 1e9  # else one term is 1e9 for an ordinary value, and all digits of the answer are cancellation
    label = "classes" if kind.endswith("-m") else "positive" if kind == "hist-poisson" else "binary"
    label = "real" if kind.endswith("-r") or kind in ("linear", "ridge", "hist-words", "columns-trees") else label
    labels = target(rng, data, label)
    if label == "real" and np.abs(labels).max() > 1e3:
        labels = labels / np.abs(labels).max()  # answers near 1, so that 1e-12 is of what a sum is made of
    return make(kind, rng, seed, data, labels), data


def make(kind: str, rng: np.random.Generator, seed: int, data: np.ndarray, labels: np.ndarray) -> Any:
    from sklearn import calibration, decomposition, ensemble, impute, linear_model, pipeline, preprocessing, tree

    depth, count = int(rng.integers(1, 12)), int(rng.integers(1, 15))
    trees = {"max_depth": depth, "random_state": seed}
    many = trees | {"n_estimators": count}
    boosted = {"max_depth": min(depth, 5), "n_estimators": count, "random_state": seed}
    hist = {"max_iter": count, "min_samples_leaf": 3, "random_state": seed, "early_stopping": False}
    step = pipeline.make_pipeline
    logistic = linear_model.LogisticRegression(max_iter=50)
    known = {
        "tree-c": lambda: tree.DecisionTreeClassifier(**trees),
        "tree-r": lambda: tree.DecisionTreeRegressor(**trees),
        "tree-missing": lambda: tree.DecisionTreeClassifier(**trees),
        "forest-c": lambda: ensemble.RandomForestClassifier(**many),
        "forest-m": lambda: ensemble.RandomForestClassifier(**many),
        "forest-r": lambda: ensemble.RandomForestRegressor(**many),
        "extra-c": lambda: ensemble.ExtraTreesClassifier(**many),
        "extra-m": lambda: ensemble.ExtraTreesClassifier(**many),
        "extra-r": lambda: ensemble.ExtraTreesRegressor(**many),
        "gb-c": lambda: ensemble.GradientBoostingClassifier(**boosted),
        "gb-m": lambda: ensemble.GradientBoostingClassifier(**boosted),
        "gb-exponential": lambda: ensemble.GradientBoostingClassifier(loss="exponential", **boosted),
        "gb-r": lambda: ensemble.GradientBoostingRegressor(**boosted),
        "hist-c": lambda: ensemble.HistGradientBoostingClassifier(**hist),
        "hist-m": lambda: ensemble.HistGradientBoostingClassifier(**hist),
        "hist-r": lambda: ensemble.HistGradientBoostingRegressor(**hist),
        "hist-poisson": lambda: ensemble.HistGradientBoostingRegressor(loss="poisson", **hist),
        "logistic": lambda: step(preprocessing.StandardScaler(), logistic),
        "logistic-m": lambda: step(preprocessing.StandardScaler(), logistic),
        "linear": lambda: linear_model.LinearRegression(),
        "ridge": lambda: linear_model.Ridge(),
        "sgd-c": lambda: step(preprocessing.StandardScaler(), linear_model.SGDClassifier(loss="log_loss")),
        "sgd-r": lambda: step(
            preprocessing.StandardScaler(), linear_model.SGDRegressor(learning_rate="adaptive", eta0=1e-4)
        ),
        "isolation": lambda: ensemble.IsolationForest(n_estimators=count, random_state=seed),
        "calibrated-sigmoid": lambda: calibration.CalibratedClassifierCV(
            ensemble.RandomForestClassifier(**many), method="sigmoid", cv=3
        ),
        "calibrated-isotonic": lambda: calibration.CalibratedClassifierCV(
            ensemble.GradientBoostingClassifier(**boosted), method="isotonic", cv=3
        ),
        "scaled": lambda: step(preprocessing.StandardScaler(), ensemble.RandomForestClassifier(**many)),
        "minmax": lambda: step(preprocessing.MinMaxScaler(clip=bool(seed % 2)), tree.DecisionTreeRegressor(**trees)),
        "imputed": lambda: step(
            impute.SimpleImputer(strategy=str(rng.choice(["mean", "median", "most_frequent"])), add_indicator=False),
            ensemble.GradientBoostingClassifier(**boosted),
        ),
        "pca": lambda: step(
            preprocessing.StandardScaler(), decomposition.PCA(min(3, data.shape[1])), linear_model.LogisticRegression()
        ),
        "svd": lambda: step(
            preprocessing.StandardScaler(), decomposition.TruncatedSVD(data.shape[1] - 1), linear_model.Ridge()
        ),
    }
    if kind in known:
        return known[kind]().fit(data, labels)
    return with_words(kind, rng, seed, data, labels, hist, many)


def with_words(
    kind: str, rng: np.random.Generator, seed: int, data: np.ndarray, labels: np.ndarray, hist: Any, many: Any
) -> Any:
    """Estimators that take texts, out of a data frame."""
    import pandas
    from sklearn import compose, ensemble, impute, linear_model, pipeline, preprocessing

    words = ["a", "café", "food", "gas", "travel", "zz"]
    frame = pandas.DataFrame(data, columns=[f"n{i}" for i in range(data.shape[1])])
    frame["kind"] = [words[i] for i in rng.integers(0, len(words), len(data))]
    numbers = [name for name in frame if name != "kind"]
    if kind == "hist-words":
        frame["kind"] = frame["kind"].astype("category")
        model = ensemble.HistGradientBoostingRegressor(categorical_features=["kind"], **hist)
        return model.fit(frame, labels)
    scaled = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    if kind == "columns":
        one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore", drop=None if seed % 3 else "first")
        columns = compose.ColumnTransformer([("numbers", scaled, numbers), ("words", one_hot, ["kind"])])
        return pipeline.make_pipeline(columns, linear_model.LogisticRegression(max_iter=50)).fit(frame, labels)
    ordinal = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = compose.ColumnTransformer([("words", ordinal, ["kind"])], remainder="passthrough")
    return pipeline.make_pipeline(columns, ensemble.RandomForestRegressor(**many)).fit(frame, labels)
