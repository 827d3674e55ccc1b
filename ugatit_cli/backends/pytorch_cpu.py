"""Layers that give a CPU the same numbers for fewer products; a GPU is faster with the direct convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..minimal_filtering import filter_tiles, reflected_convolution, transform_kernel
from ..network import Generator


def prepare_for_cpu(generator: Generator) -> None:
    """Put the cheaper forms in the place of the convolutions that take most of the time, for translating only."""
    for block in [*generator.encoder_blocks, *generator.decoder_blocks]:
        block.conv1, block.conv2 = FixedTiledConv2d(block.conv1.weight), FixedTiledConv2d(block.conv2.weight)
    generator.head = FixedTwoByTwoConv2d(generator.head.weight)  # type: ignore[assignment]


def prepare_training_on_cpu(generator: Generator) -> None:
    """The same forms over the generator's own parameters, under their own names."""
    for block in [*generator.encoder_blocks, *generator.decoder_blocks]:
        block.conv1, block.conv2 = TiledConv2d(block.conv1.weight), TiledConv2d(block.conv2.weight)
    generator.head = TwoByTwoConv2d(generator.head.weight)  # type: ignore[assignment]


class _WithWeight(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        """`weight` is a layer's own parameter: both learn as one."""
        super().__init__()
        self.weight = weight


class TiledConv2d(_WithWeight):
    """A 3x3 convolution (stride 1, edges reflected, no bias) by minimal filtering."""

    def forward(self, x: Tensor) -> Tensor:
        return reflected_convolution(x, self.weight)


class FixedTiledConv2d(nn.Module):
    """The same with a weight that never changes: it is transformed once."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.kernel = transform_kernel(weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return filter_tiles(x, self.kernel)


class TwoByTwoConv2d(_WithWeight):
    """A 7x7 convolution (edges reflected, no bias) that makes 2x2 outputs at a time: three channels leave a vector unit idle."""

    def forward(self, x: Tensor) -> Tensor:
        """x: B I H W, H and W even -> B O H W."""
        return _two_by_two(x, _shifted(self.weight))


class FixedTwoByTwoConv2d(nn.Module):
    """The same with a weight that never changes."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.kernel = _shifted(weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return _two_by_two(x, self.kernel)


def _shifted(weight: Tensor) -> Tensor:
    """O I 7 7 -> 4O I 8 8: the kernel at the four places inside its window."""
    shifts = [(right, 1 - right, down, 1 - down) for down in (0, 1) for right in (0, 1)]
    return torch.stack([F.pad(weight, shift) for shift in shifts], dim=1).flatten(0, 1)


def _two_by_two(x: Tensor, kernel: Tensor) -> Tensor:
    return F.pixel_shuffle(F.conv2d(F.pad(x, (3, 3, 3, 3), mode="reflect"), kernel, stride=2), 2)
