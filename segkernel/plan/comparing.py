"""Comparisons, lists and tests of texts as nodes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from segdsl import checked
from segdsl.tree import FLIPPED
from segdsl.typesystem import DATE, IN_TIME, TIMESTAMP, WHOLE, Length, Type
from segkernel.plan import functions
from segkernel.plan.bounds import Bounds, bounds
from segkernel.plan.scales import as_float, at_scale, length_in_ns
from segkernel.plan.slots import Form, Slot, day_after, form_of, local_day

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner

NEGATED = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_OPERATORS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
MANY_DAYS = 10_000_000
"""So many days can be counted from any day of the calendar."""
SAFE_PLACES = 18
"""A whole number of 64 bits with so many places more fits into 128 bits."""
_LISTED = ("text", "whole", "decimal", "date")
"""Types whose lists become sets of values; lists of other types are compared one by one."""

_TOLD: dict[type[checked.Checked], Callable[[Any], Hashable]] = {
    checked.Field: attrgetter("path", "name"),
    checked.Constant: attrgetter("type", "value"),
    checked.PeriodStart: attrgetter("unit", "shift"),
    checked.Now: type,
    checked.Today: type,
    checked.Shift: lambda moved: (_told(moved.operand), moved.by),
}


def _told(node: checked.Expression) -> Hashable:
    """What a value is, without its place; the node itself, which nothing else is equal to, where that takes a longer look."""
    return _TOLD.get(type(node), id)(node)


def told(node: checked.Expression) -> Hashable:
    """What a comparison or list test says of fields and constants, without its place: rules share most of them. None for others."""
    if type(node) is checked.Compare:
        return node.op, _told(node.left), _told(node.right)
    if type(node) is checked.InList:
        return _told(node.value), tuple(map(_told, node.items)), tuple(map(_told, node.others))
    return None


def so_many(planner: Planner, node: checked.KOf, space: int, wanted: bool) -> int:
    """At least `least` terms are true, and at most `most`: so many at least are then false."""
    build = planner.builder
    least = 0 if node.kind == "at most" else node.count
    most = len(node.terms) if node.kind == "at least" else node.count
    yes, no = ([planner.truth(term, space, side) for term in node.terms] for side in (True, False))
    if wanted:
        return build.all_of(space, (build.at_least(space, least, yes), build.at_least(space, len(no) - most, no)))
    return build.any_of(space, (build.at_least(space, len(no) - least + 1, no), build.at_least(space, most + 1, yes)))


def comparison(planner: Planner, op: str, left: checked.Expression, right: checked.Expression, space: int) -> int:
    """A comparison: of conditions, chooses, times that a run knows, constants, or two values of a row."""
    if left.type.kind == "yes/no":
        same = op == "="
        pairs = [(True, same), (False, not same)]
        both = [(planner.truth(left, space, x), planner.truth(right, space, y)) for x, y in pairs]
        return planner.builder.any_of(space, [planner.builder.all_of(space, pair) for pair in both])
    if isinstance(left, checked.Chosen) and isinstance(right, checked.Constant) and right.value is not None and _of_one_kind(left, right):
        return planner.chosen_among(
            left.name, lambda value: comparison_holds(op, _number(value, left.type), _number(right.value, right.type))
        )
    if isinstance(right, checked.Chosen) and isinstance(left, checked.Constant):
        return comparison(planner, FLIPPED[op], right, left, space)
    left_form, right_form = form_of(left), form_of(right)
    if left_form is not None and right_form is not None:
        return decided(planner, op, left_form, left.type, right_form, right.type, space)
    if isinstance(left, checked.Constant) and not isinstance(right, checked.Constant):
        return comparison(planner, FLIPPED[op], right, left, space)
    if left_form is not None and not isinstance(right, checked.Constant):
        return comparison(planner, FLIPPED[op], right, left, space)
    if right_form is not None and (right.type.kind in IN_TIME or left.type == WHOLE):
        return in_time(planner, op, left, right_form, right.type, space)
    if isinstance(right, checked.Constant):
        if right.value is None:
            return planner.builder.always(space, False)
        if left_form is not None:
            return decided_number(planner, left_form, bounds(left.type, op, right.value, right.type), space)
        if isinstance(left, checked.Call) and left.function == "days_between" and isinstance(right.value, int):
            start, end = left.operands
            until = form_of(end)
            if until is not None and form_of(start) is None and right.type == WHOLE and abs(right.value) < MANY_DAYS:
                day = ("shift", local_day(until, end.type), Length(days=-right.value))
                return in_time(planner, FLIPPED[op], start, day, DATE, space)
        source = planner.value(left, space)
        constant = length_in_ns(right.value) if isinstance(right.value, Length) else right.value
        found = bounds(left.type, op, constant, right.type)
        return planner.builder.always(space, False) if found is None else ranged(planner, space, source, *found)
    return between_values(planner, op, left, right, space)


def ranged(planner: Planner, space: int, source: int, low: Any, high: Any, outside: bool) -> int:
    """Where a value lies within a range, or outside; of a respelt text the range is asked of the function."""
    told = functions.spelling(planner.builder, source)
    if told is not None and not isinstance(low, Slot) and not isinstance(high, Slot):
        return planner.builder.add("asked", space, *told, "range", (low, high, outside), True)
    build = planner.builder
    return build.add("outside", space, source, low, high) if outside else build.range(space, source, low, high)


def decided(planner: Planner, op: str, a: Form, a_type: Type, b: Form, b_type: Type, space: int) -> int:
    """A comparison of two times that a run knows."""
    if a_type == b_type:
        x, y = Slot(a), Slot(b)
    else:
        x, y = (Slot(form if kind == DATE else ("day", form)) for form, kind in ((a, a_type), (b, b_type)))
    if a[0] in ("days", "instant") and b[0] == a[0]:
        return planner.builder.always(space, comparison_holds(op, a[1], b[1]))
    return planner.builder.add("when", space, op, x, y)


def decided_number(planner: Planner, form: Form, found: Bounds | None, space: int) -> int:
    """A number that a run knows, held against a range."""
    build = planner.builder
    if found is None:
        return build.always(space, False)
    low, high, outside = found
    above = build.always(space, True) if low is None else build.add("when", space, ">=", Slot(form), low)
    below = build.always(space, True) if high is None else build.add("when", space, "<", Slot(form), high)
    inside = build.all_of(space, (above, below))
    return build.invert(space, inside) if outside else inside


def in_time(planner: Planner, op: str, left: checked.Expression, form: Form, kind: Type, space: int) -> int:
    """A date or timestamp (or a whole number) against one that a run knows: a date is the whole local day."""
    source = planner.value(left, space)
    if left.type == TIMESTAMP and kind == DATE:
        first, after = planner.bound(("first instant", form)), planner.bound(("first instant", day_after(form)))
    else:
        if left.type == DATE and kind == TIMESTAMP:
            form = ("day", form)
        first, after = planner.bound(form), planner.bound(form) + 1
    low = {"=": first, "!=": first, ">": after, ">=": first}.get(op)
    high = {"=": after, "!=": after, "<": first, "<=": after}.get(op)
    return ranged(planner, space, source, low, high, op == "!=")


def between_values(planner: Planner, op: str, left: checked.Expression, right: checked.Expression, space: int) -> int:
    """A comparison of two values of a row."""
    a, b = planner.value(left, space), planner.value(right, space)
    kinds = (left.type.kind, right.type.kind)
    if kinds in (("date", "timestamp"), ("timestamp", "date")):
        a, b = (
            value if at.type == DATE else planner.noted(planner.builder.add("day", space, DATE, value), at)
            for value, at in ((a, left), (b, right))
        )
    elif "number" in kinds and "decimal" in kinds:
        a, b = (as_float(planner.builder, x, kind, space) for x, kind in ((a, left.type), (b, right.type)))
    elif "number" not in kinds and kinds[0] in ("whole", "decimal"):
        scale = max(left.type.scale, right.type.scale)
        if far_apart(left.type, right.type):
            if left.type.scale > right.type.scale:
                return _between_scales(planner, FLIPPED[op], b, right.type, a, space)
            return _between_scales(planner, op, a, left.type, b, space)
        a, b = (at_scale(planner.builder, x, of.type, scale, space, of.span) for x, of in ((a, left), (b, right)))
    return planner.builder.add("compare", space, op, a, b)


def far_apart(a: Type, b: Type) -> bool:
    """Whether numbers of two scales may not fit into 128 bits at the larger one: all but whole numbers beside few places."""
    return a.scale != b.scale and not ("whole" in (a.kind, b.kind) and max(a.scale, b.scale) <= SAFE_PLACES)


def _between_scales(planner: Planner, op: str, coarse: int, kind: Type, fine: int, space: int) -> int:
    """A number of fewer places against one of more, which is rounded: nothing then leaves its range."""
    build = planner.builder
    floor, ceil = (build.add("rounded", space, kind, function, kind.scale, fine) for function in ("floor", "ceil"))
    if op in ("=", "!="):
        both = [build.add("compare", space, op, coarse, bound) for bound in (floor, ceil)]
        return build.all_of(space, both) if op == "=" else build.any_of(space, both)
    return build.add("compare", space, op, coarse, ceil if op in ("<", ">=") else floor)


def membership(planner: Planner, node: checked.InList, space: int, wanted: bool) -> int:
    """Where a value is among those of a list, or is present and not among them."""
    build = planner.builder
    value = node.value
    parts: list[int] = []
    if isinstance(value, checked.Chosen) and all(item.value is not None and _of_one_kind(value, item) for item in node.items):
        known = {_number(item.value, item.type) for item in node.items}
        parts = [planner.chosen_among(value.name, lambda found: (_number(found, value.type) in known) is wanted)] if node.items else []
    elif node.items and value.type.kind in _LISTED and form_of(value) is None and all(item.type.kind in _LISTED for item in node.items):
        inside = [bounds(value.type, "=", item.value, item.type) for item in node.items]
        values = tuple(sorted({found[0] for found in inside if found is not None}))
        source = planner.value(value, space)
        told = functions.spelling(planner.builder, source)
        if told is None:
            parts = [build.add("among", space, source, values, wanted)]
        else:
            parts = [build.add("asked", space, *told, "among", values, wanted)]
    if not parts:
        op = "=" if wanted else "!="
        parts = [comparison(planner, op, value, item, space) for item in node.items]
    parts += [comparison(planner, "=" if wanted else "!=", value, other, space) for other in node.others]
    return build.any_of(space, parts) if wanted else build.all_of(space, parts)


def text_test(planner: Planner, node: checked.TextTest, space: int, wanted: bool) -> int:
    """Where a test of a text holds, or the text is there and it does not."""
    value, pattern = node.value, node.pattern
    if isinstance(value, checked.Chosen) and isinstance(pattern, checked.Constant) and node.kind != "matches":
        return planner.chosen_among(value.name, lambda found: text_holds(node.kind, found, str(pattern.value)) is wanted)
    if isinstance(pattern, checked.Constant):
        source = planner.value(value, space)
        told = functions.spelling(planner.builder, source)
        if told is not None:
            return planner.builder.add("asked", space, *told, node.kind, pattern.value, wanted)
        return planner.builder.add("text", space, source, node.kind, pattern.value, wanted)
    return planner.builder.add("text pair", space, node.kind, planner.value(value, space), planner.value(pattern, space), wanted)


def _of_one_kind(one: checked.Expression, other: checked.Expression) -> bool:
    """Whether neither of two values is a date beside a timestamp, which is a whole day."""
    return one.type.kind == other.type.kind or one.type.kind not in IN_TIME


def _number(value: Any, kind: Type) -> Any:
    """A value for comparison with one of another scale."""
    return Fraction(value, 10**kind.scale) if kind.kind == "decimal" else value


def comparison_holds(op: str, x: Any, y: Any) -> bool:
    """A comparison of two values of one kind."""
    return bool(_OPERATORS[op](x, y))


def text_holds(kind: str, value: str, pattern: str) -> bool:
    """A text test of two texts."""
    return {"contains": value.__contains__, "starts": value.startswith, "ends": value.endswith}[kind](pattern)
