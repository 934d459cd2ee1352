"""Statistics of the population: random accounts against the plain evaluator, sizes, and what they cost."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from segdsl.checker import check
from segdsl.parser import parse
from segdsl.schema import FieldSpec, Schema, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TRUTH, WHOLE, Type, decimal
from segkernel.oracle import Oracle, OracleOverflow
from segkernel.rules import Rules

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TYPES: dict[str, tuple[Type, Any]] = {
    "whole": (WHOLE, pl.Int64()),
    "huge": (WHOLE, pl.UInt64()),
    "money": (decimal(2), pl.Decimal(38, 2)),
    "score": (NUMBER, pl.Float64()),
    "day": (DATE, pl.Date()),
    "wait": (DURATION, pl.Duration("us")),
    "place": (TEXT, pl.String()),
    "flag": (TRUTH, pl.Boolean()),
}


def value(rng: random.Random, name: str) -> Any:
    if rng.random() < 0.2:
        return None
    match name:
        case "whole":
            return rng.choice([rng.randint(-3, 3), rng.randint(-(2**62), 2**62)])
        case "huge":
            return rng.choice([rng.randint(0, 3), rng.randint(2**62, 2**64 - 1)])
        case "money":
            return Decimal(rng.choice([rng.randint(-300, 300), rng.randint(-(10**34), 10**34)])).scaleb(-2)
        case "score":
            return rng.choice([rng.uniform(-2, 2), 0.0, -0.0, math.nan, math.inf, -math.inf, 1.7e308, 1e-300, float(rng.randint(0, 3))])
        case "day":
            return date(2026, 1, 1) + timedelta(days=rng.randint(-400, 4))
        case "wait":
            return timedelta(hours=rng.randint(-30, 30), microseconds=rng.randint(0, 2))
        case "place":
            return rng.choice(["a", "b", "", "ä"])
    return rng.random() < 0.5


def condition(rng: random.Random) -> str:
    ordered = ["whole", "huge", "money", "score", "day", "wait"]
    field = rng.choice(ordered)
    where = rng.choice(["", "", " where flag", " where money > 0", " where place != 'a'"])
    groups = rng.choice(["all", "place", "flag", "(place, flag)", "day", "whole", "money", "class"])
    share = rng.choice(["10%", "50%", "0.1%", "100%", "0", "1", "3"])
    test = rng.choice(["= 1", "<= 2", "> 3", "is missing"])
    match rng.randrange(7):
        case 0:
            return f"{rng.choice(['top', 'bottom'])}({share}, {field}{where} over {groups})"
        case 1:
            return f"rank({field} over {groups}{where}) {test}"
        case 2:
            return f"percentile({field} over {groups}{where}) {rng.choice(['>= 50', '= 0', '= 100', 'is missing'])}"
        case 3:
            return f"ntile({rng.randint(1, 5)}, {field} over {groups}{where}) {test}"
        case 4:
            return f"{field} {rng.choice(['=', '<', '>='])} {rng.choice(['min', 'max'])}({field} over {groups}{where})"
        case 5:
            number = rng.choice(["whole", "huge", "money", "score"])
            function = rng.choice(["avg", "median", "stddev", "sum"])
            return f"{number} {rng.choice(['<', '>=', '='])} {function}({number} over {groups}{where})"
    return f"count({rng.choice(list(TYPES))} over {groups}{where}) {test}"


def differences(seed: int, conditions: int = 12) -> list[str]:
    rng = random.Random(seed)
    rows = [{"id": number, **{name: value(rng, name) for name in TYPES}} for number in range(rng.choice([0, 1, 2, 5, 17, 63, 64, 65, 130]))]
    fields = {"id": FieldSpec(WHOLE, nullable=False), **{name: FieldSpec(kind) for name, (kind, _) in TYPES.items()}}
    schema = Schema("c", {"c": Table(fields, ("id",))})
    frame = pl.DataFrame(rows, schema={"id": pl.Int64(), **{name: dtype for name, (_, dtype) in TYPES.items()}})
    data = sk.Dataset({"c": frame}, schema)
    found = []
    for _ in range(conditions):
        wanted = condition(rng)
        choose = 'choose class "low" when whole < 0 "high" when whole > 1'
        text = f"{choose} segment answer when {'not ' if rng.random() < 0.3 else ''}({wanted})"
        tree, mistakes = check([parse(text, "rules.seg", 0, sk.Limits())[0]], schema)
        assert tree is not None, (text, mistakes)
        rules: Rules = sk.compile(text, schema)
        try:
            oracle: object = Oracle(tree, schema, {"c": rows}, int(NOON.timestamp()) * 10**9).segment("answer")
        except OracleOverflow:
            oracle = "overflow"
        try:
            kernel: object = rules.only("answer").evaluate(data, as_of=NOON)["answer"].to_list()
        except sk.DataError:
            kernel = "overflow"
        if oracle != kernel:
            found.append(f"seed {seed}: {text}\n{oracle}\n{kernel}")
    return found


@pytest.mark.parametrize("seed", range(40))
def test_random_accounts_stand_where_the_plain_evaluator_puts_them(seed: int) -> None:
    assert differences(seed) == []


@pytest.mark.long
def test_many_random_accounts_stand_where_the_plain_evaluator_puts_them() -> None:
    assert [each for seed in range(40, 2000) for each in differences(seed)] == []


def test_each_distinct_statistic_is_made_once() -> None:
    schema = Schema("c", {"c": Table({"id": FieldSpec(WHOLE), "x": FieldSpec(WHOLE), "g": FieldSpec(TEXT)}, ("id",))})
    text = "".join(f"segment s{number} when x > avg(x over g) + {number} and top(10%, x over g)\n" for number in range(200))
    program = sk.compile(text, schema).program()
    assert len(program.calls) == 2
    assert [len(stage.outputs) for stage in program.stages] == [2]
