"""What a rule can call: aggregates and functions, each with a line on what it does."""

from __future__ import annotations

import msgspec

from segdsl.typesystem import Type


class Function(msgspec.Struct, frozen=True):
    """`kind` is "aggregate" or "function"."""

    name: str
    kind: str
    shape: str
    about: str


class Signature(msgspec.Struct, frozen=True):
    """A function that a host hands over: the types of its arguments and of its result, and, of texts, all that it can give where
    that is known. `version` is whatever tells two makings of it apart."""

    name: str
    arguments: tuple[Type, ...]
    returns: Type
    values: tuple[str, ...] = ()
    version: str = ""


_ALL = (
    Function("count", "aggregate", "count(orders)", "how many rows; of a field, how many are present"),
    Function("sum", "aggregate", "sum(orders.total)", "the sum; 0 over no rows"),
    Function("avg", "aggregate", "avg(orders.total)", "the mean; missing over no rows"),
    Function("min", "aggregate", "min(orders.placed_at)", "the smallest; missing over no rows"),
    Function("max", "aggregate", "max(orders.placed_at)", "the largest; missing over no rows"),
    Function("any", "aggregate", "any(orders where total > 100)", "whether there is such a row"),
    Function("none", "aggregate", "none(orders where total > 100)", "whether there is no such row"),
    Function("all", "aggregate", "all(total > 100 for orders)", "whether every row meets the condition"),
    Function("median", "aggregate", "median(orders.total)", "the middle value; missing over no rows"),
    Function("stddev", "aggregate", "stddev(orders.total)", "the standard deviation of a sample; missing under two"),
    Function("distinct", "aggregate", "distinct(orders.status)", "how many different values"),
    Function("values", "aggregate", "values(order_lines.sku)", "the list of the values"),
    Function("first", "aggregate", "first(orders.total by placed_at)", "the value at the smallest time"),
    Function("last", "aggregate", "last(orders.total by placed_at)", "the value at the largest time"),
    Function("top", "function", "top(10%, revenue)", "whether the account is among the largest"),
    Function("bottom", "function", "bottom(10%, revenue)", "whether the account is among the smallest"),
    Function("rank", "function", "rank(revenue over industry)", "1 + how many are larger"),
    Function("percentile", "function", "percentile(revenue over industry)", "how many per cent are smaller"),
    Function("ntile", "function", "ntile(5, revenue over all)", "the k-th part that the account falls into"),
    Function("coalesce", "function", "coalesce(a, b)", "the first value that is present"),
    Function("if", "function", "if(condition, a, b)", "a where the condition is true, else b"),
    Function("abs", "function", "abs(x)", "the size without its sign"),
    Function("round", "function", "round(x, 2)", "rounded, half away from zero"),
    Function("floor", "function", "floor(x)", "the next whole number below"),
    Function("ceil", "function", "ceil(x)", "the next whole number above"),
    Function("least", "function", "least(a, b)", "the smallest of several"),
    Function("greatest", "function", "greatest(a, b)", "the largest of several"),
    Function("lower", "function", "lower(t)", "in small letters"),
    Function("upper", "function", "upper(t)", "in capitals"),
    Function("trim", "function", "trim(t)", "without blanks at both ends"),
    Function("length", "function", "length(t)", "the number of characters"),
    Function("year", "function", "year(t)", "the year"),
    Function("quarter", "function", "quarter(t)", "the quarter, 1 to 4"),
    Function("month", "function", "month(t)", "the month, 1 to 12"),
    Function("day", "function", "day(t)", "the day of the month"),
    Function("weekday", "function", "weekday(t)", "1 (Monday) to 7"),
    Function("hour", "function", "hour(t)", "the hour, 0 to 23"),
    Function("date", "function", "date(t)", "the local day"),
    Function("week_start", "function", "week_start(t)", "the Monday of the week"),
    Function("month_start", "function", "month_start(t)", "the first of the month"),
    Function("quarter_start", "function", "quarter_start(t)", "the first day of the quarter"),
    Function("year_start", "function", "year_start(t)", "the first of January"),
    Function("days_since", "function", "days_since(t)", "how many days ago"),
    Function("days_between", "function", "days_between(a, b)", "how many days from a to b"),
    Function("anniversary", "function", "anniversary(d)", "the next return of that day"),
    Function("distance_km", "function", "distance_km(lat, lon, lat0, lon0)", "the distance on the globe"),
    Function("bucket", "function", 'bucket(key, 10, "salt")', "a lasting random share"),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}
AGGREGATES = frozenset(function.name for function in _ALL if function.kind == "aggregate")
