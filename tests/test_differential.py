"""The kernel, with and without its compiler, against the oracle, Polars and DuckDB, on random tables and rules of the whole language.

Four seeds share their tables. An ordinary run has `LONG` seeds, with tables of at most 200 rows: all are asked the oracle and the
kernel with and without its compiler, every fourth one (whose rules do without what SQL lacks) Polars' two engines and DuckDB, too.
`pytest -m long` has 20,000 more: all are asked the oracle and the kernel, every fourth one Polars and DuckDB, and another fourth
the kernel without its compiler; of 500 worlds 19 have up to 2,000 rows, and one up to 8,000 (without the latter).
`test_language_covered` counts what the seeds of the ordinary run hold.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

import segkernel as sk
from segkernel.link import link
from segkernel.run import run
from tests.differential import OVERFLOW, Answers, PlainKernel, differences, kernel_answers, oracle_answers, reduced, rival_answers, shown
from tests.strategies import LONG, Case, asks_plain, asks_rivals, checked_rules, nanoseconds, random_case

BATCH = 100
ORDINARY = range(0, LONG, BATCH)
MANY_MORE = range(LONG, LONG + 20_000, BATCH)


@pytest.fixture(scope="module")
def plain() -> Iterator[PlainKernel]:
    process = PlainKernel()
    yield process
    process.close()


def said_to(case: Case) -> tuple[dict[str, Answers | str], int]:
    """What the oracle, the kernel and, where they are asked, the rivals say to a case, and how many rules these refused."""
    rules = checked_rules(case)
    wanted = oracle_answers(case, rules)
    said: dict[str, Answers | str] = {"the oracle": wanted, "the kernel": kernel_answers(case, rules.names)}
    if isinstance(wanted, str) or not asks_rivals(case.seed):
        return said, 0
    rivals, refused = rival_answers(case, rules)
    return said | rivals, refused


def agree(seeds: range, plain: PlainKernel) -> None:
    """Fail with the smallest form of the first case that differs, or where the rivals refuse too much."""
    refused = asked = 0
    for seed in filter(asks_plain, seeds):
        plain.ask(seed)
    for seed in seeds:
        case = random_case(seed, whole=True)
        said, no = said_to(case)
        refused, asked = refused + no, asked + 3 * len(checked_rules(case).names) * (len(said) > 2)
        wrong = differences(case, said)
        if wrong:
            small = reduced(case, lambda candidate: bool(differences(candidate, said_to(candidate)[0])))
            pytest.fail("\n".join([*wrong[:5], "reduced:", *differences(small, said_to(small)[0])[:2], shown(small)]))
        if asks_plain(seed):
            wrong = differences(case, {"the oracle": said["the oracle"], "the kernel without its compiler": plain.answer(seed)})
            assert not wrong, "\n".join([*wrong[:5], shown(case)])
    assert refused <= asked * 0.5, f"the rivals refused {refused} of {asked} answers"


@pytest.mark.parametrize("first", ORDINARY)
def test_all_agree(first: int, plain: PlainKernel) -> None:
    agree(range(first, first + BATCH), plain)


@pytest.mark.long
@pytest.mark.parametrize("first", MANY_MORE)
def test_all_agree_on_many_more(first: int, plain: PlainKernel) -> None:
    agree(range(first, first + BATCH), plain)


def test_some_cases_overflow() -> None:
    """Else nothing would be shown by the agreement of those who report it."""
    cases = (random_case(seed, "small") for seed in range(100))
    assert sum(oracle_answers(case, checked_rules(case)) == OVERFLOW for case in cases) >= 2


def packed(case: Case, frames: dict[str, pl.DataFrame], threads: int, block_words: int | None = None) -> dict[str, bytes] | str:
    """The bytes of an answer, by name, or what is said of a number that leaves its range."""
    data = sk.Dataset(dict(frames), case.schema)
    program, at = sk.compile(case.rules_text, data.schema).program(), nanoseconds(case.as_of)
    try:
        answers = run(link(program, data, as_of=at), at, threads=threads, block_words=block_words)
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
