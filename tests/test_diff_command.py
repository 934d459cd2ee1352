"""`segkernel diff`: two versions of rules, by meaning and by the accounts that move."""

import json
import shutil

import pytest

import segkernel as sk
from tests.test_cli import SETTINGS, call, change, project, refused

__all__ = ["project"]

LATER = """\
param limit = 12
let turnover = sum(orders.total)
segment buyers "Bought more" when turnover > limit
segment germans when country = "DE"
choose tier "gold" when in segment buyers otherwise "none"
segment other when country != "DE"
"""


@pytest.fixture
def later(project, tmp_path_factory):
    """The project after a change of its rules, in a folder without data."""
    folder = tmp_path_factory.mktemp("later")
    shutil.copy(project / "segkernel.toml", folder)
    (folder / "segments").mkdir()
    (folder / "segments" / "all.seg").write_text(LATER, encoding="utf-8")
    return folder


def test_who_enters_and_leaves(project, later):
    found = call("diff", project, later, "--accounts")
    assert found.exit_code == 1, found.output
    assert found.stdout == (
        "2 changed, 1 new, 1 gone, 1 unchanged\n"
        "\n"
        "         kind     name     before  after  enter  leave  other value\n"
        "changed  segment  buyers        1      1      0      0\n"
        "new      segment  germans              2\n"
        "changed  choose   tier                                            0\n"
        "gone     segment  german        2\n"
        "\n"
        "changed: segment buyers (through param limit, let turnover)\n"
        '    -segment buyers "Bought"\n'
        "    -  when sum(orders.total) > limit\n"
        '    +segment buyers "Bought more"\n'
        "    +  when turnover > limit\n"
        "\n"
        "new: segment germans, the same as the gone german\n"
        '    +segment germans when country = "DE"\n'
        "\n"
        "changed: choose tier (through param limit, let turnover, segment buyers)\n"
        "\n"
        "gone: segment german, the same as the new germans\n"
        '    -segment german "Customers in Germany"\n'
        '    -  when country = "DE"\n'
        "\n"
        "param limit, for buyers, tier\n"
        "    -param limit = 10\n"
        "    +param limit = 12\n"
        "\n"
        "let turnover, for buyers, tier\n"
        "    +let turnover = sum(orders.total)\n"
        "\n"
        f"accounts of the data in {project}, as of 2026-01-15T12:00:00+01:00 (Europe/Berlin)\n"
    )


def test_accounts_by_their_keys(project, later):
    change(later / "segments" / "all.seg", "limit = 12", "limit = 100")
    told = call("diff", project, later, "--accounts").stdout
    assert "  leave: 1\n" in told
    assert "  other values: 1: gold → none\n" in told
    change(later / "segments" / "all.seg", 'when country = "DE"', "when country is not missing")
    change(later / "segments" / "all.seg", "germans", "german")
    assert "  enter: 3\n" in call("diff", project, later, "--accounts").stdout
    back = call("diff", later, project, "--accounts", "--limit", "1").stdout
    assert "  leave: 3\n" in back
    change(later / "segments" / "all.seg", 'country != "DE"', "country is missing or country is not missing")
    assert "  enter: 1 … 2 more\n" in call("diff", project, later, "--accounts", "--limit", "1").stdout


def test_json(project, later):
    found = json.loads(call("diff", project, later, "--format", "json", "--accounts").stdout)
    assert [(each["name"], each["change"], each["same"]) for each in found["differing"]] == [
        ("buyers", "changed", None), ("germans", "new", "german"), ("tier", "changed", None), ("german", "gone", "germans"),
    ]  # fmt: skip
    nobody = {"entered": [], "left": [], "changed": []}
    assert found["differing"][0]["moved"] == {
        "before": 1, "after": 1, "entered": 0, "left": 0, "changed": None, "accounts": nobody,
    }  # fmt: skip
    assert found["unchanged"] == ["other"]
    assert [(each["kind"], each["name"]) for each in found["below"]] == [("param", "limit"), ("let", "turnover")]
    assert found["below"][0]["diff"] == "-param limit = 10\n+param limit = 12"
    assert found["below"][0]["names"] == ["buyers", "tier"]
    assert found["as_of"] == "2026-01-15T12:00:00+01:00"
    alone = json.loads(call("diff", project, later, "--format", "json", "--no-data").stdout)
    assert alone["as_of"] is None
    assert {each["moved"] for each in alone["differing"]} == {None}


def test_writing_is_no_difference(project, later):
    rules = """
    # another order, other names of params, other labels
    param top = 10
    choose tier "Tier" "gold" when in segment buyers otherwise "none"
    segment buyers when sum(orders.total) > top
    segment other when country != "DE"
    segment german when country = "DE"
    """
    (later / "segments" / "all.seg").write_text(rules, encoding="utf-8")
    found = call("diff", project, later)
    assert (found.exit_code, found.stdout) == (0, "4 unchanged\n")


def test_a_file_beside_its_other_version(project, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere") / "old.seg"
    shutil.copy(project / "segments" / "all.seg", other)
    (project / "segments" / "more.seg").write_text("segment few when in segment buyers", encoding="utf-8")
    change(project / "segments" / "all.seg", "limit = 10", "limit = 1000")
    for pair in ((other, project / "segments" / "all.seg"), (project / "segments" / "all.seg", other)):
        found = call("diff", *pair)
        assert found.exit_code == 1, found.output
        assert found.stdout.startswith("3 changed, 2 unchanged\n")
        assert "changed  segment  few  " in found.stdout
    assert call("diff", other, project).stdout.startswith("2 changed, 1 new, 2 unchanged\n"), "beside a folder it is all of the rules"
    assert call("diff", other, other).exit_code == 2


def test_what_the_schema_says_belongs_to_the_meaning(project, later):
    shutil.copy(project / "segments" / "all.seg", later / "segments")
    change(later / "segkernel.toml", 'source = "data/orders-*.csv"', 'source = "data/orders-*.csv"\nevent_time = "placed_on"')
    found = call("diff", project, later)
    assert found.stdout.startswith("2 changed, 2 unchanged\n")
    assert "segkernel.toml: tables.orders.event_time: none → placed_on\n" in found.stdout
    assert "changed: segment buyers (through tables.orders.event_time)\n" in found.stdout
    pinned = (
        '[tables.customers.fields]\ncountry = { type = "text", column = "unused" }\n[tables.orders.fields]\ntotal = { type = "number" }\n'
    )
    (later / "segkernel.toml").write_text(SETTINGS + pinned, encoding="utf-8")
    found = call("diff", project, later, "--no-data")
    assert found.stdout.startswith("2 changed, 2 unchanged\n")
    assert "tables.customers.fields.country: text → text, column unused\n" in found.stdout


def test_without_data(project, later):
    found = call("diff", project, later, "--no-data")
    assert found.exit_code == 1
    assert found.stdout.endswith("no account was evaluated, as asked\n")
    shutil.rmtree(project / "data")
    said = refused(2, "diff", project, later)
    assert 'customers has no field "country"' in said
    assert "or from the data, which are not there)" in said
    pins = '[tables.customers.fields]\ncountry = { type = "text" }\n[tables.orders.fields]\ntotal = { type = "number" }\n'
    for folder in (project, later):
        (folder / "segkernel.toml").write_text(SETTINGS + pins, encoding="utf-8")
    found = call("diff", project, later)
    assert found.exit_code == 1
    assert found.stdout.endswith(f"no account was evaluated: there are no data ({later / 'data' / 'customers.parquet'})\n")


def test_trouble(project, later, tmp_path_factory):
    assert "does not exist" in refused(2, "diff", project, project / "none")
    assert f"{project / 'data'} has no segkernel.toml" in refused(2, "diff", project, project / "data")
    assert "Missing argument 'NEW'" in refused(2, "diff", project)
    assert 'as_of "soon" is not a time' in refused(2, "diff", project, later, "--as-of", "soon")
    lonely = tmp_path_factory.mktemp("lonely") / "rules.seg"
    lonely.write_text("segment a when true", encoding="utf-8")
    assert "has a segkernel.toml above it" in refused(2, "diff", lonely, lonely)
    change(later / "segments" / "all.seg", "country", "contry")
    said = refused(2, "diff", project, later)
    assert f'{later / "segments" / "all.seg"}:4:22: error[E201]: customers has no field "contry"' in said
    (later / "segkernel.toml").write_text("[project", encoding="utf-8")
    assert "this is not TOML" in refused(2, "diff", project, later)


def test_damaged_data(project, later):
    (project / "data" / "customers.parquet").write_bytes(b"PAR1 damaged")
    assert "cannot read data/customers.parquet" in refused(2, "diff", project, later)


def test_another_root(project, later):
    settings = SETTINGS.replace('root = "customers"', 'root = "people"').replace("tables.customers", "tables.people")
    (later / "segkernel.toml").write_text(settings.replace('table = "customers"', 'table = "people"'), encoding="utf-8")
    assert "expected an earlier membership of people, found one of customers" in refused(2, "diff", project, later)
    found = call("diff", project, later, "--no-data").stdout
    assert found.startswith("3 changed, 1 new, 1 gone, 0 unchanged\n")
    assert "project.root: customers by customer_id → people by customer_id\n" in found


def test_in_a_program(project):
    schema = sk.Schema.parse('[project]\nroot="a"\n[tables.a]\nkey="id"\n[tables.a.fields]\nx={type="number"}')
    old = sk.compile("let big = x > 10  segment vip when big  segment low when x < 1", schema)
    new = sk.compile("let large = x > 11  segment vip when large  segment low when x < 1", schema)
    found = new.diff(since=old)
    assert bool(found)
    assert not old.diff(old)
    assert [each.name for each in found.differing] == ["vip"]
    assert found.differing[0].through == ("let large", "let big")
    assert str(found) == (
        "1 changed, 1 unchanged\n\nchanged: segment vip (through let large, let big)\n-segment vip when big\n+segment vip when large\n\n"
        "let large, for vip\n+let large = x > 11\n\nlet big, for vip\n-let big = x > 10"
    )
    assert json.loads(found.json())["unchanged"] == ["low"]
    with pytest.raises(sk.Error, match=r"since is a sk\.Rules, such as sk\.compile gives, not str"):
        new.diff("segment a when true")
    assert (
        not sk.compile("segment a when x > 1 segment b when x > 2", schema)
        .only("a")
        .diff(sk.compile("segment a when x > 1 segment b when x > 3", schema).only("a"))
    )
