"""What the machine has left."""

from __future__ import annotations

import os
from pathlib import Path


def available() -> int:
    """How many bytes of memory this process may still take before somebody runs short, as far as the system tells."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2] if hasattr(os, "sysconf") else [1 << 32]
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        found = [int(told["MemAvailable"].split()[0]) * 1024]
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(int(limit) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, KeyError, ValueError):
        pass  # No such files on other systems, and outside of a group with a limit
    return max(0, min(found))
