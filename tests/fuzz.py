"""A fuzzer guided by coverage: `python -m tests.fuzz --minutes 10` looks for inputs that break what `tests/promises.py` promises.

Inputs that make `segdsl` go from a line to another as no input before did are kept and changed further. What it finds is printed
and makes the exit code 1. `--keep` writes the smallest inputs that reach the most into `tests/corpus/`, which ordinary tests replay.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import segdsl
from segdsl.functions import FUNCTIONS
from segdsl.lexer import RESERVED, SOFT, UNITS
from segdsl.parser import parse
from tests import rule_texts
from tests.lark_trees import tokens
from tests.promises import B2B, ROOT, SHOP, WAYS

CORPUS = Path(__file__).parent / "corpus"
KEPT = {"rules": 90, "json": 40, "param": 15, "settings": 35, "pattern": 20}
SHARES = {"rules": 12, "json": 4, "settings": 3}
LONGEST = 3_000
SLOW = 0.25
"""Seconds of processor time, untraced, that no input of `LONGEST` characters may take."""

_SIGNS = [*"()[]{}.,=<>+-*/\"'`\\#%:_\n", "..", "!=", "==", "5", "0", "1e999", "-1", "10%", "2026-02-30", "2026-03", "9" * 30]
_FIELDS = [name for schema in (SHOP, B2B) for called, table in schema.tables.items() for name in (called, *table.fields, *table.links)]
_FORMS = [
    "form",
    "version",
    "rules",
    "above",
    "beside",
    "segment",
    "path",
    "call",
    "compare",
    "number",
    "arithmetic",
    "null",
    "true",
    "[]",
    "{}",
]
_SETTINGS = [
    "project", "root", "timezone", "tables", "fields", "links", "key", "type", "values", "missing", "never", "event_time", "relation",
    "column", "usable", "decimal(2)", "list of text", "as_of", "silence", "[", "]", "=", '"', "'''", "false", "1979-05-27", "\n",
]  # fmt: skip
_PATTERN = [
    "(",
    ")",
    "[",
    "]",
    "{2,5}",
    "*",
    "+",
    "?",
    "\\d",
    "\\b",
    "|",
    "^",
    "$",
    "(?:",
    "(?=",
    "[^",
    "a-z",
    "-",
    "&&",
    "\\",
    "{1000}",
    "é",
]
WORDS = {
    "rules": [*sorted(RESERVED | SOFT), *UNITS, *FUNCTIONS, *_SIGNS, *_FIELDS, *_FIELDS],
    "json": [*_FORMS, *_SIGNS, *sorted(RESERVED | SOFT)],
    "param": [*_SIGNS, *UNITS, "true", "2026-03-01T14:30+01:00", '("a", "b")'],
    "settings": [*_SETTINGS, *_SIGNS],
    "pattern": _PATTERN,
}


class Tracer:
    """The steps from line to line of `segdsl` that a call takes; `known` are all of them so far."""

    def __init__(self) -> None:
        self.known: set[tuple[CodeType, int, int]] = set()
        self._steps: set[tuple[CodeType, int, int]] = set()
        self._ours: dict[CodeType, bool] = {}

    def steps(self, way: Callable[[str], None], text: str) -> set[tuple[CodeType, int, int]]:
        """The steps that are new; exceptions of the call go through."""
        self._steps = set()
        sys.settrace(self._called)
        try:
            way(text)
        finally:
            sys.settrace(None)
        return self._steps - self.known

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = "segdsl" in code.co_filename
        if not ours:
            return None
        before = 0
        add = self._steps.add

        def line(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal before
            if event == "line":
                number = frame.f_lineno
                add((code, before, number))
                before = number
            return line

        return line


def seeds() -> dict[str, list[str]]:
    """Inputs to begin with: the examples, the rules of the conformance cases, and what is kept."""
    found: dict[str, list[str]] = {way: [] for way in WAYS}
    for path in (ROOT / "dsl/examples.seg", *sorted((ROOT / "examples").glob("**/*.seg"))):
        text = path.read_text(encoding="utf-8")
        found["rules"] += [text[each.span.start : each.span.end] for each in parse(text)[0].statements]
    for path in sorted((ROOT / "dsl/conformance").glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["cases"]:
            found["rules"].append(case["rules"] if "rules" in case else f"segment a when {case['when']}")
    found["json"] = [segdsl.to_json(text) for text in found["rules"][::7] if not parse(text)[1]]
    found["param"] = ["5", "-5", "2 weeks", "10%", "2026-03-01", '("a", "b")', "true", "x\ny"]
    found["settings"] = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("**/segkernel.toml"))]
    found["pattern"] = [r"^a.*(b|c)+[^x-z\d]{2,5}$", r"\bfoo\b"]
    for way, kept in corpus().items():
        found[way] += kept
    return {way: [text for text in texts if len(text) <= LONGEST] for way, texts in found.items()}


def corpus() -> dict[str, list[str]]:
    """The inputs that are kept, by way in."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(CORPUS.glob("*.json"))}


def changed(source: Random, way: str, text: str, other: str) -> str:
    """An input with one to four changes."""
    for _ in range(source.choice((1, 1, 2, 3, 4))):
        kind = source.randrange(10)
        if kind == 0:
            text = rule_texts.respelt(source, text)
        elif kind == 1 and other:
            start, end = sorted(source.choices(range(len(other) + 1), k=2))
            at = source.randrange(len(text) + 1)
            text = text[:at] + other[start:end] + text[at:]
        elif kind == 2:
            start, end = sorted(source.choices(range(len(text) + 1), k=2))
            text = text[:start] + text[start:end] * source.choice((0, 0, 2, 3, 20)) + text[end:]
        elif kind == 3 and way == "rules":
            text = " ".join((text, *rule_texts.statement(source, source.choice((8, 12)))))
        else:
            parts = _parts(text)
            at = source.randrange(len(parts) + 1)
            word = source.choice(WORDS[way]) if source.random() < 0.7 else source.choice(_parts(other) or [""])
            parts[at : at + source.choice((0, 1, 1, 1, 2))] = [word]
            text = "".join(parts) if way == "pattern" else " ".join(parts)
    return text[:LONGEST]


def _parts(text: str) -> list[str]:
    return list(tokens(text))


class Fuzzer:
    """One search: the inputs so far by way in, what they reach, and what was found."""

    def __init__(self, ways: dict[str, Callable[[str], None]], inputs: dict[str, list[str]], seed: int) -> None:
        self.ways = ways
        self.source = Random(seed)
        self.tracers = {way: Tracer() for way in ways}
        self.inputs: dict[str, list[str]] = {way: [] for way in ways}
        self.found: dict[tuple[str, str], str] = {}
        self.tried = 0
        for way in ways:
            for text in inputs.get(way, ()):
                self.attempt(way, text)

    def attempt(self, way: str, text: str, traced: bool = True) -> None:
        """One input: kept where it reaches more, noted where it breaks a promise."""
        self.tried += 1
        began = time.process_time()
        new: set[tuple[CodeType, int, int]] = set()
        try:
            if traced:
                new = self.tracers[way].steps(self.ways[way], text)
            else:
                self.ways[way](text)
        except Exception as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = "" if place is None else f" at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"
            self._note(way, f"{type(error).__name__}: {str(error)[:80]}{where}", text)
            return
        if time.process_time() - began > SLOW and _slow(self.ways[way], text):
            self._note(way, "too slow", text)
        if new:
            self.tracers[way].known |= new
            self.inputs[way].append(text)

    def _note(self, way: str, what: str, text: str) -> None:
        known = self.found.get((way, what))
        if known is None:
            print(f"{way}: {what}\n{text!r}", flush=True)
        if known is None or len(text) < len(known):
            self.found[way, what] = text

    def step(self) -> None:
        """Try one input, made from those that are kept."""
        way = self.source.choices(list(self.ways), [SHARES.get(way, 1) for way in self.ways])[0]
        known = self.inputs[way] or [""]
        text = self.source.choice(known[-20:] if self.source.random() < 0.3 else known)
        # Watching takes nine times as long as running: most inputs are only run.
        self.attempt(way, changed(self.source, way, text, self.source.choice(known)), self.source.random() < 0.25)

    def run(self, seconds: float) -> Iterator[str]:
        """Search for so long; a line on how it goes, every half minute."""
        end = time.monotonic() + seconds
        told = time.monotonic()
        while (now := time.monotonic()) < end:
            self.step()
            if now - told >= 30:
                told = now
                yield self.state()

    def state(self) -> str:
        """How it goes, in one line."""
        kept = sum(map(len, self.inputs.values()))
        steps = sum(len(each.known) for each in self.tracers.values())
        return f"{self.tried:,} inputs, {steps:,} steps reached, {kept:,} inputs kept, {len(self.found)} findings"


def _slow(way: Callable[[str], None], text: str) -> bool:
    began = time.process_time()
    way(text)
    return time.process_time() - began > SLOW


def smallest(way: Callable[[str], None], texts: list[str], most: int) -> list[str]:
    """The inputs that reach the most, short ones first, each without the parts that add nothing."""
    tracer = Tracer()
    reached = {text: tracer.steps(way, text) for text in texts}
    chosen: list[str] = []
    while len(chosen) < most:
        best = max(reached, key=lambda text: len(reached[text] - tracer.known) / (20 + len(text)), default=None)
        if best is None or not reached[best] - tracer.known:
            break
        wanted = reached.pop(best) - tracer.known
        short = _cut(tracer, way, best, wanted)
        chosen.append(short)
        tracer.known |= wanted | tracer.steps(way, short)
    return sorted(chosen)


def _cut(tracer: Tracer, way: Callable[[str], None], text: str, wanted: set[tuple[CodeType, int, int]]) -> str:
    size, least = len(text) // 2, 1 + len(text) // 60
    while size >= least:
        at = 0
        while at < len(text):
            shorter = text[:at] + text[at + size :]
            if wanted <= tracer.steps(way, shorter):
                text = shorter
            else:
                at += size
        size //= 2
    return text


def main() -> int:
    """Search, tell what was found, and keep what is asked."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--seed", type=int, default=int(time.time()))
    asked.add_argument("--keep", action="store_true", help="write the smallest inputs that reach the most into tests/corpus/")
    given = asked.parse_args()
    fuzzer = Fuzzer(WAYS, seeds(), given.seed)
    print(f"seed {given.seed}; {fuzzer.state()} by the inputs to begin with", flush=True)
    began = time.monotonic()
    for line in fuzzer.run(given.minutes * 60):
        print(line, flush=True)
    print(f"{fuzzer.state()}; {fuzzer.tried / (time.monotonic() - began):.0f} inputs a second")
    for (way, what), text in fuzzer.found.items():
        print(f"\n{way}: {what}\n{text!r}")
    if given.keep:
        for way, texts in fuzzer.inputs.items():
            kept = smallest(WAYS[way], texts, KEPT[way])
            (CORPUS / f"{way}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 1 if fuzzer.found else 0


if __name__ == "__main__":
    sys.exit(main())
