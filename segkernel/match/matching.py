"""One account, or a few: records in, segments out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segkernel import forks, meaning
from segkernel.choices import choice, lookup
from segkernel.errors import DataError, Error
from segkernel.kernel.entries import JIT
from segkernel.link import link
from segkernel.link.against import Population
from segkernel.link.vocabulary import Full
from segkernel.match.given import Given
from segkernel.match.memory import Beyond
from segkernel.match.places import Shape
from segkernel.match.ready import BLOCK, Ready, Statistics
from segkernel.match.records import Reader
from segkernel.plan import program as plan
from segkernel.run import run
from segkernel.textual import unknown_name

if TYPE_CHECKING:
    from segkernel.population import Statistic
    from segkernel.rules import Rules


class Answered(NamedTuple):
    """What rules answer: all their names; those of segments, object[:], and the number of each; those that rest on a population."""

    names: tuple[str, ...]
    segments: NDArray[np.object_]
    numbers: dict[str, int]
    relative: frozenset[str]


class Match:
    """What one record is in: `match[name]` is the value of a choose, the list of a collect, or whether it is in a segment; `name in match`
    says whether it is a name that the rules answer."""

    __slots__ = ("_answered", "_flags", "_segments", "_values")

    def __init__(self, answered: Answered, flags: NDArray[np.bool_], values: Mapping[str, Any]) -> None:
        self._answered, self._flags, self._values = answered, flags, values
        self._segments: frozenset[str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the rules answer."""
        return self._answered.names

    @property
    def relative(self) -> frozenset[str]:
        """The names of which the account was compared with the population of an earlier run."""
        return self._answered.relative

    @property
    def segments(self) -> frozenset[str]:
        """The names of the record's segments, put together when they are first asked for."""
        if self._segments is None:
            self._segments = frozenset(self._answered.segments[self._flags].tolist())
        return self._segments

    def __getitem__(self, name: str) -> Any:
        """The answer of one name, as `result[name]` has it for the account. Raises `Error` for an unknown name."""
        if name in self._values:
            value = self._values[name]
            return list(value) if isinstance(value, list) else value
        number = self._answered.numbers.get(name)
        if number is None:
            raise Error(unknown_name(name, self.names))
        return bool(self._flags[number])

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Match):
            return NotImplemented
        return (self.names, self.segments, self._values) == (other.names, other.segments, other._values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        found = [f"segments: {', '.join(name for name in self.names if name in self.segments) or 'none'}"]
        found += [f"{name}: {value!r}" for name, value in self._values.items()]
        return f"Match({'; '.join(found)})"


class Matcher:
    """A rule set made ready for records."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.timezone = rules.checked.timezone
        self.program = rules.program()
        self.shape = Shape(self.program, rules.schema)
        self.reader = Reader(self.shape, self.timezone)
        self.idle: list[Ready] = []
        """Memory that no thread uses right now; a list's `append` and `pop` need no lock, which a fork could find held."""
        self.unready: str | None = None if JIT else "kernels that are not compiled"
        statistics = meaning.statistics(rules.checked, rules.names)
        self.meanings = {node.span: meaning.key(rules.checked, node) for node in statistics}
        self.relative = frozenset(name for name in rules.names if statistics and meaning.statistics(rules.checked, [name]))
        segments = [name for name in rules.names if name in rules.checked.segments]
        numbers = {name: number for number, name in enumerate(segments)}
        self.answered = Answered(rules.names, np.array(segments, object), numbers, self.relative)
        self.chooses = {
            name: lookup(choice(rules.checked.chooses[name]), self.timezone).to_list()
            for name in rules.names
            if name in rules.checked.chooses
        }
        self.collects = {
            name: lookup(choice(rules.checked.collects[name]), self.timezone)[1:].to_list()
            for name in rules.names
            if name in rules.checked.collects
        }

    def matches(self, records: Sequence[Any], as_of: int, population: Sequence[Statistic] | None) -> list[Match]:
        """The match of each record at an instant (nanoseconds since 1970-01-01T00:00Z)."""
        statistics = self._statistics(population) if self.relative else None
        if len(records) <= BLOCK:
            return self._block(records, as_of, statistics) if records else []
        blocks = (records[start : start + BLOCK] for start in range(0, len(records), BLOCK))
        return [match for block in blocks for match in self._block(block, as_of, statistics)]

    def _block(self, records: Sequence[Any], as_of: int, statistics: Statistics | None) -> list[Match]:
        """The match of a few records: in fixed memory where they have room there, else as tables."""
        ready = self._ready()
        if ready is None:
            return self._as_tables(records, as_of, statistics)
        try:
            return self._found(len(records), ready.run(records, as_of, statistics), ready.codes)
        except (Beyond, Full):
            if len(records) > 1:
                return [match for record in records for match in self._block([record], as_of, statistics)]
            return self._as_tables(records, as_of, statistics)
        finally:
            self.idle.append(ready)

    def _ready(self) -> Ready | None:
        """Memory that no other thread uses; None where the rules cannot be linked to records that are yet to come."""
        try:
            return self.idle.pop()
        except IndexError:
            pass
        if self.unready is not None:
            return None
        try:
            return Ready(self.program, self.shape, self.reader, self.rules.functions)
        except (Full, DataError) as reason:
            self.unready = str(reason) or "more texts than there are codes"
            return None

    def _as_tables(self, records: Sequence[Any], as_of: int, statistics: Statistics | None) -> list[Match]:
        """The match of records by the same way as of tables: for any rules and of any size, and a thousand times slower."""
        forks.refuse("a match of such rules or of such a record")
        given = Given(self.reader, records).under(self.program)
        answers = run(link(self.program, given, self.rules.functions, as_of, statistics), as_of, threads=1)
        packed = [*answers.bits.values(), *(words for lists in answers.lists.values() for words in lists)]
        bits = np.array(packed, np.uint64).reshape(len(packed), (len(records) + 63) // 64)
        return self._found(len(records), bits, list(answers.choices.values()))

    def _statistics(self, population: Sequence[Statistic] | None) -> Statistics:
        """The statistics of an earlier run, for those of the program. Raises Error where there are none, or others."""
        if population is None:
            names = ", ".join(name for name in self.rules.names if name in self.relative)
            raise Error(
                f"the rules compare accounts with all others ({names}): give population=result.population of a full run; "
                "a membership from a file keeps none"
            )
        try:
            given = {each.meaning: each.kept for each in population}
        except (TypeError, AttributeError, Error):
            raise Error(f"population is result.population of a full run, not {type(population).__name__}") from None

        def known(call: plan.Statistic) -> Population:
            kept = given.get(self.meanings[call.span])
            if kept is None:
                text = self.rules.sources[call.span.source].snippet(call.span)
                raise Error(f"the population that was given has no `{text}`: take result.population of a run of these rules")
            return Population(kept)

        return known

    def _found(self, count: int, bits: NDArray[np.uint64], codes: Sequence[NDArray[Any]]) -> list[Match]:
        """The match of each of some records from their bits for each segment and each value of the collects, uint64[bitmaps, words], and
        their codes for each choose."""
        if count == 1:
            flags = bits.astype(np.bool_).T
        else:
            flags = np.unpackbits(bits.view(np.uint8), axis=1, count=count, bitorder="little").T.astype(np.bool_, "C")
        return [self._match(each, [int(code[row]) for code in codes]) for row, each in enumerate(flags)]

    def _match(self, flags: NDArray[np.bool_], codes: Sequence[int]) -> Match:
        """A match from a flag for each segment and each value of the collects, and a code for each choose."""
        values: dict[str, Any] = {}
        end = len(self.answered.segments)
        if codes or self.collects:
            values = {name: known[code] for (name, known), code in zip(self.chooses.items(), codes, strict=True)}
            first = end
            for name, known in self.collects.items():
                held, first = flags[first : first + len(known)].tolist(), first + len(known)
                values[name] = [value for value, has in zip(known, held, strict=True) if has]
        return Match(self.answered, flags[:end], values)
