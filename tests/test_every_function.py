"""Every function and operator of every type meets, in some case, an argument that is there, one that is missing, and nothing at all.

What a case looks into is read from its text and its rows, and not from an engine: a call of a plain field, and the rows in which that
field is present, missing or empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from segdsl import check, parse, syntax
from segdsl.functions import AGGREGATES, FUNCTIONS
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal, list_of
from tests.conformance import Case, load

FIELDS = {
    "whole": WHOLE, "number": NUMBER, "decimal": decimal(2), "text": TEXT, "yes/no": TRUTH, "date": DATE, "timestamp": TIMESTAMP,
    "duration": DURATION,
}  # fmt: skip
KINDS = {kind: f"f_{kind.replace('/', '_')}" for kind in FIELDS}
COLUMNS = {name: FieldSpec(FIELDS[kind], pinned=True) for kind, name in KINDS.items()}
LISTS = {f"l_{kind.replace('/', '_')}": FieldSpec(list_of(type_), pinned=True) for kind, type_ in FIELDS.items()}
ID = {"id": FieldSpec(TEXT, pinned=True)}
SCHEMA = Schema(
    "accounts",
    {
        "accounts": Table({**ID, **COLUMNS, **LISTS}, ("id",)),
        "rows": Table({**ID, **COLUMNS}, ("id",), {"account": Link("accounts", ("id",))}),
    },
)

SHAPES = {
    "year": "year({})", "quarter": "quarter({})", "month": "month({})", "day": "day({})", "weekday": "weekday({})", "hour": "hour({})",
    "date": "date({})", "week_start": "week_start({})", "month_start": "month_start({})", "quarter_start": "quarter_start({})",
    "year_start": "year_start({})", "anniversary": "anniversary({})", "days_since": "days_since({})",
    "days_between": "days_between({0}, {0})", "abs": "abs({})", "round": "round({})", "floor": "floor({})", "ceil": "ceil({})",
    "least": "least({0}, {0})", "greatest": "greatest({0}, {0})", "lower": "lower({})", "upper": "upper({})", "trim": "trim({})",
    "length": "length({})", "coalesce": "coalesce({0}, {0})", "distance_km": "distance_km({0}, {0}, {0}, {0})",
    "bucket": 'bucket({}, 10, "salt")',
}  # fmt: skip
"""How a function of values is called with one field in all places. `if` is asked of its condition and of its values apart."""
FILLS = {"coalesce", "if"}
"""A missing argument of these does not make the result missing."""
TESTS = {"any", "none", "all"}
LIST_TESTS = {
    "in": "{item} in {list}", "contains": "{list} contains {item}", "contains any": "{list} contains any of {list}",
    "contains all": "{list} contains all of {list}",
}  # fmt: skip


OPERATORS = {
    **{sign: f"{{}} {sign} {{}}" for sign in ("=", "!=", "<", "<=", ">", ">=", "before", "after", "+", "-", "*", "/", "contains")},
    "starts": "{} starts with {}", "ends": "{} ends with {}", "in list": "{0} in ({1}, {1})", "in range": "{0} in {1}..{1}",
}  # fmt: skip
TESTS_OF_ONE = {
    "matches": '{} matches "a"', "within last": "{} within last 3 days", "within next": "{} within next 3 days",
    "in period": "{} in this month", "sign": "-{}",
}  # fmt: skip


class Met(NamedTuple):
    """A function (a clause of it is `first by`), the place of an argument, its type, and what a case says of it."""

    function: str
    place: int
    kind: str
    what: str


def accepted(call: str) -> bool:
    """Whether the checker takes a call as a value or a condition."""
    file, unreadable = parse(f"let it = {call}")
    assert not unreadable, call
    return not any(each.severity == "error" for each in check([file], SCHEMA)[1])


def functions_to_meet() -> Iterator[Met]:
    """Functions of the values of one row: with a value, with a missing one, and of texts with the empty one."""
    for kind, field in KINDS.items():
        shapes = {**SHAPES, "if": "if(true, {0}, {0})"}
        for name, shape in shapes.items():
            if not accepted(shape.format(field)):
                continue
            tree = parse(f"let it = {shape.format(field)}")[0].statements[0]
            assert isinstance(tree, syntax.Let)
            assert isinstance(tree.value, syntax.Call)
            for place, argument in enumerate(tree.value.arguments):
                if isinstance(argument, syntax.Path):
                    yield Met(name, place, kind, "present")
                    yield Met(name, place, kind, "missing")
                    if kind == "text":
                        yield Met(name, place, kind, "empty")
    yield from (Met("if", 0, "yes/no", what) for what in ("present", "missing"))


def aggregates_to_meet() -> Iterator[Met]:
    """Aggregates: over rows with values, over none, over rows whose values are all missing, and where no row is kept."""
    for name in AGGREGATES:
        for kind, field in KINDS.items():
            by = f" by {KINDS['whole']}" if name in ("first", "last") else ""
            call = f"{name}({field} for rows)" if name in TESTS else f"{name}(rows.{field}{by})"
            used = f'"a" in {call}' if name == "values" and kind == "text" else f"{field} in {call}" if name == "values" else call
            if accepted(used):
                yield from (Met(name, 0, kind, what) for what in ("present", "no rows", "all missing", "none kept"))
            if by and accepted(f"{name}(rows.{KINDS['text']} by {field})"):
                yield from (Met(f"{name} by", 0, kind, what) for what in ("present", "no rows", "all missing"))
    for name in AGGREGATES:
        yield from (Met(f"{name} per", 0, "", what) for what in ("groups", "no rows", "group missing"))
    for kind, field in KINDS.items():
        if accepted(f"count(count(rows per {field}))"):
            yield from (Met("per", 0, kind, what) for what in ("groups", "no rows", "group missing"))


def comparisons_to_meet() -> Iterator[Met]:
    """What is held against the population: with a value, without, in no group, among nobody, and left out by `where`."""
    for name in FUNCTIONS:
        amount = "2, " if name in ("top", "bottom", "ntile") else ""
        for kind, field in KINDS.items():
            if accepted(f"{name}({amount}{field} over all)"):
                for what in ("present", "missing", "group missing", "nobody", "left out"):
                    yield Met(f"{name} over", 1 if amount else 0, kind, what)
    for kind, field in KINDS.items():
        if accepted(f"count(id over {field})"):
            yield from (Met("over", 0, kind, what) for what in ("present", "missing"))


def lists_to_meet() -> Iterator[Met]:
    """Tests of lists: of a list that holds something, an empty one, a missing one, and one with a missing item."""
    for name, shape in LIST_TESTS.items():
        for kind, field in KINDS.items():
            if accepted(shape.format(item=field, list=f"l_{kind.replace('/', '_')}")):
                yield from (Met(name, 0, kind, what) for what in ("present", "empty", "missing", "missing item"))


def operators_to_meet() -> Iterator[Met]:
    """Operators of every pair of types that they take: with both sides, and with either one missing."""
    for name, shape in OPERATORS.items():
        for left, a in KINDS.items():
            for right, b in KINDS.items():
                if accepted(shape.format(a, b)):
                    yield from (Met(name, 0, f"{left}, {right}", what) for what in ("present", "left missing", "right missing"))
    for name, shape in TESTS_OF_ONE.items():
        for kind, field in KINDS.items():
            if accepted(shape.format(field)):
                yield from (Met(name, 0, kind, what) for what in ("present", "left missing"))


def missing(value: object) -> bool:
    """Whether a cell is missing: absent, or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def nodes(node: Any, above: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every node below one, itself included, with what it stands in; nothing of what an aggregate looks at row by row."""
    if isinstance(node, syntax.Node):
        yield node, above
        if isinstance(node, syntax.Call) and node.name.text in AGGREGATES and node.over is None:
            return
        for field in node.__struct_fields__:
            yield from nodes(getattr(node, field), node)
    elif isinstance(node, tuple):
        for each in node:
            yield from nodes(each, above)


def field_of(case: Case, table: str, node: Any) -> str | None:
    """The field that a node is, if it is one of the table's own."""
    if isinstance(node, syntax.Path) and len(node.parts) == 1 and node.parts[0].text in case.schema.tables[table].fields:
        return node.parts[0].text
    return None


def kind_of(case: Case, table: str, field: str) -> str:
    """The kind of a field's type."""
    return case.schema.tables[table].fields[field].type.kind


def of_values(case: Case, call: syntax.Call, above: Any) -> Iterator[Met]:
    """What a call of a function of values meets."""
    name, root = call.name.text, case.schema.root
    asked = isinstance(above, syntax.IsMissing)
    for place, argument in enumerate(call.arguments):
        field = field_of(case, root, argument)
        if field is None:
            continue
        kind, values = kind_of(case, root, field), [row.get(field) for row in case.tables[root]]
        if not asked and not all(missing(value) for value in values):
            yield Met(name, place, kind, "present")
        if (asked or name in FILLS) and any(missing(value) for value in values):
            yield Met(name, place, kind, "missing")
        if not asked and "" in values:
            yield Met(name, place, kind, "empty")


def of_rows(case: Case, call: syntax.Call, above: Any) -> Iterator[Met]:
    """What an aggregate over a direct relation of the account meets."""
    name, root = call.name.text, case.schema.root
    path = call.for_ or call.arguments[0]
    if not isinstance(path, syntax.Path):
        return
    table = path.parts[0].text
    links = case.schema.tables[table].links.values() if table in case.schema.tables else []
    link = next((each for each in links if each.table == root), None)
    if link is None:
        return
    argument = call.arguments[0] if call.for_ is not None else syntax.Path(span=path.span, parts=path.parts[1:] or path.parts)
    field = field_of(case, table, argument)
    key = case.schema.tables[root].key[0]
    rows = [[row for row in case.tables[table] if row.get(link.by[0]) == account[key]] for account in case.tables[root]]
    if field is not None:
        kind, nothing_kept = kind_of(case, table, field), isinstance(call.where, syntax.Truth) and not call.where.value
        whats = {"none kept"} if nothing_kept else set() if call.where is not None else situations(rows, field)
        yield from (Met(name, 0, kind, what) for what in whats if what != "present" or not isinstance(above, syntax.IsMissing))
    by = None if call.by is None or call.where is not None else field_of(case, table, call.by)
    if by is not None:
        yield from (Met(f"{name} by", 0, kind_of(case, table, by), what) for what in situations(rows, by))


def situations(rows: list[list[dict[str, object]]], field: str) -> set[str]:
    """What the rows of the accounts of a case hold in a field."""
    found = {"no rows" for each in rows if not each}
    return found | {"all missing" if all(missing(row.get(field)) for row in each) else "present" for each in rows if each}


def of_groups(case: Case, call: syntax.Call) -> Iterator[Met]:
    """What an aggregate of groups meets, where a direct relation is grouped by a field."""
    for inner in (each for argument in call.arguments for each, _ in nodes(argument) if isinstance(each, syntax.Call) and each.per):
        path = inner.for_ or inner.arguments[0]
        if not isinstance(path, syntax.Path) or path.parts[0].text not in case.schema.tables or inner.where is not None:
            continue
        table, root = path.parts[0].text, case.schema.root
        link = next((each for each in case.schema.tables[table].links.values() if each.table == root), None)
        by = field_of(case, table, (inner.per or (None,))[0])
        if link is None or by is None:
            continue
        key = case.schema.tables[root].key[0]
        rows = [[row for row in case.tables[table] if row.get(link.by[0]) == account[key]] for account in case.tables[root]]
        told = {"present": "groups", "all missing": "group missing"}
        for what in situations(rows, by):
            yield Met(f"{call.name.text} per", 0, "", told.get(what, what))
            yield Met("per", 0, kind_of(case, table, by), told.get(what, what))


def of_population(case: Case, call: syntax.Call, above: Any) -> Iterator[Met]:
    """What a comparison with the population meets."""
    name, root = call.name.text, case.schema.root
    place = len(call.arguments) - 1
    field = field_of(case, root, call.arguments[-1])
    groups = [found for path in (call.over.paths if call.over is not None else ()) if (found := field_of(case, root, path))]
    rows = case.tables[root]
    for group in groups:
        gone = [missing(row.get(group)) for row in rows]
        yield Met("over", 0, kind_of(case, root, group), "present")
        if any(gone):
            yield Met("over", 0, kind_of(case, root, group), "missing")
    if field is None:
        return
    kind, gone = kind_of(case, root, field), [missing(row.get(field)) for row in rows]
    if not all(gone) and not isinstance(above, syntax.IsMissing):
        yield Met(f"{name} over", place, kind, "present")
    if all(gone):
        yield Met(f"{name} over", place, kind, "nobody")
    elif any(gone):
        yield Met(f"{name} over", place, kind, "missing")
    if any(missing(row.get(group)) and not away for group in groups for row, away in zip(rows, gone, strict=True)):
        yield Met(f"{name} over", place, kind, "group missing")
    if call.where is not None:
        yield Met(f"{name} over", place, kind, "left out")


def of_lists(case: Case, node: Any) -> Iterator[Met]:
    """What a test of a field that is a list meets."""
    root = case.schema.root
    listed, name = (node.set, "in") if isinstance(node, syntax.InSet) else (node.left, node.kind)
    field = field_of(case, root, listed)
    if field is None or kind_of(case, root, field) != "list":
        return
    item = case.schema.tables[root].fields[field].type.item
    assert item is not None
    for row in case.tables[root]:
        given = row.get(field)
        if not isinstance(given, list):
            yield Met(name, 0, item.kind, "missing")
        elif not given:
            yield Met(name, 0, item.kind, "empty")
        else:
            yield Met(name, 0, item.kind, "missing item" if any(missing(each) for each in given) else "present")


def sides_of(node: Any) -> tuple[str, Any, Any] | None:
    """The name of an operator, and what stands left and right of it; the same on the left again where it has one side."""
    match node:
        case syntax.Compare() | syntax.OrderInTime() | syntax.Arithmetic():
            return node.op, node.left, node.right
        case syntax.TextTest(kind="contains" | "starts" | "ends"):
            return node.kind, node.left, node.right
        case syntax.InSet(set=syntax.ListOf(items=(item, _))):
            return "in list", node.left, item
        case syntax.InSet(set=syntax.Range()):
            return "in range", node.left, node.set.low
        case syntax.Matches():
            return "matches", node.left, node.left
        case syntax.Within():
            return f"within {node.direction}", node.left, node.left
        case syntax.InPeriod():
            return "in period", node.left, node.left
        case syntax.Negative():
            return "sign", node.operand, node.operand
    return None


def of_sides(case: Case, node: Any, above: Any) -> Iterator[Met]:
    """What an operator of plain fields meets."""
    found, root = sides_of(node), case.schema.root
    if found is None:
        return
    name, fields = found[0], [field_of(case, root, side) for side in found[1:]]
    if fields[0] is None or fields[1] is None:
        return
    kinds = [kind_of(case, root, field) for field in fields if field is not None]
    kind = kinds[0] if name in TESTS_OF_ONE else ", ".join(kinds)
    asked = isinstance(above, syntax.IsMissing)
    for row in case.tables[root]:
        left, right = (missing(row.get(field)) for field in fields if field is not None)
        if not asked and not left and not right:
            yield Met(name, 0, kind, "present")
        if asked and left and (not right or name in TESTS_OF_ONE):
            yield Met(name, 0, kind, "left missing")
        if asked and right and not left:
            yield Met(name, 0, kind, "right missing")


@cache
def met() -> frozenset[Met]:
    """All that the cases meet."""
    found: set[Met] = set()
    for case in load():
        for statement in parse(case.rules)[0].statements:
            for node, above in nodes(statement):
                if isinstance(node, syntax.InSet | syntax.TextTest):
                    found.update(of_lists(case, node))
                found.update(of_sides(case, node, above))
                if not isinstance(node, syntax.Call) or not node.arguments:
                    continue
                if node.over is not None or node.name.text in ("top", "bottom"):
                    found.update(of_population(case, node, above))
                elif node.name.text in AGGREGATES:
                    found.update(of_rows(case, node, above))
                    found.update(of_groups(case, node))
                else:
                    found.update(of_values(case, node, above))
    return frozenset(found)


@pytest.mark.parametrize("wanted", [functions_to_meet, aggregates_to_meet, comparisons_to_meet, lists_to_meet, operators_to_meet])
def test_there_is_a_case(wanted: Any) -> None:
    lacking = sorted(set(wanted()) - met())
    assert lacking == [], f"{len(lacking)} of {len(set(wanted()))}"


def test_no_function_is_forgotten() -> None:
    asked = {each.function.split(" ")[0] for wanted in (functions_to_meet, aggregates_to_meet, comparisons_to_meet) for each in wanted()}
    assert set(FUNCTIONS) <= asked
