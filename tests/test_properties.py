"""What must hold whatever the rules say: laws of logic, of rows and of ranks, names that change nothing, rows and statements in any order.

Each condition parts the accounts, and each condition of rows the rows, into those for which it is true, false and unknown.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from segkernel.oracle import Oracle, OracleOverflow
from tests.differential import OVERFLOW, ROWS, Answers, kernel_answers, kernel_result, oracle_rows
from tests.random_hosts import TWINS
from tests.random_writer import NUMBERS, ORDERED, Scope, Writer
from tests.strategies import SETS, Case, checked_rules, nanoseconds, random_case, shared_world

ORDINARY, LONG = range(70_000, 70_032), range(71_000, 71_600)


def statements(case: Case) -> list[str]:
    return case.rules_text.strip().splitlines()


def conditions(case: Case) -> list[str]:
    """The conditions of a case's segments."""
    return [line.split(" when ", 1)[1] for line in statements(case) if line.startswith("segment ")]


def answers(case: Case, lines: list[str]) -> Answers | None:
    """What the kernel says to other lines over the case's tables; None where a number leaves its range."""
    changed = msgspec.structs.replace(case, rules_text="\n".join(lines) + "\n")
    found = kernel_answers(changed, checked_rules(changed).names)
    if found == OVERFLOW:
        return None
    assert not isinstance(found, str), (found, changed.rules_text)
    return found


def pairs(case: Case) -> list[tuple[str, str]]:
    """Some pairs of conditions."""
    found = conditions(case)
    return list(zip(found, [*found[1:], *found[:1]], strict=True))


def laws(case: Case) -> None:
    """De Morgan, permuted terms, double negation, and lets in place of what they stand for."""
    lines = statements(case)
    equal: list[tuple[str, ...]] = []
    for number, (a, b) in enumerate(pairs(case)):
        lines += [f"let la{number} = {a}", f"let lb{number} = {b}"]
        groups = [
            [f"not (({a}) and ({b}))", f"(not ({a})) or not ({b})", f"not (({b}) and ({a}))", f"not (la{number} and lb{number})"],
            [f"not (({a}) or ({b}))", f"(not ({a})) and not ({b})", f"not (lb{number} or la{number})"],
            [f"({a}) and ({b})", f"({b}) and ({a}) and ({b})", f"lb{number} and la{number}", f"not not (({a}) and not not ({b}))"],
            [f"({a}) or ({b})", f"({b}) or ({a}) or ({a})", f"({a}) or (({b}) and (({a}) or ({b})))"],
            [
                a,
                f"not not ({a})",
                f"la{number}",
                f"if(la{number}, true, false)",
                f"({a}) and ({a})",
                f"not (({a}) is missing) and la{number}",
            ],
            [f"not ({a})", f"not la{number}", f"if({a}, false, la{number} is not missing)"],
            [f"({a}) is missing", f"la{number} is missing", f"(not la{number}) is missing"],
        ]
        for group in groups:
            names = tuple(f"m{number}x{len(equal)}x{which}" for which in range(len(group)))
            equal.append(names)
            lines += [f"segment {name} when {condition}" for name, condition in zip(names, group, strict=True)]
    found = answers(case, lines)
    for names in equal if found else ():
        for name in names[1:]:
            assert found is not None
            assert found[name] == found[names[0]], (case.seed, [line for line in lines if f" {name} " in line or f" {names[0]} " in line])


def partition(case: Case) -> None:
    """A condition is true, false or unknown for every account, and never two of these."""
    lines = statements(case)
    found_conditions = conditions(case)
    for number, condition in enumerate(found_conditions):
        lines += [f"segment yes{number} when {condition}", f"segment no{number} when not ({condition})"]
        lines += [f"segment open{number} when ({condition}) is missing"]
    found = answers(case, lines)
    if found is None:
        return
    changed = msgspec.structs.replace(case, rules_text="\n".join(lines) + "\n")
    result = kernel_result(changed, unknowns=True)
    truths = oracle_truths(changed, len(found_conditions)) if case.seed % 3 == 0 else {}
    for number, condition in enumerate(found_conditions):
        three = [found[f"{word}{number}"] for word in ("yes", "no", "open")]
        assert all(sum(each) == 1 for each in zip(*three, strict=True)), (case.seed, condition)
        assert result.unknown(f"yes{number}") == result.unknown(f"no{number}") == sum(three[2]), (case.seed, condition)
        assert result.unknown(f"open{number}") == 0
        said = [None if open_ else yes for yes, open_ in zip(three[0], three[2], strict=True)]
        assert truths.get(number, said) == said, (case.seed, condition)


def oracle_truths(case: Case, count: int) -> dict[int, list[bool | None]]:
    """What the oracle says to the condition of each `yes` segment: true, false or unknown, for every account."""
    rules = checked_rules(case)
    oracle = Oracle(rules, case.schema, ROWS.get(case.frames, lambda: oracle_rows(case)), nanoseconds(case.as_of), TWINS)
    try:
        return {
            number: [oracle.truth(rules.segments[f"yes{number}"].condition, row) for row in range(oracle.accounts)]
            for number in range(count)
        }
    except OracleOverflow:  # an aggregate that goes up links overflows only where a row leads there
        return {}


def all_hold(case: Case, laws: list[str]) -> None:
    """Fail where a law does not hold for every account; a number that leaves its range holds nothing."""
    plain = msgspec.structs.replace(case, params={})
    found = answers(plain, [f"segment law{number} when {law}" for number, law in enumerate(laws)])
    for number, law in enumerate(laws if found else ()):
        assert found is not None
        assert all(found[f"law{number}"]), (case.seed, law)


def rows_in_parts(case: Case) -> None:
    """Of rows: partition, De Morgan, inclusion and exclusion, and what `any`, `none`, `all` and `count` say of each other."""
    writer = Writer(Random(case.seed), shared_world(case.seed // SETS, "small"), plain=False, hosted=True)
    laws = []
    for _ in range(3):
        writer.room = 12
        found = writer.relation(Scope(case.schema.root))
        if found is None:
            continue
        r, rows = found
        a, b = writer.condition(rows, 1), writer.condition(rows)
        laws += [
            f"count({r}) = count({r} where {a}) + count({r} where not ({a})) + count({r} where ({a}) is missing)",
            f"count({r} where {a} or {b}) + count({r} where {a} and {b}) = count({r} where {a}) + count({r} where {b})",
            f"count({r} where not ({a} or {b})) = count({r} where not ({a}) and not ({b}))",
            f"count({r} where not ({a} and {b})) = sum(if((not ({a})) or not ({b}), 1, 0) for {r})",
            f"exactly 1 of (any({r} where {a}), count({r} where {a}) = 0)",
            f"exactly 1 of (none({r} where {a}), count({r} where {a}) > 0)",
            f"exactly 1 of (all({a} for {r} where {b}), any({r} where {b} and (({a}) is missing or not ({a}))))",
            f"min(if({a}, 2, 1) for {r}) = if(all({a} for {r}), 2, 1) or none({r})",
            f"distinct(if({a}, 1, 0) for {r}) = if(any({r} where {a}), 1, 0) + if(all({a} for {r}), 0, 1)",
        ]
    all_hold(case, laws)


def ranks(case: Case) -> None:
    """`top`, `bottom`, `rank`, `ntile`, `percentile` and `min` say the same of each other."""
    writer = Writer(Random(case.seed), shared_world(case.seed // SETS, "small"), plain=False, hosted=True)
    laws = []
    for _ in range(3):
        writer.room = 8
        root = Scope(case.schema.root)
        kind = writer.rng.choice(ORDERED)
        value, group = writer.value(kind, root), writer.bare(writer.rng.choice(["text", "whole", "date"]), root) or "all"
        if value is None:
            continue
        pairs = [
            (f"top(3, {value} over {group})", f"rank({value} over {group}) <= 3"),
            (f"top(100%, {value} over {group})", f"rank({value} over {group}) > 0"),
            (f"top(1, {value} over {group})", f"{value} = max({value} over {group})"),
            (f"bottom(1, {value} over {group})", f"{value} = min({value} over {group})"),
            (f"bottom(1, {value} over {group})", f"percentile({value} over {group}) = 0"),
            (f"rank({value} over {group}) > 0", f"ntile(1, {value} over {group}) = 1"),
            (f"rank({value} over {group}) > 0", f"rank({value} over {group}) <= count({value} over {group})"),
        ]
        negative = f"-({value})" if kind in (*NUMBERS, "duration") else f"now - {value}" if kind == "timestamp" else f"today - {value}"
        pairs.append((f"bottom(2, {value} over {group})", f"top(2, {negative} over {group})"))
        laws += [f"if({one}, 1, if(not ({one}), 2, 3)) = if({other}, 1, if(not ({other}), 2, 3))" for one, other in pairs]
    all_hold(case, laws)


def order_of_statements(case: Case) -> None:
    """Statements in any order, and beside others, say the same."""
    lines = statements(case)
    wanted = answers(case, lines)
    shuffled = list(lines)
    Random(case.seed).shuffle(shuffled)
    twins = [f"segment twin{number} when {condition}" for number, condition in enumerate(conditions(case))]
    found = answers(case, [*shuffled, *twins])
    assert (wanted is None) is (found is None)
    if wanted is None or found is None:
        return
    assert {name: found[name] for name in wanted} == wanted
    names = [line.split()[1] for line in lines if line.startswith("segment ")]
    for number, name in enumerate(names):
        assert found[f"twin{number}"] == wanted[name]


def order_of_rows(case: Case) -> None:
    """Rows in any order give every account the same; of tables without a key, whose order settles ties of `first` and `last`, where
    nothing is first or last."""
    settled = "first(" in case.rules_text or "last(" in case.rules_text
    frames = {
        name: frame if settled and not case.schema.tables[name].key else frame.sample(fraction=1.0, shuffle=True, seed=case.seed)
        for name, frame in case.frames.items()
    }
    root = case.schema.root
    table = case.schema.tables[root]
    key = [table.fields[part].column or part if part in table.fields else part for part in table.key]
    wanted, found = answers(case, statements(case)), answers(msgspec.structs.replace(case, frames=frames), statements(case))
    assert (wanted is None) is (found is None)
    if wanted is None or found is None:
        return
    for name in wanted:
        before: dict[Any, Any] = dict(zip(case.frames[root].select(key).rows(), wanted[name], strict=True))
        assert dict(zip(frames[root].select(key).rows(), found[name], strict=True)) == before, (case.seed, name)


PROPERTIES = [laws, partition, order_of_statements, order_of_rows, rows_in_parts, ranks]


@pytest.mark.parametrize("law", PROPERTIES)
@pytest.mark.parametrize("first", range(ORDINARY.start, ORDINARY.stop, 8))
def test_properties(law: Any, first: int) -> None:
    for seed in range(first, first + 8):
        law(random_case(seed, "small", 5, whole=True))


@pytest.mark.long
@pytest.mark.parametrize("law", PROPERTIES)
@pytest.mark.parametrize("first", range(LONG.start, LONG.stop, 25))
def test_properties_of_many_more(law: Any, first: int) -> None:
    for seed in range(first, first + 25):
        law(random_case(seed, "small", 6, whole=True))
