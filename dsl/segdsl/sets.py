"""Membership in lists, ranges, calendar periods and rolling windows, as the comparisons that they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from segdsl import constants, syntax
from segdsl.calendar_days import days_of, month_days
from segdsl.checked import And, Compare, Constant, Expression, InList, Now, Or, PeriodStart, Today
from segdsl.conditions import compare, compare_hint, decided, negated, param_items
from segdsl.context import Context, Scope
from segdsl.lists import in_values, list_of_data
from segdsl.slips import quotes
from segdsl.syntax import Span
from segdsl.typesystem import DATE, IN_TIME, NUMERIC, TRUTH, Length, Type
from segdsl.values import case_ignored, exact_duration, from_clock, length_of
from segdsl.wording import phrase


def in_set(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`x in (…)`, `x in a..b`, `x in NAME`."""
    assert isinstance(node, syntax.InSet)
    value = ctx.value(node.left, scope)
    if node.ignoring_case:
        value = case_ignored(ctx, value)
    match node.set:
        case syntax.Range() if node.ignoring_case:
            ctx.report("E312", node.span, name="`in a..b`", clause="ignoring case", hint="order `lower(…)` of all")
            return None
        case syntax.Range() as bounds:
            found = _in_range(ctx, value, bounds, node.span, scope)
        case syntax.ListOf(items=items):
            checked_items = [ctx.value(item, scope) for item in items]
            quotes(ctx, value, *items)
            found = _of_items(ctx, node, value, checked_items)
        case _:
            given = param_items(ctx, node.set)
            if given is None:
                return _in_data(ctx, value, node, node.set, scope)
            found = _of_items(ctx, node, value, given)
    return decided(ctx, negated(found, node.negated, node.span))


def _of_items(ctx: Context, node: syntax.InSet, value: Expression | None, given: Sequence[Expression | None]) -> Expression | None:
    """The list test of the items that are no mistakes; None where one is."""
    folded = node.ignoring_case and value is not None
    items = [case_ignored(ctx, item) for item in given] if folded else given
    known = [item for item in items if item is not None]
    found = _in_list(ctx, value, known, node.span)
    return found if len(known) == len(items) else None


def _in_data(
    ctx: Context, value: Expression | None, node: syntax.InSet, named: syntax.Path | syntax.Call, scope: Scope
) -> Expression | None:
    """`x in NAME` and `x in values(…)`, where the list is one of the data."""
    listed = list_of_data(ctx, named, scope, "list what it may be: `in (…)`")
    if value is None or listed is None:
        return None
    return negated(in_values(ctx, value, listed, node.ignoring_case, node.span), node.negated, node.span)


def _like(value: Type, item: Type) -> bool:
    return value == item or (value.kind in NUMERIC and item.kind in NUMERIC)


def _in_list(ctx: Context, value: Expression | None, items: list[Expression], span: Span) -> Expression | None:
    """The list test; items of another kind of time than the value are comparisons of their own, whole local days."""
    value = None if value is None else exact_duration(ctx, value)
    if value is None:
        return None
    constants_: list[Constant] = []
    others: list[Expression] = []
    apart: list[Expression] = []
    for item in items:
        whole = exact_duration(ctx, item)
        if whole is None:
            return None
        if value.type.kind in IN_TIME and whole.type.kind in IN_TIME and value.type != whole.type:
            apart.append(Compare(span=whole.span, op="=", left=value, right=whole))
        elif not _like(value.type, whole.type):
            ctx.report("E301", item.span, left=phrase(value), right=phrase(item), hint=compare_hint(value, item))
            return None
        elif isinstance(whole, Constant):
            constants_.append(constants.of_width(whole, value))
        else:
            others.append(whole)
    if isinstance(value, Constant) and not others and not apart:
        return _constant_in_list(ctx, value, constants_, span)
    listed = InList(span=span, value=value, items=tuple(constants_), others=tuple(others))
    if not apart:
        return listed
    terms: tuple[Expression, ...] = (listed, *apart) if constants_ or others else tuple(apart)
    return Or(span=span, terms=terms) if len(terms) > 1 else terms[0]


def _constant_in_list(ctx: Context, value: Constant, items: list[Constant], span: Span) -> Constant:
    outcomes = [constants.comparison("=", value, item, span) for item in items]
    values = [None if outcome is None else outcome.value for outcome in outcomes]
    return Constant(span=span, type=TRUTH, value=True if True in values else None if None in values else False)


def _in_range(ctx: Context, value: Expression | None, bounds: syntax.Range, span: Span, scope: Scope) -> Expression | None:
    low, high = _bound(ctx, bounds.low, False, scope), _bound(ctx, bounds.high, True, scope)
    if value is None or low is None or high is None:
        return None
    if value.type.kind in IN_TIME:
        for end in (low, high):
            if isinstance(end, Constant) and end.type.kind == "whole" and isinstance(end.value, int) and 1000 <= end.value <= 9999:
                hint = f"whole months or days: `in {end.value}-01..{end.value}-12`; one year: `in {end.value}`"
                ctx.report("E301", span, left=phrase(value), right="a whole number", hint=hint)
                return None
    lower = compare(ctx, ">=", value, low, span)
    upper = compare(ctx, "<=", value, high, span) if lower is not None else None
    return _both(lower, upper, span)


def _bound(ctx: Context, node: syntax.Expression, last: bool, scope: Scope) -> Expression | None:
    if not isinstance(node, syntax.Month):
        return ctx.value(node, scope)
    days = month_days(node.text)
    if days is None:
        ctx.report("E403", node.span, what=f"month as {node.text}")
        return None
    return Constant(span=node.span, type=DATE, value=days[last])


def _both(lower: Expression | None, upper: Expression | None, span: Span) -> Expression | None:
    if lower is None or upper is None:
        return None
    for one, other in ((lower, upper), (upper, lower)):
        if isinstance(one, Constant):
            if one.value is False:
                return one
            if one.value is True:
                return other
    return And(span=span, terms=(lower, upper))


def _time(ctx: Context, node: syntax.Expression, scope: Scope, what: str) -> Expression | None:
    value = ctx.value(node, scope)
    if value is not None and value.type.kind not in IN_TIME:
        hint = None
        if value.type.kind in NUMERIC and what.isdigit():
            hint, what = f"write `= {what}`", "a year"
        ctx.report("E305", node.span, what=what, wanted="a date or a timestamp", found=phrase(value), hint=hint)
        return None
    return value


def in_period(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`t in this month`, `in last 6 whole months`, `in 2026`, `in 2026-03`: from the first day on, before the first day after."""
    assert isinstance(node, syntax.InPeriod)
    period, span = node.period, node.span
    value = _time(ctx, node.left, scope, period.text if period.which == "year" and period.text is not None else "a period")
    ends = _period_ends(ctx, period)
    if value is None or ends is None:
        return None
    lower, upper = compare(ctx, ">=", value, ends[0], span), compare(ctx, "<", value, ends[1], span)
    return decided(ctx, negated(_both(lower, upper, span), node.negated, span))


def _period_ends(ctx: Context, period: syntax.Period) -> tuple[Expression, Expression] | None:
    """The first day of a period and the first after it."""
    span = period.span
    if period.which == "year" and period.text is not None:
        year = constants.number(period.text, False, span)
        if year is None or not isinstance(year.value, int) or year.type.scale or not 1 <= year.value <= 9999:
            ctx.report("E403", span, what=f"year as {period.text}")
            return None
        days = (days_of(year.value, 1, 1), days_of(year.value + 1, 1, 1))
        return Constant(span=span, type=DATE, value=days[0]), Constant(span=span, type=DATE, value=days[1])
    if period.which == "month" and period.text is not None:
        month = month_days(period.text)
        if month is None:
            ctx.report("E403", span, what=f"month as {period.text}")
            return None
        return Constant(span=span, type=DATE, value=month[0]), Constant(span=span, type=DATE, value=month[1] + 1)
    unit = period.unit or "day"
    if unit in ("hour", "minute"):
        ctx.report("E318", span, what=f"`{period.which} {unit}`", hint=f"use `within last 1 {unit}`")
        return None
    count = 1
    if period.count is not None:
        whole = constants.whole_count(ctx, period.count, unit, span)
        if whole is None:
            return None
        if whole < 1:
            ctx.report("E409", span, unit=unit)
            return None
        count = whole
    first, last = {"this": (0, 1), "last": (-count, 0), "next": (1, count + 1)}[period.which]
    return PeriodStart(span=span, unit=unit, shift=first), PeriodStart(span=span, unit=unit, shift=last)


def within(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`t within last 90 days`: from the start of the local day 90 days back until now; `within next`: from now on.

    Hours, minutes and durations that differ from row to row are exact.
    """
    assert isinstance(node, syntax.Within)
    span = node.span
    value = _time(ctx, node.left, scope, "`within`")
    length = length_of(ctx, node.duration, scope)
    if value is None or length is None:
        return None
    if value.type == DATE and (not isinstance(length, Length) or length.nanoseconds):
        hint = (
            "count in days, or use a timestamp" if isinstance(length, Length) else "a duration that is reckoned is exact: use a timestamp"
        )
        ctx.report("E306", node.duration.span, hint=hint)
        return None
    clock: Expression = Today(span=span) if value.type == DATE else Now(span=span)
    far = from_clock(length, node.direction == "last", span)
    low, high = (far, clock) if node.direction == "last" else (clock, far)
    first, last = Compare(span=span, op=">=", left=value, right=low), Compare(span=span, op="<=", left=value, right=high)
    return negated(And(span=span, terms=(first, last)), node.negated, span)
