"""Killed at any moment, inside a save too, a run goes on to the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ugatit_cli.training.checkpoints import checkpoints
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.fit import Run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
CPU = torch.device("cpu")


@pytest.fixture
def busy(config: TrainConfig) -> TrainConfig:
    """Saves after every step: most of the time is spent inside a save."""
    return config.model_copy(
        update={
            "channels": 2,
            "discriminator_channels": 2,
            "steps": 8,
            "save_every": 1,
            "sample_every": 100,
            "track": (),
        }
    )


def train(folder: Path, config: TrainConfig) -> Run:
    """Start, or go on where there is something to go on with."""
    run = Run.resume(folder, CPU) if checkpoints(folder) else Run.start(folder, config, CPU)
    for _ in run.fit():
        pass
    return run


def in_a_child(work: Callable[[], object]) -> int:
    """The child's process number. It ends without running what this process wants done at its own end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def everything(run: Run) -> list[Tensor]:
    trainer = run.trainer
    states = [trainer.networks.state_dict(), *(average.state_dict() for average in trainer.averages.values())]
    for optimizer in (trainer.generator_optimizer, trainer.discriminator_optimizer):
        per_parameter = optimizer.state_dict()["state"]
        states += [per_parameter[number] for number in sorted(per_parameter)]
    return [state[name] for state in states for name in sorted(state)]


def assert_same_bits(one: Run, other: Run) -> None:
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(everything(one), everything(other), strict=True))


def test_killed_at_random_moments(tmp_path: Path, busy: TrainConfig) -> None:
    expected = train(tmp_path / "straight", busy)
    moments, kills = random.Random(0), 0
    for _ in range(14):
        child = in_a_child(lambda: train(tmp_path / "run", busy))
        time.sleep(moments.uniform(0.02, 0.5))
        os.kill(child, signal.SIGKILL)
        kills += os.waitpid(child, 0)[1] == signal.SIGKILL
    assert kills >= 5
    assert_same_bits(train(tmp_path / "run", busy), expected)


@pytest.mark.parametrize("name", ["replace", "fsync", "open"])
def test_killed_at_every_call_of_a_save(name: str, tmp_path: Path, busy: TrainConfig) -> None:
    """The child kills itself at its first os.replace, then at its second ...; every one gets the run a little further."""
    expected = train(tmp_path / "straight", busy)
    real, kills = getattr(os, name), 0

    def fatal_at(number: int) -> Callable[[], object]:
        left = [number]

        def call(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        def work() -> None:
            setattr(os, name, call)
            train(tmp_path / "run", busy)

        return work

    for number in range(1, 24):
        child = in_a_child(fatal_at(number))
        kills += os.waitpid(child, 0)[1] == signal.SIGKILL
    assert kills >= 6
    assert_same_bits(train(tmp_path / "run", busy), expected)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_a_hundred_times(tmp_path: Path, busy: TrainConfig) -> None:
    config = busy.model_copy(update={"steps": 120})
    expected = train(tmp_path / "straight", config)
    moments, kills = random.Random(1), 0
    while kills < 100:
        child = in_a_child(lambda: train(tmp_path / "run", config))
        time.sleep(moments.uniform(0.01, 0.9))
        os.kill(child, signal.SIGKILL)
        kills += os.waitpid(child, 0)[1] == signal.SIGKILL
    assert_same_bits(train(tmp_path / "run", config), expected)
