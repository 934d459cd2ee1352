"""Generate a business-to-business shop of any size: companies, their users, orders, baskets, contracts and invoices.

    python examples/b2b/generate.py --accounts 3000 --seed 7

The same size and seed give the same tables. Nothing in them is real. They have what real ones have: a few companies that
buy most, companies that never bought, standing orders, towns in capitals, missing particulars, rows whose owner is gone,
articles that nobody buys. Its day is a Tuesday in the week of Thanksgiving.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HERE = Path(__file__).resolve().parent
TODAY = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
NOW = int(TODAY.timestamp())
DAY = 86_400

# Country, region, town, state, latitude, longitude.
PLACES = (
    ("NL", "Europe", "Amsterdam", None, 52.37, 4.90), ("NL", "Europe", "Utrecht", None, 52.09, 5.12),
    ("BE", "Europe", "Antwerpen", None, 51.22, 4.40), ("BE", "Europe", "Liège", None, 50.63, 5.57),
    ("DE", "Europe", "Köln", None, 50.94, 6.96), ("DE", "Europe", "München", None, 48.14, 11.58),
    ("FR", "Europe", "Lyon", None, 45.76, 4.84), ("GB", "Europe", "Leeds", None, 53.80, -1.55),
    ("US", "North America", "Los Angeles", "CA", 34.05, -118.24), ("US", "North America", "East Los Angeles", "CA", 34.02, -118.17),
    ("US", "North America", "Austin", "TX", 30.27, -97.74), ("US", "North America", "New York", "NY", 40.71, -74.01),
    ("CA", "North America", "Montréal", "QC", 45.50, -73.57), ("JP", "Asia", "大阪", None, 34.69, 135.50),
)  # fmt: skip
STORES = ("Amsterdam", "Antwerpen", "Köln", "München", "Lyon", "Los Angeles", "New York")
PLACE_SHARES = (14, 10, 9, 5, 12, 8, 8, 7, 6, 2, 5, 7, 4, 3)
INDUSTRIES = ("hospitality", "healthcare", "construction", "education", "retail", "logistics", "manufacturing")
CATEGORIES = ("A", "chairs", "desks", "paper", "printers", "toner", "tools", "safety shoes", "lighting", "cleaning")
LABELS = ("fair 2026", "sample sent", "price list asked", "visited", "no calls")
ROLES = ("buyer", "chef", "manager", "office", "approver", "engineer")


def choose(rng: np.random.Generator, values: tuple[str, ...], shares: tuple[int, ...], size: int, missing: float = 0.0) -> pl.Series:
    """Return `size` texts drawn by `shares`, the part `missing` of them null, as an Enum column."""
    limits = np.cumsum(shares) / sum(shares)
    drawn = pl.Series(values, dtype=pl.Enum(values)).gather(np.searchsorted(limits, rng.random(size), side="right"))
    return blank(drawn, rng.random(size) < missing)


def blank(column: pl.Series, missing: Mask) -> pl.Series:
    """Return the column with nulls where `missing` is true."""
    return column.to_frame("x").select(pl.when(~pl.Series(missing)).then("x")).to_series()


def money(cents: Numbers) -> pl.Series:
    """Return whole cents as exact decimals of two places."""
    exact = pl.Series(cents).cast(pl.Decimal(18, 2)).to_frame("x")
    return exact.select((pl.col("x") * pl.lit("0.01").cast(pl.Decimal(18, 2))).cast(pl.Decimal(18, 2))).to_series()


def instants(seconds: Numbers) -> pl.Series:
    """Return seconds since 1970 as timestamps in UTC."""
    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us", "UTC"))


def days(seconds: Numbers) -> pl.Series:
    """Return seconds since 1970 as dates."""
    return pl.Series((seconds // DAY).astype(np.int32)).cast(pl.Date)


def before_now(rng: np.random.Generator, size: int, typical_days: float) -> Numbers:
    """Return `size` past instants in seconds, their ages exponential around `typical_days`."""
    return NOW - (rng.exponential(typical_days, size) * DAY).astype(np.int64)


def pick(rng: np.random.Generator, owner: Numbers, wanted: Numbers) -> Numbers:
    """Return for each wanted owner the position of one of its rows, drawn evenly, or -1 where it has none."""
    if not owner.size:
        return np.full(wanted.size, -1)
    order = np.argsort(owner, kind="stable")
    first, end = (np.searchsorted(owner[order], wanted, side=side) for side in ("left", "right"))
    drawn = first + (rng.random(wanted.size) * (end - first)).astype(np.int64)
    return np.where(end > first, order[np.minimum(drawn, owner.size - 1)], -1)


def make_products(rng: np.random.Generator, accounts: int) -> tuple[pl.DataFrame, Numbers, Floats]:
    """Return the articles, their prices in cents, and the limits by which a uniform number picks one (popular ones often)."""
    size = max(200, min(20_000, accounts // 5))
    cents = (rng.lognormal(4.0, 1.4, size) * 100).astype(np.int64) + 50
    weights = 1.0 / np.arange(1, size + 1) ** 0.8
    weights[-size // 7 :] = 0.0
    frame = pl.DataFrame({"n": np.arange(1, size + 1)}).select(
        sku=pl.format("SKU-{}", pl.col("n").cast(pl.String).str.zfill(5)),
        category=choose(rng, CATEGORIES, (3, 8, 8, 20, 7, 16, 14, 9, 8, 7), size, missing=0.03).cast(pl.String),
        brand=choose(rng, ("Acme", "Bolt", "Cedar", "Delta", "Own"), (10, 20, 25, 20, 25), size, missing=0.05),
        line=choose(rng, ("starter", "standard", "pro"), (20, 60, 20), size),
        price=money(cents),
    )
    return frame, cents, np.cumsum(weights) / weights.sum()


def make_stores() -> pl.DataFrame:
    """Return the shop's stores."""
    places = [place for place in PLACES if place[2] in STORES]
    columns = {"store_id": 0, "city": 2, "country": 0, "lat": 4, "lon": 5}
    frame = pl.DataFrame({name: [place[i] for place in places] for name, i in columns.items()})
    return frame.with_columns(store_id=pl.format("S{}", pl.int_range(1, pl.len() + 1)))


def make_customers(rng: np.random.Generator, size: int) -> tuple[pl.DataFrame, Numbers]:
    """Return the companies and, for each, the row of its home in PLACES."""
    home = np.searchsorted(np.cumsum(PLACE_SHARES) / sum(PLACE_SHARES), rng.random(size), side="right")
    ids = np.arange(1, size + 1)
    countries, regions = (pl.Series([place[i] for place in PLACES]).gather(home) for i in (0, 1))
    employees = np.minimum(rng.lognormal(3.2, 1.6, size), 200_000).astype(np.int32) + 1
    limit = (rng.lognormal(8.5, 1.0, size) // 100 * 100).astype(np.int64)
    stores = make_stores()
    away = [[abs(place[4] - lat) + abs(place[5] - lon) for lat, lon in stores.select("lat", "lon").rows()] for place in PLACES]
    store = np.where(rng.random(size) < 0.9, np.argmin(away, axis=1)[home], rng.integers(0, stores.height, size))
    labels = pl.DataFrame({label: rng.random(size) < 0.1 for label in LABELS}).select(
        pl.concat_list(pl.when(label).then(pl.lit(label)) for label in LABELS).list.drop_nulls()
    )
    nowhere = rng.random(size) < 0.02
    return pl.DataFrame(
        {
            "customer_id": ids,
            "parent_id": blank(pl.Series(rng.integers(1, max(2, size // 50), size)), (rng.random(size) < 0.85) | (ids < size // 50)),
            "name": pl.Series(ids).cast(pl.String).to_frame("n").select(pl.format("Company {}", "n")).to_series(),
            "country": blank(countries, nowhere),
            "region": blank(regions, nowhere),
            "language": choose(rng, ("nl", "en", "de", "fr"), (30, 40, 20, 10), size, missing=0.1),
            "industry": choose(rng, INDUSTRIES, (18, 12, 16, 9, 20, 11, 14), size, missing=0.06),
            "employees": blank(pl.Series(employees), rng.random(size) < 0.12),
            "annual_revenue": blank(money((employees * rng.lognormal(11.6, 0.8, size)).astype(np.int64) * 100), rng.random(size) < 0.3),
            "kind": choose(rng, ("customer", "prospect"), (80, 20), size),
            "account_kind": choose(rng, ("producer", "distributor", "end user"), (25, 15, 60), size, missing=0.04),
            "partner_type": choose(rng, ("manufacturer", "wholesaler", "retailer"), (30, 30, 40), size, missing=0.5),
            "tier": choose(rng, ("business", "standard"), (55, 45), size),
            "group": choose(rng, ("Wholesale", "Retail", "VIP", "General"), (25, 35, 5, 35), size),
            "newsletter": blank(pl.Series(rng.random(size) < 0.45), rng.random(size) < 0.03),
            "is_key_account": rng.random(size) < 0.03,
            "labels": blank(labels.to_series(), rng.random(size) < 0.05),
            "store_id": blank(stores["store_id"].gather(store), rng.random(size) < 0.15),
            "contact_gender": choose(rng, ("f", "m", "x"), (48, 49, 3), size, missing=0.25),
            "last_login_at": blank(instants(before_now(rng, size, 60)), rng.random(size) < 0.18),
            "founded_on": blank(days(before_now(rng, size, 5_000)), rng.random(size) < 0.2),
            "credit_limit": money(limit * 100),
            "open_balance": money((limit * rng.beta(1, 4, size) * 120).astype(np.int64)),
        }
    ), home


def owners(rng: np.random.Generator, size: int, mean: float, spread: float) -> Numbers:
    """Return one company number a row, a lognormal number of rows for each company (skewed: a few have very many)."""
    counts = rng.poisson(np.minimum(rng.lognormal(np.log(mean) - spread**2 / 2, spread, size), 400 * mean))
    return np.repeat(np.arange(1, size + 1), counts)


def make_people(rng: np.random.Generator, size: int) -> pl.DataFrame:
    """Return the companies' users."""
    of = np.concatenate([np.flatnonzero(rng.random(size) < 0.93) + 1, owners(rng, size, 1.2, 1.0)])
    return pl.DataFrame(
        {
            "user_id": np.arange(1, of.size + 1),
            "customer_id": of,
            "role": choose(rng, ROLES, (35, 6, 20, 20, 9, 10), of.size, missing=0.08),
            "active": rng.random(of.size) < 0.85,
            "newsletter": blank(pl.Series(rng.random(of.size) < 0.4), rng.random(of.size) < 0.1),
            "birthday": blank(days(before_now(rng, of.size, 2_000) - 20 * 365 * DAY), rng.random(of.size) < 0.4),
            "last_login_at": blank(instants(before_now(rng, of.size, 70)), rng.random(of.size) < 0.2),
        }
    )


def make_addresses(rng: np.random.Generator, home: Numbers) -> pl.DataFrame:
    """Return addresses: one at home for each company (by its number), then others here and there."""
    more = owners(rng, home.size, 0.8, 1.0)
    of = np.concatenate([np.arange(1, home.size + 1), more])
    place = np.concatenate([home, np.where(rng.random(more.size) < 0.6, home[more - 1], rng.integers(0, len(PLACES), more.size))])
    country, city, state = (pl.Series([p[i] for p in PLACES], dtype=pl.String).gather(place) for i in (0, 2, 3))
    # About 30 km around the middle of the town; some people type the town in capitals.
    lat, lon = (np.array([p[i] for p in PLACES])[place] + rng.normal(0, 0.25, of.size) for i in (4, 5))
    loud = pl.Series(rng.random(of.size) < 0.1)
    first = np.arange(of.size) < home.size
    return pl.DataFrame(
        {
            "address_id": np.arange(1, of.size + 1), "customer_id": of, "country": country,
            "city": pl.select(pl.when(loud).then(city.str.to_uppercase()).otherwise(city)).to_series(), "state": state,
            "lat": blank(pl.Series(lat), rng.random(of.size) < 0.05), "lon": pl.Series(lon),
            "is_default_billing": first, "is_default_shipping": first & (rng.random(of.size) < 0.9),
        }
    )  # fmt: skip


def standing_orders(rng: np.random.Generator, began: Numbers, ended: Numbers) -> tuple[Numbers, Numbers]:
    """Return company and instant of the orders that some companies place on the same day of each month, seldom forgetting one."""
    of, day = np.flatnonzero(rng.random(began.size) < 0.08) + 1, rng.integers(1, 21, began.size)
    months = (TODAY.replace(tzinfo=ZoneInfo("UTC"), year=2025 + m // 12, month=m % 12 + 1, day=1, hour=10) for m in range(9, 23))
    placed = np.array([month.timestamp() for month in months], dtype=np.int64) + day[of - 1][:, None] * DAY
    kept = (placed < ended[of - 1][:, None]) & (placed > began[of - 1][:, None]) & (rng.random(placed.shape) < 0.98)
    return np.broadcast_to(of[:, None], placed.shape)[kept], placed[kept]


def make_orders(
    rng: np.random.Generator, buys: Mask, prices: Numbers, limits: Floats, skus: pl.Series, address_of: Numbers
) -> tuple[pl.DataFrame, pl.DataFrame, Numbers]:
    """Return orders, their lines, and the article of each line as its row among the products.

    A company that buys at all does so from a first day on; half of the companies have since stopped.
    """
    size = buys.size
    began = before_now(rng, size, 700)
    ended = np.where(rng.random(size) < 0.5, NOW, began + ((NOW - began) * rng.random(size)).astype(np.int64))
    of, (steady, on) = owners(rng, size, 6.0, 1.3), standing_orders(rng, began, ended)
    # Most of what a company buys it bought lately: the square root leans towards the end of its time.
    placed = np.concatenate([began[of - 1] + ((ended - began)[of - 1] * np.sqrt(rng.random(of.size))).astype(np.int64), on])
    of, standing = np.concatenate([of, steady]), np.arange(of.size + steady.size) >= of.size
    of, placed, standing = (column[buys[of - 1]] for column in (of, placed, standing))
    lines_of = rng.geometric(0.4, of.size)
    order_of_line = np.repeat(np.arange(of.size), lines_of)
    sku = np.searchsorted(limits, rng.random(order_of_line.size), side="right")
    usual = np.searchsorted(limits, rng.random(size), side="right")
    sku[(np.cumsum(lines_of) - lines_of)[standing]] = usual[of[standing] - 1]
    quantity = np.minimum(rng.zipf(1.7, order_of_line.size), 500)
    amount = prices[sku] * quantity
    total = np.bincount(order_of_line, weights=amount, minlength=of.size).astype(np.int64)
    shipped_to = np.where(rng.random(of.size) < 0.7, of, pick(rng, address_of, of) + 1)
    discount = np.where(rng.random(of.size) < 0.25, total // 10, 0)
    orders = pl.DataFrame(
        {
            "order_id": np.arange(1, of.size + 1),
            "customer_id": np.where(rng.random(of.size) < 0.001, of + 10 * size, of),
            "shipping_address_id": blank(pl.Series(shipped_to), rng.random(of.size) < 0.05),
            "status": choose(rng, ("complete", "processing", "cancelled", "returned"), (82, 8, 7, 3), of.size),
            "placed_at": instants(placed),
            "delivery_terms": choose(rng, ("standard", "next day", "pick up"), (70, 20, 10), of.size),
            "is_test": rng.random(of.size) < 0.002,
            "quantity": np.bincount(order_of_line, weights=quantity, minlength=of.size).astype(np.int32),
            "discount": money(discount),
            "total": money(total - discount),
        }
    )
    lines = pl.DataFrame(
        {
            "order_id": order_of_line + 1,
            "sku": pl.select(
                pl.when(pl.Series(rng.random(sku.size) < 0.004)).then(pl.lit("DISCONTINUED")).otherwise(skus.gather(sku))
            ).to_series(),
            "quantity": quantity.astype(np.int16),
            "amount": money(amount),
        }
    )
    return orders, lines, sku


def make_activity(
    rng: np.random.Generator,
    size: int,
    company_of_user: Numbers,
    prices: Numbers,
    limits: Floats,
    skus: pl.Series,
    bought: tuple[Numbers, Numbers],
) -> dict[str, pl.DataFrame]:
    """Return what companies and users do besides ordering, by table name; `bought` has company and article of the order lines."""
    carts, wishes, contracts, invoices = (owners(rng, size, mean, 1.2) for mean in (1.5, 0.7, 0.4, 1.2))
    viewers, visitors = owners(rng, company_of_user.size, 4.0, 1.2), owners(rng, company_of_user.size, 3.0, 1.0)

    def like(companies: Numbers, drawn: Numbers, share: float) -> Numbers:
        """The articles that were drawn, a share of them replaced by what the company has bought."""
        line = pick(rng, bought[0], companies)
        return np.where((line >= 0) & (rng.random(companies.size) < share), bought[1][line] if bought[1].size else drawn, drawn)

    in_cart = like(carts, np.searchsorted(limits, rng.random(carts.size), side="right"), 0.4)
    viewed = like(company_of_user[viewers - 1], rng.integers(0, skus.len(), viewers.size), 0.3)
    count = np.minimum(rng.zipf(1.8, carts.size), 200)
    added = before_now(rng, carts.size, 20)
    starts = before_now(rng, contracts.size, 400)
    due = before_now(rng, invoices.size, 60) + 40 * DAY
    still_open = np.where(rng.random(invoices.size) < 0.6, 0, (rng.lognormal(5, 1.2, invoices.size) * 100).astype(np.int64))
    return {
        "cart_items": pl.DataFrame({
            "customer_id": carts, "sku": skus.gather(in_cart), "quantity": count.astype(np.int16),
            "amount": money(prices[in_cart] * count), "added_at": instants(added),
            "changed_at": instants(added + ((NOW - added) * rng.random(carts.size) ** 2).astype(np.int64)),
        }),
        "wish_items": pl.DataFrame({
            "customer_id": wishes, "sku": skus.gather(rng.integers(0, skus.len(), wishes.size)),
            "added_on": days(before_now(rng, wishes.size, 150)),
        }),
        "views": pl.DataFrame({
            "user_id": viewers, "sku": skus.gather(viewed),
            "at": instants(before_now(rng, viewers.size, 90)),
        }),
        "visits": pl.DataFrame({"user_id": visitors, "at": instants(before_now(rng, visitors.size, 60))}),
        "contracts": pl.DataFrame({
            "customer_id": contracts, "starts_on": days(starts), "ends_on": days(starts + rng.integers(1, 4, contracts.size) * 365 * DAY),
            "auto_renew": blank(pl.Series(rng.random(contracts.size) < 0.5), rng.random(contracts.size) < 0.05),
        }),
        "invoices": pl.DataFrame({
            "customer_id": invoices, "due_on": days(due), "reminder_level": rng.integers(0, 4, invoices.size).astype(np.int8),
            "open_amount": money(still_open),
        }),
    }  # fmt: skip


def tables(accounts: int, seed: int) -> dict[str, pl.DataFrame]:
    """Return all tables by name for `accounts` companies (at least 1); equal arguments give equal tables."""
    rng = np.random.default_rng(seed)
    products, prices, limits = make_products(rng, accounts)
    skus = products["sku"]
    customers, home = make_customers(rng, accounts)
    users = make_people(rng, accounts)
    addresses = make_addresses(rng, home)
    buys = (customers["kind"] == "customer").to_numpy()
    orders, lines, articles = make_orders(rng, buys, prices, limits, skus, addresses["customer_id"].to_numpy())
    made = {"customers": customers, "stores": make_stores(), "users": users, "addresses": addresses}
    made |= {"orders": orders, "order_lines": lines, "products": products}
    buyers = orders["customer_id"].to_numpy()[lines["order_id"].to_numpy() - 1]
    return made | make_activity(rng, accounts, users["customer_id"].to_numpy(), prices, limits, skus, (buyers, articles))


@click.command()
@click.option("--accounts", default=3_000, show_default=True, type=click.IntRange(min=1), help="How many companies.")
@click.option("--seed", default=7, show_default=True, type=click.IntRange(min=0), help="Another seed gives another shop.")
@click.option("--out", default=HERE / "data", type=click.Path(path_type=Path, file_okay=False), help="Folder for the tables.")
def main(accounts: int, seed: int, out: Path) -> None:
    """Write the tables of a made-up shop as parquet files."""
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in tables(accounts, seed).items():
        frame.write_parquet(out / f"{name}.parquet")
        sys.stdout.write(f"{name:12} {frame.height:>11,} rows\n")


if __name__ == "__main__":
    main()
