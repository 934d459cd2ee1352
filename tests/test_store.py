"""Compiled code on disk: only in a folder of one's own, made once for many processes, never half there, and never in the way."""

from __future__ import annotations

import ast
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from segkernel.kernel import entries, machine_code, store
from segkernel.kernel.entries import JIT

ROOT = Path(__file__).parent.parent
NAME = "0123456789abcdef"
POSIX = pytest.mark.skipif(os.name != "posix", reason="other systems have no owners and modes of this kind")
COMPILED = pytest.mark.skipif(not JIT, reason="without compilation there is nothing to keep")


def never() -> bytes:
    raise AssertionError("made again")


def python(script: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """A fresh process that runs a script with the kernel's folder open to it."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "dsl")])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def shown(process: subprocess.Popen[str]) -> str:
    out, problems = process.communicate(timeout=300)  # it may have to compile
    assert process.returncode == 0, problems
    return out


# ---- what is kept


def test_code_is_made_once_and_then_read(tmp_path: Path) -> None:
    folder = store.generation(tmp_path / "own", NAME)
    assert store.kept(folder, "room.name", lambda: b"code") == b"code"
    assert store.kept(folder, "room.name", never) == b"code"
    assert store.kept(store.generation(tmp_path / "own", NAME), "room.name", never) == b"code"
    assert store.kept(folder, "room.other", lambda: b"") == b""
    assert store.kept(folder, "room.other", never) == b""
    assert store.kept(None, "room.name", lambda: b"new") == b"new"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:1],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: b"\x80\x04}q\x00.",
    ],
    ids=["empty", "one byte", "a byte short", "half", "a byte more", "another last byte", "another first byte", "a pickle"],
)
def test_what_is_damaged_is_made_anew_and_replaced(tmp_path: Path, damage: Any) -> None:
    folder = store.generation(tmp_path, NAME)
    store.kept(folder, "room.name", lambda: b"some code")
    file = folder.path / "room.name"
    file.write_bytes(damage(file.read_bytes()))
    assert store.kept(folder, "room.name", lambda: b"other code") == b"other code"
    assert store.kept(folder, "room.name", never) == b"other code"


def test_nothing_but_whole_files_and_locks_is_left(tmp_path: Path) -> None:
    folder = store.generation(tmp_path, NAME)
    store.kept(folder, "room.name", lambda: b"code")
    with pytest.raises(AssertionError, match="made again"):
        store.kept(folder, "room.other", never)
    assert sorted(os.listdir(folder.path)) == ["room.name", "room.name.lock", "room.other.lock"]
    assert store.kept(folder, "room.other", lambda: b"code") == b"code"


# ---- whose folder it is


@POSIX
def test_folders_and_files_are_for_the_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = store.generation(tmp_path / "a" / "b", NAME)
        store.kept(folder, "room.name", lambda: b"code")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "a" / "b", folder.path)} == {0o700}
    assert stat.S_IMODE((folder.path / "room.name").stat().st_mode) == 0o600


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702, 0o777, 0o1777])
@pytest.mark.parametrize("which", ["", NAME])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, which: str, mode: int) -> None:
    store.generation(tmp_path / "own", NAME)
    (tmp_path / "own" / which).chmod(mode)
    with pytest.raises(store.Unsafe, match=f"other users can write to it .its mode is {mode:o}; 700 is safe"):
        store.generation(tmp_path / "own", NAME)


@POSIX
def test_a_folder_in_one_where_everybody_can_rename_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(store.Unsafe, match=r"everybody can replace what is in .*open"):
        store.generation(tmp_path / "open" / "own", NAME)
    (tmp_path / "open").chmod(0o1777)
    assert store.generation(tmp_path / "open" / "own", NAME)


@POSIX
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.generation(tmp_path, NAME)
    store.kept(folder, "room.name", lambda: b"code")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(store.Unsafe, match=f"belongs to another user .number {os.getuid()}"):
        store.generation(tmp_path, NAME)
    assert store.kept(folder, "room.name", lambda: b"made again") == b"made again"


@POSIX
def test_links_of_somebody_else_lead_nowhere(tmp_path: Path) -> None:
    folder = store.generation(tmp_path / "own", NAME)
    store.kept(folder, "room.name", lambda: b"planted")
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / "other" / NAME).symlink_to(folder.path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic link|File exists"):
        store.generation(tmp_path / "other", NAME)
    (folder.path / "room.linked").symlink_to(folder.path / "room.name")
    assert store.kept(folder, "room.linked", lambda: b"own") == b"own"
    assert store.kept(folder, "room.linked", never) == b"own"
    assert store.kept(folder, "room.name", never) == b"planted"
    (folder.path / "room.open").write_bytes((folder.path / "room.name").read_bytes())
    (folder.path / "room.open").chmod(0o622)
    assert store.kept(folder, "room.open", lambda: b"own") == b"own"


# ---- where there is none


def opened(**environment: str) -> tuple[str, str]:
    """The folder that a fresh process opens, and what it says about that."""
    process = python("from segkernel.kernel import store\nfound = store.opened()\nprint(found and found.path)", **environment)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return out.strip(), said


@pytest.mark.parametrize("off", ["off", "OFF", ""])
def test_keeping_can_be_switched_off(off: str, tmp_path: Path) -> None:
    assert opened(SEGKERNEL_CACHE=off, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path)) == ("None", "")
    assert not list(tmp_path.iterdir())


@POSIX
def test_a_folder_is_named_or_the_users_own(tmp_path: Path) -> None:
    environment = {"SEGKERNEL_CACHE": str(tmp_path / "named"), "XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path / "home")}
    assert opened(**environment)[0].startswith(f"{tmp_path}/named/")
    script = "import os\ndel os.environ['SEGKERNEL_CACHE']\nfrom segkernel.kernel import store\nprint(store.opened().path)"
    assert shown(python(script, **environment)).startswith(f"{tmp_path}/xdg/segkernel/")
    for elsewhere in ("", "below"):
        assert shown(python(script, **{**environment, "XDG_CACHE_HOME": elsewhere})).startswith(f"{tmp_path}/home/.cache/segkernel/")
    assert opened(**{**environment, "SEGKERNEL_CACHE": "~/mine"})[0].startswith(f"{tmp_path}/home/mine/")


@POSIX
def test_a_home_that_is_not_there_or_a_file_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        found, said = opened(SEGKERNEL_CACHE=str(place))
        assert found == "None"
        assert said.count("compiled kernels are not kept, so that each process compiles them anew") == 1
        assert 'SEGKERNEL_CACHE can name a folder of your own, or be "off"' in said
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    found, said = opened(SEGKERNEL_CACHE=str(tmp_path / "shared"))
    assert found == "None"
    assert f"{tmp_path / 'shared'}: other users can write to it (its mode is 777; 700 is safe)" in said


READ_ONLY = """
import os, sys, warnings
from pathlib import Path
from segkernel.kernel import store
warnings.simplefilter("error")
if os.getuid() == 0:
    os.setuid(65534)
try:
    store.generation(Path(sys.argv[1]), sys.argv[2])
except (OSError, store.Unsafe) as error:
    print(type(error).__name__)
"""


@POSIX
def test_a_folder_that_is_only_read_is_no_place() -> None:
    with TemporaryDirectory() as home:
        Path(home).chmod(0o555)
        assert shown(python(READ_ONLY, Path(home) / "cache", NAME)) == "PermissionError\n"


FULL = """
import resource, sys, warnings
from pathlib import Path
from segkernel.kernel import store
folder = store.generation(Path(sys.argv[1]), "0123456789abcdef")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print(len(store.kept(folder, "room.name", lambda: bytes(5000))), len(store.kept(folder, "room.small", lambda: bytes(50))))
print(*(each.message for each in told))
"""


@POSIX
def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path) -> None:
    lengths, said = shown(python(FULL, tmp_path)).splitlines()
    assert lengths == "5000 50"
    assert "cannot be written: File too large" in said
    assert sorted(each.name for each in (tmp_path / NAME).iterdir()) == ["room.name.lock", "room.small", "room.small.lock"]


# ---- many processes


MANY = """
import sys, time
from pathlib import Path
from segkernel.kernel import store
def make():
    with open(sys.argv[2], "a") as log:
        log.write("made\\n")
    time.sleep(0.2)
    return bytes(range(256)) * 1000
folder = store.generation(Path(sys.argv[1]), "0123456789abcdef")
sys.stdin.readline()
print(sum(store.kept(folder, "room.name", make)))
"""


@pytest.mark.skipif(store.fcntl is None, reason="without locks of all processes several may do the same")
def test_sixteen_processes_at_once_make_it_once(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "dsl")])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(tmp_path / "own"), str(tmp_path / "log")],
            env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(16)
    ]  # fmt: skip
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate(timeout=60)[0] for each in processes] == [f"{sum(range(256)) * 1000}\n"] * 16
    assert (tmp_path / "log").read_text() == "made\n"


KILLED = """
import sys, time
from pathlib import Path
from segkernel.kernel import store
def make():
    print("holding", flush=True)
    time.sleep(600)
store.kept(store.generation(Path(sys.argv[1]), "0123456789abcdef"), "room.name", make)
"""


@POSIX
def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    killed = python(KILLED, tmp_path)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "holding\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert store.kept(store.generation(tmp_path, NAME), "room.name", lambda: b"code") == b"code"


# ---- generations


def test_generations_that_nobody_uses_go(tmp_path: Path) -> None:
    now = time.time()
    for number in range(20):
        other = tmp_path / f"{number:016x}"
        (other / "below").mkdir(parents=True)
        (other / "below" / "file").write_text("x")
        os.utime(other, (now - number * 3600, now - number * 3600))
    (tmp_path / "notes").mkdir()
    os.utime(tmp_path / "notes", (0, 0))
    store.generation(tmp_path, NAME)
    assert {each.name for each in tmp_path.iterdir()} == {NAME, "notes", *(f"{number:016x}" for number in range(store.GENERATIONS - 1))}


def test_a_generation_goes_after_a_while_even_if_there_are_few(tmp_path: Path) -> None:
    for number, days in enumerate((29, 31)):
        other = tmp_path / f"{number:016x}"
        other.mkdir()
        os.utime(other, (time.time() - days * 86_400,) * 2)
    store.generation(tmp_path, NAME)
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"{0:016x}", NAME]


def test_a_generation_in_use_is_marked_so(tmp_path: Path) -> None:
    folder = store.generation(tmp_path, NAME)
    os.utime(folder.path, (0, 0))
    store.generation(tmp_path, NAME)
    assert time.time() - folder.path.stat().st_mtime < 3600


# ---- code


@COMPILED
def test_code_is_packed_and_called_as_it_was_written() -> None:
    from segkernel.kernel.compilation import compiled

    def scaled(numbers: Any, table: Any, factor: Any, small: Any, turned: Any, share: Any) -> Any:
        for i in range(numbers.size):
            numbers[i] = table[i, 1] * factor + small if not turned else -1
        return numbers.size, np.int64(share * 2.0)

    signature = "UniTuple(int64, 2)(int64[::1], Array(int64, 2, 'C', readonly=True), int64, uint8, boolean, float64)"
    (code,) = machine_code.unpacked(machine_code.packed(compiled(scaled, (signature,))))
    call = machine_code.loaded(code)
    table = np.arange(10).reshape(5, 2)
    table.flags.writeable = False
    numbers = np.zeros(5, np.int64)
    assert call(numbers, table, -(2**40), np.uint8(200), False, 1.25) == (5, 2)
    assert numbers.tolist() == [each * -(2**40) + 200 for each in (1, 3, 5, 7, 9)]
    assert call(numbers, table, 1, 0, True, -0.5) == (5, -1)
    assert numbers.tolist() == [-1] * 5
    assert call(np.zeros(0, np.int64), table, 1, 0, np.True_, 0.0) == (0, 0)
    for wrong in (numbers.astype(np.int32), numbers[::2], numbers.reshape(1, 5), table[:, 1]):
        with pytest.raises(TypeError, match="expected a contiguous array"):
            call(wrong, table, 1, 0, True, 0.0)
    frozen = numbers.copy()
    frozen.flags.writeable = False
    with pytest.raises(TypeError, match="expected a contiguous array"):
        call(frozen, table, 1, 0, True, 0.0)
    with pytest.raises(ValueError, match="argument"):
        call(numbers, table)


@COMPILED
def test_code_that_needs_more_than_llvm_and_the_c_library_is_refused() -> None:
    import math

    from segkernel.kernel.compilation import compiled

    def shifted(number: Any) -> Any:
        return np.int64(math.ldexp(float(number), 3))

    with pytest.raises(RuntimeError, match="numba_ldexp"):
        compiled(shifted, ("int64(int64)",))


@COMPILED
def test_a_process_that_finds_its_code_loads_no_numba() -> None:
    script = """
import sys, warnings
import polars as pl
import segkernel as sk
frame = pl.DataFrame({"id": [3, 1, 2], "n": [1, None, 3]})
data = sk.Dataset({"c": frame}, root="c", key="id")
print(sk.compile("segment s when n > 2", data.schema).evaluate(data, "2026-01-01T00:00")["s"].to_list(), "numba" in sys.modules)
"""
    shown(python(script))  # compiles what no test has needed so far
    assert shown(python(script)) == "[False, False, True] False\n"


def test_a_terminal_is_told_of_a_compilation_that_takes_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def slow() -> list[machine_code.Code]:
        time.sleep(0.3)
        return []

    monkeypatch.setattr(entries, "PATIENCE", 0.0)
    monkeypatch.setitem(entries.sources, ("room", "name"), (slow, slow))
    entries.Entry("room", "name")._made()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    entries.Entry("room", "name")._made()
    assert capsys.readouterr().err.startswith("segkernel compiles its kernel for this machine, which takes a quarter of a minute")
    monkeypatch.setattr(entries, "PATIENCE", 60.0)
    entries.Entry("room", "name")._made()
    assert capsys.readouterr().err == ""


@COMPILED
def test_warming_up_reaches_every_entry() -> None:
    written = set()
    for path in (ROOT / "segkernel" / "kernel").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(each).startswith("entry(") for each in node.decorator_list):
                written.add((path.stem, node.name))
    listed = {(room, name) for room, name in json.loads(entries._listed()) if room not in ("room", "test_store")}
    assert written == listed
    assert ("interpreter", "interpret") in written
