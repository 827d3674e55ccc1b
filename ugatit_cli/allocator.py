"""How the C library hands out memory.

glibc gives every block of a few megabytes back to the system when it is freed, and asks for it again a millisecond later; a
network's activations are such blocks, and the page faults cost up to half of a training step. Kept blocks cost an eighth
more memory. The numbers that are computed do not change.
"""

from __future__ import annotations

import ctypes
import os
import sys

SWITCH = "UGATIT_ALLOCATOR"
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8  # malloc.h


def keep_freed_memory() -> bool:
    """Ask glibc to keep what is freed, before the first large tensor is made. UGATIT_ALLOCATOR=system leaves it alone.

    Returns:
        Whether it did: elsewhere than on Linux with glibc it cannot.
    """
    if os.environ.get(SWITCH) == "system" or sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 * 2**20, _ARENA_MAX: 1}
    return all([library.mallopt(name, value) == 1 for name, value in settings.items()])
