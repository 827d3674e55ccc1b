"""Of the ToonHead drawings, ones that resemble the portraits in what a translation should carry over: a folder of new pictures.

    python match_drawings.py PORTRAITS DRAWINGS FOLDER

A generator that is asked to make pictures like all drawings together changes what differs on average. Here that is less:

- tone of the skin: drawings have five, each as often, portraits have not. As many are taken of each as follows the order of
  the portraits' brightness of the skin.
- background: drawings have twelve, beige and red among them, portraits mostly blues and dark greys. Every drawing gets the
  background of some portrait.
- place of the head: the eyes of the drawings are a tenth of the height lower than those of the portraits, so mouths had to
  become eyes. Every drawing is moved up, and resized a little, by an amount of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHEEK = (150, 150, 160, 158)  # left, top, right, bottom: skin, in every drawing
MOST = {(84, 48, 36): 70, (156, 96, 72): 140, (180, 132, 96): 260, (192, 132, 120): 320, (240, 192, 156): 420}
EYES = 0.53  # of the height, in every drawing
EYES_WANTED = 0.43, 0.48
SCALE = 0.98, 1.10
COPIES = 2  # of every drawing, each placed and coloured anew
NEAR = 14  # levels: a background is flat, but for what JPEG adds

Pixels = NDArray[np.uint8]


def main() -> None:
    portraits, drawings, folder = map(Path, sys.argv[1:4])
    random = np.random.default_rng(0)
    backgrounds = [background(read(path)) for path in sorted(portraits.iterdir())]
    chosen = choose(sorted(drawings.iterdir()))
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    for path in chosen:
        for copy in range(COPIES):
            colour = backgrounds[random.integers(len(backgrounds))]
            pixels = place(recolour(read(path), colour), colour, random)
            Image.fromarray(pixels).save(part / f"{path.stem}-{copy}.png")
    part.rename(folder)
    print(f"{len(chosen)} drawings, {COPIES} copies of each", file=sys.stderr)


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def choose(paths: list[Path]) -> list[Path]:
    """As many of each tone of the skin as resemble the portraits."""
    tones = np.array(list(MOST))
    left = list(MOST.values())
    chosen = []
    for path in paths:
        nearest = int(np.abs(tones - cheek(path)).sum(axis=1).argmin())
        if left[nearest]:
            left[nearest] -= 1
            chosen.append(path)
    return chosen


def cheek(path: Path) -> NDArray[np.float64]:
    left, top, right, bottom = CHEEK
    skin: NDArray[np.float64] = np.median(read(path)[top:bottom, left:right].reshape(-1, 3), axis=0)
    return skin - 6  # the tones are written down in steps of twelve, from below


def background(portrait: Pixels) -> Pixels:
    """The colour beside the head, on the plainer side: a flag stands on the other."""
    sides = [side.reshape(-1, 3) for side in (portrait[4:100, 2:24], portrait[4:100, -24:-2])]
    plainer = min(sides, key=lambda side: float(side.std(axis=0).sum()))
    return np.median(plainer, axis=0).astype(np.uint8)


def recolour(drawing: Pixels, colour: Pixels) -> Pixels:
    """The background, which is what can be reached from the upper corners, in that colour; edges are blended."""
    inside = np.zeros((drawing.shape[0] + 2, drawing.shape[1] + 2), np.uint8)
    for corner in ((0, 0), (drawing.shape[1] - 1, 0)):
        cv2.floodFill(
            drawing.copy(), inside, corner, (0, 0, 0), (NEAR,) * 3, (NEAR,) * 3, 4 | cv2.FLOODFILL_FIXED_RANGE
        )
    reached = inside[1:-1, 1:-1].astype(np.float32)
    share = cv2.GaussianBlur(cv2.dilate(reached, np.ones((3, 3))), (3, 3), 0)[..., None]
    return (drawing * (1 - share) + colour * share).astype(np.uint8)


def place(drawing: Pixels, colour: Pixels, random: np.random.Generator) -> Pixels:
    """Moved and resized. Beside the drawing comes more background, below it more of the clothes."""
    side = len(drawing)
    scale = random.uniform(*SCALE)
    down = random.uniform(*EYES_WANTED) - scale * EYES
    right = (1 - scale) / 2 + random.uniform(-0.04, 0.04)
    matrix = np.array([[scale, 0, right * side], [0, scale, down * side]])
    longer = np.concatenate([drawing, np.repeat(drawing[-2:-1], side // 4, axis=0)])
    return cv2.warpAffine(
        longer, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=colour.tolist()
    )


if __name__ == "__main__":
    main()
