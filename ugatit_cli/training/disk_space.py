"""How much of the disk a run needs, known before it writes anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import ResourceError
from ..files import writing
from ..weights.tensor_chunks import tensor_file_bytes
from .best import BEST_WEIGHTS
from .checkpoint_files import STATE, WEIGHTS, Entry, list_checkpoints, manifest_of
from .step import Trainer
from .trainer_state import planned_tensors, state_text

KEPT = 3  # the newest checkpoints; the best one stays beside them


def checkpoint_bytes(trainer: Trainer, environment: Mapping[str, Any] | None = None) -> int:
    """What the files of the next checkpoint hold together, to the byte; before the first step, what they will hold."""
    sizes = {name: tensor_file_bytes(tensors) for name, tensors in planned_tensors(trainer).items()}
    sizes[STATE] = len(state_text(trainer, environment or {}))
    manifest = manifest_of({name: Entry("0" * 64, size) for name, size in sizes.items()})
    return sum(sizes.values()) + len(manifest)


def weights_bytes(trainer: Trainer) -> int:
    """The size of the weights that translate, to a few hundred bytes of metadata."""
    tensors = {
        f"{name}.{key}": tensor.to("meta", torch.float32)
        for name, average in trainer.averages.items()
        for key, tensor in average.module.state_dict().items()
    }
    return tensor_file_bytes(tensors)


def disk_need(trainer: Trainer, kept: int = KEPT) -> int:
    """The most that a run from its start has on the disk at one time, samples and records left out.

    The checkpoints that are kept, the best one and the one being written; the weights, the best ones and those being
    written.
    """
    return (kept + 2) * checkpoint_bytes(trainer) + 3 * weights_bytes(trainer)


def disk_need_of(run: Path, trainer: Trainer) -> int:
    """What a run in this folder needs beside what it has on the disk already; at the least, what one save needs."""
    there = sum(_folder_bytes(folder) for folder in list_checkpoints(run).values())
    there += sum(_file_bytes(run / name) for name in (WEIGHTS, BEST_WEIGHTS))
    return max(disk_need(trainer) - there, checkpoint_bytes(trainer) + weights_bytes(trainer))


def require_space(run: Path, bytes_needed: int) -> None:
    """Raises ResourceError where the disk of `run`, which need not exist yet, has less than that left."""
    place = next((path for path in (run, *run.absolute().parents) if path.exists()), Path("."))
    with writing(run):
        free = shutil.disk_usage(place).free
    if free < bytes_needed:
        started = bool(list_checkpoints(run))
        raise ResourceError(
            f"too little space on the disk of {run}: {in_words(bytes_needed)} are needed and {in_words(free)} are free",
            hint=f"free some space, then: ugatit train --resume {run}"
            if started
            else "free some space, or choose another --out",
            name="disk-full",
        )


def in_words(count: int) -> str:
    """Bytes in the unit that people read: 2.4 GB, 310 MB, 0.4 MB."""
    if count >= 10**9:
        return f"{count / 10**9:.1f} GB"
    return f"{count / 10**6:.0f} MB" if count >= 10**7 else f"{count / 10**6:.1f} MB"


def _folder_bytes(folder: Path) -> int:
    return sum(_file_bytes(folder / name) for name in os.listdir(folder)) if folder.is_dir() else 0


def _file_bytes(path: Path) -> int:
    return path.lstat().st_size if path.is_file() else 0
