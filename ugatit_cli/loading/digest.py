"""What outputs and the cache remember a model by."""

from __future__ import annotations

from pathlib import Path

from .. import tensorflow_files
from ..digests import remembered_sha256


def digest_of(path: Path) -> str:
    """The file's sha256; of a graph with weights beside it, or a TensorFlow checkpoint, one that stands for all of it.

    Raises:
        OSError: it cannot be read.
        BadModelError, RefusedError: it is a graph that cannot or must not be used.
    """
    from ..graph.reading import is_graph

    if is_graph(path):
        from ..graph.screening import digest

        return digest(path)
    index = tensorflow_files.find_index(path)
    if index is None:
        return remembered_sha256(path)
    return tensorflow_files.digest(index, smoothing=tensorflow_files.takes_smoothing(index))
