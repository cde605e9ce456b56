"""How many cores there are to score with."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Final

_OWN_GROUP: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """How many cores this process may use: those it may run on, or fewer where a container's limit gives less.

    With more threads than that, the kernel would stop them all for a part of each tenth of a second.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows, where every core is usable
        cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, _whole_cores_allowed(cores)))


def _whole_cores_allowed(cores: int, *, own_group: Path = _OWN_GROUP, groups: Path = _GROUPS) -> int:
    """The least limit of this process's control group and of those around it; `cores` where there is none.

    Source: cpu.max in "Control Group v2" of the Linux kernel's documentation.
    """
    allowed = cores
    for group in _own_and_outer_groups(own_group):
        try:
            quota, period = (groups / group / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if quota.isdecimal() and period.isdecimal() and int(period):
            allowed = min(allowed, int(quota) // int(period))
    return allowed


def _own_and_outer_groups(own_group: Path) -> list[PurePosixPath]:
    try:
        lines = own_group.read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    path = PurePosixPath(own.lstrip("/"))
    return [path, *path.parents]
