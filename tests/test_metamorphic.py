"""What must not matter: how rules are written, what stands beside them, and which other accounts there are.

An ordinary run has 120 random rule sets, `pytest -m long` 2,000 more. The laws of logic are in `test_properties`.
"""

from __future__ import annotations

from random import Random

import msgspec
import pytest

import segkernel as sk
from segdsl import format, from_json, to_json
from tests.differential import DATA, OVERFLOW, Answers, kernel_answers, line_of, shown
from tests.random_hosts import HOSTS
from tests.rewritten import beside, doubled, holds_accounts_together, inlined, mentioned, outlined, statements, with_text
from tests.strategies import Case, checked_rules, random_case

ORDINARY, LONG, BATCH = range(80_000, 80_120), range(81_000, 83_000), 20


def answers(case: Case) -> Answers | None:
    """What the kernel says; None where a number leaves its range."""
    found = kernel_answers(case, checked_rules(case).names)
    assert found == OVERFLOW or not isinstance(found, str), (found, shown(case))
    return None if isinstance(found, str) else found


def compiled(case: Case) -> sk.Rules:
    """The case's rules."""
    data = DATA.get(case.frames, lambda: sk.Dataset(dict(case.frames), case.schema))
    return sk.compile(case.rules_text, data.schema, params=case.params, functions=HOSTS)


def same(case: Case, wanted: Answers | None, changed: Case) -> None:
    """Fail where another case says something else to one of the names."""
    found = answers(changed)
    assert (wanted is None) is (found is None), (case.seed, case.rules_text, changed.rules_text)
    for name in wanted or ():
        assert wanted is not None
        assert found is not None
        assert found[name] == wanted[name], (case.seed, name, line_of(case, name), changed.rules_text)


def otherwise_written(case: Case, wanted: Answers | None) -> None:
    """Canonical text, and JSON and back, are the same rules; so are statements in another order. Fingerprints tell that."""
    meaning = compiled(case).fingerprint
    canonical = format(case.rules_text)
    assert format(canonical) == canonical == from_json(to_json(case.rules_text)) == from_json(to_json(canonical))
    lines = case.rules_text.splitlines()
    Random(case.seed).shuffle(lines)
    changed = msgspec.structs.replace(case, rules_text=format("\n".join(lines) + "\n"))
    assert compiled(msgspec.structs.replace(case, rules_text=canonical)).fingerprint == compiled(changed).fingerprint == meaning, case.seed
    same(case, wanted, changed)


def lets_in_place(case: Case, wanted: Answers | None) -> None:
    """A let in brackets in place of its name."""
    naming = mentioned(case)
    same(naming, wanted if naming == case else answers(naming), inlined(naming))


def parts_as_lets(case: Case, wanted: Answers | None) -> None:
    """A part of a rule as a let of its own."""
    same(case, wanted, outlined(case, Random(case.seed)))


def rules_beside(case: Case, wanted: Answers | None) -> None:
    """Rules that have nothing to do with these, in one set with them: to each what it is given alone; so too where some are left out."""
    if case.seed % 2:
        return
    other = random_case(case.seed + 1, "small", 5, whole=True)
    alone, both = answers(other), beside(case, other)
    found = answers(both)
    assert (found is None) is (wanted is None or alone is None), (case.seed, both.rules_text)
    if found is None or wanted is None or alone is None:
        return
    assert found == wanted | {f"{name}_too": values for name, values in alone.items()}, (case.seed, both.rules_text)
    names = checked_rules(both).names[:: 1 + case.seed % 3]
    data = DATA.get(both.frames, lambda: sk.Dataset(dict(both.frames), both.schema))
    some = compiled(both).only(*names).evaluate(data, as_of=case.as_of)
    whole = compiled(both).evaluate(data, as_of=case.as_of)
    assert all(some[name].equals(whole[name], null_equal=True) for name in names), (case.seed, names, both.rules_text)


def accounts_twice(case: Case, wanted: Answers | None) -> None:
    """Each account with a twin that has rows of its own."""
    if holds_accounts_together(case):
        without = [rule for rule in case.rules_text.splitlines() if " over " not in rule and "top(" not in rule and "bottom(" not in rule]
        fewer = with_text(msgspec.structs.replace(case, params={}), "\n".join(without) + "\n")
        if fewer is None or holds_accounts_together(fewer):
            return
        case, wanted = fewer, answers(fewer)
    twice = None if wanted is None else {name: values * 2 for name, values in wanted.items()}
    same(case, twice, doubled(case))


CHANGES = [otherwise_written, lets_in_place, parts_as_lets, rules_beside, accounts_twice]


def nothing_matters(seeds: range) -> None:
    for seed in seeds:
        case = random_case(seed, "small", 5, whole=True)
        wanted = answers(case)
        for change in CHANGES:
            change(case, wanted)


@pytest.mark.parametrize("first", range(ORDINARY.start, ORDINARY.stop, BATCH))
def test_what_should_not_matter_does_not(first: int) -> None:
    nothing_matters(range(first, first + BATCH))


@pytest.mark.long
@pytest.mark.parametrize("first", range(LONG.start, LONG.stop, BATCH))
def test_what_should_not_matter_does_not_to_many_more(first: int) -> None:
    nothing_matters(range(first, first + BATCH))


def test_rules_are_really_rewritten() -> None:
    """Else nothing would be shown: most cases have lets in place, parts as lets, and accounts that stand alone."""
    cases = [random_case(seed, "small", 5, whole=True) for seed in range(ORDINARY.start, ORDINARY.start + 60)]
    assert sum(inlined(case) != case for case in map(mentioned, cases)) >= 30
    assert sum(len(statements(outlined(case, Random(case.seed)).rules_text)) > len(statements(case.rules_text)) for case in cases) >= 50
    assert sum(not holds_accounts_together(case) for case in cases) >= 20
