"""How quickly and in how much memory what is over a limit is refused: `python -m benchmarks.limits`."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import segdsl
from segdsl import UnreadableForm, project
from segdsl.parser import parse

MIB = 1024 * 1024
SOURCE = 16 * MIB


def rules(text: str) -> str:
    """The code of the last mistake of a rule text."""
    mistakes = parse(text)[1]
    return mistakes[-1].code if mistakes else "read"


def json(text: str) -> str:
    """What is wrong with a JSON text."""
    try:
        segdsl.from_json(text)
    except UnreadableForm as refused:
        return str(refused)[:50]
    return "read"


def settings(text: str) -> str:
    """What is wrong with the settings of a project."""
    problems = project.read(text)[1]
    return problems[0].message[:50] if problems else "read"


BEYOND: dict[str, tuple[Callable[[str], str], str]] = {
    "16 MiB and a byte": (rules, "#" * (SOURCE + 1)),
    "16 MiB and a byte, of letters of two bytes": (rules, "é" * (SOURCE // 2 + 1)),
    "a million opening brackets": (rules, "segment s when " + "(" * 1_000_000),
    "16 MiB of opening brackets": (rules, "segment s when " + "(" * (SOURCE - 15)),
    "a million calls": (rules, "segment s when " + "f(" * 1_000_000),
    "a million nots": (rules, "segment s when " + "not " * 1_000_000),
    "a million signs": (rules, "segment s when " + "- " * 1_000_000),
    "a million dots": (rules, "segment s when a" + ".a" * 1_000_000),
    "a number of 10 MiB": (rules, "param p = " + "1" * (10 * MIB)),
    "a name of 10 MiB": (rules, "param " + "a" * (10 * MIB) + " = 1"),
    "a million quotes": (rules, '"' * 1_000_000),
    "two million statements": (rules, "let a=1\n" * (SOURCE // 8)),
    "20,001 statements": (rules, "".join(f"let a{number} = 1\n" for number in range(20_001))),
    "a list of 100,001 numbers": (rules, "segment s when x in (" + "1, " * 100_000 + "1)"),
    "a list of 100,001 texts": (rules, "segment s when x in (" + '"text", ' * 100_000 + '"text")'),
    "a param of 100,001 numbers": (rules, "param p = (" + "1, " * 100_000 + "1)"),
    "10,001 sums": (rules, "segment s when x = 1" + " + 1" * 10_001),
    "a million alternatives": (rules, "segment s when x" + " or x" * 1_000_000),
    "a choose of a million cases": (rules, "choose s " + "1 when x " * 1_000_000),
    "a pattern of 1,001 characters": (rules, 'segment s when x matches "' + "a" * 1_001 + '"'),
    "a million comments": (rules, "# x\n" * 1_000_000),
    "a million mistakes": (rules, "let a 5\n" * 1_000_000),
    "90,000 mistakes in one list": (rules, "segment s when x in (" + "2026-02-30, " * 90_000 + "1)"),
    "16 MiB of control characters": (rules, "\0 " * (SOURCE // 2)),
    "JSON nested a million deep": (json, "[" * 1_000_000),
    "JSON of 128 MiB and a byte": (json, " " * (8 * SOURCE + 1)),
    "settings nested a million deep": (settings, "a = " + "[" * 1_000_000),
    "a setting's name of a million parts": (settings, "a" + ".a" * 1_000_000 + " = 1"),
    "settings of 4 MiB and a character": (settings, "#" * (4 * MIB + 1)),
}


def main() -> None:
    """Print the best of three times, in milliseconds of the processor, and the peak of the memory that a refusal takes."""
    for name, (way, text) in BEYOND.items():
        took = []
        for _ in range(3):
            began = time.process_time()
            said = way(text)
            took.append(time.process_time() - began)
        tracemalloc.start()
        way(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{min(took) * 1e3:8.1f} ms {peak / MIB:7.1f} MiB of {len(text) / MIB:6.1f}  {name}: {said}", flush=True)


if __name__ == "__main__":
    main()
