"""A graph as a file; large weights go to a second one beside it, from where they are mapped into memory, not read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from onnx import ModelProto, TensorProto

from ..files import PART_SUFFIX, sync_folder, write_atomically, writing

DATA_SUFFIX = ".data"
ALIGNMENT = 4096  # of what is mapped: a page
LARGE = 1 << 16  # bytes; smaller tensors stay in the graph's own file


def save_graph(model: ModelProto, path: Path, *, external: bool) -> None:
    """Whole or not there. With `external`, weights lie in `NAME.onnx.data`, which is complete before the graph gets its name.

    `model` loses the weights that went there.

    Raises:
        OutputError, ResourceError: it cannot be written.
    """
    if external:
        _move_weights(model, path.with_name(path.name + DATA_SUFFIX))
    write_atomically(path, model.SerializeToString())


def _move_weights(model: ModelProto, path: Path) -> None:
    part = path.parent / f".{secrets.token_hex(6)}{PART_SUFFIX}"
    with writing(path):
        try:
            with part.open("xb") as file:
                for tensor in model.graph.initializer:
                    if len(tensor.raw_data) >= LARGE:
                        file.seek(-(-file.tell() // ALIGNMENT) * ALIGNMENT)
                        _refer(tensor, path.name, file.tell())
                        file.write(tensor.raw_data)
                        tensor.ClearField("raw_data")
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                part.unlink()


def _refer(tensor: TensorProto, location: str, offset: int) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", len(tensor.raw_data))):
        tensor.external_data.add(key=key, value=str(value))
