"""A folder of tensors that is whole or not there: written under a hidden name, promised by a manifest, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ..errors import BadModelError
from ..files import write_error, writing

MANIFEST = "MANIFEST.json"
CHUNK = 2**22
LARGEST_MANIFEST = 2**20  # bytes; ours has a few hundred

Contents = Mapping[str, Mapping[str, Tensor] | bytes]


def write_folder(target: Path, contents: Contents) -> None:
    """The files of `contents` (tensors become safetensors), and last the manifest with their sizes and digests.

    Raises:
        OutputError, ResourceError: it cannot be written; `target` is as it was.
    """
    building = target.parent / f".{target.name}.building"
    with writing(target):
        for left in target.parent.glob(".step-*.building"):  # by this save's killed predecessors
            shutil.rmtree(left)
        building.mkdir(parents=True)
        for name, content in contents.items():
            _write(building / name, content)
        manifest = {name: _entry(building / name) for name in contents}
        _write(building / MANIFEST, json.dumps(manifest, indent=1).encode())
        _sync(building)
        if target.exists():
            shutil.rmtree(target)
        os.replace(building, target)
        _sync(target.parent)


def check_folder(folder: Path, names: set[str]) -> None:
    """Whether the folder has exactly the files `names`, each as the manifest promised it.

    Raises:
        BadModelError: it has not.
    """
    if not _is_whole(folder, names):
        raise BadModelError(f"checkpoint {folder.name} is damaged", name="checkpoint-damaged")


def _is_whole(folder: Path, names: set[str]) -> bool:
    """The names come from us and not from the manifest, so that no other file is ever opened."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            return False
        manifest = json.loads(path.read_bytes())
        return isinstance(manifest, dict) and manifest == {name: _entry(folder / name) for name in names}
    except (OSError, ValueError, RecursionError):  # JSON may be nested deeper than Python can follow
        return False


def _write(path: Path, content: Mapping[str, Tensor] | bytes) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        try:
            save_file(dict(content), path)
        except SafetensorError as error:  # the only sign of a full disk is in its words
            full = "os error 28" in str(error) or "No space" in str(error)
            raise write_error(path, OSError(errno.ENOSPC if full else errno.EIO, str(error))) from error
    _sync(path)


def _entry(path: Path) -> dict[str, str | int]:
    """Read back from the disk, a part at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
