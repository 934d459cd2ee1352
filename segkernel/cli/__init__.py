"""The command line. A command is loaded when it is called: help is there at once."""

from __future__ import annotations

import atexit
import gc
import sys
from io import TextIOWrapper
from typing import Any

import click

import segkernel

WRONG, MISUSED, INTERRUPTED = 1, 2, 130
COMMANDS = {
    "check": "Find the mistakes in rules.",
    "convert": "Turn rules into JSON and back.",
    "diff": "Tell what differs between two versions of rules, and who moves.",
    "explain": "Say why an account is in a segment or not.",
    "fmt": "Write rules in their canonical form.",
    "funnel": "Count the accounts that each clause of a segment keeps and removes.",
    "plan": "Show the program that rules become.",
    "run": "Evaluate a project and write its memberships.",
    "schema": "Show the tables and fields of a project, and pin their types.",
    "test": "Try a project's rules on the cases that their owners wrote.",
}
"""Each command with what help says about it."""


class Commands(click.Group):
    """The group of all commands: it turns what goes wrong into a sentence and an exit code.

    0 done; 1 mistakes in rules, schema or data, or an output that cannot be written; 2 wrong usage; 130 interrupted.
    """

    def main(self, *arguments: Any, **settings: Any) -> Any:
        if not arguments and settings.keys() <= {"prog_name"}:
            # In a process of its own cycles among the hundred thousand objects of modules are looked for in vain, most of all at its end
            gc.set_threshold(100_000)
            atexit.register(gc.freeze)
            sys.unraisablehook = _unraisable
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
        except Exception as error:
            from segkernel.cli.terminal import failed
            from segkernel.errors import Error

            if not isinstance(error, (Error, OSError, MemoryError)):
                raise
            failed(error)
            code = WRONG
        sys.exit(code if isinstance(code, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A command by its name."""
        match name:
            case "check":
                from segkernel.cli.check import check as found
            case "convert":
                from segkernel.cli.convert import convert as found
            case "diff":
                from segkernel.cli.diff import diff as found
            case "explain":
                from segkernel.cli.explain import explain as found
            case "fmt":
                from segkernel.cli.fmt import fmt as found
            case "funnel":
                from segkernel.cli.funnel import funnel as found
            case "plan":
                from segkernel.cli.plan import plan as found
            case "run":
                from segkernel.cli.run import run as found
            case "schema":
                from segkernel.cli.schema import schema as found
            case "test":
                from segkernel.cli.cases import cases as found
            case _:
                return None
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Ctrl-C can be told twice, by Polars and by Python; the second is not shown where it falls into a clean-up that nobody called."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(segkernel.__version__, prog_name="segkernel", message="%(prog)s %(version)s")
def main() -> None:
    """Customer segments as a small language, evaluated over millions of accounts in one pass.

    A project is a folder with a segkernel.toml (tables, links, time zone), rule files (*.seg) and data.
    """
