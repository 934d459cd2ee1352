"""What was measured of a cell, and the file that keeps it: each cell's latest, whatever else was run."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.bandwidth import Bandwidth
from benchmarks.cells import Cell, Size

OURS = "segkernel"
PACKAGES = (
    "polars", "duckdb", "datafusion", "numpy", "numba", "llvmlite", "msgspec", "zen-engine", "common-expression-language",
    "rule-engine", "lark",
)  # fmt: skip
ROOM = 256 * 1024 * 1024
"""Bytes that a run may take above tables, codes and output."""


class Limit(msgspec.Struct, frozen=True):
    """The physical limit: bytes that must be read and written, at the bandwidths measured in the same process."""

    read: int
    written: int
    bandwidth: Bandwidth

    def seconds(self, past_caches: bool = False) -> float:
        """How long the bytes take at least, with plain stores or with stores past the caches."""
        return self.read / self.bandwidth.read + self.written / (self.bandwidth.stream if past_caches else self.bandwidth.store)


class Memory(msgspec.Struct, frozen=True):
    """Bytes: the highest above imports and tables, the tables, what was bound of them, and the results."""

    above: int
    tables: int
    codes: int
    output: int

    @property
    def allowed(self) -> int:
        """What may be taken above the tables."""
        return self.codes + self.output + ROOM


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A cell's measurement: `seconds` by contestant, ours under OURS; `proofs` by rival how far its answers were found equal;
    `notes` are further seconds of ours. `failed` says why there is no measurement."""

    cell: str
    date: str
    commit: str
    command: str
    machine: str
    versions: dict[str, str]
    size: Size
    seconds: dict[str, list[float]] = {}
    proofs: dict[str, str] = {}
    notes: dict[str, float] = {}
    limit: Limit | None = None
    memory: Memory | None = None
    failed: str | None = None

    @property
    def ours(self) -> float:
        """Our median, in seconds."""
        return median(self.seconds[OURS])

    def best(self, rival: str) -> float | None:
        """The median of a rival at the best of its ways, None where it was not asked."""
        found = [median(times) for who, times in self.seconds.items() if who == rival or who.startswith(f"{rival} ")]
        return min(found) if found else None

    def share(self, past_caches: bool = False) -> float | None:
        """How much of the physical limit is reached: 1 would be its speed."""
        return None if self.limit is None or OURS not in self.seconds else self.limit.seconds(past_caches) / self.ours

    def reached(self, cell: Cell) -> dict[str, float]:
        """What was measured of each target: the rival's time over ours, or the share of the limit."""
        if OURS not in self.seconds:
            return {}
        found = {rival: None if rival == "limit" else self.best(rival) for rival in (*cell.rivals, *cell.targets)}
        ratios = {rival: seconds / self.ours for rival, seconds in found.items() if seconds is not None}
        share = self.share()
        return ratios if share is None else ratios | {"limit": share}

    def verdict(self, cell: Cell) -> str:
        """`reached`, `missed` with what by how much, or `not measured` with the reason."""
        if self.failed is not None:
            return f"not measured: {self.failed}"
        if self.memory is not None:
            return "reached" if self.memory.above <= self.memory.allowed else "missed"
        reached = self.reached(cell)
        missed = [name for name, target in cell.targets.items() if reached.get(name, 0.0) < target]
        return f"missed: {', '.join(missed)}" if missed else "reached" if cell.targets else ""


def blank(cell: Cell, size: Size, command: str) -> Result:
    """A result that is still to be filled in, with all that is known of the machine."""
    return Result(
        cell=cell.name,
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        commit=_commit(),
        command=command,
        machine=machine(),
        versions={"Python": platform.python_version(), **{name: found for name in PACKAGES if (found := _version(name))}},
        size=size,
    )


def machine() -> str:
    """Processor, cores and memory, as far as the system tells."""
    model = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), model)
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    try:
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def load(path: Path) -> dict[str, Result]:
    """The results of a file by cell; none where there is no file."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Result]) if path.exists() else {}


def keep(path: Path, result: Result) -> dict[str, Result]:
    """Puts a cell's result into a file, beside those of other cells; a failure does not take the place of a measurement."""
    known = load(path)
    if result.failed is None or result.cell not in known or known[result.cell].failed is not None:
        known[result.cell] = result
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    return known
