"""Normalizers as steps (engine/text/normalize.c). What works on characters alone becomes maps, and each run of maps,
orderings and compositions one more map that stands for all of them where no character depends on its neighbours."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from . import _tables as tables
from ._errors import At, TokenizerError
from ._part import BYTES, CHARSMAP, PAIRS, STEPS, Part
from ._pattern import program

STEP_MAP, STEP_FUSED, STEP_ORDER, STEP_COMPOSE, STEP_STRIP, STEP_PREPEND, STEP_REPLACE, STEP_PRECOMPILED, STEP_BYTES = (
    range(9)
)
STEPS_MAX = 64
KINDS = [
    "BertNormalizer",
    "Strip",
    "StripAccents",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Sequence",
    "Lowercase",
    "Nmt",
    "Precompiled",
    "Replace",
    "Prepend",
    "ByteLevel",
]
HANGUL_SECONDS = ((0x1161, 0x1175), (0x11A8, 0x11C2))
CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


@dataclass
class Map:
    """Characters that become others; "" removes."""

    changes: dict[int, str]

    def apply(self, text: str) -> str:
        changes = self.changes
        return "".join([changes.get(ord(c), c) for c in text])


@dataclass
class Order:
    pass


@dataclass
class Compose:
    pass


@dataclass
class Fixed:
    """A step that is already in its form."""

    line: tuple[int, int, int, int]


Step = Map | Order | Compose | Fixed


def removed(ranges: Iterable[tuple[int, int]]) -> dict[int, str]:
    return {code: "" for low, high in ranges for code in range(low, high + 1)}


def bert(at: At) -> list[Step]:
    steps: list[Step] = []
    lowercase = at.flag("lowercase")
    if at.flag("clean_text"):
        kept = {9, 10, 13}
        changes = {c: "" for c in removed(tables.members("categories_other")) if c not in kept}
        changes.update({0: "", 0xFFFD: ""})
        spaces = {c for low, high in tables.members("rust_whitespace") for c in range(low, high + 1)} | kept
        changes.update({c: " " for c in spaces if c not in changes})
        changes.pop(0x20, None)
        steps.append(Map(changes))
    if at.flag("handle_chinese_chars"):
        steps.append(Map({c: f" {chr(c)} " for low, high in CHINESE for c in range(low, high + 1)}))
    if at.flag("strip_accents", lowercase):
        steps += [Map(tables.mapping("normal_canonical")), Order()]
        steps.append(Map(removed(tables.members("categories_mark_nonspacing"))))
    if lowercase:
        steps.append(Map(tables.mapping("rust_lowercase")))
    return steps


def nmt() -> Map:
    changes = removed(((1, 8), (0xB, 0xB), (0xE, 0x1F), (0x7F, 0x7F), (0x8F, 0x8F), (0x9F, 0x9F)))
    spaces = [9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]
    return Map({**changes, **dict.fromkeys(spaces, " ")})


def replace(at: At, part: Part) -> Step:
    pattern, content = at.get("pattern"), at.get("content").text()
    if pattern.has("String") and len(pattern.get("String").text()) == 1:
        return Map({ord(pattern.get("String").text()): content})
    content_section = part.add(BYTES, content.encode())
    return Fixed((STEP_REPLACE, program(pattern, part), content_section, 0))


def precompiled(at: At, part: Part) -> Step:
    charsmap = at.get("precompiled_charsmap")
    try:
        blob = base64.b64decode(charsmap.text(), validate=True)
        (size,) = struct.unpack_from("<I", blob)
        texts = blob[4 + size // 4 * 4 :]
        texts.decode()
        if len(blob) < 4 + size // 4 * 4:
            raise ValueError("cut short")
    except (binascii.Error, struct.error, ValueError) as error:
        raise charsmap.fail(f"not a character map of SentencePiece ({error})") from None
    units = blob[4 : 4 + size // 4 * 4]
    section = part.add(CHARSMAP, struct.pack("<II", len(units) // 4, len(texts)) + units + texts)
    values = {}
    for low, high, value in tables.valued("graphemes"):
        values.update(dict.fromkeys(range(low, high + 1), int(value, 16)))
    for name, bit in (("incb_extend", 16), ("incb_linker", 32)):
        for low, high in tables.members(name):
            values.update({code: values.get(code, 0) | bit for code in range(low, high + 1)})
    return Fixed((STEP_PRECOMPILED, section, part.property((c, c, v) for c, v in sorted(values.items())), 0))


def read(at: At, part: Part, depth: int = 0) -> list[Step]:
    """The steps of a normalizer."""
    kind = at.get("type")
    name = kind.choice(KINDS)
    if name == "Sequence":
        if depth == 16:
            raise at.fail("sequences nested deeper than 16")
        return [step for each in at.get("normalizers").items() for step in read(each, part, depth + 1)]
    if name == "BertNormalizer":
        return bert(at)
    if name in ("NFC", "NFD", "NFKC", "NFKD"):
        decomposed = Map(tables.mapping("normal_compatible" if "K" in name else "normal_canonical"))
        return [decomposed, Order(), *([Compose()] if name.endswith("C") else [])]
    if name == "Strip":
        sides = at.flag("strip_left") | at.flag("strip_right") << 1
        return [Fixed((STEP_STRIP, part.character_class(tables.members("rust_whitespace")), sides, 0))] if sides else []
    if name == "StripAccents":
        return [Map(removed(tables.members("normal_combining_mark")))]
    if name == "Lowercase":
        return [Map(tables.mapping("rust_lowercase"))]
    if name == "Nmt":
        return [nmt()]
    if name == "Replace":
        return [replace(at, part)]
    if name == "Prepend":
        text = at.get("prepend").text()
        return [Fixed((STEP_PREPEND, part.add(BYTES, text.encode()), 0, 0))] if text else []
    if name == "Precompiled":
        return [precompiled(at, part)]
    return [Fixed((STEP_BYTES, 0, 0, 0))]


class Fusion:
    """What a run of steps makes of single characters, and which depend on their neighbours."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.classes = tables.numbers("normal_class")
        self.pairs = tables.pairs()
        self.seconds = {second for _, second in self.pairs} | {
            c for low, high in HANGUL_SECONDS for c in range(low, high + 1)
        }

    def changes(self) -> dict[int, str | None]:
        codes: set[int] = set()
        for step in self.steps:
            if isinstance(step, Map):
                codes.update(step.changes)
            elif isinstance(step, Order):
                codes.update(self.classes)
            elif isinstance(step, Compose):
                codes.update(self.seconds)
        found: dict[int, str | None] = {}
        for code in codes:
            if 0xD800 <= code < 0xE000:
                continue
            to = self.one(chr(code))
            if to is None or to != chr(code):
                found[code] = to
        return found

    def one(self, text: str) -> str | None:
        for step in self.steps:
            if isinstance(step, Map):
                text = step.apply(text)
            elif text and self.touches(text, isinstance(step, Compose)):
                return None
            elif isinstance(step, Order):
                text = self.order(text)
            else:
                text = self.compose(text)
        return text

    def touches(self, text: str, composing: bool) -> bool:
        """Whether its beginning may join what is before it."""
        first = ord(text[0])
        return first in self.classes or (composing and first in self.seconds)

    def order(self, text: str) -> str:
        if len(text) < 3:
            return text
        codes = [ord(c) for c in text]
        start = 0
        while start < len(codes):
            end = start
            while end < len(codes) and codes[end] in self.classes:
                end += 1
            codes[start:end] = sorted(codes[start:end], key=lambda c: self.classes[c])
            start = end + 1
        return "".join(map(chr, codes))

    def compose(self, text: str) -> str:
        out: list[int] = []
        starter, last = -1, 0
        for c in text:
            code = ord(c)
            own = self.classes.get(code, 0)
            if starter >= 0 and (last == 0 or last < own):
                composed = self.pair(out[starter], code)
                if composed:
                    out[starter] = composed
                    continue
            if own == 0:
                starter, last = len(out), 0
            elif starter >= 0:
                last = own
            out.append(code)
        return "".join(map(chr, out))

    def pair(self, first: int, second: int) -> int:
        if 0x1100 <= first < 0x1113 and 0x1161 <= second < 0x1176:
            return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28
        if 0xAC00 <= first < 0xD7A4 and (first - 0xAC00) % 28 == 0 and 0x11A7 < second < 0x11C3:
            return first + second - 0x11A7
        return self.pairs.get((first, second), 0)


def write(steps: list[Step], part: Part) -> int:
    """The section of the steps."""
    lines: list[tuple[int, int, int, int]] = []
    at = 0
    while at < len(steps):
        end = at
        while end < len(steps) and not isinstance(steps[end], Fixed):
            end += 1
        run = steps[at:end]
        if len(run) > 1:
            lines.append((STEP_FUSED, part.map(Fusion(run).changes()), len(run), 0))
        lines += [line(step, part) for step in (run or steps[at : at + 1])]
        at = max(end, at + 1)
    if len(lines) > STEPS_MAX:
        raise TokenizerError(f"$.normalizer: {len(lines)} steps, at most {STEPS_MAX} are possible")
    return part.add(STEPS, b"".join(struct.pack("<4I", *each) for each in lines))


def line(step: Step, part: Part) -> tuple[int, int, int, int]:
    if isinstance(step, Fixed):
        return step.line
    if isinstance(step, Map):
        changes: dict[int, str | None] = dict(step.changes)
        return (STEP_MAP, part.map(changes), 0, 0)
    order = part.property((c, c, v) for c, v in sorted(tables.numbers("normal_class").items()))
    if isinstance(step, Order):
        return (STEP_ORDER, order, 0, 0)
    pairs = sorted((second, first, composed) for (first, second), composed in tables.pairs().items())
    blob = b"".join(struct.pack("<3I", first, second, composed) for second, first, composed in pairs)
    return (STEP_COMPOSE, order, part.add(PAIRS, blob), 0)
