"""Whether a graph is put together as the standard says; its weights play no part in that."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from ..errors import BadModelError
from .tensors import has_numbers


def without_weights(model: ModelProto) -> ModelProto:
    """A copy in which those tensors are inputs that have no numbers here: large ones, see `outline`, and external ones.

    What it says about shapes between input and output is left out, too.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    del graph.value_info[:], graph.initializer[:], graph.node[:]
    absent = {}
    for tensor in model.graph.initializer:
        if has_numbers(tensor):
            graph.initializer.append(tensor)
        else:
            absent[tensor.name] = tensor
    for node in model.graph.node:
        value = _absent_constant(node)
        if value is None:
            graph.node.append(node)
        else:
            absent[node.output[0]] = value
    listed = {value.name for value in graph.input}  # files of old versions list their weights there, too
    graph.input.extend(_as_input(name, tensor) for name, tensor in absent.items() if name not in listed)
    return copy


def check_names(graph: GraphProto) -> None:
    """Raises BadModelError: one is not UTF-8, and protobuf gives bytes for it, which no program takes for a name."""
    for name in _names(graph):
        if not isinstance(name, str):
            text = f"it is damaged: a name in it is no text: {name[:40]!r}"
            raise BadModelError(text, hint="download or copy it again", name="model-damaged")


def check_validity(model: ModelProto) -> None:
    """`model` is without weights. Raises BadModelError: something is missing, out of order, in a circle, or of a wrong kind."""
    complete = ModelProto()
    complete.CopyFrom(model)
    for output in complete.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.shape.SetInParent()  # the checker wants one, programs do without
    try:
        onnx.checker.check_model(complete)
    except (
        onnx.checker.ValidationError,
        UnicodeDecodeError,
    ) as error:  # the latter where it would repeat damaged names
        first_line = (str(error).strip().splitlines() or [""])[0][:200]
        text = f"it is damaged or not a valid graph, its nodes may be out of order: {first_line}"
        raise BadModelError(text, name="model-damaged") from error


def _names(graph: GraphProto) -> Iterator[str | bytes]:
    for named in (*graph.input, *graph.output, *graph.initializer):
        yield named.name
    for node in graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name


def _absent_constant(node: NodeProto) -> TensorProto | None:
    """What a Constant node gives, where that has no numbers here."""
    if node.op_type != "Constant" or len(node.output) != 1:
        return None
    values = [attribute.t for attribute in node.attribute if attribute.name == "value" and attribute.HasField("t")]
    return values[0] if len(values) == 1 and not has_numbers(values[0]) else None


def _as_input(name: str, tensor: TensorProto) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, tensor.data_type, tensor.dims)
