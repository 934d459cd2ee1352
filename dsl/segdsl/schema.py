"""What rules may speak of: tables, their fields, and the links between them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from segdsl.checked import Relation
from segdsl.typesystem import Type

MANY_CHOICES = 8
MANY_CHAINS = 1_000


class FieldSpec(msgspec.Struct, frozen=True):
    """A field as rules see it. `column` is the data's name for it where it differs; `pinned` says that the schema, not
    the data at hand, gave the type; `nullable` is false where the schema says `missing = "never"` or where the data at
    hand has no missing value; `single` says that the data are floats of 32 bits, which constants then meet at that width."""

    type: Type
    column: str | None = None
    label: str | None = None
    unit: str | None = None
    values: tuple[str, ...] = ()
    usable: bool = True
    nullable: bool = True
    never_missing: bool = False
    pinned: bool = False
    single: bool = False


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

    @staticmethod
    def load(path: str | Path) -> Schema:
        """The schema of a project file. Raises `SchemaError` with every problem in it, or for a file that cannot be read."""
        from segdsl import project

        return project.load(path).schema

    @staticmethod
    def parse(text: str) -> Schema:
        """The schema in the text of a project file. Raises `SchemaError` with every problem in it."""
        from segdsl import project

        return project.parse(text).schema

    def relations(self, table: str) -> dict[str, tuple[Relation, ...]]:
        """The relations of a table's rows by name: the shortest chain; two or more where equally short ones share a name.

        A relation has the name of the rows' table, or the one that the first link of its chain gives (the link that leaves the rows'
        table). A direct link wins over longer chains. Hidden links are not followed, no chain visits a table twice, and a link from a
        table to itself counts where it has a name. More than `MANY_CHOICES` equally short chains are not listed.
        """
        into: dict[str, list[tuple[str, str, Link]]] = {}
        for name, child in self.tables.items():
            for link_name, link in child.links.items():
                if link.relation is not False and (name != link.table or isinstance(link.relation, str)):
                    into.setdefault(link.table, []).append((name, link_name, link))
        found: dict[str, list[Relation]] = {}
        reached_at: dict[str, int] = {}  # a table that is reached again by a longer chain leads nowhere nearer
        frontier: list[Relation] = [Relation("", table, ())]
        while frontier:
            longer: list[Relation] = []
            for owner in frontier:
                for name, link_name, link in into.get(owner.table, ()):
                    length = len(owner.chain) + 1
                    if any(step[0] == name for step in owner.chain) or (name == table and length > 1):
                        continue
                    called = link.relation if isinstance(link.relation, str) else name
                    relation = Relation(called, name, ((name, link_name), *owner.chain))
                    known = found.setdefault(called, [])
                    if len(known) < MANY_CHOICES and (not known or len(known[0].chain) == length):
                        known.append(relation)
                    if name != table and reached_at.setdefault(name, length) == length and len(longer) < MANY_CHAINS:
                        longer.append(relation)
            frontier = longer
        return {name: tuple(relations) for name, relations in found.items()}
