"""A U-GAT-IT generator as an ONNX graph (opset 20), written from its weights: no tracing, no torch, a fraction of a second.

The numbers are those of `network.Generator`; `tests/graph` holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from ..config import Direction, GeneratorConfig
from .facts import GraphFacts, StatisticsUse
from .large_matrix import Storage, write_product
from .normalisation import Coefficients, Style
from .planar import FLOAT, PlanarMaps
from .tiled import TiledMaps
from .writer import GraphWriter

OPSET, IR_VERSION = 20, 9
IMAGE, TRANSLATED, HEATMAP = "image", "translated", "heatmap"  # the tensors' names
MEASURED, HELD = "measured", "held"

Form = Literal["tiled", "direct"]
Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class GraphForm:
    """Which of the graphs that compute the same is written.

    Attributes:
        convolutions: `tiled` is the fastest on CPUs; `direct` is for GPUs and for quantisation.
        half: float16 maps, convolutions and weights; `direct` only. Inputs and outputs stay float32.
        levels: uint8 N x H x W x 3 in and out, instead of float32 N x 3 x H x W in [-1, 1].
        heatmap: a second output, the attention N x H/4 x W/4, float32.
        storage: how the one large matrix of the full variant is kept.
        statistics: `measured` has one output more: what each normalisation multiplied its map by and added to it, N x D.
            `held` is told that by one input more, and computes neither statistics nor a style.
    """

    convolutions: Form = "tiled"
    half: bool = False
    levels: bool = False
    heatmap: bool = False
    storage: Storage = "fp32"
    statistics: StatisticsUse = "own"


def write_generator(config: GeneratorConfig, weights: Weights, form: GraphForm) -> ModelProto:
    """`weights` has the names and shapes of `Generator.state_dict()`, float32."""
    graph = _GeneratorGraph(config, weights, form)
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
        measured=MEASURED if form.statistics == "measured" else None,
        held=HELD if form.statistics == "held" else None,
    )


class _GeneratorGraph:
    def __init__(self, config: GeneratorConfig, weights: Weights, form: GraphForm) -> None:
        self._config, self._weights, self._form = config, weights, form
        self._writer = GraphWriter()
        self._noted = Coefficients(self._writer) if form.statistics == "measured" else None
        self._held = self._take_held() if form.statistics == "held" else iter(())
        self._planar = PlanarMaps(self._writer, half=form.half, noted=self._noted)
        self._maps = TiledMaps(self._writer, self._noted) if form.convolutions == "tiled" else self._planar

    def write(self) -> None:
        """Table 5, from top to bottom."""
        x = self._planar.narrow(self._from_levels(IMAGE) if self._form.levels else IMAGE)
        x = self._encode(x)
        x = self._attend(x)
        if self._form.heatmap:
            self._maps.sum_of_channels(x)
            self._writer.name_last(HEATMAP)
        x = self._decode(x, None if self._form.statistics == "held" else self._style(x))
        with self._writer.scope("head"):
            x = self._planar.convolve_to_picture(x, self._weights["head.weight"])
            x = self._writer.add("Tanh", self._planar.single(x))
        if self._form.levels:
            self._to_levels(x)
        self._writer.name_last(TRANSLATED)
        if self._noted is not None:
            self._noted.join()
            self._writer.name_last(MEASURED)

    def model(self) -> ModelProto:
        inputs, outputs = [self._picture(IMAGE)], [self._picture(TRANSLATED)]
        coefficients: list[str | int] = ["batch", 2 * sum(self._config.normalised_widths)]
        if self._form.statistics == "held":
            inputs.append(helper.make_tensor_value_info(HELD, FLOAT, coefficients))
        if self._form.heatmap:
            sides = ["batch", "heatmap_height", "heatmap_width"]
            outputs.append(helper.make_tensor_value_info(HEATMAP, FLOAT, sides))
        if self._form.statistics == "measured":
            outputs.append(helper.make_tensor_value_info(MEASURED, FLOAT, coefficients))
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
                x = self._writer.add("Relu", self._instance_normalise(self._planar, x, width))
        with self._writer.scope("middle"):
            x = self._maps.enter(x)
        for number in range(self._config.blocks):
            y = self._writer.add("Relu", self._encoder_half(x, f"encoder_blocks.{number}.conv1"))
            x = self._writer.add("Add", x, self._encoder_half(y, f"encoder_blocks.{number}.conv2"))
        return x

    def _encoder_half(self, x: str, name: str) -> str:
        with self._writer.scope(name):
            x = self._maps.convolve(x, self._weights[f"{name}.weight"])
            return self._instance_normalise(self._maps, x, self._config.width)

    def _attend(self, x: str) -> str:
        """Both classifiers' weights and the 1x1 convolution that merges what they scaled, as one 1x1 convolution."""
        merge = self._weights["cam.merge.weight"][..., 0, 0].astype(np.float64)
        average_part, max_part = np.split(merge, 2, axis=1)
        weight = average_part * self._weights["cam.average_fc.weight"] + max_part * self._weights["cam.max_fc.weight"]
        with self._writer.scope("cam"):
            x = self._maps.per_pixel(x, weight.astype(np.float32), self._weights["cam.merge.bias"])
            return self._writer.add("Relu", x)

    def _style(self, x: str) -> Style:
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

    def _decode(self, x: str, style: Style | None) -> str:
        for number in range(self._config.blocks):
            y = self._writer.add("Relu", self._decoder_half(x, number, 1, style))
            x = self._writer.add("Add", x, self._decoder_half(y, number, 2, style))
        for number in range(2):
            x = self._up(x, f"ups.{number}")
        with self._writer.scope("middle"):
            return self._maps.leave(x, self._config.channels)

    def _decoder_half(self, x: str, block: int, half: int, style: Style | None) -> str:
        name = f"decoder_blocks.{block}"
        with self._writer.scope(f"{name}.conv{half}"):
            x = self._maps.convolve(x, self._weights[f"{name}.conv{half}.weight"])
            if style is None:
                return self._hold(self._maps, x, self._config.width)
            return self._maps.layer_instance_normalise(x, self._weights[f"{name}.norm{half}.rho"], style)

    def _up(self, x: str, name: str) -> str:
        with self._writer.scope(name):
            x = self._maps.convolve_up(x, self._weights[f"{name}.conv.weight"])
            rho, gamma, beta = (self._weights[f"{name}.norm.{part}"] for part in ("rho", "gamma", "beta"))
            if self._form.statistics == "held":
                return self._writer.add("Relu", self._hold(self._maps, x, rho.size))
            learned = [self._maps.per_channel(self._writer.constant(part), rho.size) for part in (gamma, beta)]
            return self._writer.add("Relu", self._maps.layer_instance_normalise(x, rho, (learned[0], learned[1])))

    def _instance_normalise(self, maps: PlanarMaps | TiledMaps, x: str, channels: int) -> str:
        if self._form.statistics == "held":
            return self._hold(maps, x, channels)
        return maps.instance_normalise(x, channels)

    def _hold(self, maps: PlanarMaps | TiledMaps, x: str, channels: int) -> str:
        """The next normalisation, by what the graph was told."""
        scale, shift = (maps.per_channel(next(self._held), channels) for _ in range(2))
        return maps.scale_and_shift(x, scale, shift)

    def _take_held(self) -> Iterator[str]:
        """B x C each: scale and shift of one normalisation after the other."""
        widths = [width for width in self._config.normalised_widths for _ in range(2)]
        sizes = self._writer.constant(widths)
        return iter(self._writer.add_many("Split", HELD, sizes, outputs=len(widths), axis=1))

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
