"""The same rules otherwise written: lets put in their place, parts made lets; and the same accounts twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import msgspec
import polars as pl

from segdsl import checked, syntax
from segdsl.functions import AGGREGATES
from segdsl.parser import parse
from segdsl.schema import FieldSpec, Link
from segdsl.syntax import Node
from segdsl.typesystem import WHOLE
from tests.strategies import Case, checked_rules

COPY = "copy of the account"
PARTS = (
    syntax.Call, syntax.Arithmetic, syntax.Compare, syntax.And, syntax.Or, syntax.Not, syntax.InSet, syntax.InPeriod, syntax.Within,
    syntax.TextTest, syntax.Matches, syntax.IsMissing, syntax.KOf, syntax.OrderInTime, syntax.InSegment,
)  # fmt: skip
"""What may be made a let. A bare field may not: a field of 32 bits meets a constant at its own width, and its let does not."""


def statements(text: str) -> tuple[syntax.Statement, ...]:
    """The syntax trees of a rule file."""
    return parse(text, "random.seg", 0)[0].statements


def with_text(case: Case, text: str) -> Case | None:
    """The case with another text; None where that does not check."""
    changed = msgspec.structs.replace(case, rules_text=text)
    try:
        checked_rules(changed)
    except AssertionError:
        return None
    return changed


def of_account(node: object) -> Iterator[Node]:
    """The expressions of a statement or expression that are the account's own, and may be written in another way: none inside aggregates,
    and none where the grammar wants a name or a literal."""
    match node:
        case syntax.Let(relation=None, value=value):
            yield from (value, *of_account(value))
        case syntax.Segment(condition=condition):
            yield from (condition, *of_account(condition))
        case syntax.Choose(cases=cases) | syntax.Collect(cases=cases):
            for case in cases:
                yield from (case.condition, *of_account(case.condition))
        case syntax.Call(name=called, over=None) if called.text in AGGREGATES:
            return
        case syntax.Node():
            for field in ("arguments", "where", "left", "right", "operand", "term", "terms", "conditions"):
                inner = getattr(node, field, None)
                for each in inner if isinstance(inner, tuple) else (inner,):
                    if isinstance(each, syntax.Node) and not isinstance(each, syntax.ListOf):
                        yield from (each, *of_account(each))


def mentioned(case: Case) -> Case:
    """The case with segments that name each of the account's lets."""
    tests = {"yes/no": ("not {0}", "if({0}, false, {0} is not missing)"), "whole": ("{0} + 1 > 2 * {0}",), "number": ("{0} / 3 < {0}",)}
    for let in checked_rules(case).lets.values():
        for number, test in enumerate(("{0} is missing", "{0} = {0}", *tests.get(let.value.type.kind, ()))):
            line = f"segment of_{let.name}_{number} when {test.format(let.name)}\n"
            case = with_text(case, case.rules_text + line) or case
    return case


def inlined(case: Case) -> Case:
    """The case with each let of the account in brackets where a rule of the account names it, and is read all the same."""
    for let in statements(case.rules_text):
        bare = isinstance(let, syntax.Let) and (let.relation is not None or isinstance(let.value, syntax.Path))
        if not isinstance(let, syntax.Let) or bare:
            continue
        text = case.rules_text
        meant = f"({text[let.value.span.start : let.value.span.end]})"
        places = [node.span for rule in statements(text) for node in of_account(rule) if names(node) == let.name.text]
        for span in sorted(places, key=lambda span: -span.start):
            changed = with_text(case, case.rules_text[: span.start] + meant + case.rules_text[span.end :])
            case = changed or case  # not everything stands in brackets: a condition is no value to compare
    return case


def names(node: Node) -> str | None:
    """The only part of a path."""
    return node.parts[0].text if isinstance(node, syntax.Path) and len(node.parts) == 1 else None


def outlined(case: Case, rng: Random, count: int = 4) -> Case:
    """The case with some parts of its rules made lets."""
    for number in range(count):
        text = case.rules_text
        parts = [node.span for rule in statements(text) for node in of_account(rule) if isinstance(node, PARTS) and asks(node)]
        if not parts:
            return case
        span = rng.choice(parts)
        let = f"let outlined{number} = {text[span.start : span.end]}\n"
        case = with_text(case, f"{text[: span.start]} outlined{number} {text[span.end :]}{let}") or case
    return case


def asks(node: object) -> bool:
    """Whether an expression asks the data for anything: literals are reckoned exactly, before they meet a field of 32 bits."""
    if isinstance(node, syntax.Path | syntax.Call):
        return True
    fields = node.__struct_fields__ if isinstance(node, Node) else ()
    inner = [getattr(node, field) for field in fields] if fields else node if isinstance(node, tuple) else ()
    return any(asks(each) for each in inner)


def renamed(text: str, ending: str) -> str:
    """A rule file with other names for its params and statements."""
    return re.sub(r"\b(p_[a-z]+|[lsck]\d+|w\d+_\d+)\b", rf"\1{ending}", text)


def beside(case: Case, other: Case) -> Case:
    """The case with the rules of another one over the same tables besides."""
    params = case.params | {f"{name}_too": value for name, value in other.params.items()}
    return msgspec.structs.replace(case, rules_text=case.rules_text + renamed(other.rules_text, "_too"), params=params)


def doubled(case: Case) -> Case:
    """The case with every row twice, the second time with keys and links of its own: so each account has a twin."""
    tables, frames = {}, {}
    for name, table in case.schema.tables.items():
        links = {called: Link(link.table, (*link.by, COPY), link.relation) for called, link in table.links.items()}
        fields = {**table.fields, COPY: FieldSpec(WHOLE, nullable=False)}
        tables[name] = msgspec.structs.replace(table, fields=fields, key=(*table.key, *((COPY,) * bool(table.key))), links=links)
        frame = case.frames[name]
        frames[name] = pl.concat([frame.with_columns(pl.lit(copy).alias(COPY)) for copy in (1, 2)])
    return msgspec.structs.replace(case, schema=msgspec.structs.replace(case.schema, tables=tables), frames=frames)


def holds_accounts_together(case: Case) -> bool:
    """Whether a rule holds an account against the others."""
    rules = checked_rules(case)
    roots = [*(let.value for let in rules.lets.values()), *(segment.condition for segment in rules.segments.values())]
    roots += [each.condition for rule in (*rules.chooses.values(), *rules.collects.values()) for each in rule.cases]
    waiting: list[object] = list(roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, checked.Relative):
            return True
        if isinstance(node, tuple):
            waiting += node
        elif isinstance(node, checked.Checked):
            waiting += [getattr(node, field) for field in node.__struct_fields__]
    return False
