"""`segkernel run --memory`, and by itself where files are heavy: the same files as with all data in memory."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from segkernel import inputs, stream
from segkernel.batches import Whole, owners
from segkernel.cli import main
from segkernel.project import opened, unread
from tests.test_examples import B2B, GROCERY, module, needs_grocery_data, project
from tests.test_stream import RULES, SCHEMA, shop


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "run.json"}


def run(folder: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["run", str(folder), "--as-of", "2026-01-15T12:00", "--out", str(out), *more])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_size", lambda *_: 128)


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    text = SCHEMA.replace('root = "customers"', 'root = "customers"\nrules = ["*.seg"]')
    for name in ("customers", "companies", "orders", "lines", "products"):
        text = text.replace(f"[tables.{name}]\n", f'[tables.{name}]\nsource = "{name}.parquet"\n')
    text = text.replace("[tables.lines.links]", '[tables.lines]\nsource = "lines.parquet"\n[tables.lines.links]')
    text += '[tables.orders.fields]\nstatus = { type = "text", values = ["paid"] }\n'
    (tmp_path / "segkernel.toml").write_text(text, encoding="utf-8")
    (tmp_path / "rules.seg").write_text(RULES, encoding="utf-8")
    for name, frame in shop(1000, "with orphans and missing links").items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("layout", ["wide", "long", "counts"])
def test_the_files_are_the_same(shop_folder: Path, layout: str) -> None:
    usual = run(shop_folder, shop_folder / "usual", "--layout", layout)
    assert usual.exit_code == 0, usual.output
    found = run(shop_folder, shop_folder / "batches", "--layout", layout, "--memory", "1GB", "--threads", "1")
    assert found.exit_code == 0, found.output
    assert written(shop_folder / "batches") == written(shop_folder / "usual")
    assert found.stdout.replace("batches", "usual") == usual.stdout
    for line in ("whose link orders.customer finds nobody", "orders.status has a value that its list does not have, in "):
        assert [each for each in found.stderr.splitlines() if line in each] == [each for each in usual.stderr.splitlines() if line in each]
    assert not [path for path in shop_folder.rglob("*") if path.name.startswith(".")]


@pytest.mark.usefixtures("small_batches")
def test_changes_are_the_same(shop_folder: Path) -> None:
    assert run(shop_folder, shop_folder / "first").exit_code == 0
    customers = shop_folder / "customers.parquet"
    pl.read_parquet(customers)[5:].reverse().with_columns(pl.col("score") + 1).write_parquet(customers)
    more = ("--previous", str(shop_folder / "first" / "memberships.parquet"))
    assert run(shop_folder, shop_folder / "usual", *more).exit_code == 0
    assert run(shop_folder, shop_folder / "batches", *more, "--memory", "1GB").exit_code == 0
    assert written(shop_folder / "batches") == written(shop_folder / "usual")


def test_heavy_files_are_read_in_batches_by_themselves(shop_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(shop_folder, shop_folder / "usual").exit_code == 0
    made = []
    monkeypatch.setattr(inputs, "available", lambda: 1 << 10)
    monkeypatch.setattr(stream, "_size", lambda *_: made.append(1) or 256)
    assert run(shop_folder, shop_folder / "batches").exit_code == 0
    assert made
    assert written(shop_folder / "batches") == written(shop_folder / "usual")


def test_rules_that_need_all_accounts_say_so_or_read_them(shop_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop_folder / "rules.seg").write_text("segment s when count(company.customers) > 2", encoding="utf-8")
    refused = run(shop_folder, shop_folder / "out", "--memory", "1GB")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "error: --memory reads accounts in batches, and these rules need all of them at once: "
        "the rows of customers are reached from companies, which several accounts share\n"
    )
    monkeypatch.setattr(inputs, "available", lambda: 1 << 10)
    assert run(shop_folder, shop_folder / "out").exit_code == 0


def test_other_files_are_not_read_in_batches(shop_folder: Path) -> None:
    toml = shop_folder / "segkernel.toml"
    pl.read_parquet(shop_folder / "products.parquet").write_csv(shop_folder / "products.csv")
    toml.write_text(toml.read_text(encoding="utf-8").replace("products.parquet", "products.csv"), encoding="utf-8")
    refused = run(shop_folder, shop_folder / "out", "--memory", "1GB")
    assert refused.exit_code == 1
    assert "from Parquet or Arrow IPC files on this machine" in refused.stderr


@pytest.mark.parametrize(
    ("size", "said"), [("4", "is no size"), ("GB", "is no size"), ("1MB", "is less than 64MB"), ("-1GB", "is no size")]
)
def test_sizes_that_are_none(shop_folder: Path, size: str, said: str) -> None:
    refused = run(shop_folder, shop_folder / "out", "--memory", size)
    assert refused.exit_code == 2
    assert said in refused.stderr


def examined(folder: Path, out: Path) -> int:
    """How many names of a project can be answered in batches; these give the same files."""
    _, schema, rules = unread(opened(folder), opened(folder).files, {})
    able = []
    for name in rules.names:
        try:
            owners(rules.only(name), schema)
        except Whole:
            continue
        able.append(name)
    only = [word for name in able for word in ("--only", name)]
    assert run(folder, out / "usual", *only).exit_code == 0
    found = run(folder, out / "batches", *only, "--memory", "1GB")
    assert found.exit_code == 0, found.output
    assert written(out / "batches") == written(out / "usual")
    return len(able)


@needs_grocery_data
def test_the_grocery_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = module(GROCERY / "prepare.py")
    out = project(GROCERY, prepare.tables(prepare.package_data()), tmp_path)
    monkeypatch.setattr(stream, "_size", lambda *_: 640)
    assert examined(out.parent, tmp_path) == 42


def test_the_shop_that_sells_to_companies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = module(B2B / "generate.py")
    out = project(B2B, generate.tables(300, 7), tmp_path)
    monkeypatch.setattr(stream, "_size", lambda *_: 64)
    assert examined(out.parent, tmp_path) >= 10
