"""What is measured before the first step, and what is done when memory is too small."""

from __future__ import annotations

import pytest
import torch

from ugatit_cli.errors import ResourceError
from ugatit_cli.training import capacity
from ugatit_cli.training.capacity import measure_capacity
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch
from ugatit_cli.training.preparation import prepare
from ugatit_cli.training.step import Trainer

CPU = torch.device("cpu")


def test_a_step_is_measured(config: TrainConfig) -> None:
    found = measure_capacity(config, CPU, prepare(config).division)
    assert 0 < found.seconds_per_step < 60
    assert found.memory > 10**7
    assert found.disk > 5 * sum(p.nbytes for p in Trainer(config, CPU).networks.parameters())
    assert found.pieces == 1


def test_the_time_to_compile_is_no_step(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compiler takes minutes over the first step, however long that is."""
    times = iter([100.0, 0.5])
    monkeypatch.setattr(capacity, "_timed_step", lambda *_: next(times))
    monkeypatch.setattr(Trainer, "_adapt_forward_passes", lambda _: None)
    compiled = config.model_copy(update={"compile": True})
    assert measure_capacity(compiled, CPU, prepare(config).division).seconds_per_step == 0.5


def small_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """More than `most` pictures at once fail as torch's CPU allocator fails."""
    real = Trainer._translate

    def translate(self: Trainer, batch: Batch, with_gradient: bool) -> object:
        if len(batch.real_a) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 999 bytes")
        return real(self, batch, with_gradient)

    monkeypatch.setattr(Trainer, "_translate", translate)


def test_a_batch_that_does_not_fit_is_cut(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    small_memory(monkeypatch, 2)
    config = config.model_copy(update={"batch_size": 6})
    assert measure_capacity(config, CPU, prepare(config).division).pieces == 3


def test_a_picture_that_does_not_fit_is_an_error(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    small_memory(monkeypatch, 0)
    with pytest.raises(ResourceError, match="too small for one picture of 32 pixels"):
        measure_capacity(config, CPU, prepare(config).division)
