"""safetensors files: the table of contents of any of them, and our own format in full.

Ours holds `generator_a2b.*` and/or `generator_b2a.*`, and in its metadata, under `ugatit`, one JSON
object: format_version, config, directions, created_by. Whatever else is in the metadata (source,
license, model ...) are plain texts about the model.
"""

from __future__ import annotations

import json
import math
import mmap
import sys
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, cast, get_args

import torch

from .. import __version__
from ..config import Direction, GeneratorConfig
from ..errors import BadModelError
from ..files import replacing
from ..model_file import naming, open_model
from .model import ModelWeights, ReadLater, Tensors
from .shapes import generator_shapes
from .stored import (
    ITEM_SIZES,
    MAX_DIMENSIONS,
    Container,
    StoredTensor,
    check_fit,
    contiguous_stride,
    damaged,
    incomplete,
    map_tensor,
)
from .tensor_chunks import LENGTH, tensor_file_chunks

FORMAT_VERSION = 1
METADATA_KEY = "ugatit"
MAX_HEADER_BYTES = 8 << 20
MAX_TENSORS = 10_000  # two generators of 64 blocks have fewer than 1,000
_DATA = "data"  # safetensors has one storage
_DTYPES = {
    **{"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64", "BOOL": "bool"},
    **{"U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32"},
    **{"U64": "uint64", "I64": "int64", "C64": "complex64"},
}


def read_container(file: BufferedReader, size: int) -> Container:
    """Table of contents of any safetensors file of `size` bytes, checked against them.

    Raises:
        BadModelError: the header is broken, or its tensors do not cover the data exactly once.
    """
    file.seek(0)
    length = LENGTH.unpack(file.read(LENGTH.size))[0]
    if length > size - LENGTH.size:
        raise incomplete("its header is longer than the file")
    if length > MAX_HEADER_BYTES:
        raise BadModelError(f"its header has {length:,} bytes, more than any model needs", name="model-too-large")
    header = _parse_header(file.read(length))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(map(_is_text, (*metadata, *metadata.values()))):
        raise damaged("the metadata in its header is not made of texts")
    if len(header) > MAX_TENSORS:
        raise BadModelError(f"it holds {len(header):,} tensors, too many for a model", name="model-too-large")
    entries = {name: _describe(name, entry) for name, entry in header.items()}
    data_start = LENGTH.size + length
    _check_cover(list(entries.values()), size - data_start)
    return Container({name: tensor for name, (tensor, _) in entries.items()}, {_DATA: data_start}, metadata)


def _is_text(value: Any) -> bool:
    """And not with half a character in it, which JSON can spell and no file can hold."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _parse_header(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data.decode("utf-8"), object_pairs_hook=_object_without_doubles)
    except (ValueError, RecursionError) as error:
        raise damaged("its header is not valid JSON") from error
    if not isinstance(header, dict):
        raise damaged("its header is not a JSON object")
    return header


def _object_without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise damaged("its header has duplicate names")
    return result


def _describe(name: str, entry: Any) -> tuple[StoredTensor, int]:
    """One entry of the header as a StoredTensor, and the byte behind it."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged(f"its header describes {name[:80]} wrongly")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    dtype = _DTYPES.get(code) if isinstance(code, str) else None
    if dtype is None:
        raise BadModelError(f"{name[:80]} has a dtype that is not known: {str(code)[:20]}", name="model-dtype")
    if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2 and len(shape) <= MAX_DIMENSIONS):
        raise damaged(f"the shape or offsets of {name[:80]} in its header are wrong")
    begin, end = offsets
    if math.prod(shape) * ITEM_SIZES[dtype] != end - begin:
        raise damaged(f"the shape of {name[:80]} does not match its size")
    return StoredTensor(dtype, _DATA, begin, tuple(shape), contiguous_stride(tuple(shape))), end


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _check_cover(tensors: list[tuple[StoredTensor, int]], data_bytes: int) -> None:
    """Tensors lie one behind the other without gap or overlap, and end where the file ends."""
    position = 0
    for tensor, end in sorted(tensors, key=lambda item: (item[0].start, item[1])):
        if tensor.start != position:
            raise damaged("the offsets in its header leave a gap or overlap")
        position = end
    if position > data_bytes:
        raise incomplete(f"{position:,} bytes of numbers were written, {data_bytes:,} are there")
    if position < data_bytes:
        raise damaged(f"{data_bytes - position:,} trailing bytes are not covered by its header")


def is_ours(container: Container) -> bool:
    return METADATA_KEY in container.metadata


def read_ours(file: BufferedReader, container: Container, sha256: str, path: Path) -> ModelWeights:
    """A file in our format; its metadata is checked before it is believed. Generators are mapped into memory when asked for.

    Raises:
        BadModelError: the description is wrong or from a later version, or the tensors do not match it.
    """
    config = _read_description(container.metadata[METADATA_KEY])
    tensors = cast(Mapping[str, StoredTensor], container.tree)
    directions = [d for d in get_args(Direction) if any(name.startswith(_prefix(d)) for name in tensors)]
    if not directions:
        raise BadModelError("it holds no generator", name="model-no-generator")
    shapes = generator_shapes(config)
    check_fit(tensors, {_prefix(d) + name: shape for d in directions for name, shape in shapes.items()})
    mapped = _map(file)

    def read(direction: Direction) -> Tensors:
        with naming(path):
            names = {name: _prefix(direction) + name for name in shapes}
            return {name: map_tensor(mapped, container, tensors[stored], stored) for name, stored in names.items()}

    generators = ReadLater(tuple(directions), read)
    metadata = {key: value for key, value in container.metadata.items() if key != METADATA_KEY}
    return ModelWeights(config, generators, metadata, sha256, "safetensors")


def _map(file: BufferedReader) -> mmap.mmap:
    """The whole file; on Windows a copy of it in memory, as nobody there can replace or remove a file that is mapped."""
    if sys.platform == "win32":
        file.seek(0)
        numbers = file.read()
        mapped = mmap.mmap(-1, len(numbers))
        mapped.write(numbers)
        return mapped
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # what torch would write stays in memory


def _read_description(text: str) -> GeneratorConfig:
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged("the description in its metadata is not valid JSON") from error
    if not isinstance(description, dict) or not isinstance(description.get("config"), dict):
        raise damaged("the description in its metadata has no configuration")
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        text = f"it has the format version {str(version)[:20]}, and this program reads {FORMAT_VERSION}"
        raise BadModelError(text, hint="update ugatit-cli", name="model-version")
    return GeneratorConfig.from_dict(description["config"])


def _prefix(direction: Direction) -> str:
    return f"generator_{direction}."


def save(
    path: Path,
    config: GeneratorConfig,
    generators: Mapping[Direction, Tensors],
    *,
    metadata: Mapping[str, str],
    half: bool = False,
) -> None:
    """Write one or both generators in our format, whole or not at all, and read it back before it gets its name.

    `metadata` are texts about the model (source, license ...); `half` stores float16 in place of float32.

    Raises:
        BadModelError: tensors that do not match `config`, or that are not finite in the stored type.
        OutputError, ResourceError: it cannot be written.
    """
    tensors = {
        _prefix(direction) + name: tensor for direction, state in generators.items() for name, tensor in state.items()
    }
    description = {
        "format_version": FORMAT_VERSION,
        "config": config.to_dict(),
        "directions": list(generators),
        "created_by": f"ugatit-cli {__version__}",
    }
    texts = {**metadata, METADATA_KEY: json.dumps(description, sort_keys=True)}
    try:
        with replacing(path, check=_check_written) as part, part.open("rb+") as file:
            file.writelines(tensor_file_chunks(tensors, dtype=torch.float16 if half else torch.float32, metadata=texts))
    except BadModelError as error:
        raise BadModelError(f"cannot save the model {path}: {error.message}", name=error.name) from error


def _check_written(part: Path) -> None:
    with open_model(part) as file:
        written = read_ours(file, read_container(file, part.stat().st_size), "", part)
        for direction in written.generators:
            written.generator(direction)
