"""List columns: whether a row has a list, and the items of all lists as rows of their own."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data.columns import Column, aligned

ITEMS = "[]"
"""The table that the items of a list are when they stand as rows; a chain's step from there to the rows of a table that have the list,
themselves or beyond the links of a path, is (ITEMS, table, path, field)."""


class Items(msgspec.Struct, frozen=True, eq=False):
    """The items of a list column: `values` of all rows in their order, of row i from `starts[i]` to `starts[i + 1]` (int64)."""

    values: pl.Series
    starts: NDArray[np.int64]


def as_lists(series: pl.Series) -> pl.Series:
    """A List or Array series as lists; one without any value or type has no lists."""
    if isinstance(series.dtype, pl.Null):
        return series.cast(pl.List(pl.Null))
    return series.arr.to_list() if isinstance(series.dtype, pl.Array) else series


def items(series: pl.Series) -> Items:
    """The items of a List or Array series; a missing list has none."""
    lists = as_lists(series)
    lengths = lists.list.len().fill_null(0)
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lengths.to_numpy(), out=starts[1:])
    return Items(lists.filter(lengths > 0).explode(), starts)


def presence(series: pl.Series, kind: Type) -> Column:
    """The column of whether each row has a list: code 1 where it does."""
    codes = aligned(len(series), np.uint8)
    codes[:] = series.is_not_null().to_numpy()
    return Column(kind, len(series), codes, top=1, missing=series.null_count())
