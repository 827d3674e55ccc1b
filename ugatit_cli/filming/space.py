"""Whether the disk will hold the film: guessed before it begins, reckoned from what was written while it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import ResourceError
from ..pipeline.preflight import LEAST_BYTES
from .work import Work

LEAST_BITS_A_PIXEL = 0.01  # drawings in good quality take several times as much: only what is hopeless is refused


def check_hopeless(folder: Path, pixels: int, frames: int | None) -> None:
    """`pixels` of one frame, all films together. Raises ResourceError where the disk is far too small."""
    need = max(LEAST_BYTES, round(2 * pixels * (frames or 0) * LEAST_BITS_A_PIXEL / 8))
    _require(folder, need)


def check_room(folder: Path, work: Work, frames: int | None) -> None:
    """Before another segment: room for the rest, and for the joined film beside the segments.

    Raises:
        ResourceError: the disk will be full before the end; what is finished stays.
    """
    if not work.frames:
        return
    written = work.bytes
    total = round(written * max(frames or 0, work.frames) / work.frames)
    _require(folder, 2 * total - written)


def _require(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need:
        text = f"the disk of {folder} has {free >> 20} MB left, and the film needs about {need >> 20} MB"
        hint = "free some space and run the same command again: it goes on where it stopped"
        raise ResourceError(text, hint=hint, name="disk-full")
