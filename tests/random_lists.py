"""The forms of conditions on lists: fields, lets of `values(…)`, and `values(…)` itself."""

from __future__ import annotations

from tests import random_groups
from tests.random_columns import LISTED, Column
from tests.random_writer import NUMBERS, TIMES, Scope, Writer, gives


def values(w: Writer, kind: str, scope: Scope) -> str | None:
    """`values(…)` of a relation of the scope's rows, or of groups of them."""
    if w.rng.random() < 0.25:
        return random_groups.values(w, kind, scope)
    found = w.relation(scope)
    if found is None:
        return None
    relation, rows = found
    if w.rng.random() < 0.3:
        value = w.value(kind, rows)
        return f"values({value} for {relation}{w.where(rows)})" if value else None
    field = w.field(kind, rows)
    return f"values({relation}.{field[0]}{w.where(rows)})" if field else None


def known_list(w: Writer, kind: str, scope: Scope) -> tuple[str, Column | None] | None:
    """A list that has a name: a field, or a let of the account."""
    lets: list[tuple[str, Column | None]] = [(let, None) for let in w.named.get(f"list of {kind}", []) * scope.account]
    field = w.field(f"list of {kind}", scope)
    return w.rng.choice([*lets, *([field] if field else [])]) if lets or field else None


@gives("condition", weight=2)
def among(w: Writer, kind: str, scope: Scope) -> str | None:
    """A value in a list."""
    kind = w.rng.choice(LISTED)
    like = NUMBERS if kind in NUMBERS else TIMES if kind in TIMES else (kind,)
    named = None if w.plain else known_list(w, kind, scope)
    held = named[0] if named else None if w.plain else values(w, kind, scope)
    value = w.value(w.rng.choice([*like, kind]), scope)
    if held is None or value is None:
        return None
    return f"{value} {w.rng.choice(['in', 'not in'])} {held}{' ignoring case' * (kind == 'text' and w.rng.random() < 0.3)}"


@gives("condition", weight=3)
def holding(w: Writer, kind: str, scope: Scope) -> str | None:
    """What a list contains, or that it is missing."""
    rng, kind = w.rng, w.rng.choice(LISTED)
    named = None if w.plain else known_list(w, kind, scope)
    if named is None:
        return None
    held, column = named
    if rng.random() < 0.1:
        return f"{held} is {rng.choice(['', 'not '])}missing"
    ending = " ignoring case" if kind == "text" and rng.random() < 0.5 else ""
    other = known_list(w, kind, scope)
    if other is not None and rng.random() < 0.5:
        return f"{rng.choice(['', 'not '])}{held} contains {rng.choice(['any', 'all'])} of {other[0]}{ending}"
    items = ", ".join(w.literal(kind, column) for _ in range(rng.randint(1, 3)))
    one = (w.bare(kind, scope) if rng.random() < 0.4 else None) or w.literal(kind, column)
    asked = rng.choice([f"contains any of ({items})", f"contains all of ({items})", f"contains {one}"])
    return f"{rng.choice(['', 'not '])}{held} {asked}{ending}"
