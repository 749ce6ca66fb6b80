"""Writes the seed inputs of engine/bundle_fuzz.c from a definition: python tools/bundle_corpus.py FILE.py NAME

`NAME-parts` holds the parts that no hash protects, `NAME-file` the whole bundle file. Run again when the format
changes.
"""

from __future__ import annotations

import sqlite3
import struct
import sys
import tempfile
from pathlib import Path

from assay._compile import build

NAMES = ["plan.json", "code.bin", "position.bin", "constant.bin", "unicode.bin", "model/risk", "golden/risk"]
FOLDER = Path(__file__).resolve().parent.parent / "engine" / "bundle_corpus"


def main(definition: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "x.assay"
        build(Path(definition), bundle)
        whole = bundle.read_bytes()
        with sqlite3.connect(bundle) as database:
            parts = dict(database.execute("select name, bytes from part"))
    framed = b"\x01"
    for number, part in enumerate(NAMES):
        if part in parts:
            framed += struct.pack("<BI", number, len(parts[part])) + parts[part]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}-parts").write_bytes(framed)
    (FOLDER / f"{name}-file").write_bytes(b"\x00" + whole)


if __name__ == "__main__":
    main(*sys.argv[1:])
