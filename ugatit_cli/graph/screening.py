"""Any ONNX file -> what it takes and gives, after a look at everything that it would do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, ValueInfoProto

from ..config import SIZE_MULTIPLE
from ..errors import BadModelError, RefusedError, UsageError
from ..files import sha256_of
from ..model_file import HEAD_BYTES, known_stranger, open_model
from .external_data import check_external_data
from .facts import DEFAULT_SIZE, Element, GraphFacts, Layout, ValueRange
from .metadata import apply_properties
from .operators import check_operators
from .sizes import check_sizes

MOST_BYTES = (2 << 30) - 1  # protobuf's own limit
MOST_TEXT = 4096  # of one property that is kept
LARGEST_SIDE = 4096
NO_RANGE = "the graph does not say which values it expects: -1 to 1 is taken; --input-range says otherwise"
_ELEMENTS: dict[int, Element] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.UINT8: "uint8",
}


@dataclass(frozen=True)
class Screened:
    """A graph that may be run. `sha256` is of the file, or of it and the weights beside it."""

    facts: GraphFacts
    sha256: str
    notes: tuple[str, ...]


def screen(path: Path, *, value_range: ValueRange | None = None, bgr: bool = False) -> Screened:
    """What is said here wins over what the file says.

    Raises:
        UsageError: the file does not exist.
        BadModelError: damaged, or not a graph that turns pictures into pictures of their size.
        RefusedError: it would reach outside its folder, run for ever, or take all memory.
    """
    with _naming(path):
        model = _read(path)
        external = _check(model, path)
        facts = apply_properties(_facts(model), {entry.key: entry.value[:MOST_TEXT] for entry in model.metadata_props})
        notes = () if value_range or facts.element == "uint8" or _says_range(model) else (NO_RANGE,)
        if value_range and facts.element != "uint8":
            facts = replace(facts, value_range=value_range)
        facts = replace(facts, colours="bgr") if bgr else facts
        return Screened(facts, _digest(path, external), notes)


def digest(path: Path) -> str:
    """The same as `Screened.sha256`; raises as `screen` does."""
    with _naming(path):
        return _digest(path, _check(_read(path), path))


def _read(path: Path) -> ModelProto:
    with open_model(path) as file:
        stranger = known_stranger(file.read(HEAD_BYTES))
        if stranger is not None:
            raise stranger
        if file.seek(0, 2) > MOST_BYTES:
            raise BadModelError("it has more than 2 GiB, which an ONNX file cannot have", name="model-too-large")
        file.seek(0)
        try:
            model = ModelProto()
            model.ParseFromString(file.read())
        except (DecodeError, RecursionError) as error:
            text = "it is damaged, cut off or not an ONNX graph at all: it cannot be parsed"
            raise BadModelError(text, hint="download or copy it again", name="model-damaged") from error
    if not model.graph.node:
        raise BadModelError(
            "it is damaged or not an ONNX graph at all: nothing is computed in it", name="model-damaged"
        )
    return model


def _check(model: ModelProto, path: Path) -> frozenset[Path]:
    """Everything that must hold before a program may open it; the files of its weights."""
    _check_versions(model)
    if model.functions:
        raise BadModelError("it brings functions of its own, which are not supported", name="model-operator")
    check_operators(model.graph)
    external = check_external_data(model.graph, path.resolve().parent)
    check_sizes(model.graph)
    try:
        onnx.checker.check_model(str(path) if external else model)
    except (
        onnx.checker.ValidationError,
        UnicodeDecodeError,
    ) as error:  # the latter where the message repeats damaged names
        first_line = (str(error).strip().splitlines() or [""])[0][:200]
        raise BadModelError(
            f"it is not a valid graph, its nodes may be out of order: {first_line}", name="model-damaged"
        ) from error
    return external


def _check_versions(model: ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    opsets = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    if model.ir_version > onnx.IR_VERSION or any(version > newest for version in opsets):
        found = f"IR version {model.ir_version}, opset {max(opsets, default=0)}"
        text = f"it is of a newer version than this program knows ({found})"
        raise BadModelError(text, hint=f"export it with opset {newest} or older", name="model-version")


def _facts(model: ModelProto) -> GraphFacts:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise BadModelError(f"it has {len(inputs)} inputs, and one, a picture, is expected", name="model-input")
    [given] = inputs
    element, layout, sides = _picture(given, "input")
    output = next((value for value in model.graph.output if _is_picture(value)), None)
    if output is None:
        raise BadModelError("it has no output with the three channels of a picture", name="model-output")
    out_element, out_layout, out_sides = _picture(output, "output")
    if (out_element, out_layout) != (element, layout) or _differ(sides, out_sides):
        raise BadModelError(
            "its output is not a picture like its input: another size, type or layout", name="model-output"
        )
    batch, height, width = sides
    _check_sides(height, width)
    heatmap = next(
        (value.name for value in model.graph.output if "heatmap" in value.name and value is not output), None
    )
    return GraphFacts(
        input=given.name,
        output=output.name,
        layout=layout,
        element=element,
        value_range="0..255" if element == "uint8" else "-1..1",
        heatmap=heatmap,
        batch=batch,
        height=height,
        width=width,
        image_size=height or DEFAULT_SIZE,
    )


def _picture(value: ValueInfoProto, what: str) -> tuple[Element, Layout, tuple[int | None, int | None, int | None]]:
    """Type, layout, and batch, height and width where they are fixed."""
    tensor = value.type.tensor_type
    element = _ELEMENTS.get(tensor.elem_type)
    if element is None:
        kind = TensorProto.DataType.Name(tensor.elem_type) if tensor.elem_type in TensorProto.DataType.values() else "?"
        raise BadModelError(
            f"its {what} has the type {kind.lower()}; float, float16 or uint8 is expected", name=f"model-{what}"
        )
    shape = [dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim]
    if len(shape) != 4:
        text = f"its {what} has {len(shape)} dimensions; a picture's shape, N x 3 x H x W or N x H x W x 3, is expected"
        raise BadModelError(text, name=f"model-{what}")
    if shape[1] == 3:
        return element, "nchw", (shape[0], shape[2], shape[3])
    if shape[3] == 3:
        return element, "nhwc", (shape[0], shape[1], shape[2])
    found = "x".join("?" if side is None else str(side) for side in shape)
    raise BadModelError(f"its {what} has the shape {found}, without the 3 channels of a picture", name=f"model-{what}")


def _is_picture(value: ValueInfoProto) -> bool:
    sides = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return len(sides) == 4 and 3 in (sides[1], sides[3])


def _differ(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return any(a is not None and b is not None and a != b for a, b in zip(one[1:], other[1:], strict=True))


def _check_sides(height: int | None, width: int | None) -> None:
    if height != width:
        shown = f"{width or 'any'} x {height or 'any'}"
        raise BadModelError(
            f"it works at {shown} only; square graphs, or graphs of any size, are needed", name="model-input"
        )
    if height is not None and (height % SIZE_MULTIPLE or not 16 <= height <= LARGEST_SIDE):
        text = f"it works at {height} pixels only; from 16 to {LARGEST_SIDE}, in steps of {SIZE_MULTIPLE}, is supported"
        raise BadModelError(text, name="model-input")


def _says_range(model: ModelProto) -> bool:
    return any(entry.key == "ugatit.value_range" for entry in model.metadata_props)


def _digest(path: Path, external: frozenset[Path]) -> str:
    own = sha256_of(path)
    if not external:
        return own
    return hashlib.sha256("".join([own, *(sha256_of(each) for each in sorted(external))]).encode()).hexdigest()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file: the checks' messages are about "it"."""
    try:
        yield
    except BadModelError as error:
        raise BadModelError(
            f"cannot use the model {path}: {error.message}", hint=error.hint, name=error.name
        ) from error
    except RefusedError as error:
        raise RefusedError(f"refused the model {path}: {error.message}", hint=error.hint, name=error.name) from error
    except UsageError as error:
        raise UsageError(f"cannot open the model {path}: {error.message}", hint=error.hint, name=error.name) from error
