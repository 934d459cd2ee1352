"""Text to tokens: one regular expression, read in windows so that a long text never stands in memory as tokens.

A token is a kind, a start and an end. Kinds are the reserved and soft words and the operators themselves, and the upper-case names
below. A soft word is a name as well (`NAMES`): the parser decides by where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate, compress
from operator import sub

from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.limits import Limits
from segdsl.syntax import Comment, Span

NAME, NUMBER, PERCENT, TEXT, DATE, MONTH, TIMESTAMP, UNIT = "NAME", "NUMBER", "PERCENT", "TEXT", "DATE", "MONTH", "TIMESTAMP", "UNIT"
END, STRANGE = "END", "STRANGE"

STATEMENTS = frozenset({"param", "let", "segment", "choose", "collect"})
RESERVED = STATEMENTS | {"when", "otherwise", "and", "or", "not", "in", "is", "where", "true", "false", "missing"}
SOFT = frozenset({
    "for", "at", "least", "most", "exactly", "of", "within", "last", "next", "this", "whole", "matches", "contains", "any", "all", "starts",
    "ends", "with", "ignoring", "case", "ago", "from", "now", "before", "after", "per", "by", "over",
})  # fmt: skip
UNITS = {form: unit for unit in ("minute", "hour", "day", "week", "month", "quarter", "year") for form in (unit, unit + "s")}
NAMES = SOFT | {NAME, UNIT}
LITERALS = frozenset({NUMBER, PERCENT, TEXT, DATE, MONTH, TIMESTAMP, "true", "false"})

_WORDS = {word: word for word in RESERVED | SOFT} | dict.fromkeys(UNITS, UNIT)
# So many characters are cut into tokens at once; what a token is may depend on so many behind it.
_WINDOW, _AHEAD = 1 << 14, 2_100
_MANY_WORDS = 20_000

# Letters may carry combining marks (U+0300 to U+036F), as in text that is not yet in NFC.
WORD = r"[^\W\d]\w*+(?:[\u0300-\u036f]\w*+)*+"
# In the order of their groups.
_FORMS: tuple[tuple[str, str], ...] = (
    ("word", WORD),
    # Two minus signs side by side begin a remark of SQL; written apart, they are two.
    ("remark", r"(?:--|//|<!--)[^\r\n]*+|/\*(?:(?:[^*]|\*(?!/)){0,2000}+\*/|[^\r\n]*+)"),
    ("operator", r"[<>!]=|\.\.|[=<>+\-*/(),.]"),
    (TEXT, r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|' + r"'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+'"),
    (
        TIMESTAMP,
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?(?![\w:])",
    ),
    (DATE, r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])"),
    ("malformed date", r"[0-9]{4}-[0-9]{1,2}-[0-9][\w:-]*+"),
    # What holds a part with a leading zero, or a second point, is no calculation; `1/2/2026` is one.
    (
        "foreign date",
        r"(?:[0-9]{1,4}/0[0-9]/[0-9]{1,4}|[0-9]{1,4}/[0-9]{1,2}/0[0-9]|0[0-9]/[0-9]{1,2}/[0-9]{4}"
        r"|[0-9]{1,2}-0[0-9]-[0-9]{4}|0[0-9]-[0-9]{1,2}-[0-9]{4})(?![\w/-])|[0-9]{1,400}+\.[0-9]++(?:\.[0-9]++)++",
    ),
    (MONTH, r"[0-9]{4}-[0-9]{2}(?![\w-])"),
    (
        "grouped number",
        r"[1-9][0-9]{0,2}(?:[, \u00a0\u2009\u202f][1-9][0-9]{2}){0,3}+[, \u00a0\u2009\u202f]0[0-9]{2}"
        r"(?:[, \u00a0\u2009\u202f][0-9]{3}){0,12}(?![0-9_])(?:\.[0-9]+)?",
    ),
    (PERCENT, r"(?:0|[1-9][0-9_]*+)(?:\.[0-9]++)?+%"),
    (NUMBER, r"(?:0|[1-9][0-9_]*+)(?![0-9_])(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"),
    ("comment", r"#[^\r\n]*+"),
    ("quoted name", r"`[^`\n]++`"),
    (END, r"\Z"),
    ("leading zero", r"[0-9][0-9_]*+(?:\.[0-9]++)?+%?"),
    ("open text", r"[\"'][^\r\n]*+"),
    ("open name", r"`[^\r\n]*+"),
    (STRANGE, r"."),
)
_PIECE = re.compile(r"\s*+(?:" + "|".join(form for _, form in _FORMS) + ")", re.DOTALL)
_TOKEN = re.compile(r"\s*+(?:" + "|".join(f"({form})" for _, form in _FORMS) + ")", re.DOTALL)
_GAPS = re.compile(r"[, \u00a0\u2009\u202f]")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_APOSTROPHE = re.compile(r"([0-9]{1,3})'([0-9]{3})\Z")
_CONTRACTION = re.compile(r"n't\b")
_GROUPS = ("", *(kind for kind, _ in _FORMS))
_WORD, _OPERATOR = 1, 3
_UNCOMMON = frozenset(_GROUPS) - LITERALS - {"", "word", "operator", END, STRANGE}

# Control characters but tab and line ends, halves of surrogate pairs, byte order marks, signs that turn the direction of writing so
# that a line reads other than it says, carriage returns on their own.
_FORBIDDEN = re.compile("(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]|\r(?!\n))+")
_MANY_FORBIDDEN = 100
_PLAIN_BYTES = bytes((*range(32, 127), 9, 10))
_FROM_TOKENS = frozenset({"E102", "E106", "E107", "E116", "E117"})
_STATEMENT_LINE = re.compile(r"\n[ \t]*(?:param|let|segment|choose|collect)\b")


class _Kinds(dict[str, str]):
    """The kinds of the tokens met so far: what a token is, is told by its characters alone, once it is known where it ends."""

    def __missing__(self, token: str) -> str:
        found = _TOKEN.fullmatch(token)
        assert found is not None
        return self.note(token, found)

    def note(self, token: str, found: re.Match[str]) -> str:
        """The kind of a token that was found; from now on it is known."""
        group = found.lastindex or 0
        kind = self[token] = _WORDS.get(token, NAME) if group == _WORD else token if group == _OPERATOR else _GROUPS[group]
        return kind


class Cursor:
    """A place in the tokens of one text: `kind`, `start` and `end` of the token at hand, `last` the end of the one before.

    `diagnostics` and `comments` gather as the text is read; `mistaken` are the starts of the mistakes inside tokens; `opens` are the
    starts of the brackets open at this place, `depth` how many brackets, `not`s and signs stand around it, `nodes` what the statement
    holds so far.
    """

    __slots__ = (
        "_edge", "_ends", "_index", "_kinds", "_known", "_position", "_remarks", "_starts", "comments", "depth", "diagnostics", "end",
        "kind", "last", "limits", "mistaken", "nodes", "number", "opens", "source", "start", "text",
    )  # fmt: skip

    def __init__(self, text: str, number: int, limits: Limits) -> None:
        self.limits = limits
        self.number = number
        self.source = text
        self.diagnostics: list[Diagnostic] = []
        self.mistaken: list[int] = []
        self._remarks = -1
        self.comments: list[Comment] = []
        self.opens: list[int] = []
        self.depth = 0
        self.nodes = 0
        self.last = self.end = self.start = 0
        self.kind = END
        self._known = _Kinds()
        self._kinds: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._index = self._edge = 0
        self._position = 1 if text.startswith("\ufeff") else 0
        self.text = text
        self.text = self._without_forbidden(text)
        self._fill()

    def advance(self) -> None:
        """Go to the next token; at the end, stay."""
        self.last = self.end
        self._index = index = self._index + 1
        if index == self._edge:
            self._fill()
            return
        self.kind = self._kinds[index]
        self.start = self._starts[index]
        self.end = self._ends[index]

    def peek(self) -> str:
        """The kind of the token after this one."""
        return self._kinds[self._index + 1]

    def word(self) -> str:
        """The token at hand as written."""
        return self.text[self.start : self.end]

    def before(self, back: int = 1) -> tuple[str, int, int]:
        """Kind, start and end of an earlier token; END where none is remembered."""
        index = self._index - back
        return (self._kinds[index], self._starts[index], self._ends[index]) if index >= 0 else (END, 0, 0)

    def span(self, start: int) -> Span:
        """From `start` to the end of the last token that was passed."""
        return Span(start, self.last, self.number)

    def here(self) -> Span:
        """The token at hand."""
        return Span(self.start, self.end, self.number)

    def report(self, code: str, start: int, end: int, *, hint: str | None = None, **facts: str | int) -> None:
        """Note a mistake inside a token, which does not stop the reading of the statement, unless there are too many already."""
        self.mistaken.append(start)
        if len(self.diagnostics) <= self.limits.mistakes:
            self.diagnostics.append(diagnostic(code, Span(start, end, self.number), hint=hint, also=(), **facts))
        if len(self.diagnostics) > self.limits.mistakes:
            self._position = len(self.text)
            after = self._index + 1
            self._kinds[after:] = [END, END]
            self._starts[after:] = self._ends[after:] = [self._position, self._position]
            self._edge = after + 1

    def forget_echoes(self, stop: int) -> None:
        """Forget the mistakes inside tokens in the rest of the line where reading stopped, as far as the token at hand."""
        line = self.text.find("\n", stop)
        end = self.start if line < 0 else min(line, self.start)
        echoes = {start for start in self.mistaken if stop < start < end}
        if echoes:
            self.mistaken = [start for start in self.mistaken if start not in echoes]
            self.diagnostics = [found for found in self.diagnostics if found.span.start not in echoes or found.code not in _FROM_TOKENS]

    def leap(self) -> None:
        """Go to the next line that begins with a statement's word, without reading what lies between as tokens."""
        line = _STATEMENT_LINE.search(self.text, self.end)
        position = self._position = line.start() if line else len(self.text)
        # What was read ahead from there on is read again.
        self.comments = [comment for comment in self.comments if comment.span.start < position]
        self.diagnostics = [found for found in self.diagnostics if found.span.start < position or found.code not in _FROM_TOKENS]
        self.mistaken = [start for start in self.mistaken if start < position]
        self._kinds, self._starts, self._ends, self._index = [], [], [], 0
        self._fill()

    def _fill(self) -> None:
        """Read the tokens of another window, forget all but the last few before the one at hand, and stand where the index stands."""
        keep = max(0, self._index - 8)
        self._index -= keep
        kinds, starts, ends = self._kinds[keep:], self._starts[keep:], self._ends[keep:]
        while len(kinds) < self._index + 2:
            self._window(kinds, starts, ends)
        self._kinds, self._starts, self._ends = kinds, starts, ends
        self._edge = len(kinds) - 1
        self.kind, self.start, self.end = kinds[self._index], starts[self._index], ends[self._index]

    def _window(self, kinds: list[str], starts: list[int], ends: list[int]) -> None:
        """Add the kinds, starts and ends of the tokens in the next window; at the end of the text, END."""
        position, stop = self._position, min(self._position + _WINDOW, len(self.text))
        pieces = _PIECE.findall(self.text, position, stop)
        bounds = list(accumulate(map(len, pieces), initial=position))
        if stop < len(self.text):
            # The end of the window may have cut what stands before it.
            whole = bisect_right(bounds, stop - _AHEAD) - 1
            if whole == 0:
                token = _TOKEN.match(self.text, position)
                assert token is not None
                pieces, bounds, whole = [token[0]], [position, token.end()], 1
                self._known.note(pieces[0].lstrip(), token)
            del pieces[whole:], bounds[whole + 1 :]
        if len(self._known) > _MANY_WORDS:
            self._known.clear()
        words = list(map(str.lstrip, pieces))
        found = list(map(self._known.__getitem__, words))
        places = list(map(sub, bounds[1:], map(len, words)))
        self._position = bounds[-1]
        del bounds[0]
        if not _UNCOMMON.isdisjoint(found):
            self._look_into(found, places, bounds)
        if found and found[-1] == END:
            # Three, so that a look beyond the end sees the end again and `advance` stays there.
            found += [END, END]
            places += [places[-1]] * 2
            bounds += [bounds[-1]] * 2
        kinds += found
        starts += places
        ends += bounds

    def _look_into(self, kinds: list[str], starts: list[int], ends: list[int]) -> None:
        """Take the comments out of a window, name what is quoted, and tell the tokens with a mistake in them."""
        kept = [True] * len(kinds)
        for at, form in enumerate(kinds):
            if form not in _UNCOMMON:
                continue
            if len(self.comments) > self.limits.comments or len(self.diagnostics) > self.limits.mistakes:
                kinds[at:] = [END]
                self._position = len(self.text)
                break
            kind = self._uncommon(form, starts[at], ends[at])
            kinds[at] = kind or form
            kept[at] = kind is not None
        del kept[len(kinds) :]
        kinds[:], starts[:], ends[:] = compress(kinds, kept), compress(starts, kept), compress(ends, kept)

    def _uncommon(self, form: str, start: int, end: int) -> str | None:
        """The kind of a comment (None), a quoted name, or a token with a mistake in it, which is reported."""
        text = self.text[start:end]
        if form == "comment":
            if len(self.comments) == self.limits.comments:
                self.report("E909", start, end, limit=f"{self.limits.comments:,}")
            self.comments.append(Comment(Span(start, end, self.number), self.source[start:end]))
            return None
        if form == "remark":
            if start > self._remarks:  # what was read ahead before a leap is read again
                self._remarks = start
                self._remark(start, text)
            return None
        if form == "quoted name":
            return NAME
        if form in ("malformed date", "foreign date"):
            digits = text.replace(".", "")
            if _THOUSANDS.fullmatch(text):
                self.report("E116", start, end, hint=grouped_hint(digits))
                return NUMBER
            self.report("E107", start, end, hint=_date_hint(text), found=shorten(text))
            return DATE
        if form == "grouped number":
            self.report("E116", start, end, hint=grouped_hint(_GAPS.sub("", text)))
            return NUMBER
        if form == "leading zero":
            plain = text.lstrip("0_")
            plain = plain if plain[:1].isdigit() else "0" + plain
            self.report("E106", start, end, hint=f"write {plain}" if len(plain) <= 40 else None, found=shorten(text))
            return PERCENT if text.endswith("%") else NUMBER
        if form == "open text":
            if _CONTRACTION.match(self.text, start - 1):
                return STRANGE  # told where the word stands that it is part of
            hint = f"close it with {text[0]} on the same line; a line break inside a text is written \\n"
            thousands = _APOSTROPHE.search(self.text[max(0, start - 3) : start + 4])
            if thousands is not None:
                hint = grouped_hint(thousands[1] + thousands[2])
            self.report("E102", start, end, hint=hint)
            return TEXT
        self.report("E117", start, end, hint="a name in backquotes has at least one character and ends on the same line")
        return NAME

    def _remark(self, start: int, text: str) -> None:
        """A comment of another language is told, and read as one."""
        sign = "<!--" if text[0] == "<" else text[:2]
        hint = "a comment starts with #" + ("; a second minus stands apart: - -5" if sign == "--" else "")
        self.diagnostics.append(diagnostic("E111", Span(start, start + len(sign), self.number), hint=hint, found=sign))

    def _without_forbidden(self, text: str) -> str:
        """The text with a space for every character that no rule may hold, each run of them reported."""
        if text.isascii():
            plain = not text.encode().translate(None, _PLAIN_BYTES)
        else:
            plain = text.replace("\n", "").isprintable()
        first = None if plain else _FORBIDDEN.search(text, 1 if text.startswith("\ufeff") else 0)
        if first is None:
            return text
        for count, found in enumerate(_FORBIDDEN.finditer(text, first.start())):
            if count == _MANY_FORBIDDEN:
                return ""  # no rules but some other file: none of its words is worth a mistake
            at = found.start()
            self.report("E105", at, at + 1, hint=_character_hint(text[at]), found=character_name(text[at]))
        return text[: first.start()] + _FORBIDDEN.sub(lambda run: " " * len(run[0]), text[first.start() :])


def nfc(text: str) -> str:
    """A name in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def shorten(text: str, width: int = 40) -> str:
    """A text for a message: at most `width` characters, without line breaks and control characters."""
    text = text[: width + 1]
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= width else clean[: width - 1] + "…"


def character_name(character: str) -> str:
    """`U+200B (zero width space)`."""
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def _character_hint(character: str) -> str:
    if character == "\r":
        return "end lines with a line feed, or carriage return and line feed"
    if "\ud800" <= character <= "\udfff":
        return "the file is not valid UTF-8 here"
    if character == "\ufeff":
        return "a byte order mark may stand only at the start of a file"
    return f"inside a text, write \\u{ord(character):04x}"


def _date_hint(text: str) -> str:
    parts = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", text)
    if parts is not None:
        year, month, day = (group for group in parts.groups() if group is not None)
        return f"write {_iso(year, month, day)} for the date" + (", or put spaces around - for a subtraction" if "-" in text else "")
    parts = re.fullmatch(r"([0-9]{1,2})([./-])([0-9]{1,2})[./-]([0-9]{4})", text)
    if parts is not None:
        first, sign, second, year = parts.groups()
        if int(first) > 12 or sign == ".":
            return f"write {_iso(year, second, first)}: the year, the month, the day"
        if int(second) > 12:
            return f"write {_iso(year, first, second)}: the year, the month, the day"
        return f"write {_iso(year, first, second)} or {_iso(year, second, first)}: the year, the month, the day"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{1,2}", text):
        return f"a time has minutes: write {text[:11]}{text[11:]:0>2}:00"
    return "a date is written like 2026-03-01, a time like 2026-03-01T14:30; for a subtraction put spaces around -"


def _iso(year: str, month: str, day: str) -> str:
    return f"{year}-{month:0>2}-{day:0>2}"


def grouped_hint(digits: str) -> str:
    """How a large number is written, its digits given without what parts them."""
    whole, point, rest = digits.partition(".")
    parted = f"{int(whole):_}" if len(whole) <= 40 else whole
    return f"write {shorten(whole)}{point}{shorten(rest)}, or {shorten(parted)}{point}{shorten(rest)}"
