"""Records as data at fixed addresses: a program is linked to them once, and each call fills them anew."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.data import groups
from segkernel.data.columns import Column
from segkernel.data.lists import ITEMS
from segkernel.data.spaces import UP, Chain
from segkernel.link.vocabulary import CAPACITY, Vocabulary
from segkernel.match.memory import ROWS, Beyond, Buffer, bucket_buffer, buffer, room, written
from segkernel.match.places import LISTED, Place, Shape, Spot, needed
from segkernel.match.records import NOBODY, Reader, Rows, offsets
from segkernel.plan.program import Node, Program, parts

MISTAKES = (KeyError, TypeError, ValueError, ArithmeticError)
"""What a value that is none of the commonest raises; it is then read with care."""
Numbers = list[int] | None
"""The rows of some places that a space's rows are, one after the other; None for all of them in order."""


Key = tuple[Spot, tuple[str, ...] | None, str]
"""What rows are grouped by: a field of what links lead to, or (without a path) what is reckoned for the rows of places, by its meaning."""


class Stand:
    """A space: the places whose rows it has, how to find them, and where its owners' rows start.

    `count`, `numbers`, `owners` and `starts` are those of the call at hand. `seen` are the buffers of owners and starts by how many steps
    above the owners stand.
    """

    def __init__(
        self, chain: Chain, spot: Spot, parent: Stand | None, path: tuple[str, ...], find: Callable[[Place], Place] | None
    ) -> None:
        self.chain, self.spot, self.parent, self.path, self.find = chain, spot, parent, path, find
        self.empty = not any(place.needed for place in spot)
        self.identity: bool = parent is None or (parent.identity and not path)
        self.count = 0
        self.numbers: Numbers = None
        self.owners: list[int] = []
        self.starts: list[int] = [0]
        self.seen: dict[int, tuple[memoryview, memoryview]] = {}
        self.form: Callable[[list[Rows]], tuple[Numbers, list[int], list[int]]] | None = None
        """What finds numbers, owners and starts, where no link does."""

    def fill(self, rows: list[Rows]) -> None:
        """Finds the rows of a call, of one that is empty none. Raises Beyond where there are too many."""
        if self.empty:
            self.numbers, self.owners, self.starts = [], [], [0] * (1 if self.parent is None else self.parent.count + 1)
        elif self.parent is None:
            self.count = sum([len(rows[place.number].found) for place in self.spot])
        elif self.form is not None:
            self.numbers, self.owners, self.starts = self.form(rows)
            self.count = len(self.owners)
        elif self.identity and len(self.spot) == 1:
            here = rows[self.spot[0].number]
            self.owners, self.starts, self.count = here.owners, here.starts, len(here.owners)
        else:
            self._spread(rows)
        if self.count > ROWS:
            raise Beyond
        if self.seen and not self.empty:
            self._tell()

    def _tell(self) -> None:
        """Writes owners and starts for all that look at them."""
        owners, starts, above = self.owners, self.starts, self.parent
        for steps in range(1, 1 + max(self.seen)):
            if steps in self.seen:
                into = self.seen[steps]
                into[0][: len(owners)] = array("I", owners)
                into[1][: len(starts)] = array("q", starts)
            if above is not None and above.parent is not None:
                owners, starts = [above.owners[each] for each in owners], [starts[each] for each in above.starts]
                above = above.parent

    def _spread(self, rows: Sequence[Rows]) -> None:
        """The rows that each row of the parent has by way of the row that links lead to."""
        assert self.parent is not None
        assert self.find is not None
        spot, numbers = reached(self.parent, self.path, rows)
        begins = [0]
        for place in spot:
            last = begins[-1]
            begins += [last + each for each in rows[self.find(place).number].starts[1:]]
        asked = range(self.parent.count) if numbers is None else numbers
        self.numbers, self.owners, self.starts = [], [], [0]
        for owner, row in enumerate(asked):
            if row != NOBODY:
                self.numbers += range(begins[row], begins[row + 1])
                self.owners += [owner] * (begins[row + 1] - begins[row])
            self.starts.append(len(self.numbers))
        self.count = len(self.numbers)


def reached(stand: Stand, path: Sequence[str], rows: Sequence[Rows]) -> tuple[Spot, Numbers]:
    """Where the links of a path lead to from a space's rows."""
    spot, numbers = stand.spot, stand.numbers
    for link in path:
        target: Spot = tuple(dict.fromkeys(place.links[link] for place in spot))
        begins = offsets(target, rows)
        found: list[int] = []
        for place in spot:
            there = place.links[link]
            here = rows[place.number].owners if there is place.parent else rows[there.number].index
            begin = begins[there]
            found += [each if each == NOBODY else each + begin for each in here] if begin else here
        numbers = found if numbers is None else [NOBODY if each == NOBODY else found[each] for each in numbers]
        spot = target
    return spot, numbers


class Grouping:
    """Groups of a space's rows that have the same values of some fields, under their owners in the space `above`; an owner's groups stand
    in the order of their values, their rows as they did. A row that lacks one of the values is in none."""

    def __init__(self, fixed: Fixed, base: Stand, above: Stand, keys: Sequence[Key]) -> None:
        self.fixed, self.base, self.above, self.keys = fixed, base, above, keys
        self.rows: tuple[Numbers, list[int], list[int]] = None, [], [0]

    def groups(self, rows: list[Rows]) -> tuple[Numbers, list[int], list[int]]:
        """The groups of a call."""
        columns = []
        for spot, path, name in self.keys:
            if path is None:
                begins, values = offsets(spot, rows), self.fixed.keys[name]
                units = [unit for place in self.base.spot for unit in values[begins[place] :][: len(rows[place.number].found)]]
                numbers = self.base.numbers
            else:
                units = [unit for place in spot for unit in self.fixed.reader.column(place, name, rows[place.number], rows)]
                numbers = reached(self.base, path, rows)[1]
            columns.append(units if numbers is None else [None if each == NOBODY else units[each] for each in numbers])
        owners, stand = self.base.owners, self.base.parent
        while stand is not None and stand is not self.above:
            owners, stand = [stand.owners[each] for each in owners], stand.parent
        found: dict[tuple[Any, ...], list[int]] = {}
        for row, key in enumerate(zip(owners, *columns, strict=True)):
            if None not in key:
                found.setdefault(key, []).append(row)
        order = sorted(found)
        members = [found[key] for key in order]
        known = self.base.numbers
        listed = [row if known is None else known[row] for rows_of in members for row in rows_of]
        self.rows = listed, [number for number, rows_of in enumerate(members) for _ in rows_of], [0, *accumulate(map(len, members))]
        above = [key[0] for key in order]
        return None, above, [bisect_left(above, owner) for owner in range(self.above.count + 1)]

    def members(self, rows: list[Rows]) -> tuple[Numbers, list[int], list[int]]:
        """The rows of the groups that were formed last."""
        return self.rows


class Cells:
    """A field of a space's rows, or of what links lead to from there, in a buffer."""

    def __init__(self, stand: Stand, spot: Spot, path: tuple[str, ...], name: str, into: Buffer) -> None:
        self.stand, self.spot, self.path, self.name, self.into = stand, spot, path, name, into

    def fill(self, reader: Reader, rows: list[Rows]) -> None:
        """Writes the values of a call, whatever they are. Raises RecordError or Beyond."""
        if not self.stand.count:
            return
        unit = self.into.unit
        codes: list[Any] = []
        for place in self.spot:
            codes += [unit(value) for value in reader.column(place, self.name, rows[place.number], rows)]
        numbers = reached(self.stand, self.path, rows)[1] if self.path or self.stand.numbers is not None else None
        if numbers is not None:
            nothing = unit(None)
            codes = [nothing if each == NOBODY else codes[each] for each in numbers]
        self.into.write(codes)


class Phase:
    """What a call fills before something is reckoned of it: spaces, columns, row maps and ranks; and what is then done."""

    def __init__(self) -> None:
        self.stands: list[Stand] = []
        self.plain: dict[int, list[tuple[str, Callable[[Any], Any], memoryview, Cells]]] = {}
        """By number the places of which all rows, in order, are those of a space: their fields, which are read the quick way."""
        self.others: list[Cells] = []
        self.lists: list[Callable[[list[Rows]], None]] = []
        self.after: Callable[[], None] | None = None

    def fill(self, reader: Reader, rows: list[Rows]) -> None:
        """Writes the rows of a call. Raises RecordError, or Beyond where there is no room."""
        for stand in self.stands:
            stand.fill(rows)
        for number, plain in self.plain.items():
            found = rows[number].found
            if len(found) == 1:
                row = found[0]
                for name, code, codes, cells in plain:
                    try:
                        codes[0] = code(row[name])
                    except MISTAKES:
                        cells.fill(reader, rows)
            elif found:
                for name, code, _, cells in plain:
                    try:
                        cells.into.write([code(row[name]) for row in found])
                    except MISTAKES:
                        cells.fill(reader, rows)
        for cells in self.others:
            cells.fill(reader, rows)
        for write in self.lists:
            write(rows)
        if self.after is not None:
            self.after()


class Fixed:
    """Room for some records, as all programs within a program see it. `reckon` links a program that reckons what rows are grouped by, and
    gives what runs it and tells a value a row."""

    def __init__(self, program: Program, shape: Shape, reader: Reader, reckon: Callable[[Fixed, Program], Callable[[], list[Any]]]) -> None:
        self.shape, self.reader, self.reckon = shape, reader, reckon
        self.views: dict[int, FixedView] = {}
        self.cells: list[Cells] = []
        self.phases = [Phase()]
        self.keys: dict[str, list[Any]] = {}
        """By the meaning of a key: its values at the call at hand."""
        self.vocabularies: list[Vocabulary] = []
        self.view = self.under(program)

    def under(self, program: Program) -> FixedView:
        if id(program.nodes) not in self.views:
            self.views[id(program.nodes)] = FixedView(self, program)
        return self.views[id(program.nodes)]

    def key(self, meaning: str) -> None:
        """What rows are grouped by is reckoned when all that it rests on is filled in."""
        if meaning in self.keys:
            return
        self.keys[meaning] = []
        values = self.reckon(self, self.shape.programs[meaning])

        def after() -> None:
            self.keys[meaning] = values()

        self.phases[-1].after = after
        self.phases.append(Phase())

    def settle(self) -> None:
        """After linking: all that is known now stays known."""
        found = {id(each.into.column.values): each.into.column.values for each in self.cells}
        pending = [each for each in found.values() if isinstance(each, Vocabulary)]
        known: dict[int, Vocabulary] = {}
        while pending:
            each = pending.pop()
            if id(each) not in known:
                known[id(each)] = each
                pending += each.below
        self.vocabularies = list(known.values())
        for each in self.vocabularies:
            each.keep()
        for cells in self.cells:
            if cells.into.column.raw:
                cells.into.column.codes[:] = np.nan
        for phase in self.phases:
            for stand in phase.stands:
                for _, starts in stand.seen.values():
                    starts[:] = array("q", [0]) * len(starts)

    def fill(self, rows: list[Rows]) -> None:
        """Writes the rows of a call. Raises RecordError, or Beyond where there is no room."""
        if [each for each in self.vocabularies if len(each.texts) > CAPACITY // 2]:
            for vocabulary in self.vocabularies:
                vocabulary.forget()
        for phase in self.phases:
            phase.fill(self.reader, rows)


class FixedView:
    """`Fixed` as one program sees it."""

    refilled = True

    def __init__(self, fixed: Fixed, program: Program) -> None:
        self.fixed, self.base = fixed, fixed.shape.bases[id(program.nodes)]
        self.stands: dict[Chain, Stand] = {}
        self.groupings: dict[Chain, Grouping] = {}
        self.columns: dict[Any, Buffer] = {}
        self.texts = few_texts(program)

    def under(self, program: Program) -> FixedView:
        return self.fixed.under(program)

    def height(self, table: str) -> int:
        return ROWS

    def prepare(self, wanted: Iterable[tuple[Chain, tuple[str, ...], str, str, str]], check: Callable[[], None]) -> None:
        """Nothing: columns are made as they are asked for."""

    def key(self, table: str, meaning: Any, make: Callable[[], NDArray[Any]]) -> None:
        self.fixed.key(meaning[0] if isinstance(meaning, tuple) else meaning)

    def forget(self, moment: groups.Moment) -> None:
        """Nothing is of one moment."""

    def stand(self, chain: Chain) -> Stand:
        """A space."""
        if chain not in self.stands:
            self.stands[chain] = made = self._stand(chain)
            self.fixed.phases[-1].stands.append(made)
        return self.stands[chain]

    def _stand(self, chain: Chain) -> Stand:
        if not chain:
            return Stand(chain, self.base, None, (), None)
        step = chain[0]
        if groups.is_groups(chain):
            return self._groups(chain)
        above = self.stand(chain[1:])
        if len(step) == 3:
            return self._formed(chain, above, self.groupings[chain[1:]].base.spot, self.groupings[chain[1:]].members)
        path: tuple[str, ...] = step[2] if step[0] in (ITEMS, UP) else ()
        spot = self.fixed.shape.reached(above.spot, path)
        if step[0] == ITEMS:
            below = [place.lists[step[3]] for place in spot]
            return Stand(chain, tuple(below), above, path, lambda place: place.lists[step[3]])
        table, link = step[-2:]
        return Stand(chain, tuple(place.relations[table, link] for place in spot), above, path, lambda place: place.relations[table, link])

    def _groups(self, chain: Chain) -> Stand:
        """The groups of a space's rows."""
        (_, steps, named, _), *rest = chain
        base, above = self.stand((*steps, *rest)), self.stand(tuple(rest))
        self.groupings[chain] = made = Grouping(self.fixed, base, above, [self._key(base.spot, each) for each in named])
        return self._formed(chain, above, base.spot, made.groups)

    def _key(self, spot: Spot, named: tuple[Any, ...]) -> Key:
        """What the rows of a spot are grouped by."""
        if named[0] == "field":
            return self.fixed.shape.reached(spot, named[1]), named[1], named[2]
        meaning = named[1][0] if isinstance(named[1], tuple) else named[1]
        return self.fixed.shape.keyed[meaning], None, meaning

    def _formed(self, chain: Chain, above: Stand, spot: Spot, form: Callable[[list[Rows]], tuple[Numbers, list[int], list[int]]]) -> Stand:
        """A space that a grouping gives; empty where no answer rests on it, whose keys nobody reads."""
        made = Stand(chain, spot, above, (), None)
        made.form, made.identity = form, False
        grouping = self.groupings[chain if groups.is_groups(chain) else chain[1:]]
        for keyed, path, name in grouping.keys:
            made.empty |= not (set(spot) <= set(keyed) if path is None else all(name in place.fields for place in keyed))
        return made

    def owned(self, chain: Chain, above: Chain) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """While a program is linked, an owner may have all the rows that there is room for."""
        owner, starts = room(np.uint32), room(np.int64)
        starts[1:] = ROWS
        self.stand(chain).seen[len(chain) - len(above)] = written(owner, "I"), written(starts, "q")
        return owner, starts

    def rows_at(
        self, chain: Chain, path: tuple[str, ...], root: str | None = None, stage: Program | None = None
    ) -> NDArray[np.uint32] | None:
        stand = self.stand(chain)
        spot = self.fixed.shape.reached(stand.spot, path)
        base = spot if stage is None else self.fixed.shape.bases[id(stage.nodes)]
        if stand.identity and not path and base == spot:
            return None
        into = room(np.uint32)
        memory = written(into, "I")

        def write(rows: list[Rows]) -> None:
            numbers = reached(stand, path, rows)[1]
            if base != spot:
                begins = offsets(base, rows)
                moved = [begins[place] + row for place in spot for row in range(len(rows[place.number].found))]
                numbers = moved if numbers is None else [each if each == NOBODY else moved[each] for each in numbers]
            numbers = list(range(stand.count)) if numbers is None else numbers
            memory[: len(numbers)] = array("I", numbers)

        self.fixed.phases[-1].lists.append(write)
        return into  # type: ignore[no-any-return]

    def ranks(self, chain: Chain, timezone: str, root: str | None = None) -> NDArray[np.uint32] | None:
        stand = self.stand(chain)
        if groups.is_groups(chain) or not all(place.order for place in stand.spot):
            return None
        into = room(np.uint32)
        memory = written(into, "I")

        def write(rows: list[Rows]) -> None:
            known = self.fixed.reader.ranks(stand.spot, rows)
            numbers = range(stand.count) if stand.numbers is None else stand.numbers
            memory[: stand.count] = array("I", numbers if known is None else [known[each] for each in numbers])

        self.fixed.phases[-1].lists.append(write)
        return into  # type: ignore[no-any-return]

    def column(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str | None = None) -> Column:
        return self._cells(chain, path, name, (), lambda spec: buffer(spec, timezone, self.texts.get((chain, path, name))))

    def bucketed(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str, share: tuple[int, str]) -> Column:
        return self._cells(chain, path, name, share, lambda spec: bucket_buffer(spec, *share))

    def _cells(self, chain: Chain, path: tuple[str, ...], name: str, share: tuple[Any, ...], make: Callable[[Any], Buffer]) -> Column:
        what = (chain, path, name, share)
        if what not in self.columns:
            stand = self.stand(chain)
            spot = self.fixed.shape.reached(stand.spot, path)
            spec = self.fixed.reader.converters[spot[0]][name][0]
            into = self.columns[what] = make(spec)
            cells = Cells(stand, spot, path, name, into)
            self.fixed.cells.append(cells)
            place = spot[0]
            simple = stand.identity and not path and len(spot) == 1 and place.kind != LISTED
            if simple and not spec.never_missing and name not in self.fixed.reader.shared[place]:
                self.fixed.phases[-1].plain.setdefault(place.number, []).append((name, into.code, into.codes, cells))
            else:
                self.fixed.phases[-1].others.append(cells)
        return self.columns[what].column


def few_texts(program: Program) -> dict[tuple[Chain, tuple[str, ...], str], tuple[str, ...]]:
    """By chain, path and name the columns of texts of which a program asks only whether they are some texts, and these."""
    found: dict[tuple[Chain, tuple[str, ...], str], set[str]] = {}
    open_: set[tuple[Chain, tuple[str, ...], str]] = set()

    def place(number: int) -> tuple[Chain, tuple[str, ...], str] | None:
        node = program.nodes[number]
        return (program.spaces[node[1]], node[3], node[4]) if node[0] == "column" and node[2].kind == "text" else None

    for number in program.outputs:
        column = place(number)
        if column is not None:
            open_.add(column)
    for node in needed(program):
        for number in parts(node):
            column = place(number)
            if column is not None:
                if node[0] == "among" or node[0] == "missing" or is_presence(node):
                    found.setdefault(column, set()).update(node[3] if node[0] == "among" else ())
                else:
                    open_.add(column)
    return {column: tuple(sorted(texts)) for column, texts in found.items() if column not in open_}


def is_presence(node: Node) -> bool:
    """Whether a node asks only whether a value is there."""
    return bool(node[0] == "range" and node[3] is None and node[4] is None)
