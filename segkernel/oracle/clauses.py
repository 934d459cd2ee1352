"""Why: the value of every clause of a rule for one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from segdsl import checked
from segdsl.syntax import Span
from segdsl.typesystem import Type, list_of
from segkernel.oracle.arithmetic import Value

if TYPE_CHECKING:
    from segkernel.oracle.evaluate import Oracle, Row

KINDS: dict[type, str] = {
    checked.Constant: "constant",
    checked.Now: "now",
    checked.Today: "today",
    checked.PeriodStart: "period",
    checked.Field: "field",
    checked.Let: "let",
    checked.Chosen: "choose",
    checked.Collected: "collect",
    checked.OfAccount: "account",
    checked.Arithmetic: "arithmetic",
    checked.Negative: "negative",
    checked.Shift: "shift",
    checked.Difference: "difference",
    checked.ScaleDuration: "duration",
    checked.Coalesce: "coalesce",
    checked.If: "if",
    checked.Call: "function",
    checked.HostCall: "function of the host",
    checked.Aggregate: "aggregate",
    checked.Grouped: "groups",
    checked.Relative: "population",
    checked.And: "and",
    checked.Or: "or",
    checked.KOf: "so many of",
    checked.Not: "not",
    checked.Compare: "comparison",
    checked.InList: "list",
    checked.InValues: "list",
    checked.Overlap: "list",
    checked.TextTest: "text test",
    checked.IsMissing: "is missing",
    checked.InSegment: "segment",
}


class Clause(msgspec.Struct, frozen=True):
    """A clause at its place in the rules, and the value it had.

    `value` is in normal form, of type `type`; for a condition it is True, False, or None for unknown. `children` are the
    clauses it is made of, in the order written; under the mention of a let, choose, collect or segment, that statement's. `rows` are
    the numbers of the rows that an aggregate counted (those whose `where` is true), in their table's order; of an aggregate over
    groups, all rows of the groups that it counted.
    """

    span: Span
    kind: str
    type: Type
    value: Value
    children: tuple[Clause, ...] = ()
    rows: tuple[int, ...] = ()


def explain(oracle: Oracle, expression: checked.Expression, row: Row) -> Clause:
    """An expression for a row with all its clauses; what is asked of an aggregate's rows is asked by their own rows."""
    rows: tuple[int, ...] = ()
    children: tuple[Clause, ...] = ()
    if isinstance(expression, checked.Grouped):
        counted = oracle.counted(expression, row)
        rows = tuple(sorted({index for group in counted for index in group.members or ()}))
    elif isinstance(expression, checked.Aggregate):
        rows = tuple(each.index for each in oracle.counted(expression, row))
    elif isinstance(expression, checked.OfAccount) and row.account is not None:
        children = (explain(oracle, expression.operand, oracle.account(row.account)),)
    elif isinstance(expression, checked.Let | checked.Chosen | checked.Collected):
        children = (explain_statement(oracle, expression.name, row),)
    elif isinstance(expression, checked.InSegment):
        children = (explain_statement(oracle, expression.segment, row),)
    else:
        children = tuple(explain(oracle, part, row) for part in parts(expression))
    return Clause(expression.span, KINDS[type(expression)], expression.type, oracle.value(expression, row), children, rows)


def explain_statement(oracle: Oracle, name: str, row: Row) -> Clause:
    """A let, segment, choose or collect for a row: a let and a segment are their expression, the others have a child for every case."""
    rules = oracle.rules
    if name in rules.lets:
        return explain(oracle, rules.lets[name].value, row)
    if name in rules.segments:
        return explain(oracle, rules.segments[name].condition, row)
    several = rules.collects[name] if name in rules.collects else rules.chooses[name]
    kind, type_ = ("collect", list_of(several.type)) if name in rules.collects else ("choose", several.type)
    cases = tuple(explain(oracle, case.condition, row) for case in several.cases)
    span = Span(min(clause.span.start for clause in cases), max(clause.span.end for clause in cases), cases[0].span.source)
    return Clause(span, kind, type_, oracle.named(name, row), cases)


def parts(expression: checked.Expression) -> tuple[checked.Expression, ...]:
    """The expressions that an expression is made of, for the same row, in the order written."""
    values = [getattr(expression, field) for field in expression.__struct_fields__]
    flat = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
    return tuple(part for part in flat if isinstance(part, checked.Checked))  # type: ignore[misc]  # all of them are expressions
