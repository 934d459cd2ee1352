"""The values of a record's fields as the language counts them: whole numbers of units, floats, texts."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from segdsl.schema import FieldSpec
from segdsl.typesystem import Type
from segkernel.instants import zone

Convert = Callable[[Any], Any]
"""From a value that is not None to one in the units of its type; None where it is missing. Raises TypeError or ValueError for others."""


class Unfit(ValueError):
    """A value of the right kind that its type does not hold; the text says what was expected besides."""


SMALLEST, LARGEST = -(1 << 63), (1 << 64) - 1
_EPOCH, _LOCAL_EPOCH = datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_MOST_DIGITS = 10**38
EXPECTED = {
    "text": "a text", "whole": "a whole number", "number": "a number", "yes/no": "True or False",
    "date": "a date (datetime.date, or ISO text such as 2026-01-15)",
    "timestamp": "a time (datetime.datetime, or ISO text such as 2026-01-15T12:00Z)",
    "duration": "a duration (datetime.timedelta)", "list": "a list",
}  # fmt: skip


def converter(spec: FieldSpec, timezone: str) -> Convert:
    """How the values of a field are read; timestamps without a zone are in `timezone`."""
    return of_type(spec.type, timezone, spec.single)


def of_type(kind: Type, timezone: str, single: bool = False) -> Convert:
    """How values of a type are read; `single` are floats of 32 bits."""
    match kind.kind:
        case "text":
            return text
        case "whole":
            return whole
        case "decimal":
            return decimals(kind.scale)
        case "number":
            return single_number if single else number
        case "yes/no":
            return truth
        case "date":
            return day
        case "timestamp":
            return moments(timezone)
        case "duration":
            return length
        case _:
            assert kind.item is not None
            return lists(of_type(kind.item, timezone, single))


def expected(kind: Type) -> str:
    """What values of a type are called in an error."""
    if kind.kind == "decimal":
        return f"a number with {kind.scale} decimal places (Decimal, int or float)"
    return EXPECTED[kind.kind]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def whole(value: Any) -> int:
    found = integer(value)
    if not SMALLEST <= found <= LARGEST:
        raise Unfit("from -2^63 to 2^64 - 1")
    return found


def integer(value: Any) -> int:
    if type(value) is not int:
        if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
            value = int(value)
        elif isinstance(value, bool | float | str) or not hasattr(value, "__index__"):
            raise TypeError
        else:
            value = value.__index__()
    return int(value)


def number(value: Any) -> float | None:
    """A float; NaN is missing. Exact numbers become the nearest float."""
    if type(value) is not float:
        if isinstance(value, bool | str) or not hasattr(value, "__float__"):
            raise TypeError
        if isinstance(value, Decimal) and not value.is_finite():
            raise Unfit("that is finite")
        value = float(value)
    return None if value != value else value


def single_number(value: Any) -> float | None:
    """A float of 32 bits, as data of that width hold it."""
    found = number(value)
    try:
        return None if found is None else float(struct.unpack("<f", struct.pack("<f", found))[0])
    except OverflowError:
        return float("inf") if found is not None and found > 0 else float("-inf")


def decimals(scale: int) -> Convert:
    """Numbers in units of 10^-scale: what has more places is rounded half away from zero, of floats the exact value."""
    power = 10**scale

    def units(value: Any) -> int | None:
        if isinstance(value, float):
            if value != value:
                return None
            if value in (float("inf"), float("-inf")):
                raise Unfit("that is finite")
            found = int(abs(Fraction(value)) * power + Fraction(1, 2))
            found = -found if value < 0 else found
        elif isinstance(value, Decimal):
            found = _moved(value, scale)
        else:
            found = integer(value) * power
        if abs(found) >= _MOST_DIGITS:
            raise Unfit("of at most 38 digits")
        return found

    return units


def _moved(value: Decimal, scale: int) -> int:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent + len(digits) > 60:
        raise Unfit("of at most 38 digits")
    places: int = exponent + scale
    found: int = int("".join(map(str, digits)) or "0")
    if places >= 0:
        found *= 10**places
    else:
        part: int = 10**-places if -places <= len(digits) + 1 else 10 ** (len(digits) + 1)
        found = (2 * found + part) // (2 * part)
    return -found if sign else found


def truth(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    if type(value).__name__ in ("bool", "bool_") and hasattr(value, "item"):  # NumPy's own
        return bool(value)
    raise TypeError


def day(value: Any) -> int:
    """Days since 1970."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError
    return value.toordinal() - _FIRST_DAY


def moments(timezone: str) -> Convert:
    """Nanoseconds since 1970-01-01T00:00Z. A local time that a clock change skips moves forward by the gap, one that occurs twice is the
    earlier."""
    local = zone(timezone)

    def nanoseconds(value: Any) -> int:
        finer = 0
        if isinstance(value, str):
            value, finer = written_moment(value)
        if not isinstance(value, datetime):
            raise TypeError
        offset = value.tzinfo
        if offset is None:
            since = value - _LOCAL_EPOCH - (value.replace(tzinfo=local, fold=0).utcoffset() or timedelta(0))
        else:
            since = value - _EPOCH
        finer += getattr(value, "nanosecond", 0)
        return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000 + finer

    return nanoseconds


def written_moment(text: str) -> tuple[datetime, int]:
    """A time from ISO text, to the microsecond, and the nanoseconds beyond it."""
    head, point, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    if point and digits > 6:
        if digits > 9:
            raise Unfit("to the nanosecond")
        finer = rest[6:digits].ljust(3, "0")
        return datetime.fromisoformat(f"{head}.{rest[:6]}{rest[digits:]}"), int(finer)
    return datetime.fromisoformat(text), 0


def length(value: Any) -> int:
    """Nanoseconds."""
    if not isinstance(value, timedelta):
        raise TypeError
    return ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1000 + getattr(value, "nanoseconds", 0)


def lists(item: Convert) -> Convert:
    """A list's values, each read as the items are."""

    def read(value: Any) -> list[Any]:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise TypeError
        return [None if each is None else item(each) for each in value]

    return read
