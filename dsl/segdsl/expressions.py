"""Conditions and values: the part of the grammar below the statements, by recursive descent.

Every function starts at the first token of its form and ends on the first one behind it. A parenthesis leaves no node; the span of
what is built around it includes it. Depth is counted, not left to the interpreter's stack.
"""

from __future__ import annotations

from segdsl import syntax
from segdsl.lexer import DATE, LITERALS, MONTH, NAME, NAMES, NUMBER, PERCENT, TEXT, TIMESTAMP, UNIT, UNITS, Cursor, nfc
from segdsl.limits import Limits
from segdsl.literals import literal, number, text_literal
from segdsl.mistakes import limit_reached, mistake, unexpected
from segdsl.syntax import Expression, Span

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_TESTS = frozenset({"in", "is", "not", "before", "after", "within", "contains", "starts", "ends", "matches"})
_CLAUSES = frozenset({"for", "where", "per", "by", "over"})
_SUM, _PRODUCT = frozenset("+-"), frozenset("*/")
_TESTED = (
    syntax.Or, syntax.And, syntax.Not, syntax.Compare, syntax.OrderInTime, syntax.InSet, syntax.InPeriod, syntax.Within, syntax.TextTest,
    syntax.Matches, syntax.IsMissing, syntax.InSegment, syntax.KOf,
)  # fmt: skip


def condition(c: Cursor, limits: Limits) -> Expression:
    """`a or b and not c`: an expression of any kind, loosest operator first.

    Raises Mistake where the text leaves the grammar, and where a limit is passed.
    """
    start = c.start
    first = _conjunction(c, limits)
    if c.kind != "or":
        return first
    terms = [first]
    while c.kind == "or":
        c.advance()
        terms.append(_conjunction(c, limits))
    c.nodes += 1
    return syntax.Or(span=c.span(start), terms=tuple(terms))


def _conjunction(c: Cursor, limits: Limits) -> Expression:
    start = c.start
    first = _negation(c, limits) if c.kind == "not" else _test(c, limits)
    if c.kind != "and":
        return first
    terms = [first]
    while c.kind == "and":
        c.advance()
        terms.append(_negation(c, limits) if c.kind == "not" else _test(c, limits))
    c.nodes += 1
    return syntax.And(span=c.span(start), terms=tuple(terms))


def _negation(c: Cursor, limits: Limits) -> Expression:
    starts = []
    while c.kind == "not":
        starts.append(c.start)
        _deeper(c, limits)
        c.advance()
    term = _test(c, limits)
    for start in reversed(starts):
        term = syntax.Not(span=c.span(start), term=term)
    c.depth -= len(starts)
    c.nodes += len(starts)
    return term


def _test(c: Cursor, limits: Limits) -> Expression:
    start = c.start
    kind = c.kind
    if kind == "in":
        c.advance()
        _expect(c, "segment", 'a value before "in", or "segment" and a name after it')
        c.nodes += 1
        return syntax.InSegment(segment=name(c, "the name of a segment"), span=c.span(start))
    if kind == "exactly" or (kind == "at" and c.peek() in ("least", "most")):
        return _count_of(c, limits)
    left = value(c, limits)
    kind = c.kind
    if kind in _COMPARISONS:
        c.advance()
        right = value(c, limits)
        ignoring = _ignoring_case(c)
        c.nodes += 1
        return syntax.Compare(span=c.span(start), op=kind, left=left, right=right, ignoring_case=ignoring)
    return _word_test(c, limits, start, left) if kind in _TESTS else left


def _word_test(c: Cursor, limits: Limits, start: int, left: Expression) -> Expression:
    """The tests that are written with a word: what follows the value on their left."""
    c.nodes += 1
    if c.kind == "is":
        c.advance()
        negated = _passed(c, "not")
        _expect(c, "missing", '"missing" or "not missing"')
        return syntax.IsMissing(span=c.span(start), left=left, negated=negated)
    negated = _passed(c, "not")
    kind = c.kind
    if kind in ("before", "after"):
        c.advance()
        right = value(c, limits)
        return syntax.OrderInTime(span=c.span(start), op=kind, left=left, right=right, negated=negated)
    if kind == "in":
        c.advance()
        return _in_test(c, limits, start, left, negated)
    if kind == "within":
        c.advance()
        direction = c.kind
        if direction not in ("last", "next"):
            raise unexpected(c, '"last" or "next" and a duration')
        c.advance()
        length = _duration_or_path(c)
        return syntax.Within(span=c.span(start), left=left, direction=direction, duration=length, negated=negated)
    if kind == "matches":
        c.advance()
        if c.kind != TEXT:
            raise unexpected(c, "a regular expression in quotes")
        pattern = text_literal(c)
        return syntax.Matches(span=c.span(start), left=left, pattern=pattern, negated=negated)
    if kind in ("contains", "starts", "ends"):
        c.advance()
        sought: Expression | syntax.ListOf
        if kind == "contains" and c.kind in ("any", "all"):
            kind += " " + c.kind
            c.advance()
            _expect(c, "of", '"of" and a list')
            sought = _list(c, limits) if c.kind == "(" else path(c, "a list in parentheses or the name of one")
        else:
            if kind != "contains":
                _expect(c, "with", '"with"')
            sought = value(c, limits)
        ignoring = _ignoring_case(c)
        return syntax.TextTest(span=c.span(start), kind=kind, left=left, right=sought, negated=negated, ignoring_case=ignoring)
    raise unexpected(c, 'a test such as "in", "within" or "contains" after "not"')


def _in_test(c: Cursor, limits: Limits, start: int, left: Expression, negated: bool) -> Expression:
    kind = c.kind
    if kind in ("this", "last", "next") or (kind in (NUMBER, MONTH) and not _ends_range(c)):
        period = _period(c)
        return syntax.InPeriod(span=c.span(start), left=left, period=period, negated=negated)
    among: syntax.ListOf | syntax.Range | syntax.Path | syntax.Call
    if kind == "(":
        among = _list(c, limits)
    else:
        among = _range_or_name(c, limits)
    ignoring = _ignoring_case(c)
    return syntax.InSet(span=c.span(start), left=left, set=among, negated=negated, ignoring_case=ignoring)


def _ends_range(c: Cursor) -> bool:
    """Whether the number or month at hand is the lower end of a range, or the count of a duration that is."""
    return c.peek() in ("..", UNIT)


def _period(c: Cursor) -> syntax.Period:
    start, kind = c.start, c.kind
    text = c.word()
    c.advance()
    if kind == NUMBER:
        return syntax.Period(span=c.span(start), which="year", text=text.replace("_", ""))
    if kind == MONTH:
        return syntax.Period(span=c.span(start), which="month", text=text)
    count = None
    if kind != "this" and c.kind == NUMBER:
        count = number(c).text
        if c.kind == UNIT:
            unit = c.word()
            raise mistake(
                "E115", Span(start, c.end, c.number), hint=f"write within {kind} {count} {unit} for a time that moves with every moment,"
                f" or in {kind} {count} whole {unit} for calendar {UNITS[unit]}s",
                which=kind, count=count, unit=unit,
            )  # fmt: skip
        _expect(c, "whole", '"whole" and a unit such as "months"')
    if c.kind != UNIT:
        raise unexpected(c, "a unit such as " + ('"month" or "week"' if count is None else '"months" or "weeks"'))
    unit = UNITS[c.word()]
    c.advance()
    return syntax.Period(span=c.span(start), which=kind, unit=unit, count=count)


def _range_or_name(c: Cursor, limits: Limits) -> syntax.Range | syntax.Path | syntax.Call:
    start = c.start
    if c.kind in NAMES:
        if c.kind != "at" and c.peek() == "(":
            return _call(c, limits)
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
        if c.kind not in ("ago", "from"):
            raise unexpected(c, '"ago" or "from now"')
        return _moment(c, start, length)
    if kind in (NUMBER, PERCENT, DATE, MONTH, TIMESTAMP, TEXT):
        return literal(c)
    if kind in NAMES:
        named = path(c, "a name")
        return _moment(c, start, named) if c.kind in ("ago", "from") else named
    raise unexpected(c, "a list, a range, a period or the name of a list")


def negative_number(c: Cursor) -> syntax.Negative:
    """A minus sign with a number or share behind it."""
    start = c.start
    c.advance()
    if c.kind not in (NUMBER, PERCENT):
        raise unexpected(c, "a number after -")
    operand = number(c)
    return syntax.Negative(span=c.span(start), operand=operand)


def _count_of(c: Cursor, limits: Limits) -> Expression:
    start, kind = c.start, c.kind
    c.advance()
    if kind == "at":
        kind = "at " + c.kind
        c.advance()
    if c.kind != NUMBER:
        raise unexpected(c, f'a number after "{kind}"')
    count = number(c)
    _expect(c, "of", f'"of" and conditions in parentheses, as in {kind} 2 of (a, b, c)')
    _open(c, limits)
    conditions = [condition(c, limits)]
    while c.kind == ",":
        c.advance()
        conditions.append(condition(c, limits))
    _close(c)
    c.nodes += 1
    return syntax.KOf(span=c.span(start), kind=kind, count=count, conditions=tuple(conditions))


def _list(c: Cursor, limits: Limits) -> syntax.ListOf:
    start = c.start
    _open(c, limits)
    items: list[Expression] = []
    while True:
        if len(items) == limits.items:
            raise limit_reached(c, "E904", Span(start, start + 1, c.number), limit=limits.items)
        if c.kind in LITERALS and c.peek() in (",", ")"):
            items.append(literal(c))
        else:
            before = c.nodes
            items.append(value(c, limits))
            if c.nodes == before + 1:
                c.nodes = before
        if c.kind != ",":
            break
        c.advance()
    _close(c)
    c.nodes += 1
    return syntax.ListOf(span=c.span(start), items=tuple(items))


# ---- values


def value(c: Cursor, limits: Limits, first: Expression | None = None, start: int = -1) -> Expression:
    """`a * b - c`: sums and products, from the left; `first`, which began at `start`, when its first operand is read already."""
    if start < 0:
        start = c.start
    left = _product(c, limits, first, start)
    while c.kind in _SUM:
        op = c.kind
        c.advance()
        right = _product(c, limits, None, c.start)
        c.nodes += 1
        left = syntax.Arithmetic(span=c.span(start), op=op, left=left, right=right)
    return left


def _product(c: Cursor, limits: Limits, first: Expression | None, start: int) -> Expression:
    left = _operand(c, limits) if first is None else first
    while c.kind in _PRODUCT:
        op = c.kind
        c.advance()
        right = _operand(c, limits)
        c.nodes += 1
        left = syntax.Arithmetic(span=c.span(start), op=op, left=left, right=right)
    return left


def _operand(c: Cursor, limits: Limits) -> Expression:
    if c.kind != "-":
        return _atom(c, limits)
    starts = []
    while c.kind == "-":
        starts.append(c.start)
        _deeper(c, limits)
        c.advance()
    operand = _atom(c, limits)
    for start in reversed(starts):
        operand = syntax.Negative(span=c.span(start), operand=operand)
    c.depth -= len(starts)
    c.nodes += len(starts) - (len(starts) == 1 and isinstance(operand, syntax.Number))
    return operand


def _atom(c: Cursor, limits: Limits) -> Expression:
    kind, start = c.kind, c.start
    c.nodes += 1
    if c.nodes > limits.nodes:
        raise limit_reached(c, "E903", c.here(), limit=limits.nodes)
    if kind in NAMES:
        if kind != "at" and c.peek() == "(":
            return _call(c, limits)
        named = path(c, "a name")
        return _moment(c, start, named) if c.kind in ("ago", "from") else named
    if kind == NUMBER and c.peek() == UNIT:
        length = duration(c)
        return _moment(c, start, length) if c.kind in ("ago", "from") else length
    if kind in LITERALS:
        return literal(c)
    if kind == "(":
        _open(c, limits)
        inner = condition(c, limits)
        _close(c)
        return inner
    raise unexpected(c, "a value")


def duration(c: Cursor) -> syntax.Duration:
    """`90 days`, at a number with a unit behind it."""
    start = c.start
    count = number(c).text
    unit = UNITS[c.word()]
    c.advance()
    return syntax.Duration(span=c.span(start), count=count, unit=unit)


def _duration_or_path(c: Cursor) -> syntax.Duration | syntax.Path:
    if c.kind == NUMBER and c.peek() == UNIT:
        return duration(c)
    if c.kind == NUMBER:
        c.advance()
        raise unexpected(c, 'a unit such as "days"')
    return path(c, "a duration such as 90 days")


def _moment(c: Cursor, start: int, length: syntax.Duration | syntax.Path) -> syntax.Ago | syntax.FromNow:
    if c.kind == "ago":
        c.advance()
        return syntax.Ago(span=c.span(start), duration=length)
    c.advance()
    _expect(c, "now", '"now" after "from"')
    return syntax.FromNow(span=c.span(start), duration=length)


def path(c: Cursor, expected: str) -> syntax.Path:
    """`order.placed_at`; `expected` says what stands here, for the message when no name does."""
    start = c.start
    first = name(c, expected)
    if c.kind != ".":
        return syntax.Path(span=first.span, parts=(first,))
    parts = [first]
    while c.kind == ".":
        c.advance()
        parts.append(name(c, 'a name after "."'))
        c.nodes += len(parts) > 8
    return syntax.Path(span=c.span(start), parts=tuple(parts))


def name(c: Cursor, expected: str) -> syntax.Name:
    """A name, in backquotes or not, as it is meant."""
    kind = c.kind
    if kind not in NAMES:
        raise unexpected(c, expected)
    text = c.text[c.start : c.end]
    if kind == NAME:
        text = nfc(text[1:].removesuffix("`") if text[0] == "`" else text)
    span = Span(c.start, c.end, c.number)
    c.advance()
    return syntax.Name(span=span, text=text)


def _call(c: Cursor, limits: Limits) -> syntax.Call:
    start = c.start
    called = name(c, "the name of a function")
    _open(c, limits)
    arguments: list[Expression] = []
    clauses: dict[str, object] = {}
    if c.kind != ")":
        arguments.append(condition(c, limits))
        while c.kind == ",":
            c.advance()
            arguments.append(condition(c, limits))
        while c.kind in _CLAUSES:
            kind = c.kind
            if kind in clauses:
                raise mistake("E113", c.here(), word=kind, called=called.text)
            c.advance()
            clauses[kind] = _clause(c, limits, kind)
    _close(c)
    span = c.span(start)
    if not clauses:
        return syntax.Call(span=span, name=called, arguments=tuple(arguments))
    if "for" in clauses:
        clauses["for_"] = clauses.pop("for")
    return syntax.Call(span=span, name=called, arguments=tuple(arguments), **clauses)  # type: ignore[arg-type]


def _clause(c: Cursor, limits: Limits, kind: str) -> object:
    if kind == "where":
        return condition(c, limits)
    if kind == "for":
        return path(c, "the name of a relation")
    if kind == "by":
        return value(c, limits)
    return _groups(c, limits) if kind == "over" else _per(c, limits)


def _groups(c: Cursor, limits: Limits) -> syntax.Groups:
    start = c.start
    if c.kind == "all":
        c.advance()
        return syntax.Groups(span=c.span(start), everyone=True)
    if c.kind != "(":
        only = path(c, 'a name, names in parentheses, or "all"')
        return syntax.Groups(span=c.span(start), everyone=False, paths=(only,))
    _open(c, limits)
    paths = [path(c, "a name")]
    while c.kind == ",":
        c.advance()
        c.nodes += 1
        paths.append(path(c, "a name"))
        if c.nodes > limits.nodes:
            raise limit_reached(c, "E903", c.here(), limit=limits.nodes)
    _close(c)
    return syntax.Groups(span=c.span(start), everyone=False, paths=tuple(paths))


def _per(c: Cursor, limits: Limits) -> tuple[Expression, ...]:
    """What follows `per`: one value, which may begin with a parenthesis, or several in parentheses."""
    start = c.start
    if c.kind != "(":
        return (value(c, limits),)
    _open(c, limits)
    inside = c.start
    first = condition(c, limits)
    if c.kind != ",":
        _close(c)
        return (value(c, limits, first, start),)
    if isinstance(first, _TESTED) and first.span.start == inside:
        raise unexpected(c, '")": a condition among several groups stands in parentheses of its own')
    keys = [first]
    while c.kind == ",":
        c.advance()
        keys.append(value(c, limits))
    _close(c)
    return tuple(keys)


# ---- single tokens


def _passed(c: Cursor, word: str) -> bool:
    if c.kind != word:
        return False
    c.advance()
    return True


def _ignoring_case(c: Cursor) -> bool:
    if c.kind != "ignoring":
        return False
    c.advance()
    _expect(c, "case", '"case" after "ignoring"')
    return True


def _expect(c: Cursor, word: str, expected: str) -> None:
    if c.kind != word:
        raise unexpected(c, expected)
    c.advance()


def _deeper(c: Cursor, limits: Limits) -> None:
    c.depth += 1
    if c.depth > limits.nesting:
        raise limit_reached(c, "E902", c.here(), limit=limits.nesting)


def _open(c: Cursor, limits: Limits) -> None:
    if c.kind != "(":
        raise unexpected(c, '"("')
    _deeper(c, limits)
    c.opens.append(c.start)
    c.advance()


def _close(c: Cursor) -> None:
    if c.kind != ")":
        raise unexpected(c, '")"', after_value=True)
    c.opens.pop()
    c.depth -= 1
    c.advance()
