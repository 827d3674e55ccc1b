"""Frames out of videos: upright, in their colours, from wherever reading begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import Film, picture, show_by, turn
from PIL import Image

from ugatit_cli.video.animated import AnimatedSource
from ugatit_cli.video.colours import Colours
from ugatit_cli.video.decoding import Decoder
from ugatit_cli.video.encoders import SOFTWARE
from ugatit_cli.video.encoding import Stream, to_frame
from ugatit_cli.video.reading import VideoSource, upright
from ugatit_cli.video.scaling import Scaler


def test_facts(tmp_path: Path) -> None:
    facts = VideoSource(Film(aspect=Fraction(4, 3), colours=(1, 1, 1, 1)).make(tmp_path / "a.mp4")).facts
    assert (facts.width, facts.height, facts.square_width) == (64, 48, 85)
    assert (facts.rate, facts.frames, facts.time_base) == (Fraction(30), 12, Fraction(1, 90_000))
    assert facts.colours == Colours(1, 1, 1, 1)


def test_upright_in_square_pixels(tmp_path: Path) -> None:
    source = VideoSource(turn(Film().make(tmp_path / "a.mp4"), 48))
    first = next(iter(source.frames()))
    assert first.pixels.shape == (64, 48, 3)
    assert np.abs(first.pixels.astype(int) - np.rot90(picture(0, (64, 48)), 3)).mean() < 3
    assert (source.facts.width, source.facts.height) == (48, 64)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((1, 0, 0, 1), lambda stored: stored),
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((-1, 0, 0, -1), lambda stored: np.rot90(stored, 2)),
        ((0, 1, -1, 0), lambda stored: np.rot90(stored, 3)),
        ((0, -1, 1, 0), np.rot90),
        ((0, 1, 1, 0), lambda stored: stored.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda stored: np.rot90(stored, 2).transpose(1, 0, 2)),
    ],
)
def test_mirrored_and_turned(
    tmp_path: Path, matrix: tuple[int, int, int, int], shown: Callable[[np.ndarray], np.ndarray]
) -> None:
    first = next(VideoSource(show_by(Film().make(tmp_path / "a.mp4"), matrix)).frames())
    wanted = shown(picture(0, (64, 48)))
    assert first.pixels.shape == wanted.shape
    assert np.abs(first.pixels.astype(int) - wanted).mean() < 3


@pytest.mark.parametrize("from_the_beginning", [False, True])
def test_reading_may_begin_anywhere(tmp_path: Path, from_the_beginning: bool) -> None:
    source = VideoSource(Film(frames=30).make(tmp_path / "a.mp4"))
    whole = list(source.frames())
    for first in (0, 1, 7, 29):
        part = list(source.frames(whole[first].pts, from_the_beginning=from_the_beginning))
        assert [frame.pts for frame in part] == [frame.pts for frame in whole[first:]]
        assert all((a.pixels == b.pixels).all() for a, b in zip(part, whole[first:], strict=True))


def test_a_frame_lasts_until_the_next(tmp_path: Path) -> None:
    times = [0, 3000, 4000, 90_000, 90_001, 99_000]
    source = VideoSource(Film(frames=6, times=times).make(tmp_path / "a.mp4"))
    assert [(frame.pts, frame.duration) for frame in source.frames()][:5] == [
        *((0, 3000), (3000, 1000), (4000, 86_000), (90_000, 1), (90_001, 8_999))
    ]


def with_b_frames(path: Path, codec: str) -> Path:
    """30 frames, and a tenth of a second with none in the middle."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = 3, 10
        numbers = [*range(15), *range(18, 33)]
        frames = [av.VideoFrame.from_ndarray(picture(number, (64, 48)), format="rgb24") for number in numbers]
        for number, frame in zip(numbers, frames, strict=True):
            frame.pts, frame.time_base = number, Fraction(1, 30)
        for each in [*frames, None]:
            out.mux(stream.encode(each))
    return path


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
def test_frames_of_an_avi_are_shown_in_their_order(tmp_path: Path, codec: str) -> None:
    source = VideoSource(with_b_frames(tmp_path / "a.avi", codec))
    whole = list(source.frames())
    times = [frame.pts for frame in whole]
    assert len(times) == len(set(times)) == 30 and times == sorted(times)
    assert (times[0], times[-1], whole[-1].duration) == (0, 32, 1), "not later than its sound, and not longer"
    assert source.exact
    for number in (7, 20):
        found = next(source.frames(times[number]))
        assert (found.pts, found.duration) == (times[number], whole[number].duration)
        assert (found.pixels == whole[number].pixels).all()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_packet_that_an_avi_lacks_moves_nothing(tmp_path: Path, codec: str) -> None:
    path = with_b_frames(tmp_path / "a.avi", codec)
    data = bytearray(path.read_bytes())
    for number in (4, 5):
        start = [found.start() for found in re.finditer(b"00dc", data)][number]
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        data[start + 8 : start + 8 + length] = bytes(length)
    path.write_bytes(data)
    frames = list(VideoSource(path).frames())
    assert frames[-1].pts == 32
    assert np.abs(frames[-1].pixels.astype(int) - picture(32, (64, 48))).mean() < 8


def test_times_that_go_back_go_on_instead(tmp_path: Path) -> None:
    parts = [Film(frames=6).make(tmp_path / f"{name}.ts").read_bytes() for name in "ab"]
    (tmp_path / "c.ts").write_bytes(b"".join(parts))
    source = VideoSource(tmp_path / "c.ts")
    times = [frame.pts for frame in source.frames()]
    assert len(times) == 12 and times == sorted(set(times))
    assert not source.exact


@pytest.mark.parametrize("matrix", [1, 5, 6, 7, 9, 2])
@pytest.mark.parametrize("levels", [1, 2, 0])
@pytest.mark.parametrize("height", [64, 720])
def test_colours_come_back_as_they_went(matrix: int, levels: int, height: int) -> None:
    colours = Colours(matrix, levels, 1, 1)
    stream = Stream(SOFTWARE["h264"], {}, 64, height, Fraction(1, 25), Fraction(25), Fraction(1), colours)
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)):
        pixels = np.full((height, 64, 3), colour, np.uint8)
        back = upright(to_frame(pixels, stream, Scaler()), (64, height), colours, Scaler())
        assert np.abs(back.astype(int) - pixels).max() <= 3, colour


@pytest.mark.parametrize(
    ("colours", "luma"), [(Colours(1, 1), 63), (Colours(6, 1), 81), (Colours(6, 2), 76), (Colours(), 81)]
)
def test_red_is_written_as_the_tags_say(colours: Colours, luma: int) -> None:
    """ITU-R BT.709 and BT.601: 0.2126 and 0.299 of 219 levels above 16, or of 255."""
    stream = Stream(SOFTWARE["h264"], {}, 64, 64, Fraction(1, 25), Fraction(25), Fraction(1), colours)
    frame = to_frame(np.full((64, 64, 3), (255, 0, 0), np.uint8), stream, Scaler())
    assert abs(int(frame.to_ndarray()[10, 10]) - luma) <= 1


@pytest.mark.parametrize("place", [3000 * 200 + 1, 3000 * 299 + 1])
def test_beginning_between_two_frames_decodes_no_more_than_from_the_key_frame_on(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = VideoSource(Film(frames=300, key_frames=30).make(tmp_path / "a.mp4"))
    decoded, pictures = [], Decoder.pictures

    def counted(self: Decoder) -> Iterator[tuple[av.VideoFrame, int]]:
        for item in pictures(self):
            decoded.append(item)
            yield item

    monkeypatch.setattr(Decoder, "pictures", counted)
    assert [frame.pts for frame in source.frames(place)] == [pts for pts in range(0, 900_000, 3000) if pts >= place]
    assert len(decoded) <= 300 - place // 3000 + 30


def test_nothing_is_shown_after_the_end_of_time(tmp_path: Path) -> None:
    assert list(VideoSource(Film().make(tmp_path / "a.mp4")).frames(10**24)) == []


def test_sixteen_bits_of_grey_are_scaled(tmp_path: Path) -> None:
    levels = np.linspace(0, 65_535, 64 * 48).astype(np.uint16).reshape(48, 64)
    Image.fromarray(levels).save(tmp_path / "a.png")
    frame = next(AnimatedSource(tmp_path / "a.png", "png").frames())
    assert np.abs(frame.pixels[..., 0] - levels / 257).max() <= 1
