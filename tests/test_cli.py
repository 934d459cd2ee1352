"""The command line: what it says, what it writes, and its exit codes."""

import errno
import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner

import segkernel
from segkernel import output
from segkernel.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]

SETTINGS = """\
[project]
root = "customers"
timezone = "Europe/Berlin"
rules = ["segments/*.seg"]
as_of = "2026-01-15T12:00"

[tables.customers]
source = "data/customers.parquet"
key = "customer_id"

[tables.orders]
source = "data/orders-*.csv"
[tables.orders.links]
customer = { table = "customers", by = "customer_id" }
"""

RULES = """\
param limit = 10

segment german "Customers in Germany"
  when country = "DE"

segment other when country != "DE"
segment buyers "Bought" when sum(orders.total) > limit
choose tier "gold" when in segment buyers otherwise "none"
"""


@pytest.fixture
def project(tmp_path):
    """A project with two tables, one of them in two files."""
    (tmp_path / "segkernel.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "all.seg").write_text(RULES, encoding="utf-8")
    (tmp_path / "data").mkdir()
    customers = pl.DataFrame({"customer_id": [1, 2, 3, 4], "country": ["DE", None, "NL", "DE"], "unused": [1, 2, 3, 4]})
    customers.write_parquet(tmp_path / "data" / "customers.parquet")
    (tmp_path / "data" / "orders-1.csv").write_text("customer_id,total,placed_on\n1,5.5,2026-01-02\n1,7,2025-12-24\n", encoding="utf-8")
    (tmp_path / "data" / "orders-2.csv").write_text("customer_id,total,placed_on\n3,9,2026-01-10\n77,1.25,2026-01-11\n", encoding="utf-8")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(code, *arguments):
    """What a command says that ends with an exit code other than 0; it never shows a traceback."""
    done = call(*arguments)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.stderr


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# run


def test_run_counts_and_writes(project):
    done = call("run", project)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "segment      label                 accounts  share  unknown",
        "german       Customers in Germany         2  50.0%        1",
        "other                                     1  25.0%        1",
        "buyers       Bought                       1  25.0%        0",
        "tier = gold                               1  25.0%",
        "tier = none                               3  75.0%",
        f"4 customers as of 2026-01-15T12:00:00+01:00 (Europe/Berlin), written to {project / 'out'}",
    ]
    assert done.stderr.splitlines() == [
        f"{project / 'segments' / 'all.seg'}:6:20: warning[W101]: 1 of customers whose `country` is missing drop out here",
        '    segment other when country != "DE"',
        "                       ^^^^^^^^^^^^^^^",
        "    add `or country is missing` to keep them",
        "1 row whose link orders.customer finds nobody",
    ]
    assert pl.read_parquet(project / "out" / "memberships.parquet").rows() == [
        (1, True, False, True, "gold"),
        (2, False, False, False, "none"),
        (3, False, True, False, "none"),
        (4, True, False, False, "none"),
    ]
    assert sorted(path.name for path in (project / "out").iterdir()) == ["memberships.parquet", "run.json", "summary.json"]


def test_the_summary_says_what_was_found(project):
    call("run", project)
    found = json.loads((project / "out" / "summary.json").read_bytes())
    prints = found.pop("fingerprints")
    assert found == {
        "format": 1,
        "as_of": "2026-01-15T12:00:00+01:00",
        "timezone": "Europe/Berlin",
        "root": "customers",
        "accounts": 4,
        "segments": [
            {"name": "german", "label": "Customers in Germany", "accounts": 2, "unknown": 1},
            {"name": "other", "label": None, "accounts": 1, "unknown": 1},
            {"name": "buyers", "label": "Bought", "accounts": 1, "unknown": 0},
        ],
        "chooses": [
            {"name": "tier", "label": None, "values": [{"value": "gold", "accounts": 1}, {"value": "none", "accounts": 3}], "none": 0}
        ],
        "collects": [],
        "orphans": {"orders.customer": 1},
    }
    assert sorted(prints) == ["data", "rules", "schema"]
    record = json.loads((project / "out" / "run.json").read_bytes())
    assert record["versions"]["segkernel"] == segkernel.__version__
    assert sorted(record["files"]) == ["memberships.parquet", "summary.json"]
    datetime.fromisoformat(record["started"])


def test_the_same_input_gives_the_same_bytes(project):
    for name, threads in (("a", 1), ("b", 2)):
        assert call("run", project, "--out", project / name, "--threads", threads).exit_code == 0
    for name in ("memberships.parquet", "summary.json"):
        assert (project / "a" / name).read_bytes() == (project / "b" / name).read_bytes()


def test_run_as_json_prints_the_summary(project):
    done = call("run", project, "--format", "json")
    assert done.stdout.encode() == (project / "out" / "summary.json").read_bytes()


def test_only_params_and_instant(project):
    done = call("run", project, "--only", "buyers", "--param", "limit=8", "--as-of", "2026-02-01T00:00Z", "--format", "json")
    found = json.loads(done.stdout)
    assert [(item["name"], item["accounts"]) for item in found["segments"]] == [("buyers", 2)]
    assert found["chooses"] == []
    assert found["as_of"] == "2026-02-01T01:00:00+01:00"
    assert pl.read_parquet(project / "out" / "memberships.parquet").columns == ["customer_id", "buyers"]


def test_without_an_instant_the_run_takes_its_start(project):
    change(project / "segkernel.toml", 'as_of = "2026-01-15T12:00"\n', "")
    found = json.loads(call("run", project, "--format", "json").stdout)
    record = json.loads((project / "out" / "run.json").read_bytes())
    assert datetime.fromisoformat(found["as_of"]) == datetime.fromisoformat(record["started"])


def test_layouts(project):
    assert call("run", project, "--layout", "long").exit_code == 0
    found = pl.read_parquet(project / "out" / "memberships.parquet")
    assert found.columns == ["customer_id", "name", "value"]
    assert found.rows()[:3] == [(1, "german", None), (4, "german", None), (3, "other", None)]
    assert call("run", project, "--layout", "counts").exit_code == 0
    assert sorted(path.name for path in (project / "out").iterdir()) == ["run.json", "summary.json"]


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "ipc"])
def test_every_format_is_read(project, ending):
    frame = pl.read_parquet(project / "data" / "customers.parquet")
    path = project / "data" / f"all.{ending}"
    {"parquet": frame.write_parquet, "csv": frame.write_csv, "ndjson": frame.write_ndjson, "ipc": frame.write_ipc}[ending](path)
    change(project / "segkernel.toml", "data/customers.parquet", f"data/all.{ending}")
    found = json.loads(call("run", project, "--format", "json").stdout)
    assert [item["accounts"] for item in found["segments"]] == [2, 1, 1]


def test_pinned_times_are_read_from_texts(project):
    lines = [
        '{"customer_id": 1, "born": "1990-01-15", "seen": "2026-01-15T10:59:00Z", "local": "2026-01-15T11:59"}',
        '{"customer_id": 2, "seen": "2026-01-15T13:01:00+02:00", "local": "2026-01-15T12:01:00.5"}',
        '{"customer_id": 3, "born": "1990-01-16"}',
    ]
    (project / "data" / "customers.ndjson").write_text("\n".join(lines), encoding="utf-8")
    pins = '\n[tables.customers.fields]\nborn = { type = "date" }\nseen = { type = "timestamp" }\nlocal = { type = "timestamp" }\n'
    settings = SETTINGS.replace("data/customers.parquet", "data/customers.ndjson") + pins
    (project / "segkernel.toml").write_text(settings, encoding="utf-8")
    rules = "segment a when born <= 1990-01-15 segment b when seen <= now segment c when local <= now"
    (project / "segments" / "all.seg").write_text(rules, encoding="utf-8")
    assert call("run", project).exit_code == 0
    found = pl.read_parquet(project / "out" / "memberships.parquet")
    assert found.rows() == [(1, True, True, True), (2, False, False, False), (3, False, False, False)]
    (project / "data" / "customers.ndjson").write_text("\n".join(lines).replace("1990-01-16", "soon"), encoding="utf-8")
    assert refused(1, "run", project).startswith("error: customers: ")


def test_a_files_name_may_look_like_a_glob(project):
    for ending in ("parquet", "csv", "ndjson", "ipc"):
        frame = pl.read_parquet(project / "data" / "customers.parquet")
        path = project / "data" / f"all[1].{ending}"
        {"parquet": frame.write_parquet, "csv": frame.write_csv, "ndjson": frame.write_ndjson, "ipc": frame.write_ipc}[ending](path)
        (project / "segkernel.toml").write_text(SETTINGS.replace("data/customers.parquet", f"data/all[1].{ending}"), encoding="utf-8")
        assert call("run", project).exit_code == 0, ending


def test_pinned_text_keeps_its_zeros_in_a_csv_file(project):
    (project / "data" / "customers.csv").write_text("customer_id,country\n007,01\n8,1\n", encoding="utf-8")
    change(project / "segkernel.toml", "data/customers.parquet", "data/customers.csv")
    pins = '\n[tables.customers.fields]\ncountry = { type = "text" }\n'
    (project / "segkernel.toml").write_text((project / "segkernel.toml").read_text() + pins)
    change(project / "segments" / "all.seg", 'country = "DE"', 'country = "01"')
    found = json.loads(call("run", project, "--format", "json").stdout)
    assert found["segments"][0]["accounts"] == 1


def test_a_table_without_a_source_is_read_by_no_rule(project):
    change(project / "segkernel.toml", 'source = "data/orders-*.csv"\n', "")
    assert refused(1, "run", project).startswith(f'{project / "segments" / "all.seg"}:7:41: error[E201]: orders has no field "total"')
    (project / "segments" / "all.seg").write_text("segment s when any(orders)", encoding="utf-8")
    assert refused(1, "run", project) == (
        'error: the rules read the table orders, which has no source; add source = "..." to [tables.orders]\n'
    )
    (project / "segments" / "all.seg").write_text('segment s when country = "DE"', encoding="utf-8")
    assert call("run", project).exit_code == 0


def test_letters_that_would_move_the_cursor_are_written_as_escapes(project):
    change(project / "segments" / "all.seg", '"Bought"', '"Bo\\u001b[31mught\\n"')
    shown = call("run", project).stdout
    assert "Bo\\x1b[31mught\\n" in shown
    assert "\x1b" not in shown


def test_only_warns_of_what_is_answered(project):
    assert "W101" not in call("run", project, "--only", "german").stderr
    assert "W101" in call("run", project, "--only", "other").stderr


def test_columns_that_no_rule_reads_are_not_read(project):
    """A column of a type that rules cannot use is no mistake until a rule uses it."""
    customers = pl.read_parquet(project / "data" / "customers.parquet")
    customers.with_columns(odd=pl.Series([b"a", b"b", b"c", b"d"])).write_parquet(project / "data" / "customers.parquet")
    assert call("run", project).exit_code == 0
    change(project / "segments" / "all.seg", 'country = "DE"', 'odd = "a"')
    assert "odd" in refused(1, "run", project)


# mistakes


def test_mistakes_in_rules(project):
    change(project / "segments" / "all.seg", "country = ", "contry = ")
    change(project / "segments" / "all.seg", "> limit", "> limt")
    path = project / "segments" / "all.seg"
    assert refused(1, "run", project).splitlines() == [
        f'{path}:4:8: error[E201]: customers has no field "contry"',
        '    when contry = "DE"',
        "         ^^^^^^",
        '    did you mean "country"?',
        f'{path}:7:50: error[E201]: customers has no field "limt"',
        '    segment buyers "Bought" when sum(orders.total) > limt',
        "                                                     ^^^^",
        '    did you mean "limit"?',
    ]
    assert not (project / "out").exists()


def test_mistakes_in_params(project):
    assert "there is no param" in refused(1, "run", project, "--param", "limt=3")
    assert refused(2, "run", project, "--param", "limit").splitlines()[-1] == 'Error: Invalid value for --param: "limit" is not NAME=VALUE'


def test_wrong_usage(project, tmp_path):
    assert 'there is no segment or choose called "germann"; did you mean "german"?' in refused(2, "run", project, "--only", "germann")
    assert 'as_of "soon" is not a time' in refused(2, "run", project, "--as-of", "soon")
    assert "Missing argument 'DIR'" in refused(2, "run")
    assert f"Directory '{tmp_path / 'none'}' does not exist." in refused(2, "run", tmp_path / "none")
    assert f"{project / 'data'} has no segkernel.toml" in refused(2, "run", project / "data")
    assert "No such command 'rum'" in refused(2, "rum")
    assert "No such option" in refused(2, "run", project, "--threat", "x")
    assert not (project / "out").exists()


def test_settings_that_are_broken(project):
    path = project / "segkernel.toml"
    path.write_text(SETTINGS.replace('root = "customers"', "root = "), encoding="utf-8")
    assert refused(1, "run", project) == f"error: {path}:2:8: this is not TOML: Invalid value\n"
    path.write_text(SETTINGS.replace("timezone", "timezon"), encoding="utf-8")
    said = f'error: {path}: project: there is no setting "timezon"; did you mean "timezone"?\n'
    assert refused(1, "run", project) == refused(1, "check", project) == said
    path.write_text(SETTINGS.replace("Europe/Berlin", "Europe/Berln"), encoding="utf-8")
    assert refused(1, "run", project) == (
        f'error: {path}: project.timezone: there is no timezone "Europe/Berln"; write one such as "Europe/Berlin" or "UTC"\n'
    )
    path.write_bytes(b"\xff\xfe")
    assert refused(1, "run", project) == f"error: {path}: not UTF-8 text; save the file as UTF-8\n"


def test_files_that_are_not_there(project):
    (project / "data" / "customers.parquet").unlink()
    assert refused(1, "run", project) == f"error: customers: there is no file {project / 'data' / 'customers.parquet'}\n"
    change(project / "segkernel.toml", "orders-*.csv", "order-*.csv")
    change(project / "segkernel.toml", "customers.parquet", "orders-1.csv")
    assert refused(1, "run", project) == "error: orders: no file matches data/order-*.csv\n"
    change(project / "segkernel.toml", "order-*.csv", "orders.xlsx")
    assert refused(1, "run", project) == (
        'error: orders: cannot tell the format of "data/orders.xlsx"; '
        "the name must end in .arrow, .csv, .feather, .ipc, .jsonl, .ndjson, .parquet, .pq\n"
    )
    change(project / "segkernel.toml", "segments/*.seg", "rules/*.seg")
    assert refused(1, "run", project) == f"error: {project / 'segkernel.toml'}: no rule file matches rules/*.seg\n"


def test_files_that_cannot_be_read(project):
    path = project / "segments" / "all.seg"
    path.write_bytes(b"# caf\xe9")
    assert refused(1, "run", project) == f"error: {path}:1: not UTF-8 text (byte 6); save the file as UTF-8\n"
    path.write_text(RULES)
    (project / "data" / "customers.parquet").write_text("nonsense, but long enough to be looked at")
    assert refused(1, "run", project).startswith("error: customers: cannot read data/customers.parquet: ")


def test_keys_that_repeat_or_are_missing(project):
    path = project / "data" / "customers.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(customer_id=pl.Series([1, 2, 2, 4])).write_parquet(path)
    assert refused(1, "run", project) == "error: customers has 2 rows whose key (customer_id) is not unique: 2\n"
    frame.with_columns(customer_id=pl.Series([1, None, 3, 4])).write_parquet(path)
    assert refused(1, "run", project) == "error: customers has 1 row without a key (customer_id is missing): row 2\n"
    frame.drop("customer_id").write_parquet(path)
    assert refused(1, "run", project) == "error: customers has no column customer_id, which is its key; it has: country, unused\n"


def test_a_pinned_column_that_is_missing_or_of_another_type(project):
    pins = '\n[tables.customers.fields]\nregion = { type = "text" }\n'
    (project / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    assert refused(1, "run", project) == "error: customers has no column region; it has: customer_id, country, unused\n"
    (project / "segkernel.toml").write_text(SETTINGS + pins.replace("region", "unused"), encoding="utf-8")
    assert refused(1, "run", project) == "error: customers.unused: expected text, found whole number (Int64)\n"


def test_what_the_settings_forbid(project):
    pins = '\n[tables.customers.fields]\ncountry = { type = "text", missing = "never" }\n'
    (project / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    assert refused(1, "run", project) == (
        'error: customers.country has 1 missing value (customer_id 2), but the schema says missing = "never"\n'
    )
    pins = '\n[tables.customers.fields]\ncountry = { type = "text", values = ["DE", "AT"] }\n'
    (project / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    done = call("run", project)
    assert done.exit_code == 0
    assert 'customers.country has a value that its list does not have, in 1 row: "NL"' in done.stderr.splitlines()


def test_a_link_to_a_key_that_repeats(project):
    change(
        project / "segkernel.toml", "[tables.orders]\n", '[tables.regions]\nsource = "data/regions.csv"\nkey = "code"\n\n[tables.orders]\n'
    )
    change(
        project / "segkernel.toml", 'key = "customer_id"\n', 'key = "customer_id"\nlinks.region = { table = "regions", by = "country" }\n'
    )
    (project / "data" / "regions.csv").write_text("code,name\nDE,a\nDE,b\nNL,c\n", encoding="utf-8")
    assert call("run", project).exit_code == 0  # as long as no rule follows the link
    change(project / "segments" / "all.seg", 'when country = "DE"', 'when region.name = "a"')
    said = refused(1, "run", project)
    assert said.startswith("error: regions")
    assert "DE" in said


def test_numbers_that_leave_their_range_name_the_place(project):
    change(project / "segments" / "all.seg", 'when country = "DE"', "when unused * 9_000_000_000_000_000_000 > 1")
    path = project / "segments" / "all.seg"
    assert refused(1, "run", project).startswith(f"error: {path}:4:8: `unused * 9_000_000_000_000_000_000`: a number leaves its range")
    assert not (project / "out").exists()


def test_several_mistakes_of_several_kinds_come_together(project):
    rules = [
        "segment a when",
        'segment b when contry = "DE"',
        "segment c when country > 5",
        "segment d when in segment e segment e when in segment d",
        "segment f when sum(orders.total) > limit param limit = 1 param limit = 2",
    ]
    (project / "segments" / "all.seg").write_text("\n".join(rules) + "\n", encoding="utf-8")
    said = refused(1, "run", project)
    assert said.count(": error[") == 5, said
    assert all(f"all.seg:{line}:" in said for line in (2, 3, 4, 5))


def test_an_output_that_cannot_be_written(project):
    (project / "file").write_text("")
    assert refused(1, "run", project, "--out", project / "file") == (
        f"error: cannot write {project / 'file'}: {project / 'file'} is not a folder\n"
    )


def test_a_full_disk(project, monkeypatch):
    def full(content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "document", full)
    assert refused(1, "run", project) == f"error: cannot write {project / 'out' / 'summary.json'}: No space left on device\n"
    assert not (project / "out").exists()


def test_an_interruption(project, monkeypatch):
    def interrupted(content):
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "document", interrupted)
    assert refused(130, "run", project).strip() == "interrupted"
    assert not (project / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_in_a_process_of_its_own(project):
    """Interrupted in the middle of writing, when temporary files are there."""
    waiting = "import time\nfrom segkernel import cli, output\n"
    waiting += "output.document = lambda content: (print('writing', flush=True), time.sleep(60))\ncli.main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dsl")])}
    start = [sys.executable, "-c", waiting, "run", str(project)]
    with subprocess.Popen(start, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        assert len(list((project / "out").iterdir())) == 2
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "interrupted"
    assert not (project / "out").exists()


# check


def test_check_of_a_project(project):
    done = call("check", project)
    assert done.exit_code == 0, done.output
    assert done.stdout == "ok: 3 segments, 1 choose in 1 file; 1 warning\n"
    assert "1 of customers whose `country` is missing drop out here" in done.stderr


def test_a_project_silences_warnings(project):
    change(project / "segkernel.toml", 'as_of = "', 'silence = ["W101"]\nas_of = "')
    done = call("check", project)
    assert (done.stdout, done.stderr) == ("ok: 3 segments, 1 choose in 1 file\n", "")


def test_check_of_a_file_knows_the_project_above(project):
    path = project / "segments" / "more.seg"
    path.write_text("segment more when in segment german and contry = 'x'\n", encoding="utf-8")
    done = call("check", path)
    assert done.exit_code == 1
    assert done.stdout == "1 mistake\n"
    assert f"{path}:1:41: error[E201]" in done.stderr
    assert call("check", project / "segments" / "all.seg").exit_code == 0


def test_check_of_a_file_alone_is_of_its_syntax(tmp_path):
    path = tmp_path / "a.seg"
    path.write_text("segment a when anything = 1\n", encoding="utf-8")
    done = call("check", path)
    assert (done.exit_code, done.stdout) == (0, "ok: 1 file, syntax only: there is no segkernel.toml above\n")
    path.write_text("segment a when\nsegment b when (\n", encoding="utf-8")
    done = call("check", path)
    assert (done.exit_code, done.stdout) == (1, "2 mistakes\n")


def test_check_without_data_tells_the_mistakes_that_no_data_can_mend(project):
    (project / "data" / "customers.parquet").unlink()
    done = call("check", project)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"error: customers: there is no file {project / 'data' / 'customers.parquet'}\n"
    change(project / "segments" / "all.seg", RULES, 'segment b when country = "DE"\nsegment a when')
    done = call("check", project)
    assert done.exit_code == 1
    assert "all.seg:2:15: error[E101]" in done.stderr
    there = project / "data" / "customers.parquet"
    assert done.stdout == f"1 mistake; fields that are not pinned were not looked at: customers: there is no file {there}\n"


def test_check_as_json(project):
    change(project / "segments" / "all.seg", "country = ", "contry = ")
    done = call("check", project, "--format", "json")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)
    assert (found["code"], found["line"], found["column"], found["severity"]) == ("E201", 4, 8, "error")


def test_deep_nesting_is_a_mistake_like_others(project):
    (project / "segments" / "all.seg").write_text("segment deep when " + "(" * 5000 + "true" + ")" * 5000, encoding="utf-8")
    assert "nested more than 64 deep" in refused(1, "check", project)


# plan, version


def test_plan_shows_the_program(project):
    whole, one = call("plan", project), call("plan", project, "german")
    assert whole.exit_code == one.exit_code == 0, whole.output + one.output
    assert "german" in one.stdout
    assert "orders" in whole.stdout
    assert "orders" not in one.stdout
    assert 'there is no segment or choose called "germann"; did you mean "german"?' in refused(2, "plan", project, "germann")


def test_version():
    assert call("--version").stdout == f"segkernel {segkernel.__version__}\n"


def test_help_names_the_commands_that_are_there():
    shown = call("--help").stdout
    assert all(f"\n  {name} " in shown for name in ("run", "check", "plan", "explain", "funnel", "test", "diff", "fmt", "convert"))


def test_help_says_of_each_command_what_it_says_itself():
    listed = dict(line.split(maxsplit=1) for line in call("--help").stdout.split("Commands:\n")[1].splitlines())
    assert listed == COMMANDS
    context = click.Context(main)
    for name, words in COMMANDS.items():
        command = main.get_command(context, name)
        assert (command.name, command.short_help) == (name, words)
    assert "No such command 'evaluate'" in refused(2, "evaluate")
