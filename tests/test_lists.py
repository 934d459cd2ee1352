"""Lists of the data and semi-joins, held against plain sets of Python."""

from __future__ import annotations

import re
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from segkernel.link import link
from segkernel.plan import plan
from segkernel.run import run

AS_OF = "2026-01-15T12:00"
LINKS = {name: {"account": ("accounts", ("id",))} for name in ("bought", "seen")}
FAR = 2**70
KINDS: dict[str, tuple[Any, Any, Any]] = {
    # what may be bought, and the types of what is bought and of what is seen
    "texts": ([f"article {n}" for n in range(150)], pl.String, pl.Categorical),
    "whole numbers": ([*range(-60, 60), -(2**63), 2**63 - 1], pl.Int64, pl.Int64),
    "unsigned numbers": ([*range(90), 2**64 - 1, 2**63], pl.UInt64, pl.UInt64),
    "floats": ([n / 8 for n in range(-40, 40)] + [float("inf")], pl.Float64, pl.Float32),
    "wide decimals": ([Decimal(n * FAR).scaleb(-2) for n in range(-50, 50)] + [Decimal("0.01")], pl.Decimal(38, 2), pl.Decimal(38, 2)),
    "decimals of two scales": ([Decimal(n).scaleb(-1) for n in range(100)], pl.Decimal(18, 1), pl.Decimal(18, 4)),
    "whole numbers and floats": ([*range(-50, 50), 2**53], pl.Int64, pl.Float64),
    "dates": ([n * 86_400_000 for n in range(-40, 40)], pl.Datetime("ms"), pl.Datetime("us", "UTC")),
}


def world(kind: str, seed: int) -> tuple[dict[str, pl.DataFrame], list[tuple[set[Any], list[Any]]]]:
    """Accounts of which some have hundreds of rows, and for each what was bought and what was seen."""
    rng = Random(seed)
    values, left, right = KINDS[kind]
    accounts = rng.choice([1, 600, 1100])
    found: list[tuple[set[Any], list[Any]]] = []
    bought: list[tuple[int, Any]] = []
    seen: list[tuple[int, Any]] = []
    for account in range(accounts):
        have, look = (rng.choice([0, 0, 1, 3, 9, 25, 130 if rng.random() < 0.1 else 2]) for _ in range(2))
        mine = [rng.choice([*values, None]) for _ in range(have)]
        looked = [rng.choice([*values, None]) for _ in range(look)]
        bought += [(account, value) for value in mine]
        seen += [(account, value) for value in looked]
        found.append(({value for value in mine if value is not None}, [value for value in looked if value is not None]))
    rng.shuffle(bought)
    held = pl.Series([[*mine, None] for mine, _ in found], dtype=pl.List(left), strict=False)
    frames = {"accounts": pl.DataFrame({"id": range(accounts), "list": held})}
    for name, rows, dtype in (("bought", bought, left), ("seen", seen, right)):
        whole = pl.Int64 if isinstance(dtype, pl.Datetime) else dtype
        value = pl.Series("value", [value for _, value in rows], dtype=left if dtype == pl.Float32 else whole, strict=False).cast(whole)
        if isinstance(dtype, pl.Datetime):
            value = value.cast(pl.Datetime("ms", dtype.time_zone)).dt.cast_time_unit(dtype.time_unit)
        frames[name] = pl.DataFrame([pl.Series("id", [account for account, _ in rows], dtype=pl.Int64), value.cast(dtype)])
    return frames, found


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_held_against_the_rows_of_the_same_account(kind: str) -> None:
    for seed in range(4):
        frames, found = world(kind, seed)
        data = sk.Dataset(frames, root="accounts", key="id", links=LINKS)
        rules = sk.compile(
            "let have = values(bought.value)\n"
            "segment some when any(seen where value in have)\n"
            "segment other when any(seen where value not in have)\n"
            "segment twice when count(seen where value in have) >= 2\n"
            "segment every when all(value in have for seen)\n"
            "segment listed when any(seen where value in account.list)\n"
            "segment unlisted when any(seen where value not in account.list)\n",
            data.schema,
        )
        wanted = {
            "some": [any(value in have for value in looked) for have, looked in found],
            "other": [any(value not in have for value in looked) for have, looked in found],
            "twice": [sum(value in have for value in looked) >= 2 for have, looked in found],
        }
        wanted["listed"], wanted["unlisted"] = wanted["some"], wanted["other"]
        result = rules.evaluate(data, as_of=AS_OF)
        assert {name: result[name].to_list() for name in wanted} == wanted
        program = plan(rules.checked)
        linked = link(program, data)
        for threads, words in ((1, 8), (3, 16)):
            answers = run(linked, 1_768_478_400 * 10**9, threads=threads, block_words=words)
            assert answers.counts["some"] == sum(wanted["some"])
            assert answers.counts["unlisted"] == sum(wanted["unlisted"])


def shop() -> sk.Dataset:
    accounts = pl.DataFrame({"id": [1, 2, 3, 4], "tags": [["a", None], [], None, ["A", "b"]], "tag": ["a", "a", "a", None], "unread": 1})
    orders = pl.DataFrame({"id": [1, 1, 2], "sku": ["x", "y", "a"], "total": [1, 2, 3], "unread": 1})
    return sk.Dataset(
        {"accounts": accounts, "orders": orders}, root="accounts", key="id", links={"orders": {"account": ("accounts", "id")}}
    )


def test_what_lists_read_is_named() -> None:
    rules = sk.compile(
        "let bought = values(orders.sku where total > 1) segment s when tag in bought or any(orders where account.tags contains sku)",
        shop().schema,
    )
    assert rules.inputs == {"accounts": ("id", "tags", "tag"), "orders": ("id", "sku", "total")}
    assert sk.compile("segment s when tags is missing", shop().schema).inputs == {"accounts": ("id", "tags")}


def test_fingerprints_know_lists() -> None:
    texts = [
        "segment s when tag in tags",
        "segment s when tag in tags ignoring case",
        'segment s when "tag" in tags',
        "segment s when tag in values(orders.sku)",
        "segment s when tag in values(orders.sku where total > 1)",
        "segment s when tag not in tags",
    ]
    prints = [sk.compile(text, shop().schema).fingerprint for text in texts]
    assert len(set(prints)) == len(texts)
    assert sk.compile("segment s when tags contains tag", shop().schema).fingerprint == prints[0]
    named = [f"let {name} = values(orders.sku) segment s when tag in {name}" for name in ("bought", "b")]
    assert len({sk.compile(text, shop().schema).fingerprint for text in named}) == 1


def test_a_program_with_lists_can_be_read() -> None:
    rules = sk.compile('let bought = values(orders.sku) segment s when tag in bought and "a" in tags', shop().schema)
    shown = str(rules.program())
    assert "rows 2: items of tags" in shown
    assert re.search(r"v\d in v\d of rows 1 of the same row of rows 0", shown)
    assert "any of rows 2 where" in shown


def test_lists_of_lazy_frames_and_of_many_chunks() -> None:
    rules = sk.compile("segment s when tag in tags segment t when tag not in tags", shop().schema)
    accounts = pl.DataFrame({"id": [1, 2, 3, 4], "tags": [["a", None], [], None, ["A", "b"]], "tag": ["a", "a", "a", None]})
    several = pl.concat([accounts[:1], accounts[1:3], accounts[3:]], rechunk=False)
    for frame in (accounts.lazy(), several, pl.concat([accounts[3:], accounts])[1:]):
        result = rules.evaluate(sk.Dataset({"accounts": frame}, root="accounts", key="id"), as_of=AS_OF)
        assert (result["s"].to_list(), result["t"].to_list()) == ([True, False, False, False], [False, True, False, False])
