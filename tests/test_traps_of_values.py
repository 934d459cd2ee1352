"""Where segmentation systems lose, double or misread people and money: each trap that their users reported, as one test.

Every answer is told by the kernel, by the public face, and held against the oracle's.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import segkernel as sk
from tests.told import accounts, instants, table, told

OWNED = {"orders": {"customer": ("customers", "id_of")}}
AS_OF = "2026-01-15T12:00+00:00"


def money(*values: str | None, scale: int = 2) -> pl.Series:
    return pl.Series([None if value is None else Decimal(value) for value in values], dtype=pl.Decimal(38, scale))


def warned(condition: str, tables: dict[str, pl.DataFrame], links: dict[str, Any] | None = None) -> list[str]:
    """The codes of the warnings that a rule draws."""
    data = sk.Dataset(tables, root="customers", key="id", links=links or {})
    return [each.code for each in sk.compile(f"segment answer when {condition}", data.schema).warnings]


# ---- missing values and NOT


def test_unequal_leaves_out_who_has_no_value_and_says_so() -> None:
    """OroPlatform #931: `<> 'call'` dropped everyone without a source, and users expected them in."""
    people = {"customers": table(source=["call", "web", None, "mail"])}
    assert accounts('source != "call"', people) == [2, 4]
    assert accounts('source != "call" or source is missing', people) == [2, 3, 4]
    assert warned('source != "call"', people) == ["W101"]
    assert warned('source != "call" or source is missing', people) == []


def test_how_many_are_neither_in_nor_out_is_told() -> None:
    """A report that shows members only hides that for many nobody knows."""
    data = sk.Dataset({"customers": table(source=["call", None, None])}, root="customers", key="id")
    result = sk.compile('segment others when source != "call"', data.schema).evaluate(data, as_of=AS_OF, unknowns=True)
    assert (result.count("others"), result.unknown("others")) == (0, 2)


def test_not_equal_and_unequal_are_the_same() -> None:
    """Mautic #11482 and #12906, of the same kind: all ways of negating give one answer."""
    people = {"customers": table(country=["DE", "AT", None])}
    for condition in ('country != "DE"', 'not country = "DE"', 'country not in ("DE", "CH")', 'not country in ("DE", "CH")'):
        assert accounts(condition, people) == [2]
    for condition in ('country not contains "D"', 'not country contains "D"', 'not country matches "D"', 'not country starts with "D"'):
        assert accounts(condition, people) == [2]


def test_who_has_no_value_is_no_member_of_the_opposite() -> None:
    """goflow #1099, of the same kind: a comparison, its opposite, and neither."""
    people = {"customers": table(age=[17, 18, None])}
    assert accounts("age >= 18", people) == [2]
    assert accounts("not age >= 18", people) == [1]
    assert accounts("age >= 18 or not age >= 18", people) == [1, 2]


def test_the_empty_text_is_a_text() -> None:
    """Mautic #1912: is "" empty? It is not missing, and whoever means both asks for both."""
    people = {"customers": table(name=["anna", "", None, " "])}
    assert accounts("name is missing", people) == [3]
    assert accounts('name = ""', people) == [2]
    assert accounts('name != "anna"', people) == [2, 4]
    assert accounts('name is missing or trim(name) = ""', people) == [2, 3, 4]


def test_a_missing_item_does_not_empty_a_list() -> None:
    """SQL's NOT IN gives nobody as soon as one item of a subquery is null; it is so only for the row that has that item."""
    people = {"customers": table(city=["Bern", "Basel", "Bern", None], other=["Basel", None, None, "Bern"])}
    assert accounts('city in ("Basel", other)', people) == [2]
    assert accounts('city not in ("Basel", other)', people) == [1]


def test_not_a_number_is_missing_and_equals_nothing() -> None:
    """NaN is unequal to all and larger than all in some systems, so that it gets into every segment."""
    people = {"customers": table(score=[1.0, float("nan"), None, float("inf")])}
    assert accounts("score != 1", people) == [4]
    assert accounts("score > 1000", people) == [4]
    assert accounts("score is missing", people) == [2, 3]


def test_missing_is_not_nothing() -> None:
    """json-logic #13: null counted as 0, so that `>= 0` held."""
    people = {"customers": table(balance=pl.Series([None, 0, -5], dtype=pl.Int64))}
    assert accounts("balance >= 0", people) == [2]
    assert accounts("balance < 5", people) == [2, 3]
    assert accounts("balance + 1 < 5", people) == [2, 3]


def test_unknown_takes_part_in_and_and_or() -> None:
    """One false part decides an `and`, one true part an `or`, whatever is missing beside it."""
    people = {"customers": table(a=[True, True, True, False, False, None], b=[True, False, None, False, None, None])}
    assert accounts("a and b", people) == [1]
    assert accounts("not (a and b)", people) == [2, 4, 5]
    assert accounts("a or b", people) == [1, 2, 3]
    assert accounts("not (a or b)", people) == [4]


# ---- relations without rows, and too many of them


def bought(totals: dict[int, list[float | None]]) -> dict[str, pl.DataFrame]:
    """Three customers, with orders of these totals."""
    rows = [(owner, total) for owner, each in totals.items() for total in each]
    frame = pl.DataFrame(
        {"id_of": [owner for owner, _ in rows], "total": [total for _, total in rows]}, schema={"id_of": pl.Int64, "total": pl.Float64}
    )
    return {"customers": table(name=["anna", "bert", "cleo"]), "orders": frame}


def test_aggregates_over_no_rows() -> None:
    """Polars says null, 0 and true in turn; the language says which."""
    shop = bought({1: [10.0, 20.0], 2: [None]})
    wanted = {
        "count(orders) = 0": [3],
        "count(orders.total) = 0": [2, 3],
        "sum(orders.total) = 0": [2, 3],
        "avg(orders.total) is missing": [2, 3],
        "max(orders.total) is missing": [2, 3],
        "avg(orders.total) < 100": [1],
        "min(orders.total) < 100": [1],
        "not min(orders.total) < 100": [],
        "any(orders)": [1, 2],
        "none(orders where total > 100)": [1, 2, 3],
        "all(total > 5 for orders)": [1, 3],
        "any(orders) and all(total > 5 for orders)": [1],
    }
    for condition, expected in wanted.items():
        assert accounts(condition, shop, links=OWNED) == expected, condition


def test_who_never_ordered_is_among_those_without_large_orders_and_a_warning_says_so() -> None:
    assert accounts("none(orders where total > 15)", bought({1: [10.0, 20.0], 2: [5.0]}), links=OWNED) == [2, 3]
    assert warned("none(orders where total > 15)", bought({1: [1.0]}), OWNED) == ["W108"]
    assert warned("any(orders) and none(orders where total > 15)", bought({1: [1.0]}), OWNED) == []


def test_tables_beside_each_other_do_not_multiply() -> None:
    """A join of orders and visits counts each order once for every visit."""
    tables = {
        "customers": table(name=["anna", "bert"]),
        "orders": pl.DataFrame({"id_of": [1, 1, 2], "total": [10, 20, 30]}),
        "visits": pl.DataFrame({"id_of": [1, 1, 1, 1, 2]}),
    }
    links = {"orders": {"customer": ("customers", "id_of")}, "visits": {"visitor": ("customers", "id_of")}}
    assert accounts("sum(orders.total) = 30 and count(visits) = 4", tables, links=links) == [1]
    assert accounts("sum(orders.total) = 30 and count(visits) = 1", tables, links=links) == [2]


def test_several_tests_of_one_row_are_of_the_same_row() -> None:
    """A paid order and a large order are not a paid large order."""
    orders = pl.DataFrame({"id_of": [1, 1, 2], "total": [10, 500, 500], "paid": [True, False, True]})
    shop = {"customers": table(name=["anna", "bert"]), "orders": orders}
    assert accounts("any(orders where paid and total > 100)", shop, links=OWNED) == [2]
    assert accounts("any(orders where paid) and any(orders where total > 100)", shop, links=OWNED) == [1, 2]


# ---- money

DONE = 'let done for orders = status = "complete"\n'
REFUNDS = """
[project]
root = "customers"
[tables.customers]
key = "id"
[tables.orders]
key = "id"
links.customer = { table = "customers", by = "id_of" }
[tables.refunds]
links.order = { table = "orders", by = "order_id" }
"""


def shop_with_refunds() -> dict[str, pl.DataFrame]:
    """Anna paid 100 and got 100 back, of which the order is cancelled; bert paid 300, and 50 came back; cleo never paid."""
    return {
        "customers": table(name=["anna", "bert", "cleo"]),
        "orders": table(
            id_of=[1, 1, 2, 3], total=money("100", "20", "300", "900"), status=["cancelled", "complete", "complete", "pending"]
        ),
        "refunds": pl.DataFrame({"order_id": [1, 3], "amount": money("100", "50")}),
    }


def test_a_life_time_value_can_be_before_or_after_refunds_and_its_name_says_which() -> None:
    """WooCommerce #21822: the total spent was that before refunds."""
    rules = DONE + (
        "let gross = sum(total for orders where done)\n"
        'let refunded = sum(refunds.amount where order.status = "complete")\n'
        "segment gross_300 when gross >= 300 segment net_300 when gross - refunded >= 300 segment net_250 when gross - refunded >= 250"
    )
    found = told(rules, shop_with_refunds(), AS_OF, schema=sk.Schema.parse(REFUNDS))
    assert found == {"gross_300": [2], "net_300": [], "net_250": [2]}


def test_the_refund_of_an_order_that_does_not_count_does_not_count() -> None:
    """Easy Digital Downloads #7947 and #7969: refunds were subtracted while their orders were left out, and people's
    worth became negative. One named condition serves both sums."""
    wrong = DONE + "segment negative when sum(total for orders where done) - sum(refunds.amount) < 0"
    right = DONE + "segment negative when sum(total - sum(refunds.amount) for orders where done) < 0"
    assert told(wrong, shop_with_refunds(), AS_OF, schema=sk.Schema.parse(REFUNDS)) == {"negative": [1]}
    assert told(right, shop_with_refunds(), AS_OF, schema=sk.Schema.parse(REFUNDS)) == {"negative": []}


def test_orders_that_nobody_paid_make_no_vip() -> None:
    """mc-woocommerce #288: they did."""
    tables = {name: frame for name, frame in shop_with_refunds().items() if name != "refunds"}
    assert accounts("sum(orders.total) >= 500", tables, links=OWNED) == [3]
    assert accounts('sum(orders.total where status = "complete") >= 500', tables, links=OWNED) == []


def test_a_dime_and_two_dimes_are_thirty_cents() -> None:
    """0.1 + 0.2 is not 0.3 in floats; decimals, and floats that a schema pins as decimals, are exact."""
    shop = {"customers": table(name=["anna"]), "orders": pl.DataFrame({"id_of": [1, 1], "total": money("0.10", "0.20"), "f": [0.1, 0.2]})}
    assert accounts("sum(orders.total) = 0.3 and sum(orders.total) >= 0.3 and not sum(orders.total) > 0.3", shop, links=OWNED) == [1]
    assert accounts("sum(orders.f) > 0.3", shop, links=OWNED) == [1]
    pinned = sk.Schema.parse(
        """
        [project]
        root = "customers"
        [tables.customers]
        key = "id"
        [tables.orders]
        fields.f = { type = "decimal(2)" }
        links.customer = { table = "customers", by = "id_of" }
        """
    )
    assert accounts("sum(orders.f) = 0.3", shop, schema=pinned) == [1]
    assert accounts("0.1 + 0.2 = 0.3", shop, links=OWNED) == [1]


def test_halves_are_rounded_away_from_zero() -> None:
    """Half to even, as Python's `round` does it, makes 0.125 into 0.12; and 2.675 as a float is a little less than that."""
    people = {"customers": table(f=[0.125, -0.125, 2.675, 0.375], d=money("0.125", "-0.125", "2.675", "0.375", scale=3))}
    assert accounts("round(d, 2) = 0.13", people) == [1]
    assert accounts("round(d, 2) = -0.13", people) == [2]
    assert accounts("round(d, 2) = 2.68", people) == [3]
    assert accounts("round(f, 2) = 2.67", people) == [3]
    assert accounts("round(f, 2) in (0.13, 0.38)", people) == [1, 4]


def test_currencies_with_no_two_and_three_places_are_exact_beside_each_other() -> None:
    """Yen have no cents, dinars have thousandths."""
    people = {"customers": table(yen=money("100", "101", scale=0), euro=money("0.10", "0.11"), dinar=money("0.101", "0.100", scale=3))}
    assert accounts("euro < dinar", people) == [1]
    assert accounts("euro * 1000 = yen", people) == [1]
    assert accounts("yen + euro + dinar = 100.201", people) == [1]


def test_a_sum_is_of_one_currency_where_the_rule_says_so() -> None:
    """There is no sum of euros and yen without a rate."""
    orders = pl.DataFrame({"id_of": [1, 1, 2], "total": money("80", "9000", "120"), "currency": ["EUR", "JPY", "EUR"]})
    shop = {"customers": table(name=["anna", "bert"]), "orders": orders}
    assert accounts('sum(orders.total where currency = "EUR") >= 100', shop, links=OWNED) == [2]


def test_a_threshold_is_met_to_the_last_cent_whatever_the_order_of_the_rows() -> None:
    """A sum of floats depends on the order of its terms where it is rounded at each step."""
    values = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3]
    for turned in range(len(values)):
        orders = pl.DataFrame({"id_of": [1] * len(values), "total": values[turned:] + values[:turned]})
        assert accounts("sum(orders.total) = 1.6", {"customers": table(name=["a"]), "orders": orders}, links=OWNED) == [1]


# ---- texts


def names(*texts: str) -> dict[str, pl.DataFrame]:
    return {"customers": table(id=list(texts), name=list(texts))}


def test_ignoring_case_is_folding_and_not_lowering() -> None:
    """Lowering "STRASSE" misses "Straße"; a regular expression that ignores case misses it too, and finds the long s."""
    people = names("Straße", "STRASSE", "strasse", "ſtrasse", "Strase")
    assert accounts('name = "strasse" ignoring case', people) == ["Straße", "STRASSE", "strasse", "ſtrasse"]
    assert accounts('name = "STRASSE"', people) == ["STRASSE"]
    assert accounts('lower(name) = "strasse"', people) == ["STRASSE", "strasse"]


def test_sharp_s_has_no_capital_of_its_own() -> None:
    people = names("ß")
    assert accounts('lower(name) = "ß" and upper(name) = "SS" and length(upper(name)) = 2', people) == ["ß"]


def test_no_locale_decides_about_dots() -> None:
    """Of the Turkish letters, "İ" folds to an i with a dot above, and "ı" to itself, wherever the server stands."""
    people = names("İ", "i", "I", "ı", "i\u0307")
    assert accounts('name = "i" ignoring case', people) == ["i", "I"]
    assert accounts('name = "İ" ignoring case', people) == ["İ", "i\u0307"]
    assert accounts('name = "ı" ignoring case', people) == ["ı"]
    assert accounts("length(lower(name)) = 2", people) == ["İ", "i\u0307"]


def test_an_accent_may_be_written_in_two_ways() -> None:
    """é is one code point or two; they look the same and are not the same text, except where case is ignored."""
    people = names("caf\u00e9", "cafe\u0301", "cafe")
    assert accounts('name = "caf\u00e9"', people) == ["caf\u00e9"]
    assert accounts('name = "CAF\u00c9" ignoring case', people) == ["caf\u00e9", "cafe\u0301"]
    assert accounts("length(name) = 5", people) == ["cafe\u0301"]


def test_the_sign_for_kelvin_is_a_k_only_where_case_is_ignored() -> None:
    people = names("k", "K", "\u212a")
    assert accounts('name = "k" ignoring case', people) == ["k", "K", "\u212a"]
    assert accounts('name = "k"', people) == ["k"]
    assert accounts('name matches "[kK]"', people) == ["k", "K"]


def test_texts_are_ordered_by_code_point_and_by_no_dictionary() -> None:
    people = names("Zebra", "apfel", "Äpfel")
    assert accounts('name < "a"', people) == ["Zebra"]
    assert accounts('name > "z"', people) == ["Äpfel"]
    assert accounts('name in "Z".."b"', people) == ["Zebra", "apfel"]


# ---- keys


def test_an_account_that_is_there_twice_is_an_error_and_not_two() -> None:
    """Joined, it fans out: every order counts twice."""
    with pytest.raises(sk.DataError, match=r"customers.*id.*7"):
        sk.Dataset({"customers": pl.DataFrame({"id": [7, 8, 7]})}, root="customers", key="id")


def test_a_product_that_is_there_twice_does_not_double_its_lines() -> None:
    tables = {
        "customers": table(name=["a"]),
        "lines": pl.DataFrame({"id_of": [1], "sku": ["x"], "price": [5]}),
        "products": pl.DataFrame({"sku": ["x", "x"], "kind": ["tool", "tool"]}),
    }
    schema = sk.Schema.parse(
        """
        [project]
        root = "customers"
        [tables.customers]
        key = "id"
        [tables.lines]
        links.customer = { table = "customers", by = "id_of" }
        links.product = { table = "products", by = "sku" }
        [tables.products]
        key = "sku"
        """
    )
    data = sk.Dataset(tables, schema)
    rules = sk.compile('segment s when sum(lines.price where product.kind = "tool") > 5', data.schema)
    with pytest.raises(sk.DataError, match=r"products.*sku"):
        rules.evaluate(data, as_of=AS_OF)


def test_zeros_in_front_belong_to_a_key() -> None:
    """A CSV reader that takes "007" for 7 gives one customer the orders of another."""
    shop = {"customers": table(id=["007", "7", "07"]), "orders": pl.DataFrame({"id_of": ["7", "7", "007"]})}
    assert accounts("count(orders) = 2", shop, links=OWNED) == ["7"]
    assert accounts('id = "007" and count(orders) = 1', shop, links=OWNED) == ["007"]


def test_a_key_that_is_a_text_here_and_a_number_there_is_told() -> None:
    shop = {"customers": table(id=["007", "7"]), "orders": pl.DataFrame({"id_of": [7, 7]})}
    with pytest.raises((sk.DataError, sk.SchemaError), match=r"id_of"):
        accounts("count(orders) = 2", shop, links=OWNED)


def test_numbers_beyond_two_to_the_53rd_are_not_mixed_up() -> None:
    """As floats, 9007199254740993 and 9007199254740992 are one customer."""
    large = [2**53, 2**53 + 1, 2**63 - 1]
    shop = {"customers": table(id=large, number=large), "orders": pl.DataFrame({"id_of": [2**53 + 1, 2**53 + 1, 2**63 - 1]})}
    assert accounts("count(orders) = 2", shop, links=OWNED) == [2**53 + 1]
    assert accounts("number = 9007199254740993", shop, links=OWNED) == [2**53 + 1]
    assert accounts("number > 9007199254740992 and number < 9223372036854775807", shop, links=OWNED) == [2**53 + 1]


def test_orders_of_nobody_are_counted() -> None:
    """Rows that find no owner vanish in an inner join."""
    shop = {"customers": table(name=["a", "b"]), "orders": pl.DataFrame({"id_of": [1, 9, 9, None]})}
    data = sk.Dataset(shop, root="customers", key="id", links=OWNED)
    result = sk.compile("segment buyers when any(orders)", data.schema).evaluate(data, as_of=AS_OF)
    assert result.members("buyers").to_list() == [1]
    assert result.orphans == {("orders", "customer"): 2}
    assert accounts("any(orders)", shop, links=OWNED) == [1]


# ---- from one night to the next


def test_who_entered_and_who_left_is_told_from_run_to_run() -> None:
    """A member that silently drops out of a running campaign (Mautic #6439) can be seen to have left, and nobody flaps
    between two runs of one day."""
    orders = pl.DataFrame({"id_of": [1, 2], "at": instants("2026-01-05T10:00:00Z", "2026-01-14T10:00:00Z")})
    data = sk.Dataset({"customers": table(name=["a", "b"]), "orders": orders}, root="customers", key="id", links=OWNED)
    rules = sk.compile("segment lately when any(orders where at within last 10 days)", data.schema)
    runs = [
        rules.evaluate(data, as_of=datetime.fromisoformat(text)) for text in ("2026-01-13T01:00Z", "2026-01-15T01:00Z", "2026-01-16T00:00Z")
    ]
    assert [run.members("lately").to_list() for run in runs] == [[1], [1, 2], [2]]
    assert runs[1].changes(since=runs[0]).frame().rows() == [(2, "lately", "entered")]
    assert runs[2].changes(since=runs[1]).frame().rows() == [(1, "lately", "left")]
    later = rules.evaluate(data, as_of="2026-01-15T23:59:59Z")
    assert later.changes(since=runs[1]).frame().is_empty()
