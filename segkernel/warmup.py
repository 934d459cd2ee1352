"""Compiling the kernels before they are needed."""

from __future__ import annotations

import polars as pl

from segkernel.compiling import compile
from segkernel.data.dataset import Dataset
from segkernel.kernel.entries import prepare_all

_RULES = """
segment by_text when country in ("DE", "AT") and name contains "a"
segment by_number when spent > 10.5 or visits in 1..3
segment by_orders when count(orders where total > 5) >= 2 and sum(orders.total) > 10 and any(orders where placed_at within last 30 days)
choose size "large" when avg(orders.total) > 100 otherwise "small"
"""


def warmup() -> None:
    """Compile the kernels, or load what earlier processes have kept on disk, so that the first evaluation need not.

    Takes a quarter of a minute on a machine's first run, and less than half a second after that. It is for building an image, and for
    the start of a service.
    """
    prepare_all()
    customers = pl.DataFrame({
        "customer_id": [1, 2, 3],
        "country": ["DE", None, "NL"],
        "name": ["Ada", "Bo", "Cy"],
        "spent": [1.5, None, 12.25],
        "visits": [1, 2, 3],
    })  # fmt: skip
    orders = pl.DataFrame({"customer_id": [1, 1, 3], "total": [5.5, 7.0, 9.0], "placed_at": [0, 1, None]})
    orders = orders.with_columns(pl.col("placed_at").cast(pl.Datetime("us")))
    links = {"orders": {"customer": ("customers", "customer_id")}}
    data = Dataset({"customers": customers, "orders": orders}, root="customers", key="customer_id", links=links)
    compile(_RULES, data.schema).evaluate(data, as_of="1970-01-02T00:00Z")
