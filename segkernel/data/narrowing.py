"""One series to a narrowed column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Context
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import Type
from segkernel.data import arrow, physical, texts, zones
from segkernel.data.columns import Column, aligned
from segkernel.errors import DataError
from segkernel.kernel.entries import encoding

_WIDTHS = (np.uint8, np.uint16, np.uint32, np.uint64)
_EXACT_POWERS = 22
_WORD = 1 << 64
_LARGEST = 1 << 127
_SHOWN = 5
_DIGITS = Context(prec=80)


def narrow(series: pl.Series, type: Type, zone: str, place: str) -> Column:
    """A series as a column of `type`, which must fit its own (`physical.fits`).

    `zone` reads timestamps that have none. `place` names the column in errors. Raises DataError with the first rows where a
    whole number leaves 64 bits, or a decimal 128, or a float that becomes a decimal is infinite.
    """
    if isinstance(series.dtype, pl.Null):
        series = series.cast(_STANDS_FOR.get(type.kind, pl.Int64()))
    if type.kind == "text":
        return texts.narrow(series, type)
    if type.kind == "number":
        return _floats(series, type)
    if type.kind == "yes/no":
        return _truths(series, type)
    if type.kind == "decimal":
        return _within_128_bits(_decimals(series, type, place), series, place)
    numbers = arrow.whole(series)
    if numbers is None:
        return _wide(series, type, place)
    if type.kind in ("timestamp", "duration") and isinstance(series.dtype, pl.Datetime | pl.Duration):
        unit = physical.nanoseconds(series.dtype)
        if physical.naive(series.dtype):
            numbers = zones.instants(numbers, unit, zone, place)
        return encoded(numbers, type, unit)
    return encoded(numbers, type)


_STANDS_FOR: dict[str, pl.DataType] = {"text": pl.String(), "number": pl.Float64(), "yes/no": pl.Boolean()}


def encoded(numbers: arrow.Numbers, type: Type, factor: int = 1) -> Column:
    """Whole numbers, each `factor` of the language's units, as a column: by base and step, or by a table of values
    where those are few and the codes would need 32 bits or more, or where the range leaves 64 bits."""
    rows, flip = numbers.rows, numbers.flip
    with np.errstate(over="ignore"):
        found = arrow.surveyed(numbers)
        low, high, present = found.low, found.high, rows - numbers.missing
        if not present:
            return empty(type, rows)
        step, steps = 1, high - low
        if steps >= 254:
            step = found.step
            steps //= step
        if steps + 1 > 65_534:
            few = _few(numbers, type, factor)
            if few is not None:
                return few
        if steps + 1 > _WORD - 2:
            return _ranked(numbers.values, numbers.present, type, factor)
        codes = aligned(rows, _narrowest(steps + 1))
        for part, out in _beside(numbers.parts, codes):
            encoding.encode(*part.given, flip, np.uint64(low), np.uint64(step), out, codes.itemsize, arrow.room())
    return Column(type, rows, codes, (low - int(flip)) * factor, step * factor, steps + 1, missing=numbers.missing)


def _beside(parts: Sequence[arrow.Chunk], codes: NDArray[Any]) -> Iterator[tuple[arrow.Chunk, int]]:
    """Each part of a column with the address of its codes."""
    address = int(codes.ctypes.data)
    for part in parts:
        yield part, address
        address += len(part.values) * codes.itemsize


def empty(type: Type, rows: int) -> Column:
    """A column without any value."""
    if type.kind == "number":
        codes = aligned(rows, np.float64)
        codes[:] = np.nan
        return Column(type, rows, codes, missing=rows)
    codes = aligned(rows, np.uint8)
    codes[:] = 0
    return Column(type, rows, codes, values=() if type.kind == "text" else None, missing=rows)


def _narrowest(top: int) -> Any:
    """The smallest unsigned type whose largest number is above `top`."""
    return next(width for width in _WIDTHS if top < np.iinfo(width).max)


def _few(numbers: arrow.Numbers, type: Type, factor: int) -> Column | None:
    """The column by a table of at most 254 values; None where there are more."""
    slots, taken, flip = np.zeros(1024, np.uint64), np.zeros(1024, np.uint8), numbers.flip
    many = 0
    for part in numbers.parts:
        many += encoding.few_values(*part.given, flip, slots, taken, arrow.room())
        if many > encoding.FEW:
            return None
    used = np.flatnonzero(taken)
    order = np.argsort(slots[used])
    ranks = np.zeros(1024, np.uint8)
    ranks[used[order]] = np.arange(1, used.size + 1)
    codes = aligned(numbers.rows, np.uint8)
    for part, out in _beside(numbers.parts, codes):
        encoding.few_codes(*part.given, flip, slots, ranks, out, arrow.room())
    values = tuple((int(value) - int(flip)) * factor for value in slots[used[order]])
    return Column(type, numbers.rows, codes, top=len(values), values=values, missing=numbers.missing)


def _ranked(values: NDArray[Any], present: NDArray[np.bool_], type: Type, factor: int = 1) -> Column:
    """The column by a table of all its values; `values` are int64, uint64 or Python's whole numbers."""
    distinct = np.unique(values[present])
    codes = aligned(values.size, _narrowest(distinct.size))
    codes[:] = 0
    codes[present] = np.searchsorted(distinct, values[present]) + 1
    table = tuple(int(value) * factor for value in distinct)
    return Column(type, values.size, codes, top=len(table), values=table, missing=int(values.size - present.sum()))


def _wide(series: pl.Series, type: Type, place: str) -> Column:
    """Whole numbers that neither int64 nor uint64 holds all of: by a table of their values."""
    numbers = _units(series)
    outside = [row for row, each in enumerate(numbers) if each is not None and not -(1 << 63) <= each < _WORD]
    if outside:
        raise _misfits(place, "outside -2^63 to 2^64 - 1", [(row, numbers[row]) for row in outside[:_SHOWN]], len(outside))
    return _ranked(np.array(numbers, object), np.array([each is not None for each in numbers], np.bool_), type)


def _within_128_bits(column: Column, series: pl.Series, place: str) -> Column:
    """The column, whose smallest and largest value must be in reach of what reckons with them."""
    if not column.top or (column.value(1) >= -_LARGEST and column.value(column.top) < _LARGEST):
        return column
    codes = np.flatnonzero((column.codes < column.at_least(-_LARGEST)) & (column.codes > 0) | (column.codes >= column.at_least(_LARGEST)))
    shown = [(int(row), series[int(row)]) for row in codes[:_SHOWN]]
    raise _misfits(place, f"too large for {column.type}, which has 128 bits", shown, codes.size)


def _misfits(place: str, why: str, shown: Sequence[tuple[int, Any]], count: int) -> DataError:
    """The error for values that do not fit; `shown` are the first, each with its row from 0."""
    values = ", ".join(f"{value} in row {row + 1:,}" for row, value in shown) + (", …" if count > len(shown) else "")
    return DataError(f"{place} has {'1 value' if count == 1 else f'{count:,} values'} {why}: {values}")


def _truths(series: pl.Series, type: Type) -> Column:
    """Yes/no: 1 for no, 2 for yes, whatever of them the data have."""
    values, valid, missing = arrow.buffers(series)
    codes = aligned(len(series), np.uint8)
    np.add(values, 1, out=codes, casting="unsafe")
    if valid is not None:
        np.multiply(codes, valid, out=codes)
    return Column(type, len(series), codes, top=2, missing=missing)


def _floats(series: pl.Series, type: Type) -> Column:
    """Floats as they are, NaN for missing; whole numbers and decimals as the nearest float."""
    if isinstance(series.dtype, pl.Decimal):
        return _raw(_nearest(series), type)
    if isinstance(series.dtype, pl.Int128 | pl.UInt128):
        return _raw(np.array([np.nan if each is None else float(each) for each in series.to_list()], np.float64), type)
    codes = aligned(len(series), np.float64)
    missing = 0
    for part, out in _beside(tuple(arrow.chunks(series.cast(pl.Float64))), codes):
        address, _, valid, rows = part.given
        missing += encoding.copy_floats(address, valid, rows, out)
    return Column(type, len(series), codes, missing=missing)


def _raw(numbers: NDArray[np.float64], type: Type) -> Column:
    codes = aligned(numbers.size, np.float64)
    codes[:] = numbers
    return Column(type, numbers.size, codes, missing=int(np.count_nonzero(np.isnan(numbers))))


def _nearest(series: pl.Series) -> NDArray[np.float64]:
    """Decimals as the nearest floats: one division is exact enough only below 2^53."""
    numbers, scale = arrow.whole(series), _scale(series)
    if numbers is not None and scale <= _EXACT_POWERS:
        units = np.where(numbers.present, numbers.values, 0)
        if not units.size or (units.max() <= 1 << 53 and units.min() >= -(1 << 53)):
            return np.where(numbers.present, units / 10.0**scale, np.nan)
    divisor = 10**scale
    return np.array([np.nan if each is None else each / divisor for each in _units(series)], np.float64)


def _decimals(series: pl.Series, type: Type, place: str) -> Column:
    """Decimals in units of their last place, floats and finer decimals rounded half away from zero."""
    if series.dtype.is_float():
        return _rounded_floats(series, type, place)
    finer = _scale(series) - type.scale
    numbers = arrow.whole(series)
    if numbers is None:
        exact = [each if each is None else _moved(each, -finer) for each in _units(series)]
        return _ranked(np.array(exact, object), np.array([each is not None for each in exact], np.bool_), type)
    if finer <= 0:
        return encoded(numbers, type, 10**-finer)
    if finer > 18:
        rounded = np.array([_moved(int(each), -finer) for each in numbers.values], np.int64)
    else:
        units = numbers.values
        quotient, rest = np.divmod(units, units.dtype.type(10**finer))
        twice = rest * 2
        rounded = quotient + np.where(units < 0, twice > 10**finer, twice >= 10**finer).astype(quotient.dtype)
    return encoded(arrow.of_values(rounded, numbers.present.view(np.uint8), numbers.missing), type)


def _scale(series: pl.Series) -> int:
    return series.dtype.scale if isinstance(series.dtype, pl.Decimal) else 0


def _units(series: pl.Series) -> list[int | None]:
    """Decimals of any size in units of their last place, or whole numbers, as Python's."""
    scale = _scale(series)
    return [None if each is None else int(_DIGITS.scaleb(each, scale)) if scale else int(each) for each in series.to_list()]


def _moved(number: int, places: int) -> int:
    """A number times 10^places, rounded half away from zero."""
    if places >= 0:
        return number * int(10**places)
    part = int(10**-places)
    rounded = (2 * abs(number) + part) // (2 * part)
    return -rounded if number < 0 else rounded


def _rounded_floats(series: pl.Series, type: Type, place: str) -> Column:
    """Floats as whole multiples of 10^-scale, the exact value rounded half away from zero."""
    column = _floats(series, Type("number"))
    if type.scale <= _EXACT_POWERS:
        out, valid = np.zeros(column.rows, np.int64), np.ones(column.rows, np.uint8)
        missing, wrong = encoding.units(column.codes, 10.0**type.scale, out, valid)
        if wrong < 0:
            return encoded(arrow.of_values(out, valid, missing), type)
    present = ~np.isnan(column.codes)
    distinct, places = np.unique(column.codes[present], return_inverse=True)
    endless = np.flatnonzero(np.isinf(column.codes))
    if endless.size:
        shown = [(int(row), float(column.codes[row])) for row in endless[:_SHOWN]]
        raise _misfits(place, f"that {type} cannot hold", shown, endless.size)
    exact = np.zeros(column.rows, object)
    exact[present] = np.array([_nearest_multiple(each, type.scale) for each in distinct.tolist()], object)[places]
    return _ranked(exact, present, type)


def _nearest_multiple(number: float, scale: int) -> int:
    rounded = int(abs(Fraction(number)) * 10**scale + Fraction(1, 2))
    return -rounded if number < 0 else rounded
