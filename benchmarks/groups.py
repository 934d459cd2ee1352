"""`python -m benchmarks.groups`: statistics of the population and groups of rows (`per`), beside Polars at the best of its ways."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl

import segkernel as sk
from benchmarks.texts import AS_OF, timed

TOP = "top(10%, revenue)"
CONDITIONS: dict[str, Callable[[int], pl.Expr]] = {
    TOP: lambda rows: pl.col("revenue").rank("min", descending=True) <= -(-rows // 10),
    "revenue > 2 * avg(revenue over (industry, region))": lambda _: (
        pl.col("revenue") > 2 * pl.col("revenue").mean().over("industry", "region")
    ),
    "revenue = max(revenue over industry)": lambda _: pl.col("revenue") == pl.col("revenue").max().over("industry"),
}
PER = "max(count(lines per sku)) >= 3"


def tables(accounts: int, lines: int) -> dict[str, pl.DataFrame]:
    """Accounts and ten lines each, the lines in the order of accounts."""
    rng = np.random.default_rng(5)
    people = pl.DataFrame(
        {
            "id": np.arange(accounts),
            "industry": pl.Series(rng.integers(0, 40, accounts)).cast(pl.String),
            "region": pl.Series(rng.integers(0, 8, accounts)).cast(pl.String),
            "revenue": rng.integers(0, 10**7, accounts),
        }
    )
    skus = pl.Series(rng.integers(0, 20, lines)).cast(pl.String).cast(pl.Categorical)
    sold = pl.DataFrame({"person": np.sort(rng.integers(0, accounts, lines)), "sku": skus})
    return {"people": people, "lines": sold}


def main() -> None:
    """Measure and print; SystemExit where the members differ."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.groups", description=__doc__)
    options.add_argument("--accounts", type=int, default=1_000_000)
    options.add_argument("--lines", type=int, default=10_000_000)
    options.add_argument("--runs", type=int, default=5, help="runs of each; the median counts")
    chosen = options.parse_args()
    frames = tables(chosen.accounts, chosen.lines)
    data = sk.Dataset(frames, root="people", key="id", links={"lines": {"person": ("people", "person")}})
    sk.warmup()

    def grouped(engine: Literal["in-memory", "streaming"]) -> pl.Series:
        groups = frames["lines"].lazy().group_by("person", "sku").len().filter(pl.col("len") >= 3)
        often = groups.select(pl.col("person").unique()).collect(engine=engine)["person"]
        return frames["people"]["id"].is_in(often.implode())

    rivals: dict[str, list[Callable[[], pl.Series]]] = {
        rule: [lambda make=make: frames["people"].select(make(chosen.accounts)).to_series()]  # type: ignore[misc]
        for rule, make in CONDITIONS.items()
    }
    rivals[PER] = [lambda: grouped("in-memory"), lambda: grouped("streaming")]
    print(f"{chosen.accounts:,} accounts, {chosen.lines:,} lines; the same members in both")
    for rule, ways in rivals.items():
        rules = sk.compile(f"segment a when {rule}", data.schema)
        start = time.perf_counter()
        ours = rules.evaluate(data, as_of=AS_OF)["a"]
        first = time.perf_counter() - start
        if not all((ours == way()).all() for way in ways):
            raise SystemExit(f"the members of {rule} differ")
        again = timed(lambda: rules.evaluate(data, as_of=AS_OF), chosen.runs)  # noqa: B023
        theirs = min(timed(way, chosen.runs) for way in ways)
        print(f"  {rule:<52} first {first:7.3f} s, then {again:7.3f} s; Polars {theirs:7.3f} s")


if __name__ == "__main__":
    main()
