"""Which pictures are trained on, and which never are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ugatit_cli.errors import BadInputError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.division import Division
from ugatit_cli.training.preparation import SURVEY, Preparation, keep_survey, prepare


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


def test_a_domain_without_a_test_folder_has_a_tenth_held_out(sets: Path) -> None:
    division = prepare(configured(sets, test_a=sets / "test_a")).division
    assert [len(paths) for paths in (*division.train, *division.select, *division.report)] == [50, 39, 3, 2, 3, 2]
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


# ------------------------------------------------------------------------------------------------ when it is started again


def begun(run: Path, config: TrainConfig) -> Preparation:
    preparation = prepare(config)
    run.mkdir()
    keep_survey(run, preparation.survey)
    return preparation


def save_noise(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def held_out(division: Division) -> set[Path]:
    return {path for half in (division.select, division.report) for paths in half for path in paths}


def test_new_pictures_are_trained_on_and_held_out_ones_never(sets: Path) -> None:
    config = configured(sets)
    first = begun(sets / "run", config).division
    for number in range(60):
        save_noise(sets / "a" / f"1{number:02}.png", 1000 + number)
    again = prepare(config, sets / "run")
    assert (again.division.select, again.division.report) == (first.select, first.report)
    assert len(again.division.train[0]) == 105
    keep_survey(sets / "run", again.survey)
    (sets / "a" / "100.png").unlink()
    third = prepare(config, sets / "run").division
    assert (third.select, third.report) == (first.select, first.report), "however often it is started"


def test_what_is_left_of_the_held_out_pictures_is_still_held_out(sets: Path) -> None:
    config = configured(sets)
    first = begun(sets / "run", config).division
    first.select[0][0].unlink()
    again = prepare(config, sets / "run").division
    assert (again.select[0], again.report) == (first.select[0][1:], first.report)
    assert again.train == first.train
    first.select[0][1].unlink()
    last = prepare(config, sets / "run").division
    assert not last.measurable, "a single picture says nothing"
    assert last.train == first.train


def test_folders_that_moved_are_divided_as_before(sets: Path) -> None:
    first = begun(sets / "run", configured(sets)).division
    shutil.move(sets / "a", sets / "moved")
    again = prepare(configured(sets, a=sets / "moved"), sets / "run")
    assert [path.name for path in again.division.select[0]] == [path.name for path in first.select[0]]
    assert again.notes == ()


def test_a_run_whose_survey_does_not_say_keeps_its_division(sets: Path) -> None:
    """They could hold out pictures that have copies."""
    config = configured(sets)
    for number in range(25):
        shutil.copyfile(sets / "a" / f"{number:02}.png", sets / "a" / f"{number + 25:02}.png")
    preparation = begun(sets / "run", config)
    survey = json.loads((sets / "run" / SURVEY).read_text())
    del survey["held_out"]
    (sets / "run" / SURVEY).write_text(json.dumps(survey))
    usable = preparation.survey.sets["a"].usable
    chosen = np.random.default_rng((0, 0, 2**33)).permutation(50)[:5]
    save_noise(sets / "a" / "new.png", 1000)
    again = prepare(config, sets / "run").division
    assert again.select[0] + again.report[0] == tuple(usable[i] for i in [*chosen[0::2], *chosen[1::2]])
    assert len(again.train[0]) == 46


def test_a_run_that_looked_for_fewer_kinds_of_pictures_keeps_its_own(sets: Path) -> None:
    config = configured(sets)
    first = begun(sets / "run", config)
    save_noise(sets / "a" / "new.gif", 1000)
    assert len(prepare(config, sets / "run").division.train[0]) == 46
    survey = json.loads((sets / "run" / SURVEY).read_text())
    del survey["endings"]
    (sets / "run" / SURVEY).write_text(json.dumps(survey))
    for _ in range(2):
        again = prepare(config, sets / "run")
        assert (again.division, again.notes) == (first.division, ())
        keep_survey(sets / "run", again.survey)


def test_no_picture_is_left_to_train_on(sets: Path) -> None:
    config = configured(sets)
    for path in begun(sets / "run", config).division.train[0]:
        path.unlink()
    with pytest.raises(BadInputError, match="none is left to train on"):
        prepare(config, sets / "run")


def test_a_picture_that_is_there_twice_is_not_held_out(sets: Path) -> None:
    for number in range(40):
        shutil.copyfile(sets / "a" / f"{number:02}.png", sets / "a" / f"{number:02}-copy.png")
    shutil.copyfile(sets / "a" / "49.png", sets / "b" / "49.png")
    division = prepare(configured(sets)).division
    assert {path.name for path in held_out(division) if path.parent == sets / "a"} == {
        f"{n}.png" for n in range(40, 49)
    }
    assert sets / "b" / "49.png" not in held_out(division)
