"""Batches of accounts with the rows that are theirs: the same answers, numbers, fingerprints and errors as with all in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel.batches import Whole
from segkernel.membership import Membership, joined
from segkernel.stream import Stream
from segkernel.tally import Total
from tests.random_hosts import HOSTS
from tests.strategies import Case, nanoseconds, random_case

AS_OF = "2026-01-15T12:00Z"
AS_OF_NS = 1_768_478_400 * 10**9


def streamed(rules: sk.Rules, frames: Mapping[str, pl.DataFrame], schema: sk.Schema, size: int, as_of_ns: int = AS_OF_NS) -> dict[str, Any]:
    """All that a stream tells, comparable with `whole`."""
    total, parts = Total(), []
    lazy = {name: frame.lazy() for name, frame in frames.items()}
    for part in Stream(rules, lazy, schema, memory=1 << 30, size=size).memberships(as_of_ns, unknowns=True):
        total.add(part.tally)
        parts.append(part)
    tally = total.tally()
    assert all(part.accounts == size for part in parts[:-1])
    return told(joined(parts), tally)


def told(result: Membership, tally: Any) -> dict[str, Any]:
    return {
        "answers": result.frame().to_dict(as_series=False),
        "counts": tally.counts().rows(),
        "orphans": tally.orphans,
        "prints": tally.fingerprints,
        "population": [(each.text, each.frame.to_dict(as_series=False)) for each in tally.population],
    }


def whole(rules: sk.Rules, data: sk.Dataset, as_of: Any = AS_OF) -> dict[str, Any]:
    result = rules.evaluate(data, as_of, unknowns=True)
    return told(result, result.tally)


SCHEMA = """
[project]
root = "customers"
[tables.customers]
key = "id"
[tables.customers.links]
company = { table = "companies", by = "company_id" }
[tables.companies]
key = "cid"
[tables.orders]
key = "no"
[tables.orders.links]
customer = { table = "customers", by = "customer_id" }
[tables.lines.links]
order = { table = "orders", by = "order_no" }
product = { table = "products", by = "sku" }
[tables.products]
key = "sku"
"""
RULES = """
let spent = sum(orders.total)
segment spender when spent > 500 and company.name != "c2"
segment ahead when rank(spent over all) <= 7
segment grouped when spent > avg(spent over company.name) or sum(score over company.cid) > 40
segment named when percentile(score over name) >= 50
segment nested when rank(rank(spent over score) over all) <= 5
segment buyer when sum(lines.quantity where product.kind = "a") >= 3 and count(orders) >= 2
segment late when last(orders.status by total) = "paid" or max(count(lines per sku)) >= 2
segment guest when any(orders where total > customer.score * 100)
choose tier "gold" when ntile(10, spent over all) = 10 "silver" when spent > 300
collect topics "x" when score > 2 "y" when any(lines where order.status = "open")
"""


def shop(accounts: int, order: str, key: str = "whole", orders: int | None = None) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(accounts)
    count = 3 * accounts if orders is None else orders
    ids = np.arange(accounts) * 7
    owner = np.sort(rng.integers(0, max(1, accounts), count)) * 7
    customer = pl.Series("customer_id", owner, dtype=pl.Int64)
    if order == "with orphans and missing links":
        odd = rng.random(count)
        customer = pl.select(pl.when(pl.Series(odd < 0.1)).then(None).when(pl.Series(odd < 0.3)).then(-1).otherwise(customer)).to_series()
        customer = customer.alias("customer_id")
    elif order == "only orphans":
        customer = pl.Series("customer_id", np.full(count, -5))
    frames = {
        "customers": pl.DataFrame(
            {
                "id": ids,
                "score": pl.Series([None if n % 5 == 0 else n % 4 for n in range(accounts)], dtype=pl.Int64),
                "name": pl.Series([f"n{n * 37 % 11}" if n % 3 else None for n in range(accounts)], dtype=pl.String),
                "company_id": rng.integers(0, 6, accounts),
            }
        ),
        "companies": pl.DataFrame({"cid": np.arange(5), "name": [f"c{n}" for n in range(5)]}),
        "orders": pl.DataFrame(
            {
                "no": np.arange(count) * 3,
                "customer_id": customer,
                "total": rng.integers(0, 400, count),
                "status": pl.Series(["paid", "open", None], dtype=pl.String).gather(rng.integers(0, 3, count)),
            }
        ),
        "lines": pl.DataFrame(
            {
                "order_no": np.sort(rng.integers(0, max(1, count + 2), 2 * count)) * 3,
                "sku": rng.integers(0, 9, 2 * count),
                "quantity": rng.integers(0, 5, 2 * count),
            }
        ),
        "products": pl.DataFrame({"sku": np.arange(8), "kind": ["a", "b"] * 4}),
    }
    if order == "shuffled":
        for name in ("orders", "lines"):
            frames[name] = frames[name][rng.permutation(frames[name].height)]
    if order == "accounts shuffled":
        frames["customers"] = frames["customers"][rng.permutation(accounts)]
    if order == "lines alone shuffled":
        frames["lines"] = frames["lines"][rng.permutation(frames["lines"].height)]
    if key == "text":
        texts = {("customers", "id"), ("orders", "customer_id"), ("orders", "no"), ("lines", "order_no")}
        for table, column in texts:
            frames[table] = frames[table].with_columns(pl.col(column).cast(pl.String))
    return frames


ORDERS = ["sorted", "shuffled", "accounts shuffled", "lines alone shuffled", "with orphans and missing links", "only orphans"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("accounts", "size"), [(0, 64), (1, 64), (64, 64), (65, 64), (260, 64), (1000, 512)])
def test_batches_say_what_all_in_memory_says(order: str, accounts: int, size: int) -> None:
    frames = shop(accounts, order)
    data = sk.Dataset(frames, sk.Schema.parse(SCHEMA))
    rules = sk.compile(RULES, data.schema)
    assert streamed(rules, frames, data.schema, size) == whole(rules, data)


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_keys_of_text(order: str) -> None:
    frames = shop(300, order, "text")
    data = sk.Dataset(frames, sk.Schema.parse(SCHEMA))
    rules = sk.compile(RULES, data.schema)
    assert streamed(rules, frames, data.schema, 64) == whole(rules, data)


def test_tables_without_rows() -> None:
    frames = shop(200, "sorted", orders=0)
    data = sk.Dataset(frames, sk.Schema.parse(SCHEMA))
    rules = sk.compile(RULES, data.schema)
    assert streamed(rules, frames, data.schema, 64) == whole(rules, data)


def said(action: Any) -> Any:
    """What is answered, or what kind of refusal."""
    try:
        return action()
    except Whole:
        return "whole"
    except sk.DataError as error:
        return str(error).split(" (among accounts ")[0]


def of_case(case: Case) -> tuple[Any, Any]:
    """What batches and all in memory say to a random case."""
    data = sk.Dataset(dict(case.frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params, functions=HOSTS)
    found = said(lambda: streamed(rules, case.frames, data.schema, 64, nanoseconds(case.as_of)))
    return found, found if found == "whole" else said(lambda: whole(rules, data, case.as_of))


def without_rows(error: Any) -> Any:
    """An error without the number of the row, which a batch counts from its first, and without what stands before."""
    return error.split(", first in row")[0].split(": ")[-1] if isinstance(error, str) else error


@pytest.mark.parametrize("first", range(7000, 7030, 15))
def test_random_rules_over_random_tables(first: int) -> None:
    told = [of_case(random_case(seed, "medium", whole=True)) for seed in range(first, first + 15)]
    for seed, (found, wanted) in enumerate(told, first):
        assert repr(without_rows(found)) == repr(without_rows(wanted)), seed
    assert sum(isinstance(found, dict) for found, _ in told) >= 4


@pytest.mark.parametrize(
    ("table", "change", "error"),
    [
        ("customers", lambda frame: pl.concat([frame, frame[70:72]]), r"customers has 4 rows whose key \(id\) is not unique: 490, 497"),
        ("customers", lambda frame: frame.with_columns(id=pl.when(pl.col("id") != 700).then("id")), r"1 row without a key .* row 101"),
        ("orders", lambda frame: pl.concat([frame, frame[:1]]), r"orders has 2 rows whose key \(no\) is not unique: 0"),
        ("products", lambda frame: pl.concat([frame, frame[:1]]), r"products has 2 rows whose key \(sku\) is not unique: 0"),
    ],
)
def test_keys_are_checked_over_all_batches(table: str, change: Any, error: str) -> None:
    frames = shop(200, "sorted")
    schema = sk.Dataset(frames, sk.Schema.parse(SCHEMA)).schema
    rules = sk.compile(RULES, schema)
    frames[table] = change(frames[table])
    with pytest.raises(sk.DataError, match=error) as caught:
        streamed(rules, frames, schema, 64)
    with pytest.raises(sk.DataError) as usual:
        whole(rules, sk.Dataset(frames, sk.Schema.parse(SCHEMA)))
    assert str(caught.value).split(" (among accounts ")[0] == str(usual.value)


REFUSED = {
    'sum(company.customers.score) > 3': "the rows of customers are reached from companies, which several accounts share",
    "parent.score > 3": "customers.parent leads from accounts to other accounts",
    "count(orders) > 1 and any(orders where giver.score > 1)": "row 155 of orders leads to different accounts by customer and giver",
}  # fmt: skip


@pytest.mark.parametrize("condition", REFUSED)
def test_rules_that_reach_other_accounts(condition: str) -> None:
    text = SCHEMA.replace('by = "company_id" }', 'by = "company_id" }\nparent = { table = "customers", by = "id", relation = false }')
    text = text.replace('by = "customer_id" }', 'by = "customer_id" }\ngiver = { table = "customers", by = "no", relation = "given" }')
    frames = shop(100, "sorted")
    data = sk.Dataset(frames, sk.Schema.parse(text))
    rules = sk.compile(f"segment s when {condition}", data.schema)
    with pytest.raises(Whole) as caught:
        streamed(rules, frames, data.schema, 64)
    assert str(caught.value) == REFUSED[condition]


def test_a_batch_has_only_its_rows(tmp_path: Path) -> None:
    """Files are left nowhere, and rows of one account stay together whatever the order."""
    frames = shop(500, "shuffled")
    schema = sk.Dataset(frames, sk.Schema.parse(SCHEMA)).schema
    rules = sk.compile("segment s when count(lines) >= 1", schema)
    lazy = {name: frame.lazy() for name, frame in frames.items()}
    parts = Stream(rules, lazy, schema, memory=1 << 30, size=64, folder=tmp_path).memberships(AS_OF_NS)
    next(parts)
    assert any(path.suffix == ".arrow" for path in tmp_path.rglob("*"))
    parts.close()
    assert list(tmp_path.iterdir()) == []


def test_a_stream_of_a_dataset_of_lazy_frames() -> None:
    frames = shop(700, "shuffled")
    schema = sk.Schema.parse(SCHEMA)
    lazy = sk.Dataset({name: frame.lazy() for name, frame in frames.items()}, schema)
    rules = sk.compile(RULES, lazy.schema)
    shares: list[float] = []
    parts = list(rules.stream(lazy, AS_OF, threads=2, progress=shares.append, batch=200, unknowns=True))
    assert [part.accounts for part in parts] == [192, 192, 192, 124]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    data = sk.Dataset(frames, schema)
    wanted = rules.evaluate(data, AS_OF, unknowns=True)
    assert pl.concat([part.frame() for part in parts]).equals(wanted.frame())
    assert parts[-1].orphans == wanted.orphans
    assert parts[-1].fingerprints == wanted.fingerprints
    for memory, batch in ((1 << 30, None), (1 << 80, None), (None, 1 << 80)):
        (whole,) = rules.stream(data, AS_OF, memory=memory, batch=batch)
        assert whole.frame().equals(wanted.frame())


def test_a_stream_wants_what_an_evaluation_wants() -> None:
    data = sk.Dataset(shop(3, "sorted"), sk.Schema.parse(SCHEMA))
    rules = sk.compile("segment s when id > 3", data.schema)
    with pytest.raises(sk.Error, match="threads is a whole number from 1 to 1,024, not 0"):
        rules.stream(data, AS_OF, threads=0)
    with pytest.raises(sk.Error, match=r"data is a sk\.Dataset, not dict"):
        rules.stream(shop(3, "sorted"), AS_OF)  # type: ignore[arg-type]
    with pytest.raises(sk.Error, match="batch is a whole number of accounts, 1 or more, not 0"):
        rules.stream(data, AS_OF, batch=0)
    for memory in ("4GB", 1.5, 0, float("nan")):
        with pytest.raises(sk.Error, match=f"memory is a whole number of bytes, 1 or more, not {memory!r}"):
            rules.stream(data, AS_OF, memory=memory)  # type: ignore[arg-type]


@pytest.mark.parametrize("damaged", ["customers", "orders", "companies"])
def test_rows_that_cannot_be_read(tmp_path: Path, damaged: str) -> None:
    frames = shop(300, "shuffled")
    file = tmp_path / f"{damaged}.parquet"
    frames[damaged].write_parquet(file)
    content = bytearray(file.read_bytes())
    content[4:64] = b"\xff" * 60
    file.write_bytes(content)
    lazy = {name: frame.lazy() for name, frame in frames.items()} | {damaged: pl.scan_parquet(file)}
    data = sk.Dataset(lazy, sk.Schema.parse(SCHEMA))
    rules = sk.compile(RULES, data.schema)
    for ask in (lambda: rules.evaluate(data, AS_OF), lambda: list(rules.stream(data, AS_OF, batch=64))):
        with pytest.raises(sk.DataError, match=f"^{damaged} cannot be read: "):
            ask()


def test_an_overflow_tells_its_batch() -> None:
    frames = shop(200, "sorted")
    big = pl.when(pl.col("id") == 70 * 7).then(2**62).otherwise(1)
    frames["customers"] = frames["customers"].with_columns(score=big)
    schema = sk.Dataset(frames, sk.Schema.parse(SCHEMA)).schema
    rules = sk.compile("segment s when score * score * score * score > 1", schema)
    with pytest.raises(
        sk.DataError, match=r"first in row 7 of customers \(among accounts 65 to 128, whose rows are counted from the first"
    ):
        streamed(rules, frames, schema, 64)
