"""Text subtitles from one container's way to write them to another's."""

from __future__ import annotations

import re
import struct
from typing import Final

WRITTEN_AS: Final = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
TEXT_CODECS: Final = frozenset({"subrip", "srt", "text", "mov_text", "webvtt", "ass", "ssa"})
ASS_FIELDS: Final = 8  # before the text of a packet (Matroska's way to hold ASS)

STYLE: Final = (
    "[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n[V4+ Styles]\r\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    "Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\r\n\r\n[Events]\r\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
).encode("ascii")
"""How text looks, in the form in which FFmpeg's encoders want to know it: white, small, at the bottom."""


def text_of(codec: str, data: bytes) -> str:
    """What a packet shows, without styles."""
    if codec == "mov_text":
        (length,) = struct.unpack_from(">H", data) if len(data) >= 2 else (0,)
        data = data[2 : 2 + length]
    text = data.decode("utf-8", "replace")
    if codec in ("ass", "ssa"):
        text = re.sub(r"\\[Nn]", "\n", re.sub(r"\{[^}]*\}", "", text.split(",", ASS_FIELDS)[-1]))
    return text


def packet_of(codec: str, text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data if codec == "mov_text" else data
