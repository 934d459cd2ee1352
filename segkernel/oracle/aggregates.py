"""Aggregates of the rows that count: what each function makes of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl import checked
from segkernel.oracle import arithmetic, groups
from segkernel.oracle.arithmetic import Value, whole
from segkernel.oracle.functions import order_of

if TYPE_CHECKING:
    from segkernel.oracle.evaluate import Oracle, Row


def aggregated(oracle: Oracle, aggregate: checked.Aggregate | checked.Grouped, row: Row) -> Value:
    """The value of an aggregate for a row, or of groups of its rows."""
    counted = oracle.counted(aggregate, row)
    if aggregate.value is not None:
        every = groups.formed(oracle, aggregate, row) if isinstance(aggregate, checked.Grouped) else oracle.rows(aggregate, row)
        given = {each: oracle.value(aggregate.value, each) for each in every}
    if aggregate.order is not None:
        chosen = _chosen(oracle, aggregate, aggregate.order, counted, row)
        return None if chosen is None else given[chosen]
    if aggregate.function == "all":
        return all(given[each] is True for each in counted)
    if aggregate.function == "any":
        return len(counted) > 0
    if aggregate.function == "none":
        return len(counted) == 0
    if aggregate.value is None:
        return len(counted)
    type_ = aggregate.value.type
    values = [given[each] for each in counted if given[each] is not None]
    if aggregate.function == "values":
        return tuple(values)
    if aggregate.function == "count":
        return len(values)
    if aggregate.function == "distinct":
        return len(set(values))
    if aggregate.function == "sum":
        if type_.kind == "number":
            return arithmetic.float_sum([arithmetic.as_float(value, type_) for value in values])
        return arithmetic.in_range(sum(whole(value) for value in values), aggregate.type, aggregate.span)
    if not values or (aggregate.function == "stddev" and len(values) == 1):
        return None
    if aggregate.function == "stddev":
        return arithmetic.deviation(values, type_)
    if aggregate.function == "median":
        return arithmetic.median(values, type_)
    if aggregate.function == "avg":
        return arithmetic.average(values, type_)
    return min(values, key=order_of) if aggregate.function == "min" else max(values, key=order_of)


def _chosen(
    oracle: Oracle, aggregate: checked.Aggregate | checked.Grouped, order: checked.Expression, counted: list[Row], row: Row
) -> Row | None:
    """The first or the last of the counted rows or groups by what stands after `by`; None where it is missing for all of them."""
    if isinstance(aggregate, checked.Grouped):
        every = groups.formed(oracle, aggregate, row)
        places = {each: groups.place(oracle, aggregate, each) for each in every}
    else:
        every = oracle.rows(aggregate, row)
        places = {each: oracle.families.place(each.table, each.index) for each in every}
    known = {each: oracle.value(order, each) for each in every}
    placed = {(order_of(known[each]), places[each]): each for each in counted if known[each] is not None}
    return placed[min(placed) if aggregate.function == "first" else max(placed)] if placed else None
