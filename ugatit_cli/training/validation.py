"""How good the averaged generators are on held-out pictures: one split chooses the best, another reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..evaluation import BUILTIN, RealSet, Score, Settings, combined_score, load_features, measure
from .data import to_tensor
from .division import Division
from .samples import to_pixels

Split = Literal["select", "report"]


@dataclass(frozen=True)
class Evaluation:
    """Both directions on one split: the score that ranks them, and all numbers for JSON."""

    split: Split
    score: Score
    numbers: dict[str, Any]

    def line(self, step: int, **facts: Any) -> dict[str, Any]:
        facts = {"step": step, "split": self.split, "score": self.score.value, **facts}
        return {**facts, "protocol": self.score.protocol, **self.numbers}


class Validation:
    """Measures generators on one division's held-out pictures, whose own features are computed once."""

    def __init__(self, division: Division, size: int, device: torch.device) -> None:
        self._division = division
        self._device = device
        self._settings = Settings(size, batch_size=1 if device.type == "cpu" else 8)
        self._features = load_features(BUILTIN)

    def measure(self, generator_a2b: nn.Module, generator_b2a: nn.Module, split: Split) -> Evaluation:
        """Raises BadInputError when fewer than two of a split's pictures can be read."""
        real_a, real_b = self._select if split == "select" else self._report
        a2b = measure(self._translation(generator_a2b), real_a, real_b, self._features, self._settings)
        b2a = measure(self._translation(generator_b2a), real_b, real_a, self._features, self._settings)
        return Evaluation(split, combined_score(a2b, b2a), {"a2b": a2b.as_dict(), "b2a": b2a.as_dict()})

    @cached_property
    def _select(self) -> tuple[RealSet, RealSet]:
        return self._real_sets(self._division.select)

    @cached_property
    def _report(self) -> tuple[RealSet, RealSet]:
        return self._real_sets(self._division.report)

    def _real_sets(self, paths: tuple[Any, Any]) -> tuple[RealSet, RealSet]:
        a, b = (RealSet.read(domain, self._features, self._settings) for domain in paths)
        return a, b

    def _translation(self, generator: nn.Module) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
        def translate(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
            with torch.inference_mode():
                return to_pixels(generator(to_tensor(pictures).to(self._device)).image)

        return translate
