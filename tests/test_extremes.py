"""Values at the ends of what is representable: answers or clear errors, never a wrong number and never a hang."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import segkernel as sk

AS_OF = "2026-01-15T12:00Z"
LARGE = Decimal("9" * 36 + ".99")
LARGE_MINUS = LARGE.copy_negate()  # unary minus would round it to 28 digits


def answer(condition: str, accounts: dict[str, Any], rows: dict[str, Any] | None = None) -> list[bool]:
    """Whether each account meets a condition; `rows` belong to accounts by `owner`."""
    tables = {"accounts": pl.DataFrame({"id": range(1, len(next(iter(accounts.values()))) + 1), **accounts})}
    links = {}
    if rows is not None:
        tables["rows"] = pl.DataFrame(rows)
        links = {"rows": {"account": ("accounts", "owner")}}
    data = sk.Dataset(tables, root="accounts", key="id", links=links)
    found: list[bool] = sk.compile(f"segment s when {condition}", data.schema).evaluate(data, as_of=AS_OF)["s"].to_list()
    return found


def money(values: list[Decimal]) -> dict[str, Any]:
    return {"owner": [1] * len(values), "total": pl.Series(values, dtype=pl.Decimal(38, 2))}


@pytest.mark.parametrize(
    ("condition", "totals", "expected"),
    [
        ("sum(rows.total) > 1", [LARGE, LARGE, LARGE_MINUS], True),
        ("avg(rows.total) > 0", [LARGE, LARGE], True),
        ("avg(rows.total) < 0", [LARGE_MINUS, LARGE_MINUS], True),
    ],
)
def test_only_the_final_sum_must_fit(condition: str, totals: list[Decimal], expected: bool) -> None:
    assert answer(condition, {"name": ["x"]}, money(totals)) == [expected]


@pytest.mark.parametrize("totals", [[LARGE, LARGE], [LARGE_MINUS, LARGE_MINUS]])
def test_a_sum_that_leaves_128_bits_is_an_error_that_names_the_place(totals: list[Decimal]) -> None:
    with pytest.raises(
        sk.DataError, match=r"rules\.seg:1:16: `sum\(rows\.total\)`: a number leaves its range: .* first in row 1 of accounts"
    ):
        answer("sum(rows.total) > 1", {"name": ["x"]}, money(totals))


def test_rows_without_owners_do_not_decide_how_wide_a_sum_is() -> None:
    rows = {"owner": [7, 8, 9], "u": pl.Series([2**64 - 1, 2**64 - 7, 5], dtype=pl.UInt64)}
    assert answer("sum(rows.u) = 0", {"name": ["x"]}, rows) == [True]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("p * p > 90000000000000000000000000000000000000", False),
        ("p * p != 99999999999999999999999999999999999999", True),
        ("p - 10% in (1, 99999999999999999999999999999999999999)", False),
    ],
)
def test_constants_beyond_128_bits_at_the_scale_of_a_value(condition: str, expected: bool) -> None:
    assert answer(condition, {"p": pl.Series([Decimal("12345678901.89")], dtype=pl.Decimal(38, 2))}) == [expected]


def test_a_whole_number_against_the_lowest_float_of_128_bits() -> None:
    assert answer("u > f", {"u": pl.Series([2**64 - 1], dtype=pl.UInt64), "f": [-(2.0**127)]}) == [True]


def test_dates_centuries_apart_in_one_column() -> None:
    at = pl.Series(["1960-01-01", "2262-04-11", None]).str.to_datetime(time_unit="ns")
    born = pl.Series(["1960-01-01", "2262-04-10", "2000-01-01"]).str.to_date()
    assert answer("at = born", {"at": at, "born": born}) == [True, False, False]


def test_a_time_that_is_moved_too_far_names_the_place() -> None:
    at = pl.Series(["2026-01-01"]).str.to_datetime()
    with pytest.raises(sk.DataError, match=r"rules\.seg:1:16: `at \+ 9999 years`: a time that is moved so far leaves 64 bits"):
        answer("at + 9999 years > now", {"at": at})


def test_a_duration_by_a_float_is_reckoned_in_floats() -> None:
    wait = pl.Series([timedelta(hours=3), timedelta(days=400 * 365), None], dtype=pl.Duration("us"))
    assert answer("wait * f > 4 hours", {"wait": wait, "f": [1.5, 1e4, 1.0]}) == [True, True, False]


def test_a_text_against_patterns_of_another_column() -> None:
    texts = [None if n % 7 == 0 else f"mail{n}@x{n % 50}.com" for n in range(400)]
    patterns = [None if n % 11 == 0 else f"x{n % 40}." for n in range(400)]
    for word, wanted in (("contains", True), ("not contains", False)):
        expected = [t is not None and p is not None and (p in t) is wanted for t, p in zip(texts, patterns, strict=True)]
        assert answer(f"text {word} pattern", {"text": texts, "pattern": patterns}) == expected


def test_progress_ends_at_one_also_without_accounts() -> None:
    data = sk.Dataset({"accounts": pl.DataFrame({"id": []}, schema={"id": pl.Int64})}, root="accounts", key="id")
    seen: list[float] = []
    sk.compile("segment s when id > 3", data.schema).evaluate(data, as_of=AS_OF, progress=seen.append)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("condition", ["share = 0.1", "share in (0.1, 0.2)", "share in 0.1..0.1", "0.1 >= share and share >= 10%"])
def test_a_literal_meets_a_field_of_32_bit_floats_at_its_width(condition: str) -> None:
    values = [0.1, 0.25, None]
    assert answer(condition, {"share": pl.Series(values, dtype=pl.Float32)}) == [True, False, False]
    assert answer(condition, {"share": pl.Series(values, dtype=pl.Float64)}) == [True, False, False]


def test_rules_go_from_one_width_to_the_other() -> None:
    made = [
        sk.Dataset({"a": pl.DataFrame({"id": [1], "share": pl.Series([0.1], dtype=dtype)})}, root="a", key="id")
        for dtype in (pl.Float32, pl.Float64)
    ]
    for data in made:
        rules = sk.compile("segment s when share = 0.1", data.schema)
        assert [rules.evaluate(other, as_of=AS_OF)["s"].to_list() for other in made] == [[True], [True]]
