"""Arithmetic as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl import checked
from segdsl.typesystem import DATE, DURATION, NUMBER, TIMESTAMP, WHOLE
from segkernel.plan.scales import as_float, at_scale, units_as_float

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner


def arithmetic(planner: Planner, node: checked.Arithmetic, space: int) -> int:
    """A sum, difference, product or quotient."""
    build = planner.builder
    left, right = node.left.type, node.right.type
    a, b = planner.value(node.left, space), planner.value(node.right, space)
    if node.type.kind == "number":
        if node.op == "/" and "number" not in (left.kind, right.kind):
            scale = max(left.scale, right.scale)
            a, b = (at_scale(build, x, kind, scale, space, node.span) for x, kind in ((a, left), (b, right)))
            a, b = units_as_float(build, a, space), units_as_float(build, b, space)
        else:
            a, b = as_float(build, a, left, space), as_float(build, b, right, space)
    elif node.op != "*":
        a, b = (at_scale(build, x, kind, node.type.scale, space, node.span) for x, kind in ((a, left), (b, right)))
    return build.add("arithmetic", space, node.type, node.op, a, b)


def shifted(planner: Planner, node: checked.Shift, space: int) -> int:
    """A time moved by a constant length."""
    build = planner.builder
    operand = planner.value(node.operand, space)
    by = node.by
    if by.months or (node.type == TIMESTAMP and by.days):
        return planner.noted(build.add("shift", space, node.type, operand, by), node)
    step = by.days if node.type == DATE else by.nanoseconds
    return planner.noted(build.add("arithmetic", space, node.type, "+", operand, build.add("constant", space, node.type, step)), node)


def scaled(planner: Planner, node: checked.ScaleDuration, space: int) -> int:
    """A duration times or divided by a number."""
    build = planner.builder
    duration, factor = (node.left, node.right) if node.left.type == DURATION else (node.right, node.left)
    a, b = planner.value(duration, space), planner.value(factor, space)
    if factor.type.kind == "number":
        product = build.add("arithmetic", space, NUMBER, node.op, build.add("float", space, NUMBER, a), b)
        return build.add("round", space, DURATION, product)
    ten = build.add("constant", space, WHOLE, 10**factor.type.scale)
    if node.op == "*":
        product = build.add("arithmetic", space, DURATION, "*", a, b)
        return product if not factor.type.scale else build.add("divide", space, DURATION, product, ten)
    return build.add("divide", space, DURATION, build.add("arithmetic", space, DURATION, "*", a, ten) if factor.type.scale else a, b)
