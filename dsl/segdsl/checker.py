"""From syntax trees and a schema to the checked tree: names resolved, types known, sugar gone; or the mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from segdsl import calls, conditions, lists, sets, syntax, values
from segdsl.checked import Case, ChooseRule, CollectRule, Constant, Expression, LetRule, Rules, SegmentRule
from segdsl.context import Context, Scope
from segdsl.depths import depth
from segdsl.diagnostics import Diagnostic
from segdsl.functions import Signature
from segdsl.limits import Limits
from segdsl.lint import lints
from segdsl.names import collect, hides, mentions, order
from segdsl.params import settle
from segdsl.paths import path, rows_named
from segdsl.schema import Schema
from segdsl.typesystem import NUMERIC, Type
from segdsl.values import wider_type
from segdsl.wording import spoken, statement_kind

_NOTHING: Mapping[str, object] = MappingProxyType({})
_DEFAULTS = Limits()

FORMS: dict[type, Callable[[Context, syntax.Expression, Scope], Expression | None]] = {
    **dict.fromkeys(
        (syntax.Number, syntax.Text, syntax.Truth, syntax.Date, syntax.Month, syntax.Timestamp, syntax.Duration), values.literal
    ),
    syntax.Path: path,
    syntax.Negative: values.negative,
    syntax.Arithmetic: values.arithmetic,
    syntax.Ago: values.ago,
    syntax.FromNow: values.from_now,
    syntax.Call: calls.call,
    syntax.Or: conditions.one_of,
    syntax.And: conditions.all_of,
    syntax.Not: conditions.opposite,
    syntax.Compare: conditions.comparison,
    syntax.OrderInTime: conditions.in_time,
    syntax.InSet: sets.in_set,
    syntax.InPeriod: sets.in_period,
    syntax.Within: sets.within,
    syntax.TextTest: lists.contains,
    syntax.Matches: conditions.matches,
    syntax.IsMissing: conditions.missing,
    syntax.InSegment: conditions.in_segment,
    syntax.KOf: conditions.k_of,
}

_TOO_DEEP = "what is reckoned first counts by way of lets, too: up links, calls of the host's functions, comparisons with the population"


def check(
    files: Sequence[syntax.File],
    schema: Schema,
    params: Mapping[str, object] = _NOTHING,
    limits: Limits = _DEFAULTS,
    functions: Sequence[Signature] = (),
) -> tuple[Rules | None, tuple[Diagnostic, ...]]:
    """Check all files of a rule set together.

    `params` sets params of the rules to Python values, or to rule literals as text (`"30 days"`). `functions` are the
    host's. The rules are None where there is a mistake; the diagnostics are sorted by place and hold the warnings as well. Where
    there are mistakes, at most `limits.mistakes` diagnostics are told.
    """
    rules, found, warnings = examine(files, schema, params, limits, functions)
    return rules, found if rules is None else warnings()


def examine(
    files: Sequence[syntax.File], schema: Schema, params: Mapping[str, object], limits: Limits, functions: Sequence[Signature]
) -> tuple[Rules | None, tuple[Diagnostic, ...], Callable[[], tuple[Diagnostic, ...]]]:
    """As `check`; the warnings on rules without mistakes, which take as long as all the rest, are found when they are asked for."""
    names, told = collect(files, schema)
    ctx = Context(schema, names, FORMS, functions)
    ctx.diagnostics += told
    graph = mentions(names, schema)
    ordered, cycles = order(names, graph)
    ctx.diagnostics += cycles
    settle(ctx, params)
    segments: dict[str, SegmentRule] = {}
    steps: dict[str, int] = {}
    for name in ordered:
        statement = names.statements[name]
        try:
            _statement(ctx, statement, segments)
        except RecursionError:
            # the caller's own stack was nearly used up: the depth that the limit allows does not fit any more
            ctx.report("E907", statement.span, limit=limits.depth, hint="name parts of it with let")
        steps[name] = depth(_roots(ctx, segments, name), steps) if ctx.staged else 0
        if steps[name] > limits.nesting:
            ctx.report("E902", statement.name.span, limit=limits.nesting, hint=_TOO_DEEP)
            steps[name] = 0
    _repeated(ctx, files)
    if any(found.severity == "error" for found in ctx.diagnostics):
        return None, _sorted(ctx.diagnostics, limits), tuple
    rules = Rules(
        root=schema.root,
        timezone=schema.timezone,
        lets={name: ctx.lets[name] for name in names.statements if name in ctx.lets},
        segments={name: segments[name] for name in names.statements if name in segments},
        chooses={name: ctx.chooses[name] for name in names.statements if name in ctx.chooses},
        params=ctx.params,
        order=ordered,
        collects={name: ctx.collects[name] for name in names.statements if name in ctx.collects},
        names=tuple(name for name in names.statements if name in segments or name in ctx.chooses or name in ctx.collects),
        event_times={
            name: (table.event_time, table.fields[table.event_time].type)
            for name, table in schema.tables.items()
            if table.event_time is not None and table.event_time in table.fields
        },
    )
    found = ctx.diagnostics
    return rules, (), lambda: _sorted([*found, *lints(rules, schema, names, graph)], limits)


def _sorted(found: Sequence[Diagnostic], limits: Limits) -> tuple[Diagnostic, ...]:
    ordered = sorted(found, key=lambda one: (one.span.source, one.span.start, one.span.end, one.code, one.message))
    if any(one.severity == "error" for one in ordered):
        return tuple(ordered[: limits.mistakes])
    return tuple(ordered)


def _roots(ctx: Context, segments: dict[str, SegmentRule], name: str) -> list[Expression]:
    if name in ctx.lets:
        return [ctx.lets[name].value]
    if name in segments:
        return [segments[name].condition]
    if name in ctx.collects:
        return [case.condition for case in ctx.collects[name].cases]
    return [case.condition for case in ctx.chooses[name].cases] if name in ctx.chooses else []


def _repeated(ctx: Context, files: Sequence[syntax.File]) -> None:
    """Look into the statements whose names were taken already, for the mistakes inside them."""
    for file in files:
        for statement in file.statements:
            if ctx.names.statements[statement.name.text] is not statement and isinstance(statement, syntax.Let | syntax.Segment):
                _inside(ctx, statement)


def _inside(ctx: Context, statement: syntax.Let | syntax.Segment) -> None:
    if isinstance(statement, syntax.Segment):
        ctx.condition(statement.condition, ctx.account)
    else:
        scope = ctx.account if statement.relation is None else rows_named(ctx, statement.relation)
        if scope is not None:
            ctx.expression(statement.value, scope)


def _statement(ctx: Context, statement: syntax.Statement, segments: dict[str, SegmentRule]) -> None:
    name = statement.name.text
    match statement:
        case syntax.Let(relation=None):
            value = ctx.expression(statement.value, ctx.account)
            if value is not None:
                ctx.lets[name] = LetRule(span=statement.span, name=name, table=ctx.schema.root, value=value)
        case syntax.Let(relation=syntax.Name() as relation):
            scope = rows_named(ctx, relation)
            if scope is None:
                return
            field = ctx.schema.tables[scope.table].fields.get(name)
            if field is not None:
                ctx.diagnostics.append(hides(statement, scope.table, field.pinned, statement.name.span))
            value = ctx.expression(statement.value, scope)
            if value is not None:
                ctx.lets[name] = LetRule(span=statement.span, name=name, table=scope.table, value=value, relation=relation.text)
                if ctx.rests_on_account(value):
                    ctx.of_account.add(name)
        case syntax.Segment(label=label):
            condition = ctx.condition(statement.condition, ctx.account)
            if condition is not None:
                shown = None if label is None else label.value
                segments[name] = SegmentRule(span=statement.span, name=name, label=shown, condition=condition)
        case syntax.Choose():
            chosen = _choose(ctx, statement)
            if chosen is not None:
                ctx.chooses[name] = chosen
        case _:
            assert isinstance(statement, syntax.Collect), statement
            collected = _collect(ctx, statement)
            if collected is not None:
                ctx.collects[name] = collected


def _choose(ctx: Context, statement: syntax.Choose) -> ChooseRule | None:
    found = _cases(ctx, statement)
    if found is None:
        return None
    cases, otherwise, type_ = found
    label = None if statement.label is None else statement.label.value
    return ChooseRule(span=statement.span, name=statement.name.text, label=label, cases=cases, otherwise=otherwise, type=type_)


def _collect(ctx: Context, statement: syntax.Collect) -> CollectRule | None:
    found = _cases(ctx, statement)
    if found is None:
        return None
    cases, _, type_ = found
    label = None if statement.label is None else statement.label.value
    return CollectRule(span=statement.span, name=statement.name.text, label=label, cases=cases, type=type_)


def _cases(ctx: Context, statement: syntax.Choose | syntax.Collect) -> tuple[tuple[Case, ...], Constant | None, Type] | None:
    """The cases and the last value of a statement, in the type that its values have in common."""
    found = [(_case_value(ctx, case.value), ctx.condition(case.condition, ctx.account), case.span) for case in statement.cases]
    last = statement.otherwise if isinstance(statement, syntax.Choose) else None
    otherwise = None if last is None else _case_value(ctx, last)
    constants = [value for value, _, _ in found if value is not None]
    if otherwise is not None:
        constants.append(otherwise)
    type_ = _common_type(ctx, constants, f"a {statement_kind(statement)}")
    if type_ is None or (last is not None and otherwise is None):
        return None
    cases = tuple(
        Case(span=span, value=_as_type(value, type_), condition=condition)
        for value, condition, span in found
        if value is not None and condition is not None
    )
    if len(cases) < len(found):
        return None
    return cases, None if otherwise is None else _as_type(otherwise, type_), type_


def _case_value(ctx: Context, node: syntax.Expression) -> Constant | None:
    found = ctx.expression(node, ctx.account)
    return found if isinstance(found, Constant) else None


def _common_type(ctx: Context, constants: Sequence[Constant], what: str) -> Type | None:
    type_: Type | None = None
    for constant in constants:
        wider = constant.type if type_ is None else wider_type(type_, constant.type)
        if wider is None and type_ is not None:
            ctx.report("E308", constant.span, what=what, left=spoken(type_), right=spoken(constant.type))
            return None
        type_ = wider
    return type_


def _as_type(constant: Constant, type_: Type) -> Constant:
    if constant.type == type_ or type_.kind not in NUMERIC or not isinstance(constant.value, int):
        return constant
    return Constant(span=constant.span, type=type_, value=constant.value * 10 ** (type_.scale - constant.type.scale))
