"""Tokenizers: a tokenizer.json of Hugging Face, or a rank file of tiktoken, as the engine has it.

`build` makes one binary part that engine/text reads; its ids are exactly those of `Tokenizer.encode(text).ids` of the
`tokenizers` package (of `Encoding.encode_ordinary` for rank files). What is not known, or cannot be done in linear
time, is refused with its place in the file. How a file is read: _normalizers.py, _pre_tokenizers.py (with _pattern.py),
_models.py (with _bpe.py), _added.py, _post.py; characters are what the package's own crates say (_tables.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine import Tokenizer
from . import _added, _json, _models, _normalizers, _post, _pre_tokenizers, _tables, _tiktoken
from ._errors import At, TokenizerError
from ._models import Model
from ._part import IDS_MAX, NONE, Part

__all__ = ["TokenizerError", "build"]


def build(source: bytes, name: str) -> bytes:
    """The part of a tokenizer. `name` is its file's, for errors and, of rank files, for the pattern.

    TokenizerError names the place (`$.pre_tokenizer.pattern`) and what is not supported."""
    if source.lstrip()[:1] != b"{":
        return build_ranks(source, name)
    try:
        file = At(_json.load(source))
    except ValueError as error:
        raise TokenizerError(f"{name} is not JSON: {error}") from None
    if file.get("version").value != "1.0":
        raise file.get("version").fail(f"{file.get('version').value!r}, expected '1.0'")
    for place in ("model",):
        file.get(place)
    part = Part()
    stages = _pre_tokenizers.read(file.get("pre_tokenizer"), part) if file.has("pre_tokenizer") else []
    byte_level = bool(stages) and stages[-1][0] == _pre_tokenizers.STAGE_BYTES
    bpe = file.get("model")
    byte_level = byte_level and bpe.get("type").value == "BPE" and not bpe.flag("byte_fallback", False)
    model = _models.read(file.get("model"), part, byte_level)
    steps = _normalizers.read(file.get("normalizer"), part) if file.has("normalizer") else []
    head = {
        "steps": _normalizers.write(steps, part),
        "stages": _pre_tokenizers.write(stages[:-1] if byte_level else stages, part),
    }
    added = file.get("added_tokens").items() if file.has("added_tokens") else []
    tokens = _added.ids(added, model)
    head["added"], head["added_normalized"] = _added.write(tokens, part, normalizer(part, head, model))
    head["post"], more = _post.write(file, part)
    return finish(part, head, model, [*tokens, *more])


def build_ranks(source: bytes, name: str) -> bytes:
    part = Part()
    section, stages, ranks = _tiktoken.read(source, name, part)
    model = Model(section, {}, len(ranks))
    head = {"steps": _normalizers.write([], part), "stages": _pre_tokenizers.write(stages, part)}
    head["added"] = head["added_normalized"] = NONE
    head["post"], more = _post.write(At({}), part)
    return finish(part, head, model, [*ranks.values(), *more])


def finish(part: Part, head: dict[str, Any], model: Model, more: list[int]) -> bytes:
    bound = max([*model.ids.values(), model.size, *more]) + 1
    if bound > IDS_MAX:
        raise TokenizerError(f"$: ids up to {bound - 1}, at most {IDS_MAX - 1} are possible")
    head = {
        **head,
        "id_bound": bound,
        "word_class": part.character_class(_tables.members("regex_word")),
        "space_class": part.character_class(_tables.members("regex_space")),
        "model": model.section,
    }
    head["kinds"] = part.kinds()
    return part.finish(head)


def normalizer(part: Part, head: dict[str, int], model: Model) -> Callable[[str], str]:
    """What the normalizer makes of a text, by the engine itself: a part with no added token so far."""
    made: list[Tokenizer] = []

    def normalize(text: str) -> str:
        if not made:
            copy = Part()
            copy.sections, copy.known, copy.classes = list(part.sections), dict(part.known), dict(part.classes)
            post, _ = _post.write(At({}), copy)
            made.append(
                Tokenizer(finish(copy, {**head, "added": NONE, "added_normalized": NONE, "post": post}, model, []))
            )
        return made[0].normalize(text)

    return normalize
