"""Memory in which records stand for the kernel: one buffer a column at an address that stays, in one form a type, filled at each call."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import msgspec
import numpy as np

from segdsl.schema import FieldSpec
from segdsl.typesystem import WHOLE
from segkernel.data.columns import Column, aligned
from segkernel.instants import zone
from segkernel.link.vocabulary import Vocabulary, open_column

ROWS = 4096
"""How many rows a space has room for; records with more take the long way."""
NUMBERS = 1 << 50
"""Whole numbers and decimals in units stand as codes up to here: sums of ROWS of them fit 64 bits."""
TIMES = (1 << 62) - 1
"""Instants and durations in nanoseconds do up to here: the years 1824 to 2116."""
_FIRST_DAY, _LAST_DAY = date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal() - date(1970, 1, 1).toordinal()
_EPOCH, _LOCAL_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1), timedelta(microseconds=1)
_NAN, _NOTHING = float("nan"), timedelta(0)
FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Beyond(Exception):
    """Records that have no room, or a value beyond the codes: they take the long way."""


class Buffer(msgspec.Struct, frozen=True, eq=False):
    """Room for the values of one column: `codes` is its memory, of the `format` that `array` knows.

    `code` is that of a value as records have it, and raises TypeError or ValueError where it is not of the commonest kind; `unit` is that
    of a value in the units of the type. Both take None for missing, and raise Beyond for what has no code.
    """

    column: Column
    codes: memoryview
    format: str
    code: Callable[[Any], Any]
    unit: Callable[[Any], Any]

    def write(self, codes: list[Any]) -> None:
        """Writes the codes of a call."""
        self.codes[: len(codes)] = array(self.format, codes)


def buffer(spec: FieldSpec, timezone: str, known: tuple[str, ...] | None) -> Buffer:
    """Room for a field. Of texts, `known` are all that the rules ask for, if they ask for nothing else: then others are one."""
    kind = spec.type.kind
    if kind == "text":
        return _texts(spec) if known is None else _few_texts(spec, known)
    if kind == "number":
        return _floats(spec)
    if kind in ("yes/no", "list"):
        return _truths(spec)
    if kind == "date":
        return _dates(spec)
    if kind in ("timestamp", "duration"):
        return _coded(spec, TIMES, _instant(timezone) if kind == "timestamp" else _unknown)
    return _coded(spec, NUMBERS, _whole_number if kind == "whole" else _decimal(spec.type.scale))


def room(dtype: Any) -> Any:
    """An array of ROWS, all zero, with the padding that kernels read."""
    found = aligned(ROWS, dtype)
    found[:] = 0
    return found


def written(values: Any, format: str) -> memoryview:
    """An array's memory as what Python writes into quickest."""
    return memoryview(values).cast("B").cast(format)  # type: ignore[call-overload, no-any-return]


def _buffer(column: Column, code: Callable[[Any], Any], unit: Callable[[Any], Any]) -> Buffer:
    format = "d" if column.raw else FORMATS[column.codes.itemsize]
    return Buffer(column, written(column.codes, format), format, code, unit)


def _coded(spec: FieldSpec, most: int, read: Callable[[Any], int]) -> Buffer:
    """Whole numbers from -most to most, `read` from values as records have them."""
    shift, top = most + 1, 2 * most + 1
    column = Column(spec.type, ROWS, room(np.uint64), -most, 1, top, missing=1)

    def unit(value: int | None) -> int:
        if value is None:
            return 0
        if -shift < value < shift:
            return value + shift
        raise Beyond

    def code(value: Any) -> int:
        if value is None:
            return 0
        found = read(value) + shift
        if 0 < found <= top:
            return found
        raise Beyond

    return _buffer(column, code, unit)


def _whole_number(value: Any) -> int:
    if value.__class__ is not int:
        raise TypeError
    return value


def _instant(timezone: str) -> Callable[[Any], int]:
    """Nanoseconds of times; local ones are in `timezone`, see `fields.moments`."""
    local, careful = zone(timezone), timezone != "UTC"

    def read(value: Any) -> int:
        if value.__class__ is not datetime:
            raise TypeError
        if value.tzinfo is not None:
            since = value - _EPOCH
        else:
            since = value - _LOCAL_EPOCH
            if careful:
                since -= value.replace(tzinfo=local, fold=0).utcoffset() or _NOTHING
        return since // _MICROSECOND * 1000

    return read


def _unknown(value: Any) -> int:
    raise TypeError


def _decimal(scale: int) -> Callable[[Any], int]:
    """Exact numbers that are whole in units, and floats that are near a whole number of them."""
    power: int = 10**scale
    exact, near = Decimal(power), float(power)
    multiply = Context(prec=80).multiply

    def read(value: Any) -> int:
        if value.__class__ is float:
            scaled = value * near
            found = round(scaled)
            if not -1e12 < scaled < 1e12 or abs(scaled - found) > 0.499:  # a product so small is off by less than 0.001
                raise ValueError
            return found
        if value.__class__ is int:
            return value * power
        if value.__class__ is Decimal:
            moved = multiply(value, exact)
            if moved != int(moved):
                raise ValueError
            return int(moved)
        raise TypeError

    return read


def _floats(spec: FieldSpec) -> Buffer:
    codes = room(np.float64)
    codes[:] = np.inf  # what is linked to it must expect the largest values
    single = spec.single

    def unit(value: float | None) -> float:
        return _NAN if value is None else value

    def code(value: Any) -> float:
        if value.__class__ is float and not single:
            return value
        if value is None:
            return _NAN
        raise TypeError

    return _buffer(Column(spec.type, ROWS, codes, missing=1), code, unit)


def _truths(spec: FieldSpec) -> Buffer:
    """Yes/no: 1 for no, 2 for yes; of lists 1 where there is one."""
    lists = spec.type.kind == "list"
    column = Column(spec.type, ROWS, room(np.uint8), top=1 if lists else 2, missing=1)

    def unit(value: Any) -> int:
        return 0 if value is None else 1 if lists or not value else 2

    def code(value: Any) -> int:
        if value is None:
            return 0
        if lists or not (value is True or value is False):
            raise TypeError
        return 2 if value else 1

    return _buffer(column, code, unit)


def _dates(spec: FieldSpec) -> Buffer:
    column = Column(spec.type, ROWS, room(np.uint32), _FIRST_DAY, 1, _LAST_DAY - _FIRST_DAY + 1, missing=1)

    def unit(value: int | None) -> int:
        return 0 if value is None else value - _FIRST_DAY + 1

    def code(value: Any) -> int:
        if value.__class__ is date:
            return value.toordinal()
        if value is None:
            return 0
        raise TypeError

    return _buffer(column, code, unit)


def _few_texts(spec: FieldSpec, known: tuple[str, ...]) -> Buffer:
    """Codes for the texts that rules ask for, and one more for all others."""
    texts = tuple(sorted(known))
    codes: dict[Any, int] = {None: 0, **{text: number for number, text in enumerate(texts, 1)}}
    other = len(texts) + 1
    column = Column(spec.type, ROWS, room(np.uint8 if other < 255 else np.uint16), values=texts, top=other, missing=1)
    find = codes.get

    def code(value: Any) -> int:
        found = find(value)
        if found is not None:
            return found
        if value.__class__ is str:
            return other
        raise TypeError

    return _buffer(column, code, code)


def _texts(spec: FieldSpec) -> Buffer:
    """Codes as texts come."""
    vocabulary = Vocabulary()
    find, add = vocabulary.codes.get, vocabulary.add
    made = open_column(spec.type, vocabulary)
    column = Column(made.type, ROWS, room(np.uint16), values=vocabulary, top=made.top, missing=1)

    def code(value: Any) -> int:
        found = find(value)
        if found is not None:
            return found
        if value.__class__ is str:
            return add(value)
        raise TypeError

    return _buffer(column, code, code)


def bucket_buffer(spec: FieldSpec, count: int, salt: str) -> Buffer:
    """Room for the buckets of a field's values, see `segkernel.data.buckets`."""
    column = Column(WHOLE, ROWS, room(np.uint32), top=count, missing=1)
    start = hashlib.sha256(salt.encode() + b"\0")
    plain = int if spec.type == WHOLE else str

    def unit(value: Any) -> int:
        if value is None:
            return 0
        hashed = start.copy()
        hashed.update(str(value).encode())
        return 1 + int.from_bytes(hashed.digest()[:8], "big") % count

    def code(value: Any) -> int:
        if value is not None and value.__class__ is not plain:
            raise TypeError
        return unit(value)

    return _buffer(column, code, unit)
