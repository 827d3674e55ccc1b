"""OpenCV and Pillow: a few pixels written and read in every format that the program uses them for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

BY_OPENCV = ("png", "jpg")
BY_PILLOW = ("webp", "avif", "tiff")


def answers(library: str) -> Iterator[dict[str, Any]]:
    yield from _opencv() if library == "opencv" else _pillow()


def _opencv() -> Iterator[dict[str, Any]]:
    import cv2
    import numpy as np

    yield {"version": cv2.__version__}
    pixels = np.full((16, 16, 3), 100, np.uint8)
    formats = {}
    for ending in BY_OPENCV:
        written, data = cv2.imencode(f".{ending}", pixels)
        back = cv2.imdecode(data, cv2.IMREAD_COLOR) if written else None
        formats[ending] = back is not None and back.shape == pixels.shape
    yield {"formats": formats}


def _pillow() -> Iterator[dict[str, Any]]:
    import PIL
    from PIL import Image

    yield {"version": PIL.__version__}
    formats = {}
    for ending in BY_PILLOW:
        buffer = io.BytesIO()
        try:
            Image.new("RGB", (16, 16), (100, 100, 100)).save(buffer, ending.upper())
            Image.open(buffer).load()
            formats[ending] = True
        except (OSError, KeyError):  # a build that lacks the format's library does not know its name
            formats[ending] = False
    yield {"formats": formats}
