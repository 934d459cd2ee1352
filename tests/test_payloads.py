"""What other products were attacked with is refused where it is read, or stays the text that it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import segdsl
from segdsl import UnreadableForm, check, project, syntax
from segdsl.parser import parse
from tests.promises import PARAMS, told
from tests.shop import SHOP

PAYLOADS = tomllib.loads((Path(__file__).parent / "payloads.toml").read_text(encoding="utf-8"))["payloads"]


def of(*ways: str) -> list[Any]:
    chosen = [each for each in PAYLOADS if each["way"] in ways]
    return [pytest.param(each["text"] + each.get("then", "") * each.get("times", 1), id=each["name"]) for each in chosen]


def test_there_are_sixty_that_are_refused() -> None:
    assert len({each["name"] for each in PAYLOADS}) == len(PAYLOADS)
    assert sum(each["way"] in ("rule", "json", "param", "settings") for each in PAYLOADS) >= 60


@pytest.mark.parametrize("text", of("rule"))
def test_rule_text_is_refused_by_the_parser(text: str) -> None:
    mistakes = parse(text)[1]
    assert mistakes
    told(mistakes, text)


@pytest.mark.parametrize("text", of("check"))
def test_names_and_patterns_are_refused_by_the_checker(text: str) -> None:
    file, mistakes = parse(text)
    assert not mistakes
    rules, found = check((file,), SHOP)
    assert rules is None
    told(found, text)


@pytest.mark.parametrize("text", of("json"))
def test_json_is_refused(text: str) -> None:
    with pytest.raises(UnreadableForm):
        segdsl.from_json(text)


@pytest.mark.parametrize("text", of("param"))
def test_the_value_of_a_param_is_refused(text: str) -> None:
    file, _ = parse(PARAMS)
    for name in "abcefghij":
        rules, found = check((file,), SHOP, {name: text})
        assert rules is None
        assert {"E405"} == {each.code for each in found if each.severity == "error"}
    rules, _ = check((file,), SHOP, {"d": text})
    assert rules is not None
    assert getattr(rules.params["d"], "value", None) == text


@pytest.mark.parametrize("text", of("settings"))
def test_settings_are_refused(text: str) -> None:
    found, problems = project.read(text)
    assert found is None
    assert problems


@pytest.mark.parametrize("text", of("text", "rule", "json", "param", "settings"))
def test_in_a_text_it_is_a_text(text: str) -> None:
    literal = {"form": "text", "value": text}
    test = {"form": "compare", "op": "=", "left": {"form": "path", "parts": ["phone"]}, "right": literal}
    rule = {"form": "segment", "name": "a", "label": literal, "condition": test}
    written = segdsl.from_json(json.dumps({"version": 1, "rules": [rule]}))
    file, mistakes = parse(written)
    assert not mistakes
    (statement,) = file.statements
    assert isinstance(statement, syntax.Segment)
    assert statement.label is not None
    assert statement.label.value == text
    assert segdsl.from_json(segdsl.to_json(file)) == written
    rules, _ = check((file,), SHOP)
    assert rules is not None
    assert rules.segments["a"].label == text
    assert getattr(rules.segments["a"].condition, "right", None) is not None
    assert repr(text) in repr(rules.segments["a"].condition)
