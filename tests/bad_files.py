"""Files, columns, keys and settings that are wrong, and what the command line says of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from tests.bad_project import CUSTOMERS, ORDERS, PRODUCTS, RULES, SETTINGS, as_csv, parquet_bytes, rules, settings

# What a case changes, the options of `run`, the exit code, and all that standard error holds, in which … stands for anything
CASES: dict[str, tuple[dict[str, object], list[str], int, str]] = {
    # ---- files
    "rules that are not UTF-8": (
        rules("# caf\xe9".encode("latin-1")),
        [],
        1,
        "error: {}/rules.seg:1: not UTF-8 text (byte 6); save the file as UTF-8\n",
    ),
    "rules in UTF-16": (rules(RULES.encode("utf-16")), [], 1, "error: {}/rules.seg:1: not UTF-8 text (byte 1); save the file as UTF-8\n"),
    "a folder called like rules": ({"more.seg": Path}, [], 1, "error: cannot read {}/more.seg: Is a directory\n"),
    "no rules": ({"rules.seg": None}, [], 1, "error: {}/segkernel.toml: no rule file matches *.seg\n"),
    "no data": ({"customers.parquet": None}, [], 1, "error: customers: there is no file {}/customers.parquet\n"),
    "no data for a pattern": (settings("orders.parquet", "orders-*.csv"), [], 1, "error: orders: no file matches orders-*.csv\n"),
    "a folder in the place of data": (
        {"customers.parquet": Path},
        [],
        1,
        "error: customers: {}/customers.parquet is a folder; name the files in it, such as customers.parquet/*.parquet\n",
    ),
    "an ending that nobody knows": (
        settings("orders.parquet", "orders.xlsx"),
        [],
        1,
        'error: orders: cannot tell the format of "orders.xlsx"; …',
    ),
    "a Parquet file that is CSV": (
        {"customers.parquet": "id,country\n1,DE\n2,NL\n"},
        [],
        1,
        "error: customers: cannot read customers.parquet: …",
    ),
    "a Parquet file that is cut": (
        {"customers.parquet": parquet_bytes()[:-100]},
        [],
        1,
        "error: customers: cannot read customers.parquet: …",
    ),
    "a Parquet file that is empty": ({"customers.parquet": b""}, [], 1, "error: customers: cannot read customers.parquet: …"),
    "a CSV file that is empty": (as_csv(""), [], 1, "error: customers: cannot read customers.csv: empty CSV\n"),
    "a CSV file with a row too long": (
        as_csv("id,country,visits\n1,DE,2\n2,NL,3,4\n"),
        [],
        1,
        "error: customers: cannot read customers.csv: found more fields …",
    ),
    "a CSV file that is not UTF-8": (
        as_csv("id,country\n1,caf\xe9\n".encode("latin-1")),
        [],
        1,
        "error: customers: cannot read customers.csv: invalid utf-8 sequence\n",
    ),
    "a CSV file parted by semicolons": (
        as_csv("id;country\n1;DE\n"),
        [],
        1,
        "error: customers has no column id, which is its key; it has: id;country\n",
    ),
    "a text in a pinned number": (
        as_csv('id,country,visits\n1,DE,"1,5"\n', visits="number"),
        [],
        1,
        'error: customers: cannot read customers.csv: could not parse `"1,5"` …',
    ),
    "a text in a pinned decimal": (
        as_csv("id,country,visits\n1,DE,many\n", visits="decimal(2)"),
        [],
        1,
        "error: customers: cannot read customers.csv: could not parse `many` …",
    ),
    "a text in a pinned whole number": (
        as_csv("id,country,visits\n1,DE,many\n", visits="whole"),
        [],
        1,
        "error: customers.visits: expected whole number, found text (String)\n",
    ),
    "a day that is not there": (
        as_csv("id,country,visits\n1,DE,2026-02-30\n", visits="date"),
        [],
        1,
        "error: customers: cannot read customers.csv: could not parse `2026-02-30` …",
    ),
    # ---- columns
    "a key's column that is not there": (
        {"customers.parquet": CUSTOMERS.drop("id")},
        [],
        1,
        "error: customers has no column id, which is its key; it has: country, visits, born, extra, parts, photo, opens\n",
    ),
    "a link's column that is not there": (
        {"orders.parquet": ORDERS.drop("customer")},
        [],
        1,
        "error: orders has no column customer, by which the link customer goes; it has: sku, total, units\n",
    ),
    "a pinned column that is not there": (
        settings('key = "id"\n', 'key = "id"\nfields.region = { type = "text" }\n'),
        [],
        1,
        "error: customers has no column region; it has: id, country, visits, born, extra, parts, photo, opens\n",
    ),
    "a pinned column of another type": (
        settings('key = "id"\n', 'key = "id"\nfields.country = { type = "date" }\n'),
        [],
        1,
        "error: customers.country: expected date, found text (String)\n",
    ),
    "a link between two types": (
        {"orders.parquet": ORDERS.with_columns(pl.col("customer").cast(pl.String))},
        [],
        1,
        "error: the link orders.customer cannot work: orders.customer is text (String), customers.id is whole number (Int64)\n",
    ),
    "a struct that a rule uses": (
        rules("segment a when extra = 1"),
        [],
        1,
        "{}/rules.seg:1:16: error[E209]: \"extra\" of customers has the type Struct({'a': Int64}), which rules cannot use\n…",
    ),
    "a list that a rule uses": (
        rules("segment a when parts = 1"),
        [],
        1,
        '{}/rules.seg:1:16: error[E314]: "parts" is a list, and one value is wanted\n…',
    ),
    "bytes that a rule uses": (
        rules('segment a when photo = "x"'),
        [],
        1,
        '{}/rules.seg:1:16: error[E209]: "photo" of customers has the type Binary, …',
    ),
    "a time of day that a rule uses": (
        rules("segment a when opens is missing"),
        [],
        1,
        '{}/rules.seg:1:16: error[E209]: "opens" of customers has the type Time, …',
    ),
    # ---- keys
    "a key that repeats": (
        {"customers.parquet": CUSTOMERS.with_columns(id=pl.Series([7, 7, 8]))},
        [],
        1,
        "error: customers has 2 rows whose key (id) is not unique: 7\n",
    ),
    "a key that is missing": (
        {"customers.parquet": CUSTOMERS.with_columns(id=pl.Series([7, None, None]))},
        [],
        1,
        "error: customers has 2 rows without a key (id is missing): rows 2, 3\n",
    ),
    "a text key that repeats": (
        {
            "customers.parquet": CUSTOMERS.with_columns(id=pl.Series(["\x1b[31ma\n"] * 3)),
            "orders.parquet": ORDERS.with_columns(customer=pl.lit("a")),
        },
        [],
        1,
        'error: customers has 3 rows whose key (id) is not unique: "\\x1b[31ma\\n"\n',
    ),
    "a date key that repeats": (
        {**settings('key = "id"', 'key = "born"'), "orders.parquet": ORDERS.with_columns(customer=date(2000, 1, 1))},
        [],
        1,
        "error: customers has 3 rows whose key (born) is not unique: 1990-01-01\n",
    ),
    "a decimal key that repeats": (
        {
            "customers.parquet": CUSTOMERS.with_columns(id=pl.lit(Decimal("1.10"))),
            "orders.parquet": ORDERS.with_columns(pl.col("customer").cast(pl.Decimal(38, 2))),
        },
        [],
        1,
        "error: customers has 3 rows whose key (id) is not unique: 1.10\n",
    ),
    "a key of two columns that repeats": (
        {
            "segkernel.toml": SETTINGS.replace('key = "id"', 'key = ["id", "country"]').replace(
                'by = "customer"', 'by = ["customer", "sku"]'
            ),
            "customers.parquet": CUSTOMERS.with_columns(id=1, country=pl.Series(["DE", "DE", "NL"])),
        },
        [],
        1,
        'error: customers has 2 rows whose key (id, country) is not unique: (1, "DE")\n',
    ),
    "a link whose target is not unique": (
        {**rules('segment a when any(orders where product.category = "tools")'), "products.parquet": pl.concat([PRODUCTS, PRODUCTS])},
        [],
        1,
        'error: products has 4 rows whose key (sku) is not unique: "a", "b"\n',
    ),
    "a link whose target has no key in a row": (
        {
            **rules('segment a when any(orders where product.category = "tools")'),
            "products.parquet": PRODUCTS.with_columns(sku=pl.Series([None, "b"])),
        },
        [],
        1,
        "error: products has 1 row without a key (sku is missing): row 1\n",
    ),
    "a key of a type that cannot be one": (
        settings('key = "id"', 'key = "parts"'),
        [],
        1,
        "error: customers.parts cannot be a key: its values are of the type List(Int64)\n",
    ),
    "a segment called like the key": (
        rules("segment id when visits = 3"),
        [],
        1,
        'error: "id" is a column of the key and a segment or choose as well; rename the latter\n',
    ),
    # ---- settings
    "settings that are not TOML": (
        settings('root = "customers"', "root = "),
        [],
        1,
        "error: {}/segkernel.toml:2:8: this is not TOML: Invalid value\n",
    ),
    "settings of nested lists": (
        {"segkernel.toml": SETTINGS + "x = " + "[" * 5000},
        [],
        1,
        "error: {}/segkernel.toml: the settings are nested too deep\n",
    ),
    "a setting of very many digits": (
        {"segkernel.toml": SETTINGS + "x = " + "9" * 5000},
        [],
        1,
        "error: {}/segkernel.toml: this is not TOML: a number has too many digits\n",
    ),
    "settings that are not UTF-8": (
        {"segkernel.toml": b"\xff\xfe"},
        [],
        1,
        "error: {}/segkernel.toml: not UTF-8 text; save the file as UTF-8\n",
    ),
    "an unknown setting": (
        settings("timezone", "timezon"),
        [],
        1,
        'error: {}/segkernel.toml: project: there is no setting "timezon"; did you mean "timezone"?\n',
    ),
    "an unknown setting of a link": (
        settings('by = "customer"', 'bye = "customer"'),
        [],
        1,
        'error: {}/segkernel.toml: tables.orders.links.customer: there is no setting "bye"; did you mean "by"?\n…',
    ),
    "an unknown time zone": (
        settings("Europe/Berlin", "../../etc/passwd"),
        [],
        1,
        "error: {}/segkernel.toml: project.timezone: there is no timezone …",
    ),
    "an instant that is none": (
        settings("2026-01-15T12:00", "10000-01-01"),
        [],
        1,
        'error: {}/segkernel.toml: project.as_of: a time such as "2026-01-15T12:00" is wanted, and this is "10000-01-01"\n',
    ),
    "an instant before year 1": (
        settings("2026-01-15T12:00", "0001-01-01"),
        [],
        1,
        'error: as_of "0001-01-01" lies outside the years 1 to 9999 in UTC\n',
    ),
    "a root that is no table": (
        settings('root = "customers"', 'root = "customer"'),
        [],
        1,
        'error: {}/segkernel.toml: project.root: there is no table "customer"; did you mean "customers"?\n',
    ),
    "a root without a key": (
        settings('key = "id"\n', ""),
        [],
        1,
        "error: {}/segkernel.toml: tables.customers: the table of the accounts needs a key: …",
    ),
    "a key that names a column twice": (
        settings('key = "id"', 'key = ["id", "id"]'),
        [],
        1,
        'error: {}/segkernel.toml: tables.customers.key: the column "id" is named twice\n…',
    ),
    "a link to no table": (
        settings('table = "products"', 'table = "product"'),
        [],
        1,
        'error: {}/segkernel.toml: tables.orders.links.product.table: there is no table "product"; did you mean "products"?\n',
    ),
    "a field of no type": (
        settings('key = "id"\n', 'key = "id"\nfields.country = { type = "string" }\n'),
        [],
        1,
        'error: {}/segkernel.toml: tables.customers.fields.country.type: there is no type "string"; did you mean "text"?\n',
    ),
}
