"""Seeded random tables: every type, with the values that break things."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal, list_of

WORDS = [
    "",
    "a",
    "A",
    "ab",
    "abc",
    "b",
    "Berlin",
    "é",
    "e\u0301",
    "Straße",
    "STRASSE",
    'say "hi"',
    "it's",
    "back\\slash",
    "naïve",
    "日本",
    "🙂",
    " a ",
    "a\nb",
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo"]
INTEGERS = {
    pl.Int8: (-(2**7), 2**7 - 1), pl.Int16: (-(2**15), 2**15 - 1), pl.Int32: (-(2**31), 2**31 - 1), pl.Int64: (-(2**63), 2**63 - 1),
    pl.UInt8: (0, 2**8 - 1), pl.UInt16: (0, 2**16 - 1), pl.UInt32: (0, 2**32 - 1), pl.UInt64: (0, 2**64 - 1),
}  # fmt: skip
PREFIXES = {"order_lines": "li", "customers": "cu"}
ODD_NAMES = ["größe", "last", "Umsatz 2026", "by", "today's"]


class Column(msgspec.Struct, frozen=True):
    """What the rules' generator knows of a field: its logical `kind`, the `scale` of decimals, whether it holds numbers so
    large that sums leave their range (`extreme`), and some of its values."""

    name: str
    kind: str
    scale: int = 0
    extreme: bool = False
    narrow: bool = False
    samples: tuple[Any, ...] = ()


class World(msgspec.Struct, frozen=True):
    """Random tables with their schema; `columns` are those that rules may use."""

    schema: Schema
    frames: dict[str, pl.DataFrame]
    columns: dict[str, tuple[Column, ...]]
    as_of: datetime


def random_world(rng: Random, rows: int) -> World:
    """A root table `customers` of `rows` rows, with zero to two relations and zero to two lookups."""
    zone = rng.choice(ZONES)
    as_of = random_as_of(rng, zone)
    depth, lookups = rng.choice([0, 1, 1, 2, 2]), rng.choice([0, 1, 2])
    text_keys = rng.random() < 0.3
    maker = Maker(rng, zone, as_of, text_keys)
    companies = maker.keys(rng.randint(0, 6), "K") if lookups else []
    products = maker.keys(rng.randint(0, 8), "P") if lookups == 2 and depth == 2 else []
    customers = maker.keys(rows, "C")
    maker.table("customers", "customer_id", customers, {"company": ("companies", "company_id", companies)} if lookups else {})
    if lookups:
        maker.table("companies", "company_id", companies, {})
    if depth:
        orders = maker.keys(rng.randint(0, rows * 3), "O")
        maker.table("orders", "order_id", orders, {"customer": ("customers", "customer_id", customers)})
        if depth == 2:
            links = {"order": ("orders", "order_id", orders)}
            if products:
                links["product"] = ("products", "sku", products)
                maker.table("products", "sku", products, {})
            maker.table("order_lines", None, list(range(rng.randint(0, len(orders) * 2))), links)
    return World(Schema("customers", maker.tables, zone), maker.frames, maker.columns, as_of)


def random_as_of(rng: Random, zone: str) -> datetime:
    """An instant, often at or beside a local midnight, a clock change, or the end of a month."""
    local = rng.choice(
        [
            datetime(2026, 1, 15, 12),
            datetime(2026, 3, 29),
            datetime(2026, 3, 31, 23, 59, 59),
            datetime(2024, 2, 29),
            datetime(2026, 10, 25, 2, 30),
        ]
    )
    aware = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return aware + rng.choice([timedelta(0), timedelta(0), timedelta(microseconds=-1), timedelta(seconds=rng.randint(0, 86_400))])


class Maker:
    """Makes tables one after another, with the names and types of their columns."""

    def __init__(self, rng: Random, zone: str, as_of: datetime, text_keys: bool) -> None:
        self.rng, self.zone, self.as_of, self.text_keys = rng, zone, as_of, text_keys
        self.tables: dict[str, Table] = {}
        self.frames: dict[str, pl.DataFrame] = {}
        self.columns: dict[str, tuple[Column, ...]] = {}
        self.odd = list(ODD_NAMES)
        self.spread = rng.choice([2, 40, 800])

    def keys(self, count: int, letter: str) -> list[Any]:
        found: list[Any] = [f"{letter}{i}" for i in range(count)] if self.text_keys else [i * 3 + 1 for i in range(count)]
        if self.rng.random() < 0.5:
            self.rng.shuffle(found)
        return found

    def table(self, name: str, key: str | None, keys: list[Any], links: dict[str, tuple[str, str, list[Any]]]) -> None:
        """A table with a key, links of which some lead nowhere, and random fields."""
        rng, rows = self.rng, len(keys)
        key_type = pl.String if self.text_keys else rng.choice([pl.Int64, pl.Int32])
        series = [] if key is None else [pl.Series(key, keys, key_type)]
        for _, column, targets in links.values():
            orphan: list[Any] = ["nobody"] if self.text_keys else [-1]
            pool = [*targets, *targets, *orphan, None]
            values = [rng.choice(pool if rng.random() < 0.1 else targets or orphan) for _ in range(rows)]
            if rng.random() < 0.5:
                values.sort(key=lambda v: (v is None, v))
            series.append(pl.Series(column, values, pl.String if self.text_keys else pl.Int64))
        usable = [self.column(name, number, rows) for number in range(rng.randint(3, 8))]
        usable += [self.lists(name, number, rows) for number in range(rng.choice([0, 0, 0, 1, 2]))]
        frame = pl.DataFrame([*series, *(made for _, made in usable)])
        if rng.random() < 0.3 and key is None:
            frame = frame.sample(fraction=1.0, shuffle=True, seed=rng.randint(0, 999))
        fields = {
            column: FieldSpec(
                logical(series.dtype),
                nullable=missing(series) > 0,
                single=pl.Float32 in (series.dtype, getattr(series.dtype, "inner", None)),
            )
            for column, series in frame.to_dict().items()
        }
        to = {link: Link(table, (column,)) for link, (table, column, _) in links.items()}
        times = [known.name for known, _ in usable if known.kind in ("date", "timestamp")]
        timed = rng.choice(times) if times and links and rng.random() < 0.25 else None
        self.tables[name] = Table(fields, (key,) if key else (), to, event_time=timed)
        self.frames[name] = frame
        self.columns[name] = tuple(known for known, _ in usable)

    def column(self, table: str, number: int, rows: int) -> tuple[Column, pl.Series]:
        rng = self.rng
        kind = rng.choice(["whole", "whole", "number", "number", "decimal", "truth", "text", "text", "date", "timestamp", "timestamp"])
        name = f"{PREFIXES.get(table, table[:2])}_{kind[:2]}{number}"
        if self.odd and rng.random() < 0.05:
            name = self.odd.pop()
        values, dtype, extreme, scale = getattr(self, kind)(rows)
        holes = rng.choice([0.0, 0.0, 0.15, 0.15, 0.6, 1.0 if rng.random() < 0.3 else 0.1])
        values = [None if rng.random() < holes else v for v in values]
        series = pl.Series(name, values, dtype, strict=False)
        samples = tuple(rng.sample([v for v in values if v is not None], min(4, sum(v is not None for v in values))))
        return Column(name, {"truth": "yes/no"}.get(kind, kind), scale, extreme, dtype == pl.Float32, samples), series

    def lists(self, table: str, number: int, rows: int) -> tuple[Column, pl.Series]:
        """A column of lists: some missing, some empty, some of whose items are missing."""
        rng = self.rng
        kind = rng.choice(["whole", "number", "decimal", "truth", "text", "text", "date", "timestamp"])
        lengths = [rng.choice([0, 1, 1, 2, 3, 12]) for _ in range(rows)]
        values, dtype, extreme, scale = getattr(self, kind)(sum(lengths))
        if kind == "timestamp" and dtype.time_unit == "ns":
            dtype = pl.Datetime("us", dtype.time_zone)
        holes = rng.choice([0.0, 0.2])
        items = iter([None if rng.random() < holes else v for v in values])
        made = [[next(items) for _ in range(length)] for length in lengths]
        series = pl.Series(
            f"{PREFIXES.get(table, table[:2])}_li{number}",
            [None if rng.random() < holes else each for each in made],
            pl.List(dtype),
            strict=False,
        )
        samples = tuple(v for v in rng.sample(values, min(4, len(values))) if v is not None)
        named = {"truth": "yes/no"}.get(kind, kind)
        return Column(series.name, f"list of {named}", scale, extreme, dtype == pl.Float32, samples), series

    def whole(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        rng = self.rng
        dtype = rng.choice(list(INTEGERS))
        low, high = INTEGERS[dtype]
        extreme = rng.random() < 0.3
        ends = [v for v in (low, low + 1, 0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, high - 1, high) if low <= v <= high]
        values = [rng.choice(ends) if extreme else rng.randint(max(low, -20), min(high, 100)) for _ in range(rows)]
        return values, dtype, extreme and high >= 2**31, 0

    def number(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        rng = self.rng
        dtype = rng.choice([pl.Float32, pl.Float64, pl.Float64])
        mode = rng.random()
        special = [0.0, -0.0, 1.0, -1.0, 2.0**53, 2.0**53 - 1, 2.0**53 + 2, math.inf, -math.inf, math.nan]
        if mode < 0.6:
            return [rng.randint(-4000, 4000) / 8 for _ in range(rows)], dtype, False, 0
        if mode < 0.85:
            return [rng.choice(special) if rng.random() < 0.3 else rng.randint(-80, 80) / 8 for _ in range(rows)], dtype, False, 0
        return [rng.choice([*special, 0.1, 1e30, -1e-30, 19.99]) for _ in range(rows)], dtype, True, 0

    def decimal(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        rng, scale = self.rng, self.rng.randint(0, 4)
        extreme = rng.random() < 0.15
        top = 10**18 - 1
        units = [rng.choice([top, -top, 0, 1, -1, 2**53 + 1]) if extreme else rng.randint(-30_000, 300_000) for _ in range(rows)]
        return [Decimal(u).scaleb(-scale) for u in units], pl.Decimal(18, scale), extreme, scale

    def truth(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        return [self.rng.random() < 0.5 for _ in range(rows)], pl.Boolean, False, 0

    def text(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        words = self.rng.sample(WORDS, self.rng.randint(1, len(WORDS)))
        dtype = self.rng.choice([pl.String, pl.Categorical, pl.Enum(words)])
        return [self.rng.choice(words) for _ in range(rows)], dtype, False, 0

    def date(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        today = self.as_of.astimezone(ZoneInfo(self.zone)).date()
        known = [
            today,
            today + timedelta(1),
            today - timedelta(1),
            date(2024, 2, 29),
            date(2025, 12, 31),
            date(2026, 1, 1),
            date(1970, 1, 1),
            date(1969, 12, 31),
        ]
        around = [today + timedelta(self.rng.randint(-self.spread, self.spread)) for _ in range(rows)]
        return [self.rng.choice(known) if self.rng.random() < 0.3 else day for day in around], pl.Date, False, 0

    def timestamp(self, rows: int) -> tuple[list[Any], Any, bool, int]:
        rng = self.rng
        units: list[Literal["ms", "us", "ns"]] = ["ms", "us", "ns"]
        unit, zone = rng.choice(units), rng.choice([None, "UTC", self.zone, rng.choice(ZONES)])
        tick = {"ms": 1000, "us": 1, "ns": 1}[unit]
        here = self.as_of.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        changes = [
            datetime(2026, 3, 29, 2, 30),
            datetime(2026, 10, 25, 2, 30),
            datetime(2026, 3, 8, 2),
            datetime(2018, 11, 4),
            datetime(1969, 12, 31, 23, 59),
        ]
        values: list[Any] = []
        for _ in range(rows):
            midnight = here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(rng.randint(-self.spread, self.spread))
            step = timedelta(microseconds=rng.choice([0, -tick, tick, 3_600_000_000 * rng.randint(-30, 30)]))
            local = rng.choice([midnight, midnight, here, rng.choice(changes)]) + step
            local = local.replace(microsecond=local.microsecond // tick * tick)
            values.append(local if zone is None else local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC))
        return values, pl.Datetime(unit, zone), False, 0


def logical(dtype: Any) -> Any:
    """The language's type of a column."""
    if isinstance(dtype, pl.List):
        return list_of(logical(dtype.inner))
    if dtype.is_integer():
        return WHOLE
    if dtype.is_float():
        return NUMBER
    if dtype.is_decimal():
        return decimal(dtype.scale)
    return {pl.Boolean: TRUTH, pl.Date: DATE, pl.Datetime: TIMESTAMP}.get(dtype.base_type(), TEXT)


def missing(series: pl.Series) -> int:
    """How many values are missing."""
    return series.null_count() + (int(series.is_nan().sum() or 0) if series.dtype.is_float() else 0)
