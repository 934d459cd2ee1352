"""`segkernel test`: the cases that the owners of rules wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from segkernel.cases.judging import Failure, Verdict
from segkernel.cases.owners import FOLDER, files, prepared
from segkernel.cli import COMMANDS
from segkernel.cli.arguments import folder, form
from segkernel.cli.terminal import Progress, lines
from segkernel.project import opened
from segkernel.textual import visible
from segkernel.why.drawing import Line, drawn

FAILED = 1


@click.command(name="test", short_help=COMMANDS["test"])
@folder
@click.option("-k", "wanted", metavar="TEXT", help="Only the cases whose file or name has this text.")
@form
def cases(folder: Path, wanted: str | None, form: str) -> None:
    """Try the rules of the project in DIR on the cases in DIR/tests: small tables, and the accounts that belong.

    A case that fails is told with the accounts that are in a segment and should not be, or the other way round, and why. The
    project's own data are not read.

    Exit codes: 0 all cases pass, 1 some fail, or rules or cases have mistakes, 2 wrong usage.
    """
    project = opened(folder)
    paths = files(project)
    if not paths:
        raise click.UsageError(
            f"there are no cases in {folder / FOLDER}; a case says rows and who belongs, in a file such as tests/vip.toml"
        )
    with Progress() as progress:
        progress.stage("Reading the cases")
        found, judge = prepared(project, paths)
        chosen = [case for case in found if wanted is None or wanted.casefold() in case.id.casefold()]
        if not chosen:
            raise click.UsageError(f'none of the {len(found):,} cases has "{wanted}" in its file or name')
        verdicts = []
        for number, case in enumerate(chosen, 1):
            progress.stage(f"Case {number:,} of {len(chosen):,}")
            verdicts.append(judge.verdict(case))
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if form == "json":
        told = {"passed": len(verdicts) - len(failed), "failed": len(failed), "cases": verdicts}
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        for verdict in failed:
            lines(_drawn(verdict))
        click.echo(_summary(len(verdicts), len(failed), len(found)))
    sys.exit(FAILED if failed else 0)


def _summary(tried: int, failed: int, there: int) -> str:
    counted = f"{tried:,} case{'' if tried == 1 else 's'}" + (f" of {there:,}" if tried < there else "")
    return f"{counted}, {failed:,} failed" if failed else f"{counted}, all passed" if tried > 1 else f"{counted}, passed"


def _drawn(verdict: Verdict) -> list[Line]:
    head: Line = [("✗ ", "bold red"), (visible(f"{verdict.file}:{verdict.line}: {verdict.name}"), "bold")]
    return [head, *(line for failure in verdict.failures for line in _failure(failure)), []]


def _failure(failure: Failure) -> list[Line]:
    told: list[Line] = [[("    ", ""), (visible(line), "")] for line in failure.told.splitlines()]
    if failure.why is None:
        return told
    return told + [[("      ", ""), *line] for line in drawn(failure.why)[2:]]
