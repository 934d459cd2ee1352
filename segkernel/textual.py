"""How numbers, tables and suggestions are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segdsl.diagnostics import closest


def unknown_name(name: object, names: Iterable[str]) -> str:
    """The sentence for a segment or choose that is not there, with the nearest one that is."""
    near = closest(name, list(names)) if isinstance(name, str) else None
    hint = f'; did you mean "{near}"?' if near else ""
    return f'there is no segment or choose called "{name}"{hint}'


def percent(share: float | None) -> str:
    """A share as people read it: `12.3%`; `<0.1%` for what would read as nothing; `-` without accounts."""
    if share is None:
        return "-"
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows of text as lines of even columns; `sides` has `<` or `>` for each column."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=False)).rstrip() for row in rows]
