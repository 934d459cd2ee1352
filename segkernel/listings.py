"""The lists of a `collect`: a bitmap of accounts for each of its values, as a Polars column of lists and back."""

from __future__ import annotations

import nanoarrow as na
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel import forks

BLOCK = 1 << 10
"""Words of accounts that are turned at once."""


def column(held: NDArray[np.uint64], values: pl.Series, accounts: int) -> pl.Series:
    """A list for each of the `accounts`: those of `values` whose bitmap has it, in their order; never missing.

    `held` is uint64[values, words], 64 accounts a word, the least significant first.
    """
    forks.refuse("a column of lists")
    parts = [np.zeros(0, np.uint32)]
    lengths = np.zeros(held.shape[1] * 64, np.int64)
    for start in range(0, held.shape[1], BLOCK):
        listed = unpacked(held[:, start : start + BLOCK]).T
        np.sum(listed, axis=1, out=lengths[start * 64 : start * 64 + listed.shape[0]])
        parts.append(np.nonzero(listed)[1].astype(np.uint32))
    codes = _lists(np.concatenate(parts), lengths[:accounts])
    if not accounts:
        return pl.Series([], dtype=pl.List(values.dtype))
    return codes.to_frame().select(pl.lit(values.implode()).list.gather(pl.col("codes"))).to_series()


def _lists(items: NDArray[np.uint32], lengths: NDArray[np.int64]) -> pl.Series:
    """Lists of these lengths, cut from items one after the other."""
    ends = np.zeros(lengths.size + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    child = na.c_array_from_buffers(na.uint32(), items.size, [None, items])
    return pl.Series(na.c_array_from_buffers(na.large_list(na.uint32()), lengths.size, [None, ends], children=[child])).alias("codes")


def unpacked(held: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """bool[values, 64 * words]: the bits of bitmaps."""
    return np.unpackbits(np.ascontiguousarray(held).view(np.uint8), axis=1, bitorder="little").view(np.bool_)


def packed(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Flags as words, the least significant bit first, zero behind the last."""
    words = np.zeros(-(-flags.size // 64), np.uint64)
    found = np.packbits(flags, bitorder="little")
    words.view(np.uint8)[: found.size] = found
    return words


def flags(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """bool[64 * words]: the bits of words, least significant first."""
    return np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_)


def bitmaps(codes: NDArray[np.int64], lengths: NDArray[np.int64], values: int) -> NDArray[np.uint64]:
    """uint64[values, words]: where each value is listed, of lists of so many codes, the first 0, one list after the other."""
    held = np.zeros((values, -(-lengths.size // 64)), np.uint64)
    rows = np.repeat(np.arange(lengths.size), lengths)
    for value in range(values):
        has = np.zeros(lengths.size, np.bool_)
        has[rows[codes == value]] = True
        held[value] = packed(has)
    return held


def counts(held: NDArray[np.uint64]) -> list[int]:
    """How many accounts each bitmap has; last those that none has, among the accounts that the words hold."""
    either = np.bitwise_or.reduce(held, axis=0) if held.size else np.zeros(held.shape[1], np.uint64)
    return [int(np.count_nonzero(unpacked(bitmap[None]))) for bitmap in (*held, ~either)]
