"""Sound that a container cannot hold as it is, encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import av
import numpy as np

REENCODED_AS: Final = {"mp4": "aac", "mov": "aac", "matroska": "libopus", "webm": "libopus"}
LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""By how many channels there are: a file may not say where its loudspeakers stand, and encoders take only these."""

USUAL_RATE: Final = 48_000
USUAL_CHANNELS: Final = 2
FLOATS: Final = {"flt": "f4", "fltp": "f4", "dbl": "f8", "dblp": "f8"}  # FFmpeg's formats as NumPy calls them
LOUDEST: Final = 1000  # times full scale: what is far louder is no sound, and encoders refuse it


class SoundEncoder:
    """Frames, whatever their format, as packets of `stream`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[object, ...] = ()

    def encode(self, frame: av.AudioFrame) -> Iterator[av.Packet]:
        """The format may change on the way, as it does in television: each goes through a resampler of its own."""
        _make_finite(frame)
        found = frame.format.name, frame.layout.name, frame.sample_rate
        if self._resampler is None or found != self._format:
            yield from self._flushed()
            context = self._stream.codec_context
            self._resampler = av.AudioResampler(context.format, context.layout, context.sample_rate)
            self._format = found
        for resampled in self._resampler.resample(frame):
            yield from self._stream.encode(resampled)

    def end(self) -> Iterator[av.Packet]:
        yield from self._flushed()
        yield from self._stream.encode(None)

    def _flushed(self) -> Iterator[av.Packet]:
        waiting = [] if self._resampler is None else self._resampler.resample(None)
        for frame in filter(None, waiting):
            yield from self._stream.encode(frame)


def add_sound(out: av.container.OutputContainer, heard: av.AudioCodecContext) -> Any:
    """A stream for what `heard` decodes, in the codec that `out` is known for."""
    codec = av.Codec(REENCODED_AS[out.format.name], "w")
    rates = codec.audio_rates or []
    least = heard.sample_rate or USUAL_RATE
    stream: Any = out.add_stream(codec.name, rate=min((rate for rate in rates if rate >= least), default=max(rates)))
    channels = heard.layout.nb_channels or USUAL_CHANNELS
    stream.codec_context.layout = LAYOUTS.get(channels, LAYOUTS[max(LAYOUTS)])
    return stream


def _make_finite(frame: av.AudioFrame) -> None:
    """Samples that are no numbers, as damaged files have them, become silence."""
    if frame.format.name not in FLOATS:
        return
    for plane in frame.planes:
        samples = np.frombuffer(memoryview(plane), FLOATS[frame.format.name])
        np.nan_to_num(samples, copy=False, posinf=0, neginf=0)
        np.clip(samples, -LOUDEST, LOUDEST, out=samples)
