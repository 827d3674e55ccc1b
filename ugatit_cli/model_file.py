"""The first look at a model file, before anybody reads it: a regular file, of a sensible size, and not something else."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from .errors import BadModelError, RefusedError, UgatitError, UsageError

MAX_BYTES = 16 << 30  # the official full checkpoint with all six networks is below 3 GB
HEAD_BYTES = 1024
DATA_SUFFIX = ".data"  # behind the name of an ONNX graph: the file that its large weights are in
_WEB_PAGE = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<\?xml)", re.IGNORECASE)
_ONNX = re.compile(
    rb"\x08[\x01-\xff][\x01-\x7f]?[\x12\x1a\x22\x28\x32\x3a\x42]"
)  # ModelProto: ir_version, then another field


@contextmanager
def naming(path: Path, what: str = "model") -> Iterator[None]:
    """Say which file, and `what` it was to be, in the errors of the readers that run inside: their messages are about "it"."""
    try:
        yield
    except BadModelError as error:
        text = f"cannot use the {what} {path}: {error.message}"
        raise BadModelError(text, hint=error.hint, name=error.name) from error
    except RefusedError as error:
        text = f"refused the {what} {path}: {error.message}"
        raise RefusedError(text, hint=error.hint, name=error.name) from error
    except UsageError as error:
        text = f"cannot open the {what} {path}: {error.message}"
        raise UsageError(text, hint=error.hint, name=error.name) from error


def open_model(path: Path) -> BufferedReader:
    """Open `path` for reading if it is a regular file (after links) of a sensible size.

    Raises:
        UsageError: it is not there.
        BadModelError: a folder, pipe, device or empty file, or one that cannot be read.
        RefusedError: larger than any model.
    """
    try:
        status = path.stat()
        _check_status(status)
        return path.open("rb")
    except OSError as error:
        raise _open_error(path, error) from error


def _check_status(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        hint = "one with weights.safetensors, model.onnx or a single TensorFlow checkpoint in it works, too"
        raise BadModelError("it is a folder, and a model is one file", hint=hint, name="model-not-a-file")
    if not stat.S_ISREG(status.st_mode):
        raise BadModelError("it is not a regular file", name="model-not-a-file")
    if status.st_size == 0:
        raise BadModelError("it is empty (0 bytes)", hint="download or copy it again", name="model-empty")
    if status.st_size > MAX_BYTES:
        raise RefusedError(f"it has {status.st_size >> 30} GiB, more than any model", name="model-too-large")


def _open_error(path: Path, error: OSError) -> UgatitError:
    if error.errno == errno.ELOOP:
        return BadModelError("it is a link that leads back to itself", name="model-not-a-file")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        what = "its link leads to a file that does not exist" if path.is_symlink() else "the file does not exist"
        return UsageError(what, name="model-missing")
    return BadModelError(f"it cannot be read: {(error.strerror or str(error)).lower()}", name="model-unreadable")


def looks_like_graph(head: bytes) -> bool:
    """Whether a file that begins so may be an ONNX graph; other formats begin otherwise."""
    return _ONNX.match(head) is not None


def known_stranger(head: bytes) -> BadModelError | None:
    """What people download in place of a model, if the file begins so."""
    if head.startswith(b"version https://git-lfs."):
        text = "it is a Git LFS pointer: the model itself was never fetched"
        return BadModelError(text, hint="run `git lfs pull` in the repository it came from", name="model-lfs-pointer")
    if _WEB_PAGE.match(head):
        text = "it is a web page (HTML), not a model"
        return BadModelError(text, hint="download the model itself, not the page that shows it", name="model-web-page")
    return None
