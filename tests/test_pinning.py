"""Fields added to project files of any layout: the reader finds them, and everything else stays as it was."""

from __future__ import annotations

import tomllib

import pytest

from segdsl import SchemaError
from segdsl.pinning import Pin, type_text, with_pins
from segdsl.project import parse, type_of
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal, list_of

HEAD = '[project]\nroot = "c"\n\n# the accounts\n[tables.c]\nkey = "id" # their key\n'
PINS = {"c": {"id": Pin(WHOLE), "first name": Pin(TEXT), "é": Pin(decimal(2), 'x"\x7f')}}
LINES = [
    'id = { type = "whole number" }',
    '"first name" = { type = "text" }',
    '"é" = { type = "decimal(2)", column = "x\\"\\u007f" }',
]
TITLED = ["[tables.c.fields]", *LINES]
OTHER = '\n# another one\n[tables.d]\nkey = "id"\n'

LAYOUTS = {
    "a table without fields": (HEAD + OTHER, HEAD + "\n".join(TITLED) + "\n" + OTHER),
    "no line break at the end": (HEAD.rstrip("\n"), HEAD + "\n".join(TITLED) + "\n"),
    "a table with fields": (
        HEAD + '[tables.c.fields]\nx = { type = "date" }\n' + OTHER,
        HEAD + '[tables.c.fields]\nx = { type = "date" }\n' + "\n".join(LINES) + "\n" + OTHER,
    ),
    "an empty section": (HEAD + "[tables.c.fields]\n\n\n", HEAD + "\n".join(TITLED) + "\n\n\n"),
    "a section for each field": (
        HEAD + '[tables.c.fields.x]\ntype = "text"\nvalues = [\n  "a",\n]\n' + OTHER,
        HEAD + '[tables.c.fields.x]\ntype = "text"\nvalues = [\n  "a",\n]\n' + "\n".join(TITLED) + "\n" + OTHER,
    ),
    "links behind the fields": (
        HEAD + '[tables.c.fields]\nx = { type = "date" }\n[tables.c.links]\nd = { table = "d", by = "x" }\n' + OTHER,
        HEAD
        + '[tables.c.fields]\nx = { type = "date" }\n'
        + "\n".join(LINES)
        + '\n[tables.c.links]\nd = { table = "d", by = "x" }\n'
        + OTHER,
    ),
    "fields with dots": (
        HEAD + 'fields.x = { type = "date" }\n' + OTHER,
        HEAD + 'fields.x = { type = "date" }\n' + "\n".join(f"fields.{line}" for line in LINES) + "\n" + OTHER,
    ),
    "tables with dots": (
        'project.root = "c"\ntables.c.key = "id"\n',
        'project.root = "c"\ntables.c.key = "id"\n' + "\n".join(f"tables.c.fields.{line}" for line in LINES) + "\n",
    ),
    "a text that looks like a section": (
        HEAD + '[tables.c.fields]\nx = { type = "text", label = """\n[tables.d]\n[tables.c.fields]\n""" }\n',
        HEAD + '[tables.c.fields]\nx = { type = "text", label = """\n[tables.d]\n[tables.c.fields]\n""" }\n' + "\n".join(LINES) + "\n",
    ),
    "a text that looks like a broken section": (
        HEAD + '[tables.c.fields]\nx = { type = "text", label = """\n[not a head\n""" }\n',
        HEAD + '[tables.c.fields]\nx = { type = "text", label = """\n[not a head\n""" }\n' + "\n".join(LINES) + "\n",
    ),
    "quotes and spaces in the head": (
        HEAD + '[ tables . "c".fields ] # all of them\n' + OTHER,
        HEAD + '[ tables . "c".fields ] # all of them\n' + "\n".join(LINES) + "\n" + OTHER,
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_fields_are_added_where_a_person_would(layout: str, end: str, mark: str) -> None:
    before, after = (mark + text.replace("\n", end) for text in LAYOUTS[layout])
    assert with_pins(before, PINS) == after
    fields = parse(after).schema.tables["c"].fields
    assert {name: (spec.type, spec.column) for name, spec in fields.items() if name in PINS["c"]} == {
        name: (pin.type, pin.column) for name, pin in PINS["c"].items()
    }


def test_several_tables_and_none() -> None:
    text = with_pins(HEAD + OTHER, {"d": {"id": Pin(TEXT)}, "c": {"id": Pin(WHOLE)}})
    assert {name: list(table["fields"]) for name, table in tomllib.loads(text)["tables"].items()} == {"c": ["id"], "d": ["id"]}
    assert with_pins(HEAD, {}) == with_pins(HEAD, {"c": {}}) == HEAD


def test_fields_in_braces_are_for_a_person_to_change() -> None:
    with pytest.raises(SchemaError) as caught:
        with_pins(HEAD + 'fields = { x = { type = "date" } }\n', {"c": {"id": Pin(WHOLE)}}, "shop.toml")
    assert str(caught.value) == (
        'shop.toml: no line can be added to the fields of c, as they are written; add these by hand:\n    id = { type = "whole number" }'
    )


@pytest.mark.parametrize("type_", [TEXT, WHOLE, NUMBER, TRUTH, DATE, TIMESTAMP, DURATION, decimal(0), decimal(38), list_of(WHOLE)])
def test_types_are_written_as_they_are_read(type_: object) -> None:
    assert type_of(type_text(type_)) == type_
