"""What must hold whatever the rules say: laws of logic, names that change nothing, rows and statements in any order."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

import segkernel as sk
from tests.differential import OVERFLOW, Answers, kernel_answers
from tests.strategies import Case, checked_rules, random_case

ORDINARY, LONG = range(70_000, 70_024), range(71_000, 71_600)


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
    data = sk.Dataset(dict(case.frames), case.schema)
    result = sk.compile("\n".join(lines) + "\n", data.schema).evaluate(data, as_of=case.as_of, unknowns=True)
    for number, condition in enumerate(found_conditions):
        three = [found[f"{word}{number}"] for word in ("yes", "no", "open")]
        assert all(sum(each) == 1 for each in zip(*three, strict=True)), (case.seed, condition)
        assert result.unknown(f"yes{number}") == result.unknown(f"no{number}") == sum(three[2]), (case.seed, condition)
        assert result.unknown(f"open{number}") == 0


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
    """Rows in any order give every account the same."""
    frames = {name: frame.sample(fraction=1.0, shuffle=True, seed=case.seed) for name, frame in case.frames.items()}
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


PROPERTIES = [laws, partition, order_of_statements, order_of_rows]


@pytest.mark.parametrize("law", PROPERTIES)
@pytest.mark.parametrize("first", range(ORDINARY.start, ORDINARY.stop, 8))
def test_properties(law: Any, first: int) -> None:
    for seed in range(first, first + 8):
        law(random_case(seed, "small", 5))


@pytest.mark.long
@pytest.mark.parametrize("law", PROPERTIES)
@pytest.mark.parametrize("first", range(LONG.start, LONG.stop, 25))
def test_properties_of_many_more(law: Any, first: int) -> None:
    for seed in range(first, first + 25):
        law(random_case(seed, "medium" if seed % 5 == 0 else "small", 6))
