"""Any U-GAT-IT weights in the world -> our GeneratorConfig and tensors. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path

from ..errors import UsageError
from ..model_file import naming, open_model
from ..tensorflow_files import find_index
from . import official_tensorflow
from .model import ModelWeights
from .official_pytorch import read_official
from .paddle import read_paddle
from .safetensors import is_ours, read_container, read_ours, save
from .shapes import generator_shapes
from .sniff import sniff
from .stored import Container
from .torch_archive import read_legacy, read_zip

__all__ = ["ModelWeights", "generator_shapes", "load", "save"]


def load(path: Path, *, smoothing: bool | None = None) -> ModelWeights:
    """Open a model file, whatever its name: our safetensors, or the weights of another U-GAT-IT (see docs/formats.md).

    Of a TensorFlow checkpoint, `path` is any of its files, the name they share, or their folder; `smoothing` says whether
    it was trained so, where its folder's name does not tell.

    Raises:
        UsageError: the file does not exist, a folder holds several checkpoints, or `smoothing` is told of another format.
        BadModelError: it is damaged, something else, or does not fit a generator.
        RefusedError: opening it would run code, or it breaks a limit.
    """
    index = find_index(path)
    if index is not None:
        with naming(index):
            return official_tensorflow.read_checkpoint(index, smoothing)
    with naming(path), open_model(path) as file:
        if smoothing is not None:
            text = "--smoothing is told of TensorFlow checkpoints, and it is none"
            raise UsageError(text, hint="leave --smoothing out", name="options-contradict")
        container = _read_container(file)
        sha256 = _digest(file)
        if is_ours(container):
            return read_ours(file, container, sha256, path)
        return read_official(file, container, sha256)


def _read_container(file: BufferedReader) -> Container:
    kind = sniff(file)
    if kind == "torch-zip":
        return read_zip(file)
    if kind == "pickle":
        return read_paddle(file)
    size = file.seek(0, 2)
    return read_container(file, size) if kind == "safetensors" else read_legacy(file, size)


def _digest(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
