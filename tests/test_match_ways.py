"""`match` in fixed memory: the same from many threads, after a fork, with texts as they come, and where records have no room there."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import segkernel as sk
from segdsl.schema import FieldSpec
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, WHOLE, decimal
from segkernel.kernel.entries import JIT
from segkernel.link import vocabulary
from segkernel.link.vocabulary import CAPACITY, Full, Vocabulary
from segkernel.match import places
from segkernel.match.fixed import Stand
from segkernel.match.memory import NUMBERS, ROWS, TIMES, Beyond, buffer
from segkernel.match.places import Place
from segkernel.match.ready import BLOCK
from segkernel.match.records import Rows
from tests.test_match import NOON, SHOP

TEXTS = """
segment a when country contains "rl" or country starts with "Z"
segment b when country != "Berlin" and country < "K"
segment c when country = "köln" ignoring case
segment d when length(trim(country)) >= 6
segment e when any(orders where status = customer.country)
segment f when distinct(orders.status) = 2 and coalesce(country, "none") != "none"
segment g when country in values(orders.status)
segment h when any(orders where customer.country contains status)
segment i when any(orders where not (status ends with trim(customer.country)))
segment j when upper(country) starts with trim(country)
segment k when not (country contains lower(coalesce(country, "none")))
segment l when country ends with country and any(orders where status starts with status)
choose first_status "x" when first(orders.status by placed_at) = country "y" when last(orders.status by placed_at) >= "s1"
"""


def quick(rules: sk.Rules) -> None:
    """Fail where rules do not take the quick way."""
    matcher = rules._matcher
    assert matcher is not None
    assert matcher.unready is None or not JIT, matcher.unready


def as_tables(rules: sk.Rules, records: list[Any], as_of: Any = NOON) -> list[sk.Match]:
    """What the long way says, which shares neither memory nor codes with the quick one."""
    rules.match_many(records[:1], as_of=as_of)
    matcher = rules._matcher
    assert matcher is not None
    return matcher._as_tables(records, int(as_of.timestamp()) * 10**9, None)


def texts(number: int) -> dict[str, Any]:
    """A record whose texts are new, or met before."""
    words = ["Berlin", " Köln", "KÖLN", None, "Zürich", "", "Aachen", f"place {number}", "s3", "naïve"]
    statuses = [{"status": each, "placed_at": NOON + timedelta(number * 7 % 5), "order_id": place} for place, each in enumerate(
        [f"s{number % 9}", words[number % 7], words[number * 3 % 10]][: number % 4]
    )]  # fmt: skip
    return {"country": words[number % 10], "orders": statuses}


def test_texts_as_they_come() -> None:
    rules = sk.compile(TEXTS, SHOP)
    records = [texts(number) for number in range(200)]
    wanted = as_tables(rules, records)
    assert rules.match_many(records, as_of=NOON) == wanted
    assert [rules.match(record, as_of=NOON) for record in records] == wanted
    assert {name for match in wanted for name in match.segments} == set("abcdefghijkl")
    assert {match["first_status"] for match in wanted} == {None, "x", "y"}
    quick(rules)


def test_more_texts_than_codes_come_one_after_another() -> None:
    rules = sk.compile('segment a when country ends with "7" or upper(country) = "PLACE 8"', SHOP)
    found = [rules.match({"country": f"place {number}"}, as_of=NOON)["a"] for number in range(2 * CAPACITY + 100)]
    assert found == [number % 10 == 7 or number == 8 for number in range(2 * CAPACITY + 100)]
    quick(rules)


def test_more_texts_than_codes_come_at_once() -> None:
    rules = sk.compile('segment a when count(orders where status ends with "7") = 400', SHOP)
    for count, found in ((4000, True), (4090, False), (4, False), (4000, True)):
        assert rules.match({"orders": [{"status": f"{count} {number}"} for number in range(count)]}, as_of=NOON)["a"] is found


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, ROWS - 1, ROWS, ROWS + 1])
def test_rows_up_to_the_room_and_beyond(rows: int) -> None:
    rules = sk.compile(
        f"segment a when count(orders) = {rows} and sum(orders.total) = {rows} * 1.25 and none(orders where total < 1)", SHOP
    )
    assert rules.match({"orders": [{"total": 1.25}] * rows}, as_of=NOON)["a"] is (rows > 0) or rows == 0
    record = {"orders": [{"total": Decimal("1.25")}] * rows}
    few = {"orders": [{"total": 3}] * 2}
    assert [each["a"] for each in rules.match_many([few, record, few], as_of=NOON)] == [rows == 2, rows > 0, rows == 2] or rows == 0


@pytest.mark.parametrize("value", [0, 1, -1, NUMBERS - 1, NUMBERS, NUMBERS + 1, -NUMBERS, -NUMBERS - 1, 2**63, 2**64 - 1, -(2**63)])
def test_numbers_up_to_the_codes_and_beyond(value: int) -> None:
    rules = sk.compile(f"segment a when visits = {value}\nsegment b when visits >= {value}\nsegment c when visits is missing", SHOP)
    assert rules.match({"visits": value}, as_of=NOON).segments == {"a", "b"}
    assert rules.match({"visits": None}, as_of=NOON).segments == {"c"}


def test_codes_say_what_they_stand_for() -> None:
    specs = [(WHOLE, 5, 5), (decimal(2), 5.25, 525), (DATE, NOON.date(), 20468), (TIMESTAMP, NOON, int(NOON.timestamp()) * 10**9)]
    for kind, given, units in specs:
        made = buffer(FieldSpec(kind), "UTC", None)
        assert made.column.value(made.code(given)) == units
        assert made.code(given) == made.unit(units)
        assert made.code(None) == made.unit(None) == 0
    wide = buffer(FieldSpec(TIMESTAMP), "UTC", None)
    assert wide.column.value(wide.unit(TIMES)) == TIMES
    for beyond in (TIMES + 1, -TIMES - 1):
        with pytest.raises(Beyond):
            wide.unit(beyond)
    assert np.isnan(buffer(FieldSpec(NUMBER), "UTC", None).code(None))
    few = buffer(FieldSpec(TEXT), "UTC", ("b", "a"))
    assert [few.code(each) for each in (None, "a", "b", "c", "")] == [0, 1, 2, 3, 3]


def test_a_vocabulary_fills_in_its_tables() -> None:
    texts = Vocabulary()
    texts.add("b")
    texts.keep()
    bits, (upper, table), lengths = texts.bits((), "contains", "b", True), texts.respelt("upper"), texts.lengths()
    ranks, codes = texts.ranks()
    assert [texts.add(each) for each in ("c", "ab", "b", "c")] == [2, 3, 1, 2]
    assert (bits[0], list(upper), table[:4].tolist(), lengths[:4].tolist()) == (0b1010, ["B", "C", "AB"], [0, 1, 2, 3], [0, 1, 1, 2])
    assert (ranks[1:4].tolist(), codes[1:4].tolist()) == ([2, 3, 1], [3, 1, 2])
    texts.forget()
    upper.forget()
    assert (list(texts), texts.add("xyz"), lengths[2], ranks[2], bits[0] & 4) == (["b"], 2, 3, 2, 0)
    for number in range(CAPACITY - 3):
        texts.add(f"text {number}")
    with pytest.raises(Full):
        texts.add("one more")


@pytest.mark.parametrize("test", ["contains", "starts", "ends"])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("alone", [True, False])
def test_pairs_of_texts_as_they_come(test: str, wanted: bool, alone: bool) -> None:
    rng = np.random.default_rng(5)
    texts = Vocabulary()
    patterns = texts if alone else Vocabulary()
    for each in ("ab", "b"):
        texts.add(each)
        patterns.add(each)
    texts.keep()
    patterns.keep()
    bits = texts.pairs(test, patterns, wanted)
    for _ in range(3):
        for _ in range(40):
            (texts if rng.random() < 0.5 else patterns).add("".join(rng.choice(["a", "b", "é"], rng.integers(4))))
        found = np.unpackbits(bits, bitorder="little").reshape(CAPACITY, CAPACITY)
        assert not found[0].any()
        assert not found[:, 0].any()
        for code, text in enumerate(texts, 1):
            holds = [vocabulary.TESTS[test](pattern)(text) is wanted for pattern in patterns]
            assert found[code, 1 : len(patterns) + 1].tolist() == holds
        for each in {texts, patterns}:
            each.forget()


@pytest.mark.parametrize(
    ("functions", "test", "operand", "holds"),
    [
        ((), "range", ("b", "d", False), "bc"),
        ((), "range", (None, "b", True), "bcdé"),
        (("length",), "range", (2, None, False), ""),
        (("upper",), "among", ("A", "É"), "aé"),
        ((), "starts", "", "abcdé"),
        ((), "matches", "[bc]", "bc"),
    ],
)
def test_tests_of_one_text(functions: tuple[str, ...], test: str, operand: Any, holds: str) -> None:
    asked = vocabulary.tester(functions, test, operand)
    assert "".join(text for text in "abcdé" if asked(text)) == holds


EVERYTHING = f"""{TEXTS}
segment recent when any(orders where placed_at within last 30 days) and seen_at < now
segment wide when visits * 3 > 100 and company.size > 2 and any(order_lines where product.brand = "Acme" and quantity > 1)
segment lately when seen_at within last 12 hours
collect labels "D" when country = "Berlin" "B" when any(orders) "L" when company.size >= 50
"""


def everything(number: int) -> dict[str, Any]:
    """A record of all that the rules read."""
    lines = [{"product": {"brand": ["Acme", "Other"][each % 2]} if each % 3 else None, "quantity": each} for each in range(number % 5)]
    record = texts(number)
    return {
        **record,
        "orders": [{**order, "order_lines": lines} for order in record["orders"]],
        "seen_at": NOON - timedelta(hours=number % 40),
        "visits": number,
        "company": {"size": number % 60} if number % 2 else None,
    }


def test_eight_threads_say_the_same() -> None:
    rules = sk.compile(EVERYTHING, SHOP)
    records = [everything(number) for number in range(120)]
    days = [NOON + timedelta(days=day, microseconds=day) for day in range(4)]
    wanted = {day: as_tables(rules, records, day) for day in days}
    wrong: list[Any] = []

    def ask(thread: int) -> None:
        for turn in range(200):
            number, day = (turn * 7 + thread) % 120, days[(turn + thread) % 4]
            if rules.match(records[number], as_of=day) != wanted[day][number]:
                wrong.append((thread, number, day))

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    assert len({match.segments for match in wanted[NOON]}) > 10
    quick(rules)


def child(connection: Any, warm: bool) -> None:
    """In a forked process: rules that were used before, and rules that were not."""
    rules = KEPT if warm else sk.compile(EVERYTHING, SHOP)
    connection.send([rules.match(everything(number), as_of=NOON).segments for number in range(50)])
    connection.close()


KEPT = sk.compile(EVERYTHING, SHOP)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("warm", [True, False])
def test_after_a_fork(warm: bool) -> None:
    wanted = [KEPT.match(everything(number), as_of=NOON).segments for number in range(50)]
    busy = threading.Event()
    threads = [threading.Thread(target=lambda: [KEPT.match(everything(3), as_of=NOON) for _ in range(10**6) if not busy.is_set()])]
    for each in threads:
        each.start()
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=child, args=(there, warm))
    process.start()
    try:
        assert here.poll(60), "the forked process says nothing"
        assert here.recv() == wanted
    finally:
        busy.set()
        for each in threads:
            each.join()
        process.kill()
        process.join()


GROUPS = """
segment a when max(count(orders per status)) >= 2
segment b when any(sum(order_lines.quantity per (sku, order.status)) > 6)
segment c when last(product.brand by count(order_lines per product.brand)) = "Acme"
segment d when none(count(order_lines per sku) > 1) and sum(count(orders per status)) > 1
segment e when first(sku by min(order_lines.quantity per sku)) = "s0" and visits > 3
segment f when any(orders where max(count(order_lines per sku)) >= 2)
segment g when max(count(order_lines per upper(sku))) >= 2 and max(count(orders per days_since(placed_at))) >= 2
segment h when any(count(orders per (month_start(placed_at), status)) = 1)
"""


def grouped(number: int) -> dict[str, Any]:
    """A record whose rows form groups; some lack what they are grouped by."""
    orders = []
    for order in range(number % 5):
        lines = [
            {
                "sku": f"s{(line * number) % 3}" if line % 4 else None,
                "quantity": (line * 7 + order) % 5,
                "product": {"brand": ["Acme", "Other", None][(line + number) % 3]} if line % 5 else None,
            }
            for line in range((number * (order + 3)) % 7)
        ]
        placed = None if order == 3 else NOON - timedelta(days=order * number % 3 * 9)
        orders.append({"status": ["open", "paid", None, ""][(order * number) % 4], "placed_at": placed, "order_lines": lines})
    return {"orders": orders, "visits": number}


def test_groups_of_rows() -> None:
    rules = sk.compile(GROUPS, SHOP)
    records = [grouped(number) for number in range(150)]
    wanted = as_tables(rules, records)
    assert rules.match_many(records, as_of=NOON) == wanted
    assert [rules.match(record, as_of=NOON) for record in records] == wanted
    assert all(0 < sum(match[name] for match in wanted) < 150 for name in rules.names)
    quick(rules)


def test_below_rows_that_no_answer_rests_on() -> None:
    account = Place(places.ROOT, "customers")
    order, line = Place(places.ROWS, "orders", account, "orders", "customer"), Place(places.ROWS, "lines", account, "lines", "order")
    account.needed = line.needed = True
    account.number, order.number, line.number = range(3)
    rows = [Rows(place, [{}] * 3) for place in (account, order, line)]
    rows[1].owners, rows[1].starts = [0, 2, 2], [0, 1, 1, 3]
    rows[2].owners, rows[2].starts = [1, 1, 1], [0, 0, 3, 3]
    root = Stand((), (account,), None, (), None)
    unread = Stand((("orders", "customer"),), (order,), root, (), None)
    below = Stand((("lines", "order"), ("orders", "customer")), (line,), unread, ("customer",), lambda place: line)
    below.seen[2] = memoryview(np.ones(8, np.uint32)), memoryview(np.ones(8, np.int64)).cast("B").cast("q")
    for each in (root, unread, below):
        each.fill(rows)
    assert (unread.count, unread.starts, below.count, below.owners, below.starts) == (0, [0] * 4, 0, [], [0])
    assert below.seen[2][1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_failed_call_leaves_nothing_behind() -> None:
    rules = sk.compile('segment a when visits * visits * visits > 5\nsegment b when any(orders where status contains "x")', SHOP)
    good, bad = {"visits": 3, "orders": [{"status": "xy"}]}, {"visits": 2**40, "orders": []}
    for _ in range(3):
        assert rules.match(good, as_of=NOON).segments == {"a", "b"}
        with pytest.raises(sk.DataError, match="a number leaves its range"):
            rules.match(bad, as_of=NOON)
        with pytest.raises(sk.RecordError, match="orders is absent"):
            rules.match({"visits": 3}, as_of=NOON)
    assert rules.match_many([good] * (BLOCK + 1), as_of=NOON) == [rules.match(good, as_of=NOON)] * (BLOCK + 1)


def test_a_day_passes() -> None:
    rules = sk.compile("segment a when seen_at within last 2 days\nsegment b when seen_at within last 36 hours", SHOP)
    seen = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # the night in which the clocks change
    for hours in range(72):
        at = seen + timedelta(hours=hours)
        assert [rules.match({"seen_at": seen}, as_of=at)] == as_tables(rules, [{"seen_at": seen}], at)
    assert sys.getrefcount(rules) < 50


def refused(connection: Any) -> None:
    """In a forked process: what takes Polars is told before it hangs."""
    said = []
    for condition, rows in (('any(orders where status matches "^s")', 2), ('any(orders where status contains "s")', ROWS + 1)):
        try:
            sk.compile(f"segment a when {condition}", SHOP).match({"orders": [{"status": "s1"}] * rows}, as_of=NOON)
        except sk.Error as error:
            said.append(str(error))
    connection.send(said)
    connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_takes_polars_is_refused_after_a_fork() -> None:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=refused, args=(there,))
    process.start()
    try:
        assert here.poll(60), "the forked process says nothing"
        first, second = here.recv()
        assert "`matches` of a text that is new to the rules takes Polars, which never answers in a forked process" in first
        assert "a match of such rules or of such a record takes Polars" in second
    finally:
        process.kill()
        process.join()
