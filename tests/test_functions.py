"""Functions of the host: named, typed, from Polars expressions to one; against the plain evaluator with Python twins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from segdsl.checker import check
from segdsl.parser import parse
from segkernel.oracle import Oracle, OracleOverflow

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)

CUSTOMERS: list[dict[str, Any]] = [
    {"id": 1, "email": "ann@Shop.example", "revenue": Decimal("10.50"), "score": 0.5, "big": True, "born": date(1990, 2, 28)},
    {"id": 2, "email": None, "revenue": None, "score": None, "big": None, "born": None},
    {"id": 3, "email": "bob@mill.example", "revenue": Decimal("-3.25"), "score": 2.5, "big": False, "born": date(1960, 12, 31)},
    {"id": 4, "email": "", "revenue": Decimal("99999.99"), "score": float("nan"), "big": False, "born": date(2020, 1, 1)},
]
ORDERS: list[dict[str, Any]] = [
    {"oid": 1, "customer": 3, "total": Decimal("5.00"), "placed_at": datetime(2026, 1, 1, tzinfo=UTC), "code": 7},
    {"oid": 2, "customer": 1, "total": Decimal("20.00"), "placed_at": datetime(2025, 6, 1, tzinfo=UTC), "code": None},
    {"oid": 3, "customer": 1, "total": None, "placed_at": None, "code": 9},
    {"oid": 4, "customer": 3, "total": Decimal("7.50"), "placed_at": datetime(2026, 1, 14, tzinfo=UTC), "code": 2},
]
FRAMES = {
    "customers": pl.DataFrame(
        CUSTOMERS,
        schema={"id": pl.Int64, "email": pl.String, "revenue": pl.Decimal(38, 2), "score": pl.Float64, "big": pl.Boolean, "born": pl.Date},
    ),
    "orders": pl.DataFrame(
        ORDERS,
        schema={
            "oid": pl.Int64,
            "customer": pl.Int64,
            "total": pl.Decimal(38, 2),
            "placed_at": pl.Datetime("us", "UTC"),
            "code": pl.Int32,
        },
    ),
}


def none_safe(function: Any) -> Any:
    return lambda *given: None if None in given else function(*given)


FUNCTIONS = [
    sk.Function("domain", ["text"], "text", lambda email: email.str.split("@").list.get(1, null_on_oob=True).str.to_lowercase()),
    sk.Function("gross", ["decimal(2)"], "decimal(4)", lambda net: net.cast(pl.Decimal(38, 4)) * pl.lit(Decimal("1.1900"))),
    sk.Function("worth", ["number", "whole"], "number", lambda spent, orders: spent * 2 + orders),
    sk.Function("steps", ["whole"], "whole", lambda number: number // 2),
    sk.Function("either_way", ["yes/no", "yes/no"], "yes/no", lambda a, b: a ^ b),
    sk.Function("class_of", ["duration"], "text", lambda age: pl.when(age > pl.duration(days=30)).then(pl.lit("old")), values=["old"]),
    sk.Function("birthday_month", ["date"], "date", lambda born: born.dt.month_start()),
    sk.Function("next_hour", ["timestamp"], "timestamp", lambda at: at + pl.duration(hours=1)),
    sk.Function("half", ["duration"], "duration", lambda length: length / 2),
]
TWINS: dict[str, Any] = {
    "domain": none_safe(lambda email: email.split("@")[1].lower() if "@" in email else None),
    "gross": none_safe(lambda net: (net * Decimal("1.19")).quantize(Decimal("0.0001"), ROUND_HALF_UP)),
    "worth": none_safe(lambda spent, orders: spent * 2 + orders),
    "steps": none_safe(lambda number: number // 2),
    "either_way": none_safe(lambda a, b: a != b),
    "class_of": none_safe(lambda age: "old" if age.total_seconds() > 30 * 86_400 else None),
    "birthday_month": none_safe(lambda born: born.replace(day=1)),
    "next_hour": none_safe(lambda at: datetime.fromtimestamp(at.timestamp() + 3600, UTC)),
    "half": none_safe(lambda length: length / 2),
}


def dataset() -> sk.Dataset:
    return sk.Dataset(FRAMES, root="customers", key="id", links={"orders": {"customer": ("customers", "customer")}})


CONDITIONS = {
    "a text of a field": ('domain(email) = "shop.example"', [1]),
    "a text, missing": ("domain(email) is missing", [2, 4]),
    "a text among others": ('domain(email) in ("mill.example", "x")', [3]),
    "a text compared with a field": ("domain(email) = email", []),
    "a text, respelt": ('upper(domain(email)) starts with "MILL"', [3]),
    "a decimal": ("gross(revenue) = 12.4950", [1]),
    "a decimal below nought": ("gross(revenue) < 0", [3]),
    "a number of an aggregate and a count": ("worth(sum(orders.total), count(orders)) = 27", [3]),
    "a whole number widened": ("worth(count(orders), count(orders)) > 5", [1, 3]),
    "a let and a choose of the account": ('worth(if(size = "big", spent, 0), 1) = 41', [1]),
    "yes/no": ("either_way(big, revenue > 0)", [4]),
    "yes/no turned round": ("not either_way(big, revenue > 0)", [1, 3]),
    "yes/no missing": ("either_way(big, revenue > 0) is missing", [2]),
    "inside a where": ("any(orders where steps(code) = 4)", [1]),
    "as what is summed": ("sum(steps(code) for orders) = 4", [1, 3]),
    "of an aggregate of the row": ("any(orders where steps(code + count(customer.orders)) = 2)", [3]),
    "where a list behind a link is made": ("any(orders where 2 in values(customer.orders.code where steps(code) = 1))", [3]),
    "one in another": ("steps(steps(count(orders) * 10)) = 5", [1, 3]),
    "a text that the instant decides": ('class_of(now - max(orders.placed_at)) = "old"', [1]),
    "a text that the instant decides, missing": ("class_of(now - max(orders.placed_at)) is missing", [2, 3, 4]),
    "a date": ("birthday_month(born) = 1990-02-01", [1]),
    "a timestamp": ("next_hour(max(orders.placed_at)) after 2026-01-14T00:30Z", [3]),
    "a duration": ("half(now - min(orders.placed_at)) < 10 days", [3]),
    "in arithmetic": ("gross(revenue) + 1 > 13", [1, 4]),
    "a constant": ("steps(5) = 2", [1, 2, 3, 4]),
}
LETS = 'let spent = coalesce(sum(orders.total), 0) choose size "big" when spent >= 20 otherwise "small" '


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_a_function_gives_what_its_twin_in_plain_python_gives(condition: tuple[str, list[int]]) -> None:
    text = f"{LETS} segment answer when {condition[0]}"
    data = dataset()
    rules = sk.compile(text, data.schema, functions=FUNCTIONS)
    assert rules.only("answer").evaluate(data, as_of=NOON).members("answer").to_list() == condition[1]
    tree, found = check([parse(text, "rules.seg", 0, sk.Limits())[0]], data.schema, functions=[each.signature for each in FUNCTIONS])
    assert tree is not None, found
    oracle = Oracle(tree, data.schema, {"customers": CUSTOMERS, "orders": ORDERS}, int(NOON.timestamp()) * 10**9, TWINS)
    assert [index + 1 for index, held in enumerate(oracle.segment("answer")) if held] == condition[1]


def told(text: str) -> str:
    with pytest.raises(sk.RuleError) as raised:
        sk.compile(text, dataset().schema, functions=FUNCTIONS)
    return str(raised.value)


def test_mistakes_are_told_at_their_place() -> None:
    assert 'did you mean "domain"' in told("segment a when domains(email) = 'x'")
    assert "takes 1 argument, and this has 2 arguments" in told("segment a when domain(email, email) = 'x'")
    assert "wants text" in told("segment a when domain(revenue) = 'x'")
    assert "takes no `where`" in told("segment a when domain(email where big) = 'x'")
    assert told("segment a when domain(emial) = 'x'").count("error") == 1
    assert "wants values of a row, not of a group of rows" in told("segment a when max(steps(count(orders per code))) > 3")
    assert "value of the account" in told("let mine = revenue segment a when any(orders where gross(mine) > 3)")


def run(function: sk.Function, text: str) -> Any:
    data = dataset()
    return sk.compile(text, data.schema, functions=[function]).evaluate(data, as_of=NOON)


@pytest.mark.parametrize(
    ("function", "text", "message"),
    [
        (sk.Function("f", ["text"], "whole", lambda x: x), "segment a when f(email) = 3", "should give whole, and gives text"),
        (sk.Function("f", ["text"], "text", lambda x: 3), "segment a when f(email) = 'x'", "should give a Polars expression"),
        (sk.Function("f", ["text"], "text", lambda x: 1 / 0), "segment a when f(email) = 'x'", "failed: ZeroDivisionError"),
        (sk.Function("f", ["text"], "text", lambda x: x.str.nothing()), "segment a when f(email) = 'x'", "failed: AttributeError"),
        (sk.Function("f", ["text"], "whole", lambda x: x.cast(pl.Int64)), "segment a when f(email) = 3", "failed: InvalidOperationError"),
        (
            sk.Function("f", ["timestamp"], "text", lambda x: x.dt.to_string()),
            "segment a when f(now) = 'x'",
            "name all it can give",
        ),
        (
            sk.Function("f", ["timestamp"], "text", lambda x: pl.lit("c"), values=["a", "b"]),
            "segment a when f(now) = 'x'",
            'gave "c", which its values do not have',
        ),
    ],
)
def test_a_function_that_fails_is_an_error_with_its_place(function: sk.Function, text: str, message: str) -> None:
    with pytest.raises(sk.DataError) as raised:
        run(function, text)
    assert message in str(raised.value)
    assert "rules.seg:1:16" in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("sum", ["text"], "text", len), "a function .* of its own"),
        (("my fun", ["text"], "text", len), "letters, digits and _"),
        (("f", "text", "text", len), "a list of types"),
        (("f", ["string"], "text", len), 'there is no type "string"'),
        (("f", ["text"], "list of text", len), "there is no type"),
        (("f", ["text"], "text", 3), "make is a function"),
        (("f", [], "text", len), "at least one argument"),
    ],
)
def test_a_function_is_declared_right(given: tuple[Any, ...], message: str) -> None:
    with pytest.raises(sk.Error, match=message):
        sk.Function(*given)


def test_only_what_the_host_hands_over_can_be_called() -> None:
    with pytest.raises(sk.RuleError, match="there is no function"):
        sk.compile("segment a when domain(email) = 'x'", dataset().schema)
    with pytest.raises(sk.Error, match="two functions"):
        sk.compile("segment a when big", dataset().schema, functions=[FUNCTIONS[0], sk.Function("domain", ["text"], "text", lambda x: x)])
    with pytest.raises(sk.Error, match=r"a list of sk\.Function"):
        sk.compile("segment a when big", dataset().schema, functions=[len])


def test_what_a_function_reads_and_means_counts() -> None:
    data = dataset()

    def rules(version: str) -> sk.Rules:
        function = sk.Function("domain", ["text"], "text", lambda x: x, version=version)
        return sk.compile("segment a when domain(email) = 'x'", data.schema, functions=[function])

    assert rules("1").inputs == {"customers": ("id", "email")}
    assert rules("1").fingerprint == rules("1").fingerprint != rules("2").fingerprint


def test_a_function_is_called_once_however_often_rules_call_it_and_kept_by_rules_made_from_others() -> None:
    calls: list[str] = []

    def make(code: pl.Expr) -> pl.Expr:
        calls.append("made")
        return code + 1

    data = dataset()
    function = sk.Function("more", ["whole"], "whole", make)
    rules = sk.compile(
        "param p = 3 segment a when any(orders where more(code) = 8) segment b when sum(more(code) for orders) > p",
        data.schema,
        functions=[function],
    )
    first = rules.evaluate(data, as_of=NOON)
    assert first.members("a").to_list() == [3]
    assert first.members("b").to_list() == [1, 3]
    rules.evaluate(data, as_of="2027-01-01T00:00Z")
    assert calls == ["made"]
    assert rules.using(params={"p": 10}).only("b").evaluate(data, as_of=NOON).members("b").to_list() == [3]


def test_what_the_instant_decides_of_one_call_does_not_touch_another() -> None:
    data = dataset()
    text = """
segment old when class_of(now - max(orders.placed_at)) = "old"
segment shop when domain(email) = "shop.example"
segment mill when any(orders where domain(customer.email) = "mill.example" and class_of(now - placed_at) = "old")
segment above when domain(email) is not missing and steps(rank(revenue over all)) = 1
segment both when steps(sum(orders.code)) = 4 and half(now - min(orders.placed_at)) > 1 day
"""
    rules = sk.compile(text, data.schema, functions=FUNCTIONS)
    found = rules.evaluate(data, as_of=NOON)
    assert [found.members(name).to_list() for name in rules.names] == [[1], [1], [], [1, 3], [1, 3]]
    later = rules.evaluate(data, as_of="2026-03-01T00:00Z")
    assert [later.members(name).to_list() for name in rules.names] == [[1, 3], [1], [3], [1, 3], [1, 3]]


def test_a_text_is_no_text_of_the_instant_because_a_day_in_the_run_zone_stands_beside_it() -> None:
    function = sk.Function("domain", ["text"], "text", lambda email: email.str.split("@").list.get(1, null_on_oob=True))
    data = dataset()
    text = """
        segment of_2026 when count(orders where domain(customer.email) = "mill.example" and placed_at in 2026) = 2
        segment apart when domain(email) = "mill.example" and top(1, min(orders.placed_at where placed_at in 2026))
    """
    result = sk.compile(text, data.schema, functions=[function]).evaluate(data, as_of=NOON)
    assert result.members("of_2026").to_list() == result.members("apart").to_list() == [3]


def test_a_call_is_made_once_for_all_runs_also_beside_calls_of_the_instant() -> None:
    made: list[str] = []

    def counted(name: str) -> sk.Function:
        return sk.Function(name, ["whole"], "whole", lambda number: made.append(name) or number)

    data = dataset()
    text = (
        "segment a when still(count(orders) + code_sum) > 1 and ticking(days_since(born) + still(id)) > 5 let code_sum = sum(orders.code)"
    )
    rules = sk.compile(text, data.schema, functions=[counted("still"), counted("ticking")])
    assert rules.evaluate(data, as_of=NOON).members("a").to_list() == [1, 3]
    first = sorted(made)
    rules.evaluate(data, as_of="2026-03-01T00:00Z")
    assert first == ["still", "still", "ticking"]
    assert sorted(made) == ["still", "still", "ticking", "ticking"]


@pytest.mark.parametrize(
    ("values", "returns"),
    [
        ([-(2**63), 2**63 - 1, None], "whole number"),
        (list(range(-(2**63), -(2**63) + 600)), "whole number"),
        ([None, None], "whole number"),
        ([7, None, 7], "whole number"),
        ([3 * 10**17, 6 * 10**17, None, 9 * 10**17], "whole number"),
        ([*range(0, 2**62, 2**52), 2**63 - 1], "whole number"),
        ([Decimal("-0.01"), None, Decimal("12.00")], "decimal(2)"),
        ([Decimal(-(10**35)), Decimal(10**35 - 1), None], "decimal(2)"),
        ([timedelta(days=each) for each in range(600)], "duration"),
    ],
)
def test_a_function_of_the_instant_gives_the_same_as_one_that_is_called_once(values: list[Any], returns: str) -> None:
    dtypes = {"whole number": pl.Int64, "decimal(2)": pl.Decimal(38, 2), "duration": pl.Duration("us")}
    found = pl.Series(values, dtype=dtypes[returns])
    data = sk.Dataset({"customers": pl.DataFrame({"id": range(len(values)), "given": found})}, root="customers", key="id")
    functions = [sk.Function("told", ["timestamp"], returns, lambda at: pl.lit(found))]
    rules = sk.compile("segment same when told(now) = given segment unknown when told(now) is missing", data.schema, functions=functions)
    result = rules.evaluate(data, as_of=NOON)
    assert result["same"].to_list() == [value is not None for value in values]
    assert result["unknown"].to_list() == [value is None for value in values]


def test_functions_are_not_called_of_groups() -> None:
    functions = [sk.Function("twice", ["whole number"], "whole number", lambda x: 2 * x)]
    with pytest.raises(sk.RuleError, match="`twice` wants values of a row, not of a group of rows"):
        sk.compile("segment a when max(twice(count(orders per total))) = 2", dataset().schema, functions=functions)


@pytest.mark.parametrize("owner", ["a", None])
def test_a_function_is_called_in_rows_of_nobody_too(owner: str | None) -> None:
    halved = sk.Function("halved", ["whole"], "whole", lambda number: number // 2)
    people = pl.DataFrame({"id": ["a"]})
    visits = pl.DataFrame({"id": pl.Series([owner], dtype=pl.String), "pages": pl.Series([2**64 - 1], dtype=pl.UInt64)})
    data = sk.Dataset({"people": people, "visits": visits}, root="people", key="id", links={"visits": {"person": ("people", "id")}})
    text = "segment s when any(visits where halved(5 - pages) > 1)"
    with pytest.raises(sk.DataError, match="`5 - pages`: a number leaves its range"):
        sk.compile(text, data.schema, functions=[halved]).evaluate(data, as_of=NOON)
    tree, _ = check([parse(text, "rules.seg", 0)[0]], data.schema, functions=[halved.signature])
    assert tree is not None
    tables = {"people": people.to_dicts(), "visits": visits.to_dicts()}
    oracle = Oracle(tree, data.schema, tables, int(NOON.timestamp()) * 10**9, {"halved": lambda number: number // 2})
    with pytest.raises(OracleOverflow):
        oracle.segment("s")
