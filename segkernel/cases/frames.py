"""The tables of a case as Polars frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import polars as pl

from segdsl.typesystem import WHOLE, Type
from segkernel.cases.format import Case


def frames(case: Case, columns: Mapping[str, Sequence[str]] | None = None) -> dict[str, pl.DataFrame]:
    """A case's tables by the data's names, all of them or just some `columns` by table.

    Whole numbers beyond 63 bits make an unsigned column, local timestamps one without a zone.
    """
    made = {}
    for name in case.schema.tables if columns is None else columns:
        found = {}
        for field, spec in case.schema.tables[name].fields.items():
            column = spec.column or field
            if columns is None or column in columns[name]:
                values = [row.get(field) for row in case.tables[name]]
                found[column] = column_of(column, values, spec.type, (name, field) in case.local)
        made[name] = pl.DataFrame(found)
    return made


def column_of(name: str, values: list[Any], type_: Type, local: bool) -> pl.Series:
    """Plain values as a Polars column of a type."""
    if type_.item is not None:
        items = column_of(name, [item for value in values for item in value or ()], type_.item, local)
        ends = list(accumulate(len(value or ()) for value in values))
        starts = [0, *ends]
        made = [None if value is None else items[start:end] for value, start, end in zip(values, starts, ends, strict=False)]
        return pl.Series(name, made, dtype=pl.List(items.dtype))
    large = type_ == WHOLE and any(isinstance(value, int) and value >= 2**63 for value in values)
    types: dict[str, pl.DataType] = {
        "whole": pl.UInt64() if large else pl.Int64(),
        "number": pl.Float64(),
        "decimal": pl.Decimal(38, type_.scale),
        "text": pl.String(),
        "yes/no": pl.Boolean(),
        "date": pl.Date(),
        "duration": pl.Duration("ns"),
        "timestamp": pl.Datetime("us") if local else pl.Datetime("ns", "UTC"),
    }
    dtype = types[type_.kind]
    if dtype in (pl.Datetime("ns", "UTC"), pl.Duration("ns")):
        return pl.Series(name, values, dtype=pl.Int64).cast(dtype)
    return pl.Series(name, values, dtype=dtype, strict=True)
