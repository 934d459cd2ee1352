"""Reading sources: what text formats leave open, and files of a glob that differ."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from segdsl.schema import FieldSpec, Schema, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, WHOLE, decimal
from segkernel import reading
from segkernel.errors import DataError


def schema(source, **pins):
    fields = {name: FieldSpec(type_, pinned=True) for name, type_ in pins.items()}
    return Schema("t", {"t": Table(key=("id",), fields=fields, source=source)})


def read(folder, source, *columns, **pins):
    """The columns of a source, which may be all."""
    told = schema(source, **pins)
    frames = reading.scan(told, folder)
    names = columns or tuple(frames["t"].collect_schema().names())
    return reading.collect(frames, told, {"t": names})["t"]


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("type_", [WHOLE, TIMESTAMP, DURATION, None], ids=str)
def test_a_blank_column_of_a_csv_file_has_no_type(tmp_path, type_):
    """A column that nobody has filled is not of texts, so that it fits what is pinned."""
    write(tmp_path, "t.csv", "id,x\n1,\n2,\n")
    pins = {} if type_ is None else {"x": type_}
    assert read(tmp_path, "t.csv", **pins).schema == {"id": pl.Int64, "x": pl.Null}


@pytest.mark.parametrize(("type_", "found"), [(TEXT, pl.String), (NUMBER, pl.Float64), (DATE, pl.Date), (decimal(2), pl.Decimal(38, 2))])
def test_a_blank_column_of_a_csv_file_is_what_is_pinned(tmp_path, type_, found):
    write(tmp_path, "t.csv", "id,x\n1,\n")
    assert read(tmp_path, "t.csv", x=type_).schema["x"] == found


def test_a_csv_file_of_a_head_alone(tmp_path):
    write(tmp_path, "t.csv", "id,x\n")
    found = read(tmp_path, "t.csv", x=WHOLE)
    assert (found.height, found.schema) == (0, {"id": pl.Null, "x": pl.Null})


def test_a_late_text_makes_a_column_of_texts(tmp_path):
    write(tmp_path, "t.csv", "id,x\n" + "".join(f"{row},\n" for row in range(1000)) + "1000,late\n")
    assert read(tmp_path, "t.csv").schema["x"] == pl.String


def test_pinned_decimals_of_a_csv_file_are_exact_and_rounded_half_away_from_zero(tmp_path):
    write(
        tmp_path,
        "t.csv",
        "id,x\n1,12345678901234567.89\n2,0.105\n3,-0.105\n4,0.1049999999\n5,1e3\n6,\n7,0.30000000000000004\n8,1.0000000001\n",
    )
    assert read(tmp_path, "t.csv", x=decimal(2))["x"].to_list() == [
        Decimal("12345678901234567.89"),
        Decimal("0.11"),
        Decimal("-0.11"),
        Decimal("0.10"),
        Decimal("1000.00"),
        None,
        Decimal("0.30"),
        Decimal("1.00"),
    ]


def test_files_of_a_glob_may_be_empty_blank_or_in_another_order(tmp_path):
    write(tmp_path, "1.csv", "id,x\n1,2\n")
    write(tmp_path, "2.csv", "id,x\n")
    write(tmp_path, "3.csv", "x,id\n,3\n")
    write(tmp_path, "4.csv", "id,x\n4,2.5\n")
    found = read(tmp_path, "*.csv")
    assert found.rows() == [(1, 2.0), (3, None), (4, 2.5)]
    assert found.schema == {"id": pl.Int64, "x": pl.Float64}


@pytest.mark.parametrize("ending", ["parquet", "csv", "ipc"])
def test_a_column_that_comes_or_goes_does_not_count(tmp_path, ending):
    first = pl.DataFrame({"id": [1], "x": [1.5], "old": ["a"]})
    second = pl.DataFrame({"new": [dt.date(2026, 1, 1)], "id": [2], "x": [2.5]})
    for name, frame in (("1", first), ("2", second)):
        getattr(frame, f"write_{ending}")(tmp_path / f"{name}.{ending}")
    assert read(tmp_path, f"*.{ending}").rows() == [(1, 1.5), (2, 2.5)]
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"*.{ending}", "id", "old")
    assert str(caught.value) == f't: *.{ending} has no column "old"'


def test_whole_numbers_of_several_widths_come_together(tmp_path):
    pl.DataFrame({"id": [1], "x": pl.Series([1], dtype=pl.Int8)}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"id": [2], "x": [2**40]}).write_parquet(tmp_path / "2.parquet")
    assert read(tmp_path, "*.parquet")["x"].to_list() == [1, 2**40]


def test_a_damaged_file_that_stops_polars(tmp_path, monkeypatch):
    pl.DataFrame({"id": [1]}).write_ipc(tmp_path / "t.ipc")

    def damaged(*arguments, **settings):
        raise pl.exceptions.PanicException("called `Result::unwrap()` on an `Err` value")

    monkeypatch.setattr(pl, "scan_ipc", damaged)
    with pytest.raises(DataError) as caught:
        read(tmp_path, "t.ipc")
    assert str(caught.value) == "t: cannot read t.ipc: the file is damaged"
