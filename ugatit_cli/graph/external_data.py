"""Weights that a graph keeps in other files: only regular ones, inside its own folder, as long as it says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from onnx import GraphProto, TensorProto

from ..errors import BadModelError, RefusedError

_KEYS = {"location", "offset", "length", "checksum"}
_NAME = 80  # of what a message repeats


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    """Initialisers, and what nodes carry."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)


def check_external_data(graph: GraphProto, folder: Path) -> frozenset[Path]:
    """The files that hold the graph's weights.

    Raises:
        RefusedError: one lies outside `folder`, is a link, or is named in a way that is no file's name.
        BadModelError: one is missing or too short.
    """
    external = [
        tensor for tensor in tensors_of(graph) if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data
    ]
    return frozenset(_check(tensor, folder) for tensor in external)


def _check(tensor: TensorProto, folder: Path) -> Path:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    strange = sorted(set(entries) - _KEYS)
    if strange:
        raise RefusedError(
            f"its external data has a setting that nobody knows: {strange[0][:_NAME]}", name="model-external"
        )
    path = _inside(entries.get("location", ""), folder)
    offset, length = _number(entries.get("offset", "0")), _number(entries.get("length", "0"))
    size = path.stat().st_size
    if offset + max(length, 1) > size:
        text = f"its external weights are damaged: {path.name} has {size:,} bytes, and byte {offset + length:,} is asked for"
        raise BadModelError(text, hint="download or copy both files again", name="model-external")
    return path


def _inside(location: str, folder: Path) -> Path:
    shown = location[:_NAME]
    pure = PurePosixPath(location)
    outside = pure.is_absolute() or PureWindowsPath(location).is_absolute() or PureWindowsPath(location).drive
    if not location or outside or ".." in pure.parts or "\\" in location or "*" in location or "\0" in location:
        raise RefusedError(f"its external weights would lie outside its folder: {shown}", name="model-external")
    path = folder
    for part in pure.parts:
        path = path / part
        if path.is_symlink():
            raise RefusedError(
                f"its external weights are a link, which may lead outside: {shown}", name="model-external"
            )
    try:
        status = os.lstat(path)
    except OSError as error:
        text = f"its external weights {shown} were not found beside it"
        raise BadModelError(text, hint="put that file into the same folder", name="model-external") from error
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(f"its external weights are no regular file: {shown}", name="model-external")
    return path


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise BadModelError("where its external weights lie is damaged", name="model-external")
    return int(text)
