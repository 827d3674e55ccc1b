"""RUN/step-00001200/: all that a run needs to go on bit for bit, or nothing at all.

A checkpoint is built under a hidden name, its manifest written last, and renamed when it is whole,
so a kill at any moment leaves either the whole folder or none. Random states need no file: the
order of the pictures and every augmentation are functions of the seed and the step.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from .. import __version__
from ..errors import BadModelError, DivergedError, UsageError
from ..files import write_atomically, writing
from .config import TrainConfig
from .step import Trainer

KEPT = 3
MANIFEST = "MANIFEST.json"
WEIGHTS = "weights.safetensors"  # RUN/weights.safetensors: the running averages, which translate
NETWORKS = "networks.safetensors"
AVERAGES = "averages.safetensors"
GENERATOR_OPTIMIZER = "generator_optimizer.safetensors"
DISCRIMINATOR_OPTIMIZER = "discriminator_optimizer.safetensors"


def save_checkpoint(run: Path, trainer: Trainer) -> Path:
    """Write the trainer's whole state; returns the checkpoint's folder. Older ones beyond the last three go.

    Raises:
        DivergedError: a weight is not finite; nothing is written then, and no older checkpoint goes.
        OutputError, ResourceError: it cannot be written.
    """
    _require_finite(trainer)
    target = run / f"step-{trainer.step:08d}"
    with writing(target):
        for left in run.glob(".step-*.building"):  # by this save's killed predecessors
            shutil.rmtree(left)
        building = run / f".{target.name}.building"
        _write_files(building, {**_tensor_files(trainer), "state.json": _state(trainer)})
        if target.exists():
            shutil.rmtree(target)
        os.replace(building, target)
        _verify(target)
        for old in _checkpoints(run)[:-KEPT]:
            shutil.rmtree(old)
    return target


def _require_finite(trainer: Trainer) -> None:
    for name, tensor in trainer.networks.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise diverged(trainer.step, name)


def diverged(step: int, what: str) -> DivergedError:
    return DivergedError(
        f"training diverged at step {step}: {what} is not finite; the last checkpoint is kept",
        hint="start from its weights with a lower rate: ugatit train --a A --b B --base RUN --learning-rate 5e-5",
        name="training-diverged",
    )


def _write_files(folder: Path, contents: dict[str, bytes]) -> None:
    """The files, and last the manifest that promises them."""
    folder.mkdir(parents=True)
    for name, data in contents.items():
        write_atomically(folder / name, data)
    manifest = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in contents.items()
    }
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def load_checkpoint(run: Path, trainer: Trainer) -> list[str]:
    """Bring `trainer` to the newest undamaged checkpoint of `run`; returns a sentence per damaged one passed over.

    Raises:
        BadModelError: there is none.
    """
    contents, warnings = _newest(run)
    _restore(trainer, contents)
    return warnings


def read_newest_networks(run: Path) -> dict[str, torch.Tensor]:
    """The six networks of the newest undamaged checkpoint, for another run to start from."""
    contents, _ = _newest(run)
    return load_tensors(contents[NETWORKS])


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


def _newest(run: Path) -> tuple[dict[str, bytes], list[str]]:
    """The newest whole checkpoint's files, and a sentence for each damaged one that was passed over."""
    warnings: list[str] = []
    for folder in reversed(_checkpoints(run)):
        try:
            return _verify(folder), warnings
        except BadModelError as error:
            warnings.append(error.message)
    raise BadModelError(
        f"{run} holds no undamaged checkpoint", hint="start anew with --out another folder", name="checkpoint-none"
    )


def _checkpoints(run: Path) -> list[Path]:
    return sorted(run.glob("step-????????"))


def _verify(folder: Path) -> dict[str, bytes]:
    """The checkpoint's files, each equal to what the manifest promised."""
    damaged = BadModelError(f"checkpoint {folder.name} is damaged", name="checkpoint-damaged")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in manifest}
    except (OSError, ValueError) as error:
        raise damaged from error
    if any(hashlib.sha256(contents[name]).hexdigest() != entry["sha256"] for name, entry in manifest.items()):
        raise damaged
    return contents


def _tensor_files(trainer: Trainer) -> dict[str, bytes]:
    averages = {
        f"{name}.{key}": value
        for name, average in trainer.averages.items()
        for key, value in average.state_dict().items()
    }
    return {
        NETWORKS: save_tensors(trainer.networks.state_dict()),
        AVERAGES: save_tensors(averages),
        GENERATOR_OPTIMIZER: save_tensors(_optimizer_tensors(trainer.generator_optimizer)),
        DISCRIMINATOR_OPTIMIZER: save_tensors(_optimizer_tensors(trainer.discriminator_optimizer)),
    }


def _state(trainer: Trainer) -> bytes:
    state: dict[str, Any] = {
        "step": trainer.step,
        "config": json.loads(trainer.config.model_dump_json()),
        "versions": {"ugatit": __version__, "torch": torch.__version__},
    }
    return json.dumps(state, indent=1).encode()


def _restore(trainer: Trainer, contents: dict[str, bytes]) -> None:
    tensors = {name: load_tensors(data) for name, data in contents.items() if name.endswith(".safetensors")}
    trainer.step = json.loads(contents["state.json"])["step"]
    trainer.networks.load_state_dict(tensors[NETWORKS])
    for name, average in trainer.averages.items():
        prefix = f"{name}."
        mine = {key.removeprefix(prefix): value for key, value in tensors[AVERAGES].items() if key.startswith(prefix)}
        average.load_state_dict(mine)
    _load_optimizer(trainer.generator_optimizer, tensors[GENERATOR_OPTIMIZER])
    _load_optimizer(trainer.discriminator_optimizer, tensors[DISCRIMINATOR_OPTIMIZER])


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
