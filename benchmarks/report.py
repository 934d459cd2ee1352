"""RESULTS.md from the results: each cell with its target and verdict, and first of all the ones that miss theirs."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plots
from benchmarks.cells import AXES, TABLE, WAYS, Cell
from benchmarks.contest import median
from benchmarks.results import OURS, Result

HEAD = """# Results

Made by `{command}`; not edited by hand. {machine}. {versions}.

Every ratio is a rival's time over ours, medians of runs in one process on the same tables, whose answers were found equal before.
Rivals are written as someone who knows them well would: one flat lazy select in Polars with sorted flags and categoricals, both
engines (the better counts), common sub-expressions on; one statement in DuckDB and DataFusion, which count members rather than
bring answers out, since that is quicker for them; packed bits and blocks that fit the caches in NumPy. A rival that takes more than
ten seconds runs once. The *limit* is physics: the columns that the rules read, once, in Polars' own types, at the bandwidth of
reading, and the packed answers, once, at that of plain stores (in brackets: of stores past the caches), measured in the same process.
"""


def written(results: dict[str, Result], folder: Path, command: str) -> str:
    """The document; pictures are drawn into `folder`."""
    latest = max(results.values(), key=lambda each: each.date)
    versions = ", ".join(f"{name} {version}" for name, version in latest.versions.items())
    parts = [HEAD.format(command=command, machine=latest.machine, versions=versions)]
    parts += ["## What we lose\n", lost(results), "## The cells\n", cells(results)]
    parts += ["## One thing varied at a time\n", varied(results)]
    parts += [f"![{title}]({path})\n" for title, path in plots.draw(results, folder / "plots").items()]
    parts += ["## Every measurement\n", details(results), "## What the ways mean\n"]
    parts += ["\n".join(f"- *{way}*: {meaning}." for way, meaning in WAYS.items())]
    return "\n".join(parts) + "\n"


def lost(results: dict[str, Result]) -> str:
    """The cells that miss a target, that a rival wins, or that were not measured."""
    found = []
    for cell in (*TABLE, *AXES):
        result = results.get(cell.name)
        if result is None:
            continue
        verdict = result.verdict(cell)
        slower = [rival for rival in cell.rivals if result.reached(cell).get(rival, 1.0) < 1]
        if verdict.startswith(("missed", "not measured")) or slower:
            wins = f"; quicker than we are: {', '.join(slower)}" if slower else ""
            found.append(f"- **{cell.name}** ({cell.title}): {verdict or 'no target'}{told(cell, result)}{wins}")
    missing = [cell.name for cell in TABLE if cell.name not in results]
    found += [f"- not run yet: {', '.join(missing)}"] if missing else []
    return "\n".join(found or ["None of the cells below."]) + "\n"


def told(cell: Cell, result: Result) -> str:
    """What the missed targets are, and what was reached."""
    if result.memory is not None:
        return f": {mib(result.memory.above)} above the tables, {mib(result.memory.allowed)} allowed"
    reached = result.reached(cell)
    below = [(name, goal) for name, goal in cell.targets.items() if name in reached and reached[name] < goal]
    missed = [f"{name} {shown(name, reached[name])} of {shown(name, goal)}" for name, goal in below]
    return f" ({', '.join(missed)})" if missed else ""


def shown(name: str, figure: float) -> str:
    """A ratio, or a share of the limit."""
    if name == "limit":
        return f"{figure:.0%}"
    return f"{figure:.0f}x" if figure >= 100 else f"{figure:.1f}x" if figure >= 1 else f"{figure:.2g}x"


def cells(results: dict[str, Result]) -> str:
    """The table of cells: targets, what was reached, verdict."""
    lines = ["| cell | what | ours | reached (target) | limit | verdict | date |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for cell in TABLE:
        result = results.get(cell.name)
        if result is None:
            lines.append(
                f"| {cell.name} | {cell.title} | | {', '.join(f'{n} ({shown(n, t)})' for n, t in cell.targets.items())} | | not run yet | |"
            )
            continue
        reached = result.reached(cell)
        ratios = [f"{name} {shown(name, figure)}{goal(cell, name)}" for name, figure in reached.items() if name != "limit"]
        if result.memory is not None:
            parts = f"codes {mib(result.memory.codes)}, output {mib(result.memory.output)}, 256 MiB"
            ratios = [f"{mib(result.memory.above)} ({mib(result.memory.allowed)} allowed: {parts})"]
        share, past = result.share(), result.share(past_caches=True)
        limit = "" if share is None or past is None else f"{share:.0%}{goal(cell, 'limit')} [{past:.0%}]"
        ours = clock(result.ours) if OURS in result.seconds else ""
        lines.append(
            f"| {cell.name} | {cell.title} | {ours} | {', '.join(ratios)} | {limit} | {result.verdict(cell)} | {result.date[:10]} |"
        )
    return "\n".join(lines) + "\n"


def goal(cell: Cell, name: str) -> str:
    """A target in brackets, where there is one."""
    return f" ({shown(name, cell.targets[name])})" if name in cell.targets else ""


def varied(results: dict[str, Result]) -> str:
    """A table of all axes."""
    lines = [
        "Around 1 M accounts, 500 segments, categorical texts, all processors.\n",
        "| axis | at | ours | rivals | limit |",
        "| --- | --- | --- | --- | --- |",
    ]
    for cell in AXES:
        result = results.get(cell.name)
        if result is not None and OURS in result.seconds:
            reached = result.reached(cell)
            ratios = ", ".join(f"{name} {shown(name, figure)}" for name, figure in reached.items() if name != "limit")
            share = shown("limit", reached["limit"]) if "limit" in reached else ""
            lines.append(f"| {cell.axis} | {cell.at} | {clock(result.ours)} | {ratios} | {share} |")
    return "\n".join(lines) + "\n"


def details(results: dict[str, Result]) -> str:
    """All times, and how far answers were compared."""
    lines = ["| cell | who | median | fastest | runs | equal |", "| --- | --- | --- | --- | --- | --- |"]
    for cell in (*TABLE, *AXES):
        result = results.get(cell.name)
        if result is None:
            continue
        for who, seconds in result.seconds.items():
            proof = result.proofs.get(who, "")
            lines.append(f"| {cell.name} | {who} | {clock(median(seconds))} | {clock(min(seconds))} | {len(seconds)} | {proof} |")
        lines += [f"| {cell.name} | {OURS}: {note} | {clock(seconds)} | | | |" for note, seconds in result.notes.items()]
        if result.limit is not None:
            speed = result.limit.bandwidth
            bytes_ = f"{mib(result.limit.read)} read, {mib(result.limit.written)} written"
            speeds = f"{speed.read / 1e9:.1f} / {speed.store / 1e9:.1f} / {speed.stream / 1e9:.1f} GB/s"
            lines.append(f"| {cell.name} | limit: {bytes_}; read / store / past caches {speeds} | {clock(result.limit.seconds())} | | | |")
    return "\n".join(lines) + "\n"


def clock(seconds: float) -> str:
    """Seconds as people say them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def mib(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 2**20:,.0f} MiB"
