"""Whole numbers in place of floats in the convolutions, where most of the work is.

Post-training, static: each map's range is taken from pictures. The first and last layers, the attention and all
normalisations stay in float.

ONNX Runtime multiplies whole numbers fast only where a convolution's results become bytes, too. That is what costs exactness:
with the up-sampling convolutions a trained model lost 10 dB, so there only the blocks take part. OpenVINO and others give
the sums as they are, so that all convolutions between the first and the last can take part and lose less.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from ..graph.generator import IMAGE, Form

BLOCKS = ("encoder_blocks.", "decoder_blocks.")
LAYERS: dict[Form, tuple[str, ...]] = {"tiled": BLOCKS, "direct": (*BLOCKS, "downs.", "ups.")}
OPTIONS: dict[Form, dict[str, Any]] = {"tiled": {}, "direct": {"OpTypesToExcludeOutputQuantization": ["Conv"]}}


def quantise(graph: ModelProto, form: Form, calibration: Iterable[NDArray[Any]], folder: Path) -> ModelProto:
    """`graph` in fp32, its convolutions not transformed; `calibration` as its input takes them. Weights have a scale for each channel.

    What is needed on the way is written into `folder`, and stays there. Raises OSError.
    """
    layers = [node.name for node in graph.graph.node if node.op_type == "Conv" and node.name.startswith(LAYERS[form])]
    target = folder / "quantised.onnx"
    with _quietly_in(folder):
        quantize_static(
            graph,
            target,
            _Reader(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=layers,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=OPTIONS[form],
        )
    made = onnx.load(target)
    if form == "direct":
        _keep_scales_before_normalisations(made, layers)
    return made


def _keep_scales_before_normalisations(model: ModelProto, layers: Container[str]) -> None:
    """Behind each of the convolutions, the larger of its result and the least number there is: the same, in a way that no
    scale is moved through.

    OpenVINO 2026.4 moves them through normalisations with a style, and most of the picture is wrong then; where they stay
    it is twice as fast, too.
    """
    graph, nodes = model.graph, []
    least = numpy_helper.from_array(np.array(np.finfo(np.float32).min, np.float32), "least")
    for node in graph.node:
        nodes.append(node)
        if node.name in layers:
            (result,) = node.output
            node.output[0] = f"{result}/sums"
            nodes.append(helper.make_node("Max", [node.output[0], least.name], [result], name=f"{node.name}/same"))
    graph.initializer.append(least)
    del graph.node[:]
    graph.node.extend(nodes)


@contextmanager
def _quietly_in(folder: Path) -> Iterator[None]:
    """Temporary files go to `folder`, as ONNX Runtime takes no word for its own: the usual place may be small."""
    level, before = logging.root.level, tempfile.tempdir
    logging.root.setLevel(logging.ERROR)  # it advises to run a preparation that our graphs do not need
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        logging.root.setLevel(level)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: Iterable[NDArray[Any]]) -> None:
        self._pictures: Iterator[NDArray[Any]] = iter(pictures)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        numbers = next(self._pictures, None)
        return None if numbers is None else {IMAGE: np.asarray(numbers)}
