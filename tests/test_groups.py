"""Aggregates of all rows of an owner at once, held against the plain evaluator where groups are large and numbers extreme."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel.kernel.compilation import JIT, njit
from segkernel.kernel.groups import sum_of
from segkernel.oracle import Oracle

AS_OF = datetime(2026, 1, 15, tzinfo=UTC)
LINKS = {"rows": {"owner": ("owners", "owner_id")}}
FLOATS = [0.0, -0.0, 1.0, -1.5, 1e308, -1e308, 1.7e308, float("inf"), float("-inf"), 5e-324, 1e200, 3e-170, float("nan"), None]
WHOLES = [0, 1, -1, (1 << 63) - 1, -(1 << 63), None]
COMMON = [f"{name}(rows.{field})" for name, fields in (("distinct", "xns"), ("median", "xn"), ("stddev", "xn")) for field in fields]
CHOSEN = ["first(rows.n by x)", "last(rows.n by x)", "first(rows.x by n)", "last(rows.s by n)", "last(rows.id by k)", "first(rows.id by k)"]
CALCULATED = ["median(n * 1000000000000.0 for rows)", "median(n * 100000000000.00 for rows)", "stddev(n * 10.5 for rows)"]


def _sums(a: int, a_low: Any, b: int, b_low: Any) -> Any:
    return sum_of(a, a_low, b, b_low)


sums = njit(_sums) if JIT else lambda *parts: sum_of(*(int(part) for part in parts))


def tables(seed: int, owners: int, rows: int) -> dict[str, pl.DataFrame]:
    """Rows in any order, a quarter of them the first owner's, with keys that are not in their order."""
    rng = Random(seed)
    keys = list(range(rows))
    rng.shuffle(keys)
    few = rng.random() < 0.5
    found = {
        "id": keys,
        "owner_id": [0 if rng.random() < 0.25 else rng.randrange(owners) for _ in range(rows)],
        "x": [rng.choice(FLOATS) if few else rng.gauss(0.0, 10.0) for _ in range(rows)],
        "n": [rng.choice(WHOLES) if rng.random() < 0.3 else rng.randrange(-50, 50) for _ in range(rows)],
        "k": [rng.choice([1, 2, 3, None]) for _ in range(rows)],
        "s": [rng.choice(["a", "b", "ä", "", None]) for _ in range(rows)],
    }
    types = {"x": pl.Float64, "n": pl.Int64, "k": pl.Int64, "s": pl.String}
    return {"owners": pl.DataFrame({"owner_id": range(owners)}), "rows": pl.DataFrame(found, schema_overrides=types)}


def answers(frames: dict[str, pl.DataFrame], rules_text: str, key: bool) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """What the kernel says and what the oracle says."""
    schema = sk.Dataset(frames, root="owners", key="owner_id", links=LINKS).schema
    if key:
        text = '[project]\nroot = "owners"\n[tables.owners]\nkey = "owner_id"\n[tables.rows]\nkey = "id"\n[tables.rows.links]\n'
        schema = sk.Dataset(frames, sk.Schema.parse(text + 'owner = { table = "owners", by = "owner_id" }\n')).schema
    data = sk.Dataset(frames, schema)
    rules = sk.compile(rules_text, data.schema)
    result = rules.evaluate(data, as_of=AS_OF)
    oracle = Oracle(rules.checked, data.schema, {name: frame.to_dicts() for name, frame in frames.items()}, int(AS_OF.timestamp()) * 10**9)
    return {name: result[name].to_list() for name in rules.names}, {name: oracle.segment(name) for name in rules.names}


@pytest.mark.parametrize("key", [True, False], ids=["by key", "by table"])
@pytest.mark.parametrize("seed", range(6))
def test_kernel_and_oracle_agree_on_large_groups_and_extreme_numbers(seed: int, key: bool) -> None:
    frames = tables(seed, 7, 400)
    rng = Random(seed)
    lines = []
    for number, form in enumerate([*COMMON, *CHOSEN, *CALCULATED]):
        bounds = ['""', '"a"'] if "rows.s by" in form else ["0", "3", "17.5", "-1.25", "28.8675", "1e30"]
        lines.append(f"segment missing{number} when {form} is missing")
        lines += [f"segment s{number}_{k} when {form} {rng.choice(['<', '>=', '='])} {bound}" for k, bound in enumerate(bounds)]
    # two ways to the same number, which agree to the last bit only if both do what is written
    lines.append("segment same when stddev(rows.x) = stddev(x * 1.0e0 for rows) and median(rows.n) = median(n + 0 for rows)")
    got, wanted = answers(frames, "\n".join(lines) + "\n", key)
    assert got == wanted


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_two_wide_numbers_is_the_nearest_float_even_beyond_128_bits(seed: int) -> None:
    rng = Random(seed)
    edges = [(1 << 127) - 1, -(1 << 127), (1 << 127) - (1 << 74) + 1, 0, -1, 1 << 126]
    pairs = [(a, b) for a in edges for b in edges]
    pairs += [tuple(rng.randrange(-(1 << 127), 1 << 127) >> rng.choice([0, 0, 1, 60]) for _ in range(2)) for _ in range(200)]
    for a, b in pairs:
        high, low = (a >> 64, b >> 64), (a & (1 << 64) - 1, b & (1 << 64) - 1)
        assert sums(high[0], np.uint64(low[0]), high[1], np.uint64(low[1])) == float(a + b)


def test_the_bits_of_a_deviation() -> None:
    frames = tables(1, 5, 300)
    rng = Random(9)
    frames["rows"] = frames["rows"].with_columns(x=pl.Series([rng.uniform(-1.0, 1.0) for _ in range(300)]))
    schema = sk.Dataset(frames, root="owners", key="owner_id", links=LINKS).schema
    oracle_rules = sk.compile("let d = stddev(rows.x) let m = median(rows.x) segment a when d > 0 and m > 0", schema)
    rows = {name: frame.to_dicts() for name, frame in frames.items()}
    oracle = Oracle(oracle_rules.checked, schema, rows, 0)
    lines = []
    for owner in range(5):
        for function, name in (("stddev", "d"), ("median", "m")):
            value = oracle.named(name, oracle.account(owner))
            lines.append(f"segment {name}{owner} when {function}(rows.x) = {value!r}")
    result = sk.compile("\n".join(lines), schema).evaluate(sk.Dataset(frames, schema), as_of=AS_OF)
    assert all(result[f"{name}{owner}"].to_list()[owner] for owner in range(5) for name in "dm")


KEYED = """
[project]
root = "owners"
[tables.owners]
key = "owner_id"
[tables.rows]
key = "id"
[tables.rows.fields]
id = { type = "whole number" }
n = { type = "whole number" }
k = { type = "whole number" }
x = { type = "number" }
owner_id = { type = "whole number" }
[tables.rows.links]
owner = { table = "owners", by = "owner_id" }
[tables.owners.fields]
owner_id = { type = "whole number" }
"""


def test_what_decides_between_equal_times_is_read() -> None:
    schema = sk.Schema.parse(KEYED)
    last = sk.compile("segment a when last(rows.n by k) = 1", schema)
    assert last.inputs == {"owners": ("owner_id",), "rows": ("owner_id", "id", "n", "k")}
    assert "id" not in sk.compile("segment a when sum(rows.n) = 1", schema).inputs["rows"]
    assert last.fingerprint != sk.compile("segment a when last(rows.n by x) = 1", schema).fingerprint
