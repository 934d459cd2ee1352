"""Rules as a service holds them: exact inputs, lazy tables, many rule sets, many datasets, and nothing that piles up."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

import segkernel as sk
import segkernel.rules
from segdsl.project import type_of
from segdsl.schema import FieldSpec, Schema, Table
from tests.strategies import Case, random_case

AS_OF = "2026-01-15T12:00Z"
SETTINGS = """
[project]
root = "customers"
timezone = "Europe/Berlin"
[tables.customers]
key = "id"
links.company = { table = "companies", by = "company_id" }
[tables.customers.fields]
id = { type = "whole number" }
company_id = { type = "whole number" }
country = { type = "text", column = "COUNTRY" }
score = { type = "decimal(1)" }
unread = { type = "text", missing = "never" }
[tables.companies]
key = "id"
links.region = { table = "regions", by = ["land", "part"] }
[tables.companies.fields]
id = { type = "whole number" }
land = { type = "text" }
part = { type = "whole number" }
size = { type = "whole number" }
[tables.regions]
key = ["land", "part"]
[tables.regions.fields]
land = { type = "text" }
part = { type = "whole number" }
name = { type = "text" }
[tables.orders]
key = "id"
event_time = "at"
links.customer = { table = "customers", by = "customer_id" }
[tables.orders.fields]
id = { type = "whole number" }
customer_id = { type = "whole number" }
total = { type = "number" }
at = { type = "timestamp" }
[tables.lines]
links.order = { table = "orders", by = "order_id" }
[tables.lines.fields]
order_id = { type = "whole number" }
sku = { type = "text" }
"""
SCHEMA = Schema.parse(SETTINGS)
DAY = datetime(2026, 1, 1)
FRAMES = {
    "customers": pl.DataFrame(
        {"id": [1, 2, 3], "company_id": [7, 8, None], "COUNTRY": ["DE", "NL", None], "score": [1.5, 2.5, 0.0], "unread": ["a", "b", "c"]}
    ),
    "companies": pl.DataFrame({"id": [7, 8], "land": ["X", "Y"], "part": [1, 2], "size": [10, 20]}),
    "regions": pl.DataFrame({"land": ["X", "Y"], "part": [1, 2], "name": ["north", "south"]}),
    "orders": pl.DataFrame({"id": [1, 2, 3], "customer_id": [1, 1, 2], "total": [5.0, 6.0, 7.0], "at": [DAY, DAY, datetime(2027, 1, 1)]}),
    "lines": pl.DataFrame({"order_id": [1, 2, 3], "sku": ["a", "b", "a"]}),
}
INPUTS: list[tuple[str, dict[str, tuple[str, ...]], list[bool]]] = [
    ("segment s when true", {"customers": ("id",)}, [True, True, True]),
    ('segment s when country = "DE"', {"customers": ("id", "COUNTRY")}, [True, False, False]),
    ("let unused = score\nsegment s when id > 1", {"customers": ("id",)}, [False, True, True]),
    ("segment s when company.size > 10", {"customers": ("id", "company_id"), "companies": ("id", "size")}, [False, True, False]),
    (
        'segment s when company.region.name = "north"',
        {"customers": ("id", "company_id"), "companies": ("id", "land", "part"), "regions": ("land", "part", "name")},
        [True, False, False],
    ),
    ("segment s when any(orders)", {"customers": ("id",), "orders": ("customer_id", "at")}, [True, False, False]),
    (
        "segment s when sum(orders.total where id > 1) > 0",
        {"customers": ("id",), "orders": ("customer_id", "id", "total", "at")},
        [True, False, False],
    ),
    (
        "segment s when count(lines) = 2",
        {"customers": ("id",), "orders": ("customer_id", "id", "at"), "lines": ("order_id",)},
        [True, False, False],
    ),
    (
        "segment s when any(lines where order.customer.company.size = 10)",
        {
            "customers": ("id", "company_id"),
            "companies": ("id", "size"),
            "orders": ("customer_id", "id", "at"),
            "lines": ("order_id",),
        },
        [True, False, False],
    ),
    (
        "segment s when count(company.customers) = 1",
        {"customers": ("id", "company_id"), "companies": ("id",)},
        [True, True, False],
    ),
    ('choose tier "a" when score > 2 otherwise "b"\nsegment s when tier = "a"', {"customers": ("id", "score")}, [False, True, False]),
]


def only(frames: dict[str, pl.DataFrame], inputs: dict[str, tuple[str, ...]]) -> dict[str, pl.DataFrame]:
    return {name: frames[name].select(columns) for name, columns in inputs.items()}


@pytest.mark.parametrize(("text", "inputs", "wanted"), INPUTS, ids=[each[0] for each in INPUTS])
def test_inputs_are_what_is_read_nothing_more_and_nothing_less(text: str, inputs: dict[str, tuple[str, ...]], wanted: list[bool]) -> None:
    rules = sk.compile(text, SCHEMA).only("s")
    found = rules.inputs
    assert {name: set(columns) for name, columns in found.items()} == {name: set(columns) for name, columns in inputs.items()}
    assert all(len(set(columns)) == len(columns) for columns in found.values())
    for schema in (SCHEMA, sk.Dataset(FRAMES, SCHEMA).schema):
        assert rules.evaluate(sk.Dataset(only(FRAMES, found), schema), AS_OF)["s"].to_list() == wanted
    missing_any(rules, FRAMES, SCHEMA, AS_OF)


def missing_any(rules: sk.Rules, frames: dict[str, pl.DataFrame], schema: Schema, as_of: Any) -> None:
    """Without any one of its inputs, an evaluation is refused, and the table is named."""
    inputs = rules.inputs
    for table, columns in inputs.items():
        for column in columns:
            fewer = only(frames, inputs)
            fewer[table] = fewer[table].drop(column)
            with pytest.raises(sk.DataError, match=rf"^{table} has no column {column}[ ;,]"):
                rules.evaluate(sk.Dataset(fewer, schema), as_of)


@pytest.mark.parametrize("first", range(90_000, 90_040, 10))
def test_inputs_of_random_rules_are_exact(first: int) -> None:
    for seed in range(first, first + 10):
        case = random_case(seed, "tiny", 3)
        schema = pinned(case)
        rules = sk.compile(case.rules_text, schema)
        if not rules.names:
            continue
        one = rules.only(Random(seed).choice(rules.names))
        for each in (rules, one):
            wanted = answered(each, sk.Dataset(case.frames, schema), case)
            assert answered(each, sk.Dataset(only(case.frames, each.inputs), schema), case) == wanted, (seed, case.rules_text)
        assert all(set(columns) <= set(rules.inputs[table]) for table, columns in one.inputs.items())
        if isinstance(wanted, list):
            missing_any(one, case.frames, schema, case.as_of)


def pinned(case: Case) -> Schema:
    """The schema of a case with the types of its data pinned, as a service has it that compiles rules before it reads data."""
    found = sk.Dataset(case.frames, case.schema).schema
    tables = {
        name: Table(
            {called: FieldSpec(spec.type, spec.column, pinned=True, single=spec.single) for called, spec in table.fields.items()},
            table.key,
            table.links,
            event_time=table.event_time,
        )
        for name, table in found.tables.items()
    }
    return Schema(found.root, tables, found.timezone)


def answered(rules: sk.Rules, data: sk.Dataset, case: Case) -> list[list[Any]] | str:
    try:
        result = rules.evaluate(data, case.as_of)
    except sk.DataError as error:
        if "leaves its range" not in str(error):
            raise
        return "overflow"
    return [result[name].to_list() for name in rules.names]


# ---- lazy tables


class Watched:
    """A frame behind a lazy one that writes down which columns are collected each time."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.collected: list[list[str]] = []
        self.frame = frame

    def source(self) -> pl.LazyFrame:
        def rows(columns: list[str] | None, predicate: Any, count: int | None, batch: int | None) -> Any:
            self.collected.append(list(columns if columns is not None else self.frame.columns))
            yield self.frame if columns is None else self.frame.select(columns)

        return register_io_source(rows, schema=self.frame.schema)


def test_only_the_inputs_of_lazy_tables_are_collected_and_once() -> None:
    watched = {name: Watched(frame) for name, frame in FRAMES.items()}
    data = sk.Dataset({name: each.source() for name, each in watched.items()}, SCHEMA)
    assert not any(each.collected for each in watched.values())
    assert repr(data).startswith("Dataset(customers: not read yet, companies: not read yet")
    text = 'segment s when country = "DE" and any(orders where total > 5)'
    sets = [sk.compile(text.replace("5", str(number)), data.schema) for number in range(5)]
    for rules in sets:
        assert rules.evaluate(data, AS_OF)["s"].to_list() == [True, False, False]
    assert {name: [sorted(columns) for columns in each.collected] for name, each in watched.items()} == {
        "customers": [["COUNTRY", "id"]],
        "orders": [["at", "customer_id", "total"]],
        "companies": [],
        "regions": [],
        "lines": [],
    }
    assert data.rows == 3
    assert sk.compile("segment t when score > 2", data.schema).evaluate(data, AS_OF)["t"].to_list() == [False, True, False]
    assert [sorted(columns) for columns in watched["customers"].collected[1:]] == [["COUNTRY", "id", "score"]]
    assert len(watched["orders"].collected) == 1


def test_a_column_that_no_rule_reads_is_never_calculated() -> None:
    def poison(series: pl.Series) -> pl.Series:
        raise AssertionError("nobody reads this")

    lazy = FRAMES["customers"].lazy().with_columns(bad=pl.col("score").map_batches(poison, return_dtype=pl.Float64))
    data = sk.Dataset({"customers": lazy}, root="customers", key="id")
    assert sk.compile('segment s when COUNTRY = "DE"', data.schema).evaluate(data, AS_OF)["s"].to_list() == [True, False, False]
    with pytest.raises(AssertionError, match="nobody reads this"):
        sk.compile("segment s when bad > 1", data.schema).evaluate(data, AS_OF)


def test_what_a_result_was_made_from_are_the_inputs_alone(tmp_path: Path) -> None:
    watched = Watched(FRAMES["customers"])
    data = sk.Dataset({"customers": watched.source()}, root="customers", key="id")
    result = sk.compile('segment s when COUNTRY = "DE"', data.schema).evaluate(data, AS_OF)
    result.save(tmp_path / "result.parquet")
    assert [sorted(columns) for columns in watched.collected] == [["COUNTRY", "id"]]
    more = FRAMES["customers"].with_columns(new=pl.lit(1), score=pl.lit(0.0))
    other = sk.Dataset({"customers": more}, root="customers", key="id")
    again = sk.compile('segment s when COUNTRY = "DE"', other.schema).evaluate(other, AS_OF)
    assert again.fingerprints == result.fingerprints
    changed = sk.Dataset({"customers": more.with_columns(COUNTRY=pl.lit("DE"))}, root="customers", key="id")
    assert (
        sk.compile('segment s when COUNTRY = "DE"', changed.schema).evaluate(changed, AS_OF).fingerprints.data != result.fingerprints.data
    )


def test_a_scan_of_files_reads_the_columns_of_the_inputs(tmp_path: Path) -> None:
    for name, frame in FRAMES.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    tables = {name: pl.scan_parquet(tmp_path / f"{name}.parquet") for name in FRAMES}
    data = sk.Dataset(tables, SCHEMA)
    for name in ("regions", "lines"):
        (tmp_path / f"{name}.parquet").unlink()  # nobody reads them
    for text, _, wanted in INPUTS:
        if "region" not in text and "lines" not in text:
            assert sk.compile(text, data.schema).evaluate(data, AS_OF)["s"].to_list() == wanted
    with pytest.raises(sk.DataError, match=r"^lines cannot be read: "):
        sk.compile("segment s when any(lines)", data.schema).evaluate(data, AS_OF)


def test_lazy_and_eager_tables_answer_alike() -> None:
    for seed in range(91_000, 91_010):
        case = random_case(seed, "small", 5)
        rules = sk.compile(case.rules_text, sk.Dataset(case.frames, case.schema).schema)
        eager, lazy = (
            sk.Dataset(tables, case.schema) for tables in (case.frames, {name: each.lazy() for name, each in case.frames.items()})
        )
        assert answered(rules, lazy, case) == answered(rules, eager, case)
        assert lazy.fingerprint(rules.inputs) == eager.fingerprint(rules.inputs)


def test_a_lazy_table_whose_rows_come_in_another_order_is_refused() -> None:
    turns = iter([False, True, True])

    def turned(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.reverse() if next(turns) else frame

    lazy = FRAMES["customers"].lazy().map_batches(turned, projection_pushdown=False)
    data = sk.Dataset({"customers": lazy}, root="customers", key="id")
    sk.compile('segment s when COUNTRY = "DE"', data.schema).evaluate(data, AS_OF)
    with pytest.raises(sk.DataError, match="customers gives other rows, or another order of them, than when it was first read"):
        sk.compile("segment s when score > 2", data.schema).evaluate(data, AS_OF)
    assert sk.compile('segment s when COUNTRY = "NL"', data.schema).evaluate(data, AS_OF).count("s") == 1


def test_keys_and_promises_of_lazy_tables_are_checked_when_they_are_read() -> None:
    twice = pl.DataFrame({"id": [1, 1], "x": [1, None]}).lazy()
    data = sk.Dataset({"c": twice}, root="c", key="id")
    for _ in range(2):
        with pytest.raises(sk.DataError, match=r"^c has 2 rows whose key \(id\) is not unique: 1$"):
            sk.compile("segment s when x = 1", data.schema).evaluate(data, AS_OF)
    spec = FieldSpec(type_of("whole number"), pinned=True, never_missing=True, nullable=False)  # type: ignore[arg-type]
    schema = Schema("c", {"c": Table({"x": spec}, ("id",))})
    data = sk.Dataset({"c": pl.LazyFrame({"id": [1, 2], "x": [1, None]})}, schema)
    for _ in range(2):
        with pytest.raises(sk.DataError, match=r'^c\.x has 1 missing value \(id 2\), but the schema says missing = "never"$'):
            sk.compile("segment s when x = 1", schema).evaluate(data, AS_OF)
    assert sk.compile("segment s when id = 1", data.schema).evaluate(data, AS_OF).count("s") == 1


# ---- one rule set, many datasets; many rule sets, one dataset


def test_one_rule_set_answers_alike_over_other_physical_types() -> None:
    values = {"id": [3, 1, 2], "n": [5, None, 7], "t": ["a", None, "b"], "at": [DAY, None, datetime(2025, 6, 1)]}
    money = [Decimal("1.50"), None, Decimal("2.25")]
    texts: list[Any] = [pl.String, pl.Categorical, pl.Enum(["b", "a", "z"])]
    wholes: list[Any] = [pl.Int64, pl.Int8, pl.UInt32, pl.Int128]
    rules = None
    for turn in range(12):
        whole, text, unit = wholes[turn % 4], texts[turn % 3], ("ms", "us", "ns")[turn // 4]
        root = pl.DataFrame(
            [
                pl.Series("id", values["id"], dtype=wholes[(turn + 1) % 4]),
                pl.Series("n", values["n"], dtype=whole),
                pl.Series("t", values["t"], dtype=text),
                pl.Series("at", values["at"], dtype=pl.Datetime(unit, "UTC")),
                pl.Series("m", money, dtype=pl.Decimal(9 if turn % 2 else 38, 2)),
            ]
        )
        if turn % 5 == 4:
            root = pl.concat([root[:1], root[1:]], rechunk=False)
        rows = root.rename({"id": "owner"})
        data = sk.Dataset({"c": root, "o": rows}, root="c", key="id", links={"o": {"c": ("c", "owner")}})
        rules = rules or sk.compile(
            'segment a when n = 5 and t = "a" and m = 1.5\nsegment b when sum(o.m) > 2 and at in 2025\n'
            'segment c when any(o where t != "a" and at before 2025-12-31 and c.n = n)',
            data.schema,
        )
        result = rules.evaluate(data, AS_OF)
        assert [result[name].to_list() for name in "abc"] == [[True, False, False], [False, False, True], [False, False, True]]


def test_rules_are_checked_and_linked_once_for_a_dataset_of_another_width(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = Schema.parse(
        '[project]\nroot = "c"\n[tables.c]\nkey = "id"\n[tables.c.fields]\nid = { type = "whole number" }\nx = { type = "number" }'
    )
    rules = sk.compile("segment s when x = 0.1", schema)
    checked: list[Schema] = []
    examine = segkernel.rules.examine
    monkeypatch.setattr(segkernel.rules, "examine", lambda *given: (checked.append(given[1]), examine(*given))[1])
    for dtype, times in ((pl.Float64, 0), (pl.Float32, 1)):
        data = sk.Dataset({"c": pl.DataFrame([pl.Series("id", [1, 2]), pl.Series("x", [0.1, 0.2], dtype=dtype)])}, schema)
        for _ in range(3):
            assert rules.evaluate(data, AS_OF)["s"].to_list() == [True, False]
        assert len(checked) == times


def test_many_threads_ask_one_lazy_dataset() -> None:
    watched = {name: Watched(frame) for name, frame in FRAMES.items()}
    data = sk.Dataset({name: each.source() for name, each in watched.items()}, SCHEMA)
    texts = [f"segment s when score > {number % 2} and count(orders where total > {number % 3}) > 0" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: sk.compile(text, data.schema).evaluate(data, AS_OF)["s"].to_list(), texts))
    assert found == [[True, False, False]] * len(texts)
    assert [len(watched[name].collected) for name in ("customers", "orders", "lines")] == [1, 1, 0]


def test_using_other_params_leaves_the_first_rules_as_they_are() -> None:
    data = sk.Dataset(FRAMES, SCHEMA)
    rules = sk.compile("param least = 2\nsegment s when score > least\nsegment t when id > 1", data.schema)
    other = rules.using(params={"least": 1}).only("s")
    assert (rules.evaluate(data, AS_OF).count("s"), other.evaluate(data, AS_OF).count("s")) == (1, 2)
    assert rules.using(params={"least": 1}).only("s").inputs == {"customers": ("id", "score")}
    assert (other.names, rules.names) == (("s",), ("s", "t"))
    assert other.using(params={"least": 0}).names == ("s",)


# ---- nothing piles up


def test_rules_that_come_and_go_leave_nothing_behind() -> None:
    data = sk.Dataset(FRAMES, SCHEMA)

    def turn(number: int) -> weakref.ref[sk.Rules]:
        rules = sk.compile(f'segment s when score > {number} and any(orders where total > {number}) or country = "{number}"', data.schema)
        rules.evaluate(data, AS_OF, unknowns=True).counts()
        return weakref.ref(rules)

    def held() -> tuple[int, int]:
        gc.collect()
        return len(gc.get_objects()), len(data._made)

    for number in range(5):
        turn(number)
    before = held()
    gone = [turn(number) for number in range(60)]
    after = held()
    assert after[1] == before[1]
    assert abs(after[0] - before[0]) < 200
    assert not any(each() for each in gone)


def test_rules_do_not_keep_data_alive() -> None:
    data = sk.Dataset({name: frame.lazy() for name, frame in FRAMES.items()}, SCHEMA)
    rules = sk.compile("segment s when score > 1 and any(orders where total > 5)", data.schema)
    for number in range(3):
        fresh = sk.Dataset({name: frame.lazy() for name, frame in FRAMES.items()}, SCHEMA)
        assert rules.evaluate(fresh, AS_OF).count("s") == 1
        gone = weakref.ref(fresh)
        del fresh
        gc.collect()
        assert gone() is None, number
