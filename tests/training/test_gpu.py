"""Training where a GPU is: in every precision near the CPU's numbers, in pieces where memory is small, resumed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from training.tiny import noise

from ugatit_cli.training.capacity import measure_capacity
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.fit import Run
from ugatit_cli.training.preparation import prepare
from ugatit_cli.training.step import Trainer

pytestmark = pytest.mark.gpu
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


COMPILED = pytest.param(
    {"compile": True},
    # the compiler takes minutes, and warns of fp32 without TF32
    marks=[pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")],
    id="compile",
)


@pytest.mark.parametrize(
    "changes", [{"precision": "fp32"}, {"precision": "bf16"}, {"precision": "fp16"}, COMPILED], ids=str
)
def test_a_step_has_the_losses_that_it_has_on_a_cpu(changes: dict[str, object], config: TrainConfig) -> None:
    """Within what rounding to 8 bits of a mantissa does to sums of squares."""
    plain = config.model_copy(update={"augment": "none", "precision": "fp32"})
    here = Trainer(plain, CPU)
    there = Trainer(plain.model_copy(update=changes), CUDA)
    assert there.device.type == "cuda", "though the program's first trainer was on the CPU"
    expected = here.advance(noise(1))
    found = there.advance(noise(1))
    assert found == {name: pytest.approx(loss, rel=0.05, abs=0.02) for name, loss in expected.items()}


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a gibibyte for this process."""
    torch.cuda.set_per_process_memory_fraction(2**29 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_a_batch_that_does_not_fit_is_cut(config: TrainConfig, little_memory: None) -> None:
    large = config.model_copy(update={"size": 128, "channels": 16, "batch_size": 16, "precision": "fp32"})
    capacity = measure_capacity(large, CUDA, prepare(large).division)
    assert capacity.pieces > 1 and capacity.memory <= 2**29
    assert torch.cuda.memory_allocated() < 2**27, "what was tried out has left the GPU, but for cuBLAS's workspaces"


def test_a_run_that_was_stopped_goes_on(config: TrainConfig, tmp_path: Path) -> None:
    run = Run.start(tmp_path / "run", config, CUDA, preparation=prepare(config))
    records = run.fit()
    for _ in range(4):
        next(records)
    records.close()
    run.close()
    again = Run.resume(tmp_path / "run", CUDA, preparation=prepare(config, tmp_path / "run"))
    assert 0 < again.trainer.step <= 4 and again.trainer.device.type == "cuda"
    assert [record.step for record in again.fit()][-1] == config.steps
