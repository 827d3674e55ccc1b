"""Every setting of a training run, torch-free; a field's description is its help text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..config import GeneratorConfig
from ..errors import UsageError

GLOBAL_DEPTH = 7  # convolutions of the paper's global discriminator (table 6); the local one has two fewer
OFFICIAL_MARGIN = 30 / 256  # the official code resizes to 286 before it crops 256


class TrainConfig(BaseModel):
    """One run's settings. Defaults are the paper's; anything else was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Path = Field(description="Folder of domain A's pictures.")
    b: Path = Field(description="Folder of domain B's pictures.")
    base: Path | None = Field(None, description="Weights, or the folder of another run, to start from.")
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
    weight_decay: float = Field(1e-4, ge=0, le=1, description="L2 on every parameter.")
    adversarial_weight: float = Field(1, ge=0, description="Weight of the adversarial terms.")
    cycle_weight: float = Field(10, ge=0, description="Weight of the cycle terms.")
    identity_weight: float = Field(10, ge=0, description="Weight of the identity terms.")
    cam_weight: float = Field(1000, ge=0, description="Weight of the generators' CAM terms.")
    smoothing: bool = Field(False, description="Keep AdaLIN's rho in [0, 0.9] instead of [0, 1].")
    augment: Literal["none", "color"] = Field(
        "none", description="color: random brightness and contrast on what the discriminators see, for few pictures."
    )
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="Decay of the generators' running average, which is what translates."
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="bf16 computes convolutions at half the width, where the hardware can."
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Decides the start, the order of the pictures and their augmentation."
    )
    save_every: int = Field(1000, ge=1, description="Steps between checkpoints.")
    sample_every: int = Field(500, ge=1, description="Steps between sample sheets.")
    log_every: int = Field(50, ge=1, description="Steps between lines of metrics.jsonl.")

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

    @model_validator(mode="after")
    def _discriminators_fit(self) -> Self:
        if self.global_layers > self.deepest_discriminator:
            raise ValueError(f"discriminator_layers must be at most {self.deepest_discriminator} at size {self.size}")
        return self

    @property
    def rho_limit(self) -> float:
        return 0.9 if self.smoothing else 1.0

    @property
    def load_size(self) -> int:
        """Side to which pictures are resized before the random crop."""
        return round(self.size * (1 + OFFICIAL_MARGIN))

    def learning_rate_at(self, step: int) -> float:
        """The rate of update `step` (1 is the first): constant, then falling in a line to zero at the last."""
        half = self.steps // 2
        return self.learning_rate if step <= half else self.learning_rate * max(0.0, 1 - (step - half) / max(half, 1))


def make_config(settings: dict[str, Any]) -> TrainConfig:
    """The run's settings out of what the user gave.

    Raises:
        UsageError: a value is out of its range; the first such one, by its option's name.
    """
    try:
        return TrainConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else "the settings"
        raise UsageError(
            f"{option}: {first['msg'].removeprefix('Value error, ')}",
            hint="see ugatit train --help",
            name="train-setting",
        ) from error
