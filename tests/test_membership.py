"""Memberships: what Python sees of the answers, in the row order of the root table."""

import gc
import itertools
import weakref

import numpy as np
import polars as pl
import pytest

from segdsl import checked
from segdsl.syntax import Span
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal
from segkernel.choices import choice, lookup, texts
from segkernel.errors import Error
from segkernel.membership import Membership
from segkernel.tally import Fingerprints, Origin
from tests import memberships

HERE = Span(0, 0)
TRUE = checked.Constant(span=HERE, type=TRUTH, value=True)
AS_OF = 1_768_474_800_000_000_000


def constant(type_, value):
    return checked.Constant(span=HERE, type=type_, value=value)


def choose(name, type_, *items, otherwise=None):
    cases = tuple(checked.Case(span=HERE, value=item, condition=TRUE) for item in items)
    return checked.ChooseRule(span=HERE, name=name, label=None, cases=cases, otherwise=otherwise, type=type_)


def packed(flags):
    words = np.zeros(-(-len(flags) // 64), np.uint64)
    for row, flag in enumerate(flags):
        if flag:
            words[row // 64] |= np.uint64(1) << np.uint64(row % 64)
    return words


def membership(segments, chooses=(), keys=None, unknown=None):
    """`segments`: name → flags; `chooses`: (rule, codes)."""
    rows = len(next(iter(segments.values())))
    origin = Origin(
        names=(*segments, *(rule.name for rule, _ in chooses)),
        root="customers",
        chooses={rule.name: choice(rule) for rule, _ in chooses},
        collects={},
        as_of_ns=AS_OF,
        timezone="Europe/Berlin",
        orphans={},
        fingerprints=lambda: Fingerprints("", "", ""),
        meanings=dict,
    )
    keys = pl.DataFrame({"id": range(10, 10 + rows)}) if keys is None else keys
    bits = {name: packed(flags) for name, flags in segments.items()}
    codes = {rule.name: np.array(codes, np.uint8) for rule, codes in chooses}
    return Membership(origin, keys, bits, codes, {}, {name: sum(flags) for name, flags in segments.items()}, unknown)


LIST = choose("list", TEXT, constant(TEXT, "gold"), constant(TEXT, "silver"), constant(TEXT, "gold"), otherwise=constant(TEXT, "plain"))


def small(**more):
    return membership({"vip": [True, False, True, False], "lost": [False, False, True, True]}, [(LIST, [1, 3, 0, 1])], **more)


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 130, 4097])
def test_a_segment_is_a_boolean_series_of_every_length(rows):
    flags = [(row * 7) % 3 == 0 for row in range(rows)]
    found = membership({"s": flags})["s"]
    assert found.dtype == pl.Boolean
    assert found.name == "s"
    assert found.to_list() == flags


def test_a_segments_bits_are_shared_and_read_only():
    result = small()
    bits = result.bits["vip"]
    assert not bits.flags.writeable
    kept = result["vip"]
    del result, bits
    assert kept.to_list() == [True, False, True, False]


def test_a_choose_of_texts_is_an_enum_in_the_order_written():
    found = small()["list"]
    assert found.dtype == pl.Enum(["gold", "silver", "plain"])
    assert found.to_list() == ["gold", "plain", None, "gold"]


@pytest.mark.parametrize(
    ("type_", "given", "dtype", "text"),
    [
        (WHOLE, [7, -7], pl.Int64, ["7", "-7"]),
        (WHOLE, [2**64 - 1, 0], pl.UInt64, ["18446744073709551615", "0"]),
        (NUMBER, [0.5, 1e300], pl.Float64, ["0.5", "1e+300"]),
        (decimal(2), [125, 5], pl.Decimal(38, 2), ["1.25", "0.05"]),
        (TRUTH, [True, False], pl.Boolean, ["true", "false"]),
        (DATE, [0, 19_000], pl.Date, ["1970-01-01", "2022-01-08"]),
        (TIMESTAMP, [0, AS_OF], pl.Datetime("us", "Europe/Berlin"), ["1970-01-01T01:00:00+01:00", "2026-01-15T12:00:00+01:00"]),
        (TIMESTAMP, [1, 2], pl.Datetime("ns", "Europe/Berlin"), ["1970-01-01T01:00:00+01:00"] * 2),
    ],
)
def test_a_choose_of_another_type_has_that_type(type_, given, dtype, text):
    rule = choose("c", type_, *(constant(type_, value) for value in given))
    table = lookup(choice(rule), "Europe/Berlin")
    assert table.dtype == dtype
    assert table[0] is None
    assert texts(choice(rule), "Europe/Berlin") == tuple(text)


def test_literals_of_a_choose_meet_in_its_type():
    rule = choose("c", decimal(2), constant(WHOLE, 1), constant(decimal(1), 10), constant(decimal(2), 25))
    assert choice(rule).values == (100, 25)
    assert choice(choose("c", NUMBER, constant(WHOLE, 1), constant(decimal(1), 1))).values == (1.0, 0.1)


def test_columns_and_frame():
    result = small()
    assert list(result.columns("vip")) == ["vip"]
    assert list(result.columns()) == ["vip", "lost", "list"]
    frame = pl.DataFrame({"x": [1, 2, 3, 4]}).with_columns(**result.columns("vip"))
    assert frame["vip"].to_list() == [True, False, True, False]
    assert result.frame().columns == ["id", "vip", "lost", "list"]
    assert result.frame()["id"].to_list() == [10, 11, 12, 13]


def test_counts_say_accounts_and_shares():
    assert small().counts().rows() == [
        ("vip", None, 2, 0.5),
        ("lost", None, 2, 0.5),
        ("list", "gold", 2, 0.5),
        ("list", "silver", 0, 0.0),
        ("list", "plain", 1, 0.25),
        ("list", None, 1, 0.25),
    ]


def test_counts_say_unknowns_where_they_were_counted():
    counts = small(unknown={"vip": 1, "lost": 0}).counts()
    assert counts["unknown"].to_list() == [1, 0, None, None, None, None]


def test_counts_without_accounts_have_no_share():
    assert membership({"s": []}).counts().rows() == [("s", None, 0, None)]


def test_members():
    result = small()
    assert result.members("vip").to_list() == [10, 12]
    assert result.members("list", "gold").to_list() == [10, 13]


def test_members_of_a_key_of_two_columns_are_a_frame():
    keys = pl.DataFrame({"shop": ["a", "a", "b", "b"], "no": [1, 2, 1, 2]})
    assert small(keys=keys).members("lost").rows() == [("b", 1), ("b", 2)]


def test_long_has_a_row_for_each_membership():
    assert small().long().rows() == [
        (10, "vip", None),
        (12, "vip", None),
        (12, "lost", None),
        (13, "lost", None),
        (10, "list", "gold"),
        (11, "list", "plain"),
        (13, "list", "gold"),
    ]


def test_long_of_nobody_has_its_columns():
    found = membership({"s": [False]}).long()
    assert found.columns == ["id", "name", "value"]
    assert found.height == 0


def test_length_and_names():
    result = small()
    assert len(result) == 4
    assert "vip" in result
    assert "nobody" not in result


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda result: result["vipp"], 'there is no segment or choose called "vipp"; did you mean "vip"?'),
        (lambda result: result.columns("vip", "zzzzz"), 'there is no segment or choose called "zzzzz"'),
        (
            lambda result: result.members("list"),
            '"list" is a choose: say whose members, result.members("list", value) with one of "gold", "silver", "plain"',
        ),
        (lambda result: result.members("list", "goldd"), '"list" never has the value "goldd"; its values are "gold", "silver", "plain"'),
        (lambda result: result.members("vip", "gold"), '"vip" is a segment and has no values'),
        (lambda result: result.values("vip"), '"vip" is a segment, not a choose: its accounts are result.members("vip")'),
        (lambda result: result.overlap("vip", "list"), '"list" is a choose, not a segment: compare segments'),
        (lambda result: result.overlap("vip", "losst"), 'there is no segment or choose called "losst"; did you mean "lost"?'),
        (lambda result: result.overlap("vip", "vip"), "name two segments or more to compare"),
    ],
)
def test_mistakes_say_what_is_there(ask, message):
    with pytest.raises(Error) as caught:
        ask(small())
    assert str(caught.value) == message


def test_a_segment_called_like_the_key_cannot_be_put_beside_it():
    with pytest.raises(Error, match='"id" is a column of the key and a segment or choose as well; rename the latter'):
        membership({"id": [True]}).frame()
    with pytest.raises(Error, match='the key has a column called "name"'):
        membership({"s": [True]}, keys=pl.DataFrame({"name": ["a"]})).long()


def test_repr_is_a_table_of_counts():
    assert repr(small()).splitlines() == [
        "Membership of 4 accounts as of 2026-01-15T12:00:00+01:00 (Europe/Berlin)",
        "name  value   accounts  share",
        "vip                  2  50.0%",
        "lost                 2  50.0%",
        "list  gold           2  50.0%",
        "list  silver         0   0.0%",
        "list  plain          1  25.0%",
        "list  (none)         1  25.0%",
    ]


def test_repr_of_many_is_cut():
    shown = repr(membership({f"s{number:02}": [True] for number in range(30)}))
    assert shown.splitlines()[-1] == "… 10 more"


def test_html_escapes_names():
    html = membership({"<b>&": [True]})._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


def test_members_agree_with_the_series_for_random_bits():
    random = np.random.default_rng(7)
    for rows, share in itertools.product((1, 64, 1000), (0.0, 0.01, 0.5, 1.0)):
        flags = (random.random(rows) < share).tolist()
        result = membership({"s": flags})
        assert result.members("s").to_list() == [10 + row for row, flag in enumerate(flags) if flag]
        assert result.long()["id"].to_list() == result.members("s").to_list()


def test_a_dropped_membership_goes_at_once():
    """Its memory waits for the next one, not for the garbage collector."""
    gc.disable()
    try:
        result = memberships.membership([1, 2], {"vip": [True, False]}, {"tier": memberships.tier("gold", None)})
        result.counts()
        gone = weakref.ref(result)
        del result
        assert gone() is None
    finally:
        gc.enable()
