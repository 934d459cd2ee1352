"""The row-at-a-time evaluator: its calendar against the standard library's, its sums, and what it tells about clauses."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segdsl import checked
from segdsl.checked import Aggregate, Compare, Constant, Field, Let, LetRule, OfAccount, Relation, Rules, SegmentRule
from segdsl.checker import check
from segdsl.parser import parse
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.syntax import Span
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Length, decimal
from segkernel.oracle import Oracle, OracleOverflow, normal, plain
from segkernel.oracle.arithmetic import average, calculate, compare_numbers, float_sum, scale_duration
from segkernel.oracle.civil import add_months, date_of, day_of, period_start, weekday_of
from segkernel.oracle.zones import DAY, SECOND, day_start, instant_of, local_at, local_day, shift_instant

HERE = Span(0, 1)
NOW = (day_of(2026, 1, 15) * 24 + 12) * 3_600 * SECOND
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "America/St_Johns")
DAYS = st.integers(day_of(1, 1, 1), day_of(9999, 12, 31))
INSTANTS = st.integers(day_of(1900, 1, 1) * 86_400, day_of(2100, 1, 1) * 86_400)
SCHEMA = Schema(
    "customers",
    {
        "customers": Table({"id": FieldSpec(TEXT), "n": FieldSpec(WHOLE)}, ("id",)),
        "orders": Table(
            {"id": FieldSpec(TEXT), "customer_id": FieldSpec(TEXT), "total": FieldSpec(WHOLE), "at": FieldSpec(TIMESTAMP)},
            ("id",),
            {"customer": Link("customers", ("customer_id",))},
        ),
        "lines": Table({"order_id": FieldSpec(TEXT), "quantity": FieldSpec(WHOLE)}, (), {"order": Link("orders", ("order_id",))}),
    },
)
TIMED = msgspec.structs.replace(
    SCHEMA, tables={**SCHEMA.tables, "orders": msgspec.structs.replace(SCHEMA.tables["orders"], event_time="at")}
)
ROWS: dict[str, list[dict[str, object]]] = {
    "customers": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c"}],
    "orders": [
        {"id": "1", "customer_id": "a", "total": 10, "at": datetime(2026, 1, 1)},
        {"id": "2", "customer_id": "b", "total": 20, "at": datetime(2026, 1, 15, 12, tzinfo=UTC)},
        {"id": "3", "customer_id": "b", "total": 40},
        {"id": "4", "customer_id": "b", "total": 80, "at": datetime(2026, 1, 15, 12, 0, 1)},
        {"id": "5", "customer_id": "z", "total": 160},
    ],
    "lines": [
        {"order_id": "1", "quantity": 30},
        {"order_id": "1", "quantity": 1},
        {"order_id": "2", "quantity": 20},
        {"order_id": "3", "quantity": 20},
        {"order_id": "4", "quantity": 9},
    ],
}
ORDERS = Relation("orders", "orders", (("orders", "customer"),))
LINES = Relation("lines", "lines", (("lines", "order"),))
ALL_LINES = Relation("lines", "lines", (("lines", "order"), ("orders", "customer")))


def oracle(text: str) -> Oracle:
    file, _ = parse(text)
    rules, mistakes = check([file], SCHEMA)
    assert rules is not None, mistakes
    return Oracle(rules, SCHEMA, ROWS, NOW)


def built(*segments: SegmentRule, lets: tuple[LetRule, ...] = (), schema: Schema = SCHEMA) -> Oracle:
    names = tuple(segment.name for segment in segments)
    rules = Rules(
        root="customers",
        timezone="UTC",
        lets={each.name: each for each in lets},
        segments={segment.name: segment for segment in segments},
        chooses={},
        params={},
        order=(*(each.name for each in lets), *names),
        names=names,
    )
    return Oracle(rules, schema, ROWS, NOW)


def whole(value: int) -> Constant:
    return Constant(span=HERE, type=WHOLE, value=value)


def quantity() -> Field:
    return Field(span=HERE, table="lines", name="quantity", type=WHOLE)


def total() -> Field:
    return Field(span=HERE, table="orders", name="total", type=WHOLE)


# ---- the calendar


@given(DAYS)
def test_civil_dates_agree_with_the_standard_library(day: int) -> None:
    known = date(1970, 1, 1) + timedelta(days=day)
    assert date_of(day) == (known.year, known.month, known.day)
    assert day_of(known.year, known.month, known.day) == day
    assert weekday_of(day) == known.isoweekday()


@given(st.integers(-(10**9), 10**9))
def test_civil_dates_go_there_and_back(day: int) -> None:
    assert day_of(*date_of(day)) == day


@given(DAYS, st.integers(-50, 50))
def test_months_clamp(day: int, months: int) -> None:
    year, month, day_of_month = date_of(day)
    moved = date_of(add_months(day, months))
    assert moved[0] * 12 + moved[1] == year * 12 + month + months
    assert moved[2] == day_of_month or (moved[2] < day_of_month and date_of(day_of(*moved) + 1)[2] == 1)


@pytest.mark.parametrize(
    ("unit", "shift", "start"),
    [
        ("day", 0, (2026, 1, 15)), ("day", -15, (2025, 12, 31)), ("week", 0, (2026, 1, 12)), ("week", -1, (2026, 1, 5)),
        ("month", 0, (2026, 1, 1)), ("month", -1, (2025, 12, 1)), ("month", 13, (2027, 2, 1)), ("quarter", 0, (2026, 1, 1)),
        ("quarter", -1, (2025, 10, 1)), ("quarter", 5, (2027, 4, 1)), ("year", 0, (2026, 1, 1)), ("year", -27, (1999, 1, 1)),
    ],
)  # fmt: skip
def test_periods_start(unit: str, shift: int, start: tuple[int, int, int]) -> None:
    assert date_of(period_start(day_of(2026, 1, 15), unit, shift)) == start


@given(st.sampled_from(ZONES), INSTANTS)
def test_the_wall_agrees_with_the_standard_library(zone: str, second: int) -> None:
    known = datetime.fromtimestamp(second, ZoneInfo(zone))
    local = day_of(known.year, known.month, known.day) * 86_400 + known.hour * 3_600 + known.minute * 60 + known.second
    assert local_at(zone, second * SECOND) == local * SECOND
    earlier = int(known.replace(fold=0).timestamp())
    assert instant_of(zone, local * SECOND) == earlier * SECOND


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_instant_lies_in_its_local_day(zone: str, second: int) -> None:
    day = local_day(zone, second * SECOND)
    assert day_start(zone, day) <= second * SECOND < day_start(zone, day + 1)


@given(st.sampled_from(ZONES), st.integers(day_of(1970, 1, 1), day_of(2037, 1, 1)))
def test_a_day_starts_when_the_wall_first_shows_it(zone: str, day: int) -> None:
    start = day_start(zone, day)
    assert local_at(zone, start) >= day * DAY
    assert local_at(zone, start - SECOND) < day * DAY


def test_a_day_that_never_was_is_empty() -> None:
    day = day_of(2011, 12, 30)
    assert day_start("Pacific/Apia", day) == day_start("Pacific/Apia", day + 1)


def test_a_day_far_away_has_a_start() -> None:
    far = day_of(300_000, 1, 1)
    assert day_start("Europe/Berlin", far) == (far * 24 - 1) * 3_600 * SECOND


def test_shifts_by_days_keep_the_time_of_day_and_shifts_by_hours_do_not() -> None:
    noon = instant_of("Europe/Berlin", day_of(2026, 3, 28) * DAY + DAY // 2)
    assert shift_instant("Europe/Berlin", noon, Length(days=1)) - noon == 23 * 3_600 * SECOND
    assert shift_instant("Europe/Berlin", noon, Length(nanoseconds=DAY)) - noon == DAY


# ---- numbers


def test_float_sums_are_exact_and_rounded_once() -> None:
    assert float_sum([1e16, 1.0, -1e16]) == 1.0
    assert float_sum([1e308, 1e308, -1e308]) == 1e308
    assert float_sum([1e308, 1e308]) == math.inf
    assert float_sum([-1e308, -1e308]) == -math.inf
    assert float_sum([math.inf, 1.0]) == math.inf
    assert float_sum([math.inf, -math.inf]) is None
    assert float_sum([]) == 0.0


def test_averages_divide_the_rounded_sum() -> None:
    assert average([10, 20, 30], decimal(2)) == 0.2
    assert average([2**63 - 1, 2**63 - 1, 2**63 - 1], WHOLE) == float(2**63)
    assert average([math.inf, -math.inf], NUMBER) is None


def test_numbers_of_two_types() -> None:
    no = (False, False)
    assert compare_numbers(">", 2**53 + 1, WHOLE, float(2**53), NUMBER, no)
    assert compare_numbers("=", 10, decimal(2), 0.1, NUMBER, no)
    assert compare_numbers("=", 10, decimal(2), 1, decimal(1), no)
    assert calculate("*", 150, decimal(2), 25, decimal(1), no) == 3_750
    assert calculate("/", 7, WHOLE, 2, WHOLE, no) == 3.5
    assert calculate("/", 7, WHOLE, 0, decimal(2), no) is None
    assert calculate("-", math.inf, NUMBER, math.inf, NUMBER, no) is None


def test_durations_round_to_even_nanoseconds() -> None:
    assert scale_duration("/", 5, 2, WHOLE, False) == 2
    assert scale_duration("/", 7, 2, WHOLE, False) == 4
    assert scale_duration("*", 5, 0.5, NUMBER, False) == 2
    assert scale_duration("/", 5, 0, WHOLE, False) is None
    assert scale_duration("*", 5, math.inf, NUMBER, False) is None


def test_values_take_their_normal_form() -> None:
    assert normal(math.nan, NUMBER, "UTC") is None
    assert normal(Decimal("1.005"), decimal(2), "UTC") == 101
    assert normal(-0.125, decimal(2), "UTC") == -13
    assert normal(date(1969, 12, 31), DATE, "UTC") == -1
    assert normal(datetime(1970, 1, 1, 1), TIMESTAMP, "Europe/Berlin") == 0
    assert normal(datetime(1970, 1, 1, tzinfo=UTC), TIMESTAMP, "Europe/Berlin") == 0
    with pytest.raises(TypeError, match="expected a text, found 5"):
        normal(5, TEXT, "UTC")


def test_values_go_back_to_plain_ones() -> None:
    assert plain(-13, decimal(2)) == Decimal("-0.13")
    assert plain(-1, DATE) == date(1969, 12, 31)
    assert plain(0, TIMESTAMP) == datetime(1970, 1, 1, tzinfo=UTC)
    assert plain(True, TRUTH) is True
    assert plain(None, DATE) is None


# ---- rules


def test_rows_later_than_the_run_do_not_count() -> None:
    condition = Compare(
        span=HERE, op="=", left=Aggregate(span=HERE, function="sum", relation=ORDERS, type=WHOLE, value=total()), right=whole(60)
    )
    assert built(SegmentRule(span=HERE, name="s", label=None, condition=condition), schema=TIMED).segment("s") == [False, True, False]


def test_rows_of_rows_later_than_the_run_do_not_count() -> None:
    count = Aggregate(span=HERE, function="count", relation=ALL_LINES, type=WHOLE)
    condition = Compare(span=HERE, op="=", left=count, right=whole(2))
    assert built(SegmentRule(span=HERE, name="s", label=None, condition=condition), schema=TIMED).segment("s") == [True, True, False]


def test_an_aggregate_inside_a_where_belongs_to_the_row() -> None:
    size = Aggregate(span=HERE, function="sum", relation=LINES, type=WHOLE, value=quantity())
    where = Compare(span=HERE, op=">=", left=size, right=whole(30))
    condition = Aggregate(span=HERE, function="any", relation=ORDERS, type=TRUTH, where=where)
    assert built(SegmentRule(span=HERE, name="s", label=None, condition=condition)).segment("s") == [True, False, False]


def test_a_let_of_a_relation_and_the_account_of_a_row() -> None:
    n = OfAccount(span=HERE, operand=Field(span=HERE, table="customers", name="n", type=WHOLE), type=WHOLE)
    large = LetRule(span=HERE, name="large", table="orders", value=Compare(span=HERE, op=">", left=total(), right=n), relation="orders")
    where = Let(span=HERE, name="large", type=TRUTH)
    count = Aggregate(span=HERE, function="count", relation=ORDERS, type=WHOLE, where=where)
    condition = Compare(span=HERE, op=">=", left=count, right=whole(2))
    assert built(SegmentRule(span=HERE, name="s", label=None, condition=condition), lets=(large,)).segment("s") == [False, True, False]


def test_a_long_chain_of_lets_is_no_trouble() -> None:
    lets = "let v0 = n\n" + "\n".join(f"let v{i} = v{i - 1} + 1" for i in range(1, 3_000))
    assert oracle(lets + "\nsegment s when v2999 = 3001").segment("s") == [False, True, False]


def test_an_overflow_names_its_place() -> None:
    text = "segment s when n * 9223372036854775807 * 3 > 0"
    with pytest.raises(OracleOverflow) as caught:
        oracle(text).segment("s")
    assert text[caught.value.span.start : caught.value.span.end] == "n * 9223372036854775807 * 3"


def test_truths_of_one_account() -> None:
    engine = oracle("segment s when n > 1")
    condition = engine.rules.segments["s"].condition
    assert [engine.truth(condition, row) for row in range(3)] == [False, True, None]


def test_every_clause_has_its_value() -> None:
    text = "let revenue = sum(orders.total where total > 15) segment s when revenue > 50 and not n = 1"
    engine = oracle(text)
    clause = engine.explain("s", 1)
    assert (clause.kind, clause.value) == ("and", True)
    over, other = clause.children
    assert text[over.span.start : over.span.end] == "revenue > 50"
    assert (over.kind, over.value) == ("comparison", True)
    assert [(child.kind, child.value) for child in over.children] == [("let", 140), ("constant", 50)]
    (total_,) = over.children[0].children
    assert (total_.kind, total_.value, total_.rows) == ("aggregate", 140, (1, 2, 3))
    assert (other.kind, other.value, other.children[0].value) == ("not", True, False)
    assert engine.explain("s", 2).children[1].value is None


def test_a_choose_has_a_child_for_every_case() -> None:
    engine = oracle('choose size "one" when n = 1 "two" when n = 2 segment s when size = "two"')
    clause = engine.explain("size", 1)
    assert (clause.kind, clause.value, [child.value for child in clause.children]) == ("choose", "two", [False, True])
    assert engine.explain("s", 1).children[0].children == (clause,)
    assert engine.choose("size") == ["one", "two", None]


def test_every_kind_of_expression_can_be_explained() -> None:
    engine = oracle(
        "segment t when true "
        'segment s when in segment t and n in (1, 2) and coalesce(n, 0) - -1 > if(n > 1, 0, 1) and n is not missing and "ab" contains "a" '
        "and any(orders where at before now - 1 day and at >= 20 days ago and total > customer.n) and today in this year "
        "and (now - max(orders.at)) / 2 > 1 hour and today - 1 day < today"
    )
    kinds: set[str] = set()
    waiting = [engine.explain("s", 0)]
    while waiting:
        clause = waiting.pop()
        kinds.add(clause.kind)
        waiting += clause.children
    assert engine.segment("s") == [True, False, False]
    assert {"segment", "list", "coalesce", "arithmetic", "if", "is missing", "text test", "aggregate", "today", "period"} <= kinds
    assert {"duration", "difference", "now", "shift", "field", "constant", "comparison", "not", "and"} <= kinds


def test_all_nodes_of_the_tree_have_a_name() -> None:
    from segkernel.oracle.clauses import KINDS

    nodes = {kind for kind in checked.Checked.__subclasses__() if not kind.__name__.endswith("Rule") and kind.__name__ != "Case"}
    assert set(KINDS) == nodes
