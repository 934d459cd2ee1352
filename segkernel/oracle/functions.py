"""The functions of a row's values, each as the reference words it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from hashlib import sha256
from unicodedata import normalize

import msgspec

from segdsl import checked
from segdsl.syntax import Span
from segdsl.typesystem import DATE, TIMESTAMP, Length, Type
from segkernel.oracle.arithmetic import OracleOverflow, Value, whole
from segkernel.oracle.civil import date_of, day_of, month_length, period_start, weekday_of
from segkernel.oracle.zones import DAY, local_at, local_day

HOUR = DAY // 24


class Moment(msgspec.Struct, frozen=True):
    """What functions know of the run: its local day and its zone."""

    today: int
    zone: str

    def day(self, value: Value, type_: Type) -> int:
        """The local day of a date or of an instant."""
        return whole(value) if type_ == DATE else local_day(self.zone, whole(value))


def asked(value: Value, type_: Type, span: Span) -> Value:
    """A time whose place in the calendar is asked for, which reaches from 1677 to 2262: 64 bits of nanoseconds. Raises
    OracleOverflow."""
    if type_ == TIMESTAMP and not -(2**63) <= whole(value) < 2**63:
        raise OracleOverflow(span, whole(value), type_)
    return value


def known_to_run(expression: checked.Expression) -> bool:
    """Whether nothing but the instant of the run decides a time: what differs from row to row is then held against that day's ends."""
    match expression:
        case checked.Constant() | checked.Now() | checked.Today() | checked.PeriodStart():
            return True
        case checked.Shift(operand=operand) | checked.OfAccount(operand=operand):
            return known_to_run(operand)
        case checked.Call(operands=operands):
            return all(known_to_run(operand) for operand in operands)
        case _:
            return False


def call(node: checked.Call, values: Sequence[Value], moment: Moment) -> Value:
    """The value of a call whose operands are `values`; missing where one of them is."""
    if any(value is None for value in values):
        return None
    types = [operand.type for operand in node.operands]
    if node.function == "days_between":
        if not known_to_run(node.operands[1]):  # the days until a day of the run may be told without the calendar
            for value, operand in zip(values, node.operands, strict=True):
                asked(value, operand.type, operand.span)
        first, last = (moment.day(value, type_) for value, type_ in zip(values, types, strict=True))
        return last - first
    if node.function == "hour":
        return local_at(moment.zone, whole(asked(values[0], types[0], node.span))) % DAY // HOUR
    if node.function in ("least", "greatest"):
        return (min if node.function == "least" else max)(values, key=order_of)
    if node.function == "distance_km":
        return distance_km(*(float(number_of(value)) for value in values))
    if node.function == "bucket":
        key, count, salt = values
        digest = sha256(f"{salt}\0{key}".encode()).digest()
        return sum(byte << 8 * place for place, byte in enumerate(reversed(digest[:8]))) % whole(count)
    if node.function == "abs":
        return abs(number_of(values[0]))
    if node.function in ROUNDINGS:
        places = whole(values[1]) if node.function == "round" else 0
        return rounded(node.function, number_of(values[0]), types[0], places)
    if isinstance(values[0], str):
        return len(values[0]) if node.function == "length" else TEXTS[node.function](values[0])
    day = moment.day(asked(values[0], types[0], node.operands[0].span), types[0])
    return next_return(day, moment.today) if node.function == "anniversary" else PARTS[node.function](day)


PARTS: dict[str, Callable[[int], int]] = {
    "year": lambda day: date_of(day)[0],
    "quarter": lambda day: (date_of(day)[1] + 2) // 3,
    "month": lambda day: date_of(day)[1],
    "day": lambda day: date_of(day)[2],
    "weekday": weekday_of,
    "date": lambda day: day,
    "week_start": lambda day: period_start(day, "week", 0),
    "month_start": lambda day: period_start(day, "month", 0),
    "quarter_start": lambda day: period_start(day, "quarter", 0),
    "year_start": lambda day: period_start(day, "year", 0),
}


def number_of(value: Value) -> int | float:
    """A value that is known to be a number."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def exact_length(value: Value) -> Value:
    """An exact duration in nanoseconds (a day is 24 hours); any other value, months too, as it is."""
    return value.days * DAY + value.nanoseconds if isinstance(value, Length) and not value.months else value


def order_of(value: Value) -> int | float | str:
    """What `least`, `greatest`, `min` and `max` order a value by."""
    if not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} has no order")
    return value


ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda exact: math.floor(exact + Fraction(1, 2)) if exact >= 0 else math.ceil(exact - Fraction(1, 2)),
}


def rounded(function: str, value: float, type_: Type, places: int) -> int | float:
    """A number rounded to so many places: units of the last of them, and of a float the nearest float."""
    if isinstance(value, float):
        if math.isinf(value):
            return value
        return float(Fraction(ROUNDINGS[function](Fraction(value) * 10**places), 10**places))
    return ROUNDINGS[function](Fraction(value, 10 ** (type_.scale - places)))


RADIUS = 6371.0088
"""Of the globe, in kilometres."""


def distance_km(lat: float, lon: float, lat0: float, lon0: float) -> float | None:
    """The length of the great circle between two places in degrees; missing where a latitude is beyond a pole, or a longitude
    has no end."""
    if abs(lat) > 90 or abs(lat0) > 90 or not math.isfinite(lon0 - lon):
        return None
    radian = math.pi / 180
    phi, phi0 = lat * radian, lat0 * radian
    a, b = math.sin((phi0 - phi) / 2), math.sin((lon0 - lon) * radian / 2)
    haversine = a * a + math.cos(phi) * math.cos(phi0) * (b * b)
    return 2 * RADIUS * math.asin(math.sqrt(min(haversine, 1)))


BLANKS = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(blank) for blank in range(0x2000, 0x200B)}


def trim(text: str) -> str:
    """A text from its first character that is not blank to its last."""
    filled = [place for place, character in enumerate(text) if character not in BLANKS]
    return text[filled[0] : filled[-1] + 1] if filled else ""


def folded(text: str) -> str:
    """A text without regard to case: character by character of its NFC."""
    return "".join(character.casefold() for character in normalize("NFC", text))


TEXTS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": trim, "folded": folded}


def next_return(day: int, today: int) -> int:
    """The first day on or after today with the month and day of another; 29 February returns on 28 February in common years."""
    _, month, of_month = date_of(day)
    year = date_of(today)[0]
    returns = (day_of(each, month, min(of_month, month_length(each, month))) for each in (year, year + 1))
    return next(found for found in returns if found >= today)
