"""RUN/step-00001200/: all that a run needs to go on bit for bit, or nothing at all.

A checkpoint is built under a hidden name, its manifest written last, and renamed when it is whole, so a kill at any
moment leaves either the whole folder or none. Random states and the position in the data need no file: the order of
the pictures and every augmentation are functions of the seed, the order's number and the step.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from .. import __version__
from ..errors import BadModelError, DivergedError, ResourceError, UsageError
from ..files import write_atomically, writing
from .checkpoint_files import Contents, check_folder, write_folder
from .config import TrainConfig
from .step import Trainer

KEPT = 3
WEIGHTS = "weights.safetensors"  # RUN/weights.safetensors: the running averages, which translate
NETWORKS = "networks.safetensors"
AVERAGES = "averages.safetensors"
GENERATOR_OPTIMIZER = "generator_optimizer.safetensors"
DISCRIMINATOR_OPTIMIZER = "discriminator_optimizer.safetensors"
STATE = "state.json"
FILES = {NETWORKS, AVERAGES, GENERATOR_OPTIMIZER, DISCRIMINATOR_OPTIMIZER, STATE}
SPARE = 2**20  # bytes for headers, manifests and what else is small


def save_checkpoint(
    run: Path, trainer: Trainer, environment: Mapping[str, str], *, keep: frozenset[int] = frozenset()
) -> Path:
    """Write the trainer's whole state; returns the checkpoint's folder. Older ones beyond the last three go, except `keep`.

    Raises:
        DivergedError: a weight is not finite; nothing is written then, and no older checkpoint goes.
        OutputError, ResourceError: it cannot be written.
    """
    require_finite(trainer)
    target = run / f"step-{trainer.step:08d}"
    require_space(run, checkpoint_bytes(trainer))
    write_folder(target, _contents(trainer, environment))
    check_folder(target, FILES)
    with writing(run):
        for old in checkpoints(run)[:-KEPT]:
            if step_of(old) not in keep:
                shutil.rmtree(old)
    return target


def require_finite(trainer: Trainer) -> None:
    """Raises DivergedError, with the name of the first weight that is not."""
    for name, tensor in trainer.networks.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise diverged(trainer.step, name)


def diverged(step: int, what: str) -> DivergedError:
    return DivergedError(
        f"training diverged at step {step}: {what} is not finite; the last checkpoint is kept",
        hint="start from its weights with a lower rate: ugatit train --a A --b B --base RUN --learning-rate 5e-5",
        name="training-diverged",
    )


def require_space(run: Path, needed: int) -> None:
    """Raises ResourceError when the disk of `run` has less than `needed` bytes left."""
    with writing(run):
        free = shutil.disk_usage(next(place for place in (run, *run.absolute().parents) if place.exists())).free
    if free < needed:
        raise ResourceError(
            f"{run} needs {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free",
            hint="free some space, or name another disk with --out; finished checkpoints are kept",
            name="disk-too-small",
        )


def checkpoint_bytes(trainer: Trainer) -> int:
    """How large a checkpoint of this trainer is, to a few kilobytes: Adam keeps two numbers for each that learns."""
    networks = sum(tensor.nbytes for tensor in trainer.networks.state_dict().values())
    optimisers = (trainer.generator_optimizer, trainer.discriminator_optimizer)
    adam = sum(2 * parameter.nbytes for optimiser in optimisers for parameter in optimiser.param_groups[0]["params"])
    total: int = networks + adam + _average_bytes(trainer) + SPARE
    return total


def disk_need(trainer: Trainer) -> int:
    """Bytes for a whole run: the checkpoints that are kept, the best one, one that is being written, and two of weights."""
    return (KEPT + 2) * checkpoint_bytes(trainer) + 2 * _average_bytes(trainer)


def load_checkpoint(run: Path, trainer: Trainer) -> list[str]:
    """Bring `trainer` to the newest undamaged checkpoint of `run`; returns a sentence per damaged one passed over.

    Raises:
        BadModelError: there is none.
    """
    folder, warnings = _newest(run)
    _restore(trainer, folder)
    return warnings


def read_newest_networks(run: Path) -> dict[str, torch.Tensor]:
    """The six networks of the newest undamaged checkpoint, for another run to start from."""
    folder, _ = _newest(run)
    return load_file(folder / NETWORKS)


def read_config(run: Path) -> TrainConfig:
    """The settings that the run was started with."""
    path = run / "config.json"
    if not run.exists():
        raise UsageError(f"the run {run} does not exist", hint="check the path", name="run-missing")
    try:
        return TrainConfig.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadModelError(
            f"{run} is not a training run: {path.name} is missing or damaged", name="run-damaged"
        ) from error


def write_config(run: Path, config: TrainConfig) -> None:
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    write_atomically(run / "config.json", config.model_dump_json(indent=1).encode())


def checkpoints(run: Path) -> list[Path]:
    """The folders of all checkpoints, the newest last."""
    return sorted(run.glob("step-????????"))


def step_of(folder: Path) -> int:
    digits = folder.name.removeprefix("step-")
    return int(digits) if digits.isdecimal() else -1


def _newest(run: Path) -> tuple[Path, list[str]]:
    """The newest whole checkpoint, and a sentence for each damaged one that was passed over."""
    warnings: list[str] = []
    for folder in reversed(checkpoints(run)):
        try:
            check_folder(folder, FILES)
        except BadModelError as error:
            warnings.append(error.message)
        else:
            return folder, warnings
    raise BadModelError(
        f"{run} holds no undamaged checkpoint", hint="start anew with --out another folder", name="checkpoint-none"
    )


def _contents(trainer: Trainer, environment: Mapping[str, str]) -> Contents:
    averages = {
        f"{name}.{key}": value
        for name, average in trainer.averages.items()
        for key, value in average.state_dict().items()
    }
    return {
        NETWORKS: trainer.networks.state_dict(),
        AVERAGES: averages,
        GENERATOR_OPTIMIZER: _optimizer_tensors(trainer.generator_optimizer),
        DISCRIMINATOR_OPTIMIZER: _optimizer_tensors(trainer.discriminator_optimizer),
        STATE: _state(trainer, environment),
    }


def _average_bytes(trainer: Trainer) -> int:
    return sum(tensor.nbytes for average in trainer.averages.values() for tensor in average.state_dict().values())


def _state(trainer: Trainer, environment: Mapping[str, str]) -> bytes:
    state: dict[str, Any] = {
        "step": trainer.step,
        "order": trainer.order,
        "scaler": trainer.scaler_state,
        "config": json.loads(trainer.config.model_dump_json()),
        "environment": {"ugatit": __version__, **environment},
    }
    return json.dumps(state, indent=1).encode()


def _restore(trainer: Trainer, folder: Path) -> None:
    """Raises BadModelError for a checkpoint that is whole, but of another shape than the run's settings say."""
    try:
        state = json.loads((folder / STATE).read_bytes())
        trainer.networks.load_state_dict(load_file(folder / NETWORKS))
        _load_averages(trainer, load_file(folder / AVERAGES))
        _load_optimizer(trainer.generator_optimizer, load_file(folder / GENERATOR_OPTIMIZER))
        _load_optimizer(trainer.discriminator_optimizer, load_file(folder / DISCRIMINATOR_OPTIMIZER))
        trainer.step, trainer.order = state["step"], state.get("order", 0)
        trainer.scaler_state = state.get("scaler")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BadModelError(
            f"checkpoint {folder.name} does not fit the settings in config.json", name="checkpoint-does-not-fit"
        ) from error


def _load_averages(trainer: Trainer, tensors: dict[str, torch.Tensor]) -> None:
    for name, average in trainer.averages.items():
        prefix = f"{name}."
        mine = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        average.load_state_dict(mine)


def _optimizer_tensors(optimizer: torch.optim.Adam) -> dict[str, torch.Tensor]:
    """Adam's state as flat tensors `<parameter number>.<exp_avg|exp_avg_sq|step>`."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{key}": value for number, values in state.items() for key, value in values.items()}


def _load_optimizer(optimizer: torch.optim.Adam, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
