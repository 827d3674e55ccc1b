"""Nothing lost on the way: five kinds of source, compared with their results stream by stream."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import Film, packets_of, picture, pictures_of, times_of, turn
from PIL import Image

from ugatit_cli.pipeline import Written

Invert = Callable[..., Written]
UNEVEN = [5940, 7911, 10397, 13199, 19000, 19500, 26000, 30000, 30001, 44000, 52000, 60000]


def video(path: Path) -> tuple[object, ...]:
    """What a stream says about its pictures."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        frame = next(film.decode(stream))
        tags = int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc)
        return (stream.width, stream.height), stream.sample_aspect_ratio, tags, frame.rotation


def distance(path: Path, wanted: list[np.ndarray]) -> float:
    """Mean difference in levels."""
    there = pictures_of(path)
    assert len(there) == len(wanted)
    return float(np.mean([np.abs(a.astype(int) - b) for a, b in zip(there, wanted, strict=True)]))


def test_uneven_times_rotation_two_languages(invert: Invert, tmp_path: Path) -> None:
    film = Film(
        times=UNEVEN,
        audio=(("aac", "deu"), ("aac", "eng")),
        tags={"title": "Us", "artist": "me"},
        chapters=True,
        colours=(1, 1, 1, 1),
        aspect=Fraction(4, 3),
    )
    source, target = turn(film.make(tmp_path / "a.mp4"), 48), tmp_path / "b.mp4"
    written = invert(source, target)
    assert times_of(target) == times_of(source) == [time * Fraction(1, 90_000) for time in UNEVEN]
    assert video(source) == ((64, 48), Fraction(4, 3), (1, 1, 1, 1), -90)
    assert video(target) == ((48, 64), Fraction(3, 4), (1, 1, 1, 1), 0)
    assert packets_of(target, "audio") == packets_of(source, "audio")
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert [each.language for each in after.streams.audio] == ["deu", "eng"]
        assert (after.metadata["title"], after.metadata["artist"]) == ("Us", "me")
        titles = [[chapter["metadata"]["title"] for chapter in each.chapters()] for each in (before, after)]
        assert titles == [["Part 1", "Part 2"]] * 2
        assert abs((before.duration or 0) - (after.duration or 0)) <= 1000, (
            "as long, to the millisecond that QuickTime keeps"
        )
    upright = [255 - np.rot90(picture(number, (64, 48)), 3) for number in range(12)]
    assert distance(target, upright) < 5  # scaled to square pixels and back
    assert written.details["frames"] == 12
    assert written.notes == ()


def test_an_odd_size(invert: Invert, tmp_path: Path) -> None:
    film = Film(size=(63, 47), pixel_format="yuv444p", audio=(("libopus", "deu"),))
    source, target = film.make(tmp_path / "a.mkv"), tmp_path / "b.mp4"
    invert(source, target)
    assert video(target)[0] == (63, 47)
    assert times_of(target) == times_of(source)
    assert packets_of(target, "audio") == packets_of(source, "audio")
    assert distance(target, [255 - each for each in pictures_of(source)]) < 3


def test_no_sound(invert: Invert, tmp_path: Path) -> None:
    source, target = Film().make(tmp_path / "a.mov"), tmp_path / "b.mov"
    invert(source, target)
    assert times_of(target) == times_of(source)
    with av.open(str(target)) as film:
        assert [each.type for each in film.streams] == ["video"]


def test_ten_bits(invert: Invert, tmp_path: Path) -> None:
    film = Film(codec="libx265", pixel_format="yuv420p10le", audio=(("aac", "deu"),))
    source, target = film.make(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    written = invert(source, target)
    assert written.notes == ("its 10 bits a colour become 8",)
    assert times_of(target) == times_of(source)
    assert packets_of(target, "audio") == packets_of(source, "audio")
    assert distance(target, [255 - each for each in pictures_of(source)]) < 3


def gif(path: Path) -> tuple[Path, list[int]]:
    """Eight frames, with a transparent corner."""
    durations = [40, 400, 40, 50, 70, 40, 40, 90]
    frames = []
    for number in range(8):
        rgba = np.dstack([picture(number, (63, 47)), np.full((47, 63), 255, np.uint8)])
        rgba[:10, :10, 3] = 0
        frames.append(Image.fromarray(rgba))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=2, disposal=2)
    return path, durations


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng", "png"])
def test_a_gif(invert: Invert, tmp_path: Path, suffix: str) -> None:
    source, durations = gif(tmp_path / "a.gif")
    target = tmp_path / f"b.{suffix}"
    invert(source, target)
    with Image.open(source) as before, Image.open(target) as after:
        assert after.size == (63, 47)
        assert getattr(after, "n_frames", 1) == 8
        shown = []
        for number in range(8):
            after.seek(number)
            before.seek(number)
            rgba, was = np.asarray(after.convert("RGBA")).astype(int), np.asarray(before.convert("RGB"))
            shown.append(round(after.info["duration"]))
            assert rgba[2, 2, 3] == 0 and rgba[30, 30, 3] == 255
            assert np.abs(rgba[12:, 12:, :3] - (255 - was[12:, 12:])).mean() < 6
        assert shown == durations


def test_a_gif_as_a_video(invert: Invert, tmp_path: Path) -> None:
    source, durations = gif(tmp_path / "a.gif")
    invert(source, tmp_path / "b.mp4")
    starts = [Fraction(sum(durations[:number]), 1000) for number in range(8)]
    assert times_of(tmp_path / "b.mp4") == starts
    assert video(tmp_path / "b.mp4")[2] == (1, 1, 1, 13)
