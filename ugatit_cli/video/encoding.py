"""Pictures through an encoder, and the same encoder's settings in the file that its packets end in."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av

from ..errors import OutputError, UsageError
from .colours import Colours, tag
from .encoders import Encoder
from .faults import encoding
from .frames import Pixels
from .scaling import EXACT, Scaler
from .segments import Record


@dataclass(frozen=True)
class Stream:
    """A video stream to be written.

    Attributes:
        options: for the encoder.
        width, height: in pixels of the shape `sample_aspect`.
        rate: frames a second, on average; times are kept whatever it is.
    """

    encoder: Encoder
    options: dict[str, str]
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    sample_aspect: Fraction
    colours: Colours

    @property
    def pixel_format(self) -> str:
        odd = self.width % 2 or self.height % 2
        return "yuv444p" if self.encoder.even and odd else "yuv420p"

    def configure(self, codec: av.VideoCodecContext) -> None:
        codec.width, codec.height, codec.pix_fmt = self.width, self.height, self.pixel_format
        codec.time_base, codec.framerate = self.time_base, self.rate
        codec.sample_aspect_ratio = self.sample_aspect
        codec.options = dict(self.options)
        codec.flags |= int(av.codec.context.Flags.global_header)  # as every container that is written here wants
        tag(codec, self.colours)


class VideoEncoder:
    """Begins with a key frame; nothing of it depends on what was encoded before."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._codec, self._scaler = _new_codec(stream), Scaler()
        self._durations: dict[int, int] = {}

    def push(self, pixels: Pixels, alpha: Pixels | None, pts: int, duration: int) -> list[Record]:
        """uint8 (H, W, 3) of any size; what the encoder has finished by now. Transparent parts are white in `pixels`."""
        self._durations[pts] = duration
        frame = to_frame(pixels, self._stream, self._scaler)
        frame.pts, frame.time_base = pts, self._stream.time_base
        return self._encoded(frame)

    def finish(self) -> list[Record]:
        return self._encoded(None)

    def _encoded(self, frame: av.VideoFrame | None) -> list[Record]:
        with encoding(self._stream.encoder.name):
            return [self._record(packet) for packet in self._codec.encode(frame)]

    def _record(self, packet: av.Packet) -> Record:
        """libvpx counts in ten-millionths of a second, so times in a finer clock come back rounded."""
        assert packet.pts is not None
        returned = packet.pts
        pts = min(self._durations, key=lambda waiting: abs(waiting - returned))
        return Record(pts, self._durations.pop(pts), packet.is_keyframe, bytes(packet))


def check_stream(stream: Stream) -> None:
    """Open its encoder once. Raises UsageError where that does not take pictures of this size, or so many a second."""
    text = f"{stream.encoder.name} cannot write pictures of {stream.width} x {stream.height}, {float(stream.rate):.4g} a second"
    refused = UsageError(text, hint="choose another --codec", name="codec")
    if stream.width in stream.encoder.unsafe_widths:
        raise refused
    try:
        with encoding(stream.encoder.name):
            _new_codec(stream).open()
    except OutputError as error:
        raise refused from error


def _new_codec(stream: Stream) -> av.VideoCodecContext:
    codec = av.CodecContext.create(stream.encoder.name, "w")
    assert isinstance(codec, av.VideoCodecContext)
    stream.configure(codec)
    return codec


def to_frame(pixels: Pixels, stream: Stream, scaler: Scaler) -> av.VideoFrame:
    """RGB as the stream wants it: size, matrix, range."""
    colours = stream.colours
    return scaler(
        av.VideoFrame.from_ndarray(pixels, format="rgb24"),
        stream.width,
        stream.height,
        format=stream.pixel_format,
        dst_colorspace=colours.scaler_matrix(stream.height),
        dst_color_range=colours.scaler_range,
        interpolation=EXACT,
    )
