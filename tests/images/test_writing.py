"""What is written reads back, holds nothing but the picture, and is checked."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from images.pictures import COMPLETE, decoded, encoded, furthest, noise, photo
from PIL import Image

from ugatit_cli import images
from ugatit_cli.errors import OutputError, UsageError


@pytest.mark.parametrize("format", sorted(images.WRITABLE))
def test_what_is_written_reads_back(format: str, tmp_path: Path) -> None:
    data = images.encode(photo(), format=format, quality=95)
    path = tmp_path / "out"
    path.write_bytes(data)
    images.check_picture(path, (96, 64))
    assert furthest(images.read(path), photo()) <= (12 if format in ("jpg", "jpeg", "webp", "avif") else 0)
    with Image.open(BytesIO(data)) as image:
        assert image.format == images.WRITABLE[format]
        assert not {"exif", "icc_profile", "xmp"} & set(image.info)


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "avif"])
def test_transparency_is_written(format: str) -> None:
    alpha = np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))
    picture = decoded(images.encode(photo(), format=format, quality=95, alpha=alpha))
    assert picture.alpha is not None
    assert np.abs(picture.alpha.astype(int) - alpha).max() <= 8


@pytest.mark.parametrize("format", ["jpg", "bmp"])
def test_where_transparency_cannot_be_written_white_shows(format: str) -> None:
    picture = decoded(images.encode(photo(), format=format, quality=95, alpha=np.zeros((64, 96), np.uint8)))
    assert picture.pixels.min() >= 253


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "avif", "jpg", "bmp"])
def test_a_picture_with_soft_edges_looks_as_it_did(format: str) -> None:
    """What was put on white while it was read is put there once."""
    alpha = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    seen = decoded(encoded(Image.fromarray(np.dstack([photo(), alpha])), "PNG"))
    again = decoded(images.encode(seen.pixels, format=format, quality=95, alpha=seen.alpha))
    assert furthest(again, seen.pixels) <= (12 if format in ("jpg", "webp", "avif") else 1)


def test_transparent_pixels_keep_their_colours() -> None:
    source = Image.new("RGBA", (3, 1), (255, 0, 0, 128))
    source.putpixel((1, 0), (200, 100, 50, 255))
    source.putpixel((2, 0), (0, 0, 0, 0))  # nobody sees it: white
    seen = decoded(encoded(source, "PNG"))
    with Image.open(BytesIO(images.encode(seen.pixels, format="png", quality=95, alpha=seen.alpha))) as image:
        colours = [image.getpixel((x, 0)) for x in range(3)]
    assert colours == [(255, 0, 0, 128), (200, 100, 50, 255), (255, 255, 255, 0)]


def test_darker_than_any_colour_on_white_is_black() -> None:
    black = np.zeros((600, 2, 3), np.uint8)
    data = images.encode(black, format="png", quality=95, alpha=np.full((600, 2), 20, np.uint8))
    with Image.open(BytesIO(data)) as image:
        assert image.getextrema() == ((0, 0), (0, 0), (0, 0), (20, 20))


def test_quality_decides_the_size() -> None:
    for format in ("jpg", "webp", "avif"):
        low, high = (len(images.encode(noise(), format=format, quality=quality)) for quality in (20, 95))
        assert low < high


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_thin_pictures_are_written(shape: tuple[int, int], format: str) -> None:
    picture = decoded(images.encode(np.full((*shape, 3), 90, np.uint8), format=format, quality=90))
    assert picture.pixels.shape[:2] == shape


@pytest.mark.parametrize(
    ("format", "width", "file"),
    [
        ("webp", 20_000, "a WEBP file"),
        ("jpg", 65_501, "a JPEG file"),
        ("avif", 32_769, "an AVIF file"),
        ("avif", 65_537, "an AVIF file"),
    ],
)
def test_what_a_format_cannot_hold_is_an_output_error(format: str, width: int, file: str) -> None:
    with pytest.raises(OutputError, match=f"{width} x 1 does not fit into {file}") as caught:
        images.encode(np.zeros((1, width, 3), np.uint8), format=format, quality=90)
    assert caught.value.name == "format-limit"


def test_the_longest_picture_that_is_read_fits_into_a_jpeg_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(images.encode(np.zeros((1, images.MAX_SIDE, 3), np.uint8), format="jpg", quality=90))
    assert images.read(tmp_path / "out").pixels.shape == (1, images.MAX_SIDE, 3)


@pytest.mark.parametrize(("width", "height"), [(70_000, 1), (10_000, 9_000)])
def test_what_is_written_may_be_larger_than_what_is_read(width: int, height: int, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(images.encode(np.zeros((height, width, 3), np.uint8), format="png", quality=90))
    images.check_picture(tmp_path / "out", (width, height))


def test_an_unknown_format_is_a_usage_error_that_lists_the_known() -> None:
    with pytest.raises(UsageError, match="gif") as caught:
        images.encode(photo(), format="gif", quality=90)
    assert "png" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"x" * 50, COMPLETE["png"][:20], COMPLETE["jpeg"]])
def test_the_check_refuses_what_does_not_open_or_has_another_size(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(data)
    with pytest.raises(OutputError, match="just written"):
        images.check_picture(tmp_path / "out", (65, 48))
