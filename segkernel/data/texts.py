"""Text columns: each distinct text once, ordered by code point, and a code per row."""

from __future__ import annotations

import numpy as np
import polars as pl

from segdsl.typesystem import Type
from segkernel.data import arrow
from segkernel.data.columns import Column, aligned
from segkernel.kernel import encoding


def narrow(series: pl.Series, type: Type) -> Column:
    """A String, Categorical or Enum series as a column; only texts that some row has are among its values."""
    if isinstance(series.dtype, pl.String):
        # a category store of its own: Polars' shared one would keep every text for as long as the process lives
        series = series.cast(pl.Categorical(pl.Categories.random()))
    rows = len(series)
    used = series.unique().drop_nulls()
    # UTF-8 sorts by bytes as its code points do
    table = pl.DataFrame({"code": used.to_physical().cast(pl.UInt32), "text": used.cast(pl.String)}).sort("text")
    values = tuple(table["text"].to_list())
    old = table["code"].to_numpy()
    size = int(old.max()) + 1 if old.size else 0
    width = np.uint8 if len(values) < 255 else np.uint16 if len(values) < 65_535 else np.uint32
    ranks = np.zeros(size, width)
    ranks[old] = np.arange(1, len(values) + 1, dtype=width)
    physical, valid, missing = arrow.buffers(series.to_physical())
    picked = physical.astype(np.uint32)
    if valid is not None:
        picked[valid == 0] = encoding.NONE
    codes = aligned(rows, width)
    encoding.gather(ranks, picked, width(0), codes)
    return Column(type, rows, codes, top=len(values), values=values, missing=missing)
