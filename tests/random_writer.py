"""What random rules are written with: the place where a form stands, the names known there, literals, and the table of forms.

A form is a function that writes one way to say a value or a condition, entered in FORMS by the kinds that it gives:
`@gives("whole", "decimal")`. It is handed the writer, the kind wanted and the scope, and gives None where the scope has
nothing to say it with.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from segdsl.checked import Relation
from tests.random_columns import WORDS, Column
from tests.random_data import World

EXACT = ("whole", "decimal")
NUMBERS = ("whole", "decimal", "number")
TIMES = ("date", "timestamp")
ORDERED = (*NUMBERS, *TIMES, "duration")
LONG_UNITS = ["day", "week", "month", "quarter", "year"]
ORDER = ["=", "!=", "<", "<=", ">", ">="]
FARTHEST = 3
"""How many links a rule follows."""


class Scope(msgspec.Struct, frozen=True):
    """The row that an expression is about: a row of the root, or of `rows` inside an aggregate or a let for them.

    `account` says that the account's names are visible there, which they are not behind a link that goes up first.
    """

    table: str
    rows: bool = False
    account: bool = True


Form = Callable[["Writer", str, Scope], str | None]
FORMS: dict[str, list[Form]] = {}


def gives(*kinds: str, weight: int = 1) -> Callable[[Form], Form]:
    """Enter a form for the kinds of values (or "condition") that it gives; `weight` makes it more frequent."""

    def enter(form: Form) -> Form:
        for kind in kinds:
            FORMS.setdefault(kind, []).extend([form] * weight)
        return form

    return enter


def name(text: str) -> str:
    """A name as a rule writes it."""
    return text if re.fullmatch(r"[^\W\d]\w*", text) else f"`{text}`"


def quote(text: str) -> str:
    """A text literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Writer:
    """Writes expressions over a world.

    `named` are the params, lets and chooses so far, by kind, `of_rows` the lets of rows by kind and table, each with whether
    it needs the account's names, `segments` the segments. `room` says how many forms a statement may still hold; a `plain`
    writer does without those that the rivals have no words for, a `hosted` one calls the functions of `random_hosts`.
    """

    def __init__(self, rng: Random, world: World, plain: bool, hosted: bool = False) -> None:
        self.rng, self.world, self.plain, self.hosted = rng, world, plain, hosted and not plain
        self.named: dict[str, list[str]] = {}
        self.of_rows: dict[tuple[str, str], list[tuple[str, bool]]] = {}
        self.segments: list[str] = []
        self.room = 0
        self.reckless = rng.random() < 0.35  # sums and products may then leave their range
        self.zone = ZoneInfo(world.schema.timezone)
        self._relations: dict[str, dict[str, tuple[Relation, ...]]] = {}

    # ---- expressions

    def value(self, kind: str, scope: Scope) -> str | None:
        """A value of a kind, by one of its forms, or a field; None where there is none."""
        self.room -= 1
        if self.room > 0 and self.rng.random() < (0.65 if kind in ORDERED else 0.3):
            for form in self.rng.sample(FORMS[kind], min(3, len(FORMS[kind]))):
                found = form(self, kind, scope)
                if found is not None:
                    return found
        return self.bare(kind, scope)

    def bare(self, kind: str, scope: Scope) -> str | None:
        """A field of a kind, or a name."""
        names = self.names(kind, scope)
        if names and self.rng.random() < 0.2:
            return self.rng.choice(names)
        field = self.field(kind, scope)
        return field[0] if field else None

    def condition(self, scope: Scope, size: int = 0) -> str:
        """A condition of about 2^size tests."""
        rng = self.rng
        if size > 0 and rng.random() > 0.15:
            draw = rng.random()
            if draw < 0.75:
                return f"({self.condition(scope, size - 1)} {'and' if draw < 0.4 else 'or'} {self.condition(scope, size - 1)})"
            return f"not ({self.condition(scope, size - 1)})"
        self.room -= 1
        for form in rng.sample(FORMS["condition"], 8) if self.room > -20 else ():
            found = form(self, "condition", scope)
            if found is not None:
                return found
        field = self.field(rng.choice(["whole", "text", "date", "number", "timestamp"]), scope)
        return f"{field[0]} is {rng.choice(['', 'not '])}missing" if field else "today >= 2026-01-01"

    # ---- names

    def reachable(self, scope: Scope) -> list[tuple[str, Column]]:
        """The fields of a scope and of the tables that its links lead to, as rules write them."""
        found, waiting = [], [("", scope.table, 0)]
        while waiting:
            way, table, steps = waiting.pop()
            found += [(way + name(column.name), column) for column in self.world.columns[table]]
            if steps < FARTHEST:
                links = self.world.schema.tables[table].links
                waiting += [(f"{way}{name(link)}.", to.table, steps + 1) for link, to in links.items()]
        return found

    def field(self, kind: str, scope: Scope, calm: bool = False) -> tuple[str, Column] | None:
        """A field of a kind; a `calm` one is free of numbers whose sums leave their range or depend on their order."""
        found = [each for each in self.reachable(scope) if each[1].kind == kind and not (calm and each[1].extreme and not self.reckless)]
        if not found:
            return None
        if calm and self.reckless:
            found = [each for each in found if each[1].extreme] or found
        near = [each for each in found if "." not in each[0]]
        return self.rng.choice(near if near and self.rng.random() < 0.5 else found)

    def names(self, kind: str, scope: Scope) -> list[str]:
        """The params, lets and chooses of a kind that are visible."""
        found = list(self.named.get(f"param {kind}", []))
        if scope.rows:
            found += self.lets(kind, scope)
        return found + (self.named.get(kind, []) if scope.account else [])

    def lets(self, kind: str, rows: Scope) -> list[str]:
        """The lets of a kind of some rows."""
        return [let for let, needs in self.of_rows.get((kind, rows.table), []) if rows.account or not needs]

    def relations(self, table: str) -> dict[str, Relation]:
        """The relations of a table's rows that their names alone tell."""
        if table not in self._relations:
            self._relations[table] = self.world.schema.relations(table)
        return {called: found[0] for called, found in self._relations[table].items() if len(found) == 1}

    def relation(self, scope: Scope) -> tuple[str, Scope] | None:
        """A relation of a scope's rows, or of a row that its links lead to, as a rule writes it, and the scope of its rows."""
        way, table, account = "", scope.table, scope.account
        while self.rng.random() < 0.12:
            links = {link: to for link, to in self.world.schema.tables[table].links.items() if link not in self.relations(table)}
            if not links:
                break
            link = self.rng.choice(list(links))
            way, table, account = f"{way}{name(link)}.", links[link].table, False
        known = self.relations(table)
        if not known or self.room < 0:
            return None
        called = self.rng.choice(list(known))
        return f"{way}{name(called)}", Scope(known[called].table, True, account)

    def where(self, rows: Scope) -> str:
        """A ` where …` of some rows, or nothing."""
        return f" where {self.condition(rows, self.rng.choice([0, 0, 1, 2]))}" if self.rng.random() < 0.7 else ""

    # ---- literals

    def literal(self, kind: str, column: Column | None = None) -> str:
        """A literal of a kind, often one of a column's own values."""
        rng = self.rng
        sample: Any = rng.choice(column.samples) if column is not None and column.samples and rng.random() < 0.6 else None
        match kind:
            case "whole":
                return str(rng.choice([rng.randint(-25, 110), rng.randint(0, 3)]) if sample is None else sample + rng.choice([0, 0, 1, -1]))
            case "number":
                if column is not None and column.narrow and rng.random() < 0.4:
                    return rng.choice(["0.1", "0.7", "2.3", "0.001", "16777217.5"])
                eighths = isinstance(sample, float) and math.isfinite(sample) and abs(sample) < 1e4 and sample * 8 == int(sample * 8)
                return f"{Decimal(sample if eighths and sample is not None else rng.randint(-4000, 4000) / 8):f}"
            case "decimal":
                return f"{sample:f}" if sample is not None else f"{rng.randint(-300, 3000)}.{rng.randint(0, 999):0{rng.choice([1, 2, 3])}d}"
            case "text":
                return quote(sample if sample is not None else rng.choice(WORDS))
            case "yes/no":
                return rng.choice(["true", "false"])
            case "date":
                return (sample if sample is not None else date(2026, 1, 1) + timedelta(rng.randint(-900, 400))).isoformat()
            case "duration":
                return f"{rng.randint(0, 60)} {rng.choice(['days', 'weeks', 'hours', 'minutes'])}"
            case _:
                moment = self.world.as_of + timedelta(minutes=rng.choice([0, 1, -1, rng.randint(-900_000, 90_000)]))
                if rng.random() < 0.5:
                    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def length(self, *units: str) -> str:
        """A constant duration of some units, or a param of days."""
        known = self.named.get("param length", [])
        if known and "day" in units and self.rng.random() < 0.2:
            return self.rng.choice(known)
        return f"{self.rng.randint(1, 40)} {self.rng.choice(units)}s"

    def wait(self, scope: Scope, kind: str) -> str:
        """What may stand before `ago` and after `within last`: a constant duration, or the name of one that differs."""
        names = [] if kind == "date" or self.plain else [*self.named.get("duration", []) * scope.account]
        names += self.named.get("length", []) * (scope.account and not self.plain)
        field = None if kind == "date" or self.plain else self.field("duration", scope)
        if self.rng.random() < 0.2 and (field or names):
            return self.rng.choice([*names, *([field[0]] if field else [])])
        return self.length(*LONG_UNITS, *(["hour", "minute"] * (kind == "timestamp")))

    def moment(self, scope: Scope, kind: str) -> str:
        """A time to compare with, known before the run or of the row."""
        rng = self.rng
        today = "today" if kind == "date" else "now"
        units = LONG_UNITS if kind == "date" else ["hour", "minute"]
        known = [self.literal(kind), self.literal(kind), today, f"{self.length(*units)} {rng.choice(['ago', 'from now'])}"]
        known += [f"{today} {rng.choice('+-')} {self.length(*LONG_UNITS)}"]
        if kind == "timestamp":
            known += [f"{self.wait(scope, kind)} {rng.choice(['ago', 'from now'])}"]
        row = self.bare(kind, scope)
        return rng.choice([*known, *([row] if row else [])])
