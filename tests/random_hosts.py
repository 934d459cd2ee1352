"""Functions of a host's own, with their twins in plain Python, and the forms that call them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl

import segkernel as sk
from tests.random_writer import NUMBERS, Scope, Writer, gives


def _skips(twin: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is missing where one of its arguments is."""
    return lambda *given: None if None in given else twin(*given)


HOSTS = (
    sk.Function("h_start", ["text"], "text", lambda text: text.str.slice(0, 2)),
    sk.Function("h_named", ["text"], "text", lambda text: text.fill_null("nobody")),
    sk.Function("h_longer", ["text", "text"], "yes/no", lambda one, other: one.str.len_chars() > other.str.len_chars()),
    sk.Function("h_even", ["whole"], "yes/no", lambda number: number % 2 == 0),
    sk.Function("h_signs", ["text"], "whole", lambda text: text.str.len_chars().cast(pl.Int64) * 2),
    sk.Function("h_middle", ["number", "number"], "number", lambda one, other: (one + other) / 2),
    sk.Function("h_finer", ["decimal(2)"], "decimal(4)", lambda price: price.cast(pl.Decimal(38, 4))),
    sk.Function("h_age", ["duration"], "text", lambda age: pl.when(age > timedelta(30)).then(pl.lit("a")), values=["a", "b"]),
    sk.Function("h_month", ["date"], "date", lambda day: day.dt.month_start()),
    sk.Function("h_later", ["timestamp"], "timestamp", lambda at: at + timedelta(hours=1)),
    sk.Function("h_longer_by_an_hour", ["duration"], "duration", lambda length: length + timedelta(hours=1)),
)
TWINS: dict[str, Callable[..., Any]] = {
    "h_start": _skips(lambda text: text[:2]),
    "h_named": lambda text: "nobody" if text is None else text,
    "h_longer": _skips(lambda one, other: len(one) > len(other)),
    "h_even": _skips(lambda number: number % 2 == 0),
    "h_signs": _skips(lambda text: 2 * len(text)),
    "h_middle": _skips(lambda one, other: (one + other) / 2),
    "h_finer": _skips(lambda price: price.quantize(Decimal("0.0001"))),
    "h_age": lambda age: "a" if age is not None and age > timedelta(30) else None,
    "h_month": _skips(lambda day: day.replace(day=1)),
    "h_later": _skips(lambda at: at + timedelta(hours=1)),
    "h_longer_by_an_hour": _skips(lambda length: length + timedelta(hours=1)),
}
SIGNATURES = tuple(host.signature for host in HOSTS)


def given(scope: Scope) -> Scope:
    """Where an argument stands: inside an aggregate, the account's names are not visible to it."""
    return Scope(scope.table, scope.rows, scope.account and not scope.rows)


@gives("text")
def text_of_host(w: Writer, kind: str, scope: Scope) -> str | None:
    """A text: of a field, since a text that the instant changes has to be one of those that its function names."""
    field = w.field("text", scope) if w.hosted else None
    age = w.field("duration", scope) if w.hosted else None
    at = w.field("timestamp", scope) if w.hosted else None
    forms = [f"h_start({field[0]})", f"h_named({field[0]})"] if field else []
    forms += [f"h_age({age[0]})"] if age else []
    forms += [f"h_age(now - {at[0]})"] if at else []
    return w.rng.choice(forms) if forms else None


@gives("condition")
@gives("yes/no")
def truth_of_host(w: Writer, kind: str, scope: Scope) -> str | None:
    if not w.hosted:
        return None
    if w.rng.random() < 0.5:
        number = w.value("whole", given(scope))
        return f"h_even({number})" if number else None
    one, other = w.value("text", given(scope)), w.bare("text", given(scope))
    return f"h_longer({one}, {other})" if one and other else None


@gives("whole")
def number_of_signs(w: Writer, kind: str, scope: Scope) -> str | None:
    text = w.value("text", given(scope)) if w.hosted else None
    return f"h_signs({text})" if text else None


@gives("number")
def middle(w: Writer, kind: str, scope: Scope) -> str | None:
    one, other = (w.value(w.rng.choice(NUMBERS), given(scope)) if w.hosted else None for _ in range(2))
    return f"h_middle({one}, {other})" if one and other else None


@gives("decimal", weight=2)
def finer(w: Writer, kind: str, scope: Scope) -> str | None:
    field = w.field("decimal", scope) if w.hosted else None
    return f"h_finer({field[0]})" if field and field[1].scale <= 2 and not field[1].extreme else None


@gives("date", "timestamp", "duration")
def time_of_host(w: Writer, kind: str, scope: Scope) -> str | None:
    field = w.field(kind, scope) if w.hosted else None
    called = {"date": "h_month", "timestamp": "h_later", "duration": "h_longer_by_an_hour"}[kind]
    return f"{called}({field[0]})" if field else None
