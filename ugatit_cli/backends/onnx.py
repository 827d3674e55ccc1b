"""ONNX Runtime runs a graph. No torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from ..cache import VARIABLE, cache_folder
from ..errors import BadModelError
from ..graph.facts import GraphFacts
from .cores import threads_each
from .graph_runs import GraphBackend, run_error
from .memory import is_out_of_memory, too_little_memory
from .providers import CUDA, NAMES, cuda_problem, missing_device, provider_options, require_cuda

ERRORS = (
    *(states.Fail, states.RuntimeException, states.InvalidArgument, states.NotImplemented, states.EPFail),
    RuntimeError,  # what becomes of all of these where tensors were bound beforehand
)
LOAD_ERRORS = (*ERRORS, states.InvalidGraph, states.InvalidProtobuf, states.NoSuchFile, states.NoModel)
FATAL = 4  # the only severity that ONNX Runtime itself may print


class OnnxBackend(GraphBackend):
    """The `Backend` contract over an ONNX graph, screened or our own, on the CPU or a GPU."""

    name = "onnx"

    def __init__(self, path: Path, facts: GraphFacts, device: str, at_once: int = 1) -> None:
        """`device` is "auto", "cpu", "cuda" or "tensorrt"; whoever does not know the graph calls `try_out`.

        `at_once` pictures are translated at the same time on a CPU. Raises BadModelError, DeviceError.
        """
        self.device = _choose_device(device)
        super().__init__(facts, at_once if self.device == "cpu" else 1)
        self._session = _open(path, self.device, threads_each(self.at_once))
        self.provider: str = self._session.get_providers()[0]
        if self.provider != NAMES[self.device]:
            raise missing_device(
                self.device, f"ONNX Runtime could not start {NAMES[self.device]}: run again with -v to see why"
            )

    def _run(self, inputs: Mapping[str, NDArray[Any]], outputs: list[str]) -> list[NDArray[Any]]:
        try:
            if self.device == "cpu":
                return list(self._session.run(outputs, inputs))
            return self._run_bound(inputs, outputs)
        except ERRORS as error:
            raise run_error(error, inputs[self.facts.input], self.facts, self.device) from error

    def _run_bound(self, inputs: Mapping[str, NDArray[Any]], outputs: list[str]) -> list[NDArray[Any]]:
        """On a GPU: one copy there, one back, nothing between."""
        binding = self._session.io_binding()
        for name, numbers in inputs.items():
            binding.bind_cpu_input(name, numbers)
        for name in outputs:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        return list(binding.copy_outputs_to_cpu())


def _choose_device(wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if cuda_problem() is None and CUDA in onnxruntime.get_available_providers() else "cpu"
    if wanted == "cpu":
        return wanted
    if wanted not in NAMES:
        raise missing_device(wanted, "ONNX Runtime does not run there here")
    if NAMES[wanted] not in onnxruntime.get_available_providers():
        raise missing_device(wanted, f"this ONNX Runtime {onnxruntime.__version__} was built without {NAMES[wanted]}")
    require_cuda(wanted)
    return wanted


def _open(path: Path, device: str, threads: int) -> onnxruntime.InferenceSession:
    """The path, not the bytes: large weights beside the graph are mapped, not read."""
    _refuse_unreadable_name(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    if device == "cpu":
        # looking for memory to use again compares every tensor with every other one, three times as slow as all the rest of
        # opening a graph of free sizes; the arena hands freed memory out again anyway, and plans for a size would hold more
        options.enable_mem_reuse = options.enable_mem_pattern = False
    try:
        if device == "cpu":
            return onnxruntime.InferenceSession(path, options, providers=provider_options(device))
        with redirect_stdout(sys.stderr):  # it prints what it cannot load, and standard output is for results
            onnxruntime.preload_dlls()
            return onnxruntime.InferenceSession(path, options, providers=provider_options(device))
    except LOAD_ERRORS as error:
        if is_out_of_memory(error):
            raise too_little_memory(device, "the model") from error
        first_line = (str(error).splitlines() or [""])[0][:200]
        text = f"cannot use the model {path}: ONNX Runtime says {first_line}"
        raise BadModelError(text, name="model-onnx-load") from error


def _refuse_unreadable_name(path: Path) -> None:
    """Raises BadModelError for a path that is no text: ONNX Runtime takes no bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        text = f"cannot use the model {path}: ONNX Runtime opens no file whose path is not UTF-8"
        is_ours = path.is_relative_to(cache_folder())
        hint = f"set {VARIABLE} to a folder of another name" if is_ours else "rename it, or the folder that it lies in"
        raise BadModelError(text, hint=hint, name="model-onnx-load") from error
