"""The processor: its name, the cores that this process may use, and the instructions that networks run on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .findings import Finding, note, ok

CPU_INFO = Path("/proc/cpuinfo")
INSTRUCTION_SETS = {  # as the kernel calls them: those that the libraries have kernels for
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_tile": "AMX",
    "asimddp": "NEON dot product",
    "i8mm": "I8MM",
    "sve": "SVE",
}


def processor_findings(cpu_info: Path = CPU_INFO) -> Iterator[Finding]:
    from ..backends.cores import allowed_cores

    described = _described(cpu_info)
    name = described.get("model name") or _name_elsewhere()
    words = (described.get("flags") or described.get("Features") or "").split()
    sets = [title for flag, title in INSTRUCTION_SETS.items() if flag in words]
    allowed, there = allowed_cores(), os.cpu_count() or 1
    text = ", ".join([name, f"{allowed} of {there} cores allowed", *sets])
    facts: dict[str, Any] = {"processor": name, "cores": there, "allowed_cores": allowed, "instruction_sets": sets}
    if "flags" in described and "avx2" not in words:
        late = f"{text}; without AVX2 everything takes several times as long"
        yield note("processor", late, **facts)
    else:
        yield ok("processor", text, **facts)


def _described(cpu_info: Path) -> dict[str, str]:
    """What Linux says about the first core."""
    try:
        first = cpu_info.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _name_elsewhere() -> str:
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return platform.processor() or platform.machine()
