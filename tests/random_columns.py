"""Seeded random columns: every logical type in every physical one, with the values that break things, and keys of every type."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from segdsl.schema import FieldSpec
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal, list_of
from segkernel.oracle.tables import half_away

WORDS = [
    "", "a", "A", "ab", "abc", "b", "Berlin", "é", "e\u0301", "Straße", "STRASSE", 'say "hi"', "it's", "back\\slash", "naïve", "日本",
    "🙂", " a ", "a\nb", "İ", "\u00a0x", "10", "ﬁn",
]  # fmt: skip
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo",
    "Etc/GMT+12", "Pacific/Kiritimati",
]  # fmt: skip
INTEGERS: dict[Any, tuple[int, int]] = {
    pl.Int8: (-(2**7), 2**7 - 1), pl.Int16: (-(2**15), 2**15 - 1), pl.Int32: (-(2**31), 2**31 - 1), pl.Int64: (-(2**63), 2**63 - 1),
    pl.UInt8: (0, 2**8 - 1), pl.UInt16: (0, 2**16 - 1), pl.UInt32: (0, 2**32 - 1), pl.UInt64: (0, 2**64 - 1),
    pl.Int128: (-(2**63), 2**64 - 1), pl.UInt128: (0, 2**64 - 1),
}  # fmt: skip
KINDS = ["whole", "number", "decimal", "text", "yes/no", "date", "timestamp", "duration"]
LISTED = [kind for kind in KINDS if kind != "duration"]
"""What lists hold."""
TYPES = {"whole": WHOLE, "number": NUMBER, "text": TEXT, "yes/no": TRUTH, "date": DATE, "timestamp": TIMESTAMP, "duration": DURATION}
UNITS: list[Literal["ms", "us", "ns"]] = ["ms", "us", "ns"]
TICKS = {"ms": 1000, "us": 1, "ns": 1}


class Column(msgspec.Struct, frozen=True):
    """What the rules' generator knows of a field: its logical `kind`, the `scale` of decimals, whether it holds numbers so
    large that sums leave their range (`extreme`), whether floats have 32 bits (`narrow`), and some of its values."""

    name: str
    kind: str
    scale: int = 0
    extreme: bool = False
    narrow: bool = False
    samples: tuple[Any, ...] = ()


class Clock(msgspec.Struct, frozen=True):
    """The instant and the zone around which random times lie, `spread` days to either side."""

    as_of: datetime
    zone: str
    spread: int

    @property
    def here(self) -> datetime:
        """The local time of the run, without its zone."""
        return self.as_of.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


class Made(msgspec.Struct, frozen=True, eq=False):
    """Values with their physical type, the type that rules see, and whether a schema has to pin it."""

    values: list[Any]
    dtype: Any
    type: Type
    extreme: bool = False
    pinned: bool = False


# ---- fields


def whole(rng: Random, clock: Clock, rows: int) -> Made:
    dtype = rng.choice(list(INTEGERS))
    low, high = INTEGERS[dtype]
    extreme = rng.random() < 0.25
    if extreme and dtype == pl.Int128 and rng.random() < 0.7:
        low, high = rng.choice([(low, 2**63 - 1), (0, high)])
    ends = [v for v in (low, low + 1, 0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, high - 1, high) if low <= v <= high]
    values = [rng.choice(ends) if extreme else rng.randint(max(low, -20), min(high, 100)) for _ in range(rows)]
    return Made(values, dtype, WHOLE, extreme and high >= 2**31)


def number(rng: Random, clock: Clock, rows: int) -> Made:
    mode = rng.random()
    special = [0.0, -0.0, 1.0, -1.0, 2.0**53, 2.0**53 - 1, 2.0**53 + 2, math.inf, -math.inf, math.nan]
    if mode < 0.12:
        made = rng.choice([whole, exact])(rng, clock, rows)
        return Made(made.values, made.dtype, NUMBER, made.extreme, pinned=True)
    dtype = rng.choice([pl.Float32, pl.Float64, pl.Float64])
    if mode < 0.6:
        return Made([rng.randint(-4000, 4000) / 8 for _ in range(rows)], dtype, NUMBER)
    if mode < 0.85:
        return Made([rng.choice(special) if rng.random() < 0.3 else rng.randint(-80, 80) / 8 for _ in range(rows)], dtype, NUMBER)
    return Made([rng.choice([*special, 0.1, 1e30, -1e-30, 19.99]) for _ in range(rows)], dtype, NUMBER, extreme=True)


def exact(rng: Random, clock: Clock, rows: int) -> Made:
    """A column of decimals."""
    scale, extreme = rng.randint(0, 5), rng.random() < 0.15
    precision = rng.choice([9, 18, 38])
    top = 10 ** (precision if precision < 38 else rng.choice([19, 37])) - 1
    ends = [top, -top, 0, 1, -1, min(top, 2**53 + 1)]
    units = [rng.choice(ends) if extreme else rng.randint(-30_000, 300_000) for _ in range(rows)]
    return Made([Decimal(u).scaleb(-scale) for u in units], pl.Decimal(precision, scale), decimal(scale), extreme)


def exact_by_pin(rng: Random, clock: Clock, rows: int) -> Made:
    """A column of decimals, or one that a pin makes decimals: rounded floats, whole numbers, decimals of another scale."""
    draw, scale = rng.random(), rng.randint(0, 4)
    if draw < 0.7:
        return exact(rng, clock, rows)
    if draw < 0.85:
        values: list[Any] = [rng.choice([rng.randint(-9000, 9000) / 8, 2.675, 0.125, 0.1, -0.0, 1.005, math.nan]) for _ in range(rows)]
        return Made(values, rng.choice([pl.Float64, pl.Float32]), decimal(scale), pinned=True)
    made = (whole if draw < 0.92 else exact)(rng, clock, rows)
    if made.extreme:
        return made if made.type.kind == "decimal" else exact(rng, clock, rows)
    return Made(made.values, made.dtype, decimal(scale), pinned=True)


def truth(rng: Random, clock: Clock, rows: int) -> Made:
    return Made([rng.random() < 0.5 for _ in range(rows)], pl.Boolean, TRUTH)


def text(rng: Random, clock: Clock, rows: int) -> Made:
    words = rng.sample(WORDS, rng.randint(1, len(WORDS)))
    dtype = rng.choice([pl.String, pl.Categorical, pl.Enum(words)])
    return Made([rng.choice(words) for _ in range(rows)], dtype, TEXT)


def day(rng: Random, clock: Clock, rows: int) -> Made:
    today = clock.here.date()
    known = [today, today + timedelta(1), today - timedelta(1)]
    known += [date(2024, 2, 29), date(2025, 12, 31), date(2026, 1, 1), date(1970, 1, 1), date(1969, 12, 31)]
    around = [today + timedelta(rng.randint(-clock.spread, clock.spread)) for _ in range(rows)]
    return Made([rng.choice(known) if rng.random() < 0.3 else each for each in around], pl.Date, DATE)


def timestamp(rng: Random, clock: Clock, rows: int) -> Made:
    unit, zone = rng.choice(UNITS), rng.choice([None, "UTC", clock.zone, rng.choice(ZONES)])
    tick, here = TICKS[unit], clock.here
    changes = [datetime(2026, 3, 29, 2, 30), datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 8, 2), datetime(2018, 11, 4)]
    if rng.random() < 0.2:
        changes.append(datetime(1969, 12, 31, 23, 59))
    values: list[Any] = []
    for _ in range(rows):
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(rng.randint(-clock.spread, clock.spread))
        step = timedelta(microseconds=rng.choice([0, -tick, tick, 3_600_000_000 * rng.randint(-30, 30)]))
        local = rng.choice([midnight, midnight, here, rng.choice(changes)]) + step
        local = local.replace(microsecond=local.microsecond // tick * tick)
        values.append(local if zone is None else local.replace(tzinfo=ZoneInfo(clock.zone)).astimezone(UTC))
    return Made(values, pl.Datetime(unit, zone), TIMESTAMP)


def duration(rng: Random, clock: Clock, rows: int) -> Made:
    unit = rng.choice(UNITS)
    known = [timedelta(0), timedelta(days=1), timedelta(hours=36), timedelta(minutes=-15), timedelta(days=90)]
    tick = timedelta(microseconds=TICKS[unit])
    values: list[Any] = [
        rng.choice([*known, timedelta(hours=rng.randint(-900, 9000))]) + rng.choice([tick * 0, tick * 0, tick, -tick]) for _ in range(rows)
    ]
    return Made(values, pl.Duration(unit), DURATION)


MAKERS: dict[str, Callable[[Random, Clock, int], Made]] = {
    "whole": whole, "number": number, "decimal": exact_by_pin, "text": text, "yes/no": truth, "date": day, "timestamp": timestamp,
    "duration": duration,
}  # fmt: skip


def random_column(rng: Random, clock: Clock, kind: str, rows: int) -> tuple[pl.Series, FieldSpec]:
    """A column of a kind with random holes, and what a schema says of it."""
    made = MAKERS[kind](rng, clock, rows)
    holes = rng.choice([0.0, 0.0, 0.0, 0.15, 0.15, 0.6, 0.97, 1.0 if rng.random() < 0.3 else 0.1])
    series = pl.Series(kind, [None if rng.random() < holes else v for v in made.values], made.dtype, strict=False)
    pinned = made.pinned or rng.random() < 0.4
    if series.null_count() == rows and (pinned or kind == "text") and rng.random() < 0.3:
        series = pl.Series(kind, [None] * rows, pl.Null)
    return series, described(rng, series, made.type, pinned)


def random_lists(rng: Random, clock: Clock, kind: str, rows: int) -> tuple[pl.Series, FieldSpec]:
    """A column of lists of a kind: some missing, some empty, some of whose items are missing."""
    lengths = [rng.choice([0, 1, 1, 2, 3, 12]) for _ in range(rows)]
    made = exact(rng, clock, sum(lengths)) if kind == "decimal" else MAKERS[kind](rng, clock, sum(lengths))
    dtype: Any = made.dtype
    if made.pinned:
        made, dtype = Made([rng.randint(-9, 9) / 4 for _ in made.values], pl.Float32, NUMBER), pl.Float32
    if kind == "timestamp" and dtype.time_unit == "ns":
        dtype = pl.Datetime("us", dtype.time_zone)
    holes = rng.choice([0.0, 0.2])
    items = iter([None if rng.random() < holes else value for value in made.values])
    lists = [[next(items) for _ in range(length)] for length in lengths]
    series = pl.Series(kind, [None if rng.random() < holes else each for each in lists], pl.List(dtype), strict=False)
    return series, FieldSpec(list_of(made.type), nullable=series.null_count() > 0, single=dtype == pl.Float32)


def described(rng: Random, series: pl.Series, type_: Type, pinned: bool) -> FieldSpec:
    """What a schema says of a column."""
    absent = missing(series)
    listed: tuple[str, ...] = ()
    if type_ == TEXT and rng.random() < 0.15:
        listed = tuple(w for w in WORDS if rng.random() < 0.9)
    return FieldSpec(
        type_,
        nullable=absent > 0,
        never_missing=absent == 0 and rng.random() < 0.2,
        pinned=pinned,
        single=series.dtype == pl.Float32 and type_ == NUMBER,
        values=listed,
    )


def known(rng: Random, name: str, series: pl.Series, spec: FieldSpec, extreme: bool) -> Column:
    """What the generator of rules knows of a column."""
    kind, item = spec.type.kind, spec.type.item
    if item is not None:
        series, spec, kind = series.explode(), msgspec.structs.replace(spec, type=item), f"list of {item.kind}"
    present = [v for v in series.drop_nulls().unique(maintain_order=True).to_list() if v == v]
    samples = rng.sample(present, min(4, len(present)))
    if spec.type.kind == "decimal":
        samples = [Decimal(half_away(Fraction(v) * 10**spec.type.scale)).scaleb(-spec.type.scale) for v in samples]
    return Column(name, kind, spec.type.scale, extreme, spec.single, tuple(samples))


def missing(series: pl.Series) -> int:
    """How many values are missing."""
    return series.null_count() + (int(series.is_nan().sum() or 0) if series.dtype.is_float() else 0)


def too_large(series: pl.Series) -> bool:
    """Whether sums and products of a column's values may leave their range, or depend on their order."""
    if series.dtype.is_float():
        present = series.drop_nulls().cast(pl.Float64)
        finite = present.filter(present.is_finite())
        return bool(((finite.abs() > 2.0**53) | (finite * 1024 != (finite * 1024).round())).any())
    return series.dtype.is_numeric() and any(abs(v) >= 10**12 for v in series.drop_nulls().to_list())


# ---- keys


class Key(msgspec.Struct, frozen=True, eq=False):
    """A part of a table's key: distinct `values`, a value that no row has, and the physical types that hold them all."""

    kind: str
    values: list[Any]
    stranger: Any
    dtypes: list[Any]


def random_key(rng: Random, kind: str, count: int) -> Key:
    """A part of a key that tells `count` rows apart."""
    numbers = list(range(count + 1))
    match kind:
        case "whole":
            start, step = rng.choice([(0, 1), (1, 3), (-5, 1), (2**63, 1), (-(2**63), 7), (10**6, 1_000_003)])
            values: list[Any] = [start + step * n for n in numbers]
            return split(kind, values, [t for t, (low, high) in INTEGERS.items() if low <= values[0] and values[-1] <= high])
        case "text":
            values = [*WORDS, *(f"K{n}" for n in numbers)][: count + 1] if rng.random() < 0.5 else [f"K{n}" for n in numbers]
            return split(kind, values, [pl.String, pl.Categorical, pl.Enum([*values, "nowhere"])])
        case "date":
            return split(kind, [date(1969, 12, 30) + timedelta(n) for n in numbers], [pl.Date])
        case "decimal":
            return split(kind, [Decimal(25 * n - 50).scaleb(-2) for n in numbers], [pl.Decimal(9, 2), pl.Decimal(18, 4), pl.Decimal(38, 6)])
        case "number":
            return split(kind, [n / 4 - 1 for n in numbers], [pl.Float64, pl.Float32])
        case "timestamp":
            naive: list[str | None] = [None]
            zoned: list[str | None] = ["UTC", "Asia/Kathmandu"]
            zones = rng.choice([naive, zoned])
            offset = UTC if zones[0] else None
            values = [datetime(1969, 12, 30, 12, tzinfo=offset) + timedelta(n) for n in numbers]
            return split(kind, values, [pl.Datetime(unit, zone) for unit in UNITS for zone in zones])
        case "duration":
            return split(kind, [timedelta(hours=n - 2) for n in numbers], [pl.Duration(unit) for unit in UNITS])
        case _:
            return Key(kind, [False, True], False, [pl.Boolean])


def split(kind: str, values: list[Any], dtypes: list[Any]) -> Key:
    """The key of all values but the last, which is the stranger."""
    return Key(kind, values[:-1], values[-1], dtypes)
