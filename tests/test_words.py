"""Every word of the language, and every kind of token, in every position of every form: the parser and `grammar.lark` agree."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from segdsl.functions import FUNCTIONS
from segdsl.lexer import RESERVED, SOFT, UNITS
from tests import rule_texts
from tests.test_grammar import agree

OTHERS = [
    "name", "`at`", "país", "a.b", "5", "0.25", "1e6", "-5", "10%", '"t"', "2026-03-01", "2026-03", "2026-03-01T14:30", "2026-3-1", "010",
    "90 days", "2 weeks ago", "(a, b)", "f(a)", "=", "==", "!=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "(", ")", "((", "))", ",",
    ".", "..", "...", "&&", "||", "!", "[", "]", "{", "}", ":", ";", "`", '"', "#", "\\", "$", "@", "?", "%", "AND", "Segment", "is not",
    "not in", "at least 1 of", "ignoring case",
]  # fmt: skip
WORDS = sorted({*RESERVED, *SOFT, *UNITS, *FUNCTIONS, *OTHERS})


STATEMENTS = rule_texts.covering()


def changed(parts: list[str]) -> Iterator[str]:
    """A statement with each of its tokens replaced by each word, and with each word put before it."""
    for at in range(len(parts)):
        for word in WORDS:
            yield " ".join([*parts[:at], word, *parts[at + 1 :]])
            yield " ".join([*parts[:at], word, *parts[at:]])


def test_the_statements_hold_every_word_and_are_read() -> None:
    assert {part for parts in STATEMENTS for part in parts} >= RESERVED | SOFT
    assert sum(agree(" ".join(parts)) for parts in STATEMENTS) > len(rule_texts.alternatives()) - 15 >= 150


def test_a_share_of_every_word_in_every_position() -> None:
    texts = [text for parts in STATEMENTS for text in changed(parts)]
    accepted = sum(agree(text) for text in random.Random(1).sample(texts, 4_000))
    assert 200 < accepted < 3_800


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_every_word_in_every_position(number: int) -> None:
    texts = list(changed(STATEMENTS[number]))
    accepted = sum(agree(text) for text in texts)
    assert 0 < accepted < len(texts)
