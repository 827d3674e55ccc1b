"""A camera's picture, translated while it runs: frames are left out rather than shown late."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from .. import framing, images
from ..backends import Backend
from ..errors import DeviceError
from ..images.attention import heatmap_overlay
from ..pipeline.stream import close
from ..pipeline.writing import visible_heatmap
from ..video.frames import Pixels
from ..video.opening import open_source
from ..video.scaling import resized
from .settings import FilmSettings

TITLE = "ugatit"
PATIENCE = 0.1  # seconds for which nobody asks whether to stop
SMOOTHED = 0.9  # share of what was, in the frames a second that are shown
QUIT_KEYS = frozenset({ord("q"), 27})  # 27 is Escape


class View(Protocol):
    """Where pictures are shown."""

    def show(self, pixels: Pixels, text: str) -> bool:
        """Whether it is still open; `text` is put on the picture."""
        ...


@dataclass(frozen=True)
class LiveReport:
    """What became of the camera's frames."""

    shown: int
    dropped: int
    seconds: float


class Latest:
    """The newest frame of a source that does not wait, kept by a thread of its own."""

    def __init__(self, frames: Callable[[threading.Event], Iterator[Pixels]]) -> None:
        """`frames` gets what is set when no more of them are wanted."""
        self._closed = threading.Event()
        self._frames = frames(self._closed)
        self._news = threading.Condition()
        self._frame: Pixels | None = None
        self._error: Exception | None = None
        self._open = True
        self.dropped = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def take(self, stopped: Callable[[], bool]) -> Pixels | None:
        """The newest frame that was not taken yet; None at the end, or if `stopped`. Raises what the source raised."""
        with self._news:
            while not self._news.wait_for(lambda: self._frame is not None or not self._open, PATIENCE):
                if stopped():
                    return None
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        with self._news:
            self._open = False
        self._closed.set()
        self._thread.join()

    def _read(self) -> None:
        try:
            for frame in self._frames:
                with self._news:
                    if not self._open:
                        return
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._news.notify()
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the frames
            self._error = error
        finally:
            close(self._frames)
            with self._news:
                self._open = False
                self._news.notify()


def show_live(
    device: int | str,
    backend: Backend,
    shape: framing.Framing,
    settings: FilmSettings,
    view: View,
    stopped: Callable[[], bool],
) -> LiveReport:
    """Until the window is closed, the camera ends, or `stopped` says so.

    Raises:
        DeviceError: there is no such camera.
    """
    latest = Latest(partial(_from_file, Path(device)) if isinstance(device, str) else lambda _: _from_camera(device))
    begun = last = time.perf_counter()
    shown, rate = 0, 0.0
    try:
        while not stopped() and (frame := latest.take(stopped)) is not None:
            pixels = _translated(frame, backend, shape, settings)
            now = time.perf_counter()
            speed = 1 / max(now - last, 1e-6)
            rate, last = (SMOOTHED * rate + (1 - SMOOTHED) * speed if shown else speed), now
            shown += 1
            if not view.show(pixels, f"{rate:.1f} fps"):
                break
    finally:
        latest.close()
    return LiveReport(shown, latest.dropped, time.perf_counter() - begun)


def _translated(frame: Pixels, backend: Backend, shape: framing.Framing, settings: FilmSettings) -> Pixels:
    framed, to = framing.frame(frame, shape), settings.pictures.output_size
    source = framing.source_part(frame, framed, to=to)
    size = source.shape[1], source.shape[0]
    if "heatmap" in settings.extras:
        translated, heatmaps = backend.translate_with_heatmap(framed.pixels[None])
        panels = [heatmap_overlay(source, visible_heatmap(heatmaps[0], framed))]
    else:
        translated, panels = backend(framed.pixels[None]), []
    panels.append(resized(framing.restore(translated[0], framed, to="model"), *size))
    if "compare" in settings.extras:
        panels.insert(0, source)
    result = panels[0]
    for panel in panels[1:]:
        result = images.side_by_side(result, panel)
    return result


def _from_file(path: Path, closed: threading.Event) -> Iterator[Pixels]:
    """A file as if it were a camera: every frame at its time, whether somebody takes it or not."""
    source = open_source(path)
    begun = time.perf_counter()
    for frame in source.frames():
        shown_at = float(frame.pts * source.facts.time_base - source.facts.zero)
        if closed.wait(max(0.0, shown_at - (time.perf_counter() - begun))):
            return
        yield frame.pixels


def _from_camera(number: int) -> Iterator[Pixels]:
    """Opened at once: macOS asks for leave to use it in the main thread alone."""
    return _frames(load_opencv().VideoCapture(number), number)


def _frames(capture: Any, number: int) -> Iterator[Pixels]:
    try:
        there, frame = capture.read()
        if not there:
            text = f"there is no camera {number}, or another program uses it"
            allow = "allow this terminal to use it (System Settings, Privacy & Security, Camera), or "
            hint = f"{allow if sys.platform == 'darwin' else ''}try camera:1, or a file: camera:clip.mp4"
            raise DeviceError(text, hint=hint, name="camera-missing")
        while there:
            yield frame[..., ::-1]  # OpenCV says B G R
            there, frame = capture.read()
    finally:
        capture.release()


class Window:
    """The `View` contract by OpenCV."""

    def __init__(self) -> None:
        """Raises DeviceError where there is no display, or OpenCV was built without windows."""
        self._cv2 = load_opencv()
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise _no_display("neither DISPLAY nor WAYLAND_DISPLAY is set")
        try:
            self._cv2.namedWindow(TITLE, self._cv2.WINDOW_NORMAL)
        except self._cv2.error as error:
            raise _no_display("this OpenCV was built without windows") from error

    def show(self, pixels: Pixels, text: str) -> bool:
        cv2 = self._cv2
        picture = pixels[..., ::-1].copy()
        for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(picture, text, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, thickness, cv2.LINE_AA)
        cv2.imshow(TITLE, picture)
        if cv2.waitKey(1) & 0xFF in QUIT_KEYS:
            return False
        return bool(cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) > 0)

    def close(self) -> None:
        with suppress(self._cv2.error):
            self._cv2.destroyWindow(TITLE)


def load_opencv() -> Any:
    try:
        import cv2
    except ImportError as error:  # most often libGL.so.1, on a machine without a screen
        text = f"the camera needs OpenCV, which does not load here: {error}"
        raise DeviceError(text, hint="on Linux install libgl1", name="opencv-missing") from error
    return cv2


def _no_display(reason: str) -> DeviceError:
    hint = "run it on a desktop, or translate a file: ugatit video clip.mp4 drawn.mp4"
    return DeviceError(f"there is no display to show the camera on: {reason}", hint=hint, name="display-missing")
