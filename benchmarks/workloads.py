"""Seeded workloads: accounts, their orders, and random rules such as real shops have.

`flat` is one table of accounts with 13 columns; `with orders` adds a table of orders; `lines` adds the lines of the orders and a
small table of products, by which rules choose lines. Rules have 2 to 8 leaves and share
their constants: round thresholds, a handful of windows, the same lists of countries; a variant changes one of these things.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec
import numpy as np
import polars as pl

from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, NUMBER, TEXT, TIMESTAMP, WHOLE

AS_OF = datetime(2026, 1, 15, 12, tzinfo=UTC)
COUNTRIES = [f"C{number:02d}" for number in range(40)]
REGIONS = ["north", "south", "east", "west", "centre"]
PLANS = ["basic", "plus", "pro"]
INDUSTRIES = [f"industry {number}" for number in range(18)]
CATEGORIES = [f"category {number}" for number in range(30)]
BRANDS = [f"brand {number}" for number in range(200)]
PRODUCTS = 20_000
STATUSES = ["paid", "open", "void", "refund"]
CHANNELS = ["web", "shop", "phone", "app", "agent"]
WINDOWS = [7, 14, 30, 60, 90, 180, 365]


class Workload(msgspec.Struct, frozen=True):
    """Tables, their schema, and rules over them."""

    name: str
    schema: Schema
    frames: dict[str, pl.DataFrame]
    rules: str


class Variant(msgspec.Struct, frozen=True):
    """What differs from the usual workload: constants that are all `distinct`, orders `shuffled`, another share of `missing`
    values where values can be missing, another type of `texts`, and how the tests of a rule are `joined`."""

    distinct: bool = False
    shuffled: bool = False
    missing: float | None = None
    texts: Literal["Categorical", "Enum", "String"] = "Categorical"
    joined: tuple[str, ...] = ("and", "and", "or", "or not", "and not")


USUAL = Variant()


def workload(name: str, accounts: int, orders: int, rules: int, seed: int = 11, variant: Variant = USUAL, lines: int = 0) -> Workload:
    """A workload of any size; without `orders` there is no such table, without `lines` none of lines and of products."""
    rng = np.random.default_rng(seed)
    frames = {"customers": customers(rng, accounts, variant.missing)}
    tables = {"customers": Table(CUSTOMER_FIELDS, ("customer_id",))}
    if orders:
        frames["orders"] = order_table(rng, accounts, orders)
        tables["orders"] = Table(ORDER_FIELDS, (), {"customer": Link("customers", ("customer_id",))})
    if lines:
        frames["orders"] = frames["orders"].with_row_index("order_id").with_columns(pl.col("order_id").cast(pl.Int64).set_sorted())
        frames["lines"], frames["products"] = line_table(rng, orders, lines), product_table(rng)
        tables["orders"] = Table({"order_id": FieldSpec(WHOLE, nullable=False), **ORDER_FIELDS}, ("order_id",), tables["orders"].links)
        tables["lines"] = Table(LINE_FIELDS, (), {"order": Link("orders", ("order_id",)), "product": Link("products", ("sku",))})
        tables["products"] = Table(PRODUCT_FIELDS, ("sku",))
    writer = (OfLines if lines else Distinct if variant.distinct else Writer)(rng, bool(orders), variant.joined)
    text = "\n".join(f"segment s{number} when {writer.rule(int(rng.integers(2, 9)))}" for number in range(rules))
    if variant.shuffled:
        frames["orders"] = frames["orders"].sample(fraction=1.0, shuffle=True, seed=seed)
    return Workload(name, Schema("customers", tables), {table: typed(frame, variant.texts) for table, frame in frames.items()}, text)


def typed(frame: pl.DataFrame, texts: str) -> pl.DataFrame:
    """A table with its texts in another type."""
    if texts == "Categorical":
        return frame
    chosen = [column for column, dtype in frame.schema.items() if dtype == pl.Categorical]
    if texts == "String":
        return frame.with_columns(pl.col(chosen).cast(pl.String))
    return frame.with_columns(frame[column].cast(pl.Enum(frame[column].cast(pl.String).unique().drop_nulls().sort())) for column in chosen)


CUSTOMER_FIELDS = {
    "customer_id": FieldSpec(WHOLE, nullable=False),
    **{name: FieldSpec(TEXT) for name in ("country", "region", "plan", "industry")},
    **{name: FieldSpec(WHOLE) for name in ("visits", "employees", "score")},
    **{name: FieldSpec(DATE) for name in ("born_on", "joined_on")},
    **{name: FieldSpec(TIMESTAMP) for name in ("seen_at", "cart_at")},
    **{name: FieldSpec(NUMBER) for name in ("revenue", "discount")},
}
ORDER_FIELDS = {
    "customer_id": FieldSpec(WHOLE, nullable=False),
    "status": FieldSpec(TEXT),
    "channel": FieldSpec(TEXT),
    "total": FieldSpec(NUMBER),
    "items": FieldSpec(WHOLE),
    "placed_at": FieldSpec(TIMESTAMP),
}


LINE_FIELDS = {
    "order_id": FieldSpec(WHOLE, nullable=False),
    "sku": FieldSpec(WHOLE, nullable=False),
    "quantity": FieldSpec(WHOLE),
    "amount": FieldSpec(NUMBER),
}
PRODUCT_FIELDS = {
    "sku": FieldSpec(WHOLE, nullable=False),
    "category": FieldSpec(TEXT),
    "brand": FieldSpec(TEXT),
    "listed": FieldSpec(NUMBER),
}


def holes(rng: np.random.Generator, series: pl.Series, share: float = 0.1) -> pl.Series:
    """A column of which a share is missing."""
    return pl.select(pl.when(pl.Series(rng.random(len(series)) > share)).then(series).alias(series.name)).to_series()


def category(rng: np.random.Generator, name: str, values: list[str], rows: int) -> pl.Series:
    """A categorical column."""
    codes = pl.Series(name, rng.integers(0, len(values), rows).astype(np.uint32))
    return pl.Series(name, values, dtype=pl.String).gather(codes).cast(pl.Categorical)


def stamps(rng: np.random.Generator, name: str, rows: int) -> pl.Series:
    """Timestamps of the last four years, to the second."""
    end = np.datetime64(AS_OF.replace(tzinfo=None), "us")
    return pl.Series(name, end - rng.integers(0, 126_000_000, rows).astype("timedelta64[s]"))


def days(rng: np.random.Generator, name: str, rows: int, within: int) -> pl.Series:
    """Dates of the last `within` days."""
    return pl.Series(name, np.datetime64(AS_OF.date(), "D") - rng.integers(0, within, rows).astype("timedelta64[D]"))


def customers(rng: np.random.Generator, rows: int, missing: float | None = None) -> pl.DataFrame:
    """The accounts: a key and 13 columns; `missing` is the share of missing values in those that have any, else as usual."""

    def some(series: pl.Series, share: float = 0.1) -> pl.Series:
        return holes(rng, series, share if missing is None else missing)

    return pl.DataFrame(
        [
            pl.Series("customer_id", np.arange(rows)),
            category(rng, "country", COUNTRIES, rows),
            some(category(rng, "region", REGIONS, rows)),
            some(category(rng, "plan", PLANS, rows)),
            category(rng, "industry", INDUSTRIES, rows),
            pl.Series("visits", rng.poisson(9, rows).astype(np.int16)),
            some(pl.Series("employees", rng.lognormal(3, 1.5, rows).astype(np.int32))),
            pl.Series("score", rng.integers(0, 101, rows).astype(np.uint8)),
            some(days(rng, "born_on", rows, 25_000), 0.3),
            days(rng, "joined_on", rows, 3_000),
            some(stamps(rng, "seen_at", rows)),
            some(stamps(rng, "cart_at", rows), 0.5),
            some(pl.Series("revenue", rng.lognormal(8, 2, rows))),
            some(pl.Series("discount", np.round(rng.random(rows), 2))),
        ]
    )


def order_table(rng: np.random.Generator, accounts: int, rows: int) -> pl.DataFrame:
    """The orders, sorted by account, with totals in cents. Rules compare their sums with no whole number of cents, so that
    the last digit of a float sum, in which Polars and DuckDB depend on the order of rows, decides nothing."""
    return pl.DataFrame(
        [
            pl.Series("customer_id", np.sort(rng.integers(0, accounts, rows))).set_sorted(),
            category(rng, "status", STATUSES, rows),
            category(rng, "channel", CHANNELS, rows),
            pl.Series("total", np.round(rng.lognormal(4, 1, rows), 2)),
            pl.Series("items", rng.poisson(3, rows).astype(np.int16)),
            stamps(rng, "placed_at", rows),
        ]
    )


def line_table(rng: np.random.Generator, orders: int, rows: int) -> pl.DataFrame:
    """The lines of the orders, sorted by order; amounts are as the totals of orders."""
    return pl.DataFrame(
        [
            pl.Series("order_id", np.sort(rng.integers(0, orders, rows))).set_sorted(),
            pl.Series("sku", (rng.random(rows) ** 2 * PRODUCTS).astype(np.int32) * 7 + 100_000),
            pl.Series("quantity", (rng.poisson(1, rows) + 1).astype(np.int16)),
            pl.Series("amount", np.round(rng.lognormal(3, 1, rows), 2)),
        ]
    )


def product_table(rng: np.random.Generator) -> pl.DataFrame:
    """The products, some of which lines sell far more often than others."""
    return pl.DataFrame(
        [
            pl.Series("sku", np.arange(PRODUCTS, dtype=np.int32) * 7 + 100_000),
            holes(rng, category(rng, "category", CATEGORIES, PRODUCTS)),
            category(rng, "brand", BRANDS, PRODUCTS),
            pl.Series("listed", np.round(rng.lognormal(3, 1, PRODUCTS), 2)),
        ]
    )


class Writer:
    """Writes random rules; constants come from few values, as shops choose them."""

    def __init__(self, rng: np.random.Generator, orders: bool, joined: tuple[str, ...]) -> None:
        self.rng, self.orders, self.joined = rng, orders, list(joined)

    def rule(self, leaves: int) -> str:
        """A condition of so many leaves."""
        if leaves == 1:
            return self.leaf()
        left, right = self.rule(leaves // 2), self.rule(leaves - leaves // 2)
        return f"({left} {self.one_of(self.joined)} {right})"

    def one_of(self, values: list[str]) -> str:
        """One of some words."""
        return values[int(self.rng.integers(0, len(values)))]

    def listed(self, field: str, values: list[str], count: int) -> str:
        """A test on a list of values."""
        start = int(self.rng.integers(0, len(values)))
        some = [values[(start + k) % len(values)] for k in range(count)]
        items = ", ".join(f'"{value}"' for value in some)
        return f"{field} in ({items})"

    def leaf(self) -> str:
        """One test: of a field, or with orders as often of an aggregate."""
        rng = self.rng
        if self.orders and rng.random() < 0.35:
            return self.aggregate()
        window = WINDOWS[int(rng.integers(0, len(WINDOWS)))]
        forms = [
            lambda: self.listed("country", COUNTRIES, int(rng.integers(1, 8))),
            lambda: self.listed("region", REGIONS, 1),
            lambda: f'plan {self.one_of(["=", "!="])} "{self.one_of(PLANS)}"',
            lambda: self.listed("industry", INDUSTRIES, int(rng.integers(1, 4))),
            lambda: f"visits >= {int(rng.integers(3, 16))}",
            lambda: f"employees in {self.one_of(['1..9', '10..49', '50..249', '250..100_000'])}",
            lambda: f"score {self.one_of(['<', '>='])} {int(rng.integers(1, 10)) * 10}",
            lambda: f"born_on before {int(rng.integers(2, 7)) * 10} years ago",
            lambda: f"joined_on {self.one_of(['in this year', 'in last year', 'in last quarter', 'in 2024'])}",
            lambda: f"seen_at within last {window} days",
            lambda: f"(seen_at before {window} days ago or seen_at is missing)",
            lambda: f"cart_at after {window} days ago",
            lambda: f"revenue > {self.one_of(['100', '500', '1000', '2500', '5000', '10000', '25000', '50000', '100000'])}",
            lambda: f"discount <= {self.one_of(['0.05', '0.1', '0.2', '0.25', '0.5'])}",
        ]
        return forms[int(rng.integers(0, len(forms)))]()

    def aggregate(self) -> str:
        """A test of an aggregate over orders of a status, channel or window."""
        rng = self.rng
        tests = []
        if rng.random() < 0.6:
            tests.append(f'status = "{self.one_of(STATUSES)}"')
        if rng.random() < 0.4:
            tests.append(f'channel = "{self.one_of(CHANNELS)}"')
        if rng.random() < 0.7 or not tests:
            tests.append(f"placed_at within last {WINDOWS[int(rng.integers(0, len(WINDOWS)))]} days")
        where = " and ".join(tests)
        kind = int(rng.integers(0, 6))
        if kind == 0:
            return f"count(orders where {where}) >= {int(rng.integers(1, 5))}"
        if kind == 1:
            return f"sum(orders.total where {where}) > {self.one_of(['50.005', '100.005', '250.005', '500.005', '1000.005'])}"
        if kind == 2:
            return f"avg(orders.total where {where}) >= {self.one_of(['40.0013', '63.2037', '80.0013', '120.0037'])}"
        if kind == 3:
            return f"max(orders.total where {where}) > {self.one_of(['100', '200', '400'])}"
        if kind == 4:
            return f"sum(orders.items where {where}) >= {int(rng.integers(1, 5)) * 5}"
        return f"{self.one_of(['any', 'none'])}(orders where {where})"


class Distinct(Writer):
    """Writes rules whose constants are drawn from wide ranges, so that hardly any two are the same."""

    def leaf(self) -> str:
        rng = self.rng
        if self.orders and rng.random() < 0.35:
            return self.aggregate()
        day = date(2026, 1, 15) - timedelta(days=int(rng.integers(1, 3000)))
        hours = int(rng.integers(24, 24 * 400))
        low = int(rng.integers(1, 60))
        forms = [
            lambda: self.listed("country", list(rng.permutation(COUNTRIES)), int(rng.integers(1, 12))),
            lambda: self.listed("region", list(rng.permutation(REGIONS)), int(rng.integers(1, 4))),
            lambda: f'plan {self.one_of(["=", "!="])} "{self.one_of(PLANS)}"',
            lambda: self.listed("industry", list(rng.permutation(INDUSTRIES)), int(rng.integers(1, 8))),
            lambda: f"visits in {int(rng.integers(0, 9))}..{int(rng.integers(9, 25))}",
            lambda: f"employees in {low}..{low + int(rng.integers(1, 2000))}",
            lambda: f"score in {low}..{low + int(rng.integers(0, 41))}",
            lambda: f"born_on before {int(rng.integers(3000, 25_000))} days ago",
            lambda: f"joined_on {self.one_of(['>=', '<'])} {day}",
            lambda: f"seen_at within last {hours} hours",
            lambda: f"(seen_at before {hours} hours ago or seen_at is missing)",
            lambda: f"cart_at after {hours} hours ago",
            lambda: f"revenue > {rng.lognormal(8, 2):.2f}",
            lambda: f"discount <= {rng.random():.4f}",
        ]
        return forms[int(rng.integers(0, len(forms)))]()

    def aggregate(self) -> str:
        """A test of an aggregate over orders of a status or channel in a window of its own."""
        rng = self.rng
        where = f"placed_at within last {int(rng.integers(24, 24 * 400))} hours"
        if rng.random() < 0.6:
            where = f'status = "{self.one_of(STATUSES)}" and {where}'
        value = int(rng.integers(30, 900)) + 0.0013
        return [
            f"count(orders where {where}) >= {int(rng.integers(1, 5))}",
            f"sum(orders.total where {where}) > {value}",
            f"avg(orders.total where {where}) >= {value / 5 + 0.00019:.5f}",
            f"max(orders.total where {where}) > {value}",
            f"sum(orders.items where {where}) >= {int(rng.integers(1, 30))}",
            f"{self.one_of(['any', 'none'])}(orders where {where})",
        ][int(rng.integers(0, 6))]


class OfLines(Writer):
    """Writes rules whose aggregates are as often of lines, chosen by product and by order, as of orders."""

    def aggregate(self) -> str:
        """A test of an aggregate over lines of a category or brand, or of orders in a window."""
        rng = self.rng
        if rng.random() < 0.3:
            return super().aggregate()
        tests = []
        if rng.random() < 0.6:
            tests.append(self.listed("product.category", CATEGORIES, int(rng.integers(1, 4))))
        elif rng.random() < 0.5:
            tests.append(f'product.brand = "{self.one_of(BRANDS)}"')
        if rng.random() < 0.3:
            tests.append(f"product.listed > {self.one_of(['20', '50', '100'])}")
        if rng.random() < 0.6 or not tests:
            tests.append(f"order.placed_at within last {WINDOWS[int(rng.integers(0, len(WINDOWS)))]} days")
        if rng.random() < 0.2:
            tests.append(f'order.status = "{self.one_of(STATUSES)}"')
        where = " and ".join(tests)
        return [
            f"count(lines where {where}) >= {int(rng.integers(1, 6))}",
            f"sum(lines.amount where {where}) > {self.one_of(['20.005', '50.005', '100.005', '250.005'])}",
            f"sum(lines.quantity where {where}) >= {int(rng.integers(1, 5)) * 3}",
            f"avg(lines.amount where {where}) >= {self.one_of(['20.0013', '33.2037', '60.0013'])}",
            f"max(lines.amount where {where}) > {self.one_of(['50', '100', '200'])}",
            f"{self.one_of(['any', 'none'])}(lines where {where})",
        ][int(rng.integers(0, 6))]
