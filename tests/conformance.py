"""The conformance cases, read from `dsl/conformance`, and their verdict on an engine.

An engine is a function of a case (rules, schema, tables, as_of, params) that gives for every segment the list of truths, for every
choose the list of values and for every collect the list of lists, in the order of the root table's rows. It raises `Mistakes` where
the rules are wrong and `Overflow` where an exact value leaves its range. Run as a program, it prints the verdicts of one engine as
JSON.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from segdsl.diagnostics import Diagnostic
from segdsl.source import Source
from segkernel.cases.format import Case, Places, Tables, places_of, read
from segkernel.cases.frames import frames
from segkernel.cases.values import instant

__all__ = ["ENGINES", "FOLDER", "Case", "Tables", "frames", "instant", "kernel", "load", "oracle", "read", "verdict"]

FOLDER = Path(__file__).parent.parent / "dsl" / "conformance"
LEFT_RANGE = re.compile(r"[^:]+:(\d+):(\d+): `.*`: a (?:number leaves its range|time leaves the years)", re.DOTALL)


class Mistakes(Exception):
    """The rules are wrong: code, line and column of each mistake."""

    def __init__(self, places: Places) -> None:
        super().__init__(", ".join(f"{code} at {line}:{column}" for code, line, column in places))
        self.places = places


class Overflow(Exception):
    """An exact value left its range: line and column of the place in the rules."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__(f"a value left its range at {place[0]}:{place[1]}")
        self.place = place


Run = Callable[[Case], Mapping[str, list[Any]]]


def load() -> list[Case]:
    """All cases, in the order of their files."""
    return [case for path in sorted(FOLDER.glob("*.toml")) for case in read(path.read_text(encoding="utf-8"), path.stem)]


def verdict(case: Case, run: Run) -> str | None:
    """What an engine gets wrong in a case; None where it is right."""
    try:
        found = run(case)
    except Mistakes as mistakes:
        if mistakes.places != case.diagnostics:
            return f"expected {case.diagnostics or 'no mistakes'}, found {mistakes.places}"
        return None
    except Overflow as overflow:
        return None if overflow.place == case.overflow else f"expected an overflow at {case.overflow}, found: {overflow}"
    if case.diagnostics or case.overflow:
        return f"expected {case.diagnostics or case.overflow}, found answers"
    root = case.schema.tables[case.schema.root]
    keys = [str(row[root.key[0]]) for row in case.tables[case.schema.root]]
    for name, expected in case.expect.items():
        if isinstance(expected, dict):
            answers: Any = {key: value for key, value in zip(keys, found[name], strict=True) if value not in (None, [])}
            wanted: Any = expected
        else:
            answers = [key for key, member in zip(keys, found[name], strict=True) if member]
            wanted = sorted((str(key) for key in expected), key=keys.index)
        if answers != wanted:
            return f"{name}: expected {wanted}, found {answers}"
    return None


def mistakes_of(diagnostics: tuple[Diagnostic, ...], text: str) -> Places:
    """Code, line and column of diagnostics, sorted by place."""
    return places_of(diagnostics, Source("rules.seg", text))


def compare_warnings(case: Case, found: tuple[Diagnostic, ...]) -> None:
    """Hold the warnings against those that the case lists, where it lists them; AssertionError where they differ."""
    warned = mistakes_of(tuple(each for each in found if each.severity == "warning"), case.rules)
    if case.warnings is not None and warned != case.warnings:
        raise AssertionError(f"expected warnings {case.warnings}, found {warned}")


def oracle(case: Case) -> dict[str, list[Any]]:
    """The row-at-a-time evaluator."""
    from segdsl.checker import check
    from segdsl.parser import parse
    from segkernel.oracle import Oracle, OracleOverflow, plain

    file, unreadable = parse(case.rules)
    if any(each.severity == "error" for each in unreadable):
        raise Mistakes(mistakes_of(unreadable, case.rules))
    rules, found = check([file], case.schema, case.params)
    if rules is None:
        raise Mistakes(mistakes_of(tuple(each for each in found if each.severity == "error"), case.rules))
    compare_warnings(case, found)
    engine = Oracle(rules, case.schema, case.tables, instant(case.as_of))
    try:
        return {
            name: list(engine.segment(name))
            if name in rules.segments
            else [[plain(value, rules.collects[name].type) for value in each] for each in engine.collect(name)]
            if name in rules.collects
            else [plain(value, rules.chooses[name].type) for value in engine.choose(name)]
            for name in rules.names
        }
    except OracleOverflow as reason:
        raise Overflow(Source("rules.seg", case.rules).place(reason.span.start)) from reason


def kernel(case: Case) -> dict[str, list[Any]]:
    """The engine by its public face."""
    import segkernel

    try:
        data = segkernel.Dataset(frames(case), case.schema)
        rules = segkernel.compile(case.rules, case.schema, params=case.params)
        compare_warnings(case, rules.warnings)
        result = rules.evaluate(data, as_of=case.as_of)
    except segkernel.RuleError as reason:
        errors = tuple(each for each in reason.diagnostics if each.severity == "error")
        raise Mistakes(mistakes_of(errors, case.rules)) from reason
    except segkernel.DataError as reason:
        overflow = LEFT_RANGE.match(str(reason))
        if overflow is None:
            raise
        raise Overflow((int(overflow[1]), int(overflow[2]))) from reason
    return {name: result[name].to_list() for name in rules.names}


ENGINES: dict[str, Run] = {"oracle": oracle, "kernel": kernel}


def main() -> None:
    """Print, for the engine named on the command line, the verdict of every case as a JSON object."""
    run = ENGINES[sys.argv[1]]
    print(json.dumps({case.id: judged(case, run) for case in load()}))


def judged(case: Case, run: Run) -> str | None:
    """The verdict, or the exception that an engine ended in."""
    try:
        return verdict(case, run)
    except Exception as reason:
        return f"{type(reason).__name__}: {reason}"


if __name__ == "__main__":
    main()
