"""A safetensors file piece by piece: what is written is never in memory as a whole.

A generator of the full variant has a gigabyte, its training's checkpoint several. The library's own functions would first
bring all of it from the device into memory, know no size before they write, and report a full disk as a text.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

LENGTH = struct.Struct("<Q")  # of the header, before it
CODES = {
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"},
    **{torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"},
}
_PIECE = 1 << 22  # numbers that are converted at a time


def tensor_file_bytes(tensors: Mapping[str, Tensor]) -> int:
    """The size of the file that would hold `tensors`, which may be on the device "meta"."""
    return len(_header(tensors, None, {})) + sum(tensor.nbytes for tensor in tensors.values())


def tensor_file_chunks(
    tensors: Mapping[str, Tensor], *, dtype: torch.dtype | None = None, metadata: Mapping[str, str] | None = None
) -> Iterator[bytes | memoryview]:
    """The file that holds `tensors`, piece by piece; each comes from its device when it is its turn.

    `dtype` is what all of them become; None leaves each as it is.
    """
    yield _header(tensors, dtype, metadata or {})
    for name in _in_order(tensors, dtype):
        values = tensors[name].detach().to("cpu").contiguous().flatten()
        for piece in torch.split(values, _PIECE):
            yield bytes_of(piece.to(dtype or piece.dtype))


def bytes_of(tensor: Tensor) -> memoryview:
    """The numbers of a contiguous tensor on the CPU, not copied."""
    return tensor.flatten().view(torch.uint8).numpy().data


def _in_order(tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> list[str]:
    """Wide numbers first, so that each tensor begins at a multiple of its numbers' width."""
    return sorted(tensors, key=lambda name: (-(dtype or tensors[name].dtype).itemsize, name))


def _header(tensors: Mapping[str, Tensor], dtype: torch.dtype | None, metadata: Mapping[str, str]) -> bytes:
    entries: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name in _in_order(tensors, dtype):
        tensor, stored = tensors[name], dtype or tensors[name].dtype
        offsets = [position, position + tensor.numel() * stored.itemsize]
        entries[name] = {"dtype": CODES[stored], "shape": list(tensor.shape), "data_offsets": offsets}
        position = offsets[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH.size)
    return LENGTH.pack(len(text)) + text
