"""Parquet to Parquet by DuckDB: a file of statements."""

import sys
from pathlib import Path

import duckdb

with duckdb.connect() as connection:
    connection.execute(Path(sys.argv[1]).read_text(encoding="utf-8"))
