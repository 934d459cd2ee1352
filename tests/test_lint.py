"""What the lints say, and where they are silent."""

from __future__ import annotations

import msgspec
import pytest

from segdsl import Schema
from segdsl.diagnostics import MESSAGES
from segdsl.missing import Count, missing_values, with_counts
from segdsl.schema import FieldSpec, Table
from segdsl.typesystem import TEXT
from segdsl.wording import dotted
from tests.shop import SHOP, checked, rules

# rules, code, message, the text pointed at, hint
WARNINGS: list[tuple[str, str, str, str, str | None]] = [
    (
        "segment s when last_login_at before 2 weeks ago",
        "W101",
        "customers whose `last_login_at` is missing drop out here",
        "last_login_at before 2 weeks ago",
        "add `or last_login_at is missing` to keep them",
    ),
    (
        'segment s when phone != "1"',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone != "1"',
        "add `or phone is missing` to keep them",
    ),
    (
        'segment s when newsletter and not (city = "x" or phone starts with "1")',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone starts with "1"',
        "add `or phone is missing` behind the `not (…)` to keep them, both in brackets",
    ),
    (
        'segment s when newsletter and phone != "1"',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone != "1"',
        "add `or phone is missing` to keep them, both in brackets",
    ),
    (
        'segment s when not (newsletter and phone = "1")',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone = "1"',
        "add `or phone is missing` behind the `not (…)` to keep them",
    ),
    (
        'segment s when newsletter and (phone != "1" or city = "x")',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone != "1"',
        "add `or phone is missing` to keep them",
    ),
    (
        'segment s when phone not in ("1", "2")',
        "W101",
        "customers whose `phone` is missing drop out here",
        'phone not in ("1", "2")',
        "add `or phone is missing` to keep them",
    ),
    (
        "segment s when last_login_at within last 90 days",
        "W101",
        "customers whose `last_login_at` is missing drop out here",
        "last_login_at within last 90 days",
        "add `or last_login_at is missing` to keep them",
    ),
    (
        "segment s when company.size < 50",
        "W101",
        "customers whose `company.size` is missing drop out here",
        "company.size < 50",
        "add `or company.size is missing` to keep them",
    ),
    (
        "segment s when any(order_lines where quantity < 5)",
        "W101",
        "order_lines whose `quantity` is missing drop out here",
        "quantity < 5",
        "add `or quantity is missing` to keep them",
    ),
    (
        'choose c "a" when phone = "1" otherwise "b"',
        "W114",
        "customers whose `phone` is missing get to `otherwise` here",
        'phone = "1"',
        "add a case of their own, `when phone is missing`",
    ),
    (
        'let known = newsletter and not phone contains "1" or phone is missing '
        'choose c "a" when company.size in 1..5 "b" when known and at least 1 of (newsletter, city = "x") otherwise "c"',
        "W114",
        "customers whose `company.size` is missing get to `otherwise` here",
        "company.size in 1..5",
        "add a case of their own, `when company.size is missing`",
    ),
    (
        'let here = phone starts with "1" choose c "a" when here "b" when not here otherwise "c"',
        "W114",
        "customers whose `phone` is missing get to `otherwise` here",
        "here",
        "add a case of their own, `when phone is missing`",
    ),
    (
        "segment s when employees > 5 and employees < 3",
        "W102",
        "this is never true",
        "employees > 5 and employees < 3",
        "its parts exclude each other",
    ),
    ('segment s when city = "a" and city = "b"', "W102", "this is never true", 'city = "a" and city = "b"', "its parts exclude each other"),
    (
        'segment s when city = "a" and city != "a"',
        "W102",
        "this is never true",
        'city = "a" and city != "a"',
        "its parts exclude each other",
    ),
    (
        "segment s when wait > 5 days and wait < 100 hours",
        "W102",
        "this is never true",
        "wait > 5 days and wait < 100 hours",
        "its parts exclude each other",
    ),
    (
        "segment s when wait >= 1 week or wait < 7 days",
        "W103",
        "this is always true",
        "wait >= 1 week or wait < 7 days",
        "its parts leave nothing out but what is missing",
    ),
    ("segment s when employees in 5..3", "W102", "this is never true", "employees in 5..3", "a range begins with its smaller end"),
    (
        "segment s when employees in 1..3 and employees = 4",
        "W102",
        "this is never true",
        "employees in 1..3 and employees = 4",
        "its parts exclude each other",
    ),
    (
        'segment s when city in ("a", "b") and city in ("c", "d")',
        "W102",
        "this is never true",
        'city in ("a", "b") and city in ("c", "d")',
        "its parts exclude each other",
    ),
    (
        "segment s when any(orders where total > 5 and total < 4.99)",
        "W112",
        "no row of orders can meet this `where`",
        "total > 5 and total < 4.99",
        "`any` is then always false",
    ),
    (
        "segment s when count(orders) > 5 and count(orders) < 3",
        "W102",
        "this is never true",
        "count(orders) > 5 and count(orders) < 3",
        "its parts exclude each other",
    ),
    ("param p = 3 segment s when newsletter or p > 4", "W102", "this is never true", "p > 4", "both sides are constants"),
    ("param p = 3 segment s when newsletter and p in (3, 4)", "W103", "this is always true", "p in (3, 4)", "both sides are constants"),
    (
        "segment s when employees > 5 or employees <= 5",
        "W103",
        "this is always true",
        "employees > 5 or employees <= 5",
        "its parts leave nothing out but what is missing",
    ),
    (
        'segment s when city != "a" or city != "b"',
        "W103",
        "this is always true",
        'city != "a" or city != "b"',
        "its parts leave nothing out but what is missing",
    ),
    (
        "let revenue = employees * 2 segment s when revenue > 3",
        "W104",
        '"revenue" is both a let and a field of customers; here it means the let',
        "revenue",
        "rename the let to reach the field",
    ),
    (
        'let status = city segment s when any(orders where status = "x")',
        "W104",
        '"status" is both a let and a field of orders; here it means the let',
        "status",
        "rename the let to reach the field",
    ),
    (
        "choose c 1 when revenue > 3 2 when newsletter 3 when revenue > 3",
        "W105",
        "this case is never reached: an earlier one has the same condition",
        "revenue > 3",
        None,
    ),
    (
        "segment a when revenue > 3 and newsletter segment b when (revenue   > 3) and newsletter",
        "W106",
        'the segments "a" and "b" mean the same',
        "segment b when (revenue   > 3) and newsletter",
        None,
    ),
    ("let x = revenue segment s when newsletter", "W107", 'the let "x" is not used', "x", None),
    ("param x = 3 segment s when newsletter", "W107", 'the param "x" is not used', "x", None),
    (
        'segment s when none(orders where status = "x")',
        "W108",
        "`none` is also true for customers without any rows in orders",
        'none(orders where status = "x")',
        "add `any(orders)` to leave them out",
    ),
    (
        'segment s when newsletter and none(orders where status = "x")',
        "W108",
        "`none` is also true for customers without any rows in orders",
        'none(orders where status = "x")',
        "add `any(orders)` to leave them out",
    ),
    ('segment s when country = "D"', "W109", '"D" is not among the values of `country`', '"D"', 'it is one of "DE", "AT", "CH"'),
    ('segment s when country in ("DE", "ATT")', "W109", '"ATT" is not among the values of `country`', '"ATT"', 'did you mean "AT"?'),
    (
        'segment s "revenue > 50" when newsletter',
        "W110",
        'the label "revenue > 50" looks like a condition, and it decides nothing',
        '"revenue > 50"',
        "put it after `when`, without quotes",
    ),
    (
        'segment vip when newsletter segment s "not in segment vip" when revenue > 3',
        "W110",
        'the label "not in segment vip" looks like a condition, and it decides nothing',
        '"not in segment vip"',
        "put it after `when`, without quotes",
    ),
    (
        'segment s "sum(orders.total) > 50" when newsletter',
        "W110",
        'the label "sum(orders.total) > 50" looks like a condition, and it decides nothing',
        '"sum(orders.total) > 50"',
        "put it after `when`, without quotes",
    ),
    (
        "segment s when employees > 5 and employees > 3",
        "W113",
        "this part of the condition decides nothing",
        "employees > 3",
        "it holds wherever the other part does",
    ),
    (
        "segment s when birthday < 30 days ago",
        "W111",
        "`<` beside `ago` reads as its opposite",
        "birthday < 30 days ago",
        "a longer time ago is the smaller date: write `before`",
    ),
    (
        "segment s when birthday > 30 days ago",
        "W111",
        "`>` beside `ago` reads as its opposite",
        "birthday > 30 days ago",
        "a longer time ago is the smaller date: write `after`",
    ),
    (
        "segment s when 30 days ago < birthday",
        "W111",
        "`<` beside `ago` reads as its opposite",
        "30 days ago < birthday",
        "a longer time ago is the smaller date: write `after`",
    ),
]

SILENT = [
    "segment s when last_login_at before 2 weeks ago or last_login_at is missing",
    "segment s when phone is not missing and phone != city",
    'segment s when phone = "1" or phone in ("2", "3") or phone contains "3"',
    "segment s when company.size in 50..100 and last_login_at in this month",
    "segment s when max(orders.placed_at) before 3 months ago and avg(orders.total) < 3",
    "segment s when employees > 5 and employees < 7 and revenue < 3",
    "segment s when employees > 5 or employees < 5",
    "segment s when true",
    'choose c "a" when phone = "1"',
    'choose c "a" when phone = "1" "b" when phone is missing otherwise "c"',
    'choose c "a" when any(orders where status = "x") and avg(orders.total) > 3 otherwise "b"',
    'segment s when none(orders where status = "x") and any(orders)',
    "segment s when none(orders)",
    "let n = count(orders) segment s when none(orders where total > 3) and n > 3",
    'segment s "Customers with revenue" when newsletter',
    'segment s "revenue: more than 50" when newsletter',
    'segment s "Customers in segment A" when newsletter',
    'segment s "No orders within 30 days of any visits" when newsletter',
    "segment a when revenue > 3 segment b when revenue > 4 segment c when in segment a",
    "segment s when birthday >= 30 days ago and birthday before 3 days ago",
    "segment s when coalesce(company.size, 0) < 3",
]


@pytest.mark.parametrize(("text", "code", "message", "place", "hint"), WARNINGS)
def test_a_lint_warns(text: str, code: str, message: str, place: str, hint: str | None) -> None:
    found, diagnostics = checked(text)
    assert found is not None
    assert [(item.code, item.message, text[item.span.start : item.span.end], item.hint) for item in diagnostics] == [
        (code, message, place, hint)
    ]


@pytest.mark.parametrize("text", SILENT)
def test_a_lint_that_cannot_tell_is_silent(text: str) -> None:
    found, diagnostics = checked(text)
    assert found is not None
    assert diagnostics == ()


def test_every_lint_is_shown() -> None:
    assert {row[1] for row in WARNINGS} == {code for code in MESSAGES if code.startswith("W")}


def test_one_warning_for_each_field_and_statement() -> None:
    _, diagnostics = checked('segment a when phone != "1" and phone != "2" segment b when phone != "3"')
    assert [item.code for item in diagnostics] == ["W101", "W101"]


def test_a_field_that_is_never_missing_is_not_warned_of() -> None:
    customers = SHOP.tables["customers"]
    phone = msgspec.structs.replace(customers.fields["phone"], never_missing=True)
    table = msgspec.structs.replace(customers, fields={**customers.fields, "phone": phone})
    schema = msgspec.structs.replace(SHOP, tables={**SHOP.tables, "customers": table})
    assert checked('segment a when phone != "1"', schema=schema)[1] == ()


def test_the_closed_list_of_a_field_behind_a_link_is_known() -> None:
    companies = SHOP.tables["companies"]
    industry = msgspec.structs.replace(companies.fields["industry"], values=("bakery", "farm"))
    table = msgspec.structs.replace(companies, fields={**companies.fields, "industry": industry})
    schema = msgspec.structs.replace(SHOP, tables={**SHOP.tables, "companies": table})
    (found,) = checked('segment a when company.industry = "bakkery"', schema=schema)[1]
    assert (found.code, found.message) == ("W109", '"bakkery" is not among the values of `company.industry`')


def test_counts_stand_in_the_warnings() -> None:
    text = 'segment a when phone != "1" and last_login_at before today and company.size < 3 and not in segment b segment b when 3 > 2'
    found, diagnostics = checked(text)
    assert found is not None
    lints = missing_values(found)
    assert [(lint.statement, lint.field.table, dotted(lint.field)) for lint in lints] == [
        ("a", "customers", "phone"),
        ("a", "customers", "last_login_at"),
        ("a", "customers", "company.size"),
    ]
    counted = with_counts(diagnostics, lints, [Count(1204, 1204), Count(0, 0), None], "customers")
    assert [item.message for item in counted] == [
        "1,204 of customers whose `phone` is missing drop out here",
        "customers whose `company.size` is missing drop out here",
        "this is always true",
    ]


def test_a_yes_or_no_that_is_missing_is_neither() -> None:
    customers = SHOP.tables["customers"]
    newsletter = msgspec.structs.replace(customers.fields["newsletter"], nullable=True)
    table = msgspec.structs.replace(customers, fields={**customers.fields, "newsletter": newsletter})
    schema = msgspec.structs.replace(SHOP, tables={**SHOP.tables, "customers": table})
    text = "segment a when not newsletter segment b when newsletter choose c 1 when newsletter otherwise 2"
    assert [(item.code, item.span.start) for item in checked(text, schema=schema)[1]] == [("W101", 15), ("W114", 72)]


def test_rules_with_warnings_are_rules() -> None:
    assert rules('segment s when phone != "1"').names == ("s",)


def test_a_hint_writes_names_as_rules_do() -> None:
    table = Table(fields={"id": FieldSpec(TEXT), "first name": FieldSpec(TEXT)}, key=("id",))
    text = 'segment s when `first name` != "Ann"'
    schema = Schema(root="people", tables={"people": table})
    told = checked(text, schema=schema)[1]
    assert [(each.message, each.hint) for each in told] == [
        ("people whose `first name` is missing drop out here", "add `or `first name` is missing` to keep them")
    ]
    assert checked(f"{text} or `first name` is missing", schema=schema)[1] == ()
