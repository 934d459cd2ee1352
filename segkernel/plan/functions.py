"""Calls of functions as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl import checked
from segdsl.texts import RESPELLINGS
from segdsl.typesystem import DATE, NUMBER, WHOLE
from segkernel.plan.program import Builder
from segkernel.plan.slots import CALENDAR, form_of, local_day

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner


def called(planner: Planner, node: checked.Call, space: int) -> int:
    """The node of a function of values of which a run knows not all."""
    build, function = planner.builder, node.function
    if function in ("least", "greatest"):
        result, *others = (planner.fitted(operand, node.type, space) for operand in node.operands)
        for other in others:
            result = outermost(planner, node, space, result, other)
        return result
    if function in CALENDAR or function == "days_between":
        return of_days(planner, node, space)
    if function == "distance_km":
        return build.add("distance", space, NUMBER, *(planner.fitted(operand, NUMBER, space) for operand in node.operands))
    value = planner.value(node.operands[0], space)
    if function == "abs" and node.type == NUMBER:
        zero = build.add("constant", space, NUMBER, 0.0)
        return build.add(
            "either", space, NUMBER, build.range(space, value, None, 0.0), build.add("arithmetic", space, NUMBER, "-", zero, value), value
        )
    if function in ("round", "floor", "ceil"):
        places = node.operands[1] if function == "round" else None
        kept = places.value if isinstance(places, checked.Constant) else 0
        return build.add("rounded", space, node.type, function, kept, value)
    if function == "bucket":
        count, salt = (operand.value for operand in node.operands[1:] if isinstance(operand, checked.Constant))
        return build.add("bucket", space, node.type, value, count, salt)
    if function in RESPELLINGS:
        return build.add("respelt", space, node.type, function, value)
    assert function in ("abs", "length"), function
    return build.add(function, space, node.type, value)


def outermost(planner: Planner, node: checked.Call, space: int, a: int, b: int) -> int:
    """The smaller or the larger of two values: missing where one of them is."""
    build = planner.builder
    nearer = build.add("compare", space, "<=" if node.function == "least" else ">=", a, b)
    known = build.range(space, a, None, None)
    return build.add("either", space, node.type, nearer, a, build.add("either", space, node.type, known, b, a))


def of_days(planner: Planner, node: checked.Call, space: int) -> int:
    """A function of the calendar."""
    build = planner.builder
    if node.function == "hour":
        return build.add("calendar", space, WHOLE, "hour", planner.value(node.operands[0], space))
    days = [day_of(planner, operand, space) for operand in node.operands]
    if node.function == "days_between":
        return build.add("arithmetic", space, WHOLE, "-", days[1], days[0])
    return days[0] if node.function == "date" else build.add("calendar", space, node.type, node.function, days[0])


def day_of(planner: Planner, node: checked.Expression, space: int) -> int:
    """The node of the local day of a date or timestamp."""
    form = form_of(node)
    if form is not None:
        return planner.builder.add("constant", space, DATE, planner.bound(local_day(form, node.type)))
    number = planner.value(node, space)
    return number if node.type == DATE else planner.noted(planner.builder.add("day", space, DATE, number), node)


def spelling(build: Builder, number: int) -> tuple[int, tuple[str, ...]] | None:
    """The text that a node respells or counts, and the functions in their order; None for other nodes."""
    node = build.nodes[number]
    functions: list[str] = []
    if node[0] == "length":
        functions, number = ["length"], node[3]
        node = build.nodes[number]
    while node[0] == "respelt":
        functions.append(node[3])
        number = node[4]
        node = build.nodes[number]
    return (number, tuple(reversed(functions))) if functions else None
