"""Where one tensor lies in a file: read its description first, its numbers only once they are wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from mmap import mmap
from typing import Protocol

import torch

from ..errors import BadModelError

FLOAT_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, "float64": torch.float64}
ITEM_SIZES = {
    **{name: dtype.itemsize for name, dtype in FLOAT_TYPES.items()},
    **{"bool": 1, "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "uint64": 8, "int64": 8},
    **{"complex64": 8, "complex128": 16},
}
MAX_DIMENSIONS = 8
LARGE = 1 << 24  # elements; only the full variant's one matrix has as many
NAMES_SHOWN = 4
_FETCH_AGAIN = "download or copy it again"


@dataclass(frozen=True)
class StoredTensor:
    """One tensor's description: type name, storage it lies in, first byte there, shape and strides (in elements)."""

    dtype: str
    storage: str
    start: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def span(self) -> int:
        """Elements from the first to the last one it touches, both included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((side - 1) * step for side, step in zip(self.shape, self.stride, strict=True))


@dataclass(frozen=True)
class Container:
    """A file's table of contents, whichever its format.

    `tree` maps names to StoredTensors or to such mappings (other values are kept as they came);
    `positions` has each storage's first byte in the file; `format` is whose names the tree has;
    `texts` has the storages that do not lie in the file as they are: their bytes as characters of Latin-1.
    """

    tree: Mapping[str, object]
    positions: Mapping[str, int]
    metadata: Mapping[str, str]
    format: str = "official-pytorch"
    texts: Mapping[str, str] = field(default_factory=dict)


def contiguous_stride(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


class Described(Protocol):
    """What a file says about one tensor."""

    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


def check_fit(found: Mapping[str, Described], expected: Mapping[str, tuple[int, ...]], prefix: str = "") -> None:
    """Whether names, shapes and types are the network's; `prefix` is what the file puts before each name.

    Raises:
        BadModelError: with the first few names, as the file spells them, and their count.
    """
    missing = [prefix + name for name in expected if name not in found]
    unexpected = [prefix + name for name in found if name not in expected]
    if missing or unexpected:
        parts = [f"{kind} {few(names)}" for kind, names in (("missing", missing), ("unexpected", unexpected)) if names]
        raise BadModelError(f"its tensors do not fit a U-GAT-IT network: {'; '.join(parts)}", name="model-names")
    for name, shape in expected.items():
        tensor = found[name]
        if tensor.shape != shape:
            wanted, got = show_shape(shape), show_shape(tensor.shape)
            raise BadModelError(f"{prefix}{name} has the shape {got}, and {wanted} is needed", name="model-shape")
        if tensor.dtype not in FLOAT_TYPES:
            raise BadModelError(
                f"{prefix}{name} has the type {tensor.dtype}, and weights are floats", name="model-dtype"
            )


def read_tensor(file: BufferedReader, container: Container, tensor: StoredTensor, name: str) -> torch.Tensor:
    """The tensor's numbers as contiguous float32; `name` is for the message.

    Raises:
        BadModelError: the file is shorter than it said, or a number is NaN or infinite.
    """
    dtype = FLOAT_TYPES[tensor.dtype]
    buffer = _bytes_of(file, container, tensor, tensor.span * dtype.itemsize)
    if not buffer:
        return torch.empty(tensor.shape)
    values = torch.frombuffer(buffer, dtype=dtype).as_strided(tensor.shape, tensor.stride).float().contiguous()
    check_finite(values, name)
    return values


def _bytes_of(file: BufferedReader, container: Container, tensor: StoredTensor, count: int) -> bytearray:
    if tensor.storage in container.texts:
        return bytearray(container.texts[tensor.storage][tensor.start : tensor.start + count], "latin-1")
    buffer = bytearray(count)
    file.seek(container.positions[tensor.storage] + tensor.start)
    if file.readinto(buffer) != count:
        raise incomplete("it became shorter while it was read")
    return buffer


def map_tensor(mapped: mmap, container: Container, tensor: StoredTensor, name: str) -> torch.Tensor:
    """The same of a contiguous tensor in a mapped file; float32, and the one large matrix whatever it is, take no memory of their own.

    Raises:
        BadModelError: a number is NaN or infinite.
    """
    dtype, count = FLOAT_TYPES[tensor.dtype], math.prod(tensor.shape)
    if count == 0:
        return torch.empty(tensor.shape)
    start = container.positions[tensor.storage] + tensor.start
    if start % dtype.itemsize:
        values = torch.frombuffer(bytearray(mapped[start : start + count * dtype.itemsize]), dtype=dtype)
    else:
        values = torch.frombuffer(mapped, dtype=dtype, count=count, offset=start)
    stays = dtype is torch.float16 and count > LARGE
    values = (values if stays else values.float()).view(tensor.shape)
    check_finite(values, name)
    return values


def check_finite(values: torch.Tensor, name: str) -> None:
    """`name` is for the message.

    Raises:
        BadModelError: a number is NaN or infinite.
    """
    low, high = torch.aminmax(values)  # NaN passes through; isfinite() would allocate the tensor twice more
    if not (low.isfinite() and high.isfinite()):
        raise BadModelError(f"{name} is not finite: it holds NaN or infinite numbers", name="model-not-finite")


def few(names: list[str]) -> str:
    """The first names and how many there are."""
    shown = ", ".join(name[:80] for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} ... ({len(names)} in all)"


def show_shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "of a single number"


def damaged(reason: str) -> BadModelError:
    """The error of a file whose parts contradict each other."""
    return BadModelError(f"it is damaged: {reason}", hint=_FETCH_AGAIN, name="model-damaged")


def incomplete(reason: str) -> BadModelError:
    """The error of a file that ends too early."""
    return BadModelError(f"it is incomplete: {reason}", hint=_FETCH_AGAIN, name="model-damaged")
