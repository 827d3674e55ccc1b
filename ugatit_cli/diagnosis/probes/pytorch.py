"""PyTorch: what it was built for, which devices it sees, and whether the one asked for computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tiny_network import difference, picture_and_weights


def answers(device: str) -> Iterator[dict[str, Any]]:
    import torch

    there = [name for name, here in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if here.is_available()]
    built_for = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU"
    yield {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "built_for": f"ROCm {torch.version.hip}" if torch.version.hip else built_for,
        "devices": there,
        "threads": torch.get_num_threads(),
    }
    picture, weights = (torch.from_numpy(each).to(device) for each in picture_and_weights())
    result = torch.tanh(torch.nn.functional.conv2d(picture, weights))
    yield {"provider": result.device.type, "difference": difference(result.cpu().numpy())}
