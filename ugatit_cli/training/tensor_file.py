"""safetensors files, written and read one tensor at a time.

A checkpoint of the full variant has several GB. The library's own functions would first bring all of it from the
device into memory, know no size before they write, and report a full disk as a text.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ..errors import BadModelError
from ..weights.safetensors import read_container
from ..weights.stored import StoredTensor, damaged, incomplete

_LENGTH = struct.Struct("<Q")
_DTYPES = {
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"},
    **{torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"},
}


def tensor_file_bytes(tensors: Mapping[str, Tensor]) -> int:
    """The size of the file that would hold `tensors`, which may be on the device "meta"."""
    return len(_header(tensors)) + sum(tensor.nbytes for tensor in tensors.values())


def tensor_file_chunks(tensors: Mapping[str, Tensor]) -> Iterator[bytes | memoryview]:
    """The file that holds `tensors`, piece by piece; each comes from its device when it is its turn."""
    yield _header(tensors)
    for name in _in_order(tensors):
        yield _bytes_of(tensors[name].detach().to("cpu").contiguous())


def _in_order(tensors: Mapping[str, Tensor]) -> list[str]:
    """Wide numbers first, so that each tensor begins at a multiple of its numbers' width."""
    return sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))


def _header(tensors: Mapping[str, Tensor]) -> bytes:
    entries, position = {}, 0
    for name in _in_order(tensors):
        tensor = tensors[name]
        offsets = [position, position + tensor.nbytes]
        entries[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        position = offsets[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH.size)
    return _LENGTH.pack(len(text)) + text


def _bytes_of(tensor: Tensor) -> memoryview:
    """The numbers of a contiguous tensor on the CPU, not copied."""
    return tensor.flatten().view(torch.uint8).numpy().data


class TensorFile:
    """An open safetensors file whose table of contents has been checked against its size."""

    def __init__(self, file: BufferedReader) -> None:
        size = os.fstat(file.fileno()).st_size
        if size < _LENGTH.size:
            raise incomplete(f"it has {size} bytes")
        container = read_container(file, size)
        self._file = file
        self._start = next(iter(container.positions.values()))
        self.tensors = cast(Mapping[str, StoredTensor], container.tree)
        self.metadata = container.metadata

    def check_fit(self, targets: Mapping[str, Tensor]) -> None:
        """Raises BadModelError unless the file has just these names, shapes and types."""
        if self.tensors.keys() != targets.keys():
            name = min(self.tensors.keys() ^ targets.keys())
            raise BadModelError(f"{name[:80]} is {'missing' if name in targets else 'not expected'} in it")
        for name, target in targets.items():
            stored = self.tensors[name]
            if stored.shape != tuple(target.shape) or _dtype(stored) != target.dtype:
                raise BadModelError(f"{name[:80]} has another shape or type in it")

    def copy_into(self, targets: Mapping[str, Tensor]) -> None:
        """Overwrite each target, whatever its device and memory layout, with the file's numbers of that name."""
        with torch.no_grad():
            for name, target in targets.items():
                target.copy_(self.read(name))

    def read(self, name: str) -> Tensor:
        stored = self.tensors[name]
        if 0 in stored.shape:  # the other sides could then be as long as they like
            raise damaged(f"{name[:80]} has no numbers")
        tensor = torch.empty(stored.shape, dtype=_dtype(stored))
        self._file.seek(self._start + stored.start)
        if self._file.readinto(_bytes_of(tensor)) != tensor.nbytes:
            raise incomplete("it became shorter while it was read")
        return tensor


def _dtype(stored: StoredTensor) -> torch.dtype:
    dtype = getattr(torch, stored.dtype)
    if dtype not in _DTYPES:
        raise damaged(f"it has numbers of the type {stored.dtype}")
    return cast(torch.dtype, dtype)


@contextmanager
def open_tensors(path: Path) -> Iterator[TensorFile]:
    """The tensors of a safetensors file, to be read while it is open.

    Raises:
        BadModelError: it is missing, damaged or does not fit; the message names the file.
    """
    try:
        with path.open("rb") as file:
            yield TensorFile(file)
    except OSError as error:
        raise BadModelError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except BadModelError as error:
        raise BadModelError(f"{path.name}: {error.message}", hint=error.hint, name=error.name) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU. Raises BadModelError as `open_tensors` does."""
    with open_tensors(path) as file:
        return {name: file.read(name) for name in file.tensors}
