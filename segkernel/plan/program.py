"""A program: everything that rules ask for, each thing once.

Nodes are tuples (kind, space, …) and name each other by number; a node comes after all it needs. Equal nodes are one node
(hash-consing), so what rules share is computed once. A *space* is the rows of one table seen from the accounts: number 0
is the root, every other a chain of links that leads to it; the items of a list field are rows too, by a step ("[]", table, path, name),
and so are those of a row that links lead to, by ("^", table, path, table, link). The groups that rows form are rows too, by
("per", the rows' chain up to their owner, keys, zone), and the rows in the order of their groups, by (table, "per", "of").

Conditions, true where the bit is set, never at missing values:

    ("always", s, bool)                          ("when", s, op, slot or number, slot or number)
    ("range", s, source, low, high)              low <= value < high; None is open; a bound may be a Slot
    ("outside", s, source, low, high)            present and not in that range
    ("among", s, source, values, wanted)         in a set of values, or present and not in it
    ("text", s, source, kind, pattern, wanted)   contains, starts, ends, matches
    ("asked", s, source, functions, test, operand, wanted)   a text after its functions: "range" with (low, high, outside),
                                                 "among" with values, or a text test with its pattern
    ("text pair", s, kind, value, value, wanted)
    ("missing", s, source)
    ("compare", s, op, value, value)
    ("and", s, nodes) ("or", s, nodes) ("without", s, node, node) ("not", s, node)
    ("at least", s, count, nodes)                so many of the nodes
    ("any", s, rows' space, node or None)        some row of the owner
    ("lift", s, root's node)                     the account's condition, for each of its rows
    ("within", s, owners' space, rows' space, node or None, rows' value, value)   equal to one of the values of the same owner's rows

Values:

    ("column", s, type, path, name)              ("constant", s, type, value or Slot; None is missing)
    ("aggregate", s, type, function, rows' space, node or None, value or None)
                                                 of "first" and "last" the place of the row whose value is smallest or largest
    ("taken", s, type, aggregate, rows' value)   the value of the row that a "first" or "last" found; yes/no as 0 and 1
    ("arithmetic", s, type, op, value, value)    exact or float by `type`
    ("float", s, type, value)                    the nearest float
    ("shift", s, type, value, Length)            ("day", s, type, value)
    ("divide", s, type, value, value)            ("round", s, type, value)    to the nearest, ties to even
    ("first", s, type, values)                   the first that is present
    ("either", s, type, node, value, value)      where the node is true, and where not
    ("lifted", s, type, root's value)
    ("abs", s, type, value)                      exact
    ("bucket", s, type, column, count, salt)
    ("rounded", s, type, function, places, value)     round, floor, ceil; exact or float by `type`
    ("distance", s, type, value, value, value, value)     of latitude and longitude, twice
    ("respelt", s, type, function, value)        of a text
    ("length", s, type, value)                   of a text
    ("staged", s, type, path, stage, output, otherwise)   what an earlier stage handed on for the row that links lead to;
                                                 `otherwise` (None is missing) where they lead nowhere
    ("called", s, type, call)                    what one of the `calls` gives
    ("calendar", s, type, function, value)       of a date; "hour" of an instant
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from segdsl.functions import Signature
from segdsl.syntax import Span
from segdsl.typesystem import Type
from segkernel.plan.slots import Slot

Node = tuple[Any, ...]
Chain = tuple[tuple[Any, ...], ...]
VALUES = frozenset(
    (
        "column", "constant", "aggregate", "arithmetic", "float", "shift", "day", "divide", "round", "first", "either", "lifted",
        "calendar", "respelt", "length", "abs", "rounded", "bucket", "staged", "called", "distance", "taken",
    )
)  # fmt: skip


class Choice(msgspec.Struct, frozen=True):
    """A choose: exclusive (node, code) pairs; codes count from 1 in the order of `values`."""

    name: str
    type: Type
    values: tuple[Any, ...]
    cases: tuple[tuple[int, int], ...]


class Collection(msgspec.Struct, frozen=True):
    """A collect: its different values of a type in the order in which they are listed, and the node where each is."""

    name: str
    type: Type
    values: tuple[Any, ...]
    nodes: tuple[int, ...]


class HostedCall(msgspec.Struct, frozen=True):
    """A call of a function of the host's: its arguments are the outputs `given` of a stage."""

    signature: Signature
    stage: int
    given: tuple[int, ...]
    span: Span


class Statistic(msgspec.Struct, frozen=True):
    """A statistic of all accounts or of each group of them, see `checked.Relative`: of outputs of a stage, a `where` of -1 keeps all.
    `kind` is the type of the value, `type` of the answer."""

    function: str
    kind: Type
    type: Type
    stage: int
    value: int
    where: int
    groups: tuple[int, ...]
    amount: Fraction | None
    share: bool
    span: Span


class Key(msgspec.Struct, frozen=True, eq=False):
    """What rows of a table are grouped by: the one output of a program over all of them. `meaning` is how the step of a chain names
    it; where it is `moving`, the instant of a run decides it, and groups are formed anew for each."""

    meaning: str
    table: str
    program: Program
    moving: bool


class Program(msgspec.Struct, frozen=True, eq=False):
    """`nodes` in an order of evaluation; `segments` are (name, node); `unknown` are (name, node where it is false),
    there when unknowns are counted. `spans` tells which rule an arithmetic node came from.

    `stages` are programs that run before, each over all rows of a table; `outputs` are the nodes that a stage hands on. `calls`
    are made after the stages: functions of the host's, and statistics of the population. `keys` are reckoned before the program meets
    a dataset: once for all runs, or once for an instant. `moving`: whether the instant of a run decides which rows are a group, here
    or in a stage."""

    root: str
    timezone: str
    spaces: tuple[Chain, ...]
    nodes: tuple[Node, ...]
    segments: tuple[tuple[str, int], ...]
    choices: tuple[Choice, ...]
    unknown: tuple[tuple[str, int], ...]
    spans: dict[int, Span]
    outputs: tuple[int, ...] = ()
    stages: tuple[Program, ...] = ()
    calls: tuple[HostedCall | Statistic, ...] = ()
    keys: tuple[Key, ...] = ()
    collections: tuple[Collection, ...] = ()
    moving: bool = False

    @property
    def bitmaps(self) -> tuple[int, ...]:
        """The nodes that are answered in bits: the segments', then those of each collect."""
        return (*(node for _, node in self.segments), *(node for each in self.collections for node in each.nodes))

    def __str__(self) -> str:
        from segkernel.plan.printing import printed  # the printer knows the program, and is seldom needed

        return printed(self)


_HELD = {
    **dict.fromkeys(("range", "outside", "among", "text", "asked", "missing", "not", "lift"), slice(2, 3)),
    **dict.fromkeys(("float", "length", "abs", "bucket", "shift", "day", "round", "lifted", "any"), slice(3, 4)),
    **dict.fromkeys(("compare", "text pair", "divide", "taken"), slice(3, 5)),
    **dict.fromkeys(("calendar", "respelt"), slice(4, 5)),
    "without": slice(2, 4), "either": slice(3, 6), "distance": slice(3, 7), "arithmetic": slice(4, 6), "within": slice(4, 7),
    "rounded": slice(5, 6), "aggregate": slice(5, 7),
}  # fmt: skip
"""By kind: where in a node the numbers of others stand; None is none."""
_LISTED = {"and": 2, "or": 2, "at least": 3, "first": 3}
"""By kind: where a list of them stands."""


def parts(node: Node) -> tuple[int, ...]:
    """The nodes that a node is made of."""
    held = _HELD.get(node[0])
    if held is None:
        place = _LISTED.get(node[0])
        return () if place is None else node[place]
    found = node[held]
    return found if None not in found else tuple(each for each in found if each is not None)


class Builder:
    """Collects nodes; the constructors of logic keep them few."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.numbers: dict[Node, int] = {}
        self.spaces: list[Chain] = [()]
        self.spans: dict[int, Span] = {}
        self.whole: set[int] = set()
        """Nodes that have a name of their own: they are not dissolved in what uses them."""

    def add(self, *node: Any) -> int:
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return number

    def space(self, chain: Chain) -> int:
        if chain not in self.spaces:
            if chain[1:]:
                self.space(chain[1:])
            self.spaces.append(chain)
        return self.spaces.index(chain)

    def always(self, space: int, value: bool) -> int:
        return self.add("always", space, value)

    def is_always(self, number: int, value: bool) -> bool:
        node = self.nodes[number]
        return node[0] == "always" and node[2] is value

    def all_of(self, space: int, terms: Iterable[int]) -> int:
        """The `and`: flat, without repetition, ranges of one source met into one."""
        return self._combined("and", space, terms)

    def any_of(self, space: int, terms: Iterable[int]) -> int:
        """The `or`: flat and without repetition."""
        return self._combined("or", space, terms)

    def at_least(self, space: int, count: int, terms: Sequence[int]) -> int:
        """Where so many of the terms hold; a term that is written twice counts twice."""
        possible = [term for term in terms if not self.is_always(term, False)]
        uncertain = [term for term in possible if not self.is_always(term, True)]
        count -= len(possible) - len(uncertain)
        if count <= 0 or count > len(uncertain):
            return self.always(space, count <= 0)
        if count in (1, len(uncertain)):
            return self.any_of(space, uncertain) if count == 1 else self.all_of(space, uncertain)
        return self.add("at least", space, count, tuple(sorted(uncertain)))

    def _combined(self, kind: str, space: int, terms: Iterable[int]) -> int:
        nodes = self.nodes
        neutral = kind == "and"
        flat: set[int] = set()
        for term in terms:
            node = nodes[term]
            if node[0] == kind and term not in self.whole:
                flat.update(node[2])
            elif node[0] == "always":
                if node[2] is not neutral:
                    return term
            else:
                flat.add(term)
        parts = sorted(flat)
        if neutral:
            sources = [nodes[part][2] for part in parts if nodes[part][0] == "range"]
            if len(set(sources)) < len(sources):
                parts = sorted(set(self._met(space, parts)))
        if not parts:
            return self.always(space, neutral)
        return parts[0] if len(parts) == 1 else self.add(kind, space, tuple(parts))

    def _met(self, space: int, terms: list[int]) -> list[int]:
        """Ranges of one source become their intersection where that is known before a run; one that is empty stands for all."""
        ranges: dict[int, list[int]] = {}
        for term in terms:
            if self.nodes[term][0] == "range":
                ranges.setdefault(self.nodes[term][2], []).append(term)
        for source, several in ranges.items():
            while len(several) > 1:
                first = several.pop(0)
                for other in several:
                    low, high = self.nodes[first][3:5], self.nodes[other][3:5]
                    met = _intersection(low, high)
                    if met is not None:
                        terms = [term for term in terms if term not in (first, other)]
                        several.remove(other)
                        joined = self.range(space, source, *met)
                        if self.nodes[joined][0] == "always":
                            return [joined]
                        terms.append(joined)
                        several.insert(0, joined)
                        break
        return terms

    def range(self, space: int, source: int, low: Any, high: Any) -> int:
        if not isinstance(low, Slot) and not isinstance(high, Slot) and low is not None and high is not None and not low < high:
            return self.always(space, False)
        return self.add("range", space, source, low, high)

    def lift(self, space: int, account: int) -> int:
        """The account's condition, for each row of a space."""
        node = self.nodes[account]
        return self.always(space, node[2]) if node[0] == "always" else self.add("lift", space, account)

    def without(self, space: int, a: int, b: int) -> int:
        if self.is_always(b, False) or self.is_always(a, False):
            return a
        if self.is_always(a, True):
            return self.invert(space, b)
        return self.always(space, False) if self.is_always(b, True) or a == b else self.add("without", space, a, b)

    def invert(self, space: int, a: int) -> int:
        node = self.nodes[a]
        if node[0] == "always":
            return self.always(space, not node[2])
        return int(node[2]) if node[0] == "not" else self.add("not", space, a)


def _intersection(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any] | None:
    low = _tighter(a[0], b[0], max)
    high = _tighter(a[1], b[1], min)
    return None if low is False or high is False else (low, high)


def _tighter(x: Any, y: Any, choose: Any) -> Any:
    """The bound that both keep; False where it takes a run to know it."""
    if x is None or y is None:
        return y if x is None else x
    if isinstance(x, Slot) or isinstance(y, Slot):
        return x if x == y else False
    return choose(x, y)
