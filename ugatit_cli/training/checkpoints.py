"""RUN/step-00001200/: all that a run needs to go on bit for bit, or nothing at all.

A checkpoint is built under a hidden name, its manifest last, read back, and renamed when it is whole, so a kill at any
moment leaves either the whole folder or none; only then older ones go. In a run of several processes the first one
writes; all of them may read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..errors import BadModelError, DivergedError, OutputError
from ..files import sync_folder as sync_folder
from ..files import writing
from ..weights.tensor_chunks import tensor_file_chunks
from .best import Best, best_warnings, read_best, write_best
from .checkpoint_files import (
    NETWORKS,
    STATE,
    WEIGHTS,
    checkpoint_folder,
    hidden_beside,
    list_checkpoints,
    remove_checkpoint,
    remove_left_overs,
    verify,
    write_file,
    write_manifest,
)
from .disk_space import KEPT, checkpoint_bytes, disk_need, disk_need_of, require_space
from .run_config import CONFIG, read_config, write_config
from .run_lock import hold
from .step import Trainer
from .tensor_file import load_tensors
from .trainer_state import restore, state_text, tensors_by_file

__all__ = [
    "WEIGHTS",
    "checkpoint_bytes",
    "checkpoints",
    "disk_need",
    "disk_need_of",
    "diverged",
    "hold",
    "load_checkpoint",
    "read_config",
    "read_newest_networks",
    "record_best",
    "require_space",
    "save_checkpoint",
    "write_config",
]

Read = TypeVar("Read")


def save_checkpoint(run: Path, trainer: Trainer, environment: Mapping[str, Any] | None = None) -> Path:
    """Write the trainer's whole state; returns the checkpoint's folder.

    The newest three and the best one stay; older ones go, and so do those of later steps, which the run could not use.

    Raises:
        DivergedError: a weight is not finite; nothing is written then, and no older checkpoint goes.
        ResourceError: the disk is too full; no older checkpoint goes.
        OutputError: it cannot be written.
    """
    require_finite(trainer)
    target = checkpoint_folder(run, trainer.step)
    with writing(target):
        remove_left_overs(run)
        require_space(run, checkpoint_bytes(trainer, environment))
        building = hidden_beside(target, "building")
        try:
            _build(building, trainer, environment or {})
            _put_in_place(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        _rotate(run, trainer.step)
    return target


def require_finite(trainer: Trainer) -> None:
    """Raises DivergedError where a weight is not finite."""
    for name, tensor in trainer.networks.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise diverged(trainer.step, name)


def diverged(step: int, what: str) -> DivergedError:
    return DivergedError(
        f"training diverged at step {step}: {what} is not finite; the last checkpoint is kept",
        hint="start from its weights with a lower rate: ugatit train --a A --b B --base RUN --learning-rate 5e-5",
        name="training-diverged",
    )


def diverged_at_once(trouble: DivergedError, run: Path) -> DivergedError:
    """What is said where there is no checkpoint yet."""
    what = trouble.message.partition(";")[0]
    hint = f"remove {run}, and start anew with a lower --learning-rate, or lower weights of the losses"
    return DivergedError(f"{what}, before the first checkpoint", hint=hint, name=trouble.name)


def _build(folder: Path, trainer: Trainer, environment: Mapping[str, Any]) -> None:
    """The files, last the manifest that promises them; all of it on the disk, and read back."""
    folder.mkdir(parents=True)
    entries = {
        name: write_file(folder / name, tensor_file_chunks(tensors))
        for name, tensors in tensors_by_file(trainer).items()
    }
    entries[STATE] = write_file(folder / STATE, [state_text(trainer, environment)])
    write_manifest(folder, entries)
    try:
        verify(folder)
    except BadModelError as error:
        text = f"cannot write {folder.parent}: what was written there reads back otherwise ({error.message})"
        raise OutputError(text, hint="check the disk", name="output-unreliable") from error


def _put_in_place(building: Path, target: Path) -> None:
    """Give the folder its name. One that has it already is set aside, and counts until then."""
    aside = hidden_beside(target, "replaced")
    if os.path.lexists(target):
        if os.path.lexists(aside):
            remove_checkpoint(aside)
        os.replace(target, aside)
    try:
        os.replace(building, target)
    except OSError:
        if os.path.lexists(aside):
            os.replace(aside, target)
        raise
    sync_folder(target.parent)
    if os.path.lexists(aside):
        remove_checkpoint(aside)


def _rotate(run: Path, step: int) -> None:
    """Later steps go, too: their checkpoints were damaged, or are of an order of pictures that was given up."""
    best = read_best(run)
    folders = list_checkpoints(run)
    kept = {*[known for known in folders if known <= step][-KEPT:], best.step if best else step}
    for known, folder in folders.items():
        if known not in kept:
            remove_checkpoint(folder)


def record_best(
    run: Path,
    trainer: Trainer,
    score: float,
    protocol: str,
    *,
    metric: str = "kid",
    environment: Mapping[str, Any] | None = None,
) -> None:
    """Make the trainer's step the best one: its checkpoint stays for good, its weights become best.safetensors.

    A kill at any moment leaves the former best or the new one, with its checkpoint. The former one's checkpoint goes,
    unless it is among the newest three, when the next one is saved.

    Raises:
        DivergedError, ResourceError, OutputError: as `save_checkpoint` does.
    """
    if not _is_whole(checkpoint_folder(run, trainer.step)):
        save_checkpoint(run, trainer, environment)
    write_best(run, Best(trainer.step, score, protocol, metric), trainer)


def _is_whole(folder: Path) -> bool:
    try:
        verify(folder)
    except BadModelError:
        return False
    return True


def checkpoints(run: Path) -> list[Path]:
    """The folders of all checkpoints, whole or not, the newest last."""
    return list(list_checkpoints(run).values())


def load_checkpoint(run: Path, trainer: Trainer) -> list[str]:
    """Bring `trainer` to the newest undamaged checkpoint of `run`. Nothing is written.

    Returns:
        A sentence for each newer checkpoint that was passed over, and for a damaged record of the best step.

    Raises:
        BadModelError: there is none.
    """
    _, warnings = _from_newest(run, lambda folder: restore(trainer, folder))
    return warnings + best_warnings(run)


def read_newest_networks(run: Path) -> dict[str, torch.Tensor]:
    """The six networks of the newest undamaged checkpoint, for another run to start from.

    Raises:
        BadModelError: there is none.
    """
    networks, _ = _from_newest(run, lambda folder: load_tensors(folder / NETWORKS))
    return networks


def _from_newest(run: Path, read: Callable[[Path], Read]) -> tuple[Read, list[str]]:
    """What `read` makes of the newest checkpoint that is whole, and a sentence for each one that was passed over."""
    warnings: list[str] = []
    hint = "remove it and start anew, or start with --out another folder"
    try:
        folders = list_checkpoints(run)
    except OSError as error:
        text = f"{run} cannot be read: {(error.strerror or str(error)).lower()}"
        raise BadModelError(text, name="run-unreadable") from error
    for folder in reversed(folders.values()):
        try:
            verify(folder)
            return read(folder), warnings
        except BadModelError as error:
            warnings.append(error.message)
            if error.name == "checkpoint-does-not-fit":
                hint = f"put the settings in {run / CONFIG} back as they were"
    reason = (
        f"undamaged checkpoint: {warnings[0]}" if warnings else "checkpoint: it ended before its first (--save-every)"
    )
    raise BadModelError(
        f"{run} holds no {reason}",
        hint=hint,
        name="checkpoint-none",
    )
