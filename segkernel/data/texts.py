"""Text columns: each distinct text once, ordered by code point, and a code per row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data import arrow, keys
from segkernel.data.columns import Column, aligned
from segkernel.data.lexicon import Lexicon
from segkernel.kernel.entries import encoding

_FIRST_TABLE = 1 << 17


def narrow(series: pl.Series, type: Type) -> Column:
    """A String, Categorical or Enum series as a column; only texts that some row has are among its values."""
    numbered = _numbered(series) if isinstance(series.dtype, pl.String) else None
    return _ranked(series, type, *(numbered or _categories(series)))


def _numbered(series: pl.Series) -> tuple[pl.Series, NDArray[Any], NDArray[np.uint32]] | None:
    """The distinct texts in order, the number of each, and a number for each row (NONE where missing), by hashes; None where
    two texts have one."""
    bits = keys.hashes(series.to_frame())
    valid = series.is_not_null().to_numpy().astype(np.uint8)
    numbers = np.empty(bits.size, np.uint32)
    size, count = _FIRST_TABLE, -1
    while count < 0:
        table = np.full(size, encoding.NONE, np.uint32)
        firsts = np.empty(size // 2, np.uint32)
        with np.errstate(over="ignore"):
            count = encoding.number_distinct(bits, valid, True, np.uint64(64 - (size.bit_length() - 1)), table, firsts, numbers)
        size *= 8
    distinct = series.gather(pl.Series(firsts[:count]))
    rows = pl.Series(numbers)
    if not (series == distinct.gather(rows.set(rows == int(encoding.NONE), None))).all():
        return None
    # UTF-8 sorts by bytes as its code points do; to sort texts and find them again by their hashes is faster than to sort places
    ordered = distinct.sort() + ""  # to add something lays them one after another in memory of their own: six times as fast to search
    old = np.empty(count, np.uint32)
    old[np.argsort(keys.hashes(ordered.to_frame()))] = np.argsort(bits[firsts[:count]])
    return ordered, old, numbers


def _categories(series: pl.Series) -> tuple[pl.Series, NDArray[Any], NDArray[np.uint32]]:
    """As `_numbered`, by Polars' categories."""
    if isinstance(series.dtype, pl.String):
        # a category store of its own: Polars' shared one would keep every text for as long as the process lives
        series = series.cast(pl.Categorical(pl.Categories.random()))
    used = series.unique().drop_nulls()
    physical, valid, _ = arrow.buffers(series.to_physical())
    numbers = physical.astype(np.uint32)
    if valid is not None:
        numbers[valid == 0] = encoding.NONE
    table = pl.DataFrame({"number": used.to_physical().cast(pl.UInt32), "text": used.cast(pl.String)}).sort("text")
    return table["text"], table["number"].to_numpy(), numbers


def _ranked(series: pl.Series, type: Type, values: pl.Series, old: NDArray[Any], numbers: NDArray[np.uint32]) -> Column:
    width = np.uint8 if len(values) < 255 else np.uint16 if len(values) < 65_535 else np.uint32
    ranks = np.zeros(int(old.max(initial=0)) + 1, width)
    ranks[old] = np.arange(1, len(values) + 1, dtype=width)
    codes = aligned(len(series), width)
    missing = encoding.gather(ranks, numbers, width(0), codes)
    return Column(type, len(series), codes, top=len(values), values=Lexicon(values), missing=int(missing))
