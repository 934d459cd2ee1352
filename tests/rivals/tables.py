"""Frames made plain for the rivals: whole numbers, floats, texts and yes/no only, with the sizes of what they hold.

Decimals become whole numbers in units of their last place, dates days, timestamps nanoseconds; NaN becomes null. The
engine does the like when it binds a dataset, so none of it is timed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import polars as pl

from segdsl.schema import Schema, Table
from segdsl.typesystem import Type
from tests.rivals import instants

FINEST = 30
"""Floats are looked at down to multiples of 2^-30."""


class CannotSay(Exception):
    """The rival has no exact words for this; the reason says what."""


class Plain(msgspec.Struct, frozen=True, eq=False):
    """A table of plain columns: fields `f_NAME`, keys `k_0…`, links `l_LINK_0…` and `row`, its position.

    `bounds` holds the largest magnitude of each number column; `grids` the g for which all values of a float column
    are multiples of 2^-g, None where there is none.
    """

    frame: pl.DataFrame
    bounds: dict[str, int | float]
    grids: dict[str, int | None]


def plain(series: pl.Series, type_: Type, zone: str) -> pl.Series:
    """A column of a logical type as the rivals keep it."""
    kind: Any = series.dtype
    if kind == pl.Null:
        return series.cast({"text": pl.String, "number": pl.Float64, "yes/no": pl.Boolean}.get(type_.kind, pl.Int64))
    if type_.kind == "decimal":
        return in_units(series, type_.scale)
    if type_.kind == "number" and not kind.is_float():
        return pl.Series(series.name, [None if value is None else float(value) for value in series.to_list()], pl.Float64)
    if kind == pl.Date:
        return series.cast(pl.Int32)
    if isinstance(kind, pl.Datetime | pl.Duration):
        if isinstance(kind, pl.Datetime) and kind.time_zone is None:
            series = placed(series, zone)
        return series.to_physical() * {"ms": 1_000_000, "us": 1000, "ns": 1}[kind.time_unit]
    if kind in (pl.Float32, pl.Float64):
        return series.fill_nan(None)
    if isinstance(kind, pl.Enum):
        return series.cast(pl.String).cast(pl.Categorical)
    return narrower(series.cast(pl.Int128)) if kind == pl.UInt128 else series


def in_units(series: pl.Series, scale: int) -> pl.Series:
    """Decimals in units of 10^-scale; floats and finer decimals are rounded half away from zero."""
    kind: Any = series.dtype
    if kind.is_decimal() and kind.scale == scale:
        return narrower(series.to_physical().cast(pl.Int128))
    exact = [None if value is None or value != value else Fraction(value) * 10**scale for value in series.to_list()]
    units = [None if each is None else int(abs(each) + Fraction(1, 2)) * (1 if each >= 0 else -1) for each in exact]
    return narrower(pl.Series(series.name, units, pl.Int128))


def narrower(units: pl.Series) -> pl.Series:
    """Whole numbers of 128 bits, in 64 where all of them fit."""
    return units.cast(pl.Int64, strict=False) if fits(units, 2**63 - 1) else units


def placed(series: pl.Series, zone: str) -> pl.Series:
    """Local times as instants: the earlier of two, moved forward by the gap where they do not exist."""
    known = series.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if known.null_count() == series.null_count():
        return known
    gaps = {}
    unit: Any = series.dtype.time_unit  # type: ignore[attr-defined]
    for at in series.filter(known.is_null() & series.is_not_null()).unique().to_physical().to_list():
        per_second = {"ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[unit]
        second, rest = divmod(at, per_second)
        moved = instants.instant(datetime(1970, 1, 1) + timedelta(seconds=second), zone)
        gaps[at] = moved // 1_000_000_000 * per_second + rest
    filled = [
        gaps[raw] if good is None and raw is not None else good for raw, good in zip(series.to_physical(), known.to_physical(), strict=True)
    ]
    return pl.Series(series.name, filled, pl.Int64).cast(pl.Datetime(unit, zone))


def fits(series: pl.Series, bound: int) -> bool:
    """Whether no magnitude exceeds a bound."""
    low, high = extent(series)
    return bool(low >= -bound and high <= bound)


def extent(series: pl.Series) -> tuple[Any, Any]:
    """The smallest and the largest of a number column and 0."""
    low: Any = series.min()
    high: Any = series.max()
    return min(low or 0, 0), max(high or 0, 0)


def grid(series: pl.Series) -> int | None:
    """The smallest g up to FINEST for which every finite value is a multiple of 2^-g."""
    values = series.drop_nulls().cast(pl.Float64)
    values = values.filter(values.is_finite())
    for g in (0, 3, 8, 16, FINEST):
        if (values * 2.0**g == (values * 2.0**g).round()).all():
            return g
    return None


def plain_table(schema: Schema, frames: dict[str, pl.DataFrame], name: str, zone: str) -> Plain:
    """All columns of a table, plain; sorted key columns are marked as sorted."""
    table, frame = schema.tables[name], frames[name]
    columns: dict[str, pl.Series] = {"row": pl.Series("row", range(frame.height), pl.Int64)}
    bounds: dict[str, int | float] = {"row": frame.height}
    grids: dict[str, int | None] = {}
    for field, spec in table.fields.items():
        if spec.type.kind == "list":
            continue
        columns[f"f_{field}"] = plain(frame[spec.column or field], spec.type, zone)
    for i in range(len(table.key)):
        columns[f"k_{i}"] = joinable(sides(schema, frames, name, i)[0], sides(schema, frames, name, i))
    for link_name, link in table.links.items():
        for i, column in enumerate(link.by):
            columns[f"l_{link_name}_{i}"] = joinable(frame[source(table, column)], sides(schema, frames, link.table, i))
    for column, series in columns.items():
        if series.dtype.is_integer():
            bounds[column] = max(-extent(series)[0], extent(series)[1])
        elif series.dtype.is_float():
            low, high = extent(series.filter(series.is_finite()))
            bounds[column] = max(-low, high)
            grids[column] = grid(series)
    return Plain(pl.DataFrame([series.alias(column) for column, series in columns.items()]), bounds, grids)


def source(table: Table, name: str) -> str:
    """The data's name of a column that a schema names."""
    spec = table.fields.get(name)
    return spec.column if spec is not None and spec.column is not None else name


def sides(schema: Schema, frames: dict[str, pl.DataFrame], name: str, part: int) -> list[pl.Series]:
    """A part of a table's key, and every column that links hold against it."""
    found = [frames[name][source(schema.tables[name], schema.tables[name].key[part])]]
    for other, table in schema.tables.items():
        found += [frames[other][source(table, link.by[part])] for link in table.links.values() if link.table == name]
    return found


def joinable(series: pl.Series, others: list[pl.Series]) -> pl.Series:
    """A key column that joins with any other of its kind, flagged sorted where it is."""
    kind: Any = series.dtype
    if kind in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    elif kind.is_integer():
        series = series.cast(pl.Int64 if all(fits(other, 2**63 - 1) for other in others) else pl.String)
    elif isinstance(kind, pl.Datetime | pl.Duration):
        series = series.to_physical() * {"ms": 1_000_000, "us": 1000, "ns": 1}[kind.time_unit]
    elif kind.is_decimal():
        scales: list[Any] = [other.dtype for other in others]
        series = series.cast(pl.Decimal(38, max(each.scale for each in scales))).to_physical().cast(pl.Int64)
    elif kind.is_float():
        series = series.cast(pl.Float64).fill_nan(None) + 0.0
    return series.set_sorted() if series.null_count() == 0 and series.is_sorted() else series


def plain_tables(schema: Schema, frames: dict[str, pl.DataFrame], zone: str) -> dict[str, Plain]:
    """All tables of a schema, plain."""
    return {name: plain_table(schema, frames, name, zone) for name in schema.tables}
