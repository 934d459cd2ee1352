"""A run in numbers: the lines of its table, and what `summary.json` and `run.json` hold."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import segkernel
from segkernel.textual import percent, visible

if TYPE_CHECKING:
    from segkernel.data.dataset import Dataset
    from segkernel.membership import Membership
    from segkernel.rules import Rules

_PACKAGES = ("llvmlite", "msgspec", "nanoarrow", "numba", "numpy", "polars")


def summary(rules: Rules, data: Dataset, result: Membership) -> dict[str, Any]:
    """What a run found, the same for the same rules, data and instant: counts, unknowns, orphans, fingerprints, instant, zone.

    Segments and chooses stand in the order written, orphans in the order of their names.
    """
    tree = rules.checked
    values = {name: result.values(name) for name in result.names if name in tree.chooses}
    return {
        "format": 1,
        "as_of": result.as_of,
        "timezone": result.timezone,
        "root": tree.root,
        "accounts": result.accounts,
        "segments": [
            {"name": name, "label": tree.segments[name].label, "accounts": result.count(name), "unknown": result.unknown(name)}
            for name in result.names
            if name in tree.segments
        ],
        "chooses": [
            {
                "name": name,
                "label": tree.chooses[name].label,
                "values": [{"value": value, "accounts": count} for value, count in counted if value is not None],
                "none": next(count for value, count in counted if value is None),
            }
            for name, counted in values.items()
        ],
        "orphans": {f"{table}.{link}": count for (table, link), count in sorted(result.orphans.items())},
        "fingerprints": {"rules": rules.fingerprint, "data": data.fingerprint()},
    }


def run_record(started: str, seconds: Mapping[str, float], threads: int | None) -> dict[str, Any]:
    """What differs from run to run: when it started (ISO text), seconds a stage, versions, host."""
    return {
        "format": 1,
        "started": started,
        "seconds": {name: round(spent, 6) for name, spent in seconds.items()},
        "threads": threads,
        "versions": {"segkernel": segkernel.__version__, "python": platform.python_version(), **_versions()},
        "host": {"system": platform.system(), "machine": platform.machine(), "name": platform.node(), "cores": os.cpu_count()},
    }


def lines(found: Mapping[str, Any]) -> list[list[str]]:
    """A summary as rows of text, the head first: name, label, accounts, share, unknown."""
    rows = [["segment", "label", "accounts", "share", "unknown"]]
    whole = found["accounts"]

    def row(name: str, label: str | None, accounts: int, unknown: int | None) -> list[str]:
        return [
            visible(name),
            visible(label or ""),
            f"{accounts:,}",
            percent(accounts / whole if whole else None),
            "" if unknown is None else f"{unknown:,}",
        ]

    rows.extend(row(item["name"], item["label"], item["accounts"], item["unknown"]) for item in found["segments"])
    for choose in found["chooses"]:
        rows.extend(row(f"{choose['name']} = {item['value']}", choose["label"], item["accounts"], None) for item in choose["values"])
        if choose["none"]:
            rows.append(row(f"{choose['name']} is missing", choose["label"], choose["none"], None))
    return rows


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
