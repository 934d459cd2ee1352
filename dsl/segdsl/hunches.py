"""Which statements are worth reasoning about: a cheap look at each before the costly one at some.

Tests can exclude or imply each other only where two of them look at the same thing for the same row, and a lone one decides by itself only
where a constant lies beyond what its value can be. Statements mean the same only where they speak of the same names and constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from segdsl import constants
from segdsl.calendar_days import NANOSECONDS_A_DAY
from segdsl.checked import (
    Aggregate,
    And,
    Call,
    Chosen,
    Collected,
    Compare,
    Constant,
    Expression,
    Field,
    Grouped,
    HostCall,
    InList,
    InSegment,
    IsMissing,
    KOf,
    Let,
    Not,
    Now,
    Or,
    PeriodStart,
    Relative,
    Rules,
    Shift,
    TextTest,
    Today,
)
from segdsl.ends import ends
from segdsl.syntax import Span
from segdsl.tree import FLIPPED, LEAVES, children
from segdsl.typesystem import TRUTH, Length

_AFTER = (">", "<=")
_MANY = 64
_LINKS = frozenset((And, Or, Not))
_OF_ROWS = frozenset((Aggregate, Grouped, Relative))
_BOUNDED = frozenset((Chosen, HostCall, Relative))


class Glance(msgspec.Struct):
    """What a look at a statement shows: the things that are tested for its own row, each with the place of a test; a sign that is equal
    where the meaning is; the statements it mentions; and whether it is worth reasoning about."""

    things: dict[Any, Span] = {}
    sign: set[Any] = set()
    mentions: list[str] = []
    worth: bool = False


def worth_reasoning(rules: Rules, roots: dict[str, tuple[Expression, ...]]) -> set[str]:
    """The names of the statements worth it, and of all that these mention."""
    known: dict[str, Glance] = {}
    signs: dict[frozenset[Any], str] = {}
    found: set[str] = set(rules.chooses)
    for name in rules.order:
        glance = known[name] = _glance(roots[name], known)
        glance.worth = glance.worth or len(glance.things) > _MANY
        if glance.worth:
            found.add(name)
        glance.sign.discard(None)
        if len(glance.sign) > _MANY:  # what others mention is not to grow with each that does
            glance.sign = {hash(frozenset(glance.sign))}
        if name in rules.segments:
            earlier = signs.setdefault(frozenset(glance.sign), name)
            if earlier != name:
                found |= {earlier, name}
    for name in reversed(rules.order):
        if name in found:
            found.update(known[name].mentions)
    return found


def _glance(roots: Sequence[Expression], known: dict[str, Glance]) -> Glance:
    glance = Glance()
    sign = glance.sign
    waiting: list[tuple[Expression, dict[Any, Span], Span | None]] = [(root, glance.things, None) for root in roots]
    while waiting:
        node, things, place = waiting.pop()
        kind = type(node)
        if isinstance(node, Constant):
            sign.add(None if node.type == TRUTH else node.value)
        elif kind is Field or kind is Chosen or kind is Collected:
            name = node.name  # type: ignore[union-attr]
            sign.add(name)
            place = place or node.span
            if things.setdefault(name, place) != place:
                glance.worth = True
        elif kind is Let or kind is InSegment:
            name = node.name if kind is Let else node.segment  # type: ignore[union-attr]
            glance.mentions.append(name)
            other = known[name]
            sign |= other.sign
            glance.worth = glance.worth or other.worth or not things.keys().isdisjoint(other.things)
            things.update(other.things)
        elif kind in LEAVES:
            sign.add((kind, node.unit, node.shift) if isinstance(node, PeriodStart) else kind)
        elif kind in _LINKS:
            glance.worth = glance.worth or (kind is And and _backwards(node))
            waiting += [(child, things, None) for child in children(node)]
        elif kind in _OF_ROWS:
            # what is tested inside is tested for other rows; of the whole, the kind of rows stands for what it is
            place = place or node.span
            rows = None if kind is Relative else node.relation.name  # type: ignore[union-attr]
            sign.add(rows)
            if things.setdefault((kind, rows), place) != place:
                glance.worth = True
            waiting += [(child, {}, None) for child in children(node)]
        else:
            if kind is KOf or _out_of_reach(node):
                glance.worth = True
            inner = children(node)
            if isinstance(node, Compare):
                asked: list[Expression] = [side for side in inner if not isinstance(side, Constant)]
                op = FLIPPED[node.op] if isinstance(node.left, Constant) else node.op
                sign.update(_cut(op, asked[0], side) for side in inner if isinstance(side, Constant) and len(asked) == 1)
                inner = asked
            elif isinstance(node, InList) and len(node.items) <= _MANY:
                sign.update(_cut("=", node.value, item) for item in node.items)
            elif isinstance(node, Shift):
                sign.add(node.by)
            place = place or node.span
            waiting += [(child, things, place) for child in inner]
    return glance


def _cut(op: str, value: Expression, constant: Constant) -> Any:
    """A constant for a sign, the same for `x > 3` and `x >= 4` of whole numbers. There is none where it is that of `any`, or yes or no."""
    if constant.value is None or constant.type == TRUTH:
        return None
    found = ends(value.type, constant)
    if found is None:
        return constant.value
    cut = found[2] if op in _AFTER else found[1]
    return None if cut == 1 else cut


def _backwards(node: Expression) -> bool:
    """Whether a range may be empty."""
    bounds = [term.right for term in node.terms if isinstance(term, Compare)]  # type: ignore[union-attr]
    if len(bounds) < 2:
        return False
    low, high = _roughly(bounds[0]), _roughly(bounds[1])
    return low is not None and high is not None and (type(low) is not type(high) or low >= high)


def _roughly(end: Expression) -> Any:
    """A number or text in the order of the ends of ranges; None where it is known only row by row."""
    if isinstance(end, Constant):
        return _days(end.value) if isinstance(end.value, Length) else constants.nearest(end) if constants.is_number(end) else end.value
    if isinstance(end, Shift):
        return _days(end.by)
    if isinstance(end, PeriodStart):
        return end.shift
    return 0 if isinstance(end, Now | Today) else None


def _days(length: Length) -> float:
    return 30 * length.months + length.days + length.nanoseconds / NANOSECONDS_A_DAY


def _out_of_reach(node: Expression) -> bool:
    """Whether a test may be decided by what it asks for alone."""
    if isinstance(node, Compare):
        left, right, op = node.left, node.right, node.op
        if isinstance(left, Constant):
            left, right, op = right, left, FLIPPED[op]
        if not isinstance(right, Constant):
            return type(left) is type(right)
        return isinstance(left, Today | Now) or _unlikely(left, right) or (right.value == 0 and op in ("<", ">="))
    if isinstance(node, InList):
        return any(_unlikely(node.value, item) for item in node.items[:_MANY])
    if isinstance(node, IsMissing):
        return not isinstance(node.operand, Field) or not node.operand.nullable
    return isinstance(node, TextTest) and isinstance(node.pattern, Constant) and (not node.pattern.value or type(node.value) in _BOUNDED)


def _unlikely(value: Expression, constant: Constant) -> bool:
    if constant.value is None or type(value) in _BOUNDED:
        return True
    if constant.type != value.type and constant.type.scale > value.type.scale and value.type.kind in ("whole", "decimal"):
        return True
    small = isinstance(constant.value, int) and constant.value < 0
    if isinstance(value, Call):
        return small or isinstance(constant.value, int)
    return small and isinstance(value, Aggregate | Grouped)
