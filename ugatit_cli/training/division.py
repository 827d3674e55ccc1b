"""Which pictures are trained on, which choose the best checkpoint, and which say how good it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInputError
from .config import TrainConfig
from .survey import HeldOut, Survey
from .survey.duplicates import group

SHARE = 10  # one picture in so many is held out, if nobody says how many
MOST = 100
FEWEST = 4  # held out pictures of a domain that can be measured on: two in each half
HELD_OUT = 2**33  # keeps this shuffle apart from those of the training
DOMAINS = ("a", "b")

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


# ------------------------------------------------------------------------------------------- once, when a run is started


def hold_out(survey: Survey, config: TrainConfig, *, copies: bool = False) -> HeldOut:
    """Which pictures of the training folders are measured on instead, drawn by the seed; none if they would be too few.

    Args:
        copies: whether one that is in the training folders twice may be among them, as it could once.
    """
    repeated = set() if copies else _repeated(survey)
    drawn = {domain: _draw(survey, config, domain, repeated) for domain in DOMAINS}
    tests = {domain: survey.sets.get(f"test_{domain}") for domain in DOMAINS}
    measured = [len(test.usable if (test := tests[domain]) else drawn[domain]) for domain in DOMAINS]
    return drawn if min(measured) >= FEWEST else {domain: () for domain in DOMAINS}


def _repeated(survey: Survey) -> set[Path]:
    """The training pictures that show the same as another one."""
    every = [facts for domain in DOMAINS for facts in survey.sets[domain].good]
    return {every[position].path for members in group(every) for position in members}


def _draw(survey: Survey, config: TrainConfig, domain: str, repeated: Collection[Path]) -> tuple[str, ...]:
    if f"test_{domain}" in survey.sets:
        return ()
    pictures = survey.sets[domain]
    random = np.random.default_rng((config.seed, DOMAINS.index(domain), HELD_OUT))
    shuffled = [pictures.good[position] for position in random.permutation(len(pictures.good))]
    single = [pictures.name(facts) for facts in shuffled if facts.path not in repeated]
    return tuple(single[: _count(config, len(shuffled))])


def _count(config: TrainConfig, pictures: int) -> int:
    if config.hold_out is not None:
        return config.hold_out
    if config.evaluate_every == 0:
        return 0
    tenth = min(MOST, pictures // SHARE)
    return tenth if tenth >= FEWEST else 0


# ------------------------------------------------------------------------------------------------ at every start of it


def divide(survey: Survey, held_out: HeldOut) -> Division:
    """The usable pictures, divided as they were when the run was started; new ones are trained on.

    Raises:
        BadInputError: nothing would be left to train on.
    """
    (train_a, select_a, report_a), (train_b, select_b, report_b) = (
        _divide_domain(survey, domain, held_out[domain]) for domain in DOMAINS
    )
    halves = (select_a, select_b), (report_a, report_b)
    if min(len(paths) for half in halves for paths in half) < FEWEST // 2:
        halves = ((), ()), ((), ())
    return Division((train_a, train_b), *halves)


def _divide_domain(survey: Survey, domain: str, held_out: Sequence[str]) -> tuple[Paths, Paths, Paths]:
    """Pictures to train on, to choose the best checkpoint by, and to report on."""
    pictures, test, never = survey.sets[domain], survey.sets.get(f"test_{domain}"), set(held_out)
    usable = {pictures.name(facts): facts.path for facts in pictures.good}
    train = tuple(path for name, path in usable.items() if name not in never)
    if not train:
        raise BadInputError(
            f"{pictures.folder} has {len(usable)} usable pictures, all of them held out: none is left to train on",
            hint="hold out fewer, or name folders with --test-a and --test-b",
            name="data-too-few",
        )
    if test:
        return train, tuple(test.usable[0::2]), tuple(test.usable[1::2])
    select, report = (tuple(usable[name] for name in held_out[half::2] if name in usable) for half in (0, 1))
    return train, select, report
