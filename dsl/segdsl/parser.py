"""Text to syntax tree: the statements, and how reading goes on after a mistake."""

from __future__ import annotations

from segdsl import syntax
from segdsl.amounts import too_many_items, too_much
from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.endings import new_paragraph, over
from segdsl.expressions import condition
from segdsl.lexer import END, LITERALS, NAMES, NUMBER, PERCENT, STATEMENTS, TEXT, UNIT, Cursor
from segdsl.limits import Limits
from segdsl.literals import literal, text_literal
from segdsl.mistakes import Mistake, limit_reached, missing_when, no_statement, unexpected
from segdsl.phrases import duration, name, negative_number
from segdsl.syntax import File, Span, Statement

_DEFAULTS = Limits()


def parse(text: str, name: str = "rules.seg", number: int = 0, limits: Limits = _DEFAULTS) -> tuple[File, tuple[Diagnostic, ...]]:
    """Read a rule file: the statements that can be read, the comments, and every mistake, sorted by place.

    `name` is the file's name for messages that have no place in it; `number` is the source number that spans carry. A statement with
    a mistake in its grammar is left out, one with a mistake inside a literal is kept; where there are diagnostics, the tree is for
    editors only. Never raises for any text, and takes time in proportion to it; over a limit it answers at once.
    """
    if _too_long(text, limits):
        return File(()), (diagnostic("E901", Span(0, 0, number), hint=f"split {name} into several files", limit=f"{limits.source:,}"),)
    found = too_much(text, number, limits)
    if found is not None:
        return File(()), (found,)
    c = Cursor(text, number, limits)
    statements: list[Statement] = []
    while c.kind != END:
        if len(c.diagnostics) > limits.mistakes:
            break
        if len(statements) == limits.statements and c.kind in STATEMENTS:
            c.diagnostics.append(diagnostic("E905", c.here(), hint="split the rules over several files", limit=f"{limits.statements:,}"))
            break
        start = c.start
        try:
            statements.append(_statement(c))
        except Mistake as problem:
            _recover(c, problem, start)
        except RecursionError:
            # The caller's own stack was nearly used up: the depth that the limit allows does not fit any more.
            _recover(c, limit_reached(c, "E902", c.here(), c.depth), start)
    ordered = sorted(c.diagnostics[: limits.mistakes], key=lambda found: found.span.start)
    if len(c.diagnostics) > limits.mistakes:
        ordered.append(diagnostic("E908", c.diagnostics[-1].span, limit=f"{limits.mistakes:,}"))
    return File(tuple(statements), tuple(c.comments), text), tuple(ordered)


def _too_long(text: str, limits: Limits) -> bool:
    if len(text) * 4 <= limits.source:
        return False
    return len(text) > limits.source or len(text.encode("utf-8", "surrogatepass")) > limits.source


def _recover(c: Cursor, problem: Mistake, start: int) -> None:
    """Note the mistake, unless it follows from one inside a token of the same statement; then go to the next statement."""
    place = problem.diagnostic.span.start if problem.diagnostic.code == "E109" else c.start
    stop = c.start
    if problem.limit or not any(start <= earlier <= max(place, c.last) for earlier in c.mistaken):
        c.diagnostics.append(problem.diagnostic)
    if problem.limit:
        c.leap()
        return
    if c.start == start or (c.kind in STATEMENTS and c.peek() not in NAMES and not over(c)):
        c.advance()  # the second: `x = segment` is no start of a statement
    skipped = 0
    while c.kind != END and not new_paragraph(c) and (c.kind not in STATEMENTS or _asked_for(c)):
        c.advance()
        skipped += 1
        if skipped > c.limits.nodes:
            c.leap()
            return
    c.forget_echoes(stop)


def _asked_for(c: Cursor) -> bool:
    """Whether `segment` begins no statement: behind `in`, or behind a word on its line that wants a condition."""
    before, _, end = c.before()
    return c.kind == "segment" and (before == "in" or (before in ("when", "and", "or", "not") and "\n" not in c.text[end : c.start]))


def _statement(c: Cursor) -> Statement:
    c.opens.clear()
    c.depth = c.nodes = 0
    start = c.start
    kind = c.kind
    if kind not in STATEMENTS:
        raise no_statement(c)
    c.advance()
    called = name(c, "a name")
    statement: Statement
    if kind == "segment":
        statement = _segment(c, start, called)
    elif kind == "let":
        statement = _let(c, start, called)
    elif kind == "param":
        _equals(c)
        value = _constant(c)
        statement = syntax.Param(span=c.span(start), name=called, value=value)
    else:
        statement = _cases(c, start, called, kind)
    if c.kind not in STATEMENTS and c.kind != END and not new_paragraph(c):
        raise unexpected(c, "an operator or the next statement", after_value=True)
    if c.nodes > c.limits.depth and _deepest(statement) > c.limits.depth:
        raise limit_reached(c, "E907", called.span, c.limits.depth)
    return statement


def _segment(c: Cursor, start: int, called: syntax.Name) -> syntax.Segment:
    label = text_literal(c) if c.kind == TEXT else None
    if c.kind != "when":
        raise missing_when(c, label.value if label else None)
    c.advance()
    test = condition(c)
    return syntax.Segment(span=c.span(start), name=called, condition=test, label=label)


def _let(c: Cursor, start: int, called: syntax.Name) -> syntax.Let:
    relation = None
    if c.kind == "for":
        c.advance()
        relation = name(c, "the name of a relation")
    _equals(c)
    value = condition(c)
    return syntax.Let(span=c.span(start), name=called, value=value, relation=relation)


def _cases(c: Cursor, start: int, called: syntax.Name, kind: str) -> syntax.Choose | syntax.Collect:
    label = None
    if c.kind == TEXT and c.peek() != "when":
        label = text_literal(c)
    if c.kind not in LITERALS:
        raise unexpected(c, 'a value and "when"') if label is None else missing_when(c, None)
    cases: list[syntax.Case] = []
    while c.kind in LITERALS:
        first = c.start
        value = literal(c)
        if c.kind != "when":
            raise missing_when(c, None) if not cases or c.kind not in ("or", "and") else unexpected(c, '"when"', after_value=True)
        c.advance()
        test = condition(c)
        c.nodes += 1
        cases.append(syntax.Case(span=c.span(first), value=value, condition=test))
    if kind == "collect":
        return syntax.Collect(span=c.span(start), name=called, cases=tuple(cases), label=label)
    otherwise = None
    if c.kind == "otherwise":
        c.advance()
        if c.kind not in LITERALS:
            raise unexpected(c, 'a value after "otherwise"')
        otherwise = literal(c)
    return syntax.Choose(span=c.span(start), name=called, cases=tuple(cases), label=label, otherwise=otherwise)


def _constant(c: Cursor) -> syntax.Expression | syntax.ListOf:
    if c.kind == NUMBER and c.peek() == UNIT:
        return duration(c)
    if c.kind != "(":
        return _signed(c)
    start = c.start
    c.opens.append(start)
    c.advance()
    items = [_signed(c)]
    while c.kind == ",":
        if len(items) == c.limits.items or (len(items) == 1 and too_many_items(c.text, start, c.limits)):
            raise limit_reached(c, "E904", Span(start, start + 1, c.number), c.limits.items)
        c.advance()
        items.append(_signed(c))
    if c.kind != ")":
        raise unexpected(c, '")"', after_value=True)
    c.opens.pop()
    c.advance()
    return syntax.ListOf(span=c.span(start), items=tuple(items))


def _signed(c: Cursor) -> syntax.Expression:
    if c.kind == "-" and c.peek() in (NUMBER, PERCENT):
        return negative_number(c)
    if c.kind in LITERALS:
        return literal(c)
    raise unexpected(c, "a number, a text, a date, a duration, or a list of them")


def _equals(c: Cursor) -> None:
    if c.kind != "=":
        raise unexpected(c, '"="')
    c.advance()


def _deepest(statement: Statement) -> int:
    """How many nodes stand one inside another; without recursion, since this is what finds what is too deep for it."""
    deepest = 0
    waiting: list[tuple[object, int]] = [(statement, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, syntax.Node):
            deepest = max(deepest, depth)
            waiting.extend((getattr(node, field), depth + 1) for field in node.__struct_fields__ if field != "span")
        elif isinstance(node, tuple):
            waiting.extend((item, depth) for item in node)
    return deepest
