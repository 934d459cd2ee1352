"""Segments on the same rows seen through nested windows, such as the last 30 and 90 days: the kernel makes chains of them."""

from __future__ import annotations

from tests.random_writer import NUMBERS, ORDERED, TIMES, Scope, Writer, name


def windows(w: Writer, number: int) -> list[str]:
    """A few segments, each of aggregates whose `where`s differ in one end of a range; none where the world has no relation."""
    rng, root = w.rng, Scope(w.world.schema.root)
    known = w.relations(root.table)
    if not known:
        return []
    relation = rng.choice(list(known))
    rows = Scope(known[relation].table, True)
    kind = rng.choice([*TIMES, *TIMES, *NUMBERS])
    field = w.field(kind, rows)
    if field is None:
        return []
    others = rng.choice(["", "", f"{w.condition(rows)} and "])
    where = [f" where {others}{window}" for window in _nested(w, kind, field[0])]
    if others and rng.random() < 0.5:
        where.append(f" where {others.removesuffix(' and ')}")
    measures = [w.field(each, rows, calm=True) for each in rng.choices(ORDERED, k=2)]
    found = []
    for each in where:
        tests = [
            _test(w, name(relation), measure[0] if measure else None, measure[1].kind if measure else "", each) for measure in measures
        ]
        found.append(f"segment w{number}_{len(found)} when {rng.choice([' and ', ' or ']).join(tests)}")
    rng.shuffle(found)
    return found


def _nested(w: Writer, kind: str, field: str) -> list[str]:
    """Ranges of one field that share an end."""
    rng = w.rng
    if kind in NUMBERS:
        operator = rng.choice(["<", "<=", ">", ">="])
        return [f"{field} {operator} {w.literal(kind)}" for _ in range(rng.randint(2, 4))]
    unit = rng.choice(["day", "week", "month", "year", *(["hour"] if kind == "timestamp" else [])])
    units = [rng.choice([unit, unit, unit, "day"]) for _ in range(rng.randint(2, 4))]
    form = rng.choice(["{} within last {} {}s", "{} within next {} {}s", "{} after {} {}s ago", "{} before {} {}s ago"])
    found = [form.format(field, rng.randint(1, 60), each) for each in units]
    return [*found, *rng.choice([[], [f"{field} {rng.choice(['not after', 'before'])} {'today' if kind == 'date' else 'now'}"]])]


def _test(w: Writer, relation: str, measure: str | None, kind: str, where: str) -> str:
    """A condition on an aggregate of some rows."""
    rng = w.rng
    draw = rng.random()
    if draw < 0.25 or measure is None:
        return rng.choice([f"any({relation}{where})", f"none({relation}{where})", f"count({relation}{where}) > {rng.randint(0, 3)}"])
    if draw < 0.4:
        return f"count({relation}.{measure}{where}) <= {rng.randint(0, 2)}"
    if draw < 0.7 or kind not in NUMBERS:
        return f"{rng.choice(['min', 'max'])}({relation}.{measure}{where}) {rng.choice(['<', '>='])} {w.literal(kind)}"
    value = f"{rng.choice(['sum', 'avg'])}({relation}.{measure}{where})"
    return f"{value} {rng.choice(['<', '>='])} {w.literal('whole')}" if rng.random() < 0.7 else f"{value} > avg({relation}.{measure})"
