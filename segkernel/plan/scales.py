"""Numbers at the scale, or as the floats, that an operation wants; constants are converted on the spot."""

from __future__ import annotations

from segdsl.calendar_days import NANOSECONDS_A_DAY as DAY
from segdsl.syntax import Span
from segdsl.typesystem import NUMBER, WHOLE, Length, Type, decimal
from segkernel.plan.program import Builder, Node
from segkernel.plan.slots import Slot


def is_known(node: Node) -> bool:
    """Whether a node is a constant whose value the rules say."""
    return bool(node[0] == "constant" and not isinstance(node[3], Slot))


def as_float(build: Builder, number: int, kind: Type, space: int) -> int:
    """The nearest float of a value of a type."""
    node = build.nodes[number]
    if kind.kind == "number":
        return number
    if is_known(node):
        return build.add("constant", space, NUMBER, None if node[3] is None else node[3] / 10**kind.scale)
    return build.add("float", space, NUMBER, number)


def units_as_float(build: Builder, number: int, space: int) -> int:
    """The units themselves as a float: both sides of a division then have the same scale."""
    node = build.nodes[number]
    if is_known(node):
        return build.add("constant", space, NUMBER, None if node[3] is None else float(node[3]))
    return build.add("float", space, WHOLE, number)


def at_scale(build: Builder, number: int, kind: Type, scale: int, space: int, span: Span) -> int:
    """An exact value of a type at a scale that is no smaller than its own; `span` is told where it leaves 128 bits there."""
    if kind.scale == scale:
        return number
    factor = 10 ** (scale - kind.scale)
    node = build.nodes[number]
    if is_known(node):
        return build.add("constant", space, decimal(scale), None if node[3] is None else node[3] * factor)
    moved = build.add("arithmetic", space, decimal(scale), "*", number, build.add("constant", space, WHOLE, factor))
    build.spans.setdefault(moved, span)
    return moved


def length_in_ns(length: Length) -> int:
    """An exact duration in nanoseconds, a day 24 hours."""
    return length.days * DAY + length.nanoseconds
