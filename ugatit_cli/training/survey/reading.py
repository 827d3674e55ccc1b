"""One picture file -> its facts, several at a time within a bounded memory."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ... import images
from ...errors import UgatitError
from ...images.faults import DECODE_ERRORS, explaining
from ...images.formats import sniff
from ...images.header import open_header
from ...images.regular_file import read_file
from .duplicates import thumbnail
from .facts import Facts

THREADS: Final = min(4, os.cpu_count() or 1)
BYTES_PER_PIXEL: Final = 12  # that decoding holds at once (images.limits)
DECODING_BYTES: Final = (
    images.MAX_PIXELS * BYTES_PER_PIXEL
)  # for all threads together: one picture as large as is allowed
SMALL_FILE: Final = 32 * 2**20  # larger ones are read one at a time
TOO_LARGE: Final = "image-too-large"


def version_of(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds; zeros when the file is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


class Reader:
    """Reads in as many threads as call it. Small pictures go beside each other, a huge one waits until it is alone."""

    def __init__(self) -> None:
        self._free = DECODING_BYTES
        self._changed = threading.Condition()

    def facts(self, path: Path) -> Facts:
        version = version_of(path)
        try:
            return self._read(path, version)
        except UgatitError as error:
            reason = error.message.removeprefix(f"cannot read {path}: ")
            return Facts(path, version, problem=reason, too_large=error.name == TOO_LARGE)

    def _read(self, path: Path, version: tuple[int, int]) -> Facts:
        if version[0] > SMALL_FILE:
            with self._memory(DECODING_BYTES):
                return _measured(path, version, images.read(path).pixels)
        with explaining(str(path)):
            data = read_file(path)
        with self._memory(_claimed_pixels(data) * BYTES_PER_PIXEL):
            return _measured(path, version, images.decode(data, str(path)).pixels)

    @contextmanager
    def _memory(self, wanted: int) -> Iterator[None]:
        """Wait until so many bytes are free; whoever wants more than there are gets all."""
        share = min(wanted, DECODING_BYTES)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


def _claimed_pixels(data: bytes) -> int:
    """From the header. Where it says nothing, as many as are allowed; what is wrong with it, decoding will tell."""
    try:
        width, height = open_header(sniff(data), data).size
    except (UgatitError, Image.DecompressionBombError, *DECODE_ERRORS):
        return images.MAX_PIXELS
    return width * height


def _measured(path: Path, version: tuple[int, int], pixels: images.Pixels) -> Facts:
    height, width = pixels.shape[:2]
    return Facts(path, version, width, height, _fingerprint(pixels), thumbnail(pixels))


def _fingerprint(pixels: images.Pixels) -> str:
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
