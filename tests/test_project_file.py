"""Project files: what they give, and how every problem in them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from segdsl import Schema, SchemaError
from segdsl.project import LONGEST, Project, load, parse, read, type_of
from segdsl.schema import FieldSpec, Link
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal, list_of

WHOLE_FILE = """
[project]
root = "customers"
timezone = "Europe/Berlin"
rules = ["segments/*.seg"]
as_of = "2026-01-15T12:00"
silence = ["W104"]

[tables.customers]
source = "data/customers.parquet"
key = "customer_id"
[tables.customers.links]
company = { table = "companies", by = "company_id" }
parent = { table = "customers", by = "parent_id", relation = "children" }
[tables.customers.fields]
country = { type = "text", label = "Country", values = ["DE", "AT"] }
revenue = { type = "decimal(2)", unit = "EUR", column = "REV_AMT" }
birthday = { type = "date", usable = false }
industry = { type = "text", missing = "never" }

[tables.companies]
key = ["company_id"]

[tables.orders]
key = ["shop", "number"]
[tables.orders.links]
customer = { table = "customers", by = ["customer_id"], relation = false }
"""

HEAD = '[project]\nroot = "c"\n[tables.c]\nkey = "id"\n'


def test_a_whole_file() -> None:
    project = parse(WHOLE_FILE)
    assert (project.rules, project.as_of, project.silence) == (("segments/*.seg",), "2026-01-15T12:00", ("W104",))
    schema = project.schema
    assert (schema.root, schema.timezone) == ("customers", "Europe/Berlin")
    customers = schema.tables["customers"]
    assert (customers.source, customers.key) == ("data/customers.parquet", ("customer_id",))
    assert customers.links == {
        "company": Link("companies", ("company_id",)),
        "parent": Link("customers", ("parent_id",), "children"),
    }
    assert customers.fields == {
        "country": FieldSpec(TEXT, label="Country", values=("DE", "AT"), pinned=True),
        "revenue": FieldSpec(decimal(2), column="REV_AMT", unit="EUR", pinned=True),
        "birthday": FieldSpec(DATE, usable=False, pinned=True),
        "industry": FieldSpec(TEXT, nullable=False, never_missing=True, pinned=True),
    }
    assert schema.tables["orders"].key == ("shop", "number")
    assert list(schema.relations("customers")) == ["children"]


def test_a_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "segkernel.toml"
    path.write_text(WHOLE_FILE, encoding="utf-8")
    assert load(path) == parse(WHOLE_FILE)
    assert Schema.load(path) == Schema.parse(WHOLE_FILE) == parse(WHOLE_FILE).schema


def test_little_is_enough() -> None:
    assert parse('[project]\nroot = "c"\n[tables.c]\nkey = "id"') == Project(Schema.parse('[project]\nroot = "c"\n[tables.c]\nkey = "id"'))


@pytest.mark.parametrize(
    ("written", "as_of"),
    [
        ("2026-01-15", "2026-01-15"),
        ('"2026-01-15"', "2026-01-15"),
        ("2026-01-15T12:00:00", "2026-01-15T12:00:00"),
        ("2026-01-15T12:00:00Z", "2026-01-15T12:00:00+00:00"),
        ('"2026-01-15T12:00+01:00"', "2026-01-15T12:00+01:00"),
    ],
)
def test_the_instant_of_runs_as_toml_writes_times_or_as_text(written: str, as_of: str) -> None:
    assert parse(HEAD.replace("\n[", f"\nas_of = {written}\n[", 1)).as_of == as_of


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("text", TEXT),
        ("whole number", WHOLE),
        ("whole", WHOLE),
        ("number", NUMBER),
        ("decimal(0)", decimal(0)),
        ("decimal(12)", decimal(12)),
        ("yes/no", TRUTH),
        ("date", DATE),
        ("timestamp", TIMESTAMP),
        ("duration", DURATION),
        ("list of text", list_of(TEXT)),
        ("list of decimal(2)", list_of(decimal(2))),
        ("decimal(39)", None),
        ("list of list of text", None),
        ("list of duration", list_of(DURATION)),
        ("string", None),
        ("", None),
    ],
)
def test_types_as_a_schema_writes_them(text: str, type_: object) -> None:
    assert type_of(text) == type_


PROBLEMS = [
    ("", 'segkernel.toml: project.root: the table of the accounts is wanted: root = "customers"'),
    ('[project]\nroot = "cs"\n[tables.c]\nkey = "id"', 'segkernel.toml: project.root: there is no table "cs"; did you mean "c"?'),
    ('[project]\nroot = "shops"\n[tables.c]\nkey = "id"', 'segkernel.toml: project.root: there is no table "shops"; add [tables.shops]'),
    ('[project]\nroot = "c"\n[tables.c]', 'segkernel.toml: tables.c: the table of the accounts needs a key: key = "customer_id"'),
    (HEAD + "[projekt]", 'segkernel.toml: there is no setting "projekt"; did you mean "project"?'),
    (HEAD + "keys = 3", 'segkernel.toml: tables.c: there is no setting "keys"; did you mean "key"?'),
    (HEAD + "zebra = 3", 'segkernel.toml: tables.c: there is no setting "zebra"; known are source, key, links, fields, event_time'),
    (HEAD + "source = 3", "segkernel.toml: tables.c.source: a text is wanted, and this is 3"),
    (
        HEAD + 'event_time = "at"\nfields = { at = { type = "text" } }',
        'segkernel.toml: tables.c.event_time: a date or timestamp is wanted, and "at" is text',
    ),
    ("x = 1" + "0" * 5_000, "segkernel.toml: this is not TOML: a number has too many digits"),
    (HEAD.replace('"id"', '["id", "id"]'), 'segkernel.toml: tables.c.key: the column "id" is named twice'),
    (HEAD + "source = true", "segkernel.toml: tables.c.source: a text is wanted, and this is true"),
    (HEAD + "source = { path = 'x' }", "segkernel.toml: tables.c.source: a text is wanted, and this is a table"),
    (HEAD + "[tables.c.fields]\nx = {type = 3}", "segkernel.toml: tables.c.fields.x.type: a text is wanted, and this is 3"),
    (HEAD + "[tables.c.links]\nx = 3", "segkernel.toml: tables.c.links.x: a table of settings is wanted, and this is 3"),
    (HEAD + "event_time = 3", "segkernel.toml: tables.c.event_time: a text is wanted, and this is 3"),
    (HEAD + "[tables.c.fields]\nx = 3", "segkernel.toml: tables.c.fields.x: a table of settings is wanted, and this is 3"),
    (HEAD + '[tables.c.fields]\nx = {label = "X"}', 'segkernel.toml: tables.c.fields.x: a type is wanted: type = "text"'),
    (
        HEAD + '[tables.c.fields]\nx = {type = "string"}',
        'segkernel.toml: tables.c.fields.x.type: there is no type "string"; did you mean "text"?',
    ),
    (
        HEAD + '[tables.c.fields]\nx = {type = "zzzz"}',
        'segkernel.toml: tables.c.fields.x.type: there is no type "zzzz"; known are text, whole number, number, yes/no, date, timestamp, '
        "duration, decimal(2), list of text",
    ),
    (
        HEAD + '[tables.c.fields]\nx = {type = "date", values = ["a"]}',
        'segkernel.toml: tables.c.fields.x.values: a closed list is of texts, and the type is "date"',
    ),
    (
        HEAD + '[tables.c.fields]\nx = {type = "text", values = [1]}',
        "segkernel.toml: tables.c.fields.x.values: a list of texts is wanted, and this is a list",
    ),
    (
        HEAD + '[tables.c.fields]\nx = {type = "text", missing = "often"}',
        'segkernel.toml: tables.c.fields.x.missing: only missing = "never" can be said, and this is "often"',
    ),
    (
        HEAD + '[tables.c.fields]\nx = {type = "text", usable = "no"}',
        'segkernel.toml: tables.c.fields.x.usable: true or false is wanted, and this is "no"',
    ),
    (
        HEAD + '[tables.c.links]\nx = {table = "d", by = "id"}',
        'segkernel.toml: tables.c.links.x.table: there is no table "d"',
    ),
    (HEAD + '[tables.c.links]\nx = {table = "c"}', 'segkernel.toml: tables.c.links.x: `by` is wanted: by = "customer_id"'),
    (
        HEAD + '[tables.c.links]\nx = {table = "c", by = ["a", "b"]}',
        'segkernel.toml: tables.c.links.x.by: the key of "c" has 1 column (id), and this names 2',
    ),
    (
        HEAD + '[tables.c.links]\nx = {table = "c", by = "a", relation = 3}',
        "segkernel.toml: tables.c.links.x.relation: a name or false is wanted, and this is 3",
    ),
    (
        HEAD + '[tables.d]\n[tables.c.links]\nx = {table = "d", by = "a"}',
        'segkernel.toml: tables.c.links.x: the table "d" needs a key, for a link leads to it: key = "…" in [tables.d]',
    ),
    (
        HEAD.replace("\n[", '\ntimezone = "Mars"\n[', 1),
        'segkernel.toml: project.timezone: there is no timezone "Mars"; write one such as "Europe/Berlin" or "UTC"',
    ),
    (
        HEAD.replace("\n[", '\nas_of = "yesterday"\n[', 1),
        'segkernel.toml: project.as_of: a time such as "2026-01-15T12:00" is wanted, and this is "yesterday"',
    ),
    *(
        (
            HEAD.replace("\n[", f'\nas_of = "{time}"\n[', 1),
            f'segkernel.toml: project.as_of: a time such as "2026-01-15T12:00" is wanted, and this is "{time}"',
        )
        for time in ("2026-02-30", "0000-01-01", "0000-01-01T10:00", "0000-01-01T10:00Z", "2026-01-15T12:00+24:00", "2026-01-15T12:60")
    ),
    (
        HEAD.replace("\n[", '\nsilence = ["E201"]\n[', 1),
        "segkernel.toml: project.silence: E201 is a mistake, and mistakes cannot be silenced",
    ),
    (HEAD.replace("\n[", '\nsilence = ["quiet"]\n[', 1), 'segkernel.toml: project.silence: there is no warning "quiet"'),
]


# the words of the second half are those of the TOML reader, and differ between versions of Python
BROKEN = [
    ('[project]\nroot = "c\n', "segkernel.toml:2:10: this is not TOML: "),
    ("[project\n", "segkernel.toml:1:9: this is not TOML: "),
    ('[project]\nroot = "c"\nroot = "d"', "segkernel.toml:3:11: this is not TOML: "),
    ("a = [", "segkernel.toml:1:6: this is not TOML: "),
]


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_broken_toml_is_told_with_line_and_column(text: str, told: str) -> None:
    project, problems = read(text)
    assert project is None
    assert [str(problem)[: len(told)] for problem in problems] == [told]


@pytest.mark.parametrize(("text", "told"), PROBLEMS)
def test_a_problem_is_told(text: str, told: str) -> None:
    project, problems = read(text)
    assert project is None
    assert [str(problem) for problem in problems] == [told]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SchemaError) as raised:
        parse(HEAD + 'sorce = 3\n[tables.c.fields]\nx = {type = "string"}\ny = {typ = "text"}', "shop.toml")
    assert str(raised.value).splitlines() == [
        'shop.toml: tables.c: there is no setting "sorce"; did you mean "source"?',
        'shop.toml: tables.c.fields.x.type: there is no type "string"; did you mean "text"?',
        'shop.toml: tables.c.fields.y: there is no setting "typ"; did you mean "type"?',
        'shop.toml: tables.c.fields.y: a type is wanted: type = "text"',
    ]
    assert raised.value.problems[1].where == "shop.toml: tables.c.fields.x.type"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "segkernel.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SchemaError, match="not UTF-8 text"):
        load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "segkernel.toml"
    for call in (load, Schema.load):
        with pytest.raises(SchemaError) as caught:
            call(path)
        assert str(caught.value) == f"there is no file {path}; name the project's settings, such as shop/segkernel.toml"
    with pytest.raises(SchemaError) as caught:
        Schema.load(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a folder; name the settings in it: {path}"
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    with pytest.raises(SchemaError, match=r"^cannot read .*loop\.toml: Too many levels of symbolic links$"):
        Schema.load(loop)


def test_deep_nesting_is_a_problem_and_not_a_crash() -> None:
    deep = ["the settings are nested too deep"]
    for text in ("a = " + "[" * 100_000, "a" + ".a" * 100_000 + " = 1", "[a" + " . 'b'" * 100_000 + "]"):
        assert [problem.message for problem in read(text)[1]] == deep
    assert [problem.message for problem in read("#" * (LONGEST + 1))[1]] == ["the settings are longer than 4,194,304 characters"]
    assert type_of("list of " * 100_000) is None
