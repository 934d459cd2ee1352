"""Phrases of other languages and of plain English, and how the rule language says the same.

A phrase is found by where it stands in the text; nothing here decides whether a text is right, so a phrase is only looked for where
the grammar has already said no. In the patterns a blank stands for any white space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import msgspec

_SHOWN = 40
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")

_IS = r"(?:(?:is|are|was|were|has been) )?"
_NOT = r"(?:(?:does|do|did|is|are|was|has|have) not|(?:does|do|did|is|are|was|has|have)n['’]t|not)"
_VALUE = r"""("[^"\n]*"|'[^'\n]*'|-?\w[\w.%-]*)"""
_UNITS = r"(?:minute|hour|day|week|month|quarter|year)s?"
_LENGTH = rf"(\d+) ({_UNITS})"
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS)
_MORE, _LESS = "greater|more|larger|bigger|higher|longer|older", "less|fewer|smaller|lower|shorter|younger"
_NOTHING = r"null|none|nil|nan|na|n/a|unknown|undefined|unset"
_NO_TABLE = rf"(?:of|and|or|not|is|in|times|when|otherwise|where|for|per|by|over|param|let|segment|choose|collect|{_UNITS})"
_THERE = r"set|known|defined|present|provided|filled|given"

_QUOTES = 'write "straight quotes"'
_ROUND = "brackets are round: ( )"
_CHOICE = "a choice of several is a choose statement"
_IF = "a choice between two values is written if(condition, value, other)"
_POWER = "there are no powers: write x * x"
SIGNS = {
    "===": "write =", "==": "write =", "=>": "write >=", "=<": "write <=", "<>": "write !=", "!==": "write !=", "=~": "write matches",
    "<=>": "write =", ":=": "write =", "&&": "write and", "&": "write and", "||": "write or", "|": "write or", "!~": "write not matches",
    "!": "write not", "~": "write matches", "¬": "write not", "∧": "write and", "∨": "write or", "∈": "write in",
    "≠": "write !=", "≥": "write >=", "≤": "write <=", "×": "write *", "·": "write *", "÷": "write /",
    **dict.fromkeys("‐‑‒–—―−﹣－", "write -, the sign on the keyboard"), **dict.fromkeys("“”„‟‘’‚«»‹›", _QUOTES),
    "…": "a range is written with two full stops: 1..5", ";": "statements need no semicolon; items of a list are parted by commas",
    "[": _ROUND, "]": _ROUND, "{": _ROUND, "}": _ROUND, "?": _IF, "%": "a share is written without a blank: 10%",
"**": _POWER, "^": _POWER, "::": "values keep the type of their field",
    "...": "a range is written with two full stops: 1..5", "->": "write when between a value and its condition",
    "\\": "a backslash stands inside texts only",
    "&gt;": "write >", "&lt;": "write <", "&amp;&amp;": "write and", "&amp;": "write and", "&quot;": _QUOTES,
    "->>": "a field of a linked row is written company.industry", "+=": "write =", "++": "nothing is counted up: write + 1",
}  # fmt: skip
"""By the sign of another language: what to write."""
WORDS = {
    "between": "a range is written x in 1..5, both ends included",
    "like": "write contains, starts with, ends with or matches", "ilike": 'write contains "..." ignoring case',
    "rlike": "write matches", "regexp": "write matches", "similar": "write matches",
    "equals": "write =", "equal": "write =", "eq": "write =", "ne": "write !=", "neq": "write !=", "gt": "write >", "ge": "write >=",
    "gte": "write >=", "lt": "write <", "le": "write <=", "lte": "write <=", "isnull": "write is missing",
    "notnull": "write is not missing", "has": "write contains", "have": "write contains",
    "then": f'a condition needs no "then"; {_IF}', "else": f'{_IF}; in choose, the rest is written otherwise "..."',
    "default": 'in choose, the rest is written otherwise "..."', "elif": _CHOICE, "elseif": _CHOICE, "if": _IF, "case": _CHOICE,
    "end": "a choose statement needs no end",
    "as": "a name for a value is given by a statement: let NAME = ...", "mod": "there is no remainder",
    "group": "groups are written inside the brackets: sum(... per x) or sum(... over x)", "having": "write where inside the brackets",
    "limit": "write top(100, x)", "exists": "write is not missing; of rows any(orders)",
    "xor": "write exactly 1 of (a, b)", "unless": "write and not", "during": "write within last 30 days, or in last month",
    "include": "write contains",
}  # fmt: skip
"""By the word of another language that stands behind a value: what to write."""
SHORT_UNITS = {
    "d": "days", "w": "weeks", "wk": "weeks", "wks": "weeks", "m": "months", "mo": "months", "mos": "months", "mth": "months",
    "mths": "months", "y": "years", "yr": "years", "yrs": "years", "h": "hours", "hr": "hours", "hrs": "hours", "min": "minutes",
    "mins": "minutes", "q": "quarters", "qtr": "quarters", "qtrs": "quarters",
}  # fmt: skip
NOTHING = ("null", "none", "nan", "na", "empty", "unknown", "missing", "undefined", "nil", "unset", "blank")
_SEGMENT = "write segment NAME when CONDITION"
_LET = "a name for a value is given by let NAME = VALUE"
STATEMENT_WORDS = {
    **dict.fromkeys(("select", "filter", "rule", "audience", "cohort", "create", "group", "customers", "users", "where"), _SEGMENT),
    **dict.fromkeys(("set", "var", "const", "define", "val", "variable", "with", "declare"), _LET),
    **dict.fromkeys(("def", "function", "fn", "macro"), "there are no functions of one's own; a value is named by let NAME = VALUE"),
    **dict.fromkeys(("import", "include", "from", "use", "require"), "nothing is imported: all files of a project share their names"),
    **dict.fromkeys(("if", "case", "switch"), "a choice is written choose NAME, then a value, when and its condition for each case"),
    "when": _SEGMENT, "otherwise": 'otherwise "..." ends a choose statement', "and": "write it behind the condition before it",
    "or": "write it behind the condition before it",
}  # fmt: skip
"""By the word at the beginning of a statement in another language: what to write."""


class Phrase(msgspec.Struct, frozen=True):
    """Where a phrase stands, and what to write instead."""

    start: int
    end: int
    hint: str


def _two_figures(day: str, month: str, year: str) -> str:
    return f"a date is written {year}-{[name[:3] for name in MONTHS].index(month.lower()[:3]) + 1:02}-{int(day):02}"


def _like(found: re.Match[str]) -> str:
    """`like "%@shop.com"` as the test that it is."""
    negated, word, quoted = found[1], found[2], found[3]
    text = quoted[1:-1]
    bare = text.strip("%")
    if "%" in bare or "_" in bare or not bare:
        test = "matches and a regular expression" if bare else "is not missing, which every text is"
        return f"write {'not ' if negated else ''}{test}"
    test = {(True, True): "contains", (False, True): "starts with", (True, False): "ends with", (False, False): "="}[
        text.startswith("%"), text.endswith("%")
    ]
    turned = "" if not negated else "!" if test == "=" else "not "
    ending = " ignoring case" if word.lower() == "ilike" else ""
    return f'write {turned}{test} "{_short(bare)}"{ending}'


def _quarter(quarter: str, year: str) -> str:
    first = 3 * int(quarter) - 2
    return f"write in {year}-{first:02}..{year}-{first + 2:02}"


def _of_month(found: re.Match[str]) -> str:
    return _two_figures(found[1], found[2], found[3])


def _american(found: re.Match[str]) -> str:
    return _two_figures(found[2], found[1], found[3])


def _period(found: re.Match[str]) -> str:
    which = {"past": "last", "previous": "last", "current": "this", "coming": "next"}.get(found[1].lower(), found[1].lower())
    return f"write in {which} {found[2].lower()}"


def _counted(found: re.Match[str]) -> str:
    signs = {"at least": ">=", "at most": "<=", "exactly": "=", "up to": "<="}
    words = " ".join(found[1].lower().split())
    sign = signs.get(words) or ("<" if words.split()[0] in (*_LESS.split("|"), "under", "below") else ">")
    return f"rows are counted by the name of their table: count({found[3]}) {sign} {found[2]}"


# In this order; the first that fits is told.
_PHRASES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    # ---- times
    (rf"within (?:last|next) {_LENGTH}", "a time of rows stands inside the brackets: count(orders where placed_at within last {0} {1})"),
    (
        rf"(?-i:in (this|last|next)) ({_UNITS})",
        "a time of rows stands inside the brackets: count(orders where placed_at in {0} {1})",
    ),
    (rf"{_IS}between (\d+) and {_LENGTH} ago", "a range is written in {1} {2} ago..{0} {2} ago"),
    (rf"{_IS}(?:older|longer ago) than {_LENGTH}", "write before {0} {1} ago"),
    (rf"{_IS}(?:newer|younger|more recent) than {_LENGTH}", "write within last {0} {1}"),
    (rf"{_IS}(?:(?:{_MORE}) than|over|longer ago than) {_LENGTH} ago", "write before {0} {1} ago"),
    (rf"{_IS}(?:(?:{_LESS}) than|under) {_LENGTH} ago", "write within last {0} {1}"),
    (rf"{_IS}(?:(?:in|within|during|over) )?(?:the )?(?:last|past|previous) {_LENGTH}(?! ago)", "write within last {0} {1}"),
    (rf"{_IS}(?:(?:in|within|during|over) )?(?:the )?(?:next|coming) {_LENGTH}", "write within next {0} {1}"),
    (rf"{_IS}within {_LENGTH}", "write within last {0} {1}, or within next {0} {1}"),
    (rf"{_IS}(?:(?:in|within|during) )?(?:the )?(last|past|previous|this|current|next|coming) ({_UNITS})", _period),
    (rf"in (last|next) whole ({_UNITS})", "write in {0} {1} for one, in {0} 2 whole months and the like for several"),
    (rf"{_LENGTH} from today", "write {0} {1} from now"),
    (r"(\d+) ago", "write the unit: {0} days ago"),
    (rf"(?:last|next) (one|two|three|four|five|six|seven|ten|twelve|thirty|sixty|ninety) {_UNITS}", "write the number in figures: 30 days"),
    (r"(?:last|next) (\d+)(?: (?:and|or))?", "write the unit: {0} days"),
    (rf"{_IS}in (?:the )?year (\d{{4}})", "write in {0}"),
    (r"(?:in )?q([1-4])[ -]?(\d{4})", lambda found: _quarter(found[1], found[2])),
    (r"in (\d{4})[ -]?q([1-4])", lambda found: _quarter(found[2], found[1])),
    (rf"(\d{{1,2}})(?:st|nd|rd|th|\.)? ({_MONTH})\.?,? (\d{{4}})", _of_month),
    (rf"({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})", _american),
    (r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)(?::\d\d)?", "a day and its time are joined by T: {0}T{1}"),
    (r"(?<![-\d])\d{1,2}:\d\d", "a time of day stands behind its date, as in 2026-03-01T14:30; hour(t) is the hour of a time"),
    (r"(?:date|timestamp|datetime) ['\"]([^'\"\n]*)['\"]", "write it without quotes: 2026-03-01"),
    (r"interval ['\"]?(\d+) (\w+)['\"]?", "write {0} {1}"),
    # ---- membership and ranges
    (rf"{_IS}between {_VALUE} and {_VALUE}", "a range is written in {0}..{1}, both ends included"),
    (rf"from {_VALUE} (?:to|until|through) {_VALUE}", "a range is written in {0}..{1}, both ends included"),
    (rf"in {_VALUE} (?:to|until|through) {_VALUE}", "a range is written in {0}..{1}, both ends included"),
    (r"in (\d+) ?(?:-|–|\.\.\.) ?(\d+)", "a range is written in {0}..{1}, both ends included"),
    (rf"(?:{_NOT} in|not (?:a )?member of) (?:the )?(?:segment|audience|cohort|group) (\w+)", "write not in segment {0}"),
    (r"(?:is |are )?(?:(?:a )?member of|belongs to|in (?:the )?(?:audience|cohort|group|list)) (\w+)", "write in segment {0}"),
    (r"(?:is|are) in segment (\w+)", "write in segment {0}"),
    (rf"{_NOT} (?:(?:any |one )of|in)(?= ?\()|is none of(?= ?\()|none of(?= ?\(\s*[\"'\d])|is neither", "write not in (a, b)"),
    (r"is in(?= ?\()", "write in"),
    # ---- comparisons
    (
        rf"(?:has |have |with )?(at least|at most|exactly|up to|(?:{_MORE}|{_LESS}) than|over|under) (\d+)"
        rf" (?!{_NO_TABLE}\b)([^\W\d]\w*)",
        _counted,
    ),
    (rf"{_IS}(?:{_MORE}|later) than or (?:equals?(?: to)?|the same as)", "write >="),
    (rf"{_IS}(?:{_LESS}|earlier) than or (?:equals?(?: to)?|the same as)", "write <="),
    (rf"{_IS}(?:at least|no(?:t)? (?:{_LESS}) than)(?! \d+ of\b)", "write >="),
    (rf"{_IS}(?:at most|no(?:t)? (?:{_MORE}) than|up to|until|till)(?! \d+ of\b)", "write <="),
    (rf"{_IS}(?:later than)", "write after"),
    (rf"{_IS}(?:earlier than)", "write before"),
    (rf"{_IS}(?:(?:{_MORE}) than|exceeds?|above)", "write >"),
    (rf"{_IS}(?:(?:{_LESS}) than|below|under)", "write <"),
    (rf"{_NOT} (?:equals?(?: to)?|the same as)|{_IS}different from", "write !="),
    (rf"{_IS}(?:equals?(?: to)?|the same as|exactly(?! \d+ of\b))", "write ="),
    (r"(?:is |was |are |were )(before|after|within|contains|starts with|ends with|matches)", "write {0} alone"),
    (r"on or after|since", "write >=, which holds on that day and later"),
    (r"on or before", "write <="),
    (r"on(?= \d)", "write ="),
    # ---- texts
    (r"(not )?(i?like) (\"[^\"\n]*\"|'[^'\n]*')", _like),
    (rf"{_NOT} (?:contains?|includes?|including|containing)|excludes?", "write not contains"),
    (rf"{_NOT} (?:start|begin)s?[ _]?with", "write not starts with"),
    (rf"{_NOT} ends?[ _]?with", "write not ends with"),
    (rf"{_NOT} match(?:es)?", "write not matches"),
    (r"(?:start|begin)s?[ _]?with|(?:start|beginn)ing with", "write starts with"),
    (r"ends?[ _]?with|ending with", "write ends with"),
    (r"contain|includes?|including|containing", "write contains"),
    (r"regexp?|rlike|match|matching|similar to", "write matches"),
    (r"ignores? case|ignor(?:e|ing)_?case|case[ -]insensitive(?:ly)?", "write ignoring case"),
    # ---- missing values
    (r"(?:is|are) not (?:empty|blank)", 'write is not missing; where empty texts count, too, add and x != ""'),
    (r"(?:is|are) (?:empty|blank)", 'write is missing; the empty text is compared with = ""'),
    (rf"(?:is|are) not (?:{_NOTHING})", "write is not missing"),
    (rf"(?:is|are) not (?:{_THERE})|(?:is|are)n['’]t (?:{_THERE})|{_NOT} exists?|has no value", "write is missing"),
    (rf"(?:is|are) (?:{_THERE})|has a(?:ny)? value", "write is not missing"),
    (rf"missing (?!{_NO_TABLE}\b)(\w+)", "write {0} is missing"),
    (r"is (?:true|yes|on)", "a yes/no field stands alone, as in when newsletter"),
    (r"is (?:not true|false|no|off)", "write not before the yes/no field, as in not newsletter"),
    # ---- rows
    (r"(?:number|count) of (\w+)", "write count({0})"),
    (rf"exists (?!{_NO_TABLE}\b)(\w+)", "write any({0} where ...)"),
    (r"count ?\( ?\*", "rows are counted by the name of their table: count(orders)"),
    (r"count ?\( ?distinct (\w[\w.]*)", "write distinct({0})"),
    (r"(top|bottom) (\d+ ?%?) (?:of |by )?([^\W\d]\w*)", "write {0}({1}, {2})"),
    (r"(?:is )?(?:in )?(?:the )?(top|bottom) (\d+ ?%?)", "write {0}({1}, x), x being what is compared"),
    (r"(top|bottom) ?\( ?(\d+ ?%?) of ([^\W\d]\w*)", "write {0}({1}, {2})"),
    (r"(\d+(?:\.\d+)?%) of ([^\W\d]\w*)", "write {0} * {1}"),
    (r"order by (\w+)", "write first(x by {0}) or last(x by {0})"),
    (r"(?:filter|where) ?\(?", "a condition on rows stands inside the brackets: count(orders where ...); to join two tests write and"),
    (r"\(?partition by (\w+)", "groups are written over {0}, as in rank(x over {0})"),
    # ---- conditions
    (r"(?:is )?(?:one|any|either) of(?= ?\(\s*[\"'\d])|is either", "write in (a, b)"),
    (r"(?:one|any|some) of(?= ?\()", "write at least 1 of (a, b)"),
    (r"all of(?= ?\()", "write and between the conditions"),
    (r"(?:none|neither) of(?= ?\()", "write at most 0 of (a, b)"),
    (r"but not", "write and not"),
    (r"but|plus|as well as", "write and"),
    (r"if [^\s(][^\s]*", "a choice between two values is written if(condition, value, other)"),
    (r"(?:case|switch) \w+", "a choice of several is a choose statement; one of two is written if(condition, value, other)"),
    # ---- numbers
    (r"(\d+(?:\.\d+)?) ?(?:percent|per cent|pct)", "write {0}%"),
    (r"(\d+(?:\.\d+)?) ?(?:k|thousand)", "write it out: {0}_000 is {0} thousand"),
    (r"(\d+(?:\.\d+)?) ?(?:mio|million)", "write it out: {0}_000_000 is {0} million"),
    (r"(\d+(?:\.\d+)?) ?(?:(?-i:[A-Z]{3})|euros?|dollars?|€|£|¥)", "a number stands without its unit: {0}"),
)  # fmt: skip


@cache
def _patterns() -> list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]:
    """The phrases ready to be looked for, once somebody makes a mistake: right rules need none of them."""
    made = ((rf"(?:{pattern})(?!\w)".replace(" ?", r"\s*").replace(" ", r"\s+"), hint) for pattern, hint in _PHRASES)
    return [(re.compile(pattern, re.IGNORECASE), hint) for pattern, hint in made]


def phrase(text: str, starts: list[int], at: int, end: int) -> Phrase | None:
    """The foreign phrase that covers the character `at`, begins at one of the places `starts`, tried in their order, and ends by `end`."""
    for start in starts:
        for pattern, hint in _patterns():
            found = pattern.match(text, start, end)
            if found is None or found.end() <= at:
                continue
            words = hint.format(*(_short(group or "") for group in found.groups())) if isinstance(hint, str) else hint(found)
            return Phrase(start, found.end(), words)
    return None


def _short(text: str) -> str:
    clean = "".join(letter for letter in text if letter.isprintable())
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "…"
