"""A checkpoint's folder: its place in the run, its files, and the manifest that tells whether they are whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from ..errors import BadModelError
from ..files import write_atomically

MANIFEST = "MANIFEST.json"
WEIGHTS = "weights.safetensors"  # RUN/weights.safetensors: the running averages, which translate
NETWORKS = "networks.safetensors"
AVERAGES = "averages.safetensors"
GENERATOR_OPTIMIZER = "generator_optimizer.safetensors"
DISCRIMINATOR_OPTIMIZER = "discriminator_optimizer.safetensors"
STATE = "state.json"
REQUIRED = {NETWORKS, AVERAGES, GENERATOR_OPTIMIZER, DISCRIMINATOR_OPTIMIZER, STATE}

MAX_TEXT_BYTES = 1 << 20  # of a JSON file: ours have a few KB
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+\.[a-z]+")
_NAMED = re.compile(r"step-(\d{8,12})")
_REPLACED = re.compile(r"\.step-(\d{8,12})\.replaced")
_LEFT_OVER = re.compile(r"\.step-\d{8,12}\.(building|removing)")


@dataclass(frozen=True)
class Entry:
    """What the manifest promises of one file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


_MANIFESTS = TypeAdapter(dict[str, Entry])


# ------------------------------------------------------------------------------------------------------- places


def checkpoint_folder(run: Path, step: int) -> Path:
    return run / f"step-{step:08d}"


def hidden_beside(target: Path, purpose: str) -> Path:
    """Where a checkpoint is while it is `building`, being `replaced` by another of the same step, or `removing`."""
    return target.parent / f".{target.name}.{purpose}"


def list_checkpoints(run: Path) -> dict[int, Path]:
    """The checkpoints by step, the oldest first, whole or not.

    One that was set aside to be replaced counts for as long as the other one has not come.
    """
    names = sorted(os.listdir(run)) if run.is_dir() else []
    found = {
        int(match[1]): run / name
        for pattern in (_REPLACED, _NAMED)
        for name in names
        if (match := pattern.fullmatch(name))
    }
    return dict(sorted(found.items()))


def remove_checkpoint(folder: Path) -> None:
    """First out of sight, so that a kill leaves no half of it under its name."""
    away = hidden_beside(folder, "removing") if not folder.name.startswith(".") else folder
    if away != folder:
        os.replace(folder, away)
    if away.is_symlink() or not away.is_dir():
        away.unlink()
    else:
        shutil.rmtree(away)


def remove_left_overs(run: Path) -> None:
    """What killed runs were building or removing (call it under the run's lock)."""
    for name in os.listdir(run) if run.is_dir() else []:
        replaced = _REPLACED.fullmatch(name)
        if _LEFT_OVER.fullmatch(name) or (replaced and os.path.lexists(checkpoint_folder(run, int(replaced[1])))):
            remove_checkpoint(run / name)


# -------------------------------------------------------------------------------------------------------- files


def write_file(path: Path, chunks: Iterable[bytes | memoryview]) -> Entry:
    """A new file on the disk; its digest is that of the bytes in memory, so that reading it back proves something."""
    digest, count = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            count += len(chunk)
        file.flush()
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # so that it is the disk that is read back, not the memory of the system
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return Entry(digest.hexdigest(), count)


def manifest_of(entries: Mapping[str, Entry]) -> bytes:
    return json.dumps({name: asdict(entry) for name, entry in entries.items()}, indent=1).encode()


def write_manifest(folder: Path, entries: Mapping[str, Entry]) -> None:
    """The last file; after it the folder's names are on the disk, too."""
    write_atomically(folder / MANIFEST, manifest_of(entries))


def verify(folder: Path) -> None:
    """Read every file of a checkpoint and compare it with the manifest.

    Nothing outside the folder is opened, whatever the manifest says or links point to.

    Raises:
        BadModelError: a file is missing, has changed, or is not a file.
    """
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise BadModelError("it is not a folder")
        for name, entry in _read_manifest(folder).items():
            _verify_file(folder / name, entry)
    except (OSError, BadModelError) as error:
        reason = error.message if isinstance(error, BadModelError) else (error.strerror or str(error)).lower()
        raise BadModelError(f"checkpoint {folder.name} is damaged: {reason}", name="checkpoint-damaged") from error


def _read_manifest(folder: Path) -> dict[str, Entry]:
    try:
        manifest = _MANIFESTS.validate_json(read_text_file(folder / MANIFEST))
    except ValueError as error:
        raise BadModelError(f"{MANIFEST} is not a list of files") from error
    if not all(_PLAIN_NAME.fullmatch(name) for name in manifest):
        raise BadModelError(f"{MANIFEST} has a name that is not a plain file's")
    if missing := sorted(REQUIRED - manifest.keys()):
        raise BadModelError(f"{missing[0]} is not in {MANIFEST}")
    return manifest


def read_text_file(path: Path) -> bytes:
    """The bytes of a small regular file. Raises BadModelError where it is something else, or cannot be read."""
    if _size_of(path) > MAX_TEXT_BYTES:
        raise BadModelError(f"{path.name} is too large")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _verify_file(path: Path, entry: Entry) -> None:
    size = _size_of(path)
    if size != entry.bytes:
        raise BadModelError(f"{path.name} has {size:,} bytes, and {entry.bytes:,} were written")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if digest != entry.sha256:
        raise BadModelError(f"{path.name} does not match its checksum")


def _size_of(path: Path) -> int:
    """Of a regular file: opening a pipe would wait for ever, and a link may lead anywhere."""
    try:
        status = path.lstat()
    except FileNotFoundError as error:
        raise BadModelError(f"{path.name} is missing") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise BadModelError(f"{path.name} is not a regular file")
    return status.st_size


def _unreadable(path: Path, error: OSError) -> BadModelError:
    return BadModelError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}")
