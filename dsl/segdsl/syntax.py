"""The syntax tree: what a rule file says, before anything is known of the data.

Every node is a frozen struct and carries its `span`. Trees are compared without spans by `bare`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Span(msgspec.Struct, frozen=True, gc=False):
    """Characters `start` (included) to `end` (excluded) of source number `source`."""

    start: int
    end: int
    source: int = 0


class Node(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """What all nodes have in common: where they stand. Trees hold no cycles, so the garbage collector need not follow them."""

    span: Span


class Name(Node, frozen=True):
    """A name as it is meant: NFC, without backquotes."""

    text: str


# ---- literals


class Number(Node, frozen=True):
    """`text` is the digits as written without `_`, never a sign; `percent` for `10%`."""

    text: str
    percent: bool = False


class Text(Node, frozen=True):
    value: str


class Truth(Node, frozen=True):
    value: bool


class Date(Node, frozen=True):
    """A valid calendar date as ISO text, `2026-03-01`."""

    text: str


class Month(Node, frozen=True):
    """`2026-03`."""

    text: str


class Timestamp(Node, frozen=True):
    """ISO text as written: `2026-03-01T14:30`, seconds, fraction, `Z` or offset optional."""

    text: str


class Duration(Node, frozen=True):
    """`90 days`: `unit` is the singular: minute hour day week month quarter year."""

    count: str
    unit: str


Literal = Number | Text | Truth | Date | Month | Timestamp


# ---- values


class Path(Node, frozen=True):
    """`order.placed_at`; a single name is a path of one."""

    parts: tuple[Name, ...]


class Negative(Node, frozen=True):
    operand: Expression


class Arithmetic(Node, frozen=True):
    """`op` is one of `+ - * /`; left-associative, two operands a node."""

    op: str
    left: Expression
    right: Expression


class Ago(Node, frozen=True):
    """`90 days ago`, `quiet ago`."""

    duration: Duration | Path


class FromNow(Node, frozen=True):
    duration: Duration | Path


class Groups(Node, frozen=True):
    """What follows `over`: `all` (no paths, `everyone`) or the paths."""

    everyone: bool
    paths: tuple[Path, ...] = ()


class Call(Node, frozen=True):
    """A function or aggregate: `sum(orders.total where done)`. Clauses that are not written are None."""

    name: Name
    arguments: tuple[Expression, ...]
    for_: Path | None = None
    where: Expression | None = None
    per: tuple[Expression, ...] | None = None
    by: Expression | None = None
    over: Groups | None = None


# ---- conditions


class Or(Node, frozen=True):
    terms: tuple[Expression, ...]


class And(Node, frozen=True):
    terms: tuple[Expression, ...]


class Not(Node, frozen=True):
    term: Expression


class Compare(Node, frozen=True):
    """`op` is one of `= != < <= > >=`."""

    op: str
    left: Expression
    right: Expression
    ignoring_case: bool = False


class OrderInTime(Node, frozen=True):
    """`t before x` (`op` is "before") and `t after x`."""

    op: str
    left: Expression
    right: Expression
    negated: bool = False


class ListOf(Node, frozen=True):
    """`("a", "b", k)`."""

    items: tuple[Expression, ...]


class Range(Node, frozen=True):
    """`50..249`, both ends included; an end is a literal, a Negative number, a Duration, a Path, Ago or FromNow."""

    low: Expression
    high: Expression


class InSet(Node, frozen=True):
    left: Expression
    set: ListOf | Range | Path | Call
    negated: bool = False
    ignoring_case: bool = False


class Period(Node, frozen=True):
    """A calendar period: `this month`, `last quarter`, `next year` (`which`, `unit`, count None),
    `last 6 whole months` (`count` "6"), `2026` (`which` "year", `text` "2026"), `2026-03` (`which` "month")."""

    which: str
    unit: str | None = None
    count: str | None = None
    text: str | None = None


class InPeriod(Node, frozen=True):
    left: Expression
    period: Period
    negated: bool = False


class Within(Node, frozen=True):
    """`t within last 90 days` (`direction` "last") and `within next`."""

    left: Expression
    direction: str
    duration: Duration | Path
    negated: bool = False


class TextTest(Node, frozen=True):
    """`kind` is `contains`, `contains any`, `contains all`, `starts` or `ends`."""

    kind: str
    left: Expression
    right: Expression | ListOf
    negated: bool = False
    ignoring_case: bool = False


class Matches(Node, frozen=True):
    left: Expression
    pattern: Text
    negated: bool = False


class IsMissing(Node, frozen=True):
    left: Expression
    negated: bool = False


class InSegment(Node, frozen=True):
    segment: Name


class KOf(Node, frozen=True):
    """`at least 2 of (c1, c2)`: `kind` is `at least`, `at most` or `exactly`."""

    kind: str
    count: Number
    conditions: tuple[Expression, ...]


Expression = (
    Number | Text | Truth | Date | Month | Timestamp | Duration | Path | Negative | Arithmetic | Ago | FromNow
    | Call | Or | And | Not | Compare | OrderInTime | InSet | InPeriod | Within | TextTest | Matches | IsMissing
    | InSegment | KOf
)  # fmt: skip


# ---- statements


class Param(Node, frozen=True):
    """`value` is a literal, a Negative number, a Duration, or a ListOf of literals."""

    name: Name
    value: Expression | ListOf


class Let(Node, frozen=True):
    name: Name
    value: Expression
    relation: Name | None = None


class Segment(Node, frozen=True):
    name: Name
    condition: Expression
    label: Text | None = None


class Case(Node, frozen=True):
    value: Literal
    condition: Expression


class Choose(Node, frozen=True):
    name: Name
    cases: tuple[Case, ...]
    label: Text | None = None
    otherwise: Literal | None = None


class Collect(Node, frozen=True):
    name: Name
    cases: tuple[Case, ...]
    label: Text | None = None


Statement = Param | Let | Segment | Choose | Collect


class Comment(msgspec.Struct, frozen=True, gc=False):
    """A `#` comment with its text, the `#` included."""

    span: Span
    text: str


class File(msgspec.Struct, frozen=True):
    """One rule file: its statements in order, its comments in order, and the text that the spans point into (empty if there is none)."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = ()
    text: str = ""


def bare(node: Any) -> Any:
    """The tree as nested tuples without spans, for comparing what two texts say."""
    if isinstance(node, Node):
        fields = (bare(getattr(node, field)) for field in node.__struct_fields__ if field != "span")
        return (type(node).__name__, *fields)
    if isinstance(node, File):
        return tuple(bare(statement) for statement in node.statements)
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)
    return node
