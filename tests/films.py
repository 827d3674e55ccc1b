"""Films for tests, made by PyAV, and what is in a film, stream by stream."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

TICKS = Fraction(1, 90_000)


@dataclass(frozen=True)
class Film:
    """What `make` writes."""

    size: tuple[int, int] = (64, 48)
    frames: int = 12
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    times: Sequence[int] = ()  # in `TICKS`; 30 a second if there are none
    audio: tuple[tuple[str, str], ...] = ()  # (encoder, language)
    layout: str = "stereo"
    sample_rate: int = 48_000
    samples: int = 960  # in a packet, if the encoder takes any number
    tags: dict[str, str] = field(default_factory=dict)
    track_tags: dict[str, str] = field(default_factory=dict)  # of the pictures' own
    chapters: bool = False
    colours: tuple[int, int, int, int] | None = None  # matrix, range, primaries, transfer
    aspect: Fraction | None = None
    subtitle: str = ""
    key_frames: int = 5  # how far they lie apart
    options: dict[str, str] = field(default_factory=dict)  # of the container

    def make(self, path: Path) -> Path:
        with av.open(str(path), "w", options=self.options) as out:
            video = self.add_video(out)
            sounds = [self._sound(out, *each) for each in self.audio]
            words: Any = out.add_mux_stream(self.subtitle) if self.subtitle else None
            out.metadata.update(self.tags)
            if self.chapters:
                halves = [(0, 500), (500, 1000)]
                tick = Fraction(1, 1000)
                out.set_chapters(
                    [
                        {"id": n, "start": a, "end": b, "time_base": tick, "metadata": {"title": f"Part {n}"}}
                        for n, (a, b) in enumerate(halves, 1)
                    ]
                )
            for number in range(self.frames):
                out.mux(video.encode(self.frame(number)))
            out.mux(video.encode(None))
            for sound in sounds:
                self._beep(out, sound)
            if words is not None:
                words.time_base = Fraction(1, 1000)
                _say(out, words)
        return path

    def frame(self, number: int) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(picture(number, self.size), format="rgb24")
        frame.pts, frame.time_base = (self.times[number] if self.times else 3000 * number), TICKS
        return frame

    def add_video(self, out: Any) -> Any:
        video = out.add_stream(self.codec, rate=30)
        video.metadata.update(self.track_tags)
        context = video.codec_context
        (context.width, context.height), context.pix_fmt = self.size, self.pixel_format
        context.time_base = video.time_base = TICKS
        context.gop_size = self.key_frames
        context.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        if self.codec != "libx265":
            del context.options["x265-params"]
        if self.codec.startswith("libvpx"):
            context.options = {"deadline": "realtime", "cpu-used": "8"}
        if self.colours is not None:
            context.colorspace, context.color_range, context.color_primaries, context.color_trc = self.colours
        if self.aspect is not None:
            context.sample_aspect_ratio = self.aspect
        return video

    def _sound(self, out: Any, codec: str, language: str) -> Any:
        sound = out.add_stream(codec, rate=self.sample_rate)
        sound.layout = self.layout
        sound.metadata["language"] = language
        return sound

    def _beep(self, out: Any, sound: Any) -> None:
        channels = sound.layout.nb_channels
        for first in range(0, self.sample_rate * self.frames // 30, self.samples):
            wave = (8000 * np.sin(np.arange(first, first + self.samples) / 8)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave.repeat(channels).reshape(1, -1), format="s16", layout=self.layout)
            frame.sample_rate, frame.pts = self.sample_rate, first
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))


def picture(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Smooth, so that compression keeps it, and different for every number."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    planes = [40 + x * 2 % 160, 40 + y * 2 % 160, np.full_like(x, 30 + 7 * number % 200)]
    return np.stack(planes, -1).astype(np.uint8)


def _say(out: Any, words: Any) -> None:
    for number, text in enumerate((b"one", b"two")):
        packet = av.Packet(text)
        packet.pts = packet.dts = 100 * number
        packet.duration, packet.time_base, packet.stream = 90, Fraction(1, 1000), words
        out.mux(packet)


def turn(path: Path, width: int) -> Path:
    """Give an MP4 the display matrix of a telephone that was held upright."""
    return show_by(path, (0, 1, -1, 0), (width, 0))


def show_by(path: Path, matrix: tuple[int, int, int, int], origin: tuple[int, int] = (0, 0)) -> Path:
    """Give an MP4 a display matrix: a, b, c, d, where (x, y) is shown at (ax + cy, bx + dy), moved by `origin`."""
    (a, b, c, d), (x, y) = matrix, origin
    fixed = [65536 * number for number in (a, b, 0, c, d, 0, x, y)]
    data = bytearray(path.read_bytes())
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *fixed, 0x40000000)
    path.write_bytes(data)
    return path


def cut(path: Path, part: float) -> Path:
    """Leave only so much of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


def spoil(path: Path, first: int, last: int | None = None) -> Path:
    """Put zeros into the packets of pictures from number `first` to before `last`, or to the end."""
    with av.open(str(path)) as film:
        places = [(packet.pos or 0, packet.size) for packet in film.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for place, size in places[first:last]:
        data[place : place + size] = bytes(size)
    path.write_bytes(data)
    return path


def move(source: Path, target: Path, seconds: Fraction) -> Path:
    """The same film, by another clock."""
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        streams = {each.index: out.add_stream_from_template(each) for each in film.streams}
        for packet in film.demux():
            if packet.pts is not None and packet.dts is not None:
                ticks = round(seconds / Fraction(packet.time_base))
                packet.pts, packet.dts, packet.stream = (
                    packet.pts + ticks,
                    packet.dts + ticks,
                    streams[packet.stream.index],
                )
                out.mux(packet)
    return target


SOUND, PICTURES = range(0xC0, 0xE0), range(0xE0, 0xF0)  # numbers of streams in a transport stream


def stamp_anew(path: Path, streams: range, change: Callable[[int, int], int]) -> Path:
    """In a transport stream: what `change` makes of (number, tick) is when a packet of `streams` is shown (ISO/IEC 13818-1, 2.4.3.6)."""
    data = bytearray(path.read_bytes())
    number = 0
    for place in range(0, len(data), 188):
        if not data[place + 1] & 0x40:  # no packet of the stream begins
            continue
        head = place + 4 + (1 + data[place + 4] if data[place + 3] & 0x20 else 0)
        if data[head : head + 3] == b"\0\0\1" and data[head + 3] in streams:
            stamp = int.from_bytes(data[head + 9 : head + 14], "big")
            ticks = (stamp >> 3 & 7 << 30) | (stamp >> 2 & 0x7FFF << 15) | (stamp >> 1 & 0x7FFF)
            ticks, number = change(number, ticks), number + 1
            stamp = (stamp >> 36 << 36) | (ticks >> 30) << 33 | (ticks >> 15 & 0x7FFF) << 17 | (ticks & 0x7FFF) << 1
            data[head + 9 : head + 14] = (stamp | 1 << 32 | 1 << 16 | 1).to_bytes(5, "big")
    path.write_bytes(data)
    return path


def pictures_of(path: Path) -> list[NDArray[np.uint8]]:
    """Decoded as any player does it."""
    with av.open(str(path)) as film:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in film.decode(video=0)]


def times_of(path: Path) -> list[Fraction]:
    with av.open(str(path)) as film:
        video = film.streams.video[0]
        return [frame.pts * Fraction(video.time_base or 1) for frame in film.decode(video) if frame.pts is not None]


def packets_of(path: Path, kind: str) -> list[list[bytes]]:
    """Of every track of a kind, the bytes of its packets."""
    with av.open(str(path)) as film:
        tracks: dict[int, list[bytes]] = {each.index: [] for each in film.streams if each.type == kind}
        for packet in film.demux():
            if packet.stream.index in tracks and packet.size:
                tracks[packet.stream.index].append(bytes(packet))
        return list(tracks.values())
