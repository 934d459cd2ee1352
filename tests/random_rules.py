"""Seeded random rules over a random world: every form of the language, types kept."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tests import random_durations, random_lists
from tests.random_data import WORDS, Column, World
from tests.random_groups import grouped

UNITS = ["day", "week", "month", "quarter", "year"]
PARTS = ["year", "quarter", "month", "day", "weekday"]
STARTS = ["date", "week_start", "month_start", "quarter_start", "year_start", "anniversary"]
PATTERNS = ["^a", "b$", "[A-Z]", "a.?b|é", "^.{2,5}$", r"\w\s", r"\bs", "(a|b)+c?$", r"^\W*$", "[^a-z]e", "", r"\\|ß"]
ORDER = ["=", "!=", "<", "<=", ">", ">="]


class Scope(msgspec.Struct, frozen=True):
    """Where an expression stands: the account, or the rows of a relation."""

    table: str
    rows: bool = False


def name(text: str) -> str:
    """A name as a rule writes it."""
    return text if re.fullmatch(r"[^\W\d]\w*", text) else f"`{text}`"


def quote(text: str) -> str:
    """A text literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def random_rules(rng: Random, world: World, statements: int) -> str:
    """The text of a random rule file."""
    writer = Rules(rng, world)
    lines = [*writer.params(), *(writer.statement(number) for number in range(statements))]
    field = writer.value("whole", Scope(world.schema.root)) if writer.reckless and rng.random() < 0.4 else None
    if field is not None:
        lines.append(f"segment huge when {field} * {10 ** rng.randint(14, 19)} >= {rng.randint(-9, 9)}")
    return "\n".join(lines) + "\n"


class Rules:
    """Writes statements one after another, each free to use those before it."""

    def __init__(self, rng: Random, world: World) -> None:
        self.rng, self.world = rng, world
        self.named: dict[str, list[str]] = {}
        self.segments: list[str] = []
        self.depth = 0
        self.reckless = rng.random() < 0.3  # sums and products may then leave their range
        self.functional = rng.random() < 0.25  # functions, which the rivals refuse
        self.listing = rng.choice([0, 0, 0, 0, 0, 1, 2])  # tests of lists of the data, which the rivals refuse
        self.zone = ZoneInfo(world.schema.timezone)

    def params(self) -> list[str]:
        """Constants of some kinds, which rules may then use."""
        rng = self.rng
        known = {
            "p_whole": ("whole", str(rng.randint(-5, 60))),
            "p_price": ("decimal", f"{rng.randint(0, 900)}.{rng.randint(0, 99):02d}"),
            "p_share": ("decimal", f"{rng.randint(1, 90)}%"),
            "p_text": ("text", quote(rng.choice(WORDS))),
            "p_day": ("date", self.literal("date", ())),
            "p_quiet": ("duration", f"{rng.randint(1, 400)} days"),
            "p_words": ("words", "(" + ", ".join(quote(w) for w in rng.sample(WORDS, 3)) + ")"),
        }
        kept = [item for item in known.items() if rng.random() < 0.4]
        for called, (kind, _) in kept:
            self.named.setdefault(kind, []).append(called)
        return [f"param {called} = {text}" for called, (_, text) in kept]

    def statement(self, number: int) -> str:
        rng, root = self.rng, Scope(self.world.schema.root)
        draw = rng.random()
        self.depth = 0
        if draw < 0.06 and self.relation_name(root) is not None:
            table = self.relation_name(root)
            assert table is not None
            kind = rng.choice(["yes/no", "yes/no", "whole", "number", "text", "date", "timestamp"])
            rows = Scope(table, True)
            value = self.condition(rows, 2) if kind == "yes/no" else self.value(kind, rows)
            if value is not None and not re.fullmatch(r"[\s\d\"'-]+.*", value):
                self.named.setdefault(f"let {kind} {table}", []).append(f"l{number}")
                return f"let l{number} for {table} = {value}"
        if self.listing and draw < 0.15:
            kind = rng.choice(list(random_lists.LIKE))
            value = random_lists.values(self, kind, root)
            if value is not None:
                self.named.setdefault(f"let list of {kind}", []).append(f"l{number}")
                return f"let l{number} = {value}"
        if draw < 0.25:
            kind = rng.choice(["yes/no", "whole", "number", "text", "date", "timestamp"])
            value = self.condition(root, 2) if kind == "yes/no" else self.value(kind, root)
            if self.functional and rng.random() < 0.15:
                kind, value = "duration", random_durations.duration(self, root)
            if value is not None and not re.fullmatch(r"[\s\d\"'-]+.*", value):
                self.named.setdefault(f"let {kind}", []).append(f"l{number}")
                return f"let l{number} = {value}"
        if draw < 0.37:
            return self.choose(number)
        text = f"segment s{number} {rng.choice(['', quote('Label ' + str(number)) + ' '])}when {self.condition(root, rng.randint(0, 3))}"
        self.segments.append(f"s{number}")
        return text

    def choose(self, number: int) -> str:
        rng, root = self.rng, Scope(self.world.schema.root)
        texts = rng.random() < 0.7
        values = [quote(w) for w in rng.sample(WORDS, 3)] if texts else [str(v) for v in rng.sample(range(90), 3)]
        cases = " ".join(f"{value} when {self.condition(root, 1)}" for value in values[: rng.randint(1, 3)])
        rest = f" otherwise {quote('rest') if texts else '99'}" if rng.random() < 0.5 else ""
        self.named.setdefault("let text" if texts else "let whole", []).append(f"c{number}")
        return f"choose c{number} {cases}{rest}"

    # ---- conditions

    def condition(self, scope: Scope, size: int) -> str:
        """A condition of at most 2^size leaves."""
        rng = self.rng
        if size <= 0 or rng.random() < 0.15:
            return self.leaf(scope)
        draw = rng.random()
        if draw < 0.4:
            return f"({self.condition(scope, size - 1)} and {self.condition(scope, size - 1)})"
        if draw < 0.75:
            return f"({self.condition(scope, size - 1)} or {self.condition(scope, size - 1)})"
        return f"not ({self.condition(scope, size - 1)})"

    def leaf(self, scope: Scope) -> str:
        """A single test, of a form for which the scope has a value."""
        forms = [self.comparison] * 3 + [self.moment] * 2 + [self.relation] * 2
        forms += [partial(random_lists.test, self)] * self.listing
        forms += [self.listed, self.between, self.text_test, self.absent, self.truth, self.segment]
        forms += [partial(random_durations.lasting, self)] * 2 if self.functional else []
        for _ in range(12):
            found = self.rng.choice(forms)(scope)
            if found is not None:
                return found
        return f"{name(self.key())} is not missing" if not scope.rows else "today >= 2026-01-01"

    def key(self) -> str:
        return self.world.schema.tables[self.world.schema.root].key[0]

    def comparison(self, scope: Scope) -> str | None:
        rng = self.rng
        kind = rng.choice(["whole", "whole", "number", "number", "decimal", "decimal", "text", "date", "timestamp"])
        left = self.value(kind, scope)
        if left is None:
            return None
        column = self.last_column(left, scope)
        if kind in ("whole", "decimal", "number"):
            other = rng.choice(["literal", "literal", "literal", "value"])
            if other == "value":
                against = "number" if column is not None and column.narrow else rng.choice(["whole", "decimal", "number"])
                right = self.value(against, scope)
                if right is not None:
                    return f"{left} {rng.choice(ORDER)} {right}"
            if column is not None and column.narrow and rng.random() < 0.4:
                return f"{left} {rng.choice(ORDER)} {rng.choice(['0.1', '0.7', '2.3', '0.001', '16777217.5'])}"
            if rng.random() < 0.15 and kind != "number":
                known = self.named.get("whole", []) + self.named.get("decimal", [])
                if known:
                    return f"{left} {rng.choice(ORDER)} {rng.choice(known)}"
        if kind == "text" and rng.random() < 0.3:
            right = self.value("text", scope)
            if right is not None:
                return f"{left} {rng.choice(ORDER)} {right}"
        if kind == "text" and self.functional and rng.random() < 0.2:
            return f"{left} {rng.choice(['=', '!='])} {self.literal('text', column.samples if column else ())} ignoring case"
        if kind in ("date", "timestamp"):
            right = self.time(scope, rng.choice(["date", "timestamp"]))
            word = rng.choice([*ORDER, "before", "after", "not before"])
            return f"{left} {word} {right}"
        return f"{left} {rng.choice(ORDER)} {self.literal(kind, column.samples if column else (), scale=column.scale if column else 2)}"

    def last_column(self, text: str, scope: Scope) -> Column | None:
        """The column that a value is, if it is a bare field."""
        for columns in self.world.columns.values():
            for column in columns:
                if text.split(".")[-1] == name(column.name):
                    return column
        return None

    def listed(self, scope: Scope) -> str | None:
        rng = self.rng
        kind = rng.choice(["text", "text", "whole", "decimal", "date", "yes/no"])
        left = self.field(kind, scope)
        if left is None:
            return None
        column = self.last_column(left, scope)
        if kind == "text" and self.named.get("words") and rng.random() < 0.4:
            return f"{left} {rng.choice(['in', 'not in'])} {rng.choice(self.named['words'])}"
        items = [self.literal(kind, column.samples if column else (), column.scale if column else 2) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.15:
            other = self.field(kind, scope)
            items += [other] if other else []
        ending = " ignoring case" if kind == "text" and self.functional and rng.random() < 0.2 else ""
        return f"{left} {rng.choice(['in', 'in', 'not in'])} ({', '.join(items)}){ending}"

    def between(self, scope: Scope) -> str | None:
        rng = self.rng
        kind = rng.choice(["whole", "number", "decimal", "date", "timestamp"])
        left = self.field(kind, scope)
        if left is None:
            return None
        column = self.last_column(left, scope)
        if kind in ("date", "timestamp"):
            draw = rng.random()
            days = sorted((rng.randint(0, 900), rng.randint(0, 900)))
            if draw < 0.3:
                return f"{left} in {days[1]} days ago..{days[0]} days ago"
            if draw < 0.5:
                return f"{left} in 2025-{rng.randint(1, 12):02d}..2026-{rng.randint(1, 12):02d}"
            return f"{left} in {self.literal('date', ())}..{rng.choice(['today', self.literal('date', ()), '3 weeks from now'])}"
        low, high = (self.literal(kind, column.samples if column else (), column.scale if column else 2) for _ in range(2))
        return f"{left} {rng.choice(['in', 'not in'])} {low}..{high}"

    def moment(self, scope: Scope) -> str | None:
        """A test of a date or timestamp against a period or a rolling window."""
        rng = self.rng
        left = self.value(rng.choice(["date", "timestamp"]), scope)
        if left is None:
            return None
        unit, count = rng.choice(UNITS), rng.randint(1, 30)
        negated = rng.choice(["", "", "not "])
        draw = rng.random()
        if draw < 0.3:
            length = rng.choice([f"{count} {unit}s", *self.named.get("duration", [])])
            return f"{left} {negated}within {rng.choice(['last', 'last', 'next'])} {length}"
        if draw < 0.7:
            period = rng.choice(
                [
                    f"{rng.choice(['this', 'last', 'next'])} {unit}",
                    f"{rng.choice(['last', 'next'])} {rng.randint(1, 8)} whole {unit}s",
                    "2026",
                    "2025-12",
                    "2026-03",
                ]
            )
            return f"{left} {negated}in {period}"
        length = rng.choice([f"{count} {unit}s", *self.named.get("duration", [])])
        return f"{left} {rng.choice(['before', 'after', '<=', '>='])} {length} {rng.choice(['ago', 'ago', 'from now'])}"

    def text_test(self, scope: Scope) -> str | None:
        left = self.value("text", scope)
        if left is None:
            return None
        if self.functional and self.rng.random() < 0.12:
            return f"{left} {self.rng.choice(['', 'not '])}matches {quote(self.rng.choice(PATTERNS))}"
        word = self.rng.choice(WORDS)
        part = word[: self.rng.randint(0, 3)] if self.rng.random() < 0.5 else word[-self.rng.randint(1, 3) :]
        right = self.field("text", scope) if self.rng.random() < 0.15 else quote(part)
        ending = " ignoring case" if self.functional and self.rng.random() < 0.2 else ""
        word = self.rng.choice(["contains", "starts with", "ends with"])
        return f"{left} {self.rng.choice(['', '', 'not '])}{word} {right}{ending}" if right else None

    def absent(self, scope: Scope) -> str | None:
        left = self.value(self.rng.choice(["whole", "number", "text", "date", "timestamp", "yes/no"]), scope)
        return f"{left} is {self.rng.choice(['', 'not '])}missing" if left is not None else None

    def truth(self, scope: Scope) -> str | None:
        left = self.value("yes/no", scope)
        return None if left is None else self.rng.choice([left, f"not {left}", f"{left} = true", f"{left} != true"])

    def segment(self, scope: Scope) -> str | None:
        if scope.rows or not self.segments:
            return None
        return f"{self.rng.choice(['', 'not '])}in segment {self.rng.choice(self.segments)}"

    def relation(self, scope: Scope) -> str | None:
        """`any` and `none`, and counts."""
        table = self.relation_name(scope)
        if table is None:
            return None
        where = f" where {self.condition(Scope(table, True), self.rng.randint(0, 2))}" if self.rng.random() < 0.8 else ""
        if self.rng.random() < 0.2:
            return f"{self.rng.choice(['all', 'all', 'any', 'none'])}({self.condition(Scope(table, True), 1)} for {table}{where})"
        if self.rng.random() < 0.6:
            return f"{self.rng.choice(['any', 'none'])}({table}{where})"
        return f"count({table}{where}) {self.rng.choice(ORDER)} {self.rng.randint(0, 4)}"

    def relation_name(self, scope: Scope) -> str | None:
        wanted = ("order_lines",) if scope.table == "orders" else () if scope.rows else ("orders", "order_lines")
        known = [t for t in wanted if t in self.world.schema.tables]
        return self.rng.choice(known) if known else None

    # ---- values

    def reachable(self, scope: Scope) -> list[tuple[str, Column]]:
        """The fields of a scope and of the tables that its links lead to, as rules write them."""
        found, waiting = [], [("", scope.table)]
        while waiting:
            way, table = waiting.pop()
            found += [(way + name(column.name), column) for column in self.world.columns[table]]
            waiting += [(f"{way}{link}.", to.table) for link, to in self.world.schema.tables[table].links.items()]
        return found

    def field(self, kind: str, scope: Scope) -> str | None:
        """A field of a kind."""
        found = [(text, column) for text, column in self.reachable(scope) if column.kind == kind]
        return self.rng.choice(found)[0] if found else None

    def value(self, kind: str, scope: Scope) -> str | None:
        """A value of a kind: a field, a let, an aggregate, or a small calculation."""
        rng = self.rng
        self.depth += 1
        draw = rng.random() if self.depth < 40 else 0.0
        lets = self.named.get(f"let {kind}", []) + (self.named.get(f"let {kind} {scope.table}", []) if scope.rows else [])
        if draw < 0.15 and lets:
            return rng.choice(lets)
        if draw > 0.75:
            found = self.aggregate(kind, scope)
            if found is not None:
                return found
        if self.functional and 0.52 < draw < 0.6:
            found = self.called(kind, scope)
            if found is not None:
                return found
        if 0.6 < draw < 0.75:
            found = self.calculation(kind, scope)
            if found is not None:
                return found
        return self.field(kind, scope)

    def called(self, kind: str, scope: Scope) -> str | None:
        """A function of a value."""
        rng = self.rng
        if kind == "whole" and rng.random() < 0.1:
            key = self.field(rng.choice(["text", "whole"]), scope)
            return f'bucket({key}, {rng.choice([2, 10, 100, 300])}, "salt")' if key else None
        if kind == "whole" and rng.random() < 0.2:
            text = self.value("text", scope)
            return f"length({text})" if text else None
        if kind in ("decimal", "number") or (kind == "whole" and rng.random() < 0.3):
            return self.rounded(kind, scope)
        if kind in ("whole", "date"):
            moment = self.value(rng.choice(["date", "timestamp"]), scope) if rng.random() < 0.8 else self.time(scope, "date")
            if moment is None:
                return None
            if kind == "date":
                return f"{rng.choice(STARTS)}({moment})"
            if rng.random() < 0.3:
                other = self.time(scope, rng.choice(["date", "timestamp"]))
                return rng.choice([f"days_since({moment})", f"days_between({moment}, {other})", f"days_between({other}, {moment})"])
            instant = self.field("timestamp", scope)
            return f"hour({instant})" if instant and rng.random() < 0.15 else f"{rng.choice(PARTS)}({moment})"
        text = self.value("text", scope) if kind == "text" else None
        return f"{rng.choice(['lower', 'upper', 'trim'])}({text})" if text else None

    def rounded(self, kind: str, scope: Scope) -> str | None:
        """A number without its sign or its places, or one of two."""
        rng = self.rng
        number = random_durations.distance(self, scope) if kind == "number" and rng.random() < 0.2 else self.value(kind, scope)
        if number is None:
            return None
        other = self.value(kind, scope) if rng.random() < 0.5 else None
        places = f", {rng.randint(0, 4)}" if rng.random() < 0.6 else ""
        return rng.choice(
            [
                f"abs({number})",
                f"round({number}{places})",
                f"{rng.choice(['floor', 'ceil'])}({number})",
                f"{rng.choice(['least', 'greatest'])}({number}, {other or self.literal(kind, ())})",
            ]
        )

    def calm(self, kind: str, scope: Scope) -> str | None:
        """A field whose sums stay in range and do not depend on their order."""
        found = [text for text, column in self.reachable(scope) if column.kind == kind and (self.reckless or not column.extreme)]
        return self.rng.choice(found) if found else None

    def aggregate(self, kind: str, scope: Scope) -> str | None:
        rng = self.rng
        table = self.relation_name(scope)
        if table is None or (kind in ("text", "yes/no") and not self.functional):
            return None
        rows = Scope(table, True)
        where = f" where {self.condition(rows, rng.randint(0, 2))}" if rng.random() < 0.8 else ""
        if kind in ("text", "yes/no") or (self.functional and rng.random() < 0.3):
            return grouped(self, kind, rows, where)
        if rng.random() < 0.25:
            return self.general(kind, table, where)
        if kind == "whole" and rng.random() < 0.4:
            counted = self.field(rng.choice(["whole", "text", "date", "number"]), rows)
            return f"count({table}.{counted}{where})" if counted and rng.random() < 0.5 else f"count({table}{where})"
        if kind == "number" and rng.random() < 0.4:
            averaged = self.calm(rng.choice(["whole", "decimal", "number"]), rows)
            return f"avg({table}.{averaged}{where})" if averaged else None
        if kind in ("date", "timestamp") or rng.random() < 0.4:
            field = self.field(kind, rows)
            return f"{rng.choice(['min', 'max'])}({table}.{field}{where})" if field else None
        field = self.calm(kind, rows)
        return f"sum({table}.{field}{where})" if field else None

    def general(self, kind: str, table: str, where: str) -> str | None:
        """An aggregate of a calculation: `sum(quantity * price for order_lines)`."""
        rng, rows = self.rng, Scope(table, True)
        if kind == "whole" and rng.random() < 0.4:
            value = self.value(rng.choice(["whole", "text", "date", "number", "decimal"]), rows)
            return f"count({value} for {table}{where})" if value else None
        if kind in ("date", "timestamp") or rng.random() < 0.4:
            value = self.calculation(kind, rows) or self.value(kind, rows)
            return f"{rng.choice(['min', 'max'])}({value} for {table}{where})" if value else None
        exact = kind if kind != "number" else rng.choice(["whole", "decimal"])
        value = self.summed(exact, rows)
        if value is None:
            return None
        return f"{'avg' if kind == 'number' else 'sum'}({value} for {table}{where})"

    def summed(self, kind: str, rows: Scope) -> str | None:
        """A calculation whose sums stay in range and do not depend on their order."""
        rng = self.rng
        one, other = self.calm(kind, rows), self.calm(kind, rows)
        if one is None or other is None:
            return None
        return rng.choice(
            [f"{one} {rng.choice('+-*')} {other}", f"if({self.condition(rows, 1)}, {one}, {other})", f"coalesce({one}, {other})"]
        )

    def calculation(self, kind: str, scope: Scope) -> str | None:
        rng = self.rng
        if kind == "yes/no":
            return None
        if kind in ("date", "timestamp"):
            field = self.field(kind, scope)
            if field is None:
                return None
            units = ["days", "weeks", "months", "years"] + (["hours", "minutes"] if kind == "timestamp" else [])
            return rng.choice(
                [
                    f"({field} {rng.choice('+-')} {rng.randint(1, 40)} {rng.choice(units)})",
                    f"coalesce({field}, {self.time(scope, kind, literal=True)})",
                ]
            )
        numeric = kind in ("whole", "decimal", "number")
        draw = rng.random()
        one = self.calm(kind, scope) if numeric else self.field(kind, scope)
        if one is None:
            return None
        column = self.last_column(one, scope)
        literal = self.literal(kind, (), column.scale if column else 2)
        if draw < 0.25:
            return f"coalesce({one}, {literal})"
        if draw < 0.5:
            return f"if({self.condition(scope, 1)}, {one}, {rng.choice([literal, one])})"
        if not numeric:
            return None
        if kind == "number" and draw < 0.65:
            whole = self.calm("whole", scope) or "3"
            return f"({one} / {rng.choice([whole, '3', '7.5'])})"
        if self.reckless and kind != "number" and rng.random() < 0.4:
            return f"({one} * {10 ** rng.randint(12, 19)})"
        other = self.calm(kind, scope) or literal
        if draw < 0.9:
            return f"({one} {rng.choice('+-*')} {rng.choice([other, literal])})"
        return f"-{one}"

    def time(self, scope: Scope, kind: str, literal: bool = False) -> str:
        """A time to compare with."""
        rng = self.rng
        if literal:
            return self.literal(kind, ())
        known = [self.literal(kind, ()), self.literal(kind, ()), "today" if kind == "date" else "now"]
        unit = rng.choice(["hour", "minute"] if kind == "timestamp" else UNITS)
        known += [f"{rng.randint(1, 30)} {unit}s {rng.choice(['ago', 'from now'])}"]
        known += [f"{'today' if kind == 'date' else 'now'} {rng.choice('+-')} {rng.randint(1, 40)} {rng.choice(UNITS)}s"]
        if kind == "date":
            known += self.named.get("date", [])
        field = self.field(kind, scope)
        return rng.choice([*known, *([field] if field else [])])

    def literal(self, kind: str, samples: tuple[Any, ...], scale: int = 2) -> str:
        """A literal of a kind, often one of a column's own values."""
        rng = self.rng
        sample = rng.choice(samples) if samples and rng.random() < 0.6 else None
        match kind:
            case "whole":
                return str(rng.randint(-25, 110) if sample is None else sample + rng.choice([0, 0, 1, -1]))
            case "number":
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
            case _:
                moment = self.world.as_of + timedelta(minutes=rng.choice([0, 1, -1, rng.randint(-900_000, 90_000)]))
                if rng.random() < 0.5:
                    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")
