"""The ready-made fields and segments of the starter find what was reckoned by hand, and fit another shop as they are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import segdsl
from segdsl import parse
from segdsl.syntax import Choose, Let, Segment
from segkernel.cli import main
from tests.test_examples import B2B, EXAMPLES, members, module

STARTER = EXAMPLES / "starter"
FILES = [*sorted(STARTER.glob("fields/*.seg")), *sorted(STARTER.glob("segments/*.seg"))]
STATEMENTS = [each for path in FILES for each in parse(path.read_text(encoding="utf-8"))[0].statements]
SEGMENTS = [each.name.text for each in STATEMENTS if isinstance(each, Segment)]
MARKS = {"recency_score": "last", "frequency_score": "count", "monetary_score": "spent"}

# anna, bert, cleo, dirk, eva, finn, gina, hugo; the order of bert's that counts was placed in the first hour of 2026 in Amsterdam.
BY_HAND: dict[str, list[object]] = {
    "order_count": [4, 1, 1, 3, 2, 0, 0, 1],
    "lifetime_value": [700, 900, 40, 600, 50, 0, 0, 60],
    "average_order_value": [175, 900, 40, 200, 25, None, None, 60],
    "largest_order_value": [250, 900, 40, 300, 30, None, None, 60],
    "date(first_order_at)": ["2025-04-10", "2026-01-01", "2026-03-12", "2024-02-01", "2025-10-01", None, None, "2025-06-01"],
    "date(last_order_at)": ["2026-03-10", "2026-01-01", "2026-03-12", "2024-08-01", "2025-11-01", None, None, "2025-06-01"],
    "days_since_last_order": [8, 76, 6, 594, 137, None, None, 290],
    "round(days_between_orders)": [111, None, None, 91, 31, None, None, None],
    "orders_last_365_days": [4, 1, 1, 0, 2, 0, 0, 1],
    "spent_last_365_days": [700, 900, 40, 0, 50, 0, 0, 60],
    "spent_this_year": [450, 900, 40, 0, 0, 0, 0, 0],
    "spent_last_year": [250, 0, 0, 0, 50, 0, 0, 60],
    "units_bought": [66, 1, 4, 33, 5, 0, 0, 6],
    "articles_bought": [2, 1, 1, 2, 1, 0, 0, 1],
    "favourite_category": ["drinks", "machines", "drinks", "drinks", "drinks", None, None, "drinks"],
    "recency_score": [4, 3, 5, 1, 2, None, None, 1],
    "frequency_score": [5, 1, 1, 4, 3, None, None, 1],
    "monetary_score": [4, 5, 1, 3, 1, None, None, 2],
    "days_with_us": [351, 88, 7, 793, 179, 45, 47, 292],
    "next_birthday": ["2026-03-25", None, "2026-12-24", "2027-02-28", "2026-04-10", "2026-07-01", None, "2026-03-18"],
    "round(km_from_shop)": [0, 577, 35, 173, None, None, 58, 18],
    "date(abandoned_checkout_at)": [None, None, "2026-03-15", None, None, "2026-03-01", None, "2025-12-24"],
    "date(last_mail_opened_at)": ["2026-03-02", None, None, None, "2026-03-05", "2026-03-17", None, None],
    "date(last_mail_clicked_at)": ["2026-03-02", None, None, None, None, None, None, None],
    "date(last_view_at)": ["2026-03-17", "2026-02-20", None, None, "2026-03-16", "2026-03-17", None, None],
    "rfm_group": ["champion", "active", "new", "previously loyal", "at risk", "prospect", "prospect", "dormant"],
    "spend_tier": ["high", "high", "low", "medium", "low", None, None, "medium"],
    "product_subscription": ["active", "never", "never", "cancelled", "paused", "never", "never", "never"],
}
HOLDS = {
    "has_ordered": "anna bert cleo dirk eva hugo",
    "is_returning": "anna dirk eva",
    "is_new": "cleo",
    "has_abandoned_checkout": "cleo finn",
    '"coffee" in skus_bought': "anna dirk hugo",
    '"tools" in categories_bought': "anna dirk",
    '"tea" in skus_viewed': "finn",
    'cities contains "Antwerp"': "anna",
    'countries contains any of ("NL", "DE")': "anna bert cleo gina hugo",
    'tagged contains all of ("vip", "wholesale")': "anna",
    "new_customers": "cleo",
    "returning_customers": "anna dirk eva",
    "champions": "anna",
    "top_tenth": "bert",
    "win_back": "eva hugo",
    "overdue": "dirk eva",
    "growing": "anna bert cleo",
    "never_ordered": "finn gina",
    "abandoned_checkout": "cleo finn",
    "readers_without_orders": "finn",
    "birthday_soon": "anna hugo",
    "looked_not_bought": "anna eva finn",
    "near_amsterdam": "anna hugo",
    "google_mail": "anna cleo",
}


def literal(value: object) -> str:
    """A value as a rule writes it: a text is a date or a text."""
    return str(value) if not isinstance(value, str) or value[:2] == "20" else f'"{value}"'


def asked(folder: Path, conditions: dict[str, str]) -> pl.DataFrame:
    """A project's result with segments of these names and conditions besides its own; the key is the first column."""
    rules = "\n".join(f"segment {name} when {condition}" for name, condition in conditions.items())
    (folder / "segments" / "asked.seg").write_text(rules, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(folder)])
    assert done.exit_code == 0, done.output
    return pl.read_parquet(folder / "out" / "memberships.parquet")


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The starter's result, with a segment for every value of every field, and for every condition."""
    folder = tmp_path_factory.mktemp("starter") / "shop"
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("out"))
    conditions = {f"holds_{number}": name for number, name in enumerate(HOLDS) if name not in SEGMENTS}
    for number, (name, values) in enumerate(BY_HAND.items()):
        present = sorted({literal(value) for value in values if value is not None})
        conditions |= {f"field_{number}_{place}": f"{name} = {value}" for place, value in enumerate(present)}
        conditions[f"field_{number}_missing"] = f"{name} is missing"
    return asked(folder, conditions)


@pytest.mark.parametrize("name", BY_HAND)
def test_fields_have_the_values_reckoned_by_hand(name: str, customers: pl.DataFrame) -> None:
    number, values = list(BY_HAND).index(name), BY_HAND[name]
    present = sorted({literal(value) for value in values if value is not None})
    found: list[str | None] = ["?"] * len(values)
    for column, value in [*((f"field_{number}_{place}", value) for place, value in enumerate(present)), (f"field_{number}_missing", None)]:
        found = [value if member else before for member, before in zip(customers[column], found, strict=True)]
    assert found == [None if value is None else literal(value) for value in values]


@pytest.mark.parametrize("name", HOLDS)
def test_conditions_and_segments_hold_for_those_found_by_hand(name: str, customers: pl.DataFrame) -> None:
    column = name if name in SEGMENTS else f"holds_{list(HOLDS).index(name)}"
    assert " ".join(customers.filter(pl.col(column))["customer_id"]) == HOLDS[name]


def test_no_segment_is_left_out() -> None:
    assert set(HOLDS) >= set(SEGMENTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert segdsl.format(text) == text


def test_the_cases_pass() -> None:
    done = CliRunner().invoke(main, ["test", str(STARTER)])
    assert done.exit_code == 0, done.output


def test_every_field_stands_in_the_table_or_below_it() -> None:
    text = (STARTER / "README.md").read_text(encoding="utf-8")
    fields = [each.name.text for each in STATEMENTS if isinstance(each, Let | Choose) and getattr(each, "relation", None) is None]
    assert [name for name in fields if not re.search(rf"\b{name}\b", text)] == []


def test_the_fields_of_orders_fit_another_shop(tmp_path: Path) -> None:
    shutil.copy(B2B / "segkernel.toml", tmp_path)
    (tmp_path / "segments").mkdir()
    shutil.copy(STARTER / "fields" / "orders.seg", tmp_path / "segments")
    (tmp_path / "data").mkdir()
    tables = module(B2B / "generate.py").tables(200, 7)
    for name, frame in tables.items():
        frame.write_parquet(tmp_path / "data" / f"{name}.parquet")
    fifths = {f"{field}_{mark}": f"{field} = {mark}" for field in MARKS for mark in range(1, 6)}
    result = asked(tmp_path, {**fifths, "large": "lifetime_value > 10000", "often": "order_count > 5"})

    counting = tables["orders"].filter(pl.col("status").is_in(["complete", "processing"]))
    sums = counting.group_by("customer_id").agg(count=pl.len(), spent=pl.col("total").sum(), last=pl.col("placed_at").max())
    buyers = tables["customers"].select("customer_id").join(sums, on="customer_id")
    assert buyers.height > 50
    for field, column in MARKS.items():
        smaller = buyers[column].rank("min").cast(pl.Int64) - 1
        marks = 1 + 5 * smaller // buyers.height
        for mark in range(1, 6):
            assert members(result, f"{field}_{mark}") == sorted(buyers.filter(marks == mark)["customer_id"])
    assert members(result, "large") == sorted(buyers.filter(pl.col("spent") > 10_000)["customer_id"])
    assert members(result, "often") == sorted(buyers.filter(pl.col("count") > 5)["customer_id"])
