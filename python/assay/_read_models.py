"""Reading models: their files, and what their inputs are named after."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ._api import Model
from ._definition import (
    FunctionDef,
    ModelDef,
    Place,
    Source,
)
from ._names import value_type
from ._read_windows import Windows


class Models(Windows):
    def make_model(self, name: str, declared: Model) -> ModelDef | None:
        for option in declared.options:
            self.report(declared.place, f"model(..., {option}=) is not available yet")
        source = declared.source
        if isinstance(source, str | Path):
            path = (self.path.parent / source).resolve()
            try:
                data = path.read_bytes()
            except OSError as error:
                self.report(
                    declared.place,
                    f"the model {source} cannot be read: {error.strerror}",
                    f"paths are relative to {self.path.parent}",
                )
                return None
        else:
            path = Path(f"{name}.txt")
            booster = getattr(source, "booster_", source)
            if not type(booster).__module__.startswith("lightgbm") or not hasattr(booster, "model_to_string"):
                self.report(
                    declared.place,
                    f"a model of type {type(source).__name__} is not available yet",
                    "LightGBM's Booster and LGBMClassifier are, and its text files",
                )
                return None
            data = booster.model_to_string().encode()
        names = self.model_inputs(declared, path, data)
        if names is None:
            return None
        made = ModelDef(name, path, "lightgbm", data, [], names, declared.place)
        self.models.append((made, declared))
        return made

    def model_inputs(self, declared: Model, path: Path, data: bytes) -> list[str] | None:
        head = data.split(b"\nTree=", 1)[0].decode("utf-8", "replace")
        if not head.startswith("tree\n"):
            other = {".json": "XGBoost and CatBoost", ".ubj": "XGBoost", ".cbm": "CatBoost", ".onnx": "ONNX"}.get(
                path.suffix
            )
            message = f"{other} models are not available yet" if other else f"{path.name} is not a LightGBM text model"
            self.report(declared.place, message, "booster.save_model(...) of LightGBM writes one")
            return None
        values = dict(line.split("=", 1) for line in head.split("\n") if "=" in line)
        if values.get("num_class", "1") != "1":
            self.report(
                declared.place,
                f"{path.name} has {values['num_class']} classes; multiclass models are not available yet",
            )
        return values.get("feature_names", "").split()

    def resolve_model(self, model: ModelDef, declared: Model) -> None:
        place = declared.place
        if declared.inputs is None:
            given: list[Any] = list(model.input_names)
            if given and all(re.fullmatch(r"Column_\d+", g) for g in given) and not any(g in self.names for g in given):
                self.report(
                    place,
                    f"{model.path.name} was trained without feature names",
                    "name its inputs in order: inputs=[...]",
                )
                return
        else:
            given = list(declared.inputs)
            if len(given) != len(model.input_names):
                self.report(place, f"{model.name} takes {len(model.input_names)} inputs, inputs= names {len(given)}")
                return
        for what in given:
            source: Source | None
            if isinstance(what, str):
                source = self.lookup(what, f"the model {model.name} takes", place)
            else:
                source = self.by_declared.get(id(getattr(what, "__assay__", what)))
                if source is None:
                    self.report(place, f"an input of {model.name} is {what!r}, expected a name")
            if source is None:
                continue
            self.check_input(model, source, place)
            model.inputs.append(source)

    def check_input(self, model: ModelDef, source: Source, place: Place) -> None:
        name = getattr(source, "name", "arrival")
        kind = value_type(source)
        if isinstance(source, FunctionDef) and source.kind == "decision":
            self.report(place, f"the model {model.name} takes {name}, which is the decision")
        elif kind not in ("int", "float", "bool"):
            help = (
                "categories are not available yet: turn it into a number in a @feature"
                if kind == "str"
                else "turn it into a number in a @feature"
            )
            self.report(
                place,
                f"the model {model.name} takes {name}, which is a {kind or 'value of unknown type'}, expected a number",
                help,
            )
