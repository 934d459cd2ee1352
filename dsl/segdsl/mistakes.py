"""What went wrong where the grammar wanted something else: the neighbours' words, and the right ones."""

from __future__ import annotations

import re

from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.lexer import (
    END,
    LITERALS,
    NAME,
    NAMES,
    NUMBER,
    RESERVED,
    SOFT,
    STATEMENTS,
    STRANGE,
    TEXT,
    UNIT,
    Cursor,
    character_name,
    shorten,
)
from segdsl.syntax import Span

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_QUOTES = 'write "straight quotes"'
_ROUND = "brackets are round: ( )"
_REMARK = "a comment starts with #"
_CHOICE = "a choice of several is a choose statement"
_IF = "a choice between two values is written if(condition, value, other)"
_SIGNS = {
    "===": "write =", "==": "write =", "=>": "write >=", "=<": "write <=", "<>": "write !=", "!==": "write !=", "=~": "write matches",
    "&&": "write and", "&": "write and", "||": "write or", "|": "write or", "!~": "write not matches", "!": "write not",
    "≠": "write !=", "≥": "write >=", "≤": "write <=", "×": "write *", "÷": "write /", "−": "write -", "–": "write -", "—": "write -",
    "“": _QUOTES, "”": _QUOTES, "„": _QUOTES, "‘": _QUOTES, "’": _QUOTES, "«": _QUOTES, "»": _QUOTES,
    "…": "a range is written with two full stops: 1..5", ";": "statements need no semicolon; items of a list are parted by commas",
    "[": _ROUND, "]": _ROUND, "{": _ROUND, "}": _ROUND, "?": _IF, "%": "a share is written without a space: 10%",
    "//": _REMARK, "/*": _REMARK, "--": _REMARK,
}  # fmt: skip
_SIGN_AT = re.compile("|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True)))
_WORDS = {
    "between": "a range is written x in 1..5, both ends included",
    "like": "write contains, starts with, ends with or matches", "ilike": 'write contains "..." ignoring case',
    "rlike": "write matches", "regexp": "write matches", "similar": "write matches",
    "equals": "write =", "equal": "write =", "eq": "write =", "ne": "write !=", "gt": "write >", "ge": "write >=", "gte": "write >=",
    "lt": "write <", "le": "write <=", "lte": "write <=", "isnull": "write is missing", "notnull": "write is not missing",
    "has": "write contains", "have": "write contains", "includes": "write contains", "include": "write contains",
    "containing": "write contains", "since": "write after", "until": "write before",
    "then": f'a condition needs no "then"; {_IF}', "else": f'{_IF}; in choose, the rest is written otherwise "..."',
    "elif": _CHOICE, "elseif": _CHOICE, "if": _IF, "case": _CHOICE, "end": "a choose statement needs no end",
    "as": "a name for a value is given by a statement: let NAME = ...", "mod": "there is no remainder",
    "group": "groups are written inside the brackets: sum(... per x) or sum(... over x)", "having": "write where inside the brackets",
    "order": "write first(x by t) or last(x by t)", "limit": "write top(100, x)", "exists": "write any(relation where condition)",
    "xor": "write exactly 1 of (a, b)", "unless": "write and not",
}  # fmt: skip
_BEFORE_VALUES = (*_COMPARISONS, "+", "-", "*", "/", ",", "(")
_SHORT_UNITS = {
    "d": "days", "w": "weeks", "m": "months", "mo": "months", "y": "years", "yr": "years", "yrs": "years", "h": "hours", "hr": "hours",
    "hrs": "hours", "min": "minutes", "mins": "minutes", "q": "quarters",
}  # fmt: skip
_NOTHING = ("null", "none", "nan", "na", "empty", "unknown", "missing", "undefined", "nil", "set")
_LIKE_A_CONDITION = re.compile(r"\s*(when\b|.*([<>=]|\b(is|in|contains|within|before|after)\b))", re.DOTALL)


class Mistake(Exception):
    """Ends the reading of a statement; `limit` where the reading leaps on rather than read what was too much."""

    def __init__(self, found: Diagnostic, limit: bool = False) -> None:
        super().__init__(found.message)
        self.diagnostic = found
        self.limit = limit


def mistake(code: str, span: Span, *, hint: str | None = None, also: tuple[tuple[Span, str], ...] = (), **facts: object) -> Mistake:
    """The mistake of a code, to be raised."""
    return Mistake(diagnostic(code, span, hint=hint, also=also, **facts))


def limit_reached(c: Cursor, code: str, span: Span, limit: int) -> Mistake:
    """A limit that the statement at hand passes."""
    hints = {
        "E902": "name parts of it with let",
        "E903": "name parts of it with let, or put the values into a list",
        "E904": "put the values into a table and link it",
        "E907": "name parts of it with let",
    }
    return Mistake(diagnostic(code, span, hint=hints.get(code), limit=f"{limit:,}"), limit=True)


def unexpected(c: Cursor, expected: str, *, after_value: bool = False) -> Mistake:
    """The mistake of finding the token at hand where `expected` should stand; `after_value`: something complete stands before it."""
    return (
        _sign(c)
        or _bracket(c)
        or _number(c)
        or _in_place_of_test(c, after_value)
        or _foreign_word(c, expected, after_value)
        or _reserved(c, expected)
        or _plain(c, expected)
    )


def missing_when(c: Cursor, label: str | None) -> Mistake:
    """A segment or a case without `when`; `label` is the segment's label if it has one."""
    kind, word = c.kind, c.word()
    hint = 'write "when" before the condition'
    if kind == "=":
        return mistake("E111", c.here(), hint='a segment is written with "when" in place of "="', found="=")
    if label is not None and _ended(c) and _LIKE_A_CONDITION.match(label):
        condition = label.strip().removeprefix("when ")
        hint = f"the text looks like a condition: write it without the quotes around it: when {shorten(condition, 60)}"
    elif kind == NAME and word.lower() == "if":
        hint = 'write "when" in place of "if"'
    elif kind == NAME and word.lower() == "when":
        hint = 'write "when" in small letters'
    elif kind in ("where", "is", "in"):
        hint = 'write "when"' + (" before it" if kind == "in" else f' in place of "{kind}"')
    elif _ended(c):
        hint = "a segment without a condition holds nobody: write when and a condition"
    return mistake("E114", c.here(), hint=hint, found=found(c))


def no_statement(c: Cursor) -> Mistake:
    """Something between the statements, or before the first."""
    small = c.word().lower()
    hint = f"write {small}" if c.kind == NAME and small in STATEMENTS else "a statement begins with param, let, segment, choose or collect"
    return _sign(c) or mistake("E119", c.here(), hint=hint, found=found(c))


def found(c: Cursor) -> str:
    """The token at hand in words."""
    if c.kind == END:
        return "the end of the text"
    word = shorten(c.word())
    if c.kind == TEXT:
        return f"the text {word}"
    if c.kind in LITERALS and c.kind not in ("true", "false"):
        return word
    return f'"{word}"'


def _ended(c: Cursor) -> bool:
    return c.kind == END or c.kind in STATEMENTS


def _sign(c: Cursor) -> Mistake | None:
    """Operators of other languages, whole or with their first half already taken for an operator."""
    if c.kind in NAMES or c.kind in LITERALS or c.kind in RESERVED or c.kind == END:
        return None
    _, start, end = c.before()
    if end == c.start and c.text[start:end] in ("=", "<", "!=", "-", "/"):
        joined = _SIGN_AT.match(c.text, start)
        if joined and joined.end() > c.start:
            return mistake("E111", Span(start, joined.end(), c.number), hint=_SIGNS[joined[0]], found=joined[0])
    known = _SIGN_AT.match(c.text, c.start)
    if known and (c.kind == STRANGE or known.end() > c.end):
        return mistake("E111", Span(c.start, max(known.end(), c.end), c.number), hint=_SIGNS[known[0]], found=known[0])
    if c.kind == STRANGE:
        character = c.word()
        if character.isprintable() and not character.isspace():
            return mistake("E111", c.here(), hint="names with other characters stand in backquotes: `a-b`", found=character)
        return mistake("E105", c.here(), hint="it is invisible; delete it", found=character_name(character))
    return None


def _bracket(c: Cursor) -> Mistake | None:
    if c.kind == ")" and not c.opens:
        return mistake("E110", c.here(), hint="delete it, or open a bracket before it")
    if c.opens and (_ended(c) or c.kind in ("when", "otherwise")):
        at = c.opens[-1]
        also = ((c.here(), f"{found(c)} comes before it is closed"),)
        return mistake("E109", Span(at, at + 1, c.number), hint='write ")"', also=also)
    return None


def _number(c: Cursor) -> Mistake | None:
    """Decimal commas, `90d`, `2026-3`."""
    kind, start, end = c.before()
    if kind != NUMBER:
        return None
    if c.kind == "," and end == c.start and c.peek() == NUMBER and c.text[c.end : c.end + 1].isdigit():
        digits = re.compile(r"[0-9]+").match(c.text, c.end)
        assert digits is not None
        whole = c.text[start:end]
        return mistake("E116", Span(start, digits.end(), c.number), hint=f"write {shorten(whole)}.{shorten(digits[0])}")
    if c.kind == NAME and end == c.start and c.word().lower() in _SHORT_UNITS:
        count, unit = shorten(c.text[start:end]), _SHORT_UNITS[c.word().lower()]
        signed = c.before(2)[0] == "-"
        first = c.before(2)[1] if signed else start
        hint = f"write {count} {unit} ago" if signed else f"write {count} {unit}"
        return mistake("E111", Span(first, c.end, c.number), hint=hint, found=shorten(c.text[first : c.end]))
    if c.kind == "-" and c.peek() == NUMBER and c.before(2)[0] == "in" and end - start == 4:
        month = re.compile(r"\s*([0-9]{1,2})").match(c.text, c.end)
        if month:
            return _instead(c, "the end of the test, or ..", f"a month is written {c.text[start:end]}-{month[1]:0>2}")
    return None


def _in_place_of_test(c: Cursor, after_value: bool) -> Mistake | None:
    """Tests that are nearly right: chains, `is null`, `not =`, `= missing`, `within 90 days`."""
    kind, word = c.kind, c.word()
    before, start, _ = c.before()
    earlier = c.before(2)[0]
    if after_value and kind in _COMPARISONS:
        return mistake("E120", c.here(), hint='write "and" between two comparisons, or a range: x in 1..5')
    if before == "is" or (before == "not" and earlier == "is"):
        negated = before == "not"
        if kind == NAME and word.lower() in _NOTHING:
            return mistake("E111", c.here(), hint=f"write is {'not ' if negated else ''}missing", found=shorten(word))
        if kind in LITERALS or kind in NAMES:
            return _instead(c, '"missing" or "not missing"', f"write {'!=' if negated else '='}")
    if kind in _COMPARISONS and before == "not" and earlier not in RESERVED:
        return _instead(c, "a test", "write !=" if kind == "=" else "write not before the whole comparison")
    if kind == "missing" and before in ("=", "!="):
        hint = f"write is {'not ' if before == '!=' else ''}missing"
        return mistake("E111", Span(start, c.end, c.number), hint=hint, found=f"{before} missing")
    if before == "within" and (kind == NUMBER or kind in NAMES):
        return _instead(c, '"last" or "next"', 'write "within last" or "within next" and the duration')
    if after_value and kind in ("last", "next", "this"):
        return _instead(c, 'a test such as "within"', f'write "within {kind}" and a duration, or "in {kind}" and a unit')
    return None


def _instead(c: Cursor, expected: str, hint: str) -> Mistake:
    return mistake("E101", c.here(), hint=hint, expected=expected, found=found(c))


def _foreign_word(c: Cursor, expected: str, after_value: bool) -> Mistake | None:
    """Words of other languages, and the language's own in capitals."""
    before, start, end = c.before()
    previous = c.text[start:end]
    if c.kind in NAMES or c.kind == "not":
        word = c.word()
        small = word.lower()
        if after_value and small == "is" and word != small:
            return mistake("E111", c.here(), hint=_is_hint(c), found=shorten(word))
        if word != small and (small in RESERVED or small in SOFT) and (after_value or small in expected):
            return mistake("E111", c.here(), hint=f"write {small}", found=shorten(word))
        if after_value and before == NAME and previous != previous.lower() and previous.lower() == "not":
            return mistake("E111", Span(start, end, c.number), hint="write not", found=previous)
        if after_value and c.kind != "not" and small in _WORDS:
            return mistake("E111", c.here(), hint=_WORDS[small], found=shorten(word))
    return None


def _is_hint(c: Cursor) -> str:
    following = re.compile(r"\s+(not\b)?", re.IGNORECASE).match(c.text, c.end)
    return "write is not missing" if following and following[1] else "write is missing"


def _reserved(c: Cursor, expected: str) -> Mistake | None:
    if c.kind in RESERVED and "name" in expected and c.kind not in expected:
        hint = f"as a name, it stands in backquotes: `{c.kind}`"
        return mistake("E112", c.here(), hint=hint, also=_opened(c), expected=expected, found=c.kind)
    return None


def _plain(c: Cursor, expected: str) -> Mistake:
    hint: str | None = None
    before = c.before()[0]
    before_that = c.before(2)[0]
    if before_that == "in" and '".."' in expected and before in LITERALS:
        hint = "for a single value write =, for several a list: in (a, b)"
    elif c.kind == "(" and before == "at":
        hint = "a function called at stands in backquotes: `at`(...)"
    elif before in ("last", "next", "this") and before_that == "in" and c.kind != UNIT:
        hint = f"for a list called {before}, write `{before}` in backquotes"
    elif before == "exactly" and expected.startswith("a number"):
        hint = "for a field called exactly, write `exactly` in backquotes"
    elif c.kind == "otherwise":
        hint = 'only a choose has "otherwise"; a collect lists what holds'
    elif c.kind == "when" and before == NUMBER and before_that == "-":
        hint = "the value of a case is not a negative number"
    elif c.kind in RESERVED and before in _BEFORE_VALUES and "value" in expected:
        hint = f"as a name, it stands in backquotes: `{c.kind}`"
    elif expected.startswith("a number, a text"):
        hint = "a param is a constant; what is computed is a let"
    elif c.kind == NAME and before == NAME:
        hint = "a name of several words stands in backquotes: `first name`"
    return mistake("E101", c.here(), hint=hint, also=_opened(c), expected=expected, found=found(c))


def _opened(c: Cursor) -> tuple[tuple[Span, str], ...]:
    return ((Span(c.opens[-1], c.opens[-1] + 1, c.number), "the bracket is opened here"),) if c.opens else ()
