"""A file in place of a camera, and a list in place of a window."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from films import Film
from PIL import Image
from pipeline.inverting import InvertingBackend

from ugatit_cli.errors import DeviceError
from ugatit_cli.filming import FilmSettings, camera, camera_device
from ugatit_cli.filming.camera import LiveReport, Window, show_live
from ugatit_cli.framing import Framing
from ugatit_cli.pipeline import Settings
from ugatit_cli.pipeline.destination import Extra


class Screen:
    def __init__(self, most: int = 1000) -> None:
        self.pictures: list[np.ndarray] = []
        self.texts: list[str] = []
        self.most = most

    def show(self, pixels: np.ndarray, text: str) -> bool:
        self.pictures.append(pixels)
        self.texts.append(text)
        return len(self.pictures) < self.most


def play(clip: Path, screen: Screen, *extras: Extra, seconds: float = 0.0) -> LiveReport:
    settings = FilmSettings(Settings(None, None, "stretch", "source", 95), extras=extras)
    backend = InvertingBackend(seconds=seconds)
    return show_live(str(clip), backend, Framing("stretch", 64, True), settings, screen, lambda: False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Film(frames=30).make(tmp_path_factory.mktemp("clips") / "a.mp4")


def test_what_is_fast_enough_is_shown_at_its_time(clip: Path) -> None:
    screen, begun = Screen(), time.monotonic()
    report = play(clip, screen)
    assert 0.9 < time.monotonic() - begun < 3
    assert report.shown == len(screen.pictures) > 20
    assert screen.pictures[0].shape == (48, 64, 3)
    assert screen.texts[-1].endswith(" fps")


def test_an_animated_picture_in_place_of_a_camera(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), (60 * number, 0, 0)) for number in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    assert play(tmp_path / "a.gif", Screen()).shown == 3


def test_a_film_whose_clock_does_not_begin_at_0(tmp_path: Path) -> None:
    clip = Film(frames=6, times=[90_000 * 1440 + 3000 * number for number in range(6)]).make(tmp_path / "a.ts")
    begun = time.monotonic()
    assert play(clip, Screen()).shown > 0
    assert time.monotonic() - begun < 5


def test_what_waits_for_a_frame_is_stopped_and_so_is_its_thread(tmp_path: Path) -> None:
    clip = Film(frames=3, times=[0, 3000, 90_000 * 30]).make(tmp_path / "a.mkv")
    settings, begun = FilmSettings(Settings(None, None, "stretch", "source", 95)), time.monotonic()
    shape, screen = Framing("stretch", 64, True), Screen()
    show_live(str(clip), InvertingBackend(), shape, settings, screen, lambda: time.monotonic() - begun > 1)
    assert time.monotonic() - begun < 5
    assert screen.pictures


def test_frames_are_left_out_rather_than_late(clip: Path) -> None:
    begun = time.monotonic()
    report = play(clip, Screen(), seconds=0.2)
    assert time.monotonic() - begun < 2, "a second of film, and the last frame"
    assert report.dropped > 15
    assert report.shown + report.dropped <= 30


def test_panels(clip: Path) -> None:
    screen = Screen(most=2)
    play(clip, screen, "heatmap", "compare")
    assert screen.pictures[0].shape == (48, 3 * 64, 3)
    assert len(screen.pictures) == 2, "closing the window ends it"


def test_a_camera_is_opened_by_the_main_thread(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There alone macOS asks whether it may; its frames are read by another one."""
    opened = []

    class Capture:
        def __init__(self, number: int) -> None:
            opened.append((number, threading.current_thread()))
            self.left = 2

        def read(self) -> tuple[bool, np.ndarray]:
            self.left -= 1
            return self.left >= 0, np.zeros((48, 64, 3), np.uint8)

        def release(self) -> None:
            opened.append((-1, threading.current_thread()))

    monkeypatch.setattr(camera, "load_opencv", lambda: SimpleNamespace(VideoCapture=Capture))
    settings = FilmSettings(Settings(None, None, "stretch", "source", 95))
    shape = Framing("stretch", 64, True)
    assert show_live(7, InvertingBackend(), shape, settings, Screen(), lambda: False).shown in (1, 2)
    assert opened[0] == (7, threading.main_thread()) and opened[1][0] == -1


def test_names_of_cameras() -> None:
    assert [camera_device(word) for word in ("camera:0", "camera:", "camera:a.mp4", "a.mp4")] == [0, 0, "a.mp4", None]


def test_no_camera_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FilmSettings(Settings(None, None, "stretch", "source", 95))
    with pytest.raises(DeviceError, match="there is no camera 99"):
        show_live(99, InvertingBackend(), Framing("stretch", 64, True), settings, Screen(), lambda: False)


def test_no_display_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(DeviceError, match="no display"):
        Window()
