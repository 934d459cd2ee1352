"""Mistakes about lists of the data, in the manner of `mistakes`."""

from __future__ import annotations

ASK = "ask what it holds: `tags contains …`, `… in tags`"

LISTS: list[tuple[str, str, str, str, str | None]] = [
    ('segment s when tags = "x"', "E314", '"tags" is a list, and one value is wanted', "tags", ASK),
    ('segment s when city in (tags, "x")', "E314", '"tags" is a list, and one value is wanted', "tags", ASK),
    ('segment s when coalesce(tags, tags) = "x"', "E314", '"tags" is a list, and one value is wanted', "tags", ASK),
    ('segment s when tags matches "x"', "E314", '"tags" is a list, and one value is wanted', "tags", ASK),
    ("segment s when lower(tags) is missing", "E314", '"tags" is a list, and one value is wanted', "tags", ASK),
    (
        'segment s when values(orders.status) = "x"',
        "E314",
        '"values(…)" is a list, and one value is wanted',
        "values(orders.status)",
        "ask what it holds: `values(…) contains …`, `… in values(…)`",
    ),
    ("segment s when tags", "E302", '"tags" (list of text) is not a condition', "tags", "compare it with something: `tags contains …`"),
    (
        "let v = values(orders.status) segment s when v",
        "E302",
        '"v" (list of text) is not a condition',
        "v",
        "compare it with something: `… contains …`",
    ),
    ('segment s when tags starts with "x"', "E305", '`starts with` wants text, and this is "tags" (list of text)', "tags", None),
    (
        "segment s when tags contains 5",
        "E301",
        'a whole number does not compare with what "tags" (list of text) holds',
        "tags contains 5",
        'write it in quotes: "5"',
    ),
    (
        "segment s when employees in values(orders.status)",
        "E301",
        '"employees" (whole number) does not compare with what a list of text holds',
        "employees in values(orders.status)",
        None,
    ),
    (
        'segment s when tags contains any of ("a", true)',
        "E301",
        'yes/no does not compare with what "tags" (list of text) holds',
        "true",
        None,
    ),
    (
        "segment s when wait in values(1 month for orders)",
        "E307",
        "months and years do not compare with a number of days: they differ in length",
        "1 month",
        "write days: `90 days`, `365 days`",
    ),
    (
        'segment s when "x" in values(orders.total) ignoring case',
        "E305",
        "`ignoring case` wants a list of text, and this is a list of decimal(2)",
        "values(orders.total)",
        None,
    ),
    (
        "segment s when any(values(orders.status))",
        "E311",
        "`any` wants a relation",
        "values(orders.status)",
        "the condition follows: `any(orders where …)`",
    ),
    (
        "segment s when count(children.tags) > 0 and min(children.tags) > 0",
        "E305",
        '`min` wants one value of each row, and this is "tags" (list of text)',
        "children.tags",
        None,
    ),
    (
        "segment s when any(orders where status in values(order_lines.order.customer.tags))",
        "E305",
        '`values` wants one value of each row, and this is "order.customer.tags" (list of text)',
        "order_lines.order.customer.tags",
        None,
    ),
    (
        "let v = values(orders.total) segment s when tags contains any of v",
        "E301",
        'what "v" (list of decimal(2)) holds does not compare with what "tags" (list of text) holds',
        "tags contains any of v",
        None,
    ),
    (
        "let v = values(orders.total) segment s when v contains all of v ignoring case",
        "E305",
        '`ignoring case` wants a list of text, and this is "v" (list of decimal(2))',
        "v",
        None,
    ),
    (
        "segment s when tags contains any of city",
        "E313",
        '"city" (text) is not a list',
        "city",
        "write `contains city`, or list the values: `contains any of (…)`",
    ),
]
