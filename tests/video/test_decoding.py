"""Packets that cannot be decoded, in the middle of a film and at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from films import Film, spoil
from video.test_reading import with_b_frames

from ugatit_cli.errors import BadInputError
from ugatit_cli.video.decoding import MOST_LOST
from ugatit_cli.video.reading import VideoSource


def plain(path: Path, **more: Any) -> Path:
    """Without pictures that wait for later ones."""
    return Film(size=(16, 16), **more).make(path)


def test_what_cannot_be_decoded_at_the_end_is_counted_and_makes_it_short(tmp_path: Path) -> None:
    source = VideoSource(spoil(plain(tmp_path / "a.mp4", frames=30), 20))
    frames = list(source.frames())
    assert len(frames) == 20
    assert sum(frame.damaged for frame in frames) == 10
    assert source.ends_early
    assert frames[-1].duration == frames[-2].duration, "not shown for as long as what is missing"


def test_pictures_that_wait_at_the_end_do_not_hide_what_is_missing(tmp_path: Path) -> None:
    source = VideoSource(spoil(with_b_frames(tmp_path / "a.mp4", "libx264"), 20))
    assert 15 < len(list(source.frames())) <= 20
    assert source.ends_early


def test_what_is_missing_in_the_middle_makes_no_film_short(tmp_path: Path) -> None:
    source = VideoSource(spoil(plain(tmp_path / "a.mp4", frames=30), 10, 20))
    frames = list(source.frames())
    assert (len(frames), sum(frame.damaged for frame in frames)) == (20, 10)
    assert not source.ends_early


def test_a_film_goes_on_behind_however_much_is_missing(tmp_path: Path) -> None:
    count = MOST_LOST + 30
    source = VideoSource(spoil(plain(tmp_path / "a.mp4", frames=count), 10, count - 10))
    frames = list(source.frames())
    assert [frame.pts for frame in frames] == [3000 * n for n in (*range(10), *range(count - 10, count))]
    assert next(source.frames(frames[15].pts)).pts == frames[15].pts
    assert next(source.frames(frames[9].pts + 1)).pts == frames[10].pts
    assert not source.ends_early


def test_damage_before_a_stretch_is_not_counted_in_it(tmp_path: Path) -> None:
    source = VideoSource(spoil(plain(tmp_path / "a.mp4", frames=30), 5, 8))
    assert sum(frame.damaged for frame in source.frames(3000 * 20, from_the_beginning=True)) == 0


def test_without_a_picture_it_is_no_film(tmp_path: Path) -> None:
    film = spoil(plain(tmp_path / "a.mp4", frames=MOST_LOST + 30), 0, MOST_LOST + 10)
    with pytest.raises(BadInputError, match="no frame of it can be decoded"):
        VideoSource(film)
