"""`python -m benchmarks.memory [--quick]`: the peak of memory of `segkernel run` as its input grows, in batches and all at once.

Each run is a process of its own; its peak is the largest resident set that the system saw, pages of mapped files included. With
`--cap` the system ends a run in batches that would take more, pages of files that it read or wrote included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from benchmarks.workloads import AS_OF, customers, order_table, workload
from segkernel.output import Table, parquet

FULL = (5_000_000, 10_000_000, 20_000_000)
QUICK = (250_000, 500_000, 1_000_000)
PIECE = 500_000
"""So many accounts are made and written at once."""
ORDERS = 2
"""Orders an account."""
SEGMENTS = 200
SETTINGS = """[project]
root = "customers"
rules = ["rules.seg"]

[tables.customers]
source = "customers.parquet"
key = "customer_id"

[tables.orders]
source = "orders.parquet"
event_time = "placed_at"
[tables.orders.links]
customer = { table = "customers", by = "customer_id" }
"""


class Peak(msgspec.Struct, frozen=True):
    """A run: its largest resident set in bytes, seconds, and the digest of the memberships that it wrote."""

    bytes: int
    seconds: float
    digest: str


def customer_pieces(accounts: int) -> Iterator[pl.DataFrame]:
    """The accounts, piece by piece."""
    for first in range(0, accounts, PIECE):
        rows = min(PIECE, accounts - first)
        yield customers(np.random.default_rng([1, first]), rows).with_columns(pl.col("customer_id") + first)


def order_pieces(accounts: int) -> Iterator[pl.DataFrame]:
    """Their orders, sorted by account."""
    for first in range(0, accounts, PIECE):
        rows = min(PIECE, accounts - first)
        yield order_table(np.random.default_rng([2, first]), rows, ORDERS * rows).with_columns(pl.col("customer_id") + first)


def made(folder: Path, accounts: int, segments: int, shuffled: bool) -> int:
    """Write a project; the bytes of its tables in memory."""
    folder.mkdir()
    (folder / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "rules.seg").write_text(workload("with orders", 1000, 1000, segments).rules, encoding="utf-8")
    size = 0
    for name, pieces in (("customers", customer_pieces(accounts)), ("orders", order_pieces(accounts))):

        def counted(pieces: Iterator[pl.DataFrame] = pieces) -> Iterator[pl.DataFrame]:
            nonlocal size
            for piece in pieces:
                size += piece.estimated_size()
                yield piece

        with (folder / f"{name}.parquet").open("wb") as file:
            parquet(Table(counted()), file)
    if shuffled:
        orders = pl.read_parquet(folder / "orders.parquet")
        orders[np.random.default_rng(3).permutation(orders.height)].write_parquet(folder / "orders.parquet")
    return size


@contextmanager
def capped(most: int | None) -> Iterator[list[str]]:
    """What a command begins with that may take so many bytes: it enters a control group. Linux, and whoever may make such groups."""
    if most is None:
        yield []
        return
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    group = Path("/sys/fs/cgroup" if unified else "/sys/fs/cgroup/memory") / f"segkernel-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise SystemExit(f"--cap: this machine lets nobody like us make a control group of memory ({error})") from None
    try:
        limits = ("memory.max", "memory.swap.max") if unified else ("memory.limit_in_bytes",)
        for name, value in zip(limits, (most, 0), strict=False):
            (group / name).write_text(str(value), encoding="ascii")
        yield ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs")]
    finally:
        group.rmdir()


def peak(folder: Path, memory: str | None, cap: int | None = None) -> Peak:
    """Run a project in a process of its own, which the system ends if it takes more than `cap` bytes."""
    out = folder / "out"
    command = [sys.executable, "-m", "segkernel", "run", str(folder), "--out", str(out), "--as-of", AS_OF.isoformat()]
    command += [] if memory is None else ["--memory", memory]
    start = time.perf_counter()
    with capped(cap) as before:
        child = subprocess.Popen([*before, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    files = json.loads((out / "run.json").read_text(encoding="utf-8"))["files"]
    shutil.rmtree(out)
    return Peak(used.ru_maxrss * 1024, time.perf_counter() - start, files["memberships.parquet"]["blake2b"])


def main() -> None:
    """Make, run and print."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    options.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    options.add_argument("--accounts", type=int, nargs="+", help="other sizes")
    options.add_argument("--segments", type=int, default=SEGMENTS, help=f"another number of them than {SEGMENTS}")
    options.add_argument("--memory", default="1GB", help="what the runs in batches are told")
    options.add_argument("--cap", type=int, metavar="MB", help="end runs in batches that take more than so many megabytes")
    options.add_argument("--shuffled", action="store_true", help="orders in no order")
    options.add_argument("--no-whole", action="store_true", help="leave out the runs with all data in memory")
    chosen = options.parse_args()
    order = ", shuffled" if chosen.shuffled else ""
    cap = "" if chosen.cap is None else f"; batches may take {chosen.cap} MB, pages of files included"
    print(f"{chosen.segments:,} segments, {ORDERS} orders an account{order}; peaks of resident memory in MB{cap}")
    print(f"{'accounts':>12}{'on disk':>10}{'as frames':>11}{'in batches':>12}{'seconds':>9}{'all at once':>13}{'seconds':>9}", flush=True)
    for accounts in chosen.accounts or (QUICK if chosen.quick else FULL):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "project"
            frames = made(folder, accounts, chosen.segments, chosen.shuffled)
            disk = sum(path.stat().st_size for path in folder.glob("*.parquet"))
            batches = peak(folder, chosen.memory, None if chosen.cap is None else chosen.cap * 10**6)
            line = f"{accounts:>12,}{disk / 1e6:>10,.0f}{frames / 1e6:>11,.0f}{batches.bytes / 1e6:>12,.0f}{batches.seconds:>9.1f}"
            if not chosen.no_whole:
                whole = peak(folder, None)
                if whole.digest != batches.digest:
                    raise SystemExit("the two runs wrote different memberships")
                line += f"{whole.bytes / 1e6:>13,.0f}{whole.seconds:>9.1f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
