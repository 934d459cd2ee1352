"""The JSON form of rules: what a rule file says and how it is written, for editors and databases.

The same forms as the syntax tree's, without places: literals as written, comments beside what they stand at. The JSON Schema in
`dsl/rules.schema.json` is made from these classes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VERSION: Literal[1] = 1

Remark = Annotated[str, Meta(pattern=r"^#[^\r\n]*$(?![\r\n])", description="a comment, with its #")]
Above = Annotated[str, Meta(pattern=r"^(#[^\r\n]*)?$(?![\r\n])", description="a comment with its #, or empty for an empty line")]
Word = Annotated[
    str,
    Meta(
        pattern=r"^([^`\r\n]+|`now`|`today`)$(?![\r\n])",
        description="a name as it is meant, without backquotes; but `now` and `today` keep theirs, for without they are the clock",
    ),
]
Digits = Annotated[str, Meta(pattern=r"^[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+)?$(?!\n)")]
Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]


class Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="form", gc=False):
    """What all forms have in common: the comments on the lines above them, and the one at the end of their line.

    Above statements, empty lines are listed too, as empty texts; elsewhere they are passed over. For statements that take several
    lines, `beside` stands at the end of the first.
    """

    above: tuple[Above, ...] = ()
    beside: Remark | None = None


class Number(Form, frozen=True, tag="number"):
    """A number or share as written, without a sign: `50_000`, `0.25`, `10%`."""

    text: Annotated[str, Meta(pattern=r"^[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+|%)?$(?!\n)")]


class Text(Form, frozen=True, tag="text"):
    """A text, without its quotes."""

    value: str


class Truth(Form, frozen=True, tag="truth"):
    """`true` or `false`."""

    value: bool


class Date(Form, frozen=True, tag="date"):
    """`2026-03-01`."""

    text: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]


class Month(Form, frozen=True, tag="month"):
    """`2026-03`."""

    text: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}$(?!\n)")]


class Timestamp(Form, frozen=True, tag="timestamp"):
    """`2026-03-01T14:30`, with seconds, `Z` or an offset as written."""

    text: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$(?!\n)",
        ),
    ]


class Duration(Form, frozen=True, tag="duration"):
    """`90 days`: the number as written, and the unit's singular."""

    count: Digits
    unit: Unit


class Path(Form, frozen=True, tag="path"):
    """A name, or names with dots between them: `order.placed_at` is `["order", "placed_at"]`."""

    parts: Annotated[tuple[Word, ...], Meta(min_length=1)]


class Negative(Form, frozen=True, tag="negative"):
    """`-x`."""

    operand: Expression


class Arithmetic(Form, frozen=True, tag="arithmetic"):
    """`left op right`."""

    op: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


class Ago(Form, frozen=True, tag="ago"):
    """`90 days ago`."""

    duration: Duration | Path


class FromNow(Form, frozen=True, tag="from now"):
    """`90 days from now`."""

    duration: Duration | Path


class Groups(Form, frozen=True, tag="groups"):
    """What follows `over`: everyone (`all`), or the paths."""

    everyone: bool
    paths: tuple[Path, ...] = ()


class Call(Form, frozen=True, tag="call"):
    """A function or an aggregate with its clauses: `sum(orders.total where done)`."""

    name: Word
    arguments: tuple[Expression, ...]
    for_: Path | None = msgspec.field(default=None, name="for")
    where: Expression | None = None
    per: Annotated[tuple[Expression, ...], Meta(min_length=1)] | None = None
    by: Expression | None = None
    over: Groups | None = None


class Or(Form, frozen=True, tag="or"):
    """`a or b or c`."""

    terms: Annotated[tuple[Expression, ...], Meta(min_length=2)]


class And(Form, frozen=True, tag="and"):
    """`a and b and c`."""

    terms: Annotated[tuple[Expression, ...], Meta(min_length=2)]


class Not(Form, frozen=True, tag="not"):
    """`not a`."""

    term: Expression


class Compare(Form, frozen=True, tag="compare"):
    """`left op right`, with `ignoring case` or without."""

    op: Literal["=", "!=", "<", "<=", ">", ">="]
    left: Expression
    right: Expression
    ignoring_case: bool = False


class OrderInTime(Form, frozen=True, tag="order in time"):
    """`left before right` and `left after right`; negated: `left not before right`."""

    op: Literal["before", "after"]
    left: Expression
    right: Expression
    negated: bool = False


class ListOf(Form, frozen=True, tag="list"):
    """`("a", "b", k)`."""

    items: Annotated[tuple[Expression, ...], Meta(min_length=1)]


class Range(Form, frozen=True, tag="range"):
    """`50..249`."""

    low: Bound
    high: Bound


class InSet(Form, frozen=True, tag="in"):
    """`left in set`: a list, a range, or what holds a list."""

    left: Expression
    set: ListOf | Range | Path | Call
    negated: bool = False
    ignoring_case: bool = False


class Period(Form, frozen=True, tag="period"):
    """A calendar period: `this month`, `last quarter` (`which`, `unit`), `last 6 whole months` (with `count`), `2026` and `2026-03`
    (`which` is `year` or `month`, with `text`)."""

    which: Literal["this", "last", "next", "year", "month"]
    unit: Unit | None = None
    count: Digits | None = None
    text: Annotated[str, Meta(pattern=r"^[0-9][0-9.eE+_-]*$(?!\n)")] | None = None


class InPeriod(Form, frozen=True, tag="in period"):
    """`left in this month`."""

    left: Expression
    period: Period
    negated: bool = False


class Within(Form, frozen=True, tag="within"):
    """`left within last 90 days`."""

    left: Expression
    direction: Literal["last", "next"]
    duration: Duration | Path
    negated: bool = False


class TextTest(Form, frozen=True, tag="text test"):
    """`left contains right`, and the other tests of texts and lists; `any of` and `all of` take a list or the name of one."""

    kind: Literal["contains", "contains any", "contains all", "starts", "ends"]
    left: Expression
    right: Expression | ListOf
    negated: bool = False
    ignoring_case: bool = False


class Matches(Form, frozen=True, tag="matches"):
    """`left matches "pattern"`."""

    left: Expression
    pattern: Text
    negated: bool = False


class IsMissing(Form, frozen=True, tag="is missing"):
    """`left is missing`; negated: `left is not missing`."""

    left: Expression
    negated: bool = False


class InSegment(Form, frozen=True, tag="in segment"):
    """`in segment vip`."""

    segment: Word


class KOf(Form, frozen=True, tag="so many of"):
    """`at least 2 of (a, b, c)`."""

    kind: Literal["at least", "at most", "exactly"]
    count: Number
    conditions: Annotated[tuple[Expression, ...], Meta(min_length=1)]


Expression = (
    Number | Text | Truth | Date | Month | Timestamp | Duration | Path | Negative | Arithmetic | Ago | FromNow
    | Call | Or | And | Not | Compare | OrderInTime | InSet | InPeriod | Within | TextTest | Matches | IsMissing
    | InSegment | KOf
)  # fmt: skip
Bound = Number | Text | Date | Month | Timestamp | Duration | Path | Negative | Ago | FromNow
Constant = Number | Text | Truth | Date | Month | Timestamp
ParamValue = Number | Text | Truth | Date | Month | Timestamp | Duration | Negative | ListOf


class Param(Form, frozen=True, tag="param"):
    """`param name = value`."""

    name: Word
    value: ParamValue


class Let(Form, frozen=True, tag="let"):
    """`let name = value`, or `let name for relation = value`."""

    name: Word
    value: Expression
    relation: Word | None = None


class Segment(Form, frozen=True, tag="segment"):
    """`segment name "label" when condition`."""

    name: Word
    condition: Expression
    label: Text | None = None


class Case(Form, frozen=True, tag="case"):
    """`value when condition`."""

    value: Constant
    condition: Expression


class Choose(Form, frozen=True, tag="choose"):
    """`choose name "label"` with its cases, the first of which holds, and what holds `otherwise`."""

    name: Word
    cases: Annotated[tuple[Case, ...], Meta(min_length=1)]
    label: Text | None = None
    otherwise: Constant | None = None


class Collect(Form, frozen=True, tag="collect"):
    """`collect name "label"` with its cases, all of which may hold."""

    name: Word
    cases: Annotated[tuple[Case, ...], Meta(min_length=1)]
    label: Text | None = None


Statement = Param | Let | Segment | Choose | Collect


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One rule file: its statements in order, and the comments and empty lines below the last."""

    version: Literal[1]
    rules: tuple[Statement, ...]
    below: tuple[Above, ...] = ()
