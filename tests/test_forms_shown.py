"""Every form of the grammar stands in an example of the language reference: each alternative of each of its rules is used to read one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lark import Lark
from lark.exceptions import LarkError

from segdsl import check, parse, project
from tests.lark_trees import GRAMMAR
from tests.test_reference import CODES, FENCE, REFERENCE, RULES, as_rules, code, rows_of, section

DSL = Path(__file__).parents[1] / "dsl"
SHOWN_NOWHERE = {"call -> NAME ( )"}
"""Only a function of the host's can have no arguments, and the page's rules have none."""


def examples() -> list[str]:
    """All rules of the page that a parser reads: in blocks, in tables, and, of the mistakes, those that come after reading."""
    titles = re.findall(r"^## (.*)$", FENCE.sub("", REFERENCE), re.MULTILINE)
    rows = [example for title in titles for *_, example, _ in rows_of(section(title), "example", "holds for")]
    return RULES + [as_rules(code(example)) for example in rows]


def mistaken() -> list[str]:
    """The rules of the table of mistakes."""
    return [as_rules(code(row[2])) for row in CODES if "`" in row[2]]


def test_the_ninety_nine_statements_are_rules_of_their_tables() -> None:
    file, unreadable = parse((DSL / "examples.seg").read_text(encoding="utf-8"))
    rules, found = check([file], project.load(DSL / "examples.toml").schema)
    assert unreadable == ()
    assert [each for each in found if each.severity == "error"] == []
    assert rules is not None
    assert len(file.statements) == 99


def form(rule: Any) -> str:
    """An alternative of a rule; one without what is repeated, however often, is the same as one with it."""
    signs = {"LPAR": "(", "RPAR": ")", "COMMA": ","}
    parts = [signs.get(symbol.name, symbol.name) for symbol in rule.expansion if not symbol.name.startswith("__")]
    name = re.sub(r"_(star|plus)_\d+$", "", rule.origin.name.removeprefix("__"))
    return f"{name} -> {' '.join(parts)}"


def test_every_form_of_the_grammar_is_shown() -> None:
    lark = Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", maybe_placeholders=False)
    callbacks = lark.parser.parser.parser.callbacks
    shown: set[str] = set()
    reading: set[str] = set()

    def noting(rule: Any, make: Any) -> Any:
        def noted(children: list[Any]) -> Any:
            reading.add(form(rule))
            return make(children)

        return noted

    for rule, make in list(callbacks.items()):
        callbacks[rule] = noting(rule, make)
    for text in examples():
        lark.parse(text)
    shown |= reading
    for text in mistaken():
        reading.clear()
        try:
            lark.parse(text)
        except LarkError:
            continue
        shown |= reading
    assert {form(rule) for rule in callbacks} - shown == SHOWN_NOWHERE
