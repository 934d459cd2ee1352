"""The forms of conditions."""

from __future__ import annotations

from tests.random_columns import KINDS, WORDS
from tests.random_writer import LONG_UNITS, NUMBERS, ORDER, TIMES, Scope, Writer, gives, quote

PATTERNS = ["^a", "b$", "[A-Z]", "a.?b|é", "^.{2,5}$", r"\w\s", r"\bs", "(a|b)+c?$", r"^\W*$", "[^a-z]e", "", r"\\|ß"]


@gives("condition", weight=7)
def comparison(w: Writer, kind: str, scope: Scope) -> str | None:
    rng = w.rng
    kind = rng.choice([*NUMBERS, *NUMBERS, *NUMBERS, "text", *TIMES, "duration"])
    field = w.field(kind, scope) if rng.random() < 0.4 else None
    left = field[0] if field else w.value(kind, scope)
    if left is None:
        return None
    if kind in TIMES:
        return f"{left} {rng.choice([*ORDER, 'before', 'after', 'not before'])} {w.moment(scope, rng.choice(TIMES))}"
    right = None
    if rng.random() < 0.3:
        right = w.value(rng.choice(NUMBERS) if kind in NUMBERS else kind, scope)
    if right is None and kind in NUMBERS and rng.random() < 0.1:
        right = rng.choice([str(2**64), str(-(2**63) - 1), "9007199254740993", "1e30", "0.1", "10%"])
    pair = (left, right or w.literal(kind, field[1] if field else None))
    if kind == "text" and not w.plain and rng.random() < 0.15:
        return f"{pair[0]} {rng.choice(['=', '!='])} {pair[1]} ignoring case"
    return f"{pair[0]} {rng.choice(ORDER)} {pair[1]}"


@gives("condition")
def listed(w: Writer, kind: str, scope: Scope) -> str | None:
    rng = w.rng
    kind = rng.choice([k for k in KINDS if k != "duration"])
    field = w.field(kind, scope)
    left = w.value(kind, scope) if rng.random() < 0.3 else field[0] if field else None
    if left is None:
        return None
    word = rng.choice(["in", "in", "not in"])
    ending = " ignoring case" if kind == "text" and not w.plain and rng.random() < 0.2 else ""
    if kind == "text" and w.named.get("param words") and rng.random() < 0.4:
        return f"{left} {word} {rng.choice(w.named['param words'])}{ending}"
    if kind in NUMBERS and w.named.get("param numbers") and rng.random() < 0.3:
        return f"{left} {word} p_numbers"
    items = [w.literal(kind, field[1] if field else None) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.2:
        other = w.bare(rng.choice(TIMES) if kind in TIMES else kind, scope)
        items += [other] if other else []
    return f"{left} {word} ({', '.join(items)}){ending}"


@gives("condition")
def between(w: Writer, kind: str, scope: Scope) -> str | None:
    rng = w.rng
    kind = rng.choice([*NUMBERS, *TIMES, "text"])
    field = w.field(kind, scope)
    if field is None:
        return None
    left = w.value(kind, scope) if rng.random() < 0.3 else field[0]
    word = rng.choice(["in", "in", "not in"])
    if kind in TIMES:
        days = sorted((rng.randint(0, 900), rng.randint(0, 900)))
        ends = [f"{days[1]} days ago..{days[0]} days ago", f"2025-{rng.randint(1, 12):02d}..2026-{rng.randint(1, 12):02d}"]
        ends += [f"{w.literal('date')}..{rng.choice(['today', w.literal('date'), '3 weeks from now'])}"]
        return f"{left} {word} {rng.choice(ends)}"
    return f"{left} {word} {w.literal(kind, field[1])}..{w.literal(kind, field[1])}"


@gives("condition", weight=2)
def in_time(w: Writer, kind: str, scope: Scope) -> str | None:
    """A test of a time against a period or a rolling window."""
    rng = w.rng
    kind = rng.choice(TIMES)
    left = w.value(kind, scope)
    if left is None:
        return None
    negated, unit = rng.choice(["", "", "not "]), rng.choice(LONG_UNITS)
    draw = rng.random()
    if draw < 0.3:
        return f"{left} {negated}within {rng.choice(['last', 'last', 'next'])} {w.wait(scope, kind)}"
    if draw < 0.7:
        periods = [f"{rng.choice(['this', 'last', 'next'])} {unit}", f"{rng.choice(['last', 'next'])} {rng.randint(1, 8)} whole {unit}s"]
        return f"{left} {negated}in {rng.choice([*periods, '2026', '2025-12', '2026-03'])}"
    return f"{left} {rng.choice(['before', 'after', '<=', '>='])} {w.wait(scope, kind)} {rng.choice(['ago', 'ago', 'from now'])}"


@gives("condition")
def text_test(w: Writer, kind: str, scope: Scope) -> str | None:
    rng = w.rng
    left = w.value("text", scope)
    if left is None:
        return None
    negated = rng.choice(["", "", "not "])
    if not w.plain and rng.random() < 0.12:
        return f"{left} {negated}matches {quote(rng.choice(PATTERNS))}"
    parts = [word[: rng.randint(0, 3)] if rng.random() < 0.5 else word[-rng.randint(1, 3) :] for word in rng.sample(WORDS, 3)]
    ending = " ignoring case" if not w.plain and rng.random() < 0.2 else ""
    if rng.random() < 0.25:
        listed_parts = ", ".join(quote(part) for part in parts)
        return f"{left} {negated}contains {rng.choice(['any', 'all'])} of ({listed_parts}){ending}"
    right = w.bare("text", scope) if rng.random() < 0.15 else None
    return f"{left} {negated}{rng.choice(['contains', 'starts with', 'ends with'])} {right or quote(parts[0])}{ending}"


@gives("condition")
def absent(w: Writer, kind: str, scope: Scope) -> str | None:
    if w.rng.random() < 0.2:
        return f"({w.condition(scope)}) is {w.rng.choice(['', 'not '])}missing"
    left = w.value(w.rng.choice(KINDS), scope)
    return f"{left} is {w.rng.choice(['', 'not '])}missing" if left else None


@gives("condition")
def truth(w: Writer, kind: str, scope: Scope) -> str | None:
    left = w.bare("yes/no", scope)
    return w.rng.choice([left, f"not {left}", f"{left} = true", f"{left} != true"]) if left else None


@gives("condition")
def so_many(w: Writer, kind: str, scope: Scope) -> str | None:
    """`at least`, `at most` and `exactly` so many of several conditions."""
    if w.plain:
        return None
    conditions = [w.condition(scope) for _ in range(w.rng.randint(1, 4))]
    return f"{w.rng.choice(['at least', 'at most', 'exactly'])} {w.rng.randint(0, 4)} of ({', '.join(conditions)})"


@gives("condition")
def of_conditions(w: Writer, kind: str, scope: Scope) -> str | None:
    """`if` and `coalesce` of conditions."""
    one, other = w.condition(scope), w.condition(scope)
    return w.rng.choice([f"if({w.condition(scope)}, {one}, {other})", f"coalesce({one}, {other})"])


@gives("condition")
def in_segment(w: Writer, kind: str, scope: Scope) -> str | None:
    return f"{w.rng.choice(['', 'not '])}in segment {w.rng.choice(w.segments)}" if w.segments and not scope.rows else None


@gives("condition", weight=4)
def of_rows(w: Writer, kind: str, scope: Scope) -> str | None:
    """`any`, `none` and `all`."""
    found = w.relation(scope)
    if found is None:
        return None
    relation, rows = found
    if w.rng.random() < 0.25:
        return f"{w.rng.choice(['all', 'all', 'any', 'none'])}({w.condition(rows, 1)} for {relation}{w.where(rows)})"
    return f"{w.rng.choice(['any', 'none'])}({relation}{w.where(rows)})"
