"""The kernel, with and without its compiler, against the oracle, Polars and DuckDB, on random tables and rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import segkernel as sk
from segkernel.link import link
from segkernel.run import run
from tests.differential import OVERFLOW, differences, kernel_answers, oracle_answers, reduced, rival_answers, shown
from tests.strategies import Case, checked_rules, nanoseconds, random_case

BATCH = 25
ORDINARY = range(0, 300, BATCH)
LONG = range(300, 2000, BATCH)
ROOT = Path(__file__).parent.parent


def size_of(seed: int) -> str:
    """How large the tables of a seed are: the kernel's blocks are crossed by a few of the long run."""
    if seed < 300:
        return "small"
    return "large" if seed % 100 == 0 else "medium" if seed % 10 == 0 else "small"


def found_wrong(case: Case) -> tuple[list[str], int, int]:
    """The differences between all who answer, and how many answers the rivals refused of how many."""
    rules = checked_rules(case)
    wanted = oracle_answers(case, rules)
    wrong = differences(case, {"the oracle": wanted, "the kernel": kernel_answers(case, rules.names)})
    if wanted == OVERFLOW:
        return wrong, 0, 0
    rivals, refused = rival_answers(case, rules)
    return wrong + differences(case, {"the oracle": wanted, **rivals}), refused, 3 * len(rules.names)


def agree(seeds: range) -> None:
    """Fail with the smallest form of the first case that differs, or where the rivals refuse too much."""
    refused = asked = 0
    for seed in seeds:
        case = random_case(seed, size_of(seed))
        wrong, no, of = found_wrong(case)
        if wrong:
            small = reduced(case, lambda candidate: bool(found_wrong(candidate)[0]))
            pytest.fail("\n".join([*wrong[:5], "reduced:", *found_wrong(small)[0][:2], shown(small)]))
        refused, asked = refused + no, asked + of
    assert refused <= asked * 0.4, f"the rivals refused {refused} of {asked} answers"


def without_compiler(seeds: range) -> None:
    """Hold the kernel as plain Python, in a process of its own, against the kernel compiled."""
    command = [sys.executable, "-m", "tests.differential", str(seeds.start), str(seeds.stop), *(size_of(seed) for seed in seeds)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "dsl"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(seeds)
    for line, seed in zip(lines, seeds, strict=True):
        case = random_case(seed, size_of(seed))
        compiled = kernel_answers(case, checked_rules(case).names)
        wrong = differences(case, {"the kernel": compiled, "the kernel without its compiler": json.loads(line)})
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("first", ORDINARY)
def test_all_agree(first: int) -> None:
    agree(range(first, first + BATCH))


@pytest.mark.long
@pytest.mark.parametrize("first", LONG)
def test_all_agree_on_many_more(first: int) -> None:
    agree(range(first, first + BATCH))


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_the_compiler_changes_nothing(first: int) -> None:
    without_compiler(range(first, first + 100))


@pytest.mark.long
@pytest.mark.parametrize("first", range(300, 2000, 100))
def test_the_compiler_changes_nothing_in_many_more(first: int) -> None:
    without_compiler(range(first, first + 100))


def test_some_cases_overflow() -> None:
    """Else nothing would be shown by the agreement of those who report it."""
    cases = (random_case(seed, "small") for seed in range(100))
    assert sum(oracle_answers(case, checked_rules(case)) == OVERFLOW for case in cases) >= 2


def packed(case: Case, frames: dict[str, pl.DataFrame], threads: int, block_words: int | None = None) -> dict[str, bytes] | str:
    """The bytes of an answer, by name, or what is said of a number that leaves its range."""
    data = sk.Dataset(dict(frames), case.schema)
    program = sk.compile(case.rules_text, data.schema).program()
    try:
        answers = run(link(program, data), nanoseconds(case.as_of), threads=threads, block_words=block_words)
    except sk.DataError as error:
        return str(error)
    return {name: array.tobytes() for name, array in (*answers.bits.items(), *answers.choices.items())}


@pytest.mark.parametrize("seed", range(3000, 3012))
def test_threads_blocks_chunks_and_slices_change_no_byte(seed: int) -> None:
    case = random_case(seed, "medium")
    wanted = packed(case, case.frames, 1)
    assert isinstance(wanted, str) is (oracle_answers(case, checked_rules(case)) == OVERFLOW)
    assert packed(case, case.frames, 2) == wanted
    assert packed(case, case.frames, 2, 8) == wanted
    assert packed(case, case.frames, 1, 16) == wanted
    chunked = {
        name: pl.concat([frame[: frame.height // 3], frame[frame.height // 3 :]], rechunk=False) for name, frame in case.frames.items()
    }
    assert packed(case, chunked, 2) == wanted
    sliced = {
        name: pl.concat([frame[:5], frame, frame[-3:]])[min(5, frame.height) :][: frame.height] for name, frame in case.frames.items()
    }
    assert packed(case, sliced, 2) == wanted
