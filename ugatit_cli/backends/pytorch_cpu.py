"""Layers that give a CPU the same numbers for fewer products; a GPU is faster with the direct convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network import Generator

TILE = 4  # outputs per tile and side; each tile reads a window of TILE + 2 inputs

# Minimal filtering F(4, 3), after Toom and Cook, with the points 0, 1, -1, 1/2, -2 and infinity (arXiv 1509.09308):
# outputs = OUTPUT ((KERNEL g KERNEL') * (INPUT x INPUT')) OUTPUT'. 36 products make 16 outputs, not 144. With these
# points float32 rounds about twice as much as in the direct sum; F(6, 3) would be no faster and four times less exact.
KERNEL = [
    [1 / 2, 0, 0],
    [1 / 6, 1 / 6, 1 / 6],
    [1 / 6, -1 / 6, 1 / 6],
    [1 / 15, 1 / 30, 1 / 60],
    [1 / 30, -1 / 15, 2 / 15],
    [0, 0, 1 / 2],
]
INPUT = [
    [2, -3, -4, 3, 2, 0],
    [0, -2, 1, 5, 2, 0],
    [0, -2, 5, -1, -2, 0],
    [0, 32, 16, -32, -16, 0],
    [0, 1, -2, -1, 2, 0],
    [0, 2, -3, -4, 3, 2],
]
OUTPUT: list[list[float]] = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 1 / 2, -2, 0],
    [0, 1, 1, 1 / 4, 4, 0],
    [0, 1, -1, 1 / 8, -8, 1],
]


def prepare_for_cpu(generator: Generator) -> None:
    """Put the cheaper forms in the place of the convolutions that take most of the time."""
    for block in [*generator.encoder_blocks, *generator.decoder_blocks]:
        block.conv1, block.conv2 = TiledConv2d(block.conv1.weight), TiledConv2d(block.conv2.weight)
    generator.head = TwoByTwoConv2d(generator.head.weight)  # type: ignore[assignment]


class TiledConv2d(nn.Module):
    """A 3x3 convolution (stride 1, no padding, no bias) by minimal filtering."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.channels_out, channels_in = weight.shape[:2]
        taps = weight.detach().permute(2, 3, 0, 1).reshape(9, -1)  # 9 OI
        self.kernel = (_both_sides(KERNEL) @ taps).view(36, self.channels_out, channels_in)
        self.input, self.output = _both_sides(INPUT), _both_sides(OUTPUT)

    def forward(self, x: Tensor) -> Tensor:
        """x: B I H+2 W+2 -> B O H W."""
        batch, channels, height, width = x.shape[0], x.shape[1], x.shape[2] - 2, x.shape[3] - 2
        rows, columns = -(-height // TILE), -(-width // TILE)
        x = F.pad(x, (0, columns * TILE - width, 0, rows * TILE - height)).contiguous()
        b, c, h, w = x.stride()
        windows = x.as_strided((6, 6, channels, batch, rows, columns), (h, w, c, b, TILE * h, TILE * w))
        tiles = (self.input @ windows.reshape(36, -1)).view(36, channels, -1)
        tiles = self.output @ torch.bmm(self.kernel, tiles).view(36, -1)  # 16 (O B rows columns)
        y = tiles.view(TILE, TILE, self.channels_out, batch, rows, columns).permute(3, 2, 4, 0, 5, 1)
        return y.reshape(batch, self.channels_out, rows * TILE, columns * TILE)[:, :, :height, :width].contiguous()


class TwoByTwoConv2d(nn.Module):
    """A convolution (no padding, no bias) that makes 2x2 outputs at a time: three channels leave a vector unit idle."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        shifts = [(right, 1 - right, down, 1 - down) for down in (0, 1) for right in (0, 1)]
        self.weight = torch.stack([F.pad(weight.detach(), shift) for shift in shifts], dim=1).flatten(
            0, 1
        )  # 4O I k+1 k+1

    def forward(self, x: Tensor) -> Tensor:
        """x: B I H+k-1 W+k-1 -> B O H W, H and W even."""
        return F.pixel_shuffle(F.conv2d(x, self.weight, stride=2), 2)


def _both_sides(matrix: Sequence[Sequence[float]]) -> Tensor:
    """The matrix that does to a flattened square what `matrix` does to its rows and columns."""
    one_side = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one_side, one_side).float()
