"""What an evaluation does, counted and not timed: `python -m tests.work --write` sets what `tests/test_work.py` holds it to.

Times depend on the machine and on its day; these numbers depend on rules, data and engine alone. They are read off the very
program that the kernel is given, and each list of rows that it makes is counted by the kernel itself: a COUNT of the same
register, put behind each EXTRACT.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
from numpy.typing import NDArray

import segkernel as sk
from benchmarks.workloads import AS_OF, Workload, workload
from segkernel import run as running
from segkernel.data.dataset import Dataset
from segkernel.kernel import operations as op
from segkernel.kernel.entries import interpret

TABLE = Path(__file__).parent / "work.toml"
ALLOWED = 0.02
"""The share by which a counter may rise: room for what changes nothing in kind."""
COUNTERS = {
    "instructions": "instructions run, those of each block",
    "words": "words of 64 rows that instructions on bitmaps went over",
    "values": "values that instructions on numbers made, one a row",
    "extracted": "rows listed for visits",
    "visits": "visits of a listed row by an aggregate",
    "bound": "bytes of columns, keys and maps made of the tables",
    "written": "bytes of results",
}
CELLS: dict[str, dict[str, int]] = {
    "flat": {"accounts": 20_000, "orders": 0, "rules": 100},
    "with orders": {"accounts": 20_000, "orders": 200_000, "rules": 100},
    "lines": {"accounts": 10_000, "orders": 50_000, "lines": 200_000, "rules": 60},
}
VISITS = {code for name, code in vars(op).items() if name.startswith("VISIT")} | {op.ANY, op.WITHIN}
LISTS = {op.OUT, op.COUNT, op.PICK, op.EXTRACT}
"""What reads bitmaps, besides the instructions that fill them."""


class Counted:
    """The interpreter with an eye on it: `work` is what it did so far, for any number of programs."""

    def __init__(self) -> None:
        self.work = dict.fromkeys(COUNTERS, 0)

    def prepare(self) -> None:
        interpret.prepare()

    def __call__(self, program: NDArray[np.int64], args: Any, blocks: NDArray[np.int64], *given: Any) -> None:
        *others, counts, errors = given
        extracts = np.flatnonzero(program[:, 0] == op.EXTRACT)
        known = [at for at in extracts if program[at, 3] >= 0]
        counting = np.zeros((len(known), 8), np.int64)
        counting[:, 0], counting[:, 1] = op.COUNT, program[known, 1]
        counting[:, 2], counting[:, 3] = len(counts) + np.arange(len(known)), program[known, 3]
        room = np.concatenate([counts, np.zeros(len(known), np.int64)])
        interpret(np.insert(program, np.array(known, np.int64) + 1, counting, axis=0), args, blocks, *others, room, errors)
        counts[:] = room[: len(counts)]
        listed = dict(zip(known, room[len(counts) :].tolist(), strict=True))
        self.note(program, blocks, {int(at): listed.get(at) for at in extracts})

    def note(self, program: NDArray[np.int64], blocks: NDArray[np.int64], listed: dict[int, int | None]) -> None:
        """Adds what a program did; `listed` are the rows that each EXTRACT listed, None for all of its space."""
        begin, end = blocks[:, 0::2], blocks[:, 1::2]
        words = ((end - begin // 64 * 64 + 63) // 64).sum(axis=0)
        rows = (end - begin).sum(axis=0)
        found = 0
        self.work["instructions"] += len(program) * len(blocks)
        for at, (what, space, _, _, _, c, *_) in enumerate(program.tolist()):
            if what == op.EXTRACT:
                of_all = listed[at]
                found = int(rows[space]) if of_all is None else of_all
                self.work["extracted"] += found
            if what in VISITS:
                self.work["visits"] += found
            elif what < op.LOAD or what in LISTS:
                self.work["words"] += int(words[space])
            else:
                self.work["values"] += int(words[space]) * 64
            if what == op.OUT:
                self.work["written"] += int(words[space]) * 8
            elif what in (op.PICK, op.HAND):
                self.work["written"] += int(rows[space]) * (c if what == op.PICK else 8)


def evaluated(load: Workload) -> dict[str, int]:
    """What one evaluation of a workload does."""
    data = sk.Dataset(load.frames, load.schema)
    rules = sk.compile(load.rules, data.schema)
    usual, whole = Counted(), Counted()
    with patch.object(running, "interpret", usual):
        rules.evaluate(data, as_of=AS_OF, threads=1)
    # in one block all rows of a space begin with a word, so that a COUNT sees what an EXTRACT does
    linked = rules.linked(data, False, int(AS_OF.timestamp()) * 10**9)
    with patch.object(running, "interpret", whole), patch.object(running, "MOST_ROWS", 1 << 40):
        running.run(linked, int(AS_OF.timestamp()) * 10**9, threads=1, block_words=linked.rows)
    return usual.work | {name: whole.work[name] for name in ("extracted", "visits")} | {"bound": bound(data)}


def bound(data: Dataset) -> int:
    """The bytes of the arrays that a dataset keeps, each once."""
    found: dict[int, int] = {}
    waiting: list[Any] = [future.result() for future in data._made.values()]
    while waiting:
        each = waiting.pop()
        if isinstance(each, np.ndarray):
            found[each.ctypes.data] = max(found.get(each.ctypes.data, 0), each.nbytes)
        elif isinstance(each, msgspec.Struct):
            waiting += [getattr(each, name) for name in each.__struct_fields__]
        elif isinstance(each, tuple | list):
            waiting += [part for part in each if not isinstance(part, str | int | float)]
    return sum(found.values())


def counted(cell: str) -> dict[str, int]:
    """The counters of a cell."""
    return evaluated(workload(cell, **CELLS[cell]))


def committed() -> dict[str, dict[str, int]]:
    """The table that the engine is held to, by cell."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def written(table: dict[str, dict[str, int]]) -> str:
    """The table as TOML."""
    lines = ["# What an evaluation does, by workload of `tests/work.py`; made by `python -m tests.work --write`."]
    for cell, work in table.items():
        lines += ["", f'["{cell}"]', *(f"{name} = {work[name]:_}" for name in COUNTERS)]
    return "\n".join(lines) + "\n"


def risen(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """A sentence for each counter that rose by more than is allowed."""
    return [
        f"{name} rose from {before[name]:,} to {now[name]:,} ({_rise(before[name], now[name])}): {meaning}"
        for name, meaning in COUNTERS.items()
        if now[name] > before[name] * (1 + ALLOWED)
    ]


def _rise(before: int, now: int) -> str:
    return f"{now / before - 1:+.1%}" if before else "from none"


def main() -> int:
    """Print the counters, beside those of the table; `--write` makes them the table."""
    table = {cell: counted(cell) for cell in CELLS}
    before = committed() if TABLE.exists() else {}
    for cell, work in table.items():
        print(cell)
        for name in COUNTERS:
            was = before.get(cell, {}).get(name)
            print(f"  {name:13}{work[name]:>15,}" + ("" if was in (None, work[name]) else f"   {_rise(was, work[name])} of {was:,}"))
    if "--write" in sys.argv[1:]:
        TABLE.write_text(written(table), encoding="utf-8")
        print(f"written to {TABLE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
