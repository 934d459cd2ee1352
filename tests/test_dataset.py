"""A dataset takes tables as they come, completes the schema, and says exactly what is wrong."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, WHOLE, Type, decimal
from segkernel.data import dataset
from segkernel.data.dataset import Dataset
from segkernel.data.digest import Growing
from segkernel.data.spaces import Chain
from segkernel.errors import DataError, Error, SchemaError

ORDERS = (("orders", "customer"),)


def customers(**more: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": [5, 3, 9], "name": ["a", None, "c"], "score": [0.5, float("nan"), 2.0], **more})


def pinned(type: Type, **more: Any) -> FieldSpec:
    return FieldSpec(type, pinned=True, **more)


def schema(fields: dict[str, FieldSpec] | None = None, **tables: Table) -> Schema:
    return Schema("customers", {"customers": Table(fields=fields or {}, key=("id",)), **tables})


def fails(expected: str, *arguments: Any, kind: type[Error] = DataError, **named: Any) -> None:
    with pytest.raises(kind) as caught:
        Dataset(*arguments, **named)
    assert str(caught.value) == expected


# ---- what it takes


def test_a_notebook_needs_no_schema() -> None:
    orders = pl.DataFrame({"customer_id": [3, 3], "total": [1, 2]})
    data = Dataset(
        {"customers": customers(), "orders": orders},
        root="customers",
        key="id",
        links={"orders": {"customer": ("customers", "customer_id")}},
    )
    assert data.schema.timezone == "UTC"
    assert data.schema.tables["orders"].links == {"customer": Link("customers", ("customer_id",))}
    assert data.rows == 3
    assert data.keys().to_dict(as_series=False) == {"id": [5, 3, 9]}
    assert repr(data) == "Dataset(customers: 3 rows, orders: 2 rows; root customers)"
    assert Dataset({"customers": customers()}, key=["id"]).schema.root == "customers"


class Stream:
    """Nothing but an Arrow stream."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("form", [lambda frame: frame, lambda frame: frame.lazy(), Stream])
def test_frames_lazy_frames_and_arrow_streams(form: Any) -> None:
    data = Dataset({"customers": form(customers())}, key="id")
    name = data.column((), (), "name", "UTC")
    assert (list(name.values or ()), name.codes.tolist()) == (["a", "c"], [1, 0, 2])


def test_a_lazy_frame_is_collected_once_and_keeps_its_order() -> None:
    runs = []

    def seen(frame: pl.DataFrame) -> pl.DataFrame:
        runs.append(frame.height)
        return frame

    ids = list(range(100_000, 0, -1))
    data = Dataset({"customers": pl.LazyFrame({"id": ids}).map_batches(seen).filter(pl.col("id") % 3 != 0)}, key="id")
    data.column((), (), "id", "UTC")
    assert len(runs) == 1
    assert data.keys()["id"].to_list() == [each for each in ids if each % 3]


def test_the_schema_is_completed_from_the_data() -> None:
    frame = customers(tags=[[[1]], [[2]], None], REV=[1.005, 2.0, 3.0], nothing=[None, None, None])
    given = schema({"revenue": pinned(decimal(2), column="REV", unit="EUR"), "name": FieldSpec(WHOLE, label="Name")})
    data = Dataset({"customers": frame, "extra": pl.DataFrame({"x": [1]})}, given)
    table = data.schema.tables["customers"]
    assert {name: (str(spec.type), spec.nullable) for name, spec in table.fields.items()} == {
        "revenue": ("decimal(2)", False),
        "name": ("text", True),
        "id": ("whole", False),
        "score": ("number", True),
        "nothing": ("text", True),
    }
    assert (table.fields["revenue"].unit, table.fields["name"].label) == ("EUR", "Name")
    assert table.unsupported == {"tags": "List(List(Int64))"}
    assert list(data.schema.tables["extra"].fields) == ["x"]
    revenue = data.column((), (), "revenue", "UTC")
    assert [revenue.value(code) for code in revenue.codes.tolist()] == [100, 200, 300]


def test_columns_are_kept_and_made_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    narrow = dataset.narrowing.narrow
    monkeypatch.setattr(dataset.narrowing, "narrow", lambda *given: (made.append(given[3]), narrow(*given))[1])
    data = Dataset({"customers": customers()}, key="id")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(data.column((), (), "name", "UTC"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["customers.name"]
    assert all(each is found[0] for each in found)


@pytest.mark.parametrize("threads", [1, 2])
def test_preparing_on_threads_changes_nothing(threads: int) -> None:
    chance = np.random.default_rng(1)
    orders = pl.DataFrame(
        {"customer_id": chance.choice([5, 3, 9, 77], 500), "total": chance.random(500), "note": chance.integers(0, 9, 500)}
    )
    tables = {"customers": customers(), "orders": orders.with_columns(pl.col("note").cast(pl.String))}
    links = {"orders": {"customer": ("customers", "customer_id")}}
    wanted = [(ORDERS, (), "total", "UTC"), (ORDERS, (), "note", "UTC"), (ORDERS, ("customer",), "name", "UTC"), ((), (), "score", "UTC")]
    calm, busy = (Dataset(tables, root="customers", key="id", links=links) for _ in range(2))
    busy.prepare(wanted, threads)
    for each in wanted:
        one, other = calm.column(*each), busy.column(*each)
        assert one.codes.tobytes() == other.codes.tobytes()
        assert list(one.values or ()) == list(other.values or ())


def test_naive_times_are_kept_per_zone() -> None:
    data = Dataset({"customers": customers(at=[datetime(2026, 1, 1, 12)] * 3)}, key="id")
    berlin, utc = (data.column((), (), "at", zone) for zone in ("Europe/Berlin", "UTC"))
    assert utc.value(1) - berlin.value(1) == 3_600_000_000_000
    assert data.column((), (), "at", "UTC") is utc
    with pytest.raises(SchemaError, match=r'^there is no time zone "Mars/Base"; use a name such as "Europe/Berlin"$'):
        data.column((), (), "at", "Mars/Base")


def test_a_stranger_to_a_closed_list_is_a_warning() -> None:
    data = Dataset({"customers": customers(land=["DE", "XX", "XX"])}, schema({"land": pinned(TEXT, values=("DE", "AT"))}))
    data.column((), (), "land", "UTC")
    assert data.warnings == ['customers.land has a value that its list does not have, in 2 rows: "XX"']


# ---- fingerprints


def test_the_fingerprint_is_of_values_not_of_their_memory() -> None:
    frame = customers(at=[datetime(2026, 1, 1), None, datetime(2026, 1, 2)], flag=[True, None, False])
    pieces = pl.concat([frame.head(1), frame.slice(1)], rechunk=False)
    sliced = pl.concat([frame, frame]).slice(0, 3)
    named = frame.with_columns(pl.col("name").cast(pl.Categorical), pl.col("id").cast(pl.Int16))
    prints = {Dataset({"customers": each}, key="id").fingerprint() for each in (frame, pieces, sliced, named)}
    assert len(prints) == 1
    assert len(prints.pop()) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.reverse(),
        lambda frame: frame.with_columns(pl.col("id") + 1),
        lambda frame: frame.with_columns(name=pl.Series(["a", "", "c"])),
        lambda frame: frame.with_columns(name=pl.Series(["a", "c", None])),
        lambda frame: frame.with_columns(score=pl.Series([0.5, 0.0, 2.0])),
        lambda frame: frame.rename({"name": "title"}),
        lambda frame: frame.head(2),
        lambda frame: frame.with_columns(wide=pl.Series([2**64, 2, 3], dtype=pl.Int128)),
    ],
)
def test_other_values_have_another_fingerprint(change: Any) -> None:
    before, after = (Dataset({"customers": each}, key="id").fingerprint() for each in (customers(), change(customers())))
    assert before != after


@pytest.mark.parametrize(
    "kinds", [(pl.Enum(["a", "b"]), pl.Enum(["b", "a"])), (pl.Categorical(), pl.String()), (pl.Enum(["b", "a"]), pl.Categorical())]
)
def test_a_fingerprint_grows_by_the_same_texts_of_other_types(kinds: tuple[pl.DataType, pl.DataType]) -> None:
    schema = Schema("t", {"t": Table({"name": FieldSpec(TEXT)})})
    pieces = [pl.DataFrame({"name": texts * 32_768}) for texts in (["a", "b"], ["b", "a"], ["a", None])]
    plain, growing = Growing(schema), Growing(schema)
    for piece, kind in zip(pieces, (*kinds, kinds[0]), strict=True):
        plain.add("t", piece)
        growing.add("t", piece.cast(kind))
    assert growing.fingerprint() == plain.fingerprint()


# ---- what it refuses


def test_a_repeated_key() -> None:
    frame = pl.DataFrame({"id": [7, 5, 7, 5, 5, 1]})
    fails("customers has 5 rows whose key (id) is not unique: 7, 5", {"customers": frame}, key="id")
    fails('customers has 2 rows whose key (id) is not unique: "x"', {"customers": pl.DataFrame({"id": ["x", "y", "x"]})}, key="id")
    many = pl.DataFrame({"id": [10**12 * (each // 2) for each in range(20)]})
    fails(
        "customers has 20 rows whose key (id) is not unique: 0, 1000000000000, 2000000000000, 3000000000000, 4000000000000, …",
        {"customers": many},
        key="id",
    )
    two = pl.DataFrame({"shop": ["a", "a", "b"], "no": [1, 1, 1]})
    fails('customers has 2 rows whose key (shop, no) is not unique: ("a", 1)', {"customers": two}, key=["shop", "no"])


def test_a_missing_key() -> None:
    fails("customers has 2 rows without a key (id is missing): rows 2, 3", {"customers": pl.DataFrame({"id": [1, None, None]})}, key="id")
    fails("customers has 1 row without a key (id is missing): row 1", {"customers": pl.DataFrame({"id": [float("nan"), 1.0]})}, key="id")
    fails(
        "customers has 7 rows without a key (id is missing): rows 1, 2, 3, 4, 5, …",
        {"customers": pl.DataFrame({"id": [None] * 7})},
        key="id",
    )


def test_a_link_whose_target_is_not_unique_is_an_error_when_it_is_used() -> None:
    tables = {"customers": customers(firm=[1, 2, 3]), "firms": pl.DataFrame({"firm": [1, 1, 2], "land": ["x", "y", "z"]})}
    data = Dataset(tables, root="customers", key="id", links={"customers": {"company": ("firms", "firm")}})
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            data.column((), ("company",), "land", "UTC")
        assert str(caught.value) == "firms has 2 rows whose key (firm) is not unique: 1"


def test_types_that_do_not_fit() -> None:
    def refuse(expected: str, series: Any, type: Type) -> None:
        fails(expected, {"customers": customers(x=series)}, schema({"x": pinned(type)}))

    refuse("customers.x: expected whole number, found text (String)", ["1", "2", "3"], WHOLE)
    refuse("customers.x: expected whole number, found number (Float64)", [1.0, 2.0, 3.0], WHOLE)
    refuse("customers.x: expected date, found timestamp (Datetime(us, no zone))", [datetime(2026, 1, 1)] * 3, DATE)
    refuse("customers.x: expected number, found list of whole number (List(Int64))", [[1]] * 3, NUMBER)
    refuse("customers.x: expected timestamp, found whole number (Int64)", [1, 2, 3], TIMESTAMP)


def test_missing_tables_and_columns() -> None:
    def notebook(expected: str, key: str = "id", by: str = "x", target: str = "customers") -> None:
        tables = {"customers": customers(), "orders": pl.DataFrame({"x": [1]})}
        fails(expected, tables, root="customers", key=key, links={"orders": {"customer": (target, by)}})

    fails("there is no data for the table customers; given: shops", {"shops": customers()}, schema())
    notebook("customers has no column no, which is its key; it has: id, name, score", key="no")
    notebook("orders has no column at, by which the link customer goes; it has: x", by="at")
    notebook("the link orders.customer leads to a table that is not there: shops; given: customers, orders", target="shops")
    fails(
        "orders.x is its event time: expected date or timestamp, found whole number",
        {"customers": customers(), "orders": pl.DataFrame({"x": [1]})},
        schema(orders=Table(event_time="x")),
    )


def test_what_a_schema_names_may_be_absent_until_it_is_used() -> None:
    given = schema(
        {"land": pinned(TEXT), "revenue": pinned(NUMBER, column="REV"), "firm": pinned(WHOLE)},
        orders=Table(event_time="at", links={"customer": Link("customers", ("customer_id",)), "shop": Link("shops", ("id",))}),
        shops=Table(key=("id",)),
        empty=Table(links={"customer": Link("customers", ("id",))}),
    )
    data = Dataset({"customers": customers(), "orders": pl.DataFrame({"id": [1]}), "shops": pl.DataFrame({"x": [1]})}, given)
    assert data.column((), (), "name", "UTC").missing == 1

    def refuse(expected: str, chain: Chain, path: tuple[str, ...], name: str) -> None:
        for _ in range(2):
            with pytest.raises(DataError) as caught:
                data.column(chain, path, name, "UTC")
            assert str(caught.value) == expected

    refuse("customers has no column land; it has: id, name, score", (), (), "land")
    refuse("customers has no column REV (the field revenue); it has: id, name, score", (), (), "revenue")
    refuse("orders has no column customer_id; it has: id", (("orders", "customer"),), (), "id")
    refuse("there is no data for the table empty; given: customers, orders, shops", (("empty", "customer"),), (), "id")
    with pytest.raises(DataError, match=r"^shops has no column id; it has: x$"):
        data.rows_at((), ("shop",), "orders")
    assert len(data.fingerprint()) == 64


def test_a_key_of_a_type_that_rules_do_not_know() -> None:
    fails("customers.id cannot be a key: its values are of the type List(Int64)", {"customers": pl.DataFrame({"id": [[1]]})}, key="id")


def test_a_lazy_frame_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^customers cannot be read: .*no\.parquet"):
        Dataset({"customers": pl.scan_parquet(tmp_path / "no.parquet")}, key="id")
    with pytest.raises(DataError, match=r'^customers cannot be read: [^\n]*"nothing"[^\n]*$'):
        Dataset({"customers": customers().lazy().select("nothing")}, key="id")


def test_links_written_otherwise() -> None:
    for given in ("customers", ("customers",), ["customers", "id", "x"], 5):
        fails(
            f'the link orders.customer: expected a table and a column, as ("customers", "customer_id"), found {given!r}',
            {"customers": customers(), "orders": customers()},
            root="customers",
            key="id",
            links={"orders": {"customer": given}},
            kind=SchemaError,
        )


def test_links_that_cannot_work() -> None:
    tables = {"customers": customers(), "orders": pl.DataFrame({"x": ["1"], "y": [2]})}

    def refuse(expected: str, link: Link) -> None:
        fails(expected, tables, schema(orders=Table(links={"customer": link})))

    refuse("the link orders.customer leads to a table that is not there: clients; given: customers, orders", Link("clients", ("x",)))
    refuse("the link orders.customer leads to orders, which has no key", Link("orders", ("x",)))
    refuse("the link orders.customer has 2 columns (x, y), the key of customers 1 (id)", Link("customers", ("x", "y")))
    refuse(
        "the link orders.customer cannot work: orders.x is text (String), customers.id is whole number (Int64)", Link("customers", ("x",))
    )


def test_a_missing_value_where_the_schema_says_never() -> None:
    fails(
        'customers.name has 1 missing value (id 3), but the schema says missing = "never"',
        {"customers": customers()},
        schema({"name": FieldSpec(TEXT, never_missing=True)}),
    )
    fails(
        'customers.score has 2 missing values (id 5, 3), but the schema says missing = "never"',
        {"customers": customers(score=[None, float("nan"), 1.0])},
        schema({"score": FieldSpec(NUMBER, never_missing=True)}),
    )


def test_too_little_or_too_much_said() -> None:
    frame = customers()
    fails(
        'say which table is the root, as root="customers"; given: customers, orders',
        {"customers": frame, "orders": frame},
        key="id",
        kind=SchemaError,
    )
    fails('customers needs a key: the column that names its rows, as key="customers_id"', {"customers": frame}, kind=SchemaError)
    fails("give a schema, or root, key and links, not both", {"customers": frame}, schema(), key="id", kind=SchemaError)
    fails(
        'there is no time zone "Mars"; use a name such as "Europe/Berlin"',
        {"customers": frame},
        key="id",
        timezone="Mars",
        kind=SchemaError,
    )
    fails("customers: expected a Polars frame, a lazy frame or an Arrow stream, found list", {"customers": [1]}, key="id")
    fails(
        "customers needs a key: it is the root, and its rows must have names",
        {"customers": frame},
        Schema("customers", {}),
        kind=SchemaError,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_is_refused_before_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset({"customers": customers()}, key="id")
    kept = data.column((), (), "name", "UTC")
    monkeypatch.setattr(dataset.os, "getpid", lambda: -1)
    assert data.column((), (), "name", "UTC") is kept
    for use in (
        lambda: data.column((), (), "score", "UTC"),
        data.fingerprint,
        lambda: Dataset({"customers": customers()}, key="id"),
    ):
        with pytest.raises(Error, match="never answers in a forked process"):
            use()
