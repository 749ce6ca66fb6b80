"""Added tokens: which ids they get (AddedVocabulary::add_tokens; the file's own ids only warn there), and the tries."""

from __future__ import annotations

from collections.abc import Callable

from ._errors import At
from ._models import Model
from ._part import ADDED, NONE, Part

SINGLE_WORD, LSTRIP, RSTRIP = 1, 2, 4
FLAGS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


def ids(added: list[At], model: Model) -> dict[int, At]:
    """The tokens by id, in the package's way: the model's id, else the next one."""
    by_content: dict[str, int] = {}
    by_id: dict[int, At] = {}
    following = model.size
    for token in added:
        content = token.get("content").text()
        if not content:
            continue
        known = by_content.get(content)
        if known is not None and all(by_id[known].value.get(f) == token.value.get(f) for f in FLAGS):
            continue
        id = known if known is not None else model.ids.get(content)
        if id is None:
            id = following
            following += 1
        by_content[content] = id
        by_id[id] = token
    return by_id


def write(tokens: dict[int, At], part: Part, normalize: Callable[[str], str]) -> tuple[int, int]:
    """The sections of tokens that are matched before, and after the normalizer."""
    sections = []
    for normalized in (False, True):
        keys: dict[bytes, int] = {}
        rows: list[int] = []
        for id, token in tokens.items():
            if token.flag("normalized") != normalized:
                continue
            content = token.get("content")
            text = normalize(content.text()) if normalized else content.text()
            key = text.encode()
            if not key:
                raise content.fail(
                    f"nothing is left of {content.text()!r} once it is normalized",
                    "the package then cuts texts anywhere: set normalized to false",
                )
            if key in keys:
                raise content.fail(
                    f"{content.text()!r} is the same as another added token once it is normalized",
                    "which of the two counts is left to chance in the package: take one of them out",
                )
            if len(key) > 2048:
                raise content.fail(f"{len(key)} bytes, at most 2048 are possible")
            keys[key] = len(rows) // 2
            flags = (SINGLE_WORD if token.flag("single_word") else 0) | (LSTRIP if token.flag("lstrip") else 0)
            rows += [id, flags | (RSTRIP if token.flag("rstrip") else 0)]
        payload = part.numbers(part.trie(keys), len(rows) // 2, *rows) if rows else b""
        sections.append(part.add(ADDED, payload) if rows else NONE)
    return sections[0], sections[1]
