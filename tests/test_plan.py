"""Programs: every thing once, `not` at the leaves, times as slots, and a text that shows it."""

from __future__ import annotations

import pytest

from segdsl import check, parse
from segdsl.functions import Signature
from segdsl.typesystem import TEXT, WHOLE
from segkernel.plan import Program, plan
from segkernel.plan.program import parts
from segkernel.plan.slots import Slot
from tests.shop import SHOP, rules


def planned(text: str, unknowns: bool = False) -> Program:
    return plan(rules(text), unknowns=unknowns)


def needed(program: Program) -> list[tuple[object, ...]]:
    """The nodes that segments and chooses are made of."""
    pending = [node for _, node in (*program.segments, *program.unknown)]
    pending += [node for choice in program.choices for node, _ in choice.cases]
    found: set[int] = set()
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending += parts(program.nodes[number])
    return [program.nodes[number] for number in sorted(found)]


def kinds(program: Program) -> list[str]:
    return [str(node[0]) for node in needed(program)]


def meaning(program: Program, name: str) -> int:
    return dict(program.segments)[name]


def same(first: str, second: str) -> bool:
    """Whether two conditions are one node."""
    program = planned(f"segment a when {first}\nsegment b when {second}")
    return meaning(program, "a") == meaning(program, "b")


def test_equal_leaves_are_one_node() -> None:
    countries = ["DE", "AT", "CH"]
    text = [
        f'segment s{each} when country = "{countries[each % 3]}" and employees >= {each % 40} '
        f"and (score < {each % 50} or revenue > {each % 30})"
        for each in range(5000)
    ]
    program = planned("\n".join(text))
    found = kinds(program)
    assert found.count("column") == 4
    assert len([kind for kind in found if kind in ("range", "outside", "among", "text", "missing")]) <= 3 + 40 + 50 + 30
    assert len(needed(program)) < 1400


def test_what_means_the_same_is_the_same_node() -> None:
    assert same("employees > 5", "employees >= 6")
    assert same("employees > 5", "not employees <= 5")
    assert same("employees > 5", "5 < employees")
    assert same("employees > 5.5", "employees >= 6")
    assert same("revenue >= 1.5", "revenue >= 1.50")
    assert same("score > 1 and employees > 5", "employees > 5 and score > 1")
    assert same("employees > 5 and employees > 5", "employees > 5")
    assert same("employees in 5..9", "employees >= 5 and employees < 10")
    assert same("(score > 1 and employees > 5) and newsletter", "score > 1 and (employees > 5 and newsletter)")
    assert same("sum(orders.total) > 5", "5 < sum(orders.total)")
    assert same("any(orders where quantity > 5)", "any(orders where not quantity <= 5)")
    assert same("none(orders where quantity > 5)", "not any(orders where quantity > 5)")
    assert same('country in ("DE", "AT")', 'country in ("AT", "DE", "AT")')
    assert not same("employees > 5", "employees > 6")
    assert not same("employees > 5", "score > 5")


def test_ranges_of_one_field_meet() -> None:
    program = planned("segment s when employees >= 5 and score > 1 and employees < 10 and employees < 12")
    ranges = [node for node in needed(program) if node[0] == "range"]
    assert len(ranges) == 2
    assert (5, 10) in [node[3:] for node in ranges]


def test_ranges_that_do_not_meet_are_never() -> None:
    program = planned("segment s when employees >= 10 and employees < 10 and score > 1")
    assert needed(program) == [("always", 0, False)]


def test_ranges_with_times_wait_for_a_run() -> None:
    program = planned("segment s when last_login_at after 90 days ago and last_login_at before 2026-01-01")
    (found,) = [node for node in needed(program) if node[0] == "range"]
    assert isinstance(found[3], Slot)


def test_not_is_pushed_to_the_leaves() -> None:
    program = planned('segment s when not (employees > 5 and (score < 1 or not country = "DE"))')
    assert "not" not in kinds(program)
    assert same("not (employees > 5 and score < 1)", "employees <= 5 or not score < 1")
    assert same("not (employees > 5 or score < 1)", "employees <= 5 and not score < 1")
    assert same("not not employees > 5", "employees > 5")


def test_both_sides_of_a_condition_only_where_they_are_asked_for() -> None:
    def leaves(program: Program) -> int:
        return len([kind for kind in kinds(program) if kind in ("range", "outside", "among")])

    text = 'segment s when employees > 5 and country = "DE"'
    assert leaves(planned(text)) == 2
    assert leaves(planned(text, unknowns=True)) == 4
    assert leaves(planned("segment s when (score > 1) is missing")) == 2
    assert leaves(planned("let a = score > 1\nsegment s when a")) == 1
    assert leaves(planned("let a = score > 1\nsegment s when a\nsegment t when not a")) == 2


def test_a_segment_is_decided_and_a_let_is_not() -> None:
    program = planned("segment a when score > 1\nsegment b when not in segment a\nlet c = score > 1\nsegment d when not c")
    assert program.nodes[meaning(program, "b")] == ("not", 0, meaning(program, "a"))
    assert program.nodes[meaning(program, "d")][0] in ("range", "outside")


def test_a_shared_part_is_kept_whole() -> None:
    program = planned("segment a when score > 1 and employees > 5\nsegment b when in segment a and newsletter")
    (both,) = [node for node in needed(program) if node[0] == "and" and meaning(program, "a") in parts(node)]
    assert both == program.nodes[meaning(program, "b")]


def test_lets_cost_nothing_when_used_many_times() -> None:
    text = "let spent = sum(orders.total where quantity > 2)\n"
    program = planned(text + "\n".join(f"segment s{each} when spent > {each}" for each in range(200)))
    assert kinds(program).count("aggregate") == 1


def test_only_what_is_asked_for_is_planned() -> None:
    found = rules("segment a when score > 1\nsegment b when in segment a\nsegment c when employees > 5")
    program = plan(found, ["b"])
    assert [name for name, _ in program.segments] == ["b"]
    assert all("employees" not in node for node in program.nodes)


def test_cases_are_exclusive_and_numbered_by_value() -> None:
    text = 'choose grade "Tier" "gold" when score > 9 "silver" when score > 5 "gold" when employees > 99 otherwise "none"'
    (choice,) = planned(text).choices
    assert choice.values == ("gold", "silver", "none")
    assert [code for _, code in choice.cases] == [1, 2, 1, 3]


def test_slots_say_what_they_are() -> None:
    text = """
segment a when last_login_at before 90 days ago
segment b when last_login_at in last 6 whole months
segment c when last_login_at within last 36 hours
segment d when birthday = today
segment e when last_login_at < now - 3 months
"""
    shown = str(planned(text))
    assert "first instant of today -90 days" in shown
    assert "start of this month -6" in shown
    assert "now -129600000000000 ns" in shown
    assert "in [today, today +1)" in shown
    assert "now -3 months" in shown


def test_a_program_prints_itself() -> None:
    text = """
let done = count(orders where status = "complete" and quantity > 2)
segment loyal when done >= 3 and (country in ("DE", "AT") or phone is missing or phone starts with "+49")
segment quiet when none(orders) and score * 2 > employees
choose grade "a" when in segment loyal otherwise "b"
"""
    found = rules(text)
    shown = str(plan(found))
    assert shown == str(plan(found))
    lines = shown.splitlines()
    assert lines[0] == "program over customers, Europe/Berlin"
    assert "  rows 1: orders.customer" in lines
    assert any(line.startswith("segment loyal = ") for line in lines)
    assert any(line.startswith("choose grade = 'a' where ") for line in lines)
    assert any("count over rows 1 where" in line for line in lines)
    assert any("starts '+49'" in line for line in lines)


def test_every_kind_of_node_prints() -> None:
    text = """
segment a when coalesce(employees, 5) > if(score > 1, employees, 3) and revenue + 0.25 > score and employees != 7
segment b when city contains "a" and city contains country and (not newsletter or phone is not missing) and today > 2026-01-01
segment c when birthday + 1 month < last_login_at and wait * 1.5 > wait and wait / 2 < wait and wait * score > wait
segment d when any(orders where total > customer.revenue and quantity > customer.employees + 1) and last_login_at - 1 month < now
choose e 5 when score > 1 9 when employees > 1
segment f when e > 5 and e + employees > 6 and any(orders where customer.country = "DE")
"""
    program = planned(text)
    shown = str(program)
    assert len(shown.splitlines()) >= len(needed(program))
    assert "object at" not in shown
    assert "Type(" not in shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("segment s when length(trim(city)) > 3", "length of trim of v0 >= 4"),
        ('segment s when upper(city) not starts with "A"', "upper of v0 present, not starts 'A'"),
        ('segment s when lower(city) in ("rome", "bonn")', "lower of v0 in ('bonn', 'rome')"),
        ("segment s when employees not in (1, 2, 3, 4, 5, 6, 7, 8, 9)", "v0 present, not in (1, 2, 3, 4, 5, 6, 7, 8, … (9 values))"),
        ("segment s when employees != 5", "v0 present, not in [5, 6)"),
        ("segment s when at least 2 of (newsletter, score > 2.5, employees > 1)", "at least 2 of c1, c3, c5"),
        ("segment s when 1 = 1", "always"),
        ("segment s when any(orders where 1 = 2)", "never"),
        ("let rich = employees > 3 segment s when any(orders where rich)", "[rows 1] the account's c1"),
        ("segment s when sum(company.customers.employees) > 5", "company.output 0 of stage 0, 0 where there is none: whole"),
        ('segment s when bucket(id, 10, "salt") = 3', "bucket of v0, one of 10, salt 'salt': whole"),
        ("segment s when round(score, 1) > 3.5", "round of v0 to 1 places: number"),
        ("segment s when month(birthday) = 3", "month of v0: whole"),
        ("segment s when last(orders.total by placed_at) > 5", "v3 where v2 is: decimal(2)"),
        (
            "segment s when top(10%, revenue over country where newsletter)",
            "call 0 = top(10%, output 0 where output 1 over output 2) of stage 0",
        ),
        ("segment s when rank(score over all) < 5", "call 0 = rank(output 0 over all) of stage 0"),
        ("segment s when ntile(4, score over city) = 1", "call 0 = ntile(4, output 0 over output 1) of stage 0"),
        ('collect c "a" when newsletter "b" when employees > 1', "collect c = 'a' where c1, 'b' where c3"),
        ("segment s when tags is missing", "tags: list of text"),
        ("segment s when phone in tags", "rows 1: items of tags"),
        ("segment s when phone in values(company.customers.city)", "rows 1: customers.company → company"),
        (
            "segment s when max(count(order_lines per (sku, order.quantity))) > 3",
            "rows 1: groups of order_lines.order → orders.customer by sku, order.quantity",
        ),
        ("segment s when hour(now) > 2", "when hour of now >= 3"),
        ("segment s when date(now) < birthday", "v0 >= day of now +1"),
        ("segment s when days_since(2026-01-01) > 5", "when days from days 20454 to today >= 6"),
    ],
)
def test_a_program_says_what_it_does(text: str, line: str) -> None:
    assert any(shown.strip().endswith(line) for shown in str(planned(text)).splitlines()), str(planned(text))


def test_a_program_says_what_the_host_is_asked_and_which_stages_it_shares() -> None:
    steps = Signature("steps", (WHOLE, TEXT), TEXT)
    tree, _ = check([parse('segment s when steps(employees, city) = "x"')[0]], SHOP, functions=[steps])
    assert tree is not None
    assert "call 0 = steps(output 0, output 1) of stage 0" in str(plan(tree)).splitlines()
    shared = str(planned("let place = rank(score over all) segment s when rank(place over country) > place"))
    assert "stage 0, before: the same as (1)" in [line.strip() for line in shared.splitlines()]


def test_twenty_thousand_chained_lets() -> None:
    text = ["let n0 = employees > 0", *(f"let n{each} = n{each - 1} and score > {each % 7}" for each in range(1, 19_998))]
    program = planned("\n".join([*text, "segment s when n19997"]))
    assert len(needed(program)) < 40_100
    numbers = ["let v0 = employees", *(f"let v{each} = v{each - 1} + 1" for each in range(1, 3000)), "segment s when v2999 > 0"]
    assert kinds(planned("\n".join(numbers))).count("arithmetic") == 2999


def test_a_long_chain_of_lets_of_rows_costs_no_recursion() -> None:
    lets = "let v0 for orders = total\n" + "\n".join(f"let v{i} for orders = v{i - 1} + 1" for i in range(1, 19_900))
    program = planned(lets + "\nsegment s when any(orders where v19899 > 1)")
    assert len(program.nodes) >= 19_900


def test_conditions_that_are_asked_from_both_sides_are_planned_once() -> None:
    either = ismissing = "newsletter"
    for step in range(40):
        either = f"coalesce({either}, score > {step})"
    for _ in range(20):
        ismissing = f"(({ismissing}) is missing)"
    assert len(planned(f"segment a when {either}").nodes) < 400
    assert len(planned(f"segment a when {ismissing}").nodes) < 100
