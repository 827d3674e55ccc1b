"""Films made from one photograph, and generators whose flicker is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ugatit_cli.backends.holding import Held
from ugatit_cli.steadying.flicker import change_along
from ugatit_cli.steadying.motion import find_motion

PHOTOGRAPH = Path(__file__).resolve().parents[2] / "examples" / "hopper.jpg"

Pixels = NDArray[np.uint8]


def photograph(size: int = 64) -> Pixels:
    picture = cv2.imread(str(PHOTOGRAPH))
    assert picture is not None
    return np.ascontiguousarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)[..., ::-1])


def levels(numbers: NDArray[np.floating]) -> Pixels:
    rounded: Pixels = np.rint(numbers).clip(0, 255).astype(np.uint8)
    return rounded


def moved(frame: Pixels, right: float, down: float = 0) -> Pixels:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = frame.shape[1], frame.shape[0]
    return levels(np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)))


def with_square(frame: Pixels, left: int, top: int = 40, side: int = 14) -> Pixels:
    film = frame.copy()
    film[top : top + side, max(0, left) : max(0, left + side)] = (250, 240, 90)
    return film


def crossing(frames: int, size: int = 64) -> list[Pixels]:
    """A bright square crosses the photograph."""
    return [with_square(photograph(size), int(left)) for left in np.linspace(-14, size, frames)]


def dimming(frames: int) -> list[Pixels]:
    """The light goes down and up again, in steps."""
    gains = np.where(np.arange(frames) % 6 < 3, 1.0, 0.8)
    return [levels(photograph() * gain) for gain in gains]


def noisy(frames: int) -> list[Pixels]:
    random = np.random.default_rng(0)
    return [levels(photograph() + random.normal(0, 5, (64, 64, 3))) for _ in range(frames)]


def flicker(film: list[Pixels], shown: list[Pixels]) -> float:
    pairs = zip(film, film[1:], shown, shown[1:], strict=False)
    return float(np.mean([change_along(find_motion(*pair[:2]), *pair[2:]) for pair in pairs]))


class Plain:
    """Shows the frames as they are, and knows nothing of statistics."""

    name, provider, device, image_size, any_size = "plain", "none", "cpu", 64, True

    def __init__(self) -> None:
        self.frames = 0

    def __call__(self, pictures: Pixels) -> Pixels:
        self.frames += len(pictures)
        return pictures

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
        return self(pictures), pictures[:, ::4, ::4, 0].astype(np.float32)


class Normalising(Plain):
    """Scales each frame to a mean of 100 levels, as a normalisation would: what is bright in one place darkens all others."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0

    def __call__(self, pictures: Pixels) -> Pixels:
        return self.measure(pictures).pictures

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
        return self(pictures), pictures[:, ::4, ::4, 0].astype(np.float32)

    def measure(self, pictures: Pixels, *, heatmap: bool = False) -> Held:
        self.frames += len(pictures)
        return self._by(pictures, (100 / pictures.mean(axis=(1, 2, 3)))[:, None].astype(np.float32), heatmap)

    def translate_held(self, pictures: Pixels, statistics: NDArray[np.float32], *, heatmap: bool = False) -> Held:
        self.held += len(pictures)
        return self._by(pictures, statistics, heatmap)

    def _by(self, pictures: Pixels, statistics: NDArray[np.float32], heatmap: bool) -> Held:
        heatmaps = pictures[:, ::4, ::4, 0].astype(np.float32) if heatmap else None
        return Held(levels(pictures * statistics[..., None, None]), heatmaps, statistics)
