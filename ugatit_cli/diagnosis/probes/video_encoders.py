"""PyAV: a few frames through each encoder, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from time import perf_counter
from typing import Any

SIDE = 256  # hardware refuses much smaller ones
FRAMES = 4
FAST = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "log-level": "none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libaom-av1": {"usage": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}


def answers(*encoders: str) -> Iterator[dict[str, Any]]:
    import av

    there = [name for name in encoders if name in av.codecs_available]
    yield {"version": av.__version__, "there": there}
    for name in there:
        yield {"begun": name}
        begun = perf_counter()
        try:
            size = _encode(name)
        except (av.FFmpegError, ValueError) as error:
            yield {"encoder": name, "fault": str(error) or type(error).__name__}
            continue
        yield {"encoder": name, "bytes": size, "ms": round(1000 * (perf_counter() - begun))}


def _encode(name: str) -> int:
    """The size of the encoded frames; raises ValueError where some are missing."""
    import av
    import numpy as np

    codec = av.CodecContext.create(name, "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = SIDE, SIDE, _pixel_format(codec)
    codec.time_base, codec.framerate = Fraction(1, 25), Fraction(25)
    codec.options = FAST.get(name, {})
    packets = []
    for number in range(FRAMES):
        levels = np.full((SIDE, SIDE, 3), 60 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(levels, "rgb24").reformat(format=codec.pix_fmt)
        frame.pts, frame.time_base = number, codec.time_base
        packets += codec.encode(frame)
    packets += codec.encode(None)
    if len(packets) != FRAMES:
        raise ValueError(f"{FRAMES} frames went in and {len(packets)} came out")
    return sum(packet.size for packet in packets)


def _pixel_format(codec: Any) -> str:
    """The one that every player knows, where the encoder takes it."""
    known = [each.name for each in codec.codec.video_formats or []]
    return known[0] if known and "yuv420p" not in known else "yuv420p"
