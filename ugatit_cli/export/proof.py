"""A graph beside the weights that it was made from: the same pictures through both, and how far apart they may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ..backends import Backend
from ..backends.graph_runs import GraphBackend
from ..config import SIZE_MULTIPLE, GeneratorConfig
from ..errors import BadModelError
from ..framing import Pixels
from ..graph.large_matrix import Storage
from ..parity import Parity, combine, compare
from .photographs import squares

Precision = Literal["fp32", "fp16", "int8"]
Content = Literal["photographs", "noise"]

MOST_LEVELS = 1  # of fp32
MOST_MEAN = 0.5  # levels, of fp16
MOST_PHOTOGRAPHS = 6


@dataclass(frozen=True)
class Comparison:
    """One row of the table."""

    content: Content
    height: int
    width: int
    batch: int
    parity: Parity

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_backends(
    reference: Backend, graph: GraphBackend, config: GeneratorConfig, photographs: Sequence[Pixels]
) -> Iterator[Comparison]:
    """Real pictures and noise, at several sizes where the model takes them, alone and together in a batch."""
    for height, width, batch in _shapes(config):
        for content, pictures in _pictures(photographs, height, width, batch):
            parts = [
                compare(graph.translate_together(part), reference(part))
                for part in (pictures[first : first + batch] for first in range(0, len(pictures), batch))
            ]
            yield Comparison(content, height, width, batch, combine(parts))


def check_tolerance(precision: Precision, storage: Storage, found: Sequence[Comparison], min_psnr: float) -> None:
    """`min_psnr` in dB, of photographs, is for int8; `storage` is how the large matrix is kept.

    Raises:
        BadModelError: the graph is too far from its weights.
    """
    every = combine(row.parity for row in found)
    photographs = combine(row.parity for row in found if row.content == "photographs")
    how = ""
    if precision == "fp32" and every.largest > MOST_LEVELS:
        how = f"pixels differ by up to {every.largest} levels of 255; {MOST_LEVELS} is allowed"
    if precision == "fp16" and every.mean >= MOST_MEAN:
        how = f"pixels differ by {every.mean:.2f} levels of 255 on average; less than {MOST_MEAN} is allowed"
    if precision == "int8" and photographs.psnr < min_psnr:
        how = f"{photographs.psnr:.1f} dB on photographs; {min_psnr:g} are asked for"
    if how:
        text = f"the graph does not do what its weights do: {how}"
        raise BadModelError(text, hint=_nearer(precision, storage), name="export-parity")


def _nearer(precision: Precision, storage: Storage) -> str:
    """What costs the most exactness, done without."""
    if storage in ("int8", "rank64"):
        return "export with --storage fp16"
    if precision == "int8":
        return "give it pictures of your own with --calibrate, or lower --min-psnr if that is good enough"
    return "export with --precision fp32" if precision == "fp16" else "export with --storage fp32"


def _shapes(config: GeneratorConfig) -> Iterator[tuple[int, int, int]]:
    size = config.image_size
    yield size, size, 1
    yield size, size, 3
    if config.any_size:
        yield _multiple(size * 3 / 4), _multiple(size * 5 / 4), 1
        yield _multiple(size / 2) + SIZE_MULTIPLE, _multiple(size / 2), 2


def _multiple(side: float) -> int:
    return max(16, round(side / SIZE_MULTIPLE) * SIZE_MULTIPLE)


def _pictures(photographs: Sequence[Pixels], height: int, width: int, batch: int) -> Iterator[tuple[Content, Pixels]]:
    large = squares(
        [photographs[index % len(photographs)] for index in range(max(batch, MOST_PHOTOGRAPHS))], max(height, width)
    )
    yield "photographs", np.ascontiguousarray(large[:, :height, :width])
    yield "noise", np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)
