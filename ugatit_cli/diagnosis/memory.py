"""How much memory there is, and how much of it this process may have: containers and limits give less."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .findings import Finding, in_words, note, ok

LITTLE = 10**9  # a full generator at work takes about that
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
FILES = ("memory.max", "memory.limit_in_bytes")  # of version 2 and version 1


def memory_findings(little: int = LITTLE) -> Iterator[Finding]:
    total = _total()
    if total is None:
        yield ok("memory", "memory: this system does not tell how much there is")
        return
    limits = [limit for limit in (group_limit(), _process_limit()) if limit is not None]
    allowed = min([total, *limits])
    share = "all of it allowed" if allowed == total else f"{in_words(allowed)} of it allowed"
    facts = {"bytes": total, "allowed_bytes": allowed}
    text = f"{in_words(total)} of memory, {share}"
    if allowed < little:
        yield note("memory", f"{text}: too little for large models", "use a smaller --size or --batch-size", **facts)
    else:
        yield ok("memory", text, **facts)


def _total() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def group_limit(own: Path = OWN_GROUPS, groups: Path = GROUPS) -> int | None:
    """The smallest limit in bytes among the control groups that this process is in, and those around them."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has them
        return None
    limits = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder = groups / controllers / path.lstrip("/")
            limits += [_limit_in(each) for each in (folder, *folder.parents) if each.is_relative_to(groups)]
    return min((limit for limit in limits if limit is not None), default=None)


def _limit_in(folder: Path) -> int | None:
    for name in FILES:
        try:
            return int((folder / name).read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None


def _process_limit() -> int | None:
    """What `ulimit -v` leaves."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit
