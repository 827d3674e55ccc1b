"""Times of an AVI's frames: it says when a packet is decoded, not when its frame is shown."""

from __future__ import annotations

from collections import deque
from typing import Any

import av


class AviDecoder:
    """Frames leave the decoder in the order in which they are shown, so they take the packets' times in theirs."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._context = stream.codec_context
        self._times: deque[int] = deque()

    def decode(self, packet: av.Packet[Any]) -> list[av.VideoFrame]:
        """The frames that are complete with `packet`. Raises av.FFmpegError."""
        while len(self._times) > self._context.reorder_depth:  # more than frames that can wait: one never came
            self._times.popleft()
        if packet.dts is not None and packet.size:
            self._times.append(packet.dts)
        frames = packet.decode()
        for frame in frames:
            frame.pts = self._times.popleft() if self._times else None
        return frames
