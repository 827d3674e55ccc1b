"""A convolution and a tanh, small enough to be checked against NumPy: what every program and device has to compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

CHANNELS, SIDE, KERNEL = 3, 16, 3
OPSET, IR_VERSION = 20, 10
LARGEST_DIFFERENCE = 0.01  # GPUs may round the factors to 10 bits; a wrong result is wrong by far more


def picture_and_weights() -> tuple[Array, Array]:
    """1 C H W and O C K K."""
    import numpy as np

    random = np.random.default_rng(0)
    picture = random.uniform(-1, 1, (1, CHANNELS, SIDE, SIDE)).astype(np.float32)
    return picture, random.uniform(-0.2, 0.2, (8, CHANNELS, KERNEL, KERNEL)).astype(np.float32)


def difference(result: Array) -> float:
    """The largest one between `result` and what NumPy computes."""
    import numpy as np

    picture, weights = picture_and_weights()
    windows = np.lib.stride_tricks.sliding_window_view(picture, (KERNEL, KERNEL), axis=(2, 3))  # 1 C H W K K
    expected = np.tanh(np.einsum("nchwij,ocij->nohw", windows, weights))
    return float(np.abs(result - expected).max())


def as_graph() -> bytes:
    """The same as an ONNX graph, from `x` to `y`."""
    from onnx import TensorProto, helper, numpy_helper

    picture, weights = picture_and_weights()
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Tanh", ["c"], ["y"])]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, picture.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "tiny", [x], [y], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    serialised: bytes = model.SerializeToString()
    return serialised
