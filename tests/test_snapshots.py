"""Memberships in files: read back as they were, readable by others, written whole or not at all."""

from __future__ import annotations

import errno
import gc
import json
import os
import subprocess
import sys
import weakref
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

import segkernel as sk
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal
from segkernel import output
from tests.memberships import AS_OF, membership, tier
from tests.strategies import random_case

ROOT = Path(__file__).parents[1]
NIGHT = membership(
    [30, 10, 20],
    {"vip": [True, False, True], "lost & found": [False, False, True]},
    {"tier": tier("gold", None, "silver"), "price": (decimal(2), (250, -5), [2, 0, 1])},
    unknown={"vip": 1, "lost & found": 0},
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "night.parquet"


def saved(night, path):
    night.save(path)
    return sk.Membership.load(path)


# read back


def test_a_membership_read_back_answers_as_the_one_saved(path):
    found = saved(NIGHT, path)
    assert type(found) is sk.Membership
    assert found.frame().equals(NIGHT.frame())
    assert found.frame().schema == NIGHT.frame().schema
    assert found.counts().equals(NIGHT.counts())
    assert found.long().equals(NIGHT.long())
    assert found.members("vip").to_list() == [30, 20]
    assert found.members("price", "-0.05").to_list() == [30]
    assert found.values("tier") == [("gold", 1), ("silver", 1), (None, 1)]
    assert found["tier"].dtype == pl.Enum(["gold", "silver"])
    assert found.overlap("vip", "lost & found")["both"].to_list() == [1]
    assert list(found.columns("vip")) == ["vip"]
    assert repr(found) == repr(NIGHT)
    for name in ("names", "accounts", "root", "as_of", "as_of_ns", "timezone", "orphans", "fingerprints", "meanings"):
        assert getattr(found, name) == getattr(NIGHT, name), name


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 130, 1000])
def test_every_length_is_read_back(path, rows):
    flags = [row % 3 == 0 for row in range(rows)]
    night = membership(list(range(rows)), {"s": flags, "none": [False] * rows}, {"tier": tier(*["gold"] * rows)})
    found = saved(night, path)
    assert found.frame().equals(night.frame())
    assert found.bits["s"].tolist() == night.bits["s"].tolist()
    assert len(night.changes(since=found)) == 0


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (TEXT, ("gold", "", 'quo"ted', "ünï")),
        (WHOLE, (7, -7)),
        (WHOLE, (2**64 - 1, 0)),
        (WHOLE, (2**64 - 1, -1)),
        (NUMBER, (0.1, 1e300, -0.0)),
        (decimal(2), (125, -5, 10**37)),
        (TRUTH, (True, False)),
        (DATE, (0, 19_000)),
        (TIMESTAMP, (0, AS_OF)),
        (TIMESTAMP, (1, 2)),
        (TEXT, ()),
        (WHOLE, tuple(range(300))),
    ],
)
def test_a_choose_of_every_type_is_read_back(path, type_, values):
    codes = [*range(len(values) + 1)][:250]
    night = membership(list(range(len(codes))), {}, {"c": (type_, values, codes)})
    found = saved(night, path)
    assert found["c"].dtype == night["c"].dtype
    assert found["c"].to_list() == night["c"].to_list()
    assert found.values("c") == night.values("c")
    assert night.changes(since=found).values("c").height == 0


@pytest.mark.parametrize(
    "key",
    [
        pl.Series(["b", "a"], dtype=pl.String),
        pl.Series(["b", "a"], dtype=pl.Categorical),
        pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"])),
        pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
        pl.Series([2**100, -1], dtype=pl.Int128),
        pl.Series([Decimal("1.5"), Decimal("2")], dtype=pl.Decimal(20, 1)),
        pl.Series([datetime(2026, 1, 1), datetime(1950, 1, 1)], dtype=pl.Datetime("ms", "Europe/Berlin")),
        pl.Series([datetime(2026, 1, 1), datetime(1950, 1, 1)]).cast(pl.Date),
        pl.Series([1.5, -0.0]),
    ],
    ids=lambda key: str(key.dtype),
)
def test_a_key_of_every_type_is_read_back_and_matched(path, key):
    night = membership(key.alias("id").to_frame(), {"s": [True, False]})
    found = saved(night, path)
    assert found.keys["id"].to_list() == key.to_list()
    turned = membership(key.reverse().alias("id").to_frame(), {"s": [True, False]}, day=1)
    assert turned.changes(since=found).frame()["change"].to_list() == ["entered", "left"]


def test_a_key_of_two_columns(path):
    keys = pl.DataFrame({"shop": ["a", "a", "b"], "no": [1, 2, 1]})
    assert saved(membership(keys, {"s": [True, False, True]}), path).members("s").rows() == [("a", 1), ("b", 1)]


def test_unknowns_that_were_not_counted_stay_uncounted(path):
    night = membership([1], {"s": [True]})
    assert saved(night, path).unknown("s") is None
    assert saved(night, path).counts().columns == night.counts().columns
    assert saved(NIGHT, path).unknown("vip") == 1


def test_an_evaluation_is_read_back(path):
    customers = pl.DataFrame({"id": [1, 2, 3], "country": ["DE", None, "NL"]})
    orders = pl.DataFrame({"id": [1, 9], "total": [5, 7]})
    data = sk.Dataset(
        {"customers": customers, "orders": orders}, root="customers", key="id", links={"orders": {"customer": ("customers", "id")}}
    )
    rules = sk.compile('segment abroad when country != "DE" choose t "a" when any(orders) otherwise "b"', data.schema)
    result = rules.evaluate(data, as_of="2026-01-15T12:00Z", unknowns=True)
    found = saved(result, path)
    assert found.frame().equals(result.frame())
    assert found.fingerprints == result.fingerprints == sk.Membership.load(path).fingerprints
    assert (found.fingerprints.rules, found.fingerprints.data) == (rules.fingerprint, data.fingerprint(rules.inputs))
    assert found.orphans == {("orders", "customer"): 1}
    assert found.unknown("abroad") == 1


@pytest.mark.parametrize("seed", range(20))
def test_random_rules_are_read_back(path, seed):
    case = random_case(seed)
    data = sk.Dataset(case.frames, case.schema)
    try:
        result = sk.compile(case.rules_text, data.schema).evaluate(data, as_of=case.as_of, threads=1)
    except sk.DataError:
        return  # a number of the random data leaves its range
    found = saved(result, path)
    assert found.frame().equals(result.frame())
    changes = result.changes(since=found)
    assert (len(changes), changes.texts().height, changes.redefined) == (0, 0, ())


def test_the_data_of_a_run_are_let_go_when_it_is_saved(path):
    data = sk.Dataset({"customers": pl.DataFrame({"id": [1]})}, root="customers", key="id")
    result = sk.compile("segment s when id = 1", data.schema).evaluate(data, as_of="2026-01-15")
    kept = weakref.ref(data)
    del data
    result.save(path)
    gc.collect()
    assert kept() is None
    assert result.members("s").to_list() == [1]


def test_a_segment_called_like_the_key_cannot_be_saved(path):
    with pytest.raises(sk.Error, match='"id" is a column of the key and a segment or choose as well'):
        membership([1], {"id": [True]}).save(path)
    assert not path.exists()


# read by others


def test_polars_reads_the_file_alone(path):
    NIGHT.save(path)
    assert pl.read_parquet(path).rows() == [
        (30, True, False, "gold", Decimal("-0.05")),
        (10, False, False, None, None),
        (20, True, True, "silver", Decimal("2.50")),
    ]
    document = json.loads(pl.read_parquet_metadata(path)["segkernel"])
    assert (document["format"], document["segkernel"], document["root"]) == (1, sk.__version__, "customers")
    assert (document["as_of"], document["timezone"]) == ("2026-01-15T12:00:00+01:00", "Europe/Berlin")
    assert document["key"] == ["id"]
    assert document["names"][0] == {"kind": "segment", "name": "vip", "fingerprint": "same", "accounts": 2, "unknown": 1}
    assert document["names"][3] == {
        "kind": "choose",
        "name": "price",
        "fingerprint": "same",
        "type": "decimal(2)",
        "values": [{"value": "2.50", "exact": "250", "accounts": 1}, {"value": "-0.05", "exact": "-5", "accounts": 1}],
        "none": 1,
    }
    assert document["orphans"] == [{"table": "orders", "link": "customer", "rows": 2}]
    assert set(document["fingerprints"]) == {"rules", "schema", "data", "content"}


def test_duckdb_reads_the_file_alone(path):
    NIGHT.save(path)
    with duckdb.connect() as connection:
        rows = connection.execute(f"select id, vip, tier, price from '{path}' where vip").fetchall()
        assert rows == [(30, True, "gold", Decimal("-0.05")), (20, True, "silver", Decimal("2.50"))]
        query = f"select decode(value) from parquet_kv_metadata('{path}') where decode(key) = 'segkernel'"
        (text,) = connection.execute(query).fetchone()
        assert json.loads(text)["accounts"] == 3


# bytes


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    NIGHT.save(path)
    again = tmp_path / "again.parquet"
    saved(NIGHT, path).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_the_bytes_are_the_same_in_another_process_on_other_threads_and_after_other_rules(path):
    code = """
import sys
import polars as pl
import segkernel as sk
customers = pl.DataFrame({"id": list(range(1000)), "n": [row % 7 for row in range(1000)]})
data = sk.Dataset({"customers": pl.concat([customers[:300], customers[300:]], rechunk=sys.argv[2] == "2"),
                   "orders": pl.DataFrame({"id": [1, -5]})},
                  root="customers", key="id", links={"orders": {"customer": ("customers", "id")}})
if sys.argv[2] == "2":
    sk.compile("segment other when any(orders)", data.schema).evaluate(data, as_of="2026-01-15")
rules = sk.compile('segment a when n > 3 segment b when n = 2 choose c "x" when in segment a "y" when n = 0', data.schema)
rules.evaluate(data, as_of="2026-01-15T12:00Z", threads=int(sys.argv[2])).save(sys.argv[1])
"""
    found = []
    for number in ("1", "2"):
        settings = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dsl")]), "PYTHONHASHSEED": number}
        subprocess.run([sys.executable, "-c", code, str(path), number], check=True, env={**os.environ, **settings}, timeout=120)
        found.append(path.read_bytes())
    assert found[0] == found[1]


# written whole or not at all


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full disk", "Ctrl-C"])
def test_a_write_that_stops_halfway_leaves_the_earlier_file(path, monkeypatch, stop):
    NIGHT.save(path)
    before = path.read_bytes()

    def half(table, file):
        file.write(b"PAR1 and some more")
        raise stop

    monkeypatch.setattr(output, "parquet", half)
    with pytest.raises((sk.Error, KeyboardInterrupt)) as caught:
        membership([1], {"s": [True]}).save(path)
    if isinstance(stop, OSError):
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(sk.Error) as caught:
        NIGHT.save(tmp_path / "none" / "night.parquet")
    assert str(caught.value) == f"cannot write {tmp_path / 'none' / 'night.parquet'}: No such file or directory"
    with pytest.raises(sk.Error) as caught:
        NIGHT.save(str(tmp_path))
    assert str(caught.value) == f"cannot write {tmp_path}: Is a directory"
    assert list(tmp_path.iterdir()) == []


def test_a_membership_does_not_keep_its_data_and_says_so_where_they_are_gone() -> None:
    data = sk.Dataset({"people": pl.DataFrame({"id": [1, 2]})}, root="people", key="id")
    rules = sk.compile("segment a when id = 1", data.schema)
    result, asked = (rules.evaluate(data, as_of="2026-01-15T12:00Z") for _ in range(2))
    assert asked.fingerprints.data == data.fingerprint(rules.inputs)
    del data
    gc.collect()
    assert result.fingerprints.data is None
    assert asked.fingerprints.data is not None
