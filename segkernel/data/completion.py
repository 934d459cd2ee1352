"""The schema that a dataset has: what was pinned, completed from the data and checked against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize

import msgspec
import polars as pl

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import NUMBER, TEXT
from segdsl.wording import plain
from segkernel.data import physical
from segkernel.data.sources import Source
from segkernel.errors import DataError, SchemaError
from segkernel.textual import listed

_SHOWN = 5
Links = Mapping[str, Mapping[str, Any]]


def declared(tables: Sequence[str], root: str | None, key: Any, links: Links | None, timezone: str) -> Schema:
    """The schema of a notebook: `key` a column or several, `links` as `{"orders": {"customer": ("customers", "id")}}`
    or with Link. Raises SchemaError where it says too little."""
    if root is None:
        if len(tables) != 1:
            raise SchemaError(f'say which table is the root, as root="{tables[0] if tables else "customers"}"; given: {_listed(tables)}')
        root = tables[0]
    if key is None:
        raise SchemaError(f'{root} needs a key: the column that names its rows, as key="{root}_id"')
    described = {name: Table() for name in (root, *tables)}
    described[root] = Table(key=_names(key))
    for name, given in (links or {}).items():
        if not isinstance(given, Mapping):
            raise SchemaError(f'the links of {name}: expected {{"customer": ("customers", "customer_id")}}, found {given!r}')
        made = {link: _link(name, link, each) for link, each in given.items()}
        described[name] = msgspec.structs.replace(described.get(name, Table()), links=made)
        for link in made.values():
            target = described.get(link.table)
            if target is not None and not target.key:
                # a notebook names the columns once: a link's columns that the target has too are its key
                described[link.table] = msgspec.structs.replace(target, key=link.by)
    return Schema(root, described, timezone)


def complete(sources: Mapping[str, Source], schema: Schema, whole: bool) -> Schema:
    """`schema` with every column of every table: types of the data where none is pinned, `nullable` as the data are (of lazy
    frames, whatever is not said to be there always), unsupported columns by their types.

    Raises DataError where the data do not fit, or lack the root or its key; if `whole`, or anything else that the schema names.
    """
    for name in (schema.root, *(schema.tables if whole else ())):
        if name not in sources:
            raise DataError(f"there is no data for the table {name}; given: {_listed(list(sources))}")
    described = {name: schema.tables.get(name, Table()) for name in (*schema.tables, *sources)}
    if not described[schema.root].key:
        raise SchemaError(f"{schema.root} needs a key: it is the root, and its rows must have names")
    tables = {
        name: _table(name, sources[name], table, whole, name == schema.root) if name in sources else table
        for name, table in described.items()
    }
    for name, table in tables.items():
        for link_name, link in table.links.items():
            _check_link(sources, tables, name, link_name, link, whole)
    return msgspec.structs.replace(schema, tables=tables)


def source(table: Table, name: str) -> str:
    """The data's name of a field, or of a key's or link's column."""
    spec = table.fields.get(name)
    return spec.column if spec is not None and spec.column is not None else name


def check_never_missing(name: str, table: Table, data: Source, columns: Iterable[str]) -> None:
    """Whether columns that were read have the values that the schema says are never missing. Raises DataError."""
    wanted = set(columns)
    for field, spec in table.fields.items():
        column = spec.column or field
        if spec.never_missing and column in wanted and column in data.schema and _absent_rows(data.series(column)).any():
            raise DataError(_missing(name, field, data, column, [source(table, part) for part in table.key]))


def _table(name: str, data: Source, table: Table, whole: bool, is_root: bool) -> Table:
    fields: dict[str, FieldSpec] = {}
    unsupported: dict[str, str] = {}
    for field, spec in table.fields.items():
        column = spec.column or field
        if column in data.schema:
            _add(field, column, data, spec, fields, unsupported)
        elif whole:
            raise DataError(absent(name, column, data.columns, "" if column == field else f" (the field {field})"))
        else:
            fields[field] = msgspec.structs.replace(spec, nullable=not spec.never_missing)
    if data.lazy is None:
        check_never_missing(name, table, data, data.columns)
    renamed = {spec.column for spec in table.fields.values()}
    for column in data.columns:
        if column not in fields and column not in unsupported and column not in renamed:
            called = normalize("NFC", column)
            # Rules know composed letters only
            if called == column or called in data.schema or called in fields:
                _add(column, column, data, None, fields, unsupported)
            else:
                _add(called, column, data, FieldSpec(TEXT, column), fields, unsupported)
    completed = msgspec.structs.replace(table, fields=fields, unsupported={**table.unsupported, **unsupported})
    for part in table.key:
        dtype = data.schema.get(source(completed, part))
        if dtype is None and (whole or is_root):
            raise DataError(absent(name, source(table, part), data.columns, ", which is its key"))
        if dtype is None:
            continue
        typed = physical.logical(dtype)
        if (typed is None or typed.kind == "list") and not isinstance(dtype, pl.Null):
            raise DataError(f"{name}.{part} cannot be a key: its values are of the type {physical.named(dtype)}")
    if table.event_time is not None:
        timed = fields.get(table.event_time)
        if timed is None and whole:
            raise DataError(absent(name, source(table, table.event_time), data.columns, ", which is its event time"))
        if timed is not None and timed.type.kind not in ("date", "timestamp"):
            raise DataError(f"{name}.{table.event_time} is its event time: expected date or timestamp, found {plain(timed.type)}")
    return completed


def _add(field: str, column: str, data: Source, spec: FieldSpec | None, fields: dict[str, FieldSpec], unsupported: dict[str, str]) -> None:
    dtype = data.schema[column]
    found = TEXT if isinstance(dtype, pl.Null) else physical.logical(dtype)
    if spec is not None and spec.pinned:
        if not physical.fits(dtype, spec.type):
            raise DataError(f"{data.name}.{field}: expected {plain(spec.type)}, found {physical.described(dtype)}")
        found = spec.type
    if found is None:
        unsupported[field] = physical.named(dtype)
        return
    if spec is None:
        spec = FieldSpec(found)
    if data.lazy is not None:
        missing = not spec.never_missing
    else:
        series = data.series(column)
        missing = bool(_absent_rows(series).any()) if dtype.is_float() else series.null_count() > 0
    single = (physical.item(dtype) or dtype) == pl.Float32 and (found.item or found) == NUMBER
    fields[field] = msgspec.structs.replace(spec, type=found, nullable=missing, single=single)


def _absent_rows(series: pl.Series) -> pl.Series:
    """Which rows have no value: null, or NaN."""
    return series.is_nan().fill_null(True) if series.dtype.is_float() else series.is_null()


def _missing(table: str, field: str, data: Source, column: str, key: Sequence[str]) -> str:
    """The sentence for missing values where the schema allows none, with the keys of the first rows, or their numbers."""
    rows = _absent_rows(data.series(column)).arg_true()
    count = "1 missing value" if len(rows) == 1 else f"{len(rows):,} missing values"
    first = rows.head(_SHOWN)
    if key and column not in key and all(part in data.schema for part in key):
        shown = pl.DataFrame([data.series(part).gather(first).alias(str(at)) for at, part in enumerate(key)]).rows()
        where = f"{', '.join(key)} {listed(shown, len(rows))}"
    else:
        where = f"row{'' if len(rows) == 1 else 's'} {listed([(row + 1,) for row in first], len(rows))}"
    return f'{table}.{field} has {count} ({where}), but the schema says missing = "never"'


def _check_link(sources: Mapping[str, Source], tables: Mapping[str, Table], name: str, link_name: str, link: Link, whole: bool) -> None:
    place = f"{name}.{link_name}"
    target = tables.get(link.table)
    if target is None:
        raise DataError(f"the link {place} leads to a table that is not there: {link.table}; given: {_listed(list(tables))}")
    if not target.key:
        raise DataError(f"the link {place} leads to {link.table}, which has no key")
    if len(link.by) != len(target.key):
        raise DataError(
            f"the link {place} has {len(link.by)} columns ({_listed(link.by)}), "
            f"the key of {link.table} {len(target.key)} ({_listed(target.key)})"
        )
    if name not in sources or link.table not in sources:
        return
    data, there = sources[name], sources[link.table].schema
    for by, part in zip(link.by, target.key, strict=True):
        found, expected = data.schema.get(source(tables[name], by)), there.get(source(target, part))
        if found is None and whole:
            raise DataError(absent(name, source(tables[name], by), data.columns, f", by which the link {link_name} goes"))
        if found is not None and expected is not None and physical.mismatch(found, expected):
            raise DataError(
                f"the link {place} cannot work: {name}.{by} is {physical.described(found)}, "
                f"{link.table}.{part} is {physical.described(expected)}"
            )


def absent(table: str, column: str, columns: Sequence[str], why: str) -> str:
    """The sentence for a column that a table does not have; `columns` are those that it has."""
    return f"{table} has no column {column}{why}; it has: {_listed(columns)}"


def _link(table: str, name: str, given: Any) -> Link:
    if isinstance(given, Link):
        return given
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2 or not isinstance(given[0], str):
        raise SchemaError(f'the link {table}.{name}: expected a table and a column, as ("customers", "customer_id"), found {given!r}')
    return Link(given[0], _names(given[1]))


def _names(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not all(isinstance(name, str) for name in names) or (not names and given != []):
        raise SchemaError(f"a column or a list of columns is wanted, and this is {given!r}")
    if len(set(names)) < len(names):
        raise SchemaError(f"a column is named twice: {_listed(names)}")
    return names


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20]) or "nothing"
    return shown + (", …" if len(names) > 20 else "")
