"""Rows follow their owners, and lookups follow links."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from segkernel.data import keys as key_index
from segkernel.data.dataset import Dataset
from segkernel.data.spaces import Chain, Space

ORDERS: Chain = (("orders", "customer"),)
LINES: Chain = (("lines", "order"), *ORDERS)


def shop(customers: list[Any], orders: list[Any], lines: list[tuple[Any, Any]] | None = None) -> Dataset:
    """Customers by id; orders by their customer, numbered from 100; lines by (order, article)."""
    tables = {
        "customers": pl.DataFrame({"id": pl.Series(customers, dtype=pl.Int64), "name": [f"name {each}" for each in customers]}),
        "orders": pl.DataFrame({"no": range(100, 100 + len(orders)), "customer_id": pl.Series(orders, dtype=pl.Int64)}),
        "lines": pl.DataFrame(lines or [], schema={"no": pl.Int64, "sku": pl.String}, orient="row"),
        "articles": pl.DataFrame({"sku": ["a", "b"], "maker": [7, 8]}),
        "makers": pl.DataFrame({"id": [8, 7], "land": ["DE", None], "rating": [1.5, 2.5]}),
    }
    links = {
        "orders": {"customer": ("customers", "id")},
        "lines": {"order": ("orders", "no"), "article": ("articles", "sku")},
        "articles": {"made_by": ("makers", "id")},
    }
    tables["orders"] = tables["orders"].rename({"customer_id": "id"})
    tables["articles"] = tables["articles"].rename({"maker": "id"})
    return Dataset(tables, root="customers", key="id", links=links)


def check(space: Space, owners: list[int | None]) -> None:
    """A space is the stable sort of the rows that have an owner (its row in the parent's space)."""
    wanted = sorted((owner, row) for row, owner in enumerate(owners) if owner is not None)
    order = list(range(space.rows)) if space.order is None else space.order.tolist()
    assert order == [row for _, row in wanted]
    assert space.parent is not None
    assert space.owner is not None
    assert space.offsets is not None
    assert space.owner.tolist() == [owner for owner, _ in wanted]
    assert space.owner.dtype == np.uint32
    assert space.offsets.dtype == np.int64
    counts = np.bincount(space.owner, minlength=space.parent.rows) if space.rows else np.zeros(space.parent.rows, int)
    assert space.offsets.tolist() == [0, *np.cumsum(counts).tolist()]


def test_the_root_stands_as_it_is() -> None:
    data = shop([5, 3, 9], [])
    root = data.space(())
    assert (root.chain, root.table, root.rows) == ((), "customers", 3)
    assert root.order is root.parent is root.offsets is root.owner is None
    assert data.space(()) is root


def test_sorted_children_are_not_moved() -> None:
    data = shop([5, 3, 9], [5, 5, 9])
    space = data.space(ORDERS)
    assert space.order is None
    check(space, [0, 0, 2])


def test_shuffled_children_and_orphans() -> None:
    data = shop([5, 3, 9], [9, 5, None, 77, 3, 5, 9])
    check(data.space(ORDERS), [2, 0, None, None, 1, 0, 2])
    assert data.orphans == {("orders", "customer"): 1}
    assert data.column(ORDERS, (), "no", "UTC").codes.tolist() == [2, 6, 5, 1, 7]


def test_chains_of_two_drop_what_belongs_to_nobody() -> None:
    data = shop([5, 3], [3, 77, 5, 3], [(103, "a"), (101, "a"), (100, "b"), (102, "z"), (100, None), (None, "a"), (999, "a")])
    # the orders' space is [102, 100, 103]
    space = data.space(LINES)
    check(space, [2, None, 1, 0, 1, None, None])
    assert space.parent is data.space(ORDERS)
    assert data.orphans == {("orders", "customer"): 1, ("lines", "order"): 1}


def test_lookups_through_two_links() -> None:
    data = shop([5, 3], [3, 77, 5, 3], [(103, "a"), (101, "a"), (100, "b"), (102, "z"), (100, None)])
    land = data.column(LINES, ("article", "made_by"), "land", "UTC")
    # in the space's order: 102 z, 100 b, 100 nothing, 103 a (whose maker 7 has no land)
    assert list(land.values or ()) == ["DE"]
    assert land.codes.tolist() == [0, 1, 0, 0]
    assert land.missing == 3
    rating = data.column(LINES, ("article", "made_by"), "rating", "UTC")
    assert rating.raw
    np.testing.assert_array_equal(rating.codes, [np.nan, 1.5, np.nan, 2.5])
    assert rating.missing == 2
    name = data.column(LINES, ("order", "customer"), "name", "UTC")
    assert [name.value(code) for code in name.codes.tolist()] == ["name 5", "name 3", "name 3", "name 3"]
    assert data.orphans["lines", "article"] == 1


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 300])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("spread", [1, 10**15])
def test_any_number_of_rows(rows: int, shuffled: bool, spread: int) -> None:
    chance = np.random.default_rng(rows)
    customers = [(int(each) - 20) * spread for each in chance.permutation(rows // 3 + 1)]
    orders = [customers[int(each)] for each in chance.integers(0, len(customers), rows)]
    if not shuffled:
        orders.sort(key=customers.index)
    data = shop(customers, orders)
    space = data.space(ORDERS)
    check(space, [customers.index(each) for each in orders])
    assert (space.order is None) or shuffled


def test_no_customers_and_no_orders() -> None:
    data = shop([], [1, None])
    check(data.space(ORDERS), [None, None])
    assert data.orphans == {("orders", "customer"): 1}
    assert data.column((), (), "name", "UTC").rows == 0
    check(shop([1], []).space(ORDERS), [])


def test_a_link_from_a_table_to_itself() -> None:
    people = pl.DataFrame({"id": [1, 2, 3], "boss_id": [3, None, 2], "name": ["a", "b", "c"]})
    data = Dataset({"people": people}, root="people", key="id", links={"people": {"boss": ("people", "boss_id")}})
    boss = data.column((), ("boss",), "name", "UTC")
    assert boss.codes.tolist() == [3, 0, 2]
    assert data.column((), ("boss", "boss"), "name", "UTC").codes.tolist() == [2, 0, 0]
    check(data.space((("people", "boss"),)), [2, None, 1])


def test_a_chain_that_does_not_meet_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the link lines\.article leads to articles, not to orders$"):
        shop([1], [1]).space((("lines", "article"), *ORDERS))


COLUMNS = {
    "whole": ([3, 1, 2], [2, None, 9, 3], pl.Int64, pl.Int32),
    "unsigned": ([3, 1, 2**64 - 1], [2**64 - 1, None, 9, 3], pl.UInt64, pl.UInt64),
    "mixed signs": ([3, 1, 2**64 - 1], [-1, None, 9, 3], pl.UInt64, pl.Int64),
    "text": (["c", "a", "b"], ["b", None, "x", "c"], pl.String, pl.Categorical),
    "yes/no": ([True, False], [False, None, False, True], pl.Boolean, pl.Boolean),
    "float": ([3.5, 1.0, -0.0], [0.0, float("nan"), 9.0, 3.5], pl.Float64, pl.Float32),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_keys_of_every_kind(name: str) -> None:
    keys, values, key_type, value_type = COLUMNS[name]
    a, b = pl.DataFrame({"k": pl.Series(keys, dtype=key_type)}), pl.DataFrame({"k": pl.Series(values, dtype=value_type)})
    data = Dataset({"a": a, "b": b}, root="a", key="k", links={"b": {"up": ("a", "k")}})
    wanted = [None if value is None or value != value or value not in keys else keys.index(value) for value in values]
    check(data.space((("b", "up"),)), wanted)
    assert data.orphans["b", "up"] == sum(value is not None and value == value and value not in keys for value in values)


def test_keys_of_dates_times_and_decimals_whatever_their_unit() -> None:
    days = pl.Series([1, 2, 30], dtype=pl.Int32)
    kinds = [
        (days.cast(pl.Date), days.cast(pl.Date)),
        (days.cast(pl.Int64).cast(pl.Datetime("ms")), (days.cast(pl.Int64) * 1_000_000).cast(pl.Datetime("ns"))),
        (days.cast(pl.Decimal(10, 1)), days.cast(pl.Decimal(20, 3))),
        (days.cast(pl.Decimal(10, 1)), days.cast(pl.Decimal(12, 1))),
        (days.cast(pl.Int128), days.cast(pl.Int8)),
        (days, pl.Series([None, None, None])),
    ]
    for key, values in kinds:
        b = pl.DataFrame({"k": values.reverse()})
        data = Dataset({"a": pl.DataFrame({"k": key}), "b": b}, root="a", key="k", links={"b": {"up": ("a", "k")}})
        check(data.space((("b", "up"),)), [None] * 3 if isinstance(values.dtype, pl.Null) else [2, 1, 0])


def test_keys_of_two_columns() -> None:
    a = pl.DataFrame({"shop": ["x", "x", "y"], "no": [1, 2, 1]})
    b = pl.DataFrame({"shop": ["y", "x", "y", None, "x"], "no": pl.Series([1, 2, 2, 1, None], dtype=pl.Int16)})
    data = Dataset({"a": a, "b": b}, root="a", key=["shop", "no"], links={"b": {"up": ("a", ["shop", "no"])}})
    check(data.space((("b", "up"),)), [2, 1, None, None, None])
    assert data.orphans == {("b", "up"): 1}
    assert data.keys().columns == ["shop", "no"]


def test_what_a_link_to_an_empty_table_leads_to_is_missing() -> None:
    people = pl.DataFrame({"id": [1, 2], "firm": [7, None]})
    firms = pl.DataFrame(
        {"firm": pl.Series([], dtype=pl.Int64), "sales": pl.Series([], dtype=pl.Float64), "name": pl.Series([], dtype=pl.String)}
    )
    data = Dataset({"people": people, "firms": firms}, root="people", key="id", links={"people": {"firm": ("firms", "firm")}})
    for name in ("sales", "name", "firm"):
        column = data.column((), ("firm",), name, "UTC")
        assert column.missing == column.rows == 2
        assert (np.isnan(column.codes) if column.raw else column.codes == 0).all()


@pytest.mark.parametrize("shuffled", [False, True])
def test_of_rows_in_another_order_a_column_is_held_once(shuffled: bool) -> None:
    owners = [2, 1, 2, 1] if shuffled else [1, 1, 2, 2]
    orders = pl.DataFrame({"id": owners, "total": [4.0, 3.0, 2.0, 1.0]})
    data = Dataset(
        {"people": pl.DataFrame({"id": [1, 2]}), "orders": orders}, root="people", key="id", links={"orders": {"of": ("people", "id")}}
    )
    chain: Chain = (("orders", "of"),)
    data.prepare([(chain, (), "total", "UTC")])
    columns = [made.result() for what, made in data._made.items() if "column" in what[0]]
    assert {each.address for each in columns} == {data.column(chain, (), "total", "UTC").address}
    assert columns[0].codes.tolist() == ([3.0, 1.0, 4.0, 2.0] if shuffled else [4.0, 3.0, 2.0, 1.0])


def test_empty_tables_have_no_types_and_no_trouble() -> None:
    tables = {"a": pl.DataFrame({"k": []}), "b": pl.DataFrame({"k": [1, None]}), "c": pl.DataFrame({"k": []})}
    data = Dataset(tables, root="a", key="k", links={"b": {"up": ("a", "k")}, "c": {"up": ("a", "k")}})
    check(data.space((("b", "up"),)), [None, None])
    check(data.space((("c", "up"),)), [])
    assert data.orphans == {("b", "up"): 1, ("c", "up"): 0}


def test_keys_whose_hashes_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "hashes", lambda frame: np.zeros(frame.height, np.uint64))
    for name in ("text", "float"):
        test_keys_of_every_kind(name)
    test_keys_of_two_columns()


def test_values_whose_hashes_collide_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "hashes", lambda frame: np.arange(frame.height, dtype=np.uint64))
    test_keys_of_every_kind("text")
    test_keys_of_two_columns()


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("customers", [1, 3, 40])
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 3_000])
def test_groups_are_a_stable_sort_of_each_owners_rows(rows: int, customers: int, shuffled: bool) -> None:
    rng = np.random.default_rng(rows + customers)
    owners, skus = rng.integers(0, customers, rows), rng.integers(0, 12, rows)
    if not shuffled:
        owners.sort()
    named = [None if sku == 0 else f"sku {sku:02}" for sku in skus]
    orders = pl.DataFrame({"no": range(rows), "id": owners, "sku": pl.Series(named, dtype=pl.String)})
    tables = {"customers": pl.DataFrame({"id": range(customers)}), "orders": orders}
    data = Dataset(tables, root="customers", key="id", links={"orders": {"customer": ("customers", "id")}})
    chain = (("per", (("orders", "customer"),), (("field", (), "sku"),), "UTC"),)
    wanted = sorted((owner, sku, row) for owner, sku, row in zip(owners, named, range(rows), strict=True) if sku is not None)
    found = sorted({(owner, sku) for owner, sku, _ in wanted})
    groups, inside = data.space(chain), data.space((("orders", "per", "of"), *chain))
    assert (groups.rows, inside.rows) == (len(found), len(wanted))
    assert groups.owner is not None
    assert groups.owner.tolist() == [owner for owner, _ in found]
    assert groups.offsets is not None
    assert groups.offsets.tolist() == [sum(owner < customer for owner, _ in found) for customer in range(customers + 1)]
    assert inside.owner is not None
    assert inside.owner.tolist() == [found.index((owner, sku)) for owner, sku, _ in wanted]
    assert inside.offsets is not None
    assert inside.offsets.tolist() == [sum((owner, sku) < group for owner, sku, _ in wanted) for group in found] + [len(wanted)]
    standing = range(rows) if inside.picked is None else inside.picked.tolist()
    assert list(standing)[: inside.rows] == [row for *_, row in wanted]
