"""Seeded random rule files over a random world: statements of every kind, with every form that the language has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests import random_conditions, random_groups, random_hosts, random_lists, random_population, random_values, random_windows
from tests.random_columns import KINDS, LISTED, WORDS
from tests.random_data import World
from tests.random_writer import Scope, Writer, quote

ROOM = 20
"""How many forms a statement may hold."""
ROOMS = (random_conditions, random_groups, random_hosts, random_lists, random_population, random_values)
"""Their forms enter the table when they are read."""


def random_rules(rng: Random, world: World, statements: int, plain: bool, hosted: bool = False) -> str:
    """The text of a random rule file, a statement a line; a `plain` one does without what the rivals have no words for, a `hosted`
    one calls functions of the host's, too."""
    writer = Writer(rng, world, plain, hosted)
    lines = params(writer)
    for number in range(statements):
        writer.room = ROOM
        lines.append(statement(writer, number))
    if rng.random() < 0.7:
        writer.room = ROOM
        lines += random_windows.windows(writer, statements)
    return "\n".join(lines) + "\n"


def params(w: Writer) -> list[str]:
    """Constants of some kinds, which rules may then use."""
    rng = w.rng
    known = {
        "p_whole": ("whole", str(rng.randint(-5, 60))),
        "p_price": ("decimal", f"{rng.randint(0, 900)}.{rng.randint(0, 99):02d}"),
        "p_share": ("decimal", f"{rng.randint(1, 90)}%"),
        "p_text": ("text", quote(rng.choice(WORDS))),
        "p_yes": ("yes/no", rng.choice(["true", "false"])),
        "p_day": ("date", w.literal("date")),
        "p_time": ("timestamp", w.literal("timestamp")),
        "p_quiet": ("length", f"{rng.randint(1, 400)} days"),
        "p_words": ("words", "(" + ", ".join(quote(word) for word in rng.sample(WORDS, 3)) + ")"),
        "p_numbers": ("numbers", rng.choice(["(1, 2, 50)", "(0, -7)", "(0.5, 12, -3.25)"])),
        "p_part": ("part", rng.choice(["25%", "0.1%", "1", "30"])),
    }
    kept = [item for item in known.items() if rng.random() < 0.25]
    for called, (kind, _) in kept:
        w.named.setdefault(f"param {kind}", []).append(called)
    return [f"param {called} = {text}" for called, (_, text) in kept]


SETTINGS: dict[str, tuple[Any, ...]] = {
    "p_whole": (7, "-2", 0, "1e3"),
    "p_price": (Decimal("19.75"), "0.01", -3.5),
    "p_share": ("12%", Decimal("0.5")),
    "p_text": ("Berlin", "", "é"),
    "p_yes": (True, "false"),
    "p_day": (date(2026, 2, 28), "2025-12-31"),
    "p_time": (datetime(2026, 3, 29, 1, tzinfo=UTC), "2026-01-15T12:00", datetime(2025, 10, 26, 2, 30)),
    "p_quiet": (timedelta(days=90), "2 weeks", "3 months"),
    "p_words": (["a", "Berlin"], '("b", "")', ()),
    "p_numbers": ([1, 2, 3], "(-1.5, 4)", (0,)),
}
"""What a caller may set params to: values of Python, or literals as text."""


def settings(rng: Random, text: str) -> dict[str, Any]:
    """What a caller sets some of the params of a rule file to."""
    declared = [called for called in SETTINGS if f"param {called} = " in text]
    return {called: rng.choice(SETTINGS[called]) for called in declared if rng.random() < 0.3}


def statement(w: Writer, number: int) -> str:
    """A statement, free to use those before it."""
    rng, root = w.rng, Scope(w.world.schema.root)
    draw = rng.random()
    if draw < 0.3:
        kind = rng.choice([*KINDS, "yes/no", "yes/no"])
        relation = w.relation(root) if draw < 0.1 else None
        if relation is not None and "." in relation[0]:
            relation = None
        rows = Scope(relation[1].table, True, rng.random() < 0.5) if relation else root
        value = w.condition(rows, 2) if kind == "yes/no" else w.value(kind, rows)
        if value is not None and relation is not None:
            w.of_rows.setdefault((kind, rows.table), []).append((f"l{number}", rows.account))
            return f"let l{number} for {relation[0]} = {value}"
        if value is not None:
            w.named.setdefault(kind, []).append(f"l{number}")
            return f"let l{number} = {value}"
    if draw < 0.31 and not w.plain:
        w.named.setdefault("length", []).append(f"l{number}")
        return f"let l{number} = {rng.choice([f'{2 * rng.randint(1, 9)} weeks / 2', '3 months * 2', '40 days', '18 months - 1 year'])}"
    if draw < 0.35 and not w.plain:
        kind = rng.choice(LISTED)
        value = random_lists.values(w, kind, root)
        if value is not None:
            w.named.setdefault(f"list of {kind}", []).append(f"l{number}")
            return f"let l{number} = {value}"
    if draw < 0.4:
        return choose(w, number)
    if draw < 0.47 and not w.plain:
        return collect(w, number)
    label = rng.choice(["", f"{quote(f'Label {number}')} "])
    text = f"segment s{number} {label}when {w.condition(root, rng.randint(0, 3))}"
    w.segments.append(f"s{number}")
    return text


def choose(w: Writer, number: int) -> str:
    """A choose of values of one kind."""
    rng, root = w.rng, Scope(w.world.schema.root)
    kind, values = constants(w)
    cases = " ".join(f"{value} when {w.condition(root, 1)}" for value in values[: rng.randint(1, 3)])
    otherwise = f" otherwise {values[3]}" if rng.random() < 0.5 else ""
    w.named.setdefault(kind, []).append(f"c{number}")
    return f"choose c{number} {cases}{otherwise}"


def collect(w: Writer, number: int) -> str:
    """A collect of values of one kind, some of them of two cases."""
    rng, root = w.rng, Scope(w.world.schema.root)
    kind, values = constants(w)
    picked = [rng.choice(values) for _ in range(rng.randint(1, 5))]
    cases = " ".join(f"{value} when {w.condition(root, 1)}" for value in picked)
    decimals = kind == "decimal" and any(not value.isdigit() for value in picked)
    for known in (f"list of {'whole' if kind == 'decimal' and not decimals else kind}", "collect"):
        w.named.setdefault(known, []).append(f"k{number}")
    return f"collect k{number} {cases}"


def constants(w: Writer) -> tuple[str, list[str]]:
    """A kind, and four literals of it that a case may give."""
    rng = w.rng
    kind = rng.choice(["text", "text", "text", "whole", "decimal", "date", "yes/no", "timestamp"])
    values = {
        "text": [quote(word) for word in rng.sample(WORDS, 4)],
        "whole": [str(v) for v in rng.sample(range(90), 4)],
        "decimal": [rng.choice([f"{v}.25", f"{v}.5", str(v), f"{v}%"]) for v in rng.sample(range(90), 3)] + ["0.125"],
    }.get(kind) or [w.literal(kind) for _ in range(4)]
    return kind, values
