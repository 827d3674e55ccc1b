"""Which pictures are trained on, which choose the best checkpoint, and which say how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInputError
from .config import TrainConfig
from .survey import Survey

SHARE = 10  # one picture in so many is held out, if nobody says how many
MOST = 100
FEWEST = 4  # held out pictures of a domain that can be measured on: two in each half
HELD_OUT = 2**33  # keeps this shuffle apart from those of the training

Paths = tuple[Path, ...]


@dataclass(frozen=True)
class Division:
    """Pictures of both domains; `select` and `report` are empty where there are too few to measure on."""

    train: tuple[Paths, Paths]
    select: tuple[Paths, Paths]
    report: tuple[Paths, Paths]

    @property
    def measurable(self) -> bool:
        return bool(self.select[0])

    @property
    def shown(self) -> tuple[Paths, Paths]:
        """The pictures of the sample sheets: ones that were never trained on, if there are any."""
        return self.select if self.measurable else self.train


def divide(survey: Survey, config: TrainConfig) -> Division:
    """The usable pictures, divided by the seed alone, so that a resumed run has the same division.

    Raises:
        BadInputError: nothing would be left to train on.
    """
    (train_a, held_a), (train_b, held_b) = (_divide_domain(survey, config, domain) for domain in ("a", "b"))
    if min(len(held_a), len(held_b)) < FEWEST:  # nothing can be measured, so nothing is held out
        usable_a, usable_b = (tuple(survey.sets[domain].usable) for domain in ("a", "b"))
        return Division((usable_a, usable_b), ((), ()), ((), ()))
    held = (held_a, held_b)
    halves = [tuple(paths[half::2] for paths in held) for half in (0, 1)]
    return Division((train_a, train_b), (halves[0][0], halves[0][1]), (halves[1][0], halves[1][1]))


def _divide_domain(survey: Survey, config: TrainConfig, domain: str) -> tuple[Paths, Paths]:
    usable = survey.sets[domain].usable
    if f"test_{domain}" in survey.sets:
        return tuple(usable), tuple(survey.sets[f"test_{domain}"].usable)
    count = _held_out(config, len(usable))
    if count >= len(usable):
        raise BadInputError(
            f"{survey.sets[domain].folder} has {len(usable)} usable pictures: with --hold-out {count} none is left to train on",
            hint="hold out fewer, or name folders with --test-a and --test-b",
            name="data-too-few",
        )
    random = np.random.default_rng((config.seed, "ab".index(domain), HELD_OUT))
    chosen = random.permutation(len(usable))[:count]
    rest = sorted(set(range(len(usable))) - set(chosen.tolist()))
    return tuple(usable[i] for i in rest), tuple(usable[i] for i in chosen)


def _held_out(config: TrainConfig, count: int) -> int:
    if config.hold_out is not None:
        return config.hold_out
    if config.test_a or config.test_b or config.evaluate_every == 0:
        return 0
    tenth = min(MOST, count // SHARE)
    return tenth if tenth >= FEWEST else 0
