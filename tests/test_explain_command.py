"""`segkernel explain` on a project folder."""

import json

from tests.test_cli import call, change, project, refused

__all__ = ["project"]


def test_a_segment_of_an_account(project):
    change(project / "segkernel.toml", 'source = "data/orders-*.csv"', 'source = "data/orders-*.csv"\nkey = "total"')
    found = call("explain", project, "--account", "1", "--segment", "buyers")
    assert found.exit_code == 0, found.output
    assert found.stdout == (
        "customers: customer_id 1, as of 2026-01-15T12:00:00+01:00 (Europe/Berlin)\n"
        "\n"
        '✓ segment buyers  "Bought"\n'
        "└─ ✓ sum(orders.total) > limit\n"
        "   ├─ sum(orders.total): 12.5\n"
        "   │  └─ 2 rows of orders: 5.5 (5.5), 7.0 (7.0)\n"
        "   └─ limit: 10\n"
    )


def test_all_of_an_account(project):
    found = call("explain", project, "--account", "2", "--as-of", "2026-01-20", "--param", "limit=1000")
    assert found.exit_code == 0, found.output
    assert found.stdout == (
        "customers: customer_id 2, as of 2026-01-20T00:00:00+01:00 (Europe/Berlin)\n"
        "\n"
        '? segment german  "Customers in Germany"  unknown, so not in it\n'
        "? segment other  unknown, so not in it\n"
        '✗ segment buyers  "Bought"\n'
        'choose tier is "none"\n'
    )


def test_json(project):
    one = json.loads(call("explain", project, "--account", "1", "--segment", "buyers", "--format", "json").stdout)
    assert one["asked"]["answer"] == "true"
    assert one["asked"]["clause"]["seen"][0]["rows"]["first"][0] == {"row": 1, "key": {}, "value": 5.5, "shown": "5.5"}
    everything = json.loads(call("explain", project, "--account", "1", "--format", "json").stdout)
    assert [each["asked"]["name"] for each in everything] == ["german", "other", "buyers", "tier"]
    assert one in everything


def test_mistakes(project):
    assert refused(1, "explain", project, "--account", "17") == "error: no row of customers has customer_id 17; they go from 1 to 4\n"
    assert refused(1, "explain", project, "--account", "x") == 'error: customers.customer_id is whole number (Int64), and "x" is none\n'
    assert "the key of customers (customer_id) is one value, and 2 were given" in refused(
        1, "explain", project, "--account", "1", "--account", "2"
    )
    assert 'did you mean "german"?' in refused(2, "explain", project, "--account", "1", "--segment", "germann")
    assert "Missing option '--account'" in refused(2, "explain", project)
    assert 'as_of "soon" is not a time' in refused(2, "explain", project, "--account", "1", "--as-of", "soon")
