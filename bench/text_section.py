"""The section "Text" of RESULTS.md, from what text.py measured."""

from __future__ import annotations

from typing import Any

from tables import table

HOSTILE_LIMIT = 20.0  # times the nanoseconds a byte of ordinary memos
MIXED_LIMIT = 2.0
WORST = 5  # cases shown

LABELS = {
    "assay": "Assay",
    "tokenizers": "tokenizers (Rust), `encode`",
    "tokenizers-fast": "tokenizers (Rust), `encode_fast`",
    "tokenizers-python": "tokenizers (Python)",
    "tiktoken": "tiktoken-rs (Rust)",
    "tiktoken-python": "tiktoken (Python)",
    "bpe-openai": "bpe-openai (Rust)",
    "rs-bpe": "rs-bpe (Python)",
    "blingfire": "BlingFire (C++)",
}


def us(one: dict[str, Any]) -> str:
    return f"{one['ns'] / 1000:.2f}" if one["same"] == one["of"] else "other ids"


def kind_rows(systems: dict[str, Any]) -> list[list[str]]:
    ours = systems.get("assay")
    rows = []
    for system, by_text in systems.items():
        row = [LABELS[system]]
        for name in ("memos", "mixed"):
            one = by_text[name]
            comparable = ours is not None and one["same"] == one["of"] and ours[name]["same"] == ours[name]["of"]
            times = f"{one['ns'] / ours[name]['ns']:.1f}x" if comparable and ours is not None else "-"
            row += [us(one), times, f"{one['same']:,} of {one['of']:,}"]
        rows.append(row)
    return rows


def section(result: Any) -> list[str]:
    lines = ["## Text", ""]
    if result is None:
        return [*lines, "Not measured: `make bench-text` does it.", ""]
    memo, mixed = (f"{result['bytes'][name]:.0f} bytes each" for name in ("memos", "mixed"))
    lines += [
        f"{result['strings']:,} memos of 5 to 25 words ({memo}), and as many in which three words of ten are in other "
        f"scripts ({mixed}): microseconds of one thread for a string, another string each call, special tokens added; "
        "medians of one run in which systems took turns. A time is shown where all ids are those of the `tokenizers` "
        "package (BlingFire's: without the special tokens, which it lacks).",
        "",
    ]
    for kind in result["kinds"].values():
        lines += [f"**{kind['told']}**", ""]
        head = ["", "memo, us", "times Assay's", "same ids", "mixed, us", "times Assay's", "same ids"]
        lines += table(head, kind_rows(kind["systems"]))
        ours = kind["systems"].get("assay")
        if ours is not None:
            ratio = ours["mixed"]["ns"] / result["bytes"]["mixed"] / (ours["memos"]["ns"] / result["bytes"]["memos"])
            string = ours["mixed"]["ns"] / ours["memos"]["ns"]
            met = "met" if ratio <= MIXED_LIMIT else "missed"
            lines += [
                f"Assay: mixed text costs {ratio:.1f} times a byte of ASCII, {string:.1f} times a string "
                f"(goal: at most {MIXED_LIMIT:.0f} a byte: {met}); {ours['memos']['tokens']:.1f} tokens a memo.",
                "",
            ]
    return lines + hostile_lines(result["hostile"])


def hostile_lines(hostile: dict[str, Any]) -> list[str]:
    if not hostile:
        return []
    lines = ["64 KiB of hostile text, Assay, nanoseconds a byte and times those of a memo; the slowest of each:", ""]
    rows = []
    for kind, cases in hostile.items():
        slow = sum(row["times"] > HOSTILE_LIMIT for row in cases)
        for row in cases[:WORST]:
            rows.append([kind, row["case"].replace("|", "\\|"), f"{row['ns']:.1f}", f"{row['times']:.1f}x"])
        rows.append([kind, f"above {HOSTILE_LIMIT:.0f}x", f"{slow} of {len(cases)}", ""])
    return lines + table(["", "text", "ns a byte", "times a memo's"], rows)
