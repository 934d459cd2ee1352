"""Calls: aggregates, `coalesce` and `if`, and the functions of times, numbers and texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from segdsl import constants, syntax
from segdsl.borrowed import function_hint
from segdsl.checked import Call, Coalesce, Constant, Expression, Field, HostCall, If, Today
from segdsl.context import Context, Scope
from segdsl.functions import AGGREGATES, FUNCTIONS, Signature
from segdsl.grouping import aggregated
from segdsl.relative import relative
from segdsl.typesystem import DATE, IN_TIME, NUMBER, NUMERIC, TEXT, TRUTH, WHOLE, Type, decimal
from segdsl.values import exact_duration, text_call, wider_type
from segdsl.wording import phrase, spoken

_DAY = "a day is written without quotes and brackets: 2026-03-01"
_COUNTS = ("none", "one", "two", "three", "four")


def call(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """A call of an aggregate or a function."""
    assert isinstance(node, syntax.Call)
    name = node.name.text
    function = FUNCTIONS.get(name)
    if function is None and name in ctx.functions:
        return _of_host(ctx, node, scope, ctx.functions[name])
    if function is None:
        ctx.report("E214", node.name.span, name=name, hint=function_hint(name) or ctx.near(name, (*FUNCTIONS, *ctx.functions)))
        return None
    if name in AGGREGATES:
        return aggregated(ctx, node, scope)
    if name in ("top", "bottom", "rank", "percentile", "ntile"):
        return relative(ctx, node, scope)
    for attribute, word in (("for_", "for"), ("where", "where"), ("per", "per"), ("by", "by"), ("over", "over")):
        if getattr(node, attribute) is not None:
            ctx.report("E312", node.span, name=f"`{name}`", clause=word, hint=f"write `{function.shape}`")
            return None
    return _FORMS[name](ctx, node, scope)


def _if(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    if len(node.arguments) != 3:
        found = f"{len(node.arguments)}" if node.arguments else "none"
        ctx.report("E309", node.span, name="`if`", wanted="three arguments", found=found, hint="write `if(condition, a, b)`")
        return None
    condition = ctx.condition(node.arguments[0], scope)
    branches = [ctx.expression(argument, scope) for argument in node.arguments[1:]]
    unified = one_type(ctx, "`if`", branches)
    if condition is None or unified is None:
        return None
    type_, (yes, no) = unified
    return If(span=node.span, condition=condition, yes=yes, no=no, type=type_)


def _coalesce(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    if len(node.arguments) < 2:
        found = "one" if node.arguments else "none"
        ctx.report("E309", node.span, name="`coalesce`", wanted="two arguments or more", found=found, hint="write `coalesce(a, b)`")
        return None
    unified = one_type(ctx, "`coalesce`", [ctx.expression(argument, scope) for argument in node.arguments])
    if unified is None:
        return None
    type_, operands = unified
    return Coalesce(span=node.span, operands=tuple(operands), type=type_)


def one_type(ctx: Context, what: str, operands: Sequence[Expression | None]) -> tuple[Type, list[Expression]] | None:
    """The type that holds all operands, and the operands; None where there is none, and it is told."""
    whole = [None if operand is None else exact_duration(ctx, operand) for operand in operands]
    known = [operand for operand in whole if operand is not None]
    if not known:
        return None
    if any(ctx.single(operand) is None for operand in known):
        return None
    type_ = known[0].type
    for operand in known[1:]:
        wider = wider_type(type_, operand.type)
        if wider is None:
            ctx.report("E308", operand.span, what=what, left=spoken(type_), right=phrase(operand))
            return None
        type_ = wider
    return None if len(known) < len(operands) else (type_, known)


# ---- arguments


def arguments(ctx: Context, node: syntax.Call, scope: Scope, least: int, most: int | None = None) -> list[Expression] | None:
    """The values of a call's arguments, `least` to `most` of them (just `least` where `most` is None); a mistake is told."""
    most = least if most is None else most
    name, given = node.name.text, len(node.arguments)
    if not least <= given <= most:
        wanted = f"{_COUNTS[least]} or {_COUNTS[most]}" if most > least else _COUNTS[least]
        wanted += " argument" if most == 1 else " arguments" + (" or more" if most < least else "")
        found = _COUNTS[given] if given < len(_COUNTS) else str(given)
        ctx.report(
            "E309",
            node.span,
            name=f"`{name}`",
            wanted=wanted,
            found=found,
            hint=_DAY if name == "date" else f"write `{FUNCTIONS[name].shape}`",
        )
        return None
    found_values = [ctx.value(argument, scope) for argument in node.arguments]
    values = [value for value in found_values if value is not None]
    return values if len(values) == given else None


def of_kind(ctx: Context, node: syntax.Call, operand: Expression, kinds: Sequence[str], wanted: str) -> bool:
    """Whether an argument is of one of some kinds; else the mistake is told."""
    if operand.type.kind in kinds:
        return True
    hint = _DAY if operand.type == TEXT and "timestamp" in kinds else None
    ctx.report("E305", operand.span, what=f"`{node.name.text}`", wanted=wanted, found=phrase(operand), hint=hint)
    return False


# ---- the calendar

_PARTS = {
    **dict.fromkeys(("year", "quarter", "month", "day", "weekday", "hour"), WHOLE),
    **dict.fromkeys(("date", "week_start", "month_start", "quarter_start", "year_start", "anniversary"), DATE),
}


def _part(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`month(t)` and its kin: of the local day; `hour(t)` of the local time."""
    found = arguments(ctx, node, scope, 1)
    if found is None:
        return None
    name = node.name.text
    if name == "hour":
        fits = of_kind(ctx, node, found[0], ("timestamp",), "a timestamp")
    else:
        fits = of_kind(ctx, node, found[0], IN_TIME, "a date or a timestamp")
    return Call(span=node.span, function=name, operands=tuple(found), type=_PARTS[name]) if fits else None


def _days(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`days_between(a, b)`, and `days_since(t)`, which is the same until today."""
    found = arguments(ctx, node, scope, 1 if node.name.text == "days_since" else 2)
    if found is None:
        return None
    for operand in found:
        if not of_kind(ctx, node, operand, IN_TIME, "dates or timestamps"):
            return None
    if len(found) == 1:
        found.append(Today(span=node.span))
    return Call(span=node.span, function="days_between", operands=tuple(found), type=WHOLE)


# ---- numbers

MOST_PLACES = 22
"""A float is rounded exactly by a power of ten that is a float itself."""


def _size(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`abs(x)`, of a number or a duration."""
    found = arguments(ctx, node, scope, 1)
    if found is None or not of_kind(ctx, node, found[0], (*NUMERIC, "duration"), "a number or a duration"):
        return None
    operand = exact_duration(ctx, found[0])
    return None if operand is None else Call(span=node.span, function="abs", operands=(operand,), type=operand.type)


def _rounded(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`round(x)`, `round(x, 2)`, `floor(x)`, `ceil(x)`: of a float a float, else exact; what has no more places stays as it is."""
    name = node.name.text
    found = arguments(ctx, node, scope, 1, 2 if name == "round" else 1)
    if found is None or not of_kind(ctx, node, found[0], NUMERIC, "a number"):
        return None
    operand, places = found[0], 0
    if len(found) == 2:
        given = found[1]
        if not (isinstance(given, Constant) and given.type == WHOLE and isinstance(given.value, int) and 0 <= given.value <= MOST_PLACES):
            ctx.report("E305", given.span, what="`round`", wanted=f"a number of places from 0 to {MOST_PLACES}", found=phrase(given))
            return None
        places = given.value
    if operand.type != NUMBER and operand.type.scale <= places:
        return operand
    operands = (operand, Constant(span=node.span, type=WHOLE, value=places)) if name == "round" else (operand,)
    return Call(span=node.span, function=name, operands=operands, type=NUMBER if operand.type == NUMBER else decimal(places))


def _outermost(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`least(a, b)` and `greatest(a, b)`."""
    found = arguments(ctx, node, scope, 2, len(node.arguments))
    if found is None:
        return None
    for operand in found:
        if not of_kind(ctx, node, operand, (*NUMERIC, *IN_TIME, "duration"), "numbers, dates, timestamps or durations"):
            return None
    unified = one_type(ctx, f"`{node.name.text}`", found)
    return None if unified is None else Call(span=node.span, function=node.name.text, operands=tuple(unified[1]), type=unified[0])


# ---- places


def _distance(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`distance_km(lat, lon, lat0, lon0)`."""
    found = arguments(ctx, node, scope, 4)
    if found is None:
        return None
    for place, operand in enumerate(found):
        if not of_kind(ctx, node, operand, NUMERIC, "numbers: latitude, longitude, latitude, longitude"):
            return None
        if place % 2 == 0 and isinstance(operand, Constant) and operand.value is not None and abs(constants.nearest(operand)) > 90:
            ctx.report("E305", operand.span, what="`distance_km`", wanted="a latitude from -90 to 90 here", found=phrase(operand))
            return None
    return Call(span=node.span, function="distance_km", operands=tuple(found), type=NUMBER)


# ---- control groups

MOST_BUCKETS = 1_000_000


def _bucket(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`bucket(key, 10, "salt")`."""
    found = arguments(ctx, node, scope, 3)
    if found is None:
        return None
    key, count, salt = found
    if not isinstance(key, Field) or key.type.kind not in ("text", "whole"):
        ctx.report("E305", key.span, what="`bucket`", wanted="a field of texts or whole numbers", found=phrase(key))
        return None
    if not (isinstance(count, Constant) and count.type == WHOLE and isinstance(count.value, int) and 1 <= count.value <= MOST_BUCKETS):
        ctx.report("E305", count.span, what="`bucket`", wanted=f"a number of buckets from 1 to {MOST_BUCKETS:,}", found=phrase(count))
        return None
    if not isinstance(salt, Constant) or not isinstance(salt.value, str):
        ctx.report("E305", salt.span, what="`bucket`", wanted="a text as its salt", found=phrase(salt))
        return None
    return Call(span=node.span, function="bucket", operands=(key, count, salt), type=WHOLE)


# ---- texts


def _of_text(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """`lower(t)` and its kin."""
    found = arguments(ctx, node, scope, 1)
    if found is None or not of_kind(ctx, node, found[0], ("text",), "text"):
        return None
    return text_call(node.name.text, found[0], node.span)


# ---- functions of the host


def _of_host(ctx: Context, node: syntax.Call, scope: Scope, function: Signature) -> Expression | None:
    """A call of a function that the host handed over."""
    if scope.groups is not None:
        hint = "call it for each row, in a `let` for them, or for the account"
        ctx.report("E311", node.span, name=f"`{function.name}`", wanted="values of a row, not of a group of rows", hint=hint)
        return None
    name, shape = function.name, f"{function.name}({', '.join(str(each) for each in function.arguments)})"
    for attribute, word in (("for_", "for"), ("where", "where"), ("per", "per"), ("by", "by"), ("over", "over")):
        if getattr(node, attribute) is not None:
            ctx.report("E312", node.span, name=f"`{name}`", clause=word, hint=f"it is {shape}")
            return None
    if len(node.arguments) != len(function.arguments):
        wanted, found = (f"{count} argument{'' if count == 1 else 's'}" for count in (len(function.arguments), len(node.arguments)))
        ctx.report("E309", node.span, name=f"`{name}`", wanted=wanted, found=found, hint=f"it is {shape}")
        return None
    operands: list[Expression] = []
    for argument, wanted_type in zip(node.arguments, function.arguments, strict=True):
        operand = (ctx.condition if wanted_type == TRUTH else ctx.value)(argument, scope)
        whole = None if operand is None else exact_duration(ctx, operand)
        if whole is None:
            continue
        if wider_type(whole.type, wanted_type) != wanted_type:
            ctx.report("E305", argument.span, what=f"`{name}`", wanted=spoken(wanted_type), found=phrase(whole), hint=f"it is {shape}")
        elif scope.relation is not None and ctx.rests_on_account(whole):
            ctx.report("E213", argument.span, what="a value of the account as an argument", hint=f"call `{name}` outside, in a `let`")
        else:
            operands.append(whole)
    if len(operands) < len(function.arguments):
        return None
    ctx.staged = True
    return HostCall(span=node.span, signature=function, operands=tuple(operands), type=function.returns)


_FORMS: dict[str, Callable[[Context, syntax.Call, Scope], Expression | None]] = {
    "if": _if,
    "coalesce": _coalesce,
    **dict.fromkeys(_PARTS, _part),
    **dict.fromkeys(("lower", "upper", "trim", "length"), _of_text),
    "abs": _size,
    **dict.fromkeys(("round", "floor", "ceil"), _rounded),
    **dict.fromkeys(("least", "greatest"), _outermost),
    "bucket": _bucket,
    "distance_km": _distance,
    "days_since": _days,
    "days_between": _days,
}
