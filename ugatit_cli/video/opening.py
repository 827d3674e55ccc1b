"""Any film: a video file, an animated picture, or a folder of numbered ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from .faults import explaining
from .frames import Source
from .sniffing import sniff


def open_source(path: Path, rate: Fraction | None = None) -> Source:
    """`rate` is how many pictures of a folder make a second.

    Raises:
        UsageError: nothing is there.
        BadInputError, RefusedError: it is no film, damaged, or would lead elsewhere.
    """
    if path.is_dir():
        from .numbered import NumberedSource

        return NumberedSource(path, rate)
    with explaining(str(path)):
        _, animation = sniff(path)
    if animation is not None:
        from .animated import AnimatedSource

        return AnimatedSource(path, animation)
    from .reading import VideoSource

    return VideoSource(path)
