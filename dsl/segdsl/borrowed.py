"""Names and functions of other languages that look like names of this one, and how the rule language says the same."""

from __future__ import annotations

from segdsl.neighbours import MONTHS

_TODAY, _NOW = "write `today`, without brackets", "write `now`, without brackets"
_MISSING = "a value that is not there is tested with `is missing` or `is not missing`"
_AGO = "write `30 days ago`, or add to a time: `placed_at + 30 days`"
_DATE = "a date is written without quotes and brackets: 2026-03-01"
_ROWS = "`count(orders)` counts rows, `length(name)` the letters of a text"
_IF = "write `if(condition, a, b)`; a choice of several is a choose statement"
_COALESCE = "write `coalesce(a, b)`: the first that is not missing"
_CALCULATED = "calculation knows + - * / and `abs round floor ceil least greatest`"
_PART = "write `starts with`, `ends with`, `contains` or `matches`"
_NUMBERED = "write `rank(x over group)`, or `top(10, x over group)`"

NAMES: dict[str, str] = {
    **dict.fromkeys(("true", "yes", "on"), "write `true`, or the yes/no field alone"),
    **dict.fromkeys(("false", "no", "off"), "write `false`, or `not` before the yes/no field"),
    **dict.fromkeys(("null", "none", "nil", "nan", "na", "undefined", "empty", "blank"), _MISSING),
    **dict.fromkeys(("current_date", "curdate", "todays_date"), "write `today`"),
    **dict.fromkeys(("current_timestamp", "current_time", "sysdate", "localtimestamp", "getdate"), "write `now`"),
    **dict.fromkeys(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        "days are numbers in `weekday`: 1 is Monday, 7 Sunday",
    ),
    **dict.fromkeys(MONTHS, "months are numbers in `month`: 1 is January, 12 December"),
    "yesterday": "write `= 1 day ago`",
    "tomorrow": "write `= 1 day from now`",
    **dict.fromkeys(("minutes", "hours", "days", "weeks", "months", "quarters", "years", "ago"), "a number stands before it: 30 days ago"),
    **{
        unit: f"the calendar {unit} is `in last {unit}`; a duration has a number: `within last 1 {unit}`"
        for unit in ("day", "week", "month", "quarter", "year")
    },
    **dict.fromkeys(("everyone", "everybody"), "all accounts meet a test that always holds; leave it out, or write `true`"),
}
"""By the name in small letters."""

FUNCTIONS: dict[str, str] = {
    **dict.fromkeys(("today", "current_date", "curdate"), _TODAY),
    **dict.fromkeys(("now", "getdate", "current_timestamp", "sysdate", "utcnow", "localtimestamp"), _NOW),
    **dict.fromkeys(("dateadd", "date_add", "date_sub", "datesub", "adddate", "subdate", "timedelta", "interval", "edate", "ago"), _AGO),
    **dict.fromkeys(
        ("datediff", "date_diff", "timestampdiff", "age", "days", "datedif"),
        "write `days_since(t)`, or `days_between(a, b)`, which is b - a",
    ),
    **dict.fromkeys(("to_date", "todate", "parse_date", "strptime", "str_to_date", "datevalue", "datetime", "timestamp"), _DATE),
    **dict.fromkeys(("date_trunc", "datetrunc", "trunc"), "write `month_start(t)`, or `week_start`, `quarter_start`, `year_start`"),
    **dict.fromkeys(("extract", "date_part", "datepart"), "write `year(t)`, or `quarter`, `month`, `day`, `weekday`, `hour`"),
    **dict.fromkeys(("dayofweek", "day_of_week", "dow", "isodow"), "write `weekday(t)`: 1 is Monday, 7 Sunday"),
    **dict.fromkeys(("mean", "average"), "write `avg(...)`"),
    **dict.fromkeys(("len", "size", "char_length", "nchar"), _ROWS),
    **dict.fromkeys(("countif", "count_if", "countifs", "counta"), "write `count(orders where condition)`"),
    **dict.fromkeys(("sumif", "sum_if", "sumifs"), "write `sum(orders.total where condition)`"),
    **dict.fromkeys(("averageif", "avgif", "avg_if"), "write `avg(orders.total where condition)`"),
    **dict.fromkeys(("count_distinct", "countdistinct", "nunique", "n_unique", "uniq", "unique"), "write `distinct(orders.status)`"),
    **dict.fromkeys(("array_agg", "collect_list", "collect_set", "string_agg", "listagg"), "write `values(order_lines.sku)`"),
    **dict.fromkeys(("std", "stdev", "stddev_samp", "stdevp", "sd"), "write `stddev(...)`, which is that of a sample"),
    **dict.fromkeys(("exists", "some", "has"), "write `any(orders where condition)`"),
    **dict.fromkeys(("every", "forall", "each"), "write `all(condition for orders)`"),
    **dict.fromkeys(("ifnull", "nvl", "zn", "fillna", "fill_null"), _COALESCE),
    **dict.fromkeys(("isnull", "is_null", "isna", "isblank", "isempty", "is_missing"), _MISSING),
    **dict.fromkeys(("notnull", "is_not_null", "isnotnull", "isset"), _MISSING),
    **dict.fromkeys(("iif", "iff", "case", "switch", "decode", "ifs", "choose", "nullif"), _IF),
    **dict.fromkeys(("contains", "includes", "instr", "charindex", "strpos", "find", "search"), 'write `email contains "text"`'),
    **dict.fromkeys(("startswith", "starts_with", "beginswith", "begins_with"), 'write `email starts with "text"`'),
    **dict.fromkeys(("endswith", "ends_with"), 'write `email ends with "text"`'),
    **dict.fromkeys(("regexp_like", "regexp_matches", "regexmatch", "regexp_contains", "rlike"), 'write `email matches "pattern"`'),
    **dict.fromkeys(("substring", "substr", "left", "right", "mid", "split", "split_part"), f"a text is not cut up; {_PART}"),
    **dict.fromkeys(("concat", "concatenate", "concat_ws"), "texts are not joined; test each of them"),
    **dict.fromkeys(("lcase", "tolower", "lowercase"), "write `lower(...)`"),
    **dict.fromkeys(("ucase", "toupper", "uppercase"), "write `upper(...)`"),
    **dict.fromkeys(("strip", "ltrim", "rtrim", "btrim"), "write `trim(...)`"),
    **dict.fromkeys(
        ("cast", "convert", "int", "integer", "float", "number", "value", "to_number", "str", "text"), "values keep their types"
    ),
    **dict.fromkeys(("pow", "power", "sqrt", "exp", "log", "ln", "mod", "sign", "fmod"), _CALCULATED),
    **dict.fromkeys(("ceiling", "roundup"), "write `ceil(x)`"),
    "rounddown": "write `floor(x)`",
    **dict.fromkeys(("row_number", "dense_rank", "nth_value", "lag", "lead"), _NUMBERED),
    **dict.fromkeys(
        ("percentile_cont", "percent_rank", "cume_dist", "quantile", "approx_quantile"), "write `percentile(x over all)`, from 0 to 100"
    ),
    **dict.fromkeys(("rand", "random", "hash", "sample", "ab_test"), 'write `bucket(customer_id, 10, "salt")`, a lasting random share'),
    **dict.fromkeys(("distance", "geodistance", "st_distance", "haversine", "within_km"), "write `distance_km(lat, lon, lat0, lon0)`"),
    **dict.fromkeys(("first_value", "earliest"), "write `first(orders.total by placed_at)`"),
    **dict.fromkeys(("last_value", "latest", "most_recent"), "write `last(orders.total by placed_at)`"),
    **dict.fromkeys(("segment", "insegment", "in_segment", "member_of"), "write `in segment name`"),
    "between": "write `x in 1..5`",
    "and": "write `a and b`",
    "or": "write `a or b`",
    "not": "write `not a`",
}
"""By the function in small letters."""


def name_hint(name: str) -> str | None:
    """What to write in place of a name that another language has."""
    return NAMES.get(name.lower())


def function_hint(name: str) -> str | None:
    """What to write in place of a function that another language has."""
    return FUNCTIONS.get(name.lower())
