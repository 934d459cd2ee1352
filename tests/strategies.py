"""Random cases: tables, rules over them, and an instant; by a seed, or drawn by hypothesis.

Four seeds in a row share their tables, so that those are made once and the data are asked by several rule sets.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Any

import msgspec
import polars as pl
from hypothesis import strategies as st

from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.parser import parse
from segdsl.schema import Schema
from tests.random_data import World, random_world
from tests.random_hosts import SIGNATURES
from tests.random_rules import random_rules, settings

SIZES = {
    "tiny": [0, 1, 2, 5, 9],
    "small": [0, 1, 5, 20, 63, 64, 65],
    "medium": [63, 64, 65, 130, 130, 1000],
    "large": [1000, 4097],
}
MOST = {"tiny": 20, "small": 200, "medium": 2000, "large": 8000}


SETS = 4
"""How many seeds in a row share their tables."""
LONG = 1000
"""The seeds from here on are those of the long run, whose tables are larger now and then."""


def size_of(seed: int) -> str:
    """How large the tables of a seed are: the kernel's blocks are crossed by a few of the long run."""
    world = seed // SETS
    if seed >= LONG and world % 25 == 0:
        return "large" if world % 500 == 0 else "medium"
    return "tiny" if world % 3 == 0 else "small"


def asks_rivals(seed: int) -> bool:
    """Whether Polars and DuckDB are asked too: it takes them longer than all others together."""
    return seed % 4 == 0


def asks_plain(seed: int) -> bool:
    """Whether the kernel without its compiler is asked too: large tables take it minutes."""
    return seed < LONG or (seed % 4 == 1 and size_of(seed) != "large")


class Case(msgspec.Struct, frozen=True):
    """Everything that an evaluation needs: `as_of` is aware, `timezone` the zone of days and naive times."""

    seed: int
    schema: Schema
    frames: dict[str, pl.DataFrame]
    rules_text: str
    as_of: datetime
    timezone: str
    params: dict[str, Any]


@lru_cache(maxsize=4)
def shared_world(number: int, size: str) -> World:
    """The tables that `SETS` seeds share."""
    rng = Random(number)
    return random_world(rng, rng.choice(SIZES[size]), MOST[size])


def random_case(seed: int, size: str | None = None, statements: int = 6, whole: bool = False) -> Case:
    """The case of a seed; `size` is one of SIZES, or what `size_of` says. A `whole` one has the functions of the host, and params that
    the caller sets, too. Raises AssertionError where the rules do not check."""
    rng, world = Random(-1 - seed), shared_world(seed // SETS, size or size_of(seed))
    text = random_rules(rng, world, statements, asks_rivals(seed), whole)
    given = settings(rng, text) if whole else {}
    case = Case(seed, world.schema, world.frames, text, world.as_of, world.schema.timezone, given)
    checked_rules(case)
    return case


class Kept:
    """What was made last, and of what."""

    def __init__(self) -> None:
        self.of: object = None
        self.made: Any = None

    def get(self, of: object, make: Callable[[], Any]) -> Any:
        """The same again of the same thing, else made anew."""
        if self.of is not of:
            self.of, self.made = of, make()
        return self.made


RULES = Kept()


def checked_rules(case: Case) -> Rules:
    """The checked tree of a case's rules."""
    return RULES.get(case, lambda: checked_anew(case))  # type: ignore[no-any-return]


def checked_anew(case: Case) -> Rules:
    """The checked tree of a case's rules. Raises AssertionError where there are mistakes."""
    file, mistakes = parse(case.rules_text, "random.seg", 0)
    assert not mistakes, (case.seed, mistakes, case.rules_text)
    rules, found = check((file,), case.schema, case.params, functions=SIGNATURES)
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
