"""A fingerprint of tables: the same for the same values, whatever their chunks, and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import polars as pl

from segdsl.schema import Schema
from segkernel.data import arrow, completion, lists, physical

_SLICE = 1_000_000


def of(frames: Mapping[str, pl.DataFrame], schema: Schema) -> str:
    """The fingerprint of a schema and all columns that it describes and the frames have: BLAKE2b, 64 hexadecimal digits."""
    whole = hashlib.blake2b(msgspec.json.encode(schema, order="deterministic"), digest_size=32)
    described = {
        (table, field): completion.source(schema.tables[table], field)
        for table in sorted(schema.tables.keys() & frames.keys())
        for field in sorted(schema.tables[table].fields)
    }
    found = {each: frames[each[0]][column] for each, column in described.items() if column in frames[each[0]].columns}
    with ThreadPoolExecutor(2) as pool:
        for (table, field), digest in zip(found, pool.map(_column, found.values()), strict=True):
            whole.update(f"{table}\0{field}\0".encode() + digest)
    return whole.hexdigest()


def _column(series: pl.Series) -> bytes:
    found = physical.logical(series.dtype)
    kind = "nothing" if found is None else str(found)
    unit = series.dtype.time_unit if isinstance(series.dtype, pl.Datetime | pl.Duration) else ""
    zone = "local" if physical.naive(series.dtype) else ""
    state = hashlib.blake2b(f"{kind} {unit} {zone} {len(series)} {series.null_count()}\0".encode(), digest_size=32)
    if found is None:
        return state.digest()
    if found.kind == "list":
        state.update(np.packbits(series.is_null().to_numpy()).data)
        items = lists.items(series)
        state.update(np.diff(items.starts).astype("<u4").data)
        state.update(_column(items.values))
        return state.digest()
    for start in range(0, len(series), _SLICE):
        part = series.slice(start, _SLICE)
        if part.null_count():
            state.update(np.packbits(part.is_null().to_numpy()).data)
        if found.kind == "text":
            texts = part.cast(pl.String).fill_null("")
            state.update(texts.str.len_bytes().to_numpy().astype("<u4").data)
            state.update(texts.str.join("").item().encode())
        elif found.kind == "number":
            numbers = part.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
            state.update(np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").data)
        else:
            exact = arrow.whole(part)
            if exact is None:
                state.update(repr(part.to_list()).encode())
            else:
                state.update(np.where(exact.present, exact.bits, np.uint64(0)).astype("<u8").data)
    return state.digest()
