"""The changes whose cost is measured (bench/changes): each still applies to the tree, and after it the systems that are
built here decide alike."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))

import changes
import report

CHANGES = ROOT / "bench" / "changes"
PATCHES = sorted(CHANGES.glob("*/*.patch"))
BUILDS = (Path(os.environ.get("ASSAY_PEERS_BUILD", ROOT / "build" / "peers")), ROOT / "build" / "bench-peers" / "peers")


def test_every_request_is_done_in_every_system() -> None:
    assert [change.name for change in changes.ALL] == sorted(folder.name for folder in CHANGES.iterdir())
    for change in changes.ALL:
        assert {patch.stem for patch in change.folder.glob("*.patch")} == set(changes.SYSTEMS)
        request = (change.folder / "REQUEST.md").read_text(encoding="utf-8")
        assert len(request.splitlines()) == 3
        assert set(re.findall(r"`(\w+)`", request)) >= {change.rule}
        assert change.feature is None or f"`{change.feature}`" in request


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.parent.name}/{patch.stem}")
def test_a_patch_applies_to_the_tree_and_touches_its_own_system(patch: Path, tmp_path: Path) -> None:
    """Where it does not, what it changes has moved: change that in a copy as the request asks, and `git diff` it."""
    changes.copy_sources(tmp_path / "tree")
    changes.apply(patch, tmp_path / "tree")
    folder = "examples/cards/" if patch.stem == "assay" else f"bench/peers/{patch.stem}/"
    touched = re.findall(r"^\+\+\+ b/(\S+)$", patch.read_text(encoding="utf-8"), re.MULTILINE)
    assert touched
    assert all(name.startswith(folder) for name in touched)
    size = changes.size_of(patch)
    assert size["files"] == len(touched)
    stat = subprocess.run(
        ["git", "apply", "--numstat", patch], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    counts = [line.split("\t")[:2] for line in stat.stdout.splitlines()]
    assert [sum(int(count[side]) for count in counts) for side in (0, 1)] == [size["added"], size["removed"]]


def test_a_difference_is_an_error_that_names_payment_and_value() -> None:
    change = next(change for change in changes.ALL if change.name == "2-velocity")
    posts = [(changes.SCORE, {"id": f"p-{n}"}) for n in range(2)]
    ours = [{"id": f"p-{n}", "decision": "approve", "score": 0.5, "email_payments_1h": n} for n in range(2)]
    assert changes.require_equal(change, {"assay": ours, "rust": ours}, posts)["payments"] == 2
    theirs = [ours[0], ours[1] | {"email_payments_1h": 2}]
    with pytest.raises(changes.BenchError, match=r"payment 2, p-1: email_payments_1h is 1 in assay, 2 in rust"):
        changes.require_equal(change, {"assay": ours, "rust": theirs}, posts)
    with pytest.raises(changes.BenchError, match=r"is 0 for every payment, which compares nothing"):
        changes.require_equal(change, {"assay": [ours[0]] * 2, "rust": [ours[0]] * 2}, posts)
    lacking = [{key: value for key, value in one.items() if key != "email_payments_1h"} for one in ours]
    with pytest.raises(changes.BenchError, match=r"email_payments_1h is not shown by \['rust'\]"):
        changes.require_equal(change, {"assay": ours, "rust": lacking}, posts)


def test_changed_systems_decide_alike() -> None:
    built = next((folder for folder in BUILDS if not changes.unbuilt(["python-tuned"], folder)), None)
    if built is None:
        pytest.skip(f"not built: bench/peers/python-tuned/build {BUILDS[0] / 'python-tuned'}")
    command = [sys.executable, ROOT / "bench" / "changes.py", "--check-only", "--systems", "assay,python-tuned",
               "--built", built]  # fmt: skip
    got = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert got.returncode == 0, got.stderr
    for change in changes.ALL:
        assert f"{change.name}: 200 payments, the same in assay, python-tuned" in got.stderr


def test_the_report_has_a_row_for_every_system_and_works_without_a_measurement() -> None:
    assert "Not measured: `make bench-changes` does it." in report.change_section(None)
    row = {"system": "rust", "files": 2, "added": 7, "removed": 1, "seconds": 21.4, "build_seconds": 21.3,
           "rebuilt": "binary", "restarted": "by hand", "away_seconds": 0.07, "answers": 1}  # fmt: skip
    lines = report.change_section({"requests": [{"name": "4-rule", "title": "a new rule", "systems": [row]}]})
    expected = "| 4-rule: a new rule | Rust | 2 | +7 -1 | binary | by hand | 21.40 (build 21.3) | 0.07 | 1 |"
    assert expected in lines
