"""Conditions and values: the part of the grammar below the statements, by recursive descent.

Every function starts at the first token of its form and ends on the first one behind it. A parenthesis leaves no node; the span of
what is built around it includes it. Depth is counted, not left to the interpreter's stack.
"""

from __future__ import annotations

from segdsl import syntax
from segdsl.amounts import too_many_items
from segdsl.lexer import DATE, LITERALS, MONTH, NAMES, NUMBER, PERCENT, TEXT, TIMESTAMP, UNIT, Cursor
from segdsl.literals import literal, number, text_literal
from segdsl.mistakes import limit_reached, mistake, unexpected
from segdsl.phrases import (
    closing,
    deeper,
    duration,
    duration_or_path,
    expect,
    ignoring_case,
    moment,
    name,
    negative_number,
    opening,
    passed,
    path,
    period,
)
from segdsl.syntax import Expression, Span

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_TESTS = frozenset({"in", "is", "not", "before", "after", "within", "contains", "starts", "ends", "matches"})
_CLAUSES = frozenset({"for", "where", "per", "by", "over"})
_SUM, _PRODUCT, _CALCULATIONS = frozenset("+-"), frozenset("*/"), frozenset("+-*/")
_TESTED = (
    syntax.Or, syntax.And, syntax.Not, syntax.Compare, syntax.OrderInTime, syntax.InSet, syntax.InPeriod, syntax.Within, syntax.TextTest,
    syntax.Matches, syntax.IsMissing, syntax.InSegment, syntax.KOf,
)  # fmt: skip


def condition(c: Cursor) -> Expression:
    """`a or b and not c`: an expression of any kind, loosest operator first.

    Raises Mistake where the text leaves the grammar, and where a limit is passed.
    """
    start = c.start
    first = _conjunction(c)
    if c.kind != "or":
        return first
    terms = [first]
    while c.kind == "or":
        c.advance()
        terms.append(_conjunction(c))
    c.nodes += 1
    return syntax.Or(span=Span(start, c.last, c.number), terms=tuple(terms))


def _conjunction(c: Cursor) -> Expression:
    start = c.start
    first = _negation(c) if c.kind == "not" else _test(c)
    if c.kind != "and":
        return first
    terms = [first]
    while c.kind == "and":
        c.advance()
        terms.append(_negation(c) if c.kind == "not" else _test(c))
    c.nodes += 1
    return syntax.And(span=Span(start, c.last, c.number), terms=tuple(terms))


def _negation(c: Cursor) -> Expression:
    starts = []
    while c.kind == "not":
        starts.append(c.start)
        deeper(c)
        c.advance()
    term = _test(c)
    for start in reversed(starts):
        term = syntax.Not(span=c.span(start), term=term)
    c.depth -= len(starts)
    c.nodes += len(starts)
    return term


def _test(c: Cursor) -> Expression:
    start = c.start
    kind = c.kind
    if kind == "in":
        c.advance()
        expect(c, "segment", 'a value before "in", or "segment" and a name after it')
        c.nodes += 1
        return syntax.InSegment(segment=name(c, "the name of a segment"), span=c.span(start))
    if kind == "exactly" or (kind == "at" and c.peek() in ("least", "most")):
        return _count_of(c)
    left = value(c)
    kind = c.kind
    if kind in _COMPARISONS:
        c.advance()
        right = value(c)
        ignoring = c.kind == "ignoring" and ignoring_case(c)
        c.nodes += 1
        return syntax.Compare(span=Span(start, c.last, c.number), op=kind, left=left, right=right, ignoring_case=ignoring)
    return _word_test(c, start, left) if kind in _TESTS else left


def _word_test(c: Cursor, start: int, left: Expression) -> Expression:
    """The tests that are written with a word: what follows the value on their left."""
    c.nodes += 1
    if c.kind == "is":
        c.advance()
        negated = passed(c, "not")
        expect(c, "missing", '"missing" or "not missing"')
        return syntax.IsMissing(span=c.span(start), left=left, negated=negated)
    negated = passed(c, "not")
    kind = c.kind
    if kind in ("before", "after"):
        c.advance()
        right = value(c)
        return syntax.OrderInTime(span=c.span(start), op=kind, left=left, right=right, negated=negated)
    if kind == "in":
        c.advance()
        return _in_test(c, start, left, negated)
    if kind == "within":
        c.advance()
        direction = c.kind
        if direction not in ("last", "next"):
            raise unexpected(c, '"last" or "next" and a duration')
        c.advance()
        length = duration_or_path(c)
        return syntax.Within(span=c.span(start), left=left, direction=direction, duration=length, negated=negated)
    if kind == "matches":
        c.advance()
        if c.kind != TEXT:
            raise unexpected(c, "a regular expression in quotes")
        pattern = text_literal(c)
        if len(pattern.value) > c.limits.pattern:
            raise limit_reached(c, "E906", pattern.span, c.limits.pattern)
        return syntax.Matches(span=c.span(start), left=left, pattern=pattern, negated=negated)
    if kind in ("contains", "starts", "ends"):
        c.advance()
        sought: Expression | syntax.ListOf
        if kind == "contains" and c.kind in ("any", "all"):
            kind += " " + c.kind
            c.advance()
            expect(c, "of", '"of" and a list')
            sought = _list(c) if c.kind == "(" else path(c, "a list in parentheses or the name of one")
        else:
            if kind != "contains":
                expect(c, "with", '"with"')
            sought = value(c)
        ignoring = ignoring_case(c)
        return syntax.TextTest(span=c.span(start), kind=kind, left=left, right=sought, negated=negated, ignoring_case=ignoring)
    raise unexpected(c, 'a test such as "in", "within" or "contains" after "not"')


def _in_test(c: Cursor, start: int, left: Expression, negated: bool) -> Expression:
    kind = c.kind
    if kind in ("this", "last", "next") or (kind in (NUMBER, MONTH) and not _ends_range(c)):
        when = period(c)
        return syntax.InPeriod(span=c.span(start), left=left, period=when, negated=negated)
    among: syntax.ListOf | syntax.Range | syntax.Path | syntax.Call
    if kind == "(":
        among = _list(c)
    else:
        among = _range_or_name(c)
    ignoring = ignoring_case(c)
    return syntax.InSet(span=c.span(start), left=left, set=among, negated=negated, ignoring_case=ignoring)


def _ends_range(c: Cursor) -> bool:
    """Whether the number or month at hand is the lower end of a range, or the count of a duration that is."""
    return c.peek() in ("..", UNIT)


def _range_or_name(c: Cursor) -> syntax.Range | syntax.Path | syntax.Call:
    start = c.start
    if c.kind in NAMES:
        if c.kind != "at" and c.peek() == "(":
            return _call(c)
        low = _bound(c)
        if c.kind != ".." and isinstance(low, syntax.Path):
            return low
    else:
        low = _bound(c)
    if c.kind != "..":
        raise unexpected(c, '".." and the upper end of a range')
    c.advance()
    high = _bound(c)
    c.nodes += 1
    return syntax.Range(span=c.span(start), low=low, high=high)


def _bound(c: Cursor) -> Expression:
    kind, start = c.kind, c.start
    if kind == "-":
        return negative_number(c)
    if kind == NUMBER and c.peek() == UNIT:
        length = duration(c)
        return moment(c, start, length) if c.kind in ("ago", "from") else length
    if kind in (NUMBER, PERCENT, DATE, MONTH, TIMESTAMP, TEXT):
        return literal(c)
    if kind in NAMES:
        named = path(c, "a name")
        return moment(c, start, named) if c.kind in ("ago", "from") else named
    raise unexpected(c, "a list, a range, a period or the name of a list")


def _count_of(c: Cursor) -> Expression:
    start, kind = c.start, c.kind
    c.advance()
    if kind == "at":
        kind = "at " + c.kind
        c.advance()
    if c.kind != NUMBER:
        raise unexpected(c, f'a number after "{kind}"')
    count = number(c)
    expect(c, "of", f'"of" and conditions in parentheses, as in {kind} 2 of (a, b, c)')
    opening(c)
    conditions = [condition(c)]
    while c.kind == ",":
        c.advance()
        conditions.append(condition(c))
    closing(c)
    c.nodes += 1
    return syntax.KOf(span=c.span(start), kind=kind, count=count, conditions=tuple(conditions))


def _list(c: Cursor) -> syntax.ListOf:
    start = c.start
    opening(c)
    items: list[Expression] = []
    while True:
        if len(items) == c.limits.items or (not items and too_many_items(c.text, start, c.limits)):
            raise limit_reached(c, "E904", Span(start, start + 1, c.number), limit=c.limits.items)
        if c.kind in LITERALS and c.peek() in (",", ")"):
            items.append(literal(c))
        else:
            before = c.nodes
            items.append(value(c))
            if c.nodes == before + 1:
                c.nodes = before
        if c.kind != ",":
            break
        c.advance()
    closing(c)
    c.nodes += 1
    return syntax.ListOf(span=c.span(start), items=tuple(items))


# ---- values


def value(c: Cursor) -> Expression:
    """`a * b - c`: sums and products, from the left."""
    start = c.start
    first = _signed(c) if c.kind == "-" else _atom(c)
    return _calculation(c, first, start) if c.kind in _CALCULATIONS else first


def _calculation(c: Cursor, first: Expression, start: int) -> Expression:
    """Sums and products whose first operand, which began at `start`, is read already."""
    left = _product(c, first, start)
    while c.kind in _SUM:
        op = c.kind
        c.advance()
        inner = c.start
        right = _product(c, _signed(c), inner)
        c.nodes += 1
        left = syntax.Arithmetic(span=c.span(start), op=op, left=left, right=right)
    return left


def _product(c: Cursor, left: Expression, start: int) -> Expression:
    while c.kind in _PRODUCT:
        op = c.kind
        c.advance()
        right = _signed(c)
        c.nodes += 1
        left = syntax.Arithmetic(span=c.span(start), op=op, left=left, right=right)
    return left


def _signed(c: Cursor) -> Expression:
    if c.kind != "-":
        return _atom(c)
    starts = []
    while c.kind == "-":
        starts.append(c.start)
        deeper(c)
        c.advance()
    operand = _atom(c)
    # A negative number is one value.
    c.nodes += len(starts) - (len(starts) == 1 and isinstance(operand, syntax.Number))
    for start in reversed(starts):
        operand = syntax.Negative(span=c.span(start), operand=operand)
    c.depth -= len(starts)
    return operand


def _atom(c: Cursor) -> Expression:
    kind, start = c.kind, c.start
    c.nodes += 1
    if c.nodes > c.limits.nodes:
        raise limit_reached(c, "E903", c.here(), limit=c.limits.nodes)
    if kind in NAMES:
        if kind != "at" and c.peek() == "(":
            return _call(c)
        named = path(c, "a name")
        return moment(c, start, named) if c.kind in ("ago", "from") else named
    if kind == NUMBER and c.peek() == UNIT:
        length = duration(c)
        return moment(c, start, length) if c.kind in ("ago", "from") else length
    if kind in LITERALS:
        return literal(c)
    if kind == "(":
        opening(c)
        inner = condition(c)
        closing(c)
        return inner
    raise unexpected(c, "a value")


def _call(c: Cursor) -> syntax.Call:
    start = c.start
    called = name(c, "the name of a function")
    opening(c)
    arguments: list[Expression] = []
    clauses: dict[str, object] = {}
    if c.kind != ")":
        arguments.append(condition(c))
        while c.kind == ",":
            c.advance()
            arguments.append(condition(c))
        while c.kind in _CLAUSES:
            kind = c.kind
            if kind in clauses:
                raise mistake("E113", c.here(), word=kind, called=called.text)
            c.advance()
            clauses[kind] = _clause(c, kind)
    closing(c)
    span = c.span(start)
    if not clauses:
        return syntax.Call(span=span, name=called, arguments=tuple(arguments))
    if "for" in clauses:
        clauses["for_"] = clauses.pop("for")
    return syntax.Call(span=span, name=called, arguments=tuple(arguments), **clauses)  # type: ignore[arg-type]


def _clause(c: Cursor, kind: str) -> object:
    if kind == "where":
        return condition(c)
    if kind == "for":
        return path(c, "the name of a relation")
    if kind == "by":
        return value(c)
    return _groups(c) if kind == "over" else _per(c)


def _groups(c: Cursor) -> syntax.Groups:
    start = c.start
    if c.kind == "all":
        c.advance()
        return syntax.Groups(span=c.span(start), everyone=True)
    if c.kind != "(":
        only = path(c, 'a name, names in parentheses, or "all"')
        return syntax.Groups(span=c.span(start), everyone=False, paths=(only,))
    opening(c)
    paths = [path(c, "a name")]
    while c.kind == ",":
        c.advance()
        c.nodes += 1
        paths.append(path(c, "a name"))
        if c.nodes > c.limits.nodes:
            raise limit_reached(c, "E903", c.here(), limit=c.limits.nodes)
    closing(c)
    return syntax.Groups(span=c.span(start), everyone=False, paths=tuple(paths))


def _per(c: Cursor) -> tuple[Expression, ...]:
    """What follows `per`: one value, which may begin with a parenthesis, or several in parentheses."""
    start = c.start
    if c.kind != "(":
        return (value(c),)
    opening(c)
    inside = c.start
    first = condition(c)
    if c.kind != ",":
        closing(c)
        return (_calculation(c, first, start),)
    if isinstance(first, _TESTED) and first.span.start == inside:
        raise unexpected(c, '")" (a condition among several groups has parentheses of its own)')
    keys = [first]
    while c.kind == ",":
        c.advance()
        keys.append(value(c))
    closing(c)
    return tuple(keys)
