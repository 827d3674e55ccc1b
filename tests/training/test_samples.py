"""Sample sheets show the fixed pictures through the averages, and leave no trace in the training."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from ugatit_cli import images
from ugatit_cli.errors import OutputError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch, list_pictures, to_tensor
from ugatit_cli.training.samples import (
    COLUMNS,
    GAP,
    HALVES_GAP,
    HEADING_HEIGHT,
    SMALLEST,
    to_pixels,
    write_sample_sheet,
)
from ugatit_cli.training.step import Trainer

PITCH = SMALLEST + 2 * GAP
JPEG_LEVELS = 6  # mean difference that quality 92 makes in noise


@pytest.fixture
def trainer(config: TrainConfig) -> Trainer:
    return Trainer(config, torch.device("cpu"))


@pytest.fixture
def pictures(folders: tuple[Path, Path]) -> tuple[list[Path], list[Path]]:
    a, b = folders
    return list_pictures(a), list_pictures(b)


def cell(sheet: Path, half: int, row: int, column: int) -> NDArray[np.float64]:
    """One picture of a sheet, brought back to the 32 pixels that it was made at."""
    pixels = images.read(sheet).pixels
    left = half * (COLUMNS * PITCH + HALVES_GAP) + column * PITCH + GAP
    top = HEADING_HEIGHT + row * PITCH + GAP
    large = pixels[top : top + SMALLEST, left : left + SMALLEST]
    return images.resize(large, 32, 32).astype(np.float64)


def turn_around(network: nn.Module) -> None:
    """Black becomes white."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("head.weight"):
                parameter.mul_(-1)


def difference(seen: NDArray[np.float64], expected: NDArray[np.uint8]) -> float:
    return float(np.abs(seen - expected).mean())


def enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As a cell that comes back: enlarged and reduced."""
    large = Image.fromarray(pixels).resize((SMALLEST, SMALLEST), Image.Resampling.BICUBIC)
    return images.resize(np.asarray(large), 32, 32)


def test_a_row_is_input_attention_translation_way_back_and_identity(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    sheet = tmp_path / "samples" / "step-00000003.jpg"
    write_sample_sheet(sheet, trainer, *pictures)
    a2b, b2a = trainer.averages["generator_a2b"], trainer.averages["generator_b2a"]
    for half, (there, back, paths) in enumerate(((a2b, b2a, pictures[0]), (b2a, a2b, pictures[1]))):
        source = images.resize(images.read(paths[2]).pixels, 32, 32)
        real = to_tensor(source[None])
        with torch.no_grad():
            fake = there(real, heatmap=True)
            made = [to_pixels(x)[0] for x in (fake.image, back(fake.image).image, back(real).image)]
        expected = [source, images.heatmap_overlay(source, fake.heatmap[0, 0].numpy()), *made]
        for column, pixels in enumerate(expected):
            assert difference(cell(sheet, half, 2, column), enlarged(pixels)) < JPEG_LEVELS, (half, column)


def test_every_cell_could_be_told_from_its_neighbour(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    """Else the test above would prove nothing."""
    sheet = tmp_path / "sheet.jpg"
    write_sample_sheet(sheet, trainer, *pictures)
    row = [cell(sheet, 0, 2, column) for column in range(COLUMNS)]
    for column in range(COLUMNS - 1):
        assert np.abs(row[column] - row[column + 1]).mean() > 2 * JPEG_LEVELS


@pytest.mark.parametrize(("count_a", "count_b"), [(1, 1), (3, 1), (5, 7), (0, 2)])
def test_any_number_of_pictures_fits(
    count_a: int, count_b: int, tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    sheet = tmp_path / "sheet.jpg"
    write_sample_sheet(sheet, trainer, pictures[0][:count_a], pictures[1][:count_b])
    with Image.open(sheet) as image:
        assert image.format == "JPEG"
        assert image.size == (2 * COLUMNS * PITCH + HALVES_GAP, HEADING_HEIGHT + max(count_a, count_b) * PITCH)


def test_of_many_pictures_eight_are_shown_from_all_over_the_list(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    sheet = tmp_path / "sheet.jpg"
    many = [pictures[1][0]] * 10 + [pictures[1][1]] * 10
    write_sample_sheet(sheet, trainer, [], many)
    first, last = (enlarged(images.resize(images.read(path).pixels, 32, 32)) for path in (many[0], many[-1]))
    with Image.open(sheet) as image:
        assert image.height == HEADING_HEIGHT + 8 * PITCH
    assert [difference(cell(sheet, 1, row, 0), first) < JPEG_LEVELS for row in range(8)] == [True] * 4 + [False] * 4
    assert [difference(cell(sheet, 1, row, 0), last) < JPEG_LEVELS for row in range(8)] == [False] * 4 + [True] * 4


def test_the_averages_are_shown_and_not_the_networks(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    before, networks_changed, average_changed = (tmp_path / f"{number}.jpg" for number in range(3))
    write_sample_sheet(before, trainer, *pictures)
    turn_around(trainer.networks.generator_a2b)
    write_sample_sheet(networks_changed, trainer, *pictures)
    turn_around(trainer.averages["generator_a2b"])
    write_sample_sheet(average_changed, trainer, *pictures)
    assert before.read_bytes() == networks_changed.read_bytes() != average_changed.read_bytes()


def test_a_sheet_changes_nothing_in_the_training(
    tmp_path: Path, config: TrainConfig, pictures: tuple[list[Path], list[Path]]
) -> None:
    noise = torch.Generator().manual_seed(0)
    batches = [Batch(*(torch.rand(1, 3, 32, 32, generator=noise) for _ in "ab")) for _ in range(2)]
    trainers = [Trainer(config, torch.device("cpu")) for _ in range(2)]
    for trainer in trainers:
        trainer.advance(batches[0])
    random = torch.get_rng_state()
    write_sample_sheet(tmp_path / "sheet.jpg", trainers[1], *pictures)
    assert torch.equal(torch.get_rng_state(), random)
    for trainer in trainers:
        trainer.advance(batches[1])
    first, second = (trainer.networks.state_dict() for trainer in trainers)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_picture_that_went_away_leaves_its_row_empty(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    sheet = tmp_path / "sheet.jpg"
    pictures[0][1].unlink()
    pictures[0][2].write_bytes(b"no picture")
    write_sample_sheet(sheet, trainer, *pictures)
    lively = [bool(np.std(cell(sheet, 0, row, 0)) > 20) for row in range(4)]
    assert lively == [True, False, False, True]


def test_without_opencv_only_the_attention_is_missing(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    sheet = tmp_path / "sheet.jpg"
    write_sample_sheet(sheet, trainer, *pictures)
    lively = [bool(np.std(cell(sheet, 0, 0, column)) > 20) for column in range(COLUMNS)]
    assert lively[:2] == [True, False]


def test_large_pictures_are_shown_smaller(
    tmp_path: Path, config: TrainConfig, pictures: tuple[list[Path], list[Path]]
) -> None:
    large = Trainer(config.model_copy(update={"size": 320, "channels": 1}), torch.device("cpu"))
    write_sample_sheet(tmp_path / "sheet.jpg", large, pictures[0][:1], [])
    with Image.open(tmp_path / "sheet.jpg") as image:
        assert image.size == (2 * COLUMNS * (256 + 2 * GAP) + HALVES_GAP, HEADING_HEIGHT + 256 + 2 * GAP)


def test_a_place_that_is_taken_is_an_error_of_output(
    tmp_path: Path, trainer: Trainer, pictures: tuple[list[Path], list[Path]]
) -> None:
    (tmp_path / "samples").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_sample_sheet(tmp_path / "samples" / "step-00000003.jpg", trainer, *pictures)
