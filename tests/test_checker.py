"""What the checker makes of rules: names, types, constants, and the comparisons that sugar stands for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from segdsl import check, parse
from segdsl.calendar_days import civil_of, day, days_of, plus_months, timestamp
from segdsl.checked import (
    Aggregate,
    And,
    Arithmetic,
    Chosen,
    Coalesce,
    Compare,
    Constant,
    Difference,
    Expression,
    Field,
    If,
    InList,
    InSegment,
    IsMissing,
    Let,
    Negative,
    Not,
    Now,
    OfAccount,
    Or,
    PeriodStart,
    ScaleDuration,
    Shift,
    TextTest,
    Today,
)  # fmt: skip
from segdsl.diagnostics import MESSAGES, as_dicts, render
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.source import Source
from segdsl.typesystem import TEXT, Length
from tests import mistakes
from tests.shop import SHOP, checked, rules
from tests.stack import with_little_stack

DAY = 86_400_000_000_000


def shown(node: Expression) -> str:
    """An expression as short text, its types where they matter."""
    match node:
        case Constant(type=kind, value=value):
            if isinstance(value, Length):
                return f"{value.months}m{value.days}d{value.nanoseconds}n"
            return f"{value!r}:{kind}"
        case Now():
            return "now"
        case Today():
            return "today"
        case PeriodStart(unit=unit, shift=shift):
            return f"{unit}{shift:+}"
        case Field(name=name, path=path):
            return ".".join((*path, name))
        case Let(name=name) | Chosen(name=name):
            return f"${name}"
        case OfAccount(operand=operand):
            return f"account({shown(operand)})"
        case Arithmetic(op=op, left=left, right=right, type=kind):
            return f"({shown(left)} {op} {shown(right)}):{kind}"
        case Negative(operand=operand):
            return f"-{shown(operand)}"
        case Shift(operand=operand, by=by):
            return f"{shown(operand)}{by.months:+}m{by.days:+}d{by.nanoseconds:+}n"
        case Difference(left=left, right=right):
            return f"diff({shown(left)}, {shown(right)})"
        case ScaleDuration(op=op, left=left, right=right):
            return f"scale({shown(left)} {op} {shown(right)})"
        case Coalesce(operands=operands, type=kind):
            return f"coalesce({', '.join(map(shown, operands))}):{kind}"
        case If(condition=condition, yes=yes, no=no, type=kind):
            return f"if({shown(condition)}, {shown(yes)}, {shown(no)}):{kind}"
        case Aggregate(function=function, relation=relation, value=value, where=where, type=kind):
            inner = relation.name if value is None else f"{relation.name}: {shown(value)}"
            return f"{function}({inner}{'' if where is None else ' | ' + shown(where)}):{kind}"
        case And(terms=terms):
            return f"and[{', '.join(map(shown, terms))}]"
        case Or(terms=terms):
            return f"or[{', '.join(map(shown, terms))}]"
        case Not(term=term):
            return f"not[{shown(term)}]"
        case Compare(op=op, left=left, right=right):
            return f"{shown(left)} {op} {shown(right)}"
        case InList(value=value, items=items, others=others):
            return f"{shown(value)} in ({', '.join(map(shown, (*items, *others)))})"
        case TextTest(kind=kind, value=value, pattern=pattern):
            return f"{shown(value)} {kind} {shown(pattern)}"
        case IsMissing(operand=operand):
            return f"missing({shown(operand)})"
        case InSegment(segment=segment):
            return f"@{segment}"


def condition(text: str) -> str:
    """What the condition of a segment becomes."""
    prelude = 'param quiet = 90 days param hours = 36 hours param eu = ("DE", "AT") param k = 5 segment seg when newsletter\n'
    prelude += "let rev = sum(orders.total) choose cls 1 when newsletter otherwise 0.5\n"
    return shown(rules(prelude + "segment s when " + text).segments["s"].condition)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("newsletter", "newsletter"),
        ("newsletter = true", "newsletter = True:yes/no"),
        ("newsletter and not newsletter or newsletter", "or[and[newsletter, not[newsletter]], newsletter]"),
        ("revenue > 5 * 365", "revenue > 1825:whole"),
        ("revenue > 0.25", "revenue > 25:decimal(2)"),
        ("revenue > 1e6", "revenue > 1000000:whole"),
        ("revenue > 80%", "revenue > 80:decimal(2)"),
        ("revenue > 12.5%", "revenue > 125:decimal(3)"),
        ("revenue > 50_000", "revenue > 50000:whole"),
        ("revenue > -5%", "revenue > -5:decimal(2)"),
        ("revenue > 1 / 4", "revenue > 0.25:number"),
        ("revenue > 1 / 0", "revenue > None:number"),
        ("revenue > 0.1 + 0.25", "revenue > 35:decimal(2)"),
        ("revenue > k", "revenue > 5:whole"),
        ("revenue * 0.5 > employees", "(revenue * 5:decimal(1)):decimal(3) > employees"),
        ("revenue + employees > score", "(revenue + employees):decimal(2) > score"),
        ("employees * 2 - 1 > 3", "((employees * 2:whole):whole - 1:whole):whole > 3:whole"),
        ("employees / 2 > 3", "(employees / 2:whole):number > 3:whole"),
        ("-revenue < - - 3", "-revenue < 3:whole"),
        ("birthday = 1970-01-02", "birthday = 1:date"),
        ("last_login_at = 1970-01-01T00:00Z", "last_login_at = 0:timestamp"),
        ("last_login_at = 1970-01-01T01:00", "last_login_at = 0:timestamp"),
        ("last_login_at before 2 weeks ago", "last_login_at < today+0m-14d+0n"),
        ("last_login_at not after quiet ago", "not[last_login_at > today+0m-90d+0n]"),
        ("last_login_at after hours ago", f"last_login_at > now+0m+0d{-DAY * 3 // 2:+}n"),
        ("birthday before 1 quarter from now", "birthday < today+3m+0d+0n"),
        ("last_login_at within last 90 days", "and[last_login_at >= today+0m-90d+0n, last_login_at <= now]"),
        ("birthday within last quiet", "and[birthday >= today+0m-90d+0n, birthday <= today]"),
        ("last_login_at within last 36 hours", f"and[last_login_at >= now+0m+0d{-DAY * 3 // 2:+}n, last_login_at <= now]"),
        ("last_login_at within next 1 year", "and[last_login_at >= now, last_login_at <= today+12m+0d+0n]"),
        ("birthday within next 7 days", "and[birthday >= today, birthday <= today+0m+7d+0n]"),
        ("last_login_at not within next hours", f"not[and[last_login_at >= now, last_login_at <= now+0m+0d{DAY * 3 // 2:+}n]]"),
        ("birthday in this month", "and[birthday >= month+0, birthday < month+1]"),
        ("birthday in last quarter", "and[birthday >= quarter-1, birthday < quarter+0]"),
        ("birthday in next year", "and[birthday >= year+1, birthday < year+2]"),
        ("birthday in last 6 whole months", "and[birthday >= month-6, birthday < month+0]"),
        ("birthday in next 2 whole weeks", "and[birthday >= week+1, birthday < week+3]"),
        ("birthday in 1971", "and[birthday >= 365:date, birthday < 730:date]"),
        ("birthday not in 1970-02", "not[and[birthday >= 31:date, birthday < 59:date]]"),
        ("birthday in 1970-01..1970-02", "and[birthday >= 0:date, birthday <= 58:date]"),
        ("birthday in 90 days ago..today", "and[birthday >= today+0m-90d+0n, birthday <= today]"),
        ("employees in 50..249", "and[employees >= 50:whole, employees <= 249:whole]"),
        ("employees in -5..k", "and[employees >= -5:whole, employees <= 5:whole]"),
        ('country in ("DE", city)', "country in ('DE':text, city)"),
        ("country not in eu", "not[country in ('DE':text, 'AT':text)]"),
        ("birthday in (1970-01-02, today)", "birthday in (1:date, today)"),
        ("last_login_at in (1970-01-02, now)", "or[last_login_at in (now), last_login_at = 1:date]"),
        ('city contains "x"', "city contains 'x':text"),
        ('not city starts with "x"', "not[city starts 'x':text]"),
        ('city not ends with "x"', "not[city ends 'x':text]"),
        ('city contains any of ("x", "y")', "or[city contains 'x':text, city contains 'y':text]"),
        ('city contains all of ("x", "y")', "and[city contains 'x':text, city contains 'y':text]"),
        ("city contains any of eu", "or[city contains 'DE':text, city contains 'AT':text]"),
        ("phone is missing", "missing(phone)"),
        ("(revenue > 3) is not missing", "not[missing(revenue > 3:whole)]"),
        ("in segment seg", "@seg"),
        ("not in segment seg", "not[@seg]"),
        ("company.industry = city", "company.industry = city"),
        ("parent.company.size > 3", "parent.company.size > 3:whole"),
        ("now - last_login_at > 30 days", f"diff(now, last_login_at) > 0m0d{30 * DAY}n"),
        ("today - birthday > 36 hours", f"diff(today, birthday) > 0m0d{DAY * 3 // 2}n"),
        ("wait * 2 < 3 days", f"scale(wait * 2:whole) < 0m0d{3 * DAY}n"),
        ("2 * wait / employees < 3 days", f"scale(scale(wait * 2:whole) / employees) < 0m0d{3 * DAY}n"),
        ("last_login_at + 90 days > now", "last_login_at+0m+90d+0n > now"),
        ("last_login_at + quiet * 2 > now", "last_login_at+0m+180d+0n > now"),
        ("last_login_at > now - 1.5 * 2 days", "last_login_at > now+0m-3d+0n"),
        ("birthday > 1970-01-31 + 1 month", "birthday > 58:date"),
        ("birthday + 1 month - 3 days > today", "birthday+1m+0d+0n+0m-3d+0n > today"),
        ("1970-01-03 - 1970-01-01 = wait", f"0m0d{2 * DAY}n = wait"),
        ("coalesce(revenue, 0) > 3", "coalesce(revenue, 0:whole):decimal(2) > 3:whole"),
        ("coalesce(newsletter, false)", "coalesce(newsletter, False:yes/no):yes/no"),
        ("if(revenue > 3, 10, 0.5) > score", "if(revenue > 3:whole, 10:whole, 5:decimal(1)):decimal(1) > score"),
        ("if(newsletter, newsletter, revenue > 3)", "if(newsletter, newsletter, revenue > 3:whole):yes/no"),
        ("any(orders)", "any(orders):yes/no"),
        ("none(orders where total > 3)", "none(orders | total > 3:whole):yes/no"),
        ("count(orders) > count(orders.status)", "count(orders):whole > count(orders: status):whole"),
        ("sum(orders.total) > avg(orders.total)", "sum(orders: total):decimal(2) > avg(orders: total):number"),
        (
            'min(order_lines.order.placed_at where product.line = "x") before today',
            "min(order_lines: order.placed_at | product.line = 'x':text):timestamp < today",
        ),
        ("max(orders.delay) > 3 days", f"max(orders: delay):duration > 0m0d{3 * DAY}n"),
        ("any(orders where total > rev)", "any(orders | total > account($rev)):yes/no"),
        ("any(orders where quantity > cls)", "any(orders | quantity > account($cls)):yes/no"),
        ("any(orders where quantity > k)", "any(orders | quantity > 5:whole):yes/no"),
        ("any(orders where customer.city = status)", "any(orders | customer.city = status):yes/no"),
        ("count(children where employees > 3) > 1", "count(children | employees > 3:whole):whole > 1:whole"),
        ("cls = 0.5", "$cls = 5:decimal(1)"),
        ("rev > 3", "$rev > 3:whole"),
    ],
)
def test_a_condition_becomes(text: str, meaning: str) -> None:
    assert condition(text) == meaning


def test_a_chain_of_links_is_known_by_its_tables() -> None:
    found = rules("segment s when any(order_lines)").segments["s"].condition
    assert isinstance(found, Aggregate)
    assert found.relation.chain == (("order_lines", "order"), ("orders", "customer"))


def test_choices_take_the_type_that_holds_all_of_them() -> None:
    chosen = rules("choose c 1 when newsletter 0.5 when revenue > 3 otherwise 2").chooses["c"]
    assert [shown(case.value) for case in chosen.cases] == ["10:decimal(1)", "5:decimal(1)"]
    assert chosen.otherwise is not None
    assert shown(chosen.otherwise) == "20:decimal(1)"


def test_names_come_in_the_order_written_and_order_follows_mentions() -> None:
    found = rules("segment a when in segment b and x > 3 choose c 1 when in segment a segment b when y > 1 let x = y + 1 let y = revenue")
    assert found.names == ("a", "c", "b")
    places = {name: place for place, name in enumerate(found.order)}
    assert sorted(places) == ["a", "b", "c", "x", "y"]
    assert places["y"] < places["x"] < places["a"] < places["c"]
    assert places["b"] < places["a"]


def test_a_let_of_a_constant_is_the_constant() -> None:
    assert shown(rules("let limit = 3 * 4 segment s when revenue > limit").segments["s"].condition) == "revenue > 12:whole"


def test_a_let_may_be_called_like_a_relation() -> None:
    found = rules("let orders = count(orders) segment s when orders > 3")
    assert shown(found.segments["s"].condition) == "$orders > 3:whole"


def test_a_name_hides_a_field_that_nobody_pinned() -> None:
    found = rules("let revenue = employees * 2 segment s when revenue > 3 and count(children where revenue > 3) > 0")
    assert shown(found.segments["s"].condition) == "and[$revenue > 3:whole, count(children | account($revenue) > 3:whole):whole > 0:whole]"


def test_a_name_that_hides_a_field_of_rows_is_warned_of_once() -> None:
    _, diagnostics = checked("let quantity = 3 let total = employees segment s when any(orders where total > 3 or total < 1)")
    assert [(item.code, item.span.start) for item in diagnostics if item.code == "W104"] == [("W104", 71)]


def test_backquotes_reach_a_field_called_now() -> None:
    table = Table(key=("id",), fields={"now": FieldSpec(TEXT)})
    found, _ = checked('segment s when `now` = "x"', schema=Schema(root="t", tables={"t": table}))
    assert found is not None
    assert shown(found.segments["s"].condition) == "now = 'x':text"


def test_a_let_in_backquotes_may_be_called_now() -> None:
    found = rules("let `now` = now + 1 day segment s when `now` > now")
    assert shown(found.segments["s"].condition) == "$now > now"


def test_files_share_their_names() -> None:
    first, _ = parse("segment a when in segment b", "a.seg", 0)
    second, _ = parse("segment b when newsletter", "b.seg", 1)
    found, _ = check([first, second], SHOP)
    assert found is not None
    assert found.order == ("b", "a")


# ---- params


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        ("3", 5, "5:whole"),
        ("3", "5.5", "55:decimal(1)"),
        ("3", "-5%", "-5:decimal(2)"),
        ("3", 0.1, "1:decimal(1)"),
        ("3", 1e-300, "1e-300:number"),
        ("3", Decimal("-12.50"), "-1250:decimal(2)"),
        ('"a"', "it's", '"it\'s":text'),
        ("true", False, "False:yes/no"),
        ("true", "false", "False:yes/no"),
        ("2026-01-01", dt.date(1970, 1, 2), "1:date"),
        ("2026-01-01", "1970-01-02", "1:date"),
        ("2026-01-01T00:00", dt.datetime(1970, 1, 1, 1), "0:timestamp"),
        ("2026-01-01T00:00", dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "0:timestamp"),
        ("90 days", dt.timedelta(days=3), "0m3d0n"),
        ("90 days", dt.timedelta(hours=36), f"0m0d{DAY * 3 // 2}n"),
        ("90 days", "2 months", "2m0d0n"),
    ],
)
def test_a_param_is_set(declared: str, given: object, value: str) -> None:
    found = rules(f"param p = {declared} segment s when newsletter", {"p": given}).params["p"]
    assert isinstance(found, Constant)
    assert shown(found) == value
    assert found.param == "p"


@pytest.mark.parametrize("given", [["x", "y"], ("x", "y"), {"x", "y"}, '("x", "y")'])
def test_a_list_param_is_set(given: object) -> None:
    found = rules('param p = ("a", "b") segment s when city in p', {"p": given}).segments["s"].condition
    assert shown(found) == "city in ('x':text, 'y':text)"


def test_a_list_param_is_set_to_the_one_item_that_is_written() -> None:
    assert shown(rules('param p = ("a", "b") segment s when city in p', {"p": '"x"'}).segments["s"].condition) == "city in ('x':text)"


@pytest.mark.parametrize("field", ["city", "tags"])
@pytest.mark.parametrize(("test", "held"), [("contains any of p", "False:yes/no"), ("contains all of p", "True:yes/no")])
def test_an_empty_list_holds_nothing(field: str, test: str, held: str) -> None:
    found = rules(f'param p = ("a", "b") segment s when city in p and newsletter segment t when {field} {test}', {"p": []})
    assert found.params["p"] == ()
    assert shown(found.segments["t"].condition) == held


# ---- mistakes


@pytest.mark.parametrize(("text", "code", "message", "place", "hint"), mistakes.MISTAKES)
def test_a_mistake_is_told(text: str, code: str, message: str, place: str, hint: str | None) -> None:
    found, diagnostics = checked(text)
    assert found is None
    errors = [item for item in diagnostics if item.severity == "error"]
    assert [(item.code, item.message, text[item.span.start : item.span.end], item.hint) for item in errors] == [
        (code, message, place, hint)
    ]


@pytest.mark.parametrize(("text", "params", "code", "message", "hint"), mistakes.PARAMS)
def test_a_param_that_does_not_fit_is_told(text: str, params: dict[str, Any], code: str, message: str, hint: str | None) -> None:
    found, diagnostics = checked(text, params)
    assert found is None
    assert [(item.code, item.message, item.hint) for item in diagnostics] == [(code, message, hint)]


def test_every_code_of_the_checker_is_shown() -> None:
    told = {row[1] for row in mistakes.MISTAKES} | {row[2] for row in mistakes.PARAMS} | {"E403", "E410"}
    assert told == {code for code in MESSAGES if code[:2] in ("E2", "E3", "E4")}


def test_an_unknown_zone_is_told_where_it_matters() -> None:
    schema = msgspec.structs.replace(SHOP, timezone="Mars/Olympus")
    _, diagnostics = checked("segment s when last_login_at > 2026-01-01T00:00", schema=schema)
    assert diagnostics[0].message == 'the timezone "Mars/Olympus" is not known on this machine'
    assert checked("segment s when newsletter", schema=schema)[0] is not None


def test_a_nearly_used_up_stack_gives_a_diagnostic() -> None:
    file, _ = parse(
        "segment deep when " + "(newsletter or not (city = city and " * 20 + "newsletter" + "))" * 20 + " segment s when newsletter"
    )
    _, diagnostics = with_little_stack(60, lambda: check([file], SHOP))
    assert [(item.code, file.statements[0].span == item.span) for item in diagnostics] == [("E907", True)]


def test_an_event_time_that_is_no_time_of_the_rows_is_told_where_they_are_asked_for() -> None:
    for event_time, told in (
        ("seen_at", 'visits has no field "seen_at"'),
        ("shop", 'the event time of visits wants a date or timestamp, and this is "shop" (text)'),
    ):
        visits = msgspec.structs.replace(SHOP.tables["visits"], fields={"shop": FieldSpec(TEXT)}, event_time=event_time)
        schema = msgspec.structs.replace(SHOP, tables={**SHOP.tables, "visits": visits})
        assert [item.message for item in checked("segment s when count(visits) > 3", schema=schema)[1]] == [told]
        assert checked("segment s when count(orders) > 3", schema=schema)[0] is not None


def test_the_caret_stands_below_what_is_wrong_behind_tabs_and_wide_letters() -> None:
    text = 'segment s\twhen city = "東京" and contry = "x"'
    _, diagnostics = checked(text)
    assert render(diagnostics, [Source("a.seg", text)]).splitlines()[1:3] == [
        '    segment s    when city = "東京" and contry = "x"',
        "                                        ^^^^^^",
    ]


def test_a_mistake_that_lies_in_no_file_is_told_without_a_place() -> None:
    _, diagnostics = check([], SHOP, {"quiet": 3})
    assert render(diagnostics, []) == 'rules: error[E404]: there is no param "quiet" to set'
    assert [(item["code"], item["file"]) for item in as_dicts(diagnostics, [])] == [("E404", None)]


def test_what_stands_beside_a_repeated_name_is_looked_into() -> None:
    for text, told in (
        ("let a = 1 let a = contry", ["E204", "E201"]),
        ("let a = 1 let a for orders = totl", ["E204", "E201"]),
        ("let a = 1 let a for orders_of_old = total", ["E204", "E203"]),
        ("let a = 1 segment a when contry = 3", ["E204", "E201"]),
    ):
        assert [item.code for item in checked(text)[1]] == told


def test_a_year_that_no_calendar_has_is_told() -> None:
    _, diagnostics = checked("segment s when birthday in 0")
    assert [item.message for item in diagnostics] == ["there is no such year as 0"]


def test_five_mistakes_are_five_diagnostics_in_the_order_of_their_places() -> None:
    text = 'segment a when contry = "x" and revenue = "3" segment b when in segment c and count(orders per status) > 3 and employees'
    _, diagnostics = checked(text)
    assert [item.code for item in diagnostics] == ["E201", "E301", "E202", "E311", "E302"]
    assert [item.span.start for item in diagnostics] == sorted(item.span.start for item in diagnostics)


def test_each_mistake_in_one_call_is_told() -> None:
    assert [item.code for item in checked('segment s when coalesce(contry, sity) = "x"')[1]] == ["E201", "E201"]


def test_what_contains_a_mistake_is_not_a_second_one() -> None:
    _, diagnostics = checked('let x = contry let y = x + 1 segment s when y > "a" and x and coalesce(x, 3) = 3 and x in (1, 2)')
    assert [item.code for item in diagnostics] == ["E201"]


def test_a_name_defined_twice_shows_both_places() -> None:
    text = "let x = revenue\nsegment x when newsletter"
    _, diagnostics = checked(text)
    assert [(item.span.start, item.also[0][0].start, item.also[0][1]) for item in diagnostics] == [(24, 4, "the first is here")]


def test_a_long_chain_of_lets_is_walked_without_recursion() -> None:
    text = "let l0 = revenue\n" + "".join(f"let l{i} = l{i - 1} + 1\n" for i in range(1, 5000)) + "segment s when l4999 > 3"
    found = rules(text)
    assert found.order[0] == "l0"
    assert found.order[-1] == "s"


def test_a_long_cycle_is_told_in_short() -> None:
    text = "".join(f"let l{i} = l{(i + 1) % 3000} + 1\n" for i in range(3000))
    _, diagnostics = checked(text)
    assert [item.code for item in diagnostics] == ["E206"]
    assert diagnostics[0].message == '"l0" depends on itself: l0 → l1 → l2 → l3 → l4 → l5 → … → l2996 → l2997 → l2998 → l2999 → l0'


# ---- relations


def links(**tables: dict[str, Link]) -> Schema:
    return Schema(root="a", tables={name: Table(links=given) for name, given in tables.items()})


def test_the_nearest_chain_gives_the_relation() -> None:
    schema = links(a={}, b={"a": Link("a", ("x",))}, c={"b": Link("b", ("x",)), "a": Link("a", ("x",))})
    assert [relation.chain for relation in schema.relations("a")["c"]] == [(("c", "a"),)]


def test_equally_short_chains_are_all_listed() -> None:
    schema = links(a={}, b={"one": Link("a", ("x",)), "two": Link("a", ("y",))}, c={"b": Link("b", ("x",))})
    assert [relation.chain for relation in schema.relations("a")["c"]] == [(("c", "b"), ("b", "one")), (("c", "b"), ("b", "two"))]


def test_links_name_and_hide_relations() -> None:
    schema = links(a={"up": Link("a", ("x",), "children")}, b={"a": Link("a", ("x",), "bees"), "other": Link("a", ("y",), False)})
    found = schema.relations("a")
    assert {name: [relation.table for relation in relations] for name, relations in found.items()} == {"children": ["a"], "bees": ["b"]}


def test_a_self_link_without_a_name_is_no_relation() -> None:
    assert links(a={"up": Link("a", ("x",))}).relations("a") == {}


# ---- the calendar of literals


def test_days_agree_with_the_calendar_of_python() -> None:
    for number in range(-800_000, 2_900_000, 997):
        if 1 <= civil_of(number)[0] <= 9999:
            assert dt.date(1970, 1, 1) + dt.timedelta(number) == dt.date(*civil_of(number))
            assert days_of(*civil_of(number)) == number


def test_months_clamp_to_the_last_day() -> None:
    start = day("2024-05-31")
    assert start is not None
    assert plus_months(start, -3) == day("2024-02-29")
    assert plus_months(start, 13) == day("2025-06-30")


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30Z"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30Z"),
        ("2026-01-01T00:00:01.000000001+05:30", "UTC", "2025-12-31T18:30:01.000000001Z"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00Z"),
    ],
)
def test_local_times(text: str, zone: str, utc: str) -> None:
    from zoneinfo import ZoneInfo

    assert timestamp(text, ZoneInfo(zone)) == timestamp(utc, dt.UTC)


@pytest.mark.parametrize("text", ["2026-01-01T24:00", "2026-13-01T00:00", "2026-01-01T00:60", "2026-01-01T00:00:60", "2026-01-01"])
def test_times_that_do_not_exist(text: str) -> None:
    assert timestamp(text, dt.UTC) is None
