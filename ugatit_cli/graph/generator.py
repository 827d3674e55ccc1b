"""A U-GAT-IT generator as an ONNX graph (opset 20), written from its weights: no tracing, no torch, a fraction of a second.

The numbers are those of `network.Generator`; `tests/graph` holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from ..config import Direction, GeneratorConfig
from .facts import GraphFacts
from .large_matrix import Storage, write_product
from .planar import FLOAT, PlanarMaps
from .saving import WeightsBeside
from .tiled import Kernels, TiledMaps
from .writer import GraphWriter

OPSET, IR_VERSION = 20, 9
IMAGE, TRANSLATED, HEATMAP = "image", "translated", "heatmap"  # the tensors' names

Form = Literal["tiled", "direct"]
Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class GraphForm:
    """Which of the graphs that compute the same is written.

    Attributes:
        convolutions: `tiled` is the fastest on CPUs; `direct` is for GPUs and for quantisation.
        kernels: when those of `tiled` are transformed.
        half: float16 maps, convolutions and weights; `direct` only. Inputs and outputs stay float32.
        levels: uint8 N x H x W x 3 in and out, instead of float32 N x 3 x H x W in [-1, 1].
        heatmap: a second output, the attention N x H/4 x W/4, float32.
        storage: how the one large matrix of the full variant is kept.
    """

    convolutions: Form = "tiled"
    kernels: Kernels = "loaded"
    half: bool = False
    levels: bool = False
    heatmap: bool = False
    storage: Storage = "fp32"


def write_generator(
    config: GeneratorConfig, weights: Weights, form: GraphForm, beside: WeightsBeside | None = None
) -> ModelProto:
    """`weights` has the names and shapes of `Generator.state_dict()`, float32; large ones go `beside` the graph, if that is given."""
    graph = _GeneratorGraph(config, weights, form, GraphWriter(beside))
    graph.write()
    return graph.model()


def facts_of(config: GeneratorConfig, form: GraphForm, direction: Direction | None = None) -> GraphFacts:
    """What `write_generator` writes takes and gives."""
    side = None if config.any_size else config.image_size
    return GraphFacts(
        input=IMAGE,
        output=TRANSLATED,
        layout="nhwc" if form.levels else "nchw",
        element="uint8" if form.levels else "float32",
        value_range="0..255" if form.levels else "-1..1",
        heatmap=HEATMAP if form.heatmap else None,
        height=side,
        width=side,
        image_size=config.image_size,
        direction=direction,
    )


class _GeneratorGraph:
    def __init__(self, config: GeneratorConfig, weights: Weights, form: GraphForm, writer: GraphWriter) -> None:
        self._config, self._weights, self._form, self._writer = config, weights, form, writer
        self._planar = PlanarMaps(self._writer, half=form.half)
        self._maps = TiledMaps(self._writer, form.kernels) if form.convolutions == "tiled" else self._planar

    def write(self) -> None:
        """Table 5, from top to bottom."""
        x = self._planar.narrow(self._from_levels(IMAGE) if self._form.levels else IMAGE)
        x = self._encode(x)
        x = self._attend(x)
        if self._form.heatmap:
            self._maps.sum_of_channels(x)
            self._writer.name_last(HEATMAP)
        gamma, beta = self._style(x)
        x = self._decode(x, gamma, beta)
        with self._writer.scope("head"):
            x = self._planar.convolve_to_picture(x, self._weights["head.weight"])
            x = self._writer.add("Tanh", self._planar.single(x))
        if self._form.levels:
            self._to_levels(x)
        self._writer.name_last(TRANSLATED)

    def model(self) -> ModelProto:
        inputs, outputs = [self._picture(IMAGE)], [self._picture(TRANSLATED)]
        if self._form.heatmap:
            sides = ["batch", "heatmap_height", "heatmap_width"]
            outputs.append(helper.make_tensor_value_info(HEATMAP, FLOAT, sides))
        writer = self._writer
        graph = helper.make_graph(writer.nodes, "generator", inputs, outputs, list(writer.constants.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ugatit")

    def _picture(self, name: str) -> ValueInfoProto:
        side = self._config.image_size
        height, width = ("height", "width") if self._config.any_size else (side, side)
        shape = ["batch", height, width, 3] if self._form.levels else ["batch", 3, height, width]
        return helper.make_tensor_value_info(name, TensorProto.UINT8 if self._form.levels else FLOAT, shape)

    def _encode(self, x: str) -> str:
        channels = self._config.channels
        layers = [("stem", channels, 1), ("downs.0", 2 * channels, 2), ("downs.1", 4 * channels, 2)]
        for name, width, stride in layers:
            with self._writer.scope(name):
                x = self._planar.convolve(x, self._weights[f"{name}.weight"], stride=stride)
                x = self._writer.add("Relu", self._planar.instance_normalise(x, width))
        with self._writer.scope("middle"):
            x = self._maps.enter(x)
        for number in range(self._config.blocks):
            y = self._writer.add("Relu", self._encoder_half(x, f"encoder_blocks.{number}.conv1"))
            x = self._writer.add("Add", x, self._encoder_half(y, f"encoder_blocks.{number}.conv2"))
        return x

    def _encoder_half(self, x: str, name: str) -> str:
        with self._writer.scope(name):
            x = self._maps.convolve(x, self._weights[f"{name}.weight"])
            return self._maps.instance_normalise(x, self._config.width)

    def _attend(self, x: str) -> str:
        """Both classifiers' weights and the 1x1 convolution that merges what they scaled, as one 1x1 convolution."""
        merge = self._weights["cam.merge.weight"][..., 0, 0].astype(np.float64)
        average_part, max_part = np.split(merge, 2, axis=1)
        weight = average_part * self._weights["cam.average_fc.weight"] + max_part * self._weights["cam.max_fc.weight"]
        with self._writer.scope("cam"):
            x = self._maps.per_pixel(x, weight.astype(np.float32), self._weights["cam.merge.bias"])
            return self._writer.add("Relu", x)

    def _style(self, x: str) -> tuple[str, str]:
        """gamma and beta of AdaLIN, as the maps want them."""
        writer, weights, width = self._writer, self._weights, self._config.width
        with writer.scope("mlp.0"):
            if self._config.any_size:
                style = self._product(self._maps.mean(x), weights["mlp.0.weight"])
            else:
                style = write_product(writer, self._maps.flat(x), weights["mlp.0.weight"], self._form.storage)
            style = writer.add("Relu", style)
        with writer.scope("mlp.2"):
            style = writer.add("Relu", self._product(style, weights["mlp.2.weight"]))
        with writer.scope("gamma_beta"):
            both = self._product(style, np.concatenate([weights["gamma.weight"], weights["beta.weight"]]))
            gamma, beta = writer.add_many("Split", both, outputs=2, axis=1, num_outputs=2)
            return self._maps.per_channel(gamma, width), self._maps.per_channel(beta, width)

    def _product(self, x: str, weight: NDArray[np.float32]) -> str:
        return self._writer.add("Gemm", x, self._writer.constant(weight), transB=1)

    def _decode(self, x: str, gamma: str, beta: str) -> str:
        for number in range(self._config.blocks):
            y = self._writer.add("Relu", self._decoder_half(x, number, 1, gamma, beta))
            x = self._writer.add("Add", x, self._decoder_half(y, number, 2, gamma, beta))
        for number in range(2):
            x = self._up(x, f"ups.{number}")
        with self._writer.scope("middle"):
            return self._maps.leave(x, self._config.channels)

    def _decoder_half(self, x: str, block: int, half: int, gamma: str, beta: str) -> str:
        name = f"decoder_blocks.{block}"
        with self._writer.scope(f"{name}.conv{half}"):
            x = self._maps.convolve(x, self._weights[f"{name}.conv{half}.weight"])
            rho = self._weights[f"{name}.norm{half}.rho"]
            return self._maps.layer_instance_normalise(x, rho, gamma, beta)

    def _up(self, x: str, name: str) -> str:
        with self._writer.scope(name):
            x = self._maps.convolve_up(x, self._weights[f"{name}.conv.weight"])
            rho, gamma, beta = (self._weights[f"{name}.norm.{part}"] for part in ("rho", "gamma", "beta"))
            learned = [self._maps.per_channel(self._writer.constant(part), rho.size) for part in (gamma, beta)]
            return self._writer.add("Relu", self._maps.layer_instance_normalise(x, rho, *learned))

    def _from_levels(self, x: str) -> str:
        add, constant = self._writer.add, self._writer.constant
        with self._writer.scope("levels"):
            numbers = add("Transpose", add("Cast", x, to=FLOAT), perm=[0, 3, 1, 2])
            return add("Sub", add("Div", numbers, constant(127.5)), constant(1.0))

    def _to_levels(self, x: str) -> str:
        """Rounded half to even, as the official writer does."""
        add, constant = self._writer.add, self._writer.constant
        with self._writer.scope("levels"):
            numbers = add("Mul", add("Add", x, constant(1.0)), constant(127.5))
            levels = add("Clip", add("Round", numbers), constant(0.0), constant(255.0))
            return add("Transpose", add("Cast", levels, to=TensorProto.UINT8), perm=[0, 2, 3, 1])
