"""Evaluations in parts: some accounts after the other, or only the numbers, say what one evaluation of all says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel import evaluation
from segkernel.run import UNIT
from segkernel.tally import added
from tests.random_hosts import HOSTS
from tests.strategies import random_case

RULES = """
let spent = sum(orders.total)
segment spender when spent > 500
segment nobody when id < 0
segment holey when score > 3
segment ahead when rank(spent over all) <= 5
choose tier "gold" when spent > 1000 "silver" when spent > 300
collect topics "a" when score > 2 "b" when spent > 200 "c" when id < 0
"""


def shop(accounts: int) -> sk.Dataset:
    rng = np.random.default_rng(accounts)
    score = [None if each == 0 else int(each) for each in rng.integers(0, 6, accounts)]
    owners = rng.integers(0, max(1, accounts), 3 * accounts)
    return sk.Dataset(
        {
            "customers": pl.DataFrame({"id": np.arange(accounts), "score": pl.Series(score, dtype=pl.Int64)}),
            "orders": pl.DataFrame({"id": owners, "total": rng.integers(0, 400, owners.size)}),
        },
        root="customers",
        key="id",
        links={"orders": {"customer": ("customers", "id")}},
    )


@pytest.mark.parametrize("accounts", [0, 1, 63, 64, 65, UNIT - 1, UNIT, UNIT + 1, 5 * UNIT + 7])
@pytest.mark.parametrize("rows", [UNIT, 2 * UNIT])
def test_parts_are_slices_of_the_whole(accounts: int, rows: int) -> None:
    data = shop(accounts)
    rules = sk.compile(RULES, data.schema)
    whole = rules.evaluate(data, "2026-01-15T12:00Z", unknowns=True)
    made = list(evaluation.evaluation(rules, data, "2026-01-15T12:00Z", unknowns=True).memberships(rows))
    assert len(made) == max(1, -(-accounts // rows))
    assert pl.concat([part.frame() for part in made]).equals(whole.frame())
    assert added(part.tally for part in made).counts().equals(whole.counts())
    assert [each.frame.rows() for each in made[-1].population or ()] == [each.frame.rows() for each in whole.population or ()]


@pytest.mark.parametrize("accounts", [0, 1, 64, 65, 3 * UNIT + 9])
@pytest.mark.parametrize("unknowns", [False, True])
def test_counts_alone_are_those_of_the_members(accounts: int, unknowns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "SOME", UNIT // 8)
    data = shop(accounts)
    for names in (("spender", "nobody", "holey", "ahead"), ("tier",), ("topics", "holey")):
        rules = sk.compile(RULES, data.schema).only(*names)
        wanted = rules.evaluate(data, "2026-01-15T12:00Z", unknowns=unknowns).counts()
        assert rules.counts(data, "2026-01-15T12:00Z", unknowns=unknowns).equals(wanted)
        assert rules.counts(data, "2026-01-15T12:00Z", threads=1, unknowns=unknowns).equals(wanted)


@pytest.mark.parametrize("accounts", [1, 64, 65, 3 * UNIT + 9])
@pytest.mark.parametrize("others", ["the same", "shuffled", "some gone and new", "none of them"])
def test_changes_in_parts_are_those_of_the_whole(accounts: int, others: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "SOME", UNIT // 8)
    data = shop(accounts)
    rules = sk.compile(RULES, data.schema)
    keys = np.arange(accounts)
    rng = np.random.default_rng(3)
    if others == "shuffled":
        rng.shuffle(keys)
    elif others == "some gone and new":
        keys = rng.permutation(2 * accounts)[:accounts]
    elif others == "none of them":
        keys += accounts
    frames = {"customers": pl.DataFrame({"id": keys, "score": rng.integers(0, 6, accounts)}), "orders": data._sources["orders"].frame}
    before = sk.Dataset(frames, root="customers", key="id", links={"orders": {"customer": ("customers", "id")}})
    text = RULES.replace("spent > 500", "spent > 600").replace("spent > 200", "spent > 250")
    earlier = sk.compile(text, before.schema).evaluate(before, "2026-01-14T12:00Z")
    wanted = rules.evaluate(data, "2026-01-15T12:00Z").changes(earlier)
    found = rules.changes(data, "2026-01-15T12:00Z", earlier)
    assert repr(found) == repr(wanted)
    assert found.frame().equals(wanted.frame())
    assert found.counts().equals(wanted.counts())
    assert found.texts().equals(wanted.texts())
    for name in ("tier", "topics"):
        assert found.values(name).equals(wanted.values(name))
    assert [found.entered(name).to_list() for name in found.segments] == [wanted.entered(name).to_list() for name in wanted.segments]


def test_changes_want_a_membership() -> None:
    data = shop(3)
    rules = sk.compile(RULES, data.schema)
    with pytest.raises(sk.Error, match=r"since is a sk.Membership, such as sk.Membership.load\(path\), not str"):
        rules.changes(data, "2026-01-15T12:00Z", "earlier.parquet")  # type: ignore[arg-type]


def said(answer: Callable[[], Any]) -> Any:
    """What is answered, or the sentence of the data error."""
    try:
        return answer()
    except sk.DataError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(5000, 5020))
def test_random_rules_count_and_part_the_same(seed: int) -> None:
    case = random_case(seed, "medium", whole=True)
    data = sk.Dataset(dict(case.frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params, functions=HOSTS)
    wanted = said(lambda: rules.evaluate(data, case.as_of, unknowns=True))
    counts = said(lambda: rules.counts(data, case.as_of, unknowns=True).rows())
    parts = said(lambda: list(evaluation.evaluation(rules, data, case.as_of, unknowns=True).memberships(UNIT)))
    if isinstance(wanted, str):
        assert counts == parts == wanted
    else:
        assert counts == wanted.counts().rows()
        assert pl.concat([part.frame() for part in parts]).equals(wanted.frame())


def test_the_first_failure_is_the_same_in_parts() -> None:
    """The one that comes first in the program stands in the last part."""
    numbers = np.zeros(3 * UNIT, np.int64)
    numbers[UNIT + 3] = 2**62
    other = np.zeros(3 * UNIT, np.int64)
    other[2 * UNIT + 5] = 2**62
    data = sk.Dataset({"t": pl.DataFrame({"id": np.arange(3 * UNIT), "a": other, "b": numbers})}, root="t", key="id")
    rules = sk.compile("segment x when a * a * a * a > 7\nsegment y when b * b * b * b > 7", data.schema)
    wanted = said(lambda: rules.evaluate(data, "2026-01-15T12:00Z"))
    assert "row 1,030" in wanted
    assert said(lambda: list(evaluation.evaluation(rules, data, "2026-01-15T12:00Z").memberships(UNIT))) == wanted
    assert said(lambda: rules.counts(data, "2026-01-15T12:00Z")) == wanted


def test_counts_lease_no_memory_for_members(monkeypatch: pytest.MonkeyPatch) -> None:
    from segkernel import run

    leased: list[int] = []
    monkeypatch.setattr(run, "lease", lambda size: leased.append(size) or np.zeros(size + 64, np.uint8)[:size])
    data = sk.Dataset({"t": pl.DataFrame({"id": np.arange(100_000)})}, root="t", key="id")
    rules = sk.compile("\n".join(f"segment s{n} when id > {n}" for n in range(200)), data.schema)
    assert rules.counts(data, "2026-01-15T12:00Z")["accounts"].to_list() == [99_999 - n for n in range(200)]
    assert leased[0] == 0
