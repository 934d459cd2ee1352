"""Groups of rows: their spaces are made once for a dataset, of keys of any type and size, and what they read is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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


def orders() -> sk.Dataset:
    """Customers a, b, c with orders of 10, 20 and 29 January."""
    days = [date(2026, 1, 10), date(2026, 1, 20), date(2026, 1, 10), date(2026, 1, 29)]
    frames = {"customers": CUSTOMERS, "lines": pl.DataFrame({"owner": ["a", "a", "b", "b"], "day": days, "n": [1, 2, 3, 4]})}
    return sk.Dataset(frames, root="customers", key="id", links=LINKS)


def late(moment: str, data: sk.Dataset, rules: sk.Rules) -> list[str]:
    return data.keys()["id"].filter(rules.evaluate(data, as_of=moment)["s"]).to_list()


def test_groups_are_formed_for_the_instant_of_each_run() -> None:
    data = orders()
    rules = sk.compile("segment s when count(count(lines per (day before today))) = 2", data.schema)
    wanted = {"2026-01-05": [], "2026-01-15": ["a", "b"], "2026-01-25": ["b"], "2026-02-05": []}
    for moment in (*wanted, *reversed(wanted)):
        assert late(moment, data, rules) == wanted[moment]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda moment: late(moment, data, rules), [*wanted] * 5))
    assert found == [*wanted.values()] * 5


def test_groups_of_an_instant_are_not_kept_with_the_data() -> None:
    data = orders()
    rules = sk.compile("segment s when any(lines where n in values(count(customer.lines per days_since(day))))", data.schema)
    late("2026-01-15", data, rules)
    kept, first = set(data._made), rules.linked(data, False, 0)
    assert not any(isinstance(each, groups.Moment) for what in kept for each in flat(what))
    assert rules.linked(data, False, 0) is first
    assert rules.linked(data, False, 1) is not first
    late("2026-01-16", data, rules)
    assert set(data._made) == kept


def flat(what: object) -> list[object]:
    return [part for each in what for part in flat(each)] if isinstance(what, tuple) else [what]


def test_a_stage_before_and_an_explanation_know_the_instant() -> None:
    data = orders()
    text = "segment s when rank(max(count(lines per (day before today))) over all) = 1"
    rules = sk.compile(text, data.schema)
    assert late("2026-01-15", data, rules) == ["a", "b"]
    assert late("2026-01-25", data, rules) == ["a"]
    assert rules.explain(data, "b", "s", as_of="2026-01-15").answer is True
    assert rules.explain(data, "b", "s", as_of="2026-01-25").answer is False


def test_a_program_tells_which_groups_an_instant_forms() -> None:
    shown = str(sk.compile("segment s when max(count(lines per days_since(day))) = 1", orders().schema).program())
    assert "anew for each instant:" in shown


def test_a_list_of_groups_up_a_link_is_named_in_a_program() -> None:
    lines = data(owner=["a"], sku=["x"], n=[1])
    rules = sk.compile("segment s when any(lines where 2 in values(count(customer.lines per sku)))", lines.schema)
    assert "groups of lines.customer → customer by sku" in str(rules.program())
    assert rules.evaluate(lines, as_of="2026-01-15")["s"].to_list() == [False, False, False]
