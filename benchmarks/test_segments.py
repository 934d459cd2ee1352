"""The workloads for pytest-benchmark: `pytest benchmarks`.

`SEGKERNEL_BENCH_ACCOUNTS` sets the number of accounts (default 100,000; ten orders each), `SEGKERNEL_BENCH_RULES` that of segments.
"""

from __future__ import annotations

import os

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.contest import RIVALS, Contest, contest
from benchmarks.workloads import workload

ACCOUNTS = int(os.environ.get("SEGKERNEL_BENCH_ACCOUNTS", "100000"))
RULES = int(os.environ.get("SEGKERNEL_BENCH_RULES", "100"))
ASKED = {"flat": ("Polars", "DuckDB", "DataFusion", "NumPy"), "with orders": ("Polars", "DuckDB", "DataFusion")}


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Contest:
    """A workload, bound and compiled."""
    return contest(workload(request.param, ACCOUNTS, 10 * ACCOUNTS if request.param == "with orders" else 0, RULES))


@pytest.mark.parametrize("made", list(ASKED), indirect=True)
def test_segkernel(benchmark: BenchmarkFixture, made: Contest) -> None:
    benchmark.group = made.workload.name
    made.ours()
    benchmark(made.ours)


@pytest.mark.parametrize(("made", "rival"), [(kind, rival) for kind, rivals in ASKED.items() for rival in rivals], indirect=["made"])
def test_rivals(benchmark: BenchmarkFixture, made: Contest, rival: str) -> None:
    """The answers are compared first; where a rival has several ways, the first is timed."""
    benchmark.group = made.workload.name
    for each in RIVALS[rival](made):
        assert not each.wrong(made.ours(), each.run())
    benchmark.pedantic(RIVALS[rival](made)[0].run, rounds=3)  # type: ignore[no-untyped-call]
