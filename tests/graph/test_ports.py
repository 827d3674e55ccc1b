"""Which input and outputs are taken for pictures, whatever else a graph has and however little it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph.small_graphs import FLOAT, FREE, Sides, graph, inverted, saved
from onnx import ModelProto, TensorProto, helper

from ugatit_cli.errors import BadModelError
from ugatit_cli.graph.screening import screen

UINT8, HALF, INT64 = int(TensorProto.UINT8), int(TensorProto.FLOAT16), int(TensorProto.INT64)
node = helper.make_node


def with_outputs(*outputs: tuple[str, int, Sides | None]) -> ModelProto:
    """Every output is computed from the picture; the shapes are only what the file says."""
    model = graph([node("Cast", ["x"], [name], to=kind) for name, kind, _ in outputs])
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(*output) for output in outputs)
    return model


def facts(model: ModelProto, folder: Path) -> Any:
    return screen(saved(model, folder / "a.onnx")).facts


@pytest.mark.parametrize("out_shape", [None, ("a", "b", "c", "d"), (-1, -1, -1, -1), (1, 3, "h", "w")])
def test_an_output_that_says_little_is_worked_out(out_shape: Sides | None, tmp_path: Path) -> None:
    found = facts(with_outputs(("y", FLOAT, out_shape)), tmp_path)
    assert (found.output, found.layout, found.any_size) == ("y", "nchw", True)


def test_the_first_output_that_is_a_picture_is_taken(tmp_path: Path) -> None:
    model = with_outputs(("first", FLOAT, FREE), ("second", FLOAT, FREE))
    model.graph.node.insert(0, node("ReduceMean", ["x"], ["score"]))
    model.graph.output.insert(0, helper.make_tensor_value_info("score", FLOAT, [1, 1, 1, 1]))
    assert facts(model, tmp_path).output == "first"


@pytest.mark.parametrize(
    ("name", "kept", "kind", "found"),
    [
        ("heatmap", 0, FLOAT, True),
        ("heatmap", 1, FLOAT, True),
        ("CAM_Heatmap", 1, FLOAT, True),
        ("attention", 1, FLOAT, False),
        ("heatmap", 1, INT64, False),
        ("heatmap", 1, HALF, False),
    ],
)
def test_heatmaps_are_floats_of_one_channel(name: str, kept: int, kind: int, found: bool, tmp_path: Path) -> None:
    nodes = [node("Neg", ["x"], ["y"]), node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=kept)]
    model = graph([*nodes, node("Cast", ["mean"], [name], to=kind)])
    model.graph.output.append(
        helper.make_tensor_value_info(name, kind, ("n", "h", "w") if not kept else ("n", 1, "h", "w"))
    )
    assert facts(model, tmp_path).heatmap == (name if found else None)


@pytest.mark.parametrize("sides", [("n",), ("n", 3, "h", "w"), ("n", 2, "h", "w")])
def test_what_is_called_a_heatmap_and_is_none(sides: Sides, tmp_path: Path) -> None:
    model = inverted()
    model.graph.node.append(node("Identity", ["x"], ["heatmap"]))
    model.graph.output.append(helper.make_tensor_value_info("heatmap", FLOAT, sides))
    assert facts(model, tmp_path).heatmap is None


@pytest.mark.parametrize(("kind", "element"), [(FLOAT, "float32"), (HALF, "float16"), (UINT8, "uint8")])
@pytest.mark.parametrize("batch", [1, 4, "n", -1])
def test_types_and_batches(kind: int, element: str, batch: int | str, tmp_path: Path) -> None:
    found = facts(graph(kind=kind, shape=(batch, 3, 64, 64)), tmp_path)
    assert (found.element, found.batch, found.image_size) == (element, batch if batch in (1, 4) else None, 64)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 10), "2 dimensions"),
        ((), "0 dimensions"),
        ((1, 1, 3, "h", "w"), "5 dimensions"),
        ((1, 7, "h", "w"), "1x7x.x., without the 3 channels"),
        (("n", "c", "h", "w"), "without the 3 channels"),
        ((1, 3, 0, 0), "side of 0"),
        ((0, 3, 64, 64), "side of 0"),
        ((1, 3, -2, 64), "side of -2"),
        ((1, 3, 12, 12), "12 pixels only"),
        ((1, 3, 1 << 62, 1 << 62), "pixels only"),
    ],
)
def test_inputs_that_are_no_pictures(shape: Sides, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match=words):
        facts(graph(shape=shape), tmp_path)


@pytest.mark.parametrize(
    "kind", [INT64, int(TensorProto.DOUBLE), int(TensorProto.BFLOAT16), int(TensorProto.STRING), 0, 999]
)
def test_inputs_of_other_types(kind: int, tmp_path: Path) -> None:
    model = inverted()
    model.graph.input[0].type.tensor_type.elem_type = kind
    with pytest.raises(BadModelError, match="type .*; float, float16 or uint8 is expected"):
        facts(model, tmp_path)


def test_inputs_that_are_no_tensors(tmp_path: Path) -> None:
    model = inverted()
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = FLOAT
    with pytest.raises(BadModelError, match="input"):
        facts(model, tmp_path)


@pytest.mark.parametrize("count", [0, 2])
def test_no_input_or_two(count: int, tmp_path: Path) -> None:
    model = inverted()
    del model.graph.input[:]
    model.graph.input.extend(helper.make_tensor_value_info(name, FLOAT, FREE) for name in ("x", "z")[:count])
    with pytest.raises(BadModelError, match=f"it has {count} inputs"):
        facts(model, tmp_path)


@pytest.mark.parametrize(("factor", "side"), [(2.0, 512), (0.5, 128)])
def test_an_output_of_another_size_is_found_though_the_file_does_not_say_it(
    factor: float, side: int, tmp_path: Path
) -> None:
    scales = {"s": np.array([1, 1, factor, factor], np.float32)}
    model = graph([node("Resize", ["x", "", "s"], ["y"])], scales, out_shape=("n", 3, "H", "W"))
    with pytest.raises(BadModelError, match=f"another size.*1x3x{side}x{side} from 1x3x256x256"):
        facts(model, tmp_path)


def test_an_output_that_claims_the_wrong_size(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="another size"):
        facts(graph(shape=(1, 3, 64, 64), out_shape=(1, 3, 32, 64)), tmp_path)


@pytest.mark.parametrize(("kind", "shape"), [(UINT8, FREE), (FLOAT, ("n", "h", "w", 3))])
def test_an_output_of_another_type_or_layout(kind: int, shape: Sides, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="type or layout"):
        facts(with_outputs(("y", kind, shape)), tmp_path)


def test_no_output_that_is_a_picture(tmp_path: Path) -> None:
    model = graph([node("ReduceMean", ["x"], ["y"], axes=[1])], out_shape=("n", 1, "h", "w"))
    with pytest.raises(BadModelError, match="no output with the three channels of a picture, but .x1x"):
        facts(model, tmp_path)
