"""Polars series to arrays: values and validity by their addresses, through the Arrow C stream."""

from __future__ import annotations

from typing import Any

import msgspec
import nanoarrow as na
import numpy as np
import polars as pl
from numpy.typing import NDArray

_UNREAD = np.ones(1, np.uint8)


class Numbers(msgspec.Struct, frozen=True, eq=False):
    """Whole numbers of 64 bits: `bits` uint64, to be read as int64 where `signed`; `valid` uint8, one byte per row, or
    a single byte that nobody reads where `masked` is false; `missing` counts the rows without a value."""

    bits: NDArray[np.uint64]
    signed: bool
    valid: NDArray[np.uint8]
    missing: int

    @property
    def masked(self) -> bool:
        return self.missing > 0

    @property
    def flip(self) -> np.uint64:
        """What makes `bits` sort as the numbers do, by exclusive or."""
        return np.uint64(1 << 63 if self.signed else 0)

    @property
    def values(self) -> NDArray[Any]:
        """The numbers, int64 or uint64, whatever stands in missing rows included."""
        return self.bits.view(np.int64) if self.signed else self.bits

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which rows have a value, one bool per row."""
        return self.valid.view(np.bool_) if self.masked else np.ones(self.bits.size, np.bool_)


def of_values(values: NDArray[Any], valid: NDArray[np.uint8] | None = None, missing: int = 0) -> Numbers:
    """Numbers of an array of int64 or uint64."""
    return Numbers(values.view(np.uint64), values.dtype.kind == "i", _UNREAD if valid is None else valid, missing)


class _Memory:
    """Memory of someone else as a writable array: read-only arrays are another type to Numba. Nobody writes to it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.owner = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def buffers(series: pl.Series) -> tuple[NDArray[Any], NDArray[np.uint8] | None, int]:
    """Values, validity (one byte per row; None if nothing is missing) and missing count of a fixed-width series.

    No copy of values: the arrays keep the series' memory alive. Decimals come as int64 pairs (low word first), yes/no
    as uint8. Any number of chunks, any offset.
    """
    rows, missing = len(series), series.null_count()
    series = series.rechunk()
    chunks = [chunk for chunk in na.c_array_stream(series) if chunk.length]
    if not chunks:
        return np.zeros(0, np.int64), None, 0
    chunk = chunks[0]
    start, stop = chunk.offset, chunk.offset + rows
    validity, data = list(chunk.view().buffers)[:2]
    valid = None
    if missing:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little", count=stop)[start:]
    if isinstance(series.dtype, pl.Boolean):
        return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=stop)[start:], valid, missing
    if isinstance(series.dtype, pl.Decimal):
        return np.frombuffer(data, np.int64)[2 * start : 2 * stop].reshape(rows, 2), valid, missing
    values = np.frombuffer(data, np.dtype(data.format))[start:stop]
    return np.asarray(_Memory(values)), valid, missing


def whole(series: pl.Series) -> Numbers | None:
    """The whole numbers that a series holds physically: days, units of time, units of a decimal's last place, 0 and 1.

    None where a 128-bit number leaves 64 bits. Copies where a number has fewer than 64 bits.
    """
    if isinstance(series.dtype, pl.Int128 | pl.UInt128):
        narrower = series.cast(pl.Int64, strict=False)
        if narrower.null_count() > series.null_count():
            narrower = series.cast(pl.UInt64, strict=False)
            if narrower.null_count() > series.null_count():
                return None
        series = narrower
    values, valid, missing = buffers(series)
    if isinstance(series.dtype, pl.Decimal) and values.ndim == 2:
        low, high = values[:, 0].copy(), values[:, 1]
        outside = high != (low >> 63)
        if (outside if valid is None else outside & (valid != 0)).any():
            return None
        return of_values(low, valid, missing)
    if values.dtype not in (np.dtype(np.int64), np.dtype(np.uint64)):
        values = values.astype(np.int64)
    return of_values(values, valid, missing)
