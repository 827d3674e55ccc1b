"""Tiny generators, as PyTorch runs them and as graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from reference import PlainGenerator

from ugatit_cli.config import GeneratorConfig

Array = NDArray[Any]


def plain_generator(config: GeneratorConfig, seed: int = 0) -> PlainGenerator:
    """Random weights, with every rho drawn from [0, 1], so that both kinds of statistics count, and norms far from their start."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = PlainGenerator(config).eval().requires_grad_(False)
        for name, tensor in network.state_dict().items():
            if name.endswith("rho"):
                tensor.uniform_(0, 1)
            elif name.endswith((".gamma", ".beta", ".bias")):
                tensor.add_(torch.randn_like(tensor) * 0.3)
    return network


def arrays(network: torch.nn.Module) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def session(graph: ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(graph: ModelProto, pictures: Array) -> list[Array]:
    found: list[Array] = session(graph).run(None, {"image": pictures})
    return found


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Between -1 and 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
