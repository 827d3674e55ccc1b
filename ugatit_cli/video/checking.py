"""A finished film is read again before it gets its name: every picture at its time, everything else that was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from ..errors import OutputError
from .encoding import Stream
from .joining import DEMUXERS, Joined
from .reading import open_container
from .segments import read_times
from .tracks import TIMED

MATROSKA_TICK: Final = Fraction(1, 1000)


def check_video(part: Path, container: str, stream: Stream, segments: Sequence[Path], joined: Joined) -> None:
    """Raises OutputError where what is on the disk is not what was meant."""
    try:
        with open_container(part, DEMUXERS[container]) as film:
            _check_pictures(film, stream, segments)
        with open_container(part, DEMUXERS[container]) as film:
            _check_tracks(film, joined.tracks)
    except (av.FFmpegError, LookupError) as error:
        raise _wrong(f"cannot be read again ({error})") from error


def _check_pictures(film: av.container.InputContainer, stream: Stream, segments: Sequence[Path]) -> None:
    """Times to the tick, or to half of Matroska's, which is a millisecond whatever the source's was."""
    video = film.streams.video[0]
    assert video.time_base is not None
    tolerance = MATROSKA_TICK / 2 if Fraction(video.time_base) == MATROSKA_TICK else Fraction(0)
    begun: Fraction | None = None
    wanted = _times(segments)
    for packet in film.demux(video):
        if packet.pts is None:
            continue
        pts = next(wanted, None)
        if pts is None:
            raise _wrong("has more frames than were made")
        shift = packet.pts * Fraction(video.time_base) - pts * stream.time_base
        begun = shift if begun is None else begun
        if abs(shift - begun) > 2 * tolerance:
            raise _wrong(f"shows a frame {float(abs(shift - begun)):.4f} s beside its time")
    if next(wanted, None) is not None:
        raise _wrong("has fewer frames than were made")
    film.seek(0)
    first = next(film.decode(video))
    if (first.width, first.height) != (stream.width, stream.height):
        raise _wrong(f"shows {first.width} x {first.height} pixels")


def _times(segments: Sequence[Path]) -> Iterator[int]:
    for segment in segments:
        yield from read_times(segment)


def _check_tracks(film: av.container.InputContainer, written: Sequence[tuple[int, int]]) -> None:
    """As many packets as were written, or as many bytes: QuickTime divides PCM into packets of its own.

    Subtitles can have more, since MP4 fills the pauses.
    """
    there: list[Any] = [each for each in film.streams if each.type in TIMED]
    if len(there) != len(written):
        raise _wrong(f"has {len(there)} tracks beside the pictures, not {len(written)}")
    packets = dict.fromkeys((each.index for each in there), 0)
    sizes = packets.copy()
    for packet in film.demux(there) if there else ():
        packets[packet.stream.index] += packet.size > 0
        sizes[packet.stream.index] += packet.size
    for (wanted, size), each in zip(written, there, strict=True):
        if packets[each.index] < wanted and sizes[each.index] < size:
            raise _wrong(f"has lost {wanted - packets[each.index]} packets of track {each.index}")


def _wrong(what: str) -> OutputError:
    hint = "run it again with --no-resume; if that does not help, choose mkv"
    return OutputError(f"the finished film {what}", hint=hint, name="video-check")
