"""The random rules of the ordinary run hold the whole language: every form, function, clause and type, several times over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from segdsl import checked, syntax
from segdsl.functions import AGGREGATES, FUNCTIONS
from segdsl.parser import parse
from tests.random_columns import KINDS
from tests.strategies import LONG, Case, checked_rules, random_case

ENDS = {"first", "last"}
RELATIVE = {"count", "sum", "avg", "min", "max", "median", "stddev", "rank", "percentile", "ntile", "top", "bottom"}
STATEMENTS = {"Param", "Let", "Segment", "Choose", "Collect"}


def struct_nodes(node: Any) -> Iterator[Any]:
    """A tree's structs, the node itself first."""
    if isinstance(node, tuple | list):
        for each in node:
            yield from struct_nodes(each)
    elif isinstance(node, msgspec.Struct) and not isinstance(node, syntax.Span):
        yield node
        for field in node.__struct_fields__:
            yield from struct_nodes(getattr(node, field))


def met(case: Case) -> Iterator[str]:
    """What a case holds of the language, each in words, as often as it stands there."""
    rules = checked_rules(case)
    for node in struct_nodes([*rules.lets.values(), *rules.segments.values(), *rules.chooses.values(), *rules.collects.values()]):
        yield from of_meaning(node)
    for node in struct_nodes(parse(case.rules_text, "random.seg", 0)[0].statements):
        yield from of_text(node)
    yield from ("an event time" for _ in rules.event_times)
    yield from (f"a param set, {name}" for name in case.params)


def of_meaning(node: Any) -> Iterator[str]:
    """What a node of the checked tree is."""
    yield type(node).__name__
    match node:
        case checked.Call():
            yield f"{node.function} in meaning"
        case checked.HostCall():
            yield f"a host's {node.signature.returns.kind}"
        case checked.Aggregate():
            yield from (f"{node.function} of rows, {what}" for what in clauses(node))
        case checked.Grouped():
            yield from (f"{node.function} of groups, {what}" for what in clauses(node))
            yield from ("groups by two values" for _ in node.groups[1:])
            inner = struct_nodes([each for each in (node.value, node.condition) if each is not None])
            yield from (
                f"{each.function} of a group, {what}" for each in inner if isinstance(each, checked.Aggregate) for what in clauses(each)
            )
        case checked.Relative():
            over = ("everybody", "a group", "two groups")[len(node.groups)]
            yield from (f"{node.function} of the population, {what}" for what in (*clauses(node), over))
            yield from (f"{node.function} of the population, a share" for _ in range(node.share))
        case checked.Arithmetic() | checked.Compare() | checked.ScaleDuration():
            yield f"{type(node).__name__} {node.op}"
        case checked.KOf() | checked.TextTest():
            yield f"{type(node).__name__} {node.kind}"
        case checked.PeriodStart():
            yield f"start of a {node.unit}"
        case checked.InValues():
            yield f"InValues{', folded' * node.folded}"
        case checked.Overlap():
            yield f"Overlap {'every' if node.every else 'any'}{', folded' * node.folded}"
        case checked.Constant(param=str()):
            yield f"a param's {node.type.kind}"
        case checked.Field():
            yield f"a field of {node.type.kind}"
        case checked.Let() | checked.Chosen():
            yield f"a {type(node).__name__} of {node.type.kind}"


def clauses(node: checked.Aggregate | checked.Grouped | checked.Relative) -> Iterator[str]:
    """What an aggregate has besides its rows."""
    yield "plain"
    yield from ("where" for each in (getattr(node, "where", None), getattr(node, "condition", None)) if each is not None)
    yield from ("up a link" for _ in range(bool(getattr(node, "up", ()))))


def of_text(node: Any) -> Iterator[str]:
    """What a node of the syntax tree is."""
    yield f"written {type(node).__name__}"
    match node:
        case syntax.Call():
            yield f"{node.name.text}()"
            written = {clause: getattr(node, clause) for clause in ("for_", "where", "per", "by", "over")}
            yield from (f"{node.name.text} with {clause.rstrip('_')}" for clause, found in written.items() if found is not None)
        case syntax.Let(relation=syntax.Name()):
            yield "a let of rows"
        case syntax.Period():
            yield f"{node.which} {node.unit}{', several' * (node.count is not None)}"
        case syntax.Duration():
            yield f"written {node.unit}"
        case syntax.TextTest() | syntax.Within():
            yield f"written {node.kind if isinstance(node, syntax.TextTest) else node.direction}"
        case syntax.Compare(ignoring_case=True) | syntax.InSet(ignoring_case=True):
            yield f"{type(node).__name__} ignoring case"


def wanted() -> Iterator[str]:
    """All that has to be met."""
    yield from (each.__name__ for each in get_args(checked.Expression))
    yield from ("LetRule", "SegmentRule", "ChooseRule", "CollectRule", "Case", "a let of rows", "an event time", "groups by two values")
    yield from (f"{name}()" for name in FUNCTIONS)
    yield "folded in meaning"
    yield from (f"{name} of {what}, plain" for name in AGGREGATES for what in ("rows", "groups"))
    yield from (f"{name} of a group, plain" for name in AGGREGATES - {"values"})
    yield from (f"{name} of the population, plain" for name in RELATIVE)
    yield from ("top of the population, a share", "bottom of the population, a share")
    yield from (f"{name} with for" for name in AGGREGATES)
    yield from (f"{name} with per" for name in AGGREGATES - {"values"})
    yield from (f"{name} with by" for name in ENDS)
    yield from (f"{name} with over" for name in RELATIVE)
    yield from (f"Arithmetic {op}" for op in "+-*/")
    yield from (f"ScaleDuration {op}" for op in "*/")
    yield from (f"Compare {op}" for op in ("=", "!=", "<", "<=", ">", ">="))
    yield from ("Compare ignoring case", "InSet ignoring case", "InValues", "InValues, folded")
    yield from (f"Overlap {which}" for which in ("every", "any", "every, folded", "any, folded"))
    yield from (f"KOf {kind}" for kind in ("at least", "at most", "exactly"))
    yield from (f"TextTest {kind}" for kind in ("contains", "starts", "ends", "matches"))
    yield from (f"written {kind}" for kind in ("contains", "contains any", "contains all", "starts", "ends", "last", "next"))
    units = ("day", "week", "month", "quarter", "year")
    yield from (f"written {unit}" for unit in (*units, "hour", "minute"))
    yield from (f"{which} {unit}" for which in ("this", "last", "next") for unit in units)
    yield from (f"{which} {unit}, several" for which in ("last", "next") for unit in units)
    yield from (f"a field of {kind}" for kind in (*KINDS, "list"))
    yield from (f"a Let of {kind}" for kind in KINDS)
    yield from (f"a host's {kind}" for kind in KINDS)
    yield from (f"a Chosen of {kind}" for kind in ("text", "whole", "decimal", "date", "yes/no", "timestamp"))
    yield from (f"a param's {kind}" for kind in ("whole", "decimal", "text", "yes/no", "date", "timestamp"))
    yield from (f"a param set, {name}" for name in ("p_whole", "p_price", "p_text", "p_day", "p_time", "p_quiet", "p_words", "p_numbers"))
    for name in vars(syntax):
        kind = getattr(syntax, name)
        if isinstance(kind, type) and issubclass(kind, syntax.Node) and kind is not syntax.Node:
            yield f"written {name}"


def crossed() -> Iterator[str]:
    """Aggregates with each clause."""
    yield from (f"{name} of {what}, {clause}" for name in AGGREGATES for what in ("rows", "groups") for clause in ("where", "up a link"))
    yield from (f"{name} of a group, where" for name in AGGREGATES - {"values"})
    yield from (f"{name} of the population, {what}" for name in RELATIVE for what in ("where", "everybody", "a group", "two groups"))


@pytest.fixture(scope="module")
def found() -> Counter[str]:
    return Counter(each for seed in range(LONG) for each in met(random_case(seed, whole=True)))


def test_every_form_stands_in_random_rules(found: Counter[str]) -> None:
    rare = {what: found[what] for what in sorted(set(wanted())) if found[what] < 3}
    assert not rare


def test_every_aggregate_stands_with_every_clause(found: Counter[str]) -> None:
    assert not [what for what in sorted(set(crossed())) if not found[what]]


def test_every_statement_stands_in_a_hundred_rule_sets(found: Counter[str]) -> None:
    assert {name: found[f"written {name}"] for name in STATEMENTS if found[f"written {name}"] < 100} == {}
