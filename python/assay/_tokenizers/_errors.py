"""The error of the build step, and reading of JSON that names the place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._definition import DefinitionError, Problem


class TokenizerError(DefinitionError):
    """A tokenizer's file says something that this build does not know or that the `tokenizers` package refuses too.

    The message begins with the place in the file; `help` is the way out.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__([Problem(None, message, help)])
        self.help = help


class At:
    """A value of the file with its place: `$.model.vocab`."""

    def __init__(self, value: Any, path: str = "$") -> None:
        self.value = value
        self.path = path

    def fail(self, message: str, help: str = "") -> TokenizerError:
        return TokenizerError(f"{self.path}: {message}", help)

    def has(self, name: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def get(self, name: str) -> At:
        if not isinstance(self.value, dict):
            raise self.fail(f"{show(self.value)}, expected an object")
        if name not in self.value:
            raise self.fail(f"{name} is missing")
        return At(self.value[name], f"{self.path}.{name}")

    def items(self) -> list[At]:
        if not isinstance(self.value, list):
            raise self.fail(f"{show(self.value)}, expected an array")
        return [At(item, f"{self.path}[{at}]") for at, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail(f"{show(self.value)}, expected a string")
        return self.value

    def number(self, most: int = 2**32 - 1) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not 0 <= self.value <= most:
            raise self.fail(f"{show(self.value)}, expected an integer from 0 to {most}")
        return self.value

    def flag(self, name: str, default: bool | None = None) -> bool:
        if default is not None and not self.has(name):
            return default
        value = self.get(name)
        if not isinstance(value.value, bool):
            raise value.fail(f"{show(value.value)}, expected true or false")
        return value.value

    def choice(self, known: Iterable[str]) -> str:
        names = list(known)
        if self.value not in names:
            raise self.fail(f"{show(self.value)} is not known", f"known are: {', '.join(names)}")
        return str(self.value)


def show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
