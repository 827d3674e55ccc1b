"""Graphs of YuNet's form that find what a test draws: a face wherever a cell of 8 x 8 pixels is pure red."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

CELL = 8
RED = (255, 0, 0)
WIDTH, HEIGHT = 64, 80  # of the box that it reports
LANDMARKS = np.array(
    [[-16, -12], [16, -12], [0, 0], [-12, 20], [12, 20]], float
)  # from the middle of the red cell, at 1:1
STRIDES = (8, 16, 32)
CHANNELS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def write_detector(path: Path) -> Path:
    """Inputs and outputs as YuNet has them: one picture, B G R; score, objectness, box and landmarks at three strides."""
    nodes, weights, outputs = [], [], []
    for kind, channels in CHANNELS.items():
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            weight, bias = kernel(kind, stride)
            weights += [numpy_helper.from_array(weight, f"{name}.w"), numpy_helper.from_array(bias, f"{name}.b")]
            weights.append(numpy_helper.from_array(np.array([1, -1, channels]), f"{name}.shape"))
            inputs = ["input", f"{name}.w", f"{name}.b"]
            nodes.append(
                helper.make_node("Conv", inputs, [f"{name}.map"], strides=[stride] * 2, kernel_shape=[stride] * 2)
            )
            nodes.append(helper.make_node("Sigmoid", [f"{name}.map"], [f"{name}.on"]) if channels == 1 else copy(name))
            nodes.append(helper.make_node("Transpose", [f"{name}.on"], [f"{name}.last"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"{name}.last", f"{name}.shape"], [name]))
            outputs.append(helper.make_tensor_value_info(name, 1, [1, None, channels]))
    given = helper.make_tensor_value_info("input", 1, [1, 3, 640, 640])
    graph = helper.make_graph(nodes, "detector", [given], outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), path)
    return path


def copy(name: str) -> onnx.NodeProto:
    return helper.make_node("Identity", [f"{name}.map"], [f"{name}.on"])


def kernel(kind: str, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores look at the colours of their cell, boxes and landmarks are always the same."""
    channels = CHANNELS[kind]
    weight, bias = np.zeros((channels, 3, stride, stride), np.float32), np.zeros(channels, np.float32)
    if channels == 1:
        weight[0, :] = np.array([-1, -1, 1])[:, None, None] * (
            20 / 255 / stride**2
        )  # of pure red 20, of grey below zero
        bias[0] = -14 if stride == CELL else -100
    elif kind == "bbox":
        bias[:] = [0.5, 0.5, np.log(WIDTH / stride), np.log(HEIGHT / stride)]
    else:
        bias[:] = (LANDMARKS / stride + 0.5).ravel()
    return weight, bias


def draw_face(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    """A red cell with that corner, multiples of 8; the middle of it, where the face is."""
    picture[y : y + CELL, x : x + CELL] = RED
    return np.array([x + CELL / 2, y + CELL / 2])
