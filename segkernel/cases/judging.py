"""The verdict on a case: what the engine finds beside what is expected, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from segdsl.source import Source
from segkernel.cases.format import Case, Places, places_of
from segkernel.cases.values import equal, shown
from segkernel.compiling import compiled
from segkernel.errors import LEAVES_ITS_RANGE, LEAVES_THE_CALENDAR, DataError, Error, RuleError
from segkernel.project import restricted
from segkernel.rules import Rules
from segkernel.textual import unknown_name
from segkernel.why.explanation import Explanation

if TYPE_CHECKING:
    from segkernel.data.dataset import Dataset
    from segkernel.membership import Membership

_NOBODY: dict[str, Any] = {"segment": False, "choose": None, "collect": []}
"""What an account has of which a case says nothing."""
EXPLAINED = 3
"""Of how many accounts it is told why, for each name."""


class Failure(msgspec.Struct, frozen=True):
    """Something that is not as a case expects: a sentence (`told`), and where it is about an account, the `name` of the segment, choose or
    collect, the account's `key` as text, and `why`, for the first ones of a name."""

    told: str
    name: str | None = None
    key: str | None = None
    why: Explanation | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What came of a case: it passed where there are no failures."""

    file: str
    line: int
    name: str
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether all is as the case expects."""
        return not self.failures


class Judge:
    """Judges cases by the engine; `sources` are the rules of the project, `silence` the codes of warnings that it does not want told.

    Rules are compiled once for all cases of one schema and equal params.
    """

    def __init__(self, sources: tuple[Source, ...] = (), silence: Sequence[str] = ()) -> None:
        self.sources = sources
        self.silence = frozenset(silence)
        self._compiled: list[tuple[tuple[Any, ...], Rules]] = []

    def verdict(self, case: Case) -> Verdict:
        """What comes of a case."""
        return Verdict(case.file, case.line, case.name, tuple(self._failures(case)))

    def _failures(self, case: Case) -> list[Failure]:
        try:
            rules = self._rules(case)
        except RuleError as error:
            return self._mistakes(case, error)
        if case.diagnostics:
            return [Failure(f"expected {_listed(case.diagnostics)}, found no mistake")]
        failures = self._warnings(case, rules)
        wrong = [Failure(unknown_name(name, rules.names), name) for name in case.expect if name not in rules.names]
        names = [name for name in rules.names if name in case.expect]
        if wrong or (not names and case.overflow is None):
            return failures + wrong
        try:
            data, rules = bound(case, rules.only(*names) if names else rules)
            result = rules.evaluate(data, case.as_of, threads=1)
        except DataError as error:
            return failures + self._refused(case, error)
        except Error as error:
            return [*failures, Failure(str(error))]
        if case.overflow is not None:
            return [*failures, Failure(f"expected that a number leaves its range at {_at(case.overflow)}, and none does")]
        return failures + [each for name in names for each in _wrong(case, rules, data, result, name)]

    def _rules(self, case: Case) -> Rules:
        """The rules of a case: its own text, the project's, or both."""
        own = (Source(f'{case.file}, case "{case.name}"', case.rules),) if case.rules else ()
        sources = (*(self.sources if case.beside else ()), *own)
        wanted = (tuple((source.name, source.text) for source in sources), case.schema, case.params)
        for known, rules in self._compiled:
            if known == wanted:
                return rules
        rules = compiled(sources, case.schema, case.params)
        if not own:
            self._compiled.append((wanted, rules))
        return rules

    def _own(self, case: Case) -> int:
        """The number of the case's own text among its sources."""
        return len(self.sources) if case.beside else 0

    def _mistakes(self, case: Case, error: RuleError) -> list[Failure]:
        own = [each for each in error.diagnostics if each.span.source >= self._own(case)]
        found = places_of(own, Source("", case.rules)) if case.rules else ()
        if found == case.diagnostics and len(own) == len(error.diagnostics):
            return []
        wanted = f"expected {_listed(case.diagnostics)}, found {_listed(found)}:" if case.diagnostics else "the rules have mistakes:"
        return [Failure(f"{wanted}\n{error}")]

    def _warnings(self, case: Case, rules: Rules) -> list[Failure]:
        if case.warnings is None:
            return []
        own = [
            each
            for each in rules.warnings
            if each.severity == "warning" and each.span.source == self._own(case) and each.code not in self.silence
        ]
        found = places_of(own, Source("", case.rules))
        return (
            [] if found == case.warnings else [Failure(f"expected {_listed(case.warnings, 'warning')}, found {_listed(found, 'warning')}")]
        )

    def _refused(self, case: Case, error: DataError) -> list[Failure]:
        told = any(what in str(error) for what in (LEAVES_ITS_RANGE, LEAVES_THE_CALENDAR))
        if told and error.span is not None and error.span.source == self._own(case):
            place = Source("", case.rules).place(error.span.start)
            if place == case.overflow:
                return []
        wanted = "" if case.overflow is None else f"expected that a number leaves its range at {_at(case.overflow)}: "
        return [Failure(f"{wanted}{error}")]


def bound(case: Case, rules: Rules) -> tuple[Dataset, Rules]:
    """A case's rows as a dataset with just the columns that rules read, and the rules. Raises DataError as a run does."""
    from segkernel.cases.frames import frames
    from segkernel.data.dataset import Dataset
    from segkernel.why.account import with_keys

    columns = with_keys(rules, case.schema)
    data = Dataset(frames(case, columns), restricted(case.schema, rules, columns))
    return data, rules


def _wrong(case: Case, rules: Rules, data: Dataset, result: Membership, name: str) -> list[Failure]:
    """What is not as expected of one name, in the order of the accounts."""
    keys = [_text(row) for row in result.keys.rows()]
    expected = case.expect[name]
    kind = result.kind(name)
    if kind == "segment" and not isinstance(expected, list):
        return [Failure(f"{name} is a segment: a list of the keys of its accounts is wanted, and this is {shown(expected)}", name)]
    if kind != "segment" and not isinstance(expected, dict):
        example = '"gold"' if kind == "choose" else '["gold"]'
        return [Failure(f"{name} is a {kind}: a table from key to value is wanted, such as {{ 1 = {example} }}", name)]
    wanted: Mapping[str, Any] = dict.fromkeys((_text(key) for key in expected), True) if kind == "segment" else expected
    strangers = [key for key in wanted if key not in keys]
    if strangers:
        root = case.schema.root
        return [Failure(f"{name}: no row of {root} has the key {', '.join(strangers)}; there {_there(keys)}", name)]
    values, otherwise = result[name].to_list(), _NOBODY[kind]
    differing = [
        (row, key, value)
        for row, (key, value) in enumerate(zip(keys, values, strict=True))
        if not equal(value, wanted.get(key, otherwise), case.schema.timezone)
    ]
    asked = rules.only(name)
    found: list[Failure] = []
    for number, (row, key, value) in enumerate(differing):
        why = _why(asked, data, result.keys.row(row), case) if number < EXPLAINED else None
        found.append(Failure(_told(name, kind, key, value, wanted.get(key, otherwise)), name, key, why))
    return found


def _why(rules: Rules, data: Dataset, key: tuple[Any, ...], case: Case) -> Explanation | None:
    """Why an account is what it is; None where that cannot be had, since the failure is told in any case."""
    try:
        return rules.explain_all(data, key, case.as_of)[0]
    except Error:
        return None


def _told(name: str, kind: str, key: str, value: Any, wanted: Any) -> str:
    if kind == "segment":
        return f"{name}: {key} is in it, and should not be" if value else f"{name}: {key} is not in it, and should be"
    return f"{name}: {key} has {_value(value)}, and {_value(wanted)} is wanted"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(_value, value))})"
    return "no value" if value is None else shown(value)


def _text(key: Any) -> str:
    """A key as text: the columns of a longer one with a comma between them."""
    return ", ".join(map(str, key)) if isinstance(key, list | tuple) else str(key)


def _there(keys: Sequence[str]) -> str:
    return f"{'is' if len(keys) == 1 else 'are'} {', '.join(keys[:10])}{', …' if len(keys) > 10 else ''}" if keys else "are none"


def _listed(places: Places, what: str = "mistake") -> str:
    return ", ".join(f"{code} at {line}:{column}" for code, line, column in places) or f"no {what}"


def _at(place: tuple[int, int]) -> str:
    return f"{place[0]}:{place[1]}"
