"""Heat-maps in the official colours, and over the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from images.pictures import photo
from PIL import Image

from ugatit_cli import images


@pytest.mark.parametrize("variant", ["light", "full"])
@pytest.mark.parametrize("direction", ["A2B", "B2A"])
def test_heat_colours_are_the_official_ones(shared: Path, variant: str, direction: str) -> None:
    folder = shared / "golden" / "pytorch" / "checkpoints" / variant / "pictures"
    official = np.asarray(Image.open(folder / f"{direction}_heatmap.png").convert("RGB"))
    with np.load(folder / f"{direction}_arrays.npz") as arrays:
        for name in ("heatmap", "heatmap_grey_small"):
            heatmap = arrays[name].squeeze().astype(np.float32)
            colours = images.heatmap_colours(heatmap, official.shape[1], official.shape[0])
            assert np.abs(colours.astype(int) - official).max() <= 1


def test_hot_is_red_and_cold_is_blue_whatever_the_range() -> None:
    for heatmap in (np.array([[0.0, 1.0]]), np.array([[-700.0, 30.0]])):
        colours = images.heatmap_colours(heatmap.astype(np.float32), 2, 1)
        assert colours.tolist() == [[[0, 0, 128], [128, 0, 0]]]


def test_a_flat_heatmap_divides_nothing_by_zero() -> None:
    assert (images.heatmap_colours(np.full((4, 4), 3.5, np.float32), 8, 8) == [0, 0, 128]).all()


def test_the_overlay_is_half_picture_and_half_attention() -> None:
    heatmap = np.linspace(0, 1, 96, dtype=np.float32).reshape(8, 12)
    overlay = images.heatmap_overlay(photo(), heatmap)
    expected = (photo().astype(int) + images.heatmap_colours(heatmap, 96, 64)) // 2
    assert (overlay == expected).all()
    assert overlay.dtype == np.uint8


@pytest.mark.parametrize("width", [1, 3, 4000])
def test_the_overlay_fits_any_picture(width: int) -> None:
    assert images.heatmap_overlay(photo(width, 1), np.eye(64, dtype=np.float32)).shape == (1, width, 3)


def test_an_enlarged_heatmap_is_smooth_and_keeps_its_range() -> None:
    small = np.array([[0, 1], [2, 3]], np.float32)
    large = images.enlarge_heatmap(small, 16, 16)
    assert large.shape == (16, 16)
    assert (large.min(), large.max()) == (0, 3)
    assert np.abs(np.diff(large, axis=0)).max() < 0.5  # no blocks
