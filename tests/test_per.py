"""Groups of rows: their spaces are made once for a dataset, of keys of any type and size, and what they read is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from segkernel.data import groups
from segkernel.link import groups as reckoned

CUSTOMERS = pl.DataFrame({"id": ["a", "b", "c"], "goal": [1, 2, 3]})
LINKS = {"lines": {"customer": ("customers", "owner")}}


def data(**columns: list[Any]) -> sk.Dataset:
    """Customers a, b, c with lines."""
    return sk.Dataset({"customers": CUSTOMERS, "lines": pl.DataFrame(columns)}, root="customers", key="id", links=LINKS)


def members(condition: str, dataset: sk.Dataset) -> list[str]:
    rules = sk.compile(f"segment s when {condition}", dataset.schema)
    return sorted(rules.evaluate(dataset, as_of="2026-01-15T12:00")["s"].arg_true().map_elements("abc".__getitem__, pl.String).to_list())


def test_keys_of_all_64_bits_part_rows() -> None:
    far = data(owner=["a", "a", "b", "b"], n=[-(2**63), 2**63 - 1, 2**53, 2**53], m=[2**63 - 1, -(2**63), 2**53 + 1, 2**53])
    assert members("max(count(lines per n)) = 2", far) == ["b"]
    assert members("count(count(lines per (n, m))) = 2", far) == ["a", "b"]
    assert members("count(count(lines per n + m)) = 2", far) == ["b"]
    assert members("max(count(lines per abs(n))) = 2", far) == ["b"]


def test_rows_without_owner_or_key_are_in_no_group() -> None:
    loose = data(owner=["a", None, "ghost", "a", "b"], sku=["x", "x", "x", None, None], on=[date(2026, 1, 1)] * 4 + [None])
    assert members("count(count(lines per sku)) = 1", loose) == ["a"]
    assert members("count(count(lines per month_start(on))) = 1", loose) == ["a"]
    assert members("none(count(lines per (sku, on)) > 0)", loose) == ["b", "c"]


def test_tables_without_rows_have_no_groups() -> None:
    empty = sk.Dataset(
        {"customers": CUSTOMERS, "lines": pl.DataFrame(schema={"owner": pl.String, "sku": pl.String, "n": pl.Int64})},
        root="customers",
        key="id",
        links=LINKS,
    )
    assert members("all(count(lines per (sku, n)) > 5)", empty) == ["a", "b", "c"]
    assert members("max(count(lines per n + 1)) is missing", empty) == ["a", "b", "c"]


def test_what_rows_are_grouped_by_is_reckoned_once_for_a_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    codes = reckoned.codes
    monkeypatch.setattr(reckoned, "codes", lambda *given: calls.append(given) or codes(*given))
    lines = data(owner=["a", "a"], sku=["x", "X"])
    assert members("max(count(lines per upper(sku))) = 2", lines) == ["a"]
    assert members("any(count(lines per upper(sku)) = 2 and count(lines per upper(sku)) < 5)", lines) == ["a"]
    assert len(calls) == 1


def test_a_key_that_leaves_its_range_is_told_at_its_place() -> None:
    lines = data(owner=["a", "a"], n=[1, 2**62])
    with pytest.raises(sk.DataError, match=r"rules.seg:1:\d+: `n \* n`: a number leaves its range.* first in row 2 of lines"):
        members("max(count(lines per n * n)) = 2", lines)


def test_rules_tell_what_groups_read() -> None:
    lines = data(owner=["a"], sku=["x"], n=[1], other=[2])
    rules = sk.compile("let small for lines = n < 3 segment s when max(count(lines per (sku, small))) = 1", lines.schema)
    assert rules.inputs == {"customers": ("id",), "lines": ("owner", "sku", "n")}
    fewer = sk.compile("segment s when max(count(lines per sku)) = 1", lines.schema)
    assert rules.fingerprint != fewer.fingerprint != sk.compile("segment s when max(count(lines per n)) = 1", lines.schema).fingerprint


def test_an_explanation_tells_what_the_whole_was() -> None:
    lines = data(owner=["a", "a", "b"], sku=["x", "x", "y"], n=[1, 2, 3])
    rules = sk.compile("let wanted = goal segment s when any(count(lines per (sku, (n > 5))) > wanted)", lines.schema)
    told = str(rules.explain(lines, "a", "s", as_of="2026-01-15"))
    assert "✓ any(count(lines per (sku, (n > 5))) > wanted)" in told
    assert "wanted: 1" in told


def test_a_program_names_groups_and_keys() -> None:
    lines = data(owner=["a"], sku=["x"], n=[1])
    shown = str(sk.compile("segment s when max(count(lines per (sku, n + 1))) = 1", lines.schema).program())
    assert "groups of lines.customer by sku, key " in shown
    assert "lines of each group → groups of lines.customer by sku" in shown
    assert "once for the data:" in shown


def test_a_space_that_nobody_reckoned_is_no_space() -> None:
    lines = data(owner=["a"], sku=["x"])
    with pytest.raises(KeyError):
        lines.space(((groups.PER, (("lines", "customer"),), (("value", "unknown"),), "UTC"),))
