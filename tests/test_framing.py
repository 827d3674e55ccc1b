"""Every size and every fit: sides a generator takes, a way back to exactly the promised size, the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from ugatit_cli.errors import UsageError
from ugatit_cli.framing import MAX_ASPECT, Fit, Framed, Framing, OutputSize, Pixels, frame, restore, source_part

FITS: tuple[Fit, ...] = get_args(Fit)

sides = st.one_of(st.integers(1, 40), st.integers(1, 500), st.sampled_from([1, 2, 3, 255, 256, 257]))
framings = st.builds(Framing, st.sampled_from(FITS), st.sampled_from([16, 20, 64, 100, 256]), st.booleans())


def smooth(width: int, height: int) -> Pixels:
    """One gentle wave in each direction: it survives being resized."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(np.pi * (a * x / width + b * y / height)) for a, b in ((1, 0), (0, 1), (0.5, 0.5))]
    return np.asarray(127 + 120 * np.stack(waves, axis=-1), np.uint8)


@settings(max_examples=100)
@given(sides, sides, framings)
@example(4000, 1, Framing("keep", 256, any_size=True))
@example(1, 4000, Framing("keep", 256, any_size=True))
@example(4000, 1, Framing("keep", 256, any_size=False))
@example(1, 4000, Framing("pad", 256, any_size=True))
@example(4000, 1, Framing("crop", 256, any_size=True))
@example(1, 4000, Framing("stretch", 256, any_size=False))
@example(1, 1, Framing("keep", 256, any_size=True))
@example(1, 1, Framing("pad", 16, any_size=False))
def test_the_generator_gets_legal_sides_and_the_way_back_is_exact(width: int, height: int, framing: Framing) -> None:
    picture = smooth(width, height)
    framed = frame(picture, framing)
    rows, columns = framed.pixels.shape[:2]
    assert framed.pixels.dtype == np.uint8
    assert framed.pixels.flags.c_contiguous and framed.pixels.flags.writeable
    assert rows % 4 == 0 and columns % 4 == 0
    if framing.fit == "keep" and framing.any_size:
        assert min(rows, columns) == framing.size
        assert max(rows, columns) <= MAX_ASPECT * framing.size
        assert (columns >= rows) if width > height else (rows >= columns)
    else:
        assert rows == columns == framing.size

    back = restore(framed.pixels, framed, to="source")
    side = min(width, height)
    assert back.shape == ((side, side, 3) if framing.fit == "crop" else (height, width, 3))
    model = restore(framed.pixels, framed, to="model")
    padded = framing.fit == "pad" or (framing.fit == "keep" and not framing.any_size)
    assert (max(model.shape[:2]) == framing.size) if padded else (model.shape == framed.pixels.shape)
    for to in get_args(OutputSize):  # a comparison, and transparency, fit beside and onto the result
        assert source_part(picture, framed, to=to).shape == restore(framed.pixels, framed, to=to).shape
        assert source_part(picture[..., 0], framed, to=to).shape == restore(framed.pixels, framed, to=to).shape[:2]


@settings(max_examples=60)
@given(st.integers(24, 500), st.integers(24, 500), st.sampled_from(FITS), st.booleans())
def test_a_generator_that_changes_nothing_gives_the_picture_back(
    width: int, height: int, fit: Fit, any_size: bool
) -> None:
    picture = smooth(width, height)
    framed = frame(picture, Framing(fit, 256, any_size))
    left, top, right, bottom = framed.content
    assume(min(right - left, bottom - top) >= 24)  # a padded strip keeps too few pixels to compare
    back = restore(framed.pixels, framed, to="source").astype(int)
    difference = np.abs(back - source_part(picture, framed, to="source"))
    assert difference.mean() < 3
    assert np.percentile(difference, 99) < 24


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("any_size", [True, False])
def test_a_picture_of_the_models_size_passes_untouched(fit: Fit, any_size: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    framed = frame(picture, Framing(fit, 64, any_size))
    assert (framed.pixels == picture).all()
    assert (restore(framed.pixels, framed, to="source") == picture).all()


def test_stretch_is_pillows_bilinear_resize() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (91, 133, 3), np.uint8)
    framed = frame(picture, Framing("stretch", 64, any_size=True))
    expected = np.asarray(Image.fromarray(picture).resize((64, 64), Image.Resampling.BILINEAR))
    assert (framed.pixels == expected).all()
    assert (restore(framed.pixels, framed, to="model") == expected).all()


@pytest.mark.parametrize("variant", ["light", "full"])
@pytest.mark.parametrize("direction", ["A2B", "B2A"])
def test_stretch_is_the_official_preprocessing(shared: Path, variant: str, direction: str) -> None:
    folder = shared / "golden" / "pytorch" / "checkpoints" / variant
    source = next((folder / "dataset").glob(f"*/test{direction[0]}/000.png"))
    official = np.asarray(Image.open(folder / "pictures" / f"{direction}_input.png").convert("RGB"))
    framed = frame(np.array(Image.open(source).convert("RGB")), Framing("stretch", len(official), any_size=True))
    assert (framed.pixels == official).all()


def test_crop_takes_the_middle() -> None:
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 200
    framed = frame(picture, Framing("crop", 64, any_size=False))
    assert framed.source_box == (30, 0, 70, 40)
    assert (framed.pixels == 200).all()


def test_padding_mirrors_the_picture_and_is_cut_off_again() -> None:
    framed = frame(smooth(200, 100), Framing("keep", 64, any_size=False))
    assert framed.content == (0, 16, 64, 48)
    assert (framed.pixels[15] == framed.pixels[17]).all()
    output = framed.pixels.copy()
    output[16:48] = 77
    assert (restore(output, framed, to="source") == 77).all()
    assert restore(output, framed, to="model").shape == (32, 64, 3)


def test_keep_rounds_to_the_nearest_multiple_of_four() -> None:
    framed = frame(smooth(263, 257), Framing("keep", 256, any_size=True))
    assert framed.pixels.shape == (256, 260, 3)  # 261.98
    assert frame(smooth(265, 257), Framing("keep", 256, any_size=True)).pixels.shape == (256, 264, 3)  # 263.97


@pytest.mark.parametrize("size", [0, -4, 3, 12, 17, 255, 258])
def test_a_size_no_generator_takes_is_refused_with_one_that_works(size: int) -> None:
    with pytest.raises(UsageError) as caught:
        Framing("keep", size, any_size=True)
    Framing("keep", int(caught.value.hint.removeprefix("try ")), any_size=True)


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="zoom"):
        Framing("zoom", 64, any_size=True)  # type: ignore[arg-type]


def test_an_output_of_another_shape_is_a_bug_and_not_resized_in_silence() -> None:
    framed: Framed = frame(smooth(10, 10), Framing("stretch", 64, any_size=True))
    with pytest.raises(ValueError, match="does not belong"):
        restore(framed.pixels[:32], framed, to="source")
