"""What a name or a dotted path means at the place where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import Literal

from segdsl import syntax
from segdsl.borrowed import name_hint
from segdsl.checked import Chosen, Collected, Constant, Expression, Field, Let, LetRule, Now, OfAccount, Relation, Today
from segdsl.context import Context, Scope
from segdsl.names import CLOCK, hides, quoted
from segdsl.syntax import Span
from segdsl.typesystem import list_of
from segdsl.wording import statement_kind

MANY_NAMES = 8
_UNUSABLE = "hand it over as text, a number, a date, a timestamp or a list of these"


def path(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """The value of a path: the row's own fields and lookups first, then params and the account's lets, chooses and collects."""
    assert isinstance(node, syntax.Path)
    if scope.groups is not None and not _of_group(ctx, node):
        hint = "aggregate the rows of each group: `max(… per …)`, `count(… per …)`"
        shown = ".".join(part.text for part in node.parts)
        ctx.report("E311", node.span, name=f"`{scope.groups.outer}`", wanted=f'a value of each group, and "{shown}" is none', hint=hint)
        return None
    if len(node.parts) > 1:
        return lookup(ctx, node, scope, scope.table, node.parts, ())
    name = node.parts[0]
    if name.text == "now" and not quoted(name):
        return Now(span=node.span)
    if name.text == "today" and not quoted(name):
        return Today(span=node.span)
    statement = ctx.names.statements.get(name.text)
    if isinstance(statement, syntax.Let) and statement.relation is not None:
        return _of_row(ctx, node, scope)
    if scope.apart and statement is not None and not isinstance(statement, syntax.Param):
        if scope.groups is not None or name.text not in ctx.schema.tables[scope.table].fields:
            _of_account_alone(ctx, node, ctx.names.kind(name.text))
            return None
    elif statement is not None:
        if scope.relation is not None and scope.groups is None and not _clear(ctx, statement, scope, node.span):
            return None
        return _named(ctx, statement, scope, node.span)
    return lookup(ctx, node, scope, scope.table, node.parts, ())


def _of_group(ctx: Context, node: syntax.Path) -> bool:
    """Whether a path is known where a group of rows is looked at: the clock, a param, or a name of the account."""
    name = node.parts[0]
    statement = ctx.names.statements.get(name.text)
    clock = name.text in CLOCK and not quoted(name)
    known = statement is not None and not (isinstance(statement, syntax.Let) and statement.relation is not None)
    return len(node.parts) == 1 and (clock or known)


def _clear(ctx: Context, statement: syntax.Statement, scope: Scope, span: Span) -> bool:
    """Whether a statement's name may be used inside a relation whose rows may have a field of that name."""
    field = ctx.schema.tables[scope.table].fields.get(statement.name.text)
    if field is None:
        return True
    if scope.table == ctx.schema.root:
        return not field.pinned  # told where the name is given
    if field.pinned or ctx.once("W104", f"{statement.name.text} {scope.table}"):
        ctx.diagnostics.append(hides(statement, scope.table, field.pinned, span))
    return not field.pinned


def _of_account_alone(ctx: Context, node: syntax.Path, kind: str) -> None:
    name = node.parts[0].text
    ctx.report("E219", node.span, name=name, kind=kind, hint=f"compare outside of the aggregate, or make {name} a param")


def _named(ctx: Context, statement: syntax.Statement, scope: Scope, span: Span) -> Expression | None:
    name = statement.name.text
    match statement:
        case syntax.Param():
            value = ctx.params.get(name)
            if isinstance(value, tuple):
                ctx.report("E314", span, name=name, hint=f"write `in {name}`")
                return None
            if value is None:
                return None
            return Constant(span=span, type=value.type, value=value.value, param=name)
        case syntax.Let():
            rule = ctx.lets.get(name)
            return None if rule is None else of_account(_let(rule, span), scope)
        case syntax.Choose():
            chosen = ctx.chooses.get(name)
            if chosen is None:
                return None
            return of_account(Chosen(span=span, name=name, type=chosen.type), scope)
        case syntax.Collect():
            held = ctx.collects.get(name)
            if held is None:
                return None
            return of_account(Collected(span=span, name=name, type=list_of(held.type)), scope)
        case _:
            ctx.report("E215", span, name=name, hint=f"write `in segment {name}`")
            return None


def let_of_row(ctx: Context, node: syntax.Path, name: syntax.Name, scope: Scope) -> Expression | Literal[False] | None:
    """The let of a scope's rows that a name calls; None where there is no such let of that table, False after a mistake."""
    rule = ctx.lets.get(name.text)
    if rule is None or rule.relation is None or rule.table != scope.table:
        return None
    return _of_row(ctx, syntax.Path(span=node.span, parts=(name,)), scope) or False


def _let(rule: LetRule, span: Span) -> Let | Constant:
    if isinstance(rule.value, Constant):
        return Constant(span=span, type=rule.value.type, value=rule.value.value, param=rule.value.param)
    return Let(span=span, name=rule.name, type=rule.value.type)


def _of_row(ctx: Context, node: syntax.Path, scope: Scope) -> Expression | None:
    """What the name of a `let … for` means: that let where its table's rows are the scope, elsewhere a field of that name."""
    name = node.parts[0].text
    rule = ctx.lets.get(name)
    if rule is None:
        return None
    if rule.table == scope.table:
        if scope.apart and name in ctx.of_account:
            _of_account_alone(ctx, node, "let that rests on the account")
            return None
        return _let(rule, node.span)
    if name in ctx.schema.tables[scope.table].fields:
        return lookup(ctx, node, scope, scope.table, node.parts, ())
    test = "where {}" if rule.value.type.kind == "yes/no" else "where {} …"
    hint = f"use it where those rows are tested: `any({rule.relation} {test.format(name)})`"
    ctx.report("E218", node.span, name=name, table=rule.table, here=scope.table, hint=hint)
    return None


def of_account(value: Expression, scope: Scope) -> Expression:
    """A value of the account as seen from a row of `scope`."""
    return value if scope.relation is None or isinstance(value, Constant) else OfAccount(span=value.span, operand=value, type=value.type)


def lookup(
    ctx: Context, node: syntax.Path, scope: Scope, table_name: str, parts: tuple[syntax.Name, ...], way: tuple[str, ...]
) -> Field | None:
    """The field that `parts` lead to from a row of `table_name`, through links; `way` are the links already gone."""
    for part in parts[:-1]:
        table = ctx.schema.tables[table_name]
        link = table.links.get(part.text)
        if link is None:
            _no_link(ctx, node, scope, table_name, part)
            return None
        way = (*way, part.text)
        table_name = link.table
    name = parts[-1]
    table = ctx.schema.tables[table_name]
    field = table.fields.get(name.text)
    if field is None:
        _no_field(ctx, node, scope, table_name, name, bool(way))
        return None
    if not field.usable:
        ctx.report("E208", name.span, name=name.text, table=table_name)
        return None
    nullable = field.nullable and not field.never_missing
    return Field(span=node.span, table=scope.table, name=name.text, type=field.type, path=way, nullable=nullable, single=field.single)


def _no_link(ctx: Context, node: syntax.Path, scope: Scope, table: str, part: syntax.Name) -> None:
    name = part.text
    fields = ctx.schema.tables[table].fields
    if name in fields:
        ctx.report("E212", part.span, name=name, kind="a field")
    elif name in ctx.relations(table):
        field = node.parts[-1].text
        ctx.report("E210", part.span, name=name, hint=f"aggregate the rows: `sum({name}.{field})`, `any({name} where …)`")
    elif name in ctx.names.statements:
        ctx.report("E212", part.span, name=name, kind=f"a {ctx.names.kind(name)}")
    else:
        links = ctx.schema.tables[table].links
        hint = f"its own fields stand alone: `{node.parts[-1].text}`" if name == table else ctx.near(name, (*links, *ctx.relations(table)))
        ctx.report("E217", part.span, name=name, what=f"{table} has no link", hint=hint)


def _no_field(ctx: Context, node: syntax.Path, scope: Scope, table_name: str, name: syntax.Name, looked_up: bool) -> None:
    table = ctx.schema.tables[table_name]
    text = name.text
    if text in table.unsupported:
        ctx.report("E209", name.span, name=text, table=table_name, type=table.unsupported[text], hint=_UNUSABLE)
        return
    if text in table.links:
        target = table.links[text].table
        known = next(iter(ctx.schema.tables[target].fields), "…")
        ctx.report("E211", name.span, name=text, table=target, hint=f"name one of its fields: `{text}.{known}`")
        return
    if text in ctx.relations(table_name):
        ctx.report("E210", name.span, name=text, hint=f"aggregate the rows: `count({text})`, `any({text} where …)`")
        return
    if scope.relation is not None and not scope.apart and not looked_up and text in ctx.schema.tables[ctx.schema.root].fields:
        up = ".".join(link for _, link in scope.relation.chain)
        ctx.report("E201", name.span, table=table_name, name=text, hint=f"the account's own field is `{up}.{text}` here")
        return
    if looked_up and text in ctx.names.statements:
        statement = ctx.names.statements[text]
        bare = f'the {ctx.names.kind(text)} is called by its bare name, "{text}"'
        if isinstance(statement, syntax.Let) and statement.relation is not None:
            bare = "no link leads to a `let … for`: write what it says, with the link before the names of its fields"
        ctx.report("E201", name.span, table=table_name, name=text, hint=bare)
        return
    own = (field for field, spec in table.fields.items() if spec.usable)
    foreign = None if looked_up else name_hint(text)
    hint = foreign or ctx.near(text, chain(own, table.links, ctx.relations(table_name), () if looked_up else ctx.values))
    ctx.report("E201", name.span, table=table_name, name=text, hint=hint)


def rows_named(ctx: Context, name: syntax.Name) -> Scope | None:
    """The rows that a `let … for` is about: those of a relation of the account, or else of the rows of another table."""
    for table in (ctx.schema.root, *ctx.schema.tables):
        found = ctx.relations(table).get(name.text, ())
        if len({relation.table for relation in found}) == 1:
            return Scope(found[0].table, found[0], table != ctx.schema.root)
    relation_of(ctx, name, ctx.account)
    return None


def relation_of(ctx: Context, name: syntax.Name, scope: Scope) -> Relation | None:
    """The relation of the scope's rows that a name calls."""
    found = ctx.relations(scope.table).get(name.text)
    if found is None:
        _no_relation(ctx, name, scope)
        return None
    if len(found) > 1:
        ways = ", ".join(" → ".join(f"{table}.{link}" for table, link in relation.chain) for relation in found)
        hint = f"give the links names of their own (`relation = …` in the schema): {ways}"
        ctx.report("E207", name.span, name=name.text, count=len(found), table=scope.table, hint=hint)
        return None
    return found[0]


def _no_relation(ctx: Context, name: syntax.Name, scope: Scope) -> None:
    text = name.text
    table = ctx.schema.tables[scope.table]
    relations = ctx.relations(scope.table)
    example = next(iter(relations), "orders")
    if text in table.fields:
        hint = f"an aggregate runs over a relation: `count({example})`, `sum({example}.…)`"
        ctx.report("E203", name.span, table=scope.table, name=text, hint=hint)
    elif text in table.links:
        hint = f"it is a link, which leads to one row; an aggregate runs over a relation: `count({example})`"
        ctx.report("E203", name.span, table=scope.table, name=text, hint=hint)
    elif text in ctx.names.statements:
        statement = ctx.names.statements[text]
        hint = f"it is a {statement_kind(statement)}; an aggregate runs over a relation: `count({example})`"
        ctx.report("E203", name.span, table=scope.table, name=text, hint=hint)
    else:
        ctx.report("E203", name.span, table=scope.table, name=text, hint=ctx.near(text, relations) or _listed(scope.table, relations))


def _listed(table: str, relations: Iterable[str]) -> str:
    """The relations of a table's rows, the first few of them."""
    first = [*islice(relations, MANY_NAMES + 1)]
    shown = ", ".join(first[:MANY_NAMES]) + (", …" if len(first) > MANY_NAMES else "")
    return f"the relations of {table} are {shown}" if first else f"no table is linked to {table}"
