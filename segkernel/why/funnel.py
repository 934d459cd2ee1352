"""What each clause of a segment does to all accounts: a funnel, from the bits of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl import checked
from segkernel.textual import aligned, percent, visible
from segkernel.why.writing import one_line, place

if TYPE_CHECKING:
    from datetime import datetime

    from segkernel.data.dataset import Dataset
    from segkernel.rules import Rules

Bits = NDArray[np.uint64]
_LONGEST = 80
_DEEPEST = 3
"""How many names inside each other are taken apart."""


class Step(msgspec.Struct, frozen=True):
    """A clause by the rule's own `text` and its `place` (file:line:column), with numbers of accounts.

    `keeps` are those for which it is true, whatever the others say; `unknown` those for which it is unknown. Of a clause that has to
    hold, `only_removes` are those that all others keep and it does not, and `left` those that it and all before it keep. Of an
    `alternative`, one of the terms of an `or`, `only_adds` are those in the segment that no other alternative lets in. `depth` is 0
    for the clauses of the segment itself; deeper ones are what the one above them is made of.
    """

    text: str
    place: str
    depth: int
    alternative: bool
    keeps: int
    unknown: int
    only_removes: int | None = None
    only_adds: int | None = None
    left: int | None = None


class Funnel(msgspec.Struct, frozen=True):
    """The clauses of a segment, in the order written, and how many of all `accounts` are its `members`, or `unknown`."""

    root: str
    name: str
    label: str | None
    as_of: str
    timezone: str
    accounts: int
    members: int
    unknown: int
    steps: tuple[Step, ...]

    def frame(self) -> pl.DataFrame:
        """The steps as a frame: `clause`, `depth`, `alternative`, `keeps`, `only_removes`, `only_adds`, `unknown`, `left`, `place`."""
        wanted = ("text", "depth", "alternative", "keeps", "only_removes", "only_adds", "unknown", "left", "place")
        kinds: dict[str, Any] = {"text": pl.String, "alternative": pl.Boolean, "place": pl.String}
        columns = {name: pl.Series([getattr(step, name) for step in self.steps], dtype=kinds.get(name, pl.Int64)) for name in wanted}
        return pl.DataFrame(columns).rename({"text": "clause"})

    def table(self) -> tuple[list[list[str]], str]:
        """The steps as rows of text, a head first, and the side of each column."""
        adds = any(step.alternative for step in self.steps)
        head = ["clause", "keeps", "only it removes", *(["only it adds"] if adds else []), "unknown", "left"]
        rows = [head]
        for step in self.steps:
            text = step.text if len(step.text) <= _LONGEST else step.text[: _LONGEST - 1] + "…"
            added = [_number(step.only_adds)] if adds else []
            numbers = [_number(step.keeps), _number(step.only_removes), *added, _number(step.unknown), _number(step.left)]
            rows.append([f"{'   ' * step.depth}{'or ' if step.alternative else ''}{visible(text)}", *numbers])
        return rows, "<" + ">" * (len(head) - 1)

    def title(self) -> str:
        """What the funnel is of, in a line."""
        label = "" if self.label is None else f' "{visible(self.label)}"'
        share = percent(self.members / self.accounts if self.accounts else None)
        return (
            f"segment {visible(self.name)}{label}: {self.members:,} of {self.accounts:,} {self.root} ({share}), "
            f"{self.unknown:,} unknown, as of {self.as_of} ({self.timezone})"
        )

    def __str__(self) -> str:
        return "\n".join([self.title(), "", *aligned(*self.table())])

    def json(self) -> str:
        """The funnel as JSON, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


class Part(msgspec.Struct, frozen=True):
    """A clause of a segment that has to hold: made of `parts`, which all have to hold, or of `alternatives`, or of neither."""

    node: checked.Expression
    parts: tuple[Part, ...] = ()
    alternatives: tuple[checked.Expression, ...] = ()


def split(rules: checked.Rules, node: checked.Expression, told: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """The clauses that all have to hold for a condition: the terms of an `and`, and below a let or segment that one of them names,
    what that is made of; `told` are the names on the way there."""
    if isinstance(node, checked.And) and _apart(node):
        return tuple(part for term in node.terms for part in split(rules, term, told))
    name = node.name if isinstance(node, checked.Let) else node.segment if isinstance(node, checked.InSegment) else None
    if name is not None and len(told) < _DEEPEST:
        inner = rules.lets[name].value if name in rules.lets else rules.segments[name].condition
        parts = split(rules, inner, told | {name})
        return (Part(node, parts) if len(parts) > 1 else Part(node, parts[0].parts, parts[0].alternatives),)
    if isinstance(node, checked.Or) and _apart(node):
        return (Part(node, alternatives=node.terms),)
    return (Part(node),)


def walk(parts: Sequence[Part], depth: int = 0) -> Iterator[tuple[Part | None, checked.Expression, int]]:
    """All clauses with their depth, each before what it is made of; without a part where they are alternatives."""
    for part in parts:
        yield part, part.node, depth
        for alternative in part.alternatives:
            yield None, alternative, depth + 1
        yield from walk(part.parts, depth + 1)


def _leaves(part: Part) -> int:
    """How many clauses a part has that are not made of others."""
    return sum(_leaves(each) for each in part.parts) if part.parts else 1


def _apart(node: checked.And | checked.Or) -> bool:
    """Whether the terms have words of their own, and are not what one test such as `in 1..5` means."""
    own = {term.span for term in node.terms}
    sugar = any(isinstance(term, checked.TextTest) and term.span == term.pattern.span for term in node.terms)
    return node.span not in own and len(own) == len(node.terms) and not sugar


def funnel(rules: Rules, data: Dataset, name: str, as_of: datetime | str, threads: int | None) -> Funnel:
    """The funnel of a segment; `rules` fit the data. Raises as an evaluation does."""
    tree = rules.checked
    clauses = list(walk(split(tree, tree.segments[name].condition)))
    names = [f"{name}\n{number}" for number in range(len(clauses))]  # no name of the rules' has a line break
    result = rules.derived(_with_conditions(tree, names, [node for _, node, _ in clauses]), (name, *names)).evaluate(
        data, as_of, threads, unknowns=True
    )
    bits = [result.bits[called] for called in names]
    leaves = [bits[at] for at, (part, _, _) in enumerate(clauses) if part is not None and not part.parts]
    everyone = _everyone(result.accounts)
    before = list(accumulate(leaves, np.bitwise_and, initial=everyone))
    after = list(accumulate(reversed(leaves), np.bitwise_and, initial=everyone))[::-1]
    steps: list[Step] = []
    reached, others = 0, range(0)
    for at, (part, node, depth) in enumerate(clauses):
        seen: dict[str, int] = {"keeps": result.count(names[at]), "unknown": result.unknown(names[at]) or 0}
        if part is None:
            seen["only_adds"] = _count(before[-1] & ~np.bitwise_or.reduce([bits[each] for each in others if each != at]))
        else:
            last = reached + _leaves(part)
            seen["only_removes"] = _count(before[reached] & after[last] & ~bits[at])
            seen["left"] = _count(before[last])
            reached = reached if part.parts else last
            others = range(at + 1, at + 1 + len(part.alternatives))
        steps.append(Step(one_line(rules.sources, rules.files, node.span), place(rules.sources, node.span), depth, part is None, **seen))
    return Funnel(
        root=tree.root,
        name=name,
        label=tree.segments[name].label,
        as_of=result.as_of,
        timezone=result.timezone,
        accounts=result.accounts,
        members=result.count(name),
        unknown=result.unknown(name) or 0,
        steps=tuple(steps),
    )


def _with_conditions(tree: checked.Rules, names: Sequence[str], nodes: Sequence[checked.Expression]) -> checked.Rules:
    """The rules with a segment for each of some conditions of theirs."""
    more = {
        name: checked.SegmentRule(span=node.span, name=name, label=None, condition=node) for name, node in zip(names, nodes, strict=True)
    }
    return msgspec.structs.replace(tree, segments={**tree.segments, **more}, order=(*tree.order, *names), names=(*tree.names, *names))


def _everyone(accounts: int) -> Bits:
    """The bits of all accounts."""
    words = np.full(-(-accounts // 64), ~np.uint64(0), np.uint64)
    if accounts % 64:
        words[-1] = (1 << accounts % 64) - 1
    return words


def _count(words: Bits) -> int:
    return int.from_bytes(words.tobytes(), "little").bit_count()
