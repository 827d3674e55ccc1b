"""Which films are read and written, by their names; what decides on reading is `sniffing`, the content."""

from __future__ import annotations

import os
from typing import Final, Literal

Codec = Literal["h264", "hevc", "vp9", "av1"]

VIDEO_SUFFIXES: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv"}
    | {".3gp", ".m4a"}
)
"""What people call video files; any of them is read. An .m4a can hold a film, and if it does not, it is told so."""

CONTAINERS: Final[dict[str, tuple[str, tuple[Codec, ...]]]] = {
    ".mp4": ("mp4", ("h264", "hevc", "av1", "vp9")),
    ".m4v": ("mp4", ("h264", "hevc")),
    ".mov": ("mov", ("h264", "hevc")),
    ".mkv": ("matroska", ("h264", "hevc", "vp9", "av1")),
    ".webm": ("webm", ("vp9", "av1")),
}
"""Video files that are written: FFmpeg's name for the container, and the codecs that it holds, the usual one first."""

ANIMATIONS: Final = {".gif": "gif", ".webp": "webp", ".apng": "apng", ".png": "apng"}
"""Animated pictures that are written."""

DEFAULT_SUFFIX: Final = ".mp4"


def suffix_of(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def is_video_name(name: str) -> bool:
    return suffix_of(name) in VIDEO_SUFFIXES


def writable_suffix(name: str) -> str:
    """The ending for a result that is named after `name`: its own where that can be written."""
    suffix = suffix_of(name)
    return suffix if suffix in CONTAINERS or suffix in ANIMATIONS else DEFAULT_SUFFIX
