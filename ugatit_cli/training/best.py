"""RUN/best.json and RUN/best.safetensors: the weights that did best on held-out pictures.

The weights carry their step and score themselves, so that a kill between the two files leaves no mixture; best.json is
for people to read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import weights
from ..errors import UgatitError
from ..files import write_atomically
from .step import Trainer

BEST = "best.json"
BEST_WEIGHTS = "best.safetensors"


@dataclass(frozen=True)
class Best:
    """When, how good (lower is better), and how that was measured."""

    step: int
    score: float
    protocol: str


def record_best(run: Path, trainer: Trainer, score: float, protocol: str) -> None:
    """Write the averaged generators as they are now.

    Raises:
        OutputError, ResourceError: they cannot be written.
    """
    best = Best(trainer.step, score, protocol)
    write_average(run / BEST_WEIGHTS, trainer, {BEST: json.dumps(asdict(best))})
    write_atomically(run / BEST, json.dumps(asdict(best), indent=1).encode())


def write_average(path: Path, trainer: Trainer, metadata: dict[str, str]) -> None:
    """The running averages of both generators, which translate."""
    states = {direction: trainer.averages[f"generator_{direction}"].module.state_dict() for direction in ("a2b", "b2a")}
    trained = {"trained_steps": str(trainer.step)}
    weights.save(path, trainer.config.generator, states, metadata={**metadata, **trained})  # type: ignore[arg-type]


def read_best(run: Path) -> Best | None:
    """The best so far, as the weights themselves tell it; None where there is none or it is damaged."""
    try:
        return Best(**json.loads(weights.load(run / BEST_WEIGHTS).metadata[BEST]))
    except (UgatitError, OSError, ValueError, TypeError, KeyError):
        return None
