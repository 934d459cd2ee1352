"""Comments that stand inside of expressions: canonical text keeps every one."""

from __future__ import annotations

import segdsl

SPREAD = """\
segment spender
  when a # of the first

   # one

   # two
   and b

segment sums when x
    # the net
    + y # tax
    - 3 # off
    > 2

segment calls when sum( # of all
      orders.total # in euros
      where # done
        done # or not
    ) > 3 and f(
      # first
      a, # beside a
      # second
      b) = 3 and now() > 3
  and at least 2 of (
      # one
      a, b # two
      , c)
  and x in (
    # words
    "a", "b", # c
    -3)
  and top(10%, revenue over (country, # here
    region)) # all
  and rank(x over all # of them
  ) > 3

let long_one for orders = x in ("aaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccc",
"ddddddddddddddddddd", "eeeeeeeeeeeeeee")
"""
GATHERED = """\
segment spender
  when a  # of the first
       # one
       # two
   and b

segment sums
  # off
  when x
       # the net
       + y  # tax
       - 3 > 2

segment calls
  # of all
  # done
  # or not
  when sum(orders.total  # in euros
           where done) > 3
   and f(
         # first
         a,  # beside a
         # second
         b) = 3
   and now() > 3
   and at least 2 of (
                      # one
                      a,
                      b,  # two
                      c)
   and x in (
             # words
             "a",
             "b",  # c
             -3)
       # here
   and top(10%, revenue over (country, region))  # all
       # of them
   and rank(x over all) > 3

let long_one for orders = x in ("aaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                                "cccccccccccccccccccccccccccc", "ddddddddddddddddddd",
                                "eeeeeeeeeeeeeee")
"""


def test_comments_between_operands_and_arguments_stay_beside_them_or_go_above() -> None:
    assert segdsl.format(SPREAD) == GATHERED
    assert segdsl.format(GATHERED) == GATHERED


def test_an_empty_line_between_comments_inside_of_a_statement_is_left_out() -> None:
    text = "segment a\n  # one\n  # two\n  when b\n"
    form = segdsl.to_json(text)
    assert '"# one",' in form
    assert segdsl.from_json(form.replace('"# one",', '"# one", "",')) == text
