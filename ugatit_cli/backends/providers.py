"""Whether a CUDA device is there, asked of the driver itself, and how ONNX Runtime is to use it.

ONNX Runtime lists CUDA wherever it was built with it, and falls back to the CPU without a word; so the driver is asked first.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from ..errors import DeviceError

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
NAMES = {"cpu": CPU, "cuda": CUDA, "tensorrt": TENSORRT}

Options = dict[str, str]


@cache
def cuda_problem() -> str | None:
    """Why there is no CUDA device, in words; None where there is one."""
    try:
        driver: Any = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no NVIDIA driver was found"
    status = driver.cuInit(0)
    if status != 0:
        return f"the NVIDIA driver cannot start (its error {status})"
    count = ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "the NVIDIA driver sees no device"
    return None


def require_cuda(device: str) -> None:
    """Raises DeviceError where `device` needs an NVIDIA GPU, and there is none."""
    problem = None if device == "cpu" else cuda_problem()
    if problem is not None:
        raise missing_device(device, problem)


def missing_device(device: str, why: str) -> DeviceError:
    hint = "use --device cpu, or --device auto; ugatit doctor tells what is there"
    return DeviceError(f"cannot run on {device}: {why}", hint=hint, name="device-missing")


def provider_options(device: str) -> list[tuple[str, Options]]:
    """What to name to ONNX Runtime, the first choice first.

    The heuristic choice of cuDNN's algorithms suits pictures of many sizes: the exhaustive one is made anew for each.
    """
    if device == "cpu":
        return [(CPU, {})]
    cuda = (CUDA, {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"})
    return [(TENSORRT, {}), cuda, (CPU, {})] if device == "tensorrt" else [cuda, (CPU, {})]
