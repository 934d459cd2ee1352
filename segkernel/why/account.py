"""Finding the account that is asked about, and explaining it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from segdsl.diagnostics import closest
from segkernel import meaning
from segkernel.data import physical
from segkernel.errors import DataError, Error
from segkernel.instants import written
from segkernel.oracle import Oracle, OracleOverflow
from segkernel.oracle.naming import expressions
from segkernel.textual import visible
from segkernel.why.explain import Reasons
from segkernel.why.explanation import Explanation
from segkernel.why.kin import Kin
from segkernel.why.tables import reckoned, tables

if TYPE_CHECKING:
    from segdsl.schema import Schema
    from segkernel.data.dataset import Dataset
    from segkernel.rules import Rules

_LOOKED_AT = 1000


def explained(rules: Rules, data: Dataset, key: object, as_of: int) -> list[Explanation]:
    """Why the account of a key is in each of the rules' segments or has its value of each choose, in their order.

    `rules` fit the data, and what they read has been read; `as_of` is in nanoseconds since 1970. Raises `Error` for a key that nobody
    has, DataError where an evaluation would.
    """
    tree, zone = rules.checked, rules.checked.timezone
    row = row_of(data, key)
    kin = Kin(tree, data, row)
    for name in rules.names:
        kin.look(expressions(tree, name), tree.root, kin.account)
    numbers = kin.rows()
    known = reckoned(tree, sorted(meaning.needed(tree, rules.names)), data, numbers, rules.functions, as_of)
    there = tables(data, numbers, with_keys(rules, data.schema), zone)
    oracle = Oracle(tree, data.schema, there, as_of, known=known)
    reasons = Reasons(oracle, int(numbers[tree.root].searchsorted(row)), numbers, data.schema, rules.sources, rules.files)
    parts = dict(zip(data.schema.tables[tree.root].key, data.keys()[row].rows()[0], strict=True))
    shown = {name: part if isinstance(part, str | int | float) else str(part) for name, part in parts.items()}
    try:
        return [
            Explanation(tree.root, shown, written(as_of, zone), zone, reasons.statement(name), reasons.mentioned(name))
            for name in rules.names
        ]
    except OracleOverflow as error:
        raise DataError(f"a number leaves its range: {error}", error.span) from None


def with_keys(rules: Rules, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The data's columns that rules read, and the keys of the tables over which they aggregate, where a schema has them."""
    wanted = {table: list(columns) for table, columns in meaning.columns(rules.reads, schema).items()}
    for relation in meaning.relations(rules.checked, rules.names):
        table = schema.tables[relation.table]
        known = {spec.column or field for field, spec in table.fields.items()}
        key = [meaning.physical(schema, relation.table, part) for part in table.key]
        if known.issuperset(key):
            wanted.setdefault(relation.table, []).extend(part for part in key if part not in wanted[relation.table])
    return {table: tuple(columns) for table, columns in wanted.items()}


def row_of(data: Dataset, key: object) -> int:
    """The number of the root's row that has a key: a value, or as many as the key has columns; texts are read as the column's type.

    Raises `Error` where nobody has it, with the nearest one that somebody has.
    """
    keys, root = data.keys(), data.schema.root
    parts = list(key) if isinstance(key, tuple | list) else [key]
    if len(parts) != keys.width:
        wanted = "one value" if keys.width == 1 else f"{keys.width} values"
        raise Error(
            f"the key of {root} ({', '.join(keys.columns)}) is {wanted}, and {len(parts)} {'was' if len(parts) == 1 else 'were'} given"
        )
    mask = pl.repeat(True, keys.height, eager=True)
    for column, part in zip(keys, parts, strict=True):
        mask &= _equal(column, part, root)
    found = mask.arg_true()
    if found.is_empty():
        shown = ", ".join(f"{column.name} {_shown(part) if _textual(column) else part}" for column, part in zip(keys, parts, strict=True))
        raise Error(f"no row of {root} has {shown}{_hint(keys, parts)}")
    return int(found[0])


def _equal(column: pl.Series, part: object, root: str) -> pl.Series:
    """Which rows have a value; a text is read as the column's type."""
    sought: Any = part
    if isinstance(column.dtype, pl.Null):  # a file with a line of names alone
        return pl.repeat(False, column.len(), eager=True)
    try:
        if _textual(column):
            if not isinstance(part, str):
                raise TypeError
            return column.cast(pl.String) == part
        if isinstance(part, str):
            sought = _read(part.strip(), column.dtype)
        elif isinstance(part, bool) is not isinstance(column.dtype, pl.Boolean) or part is None:
            raise TypeError
        return pl.select(pl.lit(column) == pl.lit(sought)).to_series().fill_null(False)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        raise Error(f"{root}.{column.name} is {physical.described(column.dtype)}, and {_shown(part)} is none") from None


def _textual(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum)


def _read(text: str, dtype: pl.DataType) -> Any:
    """A text as a value of a type. Raises ValueError or Polars' own errors."""
    if isinstance(dtype, pl.Boolean):
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if isinstance(dtype, pl.Datetime):
        return pl.Series([text]).str.to_datetime(time_unit=dtype.time_unit, time_zone=dtype.time_zone)
    if isinstance(dtype, pl.Date):
        return pl.Series([text]).str.to_date()
    return pl.Series([text]).cast(dtype)


def _hint(keys: pl.DataFrame, parts: list[Any]) -> str:
    """What may have been meant: of a key of one text the nearest, of one number the range in which keys lie."""
    column = keys.to_series(0)
    if keys.height == 0:
        return ": it has no rows"
    if keys.width > 1:
        return ""
    if _textual(column) and isinstance(parts[0], str):
        texts, text = column.cast(pl.String), parts[0]
        same = texts.filter(texts.str.strip_chars().str.to_lowercase() == text.strip().lower()).head(1).to_list()
        for size in (len(text) * 2 // 3, len(text) // 3):
            if same:
                break
            alike = texts.filter(texts.str.starts_with(text[:size]) | texts.str.ends_with(text[len(text) - size :])) if size else texts
            found = closest(text, alike.head(_LOOKED_AT).to_list())
            same = [found] if found else []
        return f'; did you mean "{visible(same[0])}"?' if same else ""
    if column.dtype.is_integer():
        low, high = keys.select(pl.first().min().alias("low"), pl.first().max().alias("high")).row(0)
        return f"; they go from {low} to {high}"
    return ""


def _shown(part: object) -> str:
    return f'"{visible(part)}"' if isinstance(part, str) else repr(part)
