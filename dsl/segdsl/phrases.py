"""The small phrases of the grammar, those that hold no expressions: names, paths, durations, periods, brackets, single words."""

from __future__ import annotations

from segdsl import syntax
from segdsl.lexer import MONTH, NAME, NAMES, NUMBER, PERCENT, UNIT, UNITS, Cursor, nfc
from segdsl.literals import literal, number
from segdsl.mistakes import limit_reached, mistake, unexpected
from segdsl.syntax import Span

_LONGEST_NAME = 200


def name(c: Cursor, expected: str) -> syntax.Name:
    """A name, in backquotes or not, as it is meant."""
    kind = c.kind
    if kind not in NAMES:
        raise unexpected(c, expected)
    text = c.text[c.start : c.end]
    if kind == NAME and not (text.isascii() and text[0] != "`"):
        text = nfc(text[1:].removesuffix("`") if text[0] == "`" else text)
    span = Span(c.start, c.end, c.number)
    if len(text) > _LONGEST_NAME:
        c.report("E121", c.start, c.end, limit=_LONGEST_NAME)
    c.advance()
    return syntax.Name(span=span, text=text)


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
        if len(parts) > c.limits.nesting:
            raise limit_reached(c, "E902", c.here(), limit=c.limits.nesting)
    return syntax.Path(span=c.span(start), parts=tuple(parts))


def duration(c: Cursor) -> syntax.Duration:
    """`90 days`, at a number with a unit behind it."""
    start = c.start
    count = number(c).text
    unit = UNITS[c.word()]
    c.advance()
    return syntax.Duration(span=c.span(start), count=count, unit=unit)


def duration_or_path(c: Cursor) -> syntax.Duration | syntax.Path:
    """`90 days`, or the name of a duration."""
    if c.kind == NUMBER and c.peek() == UNIT:
        return duration(c)
    if c.kind == NUMBER:
        c.advance()
        raise unexpected(c, 'a unit such as "days"')
    return path(c, "a duration such as 90 days")


def moment(c: Cursor, start: int, length: syntax.Duration | syntax.Path) -> syntax.Ago | syntax.FromNow:
    """What `ago` or `from now` makes of the length before it, which began at `start`."""
    if c.kind == "ago":
        c.advance()
        return syntax.Ago(span=c.span(start), duration=length)
    c.advance()
    expect(c, "now", '"now" after "from"')
    return syntax.FromNow(span=c.span(start), duration=length)


def negative_number(c: Cursor) -> syntax.Negative:
    """A minus sign with a number or share behind it."""
    start = c.start
    c.advance()
    if c.kind not in (NUMBER, PERCENT):
        raise unexpected(c, "a number after -")
    operand = number(c)
    return syntax.Negative(span=c.span(start), operand=operand)


def period(c: Cursor) -> syntax.Period:
    """A calendar period: `this month`, `last 6 whole months`, `2026`, `2026-03`."""
    start, kind = c.start, c.kind
    if kind == NUMBER:
        return syntax.Period(which="year", text=number(c).text, span=c.span(start))
    if kind == MONTH:
        text = c.word()
        literal(c)
        return syntax.Period(which="month", text=text, span=c.span(start))
    c.advance()
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
        expect(c, "whole", '"whole" and a unit such as "months"')
    if c.kind != UNIT:
        raise unexpected(c, "a unit such as " + ('"month" or "week"' if count is None else '"months" or "weeks"'))
    unit = UNITS[c.word()]
    c.advance()
    return syntax.Period(span=c.span(start), which=kind, unit=unit, count=count)


def passed(c: Cursor, word: str) -> bool:
    """Whether the word stands here; if so, it is passed."""
    if c.kind != word:
        return False
    c.advance()
    return True


def ignoring_case(c: Cursor) -> bool:
    """Whether `ignoring case` stands here; if so, it is passed."""
    if c.kind != "ignoring":
        return False
    c.advance()
    expect(c, "case", '"case" after "ignoring"')
    return True


def expect(c: Cursor, word: str, expected: str) -> None:
    """Pass a word that must stand here; `expected` says so in the message."""
    if c.kind != word:
        raise unexpected(c, expected)
    c.advance()


def deeper(c: Cursor) -> None:
    """Count one level more of brackets, `not`s or signs."""
    c.depth += 1
    if c.depth > c.limits.nesting:
        raise limit_reached(c, "E902", c.here(), limit=c.limits.nesting)


def opening(c: Cursor) -> None:
    """Pass an opening bracket."""
    if c.kind != "(":
        raise unexpected(c, '"("')
    c.depth += 1
    if c.depth > c.limits.nesting:
        raise limit_reached(c, "E902", c.here(), limit=c.limits.nesting)
    c.opens.append(c.start)
    c.advance()


def closing(c: Cursor) -> None:
    """Pass a closing bracket."""
    if c.kind != ")":
        raise unexpected(c, '")"', after_value=True)
    c.opens.pop()
    c.depth -= 1
    c.advance()
