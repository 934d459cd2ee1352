"""Runs: the same answers for any threads and blocks, stopped when asked, and results that stand for themselves."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel.errors import Cancelled
from segkernel.link import Linked, link
from segkernel.run import Answers, run

DAY = 86_400_000_000_000
LINKS = {"orders": {"customer": ("customers", "id")}, "lines": {"order": ("orders", "no")}}
TEXT = """
let spent = sum(orders.total where paid)
segment spender when spent > 1000
segment averse when avg(orders.rate) < 0.5 or count(orders) = 0
segment recent when any(orders where at within last 30 days)
segment lined when sum(lines.quantity where order.paid and quantity > order.customer.limit) >= 3 or max(lines.quantity) = 9
segment rich when count(orders where total > customer.limit * 10) >= 2
choose tier "gold" when spent > 2000 "silver" when spent > 500
"""


def shop(owners: np.ndarray[Any, Any], accounts: int, lines: int = 2) -> sk.Dataset:
    """Accounts with orders of the given owners, and some lines of each order."""
    rng = np.random.default_rng(11)
    orders = owners.size
    start = datetime(2025, 12, 1)
    customers = pl.DataFrame({"id": np.arange(accounts), "limit": rng.integers(0, 9, accounts)})
    orders_frame = pl.DataFrame(
        {
            "no": np.arange(orders),
            "id": owners,
            "total": rng.integers(0, 400, orders),
            "rate": rng.random(orders),
            "paid": rng.random(orders) < 0.7,
            "at": pl.Series([start], dtype=pl.Datetime("us")).extend_constant(start, max(orders - 1, 0)).head(orders)
            + pl.Series(rng.integers(0, 60, orders)).cast(pl.Int64) * timedelta(days=1),
        }
    )
    count = orders * lines
    lines_frame = pl.DataFrame({"no": rng.integers(0, max(orders, 1), count), "quantity": rng.integers(0, 10, count)})
    return sk.Dataset({"customers": customers, "orders": orders_frame, "lines": lines_frame}, root="customers", key="id", links=LINKS)


def linked(data: sk.Dataset, text: str = TEXT) -> Linked:
    return link(sk.compile(text, data.schema).program(True), data)


def answered(answers: Answers) -> dict[str, Any]:
    """Everything that a run found, comparable."""
    found: dict[str, Any] = {name: array.tobytes() for name, array in (*answers.bits.items(), *answers.choices.items())}
    return {**found, "counts": answers.counts, "unknown": answers.unknown}


OWNERS = {
    "no account": (np.zeros(0, np.int64), 0),
    "accounts without orders": (np.zeros(0, np.int64), 700),
    "only orphans": (np.full(50, 99_999), 700),
    "one account": (np.zeros(1000, np.int64), 1),
    "one account owns all": (np.full(20_000, 1234), 3000),
    "the last owns all": (np.full(5000, 1024), 1025),
    "one of many owns very many": (np.concatenate([np.full(100_000, 513), np.arange(0, 3000, 2)]), 3000),
    "each has one": (np.arange(3001), 3001),
    "many have none": (np.random.default_rng(1).integers(0, 40, 9000) * 64, 3000),
    "accounts at the ends of blocks": (np.repeat([0, 63, 64, 511, 512, 513, 1023, 1024, 2047, 2048], 33), 2049),
}


@pytest.mark.parametrize("which", OWNERS)
def test_threads_and_blocks_change_nothing(which: str) -> None:
    found = linked(shop(*OWNERS[which]))
    wanted = answered(run(found, 20_500 * DAY, threads=1))
    for words in (1, 8, 128, 256, 1000):
        for threads in (1, 2):
            assert answered(run(found, 20_500 * DAY, threads=threads, block_words=words)) == wanted, (words, threads)


@pytest.mark.parametrize("which", OWNERS)
def test_sums_are_those_of_plain_additions(which: str) -> None:
    owners, accounts = OWNERS[which]
    answers = run(linked(shop(owners, accounts)), 20_500 * DAY, block_words=16)
    spent = np.zeros(accounts, np.int64)
    rng = np.random.default_rng(11)
    rng.integers(0, 9, accounts)
    total, _, paid = rng.integers(0, 400, owners.size), rng.random(owners.size), rng.random(owners.size) < 0.7
    known = owners < accounts
    np.add.at(spent, owners[known & paid], total[known & paid])
    bits = np.unpackbits(answers.bits["spender"].view(np.uint8), bitorder="little")[:accounts].astype(bool)
    assert bits.tolist() == (spent > 1000).tolist()
    assert answers.counts["spender"] == int((spent > 1000).sum())
    assert answers.choices["tier"].tolist() == np.where(spent > 2000, 1, np.where(spent > 500, 2, 0)).tolist()


def test_bits_behind_the_last_row_are_zero() -> None:
    for rows in (1, 63, 64, 65, 511, 513):
        answers = run(
            linked(shop(np.zeros(0, np.int64), rows), "segment all when limit >= 0 or limit < 0\nsegment none when not in segment all"), 0
        )
        assert int(np.bitwise_count(answers.bits["all"]).sum()) == rows == answers.counts["all"]
        assert not answers.bits["none"].any()


def test_runs_of_one_link_at_once_do_not_disturb_each_other() -> None:
    found = linked(shop(*OWNERS["each has one"]))
    instants = [(20_420 + 7 * each) * DAY for each in range(8)]
    wanted = [answered(run(found, each, threads=1)) for each in instants]
    assert len({each["recent"] for each in wanted}) > 3
    barrier = threading.Barrier(8)

    def work(number: int) -> bool:
        barrier.wait()
        return all(answered(run(found, instants[number], threads=2, block_words=8)) == wanted[number] for _ in range(12))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [True] * 8


def test_data_and_rules_are_bound_by_several_threads_at_once() -> None:
    data = shop(*OWNERS["each has one"])
    wanted = sk.compile(TEXT, data.schema).evaluate(shop(*OWNERS["each has one"]), as_of="2026-01-01T00:00").counts()
    barrier = threading.Barrier(6)

    def work(_: int) -> Any:
        rules = sk.compile(TEXT, data.schema)
        barrier.wait()
        return rules.evaluate(data, as_of="2026-01-01T00:00", threads=2).counts()

    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(work, range(6)):
            assert str(found) == str(wanted)


def test_a_deadline_stops_a_run() -> None:
    found = linked(shop(*OWNERS["one of many owns very many"]))

    def stopped() -> str:
        try:
            run(found, 0, deadline=0.0, threads=2, block_words=8)
        except Cancelled as error:
            return str(error)
        return "done before anyone looked"

    assert any(stopped().startswith("stopped after 0 seconds, as asked") for _ in range(50))
    assert answered(run(found, 0, deadline=60.0)) == answered(run(found, 0))


def test_progress_is_told() -> None:
    found = linked(shop(*OWNERS["one of many owns very many"]))
    told: list[float] = []
    run(found, 0, progress=told.append, threads=1)
    assert told
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_progress_that_fails_stops_the_run() -> None:
    def refuse(_: float) -> None:
        raise ValueError("enough")

    found = linked(shop(*OWNERS["each has one"]))
    with pytest.raises(ValueError, match="enough"):
        run(found, 0, progress=refuse, threads=2)
    assert answered(run(found, 0)) == answered(run(found, 0, threads=2))


def test_the_first_number_that_leaves_its_range_is_told_whatever_the_threads() -> None:
    numbers = pl.Series([2**62] * 3000, dtype=pl.Int64)
    data = sk.Dataset({"customers": pl.DataFrame({"id": range(3000), "n": numbers})}, root="customers", key="id")
    rules = sk.compile("segment a when n + 1 > 0\nsegment b when n * n > n * 4", data.schema)
    told = set()
    for threads in (1, 2, 2, 2):
        with pytest.raises(sk.DataError, match="leaves its range") as error:
            rules.evaluate(data, as_of="2026-01-01T00:00", threads=threads)
        told.add(str(error.value))
    assert len(told) == 1


def test_results_stand_for_themselves() -> None:
    data = shop(*OWNERS["each has one"])
    rules = sk.compile(TEXT, data.schema)
    early = rules.evaluate(data, as_of="2025-12-10T00:00")
    series, frame, choice = early["recent"], early.columns("recent", "spender"), early["tier"]
    before = (series.to_list(), {name: each.to_list() for name, each in frame.items()}, choice.to_list())
    del early
    gc.collect()
    for day in range(1, 28):
        rules.evaluate(data, as_of=datetime(2026, 2, day, tzinfo=UTC))
    assert (series.to_list(), {name: each.to_list() for name, each in frame.items()}, choice.to_list()) == before


def test_parts_of_a_result_keep_its_memory() -> None:
    found = linked(shop(*OWNERS["each has one"]))
    part = run(found, 20_440 * DAY).bits["recent"][3:]
    before = part.copy()
    gc.collect()
    for each in range(20):
        run(found, (20_500 + each) * DAY)
    assert np.array_equal(part, before)


def test_results_that_nobody_holds_are_gone() -> None:
    data = shop(*OWNERS["each has one"])
    rules = sk.compile(TEXT, data.schema)
    result = rules.evaluate(data, as_of="2026-01-01T00:00")
    gone = weakref.ref(result)
    del result
    gc.collect()
    assert gone() is None


def test_two_hundred_runs_hold_no_more_memory_than_one() -> None:
    resource = pytest.importorskip("resource")
    found = linked(shop(np.zeros(0, np.int64), 200_000), "\n".join(f"segment s{each} when limit > {each % 9}" for each in range(200)))
    for _ in range(20):
        run(found, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(200):
        run(found, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 50 * 200 * 200_000 // 8, f"{grown:,} bytes more"
