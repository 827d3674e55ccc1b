"""Finished segments become one film, without encoding anything again; sound, subtitles, chapters and tags come last."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import av

from .encoding import Stream
from .faults import writing
from .reading import choose_film, open_container
from .segments import read_records, read_times
from .sniffing import sniff
from .tracks import QUICKTIME, add_tracks, own_tags_left_out, track_tags
from .window import Window, fine, in_fine

DEMUXERS: Final = {"mp4": "mov", "mov": "mov", "matroska": "matroska", "webm": "matroska"}
APPLE: Final = "com.apple.quicktime."


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
        tracks: (packets, bytes) of each track of sound or subtitles, in their order.
        notes: what the user should know, a plain sentence each.
    """

    tracks: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()


def join(
    part: Path, target: Path, container: str, stream: Stream, segments: Sequence[Path], beside: Companion
) -> Joined:
    """Write the film to `part`, which becomes `target`; FFmpeg calls the kind of file `container`.

    Raises:
        OutputError, ResourceError: it cannot be written.
    """
    options = {"movie_timescale": str(fine(stream.time_base).denominator)} if container in QUICKTIME else {}
    with writing(target), av.open(f"file:{part}", "w", format=container, options=options) as out:
        video: Any = out.add_stream(stream.encoder.name, rate=stream.rate)
        stream.configure(video.codec_context)
        video.time_base = stream.time_base
        if container in QUICKTIME and video.codec_context.codec.canonical_name == "hevc":
            video.codec_context.codec_tag = "hvc1"  # Apple's players take no other
        pictures = _video_packets(video, stream, segments, beside.window)
        if container in QUICKTIME:
            pictures = _ending_in_time(pictures, segments, stream, beside.window)
        if beside.path is None:
            out.start_encoding()
            for _, packet in pictures:
                out.mux(packet)
            return Joined()
        joined, tags = _join_beside(out, pictures, beside.path, beside)
    return replace(joined, notes=(*joined.notes, *_lost_tags(part, container, tags)))


def _join_beside(
    out: av.container.OutputContainer, pictures: Iterable[tuple[Fraction, av.Packet]], path: Path, beside: Companion
) -> tuple[Joined, Collection[str]]:
    """All that `out` will hold; and what the film's tags are called."""
    demuxer = sniff(path)[0]
    with open_container(path, demuxer) as source, open_container(path, demuxer) as again:
        tracks = add_tracks(source, again, out, sound=beside.sound)
        tags = own_tags_left_out(source.metadata)
        if any(name.startswith(APPLE) for name in tags) and out.format.name in QUICKTIME:
            # the form that telephones write, in which any name is possible
            out.options["movflags"] = "use_metadata_tags"
        out.metadata.update(tags)
        out.streams.video[0].metadata.update(_film_tags(choose_film(source), out.format.name))
        out.set_chapters(_chapters(source, beside.window))
        out.start_encoding()
        for _, packet in heapq.merge(pictures, tracks.packets(source, beside.window), key=lambda item: item[0]):
            out.mux(packet)
        return Joined(tracks.counts(), tuple(tracks.notes)), tags


def _film_tags(film: av.VideoStream, container: str) -> dict[str, str]:
    """Of the pictures' own track. A timecode would become a track, and tell of a clock that only all the film's frames keep."""
    return {name: text for name, text in track_tags(film.metadata, container).items() if name != "timecode"}


def _lost_tags(part: Path, container: str, tags: Collection[str]) -> list[str]:
    """Found out by reading: which names a container has a place for is not written down anywhere else."""
    with open_container(part, DEMUXERS[container]) as film:
        there = {name.lower() for name in film.metadata}
    lost = ", ".join(name for name in tags if name.lower() not in there)
    return [f"tags that {container} cannot hold are left out: {lost}"] if lost else []


def _chapters(source: av.container.InputContainer, window: Window) -> list[Any]:
    kept = []
    for chapter in source.chapters():
        base = Fraction(chapter["time_base"] or Fraction(1, av.time_base))
        if not window.is_over(chapter["end"], base) and window.holds(chapter["start"], base):
            start, last = max(0, chapter["start"] - window.offset(base)), window.last(base)
            end = chapter["end"] if last is None else min(chapter["end"], last)
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
            packet.dts = max(packet.dts, end - ahead - packet.duration)  # programs take its end for the film's
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
