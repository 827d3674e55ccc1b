"""Weights, by PyTorch or as a graph that was made from them once: whichever is the fastest here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from ..backends import Backend, load_backend
from ..backends.batching import measured_batch_size
from ..backends.cores import allowed_cores
from ..backends.providers import cuda_problem, require_cuda
from ..errors import BadModelError, DeviceError, OutputError, ResourceError, UsageError
from ..export.cached import UNWRITABLE, CachedGraph, Use, find_graph, make_graph
from ..graph.facts import GraphFacts
from .digest import digest_of
from .graphs import open_in_onnx, open_in_openvino, unused_gpu, unused_openvino
from .wishes import LoadedModel, Wish

if TYPE_CHECKING:
    from ..backends.graph_runs import GraphBackend
    from ..graph.facts import StatisticsUse
    from ..weights import ModelWeights

TIMED_RUNS = 3
DISTRIBUTIONS = {"onnx": ("onnxruntime-gpu", "onnxruntime"), "openvino": ("openvino",), "torch": ("torch",)}
PROGRAMS = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}


def load_weights(path: Path, sha256: str, wish: Wish) -> LoadedModel:
    """Raises as `load_model` does."""
    if wish.device == "mps" and wish.backend not in ("auto", "torch"):
        text = f"--backend {wish.backend} does not run on mps"
        raise UsageError(text, hint="leave --backend out", name="options-contradict")
    source = _Source(path, sha256, wish)
    try:
        return _as_wished(source, wish)
    except (OutputError, ResourceError) as error:
        if error.name != UNWRITABLE or wish.backend != "auto" or wish.device == "tensorrt":
            raise
        loaded = source.in_torch(wish.device, "it needs no graph in the cache")
        return loaded.with_note(f"{error.message}; {error.hint}, or each run starts slower")


def _as_wished(source: _Source, wish: Wish) -> LoadedModel:
    if wish.backend == "torch" or wish.device == "mps":
        return source.in_torch(wish.device, "asked for")
    use: Use = "few" if wish.few else "many"
    if wish.backend == "openvino":
        return source.in_graph(open_in_openvino, "openvino", wish.device, "asked for")
    if wish.device in ("cuda", "tensorrt") or (wish.device == "auto" and cuda_problem() is None):
        return _on_gpu(source, wish)
    if wish.backend == "onnx":
        return source.in_graph(open_in_onnx, use, "cpu", "asked for")
    if sys.platform == "darwin" and wish.device == "auto":
        return source.in_torch("auto", "the only one that knows this system's GPU")
    return _fastest_on_cpu(source, wish)


def _on_gpu(source: _Source, wish: Wish) -> LoadedModel:
    """By ONNX Runtime; where that cannot have the GPU, by PyTorch, which may bring libraries of its own."""
    device = "cuda" if wish.device == "auto" else wish.device
    try:
        require_cuda(device)
        return source.in_graph(open_in_onnx, "gpu", device, "it starts without torch")
    except DeviceError as error:
        if device == "tensorrt" or (wish.backend == "onnx" and wish.device != "auto"):
            raise
        missing = error
    if wish.backend == "onnx":
        return source.in_graph(open_in_onnx, "few" if wish.few else "many", "cpu", "asked for").with_note(
            unused_gpu(missing)
        )
    try:
        return source.in_torch("cuda", f"ONNX Runtime {missing.message}")
    except DeviceError:
        if wish.device == "cuda":
            raise missing from None
    return _fastest_on_cpu(source, wish).with_note(unused_gpu(missing))


def _fastest_on_cpu(source: _Source, wish: Wish) -> LoadedModel:
    """ONNX Runtime, PyTorch, or OpenVINO if it is installed and works."""
    if wish.few:
        return source.in_graph(open_in_onnx, "few", "cpu", "it starts without torch")
    shared = f"{allowed_cores()}/{wish.at_once}"
    names = {name: f"{name} {_version(name)}/{shared}" for name in DISTRIBUTIONS if _version(name)}
    try:
        return _fastest_of(names, source)
    except (BadModelError, DeviceError) as error:
        if names.pop("openvino", None) is None:
            raise
        problem = error
    return _fastest_of(names, source).with_note(
        unused_openvino(problem)
    )  # or what is wrong with the model is raised again


def _fastest_of(names: dict[str, str], source: _Source) -> LoadedModel:
    """As they were measured here, each under its name with version and cores; the first time, all are."""
    graph = source.graph("many")
    if not set(names.values()) <= set(graph.milliseconds):
        unmeasured_first = sorted(names, key=lambda name: names[name] in graph.milliseconds)  # one may not work at all
        measured = {names[name]: _milliseconds(source.on_cpu(name, "").backend) for name in unmeasured_first}
        graph = source.graph("many").with_times(measured)  # read again: what was tried out meanwhile stands in it, too
    times = {name: graph.milliseconds[names[name]] for name in names}
    best, *others = sorted(names, key=lambda name: times[name])
    compared = ", ".join(f"{PROGRAMS[name]} {times[name]:.0f}" for name in others)
    return source.on_cpu(best, f"{times[best]:.0f} ms a picture here, {compared}")


def _version(name: str) -> str:
    """Of the program as it is installed: what was measured of another one is not true of it."""
    for distribution in DISTRIBUTIONS[name]:
        with suppress(PackageNotFoundError):
            return version(distribution)
    return ""


def _milliseconds(backend: Backend) -> float:
    """Of one picture of the model's own size, in batches as they come; the median of a few."""
    import numpy as np

    side = backend.image_size
    count = measured_batch_size(backend, side, side)
    pictures = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    backend(pictures)
    seconds = []
    for _ in range(TIMED_RUNS):
        begun = perf_counter()
        backend(pictures)
        seconds.append(perf_counter() - begun)
    return round(1000 * median(seconds) / count, 2)


def _digest(path: Path) -> str:
    """As `digest_of` has it; "" where opening the file will say what is wrong with it."""
    with suppress(OSError):
        return digest_of(path) if path.is_file() else ""
    return ""


class _Source:
    """One model file, read only if its graph is not in the cache."""

    def __init__(self, path: Path, sha256: str, wish: Wish) -> None:
        self._path, self._wanted, self._at_once = path, wish.direction, wish.at_once
        self._sha256 = sha256 or _digest(path)

    @cached_property
    def _weights(self) -> ModelWeights:
        from .. import weights

        return weights.load(self._path)

    def graph(self, use: Use, statistics: StatisticsUse = "own") -> CachedGraph:
        found = find_graph(self._sha256, self._wanted, use, statistics)
        if found is None:
            direction, _ = self._weights.generator(self._wanted)
            found = make_graph(self._weights, direction, use, statistics)
        return found

    def on_cpu(self, name: str, reason: str) -> LoadedModel:
        """By `onnx`, `openvino` or `torch`."""
        if name == "torch":
            return self.in_torch("cpu", reason)
        if name == "openvino":
            return self.in_graph(open_in_openvino, "openvino", "cpu", reason)
        return self.in_graph(open_in_onnx, "many", "cpu", reason)

    def in_torch(self, device: str, reason: str) -> LoadedModel:
        loaded = self._weights
        direction, tensors = loaded.generator(self._wanted)
        backend = load_backend(loaded.config, dict(tensors), device)
        return LoadedModel(backend, loaded.sha256, direction, loaded.config.variant, reason, loaded.notes)

    def in_graph(
        self, open_graph: Callable[[Path, GraphFacts, str, int], GraphBackend], use: Use, device: str, reason: str
    ) -> LoadedModel:
        from ..backends.holding import GraphFamily

        def open_other(statistics: StatisticsUse) -> GraphBackend:
            other = self.graph(use, statistics)
            return open_graph(other.path, other.facts, device, self._at_once)

        graph = self.graph(use)
        plain = open_graph(graph.path, graph.facts, device, self._at_once)
        trial = f"{plain.name}/{plain.device}"
        if trial not in graph.tried:
            plain.try_out()
            graph.with_trial(trial)
        backend = GraphFamily(plain, open_other)
        return LoadedModel(backend, self._sha256, graph.direction, graph.variant, reason, graph.notes)
