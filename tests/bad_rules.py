"""Mistakes in rules, options and numbers, and what the command line says of them."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from tests.bad_project import CUSTOMERS, rules

# What a case changes, the options of `run`, the exit code, and all that standard error holds, in which … stands for anything
CASES: dict[str, tuple[dict[str, object], list[str], int, str]] = {
    # ---- syntax and types
    "a condition that is not there": (
        rules("segment a when"),
        [],
        1,
        "{}/rules.seg:1:15: error[E101]: expected a value, found the end of the statement\n    segment a when\n                  ^\n",
    ),
    "a comparison of two types": (
        rules("segment a when country > 5"),
        [],
        1,
        '{}/rules.seg:1:16: error[E301]: "country" (text) does not compare with a whole number\n'
        "    segment a when country > 5\n"
        "                   ^^^^^^^^^^^\n"
        '    write it in quotes: "5"\n',
    ),
    "a value that is no condition": (rules("segment a when visits"), [], 1, "{}/rules.seg:1:16: error[E302]: …"),
    "a text that is not closed": (
        rules('segment a when country = "DE'),
        [],
        1,
        "{}/rules.seg:1:26: error[E102]: this text is not closed\n…",
    ),
    "a word of another language": (rules("segment a when country == 'DE'"), [], 1, "{}/rules.seg:1:24: error[E111]: …"),
    "a time without minutes": (
        rules("segment a when born > 2026-01-01T10"),
        [],
        1,
        '{}/rules.seg:1:23: error[E107]: "2026-01-01T10" is neither a date nor a calculation\n'
        "    segment a when born > 2026-01-01T10\n"
        "                          ^^^^^^^^^^^^^\n…",
    ),
    "a month with a letter behind it": (rules("segment a when born in 2026-01x"), [], 1, "{}/rules.seg:1:28: error[E101]: …"),
    "a letter that cannot stand there": (rules("segment a when visits = 1\0"), [], 1, "{}/rules.seg:1:26: error[E105]: …"),
    # ---- names
    "an unknown field": (
        rules('segment a\n  when contry = "DE"'),
        [],
        1,
        '{}/rules.seg:2:8: error[E201]: customers has no field "contry"\n'
        '    when contry = "DE"\n'
        "         ^^^^^^\n"
        '    did you mean "country"?\n',
    ),
    "an unknown segment": (
        rules("segment german when visits = 1 segment b when in segment germann"),
        [],
        1,
        '{}/rules.seg:1:58: error[E202]: there is no segment "germann"\n'
        "    segment german when visits = 1 segment b when in segment germann\n"
        "                                                             ^^^^^^^\n"
        '    did you mean "german"?\n',
    ),
    "an unknown relation": (
        rules("segment a when count(order) > 1"),
        [],
        1,
        '{}/rules.seg:1:22: error[E203]: customers has no relation "order"\n…',
    ),
    "an unknown function": (
        rules("segment a when cuont(orders) > 1"),
        [],
        1,
        '{}/rules.seg:1:16: error[E214]: there is no function "cuont"\n…',
    ),
    "an unknown field behind a link": (
        rules('segment a when any(orders where product.kategory = "x")'),
        [],
        1,
        '{}/rules.seg:1:41: error[E201]: products has no field "kategory"\n…',
    ),
    "a cycle": (
        rules("let a = b\nlet b = c\nlet c = a\nsegment s when a = 1"),
        [],
        1,
        '{}/rules.seg:1:5: error[E206]: "a" depends on itself: a → b → c → a\n'
        "    let a = b\n"
        "        ^\n"
        '    {}/rules.seg:2:5: "b" is here\n'
        '    {}/rules.seg:3:5: "c" is here\n'
        "    one of them has to do without the other\n",
    ),
    "a segment of itself": (rules("segment t when in segment t"), [], 1, '{}/rules.seg:1:9: error[E206]: "t" depends on itself: t → t\n…'),
    "a name that is defined twice": (
        {"rules.seg": "segment a when visits = 1", "more.seg": "let a = visits"},
        [],
        1,
        '{}/rules.seg:1:9: error[E204]: "a" is defined twice\n'
        "    segment a when visits = 1\n"
        "            ^\n"
        "    {}/more.seg:1:5: the first is here\n"
        "    give one of them another name\n",
    ),
    "a param nobody declared": (
        rules("param least = 3 segment a when visits > least"),
        ["--param", "leest=4"],
        1,
        '{}/rules.seg:1:1: error[E404]: there is no param "leest" to set\n…',
    ),
    "a param of another kind": (
        rules("param least = 3\nsegment a when visits > least"),
        ["--param", "least=30 days"],
        1,
        '{}/rules.seg:1:7: error[E405]: the param "least" is a number, and it is set to a duration\n'
        "    param least = 3\n"
        "          ^^^^^\n"
        "    give a number, 50_000\n",
    ),
    "a param of very many digits": (
        rules("param least = 3 segment a when visits > least"),
        ["--param", "least=" + "9" * 60],
        1,
        f"{{}}/rules.seg:1:7: error[E405]: the param \"least\" is a number, and it is set to '{'9' * 36}'…\n…",
    ),
    "a param without a value": ({}, ["--param", "least"], 2, '…Invalid value for --param: "least" is not NAME=VALUE\n'),
    # ---- size
    "five thousand brackets": (
        rules("segment a when " + "(" * 5000 + "true" + ")" * 5000),
        [],
        1,
        "{}/rules.seg:1:80: error[E902]: this is nested more than 64 deep\n…",
    ),
    "five thousand times not": (rules("segment a when " + "not " * 5000 + "true"), [], 1, "{}/rules.seg:1:272: error[E902]: …"),
    "five thousand aggregates": (rules("segment a when " + "any(orders where " * 5000), [], 1, "{}/rules.seg:1:1107: error[E902]: …"),
    "five thousand steps": (rules("segment a when " + ".".join(["customer"] * 5000) + " = 1"), [], 1, "{}/rules.seg:1:600: error[E902]: …"),
    "a sum of a thousand": (rules("segment a when " + "+".join(["visits"] * 1000) + " > 1"), [], 1, "{}/rules.seg:1:9: error[E907]: …"),
    "a list of 100,001": (rules(f"segment a when visits in ({','.join(['1'] * 100_001)})"), [], 1, "{}/rules.seg:1:26: error[E904]: …"),
    "a number of ten thousand digits": (rules("segment a when visits = " + "9" * 10_000), [], 1, "{}/rules.seg:1:25: error[E118]: …"),
    "a name of a thousand letters": (
        rules(f"segment {'x' * 1000} when true"),
        [],
        1,
        "{}/rules.seg:1:9: error[E121]: this name is longer than 200 characters\n…",
    ),
    "17 million bytes": (rules("#" * 17_000_000), [], 1, "{}/rules.seg:1:1: error[E901]: the text is longer than 16,777,216 bytes\n…"),
    # ---- numbers
    "a product that leaves 64 bits": (
        rules("segment a when visits * 9 > 1"),
        [],
        1,
        "error: {}/rules.seg:1:16: `visits * 9`: a number leaves its range: …",
    ),
    "a sum that leaves 64 bits": (
        rules("segment a when sum(orders.units) > 1"),
        [],
        1,
        "error: {}/rules.seg:1:16: `sum(orders.units)`: a number leaves its range: …",
    ),
    "data that leave 64 bits": (
        {**rules("segment a when visits > 1"), "customers.parquet": CUSTOMERS.with_columns(visits=pl.lit(2**100, dtype=pl.Int128))},
        [],
        1,
        "error: customers.visits has 3 values outside -2^63 to 2^64 - 1: 1267650600228229401496703205376 in row 1, …",
    ),
    # ---- usage
    "no threads": ({}, ["--threads", "0"], 2, "…Invalid value for '--threads': 0 is not in the range 1<=x<=1024.\n"),
    "a million threads": ({}, ["--threads", "1000000"], 2, "…Invalid value for '--threads': 1000000 is not in the range 1<=x<=1024.\n"),
    "only an unknown name": (
        {},
        ["--only", "germann"],
        2,
        '…Error: there is no segment or choose called "germann"; did you mean "german"?\n',
    ),
    "only a let": (rules("let x = visits segment a when x = 1"), ["--only", "x"], 2, '…Error: there is no segment or choose called "x"\n'),
    "an instant that cannot be read": ({}, ["--as-of", "soon"], 2, '…Invalid value for --as-of: as_of "soon" is not a time; …'),
    "an instant that is empty": ({}, ["--as-of", ""], 2, '…Invalid value for --as-of: as_of "" is not a time; …'),
    "an instant after year 9999": ({}, ["--as-of", "9999-12-31T23:00-05:00"], 2, "…lies outside the years 1 to 9999 in UTC\n"),
    "an option that is not there": ({}, ["--thread", "1"], 2, "…Error: No such option '--thread'. Did you mean '--threads'?\n"),
    "an output without a name": ({}, ["--out", ""], 2, "…Invalid value for '--out': the name of the folder is empty\n"),
    "an output that is a file": ({}, ["--out", "{}/rules.seg"], 1, "error: cannot write {}/rules.seg: {}/rules.seg is not a folder\n"),
    "an output below a file": (
        {},
        ["--out", "{}/rules.seg/out"],
        1,
        "error: cannot write {}/rules.seg/out: {}/rules.seg is not a folder\n",
    ),
    "an output of a very long name": ({}, ["--out", "{}/" + "x" * 300], 1, "error: …File name too long\n"),
    "an output that is a link to nowhere": (
        {"link": os.fspath},
        ["--out", "{}/link"],
        1,
        "error: cannot write {}/link: {}/link is not a folder\n",
    ),
    "a folder in the place of a file": (
        {"there/summary.json": Path},
        ["--out", "{}/there"],
        1,
        "error: cannot write {}/there/summary.json: Is a directory\n",
    ),
}
