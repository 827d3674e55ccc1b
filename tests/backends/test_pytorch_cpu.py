"""The cheaper layers give the numbers of the convolutions they replace."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ugatit_cli.backends.pytorch_cpu import TiledConv2d, TwoByTwoConv2d, prepare_for_cpu
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator


@given(
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    sides=st.tuples(st.integers(1, 19), st.integers(1, 19)),
    batch=st.integers(1, 3),
)
def test_tiled_convolution(channels: tuple[int, int], sides: tuple[int, int], batch: int) -> None:
    weight = torch.randn(channels[1], channels[0], 3, 3)
    x = torch.randn(batch, channels[0], sides[0] + 2, sides[1] + 2)
    torch.testing.assert_close(TiledConv2d(weight)(x), F.conv2d(x, weight), rtol=0, atol=1e-4)


@given(kernel=st.sampled_from([3, 7]), sides=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_two_by_two_convolution(kernel: int, sides: tuple[int, int]) -> None:
    weight = torch.randn(3, 4, kernel, kernel)
    x = torch.randn(2, 4, 2 * sides[0] + kernel - 1, 2 * sides[1] + kernel - 1)
    torch.testing.assert_close(TwoByTwoConv2d(weight)(x), F.conv2d(x, weight), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (40, 56)])
def test_a_prepared_generator_is_the_same_generator(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig("light", channels=8, blocks=2, image_size=32)).eval()
    x = torch.rand(2, 3, *size) * 2 - 1
    with torch.inference_mode():
        expected = generator(x, heatmap=True)
        prepare_for_cpu(generator)
        actual = generator(x, heatmap=True)
    assert isinstance(generator.head, TwoByTwoConv2d)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
