"""What a rule can call: aggregates and functions, each with a line on what it does, and those that are still to come."""

from __future__ import annotations

import msgspec

from segdsl.typesystem import Type


class Function(msgspec.Struct, frozen=True):
    """`kind` is "aggregate" or "function"; `built` is false for one that the language has but this version does not."""

    name: str
    kind: str
    shape: str
    about: str
    built: bool = False


class Signature(msgspec.Struct, frozen=True):
    """A function that a host hands over: the types of its arguments and of its result, and, of texts, all that it can give where
    that is known. `version` is whatever tells two makings of it apart."""

    name: str
    arguments: tuple[Type, ...]
    returns: Type
    values: tuple[str, ...] = ()
    version: str = ""


_ALL = (
    Function("count", "aggregate", "count(orders)", "how many rows; of a field, how many are present", True),
    Function("sum", "aggregate", "sum(orders.total)", "the sum; 0 over no rows", True),
    Function("avg", "aggregate", "avg(orders.total)", "the mean; missing over no rows", True),
    Function("min", "aggregate", "min(orders.placed_at)", "the smallest; missing over no rows", True),
    Function("max", "aggregate", "max(orders.placed_at)", "the largest; missing over no rows", True),
    Function("any", "aggregate", "any(orders where total > 100)", "whether there is such a row", True),
    Function("none", "aggregate", "none(orders where total > 100)", "whether there is no such row", True),
    Function("all", "aggregate", "all(total > 100 for orders)", "whether every row meets the condition", True),
    Function("median", "aggregate", "median(orders.total)", "the middle value; missing over no rows", True),
    Function("stddev", "aggregate", "stddev(orders.total)", "the standard deviation of a sample; missing under two", True),
    Function("distinct", "aggregate", "distinct(orders.status)", "how many different values", True),
    Function("values", "aggregate", "values(order_lines.sku)", "the list of the values", True),
    Function("first", "aggregate", "first(orders.total by placed_at)", "the value at the smallest time", True),
    Function("last", "aggregate", "last(orders.total by placed_at)", "the value at the largest time", True),
    Function("top", "function", "top(10%, revenue)", "whether the account is among the largest"),
    Function("bottom", "function", "bottom(10%, revenue)", "whether the account is among the smallest"),
    Function("rank", "function", "rank(revenue over industry)", "1 + how many are larger"),
    Function("percentile", "function", "percentile(revenue over industry)", "how many per cent are smaller"),
    Function("ntile", "function", "ntile(5, revenue over all)", "the k-th part that the account falls into"),
    Function("coalesce", "function", "coalesce(a, b)", "the first value that is present", True),
    Function("if", "function", "if(condition, a, b)", "a where the condition is true, else b", True),
    Function("abs", "function", "abs(x)", "the size without its sign", True),
    Function("round", "function", "round(x, 2)", "rounded, half away from zero", True),
    Function("floor", "function", "floor(x)", "the next whole number below", True),
    Function("ceil", "function", "ceil(x)", "the next whole number above", True),
    Function("least", "function", "least(a, b)", "the smallest of several", True),
    Function("greatest", "function", "greatest(a, b)", "the largest of several", True),
    Function("lower", "function", "lower(t)", "in small letters", True),
    Function("upper", "function", "upper(t)", "in capitals", True),
    Function("trim", "function", "trim(t)", "without blanks at both ends", True),
    Function("length", "function", "length(t)", "the number of characters", True),
    Function("year", "function", "year(t)", "the year", True),
    Function("quarter", "function", "quarter(t)", "the quarter, 1 to 4", True),
    Function("month", "function", "month(t)", "the month, 1 to 12", True),
    Function("day", "function", "day(t)", "the day of the month", True),
    Function("weekday", "function", "weekday(t)", "1 (Monday) to 7", True),
    Function("hour", "function", "hour(t)", "the hour, 0 to 23", True),
    Function("date", "function", "date(t)", "the local day", True),
    Function("week_start", "function", "week_start(t)", "the Monday of the week", True),
    Function("month_start", "function", "month_start(t)", "the first of the month", True),
    Function("quarter_start", "function", "quarter_start(t)", "the first day of the quarter", True),
    Function("year_start", "function", "year_start(t)", "the first of January", True),
    Function("days_since", "function", "days_since(t)", "how many days ago", True),
    Function("days_between", "function", "days_between(a, b)", "how many days from a to b", True),
    Function("anniversary", "function", "anniversary(d)", "the next return of that day", True),
    Function("distance_km", "function", "distance_km(lat, lon, lat0, lon0)", "the distance on the globe", True),
    Function("bucket", "function", 'bucket(key, 10, "salt")', "a lasting random share", True),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}
AGGREGATES = frozenset(function.name for function in _ALL if function.kind == "aggregate")
