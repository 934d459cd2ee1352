"""Seeded random worlds: one to six tables with random links among them, random keys, and random columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import decimal
from tests.random_columns import (
    KINDS,
    LISTED,
    TYPES,
    ZONES,
    Clock,
    Column,
    Key,
    described,
    known,
    random_column,
    random_key,
    random_lists,
    too_large,
)

NAMES = ["customers", "orders", "order_lines", "products", "companies", "visits"]
ODD_NAMES = ["größe", "last", "Umsatz 2026", "by", "today's"]
KEY_KINDS = ["whole", "whole", "whole", "text", "text", "date", "decimal", "number", "timestamp", "duration"]
UNUSABLE: list[Any] = [pl.List(pl.Int64), pl.Struct({"a": pl.Int64}), pl.Time, pl.Binary, pl.Array(pl.Int8, 2)]


class World(msgspec.Struct, frozen=True):
    """Random tables with their schema; `columns` are those that rules may use."""

    schema: Schema
    frames: dict[str, pl.DataFrame]
    columns: dict[str, tuple[Column, ...]]
    as_of: datetime


class Tie(msgspec.Struct, frozen=True):
    """A link to come: from a table to another, by a name, with the name of the way back."""

    table: str
    name: str
    target: str
    relation: str | bool | None


def random_world(rng: Random, rows: int, most: int) -> World:
    """Random tables, the root one of `rows` rows, the others of at most `most`."""
    zone = rng.choice(ZONES)
    clock = Clock(random_as_of(rng, zone), zone, rng.choice([2, 40, 800]))
    names, ties = random_shape(rng)
    heights = random_heights(rng, names, ties, rows, most)
    maker = Maker(rng, clock, heights)
    for name in names:
        maker.key(name, any(tie.target == name for tie in ties) or name == names[0])
    for name in names:
        maker.table(name, [tie for tie in ties if tie.table == name])
    order = rng.sample(names, len(names))
    return World(Schema(names[0], {name: maker.tables[name] for name in order}, zone), maker.frames, maker.columns, clock.as_of)


def random_as_of(rng: Random, zone: str) -> datetime:
    """An instant, often at or beside a local midnight, a clock change, or the end of a month."""
    known = [datetime(2026, 1, 15, 12), datetime(2026, 3, 29), datetime(2026, 3, 31, 23, 59, 59), datetime(2024, 2, 29)]
    local = rng.choice([*known, datetime(2026, 10, 25, 2, 30)])
    aware = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return aware + rng.choice([timedelta(0), timedelta(0), timedelta(microseconds=-1), timedelta(seconds=rng.randint(0, 86_400))])


def random_shape(rng: Random) -> tuple[list[str], list[Tie]]:
    """The tables, the root first, and how they are tied: children, lookups, and a few links of any kind besides."""
    names = rng.sample(NAMES, rng.choice([1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6]))
    below, above = {names[0]: 0}, dict.fromkeys(names, 0)
    pairs: list[tuple[str, str]] = []
    for name in names[1:]:
        draw = rng.random()
        if draw < 0.65:
            open_ = [each for each, depth in below.items() if depth < 3]
            parent = open_[-1] if rng.random() < 0.5 else rng.choice(open_)
            below[name] = below[parent] + 1
            pairs.append((name, parent))
        elif draw < 0.95:
            asker = rng.choice([each for each in names[: names.index(name)] if above[each] < 3])
            above[name] = above[asker] + 1
            pairs.append((asker, name))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        pairs.append(rng.choice(pairs) if pairs and rng.random() < 0.4 else (rng.choice(names), rng.choice(names)))
    ties: list[Tie] = []
    for number, (table, target) in enumerate(pairs):
        link = f"{target[:-1]}{number}" if any(tie.table == table and tie.target == target for tie in ties) else f"its_{target[:-1]}"
        again = table == target or any(tie.table == table and tie.target == target for tie in ties)
        named: list[str | bool | None] = [f"{table}_by_{link}"] if again else [None, None, None, None, None, f"{table}_by_{link}"]
        ties.append(Tie(table, link, target, False if rng.random() < 0.06 else rng.choice(named)))
    return names, ties


def random_heights(rng: Random, names: list[str], ties: list[Tie], rows: int, most: int) -> dict[str, int]:
    """How many rows each table has: children none to a hundred times their parents."""
    heights = {names[0]: rows}
    for name in names[1:]:
        parents = [heights[tie.target] for tie in ties if tie.table == name and tie.target in heights]
        if parents:
            wanted = int(parents[0] * rng.choice([0, 0.3, 1, 1, 2, 3, 3, 10, 100]))
        else:
            wanted = rng.choice([0, 1, 3, 9, 9, 63, 64, 65])
        heights[name] = min(wanted, most)
    return heights


class Maker:
    """Makes tables one after another, all keys first, so that links may go anywhere."""

    def __init__(self, rng: Random, clock: Clock, heights: dict[str, int]) -> None:
        self.rng, self.clock, self.heights = rng, clock, heights
        self.keys: dict[str, tuple[tuple[Key, ...], list[tuple[Any, ...]]]] = {}
        self.tables: dict[str, Table] = {}
        self.frames: dict[str, pl.DataFrame] = {}
        self.columns: dict[str, tuple[Column, ...]] = {}
        self.odd = list(ODD_NAMES)

    def key(self, name: str, needed: bool) -> None:
        """The key of a table, of one to three columns, and the key of each of its rows; none for some that nobody needs."""
        rng, rows = self.rng, self.heights[name]
        if not needed and rng.random() < 0.6:
            return
        parts = [random_key(rng, rng.choice(KEY_KINDS), rows)]
        found = [(value,) for value in parts[0].values[:rows]]
        if rng.random() < 0.25:
            second = random_key(rng, rng.choice([*KEY_KINDS, "yes/no"]), 4)
            third = [random_key(rng, rng.choice([*KEY_KINDS, "yes/no"]), 3)] if rng.random() < 0.3 else []
            parts += [second, *third]
            few = max(1, rows // 2 + 1)
            found = [(parts[0].values[n % few], second.values[n // few], *(rng.choice(part.values) for part in third)) for n in range(rows)]
        if rng.random() < 0.5:
            rng.shuffle(found)
        self.keys[name] = (tuple(parts), found)

    def table(self, name: str, ties: list[Tie]) -> None:
        """A table with its key, links of which some lead nowhere, and random fields."""
        rng, rows = self.rng, self.heights[name]
        parts, key = self.keys.get(name, ((), []))
        fields: list[tuple[str, pl.Series, FieldSpec]] = []
        for place, part in enumerate(parts):
            fields.append((f"key_{place}", *self.part(part, [row[place] for row in key], True)))
        links: dict[str, Link] = {}
        for tie in ties:
            wanted, targets = self.keys[tie.target]
            values = self.link(wanted, targets, rows)
            by = tuple(f"{tie.name}_{place}" for place in range(len(wanted)))
            if len(by) == 1 and rng.random() < 0.2:
                by = (tie.name,)
            fields += [
                (column, *self.part(part, [row[place] for row in values], False))
                for place, (column, part) in enumerate(zip(by, wanted, strict=True))
            ]
            links[tie.name] = Link(tie.target, by, tie.relation)
        for number in range(rng.randint(2, 8)):
            kind = rng.choice([*KINDS, "whole", "number", "text", "timestamp"])
            odd = self.odd.pop() if self.odd and rng.random() < 0.05 else f"{kind[:2]}{number}"
            fields.append((odd, *random_column(rng, self.clock, kind, rows)))
        for number in range(rng.choice([0, 0, 0, 1, 2])):
            fields.append((f"list{number}", *random_lists(rng, self.clock, rng.choice(LISTED), rows)))
        self.finish(name, links, len(parts), fields)

    def finish(self, name: str, links: dict[str, Link], width: int, fields: list[tuple[str, pl.Series, FieldSpec]]) -> None:
        """The frame, with other names for some columns and some that rules cannot use; the schema's table."""
        rng = self.rng
        specs, series = {}, []
        for field, made, spec in fields:
            column = rng.choice([f"COL {field}", f"{field}_"]) if rng.random() < 0.12 else field
            usable = rng.random() > 0.05
            specs[field] = msgspec.structs.replace(spec, column=None if column == field else column, usable=usable)
            series.append(made.alias(column))
        if rng.random() < 0.1:
            series.append(pl.Series("extra", [None] * self.heights[name], rng.choice(UNUSABLE)))
        times = [field for field, spec in specs.items() if spec.type.kind in ("date", "timestamp")]
        timed = rng.choice(times) if times and rng.random() < 0.15 else None
        key = tuple(f"key_{place}" for place in range(width))
        if rng.random() < 0.2:
            key = tuple(specs[part].column or part for part in key)
        rng.shuffle(series)
        self.tables[name] = Table(specs, key, links, event_time=timed)
        self.frames[name] = chunked(rng, pl.DataFrame(series))
        self.columns[name] = tuple(known(rng, field, made, spec, too_large(made)) for field, made, spec in fields if specs[field].usable)

    def part(self, part: Key, values: list[Any], whole: bool) -> tuple[pl.Series, FieldSpec]:
        """A column of a key or of a link, in one of the types that hold it."""
        dtype = self.rng.choice(part.dtypes)
        series = pl.Series("part", values, dtype)
        type_ = decimal(dtype.scale) if part.kind == "decimal" else TYPES[part.kind]
        return series, described(self.rng, series, type_, self.rng.random() < 0.3)

    def link(self, parts: tuple[Key, ...], targets: list[tuple[Any, ...]], rows: int) -> list[tuple[Any, ...]]:
        """The link of each row: to random targets, a few of them or one, in any order or in theirs; to nobody; missing."""
        rng = self.rng
        stranger, nothing = tuple(part.stranger for part in parts), (None,) * len(parts)
        if not targets:
            return [rng.choice([stranger, nothing]) for _ in range(rows)]
        draw = rng.random()
        favourites = range(len(targets)) if draw < 0.7 else rng.sample(range(len(targets)), min(len(targets), rng.choice([1, 3])))
        chosen = [rng.choice(favourites) for _ in range(rows)]
        if rng.random() < 0.5:
            chosen.sort()
        found = [targets[place] for place in chosen]
        for place in range(rows) if rng.random() < 0.5 else ():
            if rng.random() < 0.12:
                hole = tuple(None if rng.random() < 0.5 else value for value in found[place])
                found[place] = rng.choice([stranger, nothing, hole])
        return found


def chunked(rng: Random, frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows, at times as a slice of more, or in several chunks."""
    draw = rng.random()
    if draw < 0.15 and frame.height:
        around = pl.concat([frame[:3], frame, frame[-2:]])
        return around[min(3, frame.height) :][: frame.height]
    if draw < 0.3:
        third = frame.height // 3
        return pl.concat([frame[:third], frame[third:third], frame[third:]], rechunk=False)
    return frame
