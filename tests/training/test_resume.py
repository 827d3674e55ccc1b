"""A run that was stopped goes on to the same numbers, and leaves what it promises."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from training.tiny import CPU, assert_same_bits, contents

from ugatit_cli import weights
from ugatit_cli.errors import BadModelError, DivergedError, OutputError, UsageError
from ugatit_cli.training.base import shape_of
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.fit import Run


def straight(folder: Path, config: TrainConfig) -> Run:
    run = Run.start(folder, config, CPU)
    for _ in run.fit():
        pass
    return run


def metrics(run: Path) -> list[dict[str, Any]]:
    """All but the time."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds_per_step"} for line in lines]


@pytest.mark.parametrize("stop_at", [2, 3, 5])
def test_resumed_run_equals_a_straight_one_bit_for_bit(stop_at: int, tmp_path: Path, config: TrainConfig) -> None:
    expected = straight(tmp_path / "straight", config)
    stopped = Run.start(tmp_path / "run", config, CPU)
    for _ in islice(stopped.fit(), stop_at):
        pass
    resumed = Run.resume(tmp_path / "run", CPU)  # from step 2 or 4: what came after was never saved
    assert resumed.trainer.step == stop_at // 2 * 2
    for _ in resumed.fit():
        pass
    assert_same_bits(resumed.trainer, expected.trainer)
    assert metrics(tmp_path / "run") == metrics(tmp_path / "straight")


def test_a_run_that_is_resumed_while_warming_up_equals_a_straight_one(tmp_path: Path, config: TrainConfig) -> None:
    """From step 2 of 4 in which the discriminators compare with pictures that nobody translated."""
    base = straight(tmp_path / "base", config).weights
    config = config.model_copy(update={"base": base, "warmup": 8, "steps": 10})
    expected = straight(tmp_path / "straight", config)
    for _ in islice(Run.start(tmp_path / "run", config, CPU).fit(), 3):
        pass
    resumed = Run.resume(tmp_path / "run", CPU)
    assert (resumed.trainer.step, resumed.trainer.untranslated_steps) == (2, 4)
    for _ in resumed.fit():
        pass
    assert_same_bits(resumed.trainer, expected.trainer)
    assert metrics(tmp_path / "run") == metrics(tmp_path / "straight")


def test_a_run_that_was_saved_before_its_first_step_goes_on(tmp_path: Path, config: TrainConfig) -> None:
    expected = straight(tmp_path / "straight", config)
    Run.start(tmp_path / "run", config, CPU).save()
    resumed = Run.resume(tmp_path / "run", CPU)
    list(resumed.fit())
    assert_same_bits(resumed.trainer, expected.trainer)


@pytest.mark.parametrize(
    ("steps", "message"), [(0, "--steps: .*greater than or equal to 1"), (-5, "--steps"), (3, "is at step 4 already")]
)
def test_a_number_of_steps_that_cannot_be_changes_nothing(
    steps: int, message: str, tmp_path: Path, config: TrainConfig
) -> None:
    list(islice(Run.start(tmp_path / "run", config, CPU).fit(), 5))
    before = contents(tmp_path / "run")
    with pytest.raises(UsageError, match=message):
        Run.resume(tmp_path / "run", CPU, steps=steps)
    assert contents(tmp_path / "run") == before
    assert Run.resume(tmp_path / "run", CPU, steps=4).trainer.config.steps == 4


def test_the_seed_decides_the_run(tmp_path: Path, config: TrainConfig) -> None:
    other = straight(tmp_path / "other", config.model_copy(update={"seed": 1})).trainer.networks.state_dict()
    first = straight(tmp_path / "first", config).trainer.networks.state_dict()
    assert not torch.equal(first["generator_a2b.head.weight"], other["generator_a2b.head.weight"])


def test_a_run_leaves_weights_samples_and_metrics(tmp_path: Path, config: TrainConfig) -> None:
    run = straight(tmp_path / "run", config)
    model = weights.load(tmp_path / "run" / "weights.safetensors")
    assert model.config == config.generator
    average = run.trainer.averages["generator_b2a"].module.state_dict()
    assert all(torch.equal(model.generators["b2a"][name], average[name]) for name in average)
    assert [p.name for p in sorted((tmp_path / "run" / "samples").iterdir())] == [
        "step-00000003.jpg",
        "step-00000006.jpg",
    ]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert lines[-1]["learning_rate"] == 0


def poison(run: Run) -> None:
    with torch.no_grad():
        run.trainer.networks.generator_a2b.head.weight.fill_(float("nan"))


def test_a_run_that_breaks_before_its_first_checkpoint_ends(tmp_path: Path, config: TrainConfig) -> None:
    run = Run.start(tmp_path / "run", config.model_copy(update={"save_every": 100}), CPU)
    steps = run.fit()
    next(steps)
    poison(run)
    assert [next(steps).step, next(steps).step] == [2, 3]  # two bad steps may pass
    with pytest.raises(DivergedError, match="step 4: the loss"):
        next(steps)


def test_a_bad_step_changes_no_weight(tmp_path: Path, config: TrainConfig) -> None:
    run = Run.start(tmp_path / "run", config.model_copy(update={"save_every": 100}), CPU)
    steps = run.fit()
    next(steps)
    poison(run)
    before = {name: value.clone() for name, value in run.trainer.networks.named_parameters() if "discriminator" in name}
    next(steps)
    after = dict(run.trainer.networks.named_parameters())
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("save_every", "broken"),
    [
        (2, []),  # noticed by the save after step 6
        (4, [6, 7]),  # noticed by the third bad step in a row
    ],
)
def test_a_run_that_breaks_goes_back_once_with_another_order(
    save_every: int, broken: list[int], tmp_path: Path, config: TrainConfig
) -> None:
    run = Run.start(tmp_path / "run", config.model_copy(update={"steps": 10, "save_every": save_every}), CPU)
    poisoned, seen = False, []
    told: list[str] = []
    for record in run.fit():
        seen.append(record.step)
        told += record.warnings
        if record.step == 5 and not poisoned:
            poison(run)
            poisoned = True
    assert seen == [1, 2, 3, 4, 5, *broken, 5, 6, 7, 8, 9, 10]
    assert run.trainer.order == 1
    assert [("back to step 4" in text) for text in (*told, *run.warnings)] == [True, True]
    assert Run.resume(tmp_path / "run", CPU).trainer.order == 1
    lines = metrics(tmp_path / "run")
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 10]
    assert all(math.isfinite(line["change_a2b"]) for line in lines), "what was no number is forgotten"


def test_a_run_that_breaks_twice_ends(tmp_path: Path, config: TrainConfig) -> None:
    run = Run.start(tmp_path / "run", config.model_copy(update={"steps": 20}), CPU)
    with pytest.raises(DivergedError, match="not finite"):
        for record in run.fit():
            if record.step == 5:
                poison(run)
    assert Run.resume(tmp_path / "run", CPU).trainer.step == 4


def test_a_run_that_cannot_be_written_is_an_error_of_output(tmp_path: Path, config: TrainConfig) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        Run.start(tmp_path / "file" / "run", config, CPU)


@pytest.mark.parametrize("place", ["samples", "metrics.jsonl"])
def test_a_place_that_is_taken_is_an_error_of_output(place: str, tmp_path: Path, config: TrainConfig) -> None:
    run = Run.start(tmp_path / "run", config, CPU)
    taken = tmp_path / "run" / place
    taken.touch() if place == "samples" else taken.mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        list(run.fit())


def test_another_run_is_a_base(tmp_path: Path, config: TrainConfig) -> None:
    first = straight(tmp_path / "first", config)
    larger = config.model_copy(update={"base": tmp_path / "first", "size": 64})
    second = Run.start(tmp_path / "second", larger, CPU)
    average = first.trainer.averages["generator_a2b"].module.state_dict()
    state = second.trainer.networks.generator_a2b.state_dict()
    assert all(torch.equal(state[name], average[name]) for name in average)
    assert "global discriminator a starts from random weights" in second.notes  # one layer more at twice the size


def test_a_base_tells_its_shape(tmp_path: Path, config: TrainConfig) -> None:
    straight(tmp_path / "first", config.model_copy(update={"steps": 1}))
    shape = {"variant": "light", "size": 32, "channels": 4, "blocks": 1}
    assert shape_of(tmp_path / "first") == {**shape, "discriminator_channels": 4}
    assert shape_of(tmp_path / "first" / "weights.safetensors") == shape


def test_a_base_of_another_width_is_refused(tmp_path: Path, config: TrainConfig) -> None:
    straight(tmp_path / "first", config.model_copy(update={"steps": 1}))
    wider = config.model_copy(update={"base": tmp_path / "first", "channels": 8})
    with pytest.raises(BadModelError, match="its channels is 4, the new run's is 8"):
        Run.start(tmp_path / "second", wider, CPU)
