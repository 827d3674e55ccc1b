"""OpenVINO: which devices it sees, and whether the one asked for computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tiny_network import as_graph, difference, picture_and_weights


def answers(device: str) -> Iterator[dict[str, Any]]:
    import openvino

    core = openvino.Core()
    yield {"version": openvino.__version__, "devices": list(core.available_devices)}
    compiled = core.compile_model(core.read_model(as_graph()), device, {"INFERENCE_PRECISION_HINT": "f32"})
    picture, _ = picture_and_weights()
    result = compiled(picture)[0]
    yield {"provider": device, "difference": difference(result)}
