"""The cheaper layers give the numbers of the convolutions they replace."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ugatit_cli.backends.pytorch_cpu import (
    FixedTiledConv2d,
    FixedTwoByTwoConv2d,
    TiledConv2d,
    TwoByTwoConv2d,
    prepare_for_cpu,
    prepare_training_on_cpu,
)
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator


def reflected(x: Tensor, layer: nn.Conv2d) -> Tensor:
    return F.conv2d(F.pad(x, (layer.kernel_size[0] // 2,) * 4, mode="reflect"), layer.weight, layer.bias)


def convolution(channels_in: int, channels_out: int, kernel: int, *, bias: bool) -> nn.Conv2d:
    layer = nn.Conv2d(channels_in, channels_out, kernel, bias=bias).requires_grad_(False)
    nn.init.normal_(layer.weight)
    return layer


@given(
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    sides=st.tuples(st.integers(2, 19), st.integers(2, 19)),
    batch=st.integers(1, 3),
    bias=st.booleans(),
)
def test_tiled_convolution(channels: tuple[int, int], sides: tuple[int, int], batch: int, bias: bool) -> None:
    layer, x = convolution(*channels, 3, bias=bias), torch.randn(batch, channels[0], *sides)
    for form in (FixedTiledConv2d(layer), TiledConv2d(layer)):
        torch.testing.assert_close(form(x), reflected(x, layer), rtol=0, atol=1e-4)


@given(sides=st.tuples(st.integers(2, 9), st.integers(2, 9)), bias=st.booleans())
def test_two_by_two_convolution(sides: tuple[int, int], bias: bool) -> None:
    layer, x = convolution(4, 3, 7, bias=bias), torch.randn(2, 4, 2 * sides[0], 2 * sides[1])
    for form in (FixedTwoByTwoConv2d(layer), TwoByTwoConv2d(layer)):
        torch.testing.assert_close(form(x), reflected(x, layer), rtol=0, atol=1e-4)


@pytest.mark.parametrize("affine", [False, True])
def test_a_generator_prepared_for_training_keeps_names_and_parameters(affine: bool) -> None:
    generator = Generator(GeneratorConfig("light", channels=4, blocks=1, image_size=32, affine=affine))
    names, parameters = list(generator.state_dict()), list(generator.parameters())
    prepare_training_on_cpu(generator)
    assert list(generator.state_dict()) == names
    assert all(mine is theirs for mine, theirs in zip(generator.parameters(), parameters, strict=True))


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("size", [(32, 32), (40, 56)])
def test_a_prepared_generator_is_the_same_generator(size: tuple[int, int], affine: bool) -> None:
    torch.manual_seed(0)
    config = GeneratorConfig("light", channels=8, blocks=2, image_size=32, affine=affine, unbiased=not affine)
    generator = Generator(config).eval()
    x = torch.rand(2, 3, *size) * 2 - 1
    with torch.inference_mode():
        expected = generator(x, heatmap=True)
        prepare_for_cpu(generator)
        actual = generator(x, heatmap=True)
    head: nn.Module = generator.head
    assert isinstance(head, FixedTwoByTwoConv2d)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
