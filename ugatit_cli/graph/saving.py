"""A graph as a file; large weights go to a second one beside it, from where they are mapped into memory, not read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ..files import PART_SUFFIX, sync_folder, write_atomically, writing
from ..model_file import DATA_SUFFIX
from .external_data import read_external
from .tensors import is_external, tensors_of

ALIGNMENT = 4096  # of what is mapped: a page
LARGE = 1 << 16  # bytes; smaller tensors stay in the graph's own file


class WeightsBeside:
    """The second file of a graph that is still being written: large weights go there one by one, and are never in memory together."""

    def __init__(self, name: str, file: BufferedWriter) -> None:
        self._name, self._file = name, file

    def keep(self, values: NDArray[Any], name: str) -> TensorProto:
        """The constant `name`, which refers to the file; small ones stay in the graph."""
        if values.nbytes < LARGE:
            return numpy_helper.from_array(values, name)
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
        self.place(tensor, np.ascontiguousarray(values).data.cast("B"))
        return tensor

    def place(self, tensor: TensorProto, numbers: bytes | memoryview) -> None:
        """Write the tensor's numbers, and make it refer to them."""
        start = -(-self._file.tell() // ALIGNMENT) * ALIGNMENT
        self._file.seek(start)
        self._file.write(numbers)
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", self._name), ("offset", start), ("length", len(numbers))):
            tensor.external_data.add(key=key, value=str(value))


@contextmanager
def weights_beside(path: Path) -> Iterator[WeightsBeside]:
    """Opens `NAME.onnx.data`, which gets its name when the block ends well: before the graph, which is of no use without it.

    Without large weights there is no such file.

    Raises:
        OutputError, ResourceError: it cannot be written.
    """
    target = path.with_name(path.name + DATA_SUFFIX)
    part = path.parent / f".{secrets.token_hex(6)}{PART_SUFFIX}"
    with writing(target):
        try:
            with part.open("xb") as file:
                yield WeightsBeside(target.name, file)
                file.flush()
                os.fsync(file.fileno())
                filled = file.tell() > 0
            if filled:
                os.replace(part, target)
                sync_folder(target.parent)
        finally:
            with suppress(OSError):
                part.unlink()


def save_graph(model: ModelProto, path: Path, *, external: bool) -> None:
    """Whole or not there. With `external`, large weights go to `NAME.onnx.data`, and `model` loses them.

    Raises:
        OutputError, ResourceError: it cannot be written.
    """
    if external:
        with weights_beside(path) as beside:
            for tensor in model.graph.initializer:
                if not tensor.external_data:
                    tensor.CopyFrom(beside.keep(numpy_helper.to_array(tensor), tensor.name))
    write_atomically(path, model.SerializeToString())


def copy_graph(source: Path, path: Path) -> None:
    """A graph that was screened, as it is; what it keeps in other files, whatever their names, goes to `NAME.onnx.data`.

    Raises:
        BadModelError, RefusedError: the other files changed since.
        OutputError, ResourceError: it cannot be written.
    """
    model = onnx.load(source, load_external_data=False)
    external = [tensor for tensor in tensors_of(model.graph) if is_external(tensor)]
    if not external:
        write_atomically(path, source.read_bytes())
        return
    with weights_beside(path) as beside:
        for tensor in external:
            beside.place(tensor, read_external(tensor, source.parent))
    write_atomically(path, model.SerializeToString())
