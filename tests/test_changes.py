"""What changed between two memberships, held against plain sets of keys."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segkernel as sk
from segdsl.typesystem import TEXT, WHOLE, decimal
from tests.memberships import membership, tier

EARLIER = membership(
    [1, 2, 3, 4], {"vip": [True, True, False, False], "lost": [False, False, True, True]}, {"tier": tier("gold", "silver", None, "silver")}
)
LATER = membership(
    [5, 4, 1, 3],
    {"vip": [True, False, True, True], "lost": [False, True, True, False]},
    {"tier": tier("gold", None, "silver", None)},
    day=1,
)


def refusal(action):
    with pytest.raises(sk.Error) as caught:
        action()
    return str(caught.value)


def test_accounts_enter_and_leave_in_the_order_of_names_then_of_rows():
    changes = LATER.changes(since=EARLIER)
    found = changes.frame()
    assert found.columns == ["id", "segment", "change"]
    assert found.dtypes == [pl.Int64, pl.Enum(["vip", "lost"]), pl.Enum(["entered", "left"])]
    assert found.rows() == [
        (5, "vip", "entered"),
        (3, "vip", "entered"),
        (2, "vip", "left"),
        (1, "lost", "entered"),
        (3, "lost", "left"),
    ]
    assert len(changes) == 5
    assert (changes.since, changes.as_of) == (EARLIER.as_of, LATER.as_of)


def test_the_keys_of_one_segments_changes():
    changes = LATER.changes(since=EARLIER)
    assert changes.entered("vip").to_list() == [5, 3]
    assert changes.left("vip").to_list() == [2]
    assert changes.left("lost").to_list() == [3]


def test_values_that_changed_with_missing_ones():
    found = LATER.changes(since=EARLIER).values("tier")
    assert found.columns == ["id", "old", "new"]
    assert found.dtypes[1:] == [pl.Enum(["gold", "silver"])] * 2
    assert found.rows() == [(5, None, "gold"), (4, "silver", None), (1, "gold", "silver"), (2, "silver", None)]


def test_all_values_that_changed_as_text():
    found = LATER.changes(since=EARLIER).texts()
    assert found.columns == ["id", "name", "old", "new"]
    assert found.rows()[2] == (1, "tier", "gold", "silver")
    assert found.height == 4


def test_counts_of_changes():
    assert LATER.changes(since=EARLIER).counts().rows() == [
        ("vip", 2, 1, None, False),
        ("lost", 1, 1, None, False),
        ("tier", None, None, 4, False),
    ]


def test_nothing_changes_between_equals():
    changes = EARLIER.changes(since=EARLIER)
    assert len(changes) == changes.values("tier").height == changes.texts().height == 0
    assert changes.frame().schema == LATER.changes(since=EARLIER).frame().schema
    assert changes.redefined == changes.added == changes.removed == ()


def test_shown_as_a_table():
    later = membership([1], {"vip": [True], "new": [True]}, meanings={"vip": "another"}, day=1)
    earlier = membership([1], {"vip": [False], "old": [True]})
    changes = later.changes(since=earlier)
    assert repr(changes).splitlines() == [
        "Changes of 1 accounts from 2026-01-15T12:00:00+01:00 to 2026-01-16T12:00:00+01:00",
        "name  entered  left  changed",
        "vip         1     0",
        "redefined: vip",
        "added: new",
        "removed: old",
    ]
    assert "<td>vip</td><td>1</td><td>0</td><td></td>" in changes._repr_html_()


def test_shown_cut_where_there_are_many_names():
    many = membership([1], {f"s{number:02}": [True] for number in range(30)})
    assert repr(many.changes(since=many)).splitlines()[-1] == "… 10 more"


# names


def test_names_that_one_side_knows_have_no_changes():
    later = membership([1], {"a": [True], "new": [True]}, {"kind": tier("gold")})
    earlier = membership([1], {"a": [False], "old": [True], "kind": [True]})
    changes = later.changes(since=earlier)
    assert (changes.segments, changes.chooses) == (("a",), ())
    assert changes.added == ("new", "kind")
    assert changes.removed == ("old", "kind")
    assert changes.frame()["segment"].to_list() == ["a"]
    assert refusal(lambda: changes.left("old")) == '"old" is answered by the earlier membership alone: there is nothing to compare'
    assert refusal(lambda: changes.values("new")) == '"new" is answered by the later membership alone: there is nothing to compare'


def test_mistaken_names_say_what_is_there():
    changes = LATER.changes(since=EARLIER)
    assert refusal(lambda: changes.entered("vipp")) == 'there is no segment or choose called "vipp"; did you mean "vip"?'
    assert refusal(lambda: changes.entered("tier")) == '"tier" is a choose, not a segment: its accounts are changes.values("tier")'
    assert refusal(lambda: changes.values("vip")) == (
        '"vip" is a segment, not a choose: its accounts are changes.entered("vip") and changes.left("vip")'
    )


def test_names_that_mean_something_else_are_told_and_listed():
    later = membership([1, 2], {"a": [True, False], "b": [True, True]}, meanings={"a": "another"})
    changes = later.changes(since=membership([1, 2], {"a": [False, True], "b": [False, True]}))
    assert changes.redefined == ("a",)
    assert changes.counts().rows() == [("a", 1, 1, None, True), ("b", 1, 0, None, False)]


# keys


def test_another_root_or_key_is_refused():
    earlier = membership([1], {"s": [True]})
    with pytest.raises(sk.SnapshotError, match="expected an earlier membership of companies, found one of customers"):
        membership([1], {"s": [True]}, root="companies").changes(since=earlier)
    other = membership(pl.DataFrame({"shop": [1], "no": [1]}), {"s": [True]})
    with pytest.raises(sk.SnapshotError, match=r"with the key \(shop, no\), found one with the key \(id\)"):
        other.changes(since=earlier)
    with pytest.raises(sk.SnapshotError, match=r'whose key "id" is text \(String\), found whole number \(Int64\)'):
        membership(["1"], {"s": [True]}).changes(since=earlier)
    assert refusal(lambda: earlier.changes(since="yesterday.parquet")) == (
        "since is a sk.Membership, such as sk.Membership.load(path), not str"
    )


def test_a_key_that_repeats_is_refused():
    with pytest.raises(sk.SnapshotError, match="in which every account has one row: the earlier membership has 2 rows whose key"):
        LATER.changes(since=membership([7, 7], {"vip": [True, True]}))


def test_columns_of_the_key_that_are_called_like_those_of_the_changes():
    for name, ask in (("segment", "frame"), ("change", "frame"), ("old", "texts"), ("name", "texts")):
        night = membership(pl.DataFrame({name: [1]}), {"s": [True]})
        assert refusal(getattr(night.changes(since=night), ask)) == (
            f'the key has a column called "{name}", which the changes need for themselves; rename that column'
        )
    night = membership(pl.DataFrame({"new": [1]}), {"s": [True]}, {"tier": tier("gold")})
    assert 'called "new"' in refusal(lambda: night.changes(since=night).values("tier"))


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (pl.Series([1, 2], dtype=pl.Int64), pl.Series([1, 3], dtype=pl.Int16), pl.Int64),
        (pl.Series([1, 2], dtype=pl.UInt64), pl.Series([1, 3], dtype=pl.Int64), pl.Int128),
        (pl.Series(["a", "b"]), pl.Series(["a", "c"], dtype=pl.Categorical), pl.String),
        (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), pl.Series(["a", "c"], dtype=pl.Enum(["c", "a"])), pl.String),
        (
            pl.Series([datetime(2026, 1, 1), datetime(2026, 1, 2)], dtype=pl.Datetime("ms", "UTC")),
            pl.Series([datetime(2026, 1, 1), datetime(2026, 1, 3)], dtype=pl.Datetime("ns", "UTC")).dt.convert_time_zone("Europe/Berlin"),
            pl.Datetime("ns", "Europe/Berlin"),
        ),
    ],
    ids=["widths", "signs", "categories", "enums", "units and zones"],
)
def test_keys_of_other_physical_types_are_the_same_accounts(earlier, later, expected):
    before = membership(earlier.alias("id").to_frame(), {"s": [True, True]})
    after = membership(later.alias("id").to_frame(), {"s": [False, True]})
    found = after.changes(since=before).frame()
    assert found["id"].dtype == expected
    assert found["change"].to_list() == ["left", "entered", "left"]
    everything = [*later.to_list(), earlier.to_list()[1]]
    assert found["id"].to_list() == everything


# values


def test_values_are_compared_by_value_across_types():
    earlier = membership([1, 2, 3], {}, {"price": (WHOLE, (1, 2), [1, 2, 0])})
    later = membership([1, 2, 3], {}, {"price": (decimal(2), (250, 100), [2, 1, 1])})
    found = later.changes(since=earlier).values("price")
    assert found.dtypes[1:] == [pl.Int64, pl.Decimal(38, 2)]
    assert [(key, old, str(new)) for key, old, new in found.rows()] == [(2, 2, "2.50"), (3, None, "2.50")]


def test_values_that_only_one_side_has_share_an_enum():
    earlier = membership([1, 2], {}, {"tier": tier("gold", "old", of=("gold", "old"))})
    later = membership([2, 1], {}, {"tier": tier("gold", "new", of=("new", "gold"))})
    found = later.changes(since=earlier).values("tier")
    assert found.dtypes[1:] == [pl.Enum(["new", "gold", "old"])] * 2
    assert found.rows() == [(2, "old", "gold"), (1, "gold", "new")]


def test_the_order_in_which_values_are_written_is_no_change():
    earlier = membership([1, 2], {}, {"tier": tier("gold", "silver")})
    later = membership([1, 2], {}, {"tier": tier("gold", "silver", of=("silver", "gold"))})
    assert later.changes(since=earlier).values("tier").height == 0


# by sets of keys


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 130, 1000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_length(rows, shuffled):
    random = np.random.default_rng(rows)
    before, after = (random.random(rows) < 0.5 for _ in range(2))
    order = random.permutation(rows) if shuffled else np.arange(rows)
    earlier = membership(list(range(rows)), {"s": before.tolist()})
    changes = membership(order.tolist(), {"s": after[order].tolist()}).changes(since=earlier)
    assert changes.entered("s").to_list() == [key for key in order.tolist() if after[key] and not before[key]]
    assert changes.left("s").to_list() == [key for key in order.tolist() if before[key] and not after[key]]


KEYS = {
    "whole": lambda number: (number * 1_000_003,),
    "text": lambda number: (f"k{number:x}ß",),
    "two": lambda number: ("north" if number % 2 else "south", number // 2),
}


@st.composite
def nights(draw):
    """Two nights of one kind of key: for each account its segments' flags and its value, in the order of rows."""
    key = draw(st.sampled_from(sorted(KEYS)))
    answers = st.tuples(st.booleans(), st.booleans(), st.sampled_from([None, "a", "b", "c"]))
    night = st.dictionaries(st.integers(0, 150), answers, max_size=140).flatmap(lambda found: st.permutations(sorted(found.items())))
    return key, draw(night), draw(night)


def evening(kind, night, day):
    keys = [KEYS[kind](number) for number, _ in night]
    types = {"whole": [pl.Int64], "text": [pl.String], "two": [pl.String, pl.Int64]}[kind]
    frame = pl.DataFrame(keys, schema={f"k{place}": type_ for place, type_ in enumerate(types)}, orient="row")
    flags = [[answers[place] for _, answers in night] for place in (0, 1)]
    values = tier(*(answers[2] for _, answers in night), of=("a", "b", "c"))
    return membership(frame, {"one": flags[0], "two": flags[1]}, {"letter": values}, day=day)


@given(nights())
@settings(max_examples=150, deadline=None)
def test_changes_are_differences_of_sets(drawn):
    kind, first, second = drawn
    before, after = dict(first), dict(second)
    changes = evening(kind, second, 1).changes(since=evening(kind, first, 0))
    numbers = [*(number for number, _ in second), *(number for number, _ in first if number not in after)]
    nobody = (False, False, None)
    rows = []
    for place, name in enumerate(("one", "two")):
        for number in numbers:
            was, is_ = before.get(number, nobody)[place], after.get(number, nobody)[place]
            if was != is_:
                rows.append((*KEYS[kind](number), name, "entered" if is_ else "left"))
    assert changes.frame().rows() == rows
    values = [(*KEYS[kind](number), before.get(number, nobody)[2], after.get(number, nobody)[2]) for number in numbers]
    assert changes.values("letter").rows() == [row for row in values if row[-1] != row[-2]]


# meanings


CUSTOMERS = pl.DataFrame({"id": [1, 2], "country": ["DE", "NL"], "spent": [5, 50]})
DATA = sk.Dataset({"customers": CUSTOMERS}, root="customers", key="id")
RULES = """
param least = 10
let big = spent >= least
segment dutch "In the Netherlands" when country = "NL" and spent > 1
segment spender when big
segment both when in segment dutch and in segment spender
choose tier "gold" when big otherwise "none"
"""


def evaluated(text, **more):
    return sk.compile(text, DATA.schema, **more).evaluate(DATA, as_of="2026-01-15T12:00Z")


@pytest.mark.parametrize(
    ("old", "new", "redefined"),
    [
        ("least = 10", "least = 11", ("spender", "both", "tier")),
        ("spent >= least", "spent > least", ("spender", "both", "tier")),
        ('country = "NL"', 'country = "DE"', ("dutch", "both")),
        ("in segment dutch and ", "", ("both",)),
        ('otherwise "none"', 'otherwise "no"', ("tier",)),
        ("when big\nsegment", "when spent >= least\nsegment", ()),
        ('"In the Netherlands"', '"Dutch"', ()),
        ('country = "NL" and spent > 1', 'spent > 1 and country = "NL"', ()),
        ("param least = 10\n", "param least = 10  # a comment\n", ()),
    ],
)
def test_what_is_written_otherwise_is_redefined_only_where_it_means_something_else(old, new, redefined):
    assert old in RULES
    assert evaluated(RULES.replace(old, new)).changes(since=evaluated(RULES)).redefined == redefined


def test_other_names_of_lets_and_params_change_no_meaning():
    renamed = RULES.replace("big", "large").replace("least", "threshold")
    assert evaluated(renamed).changes(since=evaluated(RULES)).redefined == ()


def test_a_param_of_the_caller_and_the_zone_change_meanings():
    assert evaluated(RULES, params={"least": 11}).changes(since=evaluated(RULES)).redefined == ("spender", "both", "tier")
    assert evaluated(RULES, timezone="Asia/Tokyo").changes(since=evaluated(RULES)).redefined == ("dutch", "spender", "both", "tier")


def test_an_event_time_changes_what_aggregates_over_its_table():
    orders = pl.DataFrame({"id": [1, 2], "at": [datetime(2026, 1, 1), datetime(2027, 1, 1)]})
    found = []
    for event_time in ("", 'event_time = "at"'):
        settings_ = f"""
            [project]
            root = "customers"
            [tables.customers]
            key = "id"
            [tables.orders]
            {event_time}
            [tables.orders.links]
            customer = {{ table = "customers", by = "id" }}
        """
        data = sk.Dataset({"customers": CUSTOMERS, "orders": orders}, sk.Schema.parse(settings_))
        text = 'let bought = any(orders) segment buyers when bought segment dutch when country = "NL" segment two when in segment buyers'
        found.append(sk.compile(text, data.schema).evaluate(data, as_of="2026-01-15T12:00Z"))
    changes = found[1].changes(since=found[0])
    assert changes.redefined == ("buyers", "two")
    assert changes.frame().rows() == [(2, "buyers", "left"), (2, "two", "left")]
    assert found[0].fingerprints.schema != found[1].fingerprints.schema


def test_a_choose_of_texts_against_one_of_numbers():
    earlier = membership([1], {}, {"tier": (TEXT, ("1",), [1])})
    later = membership([1], {}, {"tier": (WHOLE, (1,), [1])})
    assert later.changes(since=earlier).values("tier").rows() == [(1, "1", 1)]
