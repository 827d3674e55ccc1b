"""Of the ToonHead drawings, as many of each skin tone as resemble the portraits: a folder of links.

    python choose_drawings.py TRAIN_B FOLDER

The drawings have five tones, each as often. The portraits have not, and a generator that is asked to make pictures like all the
drawings together makes pale people darker. How many of each are taken follows the order of the portraits' brightness of the skin.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

CHEEK = (150, 150, 160, 158)  # left, top, right, bottom: skin, in every drawing
MOST = {(84, 48, 36): 70, (156, 96, 72): 140, (180, 132, 96): 260, (192, 132, 120): 320, (240, 192, 156): 420}


def main() -> None:
    source, folder = map(Path, sys.argv[1:3])
    pictures = sorted(source.iterdir())
    tones = np.array(list(MOST))
    left = list(MOST.values())
    chosen = []
    for picture in pictures:
        nearest = int(np.abs(tones - cheek(picture)).sum(axis=1).argmin())
        if left[nearest]:
            left[nearest] -= 1
            chosen.append(picture)
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    for picture in chosen:
        link = part / picture.name
        link.unlink(missing_ok=True)
        link.symlink_to(picture.resolve())
    part.rename(folder)
    print(f"{len(chosen)} of {len(pictures)} drawings", file=sys.stderr)


def cheek(picture: Path) -> np.ndarray:
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB").crop(CHEEK)).reshape(-1, 3)
    return np.median(pixels, axis=0) - 6  # the tones are written down in steps of twelve, from below


if __name__ == "__main__":
    main()
