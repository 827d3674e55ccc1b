"""Weights that a graph keeps in other files: only regular ones, inside its own folder, as long as it says."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from onnx import GraphProto, TensorProto

from ..errors import BadModelError, RefusedError
from .tensors import is_external, stored_bytes, tensors_of

_KEYS = {"location", "offset", "length", "checksum"}
_NAME = 80  # of what a message repeats
_AGAIN = "download or copy both files again"
_TOGETHER = "put the graph and that file themselves, not links to them, into one folder"


def check_external_data(graph: GraphProto, folder: Path) -> frozenset[Path]:
    """The files that hold the graph's weights.

    Raises:
        RefusedError: one lies outside `folder`, is a link, or is named in a way that is no file's name.
        BadModelError: one is missing or too short.
    """
    return frozenset(_check(tensor, folder) for tensor in tensors_of(graph) if is_external(tensor))


def read_external(tensor: TensorProto, folder: Path) -> bytes:
    """The numbers of one that `is_external`, as they are stored. Raises as `check_external_data` does."""
    path = _check(tensor, folder)
    with path.open("rb") as file:
        file.seek(_number(_entries(tensor).get("offset", "0")))
        return file.read(stored_bytes(tensor))


def _check(tensor: TensorProto, folder: Path) -> Path:
    entries = _entries(tensor)
    path = _inside(entries.get("location", ""), folder)
    needed = stored_bytes(tensor)
    offset, length = _number(entries.get("offset", "0")), _number(entries.get("length", str(needed)))
    if length != needed:
        text = f"{length:,} bytes of {path.name[:_NAME]} are to fill a tensor of {needed:,}"
        raise BadModelError(f"its external weights are damaged: {text}", hint=_AGAIN, name="model-external")
    size = path.stat().st_size
    if offset + length > size:
        text = f"{path.name[:_NAME]} has {size:,} bytes, and byte {offset + length:,} is asked for"
        raise BadModelError(f"its external weights are damaged: {text}", hint=_AGAIN, name="model-external")
    return path


def _entries(tensor: TensorProto) -> dict[str, str]:
    """One value each: where a setting comes twice, programs do not agree on which one counts."""
    found = [(entry.key, entry.value) for entry in tensor.external_data]
    if not all(
        isinstance(text, str) for entry in found for text in entry
    ):  # protobuf gives bytes where they are not UTF-8
        raise BadModelError("where its external weights lie is damaged: it is no text", name="model-external")
    strange = sorted(key for key, _ in found if key not in _KEYS)
    if strange:
        text = f"its external data has a setting that nobody knows: {strange[0][:_NAME]}"
        raise RefusedError(text, name="model-external")
    if len(dict(found)) != len(found):
        raise RefusedError("its external data has a setting twice", name="model-external")
    return dict(found)


def _inside(location: str, folder: Path) -> Path:
    shown = location[:_NAME]
    pure = PurePosixPath(location)
    outside = pure.is_absolute() or PureWindowsPath(location).is_absolute() or PureWindowsPath(location).drive
    if not location or outside or ".." in pure.parts or "\\" in location or "*" in location or "\0" in location:
        raise RefusedError(f"its external weights would lie outside its folder: {shown}", name="model-external")
    path = folder
    try:
        for part in pure.parts:
            path = path / part
            if stat.S_ISLNK(os.lstat(path).st_mode):
                text = f"its external weights are a link, which may lead outside: {shown}"
                raise RefusedError(text, hint=_TOGETHER, name="model-external")
        status = os.lstat(path)
    except OSError as error:
        text = f"its external weights {shown} were not found beside it: {(error.strerror or str(error)).lower()}"
        raise BadModelError(text, hint=_TOGETHER, name="model-external") from error
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(f"its external weights are no regular file: {shown}", name="model-external")
    return path


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise BadModelError("where its external weights lie is damaged", name="model-external")
    return int(text)
