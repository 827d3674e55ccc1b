"""The allocator's setting, seen from outside: how many pages a process has to ask for again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROBE = """
import resource, sys
from ugatit_cli.allocator import keep_freed_memory
kept = keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
bytearray(2**25)
before = faults()
for _ in range(20): bytearray(2**25)
print(kept, faults() - before)
"""


def probe(**environment: str) -> tuple[bool, int]:
    found = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    ).stdout.split()
    return found[0] == "True", int(found[1])


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is asked")
def test_freed_memory_is_kept_unless_the_switch_says_otherwise() -> None:
    kept, faults = probe()
    if not kept:
        pytest.skip("the C library is not glibc")
    left_alone, more_faults = probe(UGATIT_ALLOCATOR="system")
    assert not left_alone
    assert faults < more_faults / 10
