"""`segkernel test`: the cases that owners write for their rules."""

import json
import shutil

import pytest

from tests.test_cli import RULES, SETTINGS, call, change, project, refused

__all__ = ["project"]

CASES = """\
title = "Who is who"

[tables.customers]
rows = [{ customer_id = 1, country = "DE" }, { customer_id = 2 }, { customer_id = 3, country = "NL" }]

[[cases]]
name = "where they live"
expect = { german = [1], other = [3] }

[[cases]]
name = "what they bought"
rows.orders = [{ customer_id = 1, total = 10.0 }, { customer_id = 3, total = 6 }, { customer_id = 3, total = 4.5 }]
expect.buyers = [3]
expect.tier = { 1 = "none", 2 = "none", 3 = "gold" }
"""


@pytest.fixture
def owned(project):
    """The project with a file of cases."""
    (project / "tests").mkdir()
    (project / "tests" / "who.toml").write_text(CASES, encoding="utf-8")
    return project


def cases(folder, text):
    """Put cases into a project's file of them."""
    (folder / "tests" / "who.toml").write_text(text, encoding="utf-8")


def test_all_pass(owned):
    found = call("test", owned)
    assert (found.exit_code, found.stdout) == (0, "2 cases, all passed\n"), found.output


def test_why_somebody_is_in_who_should_not_be(owned):
    change(owned / "tests" / "who.toml", "expect.buyers = [3]", "expect.buyers = [1]")
    found = call("test", owned)
    assert found.exit_code == 1
    assert found.stdout == (
        f"✗ {owned / 'tests' / 'who.toml'}:11: what they bought\n"
        "    buyers: 1 is not in it, and should be\n"
        '      ✗ segment buyers  "Bought"\n'
        "      └─ ✗ sum(orders.total) > limit\n"
        "         ├─ sum(orders.total): 10.0\n"
        "         │  └─ 1 row of orders: row 1 (10.0)\n"
        "         └─ limit: 10\n"
        "    buyers: 3 is in it, and should not be\n"
        '      ✓ segment buyers  "Bought"\n'
        "      └─ ✓ sum(orders.total) > limit\n"
        "         ├─ sum(orders.total): 10.5\n"
        "         │  └─ 2 rows of orders: row 2 (6.0), row 3 (4.5)\n"
        "         └─ limit: 10\n"
        "\n"
        "2 cases, 1 failed\n"
    )


def test_another_value_of_a_choose(owned):
    change(owned / "tests" / "who.toml", '1 = "none", ', '1 = "gold", ')
    found = call("test", owned).stdout
    assert '    tier: 1 has "none", and "gold" is wanted\n      choose tier is "none"\n' in found
    change(owned / "tests" / "who.toml", '1 = "gold", ', "")
    assert 'tier: 1 has "none", and no value is wanted\n' in call("test", owned).stdout


def test_selected_cases(owned):
    assert call("test", owned, "-k", "LIVE").stdout == "1 case of 2, passed\n"
    assert call("test", owned, "-k", "who.toml").stdout == "2 cases, all passed\n"
    assert 'none of the 2 cases has "nobody" in its file or name' in refused(2, "test", owned, "-k", "nobody")


def test_json(owned):
    change(owned / "tests" / "who.toml", "german = [1]", "german = [2]")
    found = call("test", owned, "--format", "json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert (told["passed"], told["failed"]) == (1, 1)
    where, bought = told["cases"]
    assert (where["file"], where["line"], where["name"]) == (str(owned / "tests" / "who.toml"), 7, "where they live")
    assert [(each["name"], each["key"], each["told"]) for each in where["failures"]] == [
        ("german", "1", "german: 1 is in it, and should not be"), ("german", "2", "german: 2 is not in it, and should be"),
    ]  # fmt: skip
    assert where["failures"][1]["why"]["asked"]["answer"] == "unknown"
    assert bought["failures"] == []


def test_no_more_than_three_accounts_of_a_name_are_explained(owned):
    rows = ", ".join(f'{{ customer_id = {number}, country = "DE" }}' for number in range(1, 6))
    cases(owned, f"[[cases]]\nname = 'many'\nrows.customers = [{rows}]\nexpect.german = []\n")
    found = call("test", owned).stdout
    assert found.count("is in it, and should not be") == 5
    assert found.count("✓ segment german") == 3


def test_a_condition_beside_the_rules_and_rules_instead_of_them(owned):
    cases(
        owned,
        """
        [[cases]]
        name = "beside"
        when = "in segment german and sum(orders.total) = 1"
        rows.customers = [{ customer_id = 7, country = "DE" }]
        rows.orders = [{ customer_id = 7, total = 1 }]
        accounts = [7]

        [[cases]]
        name = "instead"
        rules = "param least = 3 segment german when count(orders) >= least"
        params = { least = "1" }
        rows.customers = [{ customer_id = 7 }, { customer_id = 8 }]
        rows.orders = [{ customer_id = 8 }]
        expect = { german = [8] }

        [[cases]]
        name = "a param of the project"
        params = { limit = "1" }
        rows.customers = [{ customer_id = 7 }]
        rows.orders = [{ customer_id = 7, total = 2 }]
        expect = { buyers = [7] }

        [[cases]]
        name = "a mistake"
        when = "contry = 1"
        diagnostics = [{ code = "E201", line = 1, column = 21 }]

        [[cases]]
        name = "a warning"
        when = 'not country = "AT"'
        warnings = [{ code = "W101", line = 1, column = 25 }]
        accounts = []

        [[cases]]
        name = "a sum that leaves its range"
        when = "sum(customer_id * customer_id * 4611686018427387904 for orders) > 0"
        rows.customers = [{ customer_id = 2 }]
        rows.orders = [{ customer_id = 2 }, { customer_id = 2 }]
        overflow = { line = 1, column = 25 }

        [[cases]]
        name = "a time that leaves the calendar"
        when = "year(now - customer_id * 24 hours) = 1"
        rows.customers = [{ customer_id = 400_000 }]
        overflow = { line = 1, column = 26 }
        """,
    )
    found = call("test", owned)
    assert found.stdout == "7 cases, all passed\n", found.output


def test_what_goes_wrong_in_a_case(owned):
    cases(
        owned,
        """
        [[cases]]
        name = "mistaken"
        when = "contry = 1"
        accounts = []

        [[cases]]
        name = "not mistaken"
        when = 'country = "DE"'
        diagnostics = [{ code = "E201", line = 1, column = 21 }]

        [[cases]]
        name = "mistaken elsewhere"
        when = "contry = 1"
        diagnostics = [{ code = "E201", line = 1, column = 20 }]

        [[cases]]
        name = "no warning"
        when = "country is missing"
        warnings = [{ code = "W101", line = 1, column = 21 }]
        accounts = []

        [[cases]]
        name = "no overflow"
        when = "customer_id > 1"
        overflow = { line = 1, column = 21 }

        [[cases]]
        name = "unknown names"
        expect = { germann = [1] }

        [[cases]]
        name = "unknown accounts"
        rows.customers = [{ customer_id = 1 }, { customer_id = 2 }]
        expect = { german = [3], tier = { 4 = "gold" } }

        [[cases]]
        name = "other kinds"
        expect = { german = { 1 = true }, tier = [1] }

        [[cases]]
        name = "twice"
        rows.customers = [{ customer_id = 1 }, { customer_id = 1 }]
        expect = { german = [] }

        [[cases]]
        name = "another param"
        params = { limt = "1" }
        expect = { german = [] }
        """,
    )
    found = call("test", owned)
    assert found.exit_code == 1
    assert found.stdout.endswith("10 cases, 10 failed\n")
    for said in (
        "    the rules have mistakes:\n",
        f'    {owned / "tests" / "who.toml"}, case "mistaken":1:21: error[E201]: customers has no field "contry"\n',
        "    expected E201 at 1:21, found no mistake\n",
        "    expected E201 at 1:20, found E201 at 1:21:\n",
        "    expected W101 at 1:21, found no warning\n",
        "    expected that a number leaves its range at 1:21, and none does\n",
        '    there is no segment or choose called "germann"; did you mean "german"?\n',
        "    german: no row of customers has the key 3; there are 1, 2\n",
        "    tier: no row of customers has the key 4; there are 1, 2\n",
        "    german is a segment: a list of the keys of its accounts is wanted, and this is a table\n",
        '    tier is a choose: a table from key to value is wanted, such as { 1 = "gold" }\n',
        "    customers has 2 rows whose key (customer_id) is not unique: 1\n",
        'error[E404]: there is no param "limt" to set\n',
    ):
        assert said in found.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[cases]", ":1:8: this is not TOML"),
        ("", ": cases: a list of cases is wanted: [[cases]]"),
        ('tittle = "x"\n' + CASES, ': there is no setting "tittle"; did you mean "title"?'),
        (CASES.replace("rows = [", "row = ["), ': tables.customers: there is no setting "row"; did you mean "rows"?'),
        (CASES.replace("tables.customers", "tables.customer"), ': there is no table "customer"; did you mean "customers"?'),
        (CASES.replace("expect.buyers", "expct.buyers"), ':11: case "what they bought": there is no setting "expct"'),
        (CASES.replace('name = "where they live"', "nam = 1"), ': cases[0]: there is no setting "nam"; did you mean "name"?'),
        (CASES.replace("rows.orders", "rows.order"), ':11: case "what they bought".rows: there is no table "order"'),
        (CASES.replace("total = 6", "totl = 6"), '.rows.orders[1]: there is no field of orders "totl"; did you mean "total"?'),
        (CASES.replace("total = 6", 'total = "6"'), '.rows.orders[1].total: a number is wanted, and this is "6"'),
        (CASES.replace("customer_id = 2", 'country = "AT"'), ".rows[1]: the key `customer_id` of customers is wanted"),
        (CASES.replace("rows = [{", "rows = 1 # "), ".rows: a list of rows is wanted, such as [{ id = 1 }], and this is 1"),
        (CASES.replace("expect = {", "accounts = [] # "), ".accounts: they are those of `when`; say of which segment: expect ="),
        (CASES.replace("expect = {", "# "), "one answer is wanted, accounts, expect, overflow or diagnostics, and there is none"),
        (CASES.replace("expect = {", "overflow = { line = 1 }\nexpect = {"), "and these are expect and overflow"),
        (CASES.replace("expect = {", 'when = "true"\nrules = "true"\nexpect = {'), "the rules are wanted: either `rules` or `when`"),
        (CASES.replace("expect = {", "warnings = []\nexpect = {"), "it is of the case's own `rules` or `when`; `segkernel check` tells"),
        (CASES.replace("expect = {", 'as_of = "soon"\nexpect = {'), 'as_of "soon" is not a time'),
        (CASES.replace("expect = {", 'timezone = "Berlin"\nexpect = {'), 'there is no time zone "Berlin"'),
        (CASES.replace("expect = {", "when = 1\nexpect = {"), ".when: a text is wanted, and this is"),
        (CASES.replace("expect = {", "when = 'true'\nwarnings = [{}]\nexpect = {"), ".warnings: { code, line, column } is wanted"),
        ('root = "customer"\n' + CASES, 'root: there is no table "customer"'),
    ],
)  # fmt: skip
def test_files_that_are_no_cases(owned, text, said):
    cases(owned, text)
    told = refused(1, "test", owned)
    assert told.startswith(f"error: {owned / 'tests' / 'who.toml'}:")
    assert said in told


def test_all_problems_of_all_files_are_told(owned):
    change(owned / "tests" / "who.toml", "expect = {", "expct = {")
    change(owned / "tests" / "who.toml", "expect.tier", "expec.tier")
    shutil.copy(owned / "tests" / "who.toml", owned / "tests" / "again.toml")
    told = refused(1, "test", owned)
    assert told.count('there is no setting "expct"; did you mean "expect"?') == 2
    assert told.count('there is no setting "expec"; did you mean "expect"?') == 2


def test_types_without_data(owned):
    shutil.rmtree(owned / "data")
    told = refused(1, "test", owned)
    assert 'customers has no field "country"' in told
    assert "(2 more such fields; types come from segkernel.toml, where `segkernel schema DIR --write` pins them" in told
    pins = '[tables.customers.fields]\ncountry = { type = "text" }\n[tables.orders.fields]\ntotal = { type = "decimal(2)", column = "T" }\n'
    (owned / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    assert call("test", owned).stdout == "2 cases, all passed\n", "keys and links are typed by their values"
    change(owned / "tests" / "who.toml", "customer_id = 2 }", 'customer_id = "2" }')
    assert '.rows[1].customer_id: a whole number is wanted, and this is "2"' in refused(1, "test", owned)
    cases(owned, "[tables.customers.fields]\nage = 'whole'\n[[cases]]\nname = 'x'\nwhen = 'age > 1'\naccounts = []\n")
    assert call("test", owned).stdout == "1 case, passed\n", "a file may type what the project does not pin"


def test_a_day_in_quotes_is_told_to_stand_without(owned):
    days = """tables.customers.fields.since = "date"
[[cases]]
name = "x"
rows.customers = [{ customer_id = 1, since = "2020-01-01" }]
expect = {}
"""
    cases(owned, days)
    wanted = '.since: a date without quotes, such as 2026-01-15, is wanted, and this is "2020-01-01"'
    assert wanted in refused(1, "test", owned)


def test_days_and_times_are_those_of_the_zone(owned):
    (owned / "segments" / "all.seg").write_text(
        RULES + "segment today_ordered when any(orders where placed_at in today..today)", encoding="utf-8"
    )
    change(owned / "data" / "orders-1.csv", "placed_on", "placed_at")
    change(owned / "data" / "orders-2.csv", "placed_on", "placed_at")
    pins = '[tables.orders.fields]\nplaced_at = { type = "timestamp" }\n'
    shutil.rmtree(owned / "data")
    pins += 'total = { type = "number" }\n[tables.customers.fields]\ncountry = { type = "text" }\n'
    (owned / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    text = """
        [[cases]]
        name = "times"
        as_of = 2026-03-01T12:00:00
        rows.customers = [{ customer_id = 1 }, { customer_id = 2 }, { customer_id = 3 }, { customer_id = 4 }]
        rows.orders = [
          { customer_id = 1, placed_at = 2026-03-01T00:00:00 },
          { customer_id = 2, placed_at = 2026-02-28T23:30:00Z },
          { customer_id = 3, placed_at = 2026-02-28T22:30:00Z },
          { customer_id = 4, placed_at = 2026-03-01 },
        ]
        expect.today_ordered = [1, 2, 4]
        """
    cases(owned, text)
    assert call("test", owned).stdout == "1 case, passed\n"
    cases(owned, text.replace("as_of =", 'timezone = "UTC"\nas_of =').replace("[1, 2, 4]", "[1, 4]"))
    assert call("test", owned).stdout == "1 case, passed\n"


def test_a_file_that_stands_alone(owned):
    cases(
        owned,
        """
        root = "people"
        [tables.people]
        key = "id"
        fields = { id = "whole", age = "whole" }
        rows = [{ id = 1, age = 3 }]
        [[cases]]
        name = "adults"
        when = "age >= 18"
        accounts = []
        """,
    )
    assert call("test", owned).stdout == "1 case, passed\n"


def test_mistakes_and_wrong_usage(owned):
    change(owned / "segments" / "all.seg", 'when country = "DE"', 'when contry = "DE"')
    assert 'error[E201]: customers has no field "contry"' in refused(1, "test", owned)
    change(owned / "segkernel.toml", "timezone", "timezon")
    assert 'there is no setting "timezon"' in refused(1, "test", owned)
    shutil.rmtree(owned / "tests")
    change(owned / "segkernel.toml", "timezon", "timezone")
    assert f"there are no cases in {owned / 'tests'}" in refused(2, "test", owned)
    assert "has no segkernel.toml" in refused(2, "test", owned / "data")


def test_a_file_that_is_no_text(owned):
    (owned / "tests" / "who.toml").write_bytes(b"\xff")
    assert "not UTF-8 text" in refused(1, "test", owned)


def test_a_key_of_two_columns(tmp_path):
    (tmp_path / "segkernel.toml").write_text(
        """
        [project]
        root = "branches"
        rules = "all.seg"
        [tables.branches]
        key = ["shop", "number"]
        [tables.branches.fields]
        shop = { type = "text" }
        number = { type = "whole number" }
        open = { type = "yes/no" }
        """,
        encoding="utf-8",
    )
    (tmp_path / "all.seg").write_text('segment shut when not open choose sign "open" when open', encoding="utf-8")
    (tmp_path / "tests").mkdir()
    text = """
        [tables.branches]
        rows = [{ shop = "a", number = 1, open = false }, { shop = "a", number = 2, open = true }]
        [[cases]]
        name = "signs"
        expect.shut = [["a", 1]]
        expect.sign = { "a, 2" = "open" }
        """
    cases(tmp_path, text)
    assert call("test", tmp_path).stdout == "1 case, passed\n"
    cases(tmp_path, text.replace('["a", 1]', '["a", 2]'))
    assert "shut: a, 1 is in it, and should not be\n" in call("test", tmp_path).stdout
