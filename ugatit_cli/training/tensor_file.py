"""safetensors files read one tensor at a time, to wherever each belongs: a checkpoint of the full variant has several GB."""

from __future__ import annotations

import os
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
from ..weights.tensor_chunks import CODES, LENGTH, bytes_of


class TensorFile:
    """An open safetensors file whose table of contents has been checked against its size."""

    def __init__(self, file: BufferedReader) -> None:
        size = os.fstat(file.fileno()).st_size
        if size < LENGTH.size:
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
        if self._file.readinto(bytes_of(tensor)) != tensor.nbytes:
            raise incomplete("it became shorter while it was read")
        return tensor


def _dtype(stored: StoredTensor) -> torch.dtype:
    dtype = getattr(torch, stored.dtype)
    if dtype not in CODES:
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
