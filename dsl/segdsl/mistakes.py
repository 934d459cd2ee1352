"""What went wrong where the grammar wanted something else: the neighbours' words, and the right ones."""

from __future__ import annotations

import re
import unicodedata

from segdsl.advice import advice
from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.endings import ended, over
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
    Cursor,
    character_name,
    grouped_hint,
    shorten,
)
from segdsl.neighbours import NOTHING, SHORT_UNITS, SIGNS, STATEMENT_WORDS, WORDS, phrase
from segdsl.syntax import Span

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_SIGN_AT = re.compile("|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True)))
_LIKE_A_CONDITION = re.compile(r"\s*(when\b|.*([<>=]|\b(is|in|contains|within|before|after)\b))", re.DOTALL)
_MONEY = "$€£¥"
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,12}(?![0-9_])")
_GAPS = (" ", "\u00a0", "\u2009", "\u202f")
_THREE = re.compile(r"[0-9]{3}")
_NEXT_STATEMENT = re.compile(r"\n[ \t]*(?:\r?\n|(?:param|let|segment|choose|collect)\b)")
_FAR, _BACK = 100, 5


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
        _bracket(c)
        or _sign(c)
        or _number(c)
        or _reserved(c, expected)
        or _neighbour(c)
        or _in_place_of_test(c, after_value)
        or _foreign_word(c, expected, after_value)
        or _plain(c, expected)
    )


def missing_when(c: Cursor, label: str | None) -> Mistake:
    """A segment or a case without `when`; `label` is the segment's label if it has one."""
    kind, word = c.kind, c.word()
    hint = 'write "when" before the condition'
    before, start, end = c.before()
    if kind == "=":
        return mistake("E111", c.here(), hint='a segment is written with "when" in place of "="', found="=")
    if ended(c):
        hint = "a segment without a condition holds nobody: write when and a condition"
        if label is not None and _LIKE_A_CONDITION.match(label):
            condition = label.strip().removeprefix("when ")
            hint = f"the text looks like a condition: write it without the quotes around it: when {shorten(condition, 60)}"
    elif kind == NAME and word.lower() == "if":
        hint = 'write "when" in place of "if"'
    elif kind == NAME and word.lower() == "when":
        hint = 'write "when" in small letters'
    elif kind in ("where", "is", "in"):
        hint = 'write "when"' + (" before it" if kind == "in" else f' in place of "{kind}"')
    elif word in (":", "{", "-", ",") or (c.kind in NAMES and before in NAMES and (c.peek() in NAMES or c.peek() in ("when", TEXT))):
        called = shorten(c.text[start:end])
        hint = {
            ":": 'write "when" in place of ":"',
            ",": 'write "when" in place of ","',
            "{": 'write "when"; a statement has no brackets around it',
            "-": f"a name with other characters stands in backquotes: `{called}-...`; or write _ in place of -",
        }.get(word, f"{hint}; a name of several words is joined by _, as in {called}_{shorten(word)}, or stands in backquotes")
    return mistake("E114", _place(c), hint=hint, found=found(c))


def no_statement(c: Cursor) -> Mistake:
    """Something between the statements, or before the first."""
    word = c.word()
    small = word.lower()
    if c.kind == NAME and small in STATEMENTS:
        hint = f"write {small}"
    elif small in STATEMENT_WORDS:
        hint = STATEMENT_WORDS[small]
    elif c.kind in NAMES and c.peek() in ("=", ":"):
        hint = f"to give a value a name, write let {shorten(word)} = ..."
    elif word == "{":
        return mistake("E119", c.here(), hint="rules in JSON are made into text by segkernel convert", found=_token(c))
    elif word in ("@", "$"):
        hint = "a name stands without a sign before it; a constant is given by param NAME = VALUE"
        return mistake("E119", c.here(), hint=hint, found=_token(c))
    else:
        hint = "a statement begins with param, let, segment, choose or collect; a comment begins with #"
    return _sign(c) or mistake("E119", c.here(), hint=hint, found=_token(c))


def found(c: Cursor) -> str:
    """The token at hand in words, or that there is none."""
    return "the end of the statement" if over(c) else _token(c)


def _token(c: Cursor) -> str:
    word = shorten(c.word())
    if c.kind == TEXT:
        return f"the text {word}"
    if c.kind in LITERALS and c.kind not in ("true", "false"):
        return word
    return f'"{word}"'


def _place(c: Cursor) -> Span:
    """The token at hand, or where it is missing: behind the last one of the statement."""
    return Span(c.last, c.last, c.number) if over(c) else c.here()


def _sign(c: Cursor) -> Mistake | None:
    """Operators of other languages, whole or with their first half already taken for an operator."""
    if c.kind in NAMES or c.kind in LITERALS or c.kind in RESERVED or c.kind == END:
        return None
    _, start, end = c.before()
    if end == c.start and c.text[start:end] in ("=", "<", "!=", "-", "/", "*", "+", ".."):
        joined = _SIGN_AT.match(c.text, start)
        if joined and joined.end() > c.start:
            return mistake("E111", Span(start, joined.end(), c.number), hint=SIGNS[joined[0]], found=joined[0])
    known = _SIGN_AT.match(c.text, c.start)
    if known and (c.kind == STRANGE or known.end() > c.end):
        hint = _in_context(c, known[0]) or SIGNS[known[0]]
        return mistake("E111", Span(c.start, max(known.end(), c.end), c.number), hint=hint, found=known[0])
    if c.kind == STRANGE:
        return _strange(c, c.text[c.start])
    return None


def _in_context(c: Cursor, sign: str) -> str | None:
    """What to write for a sign that means several things, by what stands around it."""
    before, _, end = c.before()
    rest = c.text[c.end : c.end + _FAR]
    if sign == "%" and before != NUMBER:
        return "there is no remainder"
    if sign in "[{" and sign:
        inner = re.match(r"[{\s]*([^\W\d]\w*)\s*[\]}]", rest)
        if inner and not (end == c.start and before in NAMES):
            return f"a name stands without brackets: {shorten(inner[1])}"
    if sign in "“„‘‚«‟‹’":
        quoted = re.match(r"([^\"'“”„‟‘’‚«»‹›\n]*)[“”„‟‘’‚«»‹›]", rest)
        return f'write "{shorten(quoted[1])}", in straight quotes' if quoted else None
    return None


def _strange(c: Cursor, character: str) -> Mistake:
    """A character that no token begins with."""
    here = Span(c.start, c.start + 1, c.number)
    if not character.isprintable() or character.isspace():
        return mistake("E105", here, hint="it is invisible; delete it", found=character_name(character))
    plain = unicodedata.normalize("NFKC", character)
    following = re.match(r"\s*(\w+(?:[.,]\w+)*)", c.text[c.end : c.end + _FAR])
    after = shorten(following[1]) if following else "..."
    before, start, end = c.before()
    if plain != character and plain.isascii():
        hint = f"it is a wide character; write {plain}, the sign on the keyboard"
    elif character == ":" and before == NUMBER:
        hint = "a range is written in 1..5; a time of day stands behind its date, as in 2026-03-01T14:30"
    elif character == ":":
        hint = "write where and the condition" if c.opens else "nothing is written with a colon; a value gets a name by let NAME = VALUE"
    elif character in _MONEY:
        amount = shorten(c.text[start:end]) if before == NUMBER and end == c.start else after
        hint = f"a number stands without its unit: {amount}" if amount[0].isdigit() else f"a name stands without a sign before it: {amount}"
    elif character == "@" and "." in after:
        hint = f'a text stands in quotes: "@{after}"'
    elif character == "@":
        hint = f"a name stands without a sign before it: {after}"
    else:
        hint = "names with other characters stand in backquotes: `a-b`"
    return mistake("E111", here, hint=hint, found=character)


def _bracket(c: Cursor) -> Mistake | None:
    if c.kind == ")" and not c.opens:
        return mistake("E110", c.here(), hint="delete it, or open a bracket before it")
    if c.opens and (ended(c) or c.kind in ("when", "otherwise")):
        at = c.opens[-1]
        also = ((_place(c), f"{found(c)} comes before it is closed"),)
        return mistake("E109", Span(at, at + 1, c.number), hint='write ")"', also=also)
    return None


def _number(c: Cursor) -> Mistake | None:
    """Decimal commas, `1,500,000`, `10 500`, `.5`, `90d`, `2026-3`."""
    kind, start, end = c.before()
    if c.kind == "." and c.peek() == NUMBER and (kind != NUMBER or end < c.start):
        digits = _digits(c, c.end)
        return _in_other_words(c, c.start, c.end + len(digits), f"write 0.{shorten(digits)}")
    if c.kind == "+" and c.peek() == NUMBER:
        return _in_other_words(c, c.start, c.end, "a number needs no + before it")
    if kind != NUMBER:
        return None
    written = c.text[start:end]
    if c.kind == "." and end == c.start:
        return _in_other_words(c, start, c.end, f"write {shorten(written)}, without a point behind it")
    if c.kind == "," and end == c.start and c.peek() == NUMBER and c.text[c.end : c.end + 1].isdigit():
        grouped = _GROUPED.match(c.text, start)
        if grouped is not None:
            digits = grouped[0].replace(",", "")
            point = f"; {shorten(grouped[0].replace(',', '.'))} with a decimal point" if grouped[0].count(",") == 1 else ""
            return mistake("E116", Span(start, grouped.end(), c.number), hint=grouped_hint(digits) + point)
        digits = _digits(c, c.end)
        whole = written.replace(".", "")
        return mistake("E116", Span(start, c.end + len(digits), c.number), hint=f"write {shorten(whole)}.{shorten(digits)}")
    if c.kind == NUMBER and c.text[end : c.start] in _GAPS and _THREE.fullmatch(c.word()) and written.isdecimal():
        return mistake("E116", Span(start, c.end, c.number), hint=grouped_hint(written + c.word()))
    if c.kind in NAMES and c.word().lower() in SHORT_UNITS:
        count, unit = shorten(written), SHORT_UNITS[c.word().lower()]
        signed = c.before(2)[0] == "-" and end == c.start
        hint = f"write {count} {unit} ago" if signed else f"write {count} {unit}"
        if c.word().lower() == "m" and end == c.start and not signed and c.before(2)[0] in _COMPARISONS:
            hint += f", or {count}_000_000 for millions"
        return _in_other_words(c, c.before(2)[1] if signed else start, c.end, hint)
    if c.kind == "-" and c.peek() == NUMBER and c.before(2)[0] == "in" and end - start == 4:
        month = shorten(_digits(c, c.end).strip())
        return _instead(c, "the end of the test, or ..", f"a month is written {written}-{month:0>2}")
    return None


def _digits(c: Cursor, at: int) -> str:
    found = re.compile(r"\s*([0-9]*)").match(c.text, at)
    assert found is not None
    return found[0]


def _in_other_words(c: Cursor, start: int, end: int, hint: str) -> Mistake:
    return mistake("E111", Span(start, end, c.number), hint=hint, found=shorten(" ".join(c.text[start:end].split())))


def _neighbour(c: Cursor) -> Mistake | None:
    """Phrases of other languages, which may have begun some tokens ago."""
    at = c.last - 1 if over(c) else c.start
    starts = [start for _, start, end in (c.before(back) for back in range(_BACK, 0, -1)) if end > 0]
    end = _NEXT_STATEMENT.search(c.text, at + 1, at + _FAR)
    known = phrase(c.text, [*starts, c.start], at, end.start() if end else at + _FAR)
    return None if known is None else _in_other_words(c, known.start, known.end, known.hint)


def _in_place_of_test(c: Cursor, after_value: bool) -> Mistake | None:
    """Tests that are nearly right: chains, `is null`, `not =`, `= missing`, `within 90 days`."""
    kind, word = c.kind, c.word()
    before, start, _ = c.before()
    earlier = c.before(2)[0]
    if after_value and kind in _COMPARISONS:
        return mistake("E120", c.here(), hint='write "and" between two comparisons, or a range: x in 1..5')
    if before == "is" or (before == "not" and earlier == "is"):
        negated = before == "not"
        if kind in NAMES and word.lower() in NOTHING:
            return mistake("E111", c.here(), hint=f"write is {'not ' if negated else ''}missing", found=shorten(word))
        if kind == "(":
            return _instead(c, '"missing" or "not missing"', f"write {'not ' if negated else ''}in (a, b)")
        if kind in LITERALS or kind in NAMES or kind in _COMPARISONS:
            sign = "!=" if negated else kind if kind in _COMPARISONS else "="
            return _instead(c, '"missing" or "not missing"', f"write {sign}")
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
    return mistake("E101", _place(c), hint=hint, expected=expected, found=found(c))


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
        if after_value and c.kind != "not" and small in WORDS:
            return mistake("E111", c.here(), hint=WORDS[small], found=shorten(word))
    return None


def _is_hint(c: Cursor) -> str:
    following = re.compile(r"\s+(not\b)?", re.IGNORECASE).match(c.text, c.end)
    return "write is not missing" if following and following[1] else "write is missing"


def _reserved(c: Cursor, expected: str) -> Mistake | None:
    if not over(c) and c.kind in RESERVED and "name" in expected and c.kind not in expected:
        hint = f"as a name, it stands in backquotes: `{c.kind}`"
        return mistake("E112", c.here(), hint=hint, also=_opened(c), expected=expected, found=c.kind)
    return None


def _plain(c: Cursor, expected: str) -> Mistake:
    return mistake("E101", _place(c), hint=advice(c, expected), also=_opened(c), expected=expected, found=found(c))


def _opened(c: Cursor) -> tuple[tuple[Span, str], ...]:
    return ((Span(c.opens[-1], c.opens[-1] + 1, c.number), "the bracket is opened here"),) if c.opens else ()
