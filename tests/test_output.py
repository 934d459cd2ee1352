"""The files of a run: whole or not at all, and the same bytes for the same content."""

import errno
import json
import os
import threading
from hashlib import blake2b

import polars as pl
import polars.io.plugins
import pytest

from segkernel import output
from segkernel.errors import Error

FRAME = pl.DataFrame({"id": [1, 2, 3], "vip": [True, False, None]})
TABLES = {output.MEMBERSHIPS: output.Table(FRAME)}
SUMMARY = {"format": 1, "accounts": 3}
RUN = {"format": 1, "started": "2026-01-15T12:00:00+00:00"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_three_files_and_nothing_else(tmp_path):
    folder = tmp_path / "deep" / "out"
    output.write(folder, TABLES, lambda: SUMMARY, lambda: RUN)
    assert names(folder) == ["memberships.parquet", "run.json", "summary.json"]
    assert pl.read_parquet(folder / "memberships.parquet").equals(FRAME)
    assert json.loads((folder / "summary.json").read_bytes()) == SUMMARY


def test_the_record_of_the_run_has_the_digests_of_the_others(tmp_path):
    output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    record = json.loads((tmp_path / "run.json").read_bytes())
    for name in ("memberships.parquet", "summary.json"):
        content = (tmp_path / name).read_bytes()
        assert record["files"][name] == {"bytes": len(content), "blake2b": blake2b(content, digest_size=16).hexdigest()}


def test_the_record_of_the_run_comes_last(tmp_path, monkeypatch):
    renamed = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (renamed.append(new.name), replace(old, new)))
    output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    assert renamed == ["memberships.parquet", "summary.json", "run.json"]


def test_chunks_and_categoricals_do_not_change_the_bytes(tmp_path):
    whole = pl.DataFrame({"id": [f"k{row % 7}" for row in range(1000)], "vip": [row % 3 == 0 for row in range(1000)]})
    keyed = whole.with_columns(pl.col("id").cast(pl.Categorical))
    cut = pl.concat([whole[:13], whole[13:700], whole[700:]], rechunk=False)
    written = []
    for number, frame in enumerate((whole, cut, keyed)):
        output.write(tmp_path / str(number), {output.MEMBERSHIPS: output.Table(frame)}, lambda: SUMMARY, lambda: RUN)
        written.append((tmp_path / str(number) / "memberships.parquet").read_bytes())
    assert written[0] == written[1] == written[2]


def test_without_memberships_an_earlier_file_of_them_goes(tmp_path):
    output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    output.write(tmp_path, {}, lambda: SUMMARY, lambda: RUN)
    assert names(tmp_path) == ["run.json", "summary.json"]


def test_files_have_the_rights_that_the_process_gives(tmp_path):
    output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "summary.json").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_full_disk_leaves_the_earlier_files_and_no_temporary_ones(tmp_path, monkeypatch):
    output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}

    def full(content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "document", full)
    with pytest.raises(Error) as caught:
        output.write(tmp_path, {output.MEMBERSHIPS: output.Table(FRAME.head(1))}, lambda: SUMMARY, lambda: RUN)
    assert str(caught.value) == f"cannot write {tmp_path / 'summary.json'}: No space left on device"
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_a_failure_leaves_no_folder_that_it_made(tmp_path, monkeypatch):
    def full(content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "document", full)
    (tmp_path / "mine").mkdir()
    for folder, left in ((tmp_path / "a" / "b", ["mine"]), (tmp_path / "mine", ["mine"]), (tmp_path / "mine" / "c", ["mine"])):
        with pytest.raises(Error, match="No space left on device"):
            output.write(folder, TABLES, lambda: SUMMARY, lambda: RUN)
        assert names(tmp_path) == left
    assert names(tmp_path / "mine") == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is always full")
def test_a_full_disk_while_the_parquet_file_is_written(tmp_path, monkeypatch):
    parquet = output.parquet

    def full(table, file):
        with open("/dev/full", "wb") as device:
            parquet(table, device)

    monkeypatch.setattr(output, "parquet", full)
    with pytest.raises(Error) as caught:
        output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    assert str(caught.value) == f"cannot write {tmp_path / 'memberships.parquet'}: No space left on device"
    assert names(tmp_path) == []


@pytest.mark.parametrize("before", [0, 1])
def test_what_goes_wrong_with_reading_is_not_said_of_the_file_that_is_written(tmp_path, before):
    def rows():
        for _ in range(before):
            yield pl.DataFrame({"id": range(output.ROW_GROUP + 1)})
        raise Error("customers cannot be read: No such file or directory (os error 2)")

    with pytest.raises(Error, match=r"^customers cannot be read: "):
        output.write(tmp_path, {output.MEMBERSHIPS: output.Table(rows())}, dict, dict)
    assert names(tmp_path) == []


def test_no_thread_makes_rows_any_more_when_a_write_was_interrupted(monkeypatch):
    """A process that ends while a thread of Polars' is in Python is aborted."""
    begun, made = threading.Event(), []

    def rows():
        for number in range(50):
            if number == 10:
                begun.set()
            made.append(number)
            yield FRAME[:1]

    class Source:
        def __init__(self, source, **settings):
            self.reading = threading.Thread(target=lambda: list(source()))

        def sink_parquet(self, file, **settings):
            self.reading.start()
            begun.wait()
            raise KeyboardInterrupt

    sources = []
    monkeypatch.setattr(polars.io.plugins, "register_io_source", lambda *given, **_: sources.append(Source(*given)) or sources[0])
    monkeypatch.setattr(output, "ROW_GROUP", 1)
    with pytest.raises(KeyboardInterrupt):
        output.parquet(output.Table(rows()), None)
    there = len(made)
    sources[0].reading.join()
    assert there == len(made) < 50


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(content):
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "document", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(Error) as caught:
        output.ready(tmp_path / "out" / "deep")
    assert str(caught.value) == f"cannot write {tmp_path / 'out' / 'deep'}: {tmp_path / 'out'} is not a folder"


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(Error) as caught:
        output.ready(tmp_path / "out")
    assert str(caught.value) == f"cannot write {tmp_path / 'out'}: Permission denied"
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "run.json").mkdir()
    with pytest.raises(Error) as caught:
        output.write(tmp_path, TABLES, lambda: SUMMARY, lambda: RUN)
    assert str(caught.value) == f"cannot write {tmp_path / 'run.json'}: Is a directory"
    assert names(tmp_path) == ["run.json"]
