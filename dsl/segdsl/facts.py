"""What is known of a value before there are any data: which values it can have at all, and whether it can be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segdsl import cuts
from segdsl.checked import (
    Aggregate,
    Arithmetic,
    Call,
    Chosen,
    Coalesce,
    Compare,
    Constant,
    Expression,
    Field,
    Grouped,
    HostCall,
    If,
    IsMissing,
    Negative,
    Now,
    PeriodStart,
    Relative,
    Rules,
    Today,
)
from segdsl.cuts import Cuts
from segdsl.ends import ends
from segdsl.schema import FieldSpec, Schema
from segdsl.typesystem import NUMBER, TRUTH

CALENDAR = {"month": (1, 12), "weekday": (1, 7), "day": (1, 31), "quarter": (1, 4), "hour": (0, 23)}
_COUNTS = ("count", "distinct")
_SIZES = ("abs", "length", "distance_km", *_COUNTS, "stddev")
_DECIDED = (*_COUNTS, "any", "none", "all", "sum")
_EXACT = ("whole", "decimal")
_KEEPING = ("abs", "floor", "ceil", "round", "least", "greatest")
"""Functions of exact numbers that are missing only where one of their operands is."""


def possible(node: Expression, rules: Rules) -> tuple[Cuts, str]:
    """The values that an expression can have where it is present, in its plain view, and how a message says it: empty where nothing
    is known of them."""
    if node.type == TRUTH:
        return _steps(0, 1), ""
    kind = type(node)
    if isinstance(node, Call | Aggregate | Grouped | Relative):
        return _of_function(node)
    if kind is Chosen:
        rule = rules.chooses[node.name]  # type: ignore[union-attr]
        values = [case.value for case in rule.cases] + ([] if rule.otherwise is None else [rule.otherwise])
        pairs = [(found[1], found[2]) for value in values if (found := ends(rule.type, value)) is not None]
        return cuts.points(pairs) if len(pairs) == len(values) else cuts.ALL, "it is one of the values of its `choose`"
    if kind is HostCall and node.signature.values:  # type: ignore[union-attr]
        texts = node.signature.values  # type: ignore[union-attr]
        return cuts.points(((text, 0), (text, 1)) for text in texts), "its function does not give it"
    return cuts.ALL, ""


def _steps(first: int, last: int) -> Cuts:
    return cuts.between(first, last + 1)


def _of_function(node: Call | Aggregate | Grouped | Relative) -> tuple[Cuts, str]:
    name, least = node.function, 0
    if name in CALENDAR:
        first, last = CALENDAR[name]
        return _steps(first, last), f"`{name}` is from {first} to {last}"
    most: int | None = None
    if isinstance(node, Relative) and name in ("rank", "ntile", "percentile"):
        least = int(name != "percentile")
        most = 100 if name == "percentile" else None if node.amount is None else int(node.amount)
    elif isinstance(node, Call) and name == "bucket":
        count = node.operands[1]
        assert isinstance(count, Constant)
        assert isinstance(count.value, int)
        most = count.value - 1
    elif name not in _SIZES:
        return cuts.ALL, ""
    said = f"`{name}` is never below {least}" if most is None else f"`{name}` is from {least} to {most}"
    floats = node.type == NUMBER
    low: Any = (least, 0) if floats else least
    if most is None:
        return cuts.above(low), said
    return cuts.between(low, (most, 1) if floats else most + 1), said


def can_miss(node: Expression, schema: Schema, rules: Rules, operands: Callable[[Expression], bool]) -> bool:
    """Whether a value can be missing at all; `operands` says it of the expressions inside it."""
    if isinstance(node, Aggregate | Grouped):
        # a sum of floats can come to no number: of infinities of both signs
        return node.function not in _DECIDED or node.type == NUMBER
    if isinstance(node, Now | Today | PeriodStart | IsMissing):
        return False
    if isinstance(node, Constant):
        return node.value is None
    if isinstance(node, Field):
        return bool(node.path) or not field_spec(schema, node).never_missing
    if isinstance(node, Chosen):
        return rules.chooses[node.name].otherwise is None
    if isinstance(node, Coalesce):
        return all(operands(each) for each in node.operands)
    if isinstance(node, If):
        return operands(node.yes) or operands(node.no)
    if isinstance(node, Compare):
        return operands(node.left) or operands(node.right)
    exact = node.type.kind in _EXACT
    if isinstance(node, Arithmetic) and exact:
        return operands(node.left) or operands(node.right)
    if isinstance(node, Negative):
        return operands(node.operand)
    if isinstance(node, Call) and node.function in _KEEPING and exact:
        return any(operands(each) for each in node.operands)
    return True


def field_spec(schema: Schema, field: Field) -> FieldSpec:
    """What the schema says of a field."""
    table = schema.tables[field.table]
    for link in field.path:
        table = schema.tables[table.links[link].table]
    return table.fields[field.name]
