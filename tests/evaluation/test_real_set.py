"""Sets of real pictures: what can be read is used, what cannot is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ugatit_cli.errors import BadInputError
from ugatit_cli.evaluation import FeatureNetwork, RealSet, Settings, extract
from ugatit_cli.evaluation.real_set import read_picture

SETTINGS = Settings(32, batch_size=2)


def test_every_picture_has_its_row(folder: Callable[..., list[Path]], coarse: FeatureNetwork) -> None:
    paths = folder("a", 5)
    found = RealSet.read(paths, coarse, SETTINGS)
    assert sorted(found.paths) == paths
    assert found.paths != tuple(paths)
    for path, row in zip(found.paths, found.features, strict=True):
        alone = extract(coarse, read_picture(path, 32)[None])
        torch.testing.assert_close(row, alone[0], atol=1e-4, rtol=1e-4)


def test_what_cannot_be_read_is_left_out_and_named(folder: Callable[..., list[Path]], coarse: FeatureNetwork) -> None:
    paths = folder("a", 4)
    paths[1].write_bytes(paths[1].read_bytes()[:40])
    paths[3].write_text("no picture")
    found = RealSet.read(paths, coarse, SETTINGS)
    assert sorted(found.paths) == [paths[0], paths[2]]
    assert sorted(str(path) in message for path in paths for message in found.skipped) == [False] * 6 + [True] * 2


def test_nothing_readable_is_bad_input(folder: Callable[..., list[Path]], coarse: FeatureNetwork) -> None:
    paths = folder("a", 3)
    for path in paths:
        path.write_text("no picture")
    with pytest.raises(BadInputError, match="none of the 3 pictures in .*a can be read; the first: .*00"):
        RealSet.read(paths, coarse, SETTINGS)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_are_bad_input(folder: Callable[..., list[Path]], coarse: FeatureNetwork, count: int) -> None:
    with pytest.raises(BadInputError, match=f"{count} readable picture") as caught:
        RealSet.read(folder("a", count), coarse, SETTINGS)
    assert caught.value.name == "evaluation-too-few"


def test_the_digest_changes_with_any_pixel(folder: Callable[..., list[Path]], coarse: FeatureNetwork) -> None:
    paths = folder("a", 3)
    first = RealSet.read(paths, coarse, SETTINGS).digest
    assert RealSet.read(paths, coarse, replace(SETTINGS, batch_size=3)).digest == first
    with Image.open(paths[2]) as image:
        pixels = np.array(image)
    pixels[5, 5, 0] ^= 1
    Image.fromarray(pixels).save(paths[2])
    assert RealSet.read(paths, coarse, SETTINGS).digest != first


def test_a_name_that_two_share_is_nobodys(folder: Callable[..., list[Path]], coarse: FeatureNetwork) -> None:
    paths = folder("a", 3)
    with Image.open(paths[0]) as image:
        image.save(paths[0].with_suffix(".bmp"))
    found = RealSet.read([*paths, paths[0].with_suffix(".bmp")], coarse, SETTINGS)
    assert found.by_name == {Path("001"): paths[1], Path("002"): paths[2]}


def test_the_place_below_the_folder_belongs_to_the_name(
    folder: Callable[..., list[Path]], coarse: FeatureNetwork, tmp_path: Path
) -> None:
    paths = [*folder("cat", 2), *folder("dog", 2)]
    found = RealSet.read(paths, coarse, SETTINGS, tmp_path)
    assert {str(name): path for name, path in found.by_name.items()} == {
        f"{path.parent.name}/{path.stem}": path for path in paths
    }
    assert RealSet.read(paths, coarse, SETTINGS).by_name == {}


def test_pictures_are_squeezed_to_the_size(tmp_path: Path) -> None:
    Image.new("RGB", (50, 20), (9, 8, 7)).save(tmp_path / "wide.png")
    assert read_picture(tmp_path / "wide.png", 16).shape == (16, 16, 3)
