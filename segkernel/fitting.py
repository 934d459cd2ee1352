"""Whether data have what rules read, in the types that the rules were checked against."""

from __future__ import annotations

from segdsl.schema import Schema
from segdsl.wording import plain
from segkernel.errors import DataError
from segkernel.meaning import Reads


def singles(reads: Reads, schema: Schema) -> frozenset[tuple[str, str]]:
    """The fields read that hold floats of 32 bits: constants meet them at that width."""
    return frozenset((table, name) for table, name in reads.fields if schema.tables[table].fields[name].single)


def fit(reads: Reads, rules: Schema, data: Schema) -> None:
    """Whether data have what rules read, in the types that they were checked against.

    Raises `DataError` naming table, column and both types.
    """
    if rules is data:
        return
    if rules.root != data.root:
        raise DataError(f"the rules are about {rules.root}, the data about {data.root}")
    for table, link in sorted(reads.links):
        there = data.tables.get(table)
        if there is None:
            raise DataError(f"the rules read the table {table}, which the data do not have")
        found = there.links.get(link)
        if found is None:
            raise DataError(f"the rules follow the link {table}.{link}, which the data do not have")
        if found.table != rules.tables[table].links[link].table:
            raise DataError(
                f"{table}.{link} leads to {rules.tables[table].links[link].table} in the rules and to {found.table} in the data"
            )
    for table, name in sorted(reads.fields):
        there = data.tables.get(table)
        if there is None:
            raise DataError(f"the rules read the table {table}, which the data do not have")
        field = there.fields.get(name)
        if field is None:
            raise DataError(f"the rules read {table}.{name}, which the data do not have")
        meant = rules.tables[table].fields[name].type
        if field.type != meant:
            raise DataError(f"{table}.{name} is {plain(meant)} in the rules and {plain(field.type)} in the data")
