"""ONNX Runtime: which providers it lists, and whether the one asked for computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tiny_network import as_graph, difference, picture_and_weights

CPU = "CPUExecutionProvider"


def answers(provider: str) -> Iterator[dict[str, Any]]:
    import onnxruntime

    yield {"version": onnxruntime.__version__, "listed": onnxruntime.get_available_providers()}
    options = onnxruntime.SessionOptions()
    if provider != CPU:
        onnxruntime.preload_dlls()  # CUDA's libraries may have come with pip
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    session = onnxruntime.InferenceSession(as_graph(), options, providers=[provider], enable_fallback=0)
    picture, _ = picture_and_weights()
    (result,) = session.run(None, {"x": picture})
    yield {"provider": session.get_providers()[0], "difference": difference(result)}
