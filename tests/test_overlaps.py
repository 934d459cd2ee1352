"""How segments overlap, two by two, from their packed bits."""

import itertools
import random

import polars as pl
import pytest

from segkernel.errors import Error
from tests.test_membership import membership, small


def test_two_segments():
    found = small().overlap("vip", "lost")
    assert found.rows() == [("vip", "lost", 1, 1, 1, 1 / 3)]
    assert found.columns == ["a", "b", "both", "only_a", "only_b", "jaccard"]
    assert found["a"].dtype == pl.Enum(["vip", "lost"])


def test_nobody_in_either_has_no_jaccard_index():
    found = membership({"a": [False, False], "b": [False, False], "c": [True, False]}).overlap()
    assert found.rows() == [("a", "b", 0, 0, 0, None), ("a", "c", 0, 0, 1, 0.0), ("b", "c", 0, 0, 1, 0.0)]


def test_pairs_stand_in_the_order_given_and_chooses_are_left_out():
    assert small().overlap("lost", "vip").select("a", "b").rows() == [("lost", "vip")]
    assert small().overlap().select("a", "b").rows() == [("vip", "lost")]


@pytest.mark.parametrize("accounts", [0, 1, 63, 64, 65, 1000, 70_000])
def test_counts_are_those_of_sets(accounts):
    rng = random.Random(accounts)
    flags = {name: [rng.random() < share for _ in range(accounts)] for name, share in zip("abcd", (0.0, 0.1, 0.6, 1.0), strict=True)}
    sets = {name: {row for row, flag in enumerate(each) if flag} for name, each in flags.items()}
    for a, b, both, only_a, only_b, jaccard in membership(flags).overlap().iter_rows():
        assert (both, only_a, only_b) == (len(sets[a] & sets[b]), len(sets[a] - sets[b]), len(sets[b] - sets[a]))
        assert jaccard == (both / len(sets[a] | sets[b]) if sets[a] | sets[b] else None)
    assert membership(flags).overlap().height == len(list(itertools.combinations("abcd", 2)))


def test_a_single_segment_has_nothing_to_compare_with():
    with pytest.raises(Error, match="name two segments or more"):
        membership({"a": [True]}).overlap()
