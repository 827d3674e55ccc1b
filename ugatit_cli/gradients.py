"""Operations with a backward pass of their own, because the one that autograd would build keeps or moves too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Coefficients = Callable[..., tuple[Tensor, Tensor]]
FEW_POSITIONS = 64  # up to so many outputs per channel a CPU is faster with the weights in one matrix product


def normalise(x: Tensor, coefficients: Coefficients, *parameters: Tensor) -> Tensor:
    """x * scale + shift, where both are functions of x's mean and variance per sample and channel.

    Args:
        x: B C H W.
        coefficients: (mean, variance (both B C, variance unbiased), H W, *parameters) -> scale, shift (both B C).
    """
    result: Tensor = _Normalise.apply(x, coefficients, *parameters)  # type: ignore[no-untyped-call]
    return result


class _Normalise(torch.autograd.Function):
    """Autograd alone would keep several copies of x and walk over them again and again. Here only x is
    kept; the backward pass needs two sums over it (for scale and shift) and one multiply-add, and
    leaves the algebra of the coefficients to autograd on tensors of B x C numbers.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, coefficients: Coefficients, *parameters: Tensor) -> Tensor:
        count = x.shape[2] * x.shape[3]
        mean = x.mean(dim=(2, 3), dtype=torch.float32 if x.dtype.itemsize == 2 else None)  # B C
        y = x - mean[..., None, None]
        # centred two-pass sums: var_mean is twenty times slower on a CPU, and E[x^2] - E[x]^2 ten times less exact
        variance = torch.linalg.vector_norm(y, dim=(2, 3)).square() / (count - 1)  # B C, unbiased
        scale, shift = coefficients(mean, variance, count, *parameters)
        ctx.coefficients = coefficients
        ctx.save_for_backward(x, mean, variance, *parameters)
        return y.mul_(scale[..., None, None]).add_((shift + scale * mean)[..., None, None])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, mean, variance, *parameters = ctx.saved_tensors
        count = x.shape[2] * x.shape[3]
        grad_shift = grad.sum(dim=(2, 3))
        grad_scale = (grad * x).sum(dim=(2, 3))
        with torch.enable_grad():
            leaves = [leaf.detach().requires_grad_() for leaf in (mean, variance, *parameters)]
            scale, shift = ctx.coefficients(leaves[0], leaves[1], count, *leaves[2:])
        grad_mean, grad_variance, *grad_parameters = torch.autograd.grad(
            (scale, shift), leaves, (grad_scale, grad_shift)
        )
        slope = grad_variance * (2 / (count - 1))  # d variance / d x = 2 (x - mean) / (n - 1)
        grad_x = (grad * scale.detach()[..., None, None]).add_(x * slope[..., None, None])
        grad_x.add_((grad_mean / count - slope * mean)[..., None, None])
        return (grad_x.to(x.dtype), None, *grad_parameters)


Singular = tuple[Tensor, Tensor, Tensor]  # u: P O, v: P C*k*k, sigma: P; a row for each of P passes


def spectral_convolution(x: Tensor, weight: Tensor, singular: Singular, stride: int) -> Tensor:
    """A convolution by weight / sigma. Sigma = u . (W v) depends on the weight, and its gradient is counted in.

    Args:
        x: P * B C H W, P batches one after the other, each with a sigma of its own.
        weight: O C k k; W is its O, C*k*k matrix.
        singular: u, v and sigma, which need no gradient.
    """
    result: Tensor = _SpectralConvolution.apply(x, weight, singular, stride)  # type: ignore[no-untyped-call]
    return result


class _SpectralConvolution(torch.autograd.Function):
    """The output is divided, not the weight; and the gradient through sigma, a matrix u v' for each batch, is added
    to the weight's in the product that makes it. So the widest layers' weights are walked over once, not six times.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, singular: Singular, stride: int) -> Tensor:
        u, v, sigma = singular
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        ctx.stride, ctx.few = stride, _few_positions(x, weight, stride)
        kernel = weight.to(x.dtype)
        raw = _multiply(x, kernel, stride) if ctx.few else F.conv2d(x, kernel, stride=stride)
        ctx.save_for_backward(x, weight, u, v, sigma, raw if ctx.needs_input_grad[1] else None)
        return _per_batch(raw, sigma.reciprocal())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight, u, v, sigma, raw = ctx.saved_tensors
        wants_x, wants_weight = ctx.needs_input_grad[:2]
        grad_raw = _per_batch(grad, sigma.reciprocal())
        through_sigma = None
        if wants_weight:  # d (raw / sigma) / d sigma = -raw / sigma^2, and d sigma / d W = u v'
            grad_sigma = -(grad * raw).reshape(len(sigma), -1).sum(1, dtype=sigma.dtype) / sigma.square()
            through_sigma = (grad_sigma[:, None] * u, v)
        backward = _multiply_backward if ctx.few else _convolve_backward
        grad_x, grad_weight = backward(grad_raw, x, weight, ctx.stride, wants_x, through_sigma)
        return grad_x, grad_weight, None, None


RankOne = tuple[Tensor, Tensor]  # left P O and right P C*k*k: the sum of the products left' right


def _per_batch(x: Tensor, factors: Tensor) -> Tensor:
    """x: P * B ..., factors: P -> every batch times its factor."""
    factors = factors.to(x.dtype).repeat_interleave(len(x) // len(factors))
    return x * factors[:, None, None, None]


def _few_positions(x: Tensor, weight: Tensor, stride: int) -> bool:
    rows, columns = ((side - weight.shape[-1]) // stride + 1 for side in x.shape[2:])
    return x.device.type == "cpu" and len(x) * rows * columns <= FEW_POSITIONS


def _columns(x: Tensor, kernel: int, stride: int) -> Tensor:
    """N C H W -> N h w, C k k: what each output sees."""
    return F.unfold(x, kernel, stride=stride).transpose(1, 2).flatten(0, 1)


def _multiply(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    kernel = weight.shape[-1]
    rows, columns = ((side - kernel) // stride + 1 for side in x.shape[2:])
    y = F.linear(_columns(x, kernel, stride), weight.flatten(1))  # N h w, O
    return y.view(len(x), rows, columns, -1).permute(0, 3, 1, 2).contiguous()


def _multiply_backward(
    grad: Tensor, x: Tensor, weight: Tensor, stride: int, wants_x: bool, more: RankOne | None
) -> tuple[Tensor | None, Tensor | None]:
    kernel = weight.shape[-1]
    rows = grad.permute(0, 2, 3, 1).flatten(0, 2)  # N h w, O
    grad_x = grad_weight = None
    if more is not None:
        left, right = (part.to(x.dtype) for part in more)
        grad_weight = torch.cat([rows, left]).t() @ torch.cat([_columns(x, kernel, stride), right])
        grad_weight = grad_weight.view_as(weight).to(weight.dtype)
    if wants_x:
        patches = (rows @ weight.flatten(1).to(x.dtype)).view(len(x), -1, weight[0].numel()).transpose(1, 2)
        grad_x = F.fold(patches, (x.shape[2], x.shape[3]), kernel, stride=stride)
    return grad_x, grad_weight


def _convolve_backward(
    grad: Tensor, x: Tensor, weight: Tensor, stride: int, wants_x: bool, more: RankOne | None
) -> tuple[Tensor | None, Tensor | None]:
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad, x, weight.to(x.dtype), None, (stride, stride), (0, 0), (1, 1), False, (0, 0), 1,
        (wants_x, more is not None, False),
    )  # fmt: skip
    if more is not None:
        left, right = more
        grad_weight = grad_weight.to(weight.dtype)
        grad_weight.flatten(1).addmm_(left.t(), right)
    return grad_x, grad_weight
