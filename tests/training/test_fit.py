"""What a run measures on held-out pictures, and what follows from it; what a base brings and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ugatit_cli import weights
from ugatit_cli.errors import BadModelError
from ugatit_cli.training.best import read_best
from ugatit_cli.training.checkpoints import checkpoints
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.fit import Run
from ugatit_cli.training.preparation import SURVEY
from ugatit_cli.training.watchers import Watchers

CPU = torch.device("cpu")


@pytest.fixture
def measured(config: TrainConfig) -> TrainConfig:
    random = np.random.default_rng(1)
    for name in ("test_a", "test_b"):
        folder = config.a.parent / name
        folder.mkdir()
        for number in range(4):
            Image.fromarray(random.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return config.model_copy(
        update={
            "test_a": config.a.parent / "test_a",
            "test_b": config.a.parent / "test_b",
            "evaluate_every": 2,
            "track": (),
        }
    )


def finished(folder: Path, config: TrainConfig) -> Run:
    run = Run.start(folder, config, CPU)
    for _ in run.fit():
        pass
    run.finish()
    return run


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_best_is_chosen_on_one_split_and_reported_on_another(tmp_path: Path, measured: TrainConfig) -> None:
    run = finished(tmp_path / "run", measured)
    evaluations = lines(tmp_path / "run" / "evaluations.jsonl")
    select = [line for line in evaluations if line["split"] == "select"]
    report = [line for line in evaluations if line["split"] == "report"]
    assert [line["step"] for line in select] == [2, 4, 6]
    best = min(select, key=lambda line: line["score"])
    found = read_best(run.folder)
    assert found is not None
    assert (found.step, found.score) == (best["step"], best["score"])
    assert [line["step"] for line in report] == [6, best["step"]]
    assert {line["protocol"] for line in select}.isdisjoint({line["protocol"] for line in report})
    assert weights.load(run.folder / "best.safetensors").metadata["trained_steps"] == str(best["step"])
    assert any(path.name.endswith(str(best["step"])) for path in checkpoints(run.folder))


def test_a_run_that_gets_no_better_ends_early(tmp_path: Path, measured: TrainConfig) -> None:
    """A rate so small that no weight changes: the second evaluation cannot be better than the first."""
    still = measured.model_copy(update={"patience": 1, "learning_rate": 1e-30, "weight_decay": 0, "steps": 50})
    run = finished(tmp_path / "run", still.model_copy(update={"save_every": 3}))
    assert run.trainer.step == 4
    assert [path.name for path in checkpoints(run.folder)][-1].endswith("4"), "what it learned last is kept"


def test_a_finished_run_has_its_page_and_its_survey(tmp_path: Path, measured: TrainConfig) -> None:
    finished(tmp_path / "run", measured.model_copy(update={"track": ("tensorboard",)}))
    page = (tmp_path / "run" / "index.html").read_text("utf-8")
    assert page.count("data:image/jpeg") == 2
    assert (tmp_path / "run" / SURVEY).is_file()
    assert list((tmp_path / "run" / "tensorboard").rglob("events.out.*"))


def test_patience_begins_when_the_generators_learn(tmp_path: Path, measured: TrainConfig) -> None:
    """Until then every evaluation is of the base, and none can be better than the first."""
    base = finished(tmp_path / "base", measured.model_copy(update={"evaluate_every": 0})).weights
    changes = {"base": base, "warmup": 8, "patience": 1, "learning_rate": 1e-30, "weight_decay": 0, "steps": 50}
    run = finished(tmp_path / "run", measured.model_copy(update=changes))
    assert run.trainer.step == 10, "the first evaluation after the warm-up, which is no better"


def test_watchers_are_asked_and_heard(tmp_path: Path, config: TrainConfig) -> None:
    run = Run.start(tmp_path / "run", config.model_copy(update={"learning_rate": 0.1}), CPU)
    warnings = [text for record in run.fit() for text in record.warnings]
    assert any("learning rate" in text for text in warnings)
    assert any("learning rate" in text for text in run.warnings)
    assert isinstance(run._watchers, Watchers)


def test_discriminators_that_know_nothing_warm_up(tmp_path: Path, config: TrainConfig) -> None:
    first = finished(tmp_path / "first", config.model_copy(update={"track": ()}))
    base = config.model_copy(update={"base": first.weights, "steps": 20, "track": ()})
    run = Run.start(tmp_path / "second", base, CPU)
    assert run.trainer.config.warmup == run.trainer.warmup == 2
    assert run.trainer.untranslated_steps == 1
    records = [record for record, _ in zip(run.fit(), range(3), strict=False)]
    assert ["generators" in record.losses for record in records] == [False, False, True]
    whole = Run.start(tmp_path / "third", base.model_copy(update={"base": tmp_path / "first"}), CPU)
    assert whole.trainer.warmup == 0  # a run's folder brings its discriminators along
    asked = base.model_copy(update={"warmup": 8})
    assert Run.start(tmp_path / "fourth", asked, CPU).trainer.untranslated_steps == 4
    asked = asked.model_copy(update={"base": tmp_path / "first"})
    assert Run.start(tmp_path / "fifth", asked, CPU).trainer.untranslated_steps == 0


def test_until_the_generators_learn_the_base_translates(tmp_path: Path, config: TrainConfig) -> None:
    first = finished(tmp_path / "first", config.model_copy(update={"track": ()}))
    base = config.model_copy(update={"base": first.weights, "warmup": 4, "seed": 1, "track": ()})
    run = Run.start(tmp_path / "second", base, CPU)
    list(islice(run.fit(), 2))
    theirs, ours = (weights.load(path).generators for path in (first.weights, run.weights))
    for direction, tensors in theirs.items():
        assert all(torch.equal(ours[direction][name], tensor) for name, tensor in tensors.items()), direction


def test_layers_of_another_code_base_are_not_trained(tmp_path: Path, config: TrainConfig) -> None:
    foreign = replace(config.generator, affine=True, unbiased=False)
    state = {name: torch.zeros(shape) for name, shape in weights.generator_shapes(foreign).items()}
    weights.save(tmp_path / "x.safetensors", foreign, {"a2b": state}, metadata={})
    with pytest.raises(BadModelError, match="its layers are those of another code base"):
        Run.start(tmp_path / "run", config.model_copy(update={"base": tmp_path / "x.safetensors"}), CPU)


def test_a_bundled_model_is_a_base_by_its_name(tmp_path: Path, config: TrainConfig) -> None:
    from ugatit_cli.hub import DEFAULT_MODEL, resolve
    from ugatit_cli.training.base import shape_of

    base = Path(DEFAULT_MODEL)
    run = Run.start(tmp_path / "run", config.model_copy(update={"base": base, **shape_of(base)}), CPU)
    theirs = weights.load(resolve(DEFAULT_MODEL).path).generators["a2b"]["stem.weight"]
    assert torch.equal(run.trainer.networks.generator_a2b.stem.weight.detach(), theirs.float())
