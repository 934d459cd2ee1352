"""Plain nodes made one at a time, decided at once where all they read is constant."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from segdsl.typesystem import Type
from tests.rivals.tables import CannotSay
from tests.rivals.words import Node

LARGEST = 2**127
KINDS = {"number": "number", "text": "text", "yes/no": "yes/no"}


def kind_of(kind: Type) -> str:
    """The plain kind of a logical type."""
    return KINDS.get(kind.kind, "whole")


def constant(value: Any, kind: str) -> Node:
    """A constant of a plain kind; None is missing."""
    bound = abs(value) if value is not None and kind in ("whole", "number") else 0
    grid = None
    if kind == "number" and value is not None and np.isfinite(value):
        power = Fraction(value).denominator.bit_length() - 1
        grid = power if power <= 60 else None
    return Node("constant", (), kind, value, bound, grid)


def node(op: str, *args: Node, kind: str = "yes/no", value: Any = None, bound: int | float = 0, grid: int | None = None) -> Node:
    """An operation, at the stage of the latest of what it reads; CannotSay where whole numbers may leave 128 bits."""
    if kind == "whole" and bound >= LARGEST:
        raise CannotSay("whole numbers that may leave 128 bits")
    return Node(op, args, kind, value, bound, grid, max((a.stage for a in args), default=0))


def holds(op: str, left: Any, right: Any) -> bool:
    """Whether two present values compare."""
    return bool(
        {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]
    )


def compare(op: str, left: Node, right: Node) -> Node:
    """A comparison, decided here where both are constants."""
    if left.op == right.op == "constant":
        missing = left.value is None or right.value is None
        return constant(None if missing else holds(op, left.value, right.value), "yes/no")
    return node("compare", left, right, value=op)


def junction(op: str, terms: list[Node]) -> Node:
    """A Kleene `and` or `or`, without the constants that decide nothing."""
    decisive = op == "or"
    kept = [t for t in terms if not (t.op == "constant" and t.value is (not decisive))]
    if any(t.op == "constant" and t.value is decisive for t in kept):
        return constant(decisive, "yes/no")
    if not kept:
        return constant(not decisive, "yes/no")
    return kept[0] if len(kept) == 1 else node(op, *kept)


def negation(term: Node) -> Node:
    """Kleene's `not`."""
    if term.op == "constant":
        return constant(None if term.value is None else not term.value, "yes/no")
    return node("not", term)


def decided(term: Node) -> Node:
    """Unknown becomes false."""
    return constant(bool(term.value), "yes/no") if term.op == "constant" else node("decided", term)


def nearest(value: Fraction, narrow: bool) -> float:
    """The nearest float of 64 bits, or of 32."""
    wide = float(value)
    if not narrow:
        return wide
    with np.errstate(over="ignore"):
        best = np.float32(wide)
    around = [x for x in (np.nextafter(best, np.float32(-np.inf)), best, np.nextafter(best, np.float32(np.inf))) if np.isfinite(x)]
    if not np.isfinite(best) or not around:
        return float(best)
    return float(min(around, key=lambda x: (abs(Fraction(float(x)) - value), int(np.float32(x).view(np.int32)) & 1)))
