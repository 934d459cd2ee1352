"""At full size: exact sums of ten million decimals, and the memory that binding and running take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import segkernel as sk

pytestmark = pytest.mark.long
ROWS = 10_000_000


def shop(totals: pl.Series, accounts: int) -> sk.Dataset:
    customers = pl.DataFrame({"id": np.arange(accounts)})
    orders = pl.DataFrame({"customer": np.arange(len(totals)) % accounts, "total": totals})
    return sk.Dataset(
        {"customers": customers, "orders": orders}, root="customers", key="id", links={"orders": {"customer": ("customers", "customer")}}
    )


@pytest.mark.parametrize("digits", [9, 17, 30])
def test_ten_million_decimals_add_up_to_the_last_digit(digits: int) -> None:
    rng = np.random.default_rng(digits)
    units = [int(high) * 10**12 + int(low) for high, low in zip(*rng.integers(0, 10**12, (2, 100_003)), strict=True)]
    kinds = [Decimal((number % 10**digits) * (-1) ** number).scaleb(-4) for number in units]
    totals = pl.Series("total", kinds, dtype=pl.Decimal(38, 4)).gather(pl.Series(rng.integers(0, len(kinds), ROWS)))
    with localcontext(prec=80):  # else Python rounds to 28 digits
        wanted = sum(totals.to_list(), Decimal(0))
    data = shop(totals, 1)
    text = f"segment exact when sum(orders.total) = {wanted} segment below when sum(orders.total) < {wanted} + 0.0001"
    rules = sk.compile(text, data.schema)
    result = rules.evaluate(data, as_of="2026-01-15T12:00Z")
    assert result["exact"].to_list() == result["below"].to_list() == [True]


def test_a_sum_of_ten_million_that_leaves_128_bits_names_its_place() -> None:
    totals = pl.Series("total", [Decimal(10**33)], dtype=pl.Decimal(38, 4)).gather(pl.repeat(0, ROWS, eager=True))
    data = shop(totals, 1)
    rules = sk.compile("let all = 1\nsegment a when sum(orders.total) > all", data.schema)
    with pytest.raises(sk.DataError, match=r"rules\.seg:2:16: `sum\(orders\.total\)`: a number leaves its range"):
        rules.evaluate(data, as_of="2026-01-15T12:00Z")


MEASURE = """
import gc, json, sys, threading, time
import polars as pl
import segkernel as sk
from benchmarks.workloads import AS_OF, workload
from segkernel.data.columns import Column

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

sk.warmup()
load = workload("with orders", 1_000_000, 10_000_000, 500)
frames = load.frames
if sys.argv[1] == "shuffled":
    frames = {**frames, "orders": frames["orders"].sample(fraction=1.0, shuffle=True, seed=1)}
gc.collect()
before, peak, done = resident(), 0, threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, resident())

watcher = threading.Thread(target=watch)
watcher.start()
data = sk.Dataset(frames, load.schema)
result = sk.compile(load.rules, data.schema).evaluate(data, as_of=AS_OF)
done.set()
watcher.join()
codes = sum(made.result().codes.nbytes for made in data._made.values() if isinstance(made.result(), Column))
output = sum(bits.nbytes for bits in result.bits.values())
print(json.dumps({"above the input": peak - before, "codes": codes, "output": output}))
"""


def environment() -> dict[str, str]:
    root = Path(__file__).parent.parent
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "dsl")])}


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's /proc for the resident memory")
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_binding_and_running_take_little_more_than_codes_and_output(order: str) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE, order], capture_output=True, text=True, encoding="utf-8", env=environment())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["above the input"] <= found["codes"] + found["output"] + 256 * 2**20, found
