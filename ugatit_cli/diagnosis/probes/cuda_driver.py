"""NVIDIA's driver, asked through its C library: no other library is needed to know whether there is a GPU."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from typing import Any

from ...backends.providers import cuda_problem

NAME_BYTES = 256
MAJOR, MINOR = 75, 76  # the two halves of the compute capability, as attributes are numbered


def answers() -> Iterator[dict[str, Any]]:
    problem = cuda_problem()
    if problem is not None:
        yield {"missing": problem}
        return
    driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    count, version = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    driver.cuDriverGetVersion(ctypes.byref(version))
    yield {"cuda": f"{version.value // 1000}.{version.value % 1000 // 10}", "count": count.value}
    for number in range(count.value):
        yield {"gpu": _gpu(driver, number)}


def _gpu(driver: ctypes.CDLL, number: int) -> dict[str, Any]:
    device, memory, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(NAME_BYTES)
    driver.cuDeviceGet(ctypes.byref(device), number)
    driver.cuDeviceGetName(name, NAME_BYTES, device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    capability = []
    for attribute in (MAJOR, MINOR):
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(str(value.value))
    return {"name": name.value.decode(errors="replace"), "bytes": memory.value, "capability": ".".join(capability)}
