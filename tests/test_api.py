"""The Python face: compile once, evaluate against data, at an instant that the caller gives."""

import gc
import threading
import weakref
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

import segkernel as sk
from segkernel.instants import instant, written

AS_OF = "2026-01-15T12:00Z"
CUSTOMERS = pl.DataFrame(
    {
        "customer_id": [1, 2, 3, 4],
        "country": ["DE", None, "NL", "DE"],
        "spent": [1.5, None, 12.25, 100.0],
        "last_login": [datetime(2026, 1, 14, 9), None, datetime(2025, 1, 1), datetime(2026, 1, 15, 11)],
    }
)
ORDERS = pl.DataFrame({"order_id": [1, 2, 3, 4], "customer_id": [1, 1, 3, 9], "total": [5.5, 7.0, 9.0, 1.0]})
LINKS = {"orders": {"customer": ("customers", "customer_id")}}
RULES = """
param limit = 10
let revenue = sum(orders.total)

segment german "Customers in Germany"
  when country = "DE"

segment buyers when revenue > limit
segment both when in segment german and in segment buyers

choose tier "gold" when spent >= 100 "silver" when in segment buyers otherwise "none"
"""


def dataset(customers=CUSTOMERS):
    return sk.Dataset({"customers": customers, "orders": ORDERS}, root="customers", key="customer_id", links=LINKS)


DATA = dataset()


def compiled(text=RULES, **more):
    return sk.compile(text, DATA.schema, **more)


def refusal(action):
    with pytest.raises(sk.Error) as caught:
        action()
    return str(caught.value)


# compiling


def test_rules_say_what_they_are():
    rules = compiled()
    assert rules.names == ("german", "buyers", "both", "tier")
    assert repr(rules) == "Rules(segments: 3, chooses: 1; root customers)"
    assert [warning.code for warning in rules.warnings] == ["W114"]


def test_inputs_are_the_columns_that_are_read_by_the_datas_names():
    assert compiled().inputs == {"customers": ("customer_id", "country", "spent"), "orders": ("customer_id", "total")}
    assert compiled().only("german").inputs == {"customers": ("customer_id", "country")}
    assert compiled("segment s when any(orders)").inputs == {"customers": ("customer_id",), "orders": ("customer_id",)}


def test_only_answers_the_names_in_the_order_written():
    rules = compiled().only("tier", "german")
    assert rules.names == ("german", "tier")
    assert refusal(lambda: rules.only("germann")) == 'there is no segment or choose called "germann"; did you mean "german"?'


def test_mistakes_come_together_with_their_places():
    text = "segment a when contry = 'DE'\nsegment b when when\nsegment c when in segment b\nsegment d when spent = 'x'\n"
    with pytest.raises(sk.RuleError) as caught:
        compiled(text)
    assert [(found.code, found.span.start) for found in caught.value.diagnostics] == [("E201", 15), ("E101", 44), ("E301", 92)]
    assert str(caught.value).startswith(
        'rules.seg:1:16: error[E201]: customers has no field "contry"\n'
        "    segment a when contry = 'DE'\n"
        "                   ^^^^^^\n"
        '    did you mean "country"?\n'
    )


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("now > 2026-01-00", 'there is no date "2026-01-00"'),
        ("now > 2026-02-30T10:00", 'there is no time "2026-02-30T10:00"'),
        ("now in 2026-13", 'there is no month "2026-13"'),
        ("now in 2026-13..2026-12", 'there is no month "2026-13"'),
    ],
)
def test_a_day_that_no_calendar_has_is_told_once(condition, told):
    with pytest.raises(sk.RuleError) as caught:
        compiled(f"segment a when {condition}")
    assert [found.message for found in caught.value.diagnostics] == [told]


def test_files_share_one_set_of_names(tmp_path):
    first, second = tmp_path / "a.seg", tmp_path / "b.seg"
    first.write_text('segment german when country = "DE"', encoding="utf-8")
    second.write_text("segment rest when not in segment german", encoding="utf-8")
    assert sk.compile([first, second], DATA.schema).names == ("german", "rest")
    assert sk.compile(first, DATA.schema).names == ("german",)
    second.write_text("segment rest when not in segment germann", encoding="utf-8")
    with pytest.raises(sk.RuleError) as caught:
        sk.compile([first, second], DATA.schema)
    assert str(caught.value).startswith(f"{second}:1:")


def test_what_is_not_rules_is_refused(tmp_path):
    missing, latin = tmp_path / "none.seg", tmp_path / "latin.seg"
    latin.write_bytes(b"# one\n# caf\xe9\n")
    assert refusal(lambda: sk.compile(missing, DATA.schema)) == f"cannot read {missing}: No such file or directory"
    assert refusal(lambda: sk.compile(latin, DATA.schema)) == f"{latin}:2: not UTF-8 text (byte 12); save the file as UTF-8"
    assert refusal(lambda: sk.compile("shop.seg", DATA.schema)) == (
        '"shop.seg" is read as rule text; for the file of that name hand over pathlib.Path("shop.seg")'
    )
    assert (
        refusal(lambda: sk.compile(["segment a when true"], DATA.schema))
        == "rules are text or pathlib.Path, one or a list, not a list of str"
    )
    assert refusal(lambda: sk.compile("", DATA.schema, functions=[abs])) == (
        "functions are a list of sk.Function, not of builtin_function_or_method"
    )
    assert refusal(lambda: sk.compile("", DATA.schema, timezone="Europe/Berln")) == (
        'there is no time zone "Europe/Berln"; did you mean "Europe/Berlin"?'
    )


def test_limits_are_the_callers():
    with pytest.raises(sk.RuleError) as caught:
        compiled(limits=sk.Limits(statements=2))
    assert "there are more than 2 statements" in str(caught.value)


# fingerprints


def test_a_fingerprint_stands_for_the_meaning():
    again = """
    choose tier "Another label" "gold" when spent >= 100 "silver" when in segment buyers otherwise "none"
    let income = sum(orders.total)   # another name
    segment both when in segment buyers and in segment german
    segment german when country = "DE"
    param least = 10
    segment buyers when income > least
    """
    assert compiled(again).fingerprint == compiled().fingerprint
    assert len(compiled().fingerprint) == 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("let a = spent segment s when a > 5", "segment s when spent > 5"),
        ("let a = spent > 5 let b = a segment s when b and country is missing", "segment s when country is missing and spent > 5"),
        (
            "let big for orders = total > 5 segment s when any(orders where big)",
            "segment s when any(orders where total > 5)",
        ),
        ("segment s when spent > 0.1", "segment s when spent > 10%"),
        ("segment s when spent in (5, 6.50)", "segment s when spent in (6.5, 5.0)"),
        ("param p = 5 segment s when -5.0 <= spent", "segment s when -5 <= spent"),
        ("let a = " + "spent + " * 99 + "1 segment s when a > 5", "segment s when " + "spent + " * 99 + "1 > 5"),
    ],
)
def test_a_fingerprint_knows_what_a_let_names_and_what_a_number_is(one, other):
    assert compiled(one).fingerprint == compiled(other).fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("segment s when spent > 0.1", "segment s when spent > 0.01"),
        ("segment s when spent > 10", "segment s when spent > 1"),
        ("segment s when spent * 0.10 > 1", "segment s when spent * 0.1 > 1"),
        ("segment s when spent > 9007199254740993", "segment s when spent > 9007199254740993.0"),
        ("let a = spent segment s when a > 5", "let a = -spent segment s when a > 5"),
    ],
)
def test_a_fingerprint_tells_numbers_apart(one, other):
    assert compiled(one).fingerprint != compiled(other).fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"DE"', '"NL"'),
        ("limit = 10", "limit = 11"),
        ("revenue > limit", "revenue >= limit"),
        ("segment both", "segment pair"),
        ("sum(orders.total)", "max(orders.total)"),
        ('otherwise "none"', 'otherwise "no"'),
        ('"gold" when spent >= 100 "silver" when in segment buyers', '"silver" when in segment buyers "gold" when spent >= 100'),
    ],
)
def test_a_fingerprint_changes_with_the_meaning(old, new):
    assert old in RULES
    assert compiled(RULES.replace(old, new)).fingerprint != compiled().fingerprint


def test_a_fingerprint_tells_params_zones_and_selections_apart():
    rules = compiled()
    assert compiled(params={"limit": 11}).fingerprint == rules.using({"limit": "11"}).fingerprint != rules.fingerprint
    assert compiled(timezone="Europe/Berlin").fingerprint != rules.fingerprint
    assert rules.only("german").fingerprint == compiled('segment german when country = "DE"').fingerprint


# evaluating


def test_an_evaluation_answers_in_the_root_frames_order():
    result = compiled().evaluate(DATA, as_of=AS_OF)
    assert result.frame().rows() == [
        (1, True, True, True, "silver"),
        (2, False, False, False, "none"),
        (3, False, False, False, "none"),
        (4, True, False, False, "gold"),
    ]
    assert result.as_of == "2026-01-15T12:00:00+00:00"
    assert result.orphans == {("orders", "customer"): 1}
    assert len(result) == 4


def test_unknowns_are_counted_on_demand():
    rules = compiled('segment s when country != "DE"')
    assert rules.evaluate(DATA, as_of=AS_OF).counts().columns == ["name", "value", "accounts", "share"]
    assert rules.evaluate(DATA, as_of=AS_OF, unknowns=True).counts().rows() == [("s", None, 1, 0.25, 1)]


def test_only_and_using_change_the_answers():
    rules = compiled()
    assert rules.only("both").evaluate(DATA, as_of=AS_OF).names == ("both",)
    assert rules.using({"limit": 5}).evaluate(DATA, as_of=AS_OF).members("buyers").to_list() == [1, 3]
    assert rules.using({"limit": 5}).using({"limit": 100}).evaluate(DATA, as_of=AS_OF).members("buyers").to_list() == []
    assert 'there is no param "limt" to set' in refusal(lambda: rules.using({"limt": 1}))


def test_the_instant_moves_the_answers():
    rules = compiled("segment lately when last_login within last 2 days")
    assert rules.evaluate(DATA, as_of=AS_OF).members("lately").to_list() == [1, 4]
    assert rules.evaluate(DATA, as_of=datetime(2025, 1, 2, tzinfo=UTC)).members("lately").to_list() == [3]


def test_evaluations_may_run_at_once():
    rules = compiled()
    expected = rules.evaluate(DATA, as_of=AS_OF).frame()
    found = []
    workers = [threading.Thread(target=lambda: found.append(rules.evaluate(DATA, as_of=AS_OF, threads=2).frame())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert all(frame.equals(expected) for frame in found)


def test_what_is_linked_keeps_neither_data_nor_rules_alive():
    rules, data = compiled(), dataset()
    rules.evaluate(data, as_of=AS_OF)
    kept = weakref.ref(data)
    del data
    gc.collect()
    assert kept() is None
    again = compiled()
    again.evaluate(DATA, as_of=AS_OF)
    kept_rules = weakref.ref(again)
    del again
    gc.collect()
    assert kept_rules() is None


def test_progress_and_deadline():
    told = []
    compiled().evaluate(DATA, as_of=AS_OF, progress=told.append)
    assert all(0 <= share <= 1 for share in told)
    assert compiled().evaluate(DATA, as_of=AS_OF, deadline=600).accounts == 4
    with pytest.raises(sk.Cancelled, match="stopped after 0 seconds, as asked, before any account was evaluated"):
        compiled().evaluate(DATA, as_of=AS_OF, deadline=0)


def test_a_number_that_leaves_its_range_names_the_place():
    data = sk.Dataset({"a": pl.DataFrame({"id": [1, 2], "n": [1, 2**62]})}, root="a", key="id")
    said = refusal(lambda: sk.compile("segment s when\n  n * n > 1", data.schema).evaluate(data, as_of=AS_OF))
    assert said.startswith("rules.seg:2:3: `n * n`: a number leaves its range")


def test_data_of_another_physical_type_fit():
    other = CUSTOMERS.with_columns(pl.col("customer_id").cast(pl.Int16), pl.col("country").cast(pl.Categorical))
    assert compiled().evaluate(dataset(other), as_of=AS_OF).members("german").to_list() == [1, 4]


def test_data_of_another_type_or_shape_are_refused():
    rules = compiled()
    numbered = CUSTOMERS.with_columns(country=pl.lit(1))
    assert (
        refusal(lambda: rules.evaluate(dataset(numbered), as_of=AS_OF))
        == "customers.country is text in the rules and whole number in the data"
    )
    bare = dataset(CUSTOMERS.drop("country"))
    assert refusal(lambda: rules.evaluate(bare, as_of=AS_OF)) == "the rules read customers.country, which the data do not have"
    alone = sk.Dataset({"customers": CUSTOMERS}, root="customers", key="customer_id")
    assert refusal(lambda: rules.evaluate(alone, as_of=AS_OF)) == "the rules read the table orders, which the data do not have"
    other = sk.Dataset({"orders": ORDERS}, root="orders", key="order_id")
    assert refusal(lambda: rules.evaluate(other, as_of=AS_OF)) == "the rules are about customers, the data about orders"


def test_arguments_of_another_kind_are_refused():
    for wrong, told in (
        (lambda: sk.compile("", DATA), "schema is a sk.Schema, such as data.schema, not Dataset"),
        (lambda: sk.compile(None, DATA.schema), "rules are text or pathlib.Path, one or a list, not NoneType"),
        (lambda: sk.compile([1], DATA.schema), "rules are text or pathlib.Path, one or a list, not a list of int"),
        (lambda: sk.compile("", DATA.schema, timezone=0), 'timezone is a text such as "Europe/Berlin", not int'),
        (lambda: sk.compile("", DATA.schema, params="x"), "params are a mapping of names to values, not str"),
        (lambda: sk.compile("", DATA.schema, functions=None), "functions are a list of sk.Function, not NoneType"),
        (lambda: sk.compile("", DATA.schema, limits="x"), "limits are a sk.Limits, not str"),
        (lambda: sk.compile("", DATA.schema).using(None), "params are a mapping of names to values, not NoneType"),
        (lambda: sk.Dataset(None), "tables are a mapping of names to frames, not NoneType"),
    ):
        assert refusal(wrong) == told
    assert refusal(lambda: compiled().evaluate(CUSTOMERS, as_of=AS_OF)) == "data is a sk.Dataset, not DataFrame"


def test_nobody_and_nothing_are_answered():
    assert compiled().evaluate(dataset(CUSTOMERS.clear()), as_of=AS_OF).counts()["accounts"].to_list() == [0] * 6
    assert compiled("").evaluate(DATA, as_of=AS_OF).frame().columns == ["customer_id"]
    assert compiled().only().evaluate(DATA, as_of=AS_OF).names == ()


def test_schemas_come_from_text_and_files(tmp_path):
    text = '[project]\nroot = "a"\n[tables.a]\nkey = "id"\n[tables.a.fields]\nn = { type = "whole" }\n'
    (tmp_path / "segkernel.toml").write_text(text, encoding="utf-8")
    assert sk.Schema.parse(text) == sk.Schema.load(tmp_path / "segkernel.toml")
    assert sk.compile("segment s when n > 1", sk.Schema.parse(text)).names == ("s",)
    with pytest.raises(sk.SchemaError, match='did you mean "root"'):
        sk.Schema.parse(text.replace("root", "roots"))


def test_threads_are_positive():
    assert (
        refusal(lambda: compiled().evaluate(DATA, as_of=AS_OF, progress=3)) == "progress is a function of the share that is done, not int"
    )
    assert refusal(lambda: compiled().evaluate(DATA, as_of=AS_OF, threads=0)) == "threads is a whole number from 1 to 1,024, not 0"


def test_warmup_runs():
    sk.warmup()


# instants


@pytest.mark.parametrize(
    ("given", "zone", "expected"),
    [
        ("2026-01-15T12:00Z", "Europe/Berlin", "2026-01-15T13:00:00+01:00"),
        ("2026-01-15T12:00", "Europe/Berlin", "2026-01-15T12:00:00+01:00"),
        ("2026-01-15", "America/New_York", "2026-01-15T00:00:00-05:00"),
        (datetime(2026, 7, 1, 8), "Europe/Berlin", "2026-07-01T08:00:00+02:00"),
        (datetime(2026, 7, 1, 8, tzinfo=timezone(timedelta(hours=9))), "UTC", "2026-06-30T23:00:00+00:00"),
        (datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("Asia/Kolkata")), "UTC", "2026-07-01T02:30:00+00:00"),
        (datetime(2026, 3, 29, 2, 30), "Europe/Berlin", "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1), "Europe/Berlin", "2026-10-25T02:30:00+02:00"),
        (datetime(1, 1, 1), "UTC", "0001-01-01T00:00:00+00:00"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999), "UTC", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_an_instant_is_aware_or_local_to_the_zone(given, zone, expected):
    assert written(instant(given, zone), zone) == expected


def test_what_is_not_an_instant_is_refused():
    assert refusal(lambda: compiled().evaluate(DATA, as_of="yesterday")) == (
        'as_of "yesterday" is not a time; write it like 2026-01-15T12:00, 2026-01-15T12:00Z or 2026-01-15'
    )
    assert refusal(lambda: compiled().evaluate(DATA, as_of=5)) == "as_of is a datetime or an ISO text such as 2026-01-15T12:00, not int"
    with pytest.raises(TypeError):
        compiled().evaluate(DATA)


# the package


def test_every_public_name_is_there():
    for name in sk.__all__:
        assert getattr(sk, name) is not None
    assert set(sk.__all__) <= set(dir(sk))
    with pytest.raises(AttributeError, match='module "segkernel" has no attribute "evaluate"'):
        sk.evaluate  # noqa: B018


def test_the_version_is_the_packages():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{sk.__version__}"' in text
