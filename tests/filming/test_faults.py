"""Damaged and cut-off sources, full disks, runs that meet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from films import PICTURES, Film, cut, move, picture, pictures_of, spoil, stamp_anew, times_of
from PIL import Image

from ugatit_cli.errors import BadInputError, OutputError, ResourceError, UgatitError, UsageError
from ugatit_cli.filming import reading, work
from ugatit_cli.filming.plan import work_folder
from ugatit_cli.pipeline import Written
from ugatit_cli.video.segments import read_facts

Invert = Callable[..., Written]


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEGMENT_SECONDS", Fraction(1, 5))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_that_is_cut_off_is_translated_as_far_as_it_goes(invert: Invert, tmp_path: Path, name: str) -> None:
    source = Film(frames=24, options={"movflags": "faststart"} if name == "a.mp4" else {}).make(tmp_path / name)
    written = invert(cut(source, 0.6), tmp_path / "b.mp4")
    count = len(times_of(tmp_path / "b.mp4"))
    assert 0 < count < 24
    assert written.shortfall is not None
    assert f"ends early: {count} of 24 frames" in written.shortfall.message
    with av.open(str(tmp_path / "b.mp4")) as film:
        assert (film.duration or 0) / 1e6 == pytest.approx(count / 30, abs=2e-3), "not as long as it was to be"


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """Some 14 of 24 frames."""
    return cut(Film(frames=24, options={"movflags": "faststart"}).make(tmp_path / "a.mp4"), 0.6)


def test_a_film_that_is_cut_off_gets_no_copies_of_its_last_frame(invert: Invert, cut_off: Path, tmp_path: Path) -> None:
    invert(cut_off, tmp_path / "b.mp4")
    written = invert(cut_off, tmp_path / "c.mp4", fps=Fraction(60))
    assert len(times_of(tmp_path / "c.mp4")) == 2 * len(times_of(tmp_path / "b.mp4"))
    assert written.shortfall is not None
    assert written.shortfall.message.endswith("a.mp4 ends early: what is there is translated")


def test_a_stretch_of_an_animated_picture_that_is_there(invert: Invert, tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(number, (64, 48))) for number in range(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    cut(tmp_path / "a.gif", 0.6)
    assert invert(tmp_path / "a.gif", tmp_path / "b.mp4", end=Fraction(1, 20)).shortfall is None
    assert invert(tmp_path / "a.gif", tmp_path / "c.mp4").shortfall is not None


def test_a_stretch_that_is_there_does_not_end_early(invert: Invert, cut_off: Path, tmp_path: Path) -> None:
    assert invert(cut_off, tmp_path / "b.mp4", end=Fraction(1, 5)).shortfall is None
    assert len(times_of(tmp_path / "b.mp4")) == 6
    for start in (Fraction(0), Fraction(1, 5)):  # of the frames that were promised, a stretch would not have had all
        later = invert(cut_off, tmp_path / "c.mp4", start=start, end=Fraction(3, 4), overwrite=True).shortfall
        assert later is not None
        assert later.message.endswith("a.mp4 ends early: what is there is translated")


def damaged(path: Path) -> Path:
    film = Film(frames=30, key_frames=100).make(path)
    data = bytearray(film.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[middle : middle + 60] = b"\x55" * 60
    film.write_bytes(data)
    return film


def test_damaged_packets_are_bridged_and_told(invert: Invert, tmp_path: Path) -> None:
    written = invert(damaged(tmp_path / "a.mp4"), tmp_path / "b.mp4")
    assert len(pictures_of(tmp_path / "b.mp4")) >= 25
    assert any("damaged: they were bridged" in note for note in written.notes)


def fill_the_disk(patch: pytest.MonkeyPatch) -> None:
    """When two segments are finished."""
    real, calls = shutil.disk_usage, []

    def usage(path: Path) -> object:
        calls.append(path)
        total, used, free = real(path)
        return type("Usage", (), {"free": free if len(calls) < 3 else 1000})()

    patch.setattr("ugatit_cli.filming.space.shutil.disk_usage", usage)


@pytest.mark.usefixtures("short_segments")
def test_a_full_disk_keeps_what_is_finished(invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = Film(frames=30).make(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    with monkeypatch.context() as patch:
        fill_the_disk(patch)
        with pytest.raises(ResourceError, match="the film needs about"):
            invert(source, target)
    assert len(list(work_folder(target).glob("*.state"))) == 2
    invert(source, target)
    assert len(times_of(target)) == 30


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("choices", [{}, {"fps": Fraction(30)}], ids=["as it is", "another rate"])
@pytest.mark.parametrize("wrong", [None, 8, 20])
def test_a_recording_goes_on_where_its_clock_wraps(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choices: dict[str, Fraction], wrong: int | None
) -> None:
    plain = Film(frames=30).make(tmp_path / "plain.ts")
    source = move(plain, tmp_path / "a.ts", Fraction(2**33, 90_000) - Fraction(2, 5))
    stamp_anew(source, PICTURES, lambda number, time: time - 3000 * (number == wrong))
    invert(source, tmp_path / "whole.mp4", **choices)
    assert len(times_of(tmp_path / "whole.mp4")) == 30
    with monkeypatch.context() as patch:
        fill_the_disk(patch)
        with pytest.raises(ResourceError):
            invert(source, tmp_path / "b.mp4", **choices)
    segments = sorted(work_folder(tmp_path / "b.mp4").glob("*.result"))
    assert [read_facts(each).following for each in segments][-1] == 0, "which is not the beginning"
    invert(source, tmp_path / "b.mp4", **choices)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("side", [64, 640], ids=["many small pictures", "a large one"])
def test_what_the_system_does_not_write_of_a_segment_is_said(invert: Invert, tmp_path: Path, side: int) -> None:
    import resource

    source = Film(frames=60, size=(side, side)).make(tmp_path / "a.mp4")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*b\.mp4: file too large"):
            invert(source, tmp_path / "b.mp4", crf=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(work_folder(tmp_path / "b.mp4").glob("*.ugatit-part")) == []


def test_packets_that_cannot_be_decoded_at_the_end_end_it_early(invert: Invert, tmp_path: Path) -> None:
    source = spoil(Film(frames=24).make(tmp_path / "a.mp4"), 18)
    written = invert(source, tmp_path / "b.mp4")
    assert written.shortfall is not None
    assert "ends early: 18 of 24 frames" in written.shortfall.message
    assert any(note.startswith("6 of its frames or packets are damaged") for note in written.notes)
    assert invert(source, tmp_path / "c.mp4", end=Fraction(1, 2)).shortfall is None


def test_a_hopeless_disk_is_refused_before_it_begins(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ugatit_cli.filming.space.shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**19})())
    with pytest.raises(ResourceError, match="has 0 MB left"):
        invert(Film().make(tmp_path / "a.mp4"), tmp_path / "b.mp4")


def test_a_stretch_of_a_long_film_needs_little_room(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (640, 480)).save(frames / "1.png")
    for number in range(2, 1500):
        (frames / f"{number}.png").symlink_to("1.png")
    monkeypatch.setattr("ugatit_cli.filming.space.shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20})())
    with pytest.raises(ResourceError, match="the film needs about 1 MB"):
        invert(frames, tmp_path / "a.mp4")
    assert invert(frames, tmp_path / "b.mp4", end=Fraction(2, 25)).details["frames"] == 2


def test_a_broken_link_among_frames_is_no_error_unless_it_is_one_of_them(invert: Invert, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (64, 48)).save(frames / "1.png")
    (frames / ".#1.png").symlink_to("someone@somewhere.1234:1")  # as Emacs locks a file
    invert(frames, tmp_path / "b.mp4")
    (frames / "2.png").symlink_to("nowhere.png")
    with pytest.raises(UsageError, match=r"2\.png: it is a broken link"):
        invert(frames, tmp_path / "c.mp4")


def test_two_runs_do_not_make_one_film(invert: Invert, tmp_path: Path) -> None:
    target = tmp_path / "b.mp4"
    with work.hold(work_folder(target), target, resume=True), pytest.raises(OutputError, match="another run of ugatit"):
        invert(Film().make(tmp_path / "a.mp4"), target)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("change", ["source", "settings", "segment"])
def test_segments_of_something_else_are_not_used(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    source, target = Film(frames=18).make(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    monkeypatch.setattr("ugatit_cli.filming.assembling.finish", fail)
    with pytest.raises(UgatitError, match="stopped"):
        invert(source, target)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "SEGMENT_SECONDS", Fraction(1, 5))
    if change == "source":
        Film(frames=12).make(source)
    if change == "segment":
        segment = sorted(work_folder(target).glob("*.result"))[0]
        segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    invert(source, target, crf=30 if change == "settings" else None)
    assert len(times_of(target)) == (12 if change == "source" else 18)
    assert not work_folder(target).exists()


def fail(*_: object) -> None:
    raise UgatitError("stopped")


def test_a_stretch_without_a_frame(invert: Invert, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no frame"):
        invert(Film().make(tmp_path / "a.mp4"), tmp_path / "b.mp4", start=Fraction(100))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
