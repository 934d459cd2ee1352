"""The subset of regular expressions means the same to the engine and to the oracle, and what is outside of it is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdsl.regexes import NotRegular, canonical
from segkernel.data.lexicon import Lexicon
from segkernel.oracle.patterns import found_in, graph

TOKENS = st.sampled_from(
    [
        "a", "b", "é", "-", "^", "$", ".", "|", "(", ")", "(?:", "[", "]", "[^", "*", "+", "?", "{2}", "{1,2}", "{", "}", ",", " ", "\n",
        "&", "~", "\\d", "\\w", "\\s", "\\S", "\\W", "\\b", "\\.", "\\]", "\\-", "\\n", "a-c", "[a-c]", "[^b]", "[\\d-]", "(a|b)",
    ]
)  # fmt: skip
TOKEN_SALAD = st.lists(TOKENS, max_size=9).map("".join)
MEMBERS = st.sampled_from(["a", "b", "é", "a-c", "0-9", "À-ÿ", "\\d", "\\w", "\\s", "\\]", "\\n", "\\-", ".", "^", "$", "K"])
CLASSES = st.tuples(st.sampled_from(["[", "[^"]), st.lists(MEMBERS, min_size=1, max_size=4).map("".join)).map("".join).map("{}]".format)
ATOMS = st.one_of(
    st.sampled_from(["a", "b", "é", "1", "_", " ", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\n", "\\.", "\\$"]), CLASSES
)
EDGES = st.sampled_from(["^", "$", "\\b"])
REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}", "{1,3}?", "*?", "+?", "??"])


def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Patterns that are made of smaller ones: a group that is repeated, a row, alternatives; in each, edges too."""
    group = st.tuples(st.sampled_from(["(", "(?:"]), smaller, REPEATS).map(lambda each: f"{each[0]}{each[1]}){each[2]}")
    row = st.lists(st.one_of(smaller, group, EDGES), max_size=4).map("".join)
    return st.one_of(group, row, st.lists(smaller, min_size=2, max_size=3).map("|".join))


SOUND = st.recursive(st.tuples(ATOMS, REPEATS).map("".join), larger, max_leaves=8)
PATTERNS = st.one_of(TOKEN_SALAD, SOUND)
TEXTS = st.text(st.sampled_from("abcé1_- \n.]$&~\r\x1c٣K"), max_size=9)


def found_by_polars(texts: list[str], pattern: str) -> set[str]:
    """The texts in which the engine finds a pattern."""
    lexicon = Lexicon.of(texts)
    return {text for text, holds in zip(lexicon, lexicon.holding((), "matches", pattern), strict=True) if holds}


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_both_engines_find_the_same(pattern: str, texts: list[str]) -> None:
    try:
        canonical(pattern)
    except NotRegular:
        return
    assert {text for text in texts if found_in(pattern, text)} == found_by_polars(texts, pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?<=a)b", "look-around is not part of it"),
        ("(?P<x>a)", 'after "(?" only ":" can stand'),
        ("\\1", "back-references are not part of it"),
        ("\\p{L}", 'the escape "\\p" is not part of it'),
        ("a\\", "it ends in a backslash"),
        ("[]", "a class is empty"),
        ("[--b]", 'write "\\-" for the second "-" inside a class'),
        ("[a&&b]", 'write "\\&" for the second "&" inside a class'),
        ("(" * 51 + ")" * 51, "its groups are nested more than 50 deep"),
        ("[a-c-e]", 'write "\\-" for a "-" inside a class'),
        ("[[a]", 'write "\\[" for a bracket inside a class'),
        ("[a-\\d]", "a range inside a class goes from a character to a later one"),
        ("[\\", "a class is not closed"),
        ("a{2", 'write "\\{" for a bracket, or a repetition such as "{2,5}"'),
        ("a{3,2}", "a repetition goes from a number to one that is not smaller, up to 1,000"),
        ("a{1001}", "a repetition goes from a number to one that is not smaller, up to 1,000"),
        ("((a{100}){100}){100}", "it repeats too much"),
        ("^*", '"*" repeats nothing that can be repeated'),
        ("a**", '"*" repeats nothing that can be repeated'),
        ("a}", 'write "\\}" for a bracket'),
    ],
)
def test_what_is_outside_of_the_subset_is_told(pattern: str, problem: str) -> None:
    with pytest.raises(NotRegular) as told:
        canonical(pattern)
    assert str(told.value) == problem


def test_the_largest_patterns_are_run() -> None:
    text = "a" * 5_000
    deep = "(a|(b|" * 25 + "a" + ")+)+" * 25
    for pattern in (deep, "(?:.{1000}|\\w{1000}|[^é]{1000})", "([^é]{1000}){4}", "(.{1000}){4}", "(\\W|a){1000}", "a" * 1000):
        assert found_by_polars([text, ""], pattern) == {text}


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(a*)*b", "^(a|aa)+$", "(.*)*(.*)*(.*)*x", "((a?){20}){20}b", "^(\\w+\\s?)*$"])
def test_a_hostile_pattern_takes_the_oracle_no_longer_than_another(pattern: str) -> None:
    """Each of these takes time that doubles with every letter where alternatives are tried one after another."""
    assert not found_in(pattern, "a" * 400 + "!")
    assert found_by_polars(["a" * 400 + "!"], pattern) == set()


def test_the_oracle_makes_no_more_steps_than_a_pattern_says() -> None:
    assert len(graph("(a+)+$")[1]) == 4
    assert len(graph("((a?){20}){20}b")[1]) <= 1_000
    assert len(graph("(a|(b|" * 25 + "a" + ")+)+" * 25)[1]) <= 201


@pytest.mark.parametrize("pattern", [f"\\{sign}" for sign in "dDwWsSb"])
def test_sets_are_those_of_ascii_for_every_character_of_the_basic_plane(pattern: str) -> None:
    texts = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    assert {text for text in texts if found_in(pattern, text)} == found_by_polars(texts, pattern)
