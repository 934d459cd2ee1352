"""The small shop that the tests of the checker speak of."""

from __future__ import annotations

from collections.abc import Mapping

from segdsl import Diagnostic, Rules, Schema, check, parse
from segdsl.schema import FieldSpec, Link, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, decimal, list_of

CUSTOMERS = Table(
    key=("id",),
    fields={
        "id": FieldSpec(WHOLE, nullable=False),
        "country": FieldSpec(TEXT, values=("DE", "AT", "CH"), nullable=False),
        "city": FieldSpec(TEXT, nullable=False),
        "revenue": FieldSpec(decimal(2), nullable=False),
        "score": FieldSpec(NUMBER, nullable=False),
        "employees": FieldSpec(WHOLE, nullable=False),
        "newsletter": FieldSpec(TRUTH, nullable=False),
        "birthday": FieldSpec(DATE, nullable=False),
        "last_login_at": FieldSpec(TIMESTAMP),
        "phone": FieldSpec(TEXT),
        "wait": FieldSpec(DURATION, nullable=False),
        "salary": FieldSpec(decimal(2), usable=False),
        "tags": FieldSpec(list_of(TEXT)),
        "tier": FieldSpec(TEXT, pinned=True, nullable=False),
    },
    links={"company": Link("companies", ("company_id",)), "parent": Link("customers", ("parent_id",), "children")},
    unsupported={"extra": "Struct"},
)
ORDERS = Table(
    key=("order_id",),
    fields={
        "total": FieldSpec(decimal(2), nullable=False),
        "placed_at": FieldSpec(TIMESTAMP, nullable=False),
        "status": FieldSpec(TEXT, nullable=False),
        "quantity": FieldSpec(WHOLE, nullable=False),
        "delay": FieldSpec(DURATION, nullable=False),
        "state": FieldSpec(TEXT, pinned=True, nullable=False),
    },
    links={"customer": Link("customers", ("customer_id",))},
)
LINES = Table(
    fields={"quantity": FieldSpec(WHOLE), "sku": FieldSpec(TEXT), "price": FieldSpec(decimal(2))},
    links={"order": Link("orders", ("order_id",)), "product": Link("products", ("sku",))},
)
SHOP = Schema(
    root="customers",
    timezone="Europe/Berlin",
    tables={
        "customers": CUSTOMERS,
        "orders": ORDERS,
        "order_lines": LINES,
        "products": Table(key=("sku",), fields={"category": FieldSpec(TEXT, nullable=False), "line": FieldSpec(TEXT)}),
        "companies": Table(key=("company_id",), fields={"industry": FieldSpec(TEXT, nullable=False), "size": FieldSpec(WHOLE)}),
        "addresses": Table(
            fields={"city": FieldSpec(TEXT)}, links={"billing": Link("customers", ("b",)), "shipping": Link("customers", ("s",))}
        ),
        "visits": Table(fields={"at": FieldSpec(TIMESTAMP)}, links={"customer": Link("customers", ("customer_id",))}, event_time="at"),
    },
)


def checked(text: str, params: Mapping[str, object] | None = None, schema: Schema = SHOP) -> tuple[Rules | None, tuple[Diagnostic, ...]]:
    """The rules of a text that the parser accepts, and the diagnostics."""
    file, mistakes = parse(text)
    assert mistakes == ()
    return check([file], schema, params or {})


def rules(text: str, params: Mapping[str, object] | None = None) -> Rules:
    """The rules of a text without mistakes."""
    found, diagnostics = checked(text, params)
    assert found is not None, diagnostics
    return found
