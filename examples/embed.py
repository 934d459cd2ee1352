"""Segments inside a program: two small frames, rules compiled once, used many times, changed while the program runs.

python examples/embed.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

import segkernel as sk

RULES = """
param vip_from = 500
let revenue = sum(orders.total where status = "complete")

segment vip "Spent 500 or more" when revenue >= vip_from
segment quiet "Has bought, but not in the last 90 days" when max(orders.placed_at) before 90 days ago
segment never_bought when none(orders)

choose price_list
  "gold"     when in segment vip
  "comeback" when in segment quiet
  otherwise "standard"
"""

CUSTOMERS = pl.DataFrame({"customer_id": [1, 2, 3, 4], "name": ["Anna", "Bert", "Chloé", "Dirk"], "country": ["DE", "NL", None, "DE"]})
ORDERS = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 3],
        "total": [Decimal("400.00"), Decimal("150.50"), Decimal("80.00"), Decimal("999.00")],
        "status": ["complete", "complete", "complete", "cancelled"],
        "placed_at": [datetime(2026, month, 10, 12, 0, tzinfo=UTC) for month in (8, 9, 3, 9)],
    }
)
NOW = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


def show(result: sk.Membership) -> None:
    """Print how many accounts each segment holds, and who is in two of them."""
    print(result.counts())
    print("vip:", list(result.members("vip")), " quiet:", list(result.members("quiet")))


def main() -> None:
    """Compile, evaluate, add columns to a frame, change a rule, and meet a wrong one."""
    data = sk.Dataset(
        {"customers": CUSTOMERS, "orders": ORDERS},
        root="customers",
        key="customer_id",
        links={"orders": {"customer": ("customers", "customer_id")}},
    )
    rules = sk.compile(RULES, data.schema)
    result = rules.evaluate(data, as_of=NOW)
    show(result)
    print(CUSTOMERS.with_columns(**result.columns("vip", "price_list")))

    # Somebody edits the rules while the program runs: compile the new text, and take it only if it is sound.
    edited = RULES.replace("vip_from = 500", "vip_from = 600")
    changed = sk.compile(edited, data.schema)
    if changed.fingerprint != rules.fingerprint:
        rules = changed
    show(rules.evaluate(data, as_of=NOW))

    try:
        rules = sk.compile(RULES.replace("status =", "state ="), data.schema)
    except sk.RuleError as mistake:
        print(mistake)
        print("The rules in use stay as they are.")


if __name__ == "__main__":
    main()
