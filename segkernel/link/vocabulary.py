"""Texts that are not known when a program is linked: they get a code when they first come, and every table by code gets its entry then."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from segdsl.texts import RESPELLINGS
from segdsl.typesystem import Type
from segkernel import forks
from segkernel.data.columns import Column
from segkernel.data.lexicon import Lexicon

CAPACITY = 4096
"""How many codes there are; so many texts at most are known at once."""


class Full(Exception):
    """There are more texts than codes."""


class Vocabulary(Sequence[str]):
    """Texts in the order in which they came; the code of each is its number, from 1 on.

    Tables that are made of it have room for every code and are filled in as texts come. `keep` makes those that are there stay when others
    are let go, which all vocabularies of a program must be at once: tables hold codes of others.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.codes: dict[str | None, int] = {None: 0}
        self.watchers: list[Callable[[str, int], None]] = []
        self.derived: dict[str, tuple[Vocabulary, NDArray[np.int64]]] = {}
        self.below: list[Vocabulary] = []
        """Those that get a text of their own for each text here."""
        self.kept = 0
        self.sorted: list[tuple[str, int]] = []
        """With their codes, in order; only where that was asked for."""
        self.ranked: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.texts[index]

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def add(self, text: str) -> int:
        """The code of a text, a new one where it has none. Raises Full."""
        code = self.codes.get(text)
        if code is None:
            code = len(self.texts) + 1
            if code >= CAPACITY:
                raise Full
            for watch in self.watchers:
                watch(text, code)
            self.texts.append(text)
            self.codes[text] = code
        return code

    def watch(self, watch: Callable[[str, int], None]) -> None:
        """Lets a table be filled in for the texts that are there, and for those to come."""
        for code, text in enumerate(self.texts, 1):
            watch(text, code)
        self.watchers.append(watch)

    def keep(self) -> None:
        """Keeps the texts that are there: a program has their codes."""
        self.kept = len(self.texts)

    def forget(self) -> None:
        """Lets go of all texts that are not kept; their entries in tables are overwritten when their codes are given out again."""
        for text in self.texts[self.kept :]:
            del self.codes[text]
        del self.texts[self.kept :]
        self.sorted = [each for each in self.sorted if each[1] <= self.kept]

    # ---- tables by code

    def bits(self, functions: tuple[str, ...], test: str, operand: Any, wanted: bool) -> NDArray[np.uint8]:
        """A bit for each code: whether a test of what functions make of the text, as `Lexicon.holding` has it, is `wanted`."""
        table = np.zeros(CAPACITY // 8 + 8, np.uint8)
        holds = tester(functions, test, operand)

        def watch(text: str, code: int) -> None:
            bit = 1 << (code & 7)
            table[code >> 3] = (int(table[code >> 3]) & ~bit) | (bit if holds(text) is wanted else 0)

        self.watch(watch)
        return table

    def respelt(self, function: str) -> tuple[Vocabulary, NDArray[np.int64]]:
        """What a function makes of the texts, and the code there of each."""
        if function not in self.derived:
            made, table, respell = Vocabulary(), np.zeros(CAPACITY, np.int64), RESPELLINGS[function]

            def watch(text: str, code: int) -> None:
                table[code] = made.add(respell(text))

            self.derived[function] = made, table
            self.below.append(made)
            self.watch(watch)
        return self.derived[function]

    def lengths(self) -> NDArray[np.int64]:
        """How many code points each text has."""
        table = np.zeros(CAPACITY, np.int64)

        def watch(text: str, code: int) -> None:
            table[code] = len(text)

        self.watch(watch)
        return table

    def ranks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers from 1 on that sort as the texts do, by code; and the code of each number."""
        if self.ranked is None:
            ranks, codes = self.ranked = np.zeros(CAPACITY, np.int64), np.zeros(CAPACITY, np.int64)

            def watch(text: str, code: int) -> None:
                insort(self.sorted, (text, code))
                order = [each for _, each in self.sorted]
                codes[1 : len(order) + 1] = order
                ranks[order] = np.arange(1, len(order) + 1)

            self.watch(watch)
        return self.ranked

    def pairs(self, test: str, patterns: Vocabulary, wanted: bool) -> NDArray[np.uint8]:
        """A bit for each code, times CAPACITY, plus each code of some patterns: whether a test of text and pattern is `wanted`."""
        table, holds = np.zeros(CAPACITY * CAPACITY // 8, np.uint8), PAIRS[test]
        bits = table.reshape(CAPACITY, CAPACITY // 8)

        def text_comes(text: str, code: int) -> None:
            known = [*patterns.texts, text] if patterns is self else patterns.texts
            found = np.packbits([False, *(holds(text, each) is wanted for each in known)], bitorder="little")
            bits[code, : len(found)] = found

        def pattern_comes(pattern: str, code: int) -> None:
            found = np.array([holds(each, pattern) is wanted for each in self.texts], np.uint8)
            cells = bits[1 : len(found) + 1, code >> 3]
            cells[:] = (cells & ~np.uint8(1 << (code & 7))) | (found << (code & 7))

        self.watch(text_comes)
        patterns.watch(pattern_comes)
        return table

    def places(self, target: Vocabulary) -> NDArray[np.int64]:
        """The code of each text in another vocabulary, which gets them all."""
        table = np.arange(CAPACITY)
        if target is not self:

            def watch(text: str, code: int) -> None:
                table[code] = target.add(text)

            self.below.append(target)
            self.watch(watch)
        return table


def open_column(kind: Type, texts: Vocabulary) -> Column:
    """The column kind whose codes are those of a vocabulary."""
    return Column(type=kind, rows=0, codes=np.zeros(0, np.uint64), values=texts, top=CAPACITY - 1, missing=1)


def texts_of(column: Column) -> Lexicon | Vocabulary:
    """The texts of a column."""
    return column.values if isinstance(column.values, Vocabulary) else Lexicon.of(column.values or ())


def opened(texts: Iterable[str]) -> Vocabulary:
    """A vocabulary that begins with some texts, whose codes stay."""
    if isinstance(texts, Vocabulary):
        return texts
    made = Vocabulary()
    for text in texts:
        made.add(text)
    return made


def union(parts: Sequence[Lexicon | Vocabulary]) -> Lexicon | Vocabulary:
    """The texts of several; a vocabulary where one of them is."""
    known = [part for part in parts if isinstance(part, Lexicon)]
    if len(known) == len(parts):
        return Lexicon.union(known)
    if all(part is parts[0] for part in parts):
        return parts[0]
    return opened([text for part in known for text in part])


def places(source: Lexicon | Vocabulary, target: Lexicon | Vocabulary) -> NDArray[np.int64]:
    """By code of the source, 0 for missing, the code of the same text in a union of it with others."""
    if isinstance(target, Vocabulary):
        return source.places(target) if isinstance(source, Vocabulary) else np.array([0, *map(target.add, source)], np.int64)
    assert isinstance(source, Lexicon)
    return np.append(0, target.codes(source))


def tester(functions: tuple[str, ...], test: str, operand: Any) -> Callable[[str], bool]:
    """A test of one text after functions; a pattern of `matches` is asked of Polars, whose it is: of new texts not after a fork."""
    if test == "matches":

        def matches(text: str) -> bool:
            forks.refuse("`matches` of a text that is new to the rules")
            return bool(Lexicon.of([text]).holding(functions, test, operand)[0])

        return matches
    steps: list[Callable[[Any], Any]] = [len if function == "length" else RESPELLINGS[function] for function in functions]
    holds = TESTS[test](operand)

    def asked(value: Any) -> bool:
        for step in steps:
            value = step(value)
        return holds(value)

    return asked


def _range(operand: Any) -> Callable[[Any], bool]:
    low, high, outside = operand
    return lambda value: ((low is None or value >= low) and (high is None or value < high)) is not outside


def _among(operand: Any) -> Callable[[Any], bool]:
    known = frozenset(operand)
    return lambda value: value in known


TESTS: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "range": _range,
    "among": _among,
    "contains": lambda operand: lambda text: operand in text,
    "starts": lambda operand: lambda text: text.startswith(operand),
    "ends": lambda operand: lambda text: text.endswith(operand),
}
"""Tests by their names in a program, each from its operand to what it says of one value."""
PAIRS: dict[str, Callable[[str, str], bool]] = {"contains": str.__contains__, "starts": str.startswith, "ends": str.endswith}
"""Tests of a text by another, by their names in a program."""
