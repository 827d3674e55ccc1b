"""Convolutions of three rows and columns for fewer products: minimal filtering F(4, 3), see `tile_matrices`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .tile_matrices import INPUT, KERNEL, OUTPUT, TILE, WINDOW


def _both_sides(matrix: Sequence[Sequence[float]]) -> Tensor:
    """The matrix that does to a flattened square what `matrix` does to its rows and columns."""
    one_side = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one_side, one_side)


_KERNEL, _INPUT, _OUTPUT = _both_sides(KERNEL), _both_sides(INPUT), _both_sides(OUTPUT)


def transform_kernel(weight: Tensor) -> Tensor:
    """O I 3 3 -> 36 O I."""
    taps = weight.permute(2, 3, 0, 1).reshape(9, -1)
    return (_KERNEL.to(weight.dtype) @ taps).view(WINDOW * WINDOW, *weight.shape[:2])


def filter_tiles(x: Tensor, kernel: Tensor) -> Tensor:
    """B I H W, edges reflected -> B O H W, with the kernel as `transform_kernel` gives it."""
    return _gather(torch.bmm(kernel, _windows(x)), x)


def reflected_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """The 3x3 convolution O I 3 3 of B I H W, edges reflected; differentiable. Keeps x, unpadded, for the way back."""
    result: Tensor = _ReflectedConvolution.apply(x, weight)  # type: ignore[no-untyped-call]
    return result


class _ReflectedConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return filter_tiles(x, transform_kernel(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        tiles = _scatter(grads[0])  # 36 O T
        grad_x = grad_weight = None
        if ctx.needs_input_grad[1]:
            products = torch.bmm(tiles, _windows(x).transpose(1, 2)).flatten(1)  # 36 OI
            grad_weight = _KERNEL.to(x.dtype).t() @ products
            grad_weight = grad_weight.view(3, 3, *weight.shape[:2]).permute(2, 3, 0, 1).contiguous()
        if ctx.needs_input_grad[0]:
            grad_x = _windows_backward(torch.bmm(transform_kernel(weight).transpose(1, 2), tiles), x)
        return grad_x, grad_weight


def _tiles(x: Tensor) -> tuple[int, int]:
    return -(-x.shape[2] // TILE), -(-x.shape[3] // TILE)


def _windows(x: Tensor) -> Tensor:
    """B C H W -> 36 C T: the transformed windows of all T = B * rows * columns tiles."""
    batch, channels, height, width = x.shape
    rows, columns = _tiles(x)
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    x = F.pad(x, (0, columns * TILE - width, 0, rows * TILE - height)).flatten(0, 1)[:, None]
    windows = F.conv2d(x, _INPUT.to(x.dtype).view(-1, 1, WINDOW, WINDOW), stride=TILE)  # BC 36 rows columns
    return windows.view(batch, channels, WINDOW * WINDOW, -1).permute(2, 1, 0, 3).flatten(2)


def _windows_backward(windows: Tensor, x: Tensor) -> Tensor:
    """The gradient of `_windows` at x (B C H W), given that of its result: overlapping windows are added up."""
    batch, channels, height, width = x.shape
    rows, columns = _tiles(x)
    patches = (_INPUT.to(x.dtype).t() @ windows.flatten(1)).view(WINDOW * WINDOW, channels, batch, -1)
    patches = patches.permute(2, 1, 0, 3).reshape(batch * channels, WINDOW * WINDOW, -1)
    padded = F.fold(patches, (rows * TILE + 2, columns * TILE + 2), WINDOW, stride=TILE)
    padded = padded[:, :, : height + 2, : width + 2].reshape(batch, channels, height + 2, width + 2)
    grad: Tensor = torch.ops.aten.reflection_pad2d_backward(padded, x, (1, 1, 1, 1))
    return grad


def _gather(tiles: Tensor, x: Tensor) -> Tensor:
    """36 O T -> B O H W, where B, H and W are those of x."""
    rows, columns = _tiles(x)
    squares = (_OUTPUT.to(x.dtype) @ tiles.flatten(1)).view(TILE, TILE, tiles.shape[1], -1, rows, columns)
    y = squares.permute(3, 2, 4, 0, 5, 1).reshape(len(x), -1, rows * TILE, columns * TILE)
    return y[:, :, : x.shape[2], : x.shape[3]].contiguous()


def _scatter(grad: Tensor) -> Tensor:
    """The gradient of `_gather`, given that of its result: B O H W -> 36 O T."""
    batch, channels, height, width = grad.shape
    rows, columns = _tiles(grad)
    planes = F.pad(grad, (0, columns * TILE - width, 0, rows * TILE - height)).flatten(0, 1)[:, None]
    filters = _OUTPUT.to(grad.dtype).t().reshape(-1, 1, TILE, TILE)
    tiles = F.conv2d(planes, filters, stride=TILE)  # BO 36 rows columns
    return tiles.view(batch, channels, WINDOW * WINDOW, -1).permute(2, 1, 0, 3).flatten(2)
