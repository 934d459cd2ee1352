"""`segkernel run`: evaluate a project and write its memberships."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segkernel import output
from segkernel.cli import COMMANDS
from segkernel.cli.arguments import OutputFolder, SavedFile, Size, at, folder, moment, params, parsed_params, selected
from segkernel.cli.terminal import Progress, table, warn
from segkernel.project import opened
from segkernel.rules import MOST_THREADS
from segkernel.textual import visible

if TYPE_CHECKING:
    from segkernel.changes import Comparison
    from segkernel.inputs import Input
    from segkernel.membership import Membership


@click.command(short_help=COMMANDS["run"])
@folder
@at
@params
@click.option("--out", type=OutputFolder(), metavar="DIR", help="Where the files go; without it DIR/out.")
@click.option("--layout", type=click.Choice(["wide", "long", "counts"]), default="wide", show_default=True, help="Of memberships.parquet.")
@click.option("--only", multiple=True, metavar="NAME", help="Answer just this segment or choose; may be given several times.")
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), metavar="N", help="Without it, as many as the machine has cores.")
@click.option("--memory", type=Size(), metavar="SIZE", help="Read accounts in batches within about so much memory, such as 4GB.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of what is printed.")
@click.option(
    "--previous", type=SavedFile(), metavar="FILE", help="The memberships.parquet of an earlier run: tell what has changed since."
)
def run(
    folder: Path,
    as_of: str | None,
    params: tuple[str, ...],
    out: Path | None,
    layout: str,
    only: tuple[str, ...],
    threads: int | None,
    memory: int | None,
    form: str,
    previous: Path | None,
) -> None:
    """Evaluate the project in DIR and write memberships.parquet, summary.json and run.json.

    Without --as-of the instant is the project's as_of, else the start of the run. With --previous, which may be the file that
    is about to be replaced, changes.parquet (who entered and who left which segment) and value_changes.parquet (whose value
    of a choose is another) are written as well.

    Parquet files that are larger than a quarter of the memory available are read in batches of accounts, each with the rows that are
    theirs; with --memory, they always are. The files are the same.
    """
    started = datetime.now(UTC).replace(microsecond=0)
    clock = _Clock()
    project = opened(folder)
    overrides = parsed_params(params)
    as_of_ns = moment(as_of, project, started)
    target = folder / "out" if out is None else out
    output.ready(target)
    with Progress() as progress:
        from segkernel.inputs import read

        progress.stage("Reading rules and data")
        source = read(project, overrides, partial(selected, names=only), memory, target)
        rules = source.rules
        earlier = None if previous is None else _earlier(previous)
        clock.lap("read")
        progress.stage("Making the kernel ready (compiled once, then kept on disk)")
        from segkernel.kernel.entries import interpret
        from segkernel.results import Results
        from segkernel.summary import lines, run_record, summary

        interpret.prepare()
        clock.lap("kernel")
        progress.stage(f"Evaluating {len(rules.names):,} segments over {rules.checked.root}, writing {target}")
        comparison = None if earlier is None else _comparison(source, earlier)
        bits = layout != "counts" or comparison is not None
        results = Results(source.memberships(as_of_ns, threads, progress.part, bits), layout, comparison)
        found: dict[str, Any] = {}
        with ThreadPoolExecutor(1) as beside:
            heard = beside.submit(source.heard)
            beside.submit(getattr, rules, "meanings")  # of which the files tell at their end

            def summed() -> dict[str, Any]:
                heard.result()  # nothing is put into its place where that fails
                clock.lap("evaluate and write")
                found.update(summary(rules, results.tally, results.changed))
                clock.lap("summarise")
                return found

            output.write(target, results.tables(), summed, lambda: run_record(started.isoformat(), clock.spent, threads))
    warn(heard.result(), rules.sources)
    if form == "json":
        click.echo(output.document(found).decode(), nl=False)
        return
    tally, changes = results.tally, results.changed
    table(lines(found), "<<>>>" if changes is None else "<<>>>>>")
    click.echo(f"{tally.accounts:,} {rules.checked.root} as of {tally.as_of} ({tally.timezone}), written to {target}")
    if changes is not None:
        click.echo(f"changes since {changes.since}, of {previous}")
        for what, names in (("another meaning", changes.redefined), ("new", changes.added), ("gone", changes.removed)):
            if names:
                click.echo(f"{what} since then: {', '.join(visible(name) for name in names)}")
    for place, count in found["orphans"].items():
        if count:
            click.echo(f"{count:,} {'row' if count == 1 else 'rows'} whose link {place} finds nobody", err=True)
    for warning in source.warnings():
        click.echo(visible(warning), err=True)


def _earlier(path: Path) -> Membership:
    from segkernel.membership import Membership

    return Membership.load(path)


def _comparison(source: Input, earlier: Membership) -> Comparison:
    from segkernel.changes import Comparison

    return Comparison(source.keys(), source.rules.checked.root, earlier)


class _Clock:
    """Seconds spent between laps."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.spent[name] = now - self._since
        self._since = now
