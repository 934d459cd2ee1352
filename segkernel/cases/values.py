"""Values of a case's rows and answers, as TOML has them, in the kind that the types of the language want."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, list_of
from segkernel.instants import instant as local_instant

MISSING = {"missing": True}
"""An item of a list that is missing."""
UNITS = {"ns": 1, "seconds": 10**9, "minutes": 60 * 10**9, "hours": 3_600 * 10**9, "days": 86_400 * 10**9}
_WANTED = {
    "whole": "a whole number",
    "number": "a number",
    "decimal": 'a decimal such as "10.50"',
    "text": "a text",
    "yes/no": "true or false",
    "date": "a date without quotes, such as 2026-01-15,",
    "timestamp": "a time such as 2026-01-15T12:00:00Z",
    "duration": 'a duration such as "36 hours"',
    "list": "an array",
}


def value_of(value: Any, type_: Type, zone: str | None) -> object:
    """A value of a row as a plain Python value: decimals as `Decimal`, dates as `date`, instants and durations as nanoseconds (int).

    A timestamp without an offset is read in `zone`; without one it stays a naive `datetime`. Raises ValueError with a sentence.
    """
    try:
        found = _value(value, type_, zone)
    except (ValueError, TypeError, ArithmeticError, InvalidOperation):
        found = None
    if found is None:
        raise ValueError(f"{_WANTED[type_.kind]} is wanted, and this is {shown(value)}")
    return found


def _value(value: Any, type_: Type, zone: str | None) -> object:
    """The value, None where it is none of its type."""
    if isinstance(value, bool):
        return value if type_ == TRUTH else None
    match type_.kind:
        case "list":
            assert type_.item is not None
            return [None if item == MISSING else value_of(item, type_.item, zone) for item in value] if isinstance(value, list) else None
        case "whole":
            return value if isinstance(value, int) else _large(value)
        case "number":
            return float(value) if isinstance(value, int | Decimal) else None
        case "decimal":
            exact = Decimal(value) if isinstance(value, int | str | Decimal) else None
            return exact if exact is not None and exact.is_finite() and _places(exact) <= type_.scale else None
        case "text":
            return value if isinstance(value, str) else None
        case "date":
            return value if isinstance(value, date) and not isinstance(value, datetime) else None
        case "timestamp":
            return _moment(value, zone)
        case "duration":
            count, unit = value.split(" ")
            return int(count) * UNITS[unit]
    return None


def _large(value: Any) -> int | None:
    """A whole number that TOML cannot write, from its text."""
    found = int(value) if isinstance(value, str) else 0
    return found if found >= 2**63 else None


def _places(exact: Decimal) -> int:
    """How many decimal places a number needs."""
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - zeros) if any(digits) else 0


def _moment(value: Any, zone: str | None) -> object:
    if isinstance(value, date) and not isinstance(value, datetime) and zone is not None:
        value = datetime.combine(value, time())
    if isinstance(value, datetime) and value.tzinfo is None:
        return value if zone is None else local_instant(value, zone)
    return instant(value) if isinstance(value, datetime | str) else None


def instant(value: datetime | str) -> int:
    """Nanoseconds since the epoch of a timestamp with an offset, or of a text in UTC with up to nine digits of a second."""
    fraction = 0
    if isinstance(value, str):
        seconds, _, digits = value.removesuffix("Z").partition(".")
        value, fraction = datetime.fromisoformat(seconds + "+00:00"), int(digits.ljust(9, "0") or 0)
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000 + fraction


def type_of_value(value: Any) -> Type | None:
    """The type of a value whose column has none yet; None where that cannot be told."""
    if isinstance(value, list):
        item = next((type_of_value(each) for each in value if each != MISSING), None)
        return None if item is None else list_of(item)
    kinds = ((bool, TRUTH), (int, WHOLE), (Decimal, NUMBER), (str, TEXT), (datetime, TIMESTAMP), (date, DATE))
    return next((type_ for kind, type_ in kinds if isinstance(value, kind)), None)


def shown(value: object) -> str:
    """A value of TOML as people wrote it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def stamped(value: Any, zone: str) -> Any:
    """An expected value in the kind in which a result has it: a timestamp without an offset is read in `zone`."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return datetime.fromtimestamp(local_instant(value, zone) / 10**9, UTC)
    return value


def equal(found: Any, expected: Any, zone: str) -> bool:
    """Whether a value of a result is the one that a case expects: numbers by value, decimals also as text."""
    if isinstance(found, list) or isinstance(expected, list):
        return (
            isinstance(found, list)
            and isinstance(expected, list)
            and len(found) == len(expected)
            and all(equal(one, other, zone) for one, other in zip(found, expected, strict=True))
        )
    if isinstance(found, Decimal) and isinstance(expected, str):
        try:
            return found == Decimal(expected)
        except InvalidOperation:
            return False
    if isinstance(found, bool) is not isinstance(expected, bool):
        return False
    if isinstance(found, float) and isinstance(expected, Decimal):
        expected = float(expected)
    return bool(found == stamped(expected, zone))
