"""From a model's file to something that translates: which program runs it, on which device, and why."""

from __future__ import annotations

from pathlib import Path

from ..digests import remembered_sha256
from ..errors import UsageError
from .wishes import BackendChoice, Device, LoadedModel, Wish

__all__ = ["BackendChoice", "Device", "LoadedModel", "Wish", "digest_of", "load_model"]


def load_model(path: Path, sha256: str, wish: Wish) -> LoadedModel:
    """`path` is any model file; `sha256` its digest where that is known already, else "".

    Raises:
        UsageError: the wish contradicts itself or the model.
        BadModelError, RefusedError: the file cannot or must not be used.
        DeviceError: the device or backend is not there.
    """
    from ..graph.reading import is_graph

    if is_graph(path):
        from .graphs import load_graph

        return load_graph(path, wish)
    if wish.value_range is not None or wish.bgr:
        text = "--input-range and --bgr are for ONNX graphs: weights tell what they expect"
        raise UsageError(text, hint="leave them out", name="options-contradict")
    from .weights import load_weights

    return load_weights(path, sha256, wish)


def digest_of(path: Path) -> str:
    """What outputs remember a model file by: its sha256; of a graph with weights beside it, one of them all.

    Raises:
        OSError: it cannot be read.
        BadModelError, RefusedError: it is a graph that cannot or must not be used.
    """
    from ..graph.reading import is_graph

    if not is_graph(path):
        return remembered_sha256(path)
    from ..graph.screening import digest

    return digest(path)
