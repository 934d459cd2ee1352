"""What the lints say is so: held against the oracle, on random conditions over few values and on random rule sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from segdsl import reasoning
from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.diagnostics import Diagnostic
from segdsl.parser import parse
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal
from segkernel.oracle import Oracle
from tests.differential import OVERFLOW, oracle_answers
from tests.strategies import nanoseconds, random_case

AT = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
FIELDS = {
    "n": FieldSpec(WHOLE),
    "m": FieldSpec(WHOLE, never_missing=True, nullable=False),
    "d": FieldSpec(decimal(1)),
    "x": FieldSpec(NUMBER),
    "s": FieldSpec(TEXT),
    "on": FieldSpec(TRUTH),
    "day": FieldSpec(DATE),
    "t": FieldSpec(TIMESTAMP),
    "w": FieldSpec(DURATION),
}
SCHEMA = Schema(
    root="accounts",
    timezone="Europe/Berlin",
    tables={
        "accounts": Table(fields={"id": FieldSpec(WHOLE), **FIELDS}, key=("id",)),
        "orders": Table(fields={"of": FieldSpec(WHOLE), **FIELDS}, links={"account": Link("accounts", ("of",))}),
    },
)
VALUES: dict[str, list[object]] = {
    "n": [0, 1, 2, 3],
    "m": [0, 1, 2],
    "d": [Decimal("0.0"), Decimal("0.1"), Decimal("1.0"), Decimal("2.0")],
    "x": [0.1, 1.0, 1.5, 2.0, float("inf")],
    "s": ["", "a", "ab", "abc", "b"],
    "on": [True, False],
    "day": [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 30), date(2026, 3, 31), date(2025, 12, 31)],
    "t": [datetime(2026, month, day, hour, tzinfo=UTC) for month, day in ((3, 31), (3, 30), (2, 28), (1, 1)) for hour in (8, 10, 23)],
    "w": [timedelta(days=1), timedelta(hours=25)],
}
NUMBERS = ["0", "1", "2", "0.1", "0.15", "1.5", "0.1000000000000000000001"]
DAYS = ["2026-02-28", "2026-03-01", "2026-03-31", "today", "1 day ago", "1 month ago", "2 months ago", "30 days ago"]
TIMES = [*DAYS, "2026-03-31T10:00", "2026-03-31T12:00", "now", "2 hours ago", "3 hours from now"]
PERIODS = [
    "this month",
    "last month",
    "last 2 whole months",
    "this week",
    "last week",
    "this year",
    "2026",
    "2026-03",
    "last quarter",
    "this day",
]
SEEDS = range(240)
Tables = dict[str, list[dict[str, object]]]


def condition(rng: Random, depth: int) -> str:
    """A random condition."""
    if depth:
        terms = [condition(rng, depth - 1 if rng.random() < 0.6 else 0) for _ in range(rng.randint(1, 3))]
        form = rng.random()
        if form < 0.15:
            return f"not ({terms[0]})"
        if form < 0.22:
            return f"{rng.choice(['at least', 'at most', 'exactly'])} {rng.randint(0, 3)} of ({', '.join(terms)})"
        if form < 0.27:
            return f"({terms[0]}) is {rng.choice(['', 'not '])}missing"
        return "(" + rng.choice([" and ", " or "]).join(f"({term})" for term in terms) + ")"
    field = rng.choice([*FIELDS, "n", "t", "day"])
    if rng.random() < 0.12:
        return f"{field} is {rng.choice(['', 'not '])}missing"
    op = rng.choice(["=", "!=", "<", "<=", ">", ">="])
    if field in ("n", "m", "d", "x"):
        field = rng.choice([field, field, f"coalesce({field}, 1)", f"abs({field})", f"{field} + m"])
        other = rng.choice([*NUMBERS, *NUMBERS, "m", "n", "x"])
        return rng.choice(
            [
                f"{field} {op} {other}",
                f"{field} in ({rng.choice(NUMBERS)}, {other})",
                f"{field} in {rng.choice(NUMBERS)}..{rng.choice(NUMBERS)}",
            ]
        )
    if field == "s":
        text = rng.choice(['""', '"a"', '"ab"', '"b"'])
        return rng.choice(
            [
                f"s {op} {text}",
                f"s starts with {text}",
                f"s contains {text}",
                f's in ({text}, "abc")',
                f"length(s) {op} {rng.randint(0, 2)}",
            ]
        )
    if field == "on":
        return rng.choice(["on", "on = true", "on != true", "on = false"])
    if field == "w":
        return f"w {op} {rng.choice(['1 day', '24 hours', '25 hours'])}"
    moments = DAYS if field == "day" else TIMES
    return rng.choice(
        [
            f"{field} {op} {rng.choice(moments)}",
            f"{field} in {rng.choice(PERIODS)}",
            f"{field} in {rng.choice(moments)}..{rng.choice(moments)}",
            f"{field} within last {rng.randint(1, 40)} days",
            f"month({field}) {op} {rng.choice(['0', '1', '3', '12'])}",
        ]
    )


def random_text(rng: Random) -> tuple[str, tuple[int, int]]:
    """A random rule file, and where in it the condition of rows stands."""
    lines = [f"let a{at} = {condition(rng, rng.randint(0, 2))}" for at in range(2)]
    lines += [f"segment s{at} when {condition(rng, rng.randint(1, 3))}" for at in range(4)]
    one, other = condition(rng, 1), condition(rng, 0)
    lines += [f"segment b0 when ({one}) and ({other}) and a0", f"segment b1 when not (not (({other}) and a0) or not ({one}))"]
    mixed = rng.choice(["a0", "a1", "not a0", condition(rng, 1)])
    lines.append(f"segment b2 when {rng.choice(['', 'not '])}in segment s0 {rng.choice(['and', 'or'])} ({mixed})")
    cases = "\n".join(f"  {at} when {condition(rng, rng.randint(0, 1))}" for at in range(4))
    lines.append(f"choose c\n{cases}\n  otherwise 9")
    lines.append(f"segment b3 when c {rng.choice(['=', '!=', '<'])} {rng.choice([0, 1, 4, 9])} and ({condition(rng, 1)})")
    where = condition(rng, 2)
    start = "segment b4 when any(orders where "
    before = len("\n".join(lines)) + 1 + len(start)
    lines.append(f"{start}{where}) {rng.choice(['and', 'or'])} count(orders) {rng.choice(['=', '<', '>='])} {rng.randint(0, 1)}")
    return "\n".join(lines), (before, before + len(where))


def rows(rng: Random, count: int) -> list[dict[str, object]]:
    """Random rows, many of them with missing values."""
    return [
        {name: rng.choice([*values, None]) if name != "m" else rng.choice(values) for name, values in VALUES.items()} for _ in range(count)
    ]


def lints_of(text: str) -> tuple[Rules, tuple[Diagnostic, ...]]:
    file, mistakes = parse(text)
    assert mistakes == ()
    rules, found = check([file], SCHEMA, {})
    assert rules is not None, (text, found)
    return rules, found


def members(text: str, tables: Tables, rows: bool) -> Callable[[str], list[bool]]:
    """Who meets a further condition: of accounts, or with a row that does."""

    def asked(condition: str) -> list[bool]:
        probe = f"any(orders where {condition})" if rows else condition
        rules = lints_of(f"{text}\nsegment probe when {probe}")[0]
        return Oracle(rules, SCHEMA, tables, nanoseconds(AT)).segment("probe")

    return asked


def is_so(one: Diagnostic, text: str, oracle: Oracle, met: Callable[[str], list[bool]]) -> bool:
    """Whether what a lint says holds for these data."""
    part = text[one.span.start : one.span.end]
    quoted = one.message.split('"')
    match one.code:
        case "W102" | "W112":
            return not any(met(f"({part})"))
        case "W103":
            return not any(met(f"not ({part})"))
        case "W106":
            return oracle.segment(quoted[1]) == oracle.segment(quoted[3])
        case "W113":
            other = text[one.also[0][0].start : one.also[0][0].end]
            strong, weak = (other, part) if one.hint is not None and one.hint.startswith("it holds") else (part, other)
            leaks = f"({strong}) and (not ({weak}) or ({weak}) is missing)"
            return not any(met(leaks)) and not any(met(f"not ({weak}) and (({strong}) or ({strong}) is missing)"))
    hidden = [case.value.value for case in oracle.rules.chooses["c"].cases if case.condition.span == one.span]
    return not set(oracle.choose("c")) & set(hidden or [9])


@pytest.mark.parametrize("first", SEEDS[::60])
def test_what_is_said_of_random_conditions_is_so(first: int) -> None:
    said = dict.fromkeys(("W102", "W103", "W105", "W106", "W112", "W113"), 0)
    for seed in range(first, first + 60):
        rng = Random(seed)
        text, (start, end) = random_text(rng)
        rules, found = lints_of(text)
        accounts = [{"id": number, **row} for number, row in enumerate(rows(rng, 60))]
        tables = {"accounts": accounts, "orders": [{"of": rng.randrange(40), **row} for row in rows(rng, 60)]}
        oracle = Oracle(rules, SCHEMA, tables, nanoseconds(AT))
        for one in found:
            if one.code in said:
                said[one.code] += 1
                of_rows = start <= one.span.start and one.span.end <= end
                assert is_so(one, text, oracle, members(text, tables, of_rows)), (seed, one, text)
    assert all(count for code, count in said.items() if code != "W112"), said


def test_a_glance_leaves_out_nothing_that_reasoning_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(120):
        text, _ = random_text(Random(seed))
        found = lints_of(text)[1]
        with monkeypatch.context() as everywhere:
            everywhere.setattr(reasoning, "worth_reasoning", lambda rules, roots: set(roots))
            assert lints_of(text)[1] == found, (seed, text)


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_what_is_said_of_random_rule_sets_is_so(first: int) -> None:
    for seed in range(first, first + 50):
        case = random_case(seed, "tiny", statements=12)
        file, _ = parse(case.rules_text)
        rules, found = check([file], case.schema, case.params)
        assert rules is not None
        answers = oracle_answers(case, rules)
        if answers == OVERFLOW:
            continue
        assert isinstance(answers, dict)
        places = {(one.code, one.span): one for one in found}
        for name, segment in rules.segments.items():
            if ("W102", segment.condition.span) in places:
                assert not any(answers[name]), (seed, name)
            same = places.get(("W106", segment.span))
            if same is not None:
                assert answers[same.message.split('"')[1]] == answers[name], (seed, name)
        for name, choose in rules.chooses.items():
            reached = [each.value.value for each in choose.cases if ("W105", each.condition.span) not in places]
            for each in choose.cases:
                if each.value.value not in reached and (choose.otherwise is None or choose.otherwise.value != each.value.value):
                    assert each.value.value not in answers[name], (seed, name)
