"""The two sets that the model learns from, made alike in what a translation should carry over.

    python match.py PORTRAITS DRAWINGS COUNT FOLDER

makes FOLDER/portraits, of the portraits, and FOLDER/drawings, COUNT new pictures of the ToonHead drawings.

A generator that is asked to make pictures like all drawings together changes what differs on average. Here that is less:

- tone of the skin, long hair, buns, dark clothes with a collar, a laugh: drawings are taken about as often as portraits have them.
- background: drawings have twelve plain ones, beige and red among them. Every drawing is put before what stands behind some
  portrait, in flat areas of colour, as if it had been drawn.
- busy backgrounds: one portrait in eight has a flag or shelves. They are taken several times, ever larger, since people
  come closer before a flag than in an official portrait; and of the drawings as many.
- place of the head: the eyes of the drawings are a tenth of the height lower than those of the portraits, so mouths had to
  become eyes. Every drawing is moved up and resized, by an amount of its own, as portraits of its background are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 256
NEAR = 14  # levels: the background of a drawing is flat, but for what JPEG adds

# in every drawing these are in the same place: left, top, right, bottom
CHEEK = (150, 150, 160, 158)
BESIDE_NECK = (76, 184, 86, 192)
ABOVE_HEAD = (122, 4, 134, 12)
LOWER_LIP = (120, 173, 136, 176)
COLLAR = (114, 214, 118, 218)
SLEEVE = (80, 242, 90, 252)
EYES = 0.53  # of the height

# shares of the portraits, by eye; suits are more frequent, but few of the drawings have one
TONES = {(240, 192, 156): 0.50, (192, 132, 120): 0.18, (180, 132, 96): 0.12, (156, 96, 72): 0.11, (84, 48, 36): 0.09}
LONG_HAIR, BUN, SUIT, LAUGH = 0.25, 0.03, 0.45, 0.85
DARK = 90  # level
RED = 3  # levels: a lower lip's difference from the cheek; the other mouth is a line

BUSY = 75  # levels: of portraits whose sides vary more, an eighth
ZOOMS = (1.0, 1.2, 1.4)
EYES_BUSY, EYES_ZOOMED = 0.39, 0.42  # of the height
# of the height, and of the drawing; before a busy background people are photographed smaller
EYES_WANTED = {False: (0.42, 0.49), True: (0.33, 0.45)}
SCALE = {False: (0.90, 1.10), True: (0.72, 1.00)}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Background:
    """What stands behind one person, without the person."""

    picture: Pixels
    busy: bool
    zoom: float = 1.0  # how much larger everything is than in the portrait

    def scale(self, random: np.random.Generator) -> float:
        """Of a drawing that is put before it."""
        return random.uniform(*SCALE[self.busy]) * self.zoom

    def eyes(self, random: np.random.Generator) -> float:
        """Where that drawing's eyes are, of the height."""
        eyes = random.uniform(*EYES_WANTED[self.busy])
        return eyes if self.zoom == 1 else EYES_ZOOMED + (eyes - EYES_BUSY) * self.zoom


def main() -> None:
    portraits, drawings, count, folder = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    random = np.random.default_rng(0)
    part = folder.with_name(folder.name + ".part")
    for name in ("portraits", "drawings"):
        (part / name).mkdir(parents=True, exist_ok=True)
    backgrounds = []
    for path in sorted(portraits.iterdir()):
        portrait = read(path)
        busy = is_busy(portrait)
        behind = drawn_background(portrait) if busy else plain_background(portrait)
        for zoom in ZOOMS if busy else (1.0,):
            backgrounds.append(Background(zoomed(behind, zoom), busy, zoom))
            Image.fromarray(zoomed(portrait, zoom)).save(part / "portraits" / f"{path.stem}-{zoom}.png")
    paths = sorted(drawings.iterdir())
    weights = frequencies([read(path) for path in paths])
    for number, index in enumerate(random.choice(len(paths), count, p=weights)):
        pixels = place(read(paths[index]), backgrounds[random.integers(len(backgrounds))], random)
        Image.fromarray(pixels).save(part / "drawings" / f"{number:04}.png")
    part.rename(folder)
    print(f"{len(backgrounds)} portraits, {count} drawings", file=sys.stderr)


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def colour(picture: Pixels, box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    left, top, right, bottom = box
    found: NDArray[np.float64] = np.median(picture[top:bottom, left:right].reshape(-1, 3), axis=0)
    return found


def frequencies(drawings: list[Pixels]) -> NDArray[np.float64]:
    """With what probability each is taken, so that every trait is about as frequent as wanted: traits are taken for independent."""
    weights = np.ones(len(drawings))
    tones = np.array(list(TONES)) + 6  # they are written down in steps of twelve, from below
    tone = np.array([np.abs(tones - colour(drawing, CHEEK)).sum(axis=1).argmin() for drawing in drawings])
    balance(weights, tone, list(TONES.values()))
    for trait, share in ((has_long_hair, LONG_HAIR), (has_bun, BUN), (wears_suit, SUIT), (laughs, LAUGH)):
        balance(weights, np.array([int(trait(drawing)) for drawing in drawings]), [1 - share, share])
    return weights / weights.sum()


def balance(weights: NDArray[np.float64], trait: NDArray[np.int64], shares: Iterable[float]) -> None:
    for value, share in enumerate(shares):
        having = trait == value
        weights[having] *= share / max(weights[having].sum(), 1e-9)


def has_long_hair(drawing: Pixels) -> bool:
    return not is_background(drawing, BESIDE_NECK)


def has_bun(drawing: Pixels) -> bool:
    return not is_background(drawing, ABOVE_HEAD)


def is_background(drawing: Pixels, box: tuple[int, int, int, int]) -> bool:
    return bool(np.abs(colour(drawing, box) - drawing[2, 2]).max() <= NEAR)


def wears_suit(drawing: Pixels) -> bool:
    red, _, blue = colour(drawing, COLLAR)
    return bool(blue > 220 and blue - red > 20 and colour(drawing, SLEEVE).max() < DARK)


def laughs(drawing: Pixels) -> bool:
    return bool(np.abs(colour(drawing, LOWER_LIP) - colour(drawing, CHEEK)).max() > RED)


def sides(portrait: Pixels) -> tuple[Pixels, Pixels]:
    """What stands at the left and at the right of the head."""
    return portrait[4:90, 2:22], portrait[4:90, -22:-2]


def is_busy(portrait: Pixels) -> bool:
    """Whether one of the sides varies much: the sum of the channels' deviations."""
    return max(float(side.reshape(-1, 3).std(axis=0).sum()) for side in sides(portrait)) > BUSY


def plain_background(portrait: Pixels) -> Pixels:
    """From the colour at the left to that at the right."""
    left, right = (np.median(side.reshape(-1, 3), axis=0) for side in sides(portrait))
    share = np.linspace(0, 1, SIDE)[None, :, None]
    return np.repeat(np.rint(left * (1 - share) + right * share), SIDE, axis=0).astype(np.uint8)


def drawn_background(portrait: Pixels) -> Pixels:
    """What stands behind the person, made up where nobody can see it, in flat areas."""
    small = cv2.resize(portrait, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    person = np.zeros(small.shape[:2], np.uint8)
    cv2.ellipse(person, (64, 60), (38, 58), 0, 0, 360, 255, -1)
    person[84:] = 255
    filled = cv2.inpaint(small, person, 3, cv2.INPAINT_TELEA)
    flat = cv2.pyrMeanShiftFiltering(filled, 6, 24)
    return cv2.resize(flat, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def zoomed(portrait: Pixels, zoom: float) -> Pixels:
    """A part of it at full size, with the eyes where they are in most portraits."""
    if zoom == 1:
        return portrait
    left, top = (1 - 1 / zoom) / 2 * SIDE, (EYES_BUSY - EYES_ZOOMED / zoom) * SIDE
    matrix = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
    return cv2.warpAffine(portrait, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC).astype(np.uint8)


def opacity(drawing: Pixels) -> NDArray[np.float32]:
    """Of the person, 0 to 1: all but what can be reached from the upper corners."""
    inside = np.zeros((drawing.shape[0] + 2, drawing.shape[1] + 2), np.uint8)
    for corner in ((0, 0), (drawing.shape[1] - 1, 0)):
        cv2.floodFill(
            drawing.copy(), inside, corner, (0, 0, 0), (NEAR,) * 3, (NEAR,) * 3, 4 | cv2.FLOODFILL_FIXED_RANGE
        )
    reached = cv2.dilate(inside[1:-1, 1:-1].astype(np.float32), np.ones((3, 3)))
    return 1 - cv2.GaussianBlur(reached, (3, 3), 0)


def place(drawing: Pixels, behind: Background, random: np.random.Generator) -> Pixels:
    """Moved and resized, before that background. Below the drawing come more of the clothes."""
    scale = behind.scale(random)
    down = behind.eyes(random) - scale * EYES
    right = (1 - scale) / 2 + random.uniform(-0.04, 0.04)
    matrix = np.array([[scale, 0, right * SIDE], [0, scale, down * SIDE]])

    def moved(layer: NDArray[np.generic]) -> NDArray[np.float32]:
        longer = np.concatenate([layer, np.repeat(layer[-2:-1], SIDE // 2, axis=0)]).astype(np.float32)
        return cv2.warpAffine(longer, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)

    share = moved(opacity(drawing))[..., None]
    return np.rint(moved(drawing) * share + behind.picture * (1 - share)).astype(np.uint8)


if __name__ == "__main__":
    main()
