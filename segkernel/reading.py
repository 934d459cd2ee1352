"""A project's sources as frames: which files, which columns, and plain sentences where they cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from glob import escape, glob, has_magic
from pathlib import Path
from typing import TypeVar

import msgspec
import polars as pl
from polars.selectors import by_name

from segdsl.schema import Schema, Table
from segdsl.typesystem import Type
from segkernel.errors import DataError
from segkernel.output import reason

_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".ipc": "ipc",
    ".arrow": "ipc",
    ".feather": "ipc",
}
_OFFSET = re.compile(r"T.*(Z|[+-]\d\d:?\d\d)$")
_ADVICE = re.compile(r", (consider passing|hint:).*", re.DOTALL)
_T = TypeVar("_T")
_LOOKED_AT = 100
_FINER = 18
_REMOTE = ("s3://", "gs://", "gcs://", "az://", "azure://", "abfs://", "abfss://", "http://", "https://")


class Counted(msgspec.Struct, frozen=True):
    """How many rows a table has, and how many of them lack a value, by the data's name of the column."""

    rows: int
    missing: dict[str, int]


def scan(schema: Schema, folder: Path) -> dict[str, pl.LazyFrame]:
    """A lazy frame for each table that has a source, relative to the project's folder.

    Parquet, CSV, NDJSON and Arrow IPC, by the ending of the name; a file, a glob (in the order of the names) or a URL as
    Polars reads it. Types that text formats do not have come from the pinned fields, else from all of the file. Where the
    files of a glob differ, the columns count that all of them have, so that one which appears later changes nothing.
    Raises `DataError` naming table and file.
    """
    return {name: _scan(name, table, folder) for name, table in schema.tables.items() if table.source is not None}


def present(schema: Schema, folder: Path) -> bool:
    """Whether the root's data are there, relative to a folder; of those elsewhere than on this machine that is taken for granted."""
    source = schema.tables[schema.root].source
    if source is None:
        return False
    try:
        return source.startswith(_REMOTE) or bool(_files(schema.root, source, folder))
    except DataError:
        return False


def weight(schema: Schema, folder: Path, tables: Iterable[str]) -> int | None:
    """The bytes of the files of some tables; None where some are not Parquet or Arrow IPC on this machine, of which a stretch of rows
    is read without what stands before."""
    whole = 0
    for name in tables:
        source = schema.tables[name].source or ""
        if source.startswith(_REMOTE) or _FORMATS.get(os.path.splitext(source)[1].lower()) not in ("parquet", "ipc"):
            return None
        whole += sum(os.path.getsize(place) for place in _files(name, source, folder))
    return whole


def types(frames: Mapping[str, pl.LazyFrame], schema: Schema) -> dict[str, pl.DataFrame]:
    """Frames without rows that have the columns and types of the sources."""

    def empty(lazy: pl.LazyFrame) -> pl.DataFrame:
        return pl.DataFrame(schema=lazy.collect_schema())

    return {name: _told(name, schema.tables[name], partial(empty, lazy)) for name, lazy in frames.items()}


def collect(frames: Mapping[str, pl.LazyFrame], schema: Schema, columns: Mapping[str, tuple[str, ...]]) -> dict[str, pl.DataFrame]:
    """The rows of the named columns, in the order of the files; tables that are not named are not read.

    Raises `DataError` naming table and file, or the column that is missing.
    """
    found: dict[str, pl.DataFrame] = {}
    for name, wanted in columns.items():
        table = schema.tables[name]
        if name not in frames:
            raise DataError(f'the rules read the table {name}, which has no source; add source = "..." to [tables.{name}]')
        lazy = frames[name]
        there = _told(name, table, lazy.collect_schema).names()
        for column in wanted:
            if column not in there:
                raise DataError(f'{name}: {table.source} has no column "{column}"')
        found[name] = _told(name, table, partial(_collected, lazy.select(by_name(*wanted))))
    return found


def counted(frames: Mapping[str, pl.LazyFrame], schema: Schema) -> dict[str, Counted]:
    """Rows and missing values (null, and NaN of floats) of every column, by table. Raises `DataError` naming table and file."""

    def count(lazy: pl.LazyFrame) -> Counted:
        there = lazy.collect_schema()
        absent = [
            pl.nth(at).is_nan().fill_null(True).sum() if dtype.is_float() else pl.nth(at).null_count()
            for at, dtype in enumerate(there.dtypes())
        ]
        found = (
            lazy.select(pl.len().alias("rows"), *(each.alias(str(at)) for at, each in enumerate(absent))).collect(engine="in-memory").row(0)
        )
        return Counted(found[0], dict(zip(there.names(), found[1:], strict=True)))

    return {name: _told(name, schema.tables[name], partial(count, lazy)) for name, lazy in frames.items()}


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    # The in-memory engine keeps the order of the rows
    return lazy.collect(engine="in-memory")


def _scan(name: str, table: Table, folder: Path) -> pl.LazyFrame:
    source = table.source or ""
    kind = _FORMATS.get(os.path.splitext(source.split("?")[0])[1].lower())
    if kind is None:
        raise DataError(f'{name}: cannot tell the format of "{source}"; the name must end in {", ".join(sorted(_FORMATS))}')
    remote = source.startswith(_REMOTE)
    places = [source] if remote else _files(name, source, folder)
    pinned = {spec.column or field: spec.type for field, spec in table.fields.items() if spec.pinned}
    overrides = {column: dtype for column, type_ in pinned.items() if (dtype := _parsed(type_)) is not None}

    def scanned() -> pl.LazyFrame:
        match kind:
            case "parquet":
                return _together(places, lambda some: pl.scan_parquet(some, glob=remote))
            case "ipc":
                return _together(places, lambda some: pl.scan_ipc(some, glob=remote))
            case "csv":
                return pl.concat(_common([_csv(place, overrides, pinned, remote) for place in places]), how="vertical_relaxed")
        # It has no way to be told that names are no globs
        return _ndjson(places if remote else [escape(place) for place in places], overrides, pinned)

    return _told(name, table, scanned)


def _together(places: list[str], scanned: Callable[[list[str]], pl.LazyFrame]) -> pl.LazyFrame:
    """Files with their own types as one frame."""
    frames = [scanned([place]) for place in places]
    if len({tuple(frame.collect_schema().items()) for frame in frames}) == 1:
        return scanned(places)
    return pl.concat(_common(frames), how="vertical_relaxed")


def _common(frames: list[pl.LazyFrame]) -> list[pl.LazyFrame]:
    """The columns that all frames have, in the order of the first."""
    schemas = [frame.collect_schema() for frame in frames]
    names = [name for name in schemas[0] if all(name in schema for schema in schemas)]
    return [frame.select(names) for frame in frames]


def _csv(place: str, overrides: Mapping[str, pl.DataType], pinned: Mapping[str, Type], remote: bool) -> pl.LazyFrame:
    """A CSV file; a column in which no row has anything is of no type, rather than text, unless it is pinned."""
    exact = {column: type_.scale for column, type_ in pinned.items() if type_.kind == "decimal"}
    # A decimal is read with digits to spare, since Polars would round halves to even
    read = {column: pl.Decimal(38, min(38, scale + _FINER)) for column, scale in exact.items()}
    shown = pl.scan_csv(place, schema_overrides={**overrides, **read}, infer_schema_length=None, try_parse_dates=True, glob=remote)
    there = shown.collect_schema()
    rounded = [
        pl.col(column).round(scale, mode="half_away_from_zero").cast(pl.Decimal(38, scale))
        for column, scale in exact.items()
        if column in there
    ]
    blank = [column for column, dtype in there.items() if dtype == pl.String and column not in overrides]
    for rows in (shown.head(_LOOKED_AT), shown):
        if blank:
            filled = rows.select(pl.col(blank).is_not_null().any()).collect(engine="in-memory")
            blank = [column for column in blank if not filled[column].item()]
    return shown.with_columns(*rounded, pl.col(blank).cast(pl.Null))


def _ndjson(places: list[str], overrides: dict[str, pl.DataType], pinned: Mapping[str, Type]) -> pl.LazyFrame:
    """JSON has no times: texts are read as such where they are pinned, in UTC where the first of a column has an offset."""
    shown = pl.scan_ndjson(places, infer_schema_length=None)
    there = shown.collect_schema()
    wanted = {column: dtype for column, dtype in overrides.items() if column in there}
    for column, type_ in pinned.items():
        if type_.kind == "timestamp" and there.get(column) == pl.String:
            first = shown.select(pl.col(column).drop_nulls().first()).collect().item()
            wanted[column] = pl.Datetime("us", "UTC" if _OFFSET.search(first or "") else None)
    return pl.scan_ndjson(places, schema_overrides=wanted, infer_schema_length=None)


def _files(name: str, source: str, folder: Path) -> list[str]:
    """The files of a source, sorted; a name that is a glob may match several."""
    pattern = os.path.join(escape(str(folder)), source) if not os.path.isabs(source) else source
    literal = folder / source
    if literal.is_file():
        return [str(literal)]
    found = sorted(path for path in glob(pattern, recursive=True) if os.path.isfile(path))
    if not found and literal.is_dir():
        raise DataError(f"{name}: {literal} is a folder; name the files in it, such as {source}/*.parquet")
    if not found:
        raise DataError(f"{name}: no file matches {source}" if has_magic(source) else f"{name}: there is no file {literal}")
    return found


def _parsed(type_: Type) -> pl.DataType | None:
    """The type in which a text format is read so that a pinned type loses nothing; None leaves it to what the file shows."""
    match type_.kind:
        case "text":
            return pl.String()
        case "yes/no":
            return pl.Boolean()
        case "number":
            return pl.Float64()
        case "date":
            return pl.Date()
    return None


def _told(name: str, table: Table, action: Callable[[], _T]) -> _T:
    try:
        return action()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name}: cannot read {table.source}: {_ADVICE.sub('', reason(error))}") from None
    except pl.exceptions.PanicException:
        # Files with bytes that are wrong stop Polars in places where it expects none
        raise DataError(f"{name}: cannot read {table.source}: the file is damaged") from None
