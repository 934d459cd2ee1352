"""What to do where the grammar wanted something else: read off what was wanted, and what stands there and before."""

from __future__ import annotations

import re

from segdsl.endings import over
from segdsl.functions import FUNCTIONS
from segdsl.lexer import LITERALS, NAME, NAMES, NUMBER, RESERVED, TEXT, UNIT, Cursor, shorten

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_BEFORE_VALUES = (*_COMPARISONS, "+", "-", "*", "/", ",", "(")
_FAR = 100
_LINE_END = re.compile(r"[ \t\r]*(?:\n|\Z)")
_WANTED = {
    '"case" after "ignoring"': "write ignoring case",
    "the name of a segment": "a name stands without quotes: in segment vip",
    "a regular expression in quotes": 'write matches "..."',
    '"("': "as in at least 2 of (a, b, c)",
    'a number after "at least"': "as in at least 2 of (a, b, c)",
    'a number after "at most"': "as in at least 2 of (a, b, c)",
    'a value after "otherwise"': 'as in otherwise "standard"',
    'a value before "in", or "segment" and a name after it': "a segment is asked for with in segment NAME",
}
_ONE_WHEN = "a statement has one when; conditions are joined by and, or"


def advice(c: Cursor, expected: str) -> str | None:
    """What to do where something was expected, by what it was and by what stands here and before."""
    before, start, end = c.before()
    earlier = c.before(2)[0]
    called = shorten(c.text[start:end])
    if earlier == "in" and '".."' in expected and before in LITERALS:
        return "a range is written in a..b" if c.kind == "-" else "for a single value write =, for several a list: in (a, b)"
    if before in ("last", "next", "this") and earlier == "in" and c.kind != UNIT:
        return f"for a list called {before}, write `{before}` in backquotes"
    known = _WANTED.get(expected)
    if known is not None:
        return known
    if '".."' in expected and before == UNIT:
        return "a time that moves with the run is within last 90 days, or in 90 days ago..today"
    if over(c):
        return f'write what follows "{called}", or delete it' if before in ("and", "or", "not", *_BEFORE_VALUES) else None
    if c.kind in RESERVED:
        return _at_reserved(c, expected, before, earlier, called)
    if expected.startswith("a number, a text"):
        return "a param is a constant; what is computed is a let"
    if expected.startswith("a value and"):
        return 'the value comes first, a number or text that is not negative: "gold" when and its condition'
    if expected == "a name":
        return _at_name(c)
    if c.kind in _COMPARISONS and before in ("and", "or", "not", "when", "("):
        return f"what is compared stands on both sides of and, or: x > 1 and x {c.kind} 5"
    if c.kind in ("(", ",", ")", "+", "-", "*", "/", "."):
        return _at_sign(c, expected, before, earlier, called)
    return _at_word(c, expected, before, earlier, called)


def _at_reserved(c: Cursor, expected: str, before: str, earlier: str, called: str) -> str | None:
    if c.kind == "otherwise":
        return 'only a choose has "otherwise"; a collect lists what holds'
    if c.kind == "when" and before == NUMBER and earlier == "-":
        return "the value of a case is not a negative number"
    if c.kind == "when":
        value_first = expected.startswith("a value and")
        return 'the value of the case comes first: "gold" when and its condition' if value_first else _ONE_WHEN
    if c.kind == "missing":
        return "write is missing"
    if c.kind == "segment" and "value" in expected and c.peek() in NAMES and before in ("when", "and", "or", "not"):
        return "a segment is asked for with in segment NAME"
    if c.kind in ("and", "or") and "value" in expected:
        return f'write what stands between "{called}" and "{c.kind}", or delete one of them'
    if c.kind == "or" and before in LITERALS:
        return "a list is written x in (a, b), its values parted by commas"
    if "value" in expected and (before in _BEFORE_VALUES or c.peek() in _COMPARISONS):
        return f"as a name, it stands in backquotes: `{c.kind}`"
    return None


def _at_name(c: Cursor) -> str | None:
    if c.kind == TEXT:
        return "a name comes before the label: letters, digits and _, as in segment german_customers"
    return "a name begins with a letter; others stand in backquotes: `2026 buyers`" if c.kind == NUMBER else None


def _at_sign(c: Cursor, expected: str, before: str, earlier: str, called: str) -> str | None:
    if c.kind == "(":
        behind_dot = re.search(r"([\w.]+)\.(\w+)\s*$", c.text[max(0, c.start - _FAR) : c.start])
        if before == "at":
            return "a function called at stands in backquotes: `at`(...)"
        if behind_dot is not None:
            return f"nothing is called behind a dot: write {behind_dot[2]}({behind_dot[1]}), or a test such as {behind_dot[1]} contains"
        return {'"="': "a let has no arguments", '"of" and a list': "write contains any of (a, b)"}.get(expected)
    if c.kind in (")", ",") and before in ("(", ","):
        return "delete the comma, or write another value behind it" if before == "," else "something has to stand in the brackets"
    if c.kind == ",":
        if not c.opens:
            return "a list stands in brackets; conditions are joined by and, or; cases need no comma between them"
        return "write contains any of (a, b)" if c.before(3)[0] == "contains" else "a list is written x in (a, b)"
    if c.kind == ".":
        return "a statement ends without a full stop" if _LINE_END.match(c.text, c.end) else None
    return "a param is a constant; what is computed is a let" if "next statement" in expected else None


def _at_word(c: Cursor, expected: str, before: str, earlier: str, called: str) -> str | None:
    end = c.before()[2]
    if before == "exactly" and expected.startswith("a number"):
        return "for a field called exactly, write `exactly` in backquotes"
    if expected == '"with"':
        return f"write {called} with"
    if c.kind in LITERALS and before in LITERALS and c.opens:
        return "values are parted by commas"
    if c.kind == "over" and before == ")":
        return "over stands inside the brackets: rank(revenue over country)"
    if before == TEXT and c.kind in NAMES and end == c.start:
        return f"a quote inside a text is written \\{c.text[end - 1]}, or the text stands in the other quotes"
    if c.kind in NAMES and before in LITERALS and c.peek() in _COMPARISONS and not c.opens:
        return "two tests are joined by and, or"
    if before in NAMES and called in FUNCTIONS and called not in ("first", "last") and c.kind in NAMES:
        return f"write {FUNCTIONS[called].shape}"
    if c.kind == NAME and before in NAMES:
        return f"a name of several words stands in backquotes: `{called} {shorten(c.word())}`"
    return None
