"""The functions of a row's values, each as the reference words it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from unicodedata import normalize

import msgspec

from segdsl import checked
from segdsl.typesystem import DATE, Type
from segkernel.oracle.arithmetic import Value, whole
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


def call(node: checked.Call, values: Sequence[Value], moment: Moment) -> Value:
    """The value of a call whose operands are `values`; missing where one of them is."""
    if any(value is None for value in values):
        return None
    types = [operand.type for operand in node.operands]
    if node.function == "days_between":
        first, last = (moment.day(value, type_) for value, type_ in zip(values, types, strict=True))
        return last - first
    if node.function == "hour":
        return local_at(moment.zone, whole(values[0])) % DAY // HOUR
    if isinstance(values[0], str):
        return len(values[0]) if node.function == "length" else TEXTS[node.function](values[0])
    day = moment.day(values[0], types[0])
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
