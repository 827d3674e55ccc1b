"""Start from what someone has trained already: another run of ours, or any weights that translate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import hub, weights
from ..config import CONVENTIONS, GeneratorConfig
from ..errors import BadModelError
from .checkpoints import WEIGHTS, read_config, read_newest_networks
from .step import Trainer


def shape_of(base: Path, watcher: hub.Watcher | None = None) -> dict[str, Any]:
    """The settings that a run shares with what it starts from, so that nobody has to repeat them; only the size may be another.

    `watcher` is told of a download.
    """
    config = _load(base, watcher).config
    shape = {
        "variant": config.variant,
        "size": config.image_size,
        "channels": config.channels,
        "blocks": config.blocks,
    }
    return shape | ({"discriminator_channels": read_config(base).discriminator_channels} if base.is_dir() else {})


def start_from(base: Path, trainer: Trainer) -> list[str]:
    """Load the generators of `base`, and their running averages with them; of a run folder also the discriminators that fit.

    Returns:
        A sentence for each network that starts from random weights all the same.

    Raises:
        BadModelError: the generators have another variant, width or number of blocks.
    """
    model = _load(base)
    _check_fit(base, model.config, trainer.config.generator)
    notes = []
    for direction in ("a2b", "b2a"):
        if direction in model.generators:
            name = f"generator_{direction}"
            for generator in (getattr(trainer.networks, name), trainer.averages[name].module):
                generator.load_state_dict(model.generators[direction])
        else:
            notes.append(f"{base} has no generator for {direction}: it starts from random weights")
    return notes + _load_discriminators(base, trainer)


def _load(base: Path, watcher: hub.Watcher | None = None) -> weights.ModelWeights:
    return weights.load(base / WEIGHTS if base.is_dir() else hub.resolve(str(base), watcher=watcher).path)


def _check_fit(base: Path, theirs: GeneratorConfig, ours: GeneratorConfig) -> None:
    if any(getattr(theirs, name) != getattr(ours, name) for name in CONVENTIONS):
        text = f"cannot start from {base}: its layers are those of another code base, which are not trained here"
        raise BadModelError(text, hint="start from other weights", name="base-does-not-fit")
    names = ["variant", "channels", "blocks"] if ours.any_size else ["variant", "channels", "blocks", "image_size"]
    for name in names:
        there, here = getattr(theirs, name), getattr(ours, name)
        if there != here:
            raise BadModelError(
                f"cannot start from {base}: its {name} is {there}, the new run's is {here}",
                hint=f"use --{'size' if name == 'image_size' else name} {there}",
                name="base-does-not-fit",
            )


def _load_discriminators(base: Path, trainer: Trainer) -> list[str]:
    theirs = read_newest_networks(base) if base.is_dir() else {}
    notes = []
    for name, judge in trainer.networks.named_children():
        if "discriminator" not in name:
            continue
        mine = {key.removeprefix(f"{name}."): value for key, value in theirs.items() if key.startswith(f"{name}.")}
        if {key: value.shape for key, value in mine.items()} == {
            key: value.shape for key, value in judge.state_dict().items()
        }:
            judge.load_state_dict(mine)
        else:
            notes.append(f"{name.replace('_', ' ')} starts from random weights")
    return notes
