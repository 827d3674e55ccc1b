"""OpenVINO runs a graph on a CPU. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import BadModelError, DeviceError, UsageError
from ..graph.facts import GraphFacts
from .cores import allowed_cores
from .graph_runs import GraphBackend, run_error


class OpenvinoBackend(GraphBackend):
    """The `Backend` contract over an ONNX graph, screened or our own."""

    name = "openvino"
    device = "cpu"

    def __init__(self, path: Path, facts: GraphFacts, device: str) -> None:
        """`device` is "auto" or "cpu"; raises BadModelError, DeviceError; UsageError for another."""
        super().__init__(facts)
        self._model, self.provider = _open(path, device)

    def _run(self, inputs: Mapping[str, NDArray[Any]], outputs: list[str]) -> list[NDArray[Any]]:
        try:
            found = self._model(dict(inputs))
            return [found[name] for name in outputs]
        except RuntimeError as error:
            raise run_error(error, inputs[self.facts.input], self.facts, self.device) from error


def _open(path: Path, device: str) -> tuple[Any, str]:
    """The compiled model, and what runs it."""
    if device not in ("auto", "cpu"):
        text = f"OpenVINO is used for the CPU only here, not for {device}"
        raise UsageError(text, hint="use --device cpu, or --backend onnx", name="options-contradict")
    try:
        import openvino
    except ImportError as error:
        trouble = "is not installed" if error.name == "openvino" else "does not load"
        text = f"OpenVINO {trouble}: {error}"
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
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        text = f"cannot use the model {path}: OpenVINO says {lines[-1][:200]}"
        raise BadModelError(text, hint="try --backend onnx", name="model-onnx-load") from error
