"""The engine does no more than it did: instructions, words, visits and bytes, held to a table. `python -m tests.work --write` sets it."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.workloads import Workload
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import TEXT, WHOLE
from tests import work

REWRITE = "where that is meant: python -m tests.work --write"


def by_hand() -> Workload:
    """130 accounts, two orders each, of which every other is paid."""
    accounts = pl.DataFrame({"id": range(130)})
    orders = pl.DataFrame({"account": [row // 2 for row in range(260)], "status": ["paid", "void"] * 130, "items": [3] * 260})
    tables = {
        "accounts": Table({"id": FieldSpec(WHOLE)}, ("id",)),
        "orders": Table(
            {"account": FieldSpec(WHOLE), "status": FieldSpec(TEXT), "items": FieldSpec(WHOLE)}, (), {"of": Link("accounts", ("account",))}
        ),
    }
    rules = 'segment a when sum(orders.items where status = "paid") > 2\nsegment b when sum(orders.items) > 100'
    return Workload("by hand", Schema("accounts", tables), {"accounts": accounts, "orders": orders}, rules)


@pytest.mark.parametrize("cell", list(work.CELLS))
def test_an_evaluation_does_no_more_than_it_did(cell: str) -> None:
    risen = work.risen(work.committed()[cell], work.counted(cell))
    assert not risen, f"{cell}: {'; '.join(risen)}; {REWRITE}"


def test_work_is_counted_as_by_hand() -> None:
    found = work.evaluated(by_hand())
    assert found["extracted"] == 130 + 260
    assert found["visits"] >= found["extracted"]
    assert found["written"] == 2 * 3 * 8  # two segments, three words each


def test_a_rise_is_told_with_its_counter_and_its_size() -> None:
    before = dict.fromkeys(work.COUNTERS, 1000) | {"visits": 0}
    assert work.risen(before, before | {"words": 1020, "bound": 0}) == []
    told = work.risen(before, before | {"words": 1500, "visits": 1})
    assert [each.split(":")[0] for each in told] == ["words rose from 1,000 to 1,500 (+50.0%)", "visits rose from 0 to 1 (from none)"]


def test_the_table_holds_the_cells_and_counters_that_are_counted() -> None:
    assert work.written(work.committed()) == work.TABLE.read_text(encoding="utf-8")
    assert list(work.committed()) == list(work.CELLS)
