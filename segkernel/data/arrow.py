"""Polars series to arrays: values and validity by their addresses, through the Arrow C stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import nanoarrow as na
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel.kernel.entries import encoding


class Chunk(msgspec.Struct, frozen=True, eq=False):
    """Some rows of a column: `values` as Arrow has them (fixed width; of decimals and the views of texts uint64[rows, 2]), `valid` uint8,
    one byte per row, None where no value is missing; `buffers` int64 are the addresses that views refer to. `keep` keeps memory alive."""

    values: NDArray[Any]
    valid: NDArray[np.uint8] | None
    buffers: NDArray[np.int64] | None = None
    keep: Any = None

    @property
    def given(self) -> tuple[int, int, int, int]:
        """Address, width in bytes, address of validity (0 if nothing is missing) and rows, as kernels take them."""
        width = self.values.itemsize * (1 if self.values.ndim == 1 else 2)
        return self.values.ctypes.data, width, 0 if self.valid is None else self.valid.ctypes.data, len(self.values)


class Numbers(msgspec.Struct, frozen=True, eq=False):
    """Whole numbers that 64 bits hold, in `parts` of one width, with a sign where `signed`; `missing` counts the rows without one."""

    parts: tuple[Chunk, ...]
    signed: bool
    missing: int

    @property
    def rows(self) -> int:
        return sum(len(part.values) for part in self.parts)

    @property
    def flip(self) -> np.uint64:
        """What makes the numbers' bits sort as the numbers do, by exclusive or."""
        width = min((part.given[1] for part in self.parts), default=8)
        return np.uint64(1 << (8 * min(width, 8) - 1) if self.signed else 0)

    @property
    def values(self) -> NDArray[Any]:
        """The numbers, int64 or uint64, whatever stands in missing rows included; as they lie in memory where that is so."""
        wide = np.dtype(np.int64 if self.signed else np.uint64)
        parts = [part.values if part.values.ndim == 1 else part.values[:, 0] for part in self.parts]
        parts = [part.view(f"{'i' if self.signed else 'u'}{part.itemsize}") for part in parts]
        if len(parts) == 1:
            return np.ascontiguousarray(parts[0].astype(wide, copy=False))
        return np.concatenate(parts, dtype=wide) if parts else np.zeros(0, wide)

    @property
    def bits(self) -> NDArray[np.uint64]:
        """`values` as uint64, to be read only."""
        return np.asarray(_Memory(self.values.view(np.uint64)))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which rows have a value, one bool per row."""
        parts = [np.ones(len(part.values), np.bool_) if part.valid is None else part.valid.view(np.bool_) for part in self.parts]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)


def room() -> NDArray[np.uint64]:
    """Memory in which kernels bring the numbers of a block of rows."""
    return np.empty(encoding.BLOCK, np.uint64)


class Survey(msgspec.Struct, frozen=True):
    """The smallest and largest key of a column's numbers (see `encoding`), and the greatest common divisor of their distances; all 0 where
    there is none."""

    low: int
    high: int
    step: int


def surveyed(numbers: Numbers) -> Survey:
    """What the numbers of a column are like."""
    found = np.zeros(5, np.uint64)
    with np.errstate(over="ignore"):
        for part in numbers.parts:
            encoding.survey(*part.given, numbers.flip, found, room())
    return Survey(int(found[0]), int(found[1]), int(found[3]))


def of_values(values: NDArray[Any], valid: NDArray[np.uint8] | None = None, missing: int = 0) -> Numbers:
    """Numbers of an array of int64 or uint64; `valid`, one byte per row, need only be there where some are missing."""
    return Numbers((Chunk(values, valid if missing else None),), values.dtype.kind == "i", missing)


class _Memory:
    """Memory of someone else as a writable array: read-only arrays are another type to Numba. Nobody writes to it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.owner = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def chunks(series: pl.Series) -> Iterator[Chunk]:
    """The chunks of a series of fixed width or of texts, at any offset; no copy but of validity, and of yes/no, which come as uint8."""
    missing = series.null_count()
    for chunk in na.c_array_stream(series):
        if not chunk.length:
            continue
        start, stop = chunk.offset, chunk.offset + chunk.length
        validity, data = list(chunk.view().buffers)[:2]
        valid = None
        if missing and chunk.null_count:
            valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little", count=stop)[start:]
        if isinstance(series.dtype, pl.Boolean):
            yield Chunk(np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=stop)[start:], valid)
        elif isinstance(series.dtype, pl.String):
            texts = np.array(chunk.buffers[2:-1], np.int64)
            yield Chunk(np.frombuffer(data, np.uint64).reshape(-1, 2)[start:stop], valid, texts, chunk)
        elif isinstance(series.dtype, pl.Decimal):
            yield Chunk(np.frombuffer(data, np.uint64).reshape(-1, 2)[start:stop], valid)
        else:
            yield Chunk(np.frombuffer(data, np.dtype(data.format))[start:stop], valid)


def buffers(series: pl.Series) -> tuple[NDArray[Any], NDArray[np.uint8] | None, int]:
    """Values, validity (one byte per row; None if nothing is missing) and missing count of a fixed-width series.

    No copy of values, unless they lie in several chunks: the arrays keep the series' memory alive. Decimals come as pairs of uint64, low
    word first, yes/no as uint8.
    """
    found = next(chunks(series.rechunk()), None)
    if found is None:
        return np.zeros(0, np.int64), None, 0
    return np.asarray(_Memory(found.values)), found.valid, series.null_count()


def whole(series: pl.Series) -> Numbers | None:
    """The whole numbers that a series holds physically: days, units of time, units of a decimal's last place, 0 and 1.

    None where a 128-bit number leaves 64 bits.
    """
    if isinstance(series.dtype, pl.Int128 | pl.UInt128):
        narrower = series.cast(pl.Int64, strict=False)
        if narrower.null_count() > series.null_count():
            narrower = series.cast(pl.UInt64, strict=False)
            if narrower.null_count() > series.null_count():
                return None
        series = narrower
    parts = tuple(chunks(series))
    if any(part.values.ndim == 2 and not encoding.halved(part.given[0], *part.given[2:]) for part in parts):
        return None
    return Numbers(parts, not series.dtype.is_unsigned_integer() and not isinstance(series.dtype, pl.Boolean), series.null_count())
