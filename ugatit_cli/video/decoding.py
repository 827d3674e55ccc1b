"""Pictures out of packets, of which some may be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av

from .avi import AviDecoder

MOST_LOST: Final = (
    1000  # damaged packets before any picture, after which it is no video: reading all of it would take long
)


class Decoder:
    """All pictures of a stream, in the order in which they are shown.

    Attributes:
        damaged: packets that could not be decoded since the last picture.
        lost: packets that could not be decoded since the last that could; at the end, the film is short of them.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.damaged = self.lost = 0
        self._packets = container.demux(stream)
        self._decode = AviDecoder(stream).decode if container.format.name == "avi" else av.Packet.decode

    def pictures(self) -> Iterator[tuple[av.VideoFrame, int]]:
        """Each with how many damaged packets were met since the one before, its own included."""
        has_begun = False
        while has_begun or self.lost < MOST_LOST:
            try:
                packet = next(self._packets, None)
                frames = [] if packet is None else self._decode(packet)
            except (av.error.InvalidDataError, av.error.UnknownError, EOFError):
                self.damaged, self.lost = self.damaged + 1, self.lost + 1
                continue
            if packet is None:
                return
            if frames and packet.size:  # in the empty packet at the end, those come that waited
                self.lost = 0
            for frame in frames:
                damaged, self.damaged, has_begun = self.damaged + frame.is_corrupt, 0, True
                yield frame, damaged
