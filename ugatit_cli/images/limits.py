"""How large a picture may be, and how much work it may ask for; what is beyond is refused."""

from __future__ import annotations

from typing import Final

from ..errors import RefusedError

# 1 GiB at the 12 bytes a pixel that decoding (4), colour conversion (4) and the file itself hold at once; it is also
# where Pillow itself begins to suspect a decompression bomb.
MAX_PIXELS: Final = 2**30 // 12
MAX_SIDE: Final = 65_500  # where libjpeg ends; a picture 1 x 80 million costs 8 bytes of bookkeeping a row
MAX_BYTES: Final = 6 * MAX_PIXELS  # the largest picture, uncompressed at 16 bits a channel
MAX_SCANS: Final = 100  # encoders write about ten; each costs a pass over the whole picture
MAX_PARTS: Final = 200_000  # chunks or segments walked in one file; the largest PNG in IDAT chunks of 8 KB has 65,000
MAX_PROFILE_BYTES: Final = 4 * 2**20


def check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise too_large(f"{width} x {height} pixels, more than")


def too_large(claim: str) -> RefusedError:
    limit = f"the {MAX_PIXELS // 1_000_000} million (at most {MAX_SIDE} a side) that are allowed"
    return RefusedError(f"it claims {claim} {limit}", hint="make it smaller first", name="image-too-large")
