"""A generator's normalisations, so that they can tell what they came to, or be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from weakref import ref

import torch
from torch import Tensor, nn

from ..network import LIN, AdaLIN, Generator, InstanceNorm, Translation


class Normalisations:
    """All of one generator's, put into their places once; what they do is chosen for each pass."""

    def __init__(self, generator: Generator) -> None:
        self._find_generator = ref(generator)  # no circle: it is freed as soon as nobody runs it
        self._noted: list[Tensor] | None = None
        self._told: Iterator[Tensor] | None = None
        for module in list(generator.modules()):
            for name, child in module.named_children():
                if isinstance(child, InstanceNorm | LIN | AdaLIN):
                    setattr(module, name, _Normalisation(child, self._normalise))
        for name in ("mlp", "gamma", "beta"):
            setattr(generator, name, _Style(getattr(generator, name), lambda: self._told is not None))

    def measure(self, x: Tensor, *, heatmap: bool) -> tuple[Translation, Tensor]:
        """x: B 3 H W -> its translation, and B D: scale and shift of every normalisation, in the order of the network."""
        self._noted = []
        try:
            return self._generator(x, heatmap=heatmap), torch.cat(self._noted, dim=1)
        finally:
            self._noted = None

    def hold(self, x: Tensor, statistics: Tensor, *, heatmap: bool) -> Translation:
        """`statistics` B D."""
        widths = [width for width in self._generator.config.normalised_widths for _ in range(2)]
        self._told = iter(torch.split(statistics, widths, dim=1))
        try:
            translation: Translation = self._generator(x, heatmap=heatmap)
            return translation
        finally:
            self._told = None

    @property
    def _generator(self) -> Generator:
        generator = self._find_generator()
        assert generator is not None, "whoever runs it holds it"
        return generator

    def _normalise(self, x: Tensor, plain: Callable[[], Tensor]) -> Tensor:
        if self._told is not None:
            scale, shift = next(self._told), next(self._told)
            return x.mul_(scale[..., None, None]).add_(shift[..., None, None])
        y = plain()
        if self._noted is not None:
            self._noted += _scale_and_shift(x, y)
        return y


class _Normalisation(nn.Module):
    def __init__(self, plain: nn.Module, normalise: Callable[[Tensor, Callable[[], Tensor]], Tensor]) -> None:
        super().__init__()
        self.plain, self._normalise = plain, normalise

    def forward(self, x: Tensor, *style: Tensor) -> Tensor:
        return self._normalise(x, lambda: self.plain(x, *style))


class _Style(nn.Module):
    """One of the layers that only steer normalisations: left out where those are told."""

    def __init__(self, layer: nn.Module, told: Callable[[], bool]) -> None:
        super().__init__()
        self.layer, self._told = layer, told

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self._told() else self.layer(x)
        return y


def _scale_and_shift(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """B C each, of y = x * scale + shift, by least squares, so that every kind of normalisation may have made it.

    A flat channel, where any scale would do, gets none.
    """
    mean_x, mean_y = x.mean(dim=(2, 3), keepdim=True), y.mean(dim=(2, 3), keepdim=True)
    centred = x - mean_x
    squares = centred.square().sum(dim=(2, 3))
    scale = (centred * (y - mean_y)).sum(dim=(2, 3)) / squares.clamp(min=torch.finfo(squares.dtype).tiny)
    return scale, mean_y[..., 0, 0] - scale * mean_x[..., 0, 0]
