"""Tables of rows in normal form, and who belongs to whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from segdsl.checked import Relation
from segdsl.schema import Schema, Table
from segdsl.typesystem import Length, Type
from segkernel.oracle.arithmetic import Value, whole
from segkernel.oracle.civil import day_of
from segkernel.oracle.zones import DAY, SECOND, instant_of

Rows = list[dict[str, Value]]


def half_away(exact: Fraction) -> int:
    """The nearest whole number, halves away from zero."""
    rounded = math.floor(abs(exact) + Fraction(1, 2))
    return rounded if exact >= 0 else -rounded


def normal(value: object, type_: Type, zone: str) -> Value:
    """A plain value in normal form.

    None and NaN are missing. A decimal is an int of units, or a `Decimal` or float that is rounded to the scale; a date is
    days since 1970-01-01 or a `date`; a timestamp is nanoseconds since the epoch or a `datetime`, read in `zone` where it
    is naive; a duration is nanoseconds or a `timedelta`; a list is a tuple of its present items. Raises TypeError on anything else.
    """
    kind = type_.kind
    if kind == "list" and isinstance(value, list | tuple) and type_.item is not None:
        items = (normal(item, type_.item, zone) for item in value)
        return tuple(item for item in items if item is not None)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "yes/no" and isinstance(value, bool):
        return value
    if isinstance(value, bool | str):
        raise TypeError(f"expected a {type_}, found {value!r}")
    if kind == "number" and isinstance(value, int | float | Decimal):
        return float(value)
    if isinstance(value, int) and kind in ("whole", "decimal", "date", "timestamp", "duration"):
        return value
    if kind == "decimal" and isinstance(value, float | Decimal):
        return half_away(Fraction(value) * 10**type_.scale)
    if kind == "timestamp" and isinstance(value, datetime):
        local = day_of(value.year, value.month, value.day) * DAY + nanoseconds(
            timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
        )
        offset = value.utcoffset()
        return instant_of(zone, local) if offset is None else local - nanoseconds(offset)
    if kind == "date" and isinstance(value, date) and not isinstance(value, datetime):
        return day_of(value.year, value.month, value.day)
    if kind == "duration" and isinstance(value, timedelta):
        return nanoseconds(value)
    raise TypeError(f"expected a {type_}, found {value!r}")


def nanoseconds(length: timedelta) -> int:
    """A `timedelta` in nanoseconds."""
    return (length.days * 86_400 + length.seconds) * SECOND + length.microseconds * 1_000


def plain(value: Value, type_: Type) -> object:
    """A value in normal form as Python knows it: `Decimal`, `date`, aware `datetime` (to the microsecond), `timedelta`."""
    if value is None or isinstance(value, Length | str | float | tuple):
        return value
    if type_.kind == "decimal":
        return Decimal(value).scaleb(-type_.scale)
    if type_.kind == "date":
        return date(1970, 1, 1) + timedelta(days=value)
    if type_.kind == "timestamp":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 1_000)
    if type_.kind == "duration":
        return timedelta(microseconds=value // 1_000)
    return value


class Families:
    """Tables in normal form, with the row that each link of a row leads to, and the rows of each relation of a row.

    Every table of the schema must be there. Orphans, and rows whose link is missing, belong to nobody.
    """

    def __init__(self, schema: Schema, tables: Mapping[str, Sequence[Mapping[str, object]]], zone: str) -> None:
        self.schema = schema
        self.rows: dict[str, Rows] = {
            name: [{field: normal(row.get(field), spec.type, zone) for field, spec in table.fields.items()} for row in tables[name]]
            for name, table in schema.tables.items()
        }
        self._targets: dict[tuple[str, str], list[int | None]] = {}
        self._relations: dict[tuple[tuple[str, str], ...], dict[int, list[int]]] = {}

    def target(self, table: str, link: str, row: int) -> int | None:
        """The row that a link of a row leads to, or None."""
        if (table, link) not in self._targets:
            to = self.schema.tables[table].links[link]
            target = self.schema.tables[to.table]
            found = {self._key(target, target.key, other): index for index, other in enumerate(self.rows[to.table])}
            keys = [self._key(self.schema.tables[table], to.by, other) for other in self.rows[table]]
            self._targets[table, link] = [None if None in key else found.get(key) for key in keys]
        return self._targets[table, link][row]

    def members(self, relation: Relation, owner: int) -> list[int]:
        """The rows of a relation that belong to a row, in the order of their table."""
        if relation.chain not in self._relations:
            families: dict[int, list[int]] = {}
            for index in range(len(self.rows[relation.table])):
                at: int | None = index
                for table, link in relation.chain:
                    at = None if at is None else self.target(table, link, at)
                if at is not None:
                    families.setdefault(at, []).append(index)
            self._relations[relation.chain] = families
        return self._relations[relation.chain].get(owner, [])

    def place(self, table: str, row: int) -> tuple[tuple[bool, Value | Fraction], ...]:
        """Where a row stands among those of its table, by its key (a missing part first), then by its number."""
        key = self._key(self.schema.tables[table], self.schema.tables[table].key, self.rows[table][row])
        return (*((part is not None, part) for part in key), (True, row))

    def _key(self, table: Table, columns: tuple[str, ...], row: dict[str, Value]) -> tuple[Value | Fraction, ...]:
        names = {spec.column: name for name, spec in table.fields.items() if spec.column is not None}
        fields = [column if column in table.fields else names[column] for column in columns]
        return tuple(equal_as(row[field], table.fields[field].type) for field in fields)


def equal_as(value: Value, type_: Type) -> Value | Fraction:
    """A part of a key, equal to those of equal value: decimals of other scales are units of another size."""
    return Fraction(whole(value), 10**type_.scale) if type_.kind == "decimal" and value is not None else value
