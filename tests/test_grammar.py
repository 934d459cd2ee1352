"""The parser and `grammar.lark` say the same: equal trees where both accept, and neither accepts what the other refuses."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest
from lark import Lark

from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.syntax import bare
from tests import rule_texts
from tests.lark_trees import GRAMMAR, Beyond, read

EXAMPLES = (Path(__file__).parents[1] / "dsl" / "examples.seg").read_text(encoding="utf-8")
ROOMY = Limits(nesting=200, depth=2_000)

# One for every place where the grammar wants a word of its own and where a name could stand as well.
PLACES = """
param {} = 1
let {} = 1
let {} for {} = 1
segment {} when a
segment x when in segment {}
segment x when {}
segment x when not {} = 1
segment x when {}.{} = {}.{}
segment x when ({}) and -{} > 1
segment x when {} + {} * {} < {}
segment x when {}(a)
segment x when b = {}(a)
segment x when {}()
segment x when f({}, {})
segment x when a in {}
segment x when a not in {} ignoring case
segment x when a in {}(b)
segment x when a in ({}, {})
segment x when a in {}..{}
segment x when a in 5..{}
segment x when a in {} ago..{} from now
segment x when a in last {}
segment x when a in last 5 whole {}
segment x when a in next 5 {} months
segment x when a before {} ago
segment x when a after {}
segment x when a {} b
segment x when a within {} b
segment x when a within last {}
segment x when a within next 5 {}
segment x when a contains {}
segment x when a contains {} of (b)
segment x when a contains any of {}
segment x when a contains any of ({}, b)
segment x when a starts with {}
segment x when a ends {} b
segment x when a = {} ignoring case
segment x when a = b {} case
segment x when a = 5 {}
segment x when {} 2 of (a, b)
segment x when at {} 2 of ({}, b)
segment x when exactly 2 {} (a, b)
segment x when b = {} ago
segment x when b = 5 days {}
segment x when b = {} from {}
segment x when sum({} for {} where {} per {} by {} over {})
segment x when sum(a {} b)
segment x when sum(a per ({}, {}))
segment x when sum(a per ({}) * 2)
segment x when sum(a over ({}, b))
segment x when sum(a over {}.{})
choose x "l" "v" when {} 5 when {} otherwise "w"
""".strip().splitlines()
WORDS = [*rule_texts.SOFT_WORDS, "name", "`at`", "or", "not", "in", "missing", "when", "true", "5", '"t"', "(", "-"]


def agree(text: str) -> bool:
    """Whether both accept the text; fails where they differ."""
    tree, mistakes = parse(text, limits=ROOMY)
    wanted = read(text)
    if isinstance(wanted, Beyond):
        assert mistakes, f"{wanted.reason}: {text!r}"
        return False
    if wanted is None:
        assert mistakes, f"only the parser accepts {text!r}"
        return False
    assert not mistakes, f"only Lark accepts {text!r}: {mistakes[0].message}"
    assert bare(tree) == wanted, text
    return True


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    # Two reductions at once are an error; a shift beside a reduction is only logged.
    with caplog.at_level(logging.DEBUG, logger="lark"):
        Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", debug=True)
    assert not [record.message for record in caplog.records if "conflict" in record.message.lower()]


def test_the_examples_have_the_trees_that_lark_builds() -> None:
    assert agree(EXAMPLES)
    assert len(parse(EXAMPLES)[0].statements) == 99


@pytest.mark.parametrize("place", PLACES)
def test_every_word_in_every_position(place: str) -> None:
    accepted = sum(agree(place.replace("{}", word)) for word in WORDS)
    holes = place.count("{}")
    if holes > 1:
        source = random.Random(place)
        accepted += sum(agree(place.format(*source.choices(WORDS, k=holes))) for _ in range(40))
    assert accepted


def run(count: int, seed: int, reached: set[tuple[str, int]]) -> tuple[int, int]:
    source = random.Random(seed)
    accepted = refused = 0
    for number in range(count):
        parts = [
            part for _ in range(source.choice((1, 1, 2))) for part in rule_texts.statement(source, source.choice((8, 12, 16)), reached)
        ]
        if len(parts) > 300:
            continue
        if number % 2:
            parts = rule_texts.mutated(source, parts)
        text = rule_texts.joined(source, parts)
        if number % 8 == 7:
            text = rule_texts.respelt(source, text)
        if agree(text):
            accepted += 1
        else:
            refused += 1
    return accepted, refused


def test_random_texts_and_their_mutations() -> None:
    reached: set[tuple[str, int]] = set()
    accepted, refused = run(3_000, 1, reached)
    assert accepted > 1_000
    assert refused > 500
    assert len(rule_texts.alternatives() - reached) <= 3  # test_words.py has a statement for each of them


def test_mutations_of_the_examples() -> None:
    source = random.Random(2)
    statements = parse(EXAMPLES)[0].statements
    accepted = 0
    for statement in statements * 8:
        parts = rule_texts.split(EXAMPLES[statement.span.start : statement.span.end])
        accepted += agree(rule_texts.joined(source, rule_texts.mutated(source, parts)))
    assert 30 < accepted < 700


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_random_texts_and_their_mutations(seed: int) -> None:
    accepted, refused = run(10_000, seed, set())
    assert accepted > 3_000
    assert refused > 2_000
