"""How many processor cores this process may really use: fewer than the machine has in containers and under affinity masks."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def allowed_cores(cgroup: Path = CGROUP) -> int:
    """At least 1. OMP_NUM_THREADS, if it is set, is the user's own word on it."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return affine if quota is None else max(1, min(affine, math.ceil(quota)))


def threads_each(at_once: int) -> int:
    """Of so many computations at the same time, for all cores together."""
    return max(1, allowed_cores() // at_once)


def _quota(cgroup: Path) -> float | None:
    """Cores' worth of time that the control group grants, version 2 or 1; None without a limit."""
    unified = _numbers(cgroup / "cpu.max")
    if len(unified) == 2:
        return unified[0] / unified[1]
    quota, period = _numbers(cgroup / "cpu" / "cpu.cfs_quota_us"), _numbers(cgroup / "cpu" / "cpu.cfs_period_us")
    return quota[0] / period[0] if quota and period and quota[0] > 0 else None


def _numbers(path: Path) -> list[int]:
    """The whole numbers in a file; what is none (`max`), or no file, gives no numbers."""
    try:
        return [int(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
