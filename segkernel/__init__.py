"""Customer segments as a small language, evaluated over millions of accounts in one pass.

    import segkernel as sk

    data = sk.Dataset({"customers": frame}, root="customers", key="customer_id")
    rules = sk.compile('segment dutch when country = "NL"', data.schema)
    result = rules.evaluate(data, as_of="2026-01-15T12:00Z")
    result.counts()

Names are loaded when they are first used: importing the package loads neither Polars nor Numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segdsl.diagnostics import Diagnostic
    from segdsl.limits import Limits
    from segdsl.schema import Schema
    from segkernel.changes import Changes
    from segkernel.compiling import compile
    from segkernel.data.dataset import Dataset
    from segkernel.errors import Cancelled, DataError, Error, RecordError, RuleError, SchemaError, SnapshotError
    from segkernel.functions import Function
    from segkernel.match import Match
    from segkernel.membership import Membership
    from segkernel.rules import Rules
    from segkernel.warmup import warmup

__version__ = "0.1.0"

_HOMES = {
    "Cancelled": "segkernel.errors",
    "Changes": "segkernel.changes",
    "DataError": "segkernel.errors",
    "Dataset": "segkernel.data.dataset",
    "Diagnostic": "segdsl.diagnostics",
    "Error": "segkernel.errors",
    "Function": "segkernel.functions",
    "Limits": "segdsl.limits",
    "Match": "segkernel.match",
    "Membership": "segkernel.membership",
    "RecordError": "segkernel.errors",
    "RuleError": "segkernel.errors",
    "Rules": "segkernel.rules",
    "Schema": "segdsl.schema",
    "SchemaError": "segkernel.errors",
    "SnapshotError": "segkernel.errors",
    "compile": "segkernel.compiling",
    "warmup": "segkernel.warmup",
}

__all__ = [
    "Cancelled",
    "Changes",
    "DataError",
    "Dataset",
    "Diagnostic",
    "Error",
    "Function",
    "Limits",
    "Match",
    "Membership",
    "RecordError",
    "RuleError",
    "Rules",
    "Schema",
    "SchemaError",
    "SnapshotError",
    "__version__",
    "compile",
    "warmup",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f'module "segkernel" has no attribute "{name}"')
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
