"""Lints: rules that can be run and yet hardly say what was meant. Where a lint cannot tell, it is silent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from segdsl import syntax
from segdsl.checked import Aggregate, And, Chosen, Compare, Constant, Expression, Field, InList, InSegment, Let, OfAccount, Or, Rules
from segdsl.constants import fraction_of
from segdsl.diagnostics import Diagnostic, closest, diagnostic
from segdsl.missing import missing_values, statements, warning
from segdsl.names import Mentions, Names
from segdsl.schema import FieldSpec, Schema
from segdsl.tree import children, meaning
from segdsl.typesystem import NUMERIC
from segdsl.wording import dotted


def lints(rules: Rules, schema: Schema, names: Names, graph: Mentions) -> list[Diagnostic]:
    """All warnings on a rule set without mistakes, in no order."""
    found = [warning(lint) for lint in missing_values(rules)]
    for _, roots in statements(rules):
        for root in roots:
            _walk(root, schema, found)
    _duplicates(rules, found)
    _hidden_cases(rules, found)
    _none_alone(rules, found)
    _unused(names, graph, found)
    _labels(rules, schema, names, found)
    return found


def silenced(diagnostics: Sequence[Diagnostic], codes: Sequence[str]) -> tuple[Diagnostic, ...]:
    """The diagnostics without the warnings of some codes; mistakes cannot be silenced."""
    return tuple(found for found in diagnostics if found.severity == "error" or found.code not in codes)


def _walk(root: Expression, schema: Schema, found: list[Diagnostic]) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is And:
            _never(node, found)
        elif kind is Or:
            _always(node, found)
        elif kind is Compare or kind is InList:
            _closed_list(node, schema, found)
        inner = children(node)
        if kind is And:
            # a nested `and` was looked at as part of this one
            inner = [child for term in inner for child in (children(term) if type(term) is And else (term,))]
        waiting.extend(inner)


# ---- always and never


class _Bounds(msgspec.Struct):
    """What the constants say of one value: an interval, and the values it may equal."""

    family: str
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


def _against_constant(node: Expression) -> tuple[Any, str, str, Any] | None:
    """(value's key, family, operator, constant) of a comparison with a constant."""
    if not isinstance(node, Compare):
        return None
    op, left, right = node.op, node.left, node.right
    if isinstance(left, Constant):
        op, left, right = _FLIPPED[op], right, left
    if not isinstance(right, Constant) or right.value is None or isinstance(left, Constant):
        return None
    plain = _plain(right)
    return None if plain is None else (meaning(left), *plain[:1], op, plain[1])


def _plain(constant: Constant) -> tuple[str, Any] | None:
    if constant.value is None or constant.type.kind == "duration":
        return None
    if constant.type.kind in NUMERIC:
        if isinstance(constant.value, float) and constant.value - constant.value != 0:
            return None
        return "number", constant.value if constant.type.kind == "whole" else Fraction(fraction_of(constant))
    return constant.type.kind, constant.value


def _never(node: Expression, found: list[Diagnostic]) -> None:
    known: dict[Any, _Bounds] = {}
    for term in _terms(node, And):
        test = _against_constant(term)
        if test is None:
            listed = _listed(term)
            if listed is None:
                continue
            key, family, values = listed
            op, value = "in", values
        else:
            key, family, op, value = test
        bounds = known.setdefault(key, _Bounds(family))
        if bounds.family != family:
            continue
        _narrow(bounds, op, value)
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


def _listed(term: Expression) -> tuple[Any, str, frozenset[Any]] | None:
    if not isinstance(term, InList) or term.others or len(term.items) > 1_000:
        return None
    plain = [_plain(item) for item in term.items]
    families = {item[0] for item in plain if item is not None}
    if None in plain or len(families) != 1:
        return None
    return meaning(term.value), families.pop(), frozenset(item[1] for item in plain if item is not None)


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
    known: dict[Any, list[tuple[str, Any]]] = {}
    for term in _terms(node, Or):
        test = _against_constant(term)
        if test is not None:
            known.setdefault((test[0], test[1]), []).append((test[2], test[3]))
    for tests in known.values():
        if len(tests) > 1 and _covers(tests):
            found.append(diagnostic("W103", node.span, hint="its parts leave nothing out but what is missing"))
            return


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
    else:
        assert isinstance(node, Compare)
        field, constants = node.left, (node.right,)
        if isinstance(field, Constant):
            field, constants = node.right, (node.left,)
    if not isinstance(field, Field) or field.type.kind != "text":
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


def _duplicates(rules: Rules, found: list[Diagnostic]) -> None:
    first: dict[Any, str] = {}
    for name, segment in rules.segments.items():
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
        alone = [term for term in terms if isinstance(term, Aggregate) and term.function == "none" and term.where is not None]
        if not alone:
            continue
        others: set[str] = set()
        waiting: list[Expression] = [term for term in terms if term not in alone]
        unsure = False
        while waiting:
            node = waiting.pop()
            unsure = unsure or isinstance(node, Let | Chosen | InSegment | OfAccount)
            if isinstance(node, Aggregate):
                others.add(node.relation.name)
            waiting.extend(children(node))
        for term in alone:
            called = term.relation.name
            if not unsure and called not in others:
                others.add(called)
                found.append(diagnostic("W108", term.span, rows=rules.root, relation=called, hint=f"add `any({called})` to leave them out"))


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
        label = statement.label if isinstance(statement, syntax.Segment | syntax.Choose) else None
        if label is None:
            continue
        if any(match.group(1) in known for match in _TEST.finditer(label.value)):
            shown = label.value if len(label.value) <= 40 else label.value[:39] + "…"
            found.append(diagnostic("W110", label.span, label=shown, hint="put it after `when`, without quotes"))
