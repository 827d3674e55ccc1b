"""What kind of file a model is, told from its first bytes; its name never decides."""

from __future__ import annotations

from io import BufferedReader
from typing import Literal

from ..errors import BadModelError, RefusedError, UgatitError
from ..model_file import HEAD_BYTES, known_stranger, looks_like_graph
from .torch_archive import LEGACY_MAGIC

Kind = Literal["safetensors", "torch-zip", "torch-legacy", "pickle"]
_LEGACY_MAGIC = b"\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little")  # as a number of ten bytes


def sniff(file: BufferedReader) -> Kind:
    """The file's format.

    Raises:
        BadModelError: it is something else; the message says what, where that can be told.
        RefusedError: it is in a format that cannot be read without running code.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(b"PK\x03\x04"):
        return "torch-zip"
    if head[8:9] == b"{":
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "torch-legacy" if _LEGACY_MAGIC in head[:32] else "pickle"
    raise _stranger(head)


def _stranger(head: bytes) -> UgatitError:
    stranger = known_stranger(head)
    if stranger is not None:
        return stranger
    if looks_like_graph(head):
        return BadModelError("it is an ONNX graph, and weights are needed here", name="model-onnx")
    if head[257:262] == b"ustar":
        text = "it is a tar archive, the format of torch before 2018, which cannot be read safely"
        return RefusedError(text, hint="save it again with a current torch", name="model-tar")
    text = (
        "it is not a checkpoint: it has neither a safetensors header nor the marks of torch.save, "
        "nor does it end as a TensorFlow index"
    )
    return BadModelError(text, name="model-unknown-format")
