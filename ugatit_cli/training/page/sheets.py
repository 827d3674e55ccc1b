"""The sample sheets that the page carries: few and small enough, over the whole run."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, TypeVar

from PIL import Image

T = TypeVar("T")

MOST: Final = 40
MOST_BYTES: Final = 7_000_000  # of all pictures; as text they grow by a third, and the page shall stay under 10 MB
WIDEST: Final = 1360  # pixels, of a sheet that is too heavy as it is
QUALITY: Final = 82
NAME: Final = re.compile(r"step-(\d{8,12})\.jpg")


def read_sheets(folder: Path) -> list[dict[str, Any]]:
    """Sheets in the order of their steps: `step`, `source` (a data: address), `file` relative to the run's folder.

    Of many, every second, fourth ... and always the newest, until they fit: as the run goes on, most stay the same.

    Raises:
        OSError: a sheet is there and cannot be read.
    """
    found = sorted((int(match[1]), path) for path in folder.glob("*.jpg") if (match := NAME.fullmatch(path.name)))
    stride = 1
    while len(thinned := _thinned(found, stride)) > MOST:
        stride *= 2
    pictures = {path: data for _, path in thinned if (data := _picture(path))}
    while sum(map(len, pictures.values())) > MOST_BYTES and len(pictures) > 2:
        pictures = dict(_thinned(list(pictures.items()), 2))
    steps = {path: step for step, path in thinned}
    return [
        {"step": steps[path], "source": _address(data), "file": f"{folder.name}/{path.name}"}
        for path, data in pictures.items()
    ]


def _thinned(items: list[T], stride: int) -> list[T]:
    return items[:-1:stride] + items[-1:]


def _address(data: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(data).decode()}"


def _picture(path: Path) -> bytes:
    """A JPEG no wider than the page needs; nothing if it went away or is damaged."""
    try:
        return _small(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, IsADirectoryError):
        return b""


@lru_cache(maxsize=2 * MOST)
def _small(path: Path, _changed: int) -> bytes:
    """Kept, because the page is built again after every sheet."""
    data = path.read_bytes()
    try:
        image = Image.open(BytesIO(data), formats=["JPEG"])
        if len(data) <= MOST_BYTES // MOST:
            return data
        image.thumbnail((WIDEST, image.height), reducing_gap=1.0)  # decodes at a half or a quarter where that is enough
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow says of a damaged file
        return b""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
