"""AdaLIN and its kin as nodes: statistics looked at once, then one multiplication and one addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .writer import GraphWriter

EPSILON = 1e-5

Array = NDArray[np.float32]
Style = tuple[str, str]  # gamma and beta: names of tensors with one value a channel


@dataclass(frozen=True)
class Statistics:
    """Of each channel of a feature map: names of nodes, all but `count` and `centred` with one value a channel.

    Attributes:
        centred: the map less its channels' means.
        mean, squares: each channel's mean, and the sum of its squared distances from it.
        count: pixels in a channel, one float.
        channel_axis: where the channels lie in all of them.
    """

    centred: str
    mean: str
    squares: str
    count: str
    channel_axis: int


class Coefficients:
    """What every normalisation multiplies its map by, and then adds to it: names of nodes, in the order of the network."""

    def __init__(self, writer: GraphWriter) -> None:
        self._writer = writer
        self._names: list[str] = []

    def note(self, found: Statistics, scale: str, shift: str | None) -> None:
        """`scale` and `shift` are those of the centred map."""
        moved = self._writer.add("Neg", self._writer.add("Mul", found.mean, scale))
        self._names += [scale, moved if shift is None else self._writer.add("Add", shift, moved)]

    def join(self) -> str:
        """B x D: all of them, one after the other."""
        return self._writer.add("Concat", *(self._writer.add("Flatten", name) for name in self._names), axis=1)


def instance_normalise(writer: GraphWriter, found: Statistics, noted: Coefficients | None = None) -> str:
    """Biased variance, neither scale nor shift, as torch's InstanceNorm2d has it."""
    scale = _reciprocal_root(writer, writer.add("Div", found.squares, found.count))
    if noted is not None:
        noted.note(found, scale, None)
    return writer.add("Mul", found.centred, scale)


def layer_instance_normalise(
    writer: GraphWriter, found: Statistics, rho: Array, style: Style, noted: Coefficients | None = None
) -> str:
    """gamma * (rho * instance + (1 - rho) * layer) + beta (equation 1); both variances unbiased, as in the official code.

    The layer's statistics follow from the channels'. `rho` has one value a channel, in the shape of the statistics;
    gamma and beta, the style, are names of such tensors.
    """
    gamma, beta = style
    add, one, axis = writer.add, writer.constant(1.0), writer.constant([found.channel_axis])
    channels = writer.constant(float(rho.size))
    layer_mean = add("ReduceMean", found.mean, axis)
    offset = add("Sub", found.mean, layer_mean)
    squares = add("Add", found.squares, add("Mul", found.count, add("Mul", offset, offset)))
    total = add("Sub", add("Mul", found.count, channels), one)
    variance = add("Div", found.squares, add("Sub", found.count, one))
    layer_variance = add("Div", add("ReduceSum", squares, axis), total)
    instance_part = add("Mul", writer.constant(rho), _reciprocal_root(writer, variance))
    layer_part = add("Mul", writer.constant(1 - rho), _reciprocal_root(writer, layer_variance))
    scale = add("Mul", gamma, add("Add", instance_part, layer_part))
    shift = add("Add", beta, add("Mul", gamma, add("Mul", layer_part, offset)))
    if noted is not None:
        noted.note(found, scale, shift)
    return add("Add", add("Mul", found.centred, scale), shift)


def _reciprocal_root(writer: GraphWriter, variance: str) -> str:
    return writer.add("Reciprocal", writer.add("Sqrt", writer.add("Add", variance, writer.constant(EPSILON))))
