"""Pictures of every kind, and bytes that only pretend: read right, or refused with the reason; never wrong in silence."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, TiffImagePlugin

from ugatit_cli import images
from ugatit_cli.errors import BadInputError, OutputError, RefusedError, UgatitError, UsageError
from ugatit_cli.images import Picture, Pixels

REPOSITORY = Path(images.__file__).resolve().parents[1]


# ------------------------------------------------------------------------------------------------ material


def photo(width: int = 96, height: int = 64) -> Pixels:
    """Smooth and colourful, with no symmetry, nowhere grey 128."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (40 + 200 * x / width, 30 + 180 * y / height, 120 - 100 * x * y / (width * height))
    return np.stack(channels, axis=-1).astype(np.uint8)


def noise(width: int = 64, height: int = 48) -> Pixels:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def encoded(image: Image.Image | np.ndarray[Any, Any], format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(tags: dict[int, int], pixels: bytes) -> bytes:
    """A directory of whole numbers, and the pixels at byte 8."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def decoded(data: bytes) -> Picture:
    return images.decode(data, "x")


def furthest(picture: Picture, expected: Pixels) -> int:
    """The largest difference, in levels of 255."""
    assert picture.pixels.shape == expected.shape
    return int(np.abs(picture.pixels.astype(int) - expected).max())


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def red_and_blue_exchanged() -> bytes:
    """The sRGB profile with the entries of the red and the blue primary exchanged in its table."""
    profile = bytearray(SRGB)
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def orientation_tag(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif.tobytes()


# --------------------------------------------------------------------------------------- the shared bad inputs


@pytest.fixture(scope="session")
def hostile_images(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder and the manifest's cases of group `images`, made once."""
    generator = shared / "hostile" / "make_hostile.py"
    if not generator.is_file():
        pytest.skip("the generator of bad inputs is not in the shared folder")
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, str(generator), str(folder), "--group", "images", "--no-special"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder, json.loads((folder / "manifest.json").read_text())["cases"]


def shortcoming(folder: Path, case: dict[str, Any]) -> str:
    """How reading falls short of what the case asks for; empty if it does not."""
    wanted = case["expect"]
    codes = wanted["exit"] if isinstance(wanted["exit"], list) else [wanted["exit"]]
    start = time.monotonic()
    try:
        picture = images.read(folder / case["path"])
        code, said = 0, " ".join(picture.notes)
    except UgatitError as error:
        code, said = int(error.exit_code), error.message
    if code not in codes:
        return f"{case['path']}: code {code}, not {codes}: {said}"
    if not re.search(wanted["message"], said, re.IGNORECASE):
        return f"{case['path']}: {said!r} does not say /{wanted['message']}/"
    late = time.monotonic() - start > wanted["max_seconds"]
    return f"{case['path']}: too slow" if late else ""


def test_every_shared_bad_picture_gets_its_code_and_its_words(
    hostile_images: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, cases = hostile_images
    assert len(cases) >= 70
    assert [text for case in cases if (text := shortcoming(folder, case))] == []


MEASURE = """
import re, sys
from pathlib import Path
from ugatit_cli import images
from ugatit_cli.errors import UgatitError
for name in sys.argv[1:]:
    try:
        images.read(Path(name))
    except UgatitError:
        pass
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its own peak from /proc")
def test_bombs_cost_no_memory(hostile_images: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, cases = hostile_images
    bombs = [str(folder / case["path"]) for case in cases if (case["expect"]["max_rss_mb"] or 9999) <= 400]
    assert len(bombs) >= 6
    command = [sys.executable, "-c", MEASURE, *bombs]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150


def test_upright_means_the_white_mark_is_at_the_top_left(
    hostile_images: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = hostile_images
    for number in range(2, 9):
        picture = images.read(folder / "images" / f"exif_orientation_{number}.jpg")
        assert picture.pixels.shape == (64, 96, 3)
        assert picture.pixels[2:14, 2:22].min() > 240, number


# -------------------------------------------------------------------------------------------- every kind of picture


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_exactly(format: str) -> None:
    picture = decoded(encoded(noise(), format))
    assert furthest(picture, noise()) == 0
    assert (picture.format, picture.alpha, picture.notes) == (format, None, ())
    assert picture.pixels.flags.writeable and picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(("format", "limit"), [("JPEG", 12), ("WEBP", 12), ("AVIF", 12)])
def test_lossy_formats_come_back_nearly(format: str, limit: int) -> None:
    picture = decoded(encoded(photo(), format, quality=95))
    assert furthest(picture, photo()) <= limit
    assert (picture.format, picture.notes) == (format, ())


def test_gif_and_palette_png() -> None:
    palette = Image.fromarray(photo()).quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    assert furthest(decoded(encoded(palette, "GIF")), expected) == 0
    assert furthest(decoded(encoded(palette, "PNG")), expected) == 0
    assert furthest(decoded(encoded(palette, "BMP")), expected) == 0


@pytest.mark.parametrize("mode", ["L", "1"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_and_black_and_white(mode: str, format: str) -> None:
    image = Image.fromarray(photo()).convert(mode)
    assert furthest(decoded(encoded(image, format)), np.asarray(image.convert("RGB"))) == 0


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format: str) -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    assert furthest(decoded(encoded(image, format)), photo()) <= 12


def test_lab() -> None:
    image = Image.fromarray(photo()).convert("LAB")
    assert furthest(decoded(encoded(image, "TIFF")), np.asarray(image.convert("RGB"))) <= 1


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(format: str) -> None:
    ramp = np.tile(np.arange(0, 65536, 64, dtype=np.uint16), (4, 1))
    expected = np.repeat((ramp / 257).round()[..., None], 3, axis=2).astype(np.uint8)
    assert furthest(decoded(encoded(ramp, format)), expected) == 0


def test_sixteen_bit_grey_with_white_as_zero() -> None:
    ramp = np.tile(np.arange(0, 65536, 256, dtype=np.uint16), (2, 1))
    data = encoded(ramp, "TIFF", tiffinfo={262: 0})
    assert (decoded(data).pixels[0, [0, -1], 0] == [255, 1]).all()


def test_sixteen_bit_colour() -> None:
    ramp = np.stack([np.linspace(0, 65535, 64)] * 3, axis=-1).astype(">u2")
    picture = decoded(png(64, 2, 16, 2, (b"\0" + ramp.tobytes()) * 2))
    assert np.abs(picture.pixels[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


def test_twelve_bit_grey_is_scaled_by_its_own_white() -> None:
    tags = {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 3}
    picture = decoded(tiff(tags, b"\xff\xf8\x00"))  # 4095, 2048
    assert picture.pixels[0, :, 0].tolist() == [255, 128]


@pytest.mark.parametrize(("key", "colour", "depth"), [((255, 0, 1), 2, 8), ((65535, 0, 257), 2, 16), ((4660,), 0, 16)])
def test_a_transparent_colour_becomes_alpha(key: tuple[int, ...], colour: int, depth: int) -> None:
    sample = "B" if depth == 8 else "H"
    row = b"\0" + struct.pack(f">{len(key)}{sample}", *key) + struct.pack(f">{len(key)}{sample}", *([100] * len(key)))
    picture = decoded(png(2, 1, depth, colour, row, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]


def test_transparency_is_shown_on_white_and_handed_on() -> None:
    image = Image.new("RGBA", (3, 1), (200, 100, 50, 255))
    image.putpixel((1, 0), (0, 255, 0, 0))  # the hidden colour must not come through
    image.putpixel((2, 0), (0, 0, 0, 128))
    for format in ("PNG", "WEBP", "TIFF"):
        picture = decoded(encoded(image, format, lossless=True))
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[255, 0, 128]]
        assert picture.pixels.tolist() == [[[200, 100, 50], [255, 255, 255], [127, 127, 127]]]


def test_grey_with_transparency() -> None:
    picture = decoded(encoded(Image.new("LA", (2, 2), (0, 51)), "PNG"))
    assert picture.alpha is not None
    assert (picture.alpha == 51).all()
    assert (picture.pixels == 204).all()


def test_a_palette_with_an_opacity_for_each_colour() -> None:
    image = Image.fromarray(photo()).quantize(4)
    picture = decoded(encoded(image, "PNG", transparency=bytes([0, 85, 170, 255])))
    assert picture.alpha is not None
    assert (picture.alpha == np.asarray(image) * 85).all()


def test_an_alpha_channel_that_hides_nothing_is_no_transparency() -> None:
    picture = decoded(encoded(Image.fromarray(noise()).convert("RGBA"), "PNG"))
    assert picture.alpha is None
    assert furthest(picture, noise()) == 0


def test_floats_from_zero_to_one_are_scaled_with_a_note() -> None:
    picture = decoded(encoded(np.tile(np.linspace(0, 1, 64, dtype=np.float32), (4, 1)), "TIFF"))
    assert (picture.pixels[0, [0, -1], 0] == [0, 255]).all()
    assert "float" in picture.notes[0]


@pytest.mark.parametrize("bad", [np.float32(2.0), np.float32(-0.5), np.float32("nan"), np.float32("inf")])
def test_floats_of_which_nobody_knows_the_white_are_refused(bad: np.float32) -> None:
    values = np.full((8, 8), 0.5, np.float32)
    values[3, 3] = bad
    with pytest.raises(BadInputError, match=r"float|finite"):
        decoded(encoded(values, "TIFF"))


def test_whole_numbers_of_32_bits_are_refused_and_not_black() -> None:
    with pytest.raises(BadInputError, match="32-bit whole"):
        decoded(encoded(np.full((8, 8), 70000, np.int32), "TIFF"))


# ------------------------------------------------------------------------------------- orientation, profile, frames

STORED = {  # how a picture is stored that EXIF's number turns upright
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_every_orientation_of_every_format_is_turned_once(number: int, format: str, options: dict[str, Any]) -> None:
    stored = np.ascontiguousarray(STORED[number](photo()))
    picture = decoded(encoded(stored, format, exif=orientation_tag(number), **options))
    assert furthest(picture, photo()) <= 12
    assert picture.notes == ()


def test_transparency_is_turned_too() -> None:
    rgba = np.dstack([photo(), photo()[..., 0]])
    data = encoded(np.ascontiguousarray(np.rot90(rgba)), "PNG", exif=orientation_tag(6))
    picture = decoded(data)
    assert picture.alpha is not None
    assert (picture.alpha == photo()[..., 0]).all()


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", orientation_tag(6)[:20], orientation_tag(77)])
def test_broken_exif_costs_a_note_and_no_pixels(exif: bytes) -> None:
    picture = decoded(encoded(photo(), "JPEG", exif=exif, quality=95))
    assert furthest(picture, photo()) <= 12
    assert all("EXIF" in note for note in picture.notes)


def test_a_colour_profile_is_obeyed() -> None:
    image = Image.new("RGB", (8, 8), (250, 20, 30))
    picture = decoded(encoded(image, "PNG", icc_profile=red_and_blue_exchanged()))
    assert np.abs(picture.pixels[4, 4].astype(int) - (30, 20, 250)).max() <= 2
    assert picture.notes == ()


def test_a_colour_profile_is_obeyed_under_transparency_and_in_a_palette() -> None:
    rgba = Image.new("RGBA", (8, 8), (250, 20, 30, 254))
    for image in (rgba, rgba.convert("RGB").quantize(4)):
        picture = decoded(encoded(image, "PNG", icc_profile=red_and_blue_exchanged()))
        assert np.abs(picture.pixels[4, 4].astype(int) - (30, 20, 250)).max() <= 3


def test_the_srgb_profile_changes_next_to_nothing() -> None:
    assert furthest(decoded(encoded(noise(), "PNG", icc_profile=SRGB)), noise()) <= 1
    grey = Image.fromarray(noise()).convert("L")
    assert furthest(decoded(encoded(grey, "PNG", icc_profile=SRGB)), np.asarray(grey.convert("RGB"))) <= 1


@pytest.mark.parametrize("profile", [b"\0" * 128, SRGB[:200], b"x" * 5_000_000], ids=["zeros", "cut off", "huge"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_profile_that_cannot_be_used_costs_a_note_and_no_pixels(profile: bytes, format: str) -> None:
    options = {"quality": 95} if format == "JPEG" else {"lossless": True}
    picture = decoded(encoded(photo(), format, icc_profile=profile, **options))
    assert furthest(picture, photo()) <= 12
    assert any("colour profile" in note for note in picture.notes)


@pytest.mark.parametrize("body", [b"", b"no end of name", b"icc\0\7" + zlib.compress(SRGB), b"icc\0\0not deflated"])
def test_a_malformed_png_profile_costs_a_note_and_no_pixels(body: bytes) -> None:
    data = encoded(noise(), "PNG")
    picture = decoded(data[:33] + chunk(b"iCCP", body) + data[33:])
    assert furthest(picture, noise()) == 0
    assert any("colour profile" in note for note in picture.notes)


def test_the_profile_of_another_kind_of_picture_is_ignored_with_a_note() -> None:
    picture = decoded(encoded(Image.fromarray(photo()).convert("CMYK"), "JPEG", icc_profile=SRGB))
    assert furthest(picture, photo()) <= 12
    assert any("colour profile" in note for note in picture.notes)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_used_and_that_is_said(format: str) -> None:
    first, second = Image.fromarray(photo()), Image.fromarray(255 - photo())
    if format == "GIF":
        first, second = first.quantize(128), second.quantize(128)
    options = {"lossless": True} if format == "WEBP" else {"quality": 95}
    picture = decoded(encoded(first, format, save_all=True, append_images=[second], **options))
    assert furthest(picture, np.asarray(first.convert("RGB"))) <= 12
    assert len(picture.notes) == 1
    assert "first" in picture.notes[0]


def test_text_behind_and_around_a_png_is_never_inflated() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(32 << 20), 9))
    data = encoded(noise(), "PNG")
    middle = data.index(b"IDAT") - 4
    picture = decoded(data[:middle] + bomb + data[middle:-12] + bomb + data[-12:] + b"PK\x03\x04 and so on")
    assert furthest(picture, noise()) == 0
    assert picture.notes == ()


def test_a_camera_raw_file_is_not_taken_for_its_thumbnail() -> None:
    for tags in ({50706: b"\1\4\0\0"}, {254: 1}):
        info = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in tags.items():
            info[tag] = value
        with pytest.raises(BadInputError, match="camera raw"):
            decoded(encoded(photo(), "TIFF", tiffinfo=info))


# ----------------------------------------------------------------------------------------------- cut off, damaged

COMPLETE = {
    "jpeg": encoded(noise(), "JPEG"),
    "progressive": encoded(noise(), "JPEG", progressive=True),
    "restarts": encoded(noise(), "JPEG", restart_marker_blocks=2),
    "png": encoded(noise(), "PNG"),
    "webp": encoded(noise(), "WEBP"),
    "gif": encoded(Image.fromarray(noise()).quantize(16), "GIF"),
    "bmp": encoded(noise(), "BMP"),
    "tiff": encoded(noise(), "TIFF"),
    "lzw": encoded(noise(), "TIFF", compression="tiff_lzw"),
    "avif": encoded(noise(), "AVIF"),
}


def whole_or_refused(data: bytes, whole: Picture) -> bool:
    """Whether the bytes are refused; if they are taken, the picture must be the whole one."""
    try:
        picture = decoded(data)
    except BadInputError:
        return True
    assert furthest(picture, whole.pixels) == 0
    return False


@pytest.mark.parametrize("kind", sorted(COMPLETE))
def test_a_picture_cut_anywhere_is_whole_or_refused(kind: str) -> None:
    data, whole = COMPLETE[kind], decoded(COMPLETE[kind])
    cuts = {*range(0, len(data), max(1, len(data) // 150)), *range(len(data) - 20, len(data))}
    refused = [whole_or_refused(data[:cut], whole) for cut in sorted(cuts)]
    assert sum(refused) >= len(cuts) - 6  # taken only where nothing but the end mark is missing


@pytest.mark.parametrize("kind", ["jpeg", "restarts"])
def test_a_jpeg_that_was_cut_and_then_closed_is_refused_too(kind: str) -> None:
    data, whole = COMPLETE[kind], decoded(COMPLETE[kind])
    # not in the last of the twelve blocks: zeros are as good as any bits there
    cuts = range(data.index(b"\xff\xda") + 14, len(data) * 5 // 6, 7)
    assert all(whole_or_refused(data[:cut] + b"\xff\xd9", whole) for cut in cuts)


@pytest.mark.parametrize("kind", ["jpeg", "restarts"])
def test_a_jpeg_without_its_end_mark_is_taken_with_a_note(kind: str) -> None:
    data = COMPLETE[kind]
    picture = decoded(data[:-2])
    assert furthest(picture, decoded(data).pixels) == 0
    assert "end mark" in picture.notes[0]


def test_a_jpeg_that_really_ends_in_grey_is_taken() -> None:
    for mode in ("RGB", "L", "CMYK"):
        data = encoded(Image.new("RGB", (40, 40), (128, 128, 128)).convert(mode), "JPEG")
        assert np.abs(decoded(data).pixels.astype(int) - 128).max() <= 2


@pytest.mark.parametrize("at", ["IHDR", "IDAT"])
def test_a_wrong_png_checksum_is_named(at: str) -> None:
    data = bytearray(COMPLETE["png"])
    data[data.index(at.encode()) + 12] ^= 1
    with pytest.raises(BadInputError, match=f"checksum of its {at}"):
        decoded(bytes(data))


def with_right_checksums(data: bytes) -> bytes:
    """A mutated PNG whose checksums say nothing is wrong, so that the damage reaches the decoder."""
    position, out = 8, [data[:8]]
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        out.append(chunk(data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return b"".join(out)


@settings(max_examples=500)
@given(st.sampled_from(sorted(COMPLETE)), st.data())
def test_mutated_files_are_pictures_or_understandable_errors(kind: str, data: st.DataObject) -> None:
    mutated = bytearray(COMPLETE[kind])
    header = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(mutated), 300 if header else len(mutated)) - 1))
        mutated[at] = data.draw(st.integers(0, 255))
    raw = bytes(mutated)
    try:
        picture = decoded(with_right_checksums(raw) if kind == "png" else raw)
    except (BadInputError, RefusedError) as error:
        assert error.message.startswith("cannot read x: ") and error.name.startswith("image-")
    else:
        assert picture.pixels.dtype == np.uint8 and picture.pixels.shape[2:] == (3,)


# ---------------------------------------------------------------------------------------------------- limits


def test_a_claim_is_refused_by_the_header_alone() -> None:
    for data in (
        png(20_000, 20_000, 8, 0, b""),
        png(1, images.MAX_SIDE + 1, 8, 0, b""),
        encoded(photo(), "BMP")[:18] + struct.pack("<ii", 30_000, 30_000) + encoded(photo(), "BMP")[26:],
    ):
        with pytest.raises(RefusedError, match="pixels") as caught:
            decoded(data)
        assert caught.value.exit_code == 6


def test_a_small_tiff_of_one_gigantic_tile_is_refused() -> None:
    tile = zlib.compress(bytes(1 << 20))
    tags = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: 16, 323: 16, 324: 8, 325: len(tile)}
    assert (decoded(tiff(tags, tile)).pixels == 0).all()
    with pytest.raises(RefusedError, match="pixels"):
        decoded(tiff({**tags, 322: 32_000, 323: 32_000}, tile))


def test_a_jpeg_of_thousands_of_scans_is_refused_and_a_normal_progressive_one_is_not() -> None:
    data = COMPLETE["progressive"]
    last = data.rindex(b"\xff\xda")
    assert decoded(data).notes == ()
    with pytest.raises(RefusedError, match="scans"):
        decoded(data[:last] + data[last:-2] * 5000 + data[-2:])


def test_a_thumbnail_inside_a_jpeg_does_not_count_as_scans() -> None:
    thumbnails = b"".join(b"\xff\xe5\x10\x02" + b"\xff\xda" * 0x800 for _ in range(3))
    data = COMPLETE["jpeg"]
    assert furthest(decoded(data[:2] + thumbnails + data[2:]), decoded(data).pixels) == 0


def test_files_of_endless_parts_are_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PARTS", 1000)
    empty = chunk(b"teXt", b"")
    for data in (
        COMPLETE["png"][:33] + empty * 2000 + COMPLETE["png"][33:],
        COMPLETE["jpeg"][:2] + b"\xff\xe5\0\2" * 2000 + COMPLETE["jpeg"][2:],
    ):
        with pytest.raises(RefusedError, match="more than 1000"):
            decoded(data)


def test_memory_that_is_not_there_is_a_resource_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_load", no_memory)
    with pytest.raises(UgatitError, match="not enough memory") as caught:
        decoded(COMPLETE["png"])
    assert caught.value.exit_code == 8


# ------------------------------------------------------------------------------------------------ not a picture


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, this is not an image\n", "not an image"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b'<?xml version="1.0"?>\n<!-- -->\n<svg xmlns="x"/>', "SVG"),
        (b"%PDF-1.4\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\x03\x04....", "ZIP"),
        (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        (b"BMW makes cars and not bitmaps", "not an image"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        decoded(data)
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_only_listed_formats_are_ever_opened() -> None:
    for format in ("ICO", "PCX", "PPM", "TGA", "SGI", "EPS", "PDF", "JPEG2000", "DDS", "QOI"):
        try:
            data = encoded(photo(32, 32), format)
        except (OSError, KeyError, ValueError):
            continue
        with pytest.raises(BadInputError):
            decoded(data)


# -------------------------------------------------------------------------------------------------------- files


def test_the_bytes_decide_and_not_the_name(tmp_path: Path) -> None:
    for name in ("a.png", "no_ending", "UPPER.JPG", "a.txt"):
        (tmp_path / name).write_bytes(COMPLETE["jpeg"])
        assert images.read(tmp_path / name).format == "JPEG"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"")
    with pytest.raises(BadInputError, match=re.escape(f"cannot read {path}: it is empty")):
        images.read(path)


def test_a_missing_file_and_a_broken_link_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("nowhere.png")
    with pytest.raises(UsageError, match="broken link"):
        images.read(tmp_path / "link.png")
    with pytest.raises(UsageError, match="does not exist"):
        images.read(tmp_path / "nowhere.png")


def test_links_to_pictures_are_followed_and_endless_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(COMPLETE["png"])
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert images.read(tmp_path / "link.png").format == "PNG"
    with pytest.raises(BadInputError, match="cannot read"):
        images.read(tmp_path / "loop.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
@pytest.mark.timeout(10)
def test_pipes_sockets_devices_and_folders_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # a socket's path has room for 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        for name in ("pipe.jpg", "folder.jpg", "device.jpg", "socket.jpg"):
            with pytest.raises(BadInputError, match=r"folder|pipe, socket or device"):
                images.read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(COMPLETE["png"])
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(BadInputError, match="permission denied"):
        images.read(tmp_path / "a.png")


def test_a_path_of_more_than_a_thousand_bytes(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*[f"level_{level:03d}" for level in range(120)])
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(COMPLETE["png"])
    assert images.read(folder / "a.png").format == "PNG"
    with pytest.raises(BadInputError, match="name too long"):
        images.read(tmp_path / ("x" * 300))


def test_a_huge_file_is_refused_unread_and_a_huge_stranger_by_its_first_bytes(tmp_path: Path) -> None:
    for head, error in ((COMPLETE["png"][:40], RefusedError), (b"no picture", BadInputError)):
        path = tmp_path / "sparse.png"
        path.write_bytes(head)
        os.truncate(path, images.MAX_BYTES + 1 if error is RefusedError else images.MAX_BYTES)
        tracemalloc.start()
        try:
            with pytest.raises(error):
                images.read(path)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


def test_threads_decode_side_by_side_and_leave_the_warnings_alone() -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(decoded, [COMPLETE[kind] for kind in sorted(COMPLETE)] * 8))
    assert len(pictures) == 8 * len(COMPLETE)
    assert list(warnings.filters) == before


# ------------------------------------------------------------------------------------------------------ writing


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


def test_quality_decides_the_size() -> None:
    for format in ("jpg", "webp", "avif"):
        low, high = (len(images.encode(noise(), format=format, quality=quality)) for quality in (20, 95))
        assert low < high


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_thin_pictures_are_written(shape: tuple[int, int], format: str) -> None:
    picture = decoded(images.encode(np.full((*shape, 3), 90, np.uint8), format=format, quality=90))
    assert picture.pixels.shape[:2] == shape


def test_what_a_format_cannot_hold_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="20000 x 1"):
        images.encode(np.zeros((1, 20_000, 3), np.uint8), format="webp", quality=90)


def test_an_unknown_format_is_a_usage_error_that_lists_the_known() -> None:
    with pytest.raises(UsageError, match="gif") as caught:
        images.encode(photo(), format="gif", quality=90)
    assert "png" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"x" * 50, COMPLETE["png"][:20], COMPLETE["jpeg"]])
def test_the_check_refuses_what_does_not_open_or_has_another_size(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(data)
    with pytest.raises(OutputError, match="just written"):
        images.check_picture(tmp_path / "out", (65, 48))


# ------------------------------------------------------------------------------------------------ arrays to arrays


@pytest.mark.parametrize("size", [(17, 9), (200, 150), (1, 1)])
def test_resize_is_pillows_bilinear(size: tuple[int, int]) -> None:
    expected = np.asarray(Image.fromarray(noise()).resize(size, Image.Resampling.BILINEAR))
    resized = images.resize(noise(), *size)
    assert (resized == expected).all()
    assert resized.flags.writeable


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


def test_side_by_side_keeps_the_right_and_fits_the_left() -> None:
    joined = images.side_by_side(photo(96, 64), noise(64, 32))
    assert joined.shape == (32, 48 + 64, 3)
    assert (joined[:, 48:] == noise(64, 32)).all()
    assert (joined[:, :48] == images.resize(photo(96, 64), 48, 32)).all()
    assert (images.side_by_side(photo(), photo())[:, :96] == photo()).all()
    assert images.side_by_side(photo(1, 4000), photo(8, 8)).shape == (8, 9, 3)
