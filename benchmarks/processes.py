"""Cells that need processes of their own: the first run of one, Parquet to Parquet, and the highest memory.

`python -m benchmarks.processes` is what such a process runs; its last line is JSON.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

import segkernel as sk
from benchmarks.cells import CELLS, Cell, Size
from benchmarks.contest import ANY_ORDER, AT, LONG, contest, polars
from benchmarks.results import OURS, Memory, Result
from benchmarks.workloads import AS_OF, Workload, workload
from tests.rivals import polars_rival, sql_rival
from tests.rivals.tables import Plain, plain_tables
from tests.work import bound

SCRIPTS = Path(__file__).parent / "rivals"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of processes that are timed: all packages have their bytecode, as installed ones do; of sources it would be made in each process."""


class Differs(Exception):
    """Two processes have found different answers."""


def child(*arguments: str) -> Any:
    """What a process of this module prints last."""
    command = [sys.executable, "-m", "benchmarks.processes", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def first(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """A new process each time: the tables are made, then the clock starts."""
    given = (cell.name, msgspec.json.encode(size).decode())
    times: dict[str, list[float]] = {}
    notes: dict[str, list[float]] = {}
    digests = {}
    for who in (OURS, "Polars streaming", "Polars in-memory"):
        times[who] = []
        while len(times[who]) < runs and not (times[who] and times[who][0] > LONG):
            found = child("first", who, *given)
            times[who].append(found["seconds"])
            digests[who] = found["digest"]
            for note, seconds in found["notes"].items():
                notes.setdefault(note, []).append(seconds)
    if len(set(digests.values())) != 1:
        raise Differs(f"the answers of new processes differ: {digests}")
    proofs = dict.fromkeys([who for who in times if who != OURS], "a digest of every account of every name")
    return msgspec.structs.replace(result, seconds=times, proofs=proofs, notes={note: min(found) for note, found in notes.items()})


def run_first(who: str, cell: Cell, size: Size) -> dict[str, Any]:
    """One first run; the rival's query is built before the clock starts."""
    load = workload(cell.kind, size.accounts, size.orders, size.rules, variant=cell.variant)
    notes = {}
    if who == OURS:
        start = time.perf_counter()
        data = sk.Dataset(load.frames, load.schema)
        rules = sk.compile(load.rules, data.schema)
        compiled = time.perf_counter()
        rules.program()
        planned = time.perf_counter()
        answers = rules.evaluate(data, as_of=AS_OF)
        seconds = time.perf_counter() - start
        notes = {"compile": compiled - start, "plan": planned - compiled, "bind, load the kernel, run": start + seconds - planned}
        packed = [answers.bits[name].view(np.uint8)[: (answers.accounts + 7) // 8] for name in answers.names]
    else:
        ready = next(each for each in polars(contest(load)) if each.name == who)
        gc.collect()
        start = time.perf_counter()
        found = ready.run()
        seconds = time.perf_counter() - start
        packed = [np.packbits(found[name].to_numpy(), bitorder="little") for name in found.columns]
    digest = hashlib.sha256()
    for each in packed:
        digest.update(each.tobytes())
    return {"seconds": seconds, "digest": digest.hexdigest()[:16], "notes": notes}


def files(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """A project folder for our command, plain Parquet files and a finished query for the rivals' scripts."""
    load = workload(cell.kind, size.accounts, size.orders, size.rules, variant=cell.variant)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {OURS: project(folder, load), **scripts(folder, load)}
        times: dict[str, list[float]] = {}
        for who, command in commands.items():
            times[who] = []
            while len(times[who]) < runs and not (times[who] and times[who][0] > LONG):
                start = time.perf_counter()
                done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
                times[who].append(time.perf_counter() - start)
                if done.returncode:
                    raise RuntimeError(f"{who}: {done.stderr.strip()[-300:]}")
        ours = pl.read_parquet(folder / "out" / "memberships.parquet")
        for who in commands:
            if who != OURS:
                theirs = pl.read_parquet(folder / f"{who}.parquet").sort("row")
                wrong = [column for column in theirs.columns[1:] if not theirs[column].equals(ours[column])]
                if wrong:
                    raise Differs(f"{who} has written otherwise: {', '.join(wrong[:5])}")
        spent = json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))
        notes = {f"of it {what}": seconds for what, seconds in spent["seconds"].items()}
    proofs = dict.fromkeys([who for who in times if who != OURS], "every account of every name, read back")
    return msgspec.structs.replace(result, seconds=times, proofs=proofs, notes=notes)


def project(folder: Path, load: Workload) -> list[str]:
    """Writes a project folder; the command that runs it."""
    schema = load.schema
    lines = ["[project]", f'root = "{schema.root}"', 'rules = ["rules.seg"]', f'as_of = "{AS_OF:%Y-%m-%dT%H:%M:%SZ}"', 'timezone = "UTC"']
    for name, table in schema.tables.items():
        load.frames[name].write_parquet(folder / f"{name}.parquet")
        lines += [f"[tables.{name}]", f'source = "{name}.parquet"']
        if table.key:
            lines.append(f"key = {json.dumps(list(table.key))}")
        for link, to in table.links.items():
            lines += [f"[tables.{name}.links]", f'{link} = {{ table = "{to.table}", by = {json.dumps(list(to.by))} }}']
    (folder / "segkernel.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "rules.seg").write_text(load.rules + "\n", encoding="utf-8")
    return [sys.executable, "-m", "segkernel", "run", str(folder)]


class Scanned:
    """A Parquet file in the place of a frame of which a query is built; sorted columns are marked."""

    def __init__(self, frame: pl.DataFrame, path: Path) -> None:
        frame.write_parquet(path)
        self.schema, self.height, self.path = frame.schema, frame.height, path
        self.sorted = [name for name in frame.columns if frame[name].flags.get("SORTED_ASC")]

    def __getitem__(self, name: str) -> pl.Series:
        return pl.Series(name, [], self.schema[name])

    def lazy(self) -> pl.LazyFrame:
        lazy = pl.scan_parquet(self.path)
        for name in self.sorted:
            lazy = lazy.set_sorted(name)
        return lazy

    def select(self, *wanted: Any) -> Any:
        return self.lazy().select(*wanted)


def scripts(folder: Path, load: Workload) -> dict[str, list[str]]:
    """The commands of the rivals: they import nothing but their engine, and find their query written."""
    tables = plain_tables(load.schema, load.frames, load.schema.timezone)
    scanned: dict[str, Any] = {
        name: Plain(Scanned(table.frame, folder / f"plain_{name}.parquet"), table.bounds, table.grids)  # type: ignore[arg-type]
        for name, table in tables.items()
    }
    checked = sk.compile(load.rules, sk.Dataset(load.frames, load.schema).schema).checked
    query = polars_rival.prepare_plain(checked, load.schema, scanned, AT, ANY_ORDER).query
    (folder / "query.plan").write_bytes(query.serialize())
    sql, _ = sql_rival.statement(checked, load.schema, tables, AT, ANY_ORDER)
    views = [f"CREATE VIEW plain_{name} AS SELECT * FROM read_parquet('{folder}/plain_{name}.parquet');" for name in tables]
    (folder / "query.sql").write_text("\n".join([*views, f"COPY ({sql}) TO '{folder}/DuckDB.parquet' (FORMAT parquet);"]), encoding="utf-8")
    by_polars = [sys.executable, str(SCRIPTS / "parquet_polars.py"), str(folder / "query.plan")]
    return {
        "Polars streaming": [*by_polars, str(folder / "Polars streaming.parquet"), "streaming"],
        "Polars in-memory": [*by_polars, str(folder / "Polars in-memory.parquet"), "in-memory"],
        "DuckDB": [sys.executable, str(SCRIPTS / "parquet_duckdb.py"), str(folder / "query.sql")],
    }


def memory(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """The highest memory of a process that binds, links and runs once."""
    load = workload(cell.kind, size.accounts, size.orders, size.rules, variant=cell.variant)
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in load.frames.items():
            frame.write_ipc(Path(folder) / f"{name}.arrow")
        del load
        gc.collect()
        found = child("memory", folder, cell.name, msgspec.json.encode(size).decode())
    return msgspec.structs.replace(result, memory=msgspec.convert(found, Memory))


def run_memory(folder: Path, cell: Cell, size: Size) -> dict[str, int]:
    """One run in a process that holds nothing but its tables; bytes as `results.Memory` has them."""
    small = workload(cell.kind, 1000, 1000 if size.orders else 0, size.rules, variant=cell.variant)
    sk.warmup()
    gc.collect()
    before = resident("VmRSS")
    frames = {name: pl.read_ipc(folder / f"{name}.arrow") for name in small.frames}
    Path("/proc/self/clear_refs").write_text("5")  # the highest is reckoned from here
    data = sk.Dataset(frames, small.schema)
    rules = sk.compile(small.rules, data.schema)
    answers = rules.evaluate(data, as_of=AS_OF)
    highest = resident("VmHWM")
    tables = sum(int(frame.estimated_size()) for frame in frames.values())
    output = sum(bits.nbytes for bits in answers.bits.values())
    return {"above": highest - before - tables, "tables": tables, "codes": bound(data), "output": output}


def resident(what: str) -> int:
    """A figure of the memory of this process, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the system does not tell {what}")


def main() -> None:
    """What a child does, by its first argument."""
    what, given, name, size = sys.argv[1:]
    cell, rows = CELLS[name], msgspec.json.decode(size, type=Size)
    print(json.dumps(run_first(given, cell, rows) if what == "first" else run_memory(Path(given), cell, rows)))


if __name__ == "__main__":
    main()
