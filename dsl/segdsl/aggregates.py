"""Aggregates: `sum(orders.total where …)`, over the relations of the row they are written for, the account or a row of another one."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from segdsl import syntax
from segdsl.checked import Aggregate, And, Expression, Relation
from segdsl.context import CONDITIONS, Context, Scope
from segdsl.functions import FUNCTIONS
from segdsl.paths import let_of_row, lookup, relation_of
from segdsl.typesystem import NUMBER, NUMERIC, TRUTH, WHOLE, Type, list_of
from segdsl.values import exact_duration
from segdsl.wording import phrase, plain

_ANY_TYPE = (*NUMERIC, "text", "yes/no", "date", "timestamp", "duration")
_ORDERED = (*NUMERIC, "date", "timestamp", "duration")


def aggregate(ctx: Context, node: syntax.Call, scope: Scope) -> Aggregate | None:
    """The meaning of an aggregate over the rows of a relation, whatever its `per`."""
    name = node.name.text
    if len(node.arguments) != 1:
        wanted = "one relation or field" if node.for_ is None else "one value before `for`"
        hint = f"write `{FUNCTIONS[name].shape}`" if not node.arguments else f"a condition stands behind `where`: `{name}(… where …)`"
        ctx.report("E309", node.span, name=f"`{name}`", wanted=wanted, found=_counted(len(node.arguments)), hint=hint)
        return None
    if not ordered(ctx, node):
        return None
    path = node.for_ or node.arguments[0]
    if not isinstance(path, syntax.Path):
        _not_a_path(ctx, node, path)
        return None
    way, owner = up(ctx, path, scope)
    path = syntax.Path(span=path.span, parts=path.parts[len(way) :])
    head = path.parts[0]
    if scope.relation is not None and not way and _elsewhere(ctx, node, head, scope):
        return None
    relation = relation_of(ctx, head, owner)
    if relation is None:
        return None
    inner = within(relation, owner)
    found = _measure(ctx, node, path, relation, inner) if node.for_ is None else _calculated(ctx, node, path, inner)
    where = None if node.where is None else ctx.condition(node.where, inner)
    order = None if node.by is None else order_of(ctx, node.by, inner)
    if _untimed(ctx, head, relation):
        return None
    if found is False or (node.where is not None and where is None) or (node.by is not None and order is None):
        return None
    value = found or None
    if name in ("any", "none") and value is not None:
        where, value = value if where is None else And(span=node.span, terms=(where, value)), None
    kind = result_type(ctx, node, path, value)
    if kind is None:
        return None
    above = owner.table if way else ""
    return Aggregate(
        span=node.span, function=name, relation=relation, type=kind, value=value, where=where, order=order, up=way, owner=above
    )


def up(ctx: Context, path: syntax.Path, scope: Scope) -> tuple[tuple[tuple[str, str], ...], Scope]:
    """The links that an aggregate's path goes up first, and the row that they lead to."""
    way: list[tuple[str, str]] = []
    table = scope.table
    for part, following in pairwise(path.parts):
        link = ctx.schema.tables[table].links.get(part.text)
        if link is None or (part.text in ctx.relations(table) and not _link_is_meant(ctx, table, part.text, following.text)):
            break
        way.append((table, part.text))
        table = link.table
        ctx.staged = True
    return tuple(way), Scope(table, apart=True) if way else scope


def _link_is_meant(ctx: Context, table: str, name: str, following: str) -> bool:
    """Whether, of a link and a relation with one name, only the link leads on to what follows."""
    below = ctx.schema.tables[ctx.relations(table)[name][0].table]
    target = ctx.schema.tables[table].links[name].table
    leads_on = following in ctx.relations(target) or following in ctx.schema.tables[target].links
    return leads_on and following not in below.fields and following not in below.links and following not in ctx.lets


def ordered(ctx: Context, node: syntax.Call) -> bool:
    """Whether `by` stands where it has to, and nowhere else; else it is told."""
    name = node.name.text
    if name not in ("first", "last"):
        if node.by is not None:
            hint = "the value at a time is `last(… by …)`, or `first`"
            ctx.report("E312", node.span, name=f"`{name}`", clause="by", hint=hint)
        return node.by is None
    if node.by is None:
        ctx.report("E311", node.span, name=f"`{name}`", wanted="`by` and a time", hint=f"write `{FUNCTIONS[name].shape}`")
    return node.by is not None


def order_of(ctx: Context, node: syntax.Expression, inner: Scope) -> Expression | None:
    """What stands after `by`: a number or a time of each row, or of each group of rows."""
    found = ctx.value(node, inner)
    if found is None:
        return None
    if found.type.kind not in _ORDERED:
        ctx.report("E305", node.span, what="`by`", wanted="a number or a time", found=phrase(found))
        return None
    return exact_duration(ctx, found)


def _calculated(ctx: Context, node: syntax.Call, path: syntax.Path, inner: Scope) -> Expression | Literal[False]:
    """What stands before `for`: a value, or of `any`, `none` and `all` a condition, of some either; False after a mistake."""
    name, argument = node.name.text, node.arguments[0]
    if len(path.parts) > 1:
        hint = f"name the relation alone: `{name}(… for {path.parts[0].text})`"
        ctx.report("E311", path.span, name=f"`{name}(… for …)`", wanted="a relation", hint=hint)
        return False
    if name in ("any", "none", "all"):
        return ctx.condition(argument, inner) or False
    if name in ("distinct", "first", "last"):
        found = ctx.expression(argument, inner)
        return False if found is None else exact_duration(ctx, found) or False
    if type(argument) in CONDITIONS:
        if ctx.expression(argument, inner) is not None:
            hint = f"count the rows: `count({path.parts[0].text} where …)`"
            ctx.report("E311", argument.span, name=f"`{name}(… for …)`", wanted="a value before `for`", hint=hint)
        return False
    found = ctx.value(argument, inner)
    return False if found is None else exact_duration(ctx, found) or False


def _measure(ctx: Context, node: syntax.Call, path: syntax.Path, relation: Relation, inner: Scope) -> Expression | Literal[False] | None:
    """The field or let of the rows that is counted or summed; None for `count(orders)`, False after a mistake."""
    name, called = node.name.text, relation.name
    rest = path.parts[1:]
    if name == "all":
        hint = f"write `all(condition for {called})`"
        ctx.report("E311", path.span, name="`all`", wanted="a condition and `for`", hint=hint)
        return False
    if name in ("any", "none"):
        if rest:
            ctx.report("E311", path.span, name=f"`{name}`", wanted="a relation", hint=f"write `{name}({called} where …)`")
        return False if rest else None
    if not rest:
        if name == "count":
            return None
        table = ctx.schema.tables[relation.table]
        wanted = _ANY_TYPE if name in ("distinct", "first", "last") else NUMERIC
        known = next((field for field, spec in table.fields.items() if spec.type.kind in wanted), "…")
        rest_of_it = "" if node.by is None else " by …"
        hint = f"name a field of the rows: `{name}({called}.{known}{rest_of_it})`"
        ctx.report("E311", path.span, name=f"`{name}`", wanted="a field", hint=hint)
        return False
    deeper = ctx.relations(relation.table)
    if len(rest) > 1 and rest[0].text in deeper and rest[0].text not in ctx.schema.tables[relation.table].links:
        tail = ".".join(part.text for part in rest)
        ctx.report("E210", rest[0].span, name=rest[0].text, hint=f"start with it: `{name}({tail})`")
        return False
    named = let_of_row(ctx, path, rest[0], inner) if len(rest) == 1 else None
    found = (lookup(ctx, path, inner, relation.table, rest, ()) or False) if named is None else named
    if found and found.type.kind == "list" and name != "count":
        ctx.report("E305", path.span, what=f"`{name}`", wanted="one value of each row", found=phrase(found))
        return False
    return found


def result_type(ctx: Context, node: syntax.Call, path: syntax.Path | None, value: Expression | None) -> Type | None:
    """The type of an aggregate's result; `path` is what it goes over, None where those are groups."""
    name, span = node.name.text, node.arguments[0].span
    if name in ("any", "none", "all"):
        return TRUTH
    if name == "count":
        return WHOLE
    assert value is not None
    kind = value.type.kind
    if name in ("distinct", "first", "last"):
        if kind in _ANY_TYPE:
            return WHOLE if name == "distinct" else value.type
        ctx.report("E305", span, what=f"`{name}`", wanted="single values", found=phrase(value))
        return None
    if name == "values":
        return list_of(value.type)
    if name in ("min", "max"):
        if kind in _ORDERED:
            return value.type
        ctx.report("E305", span, what=f"`{name}`", wanted="numbers or times", found=phrase(value))
        return None
    if kind == "duration" and name in ("sum", "avg"):
        return value.type
    if kind not in NUMERIC:
        wanted = "numbers or durations" if name in ("sum", "avg") else "numbers"
        hint = None
        if path is not None and name == "sum" and node.for_ is None:
            hint = f"`count({'.'.join(part.text for part in path.parts)})` counts the present ones"
        ctx.report("E305", span, what=f"`{name}`", wanted=wanted, found=phrase(value), hint=hint)
        return None
    return NUMBER if name in ("avg", "median", "stddev") else value.type


def _untimed(ctx: Context, head: syntax.Name, relation: Relation) -> bool:
    """Whether the event time of a relation's rows, or of those above them, is no field that tells a time: told here."""
    for name, _ in relation.chain:
        table = ctx.schema.tables[name]
        if table.event_time is None:
            continue
        field = table.fields.get(table.event_time)
        if field is None:
            ctx.report("E201", head.span, table=name, name=table.event_time, hint="the schema says that it is the event time")
            return True
        if field.type.kind not in ("date", "timestamp"):
            what = f"the event time of {name}"
            ctx.report("E305", head.span, what=what, wanted="a date or timestamp", found=f'"{table.event_time}" ({plain(field.type)})')
            return True
    return False


def within(relation: Relation, scope: Scope) -> Scope:
    """The rows of a relation of a scope's rows; the way up leads on to the account, or to the row that is apart."""
    above = () if scope.relation is None else scope.relation.chain
    return Scope(relation.table, Relation(relation.name, relation.table, (*relation.chain, *above)), scope.apart)


def _elsewhere(ctx: Context, node: syntax.Call, head: syntax.Name, scope: Scope) -> bool:
    """Whether an aggregate inside a `where` asks for a relation of the account that the row itself does not have: told here."""
    name = head.text
    if name in ctx.relations(scope.table) or name in ctx.schema.tables[scope.table].links or name not in ctx.relations(ctx.schema.root):
        return False
    hint = f"name it outside: `let {name}_… = {node.name.text}(…)`, and use the name here"
    ctx.report("E213", node.span, what=f"an aggregate over another relation ({name})", hint=hint)
    return True


def _not_a_path(ctx: Context, node: syntax.Call, argument: syntax.Expression) -> None:
    name = node.name.text
    if name == "all":
        ctx.report("E311", argument.span, name="`all`", wanted="a condition and `for`", hint="write `all(condition for orders)`")
    elif name in ("any", "none", "count"):
        ctx.report("E311", argument.span, name=f"`{name}`", wanted="a relation", hint=f"the condition follows: `{name}(orders where …)`")
    else:
        hint = f"name the rows behind it: `{name}(… for orders)`"
        ctx.report("E311", argument.span, name=f"`{name}`", wanted="a field, or a calculation and `for`", hint=hint)


def _counted(count: int) -> str:
    return "none" if count == 0 else str(count)
