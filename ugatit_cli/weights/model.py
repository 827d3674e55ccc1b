"""What every reader in this folder gives: a configuration and generators in our names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..config import Direction, GeneratorConfig
from ..errors import UsageError

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class ModelWeights:
    """One opened and checked model file.

    Attributes:
        config: the shape of its generators; for `light` weights of foreign origin `image_size` is the default.
        generators: finite contiguous float32 tensors under the names of `Generator.state_dict()`.
        metadata: what the file says about itself (source, licence ...); not trusted, only shown.
        sha256: of the whole file, 64 hexadecimal digits.
        format: `safetensors` (ours) or `official-pytorch`.
        notes: one plain sentence for each thing the user should know.
    """

    config: GeneratorConfig
    generators: Mapping[Direction, Tensors]
    metadata: Mapping[str, str]
    sha256: str
    format: str
    notes: tuple[str, ...] = ()

    def generator(self, direction: Direction | None = None) -> tuple[Direction, Tensors]:
        """The generator of `direction`; None means the only one there is, else A to B.

        Raises:
            UsageError: the file has no generator of that direction.
        """
        first: Direction = "a2b" if "a2b" in self.generators else next(iter(self.generators))
        chosen = direction or first
        if chosen not in self.generators:
            text = f"the model has no generator for the direction {chosen}"
            raise UsageError(text, hint=f"leave --direction out, or write --direction {first}", name="model-direction")
        return chosen, self.generators[chosen]
