"""Frames made plain for the rivals: whole numbers, floats, texts and yes/no only, with the sizes of what they hold.

Decimals become whole numbers in units of their last place, dates days, timestamps nanoseconds; NaN becomes null. The
engine does the like when it binds a dataset, so none of it is timed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from segdsl.schema import Schema, Table
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


def plain(series: pl.Series, scale: int | None, zone: str) -> pl.Series:
    """A column as the rivals keep it; `scale` is the places of a decimal type."""
    kind: Any = series.dtype
    if scale is not None and not kind.is_decimal():
        raise CannotSay("a column pinned as decimal that is none")
    if kind.is_decimal():
        units = series.to_physical().cast(pl.Int128)
        units = units * 10 ** (scale - kind.scale) if scale is not None and scale > kind.scale else units
        return units.cast(pl.Int64, strict=False) if fits(units, 2**63 - 1) else units
    if kind == pl.Date:
        return series.cast(pl.Int32)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None:
            series = placed(series, zone)
        return series.to_physical() * {"ms": 1_000_000, "us": 1000, "ns": 1}[kind.time_unit]
    if kind in (pl.Float32, pl.Float64):
        return series.fill_nan(None)
    if isinstance(kind, pl.Enum):
        return series.cast(pl.String).cast(pl.Categorical)
    return series


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


def plain_table(table: Table, frame: pl.DataFrame, zone: str) -> Plain:
    """All usable columns of a table, plain; sorted key columns are marked as sorted."""
    columns: dict[str, pl.Series] = {"row": pl.Series("row", range(frame.height), pl.Int64)}
    bounds: dict[str, int | float] = {"row": frame.height}
    grids: dict[str, int | None] = {}
    for name, spec in table.fields.items():
        scale = spec.type.scale if spec.type.kind == "decimal" else None
        columns[f"f_{name}"] = plain(frame[spec.column or name], scale, zone)
    for i, column in enumerate(table.key):
        columns[f"k_{i}"] = joinable(frame[column])
    for link_name, link in table.links.items():
        for i, column in enumerate(link.by):
            columns[f"l_{link_name}_{i}"] = joinable(frame[column])
    for name, series in columns.items():
        if series.dtype.is_integer():
            bounds[name] = max(-extent(series)[0], extent(series)[1])
        elif series.dtype.is_float():
            low, high = extent(series.filter(series.is_finite()))
            bounds[name] = max(-low, high)
            grids[name] = grid(series)
    return Plain(pl.DataFrame([series.alias(name) for name, series in columns.items()]), bounds, grids)


def joinable(series: pl.Series) -> pl.Series:
    """A key column that joins with any other of its kind, flagged sorted where it is."""
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    elif series.dtype.is_integer() and series.dtype != pl.UInt64:
        series = series.cast(pl.Int64)
    return series.set_sorted() if series.null_count() == 0 and series.is_sorted() else series


def plain_tables(schema: Schema, frames: dict[str, pl.DataFrame], zone: str) -> dict[str, Plain]:
    """All tables of a schema, plain."""
    return {name: plain_table(table, frames[name], zone) for name, table in schema.tables.items()}
