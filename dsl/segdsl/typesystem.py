"""The types of the language: logical, not physical, and which of them compare."""

from __future__ import annotations

import msgspec

KINDS = ("whole", "number", "decimal", "text", "yes/no", "date", "timestamp", "duration", "list")


class Type(msgspec.Struct, frozen=True, gc=False):
    """A type: `kind` is one of KINDS; `scale` counts a decimal's places; `item` is what a list holds."""

    kind: str
    scale: int = 0
    item: Type | None = None

    def __str__(self) -> str:
        """As a schema and a message write it: `decimal(2)`, `list of text`."""
        if self.kind == "decimal":
            return f"decimal({self.scale})"
        if self.item is not None:
            return f"list of {self.item}"
        return self.kind


WHOLE = Type("whole")
NUMBER = Type("number")
TEXT = Type("text")
TRUTH = Type("yes/no")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")


def decimal(scale: int) -> Type:
    """The decimal type with `scale` places."""
    return Type("decimal", scale)


def list_of(item: Type) -> Type:
    """The list type of an item type."""
    return Type("list", 0, item)


class Length(msgspec.Struct, frozen=True, gc=False):
    """A duration: calendar `months`, local `days`, and exact `nanoseconds`; as a rule writes it, one of the three."""

    months: int = 0
    days: int = 0
    nanoseconds: int = 0

    def __neg__(self) -> Length:
        return Length(-self.months, -self.days, -self.nanoseconds)


UNITS: dict[str, Length] = {
    "minute": Length(nanoseconds=60_000_000_000),
    "hour": Length(nanoseconds=3_600_000_000_000),
    "day": Length(days=1),
    "week": Length(days=7),
    "month": Length(months=1),
    "quarter": Length(months=3),
    "year": Length(months=12),
}

NUMERIC = ("whole", "number", "decimal")
IN_TIME = ("date", "timestamp")
