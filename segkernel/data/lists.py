"""List columns: whether a row has a list, and the items of all lists as rows of their own."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data.columns import Column, aligned
from segkernel.data.spaces import Chain, Space
from segkernel.errors import DataError
from segkernel.kernel import encoding

ITEMS = "[]"
"""The table that the items of a list are when they stand as rows; a chain's step from there to the rows of a table that have the list,
themselves or beyond the links of a path, is (ITEMS, table, path, field)."""
MOST_ITEMS = (1 << 32) - 2


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


def space(parent: Space, chain: Chain, rows: NDArray[np.uint32] | None, starts: NDArray[np.int64], place: str) -> Space:
    """The items of the lists that the rows of `parent` have; `rows` is the row of the lists' table for each of them, NONE for
    nobody, None for all rows as they stand. Raises DataError where there are too many items."""
    lengths = np.diff(starts)
    begins = starts[:-1]
    if rows is not None:
        known = rows != encoding.NONE
        at = np.where(known, rows, 0).astype(np.int64)
        lengths = np.where(known, lengths[at], 0) if lengths.size else np.zeros(rows.size, np.int64)
        begins = begins[at] if begins.size else np.zeros(rows.size, np.int64)
    offsets = np.zeros(parent.rows + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    count = int(offsets[-1])
    if count > MOST_ITEMS:
        raise DataError(f"the lists of {place} have {count:,} items; they can have {MOST_ITEMS:,}")
    owner = aligned(count, np.uint32)
    owner[:] = np.repeat(np.arange(parent.rows, dtype=np.uint32), lengths)
    picked = None
    if rows is not None:
        picked = (np.arange(count, dtype=np.int64) + np.repeat(begins - offsets[:-1], lengths)).astype(np.uint32)
    return Space(chain, ITEMS, count, picked, parent, offsets, owner)
