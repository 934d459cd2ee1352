"""Canonical text: how each form is written, with as few brackets as its meaning allows.

Operands of `and` and `or` stand one below the other, the words hang to their left; what brackets hold begins where the first of it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from segdsl import forms, spelling
from segdsl.layout import HARD, LINE, Break, Document, Filled, Remark, Row, aligned, group, lay_out, row
from segdsl.spelling import AFTER_CONTAINS, AFTER_IN, AS_CALL, NOWHERE, name

OR, AND, NOT, TEST, SUM, PRODUCT, SIGN, ATOM = range(8)
"""How tight a form binds, from the loosest."""
FLUSH, HANGING, FURTHER = range(3)
"""Where further lines of `and` and `or` begin: below the first operand, with their word to the left of it, or to the right of it."""

_TESTS = (
    forms.Compare, forms.OrderInTime, forms.InSet, forms.InPeriod, forms.Within, forms.TextTest, forms.Matches, forms.IsMissing,
    forms.InSegment, forms.KOf,
)  # fmt: skip
_BINDING: dict[type[Any], int] = {forms.Or: OR, forms.And: AND, forms.Not: NOT, forms.Negative: SIGN, **dict.fromkeys(_TESTS, TEST)}
_SHORT = (forms.Number, forms.Text, forms.Truth, forms.Date, forms.Month, forms.Timestamp, forms.Duration, forms.Path)
_SUMS = ("+", "-")
_TERMS_ON_A_LINE = 2
_WIDEST_VALUE = 24


def text_of(rules: forms.Rules) -> str:
    """The canonical text of rules, ending in a line feed unless it is empty."""
    lines: list[str] = []
    for statement in rules.rules:
        lines += [*statement.above, lay_out(_statement(statement))]
    lines += rules.below
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "".join(f"{line}\n" for line in (kept if not kept or kept[-1] else kept[:-1]))


# ---- statements


def _statement(node: forms.Statement) -> Document:
    called = name(node.name)
    beside = () if node.beside is None else (Remark(node.beside),)
    if isinstance(node, forms.Param):
        return row(f"param {called} = ", _value(node.value, above=True), *_beside(node.value), *beside)
    if isinstance(node, forms.Let):
        return _let(node, called + (f" for {name(node.relation)}" if node.relation else ""), beside)
    kind = "segment" if isinstance(node, forms.Segment) else "choose" if isinstance(node, forms.Choose) else "collect"
    head = row(f"{kind} {called}", *([] if node.label is None else [" ", _value(node.label)]), *beside)
    if isinstance(node, forms.Segment):
        return _segment(node, head)
    return _cases(node, head)


def _segment(node: forms.Segment, head: Row) -> Document:
    condition = node.condition
    lines = list(_lines(condition.above))
    apart = node.label is not None or bool(lines) or head.ends
    if isinstance(condition, forms.And | forms.Or) and len(condition.terms) > _TERMS_ON_A_LINE:
        test: Document = _chain(condition, how=HANGING, broken=True)
    else:
        test = _value(condition, how=HANGING)
    return row(group(aligned(head, LINE, *lines, "when ", test, shift=2), broken=apart), *_beside(condition))


def _let(node: forms.Let, called: str, beside: tuple[Document, ...]) -> Document:
    value = _value(node.value, above=True)
    beside = (*_beside(node.value), *beside)
    if isinstance(node.value, forms.Or | forms.And | forms.Arithmetic):
        return row(group(aligned(f"let {called} =", LINE, value, shift=2)), *beside)
    return row(f"let {called} = ", value, *beside)


def _cases(node: forms.Choose | forms.Collect, head: Row) -> Document:
    otherwise = node.otherwise if isinstance(node, forms.Choose) else None
    values = [lay_out(_value(case.value)) for case in node.cases]
    widths = [len(value) for value in values] + ([len("otherwise")] if otherwise is not None else [])
    widest = max((width for width in widths if width <= _WIDEST_VALUE), default=0)
    parts: list[Document] = [head]
    for case, value in zip(node.cases, values, strict=True):
        written = row(value.ljust(widest), " when ", _expression(case.condition, how=HANGING))
        parts += [HARD, *_lines(case.above), *_notes(case.value), written, *_beside(case)]
    if otherwise is not None:
        parts += [HARD, *_lines(otherwise.above), "otherwise".ljust(widest) + " ", _value(otherwise), *_beside(otherwise)]
    return aligned(*parts, shift=2)


# ---- comments


def _lines(above: Iterable[str]) -> Iterable[Document]:
    for comment in above:
        if comment:
            yield Remark(comment)
            yield HARD


def _beside(node: forms.Form) -> tuple[Document, ...]:
    return () if node.beside is None else (Remark(node.beside),)


def _notes(node: forms.Form) -> Iterable[Document]:
    """All comments of a literal as lines above it."""
    yield from _lines(node.above)
    if node.beside is not None:
        yield from _lines((node.beside,))


# ---- expressions


def _expression(node: Any, least: int = OR, taken: frozenset[str] = NOWHERE, *, above: bool = True, how: int = FLUSH) -> Document:
    """A form where one that binds at least so tight may stand; `taken` are the words that mean something else at its beginning.

    `above`: with the comments above it; `how`: where the lines of `and` and `or` begin.
    """
    value = _value(node, least, taken, above=above, how=how)
    return value if node.beside is None else row(value, Remark(node.beside))


def _value(node: Any, least: int = OR, taken: frozenset[str] = NOWHERE, *, above: bool = False, how: int = FLUSH) -> Document:
    # No function stands between this one and the form's own: a rule may be as deep as the stack allows.
    bracketed = _binding(node) < least
    if bracketed:
        taken, how = NOWHERE, HANGING
    if isinstance(node, forms.And | forms.Or):
        value = _chain(node, taken, how=how)
    else:
        value = _WRITERS[type(node)](node, taken)
    if bracketed:
        value = row("(", value, ")")
    return aligned(*_lines(node.above), value) if above and any(node.above) else value


def _binding(node: Any) -> int:
    if isinstance(node, forms.Arithmetic):
        return SUM if node.op in _SUMS else PRODUCT
    return _BINDING.get(type(node), ATOM)


def _chain(node: forms.And | forms.Or, taken: frozenset[str] = NOWHERE, *, how: int, broken: bool = False) -> Document:
    word, tight = ("and ", NOT) if isinstance(node, forms.And) else ("or ", AND)
    indent = " " * len(word) if how == HANGING else ""
    parts: list[Document] = []
    for term in node.terms:
        comments = [part if part is HARD else row(indent, part) for part in _lines(term.above)] if parts else []
        # An `and` inside an `or` stands further in, lest it look like a term of what holds both.
        inner = isinstance(node, forms.Or) and isinstance(term, forms.And)
        value = _expression(term, tight, NOWHERE if parts else taken, above=not parts, how=FURTHER if inner else HANGING)
        parts += [LINE, *comments, word, aligned(value)] if parts else [aligned(value)]
    return group(aligned(*parts, shift=2 if how == FURTHER else -len(indent)), broken=broken)


def _arithmetic(node: forms.Arithmetic, taken: frozenset[str]) -> Document:
    """A chain of operators that bind alike, from the left."""
    tight = _binding(node)
    steps: list[forms.Arithmetic] = []
    left: Any = node
    while isinstance(left, forms.Arithmetic) and _binding(left) == tight and (left is node or not (left.above or left.beside)):
        steps.append(left)
        left = left.left
    parts = [_expression(left, tight, taken)]
    for step in reversed(steps):
        parts += [LINE, *_lines(step.right.above), f"{step.op} ", aligned(_expression(step.right, tight + 1, above=False))]
    return group(aligned(*parts))


def _negative(node: forms.Negative, taken: frozenset[str]) -> Document:
    return row("-", aligned(_expression(node.operand, ATOM)))


def _not(node: forms.Not, taken: frozenset[str]) -> Document:
    return row("not ", aligned(_expression(node.term, NOT, how=HANGING)))


def _test(node: Any, taken: frozenset[str], *rest: Document) -> Row:
    """The value on the left of a test, `not` where it is negated, and the rest of it."""
    negated = getattr(node, "negated", False)
    return row(_expression(node.left, SUM, taken), " not " if negated else " ", *rest)


def _compare(node: forms.Compare | forms.OrderInTime, taken: frozenset[str]) -> Document:
    case = " ignoring case" if isinstance(node, forms.Compare) and node.ignoring_case else ""
    word = "not " if isinstance(node, forms.OrderInTime) and node.negated else ""
    gap: Break | str = LINE if isinstance(node.right, forms.Call | forms.Arithmetic) else " "
    left = _expression(node.left, SUM, taken)
    return group(aligned(left, gap, f"{word}{node.op} ", aligned(_expression(node.right, SUM)), case, shift=2))


def _in_set(node: forms.InSet, taken: frozenset[str]) -> Document:
    return _test(node, taken, "in ", aligned(_expression(node.set, OR, AFTER_IN)), " ignoring case" if node.ignoring_case else "")


def _range(node: forms.Range, taken: frozenset[str]) -> Document:
    return row(_expression(node.low, OR, taken), "..", _expression(node.high))


def _in_period(node: forms.InPeriod, taken: frozenset[str]) -> Document:
    return _test(node, taken, "in ", _expression(node.period))


def _within(node: forms.Within, taken: frozenset[str]) -> Document:
    return _test(node, taken, f"within {node.direction} ", _expression(node.duration))


def _text_test(node: forms.TextTest, taken: frozenset[str]) -> Document:
    words = {"starts": "starts with ", "ends": "ends with ", "contains": "contains "}.get(node.kind, f"{node.kind} of ")
    after = AFTER_CONTAINS if node.kind == "contains" else NOWHERE
    case = " ignoring case" if node.ignoring_case else ""
    return _test(node, taken, words, aligned(_expression(node.right, SUM, after)), case)


def _matches(node: forms.Matches, taken: frozenset[str]) -> Document:
    return _test(node, taken, "matches ", _expression(node.pattern))


def _missing(node: forms.IsMissing, taken: frozenset[str]) -> Document:
    return row(_expression(node.left, SUM, taken), " is not missing" if node.negated else " is missing")


def _many(node: forms.KOf, taken: frozenset[str]) -> Document:
    return row(f"{node.kind} ", _expression(node.count), " of ", _enclosed(node.conditions, OR))


def _list(node: forms.ListOf, taken: frozenset[str]) -> Document:
    """A list of constants and names fills its lines; one with comments or calculations has an item a line."""
    inner = [item.operand if isinstance(item, forms.Negative) else item for item in node.items]
    plain = all(isinstance(item, _SHORT) for item in inner) and not any(item.above or item.beside for item in (*node.items, *inner))
    if not plain:
        return _enclosed(node.items, SUM)
    return row("(", aligned(Filled(tuple([lay_out(_value(item, SUM)) for item in node.items]))), ")")


def _enclosed(items: Iterable[Any], least: int, first: str = "(") -> Document:
    """Expressions in brackets, on one line or each on its own."""
    parts: list[Document] = []
    for item in items:
        if parts:
            parts += [",", LINE]
        elif any(item.above):
            parts.append(HARD)
        parts += [*_lines(item.above), aligned(_expression(item, least, above=False))]
    return row(first, group(aligned(*parts)), ")")


def _call(node: forms.Call, taken: frozenset[str]) -> Document:
    parts: list[Document] = []
    for item in node.arguments:
        if parts:
            parts += [",", LINE]
        elif any(item.above):
            parts.append(HARD)
        parts += [*_lines(item.above), aligned(_expression(item, above=False))]
    if node.for_ is not None:
        parts = [group(*parts, LINE, *_lines(node.for_.above), "for ", _expression(node.for_, above=False))]
    clauses = (("where", node.where, OR), ("per", node.per, SUM), ("by", node.by, SUM), ("over", node.over, OR))
    for word, clause, least in clauses:
        if clause is None:
            continue
        if isinstance(clause, tuple) and len(clause) > 1:
            parts += [LINE, "per ", _enclosed(clause, SUM)]
            continue
        held: Any = clause[0] if isinstance(clause, tuple) else clause
        value = _expression(held, least, above=False, how=HANGING if word == "where" else FLUSH)
        parts += [LINE, *_lines(held.above), f"{word} ", aligned(value)]
    return row(name(node.name, AS_CALL | taken), "(", group(aligned(*parts)) if parts else "", ")")


def _plain(spelt: Callable[[Any], str]) -> Callable[[Any, frozenset[str]], Document]:
    return lambda node, taken: spelt(node)


def _digits(node: Any) -> str:
    return str(node.text)


_WRITERS: dict[type[Any], Callable[[Any, frozenset[str]], Document]] = {
    forms.Number: _plain(_digits),
    forms.Text: _plain(lambda node: spelling.text(node.value)),
    forms.Truth: _plain(lambda node: "true" if node.value else "false"),
    forms.Date: _plain(_digits),
    forms.Month: _plain(_digits),
    forms.Timestamp: _plain(_digits),
    forms.Duration: _plain(spelling.duration),
    forms.Path: spelling.path,
    forms.Negative: _negative,
    forms.Arithmetic: _arithmetic,
    forms.Ago: lambda node, taken: row(_expression(node.duration, OR, taken), " ago"),
    forms.FromNow: lambda node, taken: row(_expression(node.duration, OR, taken), " from now"),
    forms.Groups: _plain(spelling.groups),
    forms.Call: _call,
    forms.Not: _not,
    forms.Compare: _compare,
    forms.OrderInTime: _compare,
    forms.ListOf: _list,
    forms.Range: _range,
    forms.InSet: _in_set,
    forms.Period: _plain(spelling.period),
    forms.InPeriod: _in_period,
    forms.Within: _within,
    forms.TextTest: _text_test,
    forms.Matches: _matches,
    forms.IsMissing: _missing,
    forms.InSegment: _plain(lambda node: f"in segment {name(node.segment)}"),
    forms.KOf: _many,
}
