"""The lint on missing values: where a test quietly leaves out the rows that have no value.

A comparison with a missing operand is unknown, and an unknown condition puts nobody into a segment. That surprises at `!=`, under
`not`, at `before`, `<` and `ago`: there is one warning for each field and statement, unless the statement asks `is missing` itself.
In a `choose` with `otherwise`, any test of a field that can be missing lets accounts through to it without saying so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import msgspec

from segdsl import spelling
from segdsl.checked import (
    And,
    Arithmetic,
    Call,
    ChooseRule,
    Compare,
    Expression,
    Field,
    InList,
    InValues,
    IsMissing,
    KOf,
    Let,
    Not,
    Now,
    Or,
    Overlap,
    Rules,
    Shift,
    TextTest,
    Today,
)
from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.syntax import Span
from segdsl.tree import FLIPPED, LEAVES, branches, children
from segdsl.wording import dotted

_TESTED: dict[type, tuple[str, ...]] = {
    InList: ("value",),
    TextTest: ("value",),
    InValues: ("value", "listed"),
    Overlap: ("listed", "sought"),
}
"""The parts of a test that make it unknown where they are missing."""


_Key = tuple[str, tuple[str, ...], str]


class MissingLint(msgspec.Struct, frozen=True):
    """A test in `statement` that leaves out the rows of `field.table` whose `field` is missing, or that they pass by on their way to
    `otherwise`; counting them is the engine's part. `joined` to others by `and`, the test wants brackets before an `or` is added to it;
    in a group that is `turned` round by `not`, it is added behind the group."""

    statement: str
    field: Field
    span: Span
    otherwise: bool = False
    joined: bool = False
    turned: bool = False


def missing_values(rules: Rules) -> tuple[MissingLint, ...]:
    """The tests that leave out rows whose field is missing, one for each field and statement, in the order written."""
    found: list[MissingLint] = []
    for name, roots in statements(rules):
        suspects: dict[_Key, MissingLint] = {}
        asked: set[_Key] = set()
        waiting = [(root, False, False, False, False) for root in reversed(roots) if type(root) not in LEAVES]
        while waiting:
            node, negative, sugar, joined, turned = waiting.pop()
            kind = type(node)
            if kind is Compare:
                assert isinstance(node, Compare)
                for field in _left_out(node, negative, sugar):
                    suspects.setdefault(_key(field), MissingLint(name, field, node.span, joined=joined, turned=turned))
                negative = joined = turned = False
            elif kind in _TESTED:
                for field in _tested(node):
                    if negative and _can_miss(field):
                        suspects.setdefault(_key(field), MissingLint(name, field, node.span, joined=joined, turned=turned))
                negative = joined = turned = False
            elif kind is IsMissing:
                assert isinstance(node, IsMissing)
                asked.update(_key(field) for field in _fields(node.operand))
                continue
            elif kind is Not:
                assert isinstance(node, Not)
                negative = not negative
                if negative and isinstance(node.term, Field) and _can_miss(node.term):
                    suspects.setdefault(_key(node.term), MissingLint(name, node.term, node.span, joined=joined, turned=turned))
                turned = turned or (isinstance(node.term, And | Or) and any(each.span is not node.term.span for each in node.term.terms))
            elif kind is And:
                # what `in a..b`, periods and `within` stand for has the span of the whole
                span = node.span
                sugar = all(term.span is span for term in node.terms)  # type: ignore[union-attr]
                joined = joined or not (sugar or turned)
                waiting += [(term, negative, sugar, joined, turned) for term in reversed(branches(node))]
                continue
            elif kind is Or:
                joined = joined and turned
            else:
                negative = joined = turned = False
            waiting += [(child, negative, False, joined, turned) for child in reversed(branches(node))]
        choose = rules.chooses.get(name)
        passing = {} if choose is None or choose.otherwise is None else _passing(rules, choose, asked)
        found.extend(lint for key, lint in suspects.items() if key not in asked and key not in passing)
        found.extend(passing.values())
    return tuple(found)


def _passing(rules: Rules, choose: ChooseRule, asked: Set[_Key]) -> dict[_Key, MissingLint]:
    """The fields without which a case of a choose is unknown, so that an account gets to `otherwise`; lets are looked through."""
    found: dict[_Key, MissingLint] = {}
    known, named = set(asked), set[str]()
    waiting = [(case.condition, case.condition.span) for case in reversed(choose.cases)]
    while waiting:
        node, span = waiting.pop()
        if isinstance(node, Let) and node.name not in named:
            named.add(node.name)
            waiting.append((rules.lets[node.name].value, span))
        elif isinstance(node, And | Or | Not | KOf):
            inside = span is node.span
            waiting += [(child, child.span if inside else span) for child in reversed(children(node))]
        elif isinstance(node, IsMissing):
            known.update(_key(field) for field in _fields(node.operand))
        else:
            for field in _tested(node):
                if _can_miss(field):
                    found.setdefault(_key(field), MissingLint(choose.name, field, span, otherwise=True))
    return {key: lint for key, lint in found.items() if key not in known}


def _tested(node: Expression) -> tuple[Field, ...]:
    """The fields without which a test is unknown."""
    if isinstance(node, Compare):
        return (*_fields(node.left), *_fields(node.right))
    if type(node) in _TESTED:
        return tuple(field for part in _TESTED[type(node)] for field in _fields(getattr(node, part)))
    return _fields(node)


def statements(rules: Rules) -> Iterator[tuple[str, tuple[Expression, ...]]]:
    """Every let, segment, choose and collect with its expressions."""
    for name, rule in rules.lets.items():
        yield name, (rule.value,)
    for name, segment in rules.segments.items():
        yield name, (segment.condition,)
    for name, choose in rules.chooses.items():
        yield name, tuple(case.condition for case in choose.cases)
    for name, collect in rules.collects.items():
        yield name, tuple(case.condition for case in collect.cases)


def _fields(side: Expression) -> tuple[Field, ...]:
    """The fields without which a value is missing: itself, or what a function is called with."""
    if isinstance(side, Call):
        return tuple(field for operand in side.operands for field in _fields(operand))
    return (side,) if isinstance(side, Field) else ()


def _key(field: Field) -> _Key:
    return field.table, field.path, field.name


def _can_miss(field: Field) -> bool:
    return field.nullable or bool(field.path)


def _left_out(node: Compare, negative: bool, sugar: bool) -> list[Field]:
    found = []
    for op, side, other in ((node.op, node.left, node.right), (FLIPPED[node.op], node.right, node.left)):
        surprising = op in ("!=", "<", "<=") and not sugar
        if negative or surprising or _is_ago(other):
            found += [field for field in _fields(side) if _can_miss(field)]
    return found


def _is_ago(side: Expression) -> bool:
    """Whether a value is the clock, moved by a constant or by a duration of the row."""
    if isinstance(side, Arithmetic):
        return isinstance(side.left, Now)
    return isinstance(side, Shift) and isinstance(side.operand, Today | Now)


CODES = ("W101", "W114")
"""Of the warnings on missing values."""


class Count(msgspec.Struct, frozen=True):
    """How many rows of a table a test leaves out, and how many accounts have such rows; of accounts themselves these are one."""

    rows: int
    accounts: int


def warning(lint: MissingLint, count: Count | None = None, root: str = "") -> Diagnostic:
    """The warning of a lint, with the number of rows left out where it is known; `root` is the table of the accounts."""
    name = dotted(lint.field)
    written = ".".join(map(spelling.name, (*lint.field.path, lint.field.name)))
    rows = lint.field.table
    if count is not None:
        rows = f"{count.rows:,} of {rows}" + (f" ({count.accounts:,} of {root})" if rows != root else "")
    if lint.otherwise:
        return diagnostic("W114", lint.span, rows=rows, field=name, hint=f"add a case of their own, `when {written} is missing`")
    where = " behind the `not (…)`" if lint.turned else ""
    brackets = ", both in brackets" if lint.joined else ""
    return diagnostic("W101", lint.span, rows=rows, field=name, hint=f"add `or {written} is missing`{where} to keep them{brackets}")


def with_counts(
    diagnostics: Sequence[Diagnostic], lints: Sequence[MissingLint], counts: Sequence[Count | None], root: str
) -> tuple[Diagnostic, ...]:
    """The diagnostics with numbers in the warnings on missing values.

    `lints` are those of `missing_values` for the same rules, `counts` the rows of `lint.field.table` whose field is missing, and their
    accounts, one for each lint: None where nobody counted. A warning that concerns no row is left out. `root` is the accounts' table.
    """
    known = {warning(lint): (lint, count) for lint, count in zip(lints, counts, strict=True) if count is not None}
    counted: list[Diagnostic] = []
    for found in diagnostics:
        if found not in known:
            counted.append(found)
            continue
        lint, count = known[found]
        if count.rows:
            counted.append(warning(lint, count, root))
    return tuple(counted)
