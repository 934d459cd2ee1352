"""Where in a record rules read what: a tree of places, from the account down through lookups, relations and lists.

A place is all mappings that one way leads to: the account itself, what a link leads to, the rows of a relation, the items of a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segdsl.schema import Schema, Table
from segkernel.data import completion
from segkernel.data.groups import PER, is_groups
from segkernel.data.lists import ITEMS
from segkernel.data.spaces import UP
from segkernel.link.linking import can_fail
from segkernel.plan.program import Chain, Node, Program, parts

ROOT, LOOKUP, ROWS, LISTED, NOWHERE = "account", "lookup", "rows", "list", "nowhere"
"""NOWHERE is the place, without any row, of a stage that nothing needs."""


class Place:
    """One place: its `kind`, its `table`, and the `parent` in whose mappings it stands under `key`.

    `needed` says whether an answer rests on it; programs name others that none does, which then have no rows.
    `fields` are the names read here, in the order in which they are first read; `links` the places that links lead to (that of the owner
    where the rows were found by that link), `relations` by (table, link) and `lists` by field those below. `order` are the fields of
    the key by which rows stand where times are equal, for `first` and `last`.
    """

    def __init__(self, kind: str, table: str, parent: Place | None = None, key: str = "", link: str = "") -> None:
        self.kind, self.table, self.parent, self.key, self.link = kind, table, parent, key, link
        self.number = 0
        self.needed = False
        self.fields: dict[str, None] = {}
        self.links: dict[str, Place] = {}
        self.relations: dict[tuple[str, str], Place] = {}
        self.lists: dict[str, Place] = {}
        self.order: tuple[str, ...] = ()
        if kind == ROWS:
            assert parent is not None
            self.links[link] = parent


Spot = tuple[Place, ...]
"""Places of one table whose rows follow one another: those that one space of a program is made of."""


class Shape:
    """All places that a program reads, parents before what stands in them, and where each program within it has its root rows.

    `spot` finds the places of a space's rows. Raises nothing: what rules read is in the schema.
    """

    def __init__(self, program: Program, schema: Schema) -> None:
        self.schema = schema
        self.root = Place(ROOT, program.root)
        self.places = [self.root]
        self.nowhere: dict[str, Place] = {}
        self.bases: dict[int, Spot] = {}
        """By `id` of the program's nodes, which it keeps when its groups are formed for an instant: the places of its root's rows."""
        self.programs: dict[str, Program] = {}
        """By the meaning of a key: what reckons it."""
        self.keyed: dict[str, Spot] = {}
        """By the meaning of a key: the places of the rows that it is reckoned for."""
        self._read(program, (self.root,))

    def spot(self, chain: Chain, base: Spot) -> Spot:
        """The places of the rows of a space; of groups, those of the rows that form them."""
        if not chain:
            return base
        step, *rest = chain
        if len(step) == 3:
            return self.spot((*rest[0][1], *rest[1:]), base)
        if len(step) == 4 and step[0] == PER:
            return self.spot((*step[1], *rest), base)
        above = self.spot(tuple(rest), base)
        if step[0] == ITEMS:
            return _each(self._item(place, step[3]) for place in self.reached(above, step[2]))
        if step[0] == UP:
            return _each(self._rows(place, step[3], step[4]) for place in self.reached(above, step[2]))
        return _each(self._rows(place, *step) for place in above)

    def reached(self, spot: Spot, path: Iterable[str]) -> Spot:
        """The places that links lead to."""
        for link in path:
            spot = _each(self._linked(place, link) for place in spot)
        return spot

    def _linked(self, place: Place, link: str) -> Place:
        if link not in place.links:
            place.links[link] = self._add(Place(LOOKUP, self.schema.tables[place.table].links[link].table, place, link))
        return place.links[link]

    def _rows(self, place: Place, table: str, link: str) -> Place:
        if (table, link) not in place.relations:
            key = rows_key(self.schema, place.table, table, link)
            place.relations[table, link] = self._add(Place(ROWS, table, place, key, link))
        return place.relations[table, link]

    def _item(self, place: Place, name: str) -> Place:
        if name not in place.lists:
            place.lists[name] = self._add(Place(LISTED, ITEMS, place, name))
        return place.lists[name]

    def _add(self, place: Place) -> Place:
        place.number = len(self.places)
        self.places.append(place)
        return place

    def _read(self, program: Program, base: Spot) -> None:
        """Adds what a program reads, its keys and stages too."""
        known = self.bases.get(id(program.nodes), ())
        if known and set(base) <= set(known):
            return
        base = self.bases[id(program.nodes)] = _each((*known, *base))
        stages: dict[int, Spot] = {}
        wanted: set[Chain] = set()
        for node in needed(program):
            chain = program.spaces[node[1]]
            spot = self._wanted(chain, base, wanted)
            match node[0]:
                case "column":
                    self._field(self.reached(spot, node[3]), node[4])
                case "any":
                    self._wanted(program.spaces[node[2]], base, wanted)
                case "aggregate":
                    chain = program.spaces[node[4]]
                    rows = self._wanted(chain, base, wanted)
                    if node[3] in ("first", "last") and not is_groups(chain):
                        self._ordered(rows)
                case "within":
                    self._wanted(program.spaces[node[3]], base, wanted)
                case "staged":
                    stages[node[4]] = _each((*stages.get(node[4], ()), *self._need(self.reached(spot, node[3]))))
                case "called":
                    number = program.calls[node[3]].stage
                    stages[number] = _each((*stages.get(number, ()), *spot))
        for chain in program.spaces:
            self.spot(chain, base)
            for number, step in enumerate(chain):
                for named in step[2] if len(step) == 4 and step[0] == PER else ():
                    self.reached(self.spot((*step[1], *chain[number + 1 :]), base), named[1] if named[0] == "field" else ())
        self._keys(program, base, wanted)
        for number, stage in enumerate(program.stages):
            self._read(stage, stages.get(number) or self._nowhere(stage.root))

    def _keys(self, program: Program, base: Spot, wanted: set[Chain]) -> None:
        """What the rows of the groups that are needed are grouped by."""
        for chain in wanted:
            for number, step in enumerate(chain):
                if len(step) != 4 or step[0] != PER:
                    continue
                rows = self._need(self.spot((*step[1], *chain[number + 1 :]), base))
                for named in step[2]:
                    if named[0] == "field":
                        self._field(self.reached(rows, named[1]), named[2])
                    else:
                        self.keyed[named[1]] = _each((*self.keyed.get(named[1], ()), *rows))
        for key in program.keys:
            self.programs[key.meaning] = key.program
            self._read(key.program, self.keyed.setdefault(key.meaning, self._nowhere(key.table)))

    def _nowhere(self, table: str) -> Spot:
        # one for all, else stages that rest on each other would be read once more for each way to them
        if table not in self.nowhere:
            self.nowhere[table] = self._add(Place(NOWHERE, table))
        return (self.nowhere[table],)

    def _wanted(self, chain: Chain, base: Spot, wanted: set[Chain]) -> Spot:
        wanted.add(chain)
        return self._need(self.spot(chain, base))

    def _need(self, spot: Spot) -> Spot:
        """Marks places, and those above them, as needed."""
        for each in spot:
            place: Place | None = each
            while place is not None and not place.needed:
                place.needed = True
                place = place.parent
        return spot

    def _field(self, spot: Spot, name: str) -> None:
        for place in self._need(spot):
            place.fields[name] = None

    def _ordered(self, spot: Spot) -> None:
        for place in spot:
            if place.table != ITEMS:
                place.order = key_fields(self.schema.tables[place.table])
                place.fields.update(dict.fromkeys(place.order))


def rows_key(schema: Schema, owner: str, table: str, link: str) -> str:
    """The key under which the rows of `table` stand that a link leads from to a row of `owner`: the relation's name, with [] where the
    owner has a field or a link of that name, too."""
    called = schema.tables[table].links[link].relation
    name = called if isinstance(called, str) else table
    there = schema.tables[owner]
    return f"{name}[]" if name in there.links or name in there.fields else name


def key_fields(table: Table) -> tuple[str, ...]:
    """The fields of a table's key, by the rules' names."""
    names = {spec.column or name: name for name, spec in table.fields.items()}
    sources = (completion.source(table, part) for part in table.key)
    return tuple(names[source] for source in sources if source in names)


def needed(program: Program) -> list[Node]:
    """The nodes that a program's answers rest on, and those that may leave their range whether or not they do."""
    pending = [*program.bitmaps, *(node for each in program.choices for node, _ in each.cases), *program.outputs]
    pending += [node for _, node in program.unknown]
    pending += [number for number, node in enumerate(program.nodes) if can_fail(node)]
    found = set(pending)
    while pending:
        for number in parts(program.nodes[pending.pop()]):
            if number not in found:
                found.add(number)
                pending.append(number)
    return [program.nodes[number] for number in sorted(found)]


def _each(places: Iterable[Place] | Iterator[Place]) -> Spot:
    """Places without repetition."""
    return tuple(dict.fromkeys(places))
