"""Rules over a few small frames, as the kernel tells them by the public face, and the same by the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

import segkernel as sk
from segkernel.oracle import Oracle
from tests.differential import answered, normal, oracle_rows
from tests.strategies import Case, nanoseconds

Links = dict[str, dict[str, Any]]


def told(
    rules: str,
    tables: Mapping[str, pl.DataFrame],
    as_of: str,
    zone: str = "UTC",
    links: Links | None = None,
    schema: sk.Schema | None = None,
) -> dict[str, list[Any]]:
    """The keys of every segment's accounts, in row order, after holding the kernel's answers against the oracle's.

    The first table is the root, its key is `id`; `as_of` is ISO text with an offset. `schema` stands in for `zone` and `links`.
    """
    root = next(iter(tables))
    if schema is None:
        data = sk.Dataset(tables, root=root, key="id", links=links or {}, timezone=zone)
    else:
        data = sk.Dataset(tables, schema)
    compiled = sk.compile(rules, data.schema)
    result = compiled.evaluate(data, as_of=as_of)
    moment = datetime.fromisoformat(as_of)
    case = Case(0, data.schema, dict(tables), rules, moment, data.schema.timezone, {})
    oracle = Oracle(compiled.checked, data.schema, oracle_rows(case), nanoseconds(moment))
    for name in result.names:
        by_oracle = answered(oracle, compiled.checked, name)
        assert [normal(value) for value in result[name].to_list()] == by_oracle, f"the oracle differs on {name}"
    return {name: result.members(name).to_list() for name in result.names if name in compiled.checked.segments}


def accounts(condition: str, tables: Mapping[str, pl.DataFrame], as_of: str = "2026-01-15T12:00+00:00", **how: Any) -> list[Any]:
    """The keys of the accounts that meet one condition."""
    return told(f"segment answer when {condition}", tables, as_of, **how)["answer"]


def table(**columns: Any) -> pl.DataFrame:
    """A frame whose key is the number of the row, from 1 on, unless `id` is given; texts with a `T` or `Z` stay texts."""
    height = len(next(iter(columns.values())))
    return pl.DataFrame({"id": range(1, height + 1), **columns} if "id" not in columns else columns)


def instants(*texts: str | None) -> pl.Series:
    """A column of timestamps in UTC, to the microsecond."""
    return pl.Series(texts, dtype=pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")


def local_times(*texts: str | None) -> pl.Series:
    """A column of timestamps without a zone, to the microsecond."""
    return pl.Series(texts, dtype=pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us")


def days(*texts: str | None) -> pl.Series:
    """A column of dates."""
    return pl.Series(texts, dtype=pl.String).str.to_date()
