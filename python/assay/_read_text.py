"""Reading text features: `text.tokens(...)` becomes a feature whose body is one built-in of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._api import Mark, Tokens
from ._definition import MISSING, EventDef, FunctionDef, Made, ParamDef, TokenizerDef
from ._names import describe, value_type
from ._read_models import Models

if TYPE_CHECKING:
    from collections.abc import Callable


class Texts(Models):
    tokenizers: list[TokenizerDef]

    def make_tokens(self, name: str, declared: Tokens, scored: EventDef | None) -> FunctionDef | None:
        if not hasattr(self, "tokenizers"):
            self.tokenizers, self.tokens = [], []
        if not isinstance(declared.special, bool):
            self.report(declared.place, f"special is {declared.special!r}, expected True or False")
            return None
        tokenizer = self.tokenizer(declared)
        if tokenizer is None or scored is None:
            return None
        encode = encoder(tokenizer, declared.special)
        made = Made("text.tokens", tokenizer, declared.special)
        function = FunctionDef(name, "feature", encode, [], list[int], scored, declared.place, "", made=made)
        self.functions.append((function, Mark("feature", encode, declared.place)))
        self.tokens.append((function, declared))
        return function

    def tokenizer(self, declared: Tokens) -> TokenizerDef | None:
        """The tokenizer of a file, once for all that use it."""
        from ._tokenizers import TokenizerError, build  # characters, which other definitions do not need

        source, place = declared.tokenizer, declared.place
        if not isinstance(source, str | Path):
            self.report(place, f"tokenizer is {source!r}, expected a file", 'text.tokens("memo", "tokenizer.json")')
            return None
        path = (self.path.parent / source).resolve()
        known = next((each for each in self.tokenizers if each.path == path), None)
        if known is not None:
            return known
        try:
            made = TokenizerDef(path, build(path.read_bytes(), path.name))
        except OSError as error:
            self.report(
                place,
                f"the tokenizer {source} cannot be read: {error.strerror}",
                f"paths are relative to {self.path.parent}",
            )
            return None
        except TokenizerError as error:
            self.report(place, f"the tokenizer {path.name}: {error}", error.help)
            return None
        self.tokenizers.append(made)
        return made

    def resolve_tokens(self) -> None:
        """What each reads: a text of the scored event."""
        if not hasattr(self, "tokenizers"):
            self.tokenizers, self.tokens = [], []
        for function, declared in self.tokens:
            what, place = declared.field, declared.place
            unfit = f"text.tokens of {what!r}, expected the name of a field or feature"
            source = self.named(what, f"text.tokens of {function.name} names", unfit, place)
            if source is None:
                continue
            kind = value_type(source)
            if kind != "str":
                name = getattr(source, "name", "arrival")
                shown = kind or describe(source)
                self.report(
                    place, f"text.tokens of {name}, which is {shown}, expected a str", "name a field that is a str"
                )
            function.params.append(ParamDef(getattr(source, "name", ""), source, False, MISSING, str))


def encoder(tokenizer: TokenizerDef, special: bool) -> Callable[[str], list[int]]:
    """What the twin calls: the `tokenizers` package where it is installed and the file is its own, else the engine's
    encoder."""
    made: list[Callable[[str], list[int]]] = []

    def tokens(value: str) -> list[int]:
        if not made:
            made.append(of_package(tokenizer.path, special) or of_engine(tokenizer.part, special))
        return made[0](value)

    return tokens


def of_package(path: Path, special: bool) -> Callable[[str], list[int]] | None:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    try:
        package: Any = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception:  # a rank file, or the file is gone
        return None

    def encode(value: str) -> list[int]:
        return list(package.encode(value, add_special_tokens=special).ids)

    return encode


def of_engine(part: bytes, special: bool) -> Callable[[str], list[int]]:
    from ._engine import Tokenizer

    engine = Tokenizer(part)
    return lambda value: engine.encode(value, special)
