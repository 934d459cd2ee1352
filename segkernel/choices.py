"""The values of a `choose` or a `collect`: what their codes stand for, as a Polars column and as text."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

import msgspec
import polars as pl

from segdsl.checked import ChooseRule, CollectRule, Constant
from segdsl.typesystem import Type
from segkernel.instants import written


class Choice(msgspec.Struct, frozen=True):
    """What the codes of a choose, or the bitmaps of a collect, stand for: 0 for missing, k for the k-th of `values`.

    `values` are in the units of `type`: decimals as int in 10^-scale, dates as days and timestamps as nanoseconds since
    1970, texts, yes/no and numbers as they are.
    """

    type: Type
    values: tuple[Any, ...]


def choice(rule: ChooseRule | CollectRule) -> Choice:
    """The distinct values of a choose or a collect in the order of their first case, `otherwise` last."""
    constants = [case.value for case in rule.cases]
    if isinstance(rule, ChooseRule) and rule.otherwise is not None:
        constants.append(rule.otherwise)
    return Choice(rule.type, tuple(dict.fromkeys(_in_type(constant, rule.type) for constant in constants if constant.value is not None)))


def lookup(choice: Choice, timezone: str) -> pl.Series:
    """A Series of the value of each code: missing for 0; Enum for texts, else the type of the values."""
    type_, found = choice.type, choice.values
    match type_.kind:
        case "text":
            return pl.Series([None, *found], dtype=pl.Enum(list(found)))
        case "yes/no":
            return pl.Series([None, *found], dtype=pl.Boolean)
        case "whole":
            fits = all(-(2**63) <= value < 2**63 for value in found)
            return pl.Series([None, *found], dtype=pl.Int64 if fits else pl.UInt64 if min(found) >= 0 else pl.Int128)
        case "decimal":
            return pl.Series([None, *(_decimal(value, type_.scale) for value in found)], dtype=pl.Decimal(38, type_.scale))
        case "date":
            return pl.Series([None, *found], dtype=pl.Int32).cast(pl.Date)
        case "timestamp":
            if all(value % 1000 == 0 for value in found):
                return pl.Series([None, *(value // 1000 for value in found)], dtype=pl.Int64).cast(pl.Datetime("us", timezone))
            return pl.Series([None, *found], dtype=pl.Int64).cast(pl.Datetime("ns", timezone))
    return pl.Series([None, *found], dtype=pl.Float64)


def texts(choice: Choice, timezone: str) -> tuple[str, ...]:
    """The values as people read them: texts without quotes, dates and times as ISO text, decimals with their places."""
    return tuple(_written(value, choice.type, timezone) for value in choice.values)


def exact(choice: Choice, code: int) -> Any:
    """The value of a code in a form that equals that of another choose exactly where the values are the same."""
    value, kind = choice.values[code - 1], choice.type.kind
    if kind == "decimal":
        return "number", Fraction(value, 10**choice.type.scale)
    if kind in ("whole", "number"):
        return "number", Fraction(value) if isfinite(value) else value
    return kind, value


def _written(value: Any, type_: Type, timezone: str) -> str:
    match type_.kind:
        case "yes/no":
            return "true" if value else "false"
        case "decimal":
            return str(_decimal(value, type_.scale))
        case "date":
            return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
        case "timestamp":
            return written(value, timezone)
    return str(value)


def _decimal(units: int, scale: int) -> Decimal:
    return Decimal((int(units < 0), tuple(int(digit) for digit in str(abs(units))), -scale))


def _in_type(constant: Constant, type_: Type) -> Any:
    """A constant's value in the units of a type: literals keep a type of their own, so `1` may stand beside `0.25`."""
    value, own = constant.value, constant.type
    if type_.kind == "decimal" and own.kind in ("whole", "decimal"):
        assert isinstance(value, int)
        return value * 10 ** (type_.scale - own.scale)
    if type_.kind == "number" and own.kind == "decimal":
        assert isinstance(value, int)
        return float(Fraction(value, 10**own.scale))
    if type_.kind == "number" and own.kind == "whole":
        assert isinstance(value, int)
        return float(value)
    return value
