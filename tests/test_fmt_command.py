"""`segkernel fmt` and `segkernel convert`: what they write and say, and that nothing is ever half written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segkernel import rewriting
from segkernel.cli import fmt as command
from segkernel.cli import main

UGLY = 'segment  vip "Vips" when total>=1_000   # many\n\n\n\nlet a=(1)\n'
FINE = 'segment vip "Vips"\n  when total >= 1_000  # many\n\nlet a = 1\n'
BROKEN = "segment vip when total >\n"


def call(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "ugly.seg"
    path.write_text(UGLY, encoding="utf-8")
    return path


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    path = tmp_path / "fine.seg"
    path.write_text(FINE, encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.seg"
    path.write_text(BROKEN, encoding="utf-8")
    return path


def test_files_are_written_in_canonical_form(ugly: Path, fine: Path) -> None:
    before = fine.stat().st_mtime_ns
    assert call("fmt", ugly, fine).stdout == f"formatted {ugly}\n1 file formatted, 1 file left as it is\n"
    assert ugly.read_text(encoding="utf-8") == FINE
    assert fine.stat().st_mtime_ns == before
    assert call("fmt", ugly, fine).stdout == "2 files left as they are\n"
    assert sorted(path.name for path in ugly.parent.iterdir()) == ["fine.seg", "ugly.seg"]


def test_a_file_with_mistakes_stays_and_the_others_do_not(ugly: Path, broken: Path) -> None:
    done = call("fmt", broken, ugly, code=1)
    assert done.stderr.startswith(f"{broken}:1:25: error[E101]: expected a value, found the end of the statement\n")
    assert done.stdout == f"formatted {ugly}\n1 file formatted, 1 file with mistakes\n"
    assert broken.read_text(encoding="utf-8") == BROKEN
    assert ugly.read_text(encoding="utf-8") == FINE


def test_check_names_what_would_change_and_writes_nothing(ugly: Path, fine: Path) -> None:
    done = call("fmt", "--check", ugly, fine, code=1)
    assert done.stdout == f"would format {ugly}\n1 file would be formatted, 1 file would stay as it is\n"
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert call("fmt", "--check", fine).stdout == "1 file would stay as it is\n"


def test_diff_shows_what_would_change_and_writes_nothing(ugly: Path, fine: Path) -> None:
    done = call("fmt", "--diff", ugly, fine)
    assert done.stdout == (
        f"--- {ugly}\n+++ {ugly} (formatted)\n@@ -1,5 +1,4 @@\n"
        '-segment  vip "Vips" when total>=1_000   # many\n+segment vip "Vips"\n+  when total >= 1_000  # many\n'
        " \n-\n-\n-let a=(1)\n+let a = 1\n"
    )
    assert done.stderr == "1 file would be formatted, 1 file would stay as it is\n"
    assert ugly.read_text(encoding="utf-8") == UGLY
    both = call("fmt", "--diff", "--check", ugly, code=1)
    assert both.stdout == done.stdout
    assert both.stderr == f"would format {ugly}\n1 file would be formatted\n"


def test_a_last_line_without_an_end_shows_in_the_diff(ugly: Path) -> None:
    ugly.write_text("let a = 1", encoding="utf-8")
    shown = call("fmt", "--diff", ugly).stdout.splitlines()
    assert shown[3:] == ["-let a = 1", "\\ No newline at end of file", "+let a = 1"]


def test_lines_keep_their_ends_and_files_their_rights(ugly: Path) -> None:
    ugly.write_bytes(UGLY.replace("\n", "\r\n").encode())
    ugly.chmod(0o640)
    call("fmt", ugly)
    assert ugly.read_bytes() == FINE.replace("\n", "\r\n").encode()
    assert ugly.stat().st_mode & 0o777 == 0o640


def test_a_file_that_cannot_be_written_stays(ugly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rewriting.os, "fsync", full)
    assert call("fmt", ugly, code=1).stderr == f"error: cannot write {ugly}: No space left on device\n"
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert os.listdir(ugly.parent) == [ugly.name]


def test_a_text_that_would_say_something_else_is_never_written(ugly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "format", lambda tree: "let a = 2\n")
    assert "would not say the same, so nothing is written" in call("fmt", ugly, code=1).stderr
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_wrong_usage(tmp_path: Path) -> None:
    assert "Missing argument 'FILE...'" in call("fmt", code=2).stderr
    assert "is a directory" in call("fmt", tmp_path, code=2).stderr
    assert "does not exist" in call("fmt", tmp_path / "none.seg", code=2).stderr
    assert "Missing option '--to'" in call("convert", __file__, code=2).stderr
    latin = tmp_path / "latin.seg"
    latin.write_bytes(b"# caf\xe9\n")
    assert "not UTF-8 text" in call("fmt", latin, code=1).stderr


def test_rules_become_json_and_rules_again(ugly: Path, tmp_path: Path) -> None:
    done = call("convert", ugly, "--to", "json")
    assert [rule["form"] for rule in json.loads(done.stdout)["rules"]] == ["segment", "let"]
    path = tmp_path / "rules.json"
    path.write_text(done.stdout, encoding="utf-8")
    assert call("convert", path, "--to", "seg").stdout == FINE


def test_what_cannot_be_converted_says_where(broken: Path, tmp_path: Path) -> None:
    assert call("convert", broken, "--to", "json", code=1).stderr.startswith(f"{broken}:1:25: error[E101]: ")
    path = tmp_path / "rules.json"
    path.write_text('{"version": 1, "rules": [{"form": "segment", "name": "a"}]}', encoding="utf-8")
    assert call("convert", path, "--to", "seg", code=1).stderr == (
        f"error: {path}: $.rules[0]: object missing required field `condition`\n"
    )
    assert "malformed" in call("convert", broken, "--to", "seg", code=1).stderr
