"""The conformance cases on every engine: the oracle, the kernel, and the kernel without its compiler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import ENGINES, FOLDER, Case, load, read, verdict

CASES = load()
ROOT = Path(__file__).parent.parent


def test_there_are_enough_cases_and_their_names_are_unique() -> None:
    assert len(CASES) >= 1_000
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_file_that_the_page_shows_passes() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    shown = read(page.split("```toml\n")[1].split("```")[0], "shown")
    assert shown
    assert [verdict(case, run) for case in shown for run in ENGINES.values()] == [None] * len(shown) * len(ENGINES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_oracle(case: Case) -> None:
    assert verdict(case, ENGINES["oracle"]) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_kernel(case: Case) -> None:
    assert verdict(case, ENGINES["kernel"]) is None


@pytest.fixture(scope="session")
def without_compiler() -> dict[str, str | None]:
    """The verdicts of a process in which Numba compiles nothing."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dsl")])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "kernel"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    verdicts: dict[str, str | None] = json.loads(done.stdout)
    return verdicts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_kernel_without_compiler(case: Case, without_compiler: dict[str, str | None]) -> None:
    assert without_compiler[case.id] is None
