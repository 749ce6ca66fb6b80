"""Post-processors, truncation and padding, flattened (engine/text/post.c)."""

from __future__ import annotations

import struct

from ._errors import At
from ._part import NONE, POST, Part

OWN = NONE
Parts = list[list[int]]  # encodings, as the package hands them from one processor to the next
KINDS = ("BertProcessing", "RobertaProcessing", "ByteLevel", "TemplateProcessing", "Sequence")


def token_id(at: At) -> int:
    pair = at.items()
    if len(pair) != 2:
        raise at.fail("expected [token, id]")
    return pair[1].number(NONE - 1)


def template(at: At) -> Parts:
    found: Parts = []
    for piece in at.get("single").items():
        if piece.has("Sequence"):
            if piece.get("Sequence").get("id").choice(("A", "B")) == "B":
                raise piece.fail("the template for one text names the second", "the package fails with it")
            found.append([OWN])
            continue
        name = piece.get("SpecialToken").get("id")
        tokens = at.get("special_tokens")
        if name.text() not in tokens.value:
            raise name.fail(f"{name.text()!r} is not among the special_tokens", "the package fails with it")
        found.append([each.number(NONE - 1) for each in tokens.get(name.text()).get("ids").items()])
    return found


def around(at: At, parts: Parts, depth: int = 0) -> tuple[Parts, int]:
    """(the parts with what a processor adds, how many tokens truncation leaves room for)."""
    name = at.get("type").choice(KINDS)
    if name == "ByteLevel":
        return parts, 0
    if name == "Sequence":
        if depth == 16:
            raise at.fail("sequences nested deeper than 16")
        room = 0
        for each in at.get("processors").items():
            parts, more = around(each, parts, depth + 1)
            room += more
        return parts, room
    if name == "TemplateProcessing":
        if len(parts) != 1:
            raise at.fail("a TemplateProcessing behind another one that has cut the text is not supported")
        new = template(at)
        return [parts[0] if part == [OWN] else part for part in new], sum(len(part) for part in new if part != [OWN])
    first, last = token_id(at.get("cls")), token_id(at.get("sep"))
    before = [last] if name == "RobertaProcessing" else []
    return [[*([first] if n == 0 else before), *part, last] for n, part in enumerate(parts)], 2


def truncation(at: At, room: int) -> tuple[int, int, int]:
    if at.value is None:
        return NONE, NONE, 0
    direction = at.get("direction").choice(("Left", "Right")) if at.has("direction") else "Right"
    if at.get("strategy").choice(("LongestFirst", "OnlyFirst", "OnlySecond")) == "OnlySecond":
        raise at.get("strategy").fail("there is no second text", "LongestFirst or OnlyFirst")
    most, stride = at.get("max_length").number(NONE - 1), at.get("stride").number()
    if most < room or (most > room and stride >= most - room):
        raise at.fail(
            f"max_length {most} leaves no room beside {room} special tokens and a stride of {stride}",
            "the package fails with it",
        )
    return most - room, most, int(direction == "Left")


def padding(at: At) -> tuple[int, int, int, int]:
    if at.value is None:
        return NONE, 0, 0, 0
    strategy = at.get("strategy")
    to = strategy.get("Fixed").number(1 << 20) if isinstance(strategy.value, dict) else 0
    if not isinstance(strategy.value, dict):
        strategy.choice(("BatchLongest",))
    multiple = at.get("pad_to_multiple_of").number(1 << 20) if at.has("pad_to_multiple_of") else 0
    left = at.get("direction").choice(("Left", "Right")) == "Left"
    if isinstance(strategy.value, dict) and to == 0:
        return NONE, 0, 0, 0
    return to, multiple, at.get("pad_id").number(NONE - 1), int(left)


def write(file: At, part: Part) -> tuple[int, list[int]]:
    """The section, and the ids that it may add."""
    parts, room = [[OWN]], 0
    if file.has("post_processor"):
        parts, room = around(file.get("post_processor"), parts)
    pieces = [piece for part_ids in parts for piece in part_ids]
    if len(pieces) > 1024:
        raise file.get("post_processor").fail(f"{len(pieces)} pieces, at most 1024 are possible")
    cut = truncation(file.get("truncation"), room) if file.has("truncation") else (NONE, NONE, 0)
    pad = padding(file.get("padding")) if file.has("padding") else (NONE, 0, 0, 0)
    section = part.add(POST, struct.pack("<8I", *cut, *pad, len(pieces)) + part.numbers(*pieces))
    return section, [piece for piece in pieces if piece != OWN] + [pad[2]]
