"""Rules as Python holds them: compiled once, evaluated against any data of the same schema."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from segdsl import checked
from segdsl.checker import examine
from segdsl.diagnostics import Diagnostic, render
from segdsl.limits import Limits
from segdsl.schema import Schema
from segdsl.source import Source
from segdsl.syntax import File
from segkernel import forks, meaning
from segkernel.deadline import Deadline
from segkernel.errors import DataError, Error, RuleError
from segkernel.fitting import fit, singles
from segkernel.functions import Function
from segkernel.instants import instant
from segkernel.textual import unknown_name

if TYPE_CHECKING:
    import polars as pl

    from segkernel.changes import Changes
    from segkernel.data.dataset import Dataset
    from segkernel.differences import Differences
    from segkernel.link import Linked
    from segkernel.match import Match, Matcher
    from segkernel.membership import Membership
    from segkernel.plan import Program
    from segkernel.population import Statistic
    from segkernel.why.explanation import Explanation
    from segkernel.why.funnel import Funnel

MOST_THREADS = 1024
_DECLARED = re.compile(r"(\bin\s+)?\b(?:param|let|segment|choose|collect)\s+(`[^`\n]+`|\w+)")


class Rules:
    """A checked rule set.

    `names` are the segments, chooses and collects it answers, in the order written; `schema` what it was checked against; `checked`
    the checked tree; `sources` the texts, `files` their syntax trees; `functions` the host's, by name.
    """

    def __init__(
        self,
        tree: checked.Rules,
        names: tuple[str, ...],
        warnings: Callable[[], tuple[Diagnostic, ...]],
        files: tuple[File, ...],
        sources: tuple[Source, ...],
        schema: Schema,
        params: dict[str, Any],
        limits: Limits,
        functions: dict[str, Function],
    ) -> None:
        self.checked = tree
        self.names = names
        self._warnings = warnings
        self.sources = sources
        self.schema = schema
        self.files = files
        self._params = params
        self._limits = limits
        self.functions = functions
        self._lock = threading.RLock()
        self._linking = False
        forks.remember(self)
        self._programs: dict[bool, Program] = {}
        self._reads: meaning.Reads | None = None
        self._matcher: Matcher | None = None

    def __repr__(self) -> str:
        tree = self.checked
        kinds = (("segments", tuple(tree.segments)), ("chooses", tuple(tree.chooses)), ("collects", tuple(tree.collects)))
        counts = [f"{what}: {sum(name in known for name in self.names):,}" for what, known in kinds if known or what != "collects"]
        return f"Rules({', '.join(counts)}; root {tree.root})"

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The lints, in the order of their places; found when they are first asked for."""
        return self._warnings()

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of what the rules mean, not of how they are written; see `segkernel.meaning.fingerprint`."""
        return meaning.fingerprint(self.checked, self.names)

    @cached_property
    def meanings(self) -> dict[str, str]:
        """The fingerprint of each name's own meaning; see `segkernel.meaning.fingerprints`."""
        return meaning.fingerprints(self.checked, self.names)

    @property
    def reads(self) -> meaning.Reads:
        """The fields and links that the rules read, by the names that rules use."""
        if self._reads is None:
            self._reads = meaning.reads(self.checked, self.schema, self.names)
        return self._reads

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """The data's columns that an evaluation reads, by table: keys and links' columns first, the root table first."""
        return meaning.columns(self.reads, self.schema)

    def only(self, *names: str) -> Rules:
        """The same rules, of which just the segments, chooses and collects of `names` are answered, in the order written.

        Raises `Error` for an unknown name.
        """
        for name in names:
            if name not in self.checked.names:
                raise Error(unknown_name(name, self.checked.names))
        return self.derived(self.checked, tuple(name for name in self.checked.names if name in names))

    def derived(self, tree: checked.Rules, names: tuple[str, ...]) -> Rules:
        """Rules from the same texts that answer `names` of another tree."""
        return Rules(tree, names, self._warnings, self.files, self.sources, self.schema, self._params, self._limits, self.functions)

    def using(self, params: Mapping[str, Any]) -> Rules:
        """The same rules with other values for some params; earlier overrides stay.

        Raises `RuleError` for an unknown param or a value of another kind.
        """
        if not isinstance(params, Mapping):
            raise Error(f"params are a mapping of names to values, not {type(params).__name__}")
        return checked_against(self.files, self.sources, self.schema, {**self._params, **params}, self._limits, self.names, self.functions)

    def against(self, schema: Schema) -> Rules:
        """The same rules checked against another schema, such as one that tells what the data can miss.

        Raises `RuleError`.
        """
        return checked_against(self.files, self.sources, schema, self._params, self._limits, self.names, self.functions)

    def evaluate(
        self,
        data: Dataset,
        as_of: datetime | str,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        deadline: float | None = None,
        *,
        unknowns: bool = False,
    ) -> Membership:
        """The membership of every account of `data` at one instant.

        `as_of` is an aware datetime, a naive one in the rules' zone, or ISO text. `threads` None takes the machine's
        cores; the answers do not depend on it. `progress` is called now and then, on the thread that evaluates, with the share that is
        done, from 0 to 1; what it raises stops the run. `deadline` is in seconds from now: after it the run stops at the next block, column
        or statistic. `unknowns` counts, besides, the accounts whose condition is unknown.
        Raises `DataError` where the data do not fit the rules, `Cancelled` when the deadline has passed, `Error` in a forked process
        for what cannot be done there.
        """
        from segkernel.evaluation import evaluation

        return evaluation(self, data, as_of, threads, progress, deadline, unknowns).membership()

    def counts(
        self,
        data: Dataset,
        as_of: datetime | str,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        deadline: float | None = None,
        *,
        unknowns: bool = False,
    ) -> pl.DataFrame:
        """`evaluate(…).counts()` without memory for the members: how many accounts each segment and each value has.

        Arguments and errors are those of `evaluate`, columns those of `Membership.counts`.
        """
        from segkernel.evaluation import evaluation

        return evaluation(self, data, as_of, threads, progress, deadline, unknowns).tally().counts()

    def changes(
        self,
        data: Dataset,
        as_of: datetime | str,
        since: Membership,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        deadline: float | None = None,
    ) -> Changes:
        """`evaluate(…).changes(since)` without memory for all members: only what differs from the earlier membership is kept.

        Arguments and errors are those of `evaluate` and of `Membership.changes`.
        """
        from segkernel.evaluation import evaluation
        from segkernel.membership import Membership

        if not isinstance(since, Membership):
            raise Error(f"since is a sk.Membership, such as sk.Membership.load(path), not {type(since).__name__}")
        return evaluation(self, data, as_of, threads, progress, deadline).changes(since)

    def match(self, record: Mapping[str, Any], as_of: datetime | str, population: Sequence[Statistic] | None = None) -> Match:
        """What one account is in, from a record: the same answers as `evaluate` gives for it.

        `record` maps the rules' names of fields to Python values: what a link leads to is a mapping inside, None for nobody; the rows of a
        relation are a list of mappings under its name inside their owner's, [] for none; the link from them back to the owner need not be
        there. None is a missing value; keys that the rules do not read are ignored. `as_of` is as for `evaluate`; `population` is
        `result.population` of an earlier run, with whose statistics the account is compared.
        Raises `RecordError` for a key that the rules read and the record lacks, and for a value of another type, with the way to it;
        `DataError` where a number leaves its range; `Error` where the rules need a population.
        """
        return self._matched([record], as_of, population)[0]

    def match_many(
        self, records: Iterable[Mapping[str, Any]], as_of: datetime | str, population: Sequence[Statistic] | None = None
    ) -> list[Match]:
        """`match` of several records at one instant, in their order; faster than one by one."""
        if not isinstance(records, Iterable):
            raise Error(f"records are a list of mappings, one for each account, not {type(records).__name__}")
        return self._matched(list(records), as_of, population)

    def _matched(self, records: list[Mapping[str, Any]], as_of: datetime | str, population: Sequence[Statistic] | None) -> list[Match]:
        matcher = self._matcher
        if matcher is None:
            from segkernel.match import Matcher

            matcher = self._matcher = Matcher(self)
        try:
            return matcher.matches(records, instant(as_of, self.checked.timezone), population)
        except DataError as error:
            raise self.placed(error) from None

    def stream(
        self,
        data: Dataset,
        as_of: datetime | str,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        *,
        memory: int | None = None,
        batch: int | None = None,
        unknowns: bool = False,
    ) -> Iterator[Membership]:
        """Memberships of batches of accounts, one after the other in the row order of the root table, of data larger than memory.

        `data` is of lazy frames, best of Parquet files, of which only the rows of a batch are read at once: accounts with all rows that are
        theirs. Tables that are looked up, and keys of tables that rows are linked to, are held whole; so are, for statistics of the
        population, the values that they are of. A batch has about `batch` accounts, else as many as keep the whole within
        about `memory` bytes (half of what is available). The other arguments, and errors, are those of `evaluate`. Raises `Error` where
        rules reach from an account to rows of other accounts.
        """
        from segkernel.evaluation import arguments
        from segkernel.machine import available
        from segkernel.stream import Stream

        rules, as_of_ns = self._fitted(data), arguments(self, as_of, threads, progress)
        for what, given, unit in (("memory", memory, "bytes"), ("batch", batch, "accounts")):
            if given is not None and not (isinstance(given, int) and given >= 1):
                raise Error(f"{what} is a whole number of {unit}, 1 or more, not {given!r}")
        budget = available() // 2 if memory is None else memory
        size = None if batch is None else max(64, batch // 64 * 64)
        found = Stream(rules, data.lazy(), data.schema, memory=budget, size=size)
        return found.memberships(as_of_ns, threads, progress, unknowns)

    def explain(self, data: Dataset, key: object, name: str, as_of: datetime | str) -> Explanation:
        """Why an account of `data` is in a segment or not, or has its value of a choose or collect: every clause with what it saw.

        `key` is the account's, a tuple where the key has several columns; texts are read as the columns' types. `as_of` is as for
        `evaluate`. Reads what `name` rests on, and of that only the rows that the account touches; statistics of the population and the
        host's functions are taken from a run over all rows. Raises `Error` for an unknown key or name, and as `evaluate` does.
        """
        return self.only(name).explain_all(data, key, as_of)[0]

    def explain_all(self, data: Dataset, key: object, as_of: datetime | str) -> list[Explanation]:
        """`explain` for all of the rules' names, in their order."""
        from segkernel.why.account import explained, with_keys

        rules = self._fitted(data)
        forks.refuse("an explanation")
        data.read(with_keys(rules, data.schema))
        try:
            return explained(rules, data, key, instant(as_of, self.checked.timezone))
        except DataError as error:
            raise self.placed(error) from None

    def funnel(self, data: Dataset, name: str, as_of: datetime | str, threads: int | None = None) -> Funnel:
        """What each clause of a segment does to all accounts: how many it keeps alone, how many only it removes, how many are unknown.

        `data`, `as_of` and `threads` are as for `evaluate`. Raises `Error` for a name that is no segment's, and as `evaluate` does.
        """
        from segkernel.why.funnel import funnel

        asked = self.only(name)
        if name not in self.checked.segments:
            kind = "choose" if name in self.checked.chooses else "collect"
            raise Error(f'"{name}" is a {kind}, not a segment: a funnel is of a segment')
        return funnel(asked._fitted(data), data, name, as_of, threads)

    def diff(self, since: Rules) -> Differences:
        """What differs from an earlier version of the rules, `since`, to these: by meaning, not by how they are written.

        No data are needed; `bool(…)` of it is whether anything differs, `str(…)` tells it.
        """
        from segkernel.differences import differences

        if not isinstance(since, Rules):
            raise Error(f"since is a sk.Rules, such as sk.compile gives, not {type(since).__name__}")
        return differences(since, self)

    def _fitted(self, data: Dataset) -> Rules:
        """The rules for data that they fit: at the width of the data's floats. Raises `DataError`, `Error` for what is no `sk.Dataset`."""
        from segkernel.data.dataset import Dataset

        if not isinstance(data, Dataset):
            raise Error(f"data is a sk.Dataset, not {type(data).__name__}")
        fit(self.reads, self.schema, data.schema)
        return self if singles(self.reads, self.schema) == singles(self.reads, data.schema) else self.against(data.schema)

    def placed(self, error: DataError) -> DataError:
        """An error of the engine with the place in the rules that it came from, where it knows one."""
        span = error.span
        if span is None or span.source >= len(self.sources):
            return error
        source = self.sources[span.source]
        line, column = source.place(span.start)
        return DataError(f"{source.name}:{line}:{column}: `{source.snippet(span)}`: {error}", span)

    def program(self, unknowns: bool = False) -> Program:
        """The plan of the rules, made once; `str(program)` shows it."""
        from segkernel.plan import plan

        if unknowns not in self._programs:
            with self._lock:
                if unknowns not in self._programs:
                    self._programs[unknowns] = plan(self.checked, self.names, unknowns)
        return self._programs[unknowns]

    def linked(self, data: Dataset, unknowns: bool, as_of: int, deadline: Deadline | None = None) -> Linked:
        """The program of the rules over data, for the instant `as_of` (nanoseconds) at least, made once. Raises as `evaluate` does."""
        from segkernel.link import link

        # Kept on the data and weakly by rules, so that neither keeps the other alive
        kept: weakref.WeakKeyDictionary[Rules, dict[bool, Linked]] = vars(data).setdefault("linked", weakref.WeakKeyDictionary())
        known = kept.get(self, {}).get(unknowns)
        if known is not None and known.instant in (None, as_of):
            return known
        forks.refuse("the first evaluation of rules over data")
        deadline = deadline or Deadline(None)
        program = self._fitted(data).program(unknowns)
        data.read(meaning.columns(self.reads, data.schema))
        while not self._lock.acquire(timeout=min(1.0, deadline.left or 1.0)):
            deadline.check()
        try:
            linked = kept.setdefault(self, {})
            if unknowns not in linked or linked[unknowns].instant not in (None, as_of):
                if self._linking:
                    raise Error("a function of the host's evaluates the rules that call it; evaluate them elsewhere")
                self._linking = True
                try:
                    linked[unknowns] = link(program, data, self.functions, as_of, check=deadline.check)
                finally:
                    self._linking = False
            return linked[unknowns]
        finally:
            self._lock.release()

    def renew(self) -> None:
        """See `forks`."""
        self._lock, self._linking = threading.RLock(), False


def checked_against(
    files: tuple[File, ...],
    sources: tuple[Source, ...],
    schema: Schema,
    params: dict[str, Any],
    limits: Limits,
    names: tuple[str, ...] | None,
    functions: dict[str, Function],
    unread: tuple[Diagnostic, ...] = (),
) -> Rules:
    """The rules of parsed `files`, of which `names` are answered (None: all); `unread` is what the parser says. Raises RuleError."""
    tree, found, warnings = examine(files, schema, params, limits, [function.signature for function in functions.values()])
    if unread:
        found = (*unread, *_independent(found, files, sources, unread))
    errors = sorted((item for item in found if item.severity == "error"), key=lambda item: (item.span.source, item.span.start))
    if errors or tree is None:
        raise RuleError(render(errors, sources), errors)
    return Rules(tree, tree.names if names is None else names, cache(warnings), files, sources, schema, params, limits, functions)


def _independent(
    found: Sequence[Diagnostic], files: Sequence[File], sources: Sequence[Source], unread: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """The checker's mistakes without those that say only that a statement which could not be read is missing, or that
    repeat what the parser said of the same place."""
    declared = (match for source in sources for match in _DECLARED.finditer(source.text) if match[1] is None)
    written = {match[2].strip("`") for match in declared}
    read = {statement.name.text for file in files for statement in file.statements}
    lost = written - read
    told = {item.span for item in unread}
    return [
        item
        for item in found
        if item.span not in told
        and (item.span.source >= len(sources) or sources[item.span.source].snippet(item.span).strip("`\"'") not in lost)
    ]
