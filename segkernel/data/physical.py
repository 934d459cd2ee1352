"""Polars' types and the language's: which is which, and which fit a pinned one."""

from __future__ import annotations

import polars as pl

from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal

_PER_UNIT = {"ms": 1_000_000, "us": 1_000, "ns": 1}
_ACCEPTS = {
    "number": ("number", "whole", "decimal"),
    "decimal": ("decimal", "number", "whole"),
}


def logical(dtype: pl.DataType) -> Type | None:
    """The language's type of a column; None where rules cannot use it, and for Polars' Null, which has none."""
    if dtype.is_integer():
        return WHOLE
    if dtype.is_float():
        return NUMBER
    if isinstance(dtype, pl.Decimal):
        return decimal(dtype.scale)
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return TEXT
    if isinstance(dtype, pl.Boolean):
        return TRUTH
    if isinstance(dtype, pl.Date):
        return DATE
    if isinstance(dtype, pl.Datetime):
        return TIMESTAMP
    if isinstance(dtype, pl.Duration):
        return DURATION
    return None


def fits(dtype: pl.DataType, pinned: Type) -> bool:
    """Whether a column can be read as a pinned type: floats and whole numbers as decimals, every number as a float."""
    if isinstance(dtype, pl.Null):
        return pinned.kind != "list"
    found = logical(dtype)
    return found is not None and found.kind in _ACCEPTS.get(pinned.kind, (pinned.kind,))


def described(dtype: pl.DataType) -> str:
    """A type as messages write it: the language's word and Polars' own."""
    found = logical(dtype)
    return f"{found} ({dtype})" if found is not None else str(dtype)


def nanoseconds(dtype: pl.DataType) -> int:
    """How many nanoseconds one unit of a timestamp or duration column is."""
    if not isinstance(dtype, pl.Datetime | pl.Duration):
        raise TypeError(f"{dtype} does not count units of time")
    return _PER_UNIT[dtype.time_unit]


def naive(dtype: pl.DataType) -> bool:
    """Whether a column holds timestamps without a zone."""
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is None
