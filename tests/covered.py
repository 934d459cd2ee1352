"""Branch coverage of the language and of the planner, without compiled kernels: `python -m tests.covered`.

Runs tests of rules, schemas and programs, and fails where a line or a branch of `segdsl` or `segkernel.plan` is not reached by them.
What nothing that a user writes can reach is to go; for the rest a case in `dsl/conformance` shows what it is for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parent.parent
TESTS = [
    "test_conformance.py::test_kernel", "test_extremes.py::test_a_literal_meets_a_field_of_32_bit_floats_at_its_width",
    "test_api.py", "test_bounds.py", "test_cases_command.py", "test_check_warnings.py", "test_checker.py", "test_comments.py",
    "test_depths.py", "test_faces.py", "test_fmt_command.py", "test_functions.py", "test_gallery.py", "test_lexer.py", "test_lint.py",
    "test_parser.py", "test_per.py", "test_pinning.py", "test_plan.py", "test_project_file.py", "test_reasoning.py",
    "test_reference.py", "test_regexes.py", "test_schema_command.py", "test_slips.py", "test_words.py",
]  # fmt: skip
SLOW = (
    "test_a_hostile_pattern_takes_the_oracle_no_longer_than_another", "test_a_long_chain_of_lets_of_rows_costs_no_recursion",
    "test_any_text_gives_only_diagnostics", "test_both_engines_find_the_same", "test_conformance_rules_say_the_same_in_canonical_text",
    "test_equal_leaves_are_one_node", "test_json_that_was_tampered_with_is_refused_or_reads_as_it_says",
    "test_the_largest_patterns_are_run", "test_twenty_thousand_chained_lets",
)  # fmt: skip
"""Tests that take seconds, and reach nothing that the others do not."""


def main() -> int:
    """The exit code: 0 where all tests pass and everything is reached."""
    os.chdir(ROOT)
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    measured = coverage.Coverage()
    measured.start()
    quick = f"not ({' or '.join(SLOW)})"
    failed = pytest.main(["-q", "-p", "no:cacheprovider", "-k", quick, *(f"tests/{test}" for test in TESTS)])
    measured.stop()
    measured.save()
    return int(failed) or int(measured.report() < 100)


if __name__ == "__main__":
    sys.exit(main())
