"""Feature maps B x C x H x W and direct convolutions: what GPUs and whole numbers like."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from .normalisation import EPSILON, Array, Coefficients, Statistics, Style, instance_normalise, layer_instance_normalise
from .writer import GraphWriter

FLOAT, FLOAT16 = int(TensorProto.FLOAT), int(TensorProto.FLOAT16)

Edge = Literal["reflect", "edge"]


class PlanarMaps:
    """The operations of the network's middle on maps as ONNX has them. Names of nodes in, names of nodes out.

    With `half` the maps and the convolutions are float16; sums over a map, which may exceed what that type can hold,
    are float32.
    """

    def __init__(self, writer: GraphWriter, *, half: bool = False, noted: Coefficients | None = None) -> None:
        """`noted` is told what every normalisation comes to."""
        self._writer, self._noted = writer, noted
        self.half = half

    def enter(self, x: str) -> str:
        return x

    def leave(self, x: str, channels: int) -> str:
        return x

    def convolve(self, x: str, weight: Array, *, stride: int = 1, edge: Edge = "reflect") -> str:
        """A convolution O I k k without bias over a map whose edges are reflected or repeated."""
        margin, kernel = weight.shape[2] // 2, weight.shape[2]
        padded = self._pad(x, margin, edge)
        return self._writer.add(
            "Conv", padded, self._weight(weight), kernel_shape=[kernel, kernel], strides=[stride, stride]
        )

    def convolve_up(self, x: str, weight: Array) -> str:
        """Nearest up-sampling by two and a 3x3 convolution, as one convolution of the small map to four phases."""
        y = self.convolve(x, four_phases(weight), edge="edge")
        return self._writer.add("DepthToSpace", y, blocksize=2, mode="DCR")

    def convolve_to_picture(self, x: str, weight: Array) -> str:
        """The last, k x k, convolution to three channels: 2x2 outputs at a time, as three leave a vector unit idle."""
        kernel = weight.shape[2]
        shifts = [((0, 0), (0, 0), (down, 1 - down), (right, 1 - right)) for down in (0, 1) for right in (0, 1)]
        shifted = np.concatenate([np.pad(weight, shift) for shift in shifts])  # 4O I k+1 k+1
        padded = self._pad(x, kernel // 2, "reflect")
        y = self._writer.add("Conv", padded, self._weight(shifted), kernel_shape=[kernel + 1] * 2, strides=[2, 2])
        return self._writer.add("DepthToSpace", y, blocksize=2, mode="DCR")

    def per_pixel(self, x: str, weight: Array, bias: Array) -> str:
        """A 1x1 convolution O I."""
        return self._writer.add("Conv", x, self._weight(weight[:, :, None, None]), self._weight(bias))

    def instance_normalise(self, x: str, channels: int) -> str:
        if self._noted is not None:
            return self.narrow(instance_normalise(self._writer, self._statistics(self.single(x)), self._noted))
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        constants = self._writer.constant(ones), self._writer.constant(zeros)
        y = self._writer.add("InstanceNormalization", self.single(x), *constants, epsilon=EPSILON)
        return self.narrow(y)

    def layer_instance_normalise(self, x: str, rho: Array, style: Style) -> str:
        """`rho` C; gamma and beta are names of tensors of `per_channel`."""
        found, rho = self._statistics(self.single(x)), rho.reshape(1, -1, 1, 1)
        return self.narrow(layer_instance_normalise(self._writer, found, rho, style, self._noted))

    def scale_and_shift(self, x: str, scale: str, shift: str) -> str:
        """By names of tensors of `per_channel`."""
        return self.narrow(self._writer.add("Add", self._writer.add("Mul", self.single(x), scale), shift))

    def per_channel(self, values: str, channels: int) -> str:
        """B x C, or C, as something that a map can be multiplied by."""
        return self._writer.add("Reshape", values, self._writer.constant([-1, channels, 1, 1]))

    def mean(self, x: str) -> str:
        """B x C."""
        return self._writer.add("Flatten", self._writer.add("GlobalAveragePool", self.single(x)))

    def flat(self, x: str) -> str:
        """B x CHW."""
        return self._writer.add("Flatten", self.single(x))

    def sum_of_channels(self, x: str) -> str:
        """B x H x W."""
        return self._writer.add("ReduceSum", self.single(x), self._writer.constant([1]), keepdims=0)

    def single(self, x: str) -> str:
        """As float32."""
        return self._writer.add("Cast", x, to=FLOAT) if self.half else x

    def narrow(self, x: str) -> str:
        """As the type that maps have here."""
        return self._writer.add("Cast", x, to=FLOAT16) if self.half else x

    def _weight(self, values: NDArray[np.float32]) -> str:
        return self._writer.constant(values.astype(np.float16 if self.half else np.float32))

    def _pad(self, x: str, margin: int, edge: Edge) -> str:
        pads = self._writer.constant([0, 0, margin, margin] * 2)
        return self._writer.add("Pad", x, pads, mode=edge)

    def _statistics(self, x: str) -> Statistics:
        writer, area = self._writer, self._writer.constant([2, 3])
        sides = writer.add("Shape", x, start=2)
        count = writer.add("Cast", writer.add("ReduceProd", sides, keepdims=0), to=FLOAT)
        mean = writer.add("ReduceMean", x, area)  # B C 1 1
        centred = writer.add("Sub", x, mean)
        return Statistics(centred, mean, writer.add("ReduceSumSquare", centred, area), count, channel_axis=1)


def four_phases(weight: Array) -> Array:
    """O I 3 3 over a map enlarged by two -> 4O I 3 3 over the small one: what each of the four outputs takes of it."""
    phases = [_phase(_phase(weight, 2, down), 3, right) for down in (0, 1) for right in (0, 1)]
    return np.concatenate(phases)


def _phase(weight: Array, axis: int, second: int) -> Array:
    first, middle, last = np.split(weight, 3, axis)
    nothing = np.zeros_like(first)
    taps = [nothing, first + middle, last] if second else [first, middle + last, nothing]
    return np.concatenate(taps, axis)
