"""The character tables of the running Python, as the engine reads them: part "unicode.bin" (engine/code/unicode.h).

What str methods do with each code point is asked of str itself, so the engine follows this very Python. Made once per
Python and kept in the user's cache folder.
"""

import contextlib
import datetime
import os
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path

_FORMAT = 1
_MAGIC = 0x44435541  # "AUCD"
_BLOCK = 128
_CODE_POINTS = 0x110000
_NO_DECIMAL = 255

# Flag bits, in the header's order; the three that follow say which mappings are several code points.
_TESTS = (
    str.isalpha,
    str.isdecimal,
    str.isdigit,
    str.isnumeric,
    str.isspace,
    str.isprintable,
    str.islower,
    str.isupper,
)
_TITLE, _CASED, _IGNORABLE, _XID_START, _XID_CONTINUE = (1 << bit for bit in range(8, 13))
_SPECIAL_LOWER, _SPECIAL_UPPER, _SPECIAL_TITLE = 1 << 13, 1 << 14, 1 << 15

_Record = tuple[int, int, int, int, int, int, int]


def _flags(c: str) -> int:
    flags = sum(1 << bit for bit, test in enumerate(_TESTS) if test(c))
    if c.istitle() and not c.isupper():
        flags |= _TITLE
    # Not shown by any method of one character; what follows a cased character is lowered by title(), and a capital
    # sigma is final after a cased character, with case-ignorable ones skipped.
    cased = (c + "a").title().endswith("a")
    final_after_letter = ("A" + c + "\u03a3").lower().endswith("\u03c2")
    final_alone = (c + "\u03a3").lower().endswith("\u03c2")
    if cased:
        flags |= _CASED
    if final_after_letter and not final_alone:
        flags |= _IGNORABLE
    if c.isidentifier() and c != "_":
        flags |= _XID_START
    if ("a" + c).isidentifier():
        flags |= _XID_CONTINUE
    return flags


class _Specials:
    """Mappings to several code points, each stored once."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.words)
            self.words += [len(text), *map(ord, text)]
        return self._places[text]


def _record(code_point: int, specials: _Specials) -> _Record:
    c = chr(code_point)
    flags = _flags(c)
    mapped: list[int] = []
    special_fold = 0
    for text, bit in (
        (c.lower(), _SPECIAL_LOWER),
        (c.upper(), _SPECIAL_UPPER),
        (c.title(), _SPECIAL_TITLE),
        (c.casefold(), 0),
    ):
        if len(text) == 1:
            mapped.append(ord(text) - code_point)
            continue
        mapped.append(specials.place(text))
        flags |= bit
        special_fold |= bit == 0
    lower, upper, title, fold = mapped
    return flags, unicodedata.decimal(c, _NO_DECIMAL), special_fold, lower, upper, title, fold


def _generate() -> bytes:
    specials = _Specials()
    records: dict[_Record, int] = {}
    blocks: dict[tuple[int, ...], int] = {}
    index: list[int] = []
    unassigned = records.setdefault(_record(0xFFFF, specials), len(records))
    category = unicodedata.category
    for start in range(0, _CODE_POINTS, _BLOCK):
        entries: list[int] = []
        for code_point in range(start, start + _BLOCK):
            # Unassigned, private and surrogate code points have no letters' properties: asked once, for U+FFFF.
            if category(chr(code_point)) in ("Cn", "Co", "Cs"):
                entries.append(unassigned)
            else:
                entries.append(records.setdefault(_record(code_point, specials), len(records)))
        index.append(blocks.setdefault(tuple(entries), len(blocks)))
    header = struct.pack("<8I", _MAGIC, _FORMAT, len(records), len(blocks), len(specials.words), 0, 0, 0)
    parts = [header]
    parts += [struct.pack("<HBB4i", *record) for record in records]
    parts.append(struct.pack(f"<{len(index)}H", *index))
    parts += [struct.pack(f"<{_BLOCK}H", *block) for block in blocks]
    parts.append(struct.pack(f"<{len(specials.words)}I", *specials.words))
    return b"".join(parts)


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    python = f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return Path(base) / "assay" / f"unicode-{_FORMAT}-{python}-{unicodedata.unidata_version}.bin"


def _looks_whole(data: bytes) -> bool:
    if len(data) < 32:
        return False
    magic, form, records, blocks, words = struct.unpack_from("<5I", data)
    size = 32 + 20 * records + 2 * (_CODE_POINTS // _BLOCK) + 2 * _BLOCK * blocks + 4 * words
    return bool(magic == _MAGIC and form == _FORMAT and len(data) == size)


def _store(path: Path, data: bytes) -> None:
    """Atomically: another process sees the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink()
        raise


def _behaviour() -> int:
    """Where versions of Python differ in what is not characters: bits of `enum python` in the header."""
    colon_z = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC).strftime("%:z") == "+00:00"
    return colon_z + 2 * _is_refused("2021 53 1", "%G %V %u") + 4 * _is_refused("2021 2021", "%Y %G")


def _is_refused(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)
    except ValueError:
        return True
    return False


def tables() -> bytes:
    """The tables of the running Python, from the cache if they are there, and how it behaves."""
    data = _tables()
    return data[:20] + struct.pack("<I", _behaviour()) + data[24:]


def _tables() -> bytes:
    path = _cache_file()
    try:
        data = path.read_bytes()
        if _looks_whole(data):
            return data
    except OSError:
        pass
    data = _generate()
    with contextlib.suppress(OSError):  # a cache that cannot be written costs two seconds at the next build
        _store(path, data)
    return data
