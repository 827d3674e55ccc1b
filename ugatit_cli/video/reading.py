"""Frames of a video file: upright, in square pixels, with their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

import av
import numpy as np

from ..errors import BadInputError
from ..images.limits import check_size
from .colours import FULL, HDR_TRANSFERS, Colours, colours_of
from .decoding import Decoder
from .display_matrix import as_shown, is_turned
from .faults import explaining
from .frames import Facts, Frame, Pixels
from .scaling import EXACT, SHRINKING, Scaler
from .sniffing import sniff
from .structure import ends_early
from .timestamps import PART, PictureClock

OPTIONS: Final = {"protocol_whitelist": "file"}  # a file may name others, even addresses: they are not followed
DEFAULT_RATE: Final = Fraction(25)


def open_container(path: Path, demuxer: str) -> av.container.InputContainer:
    """`file:` keeps FFmpeg from taking a colon in the name for a protocol."""
    return av.open(f"file:{path}", format=demuxer, options=dict(OPTIONS), metadata_errors="replace")


class _Astray(Exception):
    """A file's index leads behind the frame that was looked for, or nowhere."""


class VideoSource:
    """The `Source` contract over a video file."""

    def __init__(self, path: Path) -> None:
        """Raises UgatitError where no frame can be had of it."""
        self.path = path
        self.exact = True
        self.ends_early = False
        self._scaler = Scaler()
        with explaining(str(path)):
            self._demuxer, animation = sniff(path)
            assert animation is None
            self._is_cut = ends_early(path, self._demuxer)
            self.facts = self._probe()

    def shrink(self, width: int, height: int) -> None:
        """Give frames only in this size, upright: most of the work of reading is about pixels that nobody needs."""
        self._coded_size = (height, width) if self._turned else (width, height)

    def frames(self, start: int | None = None, *, from_the_beginning: bool = False) -> Iterator[Frame]:
        with explaining(str(self.path)):
            if start is None or from_the_beginning:
                yield from self._decoded(start)
            else:
                yield from self._sought(start)

    def _sought(self, start: int) -> Iterator[Frame]:
        """From the key frame before `start`; from the beginning where the file's index leads elsewhere."""
        try:
            yield from self._decoded(start, seek=True)
        except _Astray:
            yield from self._decoded(start)

    def _decoded(self, start: int | None, *, seek: bool = False) -> Iterator[Frame]:
        """Frames from `start` on, each shown until the next one begins. After a seek, raises _Astray before the first one."""
        with open_container(self.path, self._demuxer) as container:
            stream = choose_film(container)
            decoder = Decoder(container, stream)
            pictures: Iterable[tuple[av.VideoFrame, int]] = decoder.pictures()
            if seek and start is not None:
                with suppress(av.FFmpegError, OverflowError):  # then the first picture tells
                    container.seek(start, stream=stream)
                pictures = _begun_by(start, pictures)
            held: Frame | None = None
            for frame in self._timed(pictures, start):
                if held is not None:
                    yield replace(held, duration=frame.pts - held.pts)
                held = frame
            is_short = self._is_cut or decoder.lost > 0
            if held is not None:
                end = (stream.start_time or 0) + (stream.duration or 0)  # what the last one's packet says can be wrong
                is_there = end > held.pts and self.exact and not is_short
                held = replace(held, damaged=held.damaged + decoder.damaged)
                yield replace(held, duration=end - held.pts) if is_there else held
            self.ends_early = is_short

    def _timed(self, pictures: Iterable[tuple[av.VideoFrame, int]], start: int | None) -> Iterator[Frame]:
        """Frames from `start` on; their times are mended where they are missing, wrong or go backwards."""
        base = self.facts.time_base
        clock = PictureClock(max(1, round(1 / (self.facts.rate * base))), PART / base)
        for (picture, damaged), following in pairwise(chain(pictures, [(None, 0)])):
            assert picture is not None
            pts = clock.time_of(picture.pts, None if following[0] is None else following[0].pts)
            self.exact = self.exact and clock.exact and not damaged
            if start is None or pts >= start:
                yield Frame(self._pixels(picture), pts, picture.duration or clock.step, damaged=damaged)

    def _pixels(self, frame: av.VideoFrame) -> Pixels:
        return upright(frame, self._coded_size, self.facts.colours, self._scaler)

    def _probe(self) -> Facts:
        with open_container(self.path, self._demuxer) as container:
            stream = choose_film(container)
            first, _ = next(Decoder(container, stream).pictures(), (None, 0))
            if first is None:
                raise BadInputError("no frame of it can be decoded", hint="copy it again", name="video-damaged")
            check_size(first.width, first.height)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            aspect = Fraction(aspect) if 0 < aspect <= 16 else Fraction(1)
            turned = is_turned(first)
            coded = first.width, first.height
            width, height = reversed(coded) if turned else coded
            self._turned = turned
            self._coded_size = (max(1, round(coded[0] * aspect)), coded[1])
            rate = Fraction(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
            assert stream.time_base is not None
            return Facts(
                width,
                height,
                Fraction(stream.time_base),
                rate,
                _count(container, stream, rate, self.path.stat().st_size),
                sample_aspect=1 / aspect if turned else aspect,
                colours=colours_of(first),
                zero=_zero(container, first),
                notes=tuple(_notes(first, stream)),
            )


def _begun_by(start: int, pictures: Iterable[tuple[av.VideoFrame, int]]) -> Iterator[tuple[av.VideoFrame, int]]:
    """All of them, if there is one and it is shown at `start` or before; else raises _Astray."""
    found = iter(pictures)
    first = next(found, None)
    if first is None or first[0].pts is None or first[0].pts > start:
        raise _Astray
    yield first
    yield from found


def upright(frame: av.VideoFrame, size: tuple[int, int], colours: Colours, scaler: Scaler) -> Pixels:
    """uint8 (H, W, 3): the frame scaled to `size` (width, height), then turned and mirrored as its display matrix says."""
    rgb = scaler(
        frame,
        *size,
        format="rgb24",
        src_colorspace=colours.scaler_matrix(frame.height),
        src_color_range=FULL if frame.format.name.startswith("yuvj") else colours.scaler_range,
        interpolation=SHRINKING if size[0] < frame.width else EXACT,
    )
    return as_shown(np.asarray(rgb.to_ndarray(), np.uint8), frame)


def choose_film(container: av.container.InputContainer) -> av.VideoStream:
    """The film itself: no cover picture; of several, the one that players take."""
    films = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not films:
        what = "there is only audio in it" if container.streams.audio else "there is no video in it"
        raise BadInputError(what, name="video-none")
    return next((s for s in films if s.disposition & av.stream.Disposition.default), films[0])


def _count(container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction, size: int) -> int | None:
    """How many frames the file promises, if that can be true."""
    seconds: Fraction | None = None
    if stream.duration and stream.time_base:
        seconds = stream.duration * Fraction(stream.time_base)
    elif container.duration:
        seconds = Fraction(container.duration, av.time_base)
    count = stream.frames or (round(seconds * rate) if seconds else 0)
    return count if 0 < count <= size else None  # a frame takes a byte at least


def _zero(container: av.container.InputContainer, first: av.VideoFrame) -> Fraction:
    """When its pictures or its sound begin: a recording of television goes by the station's clock, and begins before zero
    where that wraps soon."""
    begun = [Fraction(first.pts or 0) * Fraction(first.time_base or 1)]
    begun += [s.start_time * Fraction(s.time_base or 1) for s in container.streams.audio if s.start_time is not None]
    return min(begun) if begun[0] < 0 else max(Fraction(0), min(begun))


def _notes(frame: av.VideoFrame, stream: av.VideoStream) -> Iterator[str]:
    bits = frame.format.components[0].bits
    if bits > 8:
        yield f"its {bits} bits a colour become 8"
    transfer = HDR_TRANSFERS.get(int(frame.color_trc))
    if transfer:
        yield f"it is HDR ({transfer}): its colours are translated as they are, without tone mapping"
    if stream.metadata.get("alpha_mode") == "1" or any(component.is_alpha for component in frame.format.components):
        yield "its transparency is not kept"
    if frame.interlaced_frame:
        yield "it is interlaced: frames are translated as they are"
