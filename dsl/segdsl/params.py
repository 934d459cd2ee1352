"""Params: the values that rules declare, and those that a caller sets instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from segdsl import constants, syntax
from segdsl.calendar_days import days_of, moment_nanoseconds
from segdsl.checked import Constant
from segdsl.context import Context, ParamValue
from segdsl.parser import parse
from segdsl.syntax import Span
from segdsl.typesystem import DATE, DURATION, NUMBER, NUMERIC, TEXT, TIMESTAMP, TRUTH, WHOLE, Length
from segdsl.values import wider_type
from segdsl.wording import plain, spoken

NOWHERE = Span(0, 0)


def settle(ctx: Context, given: Mapping[str, object]) -> None:
    """Fill `ctx.params`: the declared values, or those that are given, of the same kind."""
    for name, statement in ctx.names.statements.items():
        if not isinstance(statement, syntax.Param):
            continue
        declared = value_of(ctx, statement.value, name)
        if declared is None:
            continue
        if name in given:
            replaced = _given(ctx, given[name], declared, name, statement.name.span)
            if replaced is None:
                continue
            declared = replaced
        ctx.params[name] = declared
    known = tuple(name for name, statement in ctx.names.statements.items() if isinstance(statement, syntax.Param))
    for name in given:
        if name not in known:
            ctx.report("E404", NOWHERE, name=name, hint=ctx.near(name, known))


def value_of(ctx: Context, node: syntax.Expression | syntax.ListOf, name: str) -> ParamValue | None:
    """The value of a literal, or the items of a list of literals of one type."""
    if not isinstance(node, syntax.ListOf):
        return _single(ctx, node, name)
    items: list[Constant] = []
    for item in node.items:
        found = _single(ctx, item, name)
        if found is None:
            return None
        if items and wider_type(items[0].type, found.type) is None:
            ctx.report("E308", item.span, what="a list", left=spoken(items[0].type), right=spoken(found.type))
            return None
        items.append(found)
    return tuple(items)


def _single(ctx: Context, node: syntax.Expression, name: str) -> Constant | None:
    sign = isinstance(node, syntax.Negative)
    inner = node.operand if isinstance(node, syntax.Negative) else node
    if isinstance(inner, syntax.Month):
        ctx.report("E407", inner.span, what="a month", hint=f"write a day, {inner.text}-01")
        return None
    found = constants.literal(ctx, inner)
    if found is None:
        return None
    value = -found.value if sign and isinstance(found.value, int | float) else found.value
    return Constant(span=node.span, type=found.type, value=value, param=name)


def _kind(value: ParamValue) -> str:
    if isinstance(value, tuple):
        return f"a list of {_item_kind(value)}" if value else "a list"
    return "a number" if value.type.kind in NUMERIC else spoken(value.type)


def _item_kind(items: tuple[Constant, ...]) -> str:
    return "number" if items[0].type.kind in NUMERIC else plain(items[0].type)


def _given(ctx: Context, raw: object, declared: ParamValue, name: str, span: Span) -> ParamValue | None:
    """What a caller set, as the kind that the rules declare; a text is the text itself, or a literal of another kind."""
    is_text = isinstance(declared, Constant) and declared.type == TEXT
    found = _from_literal(ctx, raw, name, span) if isinstance(raw, str) and not is_text else _from_python(ctx, raw, name, span)
    if found is None:
        shown = repr(raw) if len(repr(raw)) <= 40 else f"{raw[:36]!r}…" if isinstance(raw, str) else f"a {type(raw).__name__}"
        ctx.report("E405", span, name=name, wanted=_kind(declared), found=shown, hint=_example(declared))
        return None
    if isinstance(declared, tuple) and isinstance(found, Constant) and isinstance(raw, str):
        found = (found,)
    if _kind(found) != _kind(declared) and not (isinstance(declared, tuple) and found == ()):
        ctx.report("E405", span, name=name, wanted=_kind(declared), found=_kind(found), hint=_example(declared))
        return None
    return found


_EXAMPLES = {
    "text": "a text",
    "date": "a date, 2026-03-01",
    "timestamp": "a timestamp, 2026-03-01T14:30",
    "duration": "a duration, 90 days",
    "yes/no": "true or false",
}


def _example(declared: ParamValue) -> str:
    if isinstance(declared, tuple):
        return 'give a list, ("a", "b")' if declared[0].type == TEXT else "give a list, (1, 2)"
    return "give " + _EXAMPLES.get(declared.type.kind, "a number, 50_000")


def _from_literal(ctx: Context, text: str, name: str, span: Span) -> ParamValue | None:
    """A rule literal as text, read as the right side of a param; None where it is not one."""
    file, mistakes = parse(f"param value = {text}\n", name)
    if mistakes or len(file.statements) != 1 or not isinstance(file.statements[0], syntax.Param):
        return None
    before = len(ctx.diagnostics)
    found = value_of(ctx, file.statements[0].value, name)
    del ctx.diagnostics[before:]  # their places lie in the caller's text, not in the rules
    if found is None:
        return None
    return _at(found, span)


def _at(value: ParamValue, span: Span) -> ParamValue:
    if isinstance(value, tuple):
        return tuple(Constant(span=span, type=item.type, value=item.value, param=item.param) for item in value)
    return Constant(span=span, type=value.type, value=value.value, param=value.param)


def _from_python(ctx: Context, raw: object, name: str, span: Span) -> ParamValue | None:
    """A Python value as a constant; None where the language has no such value."""
    match raw:
        case bool():
            return Constant(span=span, type=TRUTH, value=raw, param=name)
        case int():
            return Constant(span=span, type=WHOLE, value=raw, param=name) if abs(raw) < 10**constants.MANY_DIGITS else None
        case float() | Decimal():
            return _from_fraction(raw, name, span)
        case str():
            half = any("\ud800" <= character <= "\udfff" for character in raw)
            return None if half else Constant(span=span, type=TEXT, value=raw, param=name)
        case datetime():
            return Constant(span=span, type=TIMESTAMP, value=moment_nanoseconds(raw, ctx.zone(span)), param=name)
        case date():
            return Constant(span=span, type=DATE, value=days_of(raw.year, raw.month, raw.day), param=name)
        case timedelta():
            exact = (raw.seconds * 1_000_000 + raw.microseconds) * 1_000
            length = Length(days=raw.days) if exact == 0 else Length(nanoseconds=raw.days * 86_400_000_000_000 + exact)
            return None if constants.too_long(length) else Constant(span=span, type=DURATION, value=length, param=name)
        case list() | tuple() | set() | frozenset():
            return _from_items(ctx, raw, name, span)
    return None


def _from_fraction(raw: float | Decimal, name: str, span: Span) -> Constant | None:
    """A float or a Decimal as written: `0.1` is a tenth; a float of very many digits stays a float."""
    if not math.isfinite(raw):
        return None
    text = format(Decimal(repr(raw)) if isinstance(raw, float) else raw, "f")
    exact = constants.number(text.lstrip("-"), False, span)
    if exact is not None:
        value = exact.value if not text.startswith("-") else -exact.value  # type: ignore[operator]
        return Constant(span=span, type=exact.type, value=value, param=name)
    return Constant(span=span, type=NUMBER, value=float(raw), param=name) if isinstance(raw, float) else None


def _from_items(
    ctx: Context, raw: Sequence[object] | set[object] | frozenset[object], name: str, span: Span
) -> tuple[Constant, ...] | None:
    ordered = sorted(raw, key=repr) if isinstance(raw, set | frozenset) else raw
    items: list[Constant] = []
    for item in ordered:
        found = None if isinstance(item, timedelta) else _from_python(ctx, item, name, span)
        if not isinstance(found, Constant) or (items and wider_type(items[0].type, found.type) is None):
            return None
        items.append(found)
    return tuple(items)
