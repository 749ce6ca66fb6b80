"""Whether bytes are whole UBJSON: XGBoost itself reads beyond the end of a file that was cut, and crashes."""

from __future__ import annotations

from ._part import ModelError

SIZES = {b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8}
DEPTH_MAX = 100


class _Check:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def fail(self, expected: str) -> ModelError:
        return ModelError(f"byte {self.at} of {len(self.data)}: expected {expected}", "save the model again")

    def skip(self, size: int) -> None:
        if size < 0 or size > len(self.data) - self.at:
            raise self.fail(f"{size} bytes more")
        self.at += size

    def marker(self) -> bytes:
        self.skip(1)
        return self.data[self.at - 1 : self.at]

    def is_next(self, marker: bytes) -> bool:
        if self.data[self.at : self.at + 1] != marker:
            return False
        self.at += 1
        return True

    def count(self) -> int:
        kind = self.marker()
        if kind not in (b"i", b"U", b"I", b"l", b"L"):
            raise self.fail("a length")
        start = self.at
        self.skip(SIZES[kind])
        return int.from_bytes(self.data[start : self.at], "big", signed=kind != b"U")

    def value(self, kind: bytes, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise self.fail(f"at most {DEPTH_MAX} values in each other")
        if kind in SIZES:
            self.skip(SIZES[kind])
        elif kind in (b"S", b"H"):
            self.skip(self.count())
        elif kind in (b"[", b"{"):
            self.items(b"]" if kind == b"[" else b"}", depth + 1)
        else:
            raise self.fail("a UBJSON value")

    def items(self, end: bytes, depth: int) -> None:
        kind = self.marker() if self.is_next(b"$") else b""
        count = self.count() if self.is_next(b"#") else -1
        if kind in SIZES and end == b"]" and count >= 0:
            self.skip(SIZES[kind] * count)
            return
        done = 0
        while done != count and not (count < 0 and self.is_next(end)):
            if end == b"}":
                self.skip(self.count())
            self.value(kind or self.marker(), depth)
            done += 1


def check(data: bytes) -> None:
    """Raises ModelError, which names the byte."""
    whole = _Check(data)
    whole.value(whole.marker(), 0)
