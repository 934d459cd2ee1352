"""One account, or a few: records in, segments out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segkernel import meaning
from segkernel.choices import choice, lookup
from segkernel.errors import Error
from segkernel.link import link
from segkernel.link.against import Population
from segkernel.match.given import Given
from segkernel.match.places import Shape
from segkernel.match.records import Reader
from segkernel.plan import program as plan
from segkernel.run import Answers, run
from segkernel.textual import unknown_name

if TYPE_CHECKING:
    from segkernel.population import Statistic
    from segkernel.rules import Rules


class Match:
    """What one record is in: `segments` are the names of its segments; `match[name]` is the value of a choose, the list of a collect, or
    whether it is in a segment. `names` are all names that the rules answer; of those in `relative` the account was compared with the
    population of an earlier run."""

    __slots__ = ("_values", "names", "relative", "segments")

    def __init__(self, names: tuple[str, ...], segments: frozenset[str], values: Mapping[str, Any], relative: frozenset[str]) -> None:
        self.names, self.segments, self._values, self.relative = names, segments, values, relative

    def __getitem__(self, name: str) -> Any:
        """The answer of one name, as `result[name]` has it for the account. Raises `Error` for an unknown name."""
        if name in self._values:
            value = self._values[name]
            return list(value) if isinstance(value, list) else value
        if name in self.segments:
            return True
        if name not in self.names:
            raise Error(unknown_name(name, self.names))
        return False

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
        statistics = meaning.statistics(rules.checked, rules.names)
        self.meanings = {node.span: meaning.key(rules.checked, node) for node in statistics}
        self.relative = frozenset(name for name in rules.names if statistics and meaning.statistics(rules.checked, [name]))
        self.segments = tuple(name for name in rules.names if name in rules.checked.segments)
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
        if not records:
            return []
        statistics = self._statistics(population) if self.relative else None
        given = Given(self.reader, records).under(self.program)
        answers = run(link(self.program, given, self.rules.functions, as_of, statistics), as_of, threads=1)
        return [self._match(answers, row) for row in range(len(records))]

    def _statistics(self, population: Sequence[Statistic] | None) -> Callable[[plan.Statistic], Population]:
        """The statistics of an earlier run, for those of the program. Raises Error where there are none, or others."""
        if population is None:
            names = ", ".join(name for name in self.rules.names if name in self.relative)
            raise Error(
                f"the rules compare accounts with all others ({names}): give population=result.population of a full run; "
                "a membership from a file keeps none"
            )
        given = {each.meaning: each.kept for each in population}

        def known(call: plan.Statistic) -> Population:
            kept = given.get(self.meanings[call.span])
            if kept is None:
                text = self.rules.sources[call.span.source].snippet(call.span)
                raise Error(f"the population that was given has no `{text}`: take result.population of a run of these rules")
            return Population(kept)

        return known

    def _match(self, answers: Answers, row: int) -> Match:
        word, bit = row >> 6, row & 63
        segments = frozenset(name for name in self.segments if int(answers.bits[name][word]) >> bit & 1)
        values: dict[str, Any] = {name: known[int(answers.choices[name][row])] for name, known in self.chooses.items()}
        for name, known in self.collects.items():
            held = answers.lists[name][:, word].tolist()
            values[name] = [value for value, bits in zip(known, held, strict=True) if bits >> bit & 1]
        return Match(self.rules.names, segments, values, self.relative)
