"""RUN/best.json and RUN/best.safetensors: which step was the best, and its weights that translate."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field, TypeAdapter
from torch import Tensor

from .. import weights
from ..config import Direction, GeneratorConfig
from ..errors import BadModelError
from ..files import write_atomically
from .checkpoint_files import AVERAGES, checkpoint_folder, read_text_file, verify
from .step import Trainer
from .tensor_file import load_tensors, open_tensors

BEST = "best.json"
BEST_WEIGHTS = "best.safetensors"
STEPS = "trained_steps"  # in the metadata of the weights


@dataclass(frozen=True)
class Best:
    """The step whose score was the lowest so far; scores of another protocol or metric are no rivals."""

    step: Annotated[int, Field(ge=1, lt=10**12)]
    score: Annotated[float, Field(allow_inf_nan=False)]
    protocol: str
    metric: str


_BEST = TypeAdapter(Best)


def read_best(run: Path) -> Best | None:
    """The best step so far; none where nothing was recorded, or the record is damaged (`best_warnings` tells)."""
    try:
        return _BEST.validate_json(read_text_file(run / BEST))
    except (ValueError, BadModelError):
        return None


def best_warnings(run: Path) -> list[str]:
    """A sentence if best.json is there and cannot be used."""
    if not (run / BEST).exists() or read_best(run) is not None:
        return []
    return [f"{run / BEST} is damaged: the next evaluation chooses the best step anew"]


def write_best(run: Path, best: Best, trainer: Trainer) -> None:
    """Make the trainer's step the best one; its checkpoint is whole already.

    The record is first: a kill before the weights leaves the former ones, and `mend_best` makes the new ones out of
    the checkpoint.
    """
    write_atomically(run / BEST, json.dumps(asdict(best), indent=1).encode())
    save_weights(run / BEST_WEIGHTS, trainer)


def save_weights(path: Path, trainer: Trainer) -> None:
    """The running averages as weights that translate, both directions."""
    averages = {name: average.module.state_dict() for name, average in trainer.averages.items()}
    _save(path, trainer.config.generator, averages, trainer.step)


def mend_weights(path: Path, trainer: Trainer) -> None:
    """Save them again where they are missing, damaged or another step's: a kill may come between a checkpoint and them."""
    if _trained_steps(path) != trainer.step:
        save_weights(path, trainer)


def mend_best(run: Path, config: GeneratorConfig) -> None:
    """Make best.safetensors out of the best step's checkpoint, if it is missing, damaged or another step's."""
    best = read_best(run)
    if best is None or _trained_steps(run / BEST_WEIGHTS) == best.step:
        return
    folder = checkpoint_folder(run, best.step)
    try:
        verify(folder)
        averages = _split(load_tensors(folder / AVERAGES))
        _save(run / BEST_WEIGHTS, config, averages, best.step)
    except BadModelError:  # the checkpoint is damaged, too: what there is stays
        return


def _split(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Each generator's tensors out of averages.safetensors, without what the averaging itself counts."""
    names = [f"generator_{direction}" for direction in get_args(Direction)]
    return {
        name: {
            key.removeprefix(f"{name}.module."): value
            for key, value in tensors.items()
            if key.startswith(f"{name}.module.")
        }
        for name in names
    }


def _save(path: Path, config: GeneratorConfig, averages: dict[str, dict[str, Tensor]], step: int) -> None:
    directions: tuple[Direction, ...] = get_args(Direction)
    generators = {direction: averages[f"generator_{direction}"] for direction in directions}
    weights.save(path, config, generators, metadata={STEPS: str(step)})


def _trained_steps(path: Path) -> int | None:
    if not path.is_file():
        return None
    try:
        with open_tensors(path) as file:
            return int(file.metadata[STEPS])
    except (BadModelError, KeyError, ValueError):
        return None
