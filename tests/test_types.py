"""Every type that a table's column can have, under every type that a schema can pin: what works, and what is refused how."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from segdsl.project import type_of
from segdsl.schema import FieldSpec, Schema, Table
from segdsl.wording import plain

D = Decimal
AS_OF = "2026-01-02T00:00Z"
NOON = datetime(2026, 1, 1, 12)
BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, 500_000)
PINS = (
    "text", "whole number", "number", "decimal(0)", "decimal(2)", "decimal(38)", "yes/no", "date", "timestamp", "duration",
    "list of text", "list of decimal(2)",
)  # fmt: skip


def numbers(low: str, high: str, *more: str, near: str = "") -> dict[str, tuple[str, str]]:
    """Whole numbers are read as every kind of number; `near` is the float nearest to the second, where that is another."""
    exact = dict.fromkeys(("whole number", "decimal(0)", "decimal(2)", *more), (low, high))
    return {**exact, "number": (low, near or high)}


def floats(low: str, high: str) -> dict[str, tuple[str, str]]:
    return {"number": (low, high)}


TIMES = {"timestamp": ("2026-01-01T12:00Z", "1969-12-31T23:59:59.5Z")}
LOCAL = {"timestamp": ("2026-01-01T12:00", "1969-12-31T23:59:59.5")}
LENGTHS = {"duration": ("36 hours", "0 minutes")}
WORKS: list[tuple[str, Any, list[Any], str, dict[str, tuple[str, str]]]] = [
    # Polars' type, its values, the type it is found to be, and how rules write the two values under each pin that fits
    ("Int8", pl.Int8, [-128, 127], "whole", numbers("-128", "127")),
    ("Int16", pl.Int16, [-(2**15), 2**15 - 1], "whole", numbers("-32768", "32767")),
    ("Int32", pl.Int32, [-(2**31), 2**31 - 1], "whole", numbers("-2147483648", "2147483647")),
    ("Int64", pl.Int64, [-(2**63), 2**63 - 1], "whole", numbers("-9223372036854775808", "9223372036854775807", near="9223372036854775808")),
    ("UInt8", pl.UInt8, [0, 255], "whole", numbers("0", "255")),
    ("UInt16", pl.UInt16, [0, 2**16 - 1], "whole", numbers("0", "65535")),
    ("UInt32", pl.UInt32, [0, 2**32 - 1], "whole", numbers("0", "4294967295")),
    ("UInt64", pl.UInt64, [0, 2**64 - 1], "whole", numbers("0", "18446744073709551615", near="18446744073709551616")),
    ("Int128", pl.Int128, [-(2**63), 2**64 - 1], "whole",
     numbers("-9223372036854775808", "18446744073709551615", near="18446744073709551616")),
    ("UInt128", pl.UInt128, [0, 2**64 - 1], "whole", numbers("0", "18446744073709551615", near="18446744073709551616")),
    ("Int8, small", pl.Int8, [0, 1], "whole", numbers("0", "1", "decimal(38)")),
    ("Float32", pl.Float32, [0.1, -2.0], "number", {**floats("0.1", "-2"), "decimal(0)": ("0", "-2"), "decimal(2)": ("0.1", "-2")}),
    ("Float64", pl.Float64, [0.125, -1e15], "number",
     {**floats("0.125", "-1e15"), "decimal(0)": ("0", "-1e15"), "decimal(2)": ("0.13", "-1e15")}),
    ("Float64, large", pl.Float64, [2.0**100, 0.5], "number",
     {**floats("1267650600228229401496703205376", "0.5"), "decimal(0)": ("1267650600228229401496703205376", "1"),
      "decimal(2)": ("1267650600228229401496703205376", "0.5")}),
    ("Float64, small", pl.Float64, [0.5, -0.25], "number",
     {**floats("0.5", "-0.25"), "decimal(0)": ("1", "0"), "decimal(2)": ("0.5", "-0.25"), "decimal(38)": ("0.5", "-0.25")}),
    ("Float64, endless", pl.Float64, [float("inf"), 0.5], "number", floats("x * 2", "0.5")),
    ("Decimal(9, 2)", pl.Decimal(9, 2), [D("1.25"), D("-0.05")], "decimal(2)",
     {"number": ("1.25", "-0.05"), "decimal(0)": ("1", "0"), "decimal(2)": ("1.25", "-0.05"), "decimal(38)": ("1.25", "-0.05")}),
    ("Decimal(38, 2), large", pl.Decimal(38, 2), [D("123456789012345678901234567890.12"), D(0)], "decimal(2)",
     {"number": ("123456789012345678901234567890.12", "0"), "decimal(0)": ("123456789012345678901234567890", "0"),
      "decimal(2)": ("123456789012345678901234567890.12", "0")}),
    ("Decimal(38, 0)", pl.Decimal(38, 0), [D(-5), D(2**64 - 1)], "decimal(0)",
     numbers("-5", "18446744073709551615", near="18446744073709551616")),
    ("Decimal(38, 38)", pl.Decimal(38, 38), [D("0." + "9" * 38), D("-0.5")], "decimal(38)",
     {"number": ("1", "-0.5"), "decimal(0)": ("1", "-1"), "decimal(2)": ("1", "-0.5"), "decimal(38)": ("0." + "9" * 38, "-0.5")}),
    ("Boolean", pl.Boolean, [True, False], "yes/no", {"yes/no": ("true", "false")}),
    ("String", pl.String, ["1", ""], "text", {"text": ('"1"', '""')}),
    ("Categorical", pl.Categorical, ["é", "b"], "text", {"text": ('"é"', '"b"')}),
    ("Enum", pl.Enum(["z", "b", "a"]), ["a", "z"], "text", {"text": ('"a"', '"z"')}),
    ("Date", pl.Date, [date(1969, 12, 31), date(1, 1, 1)], "date", {"date": ("1969-12-31", "0001-01-01")}),
    *((f"Datetime({unit}, UTC)", pl.Datetime(unit, "UTC"), [NOON, BEFORE_1970], "timestamp", TIMES) for unit in ("ms", "us", "ns")),
    *((f"Datetime({unit}, no zone)", pl.Datetime(unit), [NOON, BEFORE_1970], "timestamp", LOCAL) for unit in ("ms", "us", "ns")),
    *((f"Duration({unit})", pl.Duration(unit), [timedelta(hours=36), timedelta(0)], "duration", LENGTHS) for unit in ("ms", "us", "ns")),
]  # fmt: skip
REFUSED: list[tuple[str, Any, list[Any], str]] = [
    # types that rules cannot use, and how messages name them
    ("Time", pl.Time, [time(8), time(9)], "Time"),
    ("Binary", pl.Binary, [b"a", b""], "Binary"),
    ("Struct", pl.Struct({"a": pl.Int64}), [{"a": 1}, {"a": None}], "Struct({'a': Int64})"),
    ("Object", pl.Object, [object(), object()], "Object"),
    ("nested Array", pl.Array(pl.Int8, (2, 1)), [[[1], [2]], [[3], [None]]], "Array(Int8, shape=(2, 1))"),
    ("nested list", pl.List(pl.List(pl.Int64)), [[[1]], []], "List(List(Int64))"),
]  # fmt: skip


def table(dtype: Any, values: list[Any]) -> pl.DataFrame:
    return pl.DataFrame([pl.Series("id", [1, 2, 3]), pl.Series("x", [*values, None], dtype=dtype)])


def schema(pin: str | None, **more: Any) -> Schema:
    type_ = type_of(pin) if pin else None
    fields = {} if type_ is None else {"x": FieldSpec(type_, pinned=True, **more)}
    links = {"owner": sk.Schema.parse(LINKED).tables["rows"].links["owner"]}
    return Schema("c", {"c": Table(fields=fields, key=("id",)), "rows": Table(fields=fields, links=links)}, "Europe/Berlin")


LINKED = '[project]\nroot = "c"\n[tables.c]\nkey = "id"\n[tables.rows]\nlinks.owner = { table = "c", by = "id" }\n'


def answers(data: sk.Dataset, *conditions: str) -> list[list[bool]]:
    text = "\n".join(f"segment s{number} when {condition}" for number, condition in enumerate(conditions))
    result = sk.compile(text, data.schema).evaluate(data, as_of=AS_OF)
    return [result[f"s{number}"].to_list() for number in range(len(conditions))]


@pytest.mark.parametrize(("name", "dtype", "values", "found", "pins"), WORKS, ids=[each[0] for each in WORKS])
def test_a_column_is_read_as_what_it_is_or_as_what_is_pinned(
    name: str, dtype: Any, values: list[Any], found: str, pins: dict[str, tuple[str, str]]
) -> None:
    frame = table(dtype, values)
    for pin in (None, *pins):
        first, second = pins[pin if pin is not None else {"whole": "whole number"}.get(found, found)]
        data = sk.Dataset({"c": frame, "rows": frame}, schema(pin))
        assert str(data.schema.tables["c"].fields["x"].type) == (found if pin is None else pin.replace("whole number", "whole"))
        assert answers(
            data,
            f"x = {first}",
            f"x = {second}",
            "x is missing",
            f"any(rows where x = {second})",
            f"any(rows where owner.x = {first} and x = owner.x)",
            f"x in ({first}, {second})" if "*" not in first and pin != "duration" and found != "duration" else "x is not missing",
            "count(rows.x) = 1",
        ) == [
            [True, False, False],
            [False, True, False],
            [False, False, True],
            [False, True, False],
            [True, False, False],
            [True, True, False],
            [True, True, False],
        ], (name, pin)


@pytest.mark.parametrize(("name", "dtype", "values", "found", "pins"), WORKS, ids=[each[0] for each in WORKS])
def test_a_column_of_another_type_than_is_pinned_is_refused(
    name: str, dtype: Any, values: list[Any], found: str, pins: dict[str, tuple[str, str]]
) -> None:
    frame = table(dtype, values)
    kinds = {pin.split("(")[0] for pin in pins} | ({"decimal"} if found == "number" else set())
    shown = f"{'whole number' if found == 'whole' else found} ({name.split(', small')[0].split(', large')[0].split(', endless')[0]})"
    for pin in PINS:
        if pin.split("(")[0] not in kinds:
            with pytest.raises(sk.DataError) as caught:
                sk.Dataset({"c": frame, "rows": frame}, schema(pin))
            assert str(caught.value) == f"c.x: expected {plain(type_of(pin))}, found {shown}"
        elif pin not in pins:  # of a kind that fits, with values that do not
            data = sk.Dataset({"c": frame, "rows": frame}, schema(pin))
            with pytest.raises(
                sk.DataError, match=rf"^c\.x has (1|2) values? (too large for|that) {pin.replace('(', '.').replace(')', '.')}"
            ):
                answers(data, "x is missing")


@pytest.mark.parametrize("pin", [pin for pin in PINS if not pin.startswith("list")])
def test_a_column_without_any_value_is_of_every_type(pin: str) -> None:
    frame = table(pl.Null, [None, None])
    data = sk.Dataset({"c": frame, "rows": frame}, schema(pin))
    assert answers(data, "x is missing", "x is not missing", "count(rows.x) = 0") == [[True] * 3, [False] * 3, [True] * 3]
    assert answers(sk.Dataset({"c": frame, "rows": frame}, schema(None)), 'x = "a"') == [[False] * 3]
    empty = frame.clear()
    assert answers(sk.Dataset({"c": empty, "rows": empty}, schema(pin)), "x is missing") == [[]]


@pytest.mark.parametrize(("name", "dtype", "values", "shown"), REFUSED, ids=[each[0] for each in REFUSED])
def test_a_type_that_rules_cannot_use_is_refused_where_a_rule_uses_it(name: str, dtype: Any, values: list[Any], shown: str) -> None:
    frame = table(dtype, values)
    data = sk.Dataset({"c": frame, "rows": frame}, schema(None))
    assert data.schema.tables["c"].unsupported == {"x": shown}
    assert answers(data, "id > 1 and any(rows)") == [[False, True, True]]
    assert len(data.fingerprint()) == 64
    for condition in ("x is missing", "any(rows where x is missing)", "any(rows where owner.x is missing)"):
        with pytest.raises(sk.RuleError) as caught:
            answers(data, condition)
        assert [each.code for each in caught.value.diagnostics] == ["E209"]
        assert f'"x" of {"rows" if "(rows where x" in condition else "c"} has the type {shown}, which rules cannot use' in str(caught.value)
    with pytest.raises(sk.DataError) as refused:
        sk.Dataset({"c": frame, "rows": frame}, schema("text"))
    assert str(refused.value) == f"c.x: expected text, found {shown}"


def test_lists_are_known_as_lists() -> None:
    frame = table(pl.List(pl.Decimal(9, 2)), [[D("1.5")], []])
    for pin in (None, "list of decimal(2)"):
        data = sk.Dataset({"c": frame, "rows": frame}, schema(pin))
        assert str(data.schema.tables["c"].fields["x"].type) == "list of decimal(2)"
        assert answers(data, "x contains 1.5", "1.5 not in x", "x is missing") == [
            [True, False, False],
            [False, True, False],
            [False, False, True],
        ]
    with pytest.raises(sk.DataError, match=r"^c\.x: expected list of text, found list of decimal\(2\) \(List\(Decimal"):
        sk.Dataset({"c": frame, "rows": frame}, schema("list of text"))
    with pytest.raises(sk.DataError, match=r"^c\.x cannot be a key: its values are of the type List"):
        sk.Dataset({"c": frame}, root="c", key="x")


def test_fingerprints_of_lists_are_of_their_values() -> None:
    def fingerprint(values: list[Any], chunks: int = 1) -> str:
        frame = pl.DataFrame([pl.Series("id", range(len(values))), pl.Series("x", values, dtype=pl.List(pl.String))])
        cut = pl.concat([frame[:1], frame[1:]], rechunk=False) if chunks == 2 else frame
        return sk.Dataset({"c": cut}, key="id").fingerprint()

    values = [["a", "b"], [], None, [None], ["c"]]
    assert fingerprint(values) == fingerprint(values, 2)
    others = [[["a"], ["b"], None, [None], ["c"]], [["a", "b"], None, [], [None], ["c"]], [["a", "b"], [], None, [], ["c"]]]
    assert len({fingerprint(each) for each in (values, *others)}) == 4


def test_times_of_all_units_and_zones_in_one_table() -> None:
    lengths = [timedelta(hours=36), timedelta(days=-1), None, timedelta(0)]
    times = [NOON, NOON - timedelta(days=2), None, NOON]
    frame = pl.DataFrame([
        pl.Series("id", [1, 2, 3, 4]),
        *(pl.Series(f"long_{unit}", lengths, dtype=pl.Duration(unit)) for unit in ("ms", "us", "ns")),
        pl.Series("berlin", times, dtype=pl.Datetime("ms")),
        pl.Series("utc", times, dtype=pl.Datetime("us", "UTC")),
        pl.Series("york", times, dtype=pl.Datetime("ns")).dt.replace_time_zone("America/New_York"),
        pl.Series("day", [date(2026, 1, 1), date(1969, 12, 31), None, date(1, 1, 1)]),
    ])  # fmt: skip
    wanted = {
        "long_ms = long_us and long_us = long_ns": [1, 1, 0, 1],
        "long_ms > 1 day": [1, 0, 0, 0],
        "long_ns < 0 hours": [0, 1, 0, 0],
        "long_us in (36 hours, 0 hours)": [1, 0, 0, 1],
        "long_us / 2 > 17 hours": [1, 0, 0, 0],
        "long_ms * 2 = 3 days": [1, 0, 0, 0],
        "least(long_ms, long_ns) > 1 hour": [1, 0, 0, 0],
        "coalesce(long_ms, 1 hour) > 30 minutes": [1, 0, 1, 0],
        "utc - berlin = 1 hour": [1, 1, 0, 1],
        "york - utc = 5 hours": [1, 1, 0, 1],
        "york - utc < long_ms": [1, 0, 0, 0],
        "now - utc > long_ns": [0, 1, 0, 1],
        "berlin < utc and utc < york": [1, 1, 0, 1],
        "berlin = 2026-01-01T12:00 and utc = 2026-01-01T12:00Z and york = 2026-01-01T12:00-05:00": [1, 0, 0, 1],
        "york in 2026-01-01 .. 2026-01-01": [1, 0, 0, 1],
        "utc = day": [1, 0, 0, 0],
        "utc after day": [0, 1, 0, 1],
        "day before 1970-01-01": [0, 1, 0, 1],
        "year(day) = 1": [0, 0, 0, 1],
    }
    data = sk.Dataset({"c": frame}, root="c", key="id", timezone="Europe/Berlin")
    assert dict(zip(wanted, answers(data, *wanted), strict=True)) == {rule: [bool(each) for each in row] for rule, row in wanted.items()}


@pytest.mark.parametrize(
    ("key", "part"),
    [
        (pl.Int8, pl.UInt64), (pl.UInt128, pl.Int32), (pl.Int64, pl.Int128), (pl.Decimal(38, 0), pl.Int64), (pl.UInt8, pl.Decimal(9, 0)),
        (pl.Decimal(9, 2), pl.Decimal(38, 0)), (pl.Float64, pl.Float32), (pl.String, pl.Categorical), (pl.Enum(["1", "2", "3"]), pl.String),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lazy", [False, True])
def test_links_find_keys_of_another_physical_type(key: Any, part: Any, lazy: bool) -> None:
    texts = not key.is_numeric()
    keys, parts = [["1", "2"], ["2", "3", None, "2"]] if texts else [[1, 2], [2, 3, None, 2]]
    tables = {
        "c": pl.DataFrame([pl.Series("id", keys).cast(key)]).lazy(),
        "o": pl.DataFrame([pl.Series("owner", parts).cast(part)]).lazy(),
    }
    data = sk.Dataset(
        tables if lazy else {name: each.collect() for name, each in tables.items()},
        root="c",
        key="id",
        links={"o": {"c": ("c", "owner")}},
    )
    assert answers(data, "count(o) = 2", "none(o)") == [[False, True], [True, False]]
    assert data.orphans == {("o", "c"): 1}


def test_names_that_look_like_patterns_are_names() -> None:
    frame = pl.DataFrame({"id": [1, 2], "^i.*$": [3, 4], "*": [5, 6], "x y": [7, 8]})
    for given in (frame, frame.lazy()):
        data = sk.Dataset({"c": given}, key="id")
        assert answers(data, "`^i.*$` = 3 and `*` = 5 and `x y` = 7") == [[True, False]]


# ---- what else a schema says of a field


def test_another_name_a_unit_and_a_label() -> None:
    given = Schema.parse(
        '[project]\nroot = "c"\n[tables.c]\nkey = "number"\n[tables.c.fields]\nnumber = { type = "whole number", column = "id" }\n'
        'revenue = { type = "decimal(2)", column = "x", unit = "EUR", label = "Revenue" }\n'
    )
    data = sk.Dataset({"c": table(pl.Float64, [1.005, 2.675])}, given)
    assert data.keys().columns == ["number"]
    assert answers(data, "revenue = 1 and number = 1", "revenue = 2.67", "revenue is missing") == [
        [True, False, False],  # the nearest floats lie a little below 1.005 and 2.675
        [False, True, False],
        [False, False, True],
    ]
    with pytest.raises(sk.RuleError, match='c has no field "x"'):
        answers(data, "x = 1")


def test_a_column_named_by_combining_letters_is_reached_by_the_composed_name() -> None:
    frame = pl.DataFrame({"id": [1, 2], "cafe\u0301": ["x", None], "A\u030a": [1, 2], "\u00c5": [3, 4]})
    data = sk.Dataset({"c": frame}, key="id")
    assert data.schema.tables["c"].fields["caf\u00e9"].column == "cafe\u0301"
    assert answers(data, 'caf\u00e9 = "x"', "cafe\u0301 is missing", "\u00c5 = 3") == [[True, False], [False, True], [True, False]]


def test_a_field_that_rules_may_not_use() -> None:
    frame = table(pl.String, ["a", "b"])
    data = sk.Dataset({"c": frame, "rows": frame}, schema("text", usable=False))
    assert answers(data, "id = 1") == [[True, False, False]]
    with pytest.raises(sk.RuleError, match='the schema says that rules may not use "x" of c'):
        answers(data, "x is missing")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(1, "a", None)], 'c.x has 1 missing value (id, shop (1, "a")), but the schema says missing = "never"'),
        (
            [(number, "b", None if number % 2 else 1.0) for number in range(20)],
            'c.x has 10 missing values (id, shop (1, "b"), (3, "b"), (5, "b"), (7, "b"), (9, "b"), …), '
            'but the schema says missing = "never"',
        ),
    ],
)
def test_a_missing_value_where_there_is_never_one_is_told_with_its_key(rows: list[Any], told: str) -> None:
    frame = pl.DataFrame(rows, schema={"id": pl.Int64, "shop": pl.String, "x": pl.Float64}, orient="row")
    spec = FieldSpec(type_of("number"), pinned=True, never_missing=True, nullable=False)  # type: ignore[arg-type]
    with pytest.raises(sk.DataError) as caught:
        sk.Dataset({"c": frame}, Schema("c", {"c": Table(fields={"x": spec}, key=("id", "shop"))}))
    assert str(caught.value) == told
    with pytest.raises(sk.DataError, match=r"^o\.x has (1 missing value \(row 1\)|10 missing values \(rows 2, 4, 6, 8, 10, …\))"):
        sk.Dataset({"c": frame, "o": frame}, Schema("c", {"c": Table(key=("id", "shop")), "o": Table(fields={"x": spec})}))


def test_strangers_to_a_closed_list_are_counted_and_members_all_the_same() -> None:
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "x": ["DE", "XX", "XX", None]})
    data = sk.Dataset({"c": frame, "rows": frame}, schema("text", values=("DE", "NL")))
    assert answers(data, 'x != "DE"') == [[False, True, True, False]]
    assert data.warnings == ['c.x has a value that its list does not have, in 2 rows: "XX"']


LISTS: list[tuple[str, Any, list[Any], str]] = [
    ("texts", pl.List(pl.String), [["a", None], []], '"a"'),
    ("categories", pl.List(pl.Categorical), [["a", "b"], []], '"a"'),
    ("categories known before", pl.List(pl.Enum(["b", "a"])), [["a", "b"], ["b"]], '"a"'),
    ("small numbers", pl.List(pl.Int8), [[-128, 127], [5]], "-128"),
    ("large numbers", pl.List(pl.UInt64), [[2**64 - 1, 0], [5, None]], str(2**64 - 1)),
    ("floats of 32 bits", pl.List(pl.Float32), [[0.1, 0.0], [math.nan]], "0.1"),
    ("floats", pl.List(pl.Float64), [[0.1, 0.0], [math.inf]], "0.1"),
    ("decimals", pl.List(pl.Decimal(38, 4)), [[D("1.5"), None], [D(0)]], "1.50000"),
    ("yes or no", pl.List(pl.Boolean), [[True, None], [False]], "true"),
    ("dates", pl.List(pl.Date), [[date(1969, 12, 31)], [date(2026, 1, 1)]], "1969-12-31"),
    ("local times", pl.List(pl.Datetime("ms")), [[datetime(2026, 7, 1, 12)], [None]], "2026-07-01T12:00"),
    ("instants", pl.List(pl.Datetime("ns", "UTC")), [[datetime(2026, 7, 1, 12, tzinfo=UTC)], []], "2026-07-01T14:00"),
    ("durations", pl.List(pl.Duration("us")), [[timedelta(hours=36)], [timedelta(0)]], "36 hours"),
    ("arrays", pl.Array(pl.Int16, 2), [[1, 2], [3, None]], "1"),
]


@pytest.mark.parametrize(("name", "dtype", "values", "item"), LISTS, ids=[each[0] for each in LISTS])
def test_lists_of_every_type_are_looked_into(name: str, dtype: Any, values: list[Any], item: str) -> None:
    frame = table(dtype, values)
    data = sk.Dataset({"c": frame, "rows": frame.reverse()}, schema(None))
    assert answers(
        data,
        f"x contains {item}",
        f"not x contains {item}",
        "x is missing",
        f"any(rows where {item} in x)",
        f"any(rows where owner.x contains {item})",
        "count(rows.x) = 1",
    ) == [[True, False, False], [False, True, False], [False, False, True], [True, False, False], [True, False, False], [True, True, False]]


def test_columns_of_no_lists_are_of_every_list_type() -> None:
    for values in ([None, None], [[], []]):
        frame = table(pl.List(pl.Null) if values[0] is not None else pl.Null, values)
        for pin in ("list of text", "list of decimal(2)", "list of timestamp"):
            data = sk.Dataset({"c": frame, "rows": frame}, schema(pin))
            item = {"list of text": '"a"', "list of decimal(2)": "1", "list of timestamp": "now"}[pin]
            assert answers(data, f"x contains {item}", "x is missing") == [[False] * 3, [values[0] is None, values[0] is None, True]]
