from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator
from ugatit_cli.weights.shapes import generator_shapes


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


configs = st.builds(
    GeneratorConfig,
    st.sampled_from(["full", "light"]),
    channels=st.integers(1, 80),
    blocks=st.integers(1, 9),
    image_size=st.integers(4, 64).map(lambda quarter: quarter * 4),
    affine=st.booleans(),
    pool=st.integers(1, 4),
)


@given(configs)
def test_generator_shapes_are_those_of_the_network(config: GeneratorConfig) -> None:
    with torch.device("meta"):
        assert generator_shapes(config) == shapes_of(Generator(config))
