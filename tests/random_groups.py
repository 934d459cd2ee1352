"""Random aggregates of all rows at once: `distinct median stddev first last`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.random_rules import Rules, Scope

KINDS = ["whole", "number", "decimal", "text", "date", "timestamp", "yes/no"]
ORDERED = ["timestamp", "timestamp", "date", "date", "whole", "number", "decimal"]


def grouped(writer: Rules, kind: str, rows: Scope, where: str) -> str | None:
    """Such an aggregate of a kind over the rows of a table."""
    rng, table = writer.rng, rows.table
    draw = rng.random()
    if kind == "whole" and draw < 0.5:
        wanted = rng.choice(KINDS)
        if draw < 0.1:
            return f"distinct({writer.condition(rows, 1)} for {table}{where})"
        if draw < 0.25:
            value = writer.value(wanted, rows)
            return f"distinct({value} for {table}{where})" if value else None
        field = writer.field(wanted, rows)
        return f"distinct({table}.{field}{where})" if field else None
    if kind == "number" and draw < 0.6:
        wanted, function = rng.choice(["whole", "decimal", "number"]), rng.choice(["median", "stddev"])
        if rng.random() < 0.3:
            value = writer.value(wanted, rows) if function == "median" else writer.summed(wanted, rows)
            return f"{function}({value} for {table}{where})" if value else None
        field = writer.field(wanted, rows) if function == "median" else writer.calm(wanted, rows)
        return f"{function}({table}.{field}{where})" if field else None
    return chosen(writer, kind, rows, where)


def chosen(writer: Rules, kind: str, rows: Scope, where: str) -> str | None:
    """The value of the first or the last row by something."""
    rng, table = writer.rng, rows.table
    by = (writer.value if rng.random() < 0.3 else writer.field)(rng.choice(ORDERED), rows)
    if by is None:
        return None
    tail = rng.choice([f"{where} by {by}", f" by {by}{where}"])
    function = rng.choice(["first", "last"])
    if rng.random() < 0.6:
        field = writer.field(kind, rows)
        return f"{function}({table}.{field}{tail})" if field else None
    value = writer.condition(rows, 1) if kind == "yes/no" else writer.value(kind, rows)
    return f"{function}({value} for {table}{tail})" if value else None
