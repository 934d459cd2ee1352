"""The forms of values: aggregates, functions and calculations, by the kinds that they give."""

from __future__ import annotations

from tests.random_columns import KINDS
from tests.random_writer import EXACT, LONG_UNITS, NUMBERS, ORDERED, TIMES, Scope, Writer, gives

PARTS = ["year", "quarter", "month", "day", "weekday"]
STARTS = ["date", "week_start", "month_start", "quarter_start", "year_start", "anniversary"]

# ---- aggregates


@gives("whole", weight=4)
def counted(w: Writer, kind: str, scope: Scope) -> str | None:
    found = w.relation(scope)
    if found is None:
        return None
    relation, rows = found
    if w.rng.random() < 0.5:
        return f"count({relation}{w.where(rows)})"
    kind = w.rng.choice(KINDS)
    if w.rng.random() < 0.6:
        field = w.field(kind, rows)
        return f"count({relation}.{field[0]}{w.where(rows)})" if field else None
    value = w.value(kind, rows)
    return f"count({value} for {relation}{w.where(rows)})" if value and not value.startswith("any") else None


@gives(*ORDERED, weight=2)
def outermost(w: Writer, kind: str, scope: Scope) -> str | None:
    """`min` and `max`."""
    return aggregate(w, w.rng.choice(["min", "max"]), kind, scope, calm=False)


@gives(*NUMBERS, weight=3)
def summed(w: Writer, kind: str, scope: Scope) -> str | None:
    return aggregate(w, "sum", kind, scope, calm=True)


@gives("number", weight=4)
def averaged(w: Writer, kind: str, scope: Scope) -> str | None:
    return aggregate(w, "avg", w.rng.choice(NUMBERS), scope, calm=True)


@gives("whole", weight=2)
def different(w: Writer, kind: str, scope: Scope) -> str | None:
    """`distinct`, of conditions too."""
    found = None if w.plain else w.relation(scope)
    if found is None:
        return None
    if w.rng.random() < 0.2:
        return f"distinct({w.condition(found[1], 1)} for {found[0]}{w.where(found[1])})"
    return of_relation(w, "distinct", w.rng.choice(KINDS), found, calm=False)


@gives("number", weight=5)
def spread(w: Writer, kind: str, scope: Scope) -> str | None:
    """`median` and `stddev`."""
    if w.plain:
        return None
    function = w.rng.choice(["median", "stddev"])
    return aggregate(w, function, w.rng.choice(NUMBERS), scope, calm=function == "stddev")


@gives(*KINDS, weight=2)
def at_one_end(w: Writer, kind: str, scope: Scope) -> str | None:
    """`first` and `last`."""
    found = None if w.plain else w.relation(scope)
    if found is None:
        return None
    relation, rows = found
    by = w.value(w.rng.choice([*TIMES, *ORDERED]), rows)
    value = w.condition(rows, 1) if kind == "yes/no" and w.rng.random() < 0.3 else w.value(kind, rows)
    if by is None or value is None:
        return None
    tail = w.rng.choice([f"{w.where(rows)} by {by}", f" by {by}{w.where(rows)}"])
    return f"{w.rng.choice(['first', 'last'])}({value} for {relation}{tail})"


def aggregate(w: Writer, function: str, kind: str, scope: Scope, calm: bool) -> str | None:
    """An aggregate of a relation that the scope has."""
    found = w.relation(scope)
    return of_relation(w, function, kind, found, calm) if found else None


def of_relation(w: Writer, function: str, kind: str, found: tuple[str, Scope], calm: bool) -> str | None:
    """An aggregate of a field, of a let of the rows, or of a calculation."""
    relation, rows = found
    if w.rng.random() < 0.6:
        names = w.lets(kind, rows) if not calm and "." not in relation else []
        field = w.field(kind, rows, calm)
        chosen = [*names, *([field[0]] if field else [])]
        return f"{function}({relation}.{w.rng.choice(chosen)}{w.where(rows)})" if chosen else None
    value = small(w, kind, rows) if calm else w.value(kind, rows)
    return f"{function}({value} for {relation}{w.where(rows)})" if value else None


def small(w: Writer, kind: str, rows: Scope) -> str | None:
    """A calculation whose sums stay in range and do not depend on their order."""
    one, other = w.field(kind, rows, True), w.field(kind if kind == "number" else w.rng.choice(EXACT), rows, True)
    if one is None or other is None:
        return None
    other = other if kind == "decimal" or other[1].kind == kind else one
    deeper = counted(w, "whole", rows) if kind == "whole" else None
    forms = [f"{one[0]} {w.rng.choice('+-*')} {other[0]}", f"if({w.condition(rows, 1)}, {one[0]}, {one[0]} * 2)"]
    forms += [f"coalesce({one[0]}, {other[0]})", f"-{one[0]}"]
    return w.rng.choice([*forms, *([deeper] if deeper else [])])


# ---- functions


@gives(*KINDS)
def first_present(w: Writer, kind: str, scope: Scope) -> str | None:
    one = w.value(kind, scope)
    other = w.bare(kind, scope) if w.rng.random() < 0.5 else w.literal(kind)
    return f"coalesce({one}, {other})" if one and other else None


@gives(*KINDS)
def either(w: Writer, kind: str, scope: Scope) -> str | None:
    one = w.value(kind, scope)
    other = w.bare(kind, scope) if w.rng.random() < 0.5 else w.literal(kind)
    return f"if({w.condition(scope, 1)}, {one}, {other})" if one and other else None


@gives(*ORDERED)
def of_several(w: Writer, kind: str, scope: Scope) -> str | None:
    """`least` and `greatest`."""
    one, other = w.value(kind, scope), w.bare(kind, scope)
    if one is None or other is None or w.plain:
        return None
    return f"{w.rng.choice(['least', 'greatest'])}({one}, {w.rng.choice([other, w.literal(kind)])})"


@gives(*NUMBERS)
def rounded(w: Writer, kind: str, scope: Scope) -> str | None:
    number = None if w.plain else w.value(kind, scope)
    if number is None:
        return None
    places = w.rng.choice(["", f", {w.rng.randint(0, 4)}"]) if kind != "decimal" else f", {w.rng.randint(1, 4)}"
    return w.rng.choice([f"abs({number})", f"round({number}{places})", *([f"floor({number})", f"ceil({number})"] * (kind != "decimal"))])


@gives("whole", weight=3)
def part_of_time(w: Writer, kind: str, scope: Scope) -> str | None:
    moment = None if w.plain else w.value(w.rng.choice(TIMES), scope)
    if moment is None:
        return None
    other = w.moment(scope, w.rng.choice(TIMES))
    instant = w.value("timestamp", scope)
    hours = [f"hour({instant})"] if instant else []
    days = [f"days_since({moment})", f"days_between({moment}, {other})", f"days_between({other}, {moment})"]
    return w.rng.choice([f"{w.rng.choice(PARTS)}({moment})", w.rng.choice(days), *hours])


@gives("date")
def start_of_time(w: Writer, kind: str, scope: Scope) -> str | None:
    moment = None if w.plain else w.value(w.rng.choice(TIMES), scope)
    return f"{w.rng.choice(STARTS)}({moment})" if moment else None


@gives("text")
def respelt(w: Writer, kind: str, scope: Scope) -> str | None:
    text = None if w.plain else w.value("text", scope)
    return f"{w.rng.choice(['lower', 'upper', 'trim'])}({text})" if text else None


@gives("whole")
def length_of_text(w: Writer, kind: str, scope: Scope) -> str | None:
    text = None if w.plain else w.value("text", scope)
    return f"length({text})" if text else None


@gives("whole")
def bucket(w: Writer, kind: str, scope: Scope) -> str | None:
    key = None if w.plain or w.rng.random() < 0.6 else w.field(w.rng.choice(["text", "whole"]), scope)
    return f'bucket({key[0]}, {w.rng.choice([2, 10, 100, 300])}, "salt")' if key else None


# ---- calculations


@gives(*NUMBERS, weight=3)
def calculated(w: Writer, kind: str, scope: Scope) -> str | None:
    one = w.field(kind, scope, True)
    if one is None:
        return None
    if w.reckless and kind != "number" and w.rng.random() < 0.5:
        return f"({one[0]} * {10 ** w.rng.randint(12, 19)})"
    other = w.field(kind, scope, True)
    right = w.rng.choice([other[0] if other else one[0], w.literal(kind)])
    return w.rng.choice([f"({one[0]} {w.rng.choice('+-*')} {right})", f"({w.literal(kind)} - {one[0]})", f"-{one[0]}"])


@gives("decimal")
def of_two_kinds(w: Writer, kind: str, scope: Scope) -> str | None:
    one, other = w.field("decimal", scope, True), w.field("whole", scope, True)
    return f"({other[0]} {w.rng.choice('+-*')} {one[0]})" if one and other else None


@gives("number", weight=3)
def divided(w: Writer, kind: str, scope: Scope) -> str | None:
    one, other = w.field(w.rng.choice(NUMBERS), scope, True), w.field(w.rng.choice(NUMBERS), scope, True)
    return f"({one[0]} / {w.rng.choice([other[0] if other else '3', '3', '7.5'])})" if one else None


@gives("number")
def mixed(w: Writer, kind: str, scope: Scope) -> str | None:
    one, other = w.field("number", scope, True), w.field(w.rng.choice(EXACT), scope, True)
    return f"({one[0]} {w.rng.choice('+-*')} {other[0]})" if one and other else None


@gives("duration", weight=2)
def in_sum(w: Writer, kind: str, scope: Scope) -> str | None:
    """`sum` and `avg` of durations."""
    return None if w.plain else aggregate(w, w.rng.choice(["sum", "avg"]), kind, scope, calm=False)


@gives("duration", weight=2)
def calculated_duration(w: Writer, kind: str, scope: Scope) -> str | None:
    one = None if w.plain else w.value("duration", scope)
    other = w.rng.choice([w.bare("duration", scope), w.literal("duration")])
    return w.rng.choice([f"({one} {w.rng.choice('+-')} {other})", f"-({one})", f"abs({one})"]) if one and other else None


@gives("timestamp", weight=2)
def moved_by_value(w: Writer, kind: str, scope: Scope) -> str | None:
    """A timestamp that a duration of the row moves."""
    one, length = w.bare("timestamp", scope), None if w.plain else w.value("duration", scope)
    return f"({w.rng.choice([one, 'now'])} {w.rng.choice('+-')} {length})" if one and length else None


@gives("number")
def distance(w: Writer, kind: str, scope: Scope) -> str | None:
    """Kilometres between two places of which one or both are the row's."""
    fields = [None if w.plain else w.field(w.rng.choice(NUMBERS), scope) for _ in range(3)]
    if fields[0] is None or fields[1] is None:
        return None
    return f"distance_km({fields[0][0]}, {fields[1][0]}, {fields[2][0] if fields[2] else '52.5'}, 13.4)"


@gives(*TIMES, weight=2)
def moved(w: Writer, kind: str, scope: Scope) -> str | None:
    moment = w.value(kind, scope)
    units = LONG_UNITS + ["hour", "minute"] * (kind == "timestamp")
    return f"({moment} {w.rng.choice('+-')} {w.length(*units)})" if moment else None


@gives("duration", weight=3)
def difference(w: Writer, kind: str, scope: Scope) -> str | None:
    time = w.rng.choice(TIMES)
    one = w.value(time, scope)
    other = w.rng.choice([w.value(time, scope), "today" if time == "date" else "now", w.literal(time)])
    pair = [one, other] if w.rng.random() < 0.5 else [other, one]
    return f"({pair[0]} - {pair[1]})" if one and other else None


@gives("duration")
def scaled_duration(w: Writer, kind: str, scope: Scope) -> str | None:
    length = None if w.plain else w.value("duration", scope)
    number = w.field(w.rng.choice(NUMBERS), scope, True)
    factor = w.rng.choice([number[0] if number else "2", "3", "1.5", "0.1"])
    return w.rng.choice([f"({length} * {factor})", f"({length} / {factor})"]) if length else None
