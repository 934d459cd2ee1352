"""What `dsl/coming-from.md` says of this language, of SQL and of Polars is what each of them finds in the shop of the reference."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.conformance import frames
from tests.test_reference import ANSWER, AS_OF, FENCE, KEYS, SCHEMA, answers, code, hold_against_answers, members, rows_of, section, shop

PAGE = (Path(__file__).parents[1] / "dsl" / "coming-from.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^## (.*)$", FENCE.sub("", PAGE), re.MULTILINE)
COMPARED = [row for title in TITLES for row in rows_of(section(title, PAGE), "asked", "here", "SQL", "Polars")]
CELL = re.compile(r"`(.+)` → (.+)")


def found_there(cell: str) -> tuple[str, str]:
    """The code of a cell and the accounts that it says are found."""
    found = CELL.fullmatch(cell)
    assert found is not None, cell
    return found[1], found[2]


def rules_of(title: str) -> list[tuple[str, str]]:
    """Every rule in the tables of a section, with the accounts beside it."""
    text = section(title, PAGE)
    rows = [(code(here), found) for *_, here, found in rows_of(text, "here", "holds for")]
    return rows + [found_there(here) for _, here, _, _ in rows_of(text, "asked", "here", "SQL", "Polars")]


@pytest.mark.parametrize("title", [title for title in TITLES if rules_of(title)])
def test_the_rules_of_a_section_find_what_stands_beside_them(title: str) -> None:
    blocks = "\n".join(text for language, text in FENCE.findall(section(title, PAGE)) if language == "seg")
    if ANSWER.search(blocks):
        hold_against_answers(blocks)
    rows = rules_of(title)
    found = answers(blocks + "\n" + "\n".join(f"segment row_{number} when {rule}" for number, (rule, _) in enumerate(rows)))
    assert [(rule, members(found[f"row_{number}"])) for number, (rule, _) in enumerate(rows)] == rows


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return {name: frame for name, frame in frames(shop("")).items() if frame.width}


@pytest.fixture(scope="module")
def database(tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The shop in DuckDB, in a session in the run's zone."""
    folder = tmp_path_factory.mktemp("shop")
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{SCHEMA.timezone}'")
        for name, frame in tables.items():
            frame.with_columns(pl.col(pl.Datetime("ns", "UTC")).dt.cast_time_unit("us")).write_parquet(folder / f"{name}.parquet")
            connection.execute(f"create table {name} as select * from read_parquet('{folder / name}.parquet')")
        yield connection


SQL = [(code(theirs), found) for theirs, _, found in rows_of(section("SQL", PAGE), "SQL", "here", "holds for")]
SQL += [found_there(row[2]) for row in COMPARED]


@pytest.mark.parametrize(("condition", "wanted"), SQL)
def test_sql_finds_what_stands_beside_it(condition: str, wanted: str, database: duckdb.DuckDBPyConnection) -> None:
    given = {"as_of": AS_OF} if "$as_of" in condition else None
    rows = database.execute(f"select id from customers where {condition} order by id", given).fetchall()
    assert (", ".join(row[0] for row in rows) or "nobody") == wanted


POLARS = [(code(theirs), found) for theirs, _, found in rows_of(section("Polars and pandas", PAGE), "Polars", "here", "holds for")]
POLARS += [found_there(row[3]) for row in COMPARED]


def test_polars_finds_what_stands_beside_it(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    before = next(text for language, text in FENCE.findall(PAGE) if language == "python")
    cells = "".join(f"    ({expression}),\n" for expression, _ in POLARS)
    script = tmp_path / "polars_cells.py"
    script.write_text(f"{before}\nfound = [\n{cells}]\n", encoding="utf-8")
    ran: dict[str, Any] = runpy.run_path(str(script), init_globals={**tables, "as_of": AS_OF.astimezone(UTC)})
    accounts = ran["accounts"].sort("id")
    found = [", ".join(accounts.filter(expression)["id"]) or "nobody" for expression in ran["found"]]
    assert [(expression, each) for (expression, _), each in zip(POLARS, found, strict=True)] == POLARS


def test_the_accounts_are_in_the_order_of_their_names() -> None:
    assert sorted(KEYS) == KEYS


def test_a_month_before_its_end_is_the_end_of_the_month_before_everywhere(database: duckdb.DuckDBPyConnection) -> None:
    frame = pl.DataFrame({"d": [date(2025, 3, 31)]})
    last = date(2025, 2, 28)
    assert frame.select(pl.col("d").dt.offset_by("-1mo")).item() == last
    assert database.execute("select cast(date '2025-03-31' - interval 1 month as date)").fetchall() == [(last,)]
    assert answers("segment all_of_them when 2025-03-31 - 1 month = 2025-02-28")["all_of_them"] == [True] * len(KEYS)


def test_links_on_the_page_lead_to_its_headings() -> None:
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in TITLES}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
