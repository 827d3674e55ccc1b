"""One picture of all pictures in a folder, five in a row.

python sheet.py FOLDER SHEET.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

COLUMNS, SIDE = 5, 192


def main() -> None:
    folder, sheet = map(Path, sys.argv[1:3])
    pictures = sorted(folder.glob("*.png"))
    rows = -(-len(pictures) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE), "white")
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        with Image.open(picture) as image:
            canvas.paste(
                image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), (column * SIDE, row * SIDE)
            )
    canvas.save(sheet, quality=92)


if __name__ == "__main__":
    main()
