"""Batches: every picture once per pass, the same for the same seed and step, augmented as the official code does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ugatit_cli.errors import BadInputError, UsageError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import UnpairedFolders, list_pictures, to_tensor


@pytest.fixture
def grey_folders(tmp_path: Path) -> TrainConfig:
    """Six flat pictures per folder, each of its own grey: a batch tells which picture it shows."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            Image.new("RGB", (32, 32), (number * 40,) * 3).save(tmp_path / name / f"{number}.png")
    return TrainConfig(a=tmp_path / "a", b=tmp_path / "b", size=32, batch_size=2, steps=12)


def opened(config: TrainConfig, **place: int) -> UnpairedFolders:
    return UnpairedFolders(config, list_pictures(config.a), list_pictures(config.b), **place)


def shown(pictures: torch.Tensor) -> list[int]:
    return [round((float(picture.mean()) + 1) * 127.5 / 40) for picture in pictures]


def test_every_picture_comes_once_per_pass(grey_folders: TrainConfig) -> None:
    data = opened(grey_folders)
    for first_step in (1, 4):
        seen = [shown(data.batch(step).real_a) for step in range(first_step, first_step + 3)]
        assert Counter(number for batch in seen for number in batch) == Counter(range(6))


def test_processes_share_every_step(grey_folders: TrainConfig) -> None:
    one = opened(grey_folders.model_copy(update={"batch_size": 4}))
    two = [opened(grey_folders, process=number, processes=2) for number in (0, 1)]
    for step in (1, 2, 3):
        together = torch.cat([part.batch(step).real_b for part in two])
        assert torch.equal(together, one.batch(step).real_b)


def test_another_order_shows_the_same_pictures(grey_folders: TrainConfig) -> None:
    batches = [[shown(opened(grey_folders, order=order).batch(step).real_a) for step in (1, 2, 3)] for order in (0, 1)]
    assert batches[0] != batches[1]
    assert sorted(sum(batches[0], [])) == sorted(sum(batches[1], []))


def test_domains_are_shuffled_apart(grey_folders: TrainConfig) -> None:
    data = opened(grey_folders)
    batches = [data.batch(step) for step in range(1, 7)]
    assert [shown(batch.real_a) for batch in batches] != [shown(batch.real_b) for batch in batches]


@pytest.mark.parametrize("batch_size", [1, 5])
def test_batches_from_the_middle_are_the_same(batch_size: int, config: TrainConfig) -> None:
    config = config.model_copy(update={"batch_size": batch_size})
    data = opened(config)
    for step, batch in enumerate(data.batches(3), start=3):
        assert torch.equal(batch.real_a, data.batch(step).real_a)
    assert step == config.steps


def test_pictures_are_mirrored_and_cropped_at_random(grey_folders: TrainConfig) -> None:
    ramp = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    Image.fromarray(ramp).save(grey_folders.a / "0.png")
    one = grey_folders.model_copy(update={"batch_size": 1, "steps": 200})
    ramps = [x[0, 0] for x in (opened(one).batch(step).real_a for step in range(1, 90)) if float(x.std()) > 0.1]
    rising = [bool(row[0, -1] > row[0, 0]) for row in ramps]
    assert 0 < sum(rising) < len(rising)
    assert len({round(float(row[0].min()), 3) for row in ramps}) > 1  # the crop's place differs


def test_levels_become_the_range_from_minus_one_to_one() -> None:
    pixels = np.array([[[0, 127, 255]]], np.uint8)
    expected = torch.tensor([-1, 127 / 127.5 - 1, 1]).view(3, 1, 1)
    torch.testing.assert_close(to_tensor(pixels), expected)


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(BadInputError, match="holds no images"):
        list_pictures(tmp_path)
    with pytest.raises(BadInputError, match="is not a folder"):
        list_pictures(tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="does not exist"):
        list_pictures(tmp_path / "missing")


def test_hidden_folders_and_files_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / ".mine"
    for name in ("0.png", "below/1.png", ".thumbnails/0.png", "below/.ipynb_checkpoints/1.png", ".2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert list_pictures(folder) == [folder / "0.png", folder / "below" / "1.png"]


def test_every_ending_of_pictures_is_looked_for(tmp_path: Path) -> None:
    names = ["0.png", "1.GIF", "2.jfif", "3.jpe", "4.heic", "5.dib", "6.apng"]
    for name in [*names, "7.ppm", "8.txt", "9"]:
        (tmp_path / name).touch()
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == [*names, "broken.png"]
    assert list_pictures(tmp_path, (".txt",)) == [tmp_path / "8.txt"]
