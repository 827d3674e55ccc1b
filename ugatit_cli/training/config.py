"""Every setting of a training run, torch-free; a field's description is its help text."""

from __future__ import annotations

import json
import math
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..config import GeneratorConfig
from ..errors import UsageError

GLOBAL_DEPTH = 7  # convolutions of the paper's global discriminator (table 6); the local one has two fewer
OFFICIAL_MARGIN = 30 / 256  # the official code resizes to 286 before it crops 256
FOLDERS = ("a", "b", "test_a", "test_b", "base")
Part = Literal["encoder", "attention", "decoder", "discriminator-features"]

# What --preset stands for; a setting that is given beside it wins.
PRESETS: dict[str, dict[str, Any]] = {
    "few": {  # a few dozen to a few hundred pictures: arXiv 2006.10738 against memorising, a lower rate, an early end
        "augment": "all",
        "learning_rate": 5e-5,
        "ema_decay": 0.999,
        "steps": 20_000,
        "evaluate_every": 500,
        "patience": 10,
    },
}


class TrainConfig(BaseModel):
    """One run's settings. Defaults are the paper's; anything else was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Path = Field(description="Folder of domain A's pictures.")
    b: Path = Field(description="Folder of domain B's pictures.")
    base: Path | None = Field(
        None, description="What to start from: a model's name or file, or the folder of another run."
    )
    size: int = Field(256, ge=32, le=1024, multiple_of=4, description="Side of the training pictures in pixels.")
    variant: Literal["light", "full"] = Field(
        "light", description="Light takes any size and is small; full is the paper's, has one size and 1 GB."
    )
    channels: int = Field(64, ge=1, le=512, description="Width of the generators' first convolution.")
    blocks: int = Field(4, ge=1, le=16, description="Residual blocks on each side of the attention.")
    discriminator_channels: int = Field(64, ge=1, le=512, description="Width of the discriminators' first convolution.")
    discriminator_layers: int | None = Field(
        None,
        ge=4,
        le=9,
        description="Depth of the global discriminators (the local ones have two fewer); 7, as in the paper, from 96 pixels on.",
    )
    steps: int = Field(100_000, ge=1, description="Updates of discriminators and generators.")
    batch_size: int = Field(1, ge=1, le=256, description="Pictures of each domain per step.")
    learning_rate: float = Field(
        1e-4, gt=0, le=1, description="Adam's rate in the first half; then it falls to zero in a line."
    )
    discriminator_learning_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        description="The discriminators' rate, which falls alike; --learning-rate, if not given. Four times that keeps them ahead beside a good --base.",
    )
    weight_decay: float = Field(1e-4, ge=0, le=1, description="L2 on every parameter.")
    adversarial_weight: float = Field(1, ge=0, allow_inf_nan=False, description="Weight of the adversarial terms.")
    cycle_weight: float = Field(10, ge=0, allow_inf_nan=False, description="Weight of the cycle terms.")
    identity_weight: float = Field(10, ge=0, allow_inf_nan=False, description="Weight of the identity terms.")
    cam_weight: float = Field(1000, ge=0, allow_inf_nan=False, description="Weight of the generators' CAM terms.")
    smoothing: bool = Field(False, description="Keep AdaLIN's rho in [0, 0.9] instead of [0, 1].")
    augment: Literal["none", "color", "all"] = Field(
        "none",
        description="What the discriminators see, at random: color: brightness and contrast; all: saturation, shifts and holes too, for few pictures.",
    )
    ema_decay: float = Field(
        0.999,
        ge=0,
        lt=1,
        description="Decay of the generators' running average, which is what translates; lower in the first steps.",
    )
    freeze: tuple[Part, ...] = Field(
        (),
        description="A part that keeps what --base brought: encoder, attention, decoder or discriminator-features; may be given several times.",
    )
    warmup: int | None = Field(
        None,
        ge=0,
        description="Steps at the start in which only the discriminators learn; 1000, at most a tenth of all, where --base brings generators alone, else 0.",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="Of the convolutions. auto: bf16 on a GPU that has it, fp16 on an older one, fp32 on a CPU."
    )
    compile: bool = Field(False, description="Let torch.compile fuse operations; the first steps take minutes then.")
    gradient_checkpointing: bool = Field(
        False, description="Compute the blocks' activations twice instead of keeping them: slower, in less memory."
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Decides the start, the order of the pictures and their augmentation."
    )
    test_a: Path | None = Field(None, description="Folder of pictures of A to measure on, never trained on.")
    test_b: Path | None = Field(None, description="Folder of pictures of B to measure on, never trained on.")
    hold_out: int | None = Field(
        None,
        ge=0,
        description="Pictures of a domain without a test folder to measure on instead of training on them; a tenth, at most 100, if nothing is said.",
    )
    evaluate_every: int = Field(5000, ge=0, description="Steps between evaluations on those pictures; 0: never.")
    patience: int | None = Field(
        None, ge=1, description="Stop after so many evaluations without a better one; never, if not given."
    )
    save_every: int = Field(1000, ge=1, description="Steps between checkpoints.")
    sample_every: int = Field(500, ge=1, description="Steps between sample sheets.")
    log_every: int = Field(50, ge=1, description="Steps between lines of metrics.jsonl.")
    track: tuple[str, ...] = Field(
        ("tensorboard",),
        description="Where the numbers go besides metrics.jsonl: none, or a tracker that accelerate knows (wandb, mlflow ...); may be given several times.",
    )

    @property
    def generator(self) -> GeneratorConfig:
        return GeneratorConfig(self.variant, self.channels, self.blocks, self.size)

    @property
    def deepest_discriminator(self) -> int:
        """The depth at which the map is still three pixels wide before the last two 4x4 convolutions."""
        return 2 + int(math.log2(self.size / 3))

    @property
    def global_layers(self) -> int:
        """Depth of the global discriminators, the paper's 7 unless the pictures are too small for it."""
        return self.discriminator_layers or min(GLOBAL_DEPTH, self.deepest_discriminator)

    @property
    def local_layers(self) -> int:
        return max(3, self.global_layers - 2)

    @field_validator(*FOLDERS)
    @classmethod
    def _can_be_written_down(cls, folder: Path | None) -> Path | None:
        try:
            str(folder).encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                "a name that is not UTF-8 cannot be written down: rename it, or make a link to it"
            ) from error
        return folder

    @model_validator(mode="after")
    def _discriminators_fit(self) -> Self:
        if self.global_layers > self.deepest_discriminator:
            raise ValueError(f"discriminator_layers must be at most {self.deepest_discriminator} at size {self.size}")
        return self

    @model_validator(mode="after")
    def _something_learns(self) -> Self:
        if {"encoder", "attention", "decoder"} <= set(self.freeze):
            raise ValueError("freeze leaves nothing of the generators to learn")
        return self

    @property
    def rho_limit(self) -> float:
        return 0.9 if self.smoothing else 1.0

    @property
    def load_size(self) -> int:
        """Side to which pictures are resized before the random crop."""
        return round(self.size * (1 + OFFICIAL_MARGIN))

    def learning_rate_at(self, step: int) -> float:
        """The generators' rate in update `step` (1 is the first): constant, then falling in a line to zero at the last."""
        return self.learning_rate * self._decay_at(step)

    def discriminator_learning_rate_at(self, step: int) -> float:
        return (self.discriminator_learning_rate or self.learning_rate) * self._decay_at(step)

    def _decay_at(self, step: int) -> float:
        half = self.steps // 2
        return 1.0 if step <= half else max(0.0, 1 - (step - half) / max(half, 1))


def make_config(settings: dict[str, Any]) -> TrainConfig:
    """The run's settings out of what the user gave.

    Raises:
        UsageError: a value is out of its range or has no such setting; the first such one, by its option's name.
    """
    try:
        config = TrainConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            near = get_close_matches(name, TrainConfig.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else "ugatit train --help lists all, with underscores here"
            raise UsageError(f"there is no setting {name}", hint=hint, name="train-setting") from error
        option = "--" + name.replace("_", "-") if name else "the settings"
        raise UsageError(
            f"{option}: {first['msg'].removeprefix('Value error, ')}",
            hint="see ugatit train --help",
            name="train-setting",
        ) from error
    if (config.warmup or 0) >= config.steps:
        text = f"--warmup {config.warmup} leaves the generators none of the {config.steps} steps"
        raise UsageError(text, hint="write a smaller one, or more --steps", name="train-setting")
    if config.freeze and config.base is None:
        text = "--freeze keeps what --base brought, and there is no --base"
        raise UsageError(text, hint="name a model or a run with --base, or leave it out", name="train-setting")
    return config


def merge_settings(preset: str | None, file: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """A preset's settings, then those of a file, then those of the command line; the later ones win."""
    from_file = read_config_file(file) if file else {}
    preset = preset or from_file.pop("preset", None)
    if preset is not None and preset not in list(PRESETS):
        raise UsageError(f"there is no preset {preset}", hint=f"use {', '.join(PRESETS)}", name="preset-unknown")
    from_file.pop("preset", None)
    return PRESETS.get(preset or "", {}) | from_file | given


def read_config_file(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, by their names; relative folders count from the file's own.

    Raises:
        UsageError: the file is not there or is no TOML.
    """
    try:
        settings = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read {path}: {reason}", hint="check --config", name="config-unreadable") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError are of its kind
        raise UsageError(
            f"{path} is not valid TOML: {error}", hint="strings stand in quotes", name="config-invalid"
        ) from error
    return located(settings, path.parent)


def located(settings: dict[str, Any], place: Path) -> dict[str, Any]:
    """`settings` with their relative folders counted from `place`; a base that is not there is the name of a model."""
    found = {name: place / settings[name] for name in FOLDERS if isinstance(settings.get(name), str | Path)}
    if "base" in found and not found["base"].exists():
        del found["base"]
    return settings | found


def config_as_toml(config: TrainConfig) -> str:
    """The settings as a file that `--config` reads: each under its description, those without a value as comments."""
    lines = []
    for name, field in TrainConfig.model_fields.items():
        value = config.model_dump(mode="json")[name]
        lines += [f"# {field.description}", f"# {name} =" if value is None else f"{name} = {_as_toml(value)}", ""]
    return "\n".join(lines)


def _as_toml(value: object) -> str:
    """JSON is nearly TOML: that knows no pairs of surrogates, and wants DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
