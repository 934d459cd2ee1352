"""Polars tables to what the kernel reads: the only room that knows both."""
