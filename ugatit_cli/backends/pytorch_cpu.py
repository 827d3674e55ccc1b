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
        block.conv1, block.conv2 = FixedTiledConv2d(block.conv1), FixedTiledConv2d(block.conv2)
    generator.head = FixedTwoByTwoConv2d(generator.head)  # type: ignore[assignment]


def prepare_training_on_cpu(generator: Generator) -> None:
    """The same forms over the generator's own parameters, under their own names."""
    for block in [*generator.encoder_blocks, *generator.decoder_blocks]:
        block.conv1, block.conv2 = TiledConv2d(block.conv1), TiledConv2d(block.conv2)
    generator.head = TwoByTwoConv2d(generator.head)  # type: ignore[assignment]


class _SameParameters(nn.Module):
    def __init__(self, layer: nn.Conv2d) -> None:
        """`layer`'s own parameters: both learn as one."""
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias


class TiledConv2d(_SameParameters):
    """A 3x3 convolution (stride 1, edges reflected) by minimal filtering."""

    def forward(self, x: Tensor) -> Tensor:
        return _moved(reflected_convolution(x, self.weight), self.bias)


class FixedTiledConv2d(nn.Module):
    """The same with a weight that never changes: it is transformed once."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.kernel, self.bias = transform_kernel(layer.weight.detach()), layer.bias

    def forward(self, x: Tensor) -> Tensor:
        return _moved(filter_tiles(x, self.kernel), self.bias)


class TwoByTwoConv2d(_SameParameters):
    """A 7x7 convolution (edges reflected) that makes 2x2 outputs at a time: three channels leave a vector unit idle."""

    def forward(self, x: Tensor) -> Tensor:
        """x: B I H W, H and W even -> B O H W."""
        return _moved(_two_by_two(x, _shifted(self.weight)), self.bias)


class FixedTwoByTwoConv2d(nn.Module):
    """The same with a weight that never changes."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.kernel, self.bias = _shifted(layer.weight.detach()), layer.bias

    def forward(self, x: Tensor) -> Tensor:
        return _moved(_two_by_two(x, self.kernel), self.bias)


def _moved(x: Tensor, bias: Tensor | None) -> Tensor:
    """By one number a channel, in place."""
    return x if bias is None else x.add_(bias[:, None, None])


def _shifted(weight: Tensor) -> Tensor:
    """O I 7 7 -> 4O I 8 8: the kernel at the four places inside its window."""
    shifts = [(right, 1 - right, down, 1 - down) for down in (0, 1) for right in (0, 1)]
    return torch.stack([F.pad(weight, shift) for shift in shifts], dim=1).flatten(0, 1)


def _two_by_two(x: Tensor, kernel: Tensor) -> Tensor:
    return F.pixel_shuffle(F.conv2d(F.pad(x, (3, 3, 3, 3), mode="reflect"), kernel, stride=2), 2)
