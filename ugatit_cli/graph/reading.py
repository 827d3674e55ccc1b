"""Whether a model file is an ONNX graph; answered without the library that reads them."""

from __future__ import annotations

from pathlib import Path

from ..model_file import HEAD_BYTES, looks_like_graph

SUFFIX = ".onnx"
_OTHERS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # what torch writes
_SAFETENSORS = b"\0\0\0{"  # the end of a length below a terabyte, then JSON; a graph may have the brace, not the zeros


def is_graph(path: Path) -> bool:
    """By its first bytes; a file that begins like no model at all is one by its name, and will be told what it lacks."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    if head.startswith(_OTHERS) or head[5:9] == _SAFETENSORS:
        return False
    return looks_like_graph(head) or path.suffix.lower() == SUFFIX
