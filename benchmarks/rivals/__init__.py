"""Rivals that only the benchmark needs, beside those of `tests/rivals`: each is written as its users write it at their best."""
