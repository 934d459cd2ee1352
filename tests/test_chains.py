"""Chains: which families of aggregates go on from which, and that a row is visited once in all its windows."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, WHOLE, Length
from segkernel.clock import Clock
from segkernel.kernel import operations as op
from segkernel.link import chains, link, linking
from segkernel.link.chains import nested, reach
from segkernel.plan.slots import Form, Slot

SCHEMA = Schema(
    "customers",
    {
        "customers": Table({"id": FieldSpec(WHOLE)}, ("id",)),
        "orders": Table(
            {
                "customer": FieldSpec(WHOLE),
                "kind": FieldSpec(TEXT),
                "total": FieldSpec(NUMBER),
                "items": FieldSpec(WHOLE),
                "at": FieldSpec(TIMESTAMP),
                "day": FieldSpec(DATE),
            },
            (),
            {"customer": Link("customers", ("customer",))},
        ),
    },
)
AS_OF = datetime(2026, 3, 30, 9, tzinfo=UTC)


def made(rules: list[str], orders: int = 400) -> tuple[list[list[int]], sk.Dataset, sk.Rules]:
    """How the `where`s of some conditions are chained, by their places in the list; and data and rules."""
    rng = np.random.default_rng(5)
    frames = {
        "customers": pl.DataFrame({"id": range(70)}),
        "orders": pl.DataFrame(
            {
                "customer": rng.integers(0, 80, orders),
                "kind": rng.choice(["a", "b"], orders),
                "total": np.where(rng.random(orders) < 0.1, np.nan, np.round(rng.lognormal(3, 1, orders), 2)),
                "items": rng.integers(0, 5, orders),
                "at": [AS_OF + timedelta(hours=int(hours)) for hours in rng.integers(-3000, 100, orders)],
                "day": [(AS_OF + timedelta(days=int(days))).date() for days in rng.integers(-100, 10, orders)],
            },
            schema_overrides={"at": pl.Datetime("us", "UTC"), "day": pl.Date},
        ),
    }
    data = sk.Dataset(frames, SCHEMA)
    compiled = sk.compile("\n".join(f"segment s{number} when {text}" for number, text in enumerate(rules)), data.schema)
    found: list[list[int]] = []
    places: dict[object, int] = {}

    def spied(nodes: object, families: object) -> object:
        chained = chains.chains(nodes, families)  # type: ignore[arg-type]
        for number, (family, _) in enumerate(sorted(families.items(), key=lambda each: each[1])):  # type: ignore[attr-defined]
            places[family[2]] = number
        found.extend([places[family[2]] for family in chain] for chain in chained)
        return chained

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "chains", spied)
        link(compiled.program(), data)
    return [chain for chain in found if len(chain) > 1], data, compiled


@pytest.mark.parametrize(
    ("wheres", "wanted"),
    [
        (["at within last 30 days", "at within last 7 days", "at within last 90 days"], [[1, 0, 2]]),
        (["at within last 2 months", "at within last 1 month", "at within last 30 days"], [[1, 0]]),
        (["at within last 3 hours", "at within last 1 hours", "at within last 1 days"], [[1, 0]]),
        (["at within next 3 days", "at within last 3 days", "at within next 2 days"], [[2, 0]]),
        (["at after 3 days ago", "at after 5 days ago", "at within last 4 days"], [[0, 1]]),
        (["at before 3 days ago", "at before 5 days ago", "day before 9 days ago"], [[1, 0]]),
        (["at >= 2026-01-01", "at >= 2026-02-01", "at is not missing"], [[1, 0, 2]]),
        (['kind = "a" and at within last 9 days', 'kind = "a"', 'kind = "a" and at within last 4 days'], [[2, 0, 1]]),
        (['kind = "a" and at within last 9 days', 'kind = "b" and at within last 4 days'], []),
        (["total > 5 and at within last 9 days", "total > 5 and at within last 4 days", "total > 9 and at within last 9 days"], [[2, 0]]),
        (["total >= 5", "total >= 2.5", "total < 9", "total < 8", "total >= 1"], [[0, 1, 4], [3, 2]]),
        (["items > 3", "items > 1", "items in 2..3"], [[0, 1]]),
        (["at in this month", "at in last month", "at in this year"], []),
        (['kind = "a"', 'kind = "b"'], []),
    ],
)
def test_only_what_is_nested_at_any_instant_is_chained(wheres: list[str], wanted: list[list[int]]) -> None:
    rules = [f"sum(orders.items where {where}) > 1" for where in wheres]
    found, data, compiled = made(rules)
    assert sorted(found) == sorted(wanted)
    for moment in (AS_OF, datetime(2026, 2, 28, 23, 59, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)):
        together = compiled.evaluate(data, as_of=moment)
        for number, text in enumerate(rules):
            alone = sk.compile(f"segment s{number} when {text}", data.schema).evaluate(data, as_of=moment)
            assert together[f"s{number}"].equals(alone[f"s{number}"])


@pytest.mark.parametrize("orders", [0, 1, 63, 64, 65, 3000])
def test_chained_results_are_those_of_each_window_alone(orders: int) -> None:
    windows = ["day within last 5 days", "day within last 20 days", "day within last 60 days", 'kind = "a"', "total > 5"]
    values = ["count(orders{})", "count(orders.total{})", "sum(orders.total{})", "sum(orders.items{})", "avg(orders.total{})"]
    values += ["min(orders.total{})", "max(orders.items{})", "max(orders.at{})", "avg(orders.items{})"]
    where = [f" where {window}" for window in windows] + [f" where {window} and total > 5" for window in windows[:4]]
    pairs = list(itertools.product(values[:7] + values[8:], where))
    rules = [f"{value.format(each)} > 3" for value, each in pairs] + [
        f"{value.format(each)} > avg(orders.total)" for value, each in pairs[:30]
    ]
    rules += [f"{values[7].format(each)} after 9 days ago" for each in where] + [f"any(orders{each})" for each in where]
    found, data, compiled = made(rules, orders)
    assert found
    together = compiled.evaluate(data, as_of=AS_OF)
    for number, text in enumerate(rules):
        alone = sk.compile(f"segment s{number} when {text}", data.schema).evaluate(data, as_of=AS_OF)
        assert together[f"s{number}"].equals(alone[f"s{number}"]), text


def test_a_family_that_stands_alone_needs_all_rows_of_an_owner_together() -> None:
    rules = [f"median(orders.items where at within last {days} days) > 1" for days in (3, 9)]
    assert made(rules)[0] == []


def test_accumulators_that_no_wider_window_needs_are_left_behind() -> None:
    _, data, compiled = made(["sum(orders.total where at within last 3 days) > 5", "count(orders where at within last 60 days) > 1"])
    linked = link(compiled.program(), data)
    kinds = [int(linked.args[row[6]]) for row in linked.program if row[0] == op.VISIT]
    assert kinds == [op.OF_FLOATS, op.COUNT_ROWS, op.COUNT_ROWS]


def test_rows_are_counted_along_with_a_measure_that_has_a_value_in_each() -> None:
    _, data, compiled = made(["sum(orders.items where at within last 3 days) > 5", "count(orders where at within last 60 days) > 1"])
    linked = link(compiled.program(), data)
    visits = [linked.args[row[6] : row[6] + 5] for row in linked.program if row[0] == op.VISIT]
    assert [(int(each[0]), int(each[4])) for each in visits] == [(op.OF_CODES, op.SUMMED | op.COUNTED), (op.COUNT_ROWS, visits[1][4])]


FORMS: list[list[Form]] = [
    [("days", 3), ("days", 90)],
    [("instant", -5), ("instant", 10**18)],
    [("start", "month", -2), ("start", "month", 0), ("start", "month", 5)],
    *(
        [
            wrap(("shift", ("today",), Length(months=months, days=days)))
            for months, days in ((-40, -900), (-13, -31), (-13, 0), (0, 0), (1, 29))
        ]
        for wrap in (lambda form: form, lambda form: ("first instant", form))
    ),
    [("shift", ("now",), Length(months=months, days=days)) for months, days in ((-2, -30), (-1, -30), (-1, -1), (0, 0), (1, 1))],
    [("shift", ("now",), Length(nanoseconds=each * 3_600 * 10**9)) for each in (-100, -25, 1, 70)],
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo", "Asia/Manila"])
@pytest.mark.parametrize("forms", FORMS)
def test_of_bounds_with_one_shape_the_one_with_smaller_numbers_is_no_later(forms: list[Form], zone: str) -> None:
    moments = [datetime(2011, 12, 31, 9, tzinfo=UTC), datetime(2024, 2, 29, 23, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    shapes = [reach(Slot(form)) for form in forms]
    assert len({repr(shape) for shape, _ in shapes}) == 1
    for moment, hours in itertools.product(moments, range(-30, 30)):
        clock = Clock(int((moment + timedelta(hours=hours)).timestamp()) * 10**9, zone)
        times = [clock.form(form) for form in forms]
        assert times == sorted(times)


def test_bounds_of_other_shapes_are_not_compared() -> None:
    shape = [
        reach(each)[0]
        for each in (3, "text", Slot(("now",)), Slot(("today",)), Slot(("shift", ("today",), Length(days=1))), Slot(("start", "month", 1)))
    ]
    assert len({repr(each) for each in shape}) == len(shape)
    assert reach(Slot(("now",), 1)) == (("slot", ("now",)), (1,))
    families = [(0, 1, number, None) for number in range(4)]
    windows = [((-1, 0), families[0]), ((0, -30), families[1]), ((-1, -30), families[2]), ((0, -40), families[3])]
    assert list(nested(windows)) == [(families[1], families[3]), (families[0], families[2])]
