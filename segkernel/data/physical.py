"""Polars' types and the language's: which is which, and which fit a pinned one."""

from __future__ import annotations

import polars as pl

from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal, list_of
from segdsl.wording import plain

_LONGEST = 60
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
    held = item(dtype)
    if held is None:
        return None
    kind = TEXT if isinstance(held, pl.Null) else logical(held)
    return None if kind is None or kind.kind == "list" else list_of(kind)


def item(dtype: pl.DataType) -> pl.DataType | None:
    """What a column of lists holds, be it a List or an Array of one dimension; None for other columns."""
    if isinstance(dtype, pl.List) or (isinstance(dtype, pl.Array) and len(dtype.shape) == 1):
        inner = dtype.inner
        return inner if isinstance(inner, pl.DataType) else inner()
    return None


def fits(dtype: pl.DataType, pinned: Type) -> bool:
    """Whether a column can be read as a pinned type: floats and whole numbers as decimals, every number as a float, decimals
    without places as whole numbers, lists by their items."""
    if isinstance(dtype, pl.Null):
        return True
    held = item(dtype)
    if held is not None and pinned.item is not None:
        return fits(held, pinned.item)
    found = logical(dtype)
    if found is not None and pinned.kind == "whole" and found == decimal(0):
        return True
    return found is not None and found.kind in _ACCEPTS.get(pinned.kind, (pinned.kind,))


def mismatch(part: pl.DataType, key: pl.DataType) -> bool:
    """Whether a link's column can never equal a key's column, by their types."""
    if isinstance(part, pl.Null) or isinstance(key, pl.Null):
        return False
    left, right = logical(part), logical(key)
    if left is None or right is None or left.kind == "list":
        return True
    if (left, right) in ((WHOLE, decimal(0)), (decimal(0), WHOLE)):
        return False
    return left.kind != right.kind or naive(part) != naive(key)


def described(dtype: pl.DataType) -> str:
    """A type as messages write it: the language's word and Polars' own."""
    found = logical(dtype)
    return f"{plain(found)} ({named(dtype)})" if found is not None else named(dtype)


def named(dtype: pl.DataType) -> str:
    """Polars' name of a type on one short line: without the categories of an Enum, which can be thousands."""
    match dtype:
        case pl.Enum():
            return "Enum"
        case pl.Datetime():
            return f"Datetime({dtype.time_unit}, {dtype.time_zone or 'no zone'})"
        case pl.Duration():
            return f"Duration({dtype.time_unit})"
        case pl.Decimal():
            return f"Decimal({dtype.precision}, {dtype.scale})"
    text = str(dtype)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def nanoseconds(dtype: pl.DataType) -> int:
    """How many nanoseconds one unit of a timestamp or duration column is."""
    if not isinstance(dtype, pl.Datetime | pl.Duration):
        raise TypeError(f"{dtype} does not count units of time")
    return _PER_UNIT[dtype.time_unit]


def naive(dtype: pl.DataType) -> bool:
    """Whether a column, or its lists, hold timestamps without a zone."""
    dtype = item(dtype) or dtype
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is None
