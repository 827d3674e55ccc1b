"""The weights of the FID Inception from a file of the user's: read without running anything, known by their sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadModelError, RefusedError, UgatitError, UsageError
from ..model_file import open_model
from ..weights.safetensors import read_container
from ..weights.sniff import sniff
from ..weights.stored import FLOAT_TYPES, Container, StoredTensor, few, read_tensor, show_shape
from ..weights.torch_archive import read_legacy, read_zip
from .inception import CLASSES, Inception

PUBLISHED_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"  # pt_inception-2015-12-05
CLASSIFIER = {"fc.weight": (CLASSES, Inception.num_features), "fc.bias": (CLASSES,)}
COUNTERS = ".num_batches_tracked"  # of training; some files have them


def load_inception(path: Path) -> Inception:
    """The network with the file's weights.

    Weights that are not the published file get a protocol of their own, named after their sha256, and a note.

    Raises:
        UsageError: there is no such file.
        BadModelError: damaged, or other names and shapes than the network's.
        RefusedError: opening it would run code, or it breaks a limit.
    """
    try:
        with open_model(path) as file:
            tensors = _read(file)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except UgatitError as error:
        raise _named(path, error) from error
    network = Inception()
    network.load_state_dict(tensors, strict=False)  # the counters are not stored, the rest was compared
    if sha256 != PUBLISHED_SHA256:
        network.name = f"inception-unverified-{sha256[:12]}"
        text = f"{path} is not the published file (its sha256 is {sha256}): compare with nobody else's numbers"
        network.notes = (text,)
    return network


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of what the features need; the classifier is not among them."""
    with torch.device("meta"):
        state = Inception().state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith(COUNTERS)}


def _read(file: BufferedReader) -> dict[str, Tensor]:
    container = _container(file)
    shapes = weight_shapes()
    wanted = _checked(container.tree, shapes)
    return {name: read_tensor(file, container, wanted[name], name) for name in shapes}


def _container(file: BufferedReader) -> Container:
    kind = sniff(file)
    if kind == "torch-zip":
        return read_zip(file)
    size = file.seek(0, 2)
    return read_container(file, size) if kind == "safetensors" else read_legacy(file, size)


def _checked(tree: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, StoredTensor]:
    """The file's tensors by name, as far as the network knows them.

    Raises:
        BadModelError: one is missing, has another shape or is no float, or there is one too many.
    """
    found = {str(name): value for name, value in tree.items() if not str(name).endswith(COUNTERS)}
    missing = [name for name in shapes if name not in found]
    unexpected = [name for name in found if name not in shapes and name not in CLASSIFIER]
    if missing or unexpected:
        parts = [f"{kind} {few(names)}" for kind, names in (("missing", missing), ("unexpected", unexpected)) if names]
        raise BadModelError(f"it is not the FID Inception: {'; '.join(parts)}", name="model-names")
    tensors = {}
    for name, shape in shapes.items():
        tensor = found[name]
        if not isinstance(tensor, StoredTensor) or tensor.dtype not in FLOAT_TYPES:
            raise BadModelError(f"{name} is not a tensor of floats", name="model-dtype")
        if tensor.shape != shape:
            text = f"{name} has the shape {show_shape(tensor.shape)}, and {show_shape(shape)} is needed"
            raise BadModelError(text, name="model-shape")
        tensors[name] = tensor
    return tensors


def _named(path: Path, error: UgatitError) -> UgatitError:
    """Say which file: the readers' messages are about "it"."""
    kind = next(kind for kind in (UsageError, RefusedError, BadModelError, UgatitError) if isinstance(error, kind))
    return kind(f"cannot use the feature network {path}: {error.message}", hint=error.hint, name=error.name)
