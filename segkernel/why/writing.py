"""Rule text and values as an explanation writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from segdsl.source import Source
from segdsl.syntax import File, Span
from segdsl.typesystem import Type
from segkernel.instants import written

_LONGEST = 60
_ITEMS = 5
_SECOND = 1_000_000_000


def one_line(sources: Sequence[Source], files: Sequence[File], span: Span) -> str:
    """The rules' own text in one line, without comments."""
    text, kept, at = sources[span.source].text, "", span.start
    for comment in files[span.source].comments:
        if span.start <= comment.span.start < span.end:
            kept += text[at : comment.span.start]
            at = comment.span.end
    return " ".join((kept + text[at : span.end]).split())


def place(sources: Sequence[Source], span: Span) -> str:
    """Where a text stands: `file:line:column`."""
    source = sources[span.source]
    line, column = source.place(span.start)
    return f"{source.name}:{line}:{column}"


def plain(value: Any, kind: Type, zone: str) -> Any:
    """A value in normal form as JSON has it: decimals, dates, times and durations as text, and numbers that are not finite."""
    if value is None:
        return None
    if kind.item is not None:
        return [plain(each, kind.item, zone) for each in value]
    match kind.kind:
        case "decimal":
            return str(Decimal((int(value < 0), tuple(int(digit) for digit in str(abs(value))), -kind.scale)))
        case "number":
            return float(value) if isfinite(value) else str(float(value))
        case "date":
            return _date(value)
        case "timestamp":
            return written(value, zone)
        case "duration":
            return _length(value)
    return value


def read(value: Any, kind: Type) -> str:
    """What `plain` gives as people read it: texts in quotes, long ones and long lists cut off."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind.item is not None:
        items = ", ".join(read(item, kind.item) for item in value[:_ITEMS])
        return f"({items}{f', … {len(value) - _ITEMS:,} more' if len(value) > _ITEMS else ''})"
    if kind.kind == "text":
        return f'"{value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"}"'
    return str(value)


def _date(days: int) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    except OverflowError:
        return f"1970-01-01 {days:+,} days"


def _length(nanoseconds: int) -> str:
    """A duration: `3 days 04:05:06.5`."""
    seconds, rest = divmod(abs(nanoseconds), _SECOND)
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{rest:09}".rstrip("0") if rest else "")
    parts = [f"{days:,} day{'' if days == 1 else 's'}"] * bool(days) + [clock] * (not days or clock != "00:00:00")
    return ("-" if nanoseconds < 0 else "") + " ".join(parts)
