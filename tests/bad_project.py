"""A small project that the cases of bad input change."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from io import BytesIO

import polars as pl

SETTINGS = """\
[project]
root = "customers"
timezone = "Europe/Berlin"
rules = ["*.seg"]
as_of = "2026-01-15T12:00"

[tables.customers]
source = "customers.parquet"
key = "id"

[tables.orders]
source = "orders.parquet"
[tables.orders.links]
customer = { table = "customers", by = "customer" }
product = { table = "products", by = "sku" }

[tables.products]
source = "products.parquet"
key = "sku"
"""
HEAD, TABLES = SETTINGS.split("[tables.customers]")
RULES = 'segment german when country = "DE"\nsegment buyers when sum(orders.total) > 10\n'

CUSTOMERS = pl.DataFrame({
    "id": [1, 2, 3],
    "country": ["DE", None, "NL"],
    "visits": [3, 2**63 - 1, None],
    "born": [date(1990, 1, 1)] * 3,
    "extra": [{"a": 1}] * 3,
    "parts": [[1, 2]] * 3,
    "photo": [b"x"] * 3,
    "opens": [time(8)] * 3,
})  # fmt: skip
ORDERS = pl.DataFrame({
    "customer": [1, 1, 3, 9],
    "sku": ["a", "a", "b", "c"],
    "total": pl.Series([Decimal("5.50"), Decimal("7.00"), None, Decimal("1.00")], dtype=pl.Decimal(38, 2)),
    "units": pl.Series([2**64 - 1] * 4, dtype=pl.UInt64),
})  # fmt: skip
PRODUCTS = pl.DataFrame({"sku": ["a", "b"], "category": ["tools", "toys"]})
FILES = {
    "segkernel.toml": SETTINGS,
    "rules.seg": RULES,
    "customers.parquet": CUSTOMERS,
    "orders.parquet": ORDERS,
    "products.parquet": PRODUCTS,
}


def rules(text):
    return {"rules.seg": text}


def settings(old, new):
    assert old in SETTINGS
    return {"segkernel.toml": SETTINGS.replace(old, new)}


def as_csv(text, **pins):
    """The customers in a CSV file, all of which is read."""
    fields = "".join(f'{name} = {{ type = "{type}" }}\n' for name, type in pins.items())
    changed = settings("customers.parquet", "customers.csv")["segkernel.toml"]
    return {
        "segkernel.toml": changed + "[tables.customers.fields]\n" + fields,
        "customers.csv": text,
        **rules("segment a when visits is missing or country = 'DE'"),
    }


def parquet_bytes():
    file = BytesIO()
    CUSTOMERS.write_parquet(file)
    return file.getvalue()
