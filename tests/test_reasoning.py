"""What the lints can and cannot tell of conditions, form by form, and that they take no time that grows faster than the rules."""

from __future__ import annotations

import pytest

from segdsl import cuts
from segdsl.checker import check
from segdsl.functions import Signature
from segdsl.parser import parse
from segdsl.typesystem import NUMBER, TEXT
from tests.shop import SHOP, checked

GRADE = Signature("grade", (NUMBER,), TEXT, ("good", "bad"))
MANY = ", ".join(f'"{number}"' for number in range(100))

# rules, the codes of the warnings in the order of their places, those on missing values aside
TOLD = [
    # numbers
    ("segment s when employees > 1 / 3 and employees < 2 / 3", ["W102"]),
    ("segment s when revenue > 1 / 3 and revenue < 1 / 4", []),
    ("segment s when 3 > employees and 5 < employees", ["W102"]),
    ("segment s when employees not in (2.5)", ["W103"]),
    ("segment s when employees in (2.5, 3) and employees != 3", ["W102"]),
    ("segment s when employees > 1 / 0", ["W102"]),
    ("segment s when revenue = 0.125", ["W102"]),
    ("let k = 3 let l = k segment s when employees > l and employees < 4", ["W102"]),
    ("let k = employees segment s when k > 5 and employees < 4", ["W102"]),
    ("segment s when employees + revenue > 3 and revenue + employees < 2", ["W102"]),
    ("segment s when employees - revenue > 3 and revenue - employees < 2", []),
    ("segment s when 0 > count(orders)", ["W102"]),
    ("segment s when 0 <= count(orders)", ["W103"]),
    ("segment s when abs(score) < 0", ["W102"]),
    # what can be missing
    ("segment s when (count(orders) + count(visits)) is missing", ["W102"]),
    ("segment s when (-count(orders)) is missing", ["W102"]),
    ("segment s when abs(count(orders)) is missing", ["W102"]),
    ("segment s when if(newsletter, count(orders), 3) is missing", ["W102"]),
    ("segment s when if(newsletter, count(orders), employees) is missing", []),
    ("segment s when coalesce(employees, 3) is missing", ["W102"]),
    ("segment s when (count(orders) > count(visits)) is missing", ["W102"]),
    ("segment s when (count(orders) / count(visits)) is missing", []),
    ("segment s when sum(orders.total) is missing", ["W102"]),
    ("segment s when sum(score for children) is missing", []),
    ("segment s when company.size is missing and company.industry is missing", []),
    ("segment s when today is missing", ["W102"]),
    ("segment s when (1 / 0 > employees) is missing", ["W103"]),
    ("segment s when (in segment t) is missing segment t when newsletter", ["W102"]),
    ("segment s when (employees is missing) is missing", ["W102"]),
    ("segment s when (newsletter and revenue > 3) is missing", []),
    ("segment s when (newsletter and revenue > 3) is missing and newsletter is missing", []),
    ("segment s when (employees > 3) is missing and employees > 5", ["W102"]),
    # lists
    ("segment s when employees in (1, 2, employees) and employees > 5", []),
    ("segment s when employees in (1, 1 / 3) and employees > 5", ["W102"]),
    ("segment s when revenue in (1, 1 / 3) and revenue > 5", []),
    ("segment s when employees in (1, 1 / 0) and employees > 5", []),
    ("segment s when newsletter in (true, false)", []),
    (f"segment s when city in ({MANY}) and city = \"x\"", ["W102"]),
    # texts
    ('segment s when city starts with "" and newsletter', ["W103"]),
    ('segment s when city starts with "\U0010ffff" and city < "a"', ["W102"]),
    ("segment s when city starts with tier and tier = city", []),
    ('segment s when city contains "a" and not city contains "a"', ["W102"]),
    ('choose c "a" when newsletter segment s when c starts with "b"', ["W102"]),
    ('choose c 1 when newsletter 2 when revenue > 3 segment s when c > 2', ["W102"]),
    ('choose c 1 when newsletter otherwise 2 segment s when c is missing', ["W102"]),
    ('choose c 1 when newsletter segment s when c is missing', []),
    ('choose c true when revenue > 3 otherwise false segment s when c and c = false', ["W102"]),
    ('choose c "a" when newsletter segment s when "b" = c', ["W109"]),
    ('choose c "a" when newsletter segment s when "a" = c', []),
    ('choose c "a" when newsletter segment s when any(orders where c = "b")', ["W109"]),
    # times
    ("segment s when last_login_at in this day and last_login_at before today", ["W102"]),
    ("segment s when last_login_at after 2 hours ago and last_login_at before 3 hours ago", ["W102"]),
    ("segment s when last_login_at after now - 2 days and last_login_at before now - 3 days", []),
    ("segment s when birthday after now and birthday before today", ["W102"]),
    ("segment s when birthday in 2 months ago..3 months ago", ["W102"]),
    ("segment s when birthday in 1 month ago..20 days ago", []),
    ("segment s when last_login_at in 2 hours ago..1 hour ago", []),
    ("segment s when today in 2026-01 and today in 2026-02", ["W102"]),
    ("segment s when 2026-01-01 > birthday and birthday > 2026-02-01", ["W102"]),
    ("segment s when birthday > 2026-01-01T12:00 and birthday < 2026-01-01T11:00", []),
    ("param a = 2 days param b = 1 day segment s when wait in a..b", ["W102"]),
    ("segment s when today > month_start(today)", []),
    # conditions made of others
    ("segment s when newsletter and at least 3 of (newsletter, revenue > 3)", ["W102"]),
    ("segment s when newsletter and at most 2 of (newsletter, revenue > 3)", ["W103"]),
    ("segment s when newsletter and at most 0 of (newsletter, revenue > 3)", ["W102"]),
    ("segment s when not newsletter and at least 2 of (newsletter, revenue > 3)", ["W102"]),
    ("segment s when at least 1 of (newsletter) and newsletter = false", ["W102"]),
    ("segment s when at least 2 of (newsletter, revenue > 3, revenue > 5) and newsletter", []),
    ("segment s when (newsletter or revenue > 3) and ((revenue > 5 or revenue < 1) and newsletter)", ["W113"]),
    ("segment s when newsletter and (newsletter and revenue > 3)", ["W113"]),
    ("let dear = revenue > 3 segment s when dear and revenue > 5", ["W113"]),
    ("param k = 3 let dear = revenue > k segment s when dear and revenue > 5", []),
    ("param k = (1, 2) segment s when employees in k and employees in (1, 2, 3)", []),
    ("let t = newsletter = true segment s when t and newsletter", ["W113"]),
    ("let t = revenue > 5 and revenue < 3 segment s when t = true", ["W102"]),
    ("segment s when true and newsletter", []),
    ("segment s when newsletter and (not (revenue > 3 or revenue <= 3))", ["W103"]),
    ("segment s when in segment t and not in segment t segment t when newsletter", ["W102"]),
    ("segment s when in segment t or not in segment t segment t when newsletter", ["W103"]),
    ("segment s when none(orders) and any(orders)", ["W102"]),
    # rows and groups
    ("segment s when avg(orders.total where total > 5 and total < 3) > 3", ["W112"]),
    ("segment s when max(count(order_lines where quantity > 5 and quantity < 3 per sku)) > 3", ["W112"]),
    ("segment s when rank(revenue over country where revenue > 5 and revenue < 3) = 1", ["W112"]),
    ("segment s when top(10%, revenue where newsletter)", []),
    ("segment s when all(total > 5 and total < 3 for orders) and any(orders)", ["W102"]),
    # cases
    ("choose c 1 when newsletter is missing 2 when newsletter 3 when newsletter = false 4 when revenue > 3", ["W105"]),
    ("choose c 1 when revenue > 5 and revenue < 3 2 when newsletter", ["W102"]),
    ("collect c 1 when revenue > 3 2 when revenue > 5", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "codes"), TOLD)
def test_what_is_told(text: str, codes: list[str]) -> None:
    found, diagnostics = checked(text)
    assert found is not None, diagnostics
    assert [each.code for each in diagnostics if each.code not in ("W101", "W114", "W111")] == codes


def test_the_texts_that_a_function_gives_are_known() -> None:
    file, _ = parse('segment s when grade(score) = "fair" segment t when grade(score) = "bad"')
    _, found = check([file], SHOP, functions=[GRADE])
    assert [(each.code, each.hint) for each in found] == [("W102", "its function does not give it")]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("segment s when revenue = 0.125", "it has 2 decimal places"),
        ("segment s when employees = 0.5", "a whole number has no decimal places"),
        ("segment s when employees > 1 / 0", "a missing value compares with nothing"),
        ("segment s when count(orders) is not missing", "it is never missing"),
        ("segment s when not in segment t or in segment t segment t when newsletter", "its parts leave nothing out but what is missing"),
        ("segment s when revenue < revenue", "both sides are the same"),
        ("segment s when at least 2 of (newsletter)", "there is only 1 condition"),
        ("segment s when at most 3 of (revenue > 3, newsletter)", "there are 2 conditions, and none of them decides"),
        ("segment s when employees in 5.5..5.6", "its parts exclude each other"),
        ("let z = 1 / 0 segment s when employees in z..5", "a missing value compares with nothing"),
        ("segment s when count(orders) not in 6..5", "a range begins with its smaller end"),
        ("segment s when weekday(last_login_at) in 9..12", "`weekday` is from 1 to 7"),
        ('segment s when phone in "b".."a"', "a range begins with its smaller end"),
        ("segment s when last_login_at in 2026-03..2026-01", "a range begins with its earlier end"),
        ("segment s when at least 2 of (revenue > 3, revenue < 2)", "its parts exclude each other"),
        ("segment s when hour(last_login_at) > 23", "`hour` is from 0 to 23"),
        ('segment s when bucket(id, 5, "a") in (5, 6)', "`bucket` is from 0 to 4"),
        ("segment s when rank(revenue over all) < 1", "`rank` is never below 1"),
    ],
)
def test_a_hint_says_why(text: str, hint: str) -> None:
    assert [each.hint for each in checked(text)[1]] == [hint]


def test_lints_take_no_time_that_grows_faster_than_the_rules() -> None:
    """Each of these would take minutes where a step were taken for each pair, or for each way through."""
    lets = "\n".join(f"let a{at + 1} = a{at} and a{at} or not a{at}" for at in range(2_000))
    assert checked(f"let a0 = newsletter {lets} segment s when a2000")[0] is not None
    cases = " ".join(f"{at} when employees = {at} or score < {at}" for at in range(600))
    assert checked(f"choose c {cases}")[0] is not None
    terms = " and ".join(f"(employees != {at} or score < {at} and (revenue > {at} or employees > {at}))" for at in range(400))
    assert checked(f"segment s when {terms}")[0] is not None
    fields = " and ".join(f"score * {at} > 3" for at in range(100))
    assert checked(f"segment s when {fields} and {fields}")[0] is not None
    chain = "\n".join(f"segment s{at + 1} when in segment s{at} and revenue > {at}" for at in range(3_000))
    assert checked(f"segment s0 when newsletter {chain}")[0] is not None
    numbers = ", ".join(str(3 * at) for at in range(50_000))
    found = checked(f"segment s when employees in ({numbers}) and employees in (1, 2)")[1]
    assert [each.code for each in found] == ["W102"]


def test_sets_meet() -> None:
    few, odd = cuts.points([(1, 2), (2, 3), (5, 6)]), cuts.points([(1, 2), (3, 4), (5, 6)])
    assert few.at == (1, 3, 5, 6)
    assert cuts.meet(few, odd) == cuts.points([(1, 2), (5, 6)])
    assert cuts.meet(few, cuts.ALL) == cuts.meet(cuts.ALL, few) == few
    assert cuts.meet(few, cuts.NONE) == cuts.meet(cuts.NONE, few) == cuts.NONE
    assert cuts.meet_all([]) == cuts.ALL
    assert cuts.meet_all([few, odd, cuts.above(2)]) == cuts.points([(5, 6)])
