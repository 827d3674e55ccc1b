"""AdaLIN and its kin as nodes: statistics looked at once, then one multiplication and one addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .writer import GraphWriter

EPSILON = 1e-5

Array = NDArray[np.float32]
Style = tuple[str, str]  # gamma and beta: names of tensors with one value a channel
Affine = tuple[Array, Array]  # scale and shift, C each


@dataclass(frozen=True)
class Statistics:
    """Of each channel of a feature map: names of nodes, all but `count` and `centred` with one value a channel.

    Attributes:
        centred: the map less its channels' means.
        mean, squares: each channel's mean, and the sum of its squared distances from it.
        count: pixels in a channel, one float.
        per_channel: the shape of one value a channel, -1 where the channels lie.
    """

    centred: str
    mean: str
    squares: str
    count: str
    per_channel: tuple[int, ...]


@dataclass(frozen=True)
class LayerInstanceNorm:
    """What a layer-instance normalisation learned, less its style.

    Attributes:
        rho: C.
        bias: C, of the convolution in front, which is left out of the map: it only moves the channels' means.
        unbiased: whether variances are divided by n - 1, as in the official PyTorch code, or by n, as in TensorFlow's.
    """

    rho: Array
    bias: Array | None = None
    unbiased: bool = True


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


def instance_normalise(
    writer: GraphWriter, found: Statistics, affine: Affine | None, noted: Coefficients | None = None
) -> str:
    """Biased variance, as torch's InstanceNorm2d has it."""
    scale, shift = _reciprocal_root(writer, writer.add("Div", found.squares, found.count)), None
    if affine is not None:
        gamma, beta = (writer.constant(part.reshape(found.per_channel)) for part in affine)
        scale, shift = writer.add("Mul", scale, gamma), beta
    if noted is not None:
        noted.note(found, scale, shift)
    y = writer.add("Mul", found.centred, scale)
    return y if shift is None else writer.add("Add", y, shift)


def layer_instance_normalise(
    writer: GraphWriter, found: Statistics, norm: LayerInstanceNorm, style: Style, noted: Coefficients | None = None
) -> str:
    """gamma * (rho * instance + (1 - rho) * layer) + beta (equation 1).

    The layer's statistics follow from the channels'. Gamma and beta, the style, are names of tensors in the shape of the
    statistics.
    """
    gamma, beta = style
    add, axis = writer.add, writer.constant([found.per_channel.index(-1)])
    rho = norm.rho.reshape(found.per_channel)
    mean = found.mean
    if norm.bias is not None:
        mean = add("Add", mean, writer.constant(norm.bias.reshape(found.per_channel)))
    offset = add("Sub", mean, add("ReduceMean", mean, axis))
    squares = add("Add", found.squares, add("Mul", found.count, add("Mul", offset, offset)))
    total = add("Mul", found.count, writer.constant(float(rho.size)))
    variance = add("Div", found.squares, _freedom(writer, found.count, norm))
    layer_variance = add("Div", add("ReduceSum", squares, axis), _freedom(writer, total, norm))
    instance_part = add("Mul", writer.constant(rho), _reciprocal_root(writer, variance))
    layer_part = add("Mul", writer.constant(1 - rho), _reciprocal_root(writer, layer_variance))
    scale = add("Mul", gamma, add("Add", instance_part, layer_part))
    shift = add("Add", beta, add("Mul", gamma, add("Mul", layer_part, offset)))
    if noted is not None:
        noted.note(found, scale, shift)
    return add("Add", add("Mul", found.centred, scale), shift)


def _freedom(writer: GraphWriter, count: str, norm: LayerInstanceNorm) -> str:
    """What a sum of squares of so many numbers is divided by."""
    return writer.add("Sub", count, writer.constant(1.0)) if norm.unbiased else count


def _reciprocal_root(writer: GraphWriter, variance: str) -> str:
    return writer.add("Reciprocal", writer.add("Sqrt", writer.add("Add", variance, writer.constant(EPSILON))))
