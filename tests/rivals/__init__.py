"""The same rules said by others: one compiler to Polars, one to SQL, for differential tests and fair benchmarks."""
