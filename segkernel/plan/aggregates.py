"""Aggregates as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl import checked
from segdsl.typesystem import WHOLE

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner


def aggregated(planner: Planner, node: checked.Aggregate, space: int) -> int:
    """The node of an aggregate's value; yes/no values are 0 and 1."""
    build = planner.builder
    rows = planner.rows(node, space)
    where = planner.where(node, rows)
    value = node.value
    if node.order is not None:
        assert value is not None
        found = build.add("aggregate", space, WHOLE, node.function, rows, where, planner.value(node.order, rows))
        return build.add("taken", space, node.type, found, number_of(planner, value, rows))
    if value is None:
        of = None
    elif node.function == "count" and value.type.kind == "yes/no" and not isinstance(value, checked.Field):
        known = planner.missing(value, rows, False)
        where, of = (known if where is None else build.all_of(rows, (where, known))), None
    else:
        of = number_of(planner, value, rows)
    return build.add("aggregate", space, node.type, node.function, rows, where, of)


def number_of(planner: Planner, value: checked.Expression, rows: int) -> int:
    """The node of a value, a condition as 0 where it is false and 1 where it is true."""
    if value.type.kind != "yes/no" or isinstance(value, checked.Field):
        return planner.value(value, rows)
    build = planner.builder
    no = build.add("constant", rows, WHOLE, 0)
    unknown = build.add("constant", rows, WHOLE, None)
    yes = build.add("constant", rows, WHOLE, 1)
    unless_true = build.add("either", rows, WHOLE, planner.truth(value, rows, False), no, unknown)
    return build.add("either", rows, WHOLE, planner.truth(value, rows, True), yes, unless_true)
