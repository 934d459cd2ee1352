"""Random cases: tables, rules over them, and an instant; by a seed, or drawn by hypothesis."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import msgspec
import polars as pl
from hypothesis import strategies as st

from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.parser import parse
from segdsl.schema import Schema
from tests.random_data import random_world
from tests.random_rules import random_rules

SIZES = {
    "tiny": [0, 1, 2, 5, 9],
    "small": [0, 1, 5, 20, 63, 64, 65],
    "medium": [63, 64, 65, 130, 130, 1000],
    "large": [1000, 4097],
}
MOST = {"tiny": 20, "small": 200, "medium": 2000, "large": 8000}


LONG = 500
"""The seeds from here on are those of the long run, whose tables are larger now and then."""


def size_of(seed: int) -> str:
    """How large the tables of a seed are: the kernel's blocks are crossed by a few of the long run."""
    if seed < LONG:
        return "small"
    return "large" if seed % 200 == 0 else "medium" if seed % 20 == 0 else "small"


def asks_rivals(seed: int) -> bool:
    """Whether Polars and DuckDB are asked too: it takes them longer than all others together."""
    return seed % 4 == 0


class Case(msgspec.Struct, frozen=True):
    """Everything that an evaluation needs: `as_of` is aware, `timezone` the zone of days and naive times."""

    seed: int
    schema: Schema
    frames: dict[str, pl.DataFrame]
    rules_text: str
    as_of: datetime
    timezone: str
    params: dict[str, Any]


def random_case(seed: int, size: str | None = None, statements: int = 6) -> Case:
    """The case of a seed; `size` is one of SIZES, or what `size_of` says. Raises AssertionError where the rules do not check."""
    rng, size = Random(seed), size or size_of(seed)
    world = random_world(rng, rng.choice(SIZES[size]), MOST[size])
    text = random_rules(rng, world, statements, plain=asks_rivals(seed))
    case = Case(seed, world.schema, world.frames, text, world.as_of, world.schema.timezone, {})
    checked_rules(case)
    return case


def checked_rules(case: Case) -> Rules:
    """The checked tree of a case's rules."""
    file, mistakes = parse(case.rules_text, "random.seg", 0)
    assert not mistakes, (case.seed, mistakes, case.rules_text)
    rules, found = check((file,), case.schema, case.params)
    wrong = [d for d in found if d.severity == "error"]
    assert not wrong, (case.seed, wrong, case.rules_text)
    assert rules is not None
    return rules


def nanoseconds(moment: datetime) -> int:
    """An aware time as nanoseconds since 1970-01-01T00:00Z."""
    passed = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + passed.microseconds * 1000


def cases(size: str = "small") -> st.SearchStrategy[Case]:
    """Hypothesis draws the seed; the case follows from it."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_case(seed, size))
