"""The machine that a result was measured on, and whether it had its cores to itself."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any, Final

BUSY: Final = 0.3


def machine() -> dict[str, Any]:
    """Cores, memory, and how busy it was before the run."""
    load_before = round(os.getloadavg()[0], 2)
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = {line.split(":")[1].strip() for line in lines if "model name" in line}
    return {
        "processor": ", ".join(sorted(names)) or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3),
        "load_before": load_before,
        "busy_before": load_before > BUSY,
    }


def warning(found: dict[str, Any]) -> str | None:
    """What to say of a machine that did not have its cores to itself before the run."""
    if not found["busy_before"]:
        return None
    return f"beware: the machine was busy before this run (load {found['load_before']:.2f})"
