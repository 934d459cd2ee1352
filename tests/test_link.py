"""Linked programs: registers and slots are given back, and nothing is kept that nobody needs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel.link import Linked, link
from segkernel.link.assembly import Assembly, Room

ROWS = 1500
COUNTRIES = ["DE", "AT", "CH", "US"]
LINKS = {"orders": {"customer": ("customers", "id")}}


def shop() -> sk.Dataset:
    """1,500 customers with two orders each."""
    rng = np.random.default_rng(7)
    customers = pl.DataFrame(
        {
            "id": range(ROWS),
            "country": rng.choice(COUNTRIES, ROWS),
            "employees": rng.integers(0, 100, ROWS),
            "score": rng.integers(0, 1000, ROWS) / 7,
        }
    )
    orders = pl.DataFrame({"id": rng.integers(0, ROWS, 2 * ROWS), "total": rng.integers(0, 500, 2 * ROWS), "rate": rng.random(2 * ROWS)})
    return sk.Dataset({"customers": customers, "orders": orders}, root="customers", key="id", links=LINKS)


def linked(text: str, data: sk.Dataset) -> Linked:
    return link(sk.compile(text, data.schema).program(), data)


def test_a_room_gives_places_out_and_takes_them_back() -> None:
    room = Room()
    assert (room.take(), room.take(), room.take(2), room.top) == (0, 1, 2, 4)
    room.keep(0)
    room.drop(0)
    room.drop(1)
    assert (room.take(), room.top) == (1, 4)
    room.drop(0)
    room.drop(2, 2)
    assert {room.take(), room.take(), room.take()} == {0, 2, 3}
    assert room.top == 4


def test_places_in_a_row_are_never_held_by_two() -> None:
    room = Room()
    held: dict[int, int] = {}
    rng = np.random.default_rng(3)
    for _ in range(2000):
        if held and rng.random() < 0.5:
            first = int(rng.choice(list(held)))
            room.drop(first, held.pop(first))
        else:
            count = int(rng.choice([1, 1, 2, 3, 6]))
            held[room.take(count)] = count
        places = [first + part for first, count in held.items() for part in range(count)]
        assert len(places) == len(set(places))
        assert max(places, default=0) < max(room.top, 1)


def test_one_register_is_its_own_combination() -> None:
    code = Assembly(1)
    first = code.always(0, True)
    assert code.combined(0, 0, [first]) == first
    code.registers[0].drop(first)
    assert code.registers[0].held[first] == 1


@pytest.mark.parametrize("step", [1, 7])
def test_two_thousand_segments_need_few_registers(step: int) -> None:
    data = shop()
    text = "\n".join(
        f'segment s{each} when country = "{COUNTRIES[each % 4]}" and employees >= {each * step % 97} and not score < {each % 130}'
        for each in range(2000)
    )
    found = linked(text, data)
    assert sum(found.registers) < 400
    assert sum(found.slots) == 0


def test_sums_give_their_slots_back() -> None:
    data = shop()
    text = "\n".join(
        f"segment s{each} when sum(orders.total where total > {each}) > {each} or avg(orders.rate where total > {each}) > 0.5"
        for each in range(200)
    )
    found = linked(text, data)
    assert found.slots[0] < 40
    assert found.registers[1] < 40


def test_values_give_their_slots_back() -> None:
    data = shop()
    text = "\n".join(
        f"segment s{each} when coalesce(employees, {each}) + if(score > {each}, employees, 3) > count(orders) * score "
        f'and country < "D{each}"'
        for each in range(100)
    )
    found = linked(text, data)
    assert found.slots[0] < 60


def test_equal_work_is_linked_once() -> None:
    data = shop()
    one = linked("segment a when sum(orders.total) > 5", data)
    many = linked("\n".join(f"segment s{each} when sum(orders.total) > 5" for each in range(50)), data)
    assert len(many.program) - len(one.program) == 49


def test_chains_of_twenty_thousand_lets_are_linked_without_recursion() -> None:
    data = shop()
    text = [
        "let n0 = employees > 0",
        *(f"let n{each} = n{each - 1} and score > {each % 7}" for each in range(1, 19_998)),
        "segment s when n19997",
    ]
    assert sum(linked("\n".join(text), data).registers) < 100


def test_reloads_leak_nothing() -> None:
    data = shop()
    dropped: list[weakref.ref[object]] = []
    for each in range(30):
        rules = sk.compile(f"segment a when sum(orders.total where total > {each}) > 5 and employees in (1, {each}, 70)", data.schema)
        result = rules.evaluate(data, as_of="2026-01-01T00:00")
        held: Mapping[object, dict[bool, Linked]] = vars(data)["linked"]
        dropped += [weakref.ref(rules), weakref.ref(held[rules][False]), weakref.ref(result)]
        del rules, result, held
    gc.collect()
    assert [each() for each in dropped if each() is not None] == []
    assert len(vars(data)["linked"]) == 0


def test_data_go_when_nobody_holds_them() -> None:
    data = shop()
    rules = sk.compile("segment a when sum(orders.total) > 5 and last < 3\nlet last = max(orders.rate)", data.schema)
    result = rules.evaluate(data, as_of="2026-01-01T00:00")
    gone = weakref.ref(data)
    del data
    gc.collect()
    assert gone() is None
    assert result["a"].len() == ROWS


def test_a_link_outlives_the_rules_and_the_name_of_its_data() -> None:
    from segkernel.run import run

    data = shop()
    text = 'segment a when sum(orders.total) > 500 and country in ("DE", "US") and score < count(orders) * 40'
    found = linked(text, data)
    wanted = run(found, 0).bits["a"].copy()
    del data
    gc.collect()
    assert np.array_equal(run(found, 0).bits["a"], wanted)
