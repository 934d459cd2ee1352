"""The gallery of mistakes: rule files with one mistake each, and what is told of them.

`python -m tests.gallery --write` writes what is told now beside each file (read the difference before you commit it).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from segdsl import Diagnostic, Schema
from segdsl.diagnostics import render
from segdsl.source import Source
from segkernel.compiling import compile
from segkernel.errors import RuleError

FOLDER = Path(__file__).parents[1] / "dsl" / "conformance" / "diagnostics"


@cache
def schema() -> Schema:
    """The shop that the files speak of."""
    return Schema.load(FOLDER / "shop.toml")


@cache
def texts() -> dict[str, str]:
    """The files' texts by their names, line ends and byte order marks as they are."""
    return {path.stem: path.read_bytes().decode("utf-8") for path in sorted(FOLDER.glob("*.seg"))}


def mistakes(text: str) -> Sequence[Diagnostic]:
    """What is wrong with a rule text, by place."""
    try:
        compile(text, schema())
    except RuleError as error:
        return error.diagnostics
    return ()


def told(name: str, text: str) -> str:
    """What is told of a file, with a line end."""
    return render(mistakes(text), [Source(f"{name}.seg", text)]) + "\n"


def shown(name: str) -> str:
    """What the gallery says is told of a file."""
    path = FOLDER / f"{name}.txt"
    return path.read_bytes().decode("utf-8") if path.exists() else ""


def write() -> int:
    """Write what is told now beside each file; the number of files whose output changed."""
    changed = 0
    for name, text in texts().items():
        output = told(name, text)
        if output != shown(name):
            (FOLDER / f"{name}.txt").write_bytes(output.encode("utf-8"))
            changed += 1
    return changed


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.gallery --write")
    print(f"{write()} of {len(texts())} outputs written")
