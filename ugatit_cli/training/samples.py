"""Sample sheets: the same pictures over time, so that progress can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .. import images
from ..errors import DeviceError, UgatitError
from ..files import write_atomically, writing
from ..network import Translation
from .data import to_tensor
from .step import Trainer

ROWS = 8
HEADINGS = (
    ("input A", "attention", "A to B", "and back to A", "A to A"),
    ("input B", "attention", "B to A", "and back to B", "B to B"),
)
COLUMNS = len(HEADINGS[0])
QUALITY = 92

SMALLEST, LARGEST = 96, 256  # sides of a cell: headings must fit, and eight rows of 1024 would be a poster
GAP = 2  # pixels around a cell
HALVES_GAP = 12  # between A's half and B's
HEADING_HEIGHT, HEADING_SIZE = 20, 12
GROUND, INK = (30, 31, 34), (214, 216, 220)  # calm beside pictures, on a light page and on a dark one

Translate = Callable[..., Translation]


def to_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """float (N, 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3), rounded as the official code's writer does."""
    levels = (pictures.float() * 0.5 + 0.5).mul(255).round().clamp(0, 255).byte()
    pixels: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def write_sample_sheet(path: Path, trainer: Trainer, pictures_a: list[Path], pictures_b: list[Path]) -> None:
    """A JPEG with a row for up to eight pictures of each domain, spread over its list; A on the left, B on the right.

    A row shows a picture, where the generator looks, its translation, the way back, and the picture put through the
    generator into its own domain, by the running averages. One picture at a time: three forward passes a row. A
    picture that can no longer be read leaves its row empty, as no training should end for that.

    Raises:
        OutputError, ResourceError: the file cannot be written.
    """
    a2b, b2a = (trainer.averages[name] for name in ("generator_a2b", "generator_b2a"))
    chosen = _spread(pictures_a), _spread(pictures_b)
    layout = _Layout(_cell_side(trainer.config.size), max(map(len, chosen)))
    sheet = layout.empty_sheet()
    with torch.inference_mode():
        for half, (paths, there, back) in enumerate(zip(chosen, (a2b, b2a), (b2a, a2b), strict=True)):
            for row, picture in enumerate(paths):
                for column, cell in enumerate(_cells(picture, there, back, trainer)):
                    sheet.paste(layout.fitted(cell), layout.corner(half, row, column))
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
    write_atomically(path, images.encode(np.asarray(sheet), format="jpg", quality=QUALITY))


@dataclass(frozen=True)
class _Layout:
    """Where things are on a sheet, in pixels; both halves mirror each other's places, so that its middle parts them."""

    side: int
    rows: int

    @property
    def half_width(self) -> int:
        return COLUMNS * (self.side + 2 * GAP)

    def corner(self, half: int, row: int, column: int) -> tuple[int, int]:
        """Left and top of a cell; row -1 is the heading's."""
        pitch = self.side + 2 * GAP
        left = half * (self.half_width + HALVES_GAP) + column * pitch + GAP
        return left, GAP if row < 0 else HEADING_HEIGHT + row * pitch + GAP

    def empty_sheet(self) -> Image.Image:
        width = 2 * self.half_width + HALVES_GAP
        sheet = Image.new("RGB", (width, HEADING_HEIGHT + self.rows * (self.side + 2 * GAP)), GROUND)
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(HEADING_SIZE)
        for half, headings in enumerate(HEADINGS):
            for column, text in enumerate(headings):
                left, top = self.corner(half, -1, column)
                draw.text((left + GAP, top), text, INK, font)
        return sheet

    def fitted(self, cell: NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(cell).resize((self.side, self.side), Image.Resampling.BICUBIC)


def _cell_side(size: int) -> int:
    """Small pictures grow by a whole factor."""
    return min(size * -(-SMALLEST // size), LARGEST)


def _spread(paths: list[Path]) -> list[Path]:
    """Up to eight, evenly over the list, always the same."""
    return paths if len(paths) <= ROWS else [paths[number * len(paths) // ROWS] for number in range(ROWS)]


def _cells(path: Path, there: Translate, back: Translate, trainer: Trainer) -> list[NDArray[np.uint8]]:
    """One row, each uint8 (size, size, 3); nothing for a picture that cannot be read."""
    size = trainer.config.size
    try:
        source = images.resize(images.read(path).pixels, size, size)
    except UgatitError:
        return []
    real = to_tensor(source[None]).to(trainer.device)  # 1 3 H W
    fake = there(real, heatmap=True)
    made = torch.cat([fake.image, back(fake.image).image, back(real).image])  # 3 3 H W
    return [source, _attention(source, fake), *to_pixels(made)]


def _attention(source: NDArray[np.uint8], fake: Translation) -> NDArray[np.uint8]:
    """The picture under its heat-map; on machines where OpenCV does not load, an empty cell."""
    assert fake.heatmap is not None
    try:
        return images.heatmap_overlay(source, fake.heatmap[0, 0].float().cpu().numpy())
    except DeviceError:
        return np.full_like(source, GROUND)
