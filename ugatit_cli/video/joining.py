"""Finished segments become one film, without encoding anything again; sound, subtitles, chapters and tags come last."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import av

from .encoding import Stream
from .faults import writing
from .reading import open_container
from .segments import read_records, read_times
from .sniffing import sniff
from .tracks import add_tracks, own_tags_left_out
from .window import Window, fine, in_fine

QUICKTIME: Final = frozenset({"mp4", "mov"})


@dataclass(frozen=True)
class Companion:
    """The source, where it is a video file: what lies beside its pictures comes along.

    Attributes:
        path: None where nothing lies beside them.
        sound: whether its sound is wanted.
    """

    path: Path | None
    sound: bool
    window: Window


@dataclass(frozen=True)
class Joined:
    """What was written beside the pictures.

    Attributes:
        packets: of each track of sound or subtitles, in their order.
        notes: what the user should know, a plain sentence each.
    """

    packets: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def join(part: Path, container: str, stream: Stream, segments: Sequence[Path], beside: Companion) -> Joined:
    """Write the film to `part`; FFmpeg calls the kind of file `container`.

    Raises:
        OutputError, ResourceError: it cannot be written.
    """
    options = {"movie_timescale": str(fine(stream.time_base).denominator)} if container in QUICKTIME else {}
    with writing(part), av.open(str(part), "w", format=container, options=options) as out:
        video: Any = out.add_stream(stream.encoder.name, rate=stream.rate)
        stream.configure(video.codec_context)
        video.time_base = stream.time_base
        pictures = _video_packets(video, stream, segments, beside.window)
        if container in QUICKTIME:
            pictures = _ending_in_time(pictures, segments, stream, beside.window)
        if beside.path is None:
            out.start_encoding()
            for _, packet in pictures:
                out.mux(packet)
            return Joined()
        with open_container(beside.path, sniff(beside.path)[0]) as source:
            tracks = add_tracks(source, out, sound=beside.sound)
            out.metadata.update(own_tags_left_out(source.metadata))
            out.set_chapters(_chapters(source, beside.window))
            out.start_encoding()
            for _, packet in heapq.merge(pictures, tracks.packets(source, beside.window), key=lambda item: item[0]):
                out.mux(packet)
            return Joined(tracks.counts(), tuple(tracks.notes))


def _chapters(source: av.container.InputContainer, window: Window) -> list[Any]:
    kept = []
    for chapter in source.chapters():
        base = Fraction(chapter["time_base"] or Fraction(1, av.time_base))
        if chapter["end"] * base > window.start and window.holds(chapter["start"], base):
            start = max(0, chapter["start"] - window.offset(base))
            end = chapter["end"] if window.end is None else min(chapter["end"], round(window.end / base))
            kept.append({**chapter, "start": start, "end": end - window.offset(base)})
    return kept


def _video_packets(
    target: Any, stream: Stream, segments: Sequence[Path], window: Window
) -> Iterator[tuple[Fraction, av.Packet]]:
    """Every record as a packet. An encoder only knows its own segment, so times of decoding are made anew here."""
    base = stream.time_base
    reordered = max(map(_reordered, segments))
    step = max(1, round(1 / (stream.rate * stream.time_base)))
    decoding = _decoding_times(segments, reordered, step)
    for segment in segments:
        for record, dts in zip(read_records(segment), decoding, strict=False):
            packet = av.Packet(record.data)
            packet.pts, packet.dts = window.moved(record.pts, base), window.moved(dts, base)
            packet.duration = in_fine(record.duration, base)
            packet.is_keyframe = record.is_key
            packet.time_base = fine(base)
            packet.stream = target
            yield packet.dts * fine(base), packet


def _ending_in_time(
    pictures: Iterable[tuple[Fraction, av.Packet]], segments: Sequence[Path], stream: Stream, window: Window
) -> Iterator[tuple[Fraction, av.Packet]]:
    """With the last packet as long as it takes for the film to be as long as its pictures are shown.

    QuickTime's boxes only say how far apart packets are decoded, and the last one to be decoded is mostly not the last one shown.
    """
    shown = max(read_records(segments[-1]), key=lambda record: record.pts)
    end = window.moved(shown.pts + shown.duration, stream.time_base)
    ahead: int | None = None
    for item, following in pairwise(chain(pictures, [None])):
        assert item is not None
        _, packet = item
        assert packet.pts is not None and packet.dts is not None
        ahead = packet.pts - packet.dts if ahead is None else ahead
        if following is None:
            packet.duration = max(1, min(end - packet.pts, end - ahead - packet.dts))
        yield item


def _reordered(segment: Path) -> int:
    """By how many places the encoder sends pictures ahead of those that are shown before them."""
    times = read_times(segment)
    shown = {pts: place for place, pts in enumerate(sorted(times))}
    return max((place - shown[pts] for place, pts in enumerate(times)), default=0)


def _decoding_times(segments: Iterable[Path], reordered: int, step: int) -> Iterator[int]:
    """The times of showing, in order, `reordered` places late: always rising, and never after the picture's own."""
    waiting: deque[int] = deque()
    for segment in segments:
        times = sorted(read_times(segment))
        if not waiting and times:
            waiting.extend(times[0] - step * place for place in range(reordered, 0, -1))
        for pts in times:
            waiting.append(pts)
            yield waiting.popleft()
