"""The two sets that the model learns from, made alike in what a translation should carry over.

    python match.py PORTRAITS DRAWINGS COUNT FOLDER

makes FOLDER/portraits, of the portraits, and FOLDER/drawings, COUNT new pictures of the ToonHead drawings.

A generator that is asked to make pictures like all drawings together changes what differs on average. Here that is less:

- tone of the skin, length, shape and colour of the hair, beards, a laugh: drawings are taken about as often as portraits
  have them; none with long hair and a beard, or with a dark skin and fair hair.
- what drawings lack (redraw.py): mouths one can see, and of some of them glasses, bald heads, dark suits and ties.
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
from pathlib import Path

import cv2
import numpy as np
from backgrounds import ZOOMS, Background, is_busy, without_person, zoomed
from numpy.typing import NDArray
from PIL import Image
from redraw import NECK, completed, dressed_for_others
from traits import (
    DARK_TONES,
    EYES,
    SIDE,
    Pixels,
    hair_colour,
    has_beard,
    has_bun,
    has_long_hair,
    has_spikes,
    laughs,
    opacity,
    tone,
)

# shares of the portraits, by eye
TONES = (0.76, 0.08, 0.06, 0.05, 0.05)
HAIRS = {"grey": 0.40, "dark": 0.42, "fair": 0.18}
TRAITS = {has_long_hair: 0.25, has_bun: 0.03, has_spikes: 0.12, has_beard: 0.10, laughs: 0.85}
WIDER = (1.5, 2.1)  # so much wider are the shoulders of portraits than those of a drawing of the whole height
COLLAR_WIDTH, SLOPE = 30, 14  # pixels: from the middle to its edge; the rows in which shoulders become as wide
ROUNDS = 20  # of balancing one trait after the other
HARDLY = 1e-6  # what nobody shall see is taken if there is nothing else


def main() -> None:
    portraits, drawings, count, folder = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    random = np.random.default_rng(0)
    part = folder.with_name(folder.name + ".part")
    for name in ("portraits", "drawings"):
        (part / name).mkdir(parents=True, exist_ok=True)
    backgrounds = []
    for path in sorted(portraits.iterdir()):
        portrait = read(path)
        busy, behind = is_busy(portrait), without_person(portrait)
        for zoom in ZOOMS if busy else (1.0,):
            backgrounds.append(Background(zoomed(behind, zoom), busy, zoom))
            Image.fromarray(zoomed(portrait, zoom)).save(part / "portraits" / f"{path.stem}-{zoom}.png")
    originals = [read(path) for path in sorted(drawings.iterdir())]
    others = dressed_for_others(originals)
    for number, index in enumerate(random.choice(len(originals), count, p=frequencies(originals))):
        drawing = completed(originals[index], others, random)
        pixels = place(drawing, backgrounds[random.integers(len(backgrounds))], random)
        Image.fromarray(pixels).save(part / "drawings" / f"{number:04}.png")
    part.rename(folder)
    print(f"{len(backgrounds)} portraits, {count} drawings", file=sys.stderr)


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def frequencies(drawings: list[Pixels]) -> NDArray[np.float64]:
    """With what probability each is taken, so that every trait is as frequent as wanted, where that is possible."""
    tones = np.array([tone(drawing) for drawing in drawings])
    hairs = np.array([list(HAIRS).index(hair_colour(drawing)) for drawing in drawings])
    having = {trait: np.array([int(trait(drawing)) for drawing in drawings]) for trait in TRAITS}

    weights = np.ones(len(drawings))
    weights[(having[has_long_hair] & having[has_beard]) == 1] = HARDLY
    weights[np.isin(tones, DARK_TONES) & (hairs == list(HAIRS).index("fair"))] = HARDLY
    for _ in range(ROUNDS):
        balance(weights, tones, TONES)
        balance(weights, hairs, HAIRS.values())
        for trait, share in TRAITS.items():
            balance(weights, having[trait], [1 - share, share])
    return weights / weights.sum()


def balance(weights: NDArray[np.float64], trait: NDArray[np.int64], shares: Iterable[float]) -> None:
    for value, share in enumerate(shares):
        having = trait == value
        weights[having] *= share / max(weights[having].sum(), 1e-9)


def place(drawing: Pixels, behind: Background, random: np.random.Generator) -> Pixels:
    """Moved and resized, before that background, with wider shoulders. Below the drawing come more of the clothes."""
    scale = behind.scale(random)
    left = (1 - scale) / 2 + random.uniform(-0.04, 0.04)
    top = behind.eyes(random) - scale * EYES
    wider = max(random.uniform(*WIDER) / scale, 1)
    across, down = np.meshgrid(np.arange(SIDE) - left * SIDE, np.arange(SIDE) - top * SIDE)
    x, y = from_shoulders(across / scale, down / scale, wider)

    def moved(layer: NDArray[np.generic]) -> NDArray[np.float32]:
        longer = np.concatenate([layer, np.repeat(layer[-2:-1], SIDE // 2, axis=0)]).astype(np.float32)
        return cv2.remap(longer, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)

    share = moved(opacity(drawing))[..., None]
    return np.rint(moved(drawing) * share + behind.picture * (1 - share)).astype(np.uint8)


def from_shoulders(
    x: NDArray[np.float64], y: NDArray[np.float64], wider: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in a drawing the points are that shall be at x and y: below the chin, what is beside the collar is so much wider."""
    factor = 1 + (wider - 1) * np.clip((y - NECK) / SLOPE, 0, 1)
    beside = np.maximum(np.abs(x - SIDE / 2) - COLLAR_WIDTH, 0)
    return x - np.sign(x - SIDE / 2) * beside * (1 - 1 / factor), y


if __name__ == "__main__":
    main()
