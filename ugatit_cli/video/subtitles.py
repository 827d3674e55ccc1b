"""Text subtitles from one container's way to write them to another's."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
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
    if codec in ("subrip", "srt"):
        text = re.sub(r"</?[a-zA-Z][^>]*>|\{\\[^}]*\}", "", text)
    if codec == "webvtt":
        text = unescape(re.sub(r"<[^>]*>", "", text))
    return text


def packet_of(codec: str, text: str) -> bytes:
    data = (escape(text, quote=False) if codec == "webvtt" else text).encode()
    return struct.pack(">H", len(data)) + data if codec == "mov_text" else data


@dataclass(frozen=True)
class Cue:
    """A text, and from when until when it is shown, in ticks."""

    begin: int
    end: int
    text: str


class OneAtATime:
    """Cues for MP4, which shows one at a time: where several are shown together, one says what all of them say."""

    def __init__(self) -> None:
        self._shown: list[Cue] = []
        self._told = 0  # up to here, all is given out

    def add(self, cue: Cue) -> Iterator[Cue]:
        """What is known once `cue` begins; cues come in the order in which they begin."""
        yield from self.until(cue.begin)
        self._told = max(self._told, cue.begin)
        self._shown.append(cue)

    def until(self, time: int | None) -> Iterator[Cue]:
        """All that is shown before `time`; None is the end."""
        while self._shown and (time is None or self._told < time):
            end = min(cue.end for cue in self._shown)
            end = end if time is None else min(end, time)
            if end > self._told:
                yield Cue(self._told, end, "\n".join(cue.text for cue in self._shown))
            self._told = max(end, self._told)
            self._shown = [cue for cue in self._shown if cue.end > self._told]
