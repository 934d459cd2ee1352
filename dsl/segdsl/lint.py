"""Lints: rules that can be run and yet hardly say what was meant. Where a lint cannot tell, it is silent."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segdsl import syntax
from segdsl.checked import (
    Aggregate,
    And,
    ChooseRule,
    Chosen,
    Collected,
    Compare,
    Constant,
    Expression,
    Field,
    InList,
    InSegment,
    InValues,
    Let,
    OfAccount,
    Rules,
)
from segdsl.diagnostics import Diagnostic, closest, diagnostic
from segdsl.facts import field_spec
from segdsl.missing import missing_values, statements, warning
from segdsl.names import Mentions, Names
from segdsl.reasoning import flat, reasoned
from segdsl.schema import Schema
from segdsl.tree import LEAVES, branches, children
from segdsl.typesystem import TEXT
from segdsl.wording import dotted


def lints(rules: Rules, schema: Schema, names: Names, graph: Mentions) -> list[Diagnostic]:
    """All warnings on a rule set without mistakes, in no order."""
    found = [warning(lint) for lint in missing_values(rules)]
    misspelt = _misspelt(rules, schema, found)
    found += reasoned(rules, schema, misspelt)
    _none_alone(rules, found)
    _unused(names, graph, found)
    _labels(rules, schema, names, found)
    return found


# ---- closed lists


def _misspelt(rules: Rules, schema: Schema, found: list[Diagnostic]) -> set[int]:
    """Constants that a closed list or a `choose` of texts never gives; the tests, by `id`, that look for nothing else."""
    told: set[int] = set()
    closed = {name: rule for name, rule in rules.chooses.items() if rule.type == TEXT}
    if not closed and not any(spec.values for table in schema.tables.values() for spec in table.fields.values()):
        return told
    for _, roots in statements(rules):
        waiting = [root for root in roots if type(root) not in LEAVES]
        while waiting:
            node = waiting.pop()
            waiting += branches(node)
            if isinstance(node, Compare | InList) or (isinstance(node, InValues) and not node.folded):
                _closed_list(node, rules, schema, found, told)
    return told


def _closed_list(node: Compare | InList | InValues, rules: Rules, schema: Schema, found: list[Diagnostic], told: set[int]) -> None:
    constants: Sequence[Expression]
    if isinstance(node, InList):
        field, constants = node.value, node.items
    elif isinstance(node, InValues):
        field, constants = node.listed, (node.value,)
    else:
        field, constants = node.left, (node.right,)
        if isinstance(field, Constant):
            field, constants = node.right, (node.left,)
    values = _values(field, rules, schema)
    known = frozenset(values)
    strange = [each for each in constants if isinstance(each, Constant) and isinstance(each.value, str) and each.value not in known]
    if not values or not strange:
        return
    if len(strange) == len(constants):
        told.add(id(node))
    for constant in strange:
        near = closest(str(constant.value), values)
        few = ", ".join(f'"{value}"' for value in values[:8]) + (", …" if len(values) > 8 else "")
        hint = f'did you mean "{near}"?' if near else f"it is one of {few}"
        found.append(diagnostic("W109", constant.span, field=_called(field), value=constant.value, hint=hint))


def _values(node: Expression, rules: Rules, schema: Schema) -> tuple[str, ...]:
    """All texts that a value can be; none where that is not known."""
    if isinstance(node, OfAccount):
        return _values(node.operand, rules, schema)
    if isinstance(node, Field) and (node.type.item or node.type) == TEXT:
        return field_spec(schema, node).values
    if isinstance(node, Chosen | Collected) and (node.type.item or node.type) == TEXT:
        rule = rules.collects[node.name] if isinstance(node, Collected) else rules.chooses[node.name]
        last = rule.otherwise if isinstance(rule, ChooseRule) else None
        return tuple(dict.fromkeys(str(value.value) for value in (*(case.value for case in rule.cases), last) if value is not None))
    return ()


def _called(node: Expression) -> str:
    if isinstance(node, OfAccount):
        return _called(node.operand)
    assert isinstance(node, Field | Chosen | Collected)
    return dotted(node) if isinstance(node, Field) else node.name


# ---- statements


def _none_alone(rules: Rules, found: list[Diagnostic]) -> None:
    for segment in rules.segments.values():
        terms = flat(segment.condition) if isinstance(segment.condition, And) else [segment.condition]
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
    r"\bin segment (\w+)|"
    r"(\w+)((?:\.\w+)*\)?)\s*(?:!=|<=|>=|[=<>]|\b(?:in|not in)\s*\(|\b(?:before|after|within|contains|is missing|is not missing)\b)"
)


def _labels(rules: Rules, schema: Schema, names: Names, found: list[Diagnostic]) -> None:
    root = schema.tables[schema.root]
    known, relations = {*root.fields, *root.links, *names.statements}, schema.relations(schema.root)
    for name in rules.names:
        statement = names.statements[name]
        label = statement.label if isinstance(statement, syntax.Segment | syntax.Choose | syntax.Collect) else None
        if label is None:
            continue
        # a relation's bare name is tested nowhere: "no orders after the trial" is a label
        tests = [(test[1] or test[2], test[3]) for test in _TEST.finditer(label.value)]
        if any(tested in known or (tested in relations and more) for tested, more in tests):
            shown = label.value if len(label.value) <= 40 else label.value[:39] + "…"
            found.append(diagnostic("W110", label.span, label=shown, hint="put it after `when`, without quotes"))
