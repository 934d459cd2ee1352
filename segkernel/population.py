"""The statistics of the population that a run found: each by its text in the rules, group by group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from segdsl import checked
from segdsl.typesystem import Type
from segkernel import meaning
from segkernel.choices import Choice, lookup
from segkernel.link.kept import Kept
from segkernel.link.population import PLACED
from segkernel.why.writing import one_line, place

if TYPE_CHECKING:
    from segkernel.rules import Rules

ACCOUNTS, AT, VALUE = "accounts", "at", "value"


class Statistic(msgspec.Struct, frozen=True, eq=False):
    """A statistic of the population by its `text` in the rules and the `place` (file:line:column) where it is first written.

    `function` is its name, `groups` are the texts of what it groups by, and `frame` has a row for each group, in the order in which the
    accounts first have them: a column for each of `groups`, `accounts` (how many counted), and `value`, missing where the
    statistic is. Those that hold an account against the others have, in place of one row, the thresholds: the `value` `at` a
    place. For `rank` the values at the places 1, 10, 100 …; for `percentile` the smallest that reach 0, 25, 50, 75 and 100; for `ntile`
    the smallest of each part; for `top` and `bottom` the last that is in, at so many places.

    `match` and `match_many` find it by its `meaning` and ask all that the run `kept`, which of those thresholds are the values of all
    accounts that counted.
    """

    text: str
    place: str
    function: str
    groups: tuple[str, ...]
    frame: pl.DataFrame
    meaning: str = ""
    kept: Kept | None = None


def statistics(rules: Rules, kept: Sequence[Kept]) -> tuple[Statistic, ...]:
    """The different statistics of a run, by their meaning, in the order in which rules need them."""
    found = {each.span: each for each in kept}
    told: dict[str, Statistic] = {}
    for node in meaning.statistics(rules.checked, rules.names):
        if node.span in found:
            key = meaning.key(rules.checked, node)
            if key not in told:
                told[key] = _told(rules, node, found[node.span], key)
    return tuple(told.values())


def _told(rules: Rules, node: checked.Relative, kept: Kept, key: str) -> Statistic:
    zone = rules.checked.timezone
    texts = tuple(one_line(rules.sources, rules.files, group.span) for group in node.groups)
    columns = [text if text not in (ACCOUNTS, AT, VALUE) else f"{text} (group)" for text in texts]
    placed = node.function in PLACED
    made = [column(values, group.type, zone).alias(name) for name, group, values in zip(columns, node.groups, kept.groups, strict=True)]
    made.append(pl.Series(ACCOUNTS, kept.accounts, dtype=pl.Int64))
    if kept.at is not None:
        made.append(pl.Series(AT, kept.at, dtype=pl.Int64))
    made.append(column(kept.values, node.value.type if placed else node.type, zone).alias(VALUE))
    return Statistic(
        one_line(rules.sources, rules.files, node.span),
        place(rules.sources, node.span),
        node.function,
        texts,
        pl.DataFrame(made),
        key,
        kept,
    )


def column(values: Iterable[Any], kind: Type, zone: str) -> pl.Series:
    """Values in units of their type as a Series of that type; None is missing."""
    listed = list(values)
    if kind.kind == "text":
        return pl.Series(listed, dtype=pl.String)
    if kind.kind == "duration":
        return pl.Series(listed, dtype=pl.Int64).cast(pl.Duration("ns"))
    if kind.kind == "yes/no":
        return pl.Series([None if each is None else bool(each) for each in listed], dtype=pl.Boolean)
    codes: list[int] = []
    present: list[Any] = []
    for each in listed:
        if each is not None:
            present.append(each)
        codes.append(0 if each is None else len(present))
    return lookup(Choice(kind, tuple(present)), zone).gather(codes)
