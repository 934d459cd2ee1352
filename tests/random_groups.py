"""The forms of aggregates over groups of rows: `max(count(lines per sku))`."""

from __future__ import annotations

from tests import random_values
from tests.random_columns import KINDS
from tests.random_writer import EXACT, NUMBERS, ORDER, ORDERED, TIMES, Scope, Writer, gives

KEYS = [kind for kind in KINDS if kind != "number"]


@gives("number", weight=9)
def middle_of_groups(w: Writer, kind: str, scope: Scope) -> str | None:
    return reckoned(w, scope, w.rng.choice(["avg", "median", "stddev"]), w.rng.choice(["whole", "whole", *NUMBERS]))


@gives("whole", weight=5)
def how_many_groups(w: Writer, kind: str, scope: Scope) -> str | None:
    return reckoned(w, scope, w.rng.choice(["count", "distinct"]), w.rng.choice(ORDERED))


@gives(*ORDERED)
def outermost_of_groups(w: Writer, kind: str, scope: Scope) -> str | None:
    return reckoned(w, scope, w.rng.choice(["min", "max", *(["sum", "sum"] * (kind in NUMBERS))]), kind)


def reckoned(w: Writer, scope: Scope, function: str, kind: str) -> str | None:
    """An aggregate of what each group gives."""
    found = None if w.plain else w.relation(scope)
    keys = per(w, found[1]) if found else None
    if found is None or keys is None:
        return None
    value = of_group(w, kind, found, keys, function in ("sum", "avg", "stddev"))
    return f"{function}({value}{where(w, found, keys)})" if value else None


@gives(*KINDS)
def of_one_group(w: Writer, kind: str, scope: Scope) -> str | None:
    """The value of the first or the last group by another value of it: of its rows, or what they share."""
    found = None if w.plain else w.relation(scope)
    value = own(w, kind, found[1]) if found else None
    keys = value or (per(w, found[1]) if found else None)
    if found is None or keys is None:
        return None
    value = value or (of_group(w, kind, found, keys, False) if kind in ORDERED else None)
    by = of_group(w, w.rng.choice(ORDERED), found, keys, False)
    if value is None or by is None:
        return None
    order = f"0 * count({found[0]} per {keys})" if w.rng.random() < 0.2 else by
    return f"{w.rng.choice(['first', 'last'])}({value}{where(w, found, keys)} by {order})"


def values(w: Writer, kind: str, scope: Scope) -> str | None:
    """`values(…)` of groups."""
    found = None if w.plain else w.relation(scope)
    value = own(w, kind, found[1]) if found else None
    keys = value or (per(w, found[1]) if found else None)
    if found is None or keys is None:
        return None
    if value is not None:
        test = condition(w, found, keys)
        return f"values({value} where {test})" if test and " per " in test else None
    value = of_group(w, kind, found, keys, False) if kind in ORDERED else None
    return f"values({value}{where(w, found, keys)})" if value else None


def own(w: Writer, kind: str, rows: Scope) -> str | None:
    """A field of some rows that they may be grouped by, which is then a value of each group."""
    field = w.field(kind, rows) if kind in KEYS and w.rng.random() < 0.5 else None
    return field[0] if field else None


@gives("condition", weight=2)
def of_conditions_of_groups(w: Writer, kind: str, scope: Scope) -> str | None:
    """`any`, `none` and `all` of the groups."""
    found = None if w.plain else w.relation(scope)
    keys = per(w, found[1]) if found else None
    test = condition(w, found, keys) if found and keys else None
    return f"{w.rng.choice(['any', 'none', 'all'])}({test}{where(w, found, keys)})" if found and keys and test and " per " in test else None


def where(w: Writer, found: tuple[str, Scope], keys: str) -> str:
    """A ` where …` of groups, or nothing."""
    test = condition(w, found, keys) if w.rng.random() < 0.5 else None
    return f" where {test}" if test else ""


def per(w: Writer, rows: Scope) -> str | None:
    """What rows are grouped by: nothing that an account changes."""
    rng = w.rng
    kind = rng.choice(KEYS)
    field = w.field(kind, rows)
    if field is None:
        return None
    key = field[0]
    if rng.random() < 0.4:
        other = w.field(kind, rows)
        forms = [f"coalesce({key}, {other[0]})"] if other else []
        if kind in TIMES:
            forms += [f"{rng.choice(['month_start', 'week_start', 'weekday', 'date', 'year'])}({key})"] * 2
            forms += [f"days_since({key})", f"({key} within last {rng.randint(1, 400)} days)", f"({key} {rng.choice(['<', '>='])} today)"]
        elif kind == "text":
            forms += [f"upper({key})", f"length({key})", f"({key} < {w.literal('text')})", f'if({key} > "b", {key}, "b")']
        elif kind in EXACT:
            forms += [f"({key} > {w.literal(kind)})", f"abs({key})"] + [f"floor({key})"] * (kind == "decimal")
        key = rng.choice(forms) if forms else key
    if rng.random() < 0.25:
        second = w.field(rng.choice(KEYS), rows)
        return f"({key}, {second[0]})" if second else key
    return key


def of_group(w: Writer, kind: str, found: tuple[str, Scope], keys: str, calm: bool) -> str | None:
    """A value of a group: of one aggregate of its rows, or of several."""
    one = of_rows(w, kind, found, keys, calm)
    if one is None or w.rng.random() < 0.6:
        return one
    other = of_rows(w, kind, found, keys, calm) or w.literal(kind)
    forms = [f"if({condition(w, found, keys) or 'true'}, {one}, {other})", f"coalesce({one}, {other})"]
    if kind in NUMBERS:
        forms += [f"{one} {w.rng.choice('+-')} {other}", f"greatest({one}, {other})"]
    return w.rng.choice(forms)


def condition(w: Writer, found: tuple[str, Scope], keys: str) -> str | None:
    """A condition of a group."""
    rng, (relation, rows) = w.rng, found
    if rng.random() < 0.1:
        return f"{keys} is not missing" if keys[0] != "(" else None
    if rng.random() < 0.2:
        return f"{rng.choice(['any', 'none'])}({relation}{w.where(rows)} per {keys})"
    if rng.random() < 0.2:
        return f"{rng.choice(['all', 'any'])}({w.condition(rows)} for {relation}{w.where(rows)} per {keys})"
    kind = rng.choice(["whole", "whole", *ORDERED])
    value = of_group(w, kind, found, keys, False)
    if value is None:
        return None
    if rng.random() < 0.15:
        return f"{value} is {rng.choice(['', 'not '])}missing"
    known = w.named.get(kind, []) if rows.account else []
    limit = rng.choice(known) if known and rng.random() < 0.4 else str(rng.randint(0, 3)) if kind == "whole" else w.literal(kind)
    return f"{value} {rng.choice(ORDER)} {limit}"


def of_rows(w: Writer, kind: str, found: tuple[str, Scope], keys: str, calm: bool) -> str | None:
    """An aggregate of the rows of one group."""
    rng, (relation, rows) = w.rng, found
    w.room -= 1
    if kind == "whole" and rng.random() < 0.6:
        inner: str | None = f"count({relation}{w.where(rows)})"
    elif kind == "whole" and rng.random() < 0.3:
        inner = random_values.of_relation(w, "distinct", rng.choice(KINDS), found, False)
    elif not calm and rng.random() < 0.2:
        value, by = w.value(kind, rows), w.value(rng.choice(TIMES), rows)
        inner = f"{rng.choice(['first', 'last'])}({value} for {relation} by {by})" if value and by else None
    elif kind == "number" and not calm and rng.random() < 0.5:
        function = rng.choice(["avg", "median", "stddev"])
        inner = random_values.of_relation(w, function, rng.choice(NUMBERS), found, function != "median")
    elif kind in NUMBERS and rng.random() < 0.5:
        inner = random_values.of_relation(w, "sum", kind, found, True)
    else:
        inner = None if calm else random_values.of_relation(w, rng.choice(["min", "max"]), kind, found, False)
    return None if inner is None else f"{inner[:-1]} per {keys})"
