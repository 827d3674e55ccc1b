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
from .normalisation import Affine, Coefficients, LayerInstanceNorm, Style
from .planar import FLOAT, PlanarMaps
from .saving import WeightsBeside
from .tiled import Kernels, TiledMaps
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
        kernels: when those of `tiled` are transformed.
        half: float16 maps, convolutions and weights; `direct` only. Inputs and outputs stay float32.
        levels: uint8 N x H x W x 3 in and out, instead of float32 N x 3 x H x W in [-1, 1].
        heatmap: a second output, the attention N x H/4 x W/4, float32.
        storage: how the one large matrix of the full variant is kept.
        statistics: `measured` has one output more: what each normalisation multiplied its map by and added to it, N x D.
            `held` is told that by one input more, and computes neither statistics nor a style.
    """

    convolutions: Form = "tiled"
    kernels: Kernels = "loaded"
    half: bool = False
    levels: bool = False
    heatmap: bool = False
    storage: Storage = "fp32"
    statistics: StatisticsUse = "own"


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
        measured=MEASURED if form.statistics == "measured" else None,
        held=HELD if form.statistics == "held" else None,
    )


class _GeneratorGraph:
    def __init__(self, config: GeneratorConfig, weights: Weights, form: GraphForm, writer: GraphWriter) -> None:
        self._config, self._weights, self._form, self._writer = config, weights, form, writer
        self._noted = Coefficients(self._writer) if form.statistics == "measured" else None
        self._held = self._take_held() if form.statistics == "held" else iter(())
        self._planar = PlanarMaps(self._writer, half=form.half, noted=self._noted)
        tiled = form.convolutions == "tiled"
        self._maps = TiledMaps(self._writer, form.kernels, self._noted) if tiled else self._planar

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
            x = self._planar.convolve_to_picture(x, self._weights["head.weight"], self._weights.get("head.bias"))
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
        layers = [
            ("stem", "stem_norm", channels),
            *((f"downs.{i}", f"down_norms.{i}", channels << i + 1) for i in (0, 1)),
        ]
        for name, norm, width in layers:
            with self._writer.scope(name):
                x = self._planar.convolve(x, self._weights[f"{name}.weight"], stride=1 if name == "stem" else 2)
                x = self._writer.add("Relu", self._instance_normalise(self._planar, x, norm, width))
        with self._writer.scope("middle"):
            x = self._maps.enter(x)
        for number in range(self._config.blocks):
            y = self._writer.add("Relu", self._encoder_half(x, number, 1))
            x = self._writer.add("Add", x, self._encoder_half(y, number, 2))
        return x

    def _encoder_half(self, x: str, block: int, half: int) -> str:
        name = f"encoder_blocks.{block}"
        with self._writer.scope(f"{name}.conv{half}"):
            x = self._maps.convolve(x, self._weights[f"{name}.conv{half}.weight"])
            return self._instance_normalise(self._maps, x, f"{name}.norm{half}", self._config.width)

    def _attend(self, x: str) -> str:
        """Both classifiers' weights and the 1x1 convolution that merges what they scaled, as one 1x1 convolution."""
        merge = self._weights["cam.merge.weight"][..., 0, 0].astype(np.float64)
        average_part, max_part = np.split(merge, 2, axis=1)
        by_average, by_max = (self._weights[f"cam.{pool}_fc.weight"] for pool in ("average", "max"))  # 1 C each
        if self._config.affine:
            by_average = by_max = self._weights["cam.scale"]
        weight = average_part * by_average + max_part * by_max
        with self._writer.scope("cam"):
            x = self._maps.per_pixel(x, weight.astype(np.float32), self._weights["cam.merge.bias"])
            return self._writer.add("Relu", x)

    def _style(self, x: str) -> Style:
        """gamma and beta of AdaLIN, as the maps want them."""
        writer, width = self._writer, self._config.width
        with writer.scope("mlp.0"):
            style = self._product(self._maps.mean(x), "mlp.0") if self._config.any_size else self._large_product(x)
            style = writer.add("Relu", style)
        with writer.scope("mlp.2"):
            style = writer.add("Relu", self._product(style, "mlp.2"))
        with writer.scope("gamma_beta"):
            both = self._product(style, "gamma", "beta")
            gamma, beta = writer.add_many("Split", both, outputs=2, axis=1, num_outputs=2)
            return self._maps.per_channel(gamma, width), self._maps.per_channel(beta, width)

    def _product(self, x: str, *layers: str) -> str:
        """Linear layers, as if they were one."""
        parts = ("weight", "bias") if self._config.affine else ("weight",)
        constants = [np.concatenate([self._weights[f"{layer}.{part}"] for layer in layers]) for part in parts]
        return self._writer.add("Gemm", x, *map(self._writer.constant, constants), transB=1)

    def _large_product(self, x: str) -> str:
        """The first linear layer of the full variant."""
        y = write_product(self._writer, self._maps.flat(x), self._weights["mlp.0.weight"], self._form.storage)
        bias = self._weights.get("mlp.0.bias")
        return y if bias is None else self._writer.add("Add", y, self._writer.constant(bias))

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
            norm = self._layer_instance_norm(f"{name}.norm{half}.rho", f"{name}.conv{half}.bias")
            return self._maps.layer_instance_normalise(x, norm, style)

    def _up(self, x: str, name: str) -> str:
        with self._writer.scope(name):
            x = self._maps.convolve_up(x, self._weights[f"{name}.conv.weight"])
            norm = self._layer_instance_norm(f"{name}.norm.rho", f"{name}.conv.bias")
            channels = norm.rho.size
            if self._form.statistics == "held":
                return self._writer.add("Relu", self._hold(self._maps, x, channels))
            learned = [self._writer.constant(self._weights[f"{name}.norm.{part}"]) for part in ("gamma", "beta")]
            gamma, beta = (self._maps.per_channel(part, channels) for part in learned)
            return self._writer.add("Relu", self._maps.layer_instance_normalise(x, norm, (gamma, beta)))

    def _layer_instance_norm(self, rho: str, bias: str) -> LayerInstanceNorm:
        return LayerInstanceNorm(self._weights[rho], self._weights.get(bias), self._config.unbiased)

    def _instance_normalise(self, maps: PlanarMaps | TiledMaps, x: str, name: str, channels: int) -> str:
        if self._form.statistics == "held":
            return self._hold(maps, x, channels)
        return maps.instance_normalise(x, channels, self._affine(name))

    def _affine(self, norm: str) -> Affine | None:
        if not self._config.affine:
            return None
        return self._weights[f"{norm}.gamma"], self._weights[f"{norm}.beta"]

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
