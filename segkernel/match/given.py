"""Records as data that a program is linked to like a dataset: narrowed columns, made for one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data import buckets, groups, lists, narrowing, spaces
from segkernel.data.columns import Column
from segkernel.data.lists import ITEMS
from segkernel.data.spaces import UP, Chain, Space
from segkernel.match.places import Place, Spot
from segkernel.match.records import NOBODY, Reader, offsets
from segkernel.plan.program import Program

_Made = TypeVar("_Made")


class Standing(msgspec.Struct, frozen=True, eq=False):
    """A space, and the places whose rows, one after another, its `picked` counts."""

    space: Space
    spot: Spot


class Given:
    """Some records as `segkernel.link.source.Source`: each program within sees the rows that it stands on as its root."""

    def __init__(self, reader: Reader, records: Iterable[Any]) -> None:
        self.reader, self.shape = reader, reader.shape
        self.rows = reader.rows(list(records))
        self.made: dict[Any, Any] = {}
        self.keys: dict[Any, NDArray[Any]] = {}

    def under(self, program: Program) -> View:
        """The records as a program sees them whose root rows stand at some of the places."""
        return View(self, self.shape.bases[id(program.nodes)])

    def once(self, what: Any, make: Callable[[], _Made]) -> _Made:
        """What is kept under a name."""
        if what not in self.made:
            self.made[what] = make()
        made: _Made = self.made[what]
        return made

    def count(self, spot: Spot) -> int:
        """How many rows places have together."""
        return sum(len(self.rows[place.number].found) for place in spot)

    def whole(self, spot: Spot, name: str, zone: str) -> Column:
        """A field in all rows of some places."""
        return self.once(("column", spot, name), lambda: self._whole(spot, name, zone))

    def _whole(self, spot: Spot, name: str, zone: str) -> Column:
        values: list[Any] = []
        for place in spot:
            values += self.reader.column(place, name, self.rows[place.number], self.rows)
        spec = self.reader.converters[spot[0]][name][0]
        if spec.type.kind == "list":
            return lists.presence(pl.Series([None if value is None else True for value in values], dtype=pl.Boolean), spec.type)
        return narrowing.narrow(series(values, spec.type), spec.type, zone, f"{spot[0].table}.{name}")

    def follow(self, spot: Spot, link: str) -> tuple[Spot, NDArray[np.uint32]]:
        """Where a link leads to from the rows of some places, and the row there of each, NOBODY for none."""
        target = self.shape.reached(spot, (link,))
        begins = offsets(target, self.rows)
        numbers: list[int] = []
        for place in spot:
            there = place.links[link]
            rows = self.rows[place.number]
            found = rows.owners if there is place.parent else self.rows[there.number].index
            begin = begins[there]
            numbers += [each if each == NOBODY else each + begin for each in found]
        return target, np.array(numbers, np.uint32)

    def below(self, spot: Spot, find: Callable[[Place], Place]) -> tuple[Spot, NDArray[np.int64]]:
        """The places of rows below those of some places, and where each row's begin there, int64[rows + 1]."""
        found: Spot = tuple(find(place) for place in spot)
        starts = [0]
        for place in found:
            last = starts[-1]
            starts += [last + each for each in self.rows[place.number].starts[1:]]
        return found, np.array(starts, np.int64)


class View:
    """`Given` as one program sees it."""

    refilled = False

    def __init__(self, given: Given, base: Spot) -> None:
        self.given, self.base = given, base

    def under(self, program: Program) -> View:
        return self.given.under(program)

    def height(self, table: str) -> int:
        return self.given.count(self.base)

    def prepare(self, wanted: Iterable[tuple[Chain, tuple[str, ...], str, str, str]], *, check: Callable[[], None]) -> None:
        for each in wanted:
            self.column(*each)

    def key(self, table: str, meaning: Any, make: Callable[[], NDArray[Any]]) -> None:
        if meaning not in self.given.keys:
            self.given.keys[meaning] = make()

    def forget(self, moment: groups.Moment) -> None:
        """Nothing: the records are gone with the call."""

    def ranks(self, chain: Chain, timezone: str, root: str | None = None) -> NDArray[np.uint32] | None:
        standing = self.standing(chain)
        if groups.is_groups(chain) or not all(place.order for place in standing.spot):
            return None
        found = self.given.reader.ranks(standing.spot, self.given.rows)
        if found is None:
            return None
        ranks = np.array(found, np.uint32)
        return ranks if standing.space.picked is None else ranks[standing.space.picked]

    def owned(self, chain: Chain, above: Chain) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        return spaces.owned(self.standing(chain).space, above)

    def bucketed(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str, share: tuple[int, str]) -> Column:
        return buckets.bucketed(self.column(chain, path, name, timezone), *share)

    def rows_at(
        self, chain: Chain, path: tuple[str, ...], root: str | None = None, stage: Program | None = None
    ) -> NDArray[np.uint32] | None:
        spot, numbers = self._reached(self.standing(chain), path)
        base = spot if stage is None else self.given.shape.bases[id(stage.nodes)]
        if base == spot:
            return numbers
        begins = offsets(base, self.given.rows)
        counts = [(begins[place], self.given.count((place,))) for place in spot]
        moved = np.concatenate([np.arange(begin, begin + count, dtype=np.uint32) for begin, count in counts])
        return moved if numbers is None else spaces.follow(moved, numbers)

    def column(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str | None = None) -> Column:
        def make() -> Column:
            spot, numbers = self._reached(self.standing(chain), path)
            whole = self.given.whole(spot, name, timezone)
            return whole if numbers is None else spaces.gathered(whole, numbers)

        return self.given.once(("gathered", self.base, chain, path, name), make)

    def standing(self, chain: Chain) -> Standing:
        """A space with its places."""
        return self.given.once(("space", self.base, chain), lambda: self._standing(chain))

    def _reached(self, standing: Standing, path: tuple[str, ...]) -> tuple[Spot, NDArray[np.uint32] | None]:
        spot, numbers = standing.spot, standing.space.picked
        for link in path:
            spot, found = self.given.follow(spot, link)
            numbers = found if numbers is None else spaces.follow(found, numbers)
        return spot, numbers

    def _standing(self, chain: Chain) -> Standing:
        if not chain:
            return Standing(Space((), "", self.given.count(self.base)), self.base)
        if len(chain[0]) == 3:
            made, spot = self._groups(chain[1:])
            return Standing(made.rows, spot)
        if groups.is_groups(chain):
            made, spot = self._groups(chain)
            return Standing(made.groups, spot)
        step = chain[0]
        above = self.standing(chain[1:])
        spread_over = step[0] in (ITEMS, UP)
        spot, numbers = self._reached(above, step[2] if spread_over else ())
        if step[0] == ITEMS:
            below, starts = self.given.below(spot, lambda place: place.lists[step[3]])
        else:
            table, link = step[-2:]
            below, starts = self.given.below(spot, lambda place: place.relations[table, link])
        return Standing(spaces.spread(above.space, chain, below[0].table, numbers, starts, None), below)

    def _groups(self, chain: Chain) -> tuple[groups.Groups, Spot]:
        return self.given.once(("groups", self.base, chain), lambda: self._formed(chain))

    def _formed(self, chain: Chain) -> tuple[groups.Groups, Spot]:
        (_, steps, named, zone), *rest = chain
        rows, above = self.standing((*steps, *rest)), self.standing(tuple(rest))
        codes = [self._key(rows.spot, each, zone) for each in named]
        return groups.formed(rows.space, above.space, chain, groups.joined(codes)), rows.spot

    def _key(self, spot: Spot, named: tuple[Any, ...], zone: str) -> NDArray[Any]:
        """What rows are grouped by, a code of each; 0 where no answer rests on the groups, and their keys are not read."""
        unread = np.zeros(self.given.count(spot), np.uint32)
        if named[0] == "field":
            reached, numbers = self._reached(Standing(Space((), "", unread.size), spot), named[1])
            if not all(named[2] in place.fields for place in reached):
                return unread
            whole = self.given.whole(reached, named[2], zone)
            column = whole if numbers is None else spaces.gathered(whole, numbers)
            return column.codes[: column.rows]
        meaning = named[1]
        base = self.given.shape.keyed[meaning[0] if isinstance(meaning, tuple) else meaning]
        begins = offsets(base, self.given.rows)
        if not all(place in begins for place in spot):
            return unread
        codes = self.given.keys[meaning]
        return np.concatenate([codes[begins[place] :][: self.given.count((place,))] for place in spot])


def series(values: list[Any], kind: Type) -> pl.Series:
    """Values in the units of a type as a Series that is read as that type."""
    match kind.kind:
        case "text":
            return pl.Series(values, dtype=pl.String)
        case "number":
            return pl.Series(values, dtype=pl.Float64)
        case "yes/no":
            return pl.Series(values, dtype=pl.Boolean)
        case "date":
            return pl.Series([None if value is None else date.fromordinal(value + _FIRST_DAY) for value in values], dtype=pl.Date)
        case "decimal":
            exact = [None if value is None else Decimal((int(value < 0), _digits(value), -kind.scale)) for value in values]
            return pl.Series(exact, dtype=pl.Decimal(38, kind.scale))
    known = [value for value in values if value is not None]
    largest, smallest = max(known, default=0), min(known, default=0)
    if kind.kind == "whole":
        fits = smallest >= -(1 << 63) and largest < 1 << 63
        return pl.Series(values, dtype=pl.Int64 if fits else pl.UInt64 if smallest >= 0 else pl.Int128)
    made: Any = pl.Datetime if kind.kind == "timestamp" else pl.Duration
    zone = ("UTC",) if kind.kind == "timestamp" else ()
    if smallest >= -(1 << 63) and largest < 1 << 63:
        return pl.Series(values, dtype=pl.Int64).cast(made("ns", *zone))
    return pl.Series([None if value is None else value // 1000 for value in values], dtype=pl.Int64).cast(made("us", *zone))


def _digits(value: int) -> tuple[int, ...]:
    return tuple(int(digit) for digit in str(abs(value)))


_FIRST_DAY = date(1970, 1, 1).toordinal()
