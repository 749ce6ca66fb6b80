"""Reading models: their files, and what their inputs are named after."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._api import Model
from ._definition import (
    FunctionDef,
    ModelDef,
    Place,
    Source,
)
from ._names import describe, value_type
from ._read_windows import Windows

if TYPE_CHECKING:
    from ._models import Input

UNNAMED = re.compile(r"Column_\d+|f?\d+|x\d+")  # what frameworks call inputs that were not named in training


class Models(Windows):
    def make_model(self, name: str, declared: Model) -> ModelDef | None:
        for option in declared.options:
            self.report(declared.place, f"model(..., {option}=) is not available yet")
        from ._models import (
            ModelError,
            read_file,
            read_object,
        )  # numpy, which a definition without a model does not need

        source = declared.source
        try:
            if isinstance(source, str | Path):
                path = (self.path.parent / source).resolve()
                built = read_file(path, path.read_bytes())
            else:
                path = Path(name)
                built = read_object(source, name)
        except OSError as error:
            self.report(
                declared.place,
                f"the model {source} cannot be read: {error.strerror}",
                f"paths are relative to {self.path.parent}",
            )
            return None
        except ModelError as error:
            self.report(declared.place, str(error), error.help)
            return None
        names = [each.name for each in built.inputs]
        made = ModelDef(name, path, "steps", built.part, [], [], names, declared.place, built)
        self.models.append((made, declared))
        return made

    def resolve_model(self, model: ModelDef, declared: Model) -> None:
        place = declared.place
        items = {} if declared.inputs is None and not any(map(self.is_vector, self.names.values())) else self.items()
        if declared.inputs is None:
            given: list[Any] = list(model.input_names)
            known = [name for name in given if name in self.names or name in items]
            if given and all(UNNAMED.fullmatch(g) for g in given) and not known:
                self.report(
                    place,
                    f"{model.path.name} was trained without feature names",
                    "name its inputs in order: inputs=[...]",
                )
                return
        else:
            given = self.spread(declared.inputs)
            if len(given) != len(model.input_names):
                self.report(place, f"{model.name} takes {len(model.input_names)} inputs, inputs= names {len(given)}")
                return
        pool = {**{name: source for name, (source, _) in items.items()}, **self.aliases, **self.names}
        for what, each in zip(given, model.built.inputs, strict=True):
            source: Source | None
            item: int | None = None
            if isinstance(what, str) and what in items and what not in self.aliases and what not in self.names:
                source, item = items[what]
            else:
                unfit = f"an input of {model.name} is {what!r}, expected a name"
                source = self.named(what, f"the model {model.name} takes", unfit, place, pool)
            if source is None:
                continue
            self.check_input(model, source, each, place, item)
            model.inputs.append(source)
            model.items.append(item)

    @staticmethod
    def is_vector(source: Source) -> bool:
        return isinstance(source, FunctionDef | ModelDef) and source.vector > 0

    def items(self) -> dict[str, tuple[Source, int]]:
        """NAME_0 ... NAME_{N-1} of each vector."""
        return {
            f"{name}_{item}": (source, item)
            for name, source in self.names.items()
            if isinstance(source, FunctionDef | ModelDef)
            for item in range(source.vector)
        }

    def spread(self, inputs: Any) -> list[Any]:
        """`inputs=`: a vector's own name stands for all of its items."""
        given: list[Any] = []
        for each in inputs:
            source = {**self.aliases, **self.names}.get(each) if isinstance(each, str) else None
            if not isinstance(each, str):
                source = self.by_declared.get(id(getattr(each, "__assay__", each)))
            if isinstance(source, FunctionDef | ModelDef) and source.vector:
                given += [f"{source.name}_{item}" for item in range(source.vector)]
            else:
                given.append(each)
        return given

    def check_items(self) -> None:
        """A vector's columns may not have the name of another value."""
        for name, (source, _) in self.items().items():
            taken = self.names.get(name)
            if taken is not None and isinstance(source, FunctionDef | ModelDef):
                what = f"{name} is a column of the vector {source.name} and also {describe(taken)}"
                self.report(source.place, what, "give one of them another name")

    def check_input(self, model: ModelDef, source: Source, each: Input, place: Place, item: int | None) -> None:
        name = getattr(source, "name", "arrival")
        kind = value_type(source) if item is None else "float"
        takes_text = each.categories is not None and any(isinstance(known, str) for known in each.categories)
        if isinstance(source, FunctionDef) and source.kind == "decision":
            self.report(place, f"the model {model.name} takes {name}, which is the decision")
        elif isinstance(source, FunctionDef | ModelDef) and source.vector and item is None:
            self.report(
                place,
                f"the model {model.name} takes {name}, which is a vector of {source.vector}",
                f'its items are {name}_0 to {name}_{source.vector - 1}; inputs=[..., "{name}"] takes them all',
            )
        elif takes_text and kind != "str":
            self.report(
                place,
                f"the model {model.name} takes {name}, which is a {kind or 'value of unknown type'}, expected a str: "
                f"one of its {len(each.categories or {})} categories",
                "pass the category as the model was trained with it",
            )
        elif not takes_text and kind not in ("int", "float", "bool"):
            help = (
                "the model has no categories for it: turn it into a number in a @feature"
                if kind == "str"
                else "turn it into a number in a @feature"
            )
            self.report(
                place,
                f"the model {model.name} takes {name}, which is a {kind or 'value of unknown type'}, expected a number",
                help,
            )
