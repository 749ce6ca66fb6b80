"""Python's regular expressions as PCRE2 patterns of the same meaning.

A pattern is parsed by Python's own parser, and what that gives is written anew: nothing of the user's text reaches
PCRE2. What one character may be (a class, a literal that ignores case) is not translated but tried: Python's engine is
asked about every code point, so \\w, \\d, \\s and letter case are those of the Python that builds. Two patterns are
written: one for texts of ASCII alone, whose classes are small, and one for all others.

Where that makes the pattern too large, each large class is written once, as a group behind the pattern that is called.

What PCRE2 cannot be made to mean is refused (CannotTranslate), with the way out.
"""

from __future__ import annotations

import re
import struct
import sys
from functools import lru_cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

PATTERN_TAG = 28
GROUPS_MAX = 99
REPEAT_MAX = 65535
PATTERN_BYTES_MAX = 60000
SHARED_BYTES = 300  # a class shorter than this is written where it stands
TYPE_FLAGS = re.ASCII | re.LOCALE | re.UNICODE
LAST = 0x110000
SURROGATES = (0xD800, 0xDFFF)
Ranges = tuple[tuple[int, int], ...]


class CannotTranslate(Exception):
    """The pattern has no counterpart."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


@lru_cache(maxsize=1)
def _every() -> str:
    low, high = SURROGATES
    return "".join(map(chr, range(low))) + "".join(map(chr, range(high + 1, LAST)))


def _code_point(at: int) -> int:
    low, high = SURROGATES
    return at if at < low else at + high + 1 - low


@lru_cache(maxsize=512)
def _matched(node: str, flags: int, key: Any) -> Ranges:
    """The code points that an item of one character matches; `key` is the item, `node` its text (what is cached by)."""
    state = _parser.State()
    state.flags = flags
    state.str = ""
    item = _parser.SubPattern(state, [_thaw(key)])
    run = _parser.SubPattern(state, [(_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, item))])
    found = []
    low, high = SURROGATES
    for match in _compiler.compile(run, flags).finditer(_every()):
        first, last = _code_point(match.start()), _code_point(match.end() - 1)
        if first < low and last > high:
            found += [(first, low - 1), (high + 1, last)]
        else:
            found.append((first, last))
    return tuple(found)


def _frozen(node: Any) -> Any:
    return tuple(_frozen(part) for part in node) if isinstance(node, list | tuple) else node


def _thaw(key: Any) -> Any:
    """A set's items are a list in Python's tree."""
    return (key[0], list(key[1])) if key[0] is _constants.IN else key


class Translator:
    """Writes one of the two patterns."""

    def __init__(self, ascii_only: bool, marks: bool, shared_from: int = 0):
        self.ascii_only = ascii_only
        self.marks = marks
        self.shared_from = shared_from  # the number of the first group that holds a large class; 0: none does
        self.shared: list[str] = []
        self.nothing = r"[^\x00-\xff]" if ascii_only else r"[^\x{0}-\x{10ffff}]"

    def sequence(self, items: Any, flags: int) -> str:
        return "".join(self.item(op, av, flags) for op, av in items)

    def one(self, op: Any, av: Any, flags: int) -> str:
        """What matches one character."""
        key = _frozen((op, av))
        return self.ranges(_matched(repr(key), flags, key))

    def ranges(self, ranges: Ranges) -> str:
        most = 0x7F if self.ascii_only else LAST - 1
        kept = [(low, min(high, most)) for low, high in ranges if low <= most]
        if not kept:
            return self.nothing
        if len(kept) == 1 and kept[0][0] == kept[0][1]:
            return _character(kept[0][0])
        text = "[" + "".join(_character(a) if a == b else f"{_character(a)}-{_character(b)}" for a, b in kept) + "]"
        if not self.shared_from or len(text) < SHARED_BYTES:
            return text
        if text not in self.shared:
            self.shared.append(text)
        return f"(?{self.shared_from + self.shared.index(text)})"

    def definitions(self) -> str:
        """The groups of the shared classes, for the pattern's end: they match nothing there."""
        return "(?(DEFINE)" + "".join(f"({text})" for text in self.shared) + ")" if self.shared else ""

    def item(self, op: Any, av: Any, flags: int) -> str:
        name = str(op)
        if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            return self.one(op, av, flags)
        method = getattr(self, f"item_{name}", None)
        if method is None:
            raise CannotTranslate(f"{name} in a pattern is not available")
        made: str = method(av, flags)
        return made

    def item_FAILURE(self, av: Any, flags: int) -> str:
        return "(?!)"

    def item_BRANCH(self, av: Any, flags: int) -> str:
        return "(?:" + "|".join(self.sequence(branch, flags) for branch in av[1]) + ")"

    def item_SUBPATTERN(self, av: Any, flags: int) -> str:
        group, add, remove, inner = av
        if add & TYPE_FLAGS:
            flags &= ~TYPE_FLAGS
        text = self.sequence(inner, (flags | add) & ~remove)
        if group is None:
            return f"(?:{text})"
        return f"(?:({text})(*MARK:{group}))" if self.marks else f"({text})"

    def repeat(self, av: Any, flags: int, suffix: str) -> str:
        least, most, inner = av
        unbounded = most is _constants.MAXREPEAT or most == _constants.MAXREPEAT
        if least > REPEAT_MAX or (not unbounded and most > REPEAT_MAX):
            raise CannotTranslate(f"a repeat of more than {REPEAT_MAX:,}", "test the length of the text with len()")
        text = self.sequence(inner, flags)
        if len(inner) != 1 or str(inner[0][0]) not in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            text = f"(?:{text})"
        return f"{text}{{{least},{'' if unbounded else most}}}{suffix}"

    def item_MAX_REPEAT(self, av: Any, flags: int) -> str:
        return self.repeat(av, flags, "")

    def item_MIN_REPEAT(self, av: Any, flags: int) -> str:
        return self.repeat(av, flags, "?")

    def item_POSSESSIVE_REPEAT(self, av: Any, flags: int) -> str:
        return f"(?>{self.repeat(av, flags, '')})"

    def item_ATOMIC_GROUP(self, av: Any, flags: int) -> str:
        return f"(?>{self.sequence(av, flags)})"

    def item_ASSERT(self, av: Any, flags: int) -> str:
        direction, inner = av
        return f"(?{'=' if direction > 0 else '<='}{self.sequence(inner, flags)})"

    def item_ASSERT_NOT(self, av: Any, flags: int) -> str:
        direction, inner = av
        return f"(?{'!' if direction > 0 else '<!'}{self.sequence(inner, flags)})"

    def item_GROUPREF(self, av: Any, flags: int) -> str:
        if flags & re.IGNORECASE:
            raise CannotTranslate(
                "a reference to a group that ignores case", "s.lower() first, and a pattern that does not ignore case"
            )
        return f"\\g{{{av}}}"

    def item_GROUPREF_EXISTS(self, av: Any, flags: int) -> str:
        group, yes, no = av
        other = "" if no is None else "|" + self.branch(no, flags)
        return f"(?({group}){self.branch(yes, flags)}{other})"

    def branch(self, items: Any, flags: int) -> str:
        return f"(?:{self.sequence(items, flags)})"

    def item_AT(self, av: Any, flags: int) -> str:
        name = str(av)
        many = flags & re.MULTILINE
        if name == "AT_BEGINNING":
            return r"(?:\A|(?<=\n))" if many else r"\A"
        if name == "AT_END":
            return r"(?=\n|\z)" if many else r"(?=\n?\z)"
        if name in ("AT_BEGINNING_STRING", "AT_END_STRING"):
            return r"\A" if name == "AT_BEGINNING_STRING" else r"\z"
        word = self.one(_constants.IN, ((_constants.CATEGORY, _constants.CATEGORY_WORD),), flags & ~re.IGNORECASE)
        if name == "AT_BOUNDARY":
            return r"\b" if self.ascii_only else f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        inside = r"\B" if self.ascii_only else f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
        return inside if sys.version_info >= (3, 14) else rf"(?!\A\z){inside}"  # of "" it was neither, until 3.14


def _character(code: int) -> str:
    text = chr(code)
    return text if code < 128 and text.isalnum() else f"\\x{{{code:x}}}"


def _walk(items: Any, inside: bool, groups: list[tuple[int, bool]], names: set[str]) -> None:
    """The groups in the order in which they close, and whether each stands in what may run more than once or apart."""
    for op, av in items:
        name = str(op)
        names.add(name)
        if name == "SUBPATTERN":
            _walk(av[3], inside, groups, names)
            if av[0] is not None:
                groups.append((av[0], inside))
        elif name == "BRANCH":
            for branch in av[1]:
                _walk(branch, inside, groups, names)
        elif name.endswith("REPEAT"):
            _walk(av[2], True, groups, names)
        elif name in ("ASSERT", "ASSERT_NOT"):
            _walk(av[1], True, groups, names)
        elif name == "ATOMIC_GROUP":
            _walk(av, inside, groups, names)
        elif name == "GROUPREF_EXISTS":
            for branch in av[1:]:
                _walk(branch or [], inside, groups, names)


def _text(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise CannotTranslate("a lone surrogate in a pattern") from None
    return struct.pack("<I", len(data)) + data


@lru_cache(maxsize=256)
def freeze_pattern(pattern: re.Pattern[str]) -> bytes:
    """A compiled pattern as a constant of the engine's. Raises CannotTranslate."""
    if not isinstance(pattern.pattern, str):
        raise CannotTranslate("a pattern for bytes is not available", "decode the bytes, and a pattern for str")
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    flags = tree.state.flags
    groups: list[tuple[int, bool]] = []
    _walk(tree, False, groups, set())
    if len(groups) > GROUPS_MAX:
        raise CannotTranslate(f"a pattern of more than {GROUPS_MAX} groups", "(?:...) groups without a number")
    marks = any(inside for _, inside in groups)
    written = []
    for ascii_only in (True, False):
        text = Translator(ascii_only, marks).sequence(tree, flags)
        if len(text) > PATTERN_BYTES_MAX:  # each large class once, which matches slower
            translator = Translator(ascii_only, marks, pattern.groups + 1)
            text = translator.sequence(tree, flags) + translator.definitions()
            if pattern.groups + len(translator.shared) > GROUPS_MAX:
                raise CannotTranslate(f"a pattern of more than {GROUPS_MAX} groups", "(?:...) groups without a number")
        if len(text) > PATTERN_BYTES_MAX:
            raise CannotTranslate(
                "a pattern too large: \\w, \\d, \\s and \\b stand for many characters", "re.ASCII, or [a-z0-9]"
            )
        written.append(text)
    order = {group: at for at, (group, _) in enumerate(groups, 1)}
    closing = b"".join(struct.pack("<I", 0 if marks else order[at]) for at in range(1, pattern.groups + 1))
    names = sorted(pattern.groupindex.items(), key=lambda pair: pair[1])
    data = struct.pack("<BIII", PATTERN_TAG, pattern.flags, pattern.groups, len(names)) + closing
    data += b"".join(struct.pack("<I", number) + _text(name) for name, number in names)
    return data + _text(pattern.pattern) + _text(written[0]) + _text(written[1])


def template(pattern: re.Pattern[str], text: str) -> list[str | int]:
    """A replacement: literals and groups' numbers. Raises re.error and IndexError as Python does."""
    parsed: Any = _parser.parse_template(text, pattern)  # 3.12: a list; before: groups by place, literals
    if isinstance(parsed, tuple):
        groups, literals = parsed
        parts = list(literals)
        for at, group in groups:
            parts[at] = group
        return [part for part in parts if part != ""]
    return [part for part in parsed if part != ""]
