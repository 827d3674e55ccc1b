"""A trainer's whole state as the files of a checkpoint, and back.

Random states need no file: the order of the pictures and every augmentation are pure functions of the seed, the order's
number and the step, so these three numbers are the data position.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from .. import __version__
from ..errors import BadModelError
from .checkpoint_files import (
    AVERAGES,
    DISCRIMINATOR_OPTIMIZER,
    GENERATOR_OPTIMIZER,
    NETWORKS,
    STATE,
    read_text_file,
)
from .step import Trainer
from .tensor_file import TensorFile, open_tensors

MOMENTS = ("exp_avg", "exp_avg_sq", "step")  # Adam's state of one parameter
MOST_STEPS = 10**12
_MOMENT_NAME = re.compile(r"(\d{1,6})\.(exp_avg|exp_avg_sq|step)")


class _State(BaseModel):
    """What is read of state.json; the rest of it is for people. Defaults are for checkpoints from before a field."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int = Field(ge=0, lt=MOST_STEPS)
    order: int = Field(0, ge=0, lt=2**31)
    untranslated_steps: int = Field(0, ge=0, lt=MOST_STEPS)
    scaler: dict[str, int | float] | None = None


def state_text(trainer: Trainer, environment: Mapping[str, Any]) -> bytes:
    """state.json; of `environment`, what JSON does not know becomes text."""
    config = trainer.config
    state: dict[str, Any] = {
        "step": trainer.step,
        "order": trainer.order,
        "untranslated_steps": trainer.untranslated_steps,
        "data_position": {"seed": config.seed, "order": trainer.order, "next_step": trainer.step + 1},
        "scaler": trainer.scaler_state,
        "config": json.loads(config.model_dump_json()),
        "versions": {"ugatit": __version__, "torch": torch.__version__},
        "environment": dict(environment),
    }
    return json.dumps(state, indent=1, default=str).encode()


def tensors_by_file(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    """Every tensor of the state, the trainer's own, by file and name."""
    return {
        NETWORKS: trainer.networks.state_dict(),
        AVERAGES: _average_tensors(trainer),
        GENERATOR_OPTIMIZER: _moments(trainer.generator_optimizer),
        DISCRIMINATOR_OPTIMIZER: _moments(trainer.discriminator_optimizer),
    }


def planned_tensors(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    """As `tensors_by_file`, with stand-ins of no memory for the moments that the first step will make."""
    tensors = tensors_by_file(trainer)
    for file, optimizer in _optimizers(trainer).items():
        tensors[file] = _expected_moments(optimizer) | tensors[file]
    return tensors


def restore(trainer: Trainer, folder: Path) -> None:
    """Bring `trainer` to the state in a checkpoint that was verified. It is changed only after everything was found to fit.

    Raises:
        BadModelError: a file does not hold what this trainer needs.
    """
    try:
        state = _read_state(folder)
        _check_scaler(state.scaler, trainer.scaler_state)
        _restore_tensors(trainer, folder)
    except BadModelError as error:
        text = f"checkpoint {folder.name} does not fit this run: {error.message}"
        raise BadModelError(text, name="checkpoint-does-not-fit") from error
    trainer.step, trainer.order, trainer.untranslated_steps = state.step, state.order, state.untranslated_steps
    if state.scaler is not None and trainer.scaler_state is not None:
        trainer.scaler_state = state.scaler


def _read_state(folder: Path) -> _State:
    try:
        return _State.model_validate_json(read_text_file(folder / STATE))
    except ValueError as error:
        raise BadModelError(f"{STATE} does not describe a trainer") from error


def _check_scaler(saved: dict[str, int | float] | None, ours: dict[str, Any] | None) -> None:
    if saved is not None and ours is not None and saved.keys() != ours.keys():
        raise BadModelError(f"the loss scale in {STATE} has other fields")


def _restore_tensors(trainer: Trainer, folder: Path) -> None:
    modules = {NETWORKS: trainer.networks.state_dict(), AVERAGES: _average_tensors(trainer)}
    moments: dict[str, dict[str, Tensor]] = {}
    for name, targets in modules.items():
        with open_tensors(folder / name) as file:
            file.check_fit(targets)
    for name, optimizer in _optimizers(trainer).items():
        with open_tensors(folder / name) as file:
            moments[name] = _room_for_moments(file, optimizer)
    for name, targets in (modules | moments).items():
        with open_tensors(folder / name) as file:
            file.copy_into(targets)
    for name, optimizer in _optimizers(trainer).items():
        _load_moments(optimizer, moments[name])


def _average_tensors(trainer: Trainer) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": tensor
        for name, average in trainer.averages.items()
        for key, tensor in average.state_dict().items()
    }


def _optimizers(trainer: Trainer) -> dict[str, torch.optim.Optimizer]:
    return {
        GENERATOR_OPTIMIZER: trainer.generator_optimizer,
        DISCRIMINATOR_OPTIMIZER: trainer.discriminator_optimizer,
    }


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Adam's state as flat tensors `<parameter number>.<exp_avg|exp_avg_sq|step>`."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{key}": tensor for number, values in state.items() for key, tensor in values.items()}


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _expected_moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Of the parameters that learn, on no device."""
    return {
        f"{number}.{key}": _room_for_moment(key, parameter, "meta")
        for number, parameter in enumerate(_parameters(optimizer))
        if parameter.requires_grad
        for key in MOMENTS
    }


def _room_for_moments(file: TensorFile, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A tensor for each moment in the file; parameters that never learned have none there.

    Raises:
        BadModelError: the file's moments are not those of this optimiser's parameters.
    """
    parameters, room = _parameters(optimizer), dict[str, Tensor]()
    numbers = set()
    for name in file.tensors:
        match = _MOMENT_NAME.fullmatch(name)
        if match is None or int(match[1]) >= len(parameters):
            raise BadModelError(f"{name[:80]} is not expected in it")
        parameter = parameters[int(match[1])]
        room[name] = _room_for_moment(match[2], parameter, parameter.device)
        numbers.add(match[1])
    if len(room) != len(numbers) * len(MOMENTS):
        raise BadModelError("some of its tensors are missing")
    file.check_fit(room)
    return room


def _room_for_moment(key: str, parameter: Tensor, device: torch.device | str) -> Tensor:
    """Laid out in memory as the parameter is: the fused optimiser walks over both side by side."""
    if key == "step":
        return torch.empty((), dtype=torch.float32, device=device)
    return torch.empty_like(parameter, device=device, requires_grad=False)


def _load_moments(optimizer: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in moments.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
