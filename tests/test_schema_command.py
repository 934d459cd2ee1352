"""`segkernel schema`: what it shows of the tables, and what it writes into the settings."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from segkernel import rewriting
from segkernel.cli import main

SETTINGS = """\
# our shop
[project]
root = "customers"
rules = ["*.seg"]

[tables.customers]
source = "customers.parquet"
key = "id"
[tables.customers.fields] # said by hand
revenue = { type = "decimal(2)", unit = "EUR", column = "REV", label = "Revenue" }
secret = { type = "text", usable = false }
country = { type = "text", values = ["DE", "NL"], missing = "never" }

# what they buy
[tables.orders]
source = "orders.csv"
links.customer = { table = "customers", by = "customer_id" }

[tables.planned]
key = "id"
"""
RULES = 'let score = id * 2\nsegment german when country = "DE" and any(orders where total > 5)\nsegment high when score > 3\n'
CUSTOMERS = pl.DataFrame({
    "id": [1, 2, 3],
    "REV": [1.005, None, float("nan")],
    "secret": ["a", "b", None],
    "country": ["DE", "NL", "DE"],
    "score": [1, 2, 3],
    "size": pl.Series(["S", None, "L"], dtype=pl.Enum(["S", "M", "L"])),
    "rating": pl.Series([0.5, float("nan"), None], dtype=pl.Float32),
    "first name": ["x", "y", "z"],
    "cafe\u0301": [True, False, None],
    "since": [date(1969, 1, 1)] * 3,
    "seen": pl.Series([datetime(2026, 1, 1)] * 3, dtype=pl.Datetime("ns", "UTC")),
    "took": [timedelta(hours=1)] * 3,
    "limit": pl.Series([Decimal("1.50")] * 3, dtype=pl.Decimal(12, 2)),
    "big": pl.Series([2**64 - 1] * 3, dtype=pl.UInt64),
    "nothing": pl.Series([None] * 3, dtype=pl.Null),
    "parts": [{"a": 1}] * 3,
    "opens": [time(8)] * 3,
    "photo": [b"x"] * 3,
    "tags": [["a"], [], None],
    "deep": [[[1]]] * 3,
    "fixed": pl.Series([[1, 2]] * 3, dtype=pl.Array(pl.Int8, 2)),
})  # fmt: skip
ORDERS = "customer_id,total,at,blank\n1,5.5,2026-01-02T10:00:00,\n1,7,2025-12-24T11:30:00,\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.seg").write_text(RULES, encoding="utf-8")
    CUSTOMERS.write_parquet(tmp_path / "customers.parquet")
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    return tmp_path


def call(*arguments: Any, code: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done


def settings(project: Path) -> str:
    return (project / "segkernel.toml").read_text(encoding="utf-8")


def fields(shown: str) -> dict[str, list[str]]:
    """The cells of the rows that describe fields."""
    return {
        (cells := [cell for cell in row.split("  ") if cell])[0]: [each.strip() for each in cells[1:]]
        for row in shown.splitlines()
        if "." in row.split(" ")[0]
    }


def test_tables_and_fields_are_shown(project: Path) -> None:
    done = call("schema", project)
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "table      rows  key  links                 source",
        "customers     3  id                         customers.parquet",
        "orders        2       customer → customers  orders.csv",
        "planned          id",
    ]
    shown = fields("\n".join(lines[4:]))
    assert shown["customers.revenue"] == ["decimal(2)", "Float64", "2", "pinned, column REV, EUR, Revenue"]
    assert shown["customers.secret"] == ["text", "String", "1", "pinned, rules may not use it"]
    assert shown["customers.country"] == ["text", "String", "0", "pinned, never missing, one of 2 values"]
    assert shown["customers.size"] == ["text", "Enum", "1", "found"]
    assert shown["customers.rating"] == ["number", "Float32", "2", "found"]
    assert shown["customers.seen"] == ["timestamp", "Datetime(ns, UTC)", "0", "found"]
    assert shown["customers.nothing"] == ["Null", "3", "no value yet"]
    assert shown["customers.parts"] == ["Struct({'a': Int64})", "0", "rules cannot use this type"]
    assert shown["customers.tags"] == ["list of text", "List(String)", "1", "found"]
    assert shown["orders.at"] == ["timestamp", "Datetime(us, no zone)", "0", "found"]
    assert "customers.REV" not in shown
    assert lines[-1] == f"16 fields not pinned; `segkernel schema {project} --write` pins what it can"
    assert settings(project) == SETTINGS


def test_types_are_pinned_and_all_else_stays(project: Path) -> None:
    os.chmod(project / "segkernel.toml", 0o640)
    done = call("schema", project, "--write")
    assert done.stdout.endswith(f"\n15 fields pinned in {project / 'segkernel.toml'}\n")
    assert done.stderr.splitlines() == [
        "customers.score is not pinned: the rules have a let of this name",
        "customers.nothing is not pinned: no row has a value, so its type cannot be told",
        "customers.parts is not pinned: rules cannot use the type Struct({'a': Int64})",
        "customers.opens is not pinned: rules cannot use the type Time",
        "customers.photo is not pinned: rules cannot use the type Binary",
        "customers.deep is not pinned: rules cannot use the type List(List(Int64))",
        "orders.blank is not pinned: no row has a value, so its type cannot be told",
    ]
    after = settings(project)
    added = [line for line in after.splitlines() if line not in SETTINGS.splitlines()]
    assert [line for line in after.splitlines() if line not in added] == SETTINGS.splitlines()
    assert added == [
        'id = { type = "whole number" }',
        'size = { type = "text" }',
        'rating = { type = "number" }',
        '"first name" = { type = "text" }',
        '"caf\u00e9" = { type = "yes/no", column = "cafe\u0301" }',
        'since = { type = "date" }',
        'seen = { type = "timestamp" }',
        'took = { type = "duration" }',
        'limit = { type = "decimal(2)" }',
        'big = { type = "whole number" }',
        'tags = { type = "list of text" }',
        'fixed = { type = "list of whole number" }',
        "[tables.orders.fields]",
        'customer_id = { type = "whole number" }',
        'total = { type = "number" }',
        'at = { type = "timestamp" }',
    ]
    assert (project / "segkernel.toml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in project.iterdir()) == ["customers.parquet", "orders.csv", "rules.seg", "segkernel.toml"]


def test_a_second_time_changes_nothing(project: Path) -> None:
    call("schema", project, "--write")
    before, written = settings(project), (project / "segkernel.toml").stat()
    assert call("schema", project, "--write").stdout.endswith("\nnothing to pin\n")
    assert settings(project) == before
    assert (project / "segkernel.toml").stat().st_mtime_ns == written.st_mtime_ns


def test_pinned_rules_are_checked_without_data_and_answer_the_same(project: Path) -> None:
    (project / "rules.seg").write_text(RULES.replace("score > 3", '`café` and `first name` != "z"'), encoding="utf-8")
    call("run", project, "--as-of", "2026-01-15")
    before = pl.read_parquet(project / "out" / "memberships.parquet")
    call("schema", project, "--write")
    call("run", project, "--as-of", "2026-01-15")
    assert pl.read_parquet(project / "out" / "memberships.parquet").equals(before)
    for name in ("customers.parquet", "orders.csv"):
        (project / name).unlink()
    assert call("check", project).stdout.startswith("ok: 2 segments")


def test_a_project_without_rules_yet(project: Path) -> None:
    (project / "rules.seg").unlink()
    call("schema", project, "--write")
    assert 'score = { type = "whole number" }' in settings(project)


def test_as_json(project: Path) -> None:
    found = json.loads(call("schema", project, "--format", "json").stdout)
    assert (found["root"], found["timezone"], list(found["tables"])) == ("customers", "UTC", ["customers", "orders", "planned"])
    customers, orders = found["tables"]["customers"], found["tables"]["orders"]
    assert (customers["rows"], customers["key"], customers["links"]) == (3, ["id"], {})
    assert orders["links"] == {"customer": {"table": "customers", "by": ["customer_id"], "relation": None}}
    assert customers["fields"]["revenue"] == {
        "type": "decimal(2)",
        "data": "Float64",
        "column": "REV",
        "missing": 2,
        "pinned": True,
        "usable": True,
        "never_missing": False,
        "values": [],
        "unit": "EUR",
        "label": "Revenue",
    }
    assert (customers["fields"]["parts"]["type"], customers["fields"]["parts"]["usable"]) == (None, False)
    assert customers["fields"]["nothing"]["type"] is None
    assert "written" not in found
    written = json.loads(call("schema", project, "--write", "--format", "json").stdout)["written"]
    assert written[:2] == ["customers.id", "customers.size"]


def test_a_file_that_cannot_be_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting.os, "access", lambda path, mode: mode != os.W_OK)
    path = project / "segkernel.toml"
    assert call("schema", project, "--write", code=1).stderr == f"error: cannot write {path}: Permission denied\n"
    monkeypatch.undo()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rewriting.os, "fsync", full)
    assert call("schema", project, "--write", code=1).stderr == f"error: cannot write {path}: No space left on device\n"
    assert settings(project) == SETTINGS
    assert len(list(project.iterdir())) == 4


def test_a_link_to_the_settings_stays_a_link(project: Path, tmp_path: Path) -> None:
    real = project / "real.toml"
    (project / "segkernel.toml").rename(real)
    (project / "segkernel.toml").symlink_to(real)
    call("schema", project, "--write")
    assert (project / "segkernel.toml").is_symlink()
    assert "big = " in real.read_text(encoding="utf-8")


def test_data_that_are_not_there_or_do_not_fit(project: Path) -> None:
    (project / "orders.csv").unlink()
    assert call("schema", project, code=1).stderr == f"error: orders: there is no file {project / 'orders.csv'}\n"
    (project / "orders.csv").write_text(ORDERS, encoding="utf-8")
    CUSTOMERS.with_columns(country=pl.lit(1)).write_parquet(project / "customers.parquet")
    assert call("schema", project, "--write", code=1).stderr == "error: customers.country: expected text, found whole number (Int32)\n"
    assert settings(project) == SETTINGS
