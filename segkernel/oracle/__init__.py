"""Rules evaluated one row at a time, in plain Python: what every other way of running them is held against.

It reads the checked tree and nothing else, shares no code with the planner or the kernel, and tells for every clause of
a rule the value that it had.
"""

from segkernel.oracle.arithmetic import OracleOverflow, Value
from segkernel.oracle.clauses import Clause
from segkernel.oracle.evaluate import Oracle, Row, Tables
from segkernel.oracle.tables import normal, plain

__all__ = ["Clause", "Oracle", "OracleOverflow", "Row", "Tables", "Value", "normal", "plain"]
