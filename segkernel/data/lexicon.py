"""The distinct texts of a column, as Polars holds them: tested and respelt all at once, decoded one by one only when asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.regexes import canonical
from segdsl.texts import BLANKS, RESPELLINGS

_FAR = 1 << 62


class Lexicon(Sequence[str]):
    """Texts, all different and ascending by code point. Every test is of all of them, and gives a yes/no array in their order."""

    def __init__(self, series: pl.Series) -> None:
        self.series = series
        self._last: tuple[tuple[str, ...], pl.Series] | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lexicon:
        """Some texts, which need be neither different nor in order; a lexicon is itself."""
        return texts if isinstance(texts, cls) else cls(pl.Series(sorted(set(texts)), dtype=pl.String))

    @classmethod
    def union(cls, parts: Sequence[Lexicon]) -> Lexicon:
        """The texts of several."""
        if parts and all(part is parts[0] for part in parts):
            return parts[0]
        series = [part.series for part in parts if len(part)]
        return cls(pl.concat(series).unique().sort()) if series else cls.of(())

    def __len__(self) -> int:
        return len(self.series)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Lexicon: ...
    def __getitem__(self, index: int | slice) -> Any:
        return Lexicon(self.series[index]) if isinstance(index, slice) else self.series[int(index)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.series.to_list())

    def codes(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """The number of each of some texts, counted from 1; 0 where it is not among these."""
        sought = texts.series if isinstance(texts, Lexicon) else pl.Series(texts, dtype=pl.String)
        if not len(self.series) or sought is self.series:
            return np.arange(1, len(sought) + 1) if sought is self.series else np.zeros(len(sought), np.int64)
        places = self.series.search_sorted(sought)
        found = self.series.gather(places.clip(0, len(self.series) - 1)) == sought
        return np.where(found.to_numpy(), places.to_numpy().astype(np.int64) + 1, 0)

    def respelt(self, function: str) -> tuple[Lexicon, NDArray[np.int64]]:
        """What a function makes of the texts, and the number there of each, counted from 1."""
        found = self.after((function,))
        made = Lexicon(found.unique().sort())
        return made, made.codes(found)

    def at(self, places: NDArray[np.int64]) -> pl.Series:
        """The texts at some places, counted from 0."""
        return self.series.gather(places)

    def after(self, functions: tuple[str, ...]) -> pl.Series:
        """What functions make of the texts, one after another; the last answer is kept."""
        if not functions:
            return self.series
        last = self._last
        if last is None or last[0] != functions:
            found = self.series
            for function in functions:
                found = _respelt(found, function)
            self._last = last = (functions, found)
        return last[1]

    def lengths(self) -> NDArray[np.int64]:
        """How many code points each text has."""
        return self.series.str.len_chars().to_numpy().astype(np.int64)

    def holding(self, functions: tuple[str, ...], test: str, operand: Any) -> NDArray[np.bool_]:
        """The texts of which, after some functions, a test holds.

        `test` is "range" with (low, high, outside), low <= x < high and None an open end, "among" with values, or "contains",
        "starts", "ends" or "matches" with a text. After `length` it is the number that is tested.
        """
        if functions and functions[-1] == "length":
            numbers = self.after(functions[:-1]).str.len_chars().to_numpy().astype(np.int64)
            return _number_holds(numbers, test, operand)
        return _text_holds(self.after(functions), test, operand).to_numpy()


def pairs_hold(test: str, texts: pl.Series, patterns: pl.Series) -> NDArray[np.bool_]:
    """Whether "contains", "starts" or "ends" holds of each text with the pattern beside it."""
    text, pattern = pl.col("text").str, pl.col("pattern")
    tests = {"contains": text.contains(pattern, literal=True), "starts": text.starts_with(pattern), "ends": text.ends_with(pattern)}
    return pl.DataFrame({"text": texts, "pattern": patterns}).select(tests[test]).to_series().to_numpy()


def _respelt(series: pl.Series, function: str) -> pl.Series:
    """What a function makes of texts: at once of those in ASCII, where Unicode's rules are plain."""
    if function == "trim":
        return series.str.strip_chars(BLANKS)
    plain = series.str.len_bytes() == series.str.len_chars()
    texts = series.filter(plain)
    found = texts.str.to_uppercase() if function == "upper" else texts.str.to_lowercase()
    if len(texts) == len(series):
        return found
    others = pl.Series([RESPELLINGS[function](text) for text in series.filter(~plain).to_list()], dtype=pl.String)
    order = np.argsort(np.concatenate([plain.arg_true().to_numpy(), (~plain).arg_true().to_numpy()]))
    return pl.concat([found, others]).gather(order)


def _text_holds(series: pl.Series, test: str, operand: Any) -> pl.Series:
    match test:
        case "range":
            low, high, outside = operand
            inside = pl.repeat(True, len(series), eager=True)
            inside = inside if low is None else inside & (series >= low)
            inside = inside if high is None else inside & (series < high)
            return ~inside if outside else inside
        case "among":
            return series.is_in(pl.Series(list(operand), dtype=pl.String).implode())
        case "contains":
            return series.str.contains(operand, literal=True)
        case "starts":
            return series.str.starts_with(operand)
        case "ends":
            return series.str.ends_with(operand)
        case _:
            return series.str.contains(canonical(operand))


def _number_holds(numbers: NDArray[np.int64], test: str, operand: Any) -> NDArray[np.bool_]:
    if test == "among":
        known: Collection[int] = operand
        return np.isin(numbers, np.array([each for each in known if abs(each) < _FAR], np.int64))
    low, high, outside = operand
    inside = np.ones(numbers.size, np.bool_)
    if low is not None:
        inside &= numbers >= max(min(low, _FAR), -_FAR)
    if high is not None:
        inside &= numbers < max(min(high, _FAR), -_FAR)
    return ~inside if outside else inside
