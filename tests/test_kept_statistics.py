"""`result.population`: the statistics of all accounts that a run found."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl

import segkernel as sk
from tests.test_cli import call, change, project

__all__ = ["project"]

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
ACCOUNTS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "industry": ["retail", "food", "retail", None, "food", "craft"],
        "spent": [10, 20, 30, 40, None, None],
        "total": pl.Series([Decimal("1.50"), Decimal("2.25"), None, Decimal("9.00"), Decimal("2.25"), None], dtype=pl.Decimal(38, 2)),
        "score": [0.5, 1.5, 2.5, float("nan"), 4.5, 1.5],
        "since": [date(2020, 1, day) for day in range(1, 7)],
        "seen": [datetime(2026, 1, day, 8, tzinfo=UTC) for day in range(1, 7)],
        "wait": [timedelta(hours=hours) for hours in (1, 2, 3, 4, 5, 6)],
        "active": [True, True, False, True, True, None],
    }
)


def evaluated(rules, accounts=ACCOUNTS):
    data = sk.Dataset({"accounts": accounts}, root="accounts", key="id")
    return sk.compile(rules, data.schema).evaluate(data, as_of=NOON)


def figures(condition, accounts=ACCOUNTS):
    """The rows of the one statistic of a condition."""
    (found,) = evaluated(f"segment a when {condition}", accounts).population
    return found.frame.rows()


def test_a_statistic_by_group():
    (found,) = evaluated("segment a when spent > 2 * avg(spent over industry)").population
    assert (found.text, found.place, found.function, found.groups) == (
        "avg(spent over industry)", "rules.seg:1:28", "avg", ("industry",),
    )  # fmt: skip
    assert found.frame.columns == ["industry", "accounts", "value"]
    assert found.frame.rows() == [("retail", 2, 20.0), ("food", 1, 20.0), ("craft", 0, None)]


def test_of_all_and_with_a_where():
    assert figures("sum(spent over all) > 1") == [(4, 100)]
    assert figures("max(spent where active over all) > 1") == [(3, 40)]
    assert figures("median(spent over all) > 1") == [(4, 25.0)]
    assert figures("count(spent over all) > 1") == [(4, 4)]
    assert figures("stddev(score over industry) > 1") == [("retail", 2, 2**0.5), ("food", 2, 4.5**0.5), ("craft", 1, None)]


def test_what_rests_on_a_segment():
    (found,) = evaluated("segment rich when spent > 15\nsegment a when spent > avg(spent where in segment rich over all)").population
    assert found.frame.rows() == [(3, 30.0)]


def test_values_have_the_types_of_the_rules():
    assert figures("total > min(total over all)") == [(4, Decimal("1.50"))]
    assert figures("sum(total over all) > 1") == [(4, Decimal("15.00"))]
    assert figures("since > min(since over active)") == [(True, 4, date(2020, 1, 1)), (False, 1, date(2020, 1, 3))]
    assert figures("seen < max(seen over all)") == [(6, datetime(2026, 1, 6, 8, tzinfo=UTC))]
    assert figures("wait < avg(wait over all)") == [(6, timedelta(hours=3.5))]
    assert figures("score > max(score over (since, active))")[:2] == [
        (date(2020, 1, 1), True, 1, 0.5), (date(2020, 1, 2), True, 1, 1.5),
    ]  # fmt: skip


def test_thresholds():
    assert figures("top(50%, spent)") == [(4, 2, 30)]
    assert figures("bottom(3, spent)") == [(4, 3, 30)]
    assert figures("top(1, spent over industry)") == [("retail", 2, 1, 30), ("food", 1, 1, 20)]
    assert figures("top(99, spent)") == [(4, 99, 10)]
    assert figures("top(0%, spent)") == []
    assert figures("rank(spent over all) = 1") == [(4, 1, 40)]
    assert figures("ntile(3, spent over all) = 1") == [(4, 1, 10), (4, 2, 30), (4, 3, 40)]
    assert figures("percentile(spent over all) > 1") == [(4, 0, 10), (4, 25, 20), (4, 50, 30), (4, 75, 40), (4, 100, 40)]
    many = pl.DataFrame({"id": range(1000), "spent": range(1000)})
    assert figures("rank(spent over all) <= 10", many) == [(1000, 1, 999), (1000, 10, 990), (1000, 100, 900), (1000, 1000, 0)]


def test_ties_begin_their_part_together():
    tied = pl.DataFrame({"id": range(6), "spent": [1, 1, 1, 1, 5, 5]})
    assert figures("ntile(3, spent over all) = 1", tied) == [(6, 1, 1), (6, 3, 5)]
    assert figures("percentile(spent over all) > 1", tied) == [(6, 0, 1), (6, 25, 5), (6, 50, 5), (6, 75, 5)], "nobody reaches 100"
    assert figures("top(1, spent)", tied) == [(6, 1, 5)]


def test_the_thresholds_are_those_of_the_members():
    """Whoever is in has a value at least as large as the threshold of the group, and nobody else."""
    rows = pl.DataFrame({"id": range(500), "spent": [(7 * n) % 83 for n in range(500)], "kind": [f"k{n % 7}" for n in range(500)]})
    result = evaluated("segment a when top(10%, spent over kind)", rows)
    (found,) = result.population
    limits = dict(found.frame.select("kind", "value").rows())
    wanted = [number for number, spent, kind in rows.rows() if spent >= limits[kind]]
    assert result.members("a").to_list() == wanted


def test_each_is_told_once_where_it_is_first_written():
    result = evaluated(
        """
        let typical = avg(spent over industry)
        segment a when spent > typical
        segment b when spent > 2 * avg( spent over industry )   # the same
        segment c when spent > 2 * avg(spent over all)
        segment d when avg(typical over all) > 1
        """
    )
    assert [each.text for each in result.population] == ["avg(spent over industry)", "avg(spent over all)", "avg(typical over all)"]
    assert [each.frame.rows() for each in result.population[1:]] == [[(4, 25.0)], [(4, 20.0)]]
    data = sk.Dataset({"accounts": ACCOUNTS}, root="accounts", key="id")
    rules = sk.compile("segment a when spent > avg(spent over all)  segment b when spent > max(spent over all)", data.schema)
    assert [each.text for each in rules.only("b").evaluate(data, as_of=NOON).population] == ["max(spent over all)"]


def test_none_and_nobody():
    assert evaluated("segment a when spent > 1").population == ()
    assert figures("sum(spent over all) > 1", ACCOUNTS.clear()) == []
    assert figures("top(10%, spent over industry)", ACCOUNTS.clear()) == []
    assert figures("rank(spent over all) = 1", ACCOUNTS.with_columns(spent=pl.lit(None, pl.Int64))) == []


def test_a_group_called_as_a_column_of_its_own():
    named = ACCOUNTS.rename({"industry": "value"})
    (found,) = evaluated("segment a when spent > avg(spent over value)", named).population
    assert found.frame.columns == ["value (group)", "accounts", "value"]


def test_a_file_does_not_keep_them(tmp_path):
    evaluated("segment a when spent > avg(spent over all)").save(tmp_path / "a.parquet")
    assert sk.Membership.load(tmp_path / "a.parquet").population is None


def test_the_summary_of_a_run_has_them(project):
    change(
        project / "segments" / "all.seg",
        "segment other",
        "let typical = avg(sum(orders.total) over country)\nsegment dear when typical > 1\nsegment other",
    )
    told = json.loads(call("run", project, "--format", "json").stdout)
    assert told["population"] == [
        {
            "statistic": "avg(sum(orders.total) over country)",
            "groups": ["country"],
            "rows": 2,
            "first": [{"country": "DE", "accounts": 2, "value": 6.25}, {"country": "NL", "accounts": 1, "value": 9.0}],
        }
    ]
    change(project / "segments" / "all.seg", "when typical > 1", "when true")
    assert "population" not in json.loads(call("run", project, "--format", "json").stdout)
