"""Literals: from a token to the value it stands for, with what can be wrong inside one token."""

from __future__ import annotations

import re
from datetime import date

from segdsl import syntax
from segdsl.lexer import DATE, MONTH, NUMBER, PERCENT, TEXT, Cursor, shorten
from segdsl.syntax import Span

_KNOWN = re.compile(r"(?:[^\\]++|\\[\"'\\nt]|\\u[0-9a-fA-F]{4})*+")
_LONGEST_NUMBER = 400
_GAPS = re.compile(r"[, \u00a0\u2009\u202f]")
_LARGE_EXPONENT = re.compile(r"[eE][+-]?0*[1-9][0-9]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(r"(.{10})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))?")


def literal(c: Cursor) -> syntax.Literal:
    """The literal at hand; what is wrong inside it is reported, and the reading goes on."""
    kind = c.kind
    if kind in (NUMBER, PERCENT):
        return number(c)
    if kind == TEXT:
        return text_literal(c)
    span = Span(c.start, c.end, c.number)
    text = c.text[c.start : c.end]
    c.advance()
    if kind == "true" or kind == "false":
        return syntax.Truth(span=span, value=kind == "true")
    if kind == MONTH:
        if not ("01" <= text[5:] <= "12") or text[:4] == "0000":
            c.report("E108", span.start, span.end, hint=_month_hint(text), kind="month", found=text)
        return syntax.Month(span=span, text=text)
    if kind == DATE:
        if _DATE.fullmatch(text):  # what only resembles a date is reported already
            _check_date(c, span, text, "date")
        return syntax.Date(span=span, text=text)
    _check_time(c, span, text)
    return syntax.Timestamp(span=span, text=text)


def number(c: Cursor) -> syntax.Number:
    """The number or share at hand: digits without `_` and without the percent sign."""
    span = Span(c.start, c.end, c.number)
    text = c.text[c.start : c.end]
    percent = c.kind == PERCENT
    c.advance()
    if percent:
        text = text[:-1]
    endless = len(text) > _LONGEST_NUMBER and text.count(".") < 2
    if not endless and not text.isdecimal():
        text = _one_piece(text)
        endless = len(text) > _LONGEST_NUMBER or _LARGE_EXPONENT.search(text) is not None
    if endless:
        c.report("E118", span.start, span.end, limit=_LONGEST_NUMBER)
    return syntax.Number(span=span, text=text, percent=percent)


def _one_piece(text: str) -> str:
    """A number without what parts its thousands: `_`, or what is reported already."""
    text = _GAPS.sub("", text.replace("_", ""))
    return text if text.count(".") < 2 else text.replace(".", "")


def text_literal(c: Cursor) -> syntax.Text:
    """The text at hand, its escapes resolved."""
    span = Span(c.start, c.end, c.number)
    raw = c.text[c.start + 1 : c.end - 1]
    if "\\" in raw and c.end - c.start > 1 and c.text[c.start] == c.text[c.end - 1]:
        raw = _unescaped(c, raw, c.start + 1)
    c.advance()
    return syntax.Text(span=span, value=raw)


def _unescaped(c: Cursor, raw: str, offset: int) -> str:
    known = _KNOWN.match(raw)
    at = known.end() if known else 0
    if at < len(raw):
        hint = "known are \\\" \\' \\\\ \\n \\t and \\u with four hexadecimal digits; a backslash itself is written \\\\"
        c.report("E103", offset + at, offset + at + 2, hint=hint, found=shorten(raw[at : at + 2]))
        return ""  # one mistake a text is enough
    # Python knows all of these escapes, and with the signs above U+007F written as escapes, too, no others are in it.
    text = raw.encode("ascii", "backslashreplace").decode("unicode_escape")
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        hint = "characters above U+FFFF are two such codes, a high and a low one, or are written as they are"
        c.report("E104", offset - 1, offset + len(raw) + 1, hint=hint)
        return ""


def _month_hint(text: str) -> str:
    return f"months are 01 to 12; for a subtraction put spaces around -: {text[:4]} - {text[5:]}"


def _check_date(c: Cursor, span: Span, text: str, kind: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        c.report("E108", span.start, span.end, hint=_date_hint(text), kind=kind, found=shorten(c.text[span.start : span.end]))
        return False
    return True


def _date_hint(text: str) -> str:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if year == 0:
        return "years are 0001 to 9999"
    if not 1 <= month <= 12:
        return "months are 01 to 12; a date is written year-month-day"
    if day == 0:
        return "days start at 01"
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else date.max
    last = date.fromordinal(following.toordinal() - 1).day if (year, month) != (9999, 12) else 31
    return f"{year:04}-{month:02} has {last} days"


def _check_time(c: Cursor, span: Span, text: str) -> None:
    parts = _TIMESTAMP.fullmatch(text)
    assert parts is not None
    day, hour, minute, second, away, away_minutes = parts.groups(default="00")
    if not _check_date(c, span, day, "time"):
        return
    if hour > "23" or minute > "59" or second > "59" or away > "23" or away_minutes > "59":
        hint = "hours are 00 to 23, minutes and seconds 00 to 59, offsets up to 23:59"
        c.report("E108", span.start, span.end, hint=hint, kind="time", found=shorten(text))
