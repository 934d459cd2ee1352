"""`python -m benchmarks.texts`: twenty tests of a column of different e-mail addresses, beside Polars and DuckDB."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb
import polars as pl

import segkernel as sk
from benchmarks.contest import median

AS_OF = "2026-01-01T00:00"
NAMES = ["anna", "Bert", "cleo", "dirk", "eva", "Müller", "jörg", "straße", "smith", "lee"]
HOSTS = ["gmail.com", "web.de", "bakery.example", "print-shop.example", "GMX.net", "example.org", "firma-mueller.de", "ä-umlaut.example"]
LISTED = 10_000

Test = tuple[str, pl.Expr, str]


def addresses(rows: int) -> list[str]:
    """So many different addresses, some of them not in ASCII."""
    rng = Random(7)
    return [f"{rng.choice(NAMES)}.{rng.choice(NAMES)}{number * 7919 % 10**8}@{rng.choice(HOSTS)}" for number in range(rows)]


def quoted(text: str) -> str:
    """A text in a rule or in SQL, whichever quotes it."""
    return f"'{text}'"


def tests(mails: list[str]) -> list[Test]:
    """Each test as a rule, in Polars and in SQL."""
    text, lower = pl.col("email"), pl.col("email").str.to_lowercase()
    made: list[Test] = [
        (f"email = {quoted(mails[5])}", text == mails[5], f"email = {quoted(mails[5])}"),
        (f"email != {quoted(mails[7])}", text != mails[7], f"email != {quoted(mails[7])}"),
        ("email < 'eva'", text < "eva", "email < 'eva'"),
        (f"lower(email) = {quoted(mails[9].lower())}", lower == mails[9].lower(), f"lower(email) = {quoted(mails[9].lower())}"),
        ("length(email) > 30", text.str.len_chars() > 30, "length(email) > 30"),
    ]
    made += [
        (f"email contains '{x}'", text.str.contains(x, literal=True), f"contains(email, '{x}')") for x in ("bakery", "lee", "77", "@w")
    ]
    made += [(f"email starts with '{x}'", text.str.starts_with(x), f"starts_with(email, '{x}')") for x in ("anna.", "Müller", "s")]
    made += [(f"email ends with '{x}'", text.str.ends_with(x), f"suffix(email, '{x}')") for x in ("@gmail.com", ".de")]
    made += [
        (f"lower(email) contains '{x}'", lower.str.contains(x, literal=True), f"contains(lower(email), '{x}')") for x in ("bert", "straße")
    ]
    made += [(f"lower(email) ends with '{x}'", lower.str.ends_with(x), f"suffix(lower(email), '{x}')") for x in ("gmx.net",)]
    made += [
        (f"email matches '{x}'", text.str.contains(x), f"regexp_matches(email, '{x}')")
        for x in ("^[a-c].*@bakery", "[0-9]{7,8}@(gmail|web)")
    ]
    listed = mails[:: max(len(mails) // LISTED, 1)]
    rule = f"email in ({', '.join(map(quoted, listed))})"
    return [*made, (rule, text.is_in(listed), "email in (select email from listed)")]


def timed(run: Callable[[], object], runs: int) -> float:
    """The median of some runs, in seconds; one before does not count."""
    run()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return median(found)


def main() -> None:
    """Measure and print; SystemExit where the numbers of members differ."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.texts", description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=5, help="runs of each; the median counts")
    chosen = options.parse_args()
    mails = addresses(chosen.rows)
    frame = pl.DataFrame({"id": range(chosen.rows), "email": mails})
    cases = tests(mails)
    sk.warmup()

    start = time.perf_counter()
    data = sk.Dataset({"people": frame}, root="people", key="id")
    sk.compile("segment s when email is missing", data.schema).evaluate(data, as_of=AS_OF)
    bound = time.perf_counter()
    rules = sk.compile("\n".join(f"segment s{number} when {rule}" for number, (rule, *_) in enumerate(cases)), data.schema)
    ours = [int(rules.evaluate(data, as_of=AS_OF)[f"s{number}"].sum() or 0) for number in range(len(cases))]
    linked = time.perf_counter()

    sums = [expression.sum().alias(f"s{number}") for number, (_, expression, _) in enumerate(cases)]
    theirs = list(frame.select(sums).row(0))
    columns = [expression.alias(f"s{number}") for number, (_, expression, _) in enumerate(cases)]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for name, table in (("people", frame), ("listed", pl.DataFrame({"email": mails[:: max(len(mails) // LISTED, 1)]}))):
            table.write_parquet(Path(folder) / f"{name}.parquet")
            connection.execute(f"create table {name} as select * from read_parquet('{folder}/{name}.parquet')")
        counts = "select " + ", ".join(f"count(*) filter (where {test})" for *_, test in cases) + " from people"
        found = list(connection.execute(counts).fetchall()[0])
        if not ours == theirs == found:
            raise SystemExit(f"the members differ:\nsegkernel {ours}\nPolars    {theirs}\nDuckDB    {found}")
        print(
            f"{chosen.rows:,} different addresses, {len(cases)} tests, one of them of a list of {LISTED:,}; the same members in all three"
        )
        print(f"  bound in {bound - start:.2f} s; tests made ready and first evaluated in {linked - bound:.2f} s")
        print(f"  segkernel          {timed(lambda: rules.evaluate(data, as_of=AS_OF), chosen.runs):.4f} s")
        print(f"  Polars, in memory  {timed(lambda: frame.select(columns), chosen.runs):.4f} s")
        print(f"  DuckDB, counts     {timed(lambda: connection.execute(counts).fetchall(), chosen.runs):.4f} s")


if __name__ == "__main__":
    main()
