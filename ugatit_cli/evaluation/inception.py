"""Inception v3 up to its last pooling, in the variant that FID is defined with: 2048 numbers for a picture.

The architecture is that of arXiv 1512.00567. The variant, with the weights of 5 December 2015, differs from later ones
in its pooling: averages leave the padding out, and the very last block pools by the maximum (arXiv 1706.08500 measured
with it, and every FID since does). Names of modules are those of the published state dict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .features import FeatureNetwork

NAME = "inception-2015-12-05"
SIDE = 299
CLASSES = 1008  # of the classifier, which the file holds and features leave out
NORM_EPSILON = 0.001

Pooling = Callable[[Tensor], Tensor]


class Layer(NamedTuple):
    """A convolution by its name in the state dict; `padding` None keeps the picture's size."""

    name: str
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: int | None = None


Chain = Sequence[Layer | tuple[Layer, Layer]]  # one after the other; a pair stands side by side on the same input


class Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, layer: Layer) -> None:
        super().__init__()
        rows, columns = layer.kernel
        padding = (rows // 2, columns // 2) if layer.padding is None else layer.padding
        self.conv = nn.Conv2d(inputs, layer.outputs, layer.kernel, layer.stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(layer.outputs, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Several chains over one input, joined by channels; the last one, which may be empty, pools first."""

    def __init__(self, inputs: int, chains: Sequence[Chain], pool: Pooling) -> None:
        super().__init__()
        self._pool = pool
        self._chains: list[list[list[str]]] = []
        self.outputs = 0
        for chain in chains:
            width, names = inputs, []
            for step in chain:
                layers = [step] if isinstance(step, Layer) else list(step)
                for layer in layers:
                    self.add_module(layer.name, Unit(width, layer))
                names.append([layer.name for layer in layers])
                width = sum(layer.outputs for layer in layers)
            self._chains.append(names)
            self.outputs += width

    def forward(self, x: Tensor) -> Tensor:
        last = len(self._chains) - 1
        return torch.cat(
            [self._run(names, self._pool(x) if n == last else x) for n, names in enumerate(self._chains)], 1
        )

    def _run(self, chain: list[list[str]], x: Tensor) -> Tensor:
        for names in chain:
            x = torch.cat([self.get_submodule(name)(x) for name in names], dim=1)
        return x


def average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def halving(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=2)


def small_block(inputs: int, pooled: int) -> Block:
    """35x35: kernels of 1, 5 and twice 3."""
    chains: list[Chain] = [
        [Layer("branch1x1", 64)],
        [Layer("branch5x5_1", 48), Layer("branch5x5_2", 64, (5, 5))],
        [Layer("branch3x3dbl_1", 64), Layer("branch3x3dbl_2", 96, (3, 3)), Layer("branch3x3dbl_3", 96, (3, 3))],
        [Layer("branch_pool", pooled)],
    ]
    return Block(inputs, chains, average)


def first_reduction(inputs: int) -> Block:
    """35x35 -> 17x17."""
    double: Chain = [
        Layer("branch3x3dbl_1", 64),
        Layer("branch3x3dbl_2", 96, (3, 3)),
        Layer("branch3x3dbl_3", 96, (3, 3), 2, 0),
    ]
    return Block(inputs, [[Layer("branch3x3", 384, (3, 3), 2, 0)], double, []], halving)


def middle_block(inputs: int, width: int) -> Block:
    """17x17: 7x7 kernels taken apart into rows and columns."""
    row, column = (1, 7), (7, 1)
    chains: list[Chain] = [
        [Layer("branch1x1", 192)],
        [Layer("branch7x7_1", width), Layer("branch7x7_2", width, row), Layer("branch7x7_3", 192, column)],
        [
            Layer("branch7x7dbl_1", width),
            Layer("branch7x7dbl_2", width, column),
            Layer("branch7x7dbl_3", width, row),
            Layer("branch7x7dbl_4", width, column),
            Layer("branch7x7dbl_5", 192, row),
        ],
        [Layer("branch_pool", 192)],
    ]
    return Block(inputs, chains, average)


def second_reduction(inputs: int) -> Block:
    """17x17 -> 8x8."""
    chains: list[Chain] = [
        [Layer("branch3x3_1", 192), Layer("branch3x3_2", 320, (3, 3), 2, 0)],
        [
            Layer("branch7x7x3_1", 192),
            Layer("branch7x7x3_2", 192, (1, 7)),
            Layer("branch7x7x3_3", 192, (7, 1)),
            Layer("branch7x7x3_4", 192, (3, 3), 2, 0),
        ],
        [],
    ]
    return Block(inputs, chains, halving)


def wide_block(inputs: int, pool: Pooling) -> Block:
    """8x8: rows and columns side by side."""
    chains: list[Chain] = [
        [Layer("branch1x1", 320)],
        [
            Layer("branch3x3_1", 384),
            (Layer("branch3x3_2a", 384, (1, 3)), Layer("branch3x3_2b", 384, (3, 1))),
        ],
        [
            Layer("branch3x3dbl_1", 448),
            Layer("branch3x3dbl_2", 384, (3, 3)),
            (Layer("branch3x3dbl_3a", 384, (1, 3)), Layer("branch3x3dbl_3b", 384, (3, 1))),
        ],
        [Layer("branch_pool", 192)],
    ]
    return Block(inputs, chains, pool)


class Inception(FeatureNetwork):
    """Features of the FID Inception; its weights are read by `inception_file`."""

    name = NAME
    resize = f"features at {SIDE} px (bilinear, not antialiased)"
    num_features = 2048

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, Layer("", 32, (3, 3), 2, 0))
        self.Conv2d_2a_3x3 = Unit(32, Layer("", 32, (3, 3), 1, 0))
        self.Conv2d_2b_3x3 = Unit(32, Layer("", 64, (3, 3)))
        self.Conv2d_3b_1x1 = Unit(64, Layer("", 80))
        self.Conv2d_4a_3x3 = Unit(80, Layer("", 192, (3, 3), 1, 0))
        self.Mixed_5b = small_block(192, 32)
        self.Mixed_5c = small_block(256, 64)
        self.Mixed_5d = small_block(288, 64)
        self.Mixed_6a = first_reduction(288)
        self.Mixed_6b = middle_block(768, 128)
        self.Mixed_6c = middle_block(768, 160)
        self.Mixed_6d = middle_block(768, 160)
        self.Mixed_6e = middle_block(768, 192)
        self.Mixed_7a = second_reduction(768)
        self.Mixed_7b = wide_block(1280, average)
        self.Mixed_7c = wide_block(2048, maximum)
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Inception:
        """Always in evaluation mode: whoever trains a model must not turn these statistics into its own."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.to(self.Conv2d_1a_3x3.conv.weight.device).float() / 255
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear") * 2 - 1  # B 3 299 299 in [-1, 1]
        x = halving(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))  # B 64 73 73
        x = halving(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))  # B 192 35 35
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = self.get_submodule(f"Mixed_{name}")(x)
        return x.mean(dim=(2, 3))  # B 2048
