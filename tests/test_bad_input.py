"""Bad input on the command line: a sentence and an exit code for each, no traceback, and nothing written or changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from segkernel import output
from segkernel.cli import main
from segkernel.data.dataset import Dataset
from segkernel.errors import SchemaError
from segkernel.leftovers import clear
from tests import bad_files, bad_rules
from tests.bad_project import CUSTOMERS, FILES, PRODUCTS, RULES, rules

ROOT = Path(__file__).parents[1]
EARLIER = {"memberships.parquet": b"earlier memberships", "summary.json": b"earlier summary", "run.json": b"earlier run"}
IDS = pl.DataFrame({"n": [row * 2_654_435_761 % 2**40 for row in range(20_000)]})
FIVE_MISTAKES = """\
segment one when
segment two when contry = "DE"
segment three when country > 5
segment four when in segment five segment five when in segment four
segment six when visits > 1 segment six when visits > 2
"""


def project(folder, changes):
    """A project of FILES and the changes to it: None for no file, `Path` for a folder, `os.fspath` for a link to nowhere."""
    for name, content in {**FILES, **changes}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if content is Path:
            path.mkdir()
        elif content is os.fspath:
            path.symlink_to(folder / "nowhere")
        elif isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        elif content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def held(folder):
    """Every file and folder below, with what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def fits(said, expected):
    """Whether a message is the expected one, in which … stands for anything."""
    parts = expected.split("…")
    if not (said.startswith(parts[0]) and said.endswith(parts[-1])):
        return False
    at = 0
    for part in parts:
        at = said.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(parts) > 1 or said == expected


CASES = {**bad_rules.CASES, **bad_files.CASES}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_told_and_nothing_is_written(name, tmp_path):
    changes, options, code, expected = CASES[name]
    folder = project(tmp_path, changes)
    arguments = ["run", str(folder), *(option.replace("{}", str(folder)) for option in options)]
    for earlier in ({}, EARLIER):
        for file, content in earlier.items():
            (folder / "out").mkdir(exist_ok=True)
            (folder / "out" / file).write_bytes(content)
        before = held(folder)
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code, done.stdout) == (code, ""), done.output
        assert fits(done.stderr.replace(str(folder), "{}"), expected), done.stderr
        assert "Traceback" not in done.stderr
        assert held(folder) == before


def test_five_mistakes_come_together(tmp_path):
    folder = project(tmp_path, rules(FIVE_MISTAKES))
    done = CliRunner().invoke(main, ["check", str(folder)])
    assert done.exit_code == 1
    found = [line.removeprefix(f"{folder}/rules.seg:") for line in done.stderr.splitlines() if "error[" in line]
    assert [line.split(" ")[0] + line.split(" ")[1] for line in found] == [
        "1:17:error[E101]:",
        "2:18:error[E201]:",
        "3:20:error[E301]:",
        "4:9:error[E206]:",
        "5:37:error[E204]:",
    ]
    assert done.stdout == "5 mistakes\n"


def test_what_no_rule_reads_is_not_looked_at(tmp_path):
    """Types that rules cannot use, keys and links that are broken: no mistake until a rule needs them."""
    folder = project(tmp_path, {"products.parquet": pl.concat([PRODUCTS, PRODUCTS])})
    done = CliRunner().invoke(main, ["run", str(folder), "--only", "german"])
    assert done.exit_code == 0, done.output


def process(folder, start, *options, stdout=subprocess.PIPE, **settings):
    """A command line of its own, after some code, with settings of its environment."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "dsl")])
    code = f"{start}\nfrom segkernel.cli import main\nmain()"
    command = [sys.executable, "-c", code, "run", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": path, **settings}
    return subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True)


def with_earlier_output(folder):
    (folder / "out").mkdir()
    for file, content in EARLIER.items():
        (folder / "out" / file).write_bytes(content)
    return held(folder)


WAITING = """
import importlib, time
module = importlib.import_module("{module}")
owner = getattr(module, "{owner}", module)
def wait(*arguments, **settings):
    print("here", flush=True)
    time.sleep(60)
setattr(owner, "{name}", wait)
"""
MOMENTS = {
    "the settings are read": ("segdsl.project", "", "load"),
    "the rules are read": ("segkernel.rule_files", "", "read_rules"),
    "data are read": ("segkernel.reading", "", "collect"),
    "rules are planned": ("segkernel.plan", "", "plan"),
    "the kernel is compiled": ("segkernel.link", "", "link"),
    "accounts are evaluated": ("segkernel.cli.terminal", "Progress", "part"),
    "the summary is made": ("segkernel.summary", "", "summary"),
    "memberships are written": ("segkernel.output", "", "parquet"),
    "the summary is written": ("segkernel.output", "", "document"),
}


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_leaves_what_was_there(moment, tmp_path):
    folder = project(tmp_path, {})
    before = with_earlier_output(folder)
    module, owner, name = MOMENTS[moment]
    with process(folder, WAITING.format(module=module, owner=owner, name=name)) as running:
        assert running.stdout.readline() == "here\n", running.stderr.read()
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said.strip()) == (130, "interrupted")
    assert held(folder) == before


@pytest.mark.skipif(os.name != "posix", reason="looks at locks")
def test_what_a_killed_run_has_left_is_removed_by_a_later_one(tmp_path):
    folder = project(tmp_path, {})
    module, owner, name = MOMENTS["accounts are evaluated"]
    (folder / "out").mkdir()
    with process(folder, WAITING.format(module=module, owner=owner, name=name), "--memory", "1GB") as running:
        assert running.stdout.readline() == "here\n", running.stderr.read()
        left = sorted((folder / "out").iterdir())
        for path in left:
            os.utime(path, (0, 0))
        clear(folder / "out")  # nobody's but the run's, which is alive
        assert sorted((folder / "out").iterdir()) == left
        running.kill()
    assert [path.is_dir() for path in left] == [False, True]
    (folder / "out" / ".segkernel-of-mine.tmp").mkdir()
    young = folder / "out" / ".summary.json.0123456789abcdef.tmp"
    young.write_text("{}")
    with process(folder, "") as running:
        running.communicate(timeout=60)
    there = {path.name for path in (folder / "out").iterdir()}
    assert there == {"memberships.parquet", "summary.json", "run.json", ".segkernel-of-mine.tmp", young.name}


@pytest.mark.parametrize(("owner", "name"), [(output, "_remove"), (Path, "unlink")])
@pytest.mark.parametrize(
    "write",
    [
        lambda folder: output.write(folder, {output.MEMBERSHIPS: output.Table(CUSTOMERS)}, dict, dict),
        lambda folder: output.save(folder / "saved.parquet", output.Table(CUSTOMERS)),
    ],
    ids=["a run", "a membership"],
)
def test_one_ctrl_c_that_is_told_twice(tmp_path, monkeypatch, owner, name, write):
    """As Polars and Python do: the second comes when the temporary files are about to be removed, or are."""
    told = []
    done = getattr(owner, name)

    def parquet(table, file):
        raise KeyboardInterrupt

    def again(*arguments, **settings):
        if not told:
            told.append(name)
            raise KeyboardInterrupt
        return done(*arguments, **settings)

    monkeypatch.setattr(output, "parquet", parquet)
    monkeypatch.setattr(owner, name, again)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    assert told
    assert list(tmp_path.iterdir()) == []


CLEANING = """
import segkernel.project
class Cleaned:
    def __del__(self):
        raise {error}
def opened(folder):
    Cleaned()
    raise OSError("stopped")
segkernel.project.opened = opened
"""


def test_a_ctrl_c_that_is_told_to_a_clean_up_is_not_shown(tmp_path):
    folder = project(tmp_path, {})
    for error, shown in (("KeyboardInterrupt", False), ("ValueError", True)):
        with process(folder, CLEANING.format(error=error)) as running:
            _, said = running.communicate(timeout=60)
        assert (running.returncode, "Exception ignored" in said, "error: stopped" in said) == (1, shown, True)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_between_two_files_waits_for_the_last(tmp_path, monkeypatch):
    replace = os.replace

    def interrupted(old, new):
        signal.raise_signal(signal.SIGINT)
        replace(old, new)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.write(tmp_path, {output.MEMBERSHIPS: output.Table(CUSTOMERS)}, dict, dict)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(EARLIER)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


LIMITED = """
import resource
from segkernel import output
write = output.write
def limited(*arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    return write(*arguments)
output.write = limited
"""


def many(folder):
    """A project whose memberships take more than 64 KiB."""
    return project(
        folder, {"customers.parquet": CUSTOMERS.head(1).select("id", "country").join(IDS, how="cross").drop("id").rename({"n": "id"})}
    )


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_file_that_may_not_grow(tmp_path):
    folder = many(tmp_path)
    before = with_earlier_output(folder)
    with process(folder, LIMITED) as running:
        shown, said = running.communicate(timeout=60)
    assert (running.returncode, shown) == (1, ""), said
    assert said == f"error: cannot write {folder / 'out' / 'memberships.parquet'}: File too large\n"
    assert held(folder) == before


@pytest.mark.skipif(sys.platform != "linux", reason="makes a small disk in memory")
def test_a_disk_that_is_full(tmp_path):
    folder = many(tmp_path)
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode != 0:
        pytest.skip("only root can make a disk")
    try:
        for file, content in EARLIER.items():
            (disk / file).write_bytes(content)
        before = held(disk)
        done = CliRunner().invoke(main, ["run", str(folder), "--out", str(disk)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"error: cannot write {disk / 'memberships.parquet'}: No space left on device\n"
        assert held(disk) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.name != "posix", reason="folders have no locks elsewhere")
def test_two_runs_into_one_folder(tmp_path):
    """Whoever comes last, the files in the folder belong together."""
    folder = project(tmp_path, {})
    running = [process(folder, "", "--only", name, "--layout", "wide") for name in ("german", "buyers") * 2]
    for each in running:
        _, said = each.communicate(timeout=120)
        assert each.returncode == 0, said
    record = json.loads((folder / "out" / "run.json").read_bytes())
    for name, file in record["files"].items():
        assert blake2b((folder / "out" / name).read_bytes(), digest_size=16).hexdigest() == file["blake2b"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(EARLIER)


def test_the_bytes_do_not_depend_on_process_or_threads(tmp_path):
    folder = project(tmp_path, rules(RULES + "choose size 'large' when in segment buyers 'small' when visits > 2\n"))
    found = []
    for seed, threads in (("0", "1"), ("1", "2"), ("77", "1")):
        with process(folder, "", "--threads", threads, "--out", str(folder / seed), PYTHONHASHSEED=seed) as running:
            _, said = running.communicate(timeout=60)
        assert running.returncode == 0, said
        found.append([(folder / seed / name).read_bytes() for name in ("memberships.parquet", "summary.json")])
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is always full")
def test_what_is_printed_finds_no_room(tmp_path):
    folder = project(tmp_path, {})
    with open("/dev/full", "w") as full, process(folder, "", stdout=full) as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said == "error: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="closes streams")
@pytest.mark.parametrize("streams", ["1", "2", "1 2"])
def test_streams_that_are_closed(streams, tmp_path):
    folder = project(tmp_path, {})
    with process(
        folder, "\n".join(f"import os, sys; sys.std{'out' if each == '1' else 'err'} = None" for each in streams.split())
    ) as running:
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (0, "1 row whose link orders.customer finds nobody\n" if streams == "1" else "")
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(EARLIER)


def test_letters_of_settings_that_would_move_the_cursor_are_written_as_escapes(tmp_path):
    folder = project(tmp_path, {"segkernel.toml": 'project.root = "a"\n[tables."\\u001b[31m"]\nsource = 3\n'})
    done = CliRunner().invoke(main, ["run", str(folder)], color=True)
    assert done.exit_code == 1
    assert "tables.\\x1b[31m.source: a text is wanted, and this is 3" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": ["id", "id"]}, "a column is named twice: id, id"),
        ({"key": 3}, "a column or a list of columns is wanted, and this is 3"),
        ({"key": "id", "links": {"t": 3}}, 'the links of t: expected {"customer": ("customers", "customer_id")}, found 3'),
        ({"key": "id", "timezone": 3}, 'there is no time zone "3"; use a name such as "Europe/Berlin"'),
    ],
)
def test_arguments_of_a_notebook_that_are_wrong(given, said):
    with pytest.raises(SchemaError) as caught:
        Dataset({"t": CUSTOMERS}, **given)
    assert str(caught.value) == said
