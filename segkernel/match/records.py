"""Records to rows: mappings within mappings become, for each place that rules read, its mappings one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from segdsl.schema import FieldSpec, Schema
from segdsl.wording import plain
from segkernel.data.lists import ITEMS
from segkernel.errors import RecordError
from segkernel.match.fields import Convert, Unfit, converter, expected, of_type
from segkernel.match.places import LISTED, LOOKUP, NOWHERE, ROOT, Place, Shape
from segkernel.textual import visible

NOBODY = 0xFFFFFFFF
"""The number of a row that is not there."""
_SHOWN = 40
_ABSENT = object()


class Rows:
    """The rows of one place: its mappings (of a list its items) in `found`.

    Of a lookup `index` has the number of the row for each row of the parent, NOBODY where it leads nowhere; of a relation or a list
    `owners` has the parent's row of each, and `starts` where each parent's rows begin.
    """

    def __init__(self, place: Place, found: list[Any]) -> None:
        self.place, self.found = place, found
        self.index: list[int] = []
        self.owners: list[int] = []
        self.starts: list[int] = [0]


class Reader:
    """Reads records of one shape. `timezone` is that of local times.

    `columns` are the values of a place's fields in the units of their types, None where missing.
    """

    def __init__(self, shape: Shape, timezone: str) -> None:
        self.shape, self.schema = shape, shape.schema
        self.converters = {place: {name: self._converter(place, name, timezone) for name in place.fields} for place in shape.places}
        self.shared = {place: shared_names(place, self.schema) for place in shape.places}

    def _converter(self, place: Place, name: str, timezone: str) -> tuple[FieldSpec, Convert]:
        if place.kind == LISTED:
            assert place.parent is not None
            spec = self.schema.tables[place.parent.table].fields[place.key]
            assert spec.type.item is not None
            return FieldSpec(spec.type.item, single=spec.single), of_type(spec.type.item, timezone, spec.single)
        spec = self.schema.tables[place.table].fields[name]
        return spec, converter(spec, timezone)

    def rows(self, records: Sequence[Any]) -> list[Rows]:
        """The rows of every place, in the order of the shape's places. Raises RecordError."""
        found: list[Rows] = []
        for place in self.shape.places:
            if place.kind == ROOT:
                rows = Rows(place, list(records))
                for record in records:
                    if type(record) is not dict and not isinstance(record, Mapping):
                        raise RecordError(f"a record is a mapping such as {{'country': 'DE'}}, not {shown(record)}")
            elif place.kind == NOWHERE:
                rows = Rows(place, [])
            else:
                assert place.parent is not None
                above = found[place.parent.number]
                if not place.needed:
                    found.append(nothing(place, above))
                    continue
                rows = self._looked_up(place, above, found) if place.kind == LOOKUP else self._below(place, above, found)
            found.append(rows)
        return found

    def _looked_up(self, place: Place, above: Rows, known: list[Rows]) -> Rows:
        rows = Rows(place, [])
        shared = place.key in self.shared[above.place]
        for number, row in enumerate(above.found):
            value = row.get(place.key, _ABSENT)
            if value is _ABSENT:
                raise self._absent(known, above, number, place.key)
            if value is None or (shared and not isinstance(value, Mapping)):
                rows.index.append(NOBODY)
            elif isinstance(value, Mapping):
                rows.index.append(len(rows.found))
                rows.found.append(value)
            else:
                raise RecordError(
                    f"{way(known, above, number, place.key)}: expected a mapping with the fields of {place.table}, or None where there is "
                    f"nobody, found {shown(value)}"
                )
        return rows

    def _below(self, place: Place, above: Rows, known: list[Rows]) -> Rows:
        rows = Rows(place, [])
        listed = place.kind == LISTED
        for number, row in enumerate(above.found):
            value = row.get(place.key, _ABSENT)
            if value is _ABSENT:
                raise self._absent(known, above, number, place.key)
            if value is not None or not listed:
                # What can be gone through but once would be empty when a record takes the long way
                if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__") or hasattr(value, "__next__"):
                    what = "a list of values, or None" if listed else f"a list of rows of {place.table}, [] where there are none"
                    raise RecordError(f"{way(known, above, number, place.key)}: expected {what}, found {shown(value)}")
                items = list(value)
                if not listed:
                    for at, each in enumerate(items):
                        if type(each) is not dict and not isinstance(each, Mapping):
                            raise RecordError(
                                f"{way(known, above, number, place.key)}[{at}]: expected a mapping with the fields of {place.table}, "
                                f"found {shown(each)}"
                            )
                rows.found += items
                rows.owners += [number] * len(items)
            rows.starts.append(len(rows.found))
        return rows

    def ranks(self, spot: Sequence[Place], known: list[Rows]) -> list[int] | None:
        """Where each row of some places stands among them by their table's key, missing values first; None where they are in order."""
        keys: list[Any] = []
        for place in spot:
            rows = known[place.number]
            columns = [self.column(place, name, rows, known) for name in place.order]
            keys += zip(*([(value is not None, _ordinal(value)) for value in column] for column in columns), strict=True)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        if order == list(range(len(order))):
            return None
        ranks = [0] * len(order)
        for rank, row in enumerate(order):
            ranks[row] = rank
        return ranks

    def column(self, place: Place, name: str, rows: Rows, known: list[Rows]) -> list[Any]:
        """The values of a field in the rows of its place. Raises RecordError with the first that is absent or wrong."""
        spec, convert = self.converters[place][name]
        try:
            given = rows.found if place.kind == LISTED else [row[name] for row in rows.found]
            if name in self.shared[place]:
                key = self.shared[place][name]
                given = [each[key] if isinstance(each, Mapping) else each for each in given]
            found = [None if value is None else convert(value) for value in given]
        except (KeyError, TypeError, ValueError, OverflowError, ArithmeticError):
            raise self._first_wrong(place, name, rows, known) from None
        if spec.never_missing and None in found:
            at = way(known, rows, found.index(None), name)
            raise RecordError(f"{at}: the schema says that it is never missing, expected {expected(spec.type)}, found None")
        return found

    def _first_wrong(self, place: Place, name: str, rows: Rows, known: list[Rows]) -> RecordError:
        spec, convert = self.converters[place][name]
        for number, row in enumerate(rows.found):
            value, at = row, name
            if place.kind != LISTED:
                value = row.get(name, _ABSENT)
                key = self.shared[place].get(name)
                if key is not None and isinstance(value, Mapping):
                    value, at = value.get(key, _ABSENT), f"{name}.{key}"
            if value is _ABSENT:
                return self._absent(known, rows, number, at)
            try:
                if value is not None:
                    convert(value)
            except (TypeError, ValueError, OverflowError, ArithmeticError) as mistake:
                besides = f" {mistake}" if isinstance(mistake, Unfit) else ""
                place_of = way(known, rows, number, "" if place.kind == LISTED else at)
                return RecordError(f"{place_of}: expected {expected(spec.type)}{besides}, found {shown(value)}")
        raise AssertionError(f"all values of {name} can be read")

    def _absent(self, known: list[Rows], rows: Rows, number: int, key: str) -> RecordError:
        place = rows.place
        below = next((each for each in self.shape.places if each.parent is place and each.key == key and each.kind not in (LISTED,)), None)
        if below is None:
            spec = self.schema.tables[place.table].fields.get(key)
            wanted = "its value" if spec is None else f"its value ({plain(spec.type)})"
            nothing = "None where it is missing"
        elif below.kind == LOOKUP:
            wanted, nothing = f"a mapping with the fields of {below.table}", "None where there is nobody"
        else:
            wanted, nothing = f"a list of rows of {below.table}", "[] where there are none"
        return RecordError(f"{way(known, rows, number, key)} is absent, and the rules read it: give {wanted}, or {nothing}")


def nothing(place: Place, above: Rows) -> Rows:
    """The rows of a place that no answer rests on."""
    rows = Rows(place, [])
    rows.index = [NOBODY] * len(above.found)
    rows.starts = [0] * (len(above.found) + 1)
    return rows


def shared_names(place: Place, schema: Schema) -> dict[str, str]:
    """Fields that a link has its name from, with the field of the link's table that holds the same: a mapping tells them both."""
    if place.table == ITEMS:
        return {}
    table = schema.tables[place.table]
    found = {}
    for name, link in table.links.items():
        if len(link.by) == 1 and name in table.fields and link.by[0] in (name, table.fields[name].column):
            target = schema.tables[link.table]
            found[name] = next((field for field, spec in target.fields.items() if target.key[0] in (field, spec.column)), name)
    return found


def way(known: Sequence[Rows], rows: Rows, number: int, key: str) -> str:
    """The way in the records to what a row has under a key: `orders[3].order_lines[0].sku`."""
    steps = [key] if key else []
    place: Place | None = rows.place
    here = rows
    while place is not None and place.kind != ROOT:
        assert place.parent is not None
        if place.kind == LOOKUP:
            number = here.index.index(number)
            steps.append(place.key)
        else:
            owner = here.owners[number]
            steps.append(f"{place.key}[{number - here.starts[owner]}]")
            number = owner
        place = place.parent
        here = known[place.number]
    if len(here.found) > 1:
        steps.append(f"records[{number}]")
    return ".".join(visible(step) for step in reversed(steps)) or "the record"


def shown(value: Any) -> str:
    """A value as errors show it, with its type."""
    if value is None:
        return "None"
    text = visible(repr(value)) if isinstance(value, str | int | float | bool) else ""
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{text} ({type(value).__name__})" if text else type(value).__name__


def _ordinal(value: Any) -> Any:
    return 0 if value is None else value


def offsets(spot: Sequence[Place], rows: Sequence[Rows]) -> dict[Place, int]:
    """Where the rows of each place begin among those of all of a spot."""
    counts = accumulate((len(rows[place.number].found) for place in spot), initial=0)
    return dict(zip(spot, counts, strict=False))
