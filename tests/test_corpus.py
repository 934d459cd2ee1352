"""The inputs that `python -m tests.fuzz` kept break no promise, and the search finds what does."""

from __future__ import annotations

import time

import pytest

from tests.fuzz import KEPT, Fuzzer, corpus, smallest
from tests.promises import WAYS

INPUTS = corpus()


@pytest.mark.parametrize("way", sorted(WAYS))
def test_what_was_kept_breaks_no_promise(way: str) -> None:
    for text in INPUTS[way]:
        WAYS[way](text)


def test_little_is_kept() -> None:
    assert set(INPUTS) == set(KEPT)
    assert 100 < sum(map(len, INPUTS.values())) <= sum(KEPT.values()) == 200
    assert all(len(texts) == len(set(texts)) for texts in INPUTS.values())


def test_the_search_finds_what_breaks() -> None:
    def way(text: str) -> None:
        WAYS["pattern"](text)
        if "(?:" in text and text.count("|") > 1:
            raise ZeroDivisionError("planted")

    fuzzer = Fuzzer({"pattern": way}, {"pattern": ["ab", "a|b"]}, seed=1)
    end = time.monotonic() + 60
    while not fuzzer.found and time.monotonic() < end:
        fuzzer.step()
    ((found, text),) = fuzzer.found.items()
    assert found[0] == "pattern"
    assert found[1].startswith("ZeroDivisionError: planted at test_corpus.py:")
    assert "(?:" in text
    kept = smallest(WAYS["pattern"], fuzzer.inputs["pattern"], 5)
    assert 0 < len(kept) <= 5
