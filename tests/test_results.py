"""Files of a run: the same bytes, however many accounts were answered at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel import output
from segkernel.changes import Comparison
from segkernel.evaluation import evaluation
from segkernel.results import Results
from segkernel.run import UNIT

AS_OF = "2026-01-15T12:00Z"
ROWS = 5 * UNIT + 77
RULES = """
segment low when n < 1000
segment nobody when n < 0
choose tier "gold" when n < 100 "silver" when n < 2000
choose since 2026-01-01 when n < 700 2026-02-01 when n < 2200
collect topics "a" when n < 300 "b" when n > 200 and n < 900
"""
KEYS = {
    "whole": pl.Series("id", np.arange(ROWS)),
    "text": pl.Series("id", [f"customer {n:05d}{'é' * (n % 3)}" for n in range(ROWS)]),
    "categories": pl.Series("id", [f"k{n}" for n in range(ROWS)], dtype=pl.Categorical),
    "dates": pl.Series("id", [date(1900, 1, 1) + timedelta(days=n) for n in range(ROWS)]),
    "times": pl.Series("id", [datetime(2020, 1, 1) + timedelta(seconds=n) for n in range(ROWS)], dtype=pl.Datetime("ms", "Europe/Berlin")),
}


def data_of(key: pl.Series) -> sk.Dataset:
    return sk.Dataset({"customers": pl.DataFrame([key, pl.Series("n", np.arange(len(key)))])}, root="customers", key="id")


def written(folder: Path, data: sk.Dataset, rows: int | None, layout: str = "wide", since: sk.Membership | None = None) -> dict[str, bytes]:
    """The files of a run that answers so many accounts at once."""
    rules = sk.compile(RULES, data.schema)
    comparison = None if since is None else Comparison(data.keys(), "customers", since)
    results = Results(evaluation(rules, data, AS_OF, unknowns=True).memberships(rows), layout, comparison)
    output.write(folder, results.tables(), lambda: {"accounts": results.tally.accounts}, dict)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != output.RUN}


@pytest.mark.parametrize("group", [1000, 1024])
@pytest.mark.parametrize("key", KEYS)
def test_parts_do_not_show_in_the_bytes(key: str, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "ROW_GROUP", group)
    data = data_of(KEYS[key])
    wanted = written(tmp_path / "whole", data, None)
    for rows in (UNIT, 3 * UNIT):
        assert written(tmp_path / str(rows), data, rows) == wanted
    loaded = sk.Membership.load(tmp_path / "whole" / output.MEMBERSHIPS)
    found = sk.compile(RULES, data.schema).evaluate(data, AS_OF, unknowns=True)
    assert loaded.counts().equals(found.counts())
    assert loaded.members("low").to_list() == found.members("low").to_list() == KEYS[key].head(1000).to_list()
    found.save(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == wanted[output.MEMBERSHIPS]


@pytest.mark.parametrize("accounts", [0, 1, 64, UNIT, UNIT + 1])
def test_few_accounts(accounts: int, tmp_path: Path) -> None:
    data = data_of(KEYS["text"].head(accounts))
    assert written(tmp_path / "parts", data, UNIT) == written(tmp_path / "whole", data, None)
    assert sk.Membership.load(tmp_path / "parts" / output.MEMBERSHIPS).accounts == accounts


@pytest.mark.parametrize("layout", ["wide", "long", "counts"])
def test_changes_and_layouts(layout: str, tmp_path: Path) -> None:
    before = data_of(KEYS["whole"].reverse())
    earlier = sk.compile(RULES, before.schema).evaluate(before, AS_OF)
    data = data_of(KEYS["whole"])
    wanted = written(tmp_path / "whole", data, None, layout, earlier)
    assert written(tmp_path / "parts", data, UNIT, layout, earlier) == wanted
    assert (output.MEMBERSHIPS in wanted) == (layout != "counts")
    found = pl.read_parquet(tmp_path / "parts" / output.CHANGES)
    assert found.equals(sk.compile(RULES, data.schema).evaluate(data, AS_OF).changes(earlier).frame())


def test_a_failure_in_a_later_part_leaves_nothing(tmp_path: Path) -> None:
    numbers = np.zeros(ROWS, np.int64)
    numbers[-1] = 2**62
    data = sk.Dataset({"t": pl.DataFrame({"id": np.arange(ROWS), "a": numbers})}, root="t", key="id")
    rules = sk.compile("segment x when a * a * a * a > 7", data.schema)
    results = Results(evaluation(rules, data, AS_OF).memberships(UNIT), "wide", None)
    with pytest.raises(sk.DataError, match="first in row 2,637 of t"):
        output.write(tmp_path / "out", results.tables(), dict, dict)
    assert list(tmp_path.iterdir()) == []
