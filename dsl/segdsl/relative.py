"""What an account is beside all others: `avg(revenue over industry)`, `rank(…)`, `top(10%, revenue)`."""

from __future__ import annotations

from fractions import Fraction

from segdsl import syntax
from segdsl.checked import Constant, Expression, Relative
from segdsl.constants import fraction_of
from segdsl.context import CONDITIONS, Context, Scope
from segdsl.functions import FUNCTIONS
from segdsl.paths import path
from segdsl.typesystem import NUMBER, NUMERIC, TRUTH, WHOLE, Type
from segdsl.values import exact_duration
from segdsl.wording import phrase

_ORDERED = (*NUMERIC, "date", "timestamp", "duration")
_EXTREMES = ("top", "bottom")
_WITH_AMOUNT = (*_EXTREMES, "ntile")
MOST_TILES = 1_000_000


def relative(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """The meaning of `rank percentile ntile top bottom`, and of an aggregate with `over`."""
    name, shape = node.name.text, FUNCTIONS[node.name.text].shape
    if scope.relation is not None or scope.apart:
        ctx.report(
            "E213", node.span, what="a comparison with the population", hint=f"name it outside: `let … = {name}(…)`, and use the name"
        )
        return None
    for attribute, word in (("for_", "for"), ("per", "per"), ("by", "by")):
        if getattr(node, attribute) is not None:
            ctx.report("E312", node.span, name=f"`{name}`", clause=word, hint=f"write `{shape}`")
            return None
    wanted = 2 if name in _WITH_AMOUNT else 1
    if len(node.arguments) != wanted:
        words = "two arguments" if wanted == 2 else "one value before `over`"
        ctx.report(
            "E309",
            node.span,
            name=f"`{name}`",
            wanted=words,
            found=_COUNTS.get(len(node.arguments), str(len(node.arguments))),
            hint=f"write `{shape}`",
        )
        return None
    if node.over is None and name not in _EXTREMES:
        ctx.report("E311", node.span, name=f"`{name}`", wanted="`over` and groups", hint=f"write `{name}(… over all)`, or `over` a field")
        return None
    amount = _amount(ctx, node) if wanted == 2 else None
    value = _value(ctx, node, node.arguments[-1], scope)
    where = None if node.where is None else ctx.condition(node.where, scope)
    groups = [_group(ctx, each, scope) for each in (node.over.paths if node.over is not None else ())]
    if value is None or (node.where is not None and where is None) or None in groups or (wanted == 2 and amount is None):
        return None
    kind = _result(ctx, node, value)
    if kind is None:
        return None
    number, share = amount or (None, False)
    known = tuple(group for group in groups if group is not None)
    ctx.staged = True
    return Relative(span=node.span, function=name, value=value, type=kind, where=where, groups=known, amount=number, share=share)


_COUNTS = {0: "none", 1: "one", 2: "two", 3: "three"}


def _amount(ctx: Context, node: syntax.Call) -> tuple[Fraction, bool] | None:
    """How many, or which share."""
    name, given = node.name.text, node.arguments[0]
    found = ctx.value(given, ctx.account)
    if found is None:
        return None
    written = given
    if isinstance(given, syntax.Path) and len(given.parts) == 1:
        statement = ctx.names.statements.get(given.parts[0].text)
        written = statement.value if isinstance(statement, syntax.Param) else given  # type: ignore[assignment]
    share = isinstance(written, syntax.Number) and written.percent and name != "ntile"
    known = (
        fraction_of(found) if isinstance(found, Constant) and found.value is not None and found.type.kind in ("whole", "decimal") else None
    )
    lowest = 1 if name == "ntile" else 0
    if known is None or known < lowest or (not share and known.denominator != 1) or (name == "ntile" and known > MOST_TILES):
        wanted = f"a number of parts from 1 to {MOST_TILES:,}" if name == "ntile" else "a number such as 100, or a share such as 10%"
        ctx.report("E305", given.span, what=f"`{name}`", wanted=wanted, found=phrase(found))
        return None
    return known, share


def _value(ctx: Context, node: syntax.Call, argument: syntax.Expression, scope: Scope) -> Expression | None:
    """What is compared: a value of the account's own."""
    name = node.name.text
    if isinstance(argument, syntax.Path) and argument.parts[0].text in ctx.relations(scope.table):
        inner = ".".join(part.text for part in argument.parts)
        one = f"count({inner})" if len(argument.parts) == 1 else f"sum({inner})"
        over = "" if node.over is None else " over …"
        hint = f"reckon it for each account first: `{name}({'10%, ' if name in _EXTREMES else ''}{one}{over})`"
        ctx.report("E311", argument.span, name=f"`{name}`", wanted="a value of each account", hint=hint)
        return None
    if type(argument) in CONDITIONS:
        if ctx.expression(argument, scope) is not None:
            hint = f"count the accounts that meet it: `{name}(… over … where …)`"
            ctx.report("E311", argument.span, name=f"`{name}`", wanted="a value", hint=hint)
        return None
    found = ctx.value(argument, scope)
    return None if found is None else exact_duration(ctx, found)


def _group(ctx: Context, node: syntax.Path, scope: Scope) -> Expression | None:
    """What the accounts of a group share."""
    found = path(ctx, node, scope)
    if found is None:
        return None
    if found.type == NUMBER or found.type.kind == "list":
        hint = "group by a `choose` of classes, or by `floor(…)`" if found.type == NUMBER else None
        ctx.report("E305", node.span, what="`over`", wanted="a field, let or choose that is no float", found=phrase(found), hint=hint)
        return None
    return found


def _result(ctx: Context, node: syntax.Call, value: Expression) -> Type | None:
    """The type of the whole."""
    name, kind = node.name.text, value.type.kind
    if name == "count":
        return WHOLE
    if name in ("min", "max", "rank", "percentile", "ntile", *_EXTREMES):
        wanted = "numbers or times"
        if kind in _ORDERED:
            if name in ("min", "max"):
                return value.type
            return TRUTH if name in _EXTREMES else NUMBER if name == "percentile" else WHOLE
    elif name in ("sum", "avg"):
        wanted = "numbers or durations"
        if kind in (*NUMERIC, "duration"):
            return value.type if name == "sum" or kind == "duration" else NUMBER
    elif name in ("median", "stddev"):
        wanted = "numbers"
        if kind in NUMERIC:
            return NUMBER
    else:
        ctx.report("E312", node.span, name=f"`{name}`", clause="over")
        return None
    ctx.report("E305", node.arguments[-1].span, what=f"`{name}`", wanted=wanted, found=phrase(value))
    return None
