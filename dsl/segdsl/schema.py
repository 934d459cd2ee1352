"""What rules may speak of: tables, their fields, and the links between them."""

from __future__ import annotations

import msgspec

from segdsl.checked import Relation
from segdsl.typesystem import Type


class FieldSpec(msgspec.Struct, frozen=True):
    """A field as rules see it. `column` is the data's name for it where it differs; `pinned` says that the schema, not
    the data at hand, gave the type; `nullable` is false where the schema says `missing = "never"` or where the data at
    hand has no missing value."""

    type: Type
    column: str | None = None
    label: str | None = None
    unit: str | None = None
    values: tuple[str, ...] = ()
    usable: bool = True
    nullable: bool = True
    never_missing: bool = False
    pinned: bool = False


class Link(msgspec.Struct, frozen=True):
    """Each row belongs to at most one row of `table`: its columns `by` hold that table's key.

    `relation` names the way back; None takes the rows' table's name, False hides it.
    """

    table: str
    by: tuple[str, ...]
    relation: str | bool | None = None


class Table(msgspec.Struct, frozen=True):
    """A table. `fields` are the known ones; `unsupported` are columns of types that rules cannot use, with the type's
    name, an error only when a rule uses them. `event_time` names the field after which rows later than `as_of` do not
    count. `source` is where a project reads it from."""

    fields: dict[str, FieldSpec] = {}
    key: tuple[str, ...] = ()
    links: dict[str, Link] = {}
    unsupported: dict[str, str] = {}
    event_time: str | None = None
    source: str | None = None


class Schema(msgspec.Struct, frozen=True):
    """All tables; `root` is the one whose rows are the accounts; `timezone` is the zone of days and naive timestamps."""

    root: str
    tables: dict[str, Table]
    timezone: str = "UTC"

    def relations(self, table: str) -> dict[str, tuple[Relation, ...]]:
        """The relations of a table's rows by name: the shortest chains; two or more where the name is ambiguous.

        A name is the rows' table's, or the one that the last link (the one that reaches `table`) or, for longer chains,
        the first link gives; hidden links are not followed.
        """
        found: dict[str, list[Relation]] = {}
        frontier: list[Relation] = [Relation("", table, ())]
        seen_tables: dict[str, int] = {}
        for length in range(1, len(self.tables) + 1):
            longer: list[Relation] = []
            for reached in frontier:
                for name, child in self.tables.items():
                    for link_name, link in child.links.items():
                        if link.table != reached.table or link.relation is False:
                            continue
                        if any(step[0] == name for step in reached.chain) or (name == table and length > 1):
                            continue
                        called = link.relation if isinstance(link.relation, str) else name
                        if name == link.table and not isinstance(link.relation, str):
                            continue
                        relation = Relation(called, name, ((name, link_name), *reached.chain))
                        if seen_tables.get(called, length) >= length:
                            seen_tables[called] = length
                            found.setdefault(called, []).append(relation)
                        longer.append(relation)
            frontier = longer
        return {name: tuple(relations) for name, relations in found.items()}
