"""The command line."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Any

import click

import segkernel
from segkernel.cli.terminal import failed
from segkernel.errors import Error

WRONG, MISUSED, INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """The group of all commands: it turns what goes wrong into a sentence and an exit code.

    0 done; 1 mistakes in rules, schema or data, or an output that cannot be written; 2 wrong usage; 130 interrupted.
    """

    def main(self, *arguments: Any, **settings: Any) -> Any:
        settings["standalone_mode"] = False
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # names may hold letters that a terminal cannot show
        try:
            code = super().main(*arguments, **settings)
        except click.ClickException as error:
            error.show()
            code = MISUSED
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted", err=True)
            code = INTERRUPTED
        except (Error, OSError, MemoryError) as error:
            failed(error)
            code = WRONG
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(segkernel.__version__, prog_name="segkernel", message="%(prog)s %(version)s")
def main() -> None:
    """Customer segments as a small language, evaluated over millions of accounts in one pass.

    A project is a folder with a segkernel.toml (tables, links, time zone), rule files (*.seg) and data.
    """


def _commands() -> None:
    from segkernel.cli.cases import cases
    from segkernel.cli.check import check
    from segkernel.cli.convert import convert
    from segkernel.cli.diff import diff
    from segkernel.cli.explain import explain
    from segkernel.cli.fmt import fmt
    from segkernel.cli.funnel import funnel
    from segkernel.cli.plan import plan
    from segkernel.cli.run import run
    from segkernel.cli.schema import schema

    for command in (run, check, schema, plan, explain, funnel, cases, diff, fmt, convert):
        main.add_command(command)


_commands()
