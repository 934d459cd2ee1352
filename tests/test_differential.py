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
from tests.strategies import LONG, Case, asks_rivals, checked_rules, nanoseconds, random_case

BATCH = 50
ORDINARY = range(0, LONG, BATCH)
MANY_MORE = range(LONG, LONG + 5000, BATCH)
ROOT = Path(__file__).parent.parent


def found_wrong(case: Case) -> list[str]:
    """The differences between the oracle, the kernel and the rivals."""
    rules = checked_rules(case)
    wanted = oracle_answers(case, rules)
    said = {"the oracle": wanted, "the kernel": kernel_answers(case, rules.names)}
    return differences(case, said if isinstance(wanted, str) or not asks_rivals(case.seed) else said | rival_answers(case, rules)[0])


def plain_kernel(seeds: range) -> subprocess.Popen[str]:
    """The kernel as plain Python, in a process of its own, which prints what it says to each seed."""
    command = [sys.executable, "-m", "tests.differential", str(seeds.start), str(seeds.stop)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "dsl"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def agree(seeds: range) -> None:
    """Fail with the smallest form of the first case that differs, or where the rivals refuse too much."""
    refused = asked = 0
    with plain_kernel(seeds) as plain:
        assert plain.stdout is not None
        for seed in seeds:
            case = random_case(seed)
            rules = checked_rules(case)
            wanted = oracle_answers(case, rules)
            said = {"the oracle": wanted, "the kernel": kernel_answers(case, rules.names)}
            if asks_rivals(seed) and not isinstance(wanted, str):
                rivals, no = rival_answers(case, rules)
                said |= rivals
                refused, asked = refused + no, asked + 3 * len(rules.names)
            wrong = differences(case, said)
            if wrong:
                plain.terminate()
                small = reduced(case, lambda candidate: bool(found_wrong(candidate)))
                pytest.fail("\n".join([*wrong[:5], "reduced:", *found_wrong(small)[:2], shown(small)]))
            uncompiled = json.loads(plain.stdout.readline() or '"nothing"')
            wrong = differences(case, {"the oracle": wanted, "the kernel without its compiler": uncompiled})
            assert not wrong, "\n".join([*wrong[:5], shown(case)])
    assert refused <= asked * 0.5, f"the rivals refused {refused} of {asked} answers"


@pytest.mark.parametrize("first", ORDINARY)
def test_all_agree(first: int) -> None:
    agree(range(first, first + BATCH))


@pytest.mark.long
@pytest.mark.parametrize("first", MANY_MORE)
def test_all_agree_on_many_more(first: int) -> None:
    agree(range(first, first + BATCH))


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
