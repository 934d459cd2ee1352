"""Mistakes and warnings as values: their wording in one table, their rendering in one function.

Codes: E1xx the text cannot be read, E2xx names, E3xx types, E4xx values and params, E9xx limits and forms that are
not yet built; W1xx lints.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from segdsl.source import Source
from segdsl.syntax import Span


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
    "E107": '"{found}" is neither a date nor a subtraction',
    "E108": 'there is no {kind} "{found}"',
    "E109": "this bracket is not closed",
    "E110": "this bracket closes nothing",
    "E111": '"{found}" is not part of the language here',
    "E112": 'expected {expected}, found the reserved word "{found}"',
    "E113": '"{word}" is written twice in {called}(...)',
    "E114": 'expected "when" and a condition, found {found}',
    "E115": '"in {which} {count} {unit}" can be read in two ways',
    "E116": 'a decimal point is written ".", not ","',
    "E117": "this name in backquotes is empty or not closed",
    "E118": "this number is out of reach: at most {limit} characters, an exponent below 1000",
    "E119": "expected a statement, found {found}",
    "E120": "comparisons do not chain",
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
    "E406": "a choose has no negative values",
    "E407": "{what} cannot be the value of a param",
    "E408": "a duration counts whole {unit}s",
    "E409": "a period has at least one {unit}",
    "E410": 'the timezone "{name}" is not known on this machine',
    # ---- E9xx: limits, and forms that are not yet built
    "E901": "the text is longer than {limit} bytes",
    "E902": "this is nested more than {limit} deep",
    "E903": "this statement holds more than {limit} values, tests and operators",
    "E904": "this list holds more than {limit} items",
    "E905": "there are more than {limit} statements",
    "E906": "this regular expression is longer than {limit} characters",
    "E907": "this statement holds more than {limit} operations one inside another",
    "E908": "there are more than {limit} mistakes; what follows was not read",
    "E950": "{form} is not built yet",
    # ---- W1xx: lints
    "W101": "{rows} whose `{field}` is missing drop out here",
    "W102": "this is never true",
    "W103": "this is always true",
    "W104": '"{name}" is both a {kind} and a field of {table}; here it means the {kind}',
    "W105": "this case is never reached: an earlier one has the same condition",
    "W106": 'the segments "{first}" and "{name}" mean the same',
    "W107": 'the {kind} "{name}" is not used',
    "W108": "`none` is also true for {rows} without any rows in {relation}",
    "W109": '`{field}` never is "{value}"',
    "W110": 'the label "{label}" looks like a condition, and it decides nothing',
    "W111": "`{op}` beside `ago` reads as its opposite",
}


def diagnostic(code: str, span: Span, *, hint: str | None = None, also: Sequence[tuple[Span, str]] = (), **facts: object) -> Diagnostic:
    """The diagnostic of a code, its message filled in with `facts`."""
    return Diagnostic(code, MESSAGES[code].format(**facts), span, hint, tuple(also))
