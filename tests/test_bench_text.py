"""What bench/text.py makes of what it measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import text_section

pytest.importorskip("tokenizers", reason="the tokenizers package is not installed (pip install '.[test]')")


def measured(ns: float, same: int = 10) -> dict[str, Any]:
    one = {"ns": ns, "least": ns, "same": same, "of": 10, "tokens": 20.0}
    return {"memos": one, "mixed": one | {"ns": 2 * ns}}


def result(**systems: dict[str, Any]) -> dict[str, Any]:
    return {
        "strings": 10,
        "bytes": {"memos": 100.0, "mixed": 125.0},
        "kinds": {"bpe": {"told": "BPE", "systems": systems}},
        "hostile": {"bpe": [{"case": "'a' repeated", "ns": 90.0, "times": 30.0}]},
    }


def test_a_time_is_shown_only_where_all_ids_agree() -> None:
    text = "\n".join(text_section.section(result(assay=measured(1000), tokenizers=measured(9000, same=9))))
    assert "| Assay | 1.00 | 1.0x | 10 of 10 |" in text
    assert "| tokenizers (Rust), `encode` | other ids | - | 9 of 10 |" in text


def test_ratios_are_of_the_same_text_and_mixed_text_is_judged_by_the_byte() -> None:
    text = "\n".join(text_section.section(result(assay=measured(1000), tokenizers=measured(9000))))
    assert "| 9.00 | 9.0x | 10 of 10 | 18.00 | 9.0x |" in text
    assert "1.6 times a byte of ASCII, 2.0 times a string" in text


def test_nothing_is_compared_with_an_engine_that_has_other_ids() -> None:
    text = "\n".join(text_section.section(result(assay=measured(1000, same=9), tokenizers=measured(9000))))
    assert "| tokenizers (Rust), `encode` | 9.00 | - |" in text


def test_slow_hostile_text_is_counted() -> None:
    text = "\n".join(text_section.section(result(assay=measured(1000))))
    assert "| bpe | 'a' repeated | 90.0 | 30.0x |" in text
    assert "| bpe | above 20x | 1 of 1 |" in text


def test_the_section_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    import text as bench_text

    file = tmp_path / "RESULTS.md"
    file.write_text("# R\n\n## Text\n\nold\n\n## Machine\n\nm\n", encoding="utf-8")
    bench_text.put_section(["## Text", "", "new", ""], file)
    assert file.read_text(encoding="utf-8") == "# R\n\n## Text\n\nnew\n\n## Machine\n\nm\n"


def test_strings_are_written_as_the_peers_read_them(tmp_path: Path) -> None:
    import text as bench_text

    bench_text.write_strings(tmp_path / "s", ["é\n", ""])
    assert (tmp_path / "s").read_bytes() == b"\x03\0\0\0" + "é\n".encode() + b"\0\0\0\0"
