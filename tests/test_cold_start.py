"""What a run loads, what it does side by side, and how its process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import segdsl
from segdsl.schema import FieldSpec, Schema, Table
from segdsl.typesystem import NUMBER
from segkernel import inputs
from segkernel.cli import main
from segkernel.data.dataset import Dataset
from segkernel.errors import Cancelled, Error
from tests.test_boundaries import ROOT, command, loaded

SETTINGS = """\
[project]
root = "customers"
rules = ["*.seg"]
as_of = "2026-01-15T12:00"

[tables.customers]
source = "customers.parquet"
key = "customer_id"
"""
SLICE = 65_536
"""Rows that the fingerprint takes at a time."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.seg").write_text('segment german when country = "DE"\n', encoding="utf-8")
    pl.DataFrame({"customer_id": [1, 2], "country": ["DE", None]}).write_parquet(tmp_path / "customers.parquet")
    return tmp_path


def run(project: Path) -> Any:
    return CliRunner().invoke(main, ["run", str(project)])


def test_a_run_loads_only_what_it_needs(project: Path) -> None:
    modules, shown = loaded(command("run", str(project)))
    assert "german" in shown
    strange = {"numba", "rich", "duckdb", "pyarrow", "pandas", "matplotlib"}
    strange |= {
        f"segkernel.{name}"
        for name in ("batches", "cases", "changes", "differences", "match", "oracle", "stream", "versions", "why.explain")
    }
    strange |= {f"segdsl.{name}" for name in ("canonical", "faces", "layout", "remarks", "written")}
    assert not modules & strange


def test_what_is_needed_before_rows_are_read_needs_neither_arrays_nor_kernels() -> None:
    modules, _ = loaded("import segkernel.cli.run, segkernel.inputs, segkernel.data.completion")
    assert "polars" in modules
    assert not modules & {"numpy", "nanoarrow", "llvmlite", "segkernel.evaluation", "segkernel.data.dataset"}


def test_the_language_loads_what_writes_rules_when_it_is_used() -> None:
    modules, shown = loaded("import sys, segdsl\nprint('segdsl.faces' in sys.modules)\nfrom segdsl import *\nassert format and to_json")
    assert shown.splitlines()[0] == "False"
    assert "segdsl.faces" in modules
    with pytest.raises(AttributeError, match='module "segdsl" has no attribute "forms_of"'):
        segdsl.forms_of  # noqa: B018


@pytest.mark.parametrize("call", ["main()", "main(prog_name='segkernel')"])
def test_a_process_of_its_own_ends_without_a_search_for_cycles(project: Path, call: str) -> None:
    code = f"import sys\nsys.path[:0] = {[str(ROOT), str(ROOT / 'dsl')]!r}\n"
    code += "import atexit, gc\natexit.register(lambda: print('kept', gc.get_freeze_count() > 10_000))\n"
    code += f"sys.argv[1:] = ['run', {str(project)!r}]\nfrom segkernel.cli import main\n{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "kept True"


def test_the_fingerprint_of_a_run_is_not_made_to_its_end_where_the_run_has_failed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[Callable[[], None]] = []
    monkeypatch.setattr(Dataset, "begin_fingerprint", lambda self, columns, check: checks.append(check))
    path = project / "rules.seg"
    path.write_text("segment many when customer_id * 9223372036854775807 * 9223372036854775807 > 5\n", encoding="utf-8")
    done = run(project)
    assert done.exit_code == 1
    assert "leaves its range" in done.stderr or "too large" in done.stderr, done.stderr
    (check,) = checks
    with pytest.raises(Cancelled):
        check()


def test_warnings_that_cannot_be_found_leave_everything_in_its_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(project).exit_code == 0
    before = {path.name: path.read_bytes() for path in (project / "out").iterdir()}

    def heard(self: object) -> None:
        raise Error("no warnings today")

    monkeypatch.setattr(inputs.InMemory, "heard", heard)
    (project / "rules.seg").write_text('segment other when country != "DE"\n', encoding="utf-8")
    done = run(project)
    assert (done.exit_code, done.stdout, done.stderr.strip()) == (1, "", "error: no warnings today")
    assert {path.name: path.read_bytes() for path in (project / "out").iterdir()} == before


def accounts(series: pl.Series) -> Dataset:
    return Dataset({"accounts": pl.DataFrame({"id": np.arange(len(series)), "text": series})}, key="id")


def fingerprint(series: pl.Series) -> str:
    return accounts(series).fingerprint({"accounts": ("text",)})


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, SLICE, SLICE + 1, 2 * SLICE + 9])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_categories_have_the_fingerprint_of_their_texts(rows: int, missing: float) -> None:
    """Also where later slices have texts that the first has not, and where texts are long or empty."""
    known = np.array(["", "a", "ß", "x" * 300, *map(str, range(40))])
    chosen = np.sort(np.random.default_rng(5).integers(0, known.size, rows))
    texts = pl.Series(
        [None if lost else text for text, lost in zip(known[chosen].tolist(), _lost(rows, missing), strict=True)], dtype=pl.String
    )
    enum = pl.Enum(sorted(known.tolist()))
    assert len({fingerprint(texts.cast(dtype)) for dtype in (pl.String, pl.Categorical, enum)}) == 1


def test_more_categories_than_a_slice_has_rows_have_the_fingerprint_of_their_texts() -> None:
    texts = pl.Series([f"text {number}" for number in range(SLICE + 5_000)]).reverse()
    assert fingerprint(texts) == fingerprint(texts.cast(pl.Categorical))


def test_a_fingerprint_is_begun_and_stopped_between_slices_and_then_made() -> None:
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled("enough")

    columns = {"accounts": ("id", "text")}
    zeros, rest = pl.Series(np.zeros(10 * SLICE)), pl.Series(np.zeros(SLICE))
    data = accounts(zeros)
    with pytest.raises(Cancelled):
        data.begin_fingerprint(columns, check)
    assert len(calls) == 3
    whole = data.fingerprint(columns)
    data.begin_fingerprint(columns, check)  # is there already
    assert len(calls) == 3
    again = accounts(zeros)
    again.begin_fingerprint(columns, lambda: None)
    assert again.fingerprint(columns) == whole != accounts(rest).fingerprint(columns)


def test_a_fingerprint_begun_on_another_thread_is_the_same() -> None:
    series = pl.Series(np.random.default_rng(2).random(5 * SLICE + 1))
    columns = {"accounts": ("id", "text")}
    data = accounts(series)
    with ThreadPoolExecutor(1) as beside:
        begun = beside.submit(data.begin_fingerprint, columns, lambda: None)
        found = data.fingerprint(columns)
        begun.result()
    assert found == accounts(series).fingerprint(columns)


def test_two_fields_of_one_column_count_both() -> None:
    fields = {"a": FieldSpec(NUMBER, "text"), "b": FieldSpec(NUMBER, "text")}

    def of(called: list[str]) -> str:
        table = Table({name: fields[name] for name in called}, ("id",))
        frame = pl.DataFrame({"id": [1, 2], "text": [1.0, 2.0]})
        return Dataset({"accounts": frame}, Schema("accounts", {"accounts": table})).fingerprint({"accounts": ("text",)})

    assert len({of(["a"]), of(["b"]), of(["a", "b"])}) == 3


def _lost(rows: int, share: float) -> list[bool]:
    return (np.random.default_rng(6).random(rows) < share).tolist()
