"""What a `collect` gives: lists in the results, in files and in what changed, and other rules that look into them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import segkernel as sk
from segkernel import listings
from segkernel.cli import main

AS_OF = "2026-01-15T12:00Z"
BANNERS = 'collect banners "Shown" "low" when n < 40 "even" when even "high" when n >= 60 "low" when n = 99'


def shop(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": range(rows),
            "n": pl.Series(range(rows), dtype=pl.Int64),
            "even": pl.Series([row % 2 == 0 for row in range(rows)], dtype=pl.Boolean),
        }
    )


def evaluated(frame: pl.DataFrame, rules: str, *only: str) -> sk.Membership:
    data = sk.Dataset({"shops": frame}, root="shops", key="id")
    compiled = sk.compile(rules, data.schema)
    return (compiled.only(*only) if only else compiled).evaluate(data, as_of=AS_OF)


def listed(row: int) -> list[str]:
    return ["low"] * (row < 40 or row == 99) + ["even"] * (row % 2 == 0) + ["high"] * (row >= 60)


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 130, 1000])
def test_lists_of_any_number_of_accounts_in_results_and_files(rows: int, tmp_path: Path) -> None:
    found = evaluated(shop(rows), BANNERS)
    wanted = [listed(row) for row in range(rows)]
    assert found["banners"].dtype == pl.List(pl.Enum(["low", "even", "high"]))
    assert found["banners"].to_list() == wanted
    assert found.values("banners") == [*((value, sum(value in each for each in wanted)) for value in ("low", "even", "high")),
                                       (None, sum(each == [] for each in wanted))]  # fmt: skip
    assert found.members("banners", "high").to_list() == [row for row in range(rows) if "high" in wanted[row]]
    assert found.long().rows() == [(row, "banners", value) for row in range(rows) for value in wanted[row]]
    found.save(tmp_path / "night.parquet")
    loaded = sk.Membership.load(tmp_path / "night.parquet")
    assert loaded.frame().equals(found.frame())
    assert loaded.lists["banners"].tolist() == found.lists["banners"].tolist()
    assert loaded.values("banners") == found.values("banners")
    assert repr(loaded) == repr(found)
    assert found.changes(since=loaded).texts().height == 0


def test_a_hundred_cases_and_another_rule_that_looks_into_them() -> None:
    cases = " ".join(f"{value} when n >= {value}" for value in range(0, 200, 2))
    found = evaluated(shop(300), f"collect steps {cases} segment far when 150 in steps segment own when n in steps")
    assert found["steps"].to_list() == [list(range(0, min(row, 198) + 1, 2)) for row in range(300)]
    assert found.members("far").to_list() == list(range(150, 300))
    assert found.members("own").to_list() == list(range(0, 200, 2))


@pytest.mark.parametrize(
    ("literals", "dtype", "values"),
    [
        ("7, 0", pl.Int64, [7, 0]),
        ("18_446_744_073_709_551_615, 1", pl.UInt64, [2**64 - 1, 1]),
        ("0.5, 12", pl.Decimal(38, 1), [Decimal("0.5"), Decimal(12)]),
        ("true, false", pl.Boolean, [True, False]),
        ("2026-01-31, 2025-01-31", pl.Date, [date(2026, 1, 31), date(2025, 1, 31)]),
        (
            "2026-01-31T12:00Z, 1990-01-31T12:00Z",
            pl.Datetime("us", "UTC"),
            [datetime(year, 1, 31, 12, tzinfo=UTC) for year in (2026, 1990)],
        ),
    ],
)
def test_lists_of_every_type_are_read_back(literals: str, dtype: Any, values: list[Any], tmp_path: Path) -> None:
    first, second = literals.split(", ")
    found = evaluated(shop(3), f"collect m {first} when n > 0 {second} when n > 1")
    assert found["m"].dtype == pl.List(dtype)
    assert found["m"].to_list() == [[], values[:1], values]
    found.save(tmp_path / "night.parquet")
    assert sk.Membership.load(tmp_path / "night.parquet").frame().equals(found.frame())


def test_only_a_collect_and_its_meaning() -> None:
    rules = f'{BANNERS} segment s when banners contains "low" choose c "x" when n > 3'
    assert evaluated(shop(70), rules, "s").names == ("s",)
    only = evaluated(shop(70), rules, "banners")
    assert (only.names, only.counts()["name"].unique().to_list()) == (("banners",), ["banners"])
    prints = [
        evaluated(shop(1), text).meanings["banners"] for text in (rules, BANNERS.replace("Shown", "Other"), BANNERS.replace("low", "l"))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_how_a_collect_is_told_apart() -> None:
    found = evaluated(shop(70), f"{BANNERS} segment s when n > 3 segment t when n > 4")
    for asked in (lambda: found.count("banners"), lambda: found.overlap("s", "banners")):
        with pytest.raises(sk.Error, match='"banners" is a collect, not a segment'):
            asked()
    with pytest.raises(sk.Error, match='"banners" is a collect: say whose members'):
        found.members("banners")
    with pytest.raises(sk.Error, match='"banners" never has the value "x"; its values are "low", "even", "high"'):
        found.members("banners", "x")
    assert found.unknown("banners") is None


def test_what_changes_of_lists() -> None:
    earlier = evaluated(shop(66), 'collect m "a" when n < 3 "b" when n > 1 and n < 3 "c" when n = 65')
    later = evaluated(
        pl.concat([shop(65).reverse(), shop(68)[66:]]), 'collect m "b" when n = 2 or n = 67 "d" when n = 2 "a" when n < 2 or n = 5'
    )
    changes = later.changes(since=earlier)
    assert (changes.collects, changes.chooses, changes.redefined) == (("m",), (), ("m",))
    assert changes.values("m").rows() == [
        (5, [], ["a"]),
        (2, ["a", "b"], ["b", "d"]),
        (67, None, ["b"]),
        (65, ["c"], None),
    ]
    assert changes.values("m").schema["old"] == pl.List(pl.Enum(["b", "d", "a", "c"]))
    assert changes.texts().rows() == [(5, "m", "", "a"), (2, "m", "a, b", "b, d"), (67, "m", None, "b"), (65, "m", "c", None)]
    assert changes.counts().rows() == [("m", None, None, 4, True)]
    with pytest.raises(sk.Error, match='"m" is a collect, not a segment: its accounts are'):
        changes.entered("m")


def test_a_choose_of_the_same_name_is_nothing_to_compare_with() -> None:
    changes = evaluated(shop(3), 'collect m "a" when n < 3').changes(since=evaluated(shop(3), 'choose m "a" when n < 3'))
    assert (changes.added, changes.removed, changes.collects) == (("m",), ("m",), ())


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([["low"], ["even"], None], "expected lists without gaps in each row"),
        ([["low"], [None], []], "expected lists without gaps in each row"),
        ([["low"], ["even", "low"], []], "expected each value once and in order in the lists"),
        ([["low"], ["low", "low"], []], "expected each value once and in order in the lists"),
        ([["low"], ["low"], []], "expected the numbers of accounts that its metadata tell"),
        ([["low"], ["low", "even"], ["low"]], "expected the rows that were saved, found others"),
    ],
)
def test_lists_that_were_changed_in_the_file_are_refused(lists: list[Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "night.parquet"
    evaluated(shop(3), 'collect banners "low" when n < 9 "even" when n = 0').save(path)
    frame, entries = pl.read_parquet(path), pl.read_parquet_metadata(path)
    changed = frame.with_columns(pl.Series("banners", lists, dtype=frame.schema["banners"]))
    changed.write_parquet(path, metadata={key: entries[key] for key in ("segkernel", "segkernel.blake2b")})
    with pytest.raises(sk.SnapshotError, match=said):
        sk.Membership.load(path)


def test_a_run_writes_lists_and_counts_them(tmp_path: Path) -> None:
    shop(100).write_parquet(tmp_path / "shops.parquet")
    (tmp_path / "rules.seg").write_text(f'{BANNERS}\nsegment s when banners contains "low"\n')
    settings = '[project]\nroot = "shops"\nrules = ["rules.seg"]\n[tables.shops]\nsource = "shops.parquet"\nkey = "id"\n'
    (tmp_path / "segkernel.toml").write_text(settings)
    for previous in ((), ("--previous", str(tmp_path / "out" / "memberships.parquet"))):
        done = CliRunner().invoke(main, ["run", str(tmp_path), "--as-of", AS_OF, *previous])
        assert done.exit_code == 0, done.output
    assert "banners has low" in done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    values = [{"value": "low", "accounts": 41}, {"value": "even", "accounts": 50}, {"value": "high", "accounts": 40}]
    assert summary["collects"] == [{"name": "banners", "label": "Shown", "values": values, "none": 10}]
    assert summary["changes"]["collects"] == [{"name": "banners", "changed": 0, "redefined": False}]
    assert pl.read_parquet(tmp_path / "out" / "memberships.parquet")["banners"].to_list() == [listed(row) for row in range(100)]


def test_an_explanation_tells_each_case() -> None:
    data = sk.Dataset({"shops": shop(100)}, root="shops", key="id")
    told = sk.compile(f'{BANNERS} segment s when banners contains "even"', data.schema).explain(data, 98, "s", as_of=AS_OF)
    assert told.answer is True
    collect = told.mentioned[0]
    assert (collect.kind, collect.value, [case.chosen for case in collect.cases]) == (
        "collect",
        ["even", "high"],
        [False, True, True, False],
    )
    assert 'collect banners is ("even", "high")' in str(told)


def test_long_texts_are_listed() -> None:
    texts = ["a text of more than a dozen characters", "another one that is as long, or longer", ""]
    cases = " ".join(f'"{text}" when n > {number}' for number, text in enumerate(texts))
    found = evaluated(shop(1000), f"collect m {cases}")
    assert found["m"].to_list() == [texts[: min(row, 3)] for row in range(1000)]


def test_bits_become_lists_and_lists_bits() -> None:
    rng = np.random.default_rng(7)
    for rows, values in ((70_000, 3), (200, 70), (64, 1)):
        flags = rng.random((values, rows)) < 0.3
        held = np.stack([listings.packed(each) for each in flags])
        column = listings.column(held, pl.Series(range(values)), rows)
        assert column.to_list() == [np.flatnonzero(each).tolist() for each in flags.T]
        lengths = column.list.len().to_numpy().astype(np.int64)
        assert np.array_equal(listings.bitmaps(column.filter(lengths > 0).explode().to_numpy(), lengths, values), held)
        assert listings.counts(held)[:-1] == flags.sum(axis=1).tolist()


def test_a_statistic_of_what_a_collect_with_a_statistic_gives() -> None:
    rules = 'collect m "top" when rank(n over all) <= 10 segment s when sum(if(m contains "top", 1, 0) over even) = 5 and m contains "top"'
    assert evaluated(shop(70), rules).members("s").to_list() == list(range(60, 70))
