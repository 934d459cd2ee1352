"""`python -m benchmarks [--quick]`: the kernel beside Polars and DuckDB on the same rules, equality before time."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from datetime import UTC, datetime
from functools import partial

import duckdb
import numba
import polars as pl

import segkernel as sk
from benchmarks.contest import Contest, contest, median, repeated, unequal
from benchmarks.workloads import AS_OF, Workload, workload
from tests.rivals.polars_rival import Engine

FULL = (("flat", 1_000_000, 0, 500), ("with orders", 1_000_000, 10_000_000, 500))
QUICK = (("flat", 100_000, 0, 100), ("with orders", 100_000, 1_000_000, 100))
ENGINES: tuple[Engine, ...] = ("streaming", "in-memory")
DATABASE_ACCOUNTS = 20_000
"""DuckDB's answers are compared at this size, and timed at the full one."""


def machine() -> str:
    """Processor and cores, as far as the system tells."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def smaller(load: Workload) -> Workload:
    """The same rules over few accounts."""
    share = DATABASE_ACCOUNTS / load.frames["customers"].height
    orders = int(load.frames["orders"].height * share) if "orders" in load.frames else 0
    return workload(load.name, DATABASE_ACCOUNTS, orders, load.rules.count("\n") + 1)


def prove(load: Workload) -> int:
    """Compare kernel, Polars and DuckDB on few accounts; returns how many rules were compared.

    Raises SystemExit where an answer differs.
    """
    small = contest(smaller(load), with_database=True)
    result = small.ours()
    assert small.database is not None
    found = {"Polars": small.rival.run(), "DuckDB": small.database.run()}
    for who, answers in found.items():
        wrong = unequal(result, answers)
        if wrong:
            raise SystemExit(f"{load.name}: {who} says otherwise of {len(wrong)} rules: {', '.join(wrong[:5])}")
    return len(result.names)


def measured(made: Contest, runs: int) -> dict[str, list[float]]:
    """Times side by side; the answers of Polars are compared with ours in the same runs."""
    start = time.perf_counter()
    result = made.ours()
    times = {"cold": [time.perf_counter() - start]}
    for engine in ENGINES:
        start = time.perf_counter()
        answers = made.rival.run(engine)
        first = time.perf_counter() - start
        wrong = unequal(result, answers)
        if wrong:
            raise SystemExit(f"{made.workload.name}: Polars ({engine}) says otherwise of {len(wrong)} rules: {', '.join(wrong[:5])}")
        del answers
        gc.collect()
        times[f"Polars {engine}"] = repeated(partial(made.rival.run, engine), runs, first)
    times["segkernel"] = repeated(made.ours, max(runs, 5))
    times["segkernel, 1 thread"] = repeated(partial(made.rules.evaluate, made.data, as_of=AS_OF, threads=1), max(runs, 5))
    if made.database is not None:
        times["DuckDB (counts)"] = repeated(made.database.count, runs)
    return times


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    options.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    options.add_argument("--no-duckdb", action="store_true", help="leave DuckDB's times out (its answers are compared all the same)")
    options.add_argument("--only", choices=["flat", "with orders"], help="one workload")
    chosen = options.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}  {machine()}")
    print(f"segkernel {sk.__version__}, Polars {pl.__version__}, DuckDB {duckdb.__version__}, Numba {numba.__version__}")
    sk.warmup()
    for name, accounts, orders, rules in QUICK if chosen.quick else FULL:
        if chosen.only not in (None, name):
            continue
        load = workload(name, accounts, orders, rules)
        compared = prove(load)
        start = time.perf_counter()
        made = contest(load, with_database=not chosen.no_duckdb)
        ready = time.perf_counter() - start
        print(f"\n{name}: {accounts:,} accounts, {orders:,} orders, {rules} rules")
        print(f"  {compared} rules equal in Polars and DuckDB on {DATABASE_ACCOUNTS:,} accounts")
        times = measured(made, chosen.runs)
        ours = median(times["segkernel"])
        print(f"  everything made ready in {ready:.1f} s; first evaluation {times.pop('cold')[0]:.2f} s (binds and links)")
        print(f"  {'':24}{'median s':>10}{'ratio':>9}{'runs':>6}")
        for who, found in times.items():
            print(f"  {who:24}{median(found):>10.4f}{median(found) / ours:>8.1f}x{len(found):>6}")
        best = min(median(found) for who, found in times.items() if who.startswith("Polars"))
        print(f"  Polars at its best takes {best / ours:.1f} times as long as segkernel")


if __name__ == "__main__":
    main()
