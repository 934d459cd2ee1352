"""`rules.match` and `rules.match_many`: records of Python values in, segments and values out."""

from __future__ import annotations

import math
from collections import UserDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
SHOP = sk.Schema.parse(
    """
    [project]
    root = "customers"
    timezone = "Europe/Berlin"
    [tables.customers]
    key = "customer_id"
    [tables.customers.links]
    company = { table = "companies", by = "company_id" }
    [tables.customers.fields]
    customer_id = { type = "whole" }
    company_id = { type = "whole" }
    country = { type = "text" }
    plan = { type = "text", missing = "never" }
    visits = { type = "whole" }
    spent = { type = "decimal(2)" }
    score = { type = "number" }
    active = { type = "yes/no" }
    born_on = { type = "date" }
    seen_at = { type = "timestamp" }
    wait = { type = "duration" }
    tags = { type = "list of text" }
    [tables.orders]
    key = "order_id"
    [tables.orders.links]
    customer = { table = "customers", by = "customer_id" }
    [tables.orders.fields]
    order_id = { type = "whole" }
    total = { type = "decimal(2)" }
    placed_at = { type = "timestamp" }
    status = { type = "text" }
    [tables.order_lines.links]
    order = { table = "orders", by = "order_id" }
    product = { table = "products", by = "sku" }
    [tables.order_lines.fields]
    sku = { type = "text" }
    quantity = { type = "whole" }
    [tables.products]
    key = "sku"
    [tables.products.fields]
    sku = { type = "text" }
    brand = { type = "text" }
    [tables.companies]
    key = "company_id"
    [tables.companies.fields]
    company_id = { type = "whole" }
    size = { type = "whole" }
    """
)


def match(text: str, record: Any, as_of: Any = NOON, **how: Any) -> sk.Match:
    return sk.compile(text, SHOP).match(record, as_of=as_of, **how)


def holds(condition: str, record: Any) -> bool:
    """Whether a record is in a segment of one condition; whether it is missing is told by a second one."""
    return bool(match(f"segment a when {condition}", record)["a"])


def value(expression: str, kind: str, given: Any) -> bool:
    """Whether a field reads a value as an expression says."""
    return holds(f"{kind} = {expression}", {kind: given})


RULES = """
segment dutch when country = "NL"
segment buyer when count(orders where total > 10) >= 2
segment branded when any(order_lines where product.brand = "Acme")
choose price_list "gold" when sum(orders.total) > 100 "silver" when any(orders)
collect labels "D" when country = "NL" "B" when any(orders) "L" when company.size >= 50
"""
ANNA = {
    "country": "NL",
    "company": {"size": 50, "more": "ignored"},
    "orders": [
        {"total": 99, "order_lines": [{"product": {"brand": "Acme"}}, {"product": None}]},
        {"total": Decimal("10.01"), "order_lines": []},
    ],
    "ignored": object(),
}


def test_segments_values_and_lists() -> None:
    found = match(RULES, ANNA)
    assert found.segments == {"dutch", "buyer", "branded"}
    assert (found["price_list"], found["labels"], found["dutch"]) == ("gold", ["D", "B", "L"], True)
    assert found.names == ("dutch", "buyer", "branded", "price_list", "labels")
    assert repr(found) == "Match(segments: dutch, buyer, branded; price_list: 'gold'; labels: ['D', 'B', 'L'])"


def test_nothing_and_nobody() -> None:
    found = match(RULES, {"country": None, "company": None, "orders": []})
    assert found.segments == frozenset()
    assert (found["price_list"], found["labels"], found["dutch"]) == (None, [], False)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(sk.Error, match='there is no segment or choose called "dutsh"; did you mean "dutch"'):
        match(RULES, ANNA)["dutsh"]


def test_a_list_of_a_match_is_the_callers_own() -> None:
    found = match(RULES, ANNA)
    found["labels"].append("X")
    assert found["labels"] == ["D", "B", "L"]


def test_many_at_once_in_their_order() -> None:
    rules = sk.compile(RULES, SHOP)
    records = [{**ANNA, "country": "NL" if row % 3 == 0 else "DE", "orders": ANNA["orders"] * (row % 4)} for row in range(130)]
    found = rules.match_many(records, as_of=NOON)
    assert found == [rules.match(record, as_of=NOON) for record in records]
    assert [each["dutch"] for each in found] == [row % 3 == 0 for row in range(130)]
    assert [each["price_list"] for each in found] == [[None, "gold", "gold", "gold"][row % 4] for row in range(130)]
    for count in (0, 1, 63, 64, 65):
        assert rules.match_many(records[:count], as_of=NOON) == found[:count]
    assert rules.match_many(iter(records[:2]), as_of=NOON) == found[:2]


@pytest.mark.parametrize(
    ("kind", "given", "expression"),
    [
        ("country", "NL", '"NL"'),
        ("country", "", '""'),
        ("visits", 7, "7"),
        ("visits", np.int16(7), "7"),
        ("visits", Decimal("7"), "7"),
        ("visits", -(2**63), "-9223372036854775808"),
        ("visits", 2**64 - 1, "18446744073709551615"),
        ("spent", 7, "7.00"),
        ("spent", Decimal("7.125"), "7.13"),
        ("spent", Decimal("-7.125"), "-7.13"),
        ("spent", Decimal("7E+1"), "70"),
        ("spent", 7.125, "7.13"),
        ("spent", 1.005, "1.00"),
        ("spent", 10**35, str(10**35)),
        ("score", 0.1, "0.1"),
        ("score", 3, "3"),
        ("score", Decimal("0.1"), "0.1"),
        ("score", np.float32(0.5), "0.5"),
        ("active", True, "true"),
        ("active", np.bool_(False), "false"),
        ("born_on", date(1990, 2, 28), "1990-02-28"),
        ("born_on", date(1, 1, 1), "0001-01-01"),
        ("born_on", date(9999, 12, 31), "9999-12-31"),
        ("born_on", "1990-02-28", "1990-02-28"),
        ("seen_at", datetime(2026, 1, 15, 11, 30, tzinfo=UTC), "2026-01-15T11:30Z"),
        ("seen_at", datetime(2026, 1, 15, 13, 30, tzinfo=timezone(timedelta(hours=2))), "2026-01-15T11:30Z"),
        ("seen_at", datetime(2026, 1, 15, 12, 30), "2026-01-15T11:30Z"),
        ("seen_at", datetime(2026, 3, 29, 2, 30), "2026-03-29T01:30Z"),
        ("seen_at", datetime(2026, 10, 25, 2, 30, fold=1), "2026-10-25T00:30Z"),
        ("seen_at", "2026-01-15T12:30", "2026-01-15T11:30Z"),
        ("seen_at", "2026-01-15T11:30Z", "2026-01-15T11:30Z"),
        ("seen_at", datetime(9999, 12, 31, 23, tzinfo=UTC), "9999-12-31T23:00Z"),
        ("seen_at", datetime(1600, 1, 1, tzinfo=UTC), "1600-01-01T00:00Z"),
        ("wait", timedelta(hours=36), "36 hours"),
    ],
)
def test_values_are_read_as_tables_would_read_them(kind: str, given: Any, expression: str) -> None:
    assert value(expression, kind, given)
    assert not holds(f"{kind} is missing", {kind: given})
    assert holds(f"{kind} is missing", {kind: None})


@pytest.mark.parametrize(("field", "given"), [("score", math.nan), ("spent", math.nan), ("score", np.float64("nan"))])
def test_nan_is_missing(field: str, given: Any) -> None:
    assert holds(f"{field} is missing", {field: given})


def test_infinities() -> None:
    assert holds(f"score > {10**30}", {"score": math.inf})
    assert holds(f"score < -{10**30}", {"score": -math.inf})


def test_lists() -> None:
    assert holds('tags contains "a"', {"tags": ["b", "a"]})
    assert not holds('tags contains "a"', {"tags": ()})
    assert holds("tags is missing", {"tags": None})
    assert holds('not (tags contains "c")', {"tags": ["b", None]})


def test_any_mapping_is_a_record() -> None:
    lines = [UserDict({"product": UserDict({"brand": "Acme"})})]
    assert match(RULES, UserDict({**ANNA, "orders": (UserDict({"total": 5, "order_lines": lines}),)})).segments == {"dutch", "branded"}


def test_the_way_back_leads_to_the_owner() -> None:
    assert holds('any(orders where customer.country = "NL")', {"country": "NL", "orders": [{}]})
    assert holds('any(order_lines where order.customer.country = "NL")', {"country": "NL", "orders": [{"order_lines": [{}]}]})


def test_a_record_that_holds_itself() -> None:
    record: dict[str, Any] = {"country": "NL", "orders": []}
    record["orders"].append({"customer": record, "total": 1})
    assert holds('any(orders where customer.country = "NL" and total = 1)', record)


def test_rows_stand_in_the_order_of_their_key() -> None:
    orders = [{"order_id": key, "placed_at": NOON, "status": status} for key, status in ((3, "c"), (1, "a"), (2, "b"))]
    assert holds('first(orders.status by placed_at) = "a" and last(orders.status by placed_at) = "c"', {"orders": orders})


def test_many_rows() -> None:
    orders = [{"total": number % 7, "status": f"s{number}"} for number in range(100_000)]
    found = match('segment a when sum(orders.total) = 299995 and count(orders where status ends with "7") = 10_000', {"orders": orders})
    assert found["a"]


def test_groups() -> None:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in (("a", 1), ("b", 2), ("a", 3))]
    record = {"orders": [{"order_lines": lines}, {"order_lines": [{"sku": None, "quantity": 9}]}]}
    assert holds("max(sum(order_lines.quantity per sku)) = 4", record)
    assert holds('last(sku by count(order_lines per sku)) = "a"', record)


@pytest.mark.parametrize(
    ("condition", "record", "message"),
    [
        ("visits > 1", {}, "visits is absent, and the rules read it: give its value (whole number), or None where it is missing"),
        ("any(orders)", {}, "orders is absent, and the rules read it: give a list of rows of orders, or [] where there are none"),
        ("company.size > 1", {}, "company is absent, and the rules read it: give a mapping with the fields of companies, or None where"),
        ("company.size > 1", {"company": {}}, "company.size is absent"),
        (
            'any(order_lines where sku = "a")',
            {"orders": [{"order_lines": []}, {"order_lines": [{"sku": "b"}, {}]}]},
            "orders[1].order_lines[1].sku is absent",
        ),
        ("any(order_lines)", {"orders": [{"order_lines": []}, {}]}, "orders[1].order_lines is absent"),
        ("visits > 1", {"visits": "7"}, "visits: expected a whole number, found '7' (str)"),
        ("visits > 1", {"visits": 7.0}, "visits: expected a whole number, found 7.0 (float)"),
        ("visits > 1", {"visits": True}, "visits: expected a whole number, found True (bool)"),
        ("visits > 1", {"visits": 2**64}, "visits: expected a whole number from -2^63 to 2^64 - 1, found 18446744073709551616 (int)"),
        ("spent > 1", {"spent": "7"}, "spent: expected a number with 2 decimal places (Decimal, int or float), found '7' (str)"),
        ("spent > 1", {"spent": math.inf}, "spent: expected a number with 2 decimal places (Decimal, int or float) that is finite"),
        ("spent > 1", {"spent": Decimal("1e40")}, "spent: expected a number with 2 decimal places (Decimal, int or float) of at most 38"),
        ("score > 1", {"score": "7"}, "score: expected a number, found '7' (str)"),
        ("score > 1", {"score": 10**400}, "score: expected a number"),
        ('country = "a"', {"country": 5}, "country: expected a text, found 5 (int)"),
        ("active", {"active": 1}, "active: expected True or False, found 1 (int)"),
        ("born_on < today", {"born_on": NOON}, "born_on: expected a date (datetime.date, or ISO text such as 2026-01-15), found datetime"),
        ("born_on < today", {"born_on": "15.1.2026"}, "born_on: expected a date"),
        ("seen_at < now", {"seen_at": date(2026, 1, 1)}, "seen_at: expected a time (datetime.datetime, or ISO text such as"),
        ("wait > 1 hour", {"wait": 5}, "wait: expected a duration (datetime.timedelta), found 5 (int)"),
        ('tags contains "a"', {"tags": "a"}, "tags: expected a list"),
        ('tags contains "a"', {"tags": ["a", 5]}, "tags[1]: expected a text, found 5 (int)"),
        ('plan = "a"', {"plan": None}, "plan: the schema says that it is never missing"),
        ("any(orders)", {"orders": None}, "orders: expected a list of rows of orders, [] where there are none, found None"),
        ("any(orders)", {"orders": {}}, "orders: expected a list of rows of orders"),
        ("any(orders)", {"orders": iter([{}])}, "orders: expected a list of rows of orders, [] where there are none, found list_iterator"),
        ("any(orders)", {"orders": [{}, 5]}, "orders[1]: expected a mapping with the fields of orders, found 5 (int)"),
        ("company.size > 1", {"company": 5}, "company: expected a mapping with the fields of companies, or None where there is nobody"),
        ("visits > 1", 5, "a record is a mapping such as {'country': 'DE'}, not 5 (int)"),
    ],
)
def test_what_does_not_fit_is_told_with_the_way_to_it(condition: str, record: Any, message: str) -> None:
    with pytest.raises(sk.RecordError) as told:
        holds(condition, record)
    assert message in str(told.value)


def test_of_many_records_the_one_is_named() -> None:
    rules = sk.compile("segment a when any(orders where total > 1)", SHOP)
    with pytest.raises(sk.RecordError, match=r"^records\[1\]\.orders\[0\]\.total is absent"):
        rules.match_many([{"orders": []}, {"orders": [{}]}], as_of=NOON)


def test_keys_that_no_rule_reads_need_not_be_there() -> None:
    assert holds("any(orders)", {"orders": [{}]})
    assert sk.compile(RULES, SHOP).only("dutch").match({"country": "NL"}, as_of=NOON).segments == {"dutch"}


def test_overflows_are_data_errors_as_of_tables() -> None:
    text = "segment a when visits * visits > 5 or sum(orders.total) * 1_000_000_000 > 1"
    with pytest.raises(sk.DataError, match=r"rules.seg:1:16: `visits \* visits`: a number leaves its range"):
        match(text, {"visits": 2**40, "orders": []})
    with pytest.raises(sk.DataError, match="a number leaves its range"):
        match(text, {"visits": 1, "orders": [{"total": 10**30}] * 3})
    assert match(text, {"visits": 2**31, "orders": []})["a"]


def test_params_and_functions_of_the_host() -> None:
    net = sk.Function("net", ["decimal(2)"], "decimal(2)", lambda gross: gross / 2)
    rules = sk.compile("param least = 5\nsegment a when net(spent) >= least", SHOP, functions=[net])
    assert [rules.match({"spent": spent}, as_of=NOON)["a"] for spent in (9, 10, None)] == [False, True, False]
    assert rules.using(params={"least": 4}).match({"spent": 9}, as_of=NOON)["a"]


def test_instants() -> None:
    rules = sk.compile("segment a when seen_at within last 7 days\nsegment b when seen_at <= now", SHOP)
    record = {"seen_at": datetime(2026, 1, 10, 12, tzinfo=UTC)}
    days = ["2026-01-10T12:59", "2026-01-10T13:00", "2026-01-17T23:59", "2026-01-18T00:00"]
    assert [rules.match(record, as_of=day).segments for day in days] == [set(), {"a", "b"}, {"a", "b"}, {"b"}]
    with pytest.raises(sk.Error, match="is not a time"):
        rules.match(record, as_of="soon")


# ---- the population of an earlier run

ACCOUNTS = pl.DataFrame(
    {
        "id": range(40),
        "industry": [["retail", "food", None, "craft"][number % 4] for number in range(40)],
        "spent": [None if number % 7 == 0 else (number * 37) % 23 for number in range(40)],
        "score": [float(number % 9) / 4 for number in range(40)],
        "total": pl.Series([Decimal(number * 311 % 97) / 4 for number in range(40)], dtype=pl.Decimal(38, 2)),
    }
)
RELATIVE = """
segment above when spent > avg(spent over industry)
segment first_ten when rank(spent over all) <= 10
segment upper when percentile(score over industry) >= 60
segment quarter when top(25%, total over all)
segment least when bottom(3, spent over industry where score > 0.5)
segment third when ntile(3, total over all) = 3
segment much when total * 4 > max(total over industry) and count(spent over industry) > 3 and sum(total over all) > total
segment middle when spent >= median(spent over all) and stddev(score over all) < 1
segment plain when spent > 5
choose part "upper" when in segment upper otherwise "lower"
"""


def test_the_population_of_an_earlier_run() -> None:
    data = sk.Dataset({"accounts": ACCOUNTS}, root="accounts", key="id")
    rules = sk.compile(RELATIVE, data.schema)
    result = rules.evaluate(data, as_of=NOON)
    for row, record in enumerate(ACCOUNTS.iter_rows(named=True)):
        found = rules.match(record, as_of=NOON, population=result.population)
        assert {name: found[name] for name in rules.names} == {name: result[name][row] for name in rules.names}, record
        assert found.relative == set(rules.names) - {"plain"}
    assert 0 < result.count("least") < result.count("upper") < 40


def test_an_account_that_the_population_did_not_have() -> None:
    data = sk.Dataset({"accounts": ACCOUNTS}, root="accounts", key="id")
    rules = sk.compile(RELATIVE, data.schema)
    population = rules.evaluate(data, as_of=NOON).population
    best = {"industry": "food", "spent": 1000, "score": 1000.0, "total": 1000}
    assert rules.match(best, as_of=NOON, population=population).segments >= {"above", "first_ten", "upper", "quarter", "third", "middle"}
    stranger = rules.match({**best, "industry": "mining"}, as_of=NOON, population=population)
    assert "above" not in stranger.segments
    assert "quarter" in stranger.segments


def test_rules_that_compare_accounts_need_a_population() -> None:
    data = sk.Dataset({"accounts": ACCOUNTS}, root="accounts", key="id")
    rules = sk.compile(RELATIVE, data.schema)
    record = {"industry": "food", "spent": 1, "score": 1.0, "total": 1}
    with pytest.raises(sk.Error, match=r"compare accounts with all others \(above, first_ten, .*\): give population=result.population"):
        rules.match(record, as_of=NOON)
    other = sk.compile("segment a when rank(spent over all) < 5", data.schema).evaluate(data, as_of=NOON).population
    with pytest.raises(sk.Error, match=r"the population that was given has no `avg\(spent over industry\)`"):
        rules.match(record, as_of=NOON, population=other)
    for wrong, kind in ((3, "int"), (rules.evaluate(data, as_of=NOON), "Membership")):
        with pytest.raises(sk.Error, match=rf"population is result.population of a full run, not {kind}"):
            rules.match(record, as_of=NOON, population=wrong)  # type: ignore[arg-type]
    with pytest.raises(sk.Error, match=r"records are a list of mappings, one for each account, not int"):
        rules.match_many(3, as_of=NOON)  # type: ignore[arg-type]
    assert rules.only("plain").match(record, as_of=NOON).relative == frozenset()
