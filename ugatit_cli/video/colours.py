"""How a video writes colours down: matrix, range, primaries and transfer, kept from the source to the result.

The numbers are those of ITU-T H.273, which FFmpeg uses too; 2 is "unspecified" (0 for the range).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import av

UNSPECIFIED: Final = 2
BT709, BT470BG, SMPTE170M, SMPTE240M, BT2020 = 1, 5, 6, 7, 9  # matrices
LIMITED, FULL = 1, 2  # ranges
HIGH_DEFINITION: Final = 720  # lines, from which on players take an unspecified matrix to be BT.709
HDR_TRANSFERS: Final = {16: "PQ", 18: "HLG"}

# FFmpeg's scaler has numbers of its own
_SCALER: Final = {BT709: 1, BT470BG: 5, SMPTE170M: 5, SMPTE240M: 7, BT2020: 9, 10: 9, 4: 4}


@dataclass(frozen=True)
class Colours:
    """Tags as they stand in the stream."""

    matrix: int = UNSPECIFIED
    range: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    def scaler_matrix(self, height: int) -> int:
        """The matrix in the scaler's numbers; where it is unspecified, the one that players take."""
        usual = BT709 if height >= HIGH_DEFINITION else SMPTE170M
        return _SCALER.get(self.matrix, _SCALER[usual])

    @property
    def scaler_range(self) -> int:
        return self.range or LIMITED

    @property
    def is_hdr(self) -> bool:
        return self.transfer in HDR_TRANSFERS


SRGB: Final = Colours(BT709, LIMITED, BT709, 13)
"""How pictures are written down as video."""


def colours_of(frame: av.VideoFrame) -> Colours:
    """What a decoded frame says, with the nearest matrix that the scaler knows."""
    if frame.format.is_rgb:
        return SRGB
    colour_range = FULL if frame.format.name.startswith("yuvj") else int(frame.color_range)
    matrix = int(frame.colorspace)
    if matrix not in _SCALER:
        matrix = UNSPECIFIED
    return Colours(BT2020 if matrix == 10 else matrix, colour_range, int(frame.color_primaries), int(frame.color_trc))


def tag(codec: av.VideoCodecContext, colours: Colours) -> None:
    """Have an encoder write the tags."""
    codec.colorspace, codec.color_range = colours.matrix, colours.scaler_range
    codec.color_primaries, codec.color_trc = colours.primaries, colours.transfer
