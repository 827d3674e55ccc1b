"""What a run is computed with: enough to explain a difference between two machines, and nothing that tells whose they are."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from .. import __version__

LIBRARIES = ("numpy", "pillow", "safetensors", "opencv-python", "opencv-python-headless", "accelerate", "torchmetrics")
CPU_INFO = Path("/proc/cpuinfo")


def describe_environment(device: torch.device) -> dict[str, str]:
    """Versions, system, processor and device by name; no path, no name of the machine or of a person."""
    return {
        "ugatit": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # not a plain str
        **_libraries(),
        # not platform.platform(): a kernel that somebody built may carry any name
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(_cores()),
        "threads": str(torch.get_num_threads()),
        "device": device.type,
        **(_gpu(device) if device.type == "cuda" else {}),
    }


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # not needed for every run
            continue
    return found


def _cores() -> int:
    """Those this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # Linux has it, others do not
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu(device: torch.device) -> dict[str, str]:
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu": properties.name,
        "gpu_memory": f"{properties.total_memory / 2**30:.0f} GiB",
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
    }
