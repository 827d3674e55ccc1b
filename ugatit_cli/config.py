"""What a generator is: the numbers that rebuild the network, stored beside its weights.

Torch-free, so that the command line and the ONNX path can read a model's description cheaply.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from .errors import BadModelError

Variant = Literal["full", "light"]
Direction = Literal["a2b", "b2a"]

SIZE_MULTIPLE = 4  # two stride-2 convolutions: sides the generator works at are multiples of 4


@dataclass(frozen=True)
class GeneratorConfig:
    """The shape of one generator (arXiv 1907.10830, appendix, table 5).

    Attributes:
        variant: `full` feeds the whole feature map to the AdaLIN parameters' MLP, so it has one
            size; `light` feeds its mean, so it takes any size.
        channels: width of the first convolution (64 in the paper); the bottleneck has four times it.
        blocks: residual blocks in the encoder, and as many AdaLIN blocks in the decoder (4).
        image_size: side of the pictures it was trained on, in pixels, a multiple of 4.
    """

    variant: Variant = "light"
    channels: int = 64
    blocks: int = 4
    image_size: int = 256

    def __post_init__(self) -> None:
        if self.variant not in ("full", "light"):
            raise BadModelError(f"unknown generator variant {self.variant!r}", name="model-config")
        limits = {"channels": (1, 1024), "blocks": (1, 64), "image_size": (16, 4096)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise BadModelError(
                    f"{name} must be a whole number from {low} to {high}, not {value!r}", name="model-config"
                )
        if self.image_size % SIZE_MULTIPLE:
            raise BadModelError(
                f"image_size must be a multiple of {SIZE_MULTIPLE}, not {self.image_size}", name="model-config"
            )

    @property
    def width(self) -> int:
        """Channels of the bottleneck, where attention and AdaLIN work."""
        return self.channels * 4

    @property
    def normalised_widths(self) -> tuple[int, ...]:
        """How many channels each normalisation of the generator has, in the order of the network."""
        middle = (self.width,) * (4 * self.blocks)  # two a block, in the encoder and in the decoder
        return (self.channels, 2 * self.channels, self.width, *middle, 2 * self.channels, self.channels)

    @property
    def any_size(self) -> bool:
        """Whether the network runs at sizes other than `image_size`."""
        return self.variant == "light"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GeneratorConfig:
        """The config stored in a file; a key this version does not know is an error, not ignored."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise BadModelError(
                f"the model's configuration has settings this version does not know: {', '.join(sorted(unknown))}",
                hint="update ugatit-cli",
                name="model-config",
            )
        return cls(**values)
