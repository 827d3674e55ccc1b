"""Fewer products, the same convolution: values and gradients against the direct form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ugatit_cli.minimal_filtering import filter_tiles, reflected_convolution, transform_kernel


def direct(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7), (4, 13), (2, 2)])
def test_values_and_gradients_in_double(height: int, width: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, height, width, dtype=torch.double, requires_grad=True)
    weight = torch.randn(4, 3, 3, 3, dtype=torch.double, requires_grad=True)
    upstream = torch.randn(2, 4, height, width, dtype=torch.double)
    expected = torch.autograd.grad(direct(x, weight), (x, weight), upstream)
    found = torch.autograd.grad(reflected_convolution(x, weight), (x, weight), upstream)
    torch.testing.assert_close(reflected_convolution(x, weight), direct(x, weight))
    torch.testing.assert_close(found, expected)


def test_a_transformed_kernel_does_the_same() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(1, 3, 9, 8, dtype=torch.double), torch.randn(4, 3, 3, 3, dtype=torch.double)
    torch.testing.assert_close(filter_tiles(x, transform_kernel(weight)), direct(x, weight))


def test_float32_rounds_a_few_times_as_much_as_the_direct_form() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(1, 256, 32, 32), torch.randn(256, 256, 3, 3) * 0.02
    exact = direct(x.double(), weight.double())
    error, plain_error = (
        (y - exact).norm() / exact.norm() for y in (reflected_convolution(x, weight), direct(x, weight))
    )
    assert error < 3e-6  # 1.8e-6 to 2.1e-6, by the processor
    assert error < 12 * plain_error


def test_only_the_gradient_that_is_wanted_is_computed() -> None:
    x, weight = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3, requires_grad=True)
    reflected_convolution(x, weight).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert x.grad is None
