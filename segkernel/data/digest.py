"""A fingerprint of tables: the same for the same values, whatever their chunks, and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import polars as pl

from segdsl.schema import FieldSpec, Schema, Table
from segkernel.data import arrow, completion, lists, physical

_SLICE = 1 << 16


def part(schema: Schema, columns: Mapping[str, Sequence[str]]) -> Schema:
    """The schema of some columns, by table and by the data's names, without what the data at hand told of missing values."""
    tables = {}
    for name, wanted in columns.items():
        fields = schema.tables[name].fields.items()
        tables[name] = Table({called: FieldSpec(spec.type, spec.column) for called, spec in fields if (spec.column or called) in wanted})
    return Schema(schema.root, tables, schema.timezone)


def column(series: pl.Series, check: Callable[[], None] = lambda: None) -> bytes:
    """The digest of a column; `check` is called every 65,536 rows, and may raise to stop there."""
    found = _Column(series.dtype)
    found.add(series, check)
    return found.digest()


def fields(schema: Schema, columns: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Tables and names of the fields that some columns hold, which are by table and by the data's names."""
    described = {name: schema.tables[name].fields.items() for name in columns}
    return [(name, called) for name, wanted in columns.items() for called, spec in described[name] if (spec.column or called) in wanted]


def of(schema: Schema, fields: Sequence[tuple[str, str]], digests: Callable[[tuple[str, str]], bytes]) -> str:
    """The fingerprint of a schema and of fields, by table and name, whose columns' digests are asked for on two threads, last ones
    first: BLAKE2b, 64 hexadecimal digits."""
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(reversed(fields), pool.map(digests, reversed(fields)), strict=True))
    whole = hashlib.blake2b(msgspec.json.encode(schema, order="deterministic"), digest_size=32)
    for table, field in sorted(fields):
        whole.update(f"{table}\0{field}\0".encode() + found[table, field])
    return whole.hexdigest()


class Growing:
    """The fingerprint of a schema and of tables whose rows come one after the other: whatever pieces they come in, it is that of the
    whole. A table counts from its first rows on, also if there are none; columns that the schema does not describe do not count."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._columns: dict[tuple[str, str], _Column] = {}

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """The next rows of a table, all with the same columns."""
        described = self._schema.tables.get(table)
        if described is None:
            return
        todo = []
        for field in described.fields:
            column = completion.source(described, field)
            if column in rows.columns:
                known = self._columns.get((table, field))
                if known is None:
                    known = self._columns[table, field] = _Column(rows.schema[column])
                todo.append((known, rows[column]))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: each[0].add(each[1]), todo))

    def fingerprint(self) -> str:
        """64 hexadecimal digits, when all rows are there."""
        return of(self._schema, list(self._columns), lambda each: self._columns[each].digest())


class _Column:
    """The digest of a column: its type, slices of so many rows, and how many rows and missing values there are."""

    def __init__(self, dtype: pl.DataType) -> None:
        self._type = physical.logical(dtype)
        kind = "nothing" if self._type is None else str(self._type)
        unit = dtype.time_unit if isinstance(dtype, pl.Datetime | pl.Duration) else ""
        zone = "local" if physical.naive(dtype) else ""
        self._state = hashlib.blake2b(f"{kind} {unit} {zone}\0".encode(), digest_size=32)
        held = physical.item(dtype)
        self._items = None if held is None else _Column(held)
        self._rest = pl.Series([], dtype=dtype)
        self._kind, self._met = dtype, pl.Series([], dtype=pl.String)
        self._rows = self._missing = 0

    def add(self, series: pl.Series, check: Callable[[], None] = lambda: None) -> None:
        """The next values; `check` is called before each slice."""
        self._rows += len(series)
        self._missing += series.null_count()
        if len(self._rest):
            series = pl.concat([self._rest, series])
        whole = len(series) // _SLICE * _SLICE
        for start in range(0, whole, _SLICE):
            check()
            self._update(series.slice(start, _SLICE))
        self._rest = series.slice(whole)

    def digest(self) -> bytes:
        """The digest of all values, when they are there."""
        if len(self._rest):
            self._update(self._rest)
            self._rest = self._rest.clear()
        self._state.update(f"{self._rows} {self._missing}\0".encode())
        if self._items is not None:
            self._state.update(self._items.digest())
        return self._state.digest()

    def _update(self, part: pl.Series) -> None:
        state, found = self._state, self._type
        if found is None:
            return
        if part.null_count():
            state.update(np.packbits(part.is_null().to_numpy()).data)
        if found.kind == "list":
            assert self._items is not None
            items = lists.items(part)
            state.update(np.diff(items.starts).astype("<u4").data)
            self._items.add(items.values)
        elif found.kind == "text":
            texts = self._texts(part).fill_null("")
            state.update(texts.str.len_bytes().to_numpy().astype("<u4").data)
            state.update(texts.str.join("").item().encode())
        elif found.kind == "number":
            numbers = part.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
            numbers[np.isnan(numbers)] = np.nan
            state.update(numbers.astype("<f8", copy=False).data)
        else:
            exact = arrow.whole(part)
            if exact is None:
                state.update(repr(part.to_list()).encode())
            else:
                bits = np.where(exact.present, exact.bits, np.uint64(0)) if exact.missing else exact.bits
                state.update(bits.astype("<u8", copy=False).data)

    def _texts(self, part: pl.Series) -> pl.Series:
        """The texts of a slice; of categories by a table of those that were met, as Polars' cast goes through their names row by row."""
        if isinstance(part.dtype, pl.String):
            return part
        if part.dtype != self._kind:  # the same numbers may stand for other texts
            self._kind, self._met = part.dtype, self._met.clear()
        numbers = part.to_physical()
        most: Any = numbers.max()
        if most is None or most >= _SLICE:
            return part.cast(pl.String)
        if most < len(self._met):
            texts = self._met.gather(numbers)
            if texts.null_count() == part.null_count():
                return texts
        fresh = part.drop_nulls().unique()
        more = pl.Series([None] * (most + 1 - len(self._met)), dtype=pl.String)
        self._met = pl.concat([self._met, more]).scatter(fresh.to_physical(), fresh.cast(pl.String))
        return self._met.gather(numbers)
