"""Parquet to Parquet by Polars: a finished query, the file to write, and the engine."""

import sys

import polars as pl

query, target, engine = sys.argv[1:]
pl.LazyFrame.deserialize(query).sink_parquet(target, engine=engine)  # type: ignore[call-overload]
