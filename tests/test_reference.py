"""The language reference holds: its rules run, its answers are the engines', its mistakes and its tables are the program's."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segdsl import Diagnostic, check, parse, project
from segdsl.diagnostics import MESSAGES, render
from segdsl.functions import FUNCTIONS
from segdsl.limits import Limits
from segdsl.source import Source
from segdsl.syntax import Choose, Collect, Segment
from segkernel.oracle.arithmetic import all_of, any_of, opposite
from tests.conformance import FOLDER, Case, Tables, instant, kernel, oracle

REFERENCE = (Path(__file__).parents[1] / "dsl" / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(REFERENCE)
RULES = [text for language, text in BLOCKS if language == "seg"]
MISTAKES = [(text, shown) for (language, text), (_, shown) in pairwise(BLOCKS) if language == "seg-mistake"]
SETTINGS = next(text for language, text in BLOCKS if language == "toml")
PROJECT = project.parse(SETTINGS)
SCHEMA = PROJECT.schema
AS_OF = datetime.fromisoformat(PROJECT.as_of or "").replace(tzinfo=ZoneInfo(SCHEMA.timezone))
ANSWER = re.compile(r"# → (.*)")
CODE = re.compile(r"``? ?(.+?) ?``?")
STATEMENT = re.compile(r"(param|let|segment|choose|collect)\b", re.IGNORECASE)
TRUTHS = {"true": True, "unknown": None, "false": False}


def section(title: str, page: str = REFERENCE) -> str:
    """The text below a heading, up to the next one of its level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows_of(text: str, *heads: str) -> list[list[str]]:
    """The cells of all tables whose last heads are these, row by row."""
    found: list[list[str]] = []
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        if tuple(lines[0][-len(heads) :]) == heads:
            found += lines[2:]
    return found


def code(cell: str) -> str:
    """What stands in a cell as code."""
    found = CODE.fullmatch(cell)
    assert found is not None, cell
    return found[1]


def value_of(text: str, kind: str, scale: int) -> object:
    """A cell as a plain value of a field's type; a time without `Z` has no zone."""
    if kind == "list":
        return [item.strip() for item in text.strip("()").split(",") if item]
    if kind in ("whole", "number"):
        return (int if kind == "whole" else float)(text)
    if kind == "decimal":
        return Decimal(text).quantize(Decimal(1).scaleb(-scale))
    if kind == "yes/no":
        return {"true": True, "false": False}[text]
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "timestamp":
        return instant(text) if text.endswith("Z") else datetime.fromisoformat(text)
    return text


def shown_tables() -> tuple[Tables, frozenset[tuple[str, str]]]:
    """The tables of the shop as the reference shows them, and which of their fields have no zone."""
    tables: Tables = {}
    for name, text in re.findall(r"^\*\*(\w+)\*\*\n\n((?:^\|.*\|\n)+)", section("The shop of the examples"), re.MULTILINE):
        head, _, *lines = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in text.splitlines()]
        types = [SCHEMA.tables[name].fields[field].type for field in head]
        tables[name] = [
            {
                field: value_of(cell, type_.kind, type_.scale)
                for field, cell, type_ in zip(head, line, types, strict=True)
                if cell
            }
            for line in lines
        ]  # fmt: skip
    local = frozenset(
        (name, field) for name, rows in tables.items() for row in rows for field, value in row.items() if isinstance(value, datetime)
    )
    return tables, local


TABLES, LOCAL = shown_tables()
KEYS = [str(row["id"]) for row in TABLES["customers"]]


def shop(rules: str) -> Case:
    """Rules for the shop that the reference shows."""
    return Case(
        file="reference", name="", rules=rules, schema=SCHEMA, tables=TABLES, local=LOCAL, as_of=AS_OF, params={}, expect={},
        overflow=None, diagnostics=(), warnings=None,
    )  # fmt: skip


def answers(rules: str) -> dict[str, list[Any]]:
    """What both engines say of rules; they must agree."""
    case = shop(rules)
    found = oracle(case)
    assert dict(kernel(case)) == found
    return found


def diagnostics_of(rules: str) -> list[Diagnostic]:
    """All that is said of rules: what cannot be read, or else mistakes and warnings."""
    file, unreadable = parse(rules)
    return [*unreadable, *check([file], SCHEMA)[1]] if not unreadable else list(unreadable)


def as_rules(example: str) -> str:
    """An example as a rule file: a condition is that of a segment."""
    return example if STATEMENT.match(example) else f"segment s when {example}"


def members(found: list[Any]) -> str:
    """The accounts of a segment as the reference lists them."""
    return ", ".join(key for key, member in zip(KEYS, found, strict=True) if member) or "nobody"


def choices(found: list[Any], listed: str) -> str:
    """The values of a choose or a collect as the reference lists them, in the order in which it does."""
    values = [part.partition(":")[0].strip() for part in listed.split(";")]
    wanted = [Decimal(value) if value[:1].isdigit() else value for value in values]
    lists = [given if isinstance(given, list) else [given] * (given is not None) for given in found]
    assert all(given == [value for value in wanted if value in given] for given in lists)
    same = [[key for key, given in zip(KEYS, lists, strict=True) if value in given] for value in wanted]
    return "; ".join(f"{value}: {', '.join(keys)}" for value, keys in zip(values, same, strict=True))


def hold_against_answers(block: str) -> None:
    """Hold what rules find against the answers beside them; every segment, choose and collect has one."""
    file, unreadable = parse(block)
    assert unreadable == ()
    found = answers(block)
    ends = [statement.span.start for statement in file.statements[1:]] + [len(block)]
    listed = 0
    for statement, end in zip(file.statements, ends, strict=True):
        answer = ANSWER.search(block, statement.span.start, end)
        name = statement.name.text
        if isinstance(statement, Segment):
            assert answer is not None, f"{name} has no answer beside it"
            assert f"{name}: {members(found[name])}" == f"{name}: {answer[1].strip()}"
        elif isinstance(statement, Choose | Collect):
            assert answer is not None, f"{name} has no answer beside it"
            assert choices(found[name], answer[1]) == answer[1].strip()
        listed += answer is not None
    assert listed == len(ANSWER.findall(block))


@pytest.mark.parametrize("block", RULES, ids=lambda block: block.split("\n")[0][:40])
def test_rules_give_the_answers_that_stand_beside_them(block: str) -> None:
    hold_against_answers(block)


TABLE_EXAMPLES = [
    (title, code(example), wanted)
    for title in ("Conditions", "Aggregates", "Time", "Arithmetic", "Functions")
    for *_, example, wanted in rows_of(section(title), "example", "holds for")
]


@pytest.mark.parametrize("title", ["Conditions", "Aggregates", "Time", "Arithmetic", "Functions"])
def test_examples_in_tables_hold_for_those_accounts(title: str) -> None:
    rows = [(example, wanted) for where, example, wanted in TABLE_EXAMPLES if where == title]
    base = FENCE.findall(section("Conditions"))[0][1] if title == "Conditions" else ""
    rules = base + "\n".join(f"segment example_{number} when {example}" for number, (example, _) in enumerate(rows))
    found = answers(rules)
    assert [(example, members(found[f"example_{number}"])) for number, (example, _) in enumerate(rows)] == rows


@pytest.mark.parametrize(("rules", "shown"), MISTAKES)
def test_mistakes_are_told_as_shown(rules: str, shown: str) -> None:
    assert render(diagnostics_of(rules), [Source("rules.seg", rules)]) == shown.rstrip("\n")


CODES = rows_of(section("Mistakes and warnings"), "message", "for example")


def test_the_table_of_codes_is_the_programs() -> None:
    assert all(row[2] for row in CODES)
    assert {row[0]: row[1] for row in CODES} == MESSAGES
    assert [row[0] for row in CODES] == list(MESSAGES)


@pytest.mark.parametrize(("number", "example"), [(row[0], code(row[2])) for row in CODES if "`" in row[2]])
def test_examples_of_codes_draw_them(number: str, example: str) -> None:
    assert number in [found.code for found in diagnostics_of(as_rules(example))]


def test_limits_are_the_defaults() -> None:
    rows = rows_of(section("Limits"), "limit", "default", "what it bounds", "error")
    defaults = Limits()
    assert {code(limit): int(default) for limit, default, _, _ in rows} == {
        name: getattr(defaults, name) for name in defaults.__struct_fields__
    }
    assert {error for *_, error in rows} == {number for number in MESSAGES if number.startswith("E90")}


def test_all_functions_are_described() -> None:
    text = section("Aggregates") + section("Missing values") + section("Functions") + section("Relative to the population")
    assert [each.name for each in FUNCTIONS.values() if not re.search(rf"`{each.name}\b", text)] == []


def test_all_types_are_listed() -> None:
    listed = {row[0] for row in rows_of(section("Types and literals"), "type", "literals", "notes")}
    assert listed == {*project.TYPES, "decimal", "list"} - {"whole"}


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("of the project", "project = {{ {} }}"), ("of a table", "tables.t = {{ {} }}"), ("of a link", "tables.t.links.l = {{ {} }}"),
        ("of a field", "tables.t.fields.f = {{ {} }}"),
    ],
)  # fmt: skip
def test_the_settings_of_a_project_are_the_programs(what: str, asked: str) -> None:
    _, problems = project.read(asked.format("qqqqqqqq = 1"))
    known = next(str(problem).split("; known are ")[1].split(", ") for problem in problems if "qqqqqqqq" in str(problem))
    rows = rows_of(section("The project file"), what, "")
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row[0])) == sorted(known)


def test_the_truth_tables_are_kleenes() -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", section("Missing values"), re.MULTILINE)
    cells = [[[cell.strip(" *") for cell in line.strip()[1:-1].split("|")] for line in table.splitlines()] for table in tables[:3]]
    for (head, _, *lines), combine in zip(cells[:2], (all_of, any_of), strict=True):
        shown = {(left, right): given for left, *given_all in lines for right, given in zip(head[1:], given_all, strict=True)}
        assert len(shown) == 9
        assert all(combine([TRUTHS[left], TRUTHS[right]]) is TRUTHS[given] for (left, right), given in shown.items())
    head, _, line = cells[2]
    assert [opposite(TRUTHS[truth]) for truth in head[1:]] == [TRUTHS[truth] for truth in line[1:]]


def test_the_conformance_pages_links_lead_to_files_that_are_there() -> None:
    page = FOLDER / "README.md"
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_links_on_the_page_lead_to_its_headings() -> None:
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", FENCE.sub("", REFERENCE), re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", REFERENCE)) <= anchors
