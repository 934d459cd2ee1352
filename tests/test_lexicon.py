"""Tests and functions of many texts at once give what Python gives for each text alone."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdsl.texts import RESPELLINGS
from segdsl.typesystem import TEXT
from segkernel.data import texts as binding
from segkernel.data.lexicon import Lexicon, pairs_hold

CHARACTERS = st.sampled_from("abAB .%_\\\0ßẞİıΣςσéÉ\u0301ﬁ日🙂\uffff\u00a0\u2003\x85\x1c")
SOME = st.one_of(st.text(CHARACTERS, max_size=6), st.text(max_size=4))
MANY = st.lists(SOME, max_size=30)
CHAINS = st.sampled_from([(), ("lower",), ("upper",), ("trim",), ("folded",), ("trim", "upper"), ("lower", "folded")])
TESTS: dict[str, Callable[[str, str], bool]] = {"contains": operator.contains, "starts": str.startswith, "ends": str.endswith}


def after(text: str, functions: tuple[str, ...]) -> str:
    """What functions make of one text."""
    for function in functions:
        text = RESPELLINGS[function](text)
    return text


@given(MANY, CHAINS, st.sampled_from(sorted(TESTS)), SOME)
@settings(deadline=None)
def test_tests_of_texts(texts: list[str], functions: tuple[str, ...], test: str, pattern: str) -> None:
    lexicon = Lexicon.of([*texts, pattern + "x"])
    assert lexicon.holding(functions, test, pattern).tolist() == [TESTS[test](after(text, functions), pattern) for text in lexicon]


@given(MANY, CHAINS, st.none() | SOME, st.none() | SOME, st.booleans(), MANY)
@settings(deadline=None)
def test_ranges_and_lists(
    texts: list[str], functions: tuple[str, ...], low: str | None, high: str | None, out: bool, among: list[str]
) -> None:
    lexicon = Lexicon.of(texts)
    made = [after(text, functions) for text in lexicon]
    inside = [(low is None or low <= text) and (high is None or text < high) for text in made]
    assert lexicon.holding(functions, "range", (low, high, out)).tolist() == [each is not out for each in inside]
    assert lexicon.holding(functions, "among", (*among, *texts[:2])).tolist() == [text in (*among, *texts[:2]) for text in made]


@given(MANY, st.none() | st.integers(-3, 9) | st.sampled_from([10**30, -(10**30)]), st.none() | st.integers(-3, 9), st.booleans())
@settings(deadline=None)
def test_lengths(texts: list[str], low: int | None, high: int | None, out: bool) -> None:
    lexicon = Lexicon.of(texts)
    sizes = [len(text) for text in lexicon]
    assert lexicon.lengths().tolist() == sizes
    inside = [(low is None or low <= size) and (high is None or size < high) for size in sizes]
    assert lexicon.holding(("length",), "range", (low, high, out)).tolist() == [each is not out for each in inside]
    assert lexicon.holding(("length",), "among", (2, 4, 10**40)).tolist() == [size in (2, 4) for size in sizes]


@given(MANY, st.sampled_from(sorted(RESPELLINGS)))
@settings(deadline=None)
def test_respelt_texts_and_their_numbers(texts: list[str], function: str) -> None:
    lexicon = Lexicon.of(texts)
    made, places = lexicon.respelt(function)
    spelt = [RESPELLINGS[function](text) for text in lexicon]
    assert list(made) == sorted(set(spelt))
    assert [made[place - 1] for place in places] == spelt


@given(MANY, MANY)
@settings(deadline=None)
def test_numbers_of_texts(texts: list[str], others: list[str]) -> None:
    lexicon, more = Lexicon.of(texts), Lexicon.of(others)
    known = list(lexicon)
    assert lexicon.codes(others).tolist() == [known.index(text) + 1 if text in known else 0 for text in others]
    assert list(Lexicon.union([lexicon, more, lexicon])) == sorted({*texts, *others})
    assert Lexicon.union([lexicon, lexicon]) is lexicon


@given(st.lists(st.tuples(SOME, SOME), max_size=20), st.sampled_from(sorted(TESTS)))
@settings(deadline=None)
def test_pairs(pairs: list[tuple[str, str]], test: str) -> None:
    left, right = (pl.Series([pair[side] for pair in pairs], dtype=pl.String) for side in (0, 1))
    assert pairs_hold(test, left, right).tolist() == [TESTS[test](text, pattern) for text, pattern in pairs]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
@given(texts=st.lists(st.none() | SOME, max_size=60))
@settings(deadline=None)
def test_bound_texts(dtype: Any, texts: list[str | None]) -> None:
    column = binding.narrow(pl.Series(texts, dtype=pl.String).cast(dtype), TEXT)
    assert list(column.values or ()) == sorted({text for text in texts if text is not None})
    assert [column.value(code) if code else None for code in column.codes.tolist()] == texts
