"""Aggregates over groups of rows: `max(count(order_lines per sku))`."""

from __future__ import annotations

from typing import Any, cast

from msgspec.structs import replace

from segdsl import syntax
from segdsl.aggregates import aggregate, order_of, ordered, result_type, up, within
from segdsl.checked import Aggregate, And, Constant, Expression, Grouped, Now, PeriodStart, Relation, Today
from segdsl.context import Context, Groups, Scope
from segdsl.functions import AGGREGATES
from segdsl.names import HELD
from segdsl.paths import relation_of
from segdsl.relative import relative
from segdsl.syntax import bare
from segdsl.tree import meaning
from segdsl.typesystem import NUMBER, WHOLE
from segdsl.values import exact_duration
from segdsl.wording import phrase

_DECIDED = ("any", "none", "all")
_EITHER = ("distinct", "first", "last")


def aggregated(ctx: Context, node: syntax.Call, scope: Scope) -> Expression | None:
    """The meaning of a call of an aggregate: over rows, over groups of rows, or over the population."""
    name = node.name.text
    if node.over is not None:
        return relative(ctx, node, scope)
    if scope.groups is not None:
        return _of_group(ctx, node, scope.groups)
    if node.per is not None:
        hint = f"ask for one of them: `max({name}(… per …))`, `any({name}(… per …) >= 3)`"
        if name in _DECIDED:
            hint = f"ask for one of them: `any({name}(… per …))`, `all({name}(… per …))`"
        ctx.report("E311", node.span, name=f"`{name}(… per …)`", wanted="an aggregate around it: it has a value for each group", hint=hint)
        return None
    first = _first_per(node)
    return aggregate(ctx, node, scope) if first is None else _over_groups(ctx, node, first, scope)


def _first_per(node: syntax.Call) -> syntax.Call | None:
    """The first aggregate with `per` that a call is over; a name that it is of is then one of the keys."""
    if node.for_ is not None or not node.arguments:
        return None
    argument = node.arguments[0]
    if not isinstance(argument, syntax.Path):
        return _first_within(*node.arguments, node.where, node.by)
    found = _first_within(node.where, node.by)
    return found if found is not None and bare(argument) in [bare(key) for key in found.per or ()] else None


def _first_within(*parts: Any) -> syntax.Call | None:
    """The first aggregate with `per` in parts of a call; not what stands inside other aggregates."""
    waiting: list[Any] = list(reversed(parts))
    while waiting:
        inner = waiting.pop()
        kind = type(inner)
        if kind is syntax.Call and inner.name.text in AGGREGATES:
            if inner.per is not None:
                return cast(syntax.Call, inner)
            continue
        held = HELD[kind](inner) if kind in HELD else inner if kind is tuple else ()
        waiting += reversed(held) if type(held) is tuple else (held,)
    return None


def _over_groups(ctx: Context, node: syntax.Call, first: syntax.Call, scope: Scope) -> Expression | None:
    name = node.name.text
    if len(node.arguments) != 1:
        ctx.report("E309", node.span, name=f"`{name}`", wanted="one value of each group", found=str(len(node.arguments)))
        return None
    if not ordered(ctx, node):
        return None
    path = first.for_ or first.arguments[0] if first.arguments else None
    way, owner = up(ctx, path, scope) if isinstance(path, syntax.Path) else ((), scope)
    groups = Groups(name, scope)
    groups.known = (first, _of_group(ctx, first, groups))
    found = groups.first
    if found is None:
        return None
    group = Scope(scope.table, Relation("", scope.table, ()), owner.apart, groups)
    value, condition = _asked(ctx, node, group), None if node.where is None else ctx.condition(node.where, group)
    order = None if node.by is None else order_of(ctx, node.by, group)
    if value is None or (node.where is not None and condition is None) or (node.by is not None and order is None):
        return None
    kind = result_type(ctx, node, None, value)
    if kind is None:
        return None
    given: Expression | None = value
    if name in ("any", "none"):
        condition, given = value if condition is None else And(span=node.span, terms=(condition, value)), None
    return Grouped(
        span=node.span,
        function=name,
        relation=found.relation,
        groups=groups.keys,
        type=kind,
        value=given,
        condition=condition,
        forming=tuple(groups.forming or ()),
        order=order,
        up=way,
        owner=found.owner,
    )


def _asked(ctx: Context, node: syntax.Call, group: Scope) -> Expression | None:
    """What is asked of each group: a value, or of `any`, `none` and `all` a condition, of some either."""
    name, argument = node.name.text, node.arguments[0]
    if name in _DECIDED:
        return ctx.condition(argument, group)
    found = ctx.single(ctx.expression(argument, group)) if name in _EITHER else ctx.value(argument, group)
    return None if found is None else exact_duration(ctx, found)


def _of_group(ctx: Context, node: syntax.Call, groups: Groups) -> Expression | None:
    """An aggregate of the rows of one group."""
    if groups.known is not None and groups.known[0] is node:
        return groups.known[1]
    name = node.name.text
    if node.per is None:
        hint = "give it the same `per`, or name it outside with a `let`"
        ctx.report("E311", node.span, name=f"`{groups.outer}` of groups", wanted="`per` in each aggregate inside it", hint=hint)
        return None
    found = aggregate(ctx, node, groups.owner)
    path = node.for_ or node.arguments[0] if node.arguments else None
    if found is None or not isinstance(path, syntax.Path):
        return None
    way, owner = up(ctx, path, groups.owner)
    relation = relation_of(ctx, path.parts[len(way)], owner)
    assert relation is not None
    keys = [_key(ctx, each, within(relation, owner)) for each in node.per]
    known = tuple(key for key in keys if key is not None)
    if len(known) < len(keys):
        return None
    if groups.first is None:
        groups.first, groups.keys = found, known
        for each, key in zip(node.per, known, strict=True):
            groups.named[bare(each)] = _named(found, key)
    elif (found.relation.chain, found.up) != (groups.first.relation.chain, groups.first.up) or not _alike(known, groups.keys):
        also = ((groups.first.span, "the first one is here"),)
        wanted = "the same rows and the same `per` everywhere inside it"
        ctx.report(
            "E311", node.span, name=f"`{groups.outer}` of groups", wanted=wanted, hint="name one of them outside with a `let`", also=also
        )
        return None
    _form(groups, node, found)
    if name == "values":
        return ctx.single(found)
    return replace(found, up=(), owner="")


def _named(found: Aggregate, key: Expression) -> Aggregate:
    """What the rows of a group share, as a value of the group: that of any of its rows."""
    anywhere = Constant(span=key.span, type=WHOLE, value=0)
    return Aggregate(span=key.span, function="first", relation=found.relation, type=key.type, value=key, order=anywhere)


def _alike(keys: tuple[Expression, ...], others: tuple[Expression, ...]) -> bool:
    return [meaning(key) for key in keys] == [meaning(key) for key in others]


def _form(groups: Groups, node: syntax.Call, found: Aggregate) -> None:
    """Which rows form groups: what `where` keeps; the condition that `any` and `none` look for does not."""
    where = found.where
    if found.function in ("any", "none"):
        filtered = node.for_ is not None and node.where is not None
        where = where.terms[0] if filtered and isinstance(where, And) else None
    if where is None:
        groups.forming = None
    elif groups.forming is not None:
        groups.forming.append(where)


def _key(ctx: Context, node: syntax.Expression, inner: Scope) -> Expression | None:
    """What the rows of a group share."""
    found = ctx.single(ctx.expression(node, inner))
    key = None if found is None else exact_duration(ctx, found)
    if key is None:
        return None
    if isinstance(key, Constant | Now | Today | PeriodStart) or key.type == NUMBER:
        hint = 'group by a class: `per if(… < 10, "small", "large")`' if key.type == NUMBER else None
        ctx.report("E305", node.span, what="`per`", wanted="a value of each row that is no float", found=phrase(key), hint=hint)
    elif ctx.rests_on_account(key):
        hint = "it is the same for all rows of an account"
        ctx.report("E305", node.span, what="`per`", wanted="a value of each row", found="one of the account", hint=hint)
    else:
        return key
    return None
