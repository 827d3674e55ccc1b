"""OpenVINO runs a graph on a CPU. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadModelError, DeviceError
from ..graph.facts import GraphFacts
from .cores import allowed_cores
from .graph_runs import portion_size, run_error, translate, try_out
from .pixels import Pixels


class OpenvinoBackend:
    """The `Backend` contract over an ONNX graph, screened or our own."""

    name = "openvino"
    device = "cpu"

    def __init__(self, path: Path, facts: GraphFacts, device: str) -> None:
        """`device` is "auto" or "cpu"; raises BadModelError, DeviceError."""
        self.facts = facts
        self.image_size, self.any_size = facts.image_size, facts.any_size
        self._model, self.provider = _open(path, device)

    def try_out(self) -> None:
        """One picture through the graph. Raises BadModelError where nothing sensible comes out."""
        try_out(self.facts, lambda numbers: self._run(numbers, [self.facts.output]))

    def __call__(self, pictures: Pixels) -> Pixels:
        return self._translate(pictures, [self.facts.output])[0]

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
        if self.facts.heatmap is None:
            text = "this graph has no heat-map"
            raise BadModelError(text, hint="export it again with --heatmap", name="model-no-heatmap")
        images, heatmaps = self._translate(pictures, [self.facts.output, self.facts.heatmap])
        assert heatmaps is not None
        return images, heatmaps

    def _translate(self, pictures: Pixels, outputs: list[str]) -> tuple[Pixels, NDArray[np.float32] | None]:
        portion = portion_size(self.facts, self.device, len(pictures))
        return translate(pictures, self.facts, portion, lambda numbers: self._run(numbers, outputs))

    def _run(self, numbers: NDArray[Any], outputs: list[str]) -> list[NDArray[Any]]:
        try:
            found = self._model({self.facts.input: numbers})
            return [found[name] for name in outputs]
        except RuntimeError as error:
            channels_last = numbers.shape if self.facts.layout == "nhwc" else (len(numbers), *numbers.shape[2:], 3)
            raise run_error(error, channels_last, self.device) from error


def _open(path: Path, device: str) -> tuple[Any, str]:
    """The compiled model, and what runs it."""
    if device not in ("auto", "cpu"):
        text = f"OpenVINO is used for the CPU only here, not for {device}"
        raise DeviceError(text, hint="use --device cpu, or --backend onnx", name="device-missing")
    try:
        import openvino
    except ImportError as error:
        text = f"OpenVINO is not installed: {error}"
        raise DeviceError(text, hint="pip install 'ugatit-cli[openvino]'", name="backend-missing") from error
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # or it takes bf16 by itself where the CPU has it: tens of levels off
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": allowed_cores(),
    }
    try:
        core = openvino.Core()
        return core.compile_model(core.read_model(path), "CPU", settings), f"OpenVINO {openvino.__version__} CPU"
    except RuntimeError as error:
        lines = str(error).splitlines() or [""]
        text = f"cannot use the model {path}: OpenVINO says {lines[-1][:200]}"
        raise BadModelError(text, hint="try --backend onnx", name="model-onnx-load") from error
