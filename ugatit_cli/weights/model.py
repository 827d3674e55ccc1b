"""What every reader in this folder gives: a configuration and generators in our names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from ..config import Direction, GeneratorConfig
from ..errors import UsageError

Tensors = Mapping[str, torch.Tensor]


class ReadLater(Mapping[Direction, Tensors]):
    """Generators whose numbers are read when they are asked for, the first time: a full one is a gigabyte."""

    def __init__(self, directions: tuple[Direction, ...], read: Callable[[Direction], Tensors]) -> None:
        self._read, self._found = read, dict[Direction, Tensors | None].fromkeys(directions)

    def __getitem__(self, direction: Direction) -> Tensors:
        """Raises BadModelError where what is read is damaged."""
        found = self._found[direction]
        if found is None:
            found = self._found[direction] = self._read(direction)
        return found

    def __contains__(self, direction: object) -> bool:
        return direction in self._found

    def __iter__(self) -> Iterator[Direction]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@dataclass(frozen=True)
class ModelWeights:
    """One opened and checked model file.

    Attributes:
        config: the shape of its generators; for `light` weights of foreign origin `image_size` is the default.
        generators: finite contiguous tensors under the names of `Generator.state_dict()`; read later, some of them. float32, but that a
            file of ours in half precision leaves the full variant's one large matrix as it is.
        metadata: what the file says about itself (source, licence ...); not trusted, only shown.
        sha256: of the whole file, 64 hexadecimal digits; for TensorFlow see `tensorflow_files.digest`.
        format: `safetensors` (ours), `official-pytorch`, `official-tensorflow` or `paddle`.
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
