"""`python -m benchmarks`: the cells of `benchmarks/cells.py`, each in a process of its own, equality before time.

Results go to results.json, where a cell's latest stands beside those of earlier runs, and from there to RESULTS.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import msgspec

import segkernel as sk
from benchmarks.cells import AXES, CELLS, TABLE, Cell
from benchmarks.report import clock, mib, shown, written
from benchmarks.results import OURS, Result, blank, keep, load
from benchmarks.ways import WAYS

HERE = Path(__file__).parent


def chosen(patterns: list[str] | None, quick: bool) -> list[Cell]:
    """The cells to run: all, those of the table for a quick look, or those that patterns name."""
    if not patterns:
        return list(TABLE) if quick else [*TABLE, *AXES]
    found = [cell for cell in CELLS.values() if any(fnmatch(cell.name, pattern) for pattern in patterns)]
    if not found:
        raise SystemExit(f"no cell is named {' or '.join(patterns)}; there are {', '.join(CELLS)}")
    return found


def measure(name: str, quick: bool, runs: int, command: str) -> Result:
    """One cell in this process; a failure is a result that says why."""
    cell = CELLS[name]
    size = cell.quick if quick else cell.size
    result = blank(cell, size, command)
    try:
        return WAYS[cell.way](cell, size, runs, result)
    except Exception as reason:  # whatever goes wrong in a cell is told, and the others are measured
        return msgspec.structs.replace(result, failed=f"{type(reason).__name__}: {reason}")


def line(cell: Cell, result: Result, seconds: float, quick: bool) -> str:
    """A cell in a line; of a quick look no verdict, since targets are for full sizes."""
    if result.memory is not None:
        figures = f"{mib(result.memory.above)} above the tables, {mib(result.memory.allowed)} allowed"
    elif OURS in result.seconds:
        reached = result.reached(cell)
        figures = f"{clock(result.ours):>9}  " + ", ".join(f"{name} {shown(name, figure)}" for name, figure in reached.items())
    else:
        figures = ""
    verdict = "" if quick and result.failed is None else result.verdict(cell)
    return f"{cell.name:22} {figures}  {verdict}  [{seconds:.0f} s]"


def main() -> int:
    """Measure, print, keep; the exit code is 1 where a rival's answers differ or a cell failed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="small sizes and the cells of the table only, for a first look")
    options.add_argument("--only", nargs="+", metavar="CELL", help="names of cells, or patterns such as 'flat-*'")
    options.add_argument("--missing", action="store_true", help="leave out cells that are measured already, to go on with a broken run")
    options.add_argument("--runs", type=int, help="runs of each that takes under ten seconds (5, quick: 1); the median counts")
    options.add_argument(
        "--out", type=Path, help="folder of the results; here, or build/benchmarks for quick ones, which get no RESULTS.md"
    )
    options.add_argument("--report", action="store_true", help="write RESULTS.md from the results, measure nothing")
    options.add_argument("--cell", help=argparse.SUPPRESS)
    given = options.parse_args()
    folder = given.out or (HERE.parent / "build" / "benchmarks" if given.quick else HERE)
    runs = given.runs or (1 if given.quick else 5)
    command = "python -m benchmarks" + (" --quick" if given.quick else "") + (f" --runs {given.runs}" if given.runs else "")
    kept = folder / "results.json"
    if given.cell:
        sys.stdout.buffer.write(msgspec.json.encode(measure(given.cell, given.quick, runs, command)))
        return 0
    failed = False
    if not given.report:
        sk.warmup()
        known = load(kept)
        cells = [
            cell
            for cell in chosen(given.only, given.quick)
            if not (given.missing and cell.name in known and known[cell.name].failed is None)
        ]
        for number, cell in enumerate(cells, 1):
            print(f"{number:3}/{len(cells)} ", end="", flush=True)
            start = time.perf_counter()
            result = apart(cell, given.quick, runs, command)
            failed |= result.failed is not None
            keep(kept, result)
            print(line(cell, result, time.perf_counter() - start, given.quick), flush=True)
    results = load(kept)
    if results and not given.quick:
        (folder / "RESULTS.md").write_text(written(results, folder, command), encoding="utf-8")
        print(f"written: {folder / 'RESULTS.md'}")
    return int(failed)


def apart(cell: Cell, quick: bool, runs: int, command: str) -> Result:
    """A cell in a process of its own, so that none finds the memory of another; one that dies is a failure."""
    arguments = ["--cell", cell.name, "--runs", str(runs), *(["--quick"] if quick else [])]
    done = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], stdout=subprocess.PIPE, check=False)
    try:
        return msgspec.json.decode(done.stdout, type=Result)
    except msgspec.DecodeError:
        return msgspec.structs.replace(
            blank(cell, cell.quick if quick else cell.size, command), failed=f"the process ended with {done.returncode}"
        )


if __name__ == "__main__":
    sys.exit(main())
