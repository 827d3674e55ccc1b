"""From a model's file to something that translates: which program runs it, on which device, and why."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..tensorflow_files import find_index
from .digest import digest_of
from .wishes import MANY, BackendChoice, Device, LoadedModel, Wish

__all__ = ["MANY", "BackendChoice", "Device", "LoadedModel", "Wish", "digest_of", "load_model"]


def load_model(path: Path, sha256: str, wish: Wish) -> LoadedModel:
    """`path` is any model file; `sha256` its digest where that is known already, else "".

    Raises:
        UsageError: the wish contradicts itself or the model.
        BadModelError, RefusedError: the file cannot or must not be used.
        DeviceError: the device or backend is not there.
    """
    from ..graph.reading import is_graph

    path = find_index(path) or path
    if is_graph(path):
        from .graphs import load_graph

        return load_graph(path, wish)
    if wish.value_range is not None or wish.bgr:
        text = "--input-range and --bgr are for ONNX graphs: weights tell what they expect"
        raise UsageError(text, hint="leave them out", name="options-contradict")
    from .weights import load_weights

    return load_weights(path, sha256, wish)
