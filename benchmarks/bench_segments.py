"""The workloads for pytest-benchmark: `pytest benchmarks/bench_segments.py --benchmark-enable`.

`SEGKERNEL_BENCH_ACCOUNTS` sets the number of accounts (default 100,000; ten orders each).
"""

from __future__ import annotations

import os

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.contest import Contest, contest, unequal
from benchmarks.workloads import workload

ACCOUNTS = int(os.environ.get("SEGKERNEL_BENCH_ACCOUNTS", "100000"))
RULES = int(os.environ.get("SEGKERNEL_BENCH_RULES", "500"))


@pytest.fixture(scope="module", params=["flat", "with orders"])
def made(request: pytest.FixtureRequest) -> Contest:
    """A workload whose answers are equal in the kernel and in both engines of Polars."""
    ready = contest(workload(request.param, ACCOUNTS, 10 * ACCOUNTS if request.param == "with orders" else 0, RULES), with_database=True)
    result = ready.ours()
    assert not unequal(result, ready.rival.run("in-memory"))
    assert not unequal(result, ready.rival.run("streaming"))
    return ready


def test_segkernel(benchmark: BenchmarkFixture, made: Contest) -> None:
    benchmark.group = made.workload.name
    benchmark(made.ours)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_polars(benchmark: BenchmarkFixture, made: Contest, engine: str) -> None:
    benchmark.group = made.workload.name
    benchmark.pedantic(made.rival.run, args=(engine,), rounds=3)  # type: ignore[no-untyped-call]


def test_duckdb(benchmark: BenchmarkFixture, made: Contest) -> None:
    benchmark.group = made.workload.name
    assert made.database is not None
    benchmark.pedantic(made.database.count, rounds=1)  # type: ignore[no-untyped-call]
