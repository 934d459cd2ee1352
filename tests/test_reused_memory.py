"""Answers do not depend on what the memory of a run held before."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import segkernel as sk
from segkernel import run
from segkernel.memory import lease

FRAMES = {
    "customers": pl.DataFrame({"id": [1, 2, 3], "parent_id": [None, 1, 1], "name": ["a", "b", None]}),
    "orders": pl.DataFrame({"customer_id": [1, 1, 2, 9], "status": ["a", "b", "b", "a"], "at": [1, 2, 3, 4]}),
}
SCHEMA = """
[project]
root = "customers"
[tables.customers]
key = "id"
[tables.customers.links]
parent = { table = "customers", by = "parent_id", relation = "children" }
[tables.orders.links]
customer = { table = "customers", by = "customer_id" }
"""
CONDITIONS = {
    'any(orders where status = last(customer.orders.status by at))': [1, 2],
    'name = first(parent.orders.status by at)': [],
    'last(parent.orders.status by at) in (name, "b")': [2, 3],
    'last(parent.orders.status by at) contains "b"': [2, 3],
    'sum(parent.orders.at) = 3': [2, 3],
    'upper(last(orders.status by at)) = "B"': [1, 2],
    'shouted(name) = "A"': [1],
    'any(orders where shouted(status) = status)': [],
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_stood_in_slots_and_registers_is_not_read(condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(size: int) -> NDArray[np.uint8]:
        memory = lease(size)
        memory[:] = 0x7B
        return memory

    monkeypatch.setattr(run, "lease", used)
    data = sk.Dataset(FRAMES, sk.Schema.parse(SCHEMA))
    shouted = sk.Function("shouted", ["text"], "text", lambda text: text.str.to_uppercase())
    rules = sk.compile(f"segment found when {condition}", data.schema, functions=[shouted])
    assert rules.evaluate(data, as_of=datetime(2026, 1, 15, tzinfo=UTC)).members("found").to_list() == CONDITIONS[condition]
