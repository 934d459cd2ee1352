"""Text columns: each distinct text once, ordered by code point, and a code per row."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data import arrow
from segkernel.data.columns import Column, aligned
from segkernel.data.lexicon import Lexicon
from segkernel.kernel.entries import encoding
from segkernel.kernel.entries import texts as views

_SEED = np.uint64(int.from_bytes(os.urandom(8), "little"))
"""Of the hashes, so that nobody can find texts that share one; the answers do not depend on it."""


class Numbering:
    """Texts, each with a number in the order in which they are met; `firsts` int64[count] are the rows where that was."""

    def __init__(self) -> None:
        self.count = 0
        self.firsts = np.empty(encoding.FEW, np.int64)
        self._known = np.empty((encoding.FEW, 4), np.uint64)
        self._table = np.full(1024, views.NONE, np.uint32)
        self._kept: list[arrow.Chunk] = []

    def numbered(self, series: pl.Series) -> NDArray[Any]:
        """The number of each row's text, counted from 1, 0 where missing: uint8 or uint32, padded as a column's codes."""
        codes: NDArray[Any] = aligned(len(series), np.uint8 if self.count <= encoding.FEW else np.uint32)
        base = 0
        for part in arrow.chunks(series):
            address, _, valid, rows = part.given
            assert part.buffers is not None
            self._kept.append(part)
            at = 0
            while True:
                out = codes.ctypes.data + base * codes.itemsize
                given = (address, part.buffers, valid, at, rows, _SEED, self._table, self._known, self.firsts)
                with np.errstate(over="ignore"):
                    at, self.count = views.number(*given, base, self.count, out, codes.itemsize)
                if at == rows:
                    break
                if codes.itemsize == 1:
                    wide = aligned(len(series), np.uint32)
                    wide[: base + at] = codes[: base + at]
                    codes = wide
                self._grow()
            base += rows
        return codes

    def _grow(self) -> None:
        more = max(1 << 16, 4 * self.firsts.size)
        self.firsts = np.resize(self.firsts, more)
        known, self._known = self._known, np.empty((more, 4), np.uint64)
        self._known[: self.count] = known[: self.count]
        self._table = np.full(2 * more, views.NONE, np.uint32)
        views.rehash(self._known, self.count, np.uint64(65 - (2 * more).bit_length()), self._table)


def narrow(series: pl.Series, type: Type) -> Column:
    """A String, Categorical or Enum series as a column; only texts that some row has are among its values."""
    return _numbered(series, type) if isinstance(series.dtype, pl.String) else _categories(series, type)


def _numbered(series: pl.Series, type: Type) -> Column:
    numbering = Numbering()
    codes = numbering.numbered(series)
    # UTF-8 sorts by bytes as its code points do; to sort texts and find them again is faster than to sort places
    ordered = series.gather(pl.Series(numbering.firsts[: numbering.count])).sort()
    ordered += ""  # lays them one after another in memory of their own: six times as fast to search
    old = numbering.numbered(ordered)
    del numbering
    return _ranked(series, type, ordered, old.astype(np.int64), (arrow.Chunk(codes, None),), 0, codes)


def _categories(series: pl.Series, type: Type) -> Column:
    """Categories get their places among all that some row has."""
    parts = tuple(arrow.chunks(series.to_physical()))
    rows = np.full(arrow.surveyed(arrow.Numbers(parts, False, series.null_count())).high + 1, views.NONE, np.uint32)
    base = 0
    for part in parts:
        encoding.mark(*part.given, base, rows, arrow.room())
        base += len(part.values)
    used = np.flatnonzero(rows != views.NONE)
    table = pl.DataFrame({"number": used + 1, "text": series.gather(pl.Series(rows[used])).cast(pl.String)}).sort("text")
    return _ranked(series, type, table["text"], table["number"].to_numpy(), parts, 1)


def _ranked(
    series: pl.Series,
    type: Type,
    values: pl.Series,
    old: NDArray[np.int64],
    parts: tuple[arrow.Chunk, ...],
    more: int,
    room: NDArray[Any] | None = None,
) -> Column:
    """The column of texts in order, of which the number that each has in `parts`, plus `more`, was `old`; `room` may be written to."""
    rows, top = len(series), len(values)
    width = np.uint8 if top < 255 else np.uint16 if top < 65_535 else np.uint32
    ranks = np.zeros(int(old.max(initial=0)) + 1, np.uint32)
    ranks[old] = np.arange(1, top + 1, dtype=np.uint32)
    codes = room if room is not None and room.dtype == width else aligned(rows, width)
    out = int(codes.ctypes.data)
    for part in parts:
        encoding.recode(*part.given, more, ranks, out, codes.itemsize, arrow.room())
        out += len(part.values) * codes.itemsize
    return Column(type, rows, codes, top=top, values=Lexicon(values), missing=series.null_count())
