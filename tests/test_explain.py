"""Why an account is in a segment or not: the tree of clauses, and that it agrees with the evaluation."""

import json
from datetime import date, datetime
from decimal import Decimal
from random import Random

import polars as pl
import pytest

import segkernel as sk
from segkernel.why.writing import plain
from tests.differential import normal
from tests.strategies import random_case

AS_OF = "2026-10-01T09:00"
SETTINGS = """
[project]
root = "customers"
timezone = "Europe/Berlin"
[tables.customers]
key = "id"
[tables.orders]
key = "order_id"
[tables.orders.fields]
total = { type = "decimal(2)" }
[tables.orders.links]
customer = { table = "customers", by = "customer" }
[tables.visits.links]
customer = { table = "customers", by = "customer" }
"""
CUSTOMERS = pl.DataFrame(
    {
        "id": ["ada", "bo", "cy"],
        "country": ["DE", None, "NL"],
        "vip": [True, False, None],
        "spent": [10, 500, 20],
        "tags": [["a", "b"], None, []],
        "birthday": ["2000-02-29", None, "1990-10-05"],
    }
).with_columns(pl.col("birthday").str.to_date())
ORDERS = pl.DataFrame(
    {
        "order_id": [10, 11, 12],
        "customer": ["ada", "ada", "cy"],
        "total": [400.0, 250.0, None],
        "placed_at": ["2026-09-30 23:00", "2026-01-02 08:00", "2026-09-01 00:00"],
    }
).with_columns(pl.col("placed_at").str.to_datetime())
VISITS = pl.DataFrame({"customer": ["ada", "bo"], "pages": [3, 4]})


@pytest.fixture
def shop():
    return sk.Dataset({"customers": CUSTOMERS, "orders": ORDERS, "visits": VISITS}, sk.Schema.parse(SETTINGS))


def explained(shop, text, key, name, **how):
    return sk.compile(text, shop.schema, **how).explain(shop, key, name, as_of=AS_OF)


def drawn(shop, condition, key="ada", **how):
    """The tree of a segment without its head."""
    return str(explained(shop, f"segment s when {condition}", key, "s", **how)).split("\n\n", 1)[1]


def test_a_tree_of_clauses_with_what_each_saw(shop):
    text = """
    param limit = 500
    param quiet = 2 weeks
    let done for orders = total > 300
    let bought = sum(orders.total where done)
    segment dutch when country = "NL"
    segment big "Bought much"
      when not in segment dutch and bought > limit   # a comment
       and (vip or spent > 100)
       and any(orders where placed_at after quiet ago)
    """
    assert str(explained(shop, text, "ada", "big")) == (
        "customers: id ada, as of 2026-10-01T09:00:00+02:00 (Europe/Berlin)\n"
        "\n"
        '✗ segment big  "Bought much"\n'
        "├─ ✓ not in segment dutch\n"
        "├─ ✗ bought > limit\n"
        "│  ├─ bought: 400.00\n"
        "│  └─ limit: 500\n"
        "├─ ✓ vip or spent > 100\n"
        "│  ├─ ✓ vip\n"
        "│  └─ ✗ spent > 100\n"
        "│     └─ spent: 10\n"
        "└─ ✓ any(orders where placed_at after quiet ago)\n"
        "   └─ 1 of 2 rows of orders: 10\n"
        "\n"
        "✗ segment dutch\n"
        '└─ ✗ country = "NL"\n'
        '   └─ country: "DE"\n'
        "\n"
        "let bought is 400.00\n"
        "└─ sum(orders.total where done): 400.00\n"
        "   └─ 1 of 2 rows of orders: 10 (400.00)"
    )


def test_a_choose_shows_the_case_that_was_taken(shop):
    text = 'choose tier "Tier" "gold" when spent > 100 "silver" when vip "bronze" when vip otherwise "none"'
    told = explained(shop, text, "ada", "tier")
    assert told.answer is None
    assert told.asked.value == "silver"
    assert [case.chosen for case in told.asked.cases] == [False, True, False]
    assert str(told).split("\n\n")[1] == (
        'choose tier is "silver"  "Tier"\n'
        '├─   "gold" when ✗ spent > 100\n'
        "│  └─ spent: 10\n"
        '├─ → "silver" when ✓ vip\n'
        '├─   "bronze" when ✓ vip\n'
        '└─   otherwise "none"'
    )
    assert explained(shop, text, "cy", "tier").asked.value == "none"


def test_a_collect_shows_all_cases_that_hold(shop):
    told = explained(shop, 'collect c "a" when vip "b" when spent > 100 "c" when spent > 1 segment s when "a" in c', "ada", "s")
    assert str(told).split("\n\n", 1)[1] == (
        '✓ segment s\n└─ ✓ "a" in c\n   └─ c: ("a", "c")\n'
        "\n"
        'collect c is ("a", "c")\n'
        '├─ → "a" when ✓ vip\n'
        '├─   "b" when ✗ spent > 100\n'
        "│  └─ spent: 10\n"
        '└─ → "c" when ✓ spent > 1\n'
        "   └─ spent: 10"
    )


def test_unknown_is_told_apart_from_false(shop):
    assert explained(shop, 'segment s when country = "DE"', "bo", "s").answer is None
    assert drawn(shop, 'country = "DE"', "bo") == '? segment s  unknown, so not in it\n└─ ? country = "DE"\n   └─ country: missing'


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ("spent in 1..20", "└─ ✓ spent in 1..20\n   └─ spent: 10"),
        ('country not in ("CH", "AT")', '└─ ✓ country not in ("CH", "AT")\n   └─ country: "DE"'),
        ('country contains any of ("x", "y")', '└─ ✗ country contains any of ("x", "y")\n   └─ country: "DE"'),
        ('country = "de" ignoring case', '└─ ✓ country = "de" ignoring case\n   └─ country: "DE"'),
        ('tags contains "a"', '└─ ✓ tags contains "a"\n   └─ tags: ("a", "b")'),
        ("birthday is not missing", "└─ ✓ birthday is not missing\n   └─ birthday: 2000-02-29"),
        ("not vip", "└─ ✗ not vip\n   └─ vip: true"),
        ("not (vip or spent > 1)", "└─ ✗ not (vip or spent > 1)\n   └─ ✓ vip or spent > 1\n      ├─ ✓ vip\n"),
        ("all(total > 300 for orders)", "└─ ✗ all(total > 300 for orders)\n   └─ 2 rows of orders, 1 of which fails: 11"),
        ("none(orders where total > 900)", "└─ ✓ none(orders where total > 900)\n   └─ 0 of 2 rows of orders"),
        ("sum(visits.pages) = 3", "└─ ✓ sum(visits.pages) = 3\n   └─ sum(visits.pages): 3\n      └─ 1 row of visits: row 1 (3)"),
        ("last(orders.total by placed_at) > 399.99", "2 rows of orders: 10 (400.00), 11 (250.00)"),
        ("max(orders.placed_at) in last 6 whole months", "last 6 whole months: 2026-04-01\n"),
        ("max(orders.placed_at) within last 90 days", "├─ limit: 2026-07-03\n   └─ limit: 2026-10-01T09:00:00+02:00"),
        ("now - max(orders.placed_at) < 36 hours", "now - max(orders.placed_at): 10:00:00\n"),
        ("at least 2 of (vip, spent > 1, spent > 99)", "└─ ✓ at least 2 of (vip, spent > 1, spent > 99)\n   ├─ ✓ vip\n   ├─ ✓ spent > 1\n"),
        (
            "max(sum(orders.total per month_start(placed_at))) > 300",
            "   └─ 2 groups, 2 rows of orders: 2026-09-01 (400.00), 2026-01-01 (250.00)",
        ),
        ("any(count(orders where total > 300 per customer.vip) > 0)", "└─ 1 group, 2 rows of orders: true"),
        ("spent > 2 * avg(spent over all)", "└─ avg(spent over all): 176.66666666666666"),
        ("bottom(1, spent)", "└─ ✓ bottom(1, spent)\n   └─ spent: 10"),
        ("if(vip, spent, 0) = 10", "└─ ✓ if(vip, spent, 0) = 10\n   ├─ if(vip, spent, 0): 10\n   ├─ vip: true\n   └─ spent: 10"),
    ],
)  # fmt: skip
def test_what_the_rules_write_as_one_test_is_one_clause(shop, condition, tree):
    assert tree in drawn(shop, condition)


def test_functions_of_the_host_and_statistics_come_from_a_run_over_all_rows(shop):
    place = sk.Function("place", ["whole"], "whole", lambda spent: spent.rank("ordinal").cast(pl.Int64))
    told = explained(shop, "segment s when place(spent) = 2 and rank(spent over all) = 2", "cy", "s", functions=[place])
    assert told.answer is True
    assert [clause.seen[0].value for clause in told.asked.clause.clauses] == [2, 2]


def test_json_has_values_as_they_are(shop):
    told = json.loads(explained(shop, "segment s when sum(orders.total) > 1 and spent < 100", "ada", "s").json())
    assert told["key"] == {"id": "ada"}
    first, second = told["asked"]["clause"]["clauses"]
    assert (first["text"], first["answer"], first["place"]) == ("sum(orders.total) > 1", "true", "rules.seg:1:16")
    assert first["seen"][0]["value"] == "650.00"
    rows = first["seen"][0]["rows"]
    assert (rows["table"], rows["all"], rows["counted"]) == ("orders", 2, 2)
    assert rows["first"][1] == {"row": 2, "key": {"order_id": 11}, "value": "250.00", "shown": "250.00"}
    assert second["seen"] == [{"text": "spent", "value": 10, "shown": "10", "rows": None}]


def test_a_let_is_unfolded_once_however_often_it_is_named(shop):
    lets = "".join(f"let a{n} = a{n - 1} + a{n - 1}\n" for n in range(1, 40))
    told = explained(shop, f"let a0 = spent\n{lets}segment s when a39 > 0", "ada", "s")
    assert told.answer is True
    assert [statement.name for statement in told.mentioned] == [f"a{n}" for n in range(39, -1, -1)]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("Ada", 'no row of customers has id "Ada"; did you mean "ada"?'),
        ("zz top", 'no row of customers has id "zz top"'),
        (17, "customers.id is text (String), and 17 is none"),
        (("a", "b"), "the key of customers (id) is one value, and 2 were given"),
    ],
)
def test_a_key_that_nobody_has(shop, key, message):
    with pytest.raises(sk.Error) as caught:
        explained(shop, "segment s when vip", key, "s")
    assert str(caught.value) == message


def test_a_key_is_sought_where_there_are_no_rows():
    data = sk.Dataset({"customers": pl.DataFrame({"id": [], "x": []})}, root="customers", key="id")
    with pytest.raises(sk.Error) as caught:
        sk.compile("segment s when x is missing", data.schema).explain(data, "7", "s", as_of="2026-01-01")
    assert str(caught.value) == "no row of customers has id 7: it has no rows"


def test_keys_of_several_columns_and_numbers():
    frame = pl.DataFrame({"shop": ["a", "a", "b"], "no": [1, 2, 1], "x": [1, 2, 3]})
    data = sk.Dataset({"t": frame}, root="t", key=["shop", "no"])
    rules = sk.compile("segment s when x = 2", data.schema)
    assert rules.explain(data, ("a", 2), "s", as_of=AS_OF).answer is True
    assert rules.explain(data, ("b", "1"), "s", as_of=AS_OF).key == {"shop": "b", "no": 1}
    with pytest.raises(sk.Error, match=r'^no row of t has shop "b", no 2$'):
        rules.explain(data, ("b", 2), "s", as_of=AS_OF)
    numbered = sk.Dataset({"t": frame.select("x")}, root="t", key="x")
    with pytest.raises(sk.Error, match=r"^no row of t has x 7; they go from 1 to 3$"):
        sk.compile("segment s when x = 2", numbered.schema).explain(numbered, 7, "s", as_of=AS_OF)
    with pytest.raises(sk.Error, match=r't.x is whole number .Int64., and "seven" is none'):
        sk.compile("segment s when x = 2", numbered.schema).explain(numbered, "seven", "s", as_of=AS_OF)


def test_an_unknown_name_and_a_number_that_leaves_its_range(shop):
    with pytest.raises(sk.Error, match=r'there is no segment or choose called "bigg"; did you mean "big"[?]'):
        explained(shop, "segment big when vip", "ada", "bigg")
    with pytest.raises(sk.DataError, match=r"^rules.seg:1:16: `spent [*] 9_000_000_000_000_000_000`: a number leaves its range"):
        explained(shop, "segment s when spent * 9_000_000_000_000_000_000 > 1", "ada", "s")


@pytest.mark.parametrize("seed", range(40))
def test_it_agrees_with_the_evaluation(seed):
    case = random_case(7_000 + seed, "small")
    data = sk.Dataset(dict(case.frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params)
    try:
        result = rules.evaluate(data, as_of=case.as_of)
    except sk.DataError:
        return
    rng, keys = Random(seed), data.keys()
    for row in rng.sample(range(keys.height), min(3, keys.height)):
        for told in rules.explain_all(data, keys.row(row), as_of=case.as_of):
            name = told.asked.name
            found = result[name][row]
            if name in rules.checked.segments:
                assert (told.answer is True) == found, (seed, row, name)
            elif name in rules.checked.collects:
                kind = rules.checked.collects[name].type
                assert told.asked.value == [plain(normal(each), kind, case.timezone) for each in found], (seed, row, name)
            else:
                kind = rules.checked.chooses[name].type
                units = int(found.scaleb(kind.scale)) if isinstance(found, Decimal) else normal(found)
                assert told.asked.value == plain(units, kind, case.timezone), (seed, row, name)
            assert str(told)
            assert told.json()


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        (pl.Series([date(2026, 1, 1), date(2026, 1, 2)]), date(2026, 1, 2), "2026-01-02"),
        (pl.Series([datetime(2026, 1, 1), datetime(2026, 1, 2, 3)]), datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        (pl.Series([datetime(2026, 1, 1), datetime(2026, 1, 2)]).dt.replace_time_zone("UTC"), None, "2026-01-02T00:00:00+00:00"),
        (pl.Series([False, True]), True, "true"),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), "b", "b"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "b", "b"),
        (pl.Series([Decimal("1.50"), Decimal("2.50")]), Decimal("2.5"), "2.50"),
        (pl.Series([1, 2], dtype=pl.UInt8), 2, " 2 "),
    ],
)
def test_keys_of_every_type_as_values_and_as_text(keys, key, text):
    data = sk.Dataset({"t": pl.DataFrame({"k": keys, "x": [1, 2]})}, root="t", key="k")
    rules = sk.compile("segment s when x = 2", data.schema)
    assert rules.explain(data, text, "s", as_of=AS_OF).answer is True
    if key is not None:
        assert rules.explain(data, key, "s", as_of=AS_OF).answer is True
    with pytest.raises(sk.Error, match=r"^t.k is |^no row of t has k "):
        rules.explain(data, "never", "s", as_of=AS_OF)
    with pytest.raises(sk.Error, match=r"^t.k is .*, and None is none$"):
        rules.explain(data, None, "s", as_of=AS_OF)


def test_only_a_dataset_can_be_asked(shop):
    rules = sk.compile("segment s when vip", shop.schema)
    for ask in (rules.explain, rules.funnel):
        with pytest.raises(sk.Error, match=r"^data is a sk.Dataset, not DataFrame$"):
            ask(CUSTOMERS, *(["ada"] if ask == rules.explain else []), "s", as_of=AS_OF)
