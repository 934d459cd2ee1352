"""What `check` and `run` warn of in a project: with numbers of accounts where there are data, and not what the project silences."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from segdsl.diagnostics import MESSAGES
from segkernel.cli import main

SETTINGS = """\
[project]
root = "customers"
rules = ["*.seg"]
as_of = "2026-01-15T12:00"
[tables.customers]
source = "customers.parquet"
key = "id"
[tables.customers.links]
company = { table = "companies", by = "company" }
[tables.customers.fields]
country = { type = "text", values = ["DE", "AT"] }
[tables.companies]
source = "companies.parquet"
key = "id"
[tables.orders]
source = "orders.parquet"
key = "id"
[tables.orders.links]
customer = { table = "customers", by = "customer" }
[tables.visits]
source = "visits.parquet"
[tables.visits.links]
company = { table = "companies", by = "company" }
[tables.lines]
source = "lines.parquet"
[tables.lines.links]
order = { table = "orders", by = "order" }
"""
PAYERS = '[tables.orders.links]\npayer = { table = "customers", by = "payer", relation = "paid" }\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Customers with orders and their lines, in no order, many of them without the values that rules ask for."""
    (tmp_path / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    customers = {"id": [1, 2, 3, 4], "country": ["DE", None, "AT", None], "company": [1, 1, 2, None], "age": [30, 40, None, 50]}
    orders = {"id": [1, 2, 3, 4], "customer": [3, 1, 3, 9], "payer": [1, 1, 1, 1], "total": [0.1, None, None, None], "at": [None, 1, 2, 3]}
    lines = {"order": [3, 1, 1, 2, 2, 4, None], "quantity": [None, None, 2, None, 5, None, None]}
    tables = {"customers": customers, "orders": orders, "lines": lines, "companies": {"id": [1, 2]}}
    tables["visits"] = {"company": [1, 2], "at": [None, 5]}
    for name, columns in tables.items():
        pl.DataFrame(columns).write_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def warned(project: Path, text: str, *options: str, command: str = "check") -> list[str]:
    """The messages of the warnings on some rules."""
    (project / "all.seg").write_text(text, encoding="utf-8")
    done = call(command, project, *options)
    assert done.exit_code == 0, done.output
    return [line.partition("warning[")[2] for line in done.stderr.splitlines() if "warning[" in line]


def test_accounts_are_counted(project: Path) -> None:
    expected = ["W101]: 2 of customers whose `country` is missing drop out here"]
    assert warned(project, 'segment s when country != "DE"') == expected
    assert warned(project, 'segment s when country != "DE"', command="run") == expected


def test_rows_are_counted_with_their_accounts(project: Path) -> None:
    """Only rows that belong to an account; lines 1, 2 and 4 are of orders of the customers 3, 3 and 1."""
    text = "segment s when any(lines where quantity != 5)"
    assert warned(project, text) == ["W101]: 3 of lines (2 of customers) whose `quantity` is missing drop out here"]


def test_floats_without_few_values_are_counted(project: Path) -> None:
    numbers = pl.DataFrame({"order": [n % 4 + 1 for n in range(400)], "weight": [None if n % 10 == 0 else n**0.5 for n in range(400)]})
    numbers.write_parquet(project / "lines.parquet")
    found = warned(project, "segment s when any(lines where weight < 5)")
    assert found == ["W101]: 40 of lines (1 of customers) whose `weight` is missing drop out here"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("segment s when any(orders where at < 2) and any(paid where total > 3)", "orders whose `at`"),
        ("segment s when count(company.customers where age < 3) > 1", "customers whose `age`"),
        ("segment s when count(company.visits where at < 3) > 1", "visits whose `at`"),
    ],
)
def test_what_cannot_be_said_of_all_the_rows_alike_has_no_number(project: Path, text: str, said: str) -> None:
    (project / "segkernel.toml").write_text(SETTINGS.replace("[tables.orders.links]\n", PAYERS), encoding="utf-8")
    assert warned(project, text) == [f"W101]: {said} is missing drop out here"]


def test_statements_that_are_not_asked_for_are_not_counted(project: Path) -> None:
    text = 'let a = country != "DE" segment s when age > 3 segment t when age < 3'
    assert warned(project, text, "--only", "s", command="run") == ['W107]: the let "a" is not used']


def test_pinned_types_do_not_keep_check_from_counting(project: Path) -> None:
    text = 'segment s when country != "DE"'
    warned(project, text)
    assert call("schema", project, "--write").exit_code == 0
    assert warned(project, text) == ["W101]: 2 of customers whose `country` is missing drop out here"]
    assert warned(project, text, "--no-data") == ["W101]: customers whose `country` is missing drop out here"]
    there = project / "customers.parquet"
    there.unlink()
    assert warned(project, text) == ["W101]: customers whose `country` is missing drop out here"]
    done = call("check", project)
    assert done.stdout == f"ok: 1 segment in 1 file; 1 warning; accounts were not counted: customers: there is no file {there}\n"


SILENCED = {
    "W101": 'segment s when country != "DE"',
    "W102": "segment s when age > 5 and age < 3",
    "W103": "segment s when count(orders) >= 0",
    "W104": "let age = count(orders) segment s when age > company",
    "W105": "choose c 1 when age > 3 2 when age > 5",
    "W106": "segment a when age > 3 segment b when not age <= 3",
    "W107": "let a = 1 segment s when age > 3",
    "W108": "segment s when none(orders where total > 3)",
    "W109": 'segment s when country = "DEE"',
    "W110": 'segment s "age > 3" when age > 5',
    "W111": "segment s when today > 30 days ago",
    "W112": "segment s when any(orders where total > 3 and total < 2)",
    "W113": "segment s when age > 3 and age > 5",
    "W114": 'choose c 1 when country = "DE" otherwise 2',
}


def test_every_code_can_be_silenced() -> None:
    assert set(SILENCED) == {code for code in MESSAGES if code.startswith("W")}


@pytest.mark.parametrize("code", SILENCED)
def test_a_silenced_code_is_not_heard(project: Path, code: str) -> None:
    assert any(each.startswith(code) for each in warned(project, SILENCED[code]))
    settings = SETTINGS.replace("as_of", f'silence = ["{code}"]\nas_of')
    (project / "segkernel.toml").write_text(settings, encoding="utf-8")
    for command in ("check", "run"):
        assert not any(each.startswith(code) for each in warned(project, SILENCED[code], command=command))
