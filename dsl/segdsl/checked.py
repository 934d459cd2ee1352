"""The checked tree: what rules mean, every name resolved and every type known.

It is the one thing that the engine's planner and the row-at-a-time oracle both read. Sugar is gone: `in a..b`, periods,
`within` and `before`/`after` are comparisons; `any of` is an `Or`; a percentage is a decimal constant.

Constants are held exactly: whole numbers as int; decimals as int in units of 10^-scale; numbers (floats) as float; texts
as str; yes/no as bool; dates as days since 1970-01-01; timestamps as nanoseconds since 1970-01-01T00:00Z; durations as
`Length`.

An expression is evaluated for one row of one table (its *scope*): the root table for an account's expressions, a
relation's table inside an aggregate. Every expression has a `type` and a `span`; every yes/no expression may be true,
false or unknown.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from segdsl.functions import Signature
from segdsl.syntax import Span
from segdsl.typesystem import DATE, TIMESTAMP, TRUTH, Length, Type


class Checked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all nodes have in common. Trees hold no cycles, so the garbage collector need not follow them."""

    span: Span


class Relation(msgspec.Struct, frozen=True):
    """Rows that belong to a row of another table: `chain` leads from the rows' table up to the owner's.

    `chain[0]` is (rows' table, link), and so on: order lines of a customer are
    (("order_lines", "order"), ("orders", "customer")). `name` is how the rule called it.
    """

    name: str
    table: str
    chain: tuple[tuple[str, str], ...]


# ---- values


class Constant(Checked, frozen=True):
    """A value known when rules are compiled. `value` None is missing. `param` is the param it came from."""

    type: Type
    value: int | float | str | bool | Length | None
    param: str | None = None


class Now(Checked, frozen=True):
    """The instant of the run."""

    type: Type = TIMESTAMP


class Today(Checked, frozen=True):
    """The local day of the instant of the run."""

    type: Type = DATE


class PeriodStart(Checked, frozen=True):
    """The first day of the `unit` (day week month quarter year) that holds today, `shift` units later."""

    unit: str
    shift: int
    type: Type = DATE


class Field(Checked, frozen=True):
    """A column of the scope's table, or of the table that the links of `path` lead to.

    `table` is the scope's table, `name` the rule's name of the column, `nullable` whether its own values can be missing
    (a lookup can be missing besides: a link may find nobody), `single` whether its floats have 32 bits.
    """

    table: str
    name: str
    type: Type
    path: tuple[str, ...] = ()
    nullable: bool = True
    single: bool = False


class Let(Checked, frozen=True):
    """The value of a let: of the account's, in the scope of the account; of a relation's, for the scope's row."""

    name: str
    type: Type


class Chosen(Checked, frozen=True):
    """The value of a `choose` of the account."""

    name: str
    type: Type


class Collected(Checked, frozen=True):
    """The list that a `collect` of the account gives, never missing; a list of what `InValues` and `Overlap` look into."""

    name: str
    type: Type


class OfAccount(Checked, frozen=True):
    """Inside a relation whose chain ends at the root table: the value of an expression of the row's account."""

    operand: Expression
    type: Type


class Arithmetic(Checked, frozen=True):
    """`op` is one of `+ - * /` over numbers, `+ -` of two exact durations, or a timestamp `+ -` an exact duration.

    Whole and decimal operands are exact: `+ -` at the larger scale, `*` adds the scales, `/` gives a float. With a
    float operand the other is converted to the nearest float first. Times and durations are exact nanoseconds.
    """

    op: str
    left: Expression
    right: Expression
    type: Type


class Negative(Checked, frozen=True):
    """Of a number or of an exact duration."""

    operand: Expression
    type: Type


class Shift(Checked, frozen=True):
    """A date or timestamp moved by a constant duration (already signed).

    Dates move by days or by months that clamp; timestamps keep the local time of day under days and months and move
    exactly under nanoseconds.
    """

    operand: Expression
    by: Length
    type: Type


class Difference(Checked, frozen=True):
    """left - right of two timestamps, or of two dates: an exact duration in nanoseconds, a day 24 hours."""

    left: Expression
    right: Expression
    type: Type


class ScaleDuration(Checked, frozen=True):
    """An exact duration times (`op` "*") or divided by ("/") a number; rounded to the nearest nanosecond, ties to even."""

    op: str
    left: Expression
    right: Expression
    type: Type


class Coalesce(Checked, frozen=True):
    """The first operand that is present."""

    operands: tuple[Expression, ...]
    type: Type


class If(Checked, frozen=True):
    """`yes` where the condition is true, else `no`, an unknown condition included."""

    condition: Expression
    yes: Expression
    no: Expression
    type: Type


class Call(Checked, frozen=True):
    """A function of a row's values, missing where one of them is.

    Times, of the local day of a date or timestamp: `year quarter month day weekday` (1 is Monday) are whole numbers, `date
    week_start month_start quarter_start year_start` and `anniversary` (the next return of the day on or after today) are
    dates; `hour` is of the local time. `days_between` counts the local days from its first operand to its second.

    Numbers: `abs` (of durations too); `round` (to the constant number of places that is its second operand, half away from
    zero), `floor` and `ceil`, each of the exact value; `least` and `greatest` of operands in the type of the call (times and
    durations too).

    `distance_km`: kilometres between two places (latitude, longitude, twice; degrees, any numbers) on a globe of radius
    6371.0088, by the haversine formula in floats; missing where a latitude is beyond ±90 or a longitude is infinite.

    `bucket` of a field of texts or whole numbers, with a constant count and a constant salt: the first 8 bytes, big-endian, of
    SHA-256(salt, NUL, key as text) in UTF-8, modulo the count.

    Texts: `lower upper trim`, `length` in code points, and `folded`, which both sides of a test have that ignores case.
    """

    function: str
    operands: tuple[Expression, ...]
    type: Type


class HostCall(Checked, frozen=True):
    """A function of the host's, of values of the scope's row: `signature.arguments` are the types that they are given in."""

    signature: Signature
    operands: tuple[Expression, ...]
    type: Type


class Aggregate(Checked, frozen=True):
    """`function` (count sum avg min max median stddev distinct first last values any none all) over the rows of a relation whose `where`
    is true.

    `value` is None for `count(relation)`, `any` and `none`; of `all` it is the condition that every row has to meet, unknown
    is not met; else missing values are skipped. `where` None keeps all. `first` and `last` take the value, missing if it is, of
    the row where `order` is smallest or largest; a row whose `order` is missing is not looked at. Where several are, the first
    or the last of them by their table's key, else in their table's order.
    `values` is the list of the values, which only `InValues` looks into.
    Scope of `value`, `where` and `order`: the relation's table.
    `up` are the links, each with its table, that lead from the scope's row to the one whose rows are meant, a row of `owner`: none
    where they lead nowhere. Nothing in such an aggregate is an account's. Without links they are the scope's row's own.
    """

    function: str
    relation: Relation
    type: Type
    value: Expression | None = None
    where: Expression | None = None
    order: Expression | None = None
    up: tuple[tuple[str, str], ...] = ()
    owner: str = ""


class Grouped(Checked, frozen=True):
    """`function`, one of an `Aggregate`'s, over the groups that the rows of a relation form.

    Rows of the scope's row whose `groups` have the same values are a group; a row for which one of them is missing is in none. A
    group counts where one of its rows has happened and one of the conditions `forming` is true for it (of no conditions: any row
    at all), and where the group's `condition` is true (None: always). `value` is what each group gives, of `all` the condition that
    each has to meet; None for `any` and `none`. `first` and `last` go by `order`, and where groups are alike in that by their
    `groups`, in the order of values.
    Scope of `groups` and `forming`: the relation's table. Scope of `value`, `condition` and `order`: a group; every `Aggregate` there
    is over the same relation, and means the group's rows. Each of `forming` is in one of these too.
    `up` and `owner` are as an `Aggregate` has them; nothing in a group's scope has them.
    """

    function: str
    relation: Relation
    groups: tuple[Expression, ...]
    type: Type
    value: Expression | None = None
    condition: Expression | None = None
    forming: tuple[Expression, ...] = ()
    order: Expression | None = None
    up: tuple[tuple[str, str], ...] = ()
    owner: str = ""


class Relative(Checked, frozen=True):
    """A statistic of all accounts that share the values of `groups` (of all there are where it has none), for an account.

    Only accounts count whose `value` is present and whose `where` is true. `function` is `count sum avg min max median stddev` of
    their values, the same for every account of a group; or, of the account's own value among them, `rank` (1 + how many are
    larger), `percentile` (100 × how many are smaller / (n − 1), 0 where n is 1), `ntile` (1 + ⌊`amount` × how many are
    smaller / n⌋), and `top` and `bottom`: a rank from that end of at most `amount`, or of at most ⌈`amount` × n⌉ where
    `amount` is a `share`. Missing where a group or (of one's own value) the value is; an account that does not count itself has no
    rank, percentile or ntile, and is neither at the top nor at the bottom where its `where` is not true.
    """

    function: str
    value: Expression
    type: Type
    where: Expression | None = None
    groups: tuple[Expression, ...] = ()
    amount: Fraction | None = None
    share: bool = False


# ---- conditions (yes/no)


class And(Checked, frozen=True):
    terms: tuple[Expression, ...]
    type: Type = TRUTH


class Or(Checked, frozen=True):
    terms: tuple[Expression, ...]
    type: Type = TRUTH


class KOf(Checked, frozen=True):
    """How many of the terms are true: `kind` is `at least`, `at most` or `exactly` so many, `count`. True or false as soon as the
    terms that are unknown cannot change it, else unknown."""

    kind: str
    count: int
    terms: tuple[Expression, ...]
    type: Type = TRUTH


class Not(Checked, frozen=True):
    term: Expression
    type: Type = TRUTH


class Compare(Checked, frozen=True):
    """`op` is one of `= != < <= > >=`.

    Operands are two numbers (compared by value; a decimal against a float as the nearest float), two texts (exact,
    order by code point), two yes/no (only `=` `!=`), two dates, two timestamps, two exact durations, or a date and a
    timestamp in either order: the date is then the whole local day, from its first instant to the next day's first.
    """

    op: str
    left: Expression
    right: Expression
    type: Type = TRUTH


class InList(Checked, frozen=True):
    """The Kleene `or` of `value = item`. `items` are constants of the value's type; `others` any further expressions."""

    value: Expression
    items: tuple[Constant, ...]
    others: tuple[Expression, ...] = ()
    type: Type = TRUTH


class InValues(Checked, frozen=True):
    """Whether one of the present items of a list of the data equals `value`: unknown where the value or the list is missing.

    `listed` is a field of a list type, `values` of rows or groups, a `Collected`, or a let or `OfAccount` of one of these. The types
    compare as those of `Compare` do. `folded` items are texts as a test that ignores case looks at them, and so is `value`.
    """

    value: Expression
    listed: Expression
    folded: bool = False
    type: Type = TRUTH


class Overlap(Checked, frozen=True):
    """Whether one of the present items of the list `sought`, or `every` one, is among those of the list `listed`: unknown where a list
    is missing. Both are lists as `InValues` has them; `folded` goes for both.
    """

    listed: Expression
    sought: Expression
    every: bool
    folded: bool = False
    type: Type = TRUTH


class TextTest(Checked, frozen=True):
    """`kind` is `contains`, `starts` or `ends`: exact, by code point; or `matches`, whose pattern is a constant of the subset
    in `regexes`, found anywhere in the text."""

    kind: str
    value: Expression
    pattern: Expression
    type: Type = TRUTH


class IsMissing(Checked, frozen=True):
    """Never unknown. Of a condition: whether it is unknown."""

    operand: Expression
    type: Type = TRUTH


class InSegment(Checked, frozen=True):
    """Never unknown: the segment's condition is true."""

    segment: str
    type: Type = TRUTH


Expression = (
    Constant | Now | Today | PeriodStart | Field | Let | Chosen | Collected | OfAccount | Arithmetic | Negative | Shift
    | Difference | ScaleDuration | Coalesce | If | Call | HostCall | Aggregate | Grouped | Relative | And | Or | KOf | Not | Compare
    | InList | InValues | Overlap | TextTest | IsMissing | InSegment
)  # fmt: skip


# ---- statements


class LetRule(Checked, frozen=True):
    """A named value or condition of the account, or, for `let … for`, of every row of the `relation`'s `table`."""

    name: str
    table: str
    value: Expression
    relation: str | None = None


class SegmentRule(Checked, frozen=True):
    name: str
    label: str | None
    condition: Expression


class Case(Checked, frozen=True):
    value: Constant
    condition: Expression


class ChooseRule(Checked, frozen=True):
    """The value of the first case that is true, else `otherwise`, else missing."""

    name: str
    label: str | None
    cases: tuple[Case, ...]
    otherwise: Constant | None
    type: Type


class CollectRule(Checked, frozen=True):
    """The values of the cases that are true, in the order written; of equal values the first, if a case of any of them is true.
    `type` is that of a value."""

    name: str
    label: str | None
    cases: tuple[Case, ...]
    type: Type


class Rules(msgspec.Struct, frozen=True):
    """A whole checked rule set, in the order written, and the params with their final values.

    `root` is the root table; `order` lists all names of lets, segments, chooses and collects so that each comes after what it
    mentions; `names` are the segments, chooses and collects in the order written. `event_times` are the fields, by table, after
    which rows later than the run do not count in any aggregate, with their types.
    """

    root: str
    timezone: str
    lets: dict[str, LetRule]
    segments: dict[str, SegmentRule]
    chooses: dict[str, ChooseRule]
    params: dict[str, Constant | tuple[Constant, ...]]
    order: tuple[str, ...]
    names: tuple[str, ...]
    event_times: dict[str, tuple[str, Type]] = {}
    collects: dict[str, CollectRule] = {}
