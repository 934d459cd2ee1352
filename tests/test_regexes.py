"""The subset of regular expressions means the same to the engine and to the oracle, and what is outside of it is told."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdsl.regexes import NotRegular, canonical
from segkernel.data.matching import matching
from segkernel.oracle.functions import matches

TOKENS = st.sampled_from(
    [
        "a", "b", "é", "-", "^", "$", ".", "|", "(", ")", "(?:", "[", "]", "[^", "*", "+", "?", "{2}", "{1,2}", "{", "}", ",", " ", "\n",
        "&", "~", "\\d", "\\w", "\\s", "\\S", "\\W", "\\b", "\\.", "\\]", "\\-", "\\n", "a-c", "[a-c]", "[^b]", "[\\d-]", "(a|b)",
    ]
)  # fmt: skip
PATTERNS = st.lists(TOKENS, max_size=9).map("".join)
TEXTS = st.text(st.sampled_from("abcé1_- \n.]$&~\r\x1c٣"), max_size=7)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_both_engines_find_the_same(pattern: str, texts: list[str]) -> None:
    try:
        canonical(pattern)
    except NotRegular:
        return
    found = matching(texts, pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {text for text in texts if matches(text, pattern)} == found


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
        assert matching([text, ""], pattern) == {text}
    with pytest.raises(NotRegular, match="its groups are nested more than 50 deep"):
        canonical("(" * 51 + ")" * 51)
