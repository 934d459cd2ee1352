"""Tables as records: each account as a mapping with the rows that it owns and those that its links lead to, as `match` takes them.

Made from the schema and the frames by plain Python, level by level only as far as a record is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from segdsl.schema import Schema
from segkernel.match.places import rows_key

EPOCH = datetime(1970, 1, 1)


class Tables:
    """Frames with their links followed once."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], schema: Schema) -> None:
        self.frames, self.schema = frames, schema
        self.columns = {
            name: {field: plain(frames[name][spec.column or field]) for field, spec in table.fields.items()}
            for name, table in schema.tables.items()
            if name in frames
        }
        self.found: dict[tuple[str, str], list[int | None]] = {}
        self.owned: dict[tuple[str, str], dict[int, list[int]]] = {}
        for name, table in schema.tables.items():
            for link, to in table.links.items():
                if name in frames and to.table in frames:
                    self.found[name, link] = rows = self.follow(name, link)
                    owned = self.owned[name, link] = {}
                    for row, target in enumerate(rows):
                        if target is not None:
                            owned.setdefault(target, []).append(row)

    def follow(self, name: str, link: str) -> list[int | None]:
        to = self.schema.tables[name].links[link]
        targets = {key: row for row, key in enumerate(zip(*self.keys(to.table, self.schema.tables[to.table].key), strict=True))}
        return [targets.get(key) for key in zip(*self.keys(name, to.by), strict=True)]

    def keys(self, table: str, parts: tuple[str, ...]) -> list[list[Any]]:
        fields = self.schema.tables[table].fields
        return [comparable(self.frames[table][fields[part].column or part if part in fields else part]) for part in parts]

    def records(self) -> list[Row]:
        root = self.schema.root
        return [Row(self, root, row) for row in range(self.frames[root].height)]


class Row(Mapping[str, Any]):
    """One row as a record; what stands inside is made when it is asked for."""

    def __init__(self, tables: Tables, table: str, row: int) -> None:
        self.tables, self.table, self.row = tables, table, row

    @cached_property
    def relations(self) -> dict[str, tuple[str, str]]:
        return {
            rows_key(self.tables.schema, self.table, name, called): (name, called)
            for name, table in self.tables.schema.tables.items()
            for called, link in table.links.items()
            if link.table == self.table and link.relation is not False and (name, called) in self.tables.found
        }

    def __getitem__(self, name: str) -> Any:
        if (self.table, name) in self.tables.found:
            row = self.tables.found[self.table, name][self.row]
            if row is not None:
                return Row(self.tables, self.tables.schema.tables[self.table].links[name].table, row)
            if name not in self.tables.columns[self.table]:
                return None
        if name in self.tables.columns[self.table]:
            return self.tables.columns[self.table][name][self.row]
        if name in self.relations:
            table, link = self.relations[name]
            return [Row(self.tables, table, row) for row in self.tables.owned[table, link].get(self.row, ())]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        links = self.tables.schema.tables[self.table].links
        return iter(dict.fromkeys([*self.tables.columns[self.table], *links, *self.relations]))

    def __len__(self) -> int:
        return len(list(iter(self)))


class Length(timedelta):
    """A duration with what it has beyond the microsecond, as pandas' has it."""

    nanoseconds = 0


def plain(series: pl.Series) -> list[Any]:
    """A column as Python's values; times to the nanosecond are ISO text."""
    if isinstance(series.dtype, pl.List | pl.Array):
        return [None if each is None else plain(each) for each in series]
    numbers = series.to_physical().to_list() if isinstance(series.dtype, pl.Datetime | pl.Duration) else []
    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_unit == "ns":
        zone = "" if series.dtype.time_zone is None else "Z"
        return [
            None if each is None else f"{(EPOCH + timedelta(seconds=each // 10**9)).isoformat()}.{each % 10**9:09d}{zone}"
            for each in numbers
        ]
    if isinstance(series.dtype, pl.Duration) and series.dtype.time_unit == "ns":
        return [None if each is None else length(each) for each in numbers]
    return series.to_list()


def length(nanoseconds: int) -> Length:
    """A duration of so many nanoseconds."""
    found = Length(microseconds=nanoseconds // 1000)
    found.nanoseconds = nanoseconds % 1000
    return found


def comparable(series: pl.Series) -> list[Any]:
    """Key values that are equal in Python where the engine says so; None where missing."""
    if isinstance(series.dtype, pl.Datetime | pl.Duration):
        factor = {"ms": 10**6, "us": 10**3, "ns": 1}[series.dtype.time_unit]
        return [None if value is None else value * factor for value in series.to_physical().to_list()]
    return [missing(value) for value in series.to_list()]


def missing(value: Any) -> Any:
    """Floats that are no number are missing, and never found."""
    if value is None or value != value:
        return object()
    return value
