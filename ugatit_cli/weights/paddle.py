"""Weights of PaddleGAN (`.pdparams`): the official PyTorch code's names over a plain pickle of NumPy arrays.

Paddle keeps the weights of linear layers the other way round, and writes down normalisations that were never trained.
Both are set right in the table of contents, so that everything else is the PyTorch reader's work.
"""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Mapping
from io import BufferedReader

from ..errors import BadModelError
from .pickle_outline import Array, Text, read_outline
from .stored import ITEM_SIZES, Container, StoredTensor, contiguous_stride, damaged, read_tensor

_PARAMETER_NAMES = "StructuredToParameterName@@"  # Paddle's own names of the tensors
_DTYPES = {
    **{"f2": "float16", "f4": "float32", "f8": "float64", "b1": "bool"},
    **{"u1": "uint8", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64"},
}
_FROZEN = re.compile(r"DownBlock\.\d+\.(conv_block\.\d+\.)?(scale|bias)")  # of an instance normalisation: 1 and 0


def read_paddle(file: BufferedReader) -> Container:
    """Table of contents of a pickle of arrays, in the layout of the official PyTorch code.

    Raises:
        RefusedError: it would run code.
        BadModelError: a pickle of something else, damaged, or with normalisations that were trained.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        outline, _ = read_outline(stream, arrays=True)  # type: ignore[arg-type]  # reads like a file
    texts: dict[str, str] = {}
    tree = _tree(outline, texts) if isinstance(outline, dict) else {}
    if not tree:
        raise BadModelError("it is a pickle, but not a checkpoint of torch.save or Paddle", name="model-unknown-format")
    container = Container(tree, {"": 0}, {}, "paddle", texts)
    for state in (tree, *tree.values()):
        if isinstance(state, dict):
            _drop_frozen(file, container, state)
    return container


def _tree(outline: Mapping[object, object], texts: dict[str, str]) -> dict[str, object]:
    """State dicts, or one alone, with StoredTensors for arrays; what they have as text is put into `texts`."""
    tree: dict[str, object] = {}
    for name, value in outline.items():
        if isinstance(value, Array):
            tree[str(name)] = _stored(str(name), value, texts)
        elif isinstance(value, dict) and name != _PARAMETER_NAMES:
            arrays = {str(key): each for key, each in value.items() if key != _PARAMETER_NAMES}
            tree[str(name)] = {
                key: _stored(key, each, texts) if isinstance(each, Array) else each for key, each in arrays.items()
            }
    return tree


def _stored(name: str, array: Array, texts: dict[str, str]) -> StoredTensor:
    dtype, data, shape = _DTYPES.get(array.dtype), array.data, array.shape
    if dtype is None or data is None:
        raise BadModelError(f"{name[:80]} is an array of the type {array.dtype[:20]}", name="model-dtype")
    if math.prod(shape) * ITEM_SIZES[dtype] != data.count:
        raise damaged(f"the shape of {name[:80]} does not match its size")
    stride = contiguous_stride(shape[::-1])[::-1] if array.by_columns else contiguous_stride(shape)
    if len(shape) == 2:  # inputs x outputs
        shape, stride = shape[::-1], stride[::-1]
    if isinstance(data, Text):
        storage = str(len(texts))
        texts[storage] = data.text
        return StoredTensor(dtype, storage, 0, shape, stride)
    return StoredTensor(dtype, "", data.start, shape, stride)


def _drop_frozen(file: BufferedReader, container: Container, tree: dict[str, object]) -> None:
    """Take out what multiplies by one and adds nothing."""
    for name in [name for name in tree if _FROZEN.fullmatch(name)]:
        tensor = tree.pop(name)
        nothing = 1.0 if name.endswith("scale") else 0.0
        if isinstance(tensor, StoredTensor) and bool((read_tensor(file, container, tensor, name) != nothing).any()):
            raise BadModelError(f"{name} was trained, and this network has no such layer", name="model-names")
