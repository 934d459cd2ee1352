"""Mistakes and warnings as values: their wording in one table, their rendering in one function.

Codes: E1xx the text cannot be read, E2xx names, E3xx types, E4xx values and params, E9xx limits; W1xx lints.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from segdsl.source import Source
from segdsl.syntax import Span

_LONGEST_NAME = 64
MOST_NAMES = 5_000
_WIDTH = 120
_TAB = "    "


class Diagnostic(msgspec.Struct, frozen=True):
    """One mistake (`severity` "error") or lint ("warning"): what was expected, what was found, where, what to do.

    `also` are further places that belong to it, each with a word on it.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    also: tuple[tuple[Span, str], ...] = ()

    @property
    def severity(self) -> str:
        return "error" if self.code.startswith("E") else "warning"


MESSAGES: dict[str, str] = {
    # ---- E1xx: the text cannot be read
    "E101": "expected {expected}, found {found}",
    "E102": "this text is not closed",
    "E103": 'the escape "{found}" is not known',
    "E104": "this text holds half a surrogate pair",
    "E105": "the character {found} cannot stand in a rule",
    "E106": 'the number "{found}" begins with a zero',
    "E107": '"{found}" is neither a date nor a calculation',
    "E108": 'there is no {kind} "{found}"',
    "E109": "this bracket is not closed",
    "E110": "this bracket closes nothing",
    "E111": '"{found}" is not part of the language here',
    "E112": 'expected {expected}, found the reserved word "{found}"',
    "E113": '"{word}" is written twice in {called}(...)',
    "E114": 'expected "when" and a condition, found {found}',
    "E115": '"in {which} {count} {unit}" can be read in two ways',
    "E116": "a number is written without commas and blanks, and with one point",
    "E117": "this name in backquotes is empty or not closed",
    "E118": "this number is out of reach: at most {limit} characters, an exponent below 1000",
    "E119": "expected a statement, found {found}",
    "E120": "comparisons do not chain",
    "E121": "this name is longer than {limit} characters",
    # ---- E2xx: names
    "E201": '{table} has no field "{name}"',
    "E202": 'there is no segment "{name}"',
    "E203": '{table} has no relation "{name}"',
    "E204": '"{name}" is defined twice',
    "E205": 'the {kind} "{name}" has the same name as a pinned field of {table}',
    "E206": '"{name}" depends on itself: {path}',
    "E207": '"{name}" can mean {count} relations of {table}',
    "E208": 'the schema says that rules may not use "{name}" of {table}',
    "E209": '"{name}" of {table} has the type {type}, which rules cannot use',
    "E210": '"{name}" is a relation: many rows, not one value',
    "E211": '"{name}" is a link: it leads to a row of {table}, which is not a value',
    "E212": '"{name}" is {kind}, and nothing follows it after a dot',
    "E213": "{what} cannot stand inside a `where`",
    "E214": 'there is no function "{name}"',
    "E215": '"{name}" is a segment, and a segment is not a value',
    "E216": '"{name}" cannot be a name: in every rule it means {meaning}',
    "E217": '{what} called "{name}"',
    "E218": '"{name}" is said of the rows of {table}, and this is about a row of {here}',
    "E219": '"{name}" is a {kind}, and the rows behind a link belong to no one account',
    # ---- E3xx: types
    "E301": "{left} does not compare with {right}",
    "E302": "{what} is not a condition",
    "E303": "a condition stands where a value is wanted",
    "E304": "`{op}` does not work on {left} and {right}",
    "E305": "{what} wants {wanted}, and this is {found}",
    "E306": "a date does not move by hours or minutes",
    "E307": "months and years do not compare with a number of days: they differ in length",
    "E308": "{what} wants values of one type, and these are {left} and {right}",
    "E309": "{name} takes {wanted}, and this has {found}",
    "E310": "a month is a span of days, not a value",
    "E311": "{name} wants {wanted}",
    "E312": "{name} takes no `{clause}`",
    "E313": "{what} is not a list",
    "E314": '"{name}" is a list, and one value is wanted',
    "E315": "`{op}` of {type} is not defined: yes/no values are only equal or not",
    "E316": "months, days and hours do not add up to one duration",
    "E317": "the product has {scale} decimal places, and 38 are the most",
    "E318": "{what} is not a period of whole days",
    # ---- E4xx: values and params
    "E401": "the number has more than 38 digits",
    "E402": "a duration is at most 10,000 years",
    "E403": "there is no such {what}",
    "E404": 'there is no param "{name}" to set',
    "E405": 'the param "{name}" is {wanted}, and it is set to {found}',
    "E407": "{what} cannot be the value of a param",
    "E408": "a duration counts whole {unit}s",
    "E409": "a period has at least one {unit}",
    "E410": 'the timezone "{name}" is not known on this machine',
    "E411": "a duration does not divide by zero",
    "E412": "this regular expression cannot be used: {problem}",
    # ---- E9xx: limits
    "E901": "the text is longer than {limit} bytes",
    "E902": "this is nested more than {limit} deep",
    "E903": "this statement holds more than {limit} values, tests and operators",
    "E904": "this list holds more than {limit} items",
    "E905": "there are more than {limit} statements",
    "E906": "this regular expression is longer than {limit} characters",
    "E907": "this statement holds more than {limit} operations one inside another",
    "E908": "there are more than {limit} mistakes; what follows was not read",
    "E909": "there are more than {limit} comments; what follows was not read",
    # ---- W1xx: lints
    "W101": "{rows} whose `{field}` is missing drop out here",
    "W102": "this is never true",
    "W103": "this is always true",
    "W104": '"{name}" is both a {kind} and a field of {table}; here it means the {kind}',
    "W105": "{what} is never reached: {why}",
    "W106": 'the segments "{first}" and "{name}" mean the same',
    "W107": 'the {kind} "{name}" is not used',
    "W108": "`{name}` is also true for {rows} without any rows in {relation}",
    "W109": '"{value}" is not among the values of `{field}`',
    "W110": 'the label "{label}" looks like a condition, and it decides nothing',
    "W111": "`{op}` beside `ago` reads as its opposite",
    "W112": "no row of {relation} can meet this `where`",
    "W113": "this part of the condition decides nothing",
    "W114": "{rows} whose `{field}` is missing get to `otherwise` here",
}


HINTS = {
    "E121": "choose a shorter one",
    "E204": "give one of them another name",
    "E206": "one of them has to do without the other",
    "E208": "the project file says so, with `usable = false`",
    "E212": "write the name alone",
    "E308": 'give them all one type: "5" in quotes is a text, 5 is a number',
    "E315": "write the yes/no field alone, or `not` before it",
    "E317": "round a part of it: `round(a * b, 2)`",
    "E402": "nothing lies that far away; leave the test out",
    "E409": "the period that the run falls into is `in this month`",
    "E412": "the reference lists what a regular expression holds, under Conditions",
}
"""What to do about a code where nothing better is known at its place."""


def diagnostic(code: str, span: Span, *, hint: str | None = None, also: Sequence[tuple[Span, str]] = (), **facts: object) -> Diagnostic:
    """The diagnostic of a code, its message filled in with `facts`."""
    return Diagnostic(code, MESSAGES[code].format(**facts), span, HINTS.get(code) if hint is None else hint, tuple(also))


def render(diagnostics: Sequence[Diagnostic], sources: Sequence[Source]) -> str:
    """Diagnostics as text, sorted by place: place, code and message, the source line with carets below, further places, the hint.

    `sources` are numbered as the spans number them. Lines part the diagnostics; there is none at the end.
    """
    lines: list[str] = []
    for found in _sorted(diagnostics):
        lines.append(f"{_place(found.span, sources)}: {found.severity}[{found.code}]: {_visible(found.message)}")
        if found.span.source < len(sources):
            lines.extend("    " + line for line in _pointed(found.span, sources[found.span.source]))
        lines.extend(f"    {_place(span, sources)}: {_visible(word)}" for span, word in found.also)
        if found.hint is not None:
            lines.extend("    " + _visible(line) for line in found.hint.split("\n"))
    return "\n".join(lines)


def as_dicts(diagnostics: Sequence[Diagnostic], sources: Sequence[Source]) -> list[dict[str, object]]:
    """Diagnostics as JSON objects, sorted by place: lines and columns from 1, ends excluded, characters counted as code points."""
    return [
        {
            "code": found.code,
            "severity": found.severity,
            "message": found.message,
            **_extent(found.span, sources),
            "hint": found.hint,
            "also": [{"message": word, **_extent(span, sources)} for span, word in found.also],
        }
        for found in _sorted(diagnostics)
    ]


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: the nearest by letters added, dropped, changed or swapped, None where none is near.

    Names that differ only in capitals are nearest. Looks at the first 5,000 names, and at none longer than 64 characters.
    """
    if not name or len(name) > _LONGEST_NAME:
        return None
    wanted = name.casefold()
    letters = set(wanted)
    places: dict[str, int] = {}
    for place, letter in enumerate(wanted):
        places[letter] = places.get(letter, 0) | 1 << place
    bound = max(1, len(wanted) // 3)
    best: tuple[int, str] | None = None
    for candidate in islice(names, MOST_NAMES):
        other = candidate.casefold()
        if candidate == name or abs(len(other) - len(wanted)) > bound or len(other) > _LONGEST_NAME:
            continue
        if len(letters.symmetric_difference(other)) > 2 * bound:
            continue
        distance = _distance(places, len(wanted), other, bound)
        if distance <= bound and distance < len(wanted) and (best is None or (distance, candidate) < best):
            best = (distance, candidate)
            bound = distance
    return best[1] if best else None


def _distance(places: dict[str, int], length: int, other: str, bound: int) -> int:
    """Optimal string alignment distance of a text, given by its `length` and the `places` of each letter as bits, to `other`; or more
    than `bound` as soon as that is known.

    A column of the table of distances is two numbers: the bits where it rises by one, and where it falls (Hyyrö, A bit-vector
    algorithm for computing Levenshtein and Damerau edit distances, 2003).
    """
    whole = (1 << length) - 1
    last = 1 << length - 1
    rises, falls, equal, before = whole, 0, 0, 0
    distance, left = length, len(other)
    for letter in other:
        there = places.get(letter, 0)
        swapped = ((~equal & there) << 1) & before
        equal = (((there & rises) + rises) ^ rises) | there | falls | swapped
        more, less = falls | (whole & ~(equal | rises)), equal & rises
        distance += (more & last > 0) - (less & last > 0)
        left -= 1
        if distance - left > bound:
            break
        more, less = more << 1 | 1, less << 1
        rises, falls = less | (whole & ~(equal | more)), equal & more
        before = there
    return distance


def _sorted(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    return sorted(diagnostics, key=lambda found: (found.span.source, found.span.start))


def _place(span: Span, sources: Sequence[Source]) -> str:
    if span.source >= len(sources):
        return "rules"
    source = sources[span.source]
    line, column = source.place(span.start)
    return f"{source.name}:{line}:{column}"


def _extent(span: Span, sources: Sequence[Source]) -> dict[str, object]:
    if span.source >= len(sources):
        return {"file": None, "start": span.start, "end": span.end}
    source = sources[span.source]
    line, column = source.place(span.start)
    end_line, end_column = source.place(span.end)
    return {
        "file": source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        "start": span.start, "end": span.end,
    }  # fmt: skip


def _pointed(span: Span, source: Source) -> tuple[str, str]:
    """The line of a span's start without its indentation, cut to a window where it is long, and the carets below it."""
    number, column = source.place(span.start)
    begin = source.starts[number - 1]
    begin += max(0, column - 1 - 2 * _WIDTH)  # of a long line only what may be shown is looked at
    line = source.text[begin : source.starts[number - 1] + column - 1 + 2 * _WIDTH].partition("\n")[0].rstrip("\r")
    start = min(span.start - begin, len(line))
    end = min(max(span.end - begin, start), len(line))
    first = min(len(line) - len(line.lstrip()), start)
    last = len(line)
    if last - first > _WIDTH:
        first = max(first, min(start - _WIDTH // 3, last - _WIDTH))
        last = min(last, first + _WIDTH)
    left = "…" if line[:first].strip() else ""
    right = "…" if last < len(line) else ""
    shown = left + _visible(line[first:last]) + right
    indent = _columns(left + line[first:start])
    return shown, " " * indent + "^" * max(1, _columns(line[start : min(end, last)]))


def _visible(text: str) -> str:
    """Text as a terminal shows it: tabs as four spaces, a stand-in for whatever moves the cursor, hides or turns text round."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_TAB if letter == "\t" else letter if letter.isprintable() or letter in "\u200d\u00a0" else "\ufffd" for letter in text)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters two, marks above and below none."""
    if text.isascii():
        return len(text) + 3 * text.count("\t")
    count = 0
    for character in text:
        if character == "\t":
            count += len(_TAB)
        elif unicodedata.combining(character) or character == "\u200d" or unicodedata.category(character) in ("Mn", "Me"):
            continue
        else:
            count += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return count
