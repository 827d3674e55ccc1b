"""What kind of file it is, from its first bytes alone, so that FFmpeg never guesses.

FFmpeg opens playlists, concat scripts and stream descriptions under any name, and then whatever they list: files of this
machine, addresses of the network. Only the kinds below are ever handed to it, each with its name.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final, Literal

from ..errors import BadInputError, RefusedError, UsageError

Animation = Literal["gif", "webp", "png"]
HEAD_BYTES: Final = 1024

_VIDEOS: Final = (  # signature, FFmpeg's demuxer
    (rb".{4}(?:ftyp|moov|mdat|wide|free|skip|pnot)", "mov"),
    (rb"\x1aE\xdf\xa3", "matroska"),
    (rb"RIFF.{4}AVI ", "avi"),
    (rb"FLV\x01", "flv"),
    (rb"OggS", "ogg"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (rb"\0\0\x01\xba", "mpeg"),
    (rb"\x47.{187}\x47.{187}\x47", "mpegts"),
    (rb".{4}\x47.{191}\x47.{191}\x47", "mpegts"),  # with the time stamps of cameras
)
_ANIMATIONS: Final[tuple[tuple[bytes, Animation], ...]] = (
    (rb"GIF8[79]a", "gif"),
    (rb"RIFF.{4}WEBP", "webp"),
    (rb"\x89PNG\r\n\x1a\n", "png"),
)
_REFUSED: Final = (
    (rb"\s*#EXTM3U", "a playlist"),
    (rb"\s*ffconcat ", "a playlist of FFmpeg's"),
    (rb"\s*<\?xml.*<MPD|\s*<MPD", "a playlist (DASH)"),
    (rb"v=0\r?\n", "a description of a network stream"),
)
_STRANGERS: Final = (
    (
        rb"\xff\xd8|BM.{12}[\x0c\x28\x6c\x7c]\0\0\0|II[*+]\0|MM\0[*+]|.{4}ftypavif",
        "a picture",
        "ugatit translate takes it",
    ),
    (rb"\s*<(?:!doctype html|html)", "an HTML page", "the download went wrong: fetch the video itself"),
    (rb"ID3|\xff\xfb|RIFF.{4}WAVE|fLaC", "only audio: there is no video in it", ""),
)


def sniff(path: Path) -> tuple[str, Animation | None]:
    """(FFmpeg's demuxer or "", the kind of animated picture or None) of a regular file.

    Raises:
        UsageError: nothing is there.
        BadInputError: no film, or not readable.
        RefusedError: a playlist.
    """
    head = _head(path)
    if not head:
        raise _bad("it is empty (0 bytes)", "copy or download it again", "video-empty")
    for signature, what in _REFUSED:
        if re.match(signature, head, re.DOTALL | re.IGNORECASE):
            text = f"it is {what}, which would lead to other files or addresses, and not a video"
            raise RefusedError(text, hint="fetch the video itself first", name="video-playlist")
    for signature, what, hint in _STRANGERS:
        if re.match(signature, head, re.DOTALL | re.IGNORECASE):
            raise _bad(f"it is {what}", hint, "video-unknown")
    for signature, kind in _ANIMATIONS:
        if re.match(signature, head, re.DOTALL):
            return "", kind
    for signature, demuxer in _VIDEOS:
        if re.match(signature, head, re.DOTALL):
            return demuxer, None
    raise _bad(
        "it is not a video, or of an unknown format", "mp4, mov, mkv, webm, avi, ts, GIF are read", "video-unknown"
    )


def _head(path: Path) -> bytes:
    try:
        status = os.stat(path)  # before open: opening a device can have effects
        if not stat.S_ISREG(status.st_mode):
            raise _bad("it is no regular file", "", "video-not-a-file")
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise UsageError("it does not exist", hint="check the path", name="input-missing") from error
    except OSError as error:
        raise _bad((error.strerror or str(error)).lower(), "", "video-unreadable") from error


def _bad(text: str, hint: str, name: str) -> BadInputError:
    return BadInputError(text, hint=hint, name=name)
