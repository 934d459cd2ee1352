"""Random tests of lists of the data, written by a writer of random rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.random_rules import Rules, Scope

LIKE = {"whole": ["whole", "number", "decimal"], "number": ["number", "whole", "decimal"], "decimal": ["decimal", "whole", "number"],
        "date": ["date", "timestamp"], "timestamp": ["timestamp", "date"], "text": ["text"], "yes/no": ["yes/no"]}  # fmt: skip
"""What the values of each kind may be held against."""


def values(writer: Rules, kind: str, scope: Scope) -> str | None:
    """`values(…)` of a relation of the scope's rows."""
    rng = writer.rng
    if rng.random() < 0.25:
        return values_up(writer, kind, scope)
    table = writer.relation_name(scope)
    if table is None:
        return None
    rows = type(scope)(table, True)
    where = f" where {writer.condition(rows, rng.randint(0, 2))}" if rng.random() < 0.5 else ""
    if rng.random() < 0.3:
        value = writer.value(kind, rows)
        return f"values({value} for {table}{where})" if value else None
    field = writer.field(kind, rows)
    return f"values({table}.{field}{where})" if field else None


def values_up(writer: Rules, kind: str, scope: Scope) -> str | None:
    """`values(…)` of rows of the row that links lead to."""
    rng = writer.rng
    ways = {
        "customers": ["company.customers"],
        "orders": ["customer.orders"],
        "order_lines": ["order.order_lines", "order.customer.orders"],
    }
    way = rng.choice(ways.get(scope.table, [""]))
    table = way.rpartition(".")[2]
    if not way or way.partition(".")[0] not in writer.world.schema.tables[scope.table].links:
        return None
    rows = type(scope)(table, True)
    field, other = writer.field(kind, rows), writer.field(rng.choice(list(LIKE)), rows)
    where = f" where {other} is not missing" if other and rng.random() < 0.5 else ""
    return f"values({way}.{field}{where})" if field else None


def listed(writer: Rules, scope: Scope) -> tuple[str, str] | None:
    """A list and the kind of its items: a field, a let of the account, or `values(…)`."""
    rng = writer.rng
    kind = rng.choice(list(LIKE))
    known = [(text, column.kind.removeprefix("list of ")) for text, column in writer.reachable(scope) if column.kind.startswith("list of")]
    known += [(name, each) for each in LIKE for name in writer.named.get(f"let list of {each}", [])]
    if known and rng.random() < 0.75:
        return rng.choice(known)
    found = values(writer, kind, scope)
    return (found, kind) if found else None


def test(writer: Rules, scope: Scope) -> str | None:
    """A test of a list."""
    rng = writer.rng
    found = listed(writer, scope)
    if found is None:
        return None
    held, kind = found
    if rng.random() < 0.25:
        other = overlap(writer, scope, held, kind)
        if other is not None:
            return other
    if rng.random() < 0.1 and not held.startswith("values("):
        return f"{held} is {rng.choice(['', 'not '])}missing"
    ending = " ignoring case" if kind == "text" and rng.random() < 0.3 else ""
    against = LIKE[kind] if rng.random() < 0.3 else [kind]
    samples = samples_of(writer, held)
    if rng.random() < 0.5 and not held.startswith("values("):
        items = ", ".join(writer.literal(kind, samples) for _ in range(rng.randint(1, 3)))
        return f"{rng.choice(['', 'not '])}{held} {rng.choice([f'contains any of ({items})', f'contains all of ({items})'])}{ending}"
    value: str | None = writer.literal(kind, samples)
    if rng.random() < 0.75:
        value = writer.value(rng.choice(against), scope)
    if value is None:
        return None
    if rng.random() < 0.3 and not held.startswith("values("):
        return f"{rng.choice(['', 'not '])}{held} contains {value}{ending}"
    return f"{value} {rng.choice(['in', 'not in'])} {held}{ending}"


def overlap(writer: Rules, scope: Scope, held: str, kind: str) -> str | None:
    """A list held against another one that has a name."""
    rng = writer.rng
    other = listed(writer, scope)
    if other is None or held.startswith("values(") or other[0].startswith("values(") or other[1] not in LIKE[kind]:
        return None
    # all of a list of the account cannot be asked of a list of each row
    words = "any" if scope.rows and other[0] in writer.named.get(f"let list of {other[1]}", []) else rng.choice(["any", "all"])
    ending = " ignoring case" if kind == "text" and rng.random() < 0.3 else ""
    return f"{held} {rng.choice(['', 'not '])}contains {words} of {other[0]}{ending}"


def samples_of(writer: Rules, held: str) -> tuple[Any, ...]:
    """Some items of a list field."""
    for columns in writer.world.columns.values():
        for column in columns:
            if column.kind.startswith("list of") and held.endswith(column.name):
                return column.samples
    return ()
