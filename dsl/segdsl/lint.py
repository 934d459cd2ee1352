"""Lints: rules that can be run and yet hardly say what was meant. Where a lint cannot tell, it is silent."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from segdsl import constants, syntax
from segdsl.checked import (
    Aggregate,
    And,
    Chosen,
    Collected,
    Compare,
    Constant,
    Expression,
    Field,
    InList,
    InSegment,
    InValues,
    KOf,
    Let,
    OfAccount,
    Or,
    Rules,
)
from segdsl.constants import fraction_of
from segdsl.diagnostics import Diagnostic, closest, diagnostic
from segdsl.missing import missing_values, statements, warning
from segdsl.names import Mentions, Names
from segdsl.schema import FieldSpec, Schema
from segdsl.tree import LEAVES, branches, children, mark, meaning
from segdsl.typesystem import NUMERIC, Length
from segdsl.wording import dotted


def lints(rules: Rules, schema: Schema, names: Names, graph: Mentions) -> list[Diagnostic]:
    """All warnings on a rule set without mistakes, in no order."""
    found = [warning(lint) for lint in missing_values(rules)]
    marks = {name: _walk(roots, schema, found) for name, roots in statements(rules)}
    _duplicates(rules, marks, found)
    _hidden_cases(rules, found)
    _none_alone(rules, found)
    _unused(names, graph, found)
    _labels(rules, schema, names, found)
    return found


def _walk(roots: Sequence[Expression], schema: Schema, found: list[Diagnostic]) -> tuple[Any, ...]:
    """Look at every part of a statement; gives a sign of the whole that is equal where the meaning is."""
    marks: list[Any] = [mark(root) for root in roots]
    waiting = [root for root in roots if type(root) not in LEAVES]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        inner = branches(node)
        if kind is Compare:
            assert isinstance(node, Compare)
            marks += (node.op, mark(node.left), mark(node.right))
            _closed_list(node, schema, found)
        elif kind is InList:
            assert isinstance(node, InList)
            marks += (kind, mark(node.value), len(node.items))
            _closed_list(node, schema, found)
        elif kind is InValues:
            assert isinstance(node, InValues)
            marks += (kind, mark(node.value), mark(node.listed), node.folded)
            if not node.folded:
                _closed_list(node, schema, found)
        else:
            marks.append(kind)
            if kind is And:
                _never(node, found)
                # a nested `and` was looked at as part of this one
                inner = [child for term in inner for child in (branches(term) if type(term) is And else (term,))]
                marks.append(len(inner))
            elif kind is Or:
                _always(node, found)
            elif kind is KOf:
                assert isinstance(node, KOf)
                marks += (node.kind, node.count, len(node.terms))
                _so_many(node, found)
            elif kind is InSegment:
                marks.append(node.segment)  # type: ignore[union-attr]
        waiting += inner
    return tuple(marks)


# ---- always and never


class _Bounds(msgspec.Struct):
    """What the constants say of one value: an interval, and the values it may equal."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False
    among: frozenset[Any] | None = None

    def empty(self) -> bool:
        if (
            self.low is not None
            and self.high is not None
            and (self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)))
        ):
            return True
        if self.among is None:
            return False
        return not any(self._holds(value) for value in self.among)

    def _holds(self, value: Any) -> bool:
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below


_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class _Test(msgspec.Struct, gc=False):
    """`value op constant`, the constant in plain numbers of its family; `in` has a set."""

    value: Expression
    op: str
    family: str
    constant: Any


def _tests(terms: Sequence[Expression], lists: bool) -> dict[Any, list[_Test]]:
    """The comparisons with constants by what they compare, where there are two or more of one family."""
    found: list[_Test] = []
    for term in terms:
        if type(term) is Compare:
            assert isinstance(term, Compare)
            op, left, right = term.op, term.left, term.right
            if type(left) is Constant:
                op, left, right = _FLIPPED[op], right, left
            if type(right) is Constant and type(left) is not Constant:
                plain = _plain(right)
                if plain is not None:
                    found.append(_Test(left, op, *plain))
        elif lists and type(term) is InList:
            listed = _listed(term)
            if listed is not None:
                found.append(listed)
    grouped: dict[Any, list[_Test]] = {}
    if len(found) > 1:
        whole = sum(type(test.value) not in LEAVES for test in found) > 1
        for test in found:
            key = meaning(test.value) if whole or type(test.value) in LEAVES else id(test.value)
            grouped.setdefault((key, test.family), []).append(test)
    return {key: tests for key, tests in grouped.items() if len(tests) > 1}


def _plain(constant: Constant) -> tuple[str, Any] | None:
    if isinstance(constant.value, Length):
        exact = constants.exact(constant.value)
        return None if exact is None else ("duration", exact.nanoseconds)
    if constant.value is None:
        return None
    if constant.type.kind in NUMERIC:
        if isinstance(constant.value, float) and not math.isfinite(constant.value):
            return None
        return "number", constant.value if constant.type.kind == "whole" else fraction_of(constant)
    return constant.type.kind, constant.value


def _never(node: Expression, found: list[Diagnostic]) -> None:
    for tests in _tests(_terms(node, And), True).values():
        bounds = _Bounds()
        for test in tests:
            _narrow(bounds, test.op, test.constant)
        if bounds.empty():
            found.append(diagnostic("W102", node.span, hint="its parts exclude each other"))
            return


def _narrow(bounds: _Bounds, op: str, value: Any) -> None:
    if op in (">", ">="):
        if bounds.low is None or value > bounds.low or (value == bounds.low and op == ">"):
            bounds.low, bounds.low_open = value, op == ">"
    elif op in ("<", "<="):
        if bounds.high is None or value < bounds.high or (value == bounds.high and op == "<"):
            bounds.high, bounds.high_open = value, op == "<"
    elif op in ("=", "in"):
        values = value if op == "in" else frozenset((value,))
        bounds.among = values if bounds.among is None else bounds.among & values
    elif bounds.among is not None:
        bounds.among -= {value}


def _listed(term: Expression) -> _Test | None:
    if not isinstance(term, InList) or term.others or len(term.items) > 1_000:
        return None
    plain = [_plain(item) for item in term.items]
    families = {item[0] for item in plain if item is not None}
    if None in plain or len(families) != 1:
        return None
    return _Test(term.value, "in", families.pop(), frozenset(item[1] for item in plain if item is not None))


def _terms(node: Expression, kind: type[And] | type[Or]) -> list[Expression]:
    assert isinstance(node, And | Or)
    flat: list[Expression] = []
    for term in node.terms:
        if type(term) is kind:
            flat.extend(term.terms)
        else:
            flat.append(term)
    return flat


def _always(node: Expression, found: list[Diagnostic]) -> None:
    for tests in _tests(_terms(node, Or), False).values():
        if _covers([(test.op, test.constant) for test in tests]):
            found.append(diagnostic("W103", node.span, hint="its parts leave nothing out but what is missing"))
            return


def _so_many(node: KOf, found: list[Diagnostic]) -> None:
    """A number of conditions that always hold, or never: `at least 0 of`, `exactly 4 of` three."""
    terms = len(node.terms)
    hint = f"there {'is 1 condition' if terms == 1 else f'are {terms} conditions'}, and none of them decides"
    if node.count > terms:
        found.append(diagnostic("W103" if node.kind == "at most" else "W102", node.span, hint=hint))
    elif (node.kind, node.count) in (("at least", 0), ("at most", terms)):
        found.append(diagnostic("W103", node.span, hint=hint))


def _covers(tests: list[tuple[str, Any]]) -> bool:
    equal = {value for op, value in tests if op == "="}
    unequal = {value for op, value in tests if op == "!="}
    if equal & unequal or len(unequal) > 1:
        return True
    lows = [(value, op == ">") for op, value in tests if op in (">", ">=")]
    highs = [(value, op == "<=") for op, value in tests if op in ("<", "<=")]
    if not lows or not highs:
        return False
    low, high = min(lows), max(highs)
    return bool(low[0] < high[0] or (low[0] == high[0] and (not low[1] or high[1])))


# ---- closed lists


def _closed_list(node: Expression, schema: Schema, found: list[Diagnostic]) -> None:
    constants: Sequence[Expression]
    if isinstance(node, InList):
        field, constants = node.value, node.items
    elif isinstance(node, InValues):
        field, constants = node.listed, (node.value,)
    else:
        assert isinstance(node, Compare)
        field, constants = node.left, (node.right,)
        if isinstance(field, Constant):
            field, constants = node.right, (node.left,)
    if not isinstance(field, Field) or (field.type.item or field.type).kind != "text":
        return
    values = _spec(schema, field).values
    if not values:
        return
    known = frozenset(values)
    for constant in constants:
        if isinstance(constant, Constant) and isinstance(constant.value, str) and constant.value not in known:
            near = closest(constant.value, values)
            few = ", ".join(f'"{value}"' for value in values[:8]) + (", …" if len(values) > 8 else "")
            hint = f'did you mean "{near}"?' if near else f"it is one of {few}"
            found.append(diagnostic("W109", constant.span, field=dotted(field), value=constant.value, hint=hint))


def _spec(schema: Schema, field: Field) -> FieldSpec:
    table = schema.tables[field.table]
    for link in field.path:
        table = schema.tables[table.links[link].table]
    return table.fields[field.name]


# ---- statements


def _duplicates(rules: Rules, marks: dict[str, tuple[Any, ...]], found: list[Diagnostic]) -> None:
    alike: dict[Any, list[str]] = {}
    for name in rules.segments:
        alike.setdefault(marks[name], []).append(name)
    for names in alike.values():
        if len(names) == 1:
            continue
        first: dict[Any, str] = {}
        for name in names:
            segment = rules.segments[name]
            earlier = first.setdefault(meaning(segment.condition), name)
            if earlier != name:
                also = ((rules.segments[earlier].span, f'"{earlier}" is here'),)
                found.append(diagnostic("W106", segment.span, first=earlier, name=name, also=also))


def _hidden_cases(rules: Rules, found: list[Diagnostic]) -> None:
    for choose in rules.chooses.values():
        first: dict[Any, Expression] = {}
        for case in choose.cases:
            earlier = first.setdefault(meaning(case.condition), case.condition)
            if earlier is not case.condition:
                found.append(diagnostic("W105", case.condition.span, also=((earlier.span, "the earlier one is here"),)))


def _none_alone(rules: Rules, found: list[Diagnostic]) -> None:
    for segment in rules.segments.values():
        terms = _terms(segment.condition, And) if isinstance(segment.condition, And) else [segment.condition]
        alone = [
            term
            for term in terms
            if isinstance(term, Aggregate) and (term.function == "all" or (term.function == "none" and term.where is not None))
        ]
        if not alone:
            continue
        others: set[str] = set()
        waiting: list[Expression] = [term for term in terms if term not in alone]
        unsure = False
        while waiting:
            node = waiting.pop()
            unsure = unsure or isinstance(node, Let | Chosen | Collected | InSegment | OfAccount)
            if isinstance(node, Aggregate):
                others.add(node.relation.name)
            waiting.extend(children(node))
        for term in alone:
            called = term.relation.name
            if not unsure and called not in others:
                others.add(called)
                hint = f"add `any({called})` to leave them out"
                found.append(diagnostic("W108", term.span, name=term.function, rows=rules.root, relation=called, hint=hint))


def _unused(names: Names, graph: Mentions, found: list[Diagnostic]) -> None:
    for name, statement in names.statements.items():
        if isinstance(statement, syntax.Param | syntax.Let) and name not in graph.used:
            found.append(diagnostic("W107", statement.name.span, kind=names.kind(name), name=name))


_TEST = re.compile(
    r"(\w+)(?:\.\w+)*\)?\s*(?:!=|<=|>=|[=<>]|\b(?:in|not in)\s*\(|\b(?:before|after|within|contains|is missing|is not missing)\b)"
)


def _labels(rules: Rules, schema: Schema, names: Names, found: list[Diagnostic]) -> None:
    root = schema.tables[schema.root]
    known = {*root.fields, *root.links, *schema.relations(schema.root), *names.statements}
    for name in rules.names:
        statement = names.statements[name]
        label = statement.label if isinstance(statement, syntax.Segment | syntax.Choose | syntax.Collect) else None
        if label is None:
            continue
        if any(match.group(1) in known for match in _TEST.finditer(label.value)):
            shown = label.value if len(label.value) <= 40 else label.value[:39] + "…"
            found.append(diagnostic("W110", label.span, label=shown, hint="put it after `when`, without quotes"))
