"""What holds for any input whatever: diagnostics and never an exception, and texts that are read again as what they were.

One function for each way in: rule text, JSON, the value of a param, the settings of a project, a regular expression. Each raises
`Broken` where a promise is, and lets every exception through that is no answer to a user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

import segdsl
from segdsl import Diagnostic, Schema, Source, UnreadableForm, as_dicts, project, render
from segdsl.parser import parse
from segdsl.regexes import NotRegular, canonical
from segdsl.schema import Table
from segdsl.syntax import bare
from segkernel import meaning
from segkernel.plan import plan
from tests.shop import SHOP

ROOT = Path(__file__).parents[1]
B2B = Schema.load(ROOT / "examples/b2b/segkernel.toml")
EMPTY = Schema(root="customers", tables={"customers": Table()})
SCHEMAS = (SHOP, B2B, EMPTY)
PARAMS = """
param a = 50_000
param b = 0.25
param c = 10%
param d = "text"
param e = 2026-03-01
param f = 2026-03-01T14:30
param g = 90 days
param h = true
param i = ("a", "b")
param j = (1, 2.5)
segment s when a > b or today = e
"""


class Broken(Exception):
    """A promise that an input breaks, in words."""


def told(diagnostics: Sequence[Diagnostic], text: str, name: str = "rules.seg") -> None:
    """Whether diagnostics can be shown, and point into the text."""
    sources = (Source(name, text),)
    shown = render(diagnostics, sources)
    if not all(line.isprintable() or "\u200d" in line or "\u00a0" in line for line in shown.split("\n")):
        raise Broken("a message moves the cursor")
    as_dicts(diagnostics, sources)
    for found in diagnostics:
        if not (0 <= found.span.start <= found.span.end <= len(text) or found.span.source):
            raise Broken(f"{found.code} points outside the text")


def rules(text: str) -> None:
    """Rule text: what is read has a canonical text and a JSON form that say the same, and can be checked against any schema."""
    file, mistakes = parse(text)
    told(mistakes, text)
    for schema in SCHEMAS:
        tree, found = segdsl.check((file,), schema)
        told(found, text)
        if tree is None and not any(each.severity == "error" for each in found):
            raise Broken("rules refused without a mistake")
        if tree is not None and not mistakes:
            meaning.fingerprint(tree, tree.names)
            plan(tree, unknowns=True)
    if mistakes:
        return
    shaped = segdsl.format(text)
    again, wrong = parse(shaped)
    if wrong:
        raise Broken(f"the canonical text is refused: {wrong[0].message}")
    if bare(again) != bare(file):
        raise Broken("the canonical text says something else")
    if segdsl.format(shaped) != shaped:
        raise Broken("the canonical text has another canonical text")
    if segdsl.from_json(segdsl.to_json(text)) != shaped.replace("\r\n", "\n"):
        raise Broken("by way of JSON the text is another")


def json(text: str) -> None:
    """JSON: refused with a place, or rules whose canonical text stays."""
    try:
        shaped = segdsl.from_json(text.encode("utf-8", "surrogatepass"))
    except UnreadableForm as refused:
        if not refused.path.startswith("$"):
            raise Broken(f"no place in the JSON: {refused.path}") from None
        return
    if parse(shaped)[1]:
        raise Broken("the text of the JSON is refused")
    if segdsl.format(shaped) != shaped or segdsl.from_json(segdsl.to_json(shaped)) != shaped:
        raise Broken("the text of the JSON is not canonical")


def param(text: str) -> None:
    """The value of a param, given as text to params of every kind."""
    file, mistakes = parse(PARAMS)
    assert not mistakes
    for name in "abcdefghij":
        for schema in (SHOP, EMPTY):
            tree, found = segdsl.check((file,), schema, {name: text})
            told(found, PARAMS)
            if tree is None and not any(each.code == "E405" for each in found):
                raise Broken(f"param {name} is refused without a word on its value")
            if tree is not None and name == "d" and getattr(tree.params["d"], "value", None) != text:
                raise Broken("a text is another")
    tree, found = segdsl.check((file,), SHOP, {text: 1})
    told(found, PARAMS)
    if tree is not None and text not in ("a", "b", "c", "j"):
        raise Broken("a param that no rule has is taken")


def settings(text: str) -> None:
    """The settings of a project: problems with their places, or a schema that rules can be checked against."""
    found, problems = project.read(text)
    for problem in problems:
        str(problem)
    if found is None:
        if not problems:
            raise Broken("settings are refused without a problem")
        return
    if found.as_of is not None and not isinstance(found.as_of, str):
        raise Broken("the instant is no text")
    file = parse("segment s when country = 'DE' and count(orders) > 1 and birthday before today and any(orders where total > 5)")[0]
    told(segdsl.check((file,), found.schema)[1], file.text)
    for table in found.schema.tables:
        found.schema.relations(table)


def pattern(text: str) -> None:
    """A regular expression: refused in words, or one that the engine takes; no rule text holds half of a pair."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    try:
        made = canonical(text)
    except NotRegular as refused:
        if not str(refused):
            raise Broken("a pattern is refused without a word") from None
        return
    if len(text) <= 1_000:
        pl.Series(["x"]).str.contains(made)


WAYS: dict[str, Callable[[str], None]] = {"rules": rules, "json": json, "param": param, "settings": settings, "pattern": pattern}
