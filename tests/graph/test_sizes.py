"""Small files that ask for large tensors, in every way that an operator can be told a size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph.small_graphs import FREE, Sides, graph, inverted, saved, scaled
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.graph.ports import Shape, find_input
from ugatit_cli.graph.screening import screen
from ugatit_cli.graph.sizes import check_sizes, check_weights, shapes_of_one_picture
from ugatit_cli.graph.validity import without_weights

node = helper.make_node
BIG = 1 << 20


def shapes(model: ModelProto, side: int = 256) -> dict[str, Shape]:
    return shapes_of_one_picture(without_weights(model), find_input(model.graph), side)


def asking(nodes: list[NodeProto], constants: dict[str, NDArray], shape: Sides = FREE) -> ModelProto:
    """A graph that makes a tensor `big` and adds its sum to the picture."""
    rest = [node("ReduceSum", ["big"], ["sum"], keepdims=0), node("Add", ["x", "sum"], ["y"])]
    return graph([*nodes, *rest], constants, shape=shape)


def whole(*numbers: int) -> NDArray:
    return np.array(numbers, np.int64)


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("ConstantOfShape", ["s"], ["big"])], {"s": whole(BIG, BIG)}),
        ([node("Expand", ["x", "s"], ["big"])], {"s": whole(BIG, 3, 1, 1)}),
        ([node("Tile", ["x", "s"], ["big"])], {"s": whole(1, 1, 1 << 9, 1 << 9)}),
        ([node("Pad", ["x", "s"], ["big"])], {"s": whole(0, 0, BIG, 0, 0, 0, 0, BIG)}),
        ([node("Resize", ["x", "", "s"], ["big"])], {"s": np.array([1, 1, 1e4, 1e4], np.float32)}),
        ([node("Resize", ["x", "", "", "s"], ["big"])], {"s": whole(1, 3, BIG, BIG)}),
        (
            [node("Range", ["a", "b", "c"], ["big"])],
            {"a": np.float32(0), "b": np.float32(1 << 40), "c": np.float32(1)},
        ),
        (
            [node("OneHot", ["i", "d", "v"], ["big"])],
            {"i": whole(0), "d": whole(1 << 40)[0], "v": np.zeros(2, np.float32)},
        ),
        ([node("Mul", ["a", "a"], ["s"]), node("ConstantOfShape", ["s"], ["big"])], {"a": whole(BIG, BIG)}),
        ([node("Constant", [], ["s"], value_ints=[BIG, BIG]), node("ConstantOfShape", ["s"], ["big"])], {}),
        (
            [node("Tile", ["x", "s"], ["t"]), node("Tile", ["t", "s"], ["u"]), node("Tile", ["u", "s"], ["big"])],
            {"s": whole(1, 1, 16, 16)},
        ),
        ([node("ConvTranspose", ["x", "w"], ["big"], strides=[2048, 2048])], {"w": np.zeros((3, 9, 3, 3), np.float32)}),
    ],
    ids=lambda value: value[-1].op_type if isinstance(value, list) else "",
)
def test_tensors_that_grow_too_large_are_refused(nodes: list[NodeProto], constants: dict[str, NDArray]) -> None:
    with pytest.raises(RefusedError, match="GiB of memory, too large"):
        shapes(asking(nodes, {name: np.asarray(values) for name, values in constants.items()}))


def test_the_size_of_the_picture_counts() -> None:
    model = asking([node("Tile", ["x", "s"], ["big"])], {"s": whole(1, 1, 64, 64)})
    assert shapes(model, 64)["big"] == (1, 3, 4096, 4096)
    with pytest.raises(RefusedError):
        shapes(model, 1024)


LEVEL = [node("ReduceMax", ["x"], ["level"], keepdims=0), node("Cast", ["level"], ["number"], to=TensorProto.INT64)]
LENGTH = [*LEVEL, node("Reshape", ["number", "one"], ["length"])]
PLANE = [*LENGTH, node("Concat", ["length", "length"], ["plane"], axis=0)]
SIDES = [*LENGTH, node("Concat", ["one", "one", "length", "length"], ["sides"], axis=0)]


@pytest.mark.parametrize(
    "nodes",
    [
        [*LENGTH, node("ConstantOfShape", ["length"], ["big"])],
        [*SIDES, node("Expand", ["x", "sides"], ["big"])],
        [*SIDES, node("Tile", ["x", "sides"], ["big"])],
        [*LEVEL, node("Range", ["zero", "number", "step"], ["big"])],
        [*SIDES, node("Resize", ["x", "", "", "sides"], ["big"])],
        [*SIDES, node("Concat", ["sides", "sides"], ["pads"], axis=0), node("Pad", ["x", "pads"], ["big"])],
        [*LEVEL, node("OneHot", ["one", "number", "two"], ["big"])],
        [*PLANE, node("CenterCropPad", ["x", "plane"], ["big"], axes=[2, 3])],
        [*SIDES, node("AffineGrid", ["theta", "sides"], ["big"])],
        [*PLANE, node("Col2Im", ["columns", "plane", "plane"], ["big"])],
        [*LEVEL, node("DFT", ["x", "number"], ["big"], axis=2)],
        [*LENGTH, node("Slice", ["x", "one", "length", "axis"], ["big"])],
        [node("NonZero", ["x"], ["big"])],
        [
            *[node("Cast", ["x"], ["dark"], to=TensorProto.BOOL), node("Flatten", ["dark"], ["row"], axis=0)],
            *[node("Squeeze", ["row"], ["flat"]), node("Compress", ["x", "flat"], ["column"])],
            *[node("Unsqueeze", ["column", "one"], ["other"]), node("Mul", ["column", "other"], ["big"])],
        ],
    ],
    ids=lambda nodes: nodes[-1].op_type,
)
def test_sizes_that_follow_from_the_picture_s_colours_are_refused(nodes: list[NodeProto]) -> None:
    constants = {
        **{"zero": whole(0)[0], "step": whole(1)[0], "one": whole(1), "axis": whole(3)},
        **{"two": np.zeros(2, np.float32), "theta": np.zeros((1, 2, 3), np.float32)},
        "columns": np.zeros((1, 1, 1), np.float32),
    }
    with pytest.raises(RefusedError, match="depends on the picture's colours"):
        check_sizes(asking(nodes, {name: np.asarray(values) for name, values in constants.items()}).graph)


def test_sizes_that_follow_from_the_picture_s_size_are_not(tmp_path: Path) -> None:
    nodes = [
        *[node("Relu", ["x"], ["bright"]), node("Shape", ["bright"], ["sides"])],
        *[node("Mul", ["sides", "s"], ["wanted"]), node("Resize", ["bright", "", "", "wanted"], ["big"])],
    ]
    model = asking(nodes, {"s": whole(1, 1, 2, 2)})
    check_sizes(model.graph)
    assert screen(saved(model, tmp_path / "a.onnx")).facts.output == "y"


def test_a_graph_with_such_a_size_does_not_pass(tmp_path: Path) -> None:
    model = asking([*LENGTH, node("ConstantOfShape", ["length"], ["big"])], {"one": whole(1)})
    with pytest.raises(RefusedError, match="ConstantOfShape depends on the picture's colours"):
        screen(saved(model, tmp_path / "a.onnx"))


@pytest.mark.parametrize("shape", [(1 << 40, 3, 64, 64), (1 << 62, 3, 4096, 4096)])
def test_a_batch_that_fits_nowhere(shape: Sides) -> None:
    with pytest.raises(RefusedError):
        shapes(inverted(shape))


def test_what_the_file_says_of_shapes_is_not_believed() -> None:
    model = asking([node("Tile", ["x", "s"], ["big"])], {"s": whole(1, 1, 1 << 9, 1 << 9)})
    model.graph.value_info.append(helper.make_tensor_value_info("big", TensorProto.FLOAT, [1]))
    with pytest.raises(RefusedError):
        shapes(model)


def tensor(dims: list[int], kind: int = TensorProto.FLOAT, raw: bytes = b"") -> ModelProto:
    model = inverted()
    model.graph.initializer.add(name="w", dims=dims, data_type=kind, raw_data=raw)
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (tensor([2, -1]), "negative side"),
        (tensor([1], TensorProto.STRING, b"text"), "no number"),
        (tensor([1], 99, b"1234"), "type 99"),
        (tensor([1], 0, b"1234"), "type 0"),
        (tensor([2], raw=b"1234"), "8 bytes has 4"),
        (tensor([2], raw=b"1" * 12), "8 bytes has 12"),
        (tensor([2]), "8 bytes has 0"),
    ],
)
def test_weights_that_contradict_themselves(model: ModelProto, words: str) -> None:
    with pytest.raises(BadModelError, match=words):
        check_weights(model.graph)


@pytest.mark.parametrize("sides", [[1 << 20, 1 << 20], [1 << 62, 1 << 62], [(4 << 30) // 4 + 1]])
def test_weights_that_are_too_large(sides: list[int]) -> None:
    with pytest.raises(RefusedError, match="too large"):
        check_weights(tensor(sides).graph)


def test_weights_that_are_too_large_together() -> None:
    model = inverted()
    for number in range(5):
        model.graph.initializer.add(name=f"w{number}", dims=[1 << 30], data_type=TensorProto.FLOAT)
    with pytest.raises(RefusedError, match="20 GiB"):
        check_weights(model.graph)


def test_sparse_weights() -> None:
    model = inverted()
    model.graph.sparse_initializer.add(dims=[1 << 40])
    with pytest.raises(BadModelError, match="sparse"):
        check_weights(model.graph)
    model = scaled(1.0)
    model.graph.node[0].attribute.add(name="sparse_value").sparse_tensor.dims.append(1 << 40)
    with pytest.raises(BadModelError, match="sparse"):
        check_weights(model.graph)
