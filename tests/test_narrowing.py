"""Every physical type becomes a column that says exactly what the series said."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal
from segkernel.data import physical, texts
from segkernel.data.columns import PADDING, Column
from segkernel.data.narrowing import narrow
from segkernel.errors import DataError

EPOCH = datetime(1970, 1, 1)
ROWS = (0, 1, 63, 64, 65)


def bound(series: pl.Series, type: Type | None = None, zone: str = "UTC") -> Column:
    found = type or physical.logical(series.dtype)
    assert found is not None
    column = narrow(series, found, zone, "shop.field")
    check_layout(column, len(series))
    return column


def check_layout(column: Column, rows: int) -> None:
    """What the kernel relies on."""
    assert column.rows == column.codes.size == rows
    assert column.address % 64 == 0
    assert column.codes.base is not None
    behind = np.lib.stride_tricks.as_strided(column.codes, (rows + PADDING,))[rows:]
    assert not behind.any()
    missing = np.isnan(column.codes) if column.raw else column.codes == 0
    assert column.missing == missing.sum()
    if not column.raw:
        assert column.codes.max(initial=0) <= column.top < np.iinfo(column.codes.dtype).max
        if column.values is not None:
            assert list(column.values) == sorted(set(column.values))
            assert column.top == len(column.values)


def read(column: Column) -> list[Any]:
    if column.raw:
        return [None if math.isnan(each) else each for each in column.codes.tolist()]
    return [None if code == 0 else column.value(code) for code in column.codes.tolist()]


INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_are_exact_at_their_extremes(dtype: Any) -> None:
    low, high = (pl.select(edge).item() for edge in (dtype.min(), dtype.max()))
    for values in ([low, None, high], [low], [high], [high - 1, high, low, low + 1, 0, None], [None, None], [0, high]):
        assert read(bound(pl.Series(values, dtype=dtype))) == values


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        lambda k: k * 7 - 100,
        lambda k: k * 2**56 - 2**62,
        lambda k: k * 0.5 - 3,
        lambda k: f"text {k % 5} that is long enough not to be inlined",
        lambda k: k % 3 == 0,
        lambda k: date(2024, 2, 28) + timedelta(k),
        lambda k: datetime(2024, 2, 28) + timedelta(hours=k),
        lambda k: timedelta(milliseconds=k * 250),
        lambda k: Decimal(k * 25 - 100) / 100,
    ],
)
def test_rows_chunks_and_slices_do_not_show(rows: int, missing: bool, value: Any) -> None:
    values = [None if missing and k % 4 == 1 else value(k) for k in range(rows + 20)]
    dtype = pl.Series([value(0)]).dtype
    whole = pl.Series(values, dtype=pl.Decimal(38, 2) if isinstance(dtype, pl.Decimal) else dtype)
    wanted = read(bound(whole.slice(13, rows).rechunk()))
    exact = [exactly(each) for each in values[13 : 13 + rows]]
    assert wanted == exact
    assert read(bound(whole.slice(13, rows))) == exact
    chunked = pl.concat([whole.slice(13, rows // 3), whole.slice(13 + rows // 3, rows - rows // 3)], rechunk=False)
    assert read(bound(chunked)) == exact


def exactly(value: Any) -> Any:
    """A Python value in the language's units."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(value, date):
        return (value - EPOCH.date()).days
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if isinstance(value, Decimal):
        return int(value * 100)
    return value


def test_codes_are_as_narrow_as_the_steps_allow() -> None:
    prices = bound(pl.Series([100 * k for k in range(254)]))
    assert (prices.codes.dtype, prices.base, prices.step, prices.top) == (np.uint8, 0, 100, 254)
    assert bound(pl.Series([100 * k for k in range(255)])).codes.dtype == np.uint16
    assert bound(pl.Series(range(65_534))).codes.dtype == np.uint16
    assert bound(pl.Series(range(65_535))).codes.dtype == np.uint32
    days = bound(pl.Series([datetime(2020, 1, 1) + timedelta(k) for k in range(100)]))
    assert (days.codes.dtype, days.step) == (np.uint8, 86_400_000_000_000)


def test_few_values_far_apart_are_a_table() -> None:
    column = bound(pl.Series([0, 10**12, 7, None, 10**12 + 1]))
    assert column.values == (0, 7, 10**12, 10**12 + 1)
    assert column.codes.dtype == np.uint8
    assert column.codes.tolist() == [1, 3, 2, 0, 4]


def test_more_values_over_all_of_64_bits_are_a_table_too() -> None:
    values = [None, 2**63 - 1, -(2**63), *range(300)]
    column = bound(pl.Series(values))
    assert column.values is not None
    assert column.codes.dtype == np.uint16
    assert read(column) == values


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))), st.integers(1, 1000))
def test_any_whole_numbers(values: list[int | None], step: int) -> None:
    stepped = [each if each is None else each // step * step if each // step * step >= -(2**63) else 0 for each in values]
    assert read(bound(pl.Series(values, dtype=pl.Int64))) == values
    assert read(bound(pl.Series(stepped, dtype=pl.Int64))) == stepped


def test_wider_whole_numbers_must_fit_64_bits() -> None:
    assert read(bound(pl.Series([1, None, -5], dtype=pl.Int128))) == [1, None, -5]
    assert read(bound(pl.Series([2**64 - 1, 0], dtype=pl.Int128))) == [2**64 - 1, 0]
    assert read(bound(pl.Series([2**64 - 1, -(2**63), None, 0], dtype=pl.Int128))) == [2**64 - 1, -(2**63), None, 0]
    assert read(bound(pl.Series([2**64 - 1, None], dtype=pl.UInt128))) == [2**64 - 1, None]
    assert read(bound(pl.Series([Decimal(2**64 - 1), None, Decimal(-5)], dtype=pl.Decimal(38, 0)), WHOLE)) == [2**64 - 1, None, -5]


@pytest.mark.parametrize(
    ("values", "dtype", "told"),
    [
        ([2**64, 0], pl.Int128, "1 value outside -2^63 to 2^64 - 1: 18446744073709551616 in row 1"),
        ([0, -(2**63) - 1, 2**127 - 1], pl.Int128, f"2 values outside -2^63 to 2^64 - 1: {-(2**63) - 1} in row 2, {2**127 - 1} in row 3"),
        ([None, 2**128 - 1], pl.UInt128, f"1 value outside -2^63 to 2^64 - 1: {2**128 - 1} in row 2"),
        ([Decimal(2**64)], pl.Decimal(38, 0), "1 value outside -2^63 to 2^64 - 1: 18446744073709551616 in row 1"),
        (
            [2**64] * 7,
            pl.Int128,
            "7 values outside -2^63 to 2^64 - 1: " + ", ".join(f"{2**64} in row {row}" for row in range(1, 6)) + ", …",
        ),
    ],
)
def test_whole_numbers_that_do_not_fit_64_bits_are_named(values: Any, dtype: Any, told: str) -> None:
    with pytest.raises(DataError) as caught:
        bound(pl.Series(values, dtype=dtype), WHOLE)
    assert str(caught.value) == f"shop.field has {told}"


@pytest.mark.parametrize(
    ("values", "dtype", "scale", "told"),
    [
        ([1, 2, None], pl.Int8, 38, "1 value too large for decimal(38), which has 128 bits: 2 in row 2"),
        (
            [2**100, -(2**100), 5],
            pl.Int128,
            20,
            f"2 values too large for decimal(20), which has 128 bits: {2**100} in row 1, {-(2**100)} in row 2",
        ),
        ([Decimal("1.5"), Decimal("-3.5")], pl.Decimal(38, 1), 38, "1 value too large for decimal(38), which has 128 bits: -3.5 in row 2"),
        ([0.5, 1e37], pl.Float64, 2, "1 value too large for decimal(2), which has 128 bits: 1e+37 in row 2"),
        ([math.inf, 1.0, -math.inf], pl.Float64, 2, "2 values that decimal(2) cannot hold: inf in row 1, -inf in row 3"),
    ],
)
def test_numbers_that_a_decimal_cannot_hold_are_named(values: Any, dtype: Any, scale: int, told: str) -> None:
    with pytest.raises(DataError) as caught:
        bound(pl.Series(values, dtype=dtype), decimal(scale))
    assert str(caught.value) == f"shop.field has {told}"


def test_yes_and_no_have_fixed_codes() -> None:
    for values in ([True, None, False], [True], [False, False], [None], []):
        column = bound(pl.Series(values, dtype=pl.Boolean))
        assert (column.base, column.step, column.top) == (0, 1, 2)
        assert read(column) == values
    assert bound(pl.Series([None], dtype=pl.Null), TRUTH).missing == 1


def test_texts_sort_by_code_point() -> None:
    values = ["é", "z", "", None, "\U0001f600", "\uffff", "A", "a\x00b", "a" * 40, "z"]
    for dtype in (pl.String, pl.Categorical):
        column = bound(pl.Series(values, dtype=dtype))
        assert list(column.values or ()) == sorted({each for each in values if each is not None})
        assert read(column) == values


def test_texts_whose_hashes_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_SEED", np.uint64(0))
    values = colliding(5)
    assert len({hash_of(value) for value in values}) == 1
    column = bound(pl.Series([*values, *values]))
    assert list(column.values or ()) == sorted(values)
    assert read(column) == [*values, *values]


def colliding(count: int) -> list[str]:
    """Different texts of 12 characters with one hash, for a seed of 0: of each beginning, the end that gives it."""
    found = ["abcd12345678"]
    wanted = mixed(0, view(found[0])[0]) ^ view(found[0])[1]
    for number in range(1 << 16):
        begin = f"{number:04x}"
        end = (mixed(0, view(begin + "x" * 8)[0]) ^ wanted).to_bytes(8, "little")
        if max(end) < 128 and begin + end.decode() not in found:
            found.append(begin + end.decode())
        if len(found) == count:
            break
    return found


def view(text: str) -> tuple[int, int]:
    """The two halves of Arrow's view of a text of up to 12 bytes."""
    whole = (len(text).to_bytes(4, "little") + text.encode()).ljust(16, b"\0")
    return int.from_bytes(whole[:8], "little"), int.from_bytes(whole[8:], "little")


def mixed(state: int, word: int) -> int:
    state = (state ^ word) * 0x9E3779B97F4A7C15 % (1 << 64)
    return (state ^ state >> 32) * 0xD6E8FEB86659FD93 % (1 << 64)


def hash_of(text: str) -> int:
    return mixed(mixed(0, view(text)[0]), view(text)[1])


@pytest.mark.parametrize("count", [254, 255, 1000, 67_000])
def test_the_table_of_texts_grows(count: int) -> None:
    values = [f"{each * 7919 % count:06}" for each in range(count)]
    assert bound(pl.Series([*values, None, *values[:3]])).codes.tolist() == [int(each) + 1 for each in [*values, -1, *values[:3]]]


@pytest.mark.parametrize("length", [0, 1, 4, 8, 12, 13, 15, 16, 17, 24, 31, 40])
def test_texts_of_every_length_and_in_several_chunks_are_told_apart_by_each_byte(length: int) -> None:
    changed = {"x" * at + "y" + "x" * (length - at - 1) for at in range(length)}
    distinct = {"x" * length, "x" * (length + 1), "é" * length} | changed
    values = [*sorted(distinct, reverse=True), None] * 3
    third = len(values) // 3
    parts = pl.Series([None, *values[: third + 1]])[1:], pl.Series(values[third + 1 :]), pl.Series([], dtype=pl.String)
    column = bound(pl.concat(parts, rechunk=False))
    wanted = sorted(distinct)
    assert list(column.values or ()) == wanted
    assert column.codes.tolist() == [0 if value is None else wanted.index(value) + 1 for value in values]
    assert column.missing == 3


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64, pl.Decimal(20, 2)])
def test_numbers_of_any_width_are_read_where_they_lie(dtype: Any, rows: int) -> None:
    random = np.random.default_rng(rows)
    low, high = (-100, 100) if dtype in (pl.Int8, pl.Decimal(20, 2)) else (0, 200)
    numbers = [None if random.random() < 0.1 else int(number) for number in random.integers(low, high, rows)]
    wide = pl.Series([7, *numbers]).cast(dtype)[1:]
    parts = pl.concat([wide[: rows // 3], wide[rows // 3 :]], rechunk=False)
    scale = 100 if dtype == pl.Decimal(20, 2) else 1
    for series in (wide, parts):
        assert read(bound(series)) == [None if number is None else number * scale for number in numbers]


def test_the_extremes_of_every_width_are_kept() -> None:
    for dtype in (pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64):
        low, high = _bounds(dtype)
        assert read(bound(pl.Series([high, None, low, low + 1, high - 1], dtype=dtype))) == [high, None, low, low + 1, high - 1]
        many = [low, high, *range(low // 2 + 3, low // 2 + 303)] if dtype not in (pl.Int8, pl.UInt8) else [low, high]
        assert read(bound(pl.Series(many, dtype=dtype))) == many


def _bounds(dtype: Any) -> tuple[int, int]:
    kind = np.iinfo(str(dtype).lower())
    return int(kind.min), int(kind.max)


def test_enum_and_category_keep_only_the_texts_in_use() -> None:
    sizes = pl.Series(["L", None, "S", "L"], dtype=pl.Enum(["S", "M", "L", "XL"]))
    assert list(bound(sizes).values or ()) == ["L", "S"]
    assert read(bound(sizes)) == ["L", None, "S", "L"]
    assert list(bound(sizes.cast(pl.Categorical).slice(1, 2)).values or ()) == ["S"]
    wide = pl.Series([str(k) for k in range(300)], dtype=pl.Enum([str(k) for k in range(1000)]))
    assert read(bound(wide)) == [str(k) for k in range(300)]


@pytest.mark.parametrize(("count", "width"), [(254, np.uint8), (255, np.uint16), (65_534, np.uint16), (65_535, np.uint32)])
def test_texts_take_the_width_that_their_number_needs(count: int, width: Any) -> None:
    column = bound(pl.Series([f"{k:06}" for k in range(count)]))
    assert column.codes.dtype == width
    assert column.codes.tolist() == list(range(1, count + 1))


def test_floats_stay_floats_and_nan_is_missing() -> None:
    values = [0.5, math.nan, None, math.inf, -math.inf, -0.0, 1e-320]
    column = bound(pl.Series(values))
    assert column.raw
    assert read(column) == [0.5, None, None, math.inf, -math.inf, 0.0, 1e-320]
    assert read(bound(pl.Series([0.1, None], dtype=pl.Float32))) == [float(np.float32(0.1)), None]


def test_every_number_can_be_read_as_a_float_the_nearest_one() -> None:
    assert read(bound(pl.Series([2**53 + 1, None, 3]), NUMBER)) == [2.0**53, None, 3.0]
    assert read(bound(pl.Series([2**64 - 1], dtype=pl.UInt64), NUMBER)) == [2.0**64]
    units = [10, -7, None, 2**62 + 1, 123456789012345678]
    money = pl.Series(units, dtype=pl.Int64).cast(pl.Decimal(38, 0)) / pl.Series([Decimal("1.000")]).cast(pl.Decimal(38, 3))
    assert read(bound(money, NUMBER)) == [None if each is None else float(Fraction(each)) for each in units]
    small = pl.Series([Decimal("0.1"), Decimal("-2.675"), None])
    assert read(bound(small, NUMBER)) == [0.1, -2.675, None]


@settings(deadline=None)
@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False)), st.integers(0, 6))
def test_a_float_pinned_as_decimal_rounds_its_exact_value_half_away_from_zero(values: list[float], scale: int) -> None:
    wanted = [half_away(Fraction(each) * 10**scale) for each in values]
    assert read(bound(pl.Series(values, dtype=pl.Float64), decimal(scale))) == wanted


def test_hard_cases_of_rounding() -> None:
    values = [
        0.125,
        -0.125,
        2.675,
        1.005,
        0.5,
        -0.5,
        0.49999999999999994,
        4503599627370495.5,
        4503599627370497.0,
        math.nan,
        None,
        1e-300,
        -0.0,
    ]
    for scale in (0, 1, 2, 3):
        wanted = [None if each is None or each != each else half_away(Fraction(each) * 10**scale) for each in values]
        assert read(bound(pl.Series(values), decimal(scale))) == wanted
    assert read(bound(pl.Series([2.0**-60, -1e-5, None]), decimal(23))) == [
        half_away(Fraction(2) ** -60 * 10**23),
        half_away(Fraction(-1e-5) * 10**23),
        None,
    ]


def half_away(exact: Fraction) -> int:
    size = math.floor(abs(exact) + Fraction(1, 2))
    return size if exact >= 0 else -size


def test_large_floats_are_decimals_of_128_bits() -> None:
    values = [1e17, -1e30, None, math.nan, 0.125, 2.0**100]
    wanted = [None if each is None or each != each else half_away(Fraction(each) * 100) for each in values]
    assert read(bound(pl.Series(values), decimal(2))) == wanted
    assert read(bound(pl.Series([0.5, -0.1, None]), decimal(38))) == [half_away(Fraction(each) * 10**38) for each in (0.5, -0.1)] + [None]


def test_decimals_count_their_last_place_at_any_scale() -> None:
    money = pl.Series([Decimal("1.25"), None, Decimal("-0.05"), Decimal("1e15")], dtype=pl.Decimal(38, 2))
    assert read(bound(money)) == [125, None, -5, 10**17]
    assert read(bound(money, decimal(4))) == [12500, None, -500, 10**19]
    assert read(bound(money, decimal(1))) == [13, None, -1, 10**16]
    assert read(bound(pl.Series([15, -25, None]), decimal(2))) == [1500, -2500, None]


def test_decimals_beyond_64_bits_are_exact() -> None:
    values = [Decimal("123456789012345678901234567890.25"), None, Decimal("-1.35")]
    money = pl.Series(values, dtype=pl.Decimal(38, 2))
    assert read(bound(money)) == [12345678901234567890123456789025, None, -135]
    assert read(bound(money, decimal(1))) == [1234567890123456789012345678903, None, -14]
    assert read(bound(money, NUMBER)) == [float(values[0] or 0), None, -1.35]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_timestamps_are_nanoseconds_whatever_their_unit(unit: Any) -> None:
    values = [datetime(2024, 2, 29, 12, 30), None, datetime(1969, 12, 31, 23, 59, 59)]
    wanted = [None if each is None else exactly(each) for each in values]
    assert read(bound(pl.Series(values, dtype=pl.Datetime(unit)))) == wanted
    assert read(bound(pl.Series(values, dtype=pl.Datetime(unit, "UTC")), zone="Asia/Tokyo")) == wanted
    assert read(bound(pl.Series([timedelta(days=1), None], dtype=pl.Duration(unit)))) == [86_400_000_000_000, None]


def test_years_1_to_9999_are_exact() -> None:
    values = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), None]
    assert read(bound(pl.Series(values))) == [exactly(values[0]), exactly(values[1]), None]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1)))))
def test_local_times_become_instants_as_python_reads_them(zone: str, values: list[datetime | None]) -> None:
    read_in = ZoneInfo(zone)
    earlier = [None if each is None else each.replace(fold=0) for each in values]
    wanted = [None if each is None else exactly(each - (each.replace(tzinfo=read_in).utcoffset() or timedelta())) for each in earlier]
    assert read(bound(pl.Series(values, dtype=pl.Datetime("us")), zone=zone)) == wanted


def test_a_skipped_time_moves_forward_and_a_doubled_one_is_the_earlier() -> None:
    values = [datetime(2026, 3, 29, 2, 30), datetime(2026, 10, 25, 2, 30)]
    wanted = [exactly(datetime(2026, 3, 29, 1, 30)), exactly(datetime(2026, 10, 25, 0, 30))]
    assert read(bound(pl.Series(values), zone="Europe/Berlin")) == wanted


def test_local_times_at_the_edge_of_64_bits_are_an_error() -> None:
    edge = pl.Series([-(2**63) + 1]).cast(pl.Datetime("ns"))
    with pytest.raises(DataError, match=r"^shop\.field has local times whose instants in Asia/Tokyo leave 64 bits$"):
        bound(edge, zone="Asia/Tokyo")


@pytest.mark.parametrize("type", [WHOLE, NUMBER, decimal(2), TEXT, TRUTH, DATE, TIMESTAMP])
def test_columns_without_any_value(type: Type) -> None:
    for rows in (0, 3):
        column = bound(pl.Series([None] * rows, dtype=pl.Null), type)
        assert (column.type, column.missing) == (type, rows)
        assert column.code(5) == 0 if type.kind != "text" and not column.raw else True
    assert list(bound(pl.Series([None, None], dtype=pl.Null), TEXT).values or ()) == []
