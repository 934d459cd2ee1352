"""How numbers, tables and suggestions are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from segdsl.diagnostics import closest


def unknown_name(name: object, names: Iterable[str]) -> str:
    """The sentence for a segment or choose that is not there, with the nearest one that is."""
    near = closest(name, list(names)) if isinstance(name, str) else None
    hint = f'; did you mean "{near}"?' if near else ""
    return f'there is no segment or choose called "{name}"{hint}'


def visible(text: str) -> str:
    """A text without letters that would move the cursor or stay unseen: these are written as escapes."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def percent(share: float | None) -> str:
    """A share as people read it: `12.3%`; `<0.1%` for what would read as nothing; `-` without accounts."""
    if share is None:
        return "-"
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows of text as lines of even columns; `sides` has `<` or `>` for each column."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, sides, widths, strict=False)
        lines.append("  ".join(f"{cell:{side}{width - _width(cell) + len(cell)}}" for cell, side, width in cells).rstrip())
    return lines


def listed(first: Sequence[tuple[Any, ...]], count: int) -> str:
    """The first of `count` keys as messages write them: `1, 2`, or `(1, "a"), (2, "b"), …`."""
    return ", ".join(_shown(key) for key in first) + (", …" if count > len(first) else "")


def _shown(key: tuple[Any, ...]) -> str:
    parts = [f'"{visible(part)}"' if isinstance(part, str) else str(part) for part in key]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)
