"""Regular expressions, by stepping through a text once with all places of the pattern that may have been reached.

The patterns are those of the language reference. A pattern becomes a graph of steps (K. Thompson, "Regular expression search
algorithm", 1968): so no pattern makes a text of n characters take longer than n times the number of its steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
SETS = {"d": frozenset("0123456789"), "w": WORD, "s": frozenset("\t\n\v\f\r ")}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
END = -1


class Signs(msgspec.Struct, frozen=True):
    """One character: of `single` or within `ranges`, or, where `negated`, any other."""

    single: frozenset[str]
    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    def holds(self, character: str) -> bool:
        inside = character in self.single or any(low <= character <= high for low, high in self.ranges)
        return inside is not self.negated


class Step(msgspec.Struct):
    """One step of a graph: over a character (`signs`), through an edge (`^`, `$`, `b`) or free, to the steps in `then`."""

    signs: Signs | None = None
    edge: str = ""
    then: list[int] = []


Node = Signs | str | tuple[str, list["Node"]] | tuple[int, int | None, "Node"]
"""A character, an edge, parts in a row ("row") or to choose from ("either"), or a part so many times (None: without end)."""


class Reading:
    """A pattern and how far it has been read."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def follows(self, text: str) -> bool:
        """Whether a text comes next; it is then read."""
        if not self.pattern.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def either(self) -> Node:
        """Alternatives, up to the end or the bracket that closes them."""
        rows = [self.row()]
        while self.follows("|"):
            rows.append(self.row())
        return rows[0] if len(rows) == 1 else ("either", rows)

    def row(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self.repeated(self.part()))
        return ("row", parts)

    def part(self) -> Node:
        sign = self.next()
        if sign == "(":
            self.follows("?:")
            inner = self.either()
            self.at += 1
            return inner
        if sign in "^$":
            return sign
        if sign == ".":
            return Signs(frozenset("\n"), negated=True)
        if sign == "[":
            return self.among()
        if sign != "\\":
            return Signs(frozenset(sign))
        sign = self.next()
        if sign == "b":
            return "b"
        if sign.lower() in SETS:
            return Signs(SETS[sign.lower()], negated=sign.isupper())
        return Signs(frozenset(CONTROLS.get(sign, sign)))

    def among(self) -> Signs:
        """A class, behind its opening bracket."""
        negated = self.follows("^")
        single: frozenset[str] = frozenset()
        ranges = []
        while not self.follows("]"):
            first = self.member()
            if len(first) == 1 and self.pattern[self.at] == "-" and self.pattern[self.at + 1] != "]":
                self.at += 1
                ranges.append((min(first), min(self.member())))
            else:
                single |= first
        return Signs(single, tuple(ranges), negated)

    def member(self) -> frozenset[str]:
        sign = self.next()
        if sign != "\\":
            return frozenset(sign)
        sign = self.next()
        return SETS.get(sign) or frozenset(CONTROLS.get(sign, sign))

    def repeated(self, part: Node) -> Node:
        """A part with what is written behind it; whether the longest or the shortest is tried first is the same here."""
        if self.follows("*"):
            part = (0, None, part)
        elif self.follows("+"):
            part = (1, None, part)
        elif self.follows("?"):
            part = (0, 1, part)
        elif self.follows("{"):
            end = self.pattern.index("}", self.at)
            low, comma, high = self.pattern[self.at : end].partition(",")
            self.at = end + 1
            part = (int(low), (int(high) if high else None) if comma else int(low), part)
        else:
            return part
        self.follows("?")
        return part


def laid(node: Node, then: int, steps: list[Step]) -> int:
    """Add the steps of a part in front of the step `then`; gives the first of them."""
    if isinstance(node, Signs | str):
        steps.append(Step(node, "", [then]) if isinstance(node, Signs) else Step(None, node, [then]))
        return len(steps) - 1
    if len(node) == 2:
        kind, parts = node
        if kind == "row":
            for part in reversed(parts):
                then = laid(part, then, steps)
            return then
        steps.append(Step(then=[laid(part, then, steps) for part in parts]))
        return len(steps) - 1
    low, high, part = node
    if high is None:
        back = Step(then=[then])
        steps.append(back)
        then = len(steps) - 1
        back.then.append(laid(part, then, steps))
        if low:  # the part in the circle is the last of those that must be there
            then, low = back.then[1], low - 1
    else:
        for _ in range(high - low):
            steps.append(Step(then=[then, laid(part, then, steps)]))
            then = len(steps) - 1
    for _ in range(low):
        then = laid(part, then, steps)
    return then


@lru_cache(maxsize=256)
def graph(pattern: str) -> tuple[int, tuple[Step, ...]]:
    """The first step of a pattern and all its steps."""
    steps: list[Step] = []
    return laid(Reading(pattern).either(), END, steps), tuple(steps)


def reached(starts: Iterable[int], steps: tuple[Step, ...], text: str, place: int) -> set[int]:
    """The steps that some steps lead to in front of the character at a place, without reading it."""
    before, after = text[place - 1 : place] if place else "", text[place : place + 1]
    open_edges = {"": True, "^": place == 0, "$": place == len(text), "b": (before in WORD) is not (after in WORD)}
    found: set[int] = set()
    waiting = list(starts)
    while waiting:
        at = waiting.pop()
        if at in found:
            continue
        found.add(at)
        if at != END and steps[at].signs is None and open_edges[steps[at].edge]:
            waiting.extend(steps[at].then)
    return found


def found_in(pattern: str, text: str) -> bool:
    """Whether a pattern of the language, already checked, is found anywhere in a text."""
    first, steps = graph(pattern)
    here: list[int] = []
    for place in range(len(text) + 1):
        places = reached([first, *here], steps, text, place)
        if END in places:
            return True
        if place < len(text):
            here = [to for at in places if (signs := steps[at].signs) is not None and signs.holds(text[place]) for to in steps[at].then]
    return False
