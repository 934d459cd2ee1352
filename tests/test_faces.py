"""The three faces of rules: canonical text says the same and stays, comments keep their place, JSON loses nothing."""

from __future__ import annotations

import json
import re
import tomllib
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segdsl
from segdsl import UnreadableForm, UnreadableRules, form_schema, forms, syntax
from segdsl.layout import HARD, LINE, Remark, aligned, group, lay_out, row
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.syntax import bare
from tests import rule_texts
from tests.stack import with_little_stack

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("examples/**/*.seg"), ROOT / "dsl/examples.seg"])
CASES = [
    case["rules"] if "rules" in case else f"segment a when {case['when']}"
    for path in sorted((ROOT / "dsl/conformance").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
]
SCHEMA = json.loads((ROOT / "dsl/rules.schema.json").read_text(encoding="utf-8"))


def remarks(file: syntax.File) -> list[str]:
    return sorted(comment.text.rstrip() for comment in file.comments)


def holds(text: str) -> str:
    """Everything that is promised of a text that can be read; its canonical text."""
    before, mistakes = parse(text)
    assert not mistakes
    canonical = segdsl.format(text)
    after, wrong = parse(canonical)
    assert not wrong, (text, canonical, wrong)
    assert bare(after) == bare(before), (text, canonical)
    assert remarks(after) == remarks(before), (text, canonical)
    assert segdsl.format(canonical) == canonical, text
    assert segdsl.format(before) == canonical
    as_json = segdsl.to_json(text)
    assert segdsl.from_json(as_json) == canonical.replace("\r\n", "\n"), text
    assert not any(line != line.rstrip() for line in canonical.splitlines())
    return canonical


def commented(source: Random, parts: list[str]) -> str:
    """Tokens as text, with comments and line breaks where nobody would write them."""
    text = ""
    for number, part in enumerate(parts):
        gaps = [" "] * 12 + ["\n", "\n", "\n\n\n", f" # {number}\n", f"\n  # {number}\n"]
        text += source.choice(gaps) + part
    return text + source.choice(["", "\n", " # at the end", "\n# below\n\n"])


def random_text(seed: int) -> str | None:
    """A text that can be read, or None."""
    source = Random(seed)
    parts = [part for _ in range(source.choice((1, 2, 3))) for part in rule_texts.statement(source, source.choice((8, 12, 16)))]
    if len(parts) > 300:
        return None
    text = commented(source, parts) if seed % 3 else rule_texts.joined(source, parts)
    return None if parse(text)[1] else text


# ---- canonical text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_say_the_same_in_canonical_text(path: Path) -> None:
    lines = holds(path.read_text(encoding="utf-8")).splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith(("#", "segment "))] == []


def test_the_rules_of_the_examples_are_canonical() -> None:
    strangers = [
        path.name for path in FILES if path.parent.name == "segments" and segdsl.format(path.read_text("utf-8")) != path.read_text("utf-8")
    ]
    assert strangers == []


def test_conformance_rules_say_the_same_in_canonical_text() -> None:
    assert sum(holds(text) != text for text in CASES if not parse(text)[1]) > 200


def test_random_texts_say_the_same_in_canonical_text() -> None:
    assert sum(holds(text) != "" for seed in range(600) if (text := random_text(seed)) is not None) > 300


@pytest.mark.long
@pytest.mark.parametrize("start", range(1_000_000, 1_020_000, 2_000))
def test_many_random_texts_say_the_same_in_canonical_text(start: int) -> None:
    assert sum(holds(text) != "" for seed in range(start, start + 2_000) if (text := random_text(seed)) is not None) > 1_000


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_and_any_name_is_spelt_so_that_it_is_read_again(value: str) -> None:
    name = re.sub(r"[`\n]", "", value) or "x"
    made = {
        "form": "segment",
        "name": name,
        "label": {"form": "text", "value": value},
        "condition": {"form": "in segment", "segment": name},
    }
    try:
        text = segdsl.from_json(json.dumps({"version": 1, "rules": [made]}, ensure_ascii=False))
    except UnreadableForm:  # control characters in a name, or letters that are not composed
        return
    statement = parse(text)[0].statements[0]
    assert isinstance(statement, syntax.Segment)
    assert statement.name.text == name
    assert statement.label is not None
    assert statement.label.value == value


SHOWN = [
    ("segment   a when(x)=1", "segment a when x = 1\n"),
    ('segment a "A" when x = 1', 'segment a "A"\n  when x = 1\n'),
    ("segment a when x and y and not z", "segment a\n  when x\n   and y\n   and not z\n"),
    ("segment a when x and y or z", "segment a when x and y or z\n"),
    ("segment a when (x and y) or z", "segment a when x and y or z\n"),
    ("segment a when x and (y or z)", "segment a when x and (y or z)\n"),
    ("segment a when not(x = 1)", "segment a when not x = 1\n"),
    ("segment a when a-(b-c)-d*(e*f)", "segment a when a - (b - c) - d * (e * f)\n"),
    ("segment a when - (x + 1) < - 5", "segment a when -(x + 1) < -5\n"),
    ("param p = ( 1_000 , 2.50,-3 )", "param p = (1_000, 2.50, -3)\n"),
    ("param p = 1 days", "param p = 1 day\n"),
    ("let a='x'", 'let a = "x"\n'),
    ("let a='say \"x\"'", "let a = 'say \"x\"'\n"),
    ('let a="\\u00e9\\u200b\\t\\\\"', 'let a = "é\\u200b\\t\\\\"\n'),
    ("let `when` for `orders` = `at`(5)", "let `when` for orders = `at`(5)\n"),
    ("let `today` = `now` > now let b = `year` in `last`", "let `today` = `now` > now\nlet b = year in `last`\n"),
    ("let a = `exactly` let b = x in `last` ", "let a = `exactly`\nlet b = x in `last`\n"),
    ("let a = x in `next`..5 let b = x contains `any`", "let a = x in `next`..5\nlet b = x contains `any`\n"),
    ("let a = sum(x over `all`) let b = sum(x over (`all`,b))", "let a = sum(x over `all`)\nlet b = sum(x over (all, b))\n"),
    ('choose c 1 when x 20 when y otherwise 3', "choose c\n  1         when x\n  20        when y\n  otherwise 3\n"),
    ('collect c "L" "a" when x "long" when y', 'collect c "L"\n  "a"    when x\n  "long" when y\n'),
    ("let a = 1\n\n\n\nlet b = 2\nlet c = 3", "let a = 1\n\nlet b = 2\nlet c = 3\n"),
    ("let a = max(sum(x per (b,c * 2)) over(d , e))", "let a = max(sum(x per (b, c * 2)) over (d, e))\n"),
    ("let a = last(x where y by t for z)", "let a = last(x for z where y by t)\n"),
    ("let a = x within last quiet let b = quiet from now", "let a = x within last quiet\nlet b = quiet from now\n"),
    ("", ""),
    ("\n\n# only a comment\n\n\n", "# only a comment\n"),
    ("\ufefflet a = 1", "let a = 1\n"),
    ("let a = 1\r\nlet b = 2", "let a = 1\r\nlet b = 2\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), SHOWN)
def test_how_forms_are_written(text: str, canonical: str) -> None:
    assert holds(text) == canonical


LONG = """\
segment lapsed_buyers "Bought much, and nothing since"
  when any(order_lines
           where product.category in ("printers", "scanners", "copiers")
             and order.placed_at before 90 days ago
             and quantity > 1)
   and sum(orders.total where status = "complete" and placed_at in this year)
         > 120% * sum(orders.total where status = "complete" and placed_at in last year)
   and (last_login_at before 2 weeks ago and newsletter
     or last_login_at is missing
          and country not in ("NL", "BE", "DE", "FR", "AT", "CH", "LU", "IT", "ES", "PT", "DK",
                              "SE", "NO"))

let shipped_to_the_us for orders =
  status = "complete" and placed_at in this year and shipping_address.country = "US" and paid = true

let score =
  if(newsletter, 10, 0)
  + if(employees > 50, 20, 0)
  + if(any(visits where at within last 7 days), 15, 0)
  + if(is_key_account, 40, 0)

choose size "Size"
  "large" when employees >= 250
            or annual_revenue > 50_000_000 and country in ("NL", "BE") and not is_subsidiary and old
  "small" when employees < 250
"""


def test_how_long_rules_are_broken_into_lines() -> None:
    assert holds(LONG) == LONG
    assert holds(" ".join(LONG.split())) == LONG.replace("\n\n", "\n")


COMMENTS = """\
# The file's own comment.

# About the param,
# in two lines.
param quiet = 90 days  # what we call quiet

segment idle "Idle"  # the first line
  # before the condition
  when last_login_at before quiet ago  # since when
       # nobody else
   and none(orders where done)

param some = ("a",  # the first
              # of the second
              "b")

choose tier "Tier"
  # the best
  "gold"    when in segment idle  # ironically
  otherwise "none"                # the rest

# below
"""


def test_comments_keep_their_place() -> None:
    assert holds(COMMENTS.replace('"none"                #', '"none" #')) == COMMENTS.replace('"none"                #', '"none"  #')


def test_comments_inside_a_line_go_above_what_holds_it() -> None:
    assert holds("segment a when x = # why\n 1 and b") == "segment a\n  # why\n  when x = 1 and b\n"
    assert holds("let a # why\n = 1") == "# why\nlet a = 1\n"
    assert holds("segment a when any(x where y # why\n ) > 5") == "segment a\n  # why\n  when any(x where y) > 5\n"
    assert holds("segment a when any(x where y # why\n )") == "segment a when any(x where y)  # why\n"


def test_a_text_with_mistakes_has_no_canonical_form() -> None:
    with pytest.raises(UnreadableRules, match=r"mine.seg:1:18: error\[E111\]") as caught:
        segdsl.format("segment a when x ==\nsegment b when", "mine.seg")
    assert len(caught.value.diagnostics) == 2


def test_a_tree_without_a_text_is_written_as_well() -> None:
    tree = parse("# why\nparam a = 50_000\nlet b = 10% # c\n")[0]
    assert segdsl.format(syntax.File(tree.statements, tree.comments)) == "# why\nparam a = 50000\nlet b = 10%\n# c\n"


def test_a_line_ends_only_where_what_follows_does_not_fit_either() -> None:
    document = row(group("f(", aligned("aaaa", LINE, "bbbb"), ")"), " = 1")
    assert lay_out(document, 16) == "f(aaaa bbbb) = 1"
    assert lay_out(document, 15) == "f(aaaa\n  bbbb) = 1"


def test_a_comment_on_a_line_of_its_own_begins_it() -> None:
    assert lay_out(row(Remark("# a"), HARD, "b", Remark("# c"), Remark("# d"))) == "# a\nb  # c\n# d"


DEEP = [
    ("a or b and c = d + e * f(", "a", ")", 42),
    ("f(", "a", ") * e + d = c and b or a", 42),
    ("not (a or b and ", "a", ")", 32),
    ("at least 1 of (a or b and c in (f(", "a", ")))", 21),
]


@pytest.mark.parametrize(("begin", "middle", "end", "times"), DEEP)
def test_rules_as_deep_as_the_limits_allow(begin: str, middle: str, end: str, times: int) -> None:
    text = f"segment s when {begin * times}{middle}{end * times}"
    assert not parse(text)[1]
    assert segdsl.from_json(segdsl.to_json(text)) == segdsl.format(text)


def test_a_nearly_used_up_stack_gives_a_diagnostic() -> None:
    tree = parse("segment s when " + "f(a or b and not (" * 20 + "a" + "))" * 20)[0]

    for face in (segdsl.format, segdsl.to_json):
        with pytest.raises(UnreadableRules) as caught:
            with_little_stack(60, partial(face, tree))
        assert [found.code for found in caught.value.diagnostics] == ["E907"]
    with pytest.raises(UnreadableForm, match="nested too deep"):
        with_little_stack(60, partial(segdsl.from_json, segdsl.to_json(tree)))


# ---- JSON


def test_the_schema_in_the_repository_is_that_of_the_classes() -> None:
    assert (ROOT / "dsl/rules.schema.json").read_bytes() == form_schema.schema()


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value fits the part of JSON Schema that the file uses."""
    if "$ref" in schema and not fits(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]):
        return False
    if "anyOf" in schema and not any(fits(value, each) for each in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds: dict[str, type[Any]] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(fits(item, schema.get("items", {})) for item in value)
    if isinstance(value, dict) and schema.get("type") == "object":
        known = schema["properties"]
        return set(schema.get("required", ())) <= set(value) <= set(known) and all(fits(item, known[key]) for key, item in value.items())
    return True


def test_the_json_of_rules_fits_the_schema() -> None:
    for path in FILES:
        assert fits(json.loads(segdsl.to_json(path.read_text(encoding="utf-8"))), SCHEMA), path
    assert not fits({"version": 2, "rules": []}, SCHEMA)
    assert not fits({"version": 1, "rules": [{"form": "param", "name": "a`", "value": {"form": "truth", "value": True}}]}, SCHEMA)


def test_what_json_looks_like() -> None:
    text = '# Vips.\nsegment vip "Vips"\n  when sum(orders.total where done) >= 50_000  # a lot\n'
    path = {"form": "path", "parts": ["orders", "total"]}
    call = {"form": "call", "name": "sum", "arguments": [path], "where": {"form": "path", "parts": ["done"]}}
    number = {"form": "number", "text": "50_000"}
    condition = {"form": "compare", "beside": "# a lot", "op": ">=", "left": call, "right": number}
    assert json.loads(segdsl.to_json(text)) == {
        "version": 1,
        "rules": [
            {"form": "segment", "above": ["# Vips."], "name": "vip", "condition": condition, "label": {"form": "text", "value": "Vips"}}
        ],
    }
    assert segdsl.from_json(segdsl.to_json(text)) == text


def rules(*made: dict[str, Any], **more: Any) -> str:
    return json.dumps({"version": 1, "rules": made, **more})


def let(**value: Any) -> dict[str, Any]:
    return {"form": "let", "name": "a", "value": value}


A = {"form": "path", "parts": ["a"]}
WRONG = [
    ("{", "$", "truncated"),
    ("[]", "$", "expected `object`"),
    ('{"rules": []}', "$", "`version`"),
    ('{"version": 2, "rules": []}', "$.version", "reads version 1"),
    (rules({"form": "rule"}), "$.rules[0].form", "no form called 'rule'"),
    (rules({"form": "let", "name": "a"}), "$.rules[0]", "`value`"),
    (rules(let(form="truth", value=1)), "$.rules[0].value.value", "`bool`"),
    (rules(let(form="truth", value=True, note="")), "$.rules[0].value", "unknown field `note`"),
    (rules(let(form="compare", op="==", left=A, right=A)), "$.rules[0].value.op", "'==' cannot stand here"),
    (rules(let(form="and", terms=[A])), "$.rules[0].value.terms", "length >= 2"),
    (rules(let(form="number", text="5 or x")), "$.rules[0].value.text", "not written as the schema asks"),
    (rules(let(form="number", text="5\n")), "$.rules[0].value.text", "not written as the schema asks"),
    (rules(let(form="path", parts=["a`b"])), "$.rules[0].value.parts[0]", "not written as the schema asks"),
    (rules({**let(**A), "beside": "no comment"}), "$.rules[0].beside", "not written as the schema asks"),
    (rules({**let(**A), "above": ["# a\nlet b = 1"]}), "$.rules[0].above[0]", "not written as the schema asks"),
    (rules(let(**A), below=["let b = 1"]), "$.below[0]", "not written as the schema asks"),
    (rules(let(**A), let(form="date", text="2026-02-30")), "$.rules[1]", 'no date "2026-02-30"'),
    (rules(let(form="number", text="007")), "$.rules[0]", "begins with a zero"),
    (rules(let(form="in period", left=A, period={"form": "period", "which": "this", "text": "2026"})), "$.rules[0]", "something else"),
    (rules(let(form="call", name="f", arguments=[A], over={"form": "groups", "everyone": False})), "$.rules[0]", "something else"),
    (rules(let(form="text test", kind="contains any", left=A, right={"form": "truth", "value": True})), "$.rules[0]", "list"),
    (rules({"form": "param", "name": "e\u0301", "value": {"form": "truth", "value": True}}), "$.rules[0]", "something else"),
    (rules(let(form="call", name="f", arguments=[A], over={"form": "groups", "everyone": True, "paths": [A]})), "$.rules[0]", "else"),
    (rules(let(form="in period", left=A, period={"form": "period", "which": "year", "text": "2026", "count": "5"})), "$.rules[0]", "else"),
    ("[" * 100_000, "$", "nested more than"),
    ('{"version": 1, "rules": [{"form": "let", "name": "a", "value": ' + '{"form": "not", "term": ' * 500, "$", ""),
    ('{"a":' * 100_000, "$", "nested more than"),
    ('{"version": 1, "rules": [], "x": "' + "[" * 100_000, "$", "unknown field"),
    (b"\xff", "$", "malformed"),
    (b'"\xff"', "$", ""),
    (b'{"\xff": 1}', "$", "not UTF-8 text (byte 1)"),
    ("\ud800", "$", "malformed"),
    (rules(let(form="text", value="\ud800")), "$", ""),
]  # fmt: skip


@pytest.mark.parametrize(("data", "path", "said"), WRONG)
def test_json_that_is_no_form_of_rules(data: str | bytes, path: str, said: str) -> None:
    with pytest.raises(UnreadableForm) as caught:
        segdsl.from_json(data)
    assert caught.value.path == path
    assert said in caught.value.message
    assert str(caught.value) == f"{path}: {caught.value.message}"


def test_json_over_the_limits() -> None:
    with pytest.raises(UnreadableForm, match="longer than 80 bytes"):
        segdsl.from_json(rules(let(**A)), Limits(source=10))
    with pytest.raises(UnreadableForm, match=r"\$.rules\[0\]: this list holds more than 2 items"):
        segdsl.from_json(segdsl.to_json("let a = x in (1, 2, 3)"), Limits(items=2))
    with pytest.raises(UnreadableForm, match=r"\$: there are more than 1 statements"):
        segdsl.from_json(rules(let(**A), {**let(**A), "name": "b"}), Limits(statements=1))


def test_comments_in_json_are_kept_wherever_they_stand() -> None:
    name = {**A, "above": ["# 1"], "beside": "# 2"}
    test = {"form": "compare", "op": "=", "left": name, "right": {**A, "above": ["# 3"], "beside": "# 4"}, "above": ["# 5"]}
    case = {"form": "case", "value": {"form": "truth", "value": True, "beside": "# 6"}, "condition": test, "beside": "# 7"}
    text = segdsl.from_json(rules({"form": "choose", "name": "c", "cases": [case], "beside": "# 8"}, below=["", "# 9"]))
    assert remarks(parse(text)[0]) == [f"# {number}" for number in range(1, 10)]
    assert segdsl.format(text) == text


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in JSON: what holds it, and its key."""
    found: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += [(value, key), *places(inner)]
    return found


def test_json_that_was_tampered_with_is_refused_or_reads_as_it_says() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    refused = 0
    for seed in range(1_500):
        source = Random(seed)
        tree = json.loads(segdsl.to_json(random_text(seed) or "let a = 1" if seed % 30 else source.choice(texts)))
        for _ in range(source.choice((1, 1, 2, 4))):
            if not (known := places(tree)):
                break
            holder, key = source.choice(known)
            other, at = source.choice(known)
            change = source.randrange(5)
            if change == 0:
                holder.pop(key, None) if isinstance(holder, dict) else holder.pop(key)
            elif change == 1:
                holder[key] = json.loads(json.dumps(other[at]))
            elif change == 2:
                holder[key] = source.choice([None, True, -1, 1e300, "", "#", "# a", "5", "last", "year", "at", "x y", "\n", [], {}, [""]])
            elif change == 3 and isinstance(holder.get(key) if isinstance(holder, dict) else holder[key], str):
                cut = source.randrange(len(holder[key]) + 1)
                holder[key] = holder[key][:cut] + source.choice(["`", '"', "\n", "\\", "#", " ", "5", "\x00", "é", ""]) + holder[key][cut:]
            elif isinstance(holder, dict):
                holder[source.choice(["above", "beside", "form", "negated", "x"])] = source.choice([["# a"], "# b", "and", True])
        try:
            text = segdsl.from_json(json.dumps(tree))
        except UnreadableForm:
            refused += 1
        else:
            assert segdsl.format(text) == text
            assert not parse(text)[1]
    assert 500 < refused < 1_490


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableForm, match=r"^\$: "):
        segdsl.from_json(data)


def test_every_form_of_the_tree_has_a_form_in_json() -> None:
    left_out = {"Name", "Node"}
    kinds = {name for name, kind in vars(syntax).items() if isinstance(kind, type) and issubclass(kind, syntax.Node)}
    assert kinds - left_out == {name for name, kind in vars(forms).items() if isinstance(kind, type) and issubclass(kind, forms.Form)} - {
        "Form"
    }


def test_the_reference_shows_what_the_three_faces_are() -> None:
    section = (ROOT / "dsl/README.md").read_text(encoding="utf-8").partition("\n## Forms\n")[2].partition("\n## ")[0]
    rough, canonical, written, as_json = re.findall(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert holds(rough) == canonical
    assert segdsl.to_json(written) == as_json
