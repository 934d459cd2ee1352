"""Who may import whom, what is loaded when, and what an installed package holds."""

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("numpy", "polars", "numba", "llvmlite", "nanoarrow")
SOURCES = sorted([*(ROOT / "segkernel").rglob("*.py"), *(ROOT / "dsl" / "segdsl").rglob("*.py")])

PROJECT = """
[project]
root = "customers"
rules = ["*.seg"]

[tables.customers]
source = "customers.parquet"
key = "customer_id"
[tables.customers.fields]
customer_id = { type = "whole" }
country = { type = "text" }
"""


def loaded(code, *arguments):
    """The modules that a fresh process has loaded after some code."""
    ending = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    path = f"import sys\nsys.path[:0] = {[str(ROOT), str(ROOT / 'dsl')]!r}\n"
    done = subprocess.run([sys.executable, "-c", path + code + ending, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1])), done.stdout


def command(*arguments):
    """What a command of the command line loads."""
    start = f"from segkernel.cli import main\ntry:\n    main({list(arguments)!r})\n"
    return start + "except SystemExit as stop:\n    assert stop.code == 0, stop.code"


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def test_the_language_loads_nothing_of_the_engine():
    names = [f"segdsl.{path.stem}" for path in (ROOT / "dsl" / "segdsl").glob("*.py") if path.stem != "__init__"]
    modules, _ = loaded("import " + ", ".join(["segdsl", *sorted(names)]))
    assert not modules & {*HEAVY, "segkernel"}


def test_the_package_loads_neither_polars_nor_numba():
    modules, _ = loaded("import segkernel as sk\nsk.__version__, sk.Error, sk.Schema, sk.Limits, sk.RuleError, sk.compile")
    assert "segkernel.rules" in modules
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_load_neither_polars_nor_numba(arguments):
    modules, _ = loaded(command(*arguments))
    assert not modules & set(HEAVY)


def test_a_check_of_pinned_types_reads_no_data(tmp_path):
    (tmp_path / "segkernel.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "rules.seg").write_text('segment german when country = "DE"\n', encoding="utf-8")
    modules, shown = loaded(command("check", str(tmp_path)))
    assert shown.splitlines()[0] == "ok: 1 segment in 1 file"
    assert not modules & set(HEAVY)


def test_the_kernel_imports_numba_and_numpy_only():
    allowed = {"numba", "llvmlite", "numpy", *sys.stdlib_module_names}
    for path in sorted((ROOT / "segkernel" / "kernel").glob("*.py")):
        for name in imported(path):
            assert name.split(".")[0] in allowed or name.startswith("segkernel.kernel"), f"{path.name} imports {name}"


def test_the_language_imports_msgspec_only():
    for path in sorted((ROOT / "dsl" / "segdsl").glob("*.py")):
        for name in imported(path):
            assert name.split(".")[0] in {"msgspec", "segdsl", *sys.stdlib_module_names}, f"{path.name} imports {name}"


def test_polars_enters_by_few_doors():
    """Plan and oracle know no frames."""
    for room in ("plan", "oracle"):
        for path in sorted((ROOT / "segkernel" / room).glob("*.py")):
            assert not {name.split(".")[0] for name in imported(path)} & {"polars", "nanoarrow", "numba"}, path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_text_or_pickles(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec"}
    assert not {name.split(".")[0] for name in imported(path)} & {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}


def test_a_wheel_holds_the_two_packages_and_no_module_dsl(tmp_path):
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"segkernel", "segdsl"}
    for needed in (
        "segkernel/py.typed",
        "segdsl/py.typed",
        "segkernel/cli/__init__.py",
        "segdsl/parser.py",
        "segkernel/kernel/interpreter.py",
    ):
        assert needed in names
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert "segkernel = segkernel.cli:main" in zipfile.ZipFile(wheel).read(entry).decode()
