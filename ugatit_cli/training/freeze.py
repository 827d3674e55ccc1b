"""Parts of the networks that keep what another training taught them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from .config import Part

OF_GENERATORS = {
    "encoder": ("stem", "downs", "encoder_blocks"),
    "attention": ("cam", "mlp", "gamma", "beta"),
    "decoder": ("decoder_blocks", "ups", "head"),
}
DISCRIMINATOR_FEATURES = "convs"  # all but what decides: freezing them is FreezeD (arXiv 2002.10964)


def is_frozen(name: str, parts: Iterable[Part]) -> bool:
    """Whether the parameter `generator_a2b.stem.weight`, or one like it, belongs to one of the parts."""
    network, layer = name.split(".")[:2]
    if "discriminator" in network:
        return "discriminator-features" in parts and layer == DISCRIMINATOR_FEATURES
    return any(layer in OF_GENERATORS.get(part, ()) for part in parts)


def learning_parameters(networks: nn.Module, kind: str, parts: Iterable[Part]) -> list[nn.Parameter]:
    """The parameters of the networks whose name has `kind` ("generator", "discriminator") that are not frozen."""
    named = networks.named_parameters()
    return [parameter for name, parameter in named if kind in name.split(".")[0] and not is_frozen(name, parts)]
