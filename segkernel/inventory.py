"""What a project's tables hold, as found: rows, and fields with types, missing values and what the settings say of them."""

from __future__ import annotations

from typing import Any

import msgspec

from segdsl.pinning import type_text
from segdsl.schema import FieldSpec, Schema
from segkernel.data.physical import named
from segkernel.project import Project, settled
from segkernel.reading import counted, scan, types


class Held(msgspec.Struct, frozen=True):
    """A field of a table. `spec` is None for a column of a type that rules cannot use; `data` is Polars' name of its type and
    `missing` the number of rows without a value, both None where the table has no source."""

    table: str
    name: str
    spec: FieldSpec | None
    data: str | None = None
    missing: int | None = None

    @property
    def pinned(self) -> bool:
        return self.spec is not None and self.spec.pinned

    @property
    def typeless(self) -> bool:
        """Whether no row has a value and no type is pinned or found."""
        return self.data == "Null" and not self.pinned

    @property
    def notes(self) -> list[str]:
        """What the settings say of the field, in words."""
        spec = self.spec
        if spec is None:
            return ["rules cannot use this type"]
        said = ["pinned" if spec.pinned else "no value yet" if self.typeless else "found"]
        said += ["rules may not use it"] if not spec.usable else []
        said += [f"column {spec.column}"] if spec.column not in (None, self.name) else []
        said += ["never missing"] if spec.never_missing else []
        said += [f"one of {len(spec.values):,} values"] if spec.values else []
        return [*said, *(text for text in (spec.unit, spec.label) if text)]


class Inventory(msgspec.Struct, frozen=True):
    """The schema with the types of the data, how many rows each table that has a source holds, and all fields in order."""

    schema: Schema
    rows: dict[str, int]
    fields: tuple[Held, ...]


def inventory(project: Project) -> Inventory:
    """What the tables of a project hold; all rows of all columns are read once.

    Raises `DataError` for sources that cannot be read or do not fit their pins, `SchemaError` where the root has no source.
    """
    lazy = scan(project.schema, project.folder)
    schema = settled(project.schema, lazy)
    empty = types(lazy, schema)
    numbers = counted(lazy, schema)
    found: list[Held] = []
    for name, table in schema.tables.items():
        rows_missing = numbers[name].missing if name in numbers else {}
        for field, spec in table.fields.items():
            column = spec.column or field
            data = named(empty[name].schema[column]) if name in empty else None
            found.append(Held(name, field, spec, data, rows_missing.get(column)))
        found += [Held(name, field, None, data, rows_missing.get(field)) for field, data in table.unsupported.items()]
    return Inventory(schema, {name: each.rows for name, each in numbers.items()}, tuple(found))


def document(found: Inventory) -> dict[str, Any]:
    """An inventory as JSON can hold it: tables with their key, links and fields, by name."""
    tables: dict[str, Any] = {}
    for name, table in found.schema.tables.items():
        tables[name] = {
            "source": table.source,
            "rows": found.rows.get(name),
            "key": list(table.key),
            "event_time": table.event_time,
            "links": {
                called: {"table": link.table, "by": list(link.by), "relation": link.relation} for called, link in table.links.items()
            },
            "fields": {field.name: _described(field) for field in found.fields if field.table == name},
        }
    return {"format": 1, "root": found.schema.root, "timezone": found.schema.timezone, "tables": tables}


def _described(field: Held) -> dict[str, Any]:
    spec = field.spec
    return {
        "type": None if spec is None or field.typeless else type_text(spec.type),
        "data": field.data,
        "column": field.name if spec is None or spec.column is None else spec.column,
        "missing": field.missing,
        "pinned": field.pinned,
        "usable": spec is not None and spec.usable,
        "never_missing": spec is not None and spec.never_missing,
        "values": list(spec.values) if spec is not None else [],
        "unit": None if spec is None else spec.unit,
        "label": None if spec is None else spec.label,
    }


def lines(found: Inventory) -> tuple[list[list[str]], list[list[str]]]:
    """An inventory as rows of text, the first the head: one row for each table, and one for each field."""
    tables = [["table", "rows", "key", "links", "source"]]
    for name, table in found.schema.tables.items():
        links = [f"{called} → {link.table}" for called, link in table.links.items()]
        rows = f"{found.rows[name]:,}" if name in found.rows else ""
        tables.append([name, rows, ", ".join(table.key), ", ".join(links), table.source or ""])
    fields = [["field", "type", "data", "missing", ""]]
    for field in found.fields:
        type_ = "" if field.spec is None or field.typeless else type_text(field.spec.type)
        missing = "" if field.missing is None else f"{field.missing:,}"
        fields.append([f"{field.table}.{field.name}", type_, field.data or "", missing, ", ".join(field.notes)])
    return tables, fields
