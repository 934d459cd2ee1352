"""Random values and tests of durations that differ from row to row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.random_rules import Rules, Scope

UNITS = ["minutes", "hours", "days", "weeks"]
ORDER = ["=", "!=", "<", "<=", ">", ">="]


def length(writer: Rules) -> str:
    """A constant duration without months."""
    return f"{writer.rng.randint(0, 60)} {writer.rng.choice(UNITS)}"


def simple(writer: Rules, scope: Scope) -> str | None:
    """A field of durations, a difference of two times, or a let."""
    rng = writer.rng
    draw = rng.random()
    if draw < 0.4:
        field = writer.field("duration", scope)
        if field is not None:
            return field
    kind = rng.choice(["timestamp", "timestamp", "date"])
    first, second = writer.field(kind, scope), writer.field(kind, scope)
    if first is None or second is None:
        return None
    clock = "now" if kind == "timestamp" else "today"
    return rng.choice([f"({first} - {second})", f"({clock} - {first})", f"({second} - {clock})"])


def duration(writer: Rules, scope: Scope, depth: int = 2) -> str | None:
    """A duration reckoned for each row."""
    rng = writer.rng
    lets = writer.named.get("let duration", []) + (writer.named.get(f"let duration {scope.table}", []) if scope.rows else [])
    if lets and rng.random() < 0.15:
        return rng.choice(lets)
    one = simple(writer, scope)
    if one is None or depth == 0 or rng.random() < 0.3:
        return one
    if rng.random() < 0.25:
        found = aggregate(writer, scope)
        if found is not None:
            return found
    other = duration(writer, scope, depth - 1) or length(writer)
    factor = writer.calm(rng.choice(["whole", "decimal", "number"]), scope) or "1.5"
    function = rng.choice(["least", "greatest", "coalesce"])
    forms = [f"({one} {rng.choice('+-')} {other})", f"({one} {rng.choice('+-')} {length(writer)})", f"({length(writer)} - {one})"]
    forms += [f"({one} {rng.choice('*/')} {rng.choice([factor, '2', '0.5', '-3'])})", f"-{one}", f"abs({one})"]
    forms += [f"{function}({one}, {rng.choice([other, length(writer)])})", f"if({writer.condition(scope, 1)}, {one}, {other})"]
    return rng.choice(forms)


def aggregate(writer: Rules, scope: Scope) -> str | None:
    """A sum, a mean or an extreme over a relation's rows."""
    from tests.random_rules import Scope  # the two rooms need each other

    rng = writer.rng
    table = writer.relation_name(scope)
    if table is None:
        return None
    rows = Scope(table, True)
    value = duration(writer, rows, 1)
    where = f" where {writer.condition(rows, 1)}" if rng.random() < 0.5 else ""
    return None if value is None else f"{rng.choice(['sum', 'avg', 'avg', 'min', 'max'])}({value} for {table}{where})"


def lasting(writer: Rules, scope: Scope) -> str | None:
    """A test of a duration, or of a time that one moves."""
    rng = writer.rng
    span = duration(writer, scope)
    if span is None:
        return None
    draw = rng.random()
    if draw < 0.35:
        return f"{span} {rng.choice(ORDER)} {rng.choice([length(writer), duration(writer, scope, 1) or length(writer)])}"
    if draw < 0.45:
        return (
            f"{span} {rng.choice(['in', 'not in'])} ({length(writer)}, {rng.choice([length(writer), simple(writer, scope) or '0 days'])})"
        )
    if draw < 0.5:
        return f"{span} is {rng.choice(['', 'not '])}missing"
    at = writer.value("timestamp", scope) if draw < 0.8 else writer.field("timestamp", scope)
    if at is None:
        return None
    if draw < 0.7:
        moved = rng.choice([f"{at} + {span}", f"{at} - {span}", f"now + {span}", f"{span} + {at}"])
        return f"{moved} {rng.choice([*ORDER, 'before', 'after'])} {writer.time(scope, rng.choice(['timestamp', 'timestamp', 'date']))}"
    named = writer.field("duration", scope) or next(iter(writer.named.get("let duration", []) if not scope.rows else []), None)
    if named is None or named.startswith("`"):
        return f"{at} - {span} {rng.choice(['', 'not '])}in {rng.choice(['this year', 'last month', '2026'])}"
    if draw < 0.85:
        return f"{at} {rng.choice(['before', 'after', '>='])} {named} {rng.choice(['ago', 'from now'])}"
    return f"{at} {rng.choice(['', 'not '])}within {rng.choice(['last', 'last', 'next'])} {named}"


def distance(writer: Rules, scope: Scope) -> str | None:
    """Kilometres between two places of which one or both are the row's."""
    kinds = ["number", "decimal", "whole", "number"]
    fields = [writer.calm(writer.rng.choice(kinds), scope) for _ in range(2)]
    if None in fields:
        return None
    other = [writer.calm("number", scope) or "12.5", "13.4"] if writer.rng.random() < 0.4 else ["52.5", "13.4"]
    return f"distance_km({fields[0]}, {fields[1]}, {', '.join(other)})"
