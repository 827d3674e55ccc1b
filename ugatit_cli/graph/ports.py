"""Which of a graph's inputs and outputs are pictures, and of which kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onnx import GraphProto, TensorProto, ValueInfoProto

from ..config import SIZE_MULTIPLE
from ..errors import BadModelError
from .facts import LARGEST_SIDE, SMALLEST_SIDE, Element, Layout

HEATMAP = "heatmap"
_ELEMENTS: dict[int, Element] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.UINT8: "uint8",
}

Shape = tuple[int | None, ...]  # None where any size will do, or where it is not known


@dataclass(frozen=True)
class Port:
    """A picture's tensor. `shape` is N x 3 x H x W or N x H x W x 3, as `layout` says."""

    name: str
    element: Element
    layout: Layout
    shape: Shape

    @property
    def batch(self) -> int | None:
        return self.shape[0]

    @property
    def sides(self) -> tuple[int | None, int | None]:
        """Height and width."""
        rows = 2 if self.layout == "nchw" else 1
        return self.shape[rows], self.shape[rows + 1]


def find_input(graph: GraphProto) -> Port:
    """The one input that is no weight: old files list those, too.

    Raises:
        BadModelError: there is another number of them, it is no picture, or of a size that cannot be used.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise BadModelError(f"it has {len(inputs)} inputs, and one, a picture, is expected", name="model-input")
    given = _port(inputs[0], declared_shape(inputs[0]), "input")
    _check_sides(*given.sides)
    return given


def find_output(graph: GraphProto, given: Port, shapes: Mapping[str, Shape]) -> Port:
    """The first output that is a picture; `shapes` are those that tensors have while one picture goes through.

    Raises:
        BadModelError: there is none, or it is not like the input.
    """
    known = [(value, _merged(declared_shape(value), shapes.get(value.name))) for value in graph.output]
    found = next(((value, shape) for value, shape in known if _layout(shape) is not None), None)
    if found is None:
        text = f"it has no output with the three channels of a picture, but {_shown(shape for _, shape in known)}"
        raise BadModelError(text, name="model-output")
    output = _port(*found, "output")
    expected = _merged(given.shape, shapes.get(given.name))
    sizes_differ = any(
        None not in pair and pair[0] != pair[1] for pair in zip(output.shape[1:], expected[1:], strict=True)
    )
    if (output.element, output.layout) != (given.element, given.layout) or sizes_differ:
        text = f"its output is not a picture like its input: another size, type or layout ({_one(output.shape)} from {_one(expected)})"
        raise BadModelError(text, name="model-output")
    return output


def find_heatmap(graph: GraphProto, output: Port, shapes: Mapping[str, Shape]) -> str | None:
    """The output of floats, N x h x w or N x 1 x h x w, that is called so, if there is one."""
    for value in graph.output:
        shape = _merged(declared_shape(value), shapes.get(value.name))
        flat = len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)
        floats = value.type.tensor_type.elem_type == TensorProto.FLOAT
        name: str = value.name
        if HEATMAP in name.lower() and flat and floats and name != output.name:
            return name
    return None


def declared_shape(value: ValueInfoProto) -> Shape:
    """Raises BadModelError for sides that nothing can have; -1 is how some exporters write that any will do."""
    sides: list[int | None] = []
    for dim in value.type.tensor_type.shape.dim:
        if not dim.HasField("dim_value") or dim.dim_value == -1:
            sides.append(None)
        elif dim.dim_value > 0:
            sides.append(dim.dim_value)
        else:
            raise BadModelError(f"its {value.name[:80]} has a side of {dim.dim_value}", name="model-shape")
    return tuple(sides)


def _port(value: ValueInfoProto, shape: Shape, what: str) -> Port:
    number = value.type.tensor_type.elem_type
    element = _ELEMENTS.get(number)
    if element is None:
        kind = TensorProto.DataType.Name(number) if number in TensorProto.DataType.values() else f"number {number}"
        text = f"its {what} has the type {kind.lower()}; float, float16 or uint8 is expected"
        raise BadModelError(text, name=f"model-{what}")
    if len(shape) != 4:
        text = f"its {what} has {len(shape)} dimensions; a picture's shape, N x 3 x H x W or N x H x W x 3, is expected"
        raise BadModelError(text, name=f"model-{what}")
    layout = _layout(shape)
    if layout is None:
        text = f"its {what} has the shape {_one(shape)}, without the 3 channels of a picture"
        raise BadModelError(text, name=f"model-{what}")
    return Port(value.name, element, layout, shape)


def _layout(shape: Shape) -> Layout | None:
    if len(shape) != 4:
        return None
    return "nchw" if shape[1] == 3 else "nhwc" if shape[3] == 3 else None


def _merged(declared: Shape, found: Shape | None) -> Shape:
    """`found` where the declaration leaves it open, and the declaration where that is all there is."""
    if found is None or (declared and len(found) != len(declared)):
        return declared
    if not declared:
        return found
    return tuple(side if side is not None else other for side, other in zip(declared, found, strict=True))


def _check_sides(height: int | None, width: int | None) -> None:
    if height != width:
        shown = f"{width or 'any'} x {height or 'any'}"
        text = f"it works at {shown} only; square graphs, or graphs of any size, are needed"
        raise BadModelError(text, name="model-input")
    if height is not None and (height % SIZE_MULTIPLE or not SMALLEST_SIDE <= height <= LARGEST_SIDE):
        text = f"it works at {height} pixels only; from {SMALLEST_SIDE} to {LARGEST_SIDE}, in steps of {SIZE_MULTIPLE}, is supported"
        raise BadModelError(text, name="model-input")


def _shown(shapes: Iterable[Shape]) -> str:
    return " and ".join([_one(shape) for shape in shapes][:4]) or "nothing"


def _one(shape: Shape) -> str:
    return "x".join("?" if side is None else str(side) for side in shape[:8]) or "one without a shape"
