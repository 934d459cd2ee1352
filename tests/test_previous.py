"""`segkernel run --previous`: what changed since an earlier run, in files and on the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

import segkernel as sk
from segkernel import output
from segkernel.cli import main

ROOT = Path(__file__).parents[1]
SETTINGS = """\
[project]
root = "customers"
timezone = "Europe/Berlin"
rules = ["*.seg"]
as_of = "2026-01-15T12:00"

[tables.customers]
source = "customers.csv"
key = "customer_id"
"""
RULES = """\
param limit = 10
segment german "Customers in Germany" when country = "DE"
segment buyers "Bought" when spent > limit
choose tier "gold" when spent > 100 "silver" when in segment buyers
"""
FIRST = "customer_id,country,spent\n1,DE,5\n2,NL,50\n3,DE,500\n"
SECOND = "customer_id,country,spent\n4,DE,7\n3,NL,500\n1,DE,11\n"


@pytest.fixture
def project(tmp_path):
    """A project that has run once, whose data have changed since."""
    (tmp_path / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.seg").write_text(RULES, encoding="utf-8")
    (tmp_path / "customers.csv").write_text(FIRST, encoding="utf-8")
    assert call("run", tmp_path).exit_code == 0
    (tmp_path / "customers.csv").write_text(SECOND, encoding="utf-8")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def nightly(project, *arguments):
    """The next night's run, over the files of the night before."""
    done = call("run", project, "--as-of", "2026-01-16T12:00", "--previous", project / "out" / "memberships.parquet", *arguments)
    assert done.exit_code == 0, done.output
    return done


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_tells_who_entered_and_left(project):
    shown = nightly(project).stdout.splitlines()
    assert shown == [
        "segment          label                 accounts  share  unknown  entered  left",
        "german           Customers in Germany         2  66.7%        0        1     1",
        "buyers           Bought                       2  66.7%        0        1     1",
        "tier = gold                                   1  33.3%",
        "tier = silver                                 1  33.3%",
        "tier is missing                               1  33.3%",
        f"3 customers as of 2026-01-16T12:00:00+01:00 (Europe/Berlin), written to {project / 'out'}",
        f"changes since 2026-01-15T12:00:00+01:00, of {project / 'out' / 'memberships.parquet'}",
    ]


def test_the_files_of_a_run_with_changes(project):
    nightly(project)
    folder = project / "out"
    assert sorted(held(folder)) == ["changes.parquet", "memberships.parquet", "run.json", "summary.json", "value_changes.parquet"]
    found = pl.read_parquet(folder / "changes.parquet")
    assert found.columns == ["customer_id", "segment", "change"]
    assert found.rows() == [
        (4, "german", "entered"),
        (3, "german", "left"),
        (1, "buyers", "entered"),
        (2, "buyers", "left"),
    ]
    found = pl.read_parquet(folder / "value_changes.parquet")
    assert found.columns == ["customer_id", "name", "old", "new"]
    assert found.rows() == [(1, "tier", None, "silver"), (2, "tier", "silver", None)]
    assert pl.read_parquet(folder / "memberships.parquet")["customer_id"].to_list() == [4, 3, 1]
    record = json.loads((folder / "run.json").read_bytes())
    assert sorted(record["files"]) == ["changes.parquet", "memberships.parquet", "summary.json", "value_changes.parquet"]
    for name, file in record["files"].items():
        assert blake2b((folder / name).read_bytes(), digest_size=16).hexdigest() == file["blake2b"]


def test_duckdb_reads_the_changes(project):
    nightly(project)
    rows = duckdb.sql(f"select change, count(*) from '{project / 'out' / 'changes.parquet'}' group by change order by change").fetchall()
    assert rows == [("entered", 2), ("left", 2)]


def test_the_summary_holds_the_changes(project):
    shown = json.loads(nightly(project, "--format", "json").stdout)
    assert shown == json.loads((project / "out" / "summary.json").read_bytes())
    assert shown["changes"] == {
        "since": "2026-01-15T12:00:00+01:00",
        "segments": [
            {"name": "german", "entered": 1, "left": 1, "redefined": False},
            {"name": "buyers", "entered": 1, "left": 1, "redefined": False},
        ],
        "chooses": [{"name": "tier", "changed": 2, "redefined": False}],
        "collects": [],
        "added": [],
        "removed": [],
    }


def test_rules_that_changed_meanwhile_are_told_apart(project):
    rules = RULES.replace("limit = 10", "limit = 20").replace("segment german", "segment dutch")
    (project / "rules.seg").write_text(rules, encoding="utf-8")
    done = nightly(project)
    assert done.stdout.splitlines()[1].split() == ["dutch", "Customers", "in", "Germany", "2", "66.7%", "0", "-", "-"]
    assert done.stdout.splitlines()[-3:] == [
        "another meaning since then: buyers, tier",
        "new since then: dutch",
        "gone since then: german",
    ]
    changes = json.loads((project / "out" / "summary.json").read_bytes())["changes"]
    assert [item["redefined"] for item in (*changes["segments"], *changes["chooses"])] == [True, True]
    assert (changes["added"], changes["removed"]) == (["dutch"], ["german"])


def test_a_param_of_the_command_line_counts_as_another_meaning(project):
    assert "another meaning since then: buyers, tier" in nightly(project, "--param", "limit=11").stdout


def test_the_same_two_nights_give_the_same_bytes(project):
    before = project / "out" / "memberships.parquet"
    for name, threads in (("a", 1), ("b", 2)):
        assert call("run", project, "--previous", before, "--out", project / name, "--threads", threads).exit_code == 0
    first, second = held(project / "a"), held(project / "b")
    for name in ("changes.parquet", "value_changes.parquet", "memberships.parquet", "summary.json"):
        assert first[name] == second[name]


def test_a_file_saved_by_a_program_is_a_previous_one(project, tmp_path):
    data = sk.Dataset({"customers": pl.read_csv(FIRST.encode())}, root="customers", key="customer_id", timezone="Europe/Berlin")
    path = tmp_path / "kept.parquet"
    sk.compile(RULES, data.schema).evaluate(data, as_of="2026-01-15T12:00").save(path)
    done = call("run", project, "--previous", path, "--format", "json")
    found = json.loads(done.stdout)["changes"]
    assert [(item["entered"], item["left"], item["redefined"]) for item in found["segments"]] == [(1, 1, False)] * 2
    loaded = sk.Membership.load(project / "out" / "memberships.parquet")
    assert loaded.changes(since=sk.Membership.load(path)).frame().equals(pl.read_parquet(project / "out" / "changes.parquet"))


def test_only_and_other_layouts(project):
    kept = project / "kept.parquet"
    (project / "out" / "memberships.parquet").rename(kept)
    assert call("run", project, "--previous", kept, "--layout", "long", "--only", "buyers").exit_code == 0
    assert pl.read_parquet(project / "out" / "changes.parquet")["segment"].to_list() == ["buyers"] * 2
    done = call("run", project, "--previous", project / "out" / "memberships.parquet")
    assert done.exit_code == 1
    assert "expected a membership that result.save or `segkernel run` (wide layout) wrote" in done.stderr
    assert call("run", project, "--previous", kept, "--layout", "counts").exit_code == 0
    assert sorted(held(project / "out")) == ["changes.parquet", "run.json", "summary.json", "value_changes.parquet"]


def test_without_a_previous_file_changes_of_an_earlier_run_go(project):
    nightly(project)
    done = call("run", project)
    assert "entered" not in done.stdout
    assert sorted(held(project / "out")) == ["memberships.parquet", "run.json", "summary.json"]
    assert "changes" not in json.loads((project / "out" / "summary.json").read_bytes())


def test_nights_follow_each_other_in_one_folder(project):
    nightly(project)
    (project / "customers.csv").write_text(FIRST, encoding="utf-8")
    nightly(project)
    assert pl.read_parquet(project / "out" / "changes.parquet").rows() == [
        (3, "german", "entered"),
        (4, "german", "left"),
        (1, "buyers", "left"),
        (2, "buyers", "entered"),
    ]


# mistakes


def test_previous_files_that_are_not_what_they_should_be(project):
    before = held(project / "out")
    done = call("run", project, "--previous", project / "none.parquet")
    assert done.exit_code == 2
    assert f"File '{project / 'none.parquet'}' does not exist." in done.stderr
    assert call("run", project, "--previous", project).exit_code == 2
    done = call("run", project, "--previous", project / "customers.csv")
    assert (done.exit_code, done.stdout) == (1, "")
    said = "expected a Parquet file with a saved membership, found another file, or one that was cut off"
    assert done.stderr == f"error: {project / 'customers.csv'}: {said}\n"
    change = SETTINGS.replace('key = "customer_id"', 'key = "spent"')
    (project / "segkernel.toml").write_text(change, encoding="utf-8")
    done = call("run", project, "--previous", project / "out" / "memberships.parquet")
    assert done.exit_code == 1
    assert done.stderr == "error: expected an earlier membership with the key (spent), found one with the key (customer_id)\n"
    assert held(project / "out") == before


def test_a_write_that_fails_leaves_the_files_of_the_night_before(project, monkeypatch):
    before = held(project / "out")
    parquet = output.parquet

    asked = []

    def full(table, file):
        asked.append(file)
        if len(asked) == 2:
            raise OSError(28, "No space left on device")
        parquet(table, file)

    monkeypatch.setattr(output, "parquet", full)
    done = call("run", project, "--previous", project / "out" / "memberships.parquet")
    assert done.exit_code == 1
    assert done.stderr == f"error: cannot write {project / 'out' / 'changes.parquet'}: No space left on device\n"
    assert held(project / "out") == before


def test_a_folder_in_the_place_of_the_changes_is_told_before_anything_is_read(project):
    (project / "out" / "changes.parquet").mkdir()
    done = call("run", project, "--previous", project / "out" / "memberships.parquet")
    assert done.stderr == f"error: cannot write {project / 'out' / 'changes.parquet'}: Is a directory\n"


def test_the_command_itself_in_a_process_of_its_own(project):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dsl")])}
    command = [sys.executable, "-m", "segkernel", "run", str(project), "--previous", str(project / "out" / "memberships.parquet")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "changes since 2026-01-15T12:00:00+01:00" in done.stdout


def test_the_help_names_the_option():
    assert "--previous FILE" in call("run", "--help").stdout
