"""The rivals on tables small enough to reckon by hand: if they erred alike, every other comparison would be worth less."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE as DAY
from segdsl.typesystem import NUMBER, TEXT, TIMESTAMP, WHOLE, decimal
from tests.rivals import polars_rival, sql_rival
from tests.rivals.nodes import nearest
from tests.rivals.tables import CannotSay
from tests.strategies import Case, checked_rules, nanoseconds

SCHEMA = Schema(
    "customers",
    {
        "customers": Table(
            {
                "id": FieldSpec(WHOLE),
                "country": FieldSpec(TEXT),
                "seen": FieldSpec(TIMESTAMP),
                "born": FieldSpec(DAY),
                "big": FieldSpec(WHOLE),
                "price": FieldSpec(decimal(2)),
                "score": FieldSpec(NUMBER),
            },
            ("id",),
        ),
        "orders": Table(
            {"number": FieldSpec(WHOLE), "buyer": FieldSpec(WHOLE), "total": FieldSpec(NUMBER), "pieces": FieldSpec(WHOLE)},
            ("number",),
            {"customer": Link("customers", ("buyer",))},
        ),
        "lines": Table({"in_order": FieldSpec(WHOLE), "quantity": FieldSpec(WHOLE)}, (), {"order": Link("orders", ("in_order",))}),
    },
    "Europe/Berlin",
)
FRAMES = {
    "customers": pl.DataFrame(
        {
            "id": [3, 1, 2],
            "country": pl.Series(["DE", None, "AT"], dtype=pl.Enum(["DE", "AT"])),
            "seen": pl.Series([datetime(2026, 3, 29, 2, 30), None, datetime(2026, 1, 1)], dtype=pl.Datetime("ms")),
            "born": [date(2000, 2, 29), date(1999, 1, 1), None],
            "big": pl.Series([2**64 - 1, 0, None], dtype=pl.UInt64),
            "price": pl.Series(["1.25", "2.50", None]).cast(pl.Decimal(10, 2)),
            "score": [float("nan"), float("inf"), -0.0],
        }
    ),
    "orders": pl.DataFrame(
        {"number": [1, 2, 3], "buyer": [1, 1, 9], "total": [1.5, 2.25, 8.0], "pieces": pl.Series([100, 100, 5], dtype=pl.Int8)}
    ),
    "lines": pl.DataFrame({"in_order": [1, 2, 2, 3], "quantity": [1, 2, 3, 4]}),
}
AS_OF = datetime(2026, 3, 29, 12, tzinfo=UTC)
CONDITIONS = {
    'country = "DE"': [3],
    'not country = "FR"': [3, 2],
    'country < "B"': [2],
    'country starts with "A"': [2],
    'country in ("AT", "XX")': [2],
    "country is missing": [1],
    "country is missing or country != country": [1],
    "seen in this day": [3],
    "seen <= 2026-01-01": [2],
    "seen = 2026-03-29T03:30": [3],  # half past two does not exist on that day: it is moved forward by the hour
    "born + 12 months = 2001-02-28": [3],
    "born before seen": [3],
    "big > -5": [3, 1],
    "big + 0 > 9223372036854775807": [3],
    "price * price = 6.25": [1],
    "price in (3, 1.25, 2.501)": [3],
    "price / 3 > 0.8": [1],
    "score > 1": [1],
    "score = 0": [2],
    "score - score is missing": [3, 1],
    "coalesce(score, 7) = 7": [3],
    "if(country = \"FR\", 1, 2) = 2": [3, 1, 2],
    "sum(orders.pieces) = 200": [1],
    "sum(orders.pieces) = 0": [3, 2],
    "avg(orders.total) in 1.875..1.875": [1],
    "avg(orders.total) is missing": [3, 2],
    "sum(lines.quantity where order.total > 2) = 5": [1],
    "max(lines.quantity where order.total > 2) = 3": [1],
    "none(orders)": [3, 2],
    "any(orders where pieces > units)": [1],
    "count(orders where total > 2) = 1": [1],
    "any(orders where total > 2 and pieces < 50)": [],
    "any(lines where order.customer.country is missing)": [1],
}  # fmt: skip
RULES = "let units = sum(lines.quantity)\n"


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, list[object]]]:
    """What each rival says to all conditions at once."""
    text = RULES + "\n".join(f"segment s{number} when {condition}" for number, condition in enumerate(CONDITIONS))
    case = Case(0, SCHEMA, FRAMES, text, AS_OF, SCHEMA.timezone, {})
    rules, at = checked_rules(case), nanoseconds(AS_OF)
    without_days = [line for line in text.splitlines() if "born before seen" not in line]
    sayable = checked_rules(Case(0, SCHEMA, FRAMES, "\n".join(without_days), AS_OF, SCHEMA.timezone, {}))
    return {
        "Polars": polars_rival.evaluate(rules, SCHEMA, FRAMES, at).to_dict(as_series=False),
        "Polars streaming": polars_rival.evaluate(rules, SCHEMA, FRAMES, at, "streaming").to_dict(as_series=False),
        "DuckDB": sql_rival.evaluate(sayable, SCHEMA, FRAMES, at).to_dict(as_series=False),
    }


@pytest.mark.parametrize("number", range(len(CONDITIONS)), ids=list(CONDITIONS))
def test_rivals_find_the_accounts_reckoned_by_hand(number: int, answers: dict[str, dict[str, list[object]]]) -> None:
    condition, wanted = list(CONDITIONS.items())[number]
    for who, found in answers.items():
        if f"s{number}" in found:
            members = [key for key, holds in zip(FRAMES["customers"]["id"], found[f"s{number}"], strict=True) if holds]
            assert members == wanted, (who, condition)


def test_a_choose_gives_the_first_case_that_holds() -> None:
    text = 'choose c "one" when country = "DE" "two" when any(orders) "three" when country = "DE" or score = 0'
    case = Case(0, SCHEMA, FRAMES, text, AS_OF, SCHEMA.timezone, {})
    rules, at = checked_rules(case), nanoseconds(AS_OF)
    assert polars_rival.evaluate(rules, SCHEMA, FRAMES, at)["c"].to_list() == ["one", "two", "three"]
    assert sql_rival.evaluate(rules, SCHEMA, FRAMES, at)["c"].to_list() == ["one", "two", "three"]


def test_a_float_sum_that_depends_on_the_order_of_rows_is_refused() -> None:
    frames = {**FRAMES, "orders": FRAMES["orders"].with_columns(total=pl.Series([0.1, 1e30, -1e30]))}
    case = Case(0, SCHEMA, frames, "segment s when sum(orders.total) > 1", AS_OF, SCHEMA.timezone, {})
    for evaluate in (polars_rival.evaluate, sql_rival.evaluate):
        with pytest.raises(CannotSay, match="order of the rows"):
            evaluate(checked_rules(case), SCHEMA, frames, nanoseconds(AS_OF))


def test_the_nearest_float_of_32_bits_is_rounded_once() -> None:
    halfway = Fraction(2**24 + 1) + Fraction(1, 2**60)
    assert nearest(halfway, narrow=True) == 2**24 + 2
    assert nearest(Fraction(2**24 + 1), narrow=True) == 2**24
    assert nearest(Fraction(1, 10), narrow=True) == float(np.float32(0.1))
