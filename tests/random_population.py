"""The forms that hold an account against all accounts: statistics of groups, places among them, the largest and the smallest."""

from __future__ import annotations

from tests.random_columns import KINDS
from tests.random_writer import NUMBERS, ORDERED, Scope, Writer, gives


def groups(w: Writer, scope: Scope) -> str | None:
    """What follows `over`: groups that are no floats, one or two, or everybody."""
    if scope.rows or w.plain:
        return None
    found = [w.bare(kind, scope) for kind in w.rng.sample([kind for kind in KINDS if kind != "number"], 4)]
    known = [each for each in found if each is not None][: w.rng.choice([0, 1, 1, 2, 2])]
    return f"({', '.join(known)})" if len(known) > 1 else (known or ["all"])[0]


def compared(w: Writer, call: str, kind: str, scope: Scope, calm: bool = False) -> str | None:
    """A call, whose bracket is open yet, of a value over groups."""
    over = groups(w, scope)
    if over is None:
        return None
    field = w.field(kind, scope, calm) if calm or w.rng.random() < 0.5 else None
    value = field[0] if field else None if calm else w.value(kind, scope)
    clauses = w.rng.choice([f" over {over}{w.where(scope)}", f"{w.where(scope)} over {over}"])
    return f"{call}{value}{clauses})" if value else None


@gives(*ORDERED)
def outermost_of_group(w: Writer, kind: str, scope: Scope) -> str | None:
    return compared(w, w.rng.choice(["min(", "max("]), kind, scope)


@gives(*NUMBERS, "duration")
def sum_of_group(w: Writer, kind: str, scope: Scope) -> str | None:
    return compared(w, "sum(", kind, scope, calm=True)


@gives("number", weight=8)
def middle_of_group(w: Writer, kind: str, scope: Scope) -> str | None:
    function = w.rng.choice(["avg(", "median(", "median(", "stddev("])
    return compared(w, function, w.rng.choice(NUMBERS), scope, calm=function != "median(")


@gives("number", weight=3)
def percentile(w: Writer, kind: str, scope: Scope) -> str | None:
    return compared(w, "percentile(", w.rng.choice(ORDERED), scope)


@gives("whole", weight=8)
def place(w: Writer, kind: str, scope: Scope) -> str | None:
    """How many there are, a rank, or a part."""
    if w.rng.random() < 0.5:
        return compared(w, "count(", w.rng.choice(KINDS), scope)
    return compared(w, w.rng.choice(["rank(", f"ntile({w.rng.randint(1, 5)}, "]), w.rng.choice(ORDERED), scope)


@gives("condition", weight=2)
def among_the_first(w: Writer, kind: str, scope: Scope) -> str | None:
    """`top` and `bottom`."""
    amount = w.rng.choice(["10%", "50%", "0.1%", "100%", "0", "1", "3", "20", *w.named.get("param part", [])])
    return compared(w, f"{w.rng.choice(['top', 'bottom'])}({amount}, ", w.rng.choice(ORDERED), scope)
