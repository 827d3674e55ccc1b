"""Damaged and cut-off sources, full disks, runs that meet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from films import Film, pictures_of, times_of

from ugatit_cli.errors import BadInputError, OutputError, ResourceError, UgatitError
from ugatit_cli.filming import reading, work
from ugatit_cli.filming.plan import work_folder
from ugatit_cli.pipeline import Written

Invert = Callable[..., Written]


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEGMENT_SECONDS", Fraction(1, 5))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_that_is_cut_off_is_translated_as_far_as_it_goes(invert: Invert, tmp_path: Path, name: str) -> None:
    source = Film(frames=24, options={"movflags": "faststart"} if name == "a.mp4" else {}).make(tmp_path / name)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 6 // 10])
    written = invert(source, tmp_path / "b.mp4")
    count = len(times_of(tmp_path / "b.mp4"))
    assert 0 < count < 24
    assert written.shortfall is not None
    assert f"ends early: {count} of 24 frames" in written.shortfall.message


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


@pytest.mark.usefixtures("short_segments")
def test_a_full_disk_keeps_what_is_finished(invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = Film(frames=30).make(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    real, calls = shutil.disk_usage, []

    def usage(path: Path) -> object:
        calls.append(path)
        total, used, free = real(path)
        return type("Usage", (), {"free": free if len(calls) < 3 else 1000})()

    with monkeypatch.context() as patch:
        patch.setattr("ugatit_cli.filming.space.shutil.disk_usage", usage)
        with pytest.raises(ResourceError, match="the film needs about"):
            invert(source, target)
    assert len(list(work_folder(target).glob("*.state"))) == 2
    invert(source, target)
    assert len(times_of(target)) == 30


def test_a_hopeless_disk_is_refused_before_it_begins(
    invert: Invert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ugatit_cli.filming.space.shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**19})())
    with pytest.raises(ResourceError, match="has 0 MB left"):
        invert(Film().make(tmp_path / "a.mp4"), tmp_path / "b.mp4")


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
