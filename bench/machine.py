"""What the machine is, and what it did meanwhile: CPU time and memory of a tree of processes, and CPU time that was
neither theirs nor ours. All of it from /proc, in ticks of 10 ms."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def cpu_of(pid: int) -> tuple[int, float]:
    """The parent of a process, and its CPU seconds with those of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / TICKS


def tree(root: int) -> dict[int, float]:
    """CPU seconds of a process and all below it."""
    parents: dict[int, tuple[int, float]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents[int(folder.name)] = cpu_of(int(folder.name))
    found = {root} & set(parents)
    while more := {pid for pid, (parent, _) in parents.items() if parent in found and pid not in found}:
        found |= more
    return {pid: parents[pid][1] for pid in found}


def tree_cpu_s(root: int) -> float:
    return sum(tree(root).values())


def tree_memory_mb(root: int) -> float:
    """Proportional set size: pages that forked workers share count once."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            if match := re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE):
                total += int(match[1])
    return total / 1024


@dataclass(frozen=True)
class Busy:
    """All CPUs' time so far, in seconds. Interrupts are left out: loopback traffic runs in them, for everybody."""

    at_s: float
    busy_s: float
    steal_s: float


def busy() -> Busy:
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, _irq, _soft, steal = (int(text) / TICKS for text in fields[:8])
    return Busy(time.monotonic(), user + nice + system, steal)


def foreign_share(before: Busy, after: Busy, ours_s: float) -> float:
    """The share of the machine's CPU time that others used or the hypervisor kept. Kernel threads that write for a
    server count as others, so a small share is normal."""
    spent = after.busy_s - before.busy_s - ours_s + after.steal_s - before.steal_s
    return max(0.0, spent) / ((after.at_s - before.at_s) * CORES)


# --- a description for the report; no host name, no path -------------------------------------------------------------


def first_match(file: str, pattern: str) -> str:
    with contextlib.suppress(OSError):
        if match := re.search(pattern, Path(file).read_text(encoding="utf-8", errors="replace"), re.MULTILINE):
            return match[1].strip()
    return ""


def first_line(*command: str) -> str:
    """What a program says of itself; empty where there is none."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        got = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if got.returncode == 0 and got.stdout.strip():
            return got.stdout.strip().splitlines()[0]
    return ""


def file_system(folder: Path) -> str:
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, name, *_ = line.split()
        if len(mount) > len(best) and folder.resolve().is_relative_to(mount):
            best, kind = mount, name
    return kind


def sync_us(folder: Path, count: int = 100) -> dict[str, float]:
    """What one durable write of 64 KiB takes here: fdatasync over a file that is already there."""
    file, block, took = folder / "sync-probe", b"\1" * 65536, []
    file.write_bytes(block * count)
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.fsync(descriptor)
        for n in range(count):
            began = time.perf_counter()
            os.pwrite(descriptor, block, n * len(block))
            os.fdatasync(descriptor)
            took.append((time.perf_counter() - began) * 1e6)
    finally:
        os.close(descriptor)
        file.unlink()
    took.sort()
    return {"p50": took[count // 2], "p99": took[count * 99 // 100]}


def describe(folder: Path, root: Path) -> dict[str, Any]:
    flags = first_match("/proc/cpuinfo", r"^flags\s*:(.*)$").split()
    model, family = (first_match("/proc/cpuinfo", rf"^{name}\s*:(.*)$") for name in ("model name", "cpu family"))
    number = first_match("/proc/cpuinfo", r"^model\s*:(.*)$")
    memory_kb = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0)
    return {
        "cpu": f"{model} (family {family}, model {number})",
        "cores": CORES,
        "avx512_vbmi": "avx512_vbmi" in flags or "avx512vbmi" in flags,
        "virtual": "hypervisor" in flags,
        "memory_gib": round(memory_kb / 2**20, 1),
        "kernel": platform.release().split("-")[0],
        "file_system": file_system(folder),
        "sync_us": sync_us(folder),
        "versions": {
            "Assay": first_line("git", "-C", str(root), "rev-parse", "--short=12", "HEAD"),
            "C compiler": first_line("cc", "--version"),
            "Python": platform.python_version(),
            "Rust": first_line("rustc", "--version"),
            "system": first_match("/etc/os-release", r'^PRETTY_NAME="(.*)"'),
        },
    }
