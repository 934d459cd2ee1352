"""The shop's own database, and one account of it as the rules want it: a mapping, with its rows and look-ups inside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import segkernel as sk

TABLES = """
create table companies (company_id integer primary key, industry text not null, contract_until text);
create table customers (customer_id integer primary key, company_id integer, name text not null, birthday text, signed_up_on text not null);
create table products (sku text primary key, category text not null);
create table orders (order_id integer primary key, customer_id integer not null, status text not null, total text not null,
                     placed_at text not null);
create table order_lines (order_id integer not null, sku text not null, quantity integer not null);

insert into companies values (1, 'hotels', '2027-06-30'), (2, 'schools', '2025-12-31');
insert into customers values (1, null, 'Anna', '1990-03-21', '2024-05-01'), (2, 1, 'Bert', null, '2025-01-10'),
                             (3, 2, 'Chloé', '1985-11-02', '2023-09-15'), (4, null, 'Dirk', null, '2026-03-10');
insert into products values ('P1', 'printers'), ('T1', 'toner'), ('C1', 'chairs');
insert into orders values (10, 1, 'complete', '399.90', '2026-02-20T10:00:00+01:00'),
                          (11, 1, 'complete', '120.00', '2026-03-02T18:30:00+01:00'),
                          (12, 2, 'complete', '89.00', '2026-03-01T09:00:00+01:00'),
                          (13, 3, 'complete', '45.50', '2025-10-05T12:00:00+02:00'),
                          (14, 3, 'cancelled', '999.00', '2026-03-11T12:00:00+01:00');
insert into order_lines values (10, 'C1', 3), (11, 'T1', 4), (12, 'P1', 1), (13, 'C1', 1), (14, 'P1', 2);
"""
READ: dict[str, Callable[[Any], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "decimal": Decimal,
    "yes/no": bool,
}
"""How values of a type come out of SQLite, which knows none of these types."""

Row = dict[str, Any]


def created(path: str) -> None:
    """Write the tables and four customers into a new database file."""
    connection = sqlite3.connect(path)
    connection.executescript(TABLES)
    connection.close()


def account(connection: sqlite3.Connection, rules: sk.Rules, key: int) -> Row | None:
    """One customer with all that the rules read; None if there is no such customer. It takes one query a table."""
    root = rules.schema.root
    found = _rows(connection, rules, root, f"{rules.schema.tables[root].key[0]} = ?", key, None)
    return found[0] if found else None


def _rows(connection: sqlite3.Connection, rules: sk.Rules, name: str, condition: str, key: int, owner: str | None) -> list[Row]:
    """The rows of a table under a condition: with the rows that links lead to, and with those that lead here. `owner` is the table
    that they hang on."""
    tables, inputs = rules.schema.tables, rules.inputs
    table = tables[name]
    columns = dict.fromkeys((*inputs[name], *table.key, *(link.by[0] for link in table.links.values())))
    readers = [READ.get(table.fields[column].type.kind, _as_it_is) for column in columns]
    rows = [
        {column: None if value is None else read(value) for column, read, value in zip(columns, readers, row, strict=True)}
        for row in connection.execute(f"select {', '.join(columns)} from {name} where {condition}", (key,))
    ]
    for called, link in table.links.items():
        if link.table in inputs and link.table != owner:
            (by,), of = link.by, tables[link.table].key[0]
            reached = f"{of} in (select {by} from {name} where {condition})"
            known = {row[of]: row for row in _rows(connection, rules, link.table, reached, key, name)}
            for row in rows:
                row[called] = known.get(row[by])
    for child, below in tables.items():
        for link in below.links.values():
            if link.table == name and child in inputs and child != owner:
                (by,), of = link.by, table.key[0]
                hanging = _rows(connection, rules, child, f"{by} in (select {of} from {name} where {condition})", key, name)
                for row in rows:
                    row[child] = [each for each in hanging if each[by] == row[of]]
    return rows


def _as_it_is(value: Any) -> Any:
    return value
