"""Makes python/assay/_tokenizers/characters.bin: what the Rust crates behind the `tokenizers` package say of every code
point. Needs cargo; run it when the crates' versions change, and tests/test_tokenizer_tables.py afterwards.

    python tools/tokenizer_tables/pack.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "python" / "assay" / "_tokenizers" / "characters.bin"
CATEGORIES = (  # in the order of engine/text/precompiled.c
    "Any CR Control Extend Extended_Pictographic InCB_Consonant L LF LV LVT Prepend Regional_Indicator SpacingMark T V "
    "ZWJ"
)


def source_of(crate: str) -> Path:
    version = re.search(rf'name = "{crate}"\nversion = "(.*?)"', (HERE / "Cargo.lock").read_text())
    found = list((Path.home() / ".cargo" / "registry" / "src").glob(f"*/{crate}-{version[1] if version else 0}/src"))
    if not found:
        sys.exit(f"{crate} is not in cargo's registry; run `cargo fetch` in {HERE}")
    return found[-1]


def character(text: str) -> int:
    match = re.fullmatch(r"\\u\{([0-9a-fA-F]+)\}", text)
    return int(match[1], 16) if match else ord(text.encode().decode("unicode_escape"))


def scripts() -> str:
    text = (source_of("tokenizers") / "pre_tokenizers" / "unicode_scripts" / "scripts.rs").read_text()
    found = re.findall(r"(0x[0-9A-Fa-f]+)(?:\.\.=(0x[0-9A-Fa-f]+))? => Script::(\w+)", text)
    return " ".join(f"{int(a, 16):x}-{int(b or a, 16):x}={name}" for a, b, name in found)


def graphemes() -> str:
    text = (source_of("unicode-segmentation") / "tables.rs").read_text()
    table = text[text.index("const grapheme_cat_table") :]
    table = table[: table.index("];")]
    found = re.findall(r"\('([^']+)',\s*'([^']+)',\s*GC_(\w+)\)", table)
    return " ".join(f"{character(a):x}-{character(b):x}={CATEGORIES.split().index(name):x}" for a, b, name in found)


def extending() -> str:
    text = (source_of("unicode-segmentation") / "tables.rs").read_text()
    table = text[text.index("const InCB_Extend_table") :]
    table = table[: table.index("];")]
    return " ".join(f"{character(a):x}-{character(b):x}" for a, b in re.findall(r"\('([^']+)',\s*'([^']+)'\)", table))


def linkers() -> str:
    text = (source_of("unicode-segmentation") / "tables.rs").read_text()
    body = text[text.index("pub fn is_incb_linker") :]
    body = body[: body.index("\n}")]
    return " ".join(f"{character(a):x}-{character(a):x}" for a in re.findall(r"'([^']+)'", body))


def main() -> None:
    subprocess.run(["cargo", "build", "--release"], cwd=HERE, check=True)
    tables = subprocess.run([HERE / "target/release/tokenizer-tables"], check=True, capture_output=True, text=True)
    lines = tables.stdout.splitlines()
    lines += [f"ranges scripts {scripts()}", f"ranges graphemes {graphemes()}"]
    lines += [f"class incb_extend {extending()}", f"class incb_linker {linkers()}"]
    TARGET.write_bytes(zlib.compress("\n".join(lines).encode(), 9))
    print(f"{TARGET}: {len(lines)} tables, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
