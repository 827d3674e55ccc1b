"""Which pictures are trained on, and which never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ugatit_cli.errors import BadInputError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.preparation import prepare


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, count in (("a", 50), ("b", 43), ("test_a", 6), ("few", 30)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = random.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number:02}.png")
    return tmp_path


def configured(sets: Path, **settings: Any) -> TrainConfig:
    return TrainConfig(**{"a": sets / "a", "b": sets / "b", "size": 32, **settings})


def test_a_tenth_is_held_out_and_halved(sets: Path) -> None:
    division = prepare(configured(sets)).division
    assert [len(paths) for paths in (*division.train, *division.select, *division.report)] == [45, 39, 3, 2, 2, 2]
    parts = [set(part[0]) for part in (division.train, division.select, division.report)]
    assert set.union(*parts) == set((sets / "a").iterdir())
    assert sum(map(len, parts)) == 50


def test_the_seed_alone_decides(sets: Path) -> None:
    first, again, other = (prepare(configured(sets, seed=seed)).division for seed in (0, 0, 1))
    assert first == again
    assert first.select != other.select


def test_test_folders_leave_all_to_train_on(sets: Path) -> None:
    division = prepare(configured(sets, test_a=sets / "test_a", test_b=sets / "few")).division
    assert [len(paths) for paths in (*division.train, *division.select, *division.report)] == [50, 43, 3, 15, 3, 15]
    assert {path.parent.name for path in division.select[0]} == {"test_a"}


@pytest.mark.parametrize("settings", [{"a": "few"}, {"evaluate_every": 0}, {"hold_out": 3}])
def test_too_few_are_not_measured_on(sets: Path, settings: dict[str, Any]) -> None:
    settings = settings | {name: sets / settings[name] for name in ("a",) if name in settings}
    division = prepare(configured(sets, **settings)).division
    assert not division.measurable
    assert division.shown == division.train
    assert [len(paths) for paths in division.train] == [30 if "a" in settings else 50, 43]  # then all are trained on


def test_holding_out_all_is_an_error(sets: Path) -> None:
    with pytest.raises(BadInputError, match="none is left to train on"):
        prepare(configured(sets, hold_out=43))
