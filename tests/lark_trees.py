"""The tree that Lark builds from `dsl/grammar.lark`, as the syntax tree: a second reading of the language to hold the parser against."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError

from segdsl import syntax as s

GRAMMAR = Path(__file__).parents[1] / "dsl" / "grammar.lark"
NOWHERE = s.Span(0, 0)


class Beyond(Exception):
    """The grammar accepts the text, and the head of grammar.lark says why the parser refuses it nevertheless: `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@cache
def grammar() -> Lark:
    """The parser that Lark makes; `strict` refuses ambiguities."""
    return Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", maybe_placeholders=False)


def read(text: str) -> tuple[Any, ...] | Beyond | None:
    """The bare tree of a text, None where Lark refuses it, Beyond where only the parser has to."""
    try:
        tree = grammar().parse(text)
    except LarkError:
        return None
    strange = [at for at in range(len(text)) if unreadable(text, at)]
    if strange:
        return Beyond(f"character {text[strange[0]]!a}")
    try:
        return s.bare(s.File(tuple(convert(statement) for statement in tree.children)))
    except Beyond as beyond:
        return beyond


def unreadable(text: str, at: int) -> bool:
    """Whether a character is one that no rule file may hold: a control character, one that turns the direction of writing, or half of
    a pair; lines end as on any system."""
    if text[at] == "\r":
        return text[at + 1 : at + 2] != "\n"
    if text[at] == "\ufeff":
        return at > 0
    turning = unicodedata.bidirectional(text[at]) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return turning or (text[at] not in "\t\n" and unicodedata.category(text[at]) in ("Cc", "Cs"))


def convert(tree: Tree[Token]) -> Any:
    """One tree of Lark's as a node."""
    return getattr(Forms, tree.data.strip())(list(tree.children))


def _name(token: Token) -> s.Name:
    return s.Name(span=NOWHERE, text=unicodedata.normalize("NFC", token.strip("`")))


def _number(token: Token) -> s.Number:
    return s.Number(span=NOWHERE, text=token.replace("_", "").rstrip("%"), percent=token.endswith("%"))


def _negative(node: s.Number) -> s.Negative:
    return s.Negative(span=NOWHERE, operand=node)


def _text(token: Token) -> s.Text:
    def unescape(found: re.Match[str]) -> str:
        if found[1] in ("n", "t"):
            return {"n": "\n", "t": "\t"}[found[1]]
        if found[1][0] == "u" and len(found[1]) == 5:
            return chr(int(found[1][1:], 16))
        if found[1] in ('"', "'", "\\"):
            return found[1]
        raise Beyond(f"escape {found[0]}")

    return s.Text(span=NOWHERE, value=re.sub(r"\\(u[0-9a-fA-F]{4}|.)", unescape, token[1:-1]))


def _valid(token: Token) -> str:
    text = str(token)
    try:
        datetime.fromisoformat(text + "-01" if len(text) == 7 else text)
    except ValueError as error:
        raise Beyond(f"date {text}") from error
    return text


def _literal(token: Token) -> s.Literal:
    kind = token.type
    if kind in ("NUMBER", "PERCENT"):
        return _number(token)
    if kind == "TEXT":
        return _text(token)
    if kind in ("TRUE", "FALSE"):
        return s.Truth(span=NOWHERE, value=kind == "TRUE")
    node = {"DATE": s.Date, "MONTH": s.Month, "TIMESTAMP": s.Timestamp}[kind]
    return node(span=NOWHERE, text=_valid(token))


def _take(children: list[Any], *kinds: str) -> Token | None:
    """The first child, if it is a token of these kinds."""
    if children and isinstance(children[0], Token) and children[0].type in kinds:
        return children.pop(0)
    return None


def _ignoring(children: list[Any]) -> bool:
    if children and isinstance(children[-1], Token) and children[-1].type == "IGNORING":
        children.pop()
        return True
    return False


def _all(children: list[Any]) -> tuple[Any, ...]:
    return tuple(convert(child) for child in children)


def _from_left(children: list[Any]) -> Any:
    left = convert(children[0])
    for op, right in zip(children[1::2], children[2::2], strict=True):
        left = s.Arithmetic(span=NOWHERE, op=str(op), left=left, right=convert(right))
    return left


class Forms:
    """One function for every rule and alias of the grammar, from its children to a node."""

    @staticmethod
    def param(children: list[Any]) -> s.Param:
        return s.Param(span=NOWHERE, name=_name(children[0]), value=convert(children[1]))

    @staticmethod
    def let(children: list[Any]) -> s.Let:
        relation = _name(children[1]) if len(children) == 3 else None
        return s.Let(span=NOWHERE, name=_name(children[0]), value=convert(children[-1]), relation=relation)

    @staticmethod
    def segment(children: list[Any]) -> s.Segment:
        label = _text(children[1]) if len(children) == 3 else None
        return s.Segment(span=NOWHERE, name=_name(children[0]), condition=convert(children[-1]), label=label)

    @staticmethod
    def _cases(children: list[Any]) -> dict[str, Any]:
        name = _name(children.pop(0))
        label = _take(children, "TEXT")
        cases = tuple(convert(child) for child in children if child.data == "case")
        return {"span": NOWHERE, "name": name, "label": _text(label) if label else None, "cases": cases}

    @staticmethod
    def choose(children: list[Any]) -> s.Choose:
        otherwise = convert(children[-1]) if children[-1].data == "literal" else None
        return s.Choose(otherwise=otherwise, **Forms._cases(children))

    @staticmethod
    def collect(children: list[Any]) -> s.Collect:
        return s.Collect(**Forms._cases(children))

    @staticmethod
    def case(children: list[Any]) -> s.Case:
        return s.Case(span=NOWHERE, value=convert(children[0]), condition=convert(children[1]))

    @staticmethod
    def constant(children: list[Any]) -> Any:
        return convert(children[0])

    @staticmethod
    def constants(children: list[Any]) -> s.ListOf:
        return s.ListOf(span=NOWHERE, items=_all(children))

    @staticmethod
    def signed(children: list[Any]) -> Any:
        return _negative(_number(children[0])) if _take(children, "MINUS") else convert(children[0])

    @staticmethod
    def or_(children: list[Any]) -> Any:
        return convert(children[0]) if len(children) == 1 else s.Or(span=NOWHERE, terms=_all(children))

    @staticmethod
    def and_(children: list[Any]) -> Any:
        return convert(children[0]) if len(children) == 1 else s.And(span=NOWHERE, terms=_all(children))

    @staticmethod
    def not_(children: list[Any]) -> s.Not:
        return s.Not(span=NOWHERE, term=convert(children[1]))

    @staticmethod
    def compare(children: list[Any]) -> s.Compare:
        ignoring = _ignoring(children)
        left, op, right = children
        return s.Compare(span=NOWHERE, op=str(op), left=convert(left), right=convert(right), ignoring_case=ignoring)

    @staticmethod
    def order_in_time(children: list[Any]) -> s.OrderInTime:
        left, *_, op, right = children
        return s.OrderInTime(span=NOWHERE, op=str(op), left=convert(left), right=convert(right), negated=len(children) == 4)

    @staticmethod
    def in_set(children: list[Any]) -> s.InSet:
        ignoring = _ignoring(children)
        among = convert(children[-1].children[0])
        return s.InSet(span=NOWHERE, left=convert(children[0]), set=among, negated=len(children) == 3, ignoring_case=ignoring)

    @staticmethod
    def in_period(children: list[Any]) -> s.InPeriod:
        return s.InPeriod(span=NOWHERE, left=convert(children[0]), period=convert(children[-1]), negated=len(children) == 3)

    @staticmethod
    def within(children: list[Any]) -> s.Within:
        left, *_, direction, duration = children
        return s.Within(span=NOWHERE, left=convert(left), direction=str(direction), duration=convert(duration), negated=len(children) == 4)

    @staticmethod
    def text_test(children: list[Any]) -> s.TextTest:
        ignoring = _ignoring(children)
        left = convert(children.pop(0))
        negated = _take(children, "NOT") is not None
        kind = str(children.pop(0))
        some = _take(children, "ANY", "ALL")
        right = convert(children[0])
        return s.TextTest(
            span=NOWHERE, kind=f"{kind} {some}" if some else kind, left=left, right=right, negated=negated, ignoring_case=ignoring
        )

    @staticmethod
    def matches(children: list[Any]) -> s.Matches:
        return s.Matches(span=NOWHERE, left=convert(children[0]), pattern=_text(children[-1]), negated=len(children) == 3)

    @staticmethod
    def missing(children: list[Any]) -> s.IsMissing:
        return s.IsMissing(span=NOWHERE, left=convert(children[0]), negated=len(children) == 2)

    @staticmethod
    def in_segment(children: list[Any]) -> s.InSegment:
        return s.InSegment(span=NOWHERE, segment=_name(children[0]))

    @staticmethod
    def k_of(children: list[Any]) -> s.KOf:
        kind = str(children.pop(0))
        if kind == "at":
            kind += " " + children.pop(0)
        return s.KOf(span=NOWHERE, kind=kind, count=_number(children[0]), conditions=_all(children[1:]))

    @staticmethod
    def list(children: list[Any]) -> s.ListOf:
        return s.ListOf(span=NOWHERE, items=_all(children))

    @staticmethod
    def range(children: list[Any]) -> s.Range:
        return s.Range(span=NOWHERE, low=convert(children[0]), high=convert(children[1]))

    @staticmethod
    def bound(children: list[Any]) -> Any:
        if _take(children, "MINUS"):
            return _negative(_number(children[0]))
        return _literal(children[0]) if isinstance(children[0], Token) else convert(children[0])

    @staticmethod
    def period(children: list[Any]) -> s.Period:
        first = children[0]
        if first.type == "NUMBER":
            return s.Period(span=NOWHERE, which="year", text=first.replace("_", ""))
        if first.type == "MONTH":
            return s.Period(span=NOWHERE, which="month", text=_valid(first))
        count = _number(children[1]).text if len(children) == 4 else None
        return s.Period(span=NOWHERE, which=str(first), unit=children[-1].rstrip("s"), count=count)

    @staticmethod
    def duration(children: list[Any]) -> s.Duration:
        return s.Duration(span=NOWHERE, count=_number(children[0]).text, unit=children[1].rstrip("s"))

    @staticmethod
    def ago(children: list[Any]) -> s.Ago:
        return s.Ago(span=NOWHERE, duration=convert(children[0]))

    @staticmethod
    def from_now(children: list[Any]) -> s.FromNow:
        return s.FromNow(span=NOWHERE, duration=convert(children[0]))

    @staticmethod
    def groups(children: list[Any]) -> s.Groups:
        everyone = _take(children, "ALL") is not None
        return s.Groups(span=NOWHERE, everyone=everyone, paths=_all(children))

    @staticmethod
    def sum(children: list[Any]) -> Any:
        return _from_left(children)

    @staticmethod
    def product(children: list[Any]) -> Any:
        return _from_left(children)

    @staticmethod
    def negative(children: list[Any]) -> s.Negative:
        return s.Negative(span=NOWHERE, operand=convert(children[1]))

    @staticmethod
    def call(children: list[Any]) -> s.Call:
        clauses: dict[str, Any] = {}
        arguments = []
        for child in children[1:]:
            if child.data not in ("for_", "where", "per", "by", "over"):
                arguments.append(convert(child))
            elif child.data in clauses:
                raise Beyond(f"two clauses {child.data}")
            else:
                parts = _all(child.children)
                clauses[child.data] = parts if child.data == "per" else parts[0]
        return s.Call(span=NOWHERE, name=_name(children[0]), arguments=tuple(arguments), **clauses)

    @staticmethod
    def path(children: list[Any]) -> s.Path:
        return s.Path(span=NOWHERE, parts=tuple(_name(child) for child in children))

    @staticmethod
    def literal(children: list[Any]) -> s.Literal:
        return _literal(children[0])


def tokens(text: str) -> Iterator[str]:
    """A text's tokens, roughly: words, numbers with what clings to them, texts, signs."""
    for found in re.finditer(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|[0-9][\w:.%+-]*|\w+|[<>!]=|\.\.|\S", text):
        yield found[0]
