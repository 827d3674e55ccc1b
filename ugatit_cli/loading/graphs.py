"""An ONNX graph, ours or a stranger's, by ONNX Runtime or OpenVINO."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..backends.graph_runs import GraphBackend, ramp
from ..backends.providers import cuda_problem
from ..errors import BadModelError, DeviceError, UgatitError, UsageError
from ..graph.facts import GraphFacts
from ..parity import compare
from .wishes import LoadedModel, Wish

if TYPE_CHECKING:
    from ..graph.screening import Screened

LEAST_AGREEMENT = 22  # dB; seen were 12 to 17 where OpenVINO was wrong, and 27 to 46 where both only round differently


def load_graph(path: Path, wish: Wish) -> LoadedModel:
    """Screened before it is opened; raises as `load_model` does."""
    from ..graph.screening import screen

    if wish.backend == "torch" or wish.device == "mps":
        wanted = "--backend torch" if wish.backend == "torch" else "--device mps"
        raise UsageError(f"{wanted} cannot run an ONNX graph", hint="leave it out", name="options-contradict")
    screened = screen(path, value_range=wish.value_range, bgr=wish.bgr)
    own = screened.facts.direction
    if wish.direction is not None and own is not None and wish.direction != own:
        text = f"the graph {path} translates {own} only"
        raise UsageError(text, hint=f"leave --direction out, or write --direction {own}", name="model-direction")
    if own is None and wish.direction == "b2a":  # a2b is what models that do not say it are registered with
        text = f"the graph {path} translates one way, and does not say which: --direction b2a cannot turn it around"
        raise UsageError(text, hint="leave --direction out", name="options-contradict")
    backend, reason, notes = _tried_out(screened, wish)
    return LoadedModel(backend, screened.sha256, own, "graph", reason, screened.notes + notes)


def _tried_out(screened: Screened, wish: Wish) -> tuple[GraphBackend, str, tuple[str, ...]]:
    """What runs the graph, why, and notes; an OpenVINO that nobody asked for and that cannot run it costs a note."""
    path, facts = screened.path, screened.facts
    unused: tuple[str, ...] = ()
    if takes_openvino(wish):
        try:
            backend = open_in_openvino(path, facts, wish.device, wish.at_once)
            backend.try_out()
            if wish.backend == "openvino":
                return backend, "asked for", ()
            if screened.quantised:
                _check_agreement(backend, path)
            return backend, "it is installed, and the fastest on a CPU", ()
        except (BadModelError, DeviceError) as error:
            if wish.backend == "openvino":
                raise
            unused = (unused_openvino(error),)
    backend, missing = _open_where_it_runs(path, facts, wish)
    backend.try_out()
    return backend, "asked for" if wish.backend == "onnx" else "it runs ONNX graphs", unused + missing


def _check_agreement(openvino: GraphBackend, path: Path) -> None:
    """OpenVINO 2026.4 moves scales of whole numbers through a style's normalisation, and draws something else then.

    Raises BadModelError if it does, or if ONNX Runtime cannot run the graph.
    """
    picture = ramp(openvino.facts)
    psnr = compare(openvino(picture), open_in_onnx(path, openvino.facts, "cpu", 1)(picture)).psnr
    if psnr < LEAST_AGREEMENT:
        text = f"it draws another picture of this graph of whole numbers than ONNX Runtime ({psnr:.0f} dB apart)"
        raise BadModelError(text, hint="use --backend onnx", name="model-onnx-load")


def _open_where_it_runs(path: Path, facts: GraphFacts, wish: Wish) -> tuple[GraphBackend, tuple[str, ...]]:
    """On a CPU, and a note that says why, where a GPU that nobody asked for by name cannot be used."""
    try:
        return open_in_onnx(path, facts, wish.device, wish.at_once), ()
    except DeviceError as error:
        if wish.device != "auto":
            raise
        missing = error
    return open_in_onnx(path, facts, "cpu", wish.at_once), (unused_gpu(missing),)


def unused_gpu(missing: DeviceError) -> str:
    return f"the GPU is not used: {missing.message}"


def unused_openvino(problem: UgatitError) -> str:
    return f"OpenVINO is not used: {problem.message}"


def takes_openvino(wish: Wish) -> bool:
    """Where it was asked for; else on a CPU, where it is installed."""
    if wish.backend == "openvino":
        return True
    on_cpu = wish.device == "cpu" or (wish.device == "auto" and cuda_problem() is not None)
    return wish.backend == "auto" and on_cpu and find_spec("openvino") is not None


def open_in_openvino(path: Path, facts: GraphFacts, device: str, at_once: int) -> GraphBackend:
    """One picture at a time, whatever `at_once`: OpenVINO was seen to wait for ever with a request in each of two threads."""
    from ..backends.openvino import OpenvinoBackend

    return OpenvinoBackend(path, facts, device)


def open_in_onnx(path: Path, facts: GraphFacts, device: str, at_once: int) -> GraphBackend:
    from ..backends.onnx import OnnxBackend

    return OnnxBackend(path, facts, device, at_once)
