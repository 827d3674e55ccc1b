"""How a picture of any size meets the size a generator works at, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .config import SIZE_MULTIPLE
from .errors import UsageError

Pixels = NDArray[np.uint8]
Fit = Literal["keep", "stretch", "crop", "pad"]
OutputSize = Literal["source", "model"]
Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

MIN_SIZE = 16  # at a quarter of it, reflection padding still finds pixels to reflect
MAX_ASPECT = 4  # a longer picture is squeezed: memory must not grow with 4000 x 1


@dataclass(frozen=True)
class Framing:
    """What to do with every picture of a run.

    Attributes:
        fit: `keep` shows all of the picture in its own proportions; `stretch` all of it, squared; `crop` its middle
            square; `pad` all of it, with mirrored pixels around it to make a square.
        size: the side, or for `keep` on an any-size model the shorter side, that the generator sees.
        any_size: whether the model takes rectangles; on one that does not, `keep` is `pad`.
    """

    fit: Fit
    size: int
    any_size: bool

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise UsageError(f"unknown fit {self.fit!r}", hint=f"choose one of {', '.join(get_args(Fit))}", name="fit")
        if self.size < MIN_SIZE or self.size % SIZE_MULTIPLE:
            raise UsageError(
                f"the size must be a multiple of {SIZE_MULTIPLE} and at least {MIN_SIZE}, not {self.size}",
                hint=f"try {max(MIN_SIZE, _multiple(self.size))}",
                name="size",
            )


@dataclass(frozen=True, eq=False)
class Framed:
    """A picture as the generator sees it, and what is needed to go back.

    Attributes:
        pixels: uint8 (h, w, 3), h and w multiples of 4.
        source_box: the part of the source that is shown; all of it, but for `crop`.
        content: where it is shown in `pixels`; the rest is padding.
        notes: what the user should know about it, a plain sentence each.
    """

    pixels: Pixels
    source_box: Box
    content: Box
    notes: tuple[str, ...] = ()


def frame(pixels: Pixels, framing: Framing) -> Framed:
    """`pixels` uint8 (H, W, 3), any H and W from 1 on, as the generator shall see it."""
    height, width = pixels.shape[:2]
    size = framing.size
    everything = (0, 0, width, height)
    if framing.fit == "crop":
        box = _middle_square(width, height)
        return Framed(_resize(_cut(pixels, box), size, size), box, (0, 0, size, size))
    if framing.fit == "pad" or (framing.fit == "keep" and not framing.any_size):
        return _pad(pixels, size)
    columns, rows = (size, size) if framing.fit == "stretch" else _kept_sides(width, height, size)
    return Framed(_resize(pixels, columns, rows), everything, (0, 0, columns, rows))


def restore(output: Pixels, framed: Framed, *, to: OutputSize) -> Pixels:
    """The generator's output without padding: as it is (`model`), or at the size of the source's part (`source`).

    `output` uint8 (h, w, 3) has the shape of `framed.pixels`.
    """
    if output.shape != framed.pixels.shape:
        raise ValueError(f"output {output.shape} does not belong to a frame of {framed.pixels.shape}")
    inside = _cut(output, framed.content)
    if to == "model":
        return inside
    return _resize(
        inside, *_sides(framed.source_box), Image.Resampling.BICUBIC
    )  # mostly enlarged: bilinear would show its facets


def source_part(plane: Pixels, framed: Framed, *, to: OutputSize) -> Pixels:
    """What `restore` returns beside the source: the same part of `plane`, (H, W, 3) or (H, W), at the same size.

    For the source's transparency, and for its half of a comparison.
    """
    part = _cut(plane, framed.source_box)
    return part if to == "source" else _resize(part, *_sides(framed.content))


def _middle_square(width: int, height: int) -> Box:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _kept_sides(width: int, height: int, size: int) -> tuple[int, int]:
    """(columns, rows): the shorter is `size`, the longer in proportion, to the nearest multiple of 4."""
    longer = _multiple(min(size * max(width, height) / min(width, height), size * MAX_ASPECT))
    return (longer, size) if width > height else (size, longer)


def _multiple(side: float) -> int:
    return round(side / SIZE_MULTIPLE) * SIZE_MULTIPLE


def _pad(pixels: Pixels, size: int) -> Framed:
    height, width = pixels.shape[:2]
    columns = max(1, round(size * width / max(width, height)))
    rows = max(1, round(size * height / max(width, height)))
    left, top = (size - columns) // 2, (size - rows) // 2
    margins = ((top, size - rows - top), (left, size - columns - left), (0, 0))
    # mirrored pixels look like more of the picture, where bars would be translated into something
    square = np.pad(_resize(pixels, columns, rows), margins, mode="reflect")
    return Framed(square, (0, 0, width, height), (left, top, left + columns, top + rows))


def _cut(plane: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return np.ascontiguousarray(plane[top:bottom, left:right])


def _sides(box: Box) -> tuple[int, int]:
    left, top, right, bottom = box
    return right - left, bottom - top


def _resize(plane: Pixels, width: int, height: int, how: Image.Resampling = Image.Resampling.BILINEAR) -> Pixels:
    """Pillow's antialiased resize; bilinear, as in the official preprocessing, unless told otherwise."""
    return np.array(Image.fromarray(plane).resize((width, height), how))
